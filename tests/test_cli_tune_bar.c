// SPDX-License-Identifier: BSD-3-Clause
// The bar of onefold tune, on a terminal: the seconds that it says are left.
#include "tests/cli_support.h"
#include "tests/record_support.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/// Runs a line of the shell with a terminal as its standard error; what came there, to be freed.
static char *on_terminal(const char *line) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  assert_true(terminal >= 0);
  assert_int_equal(grantpt(terminal), 0);
  assert_int_equal(unlockpt(terminal), 0);
  const char *name = ptsname(terminal);
  assert_non_null(name);
  const int end = open(name, O_RDWR | O_NOCTTY); // before the child: reading ends with the last
  assert_true(end >= 0);
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    dup2(end, STDERR_FILENO);
    close(end);
    close(terminal);
    execl("/bin/sh", "sh", "-c", line, (char *)NULL);
    _exit(99);
  }
  close(end);
  char *text = NULL, part[512];
  size_t length = 0;
  for (ssize_t n; (n = read(terminal, part, sizeof part)) > 0; length += (size_t)n) {
    text = realloc(text, length + (size_t)n + 1);
    assert_non_null(text);
    memcpy(text + length, part, (size_t)n);
    text[length + (size_t)n] = '\0';
  }
  close(terminal);
  int status = 0;
  assert_int_equal(waitpid(child, &status, 0), child);
  if (!text || status) fail_msg("%s: exit %d, and \"%s\"", line, status, text ? text : "");
  return text;
}

/// The first and the most of the seconds that are left; -1: none are said.
static void seconds_left(const char *arguments, long *first, long *most) {
  char *line = NULL;
  assert_true(asprintf(&line, "'%s' %s", ONEFOLD_PROGRAM, arguments) > 0);
  char *text = on_terminal(line);
  *first = *most = -1;
  for (const char *at = text; (at = strstr(at, " s left")); at++) {
    const char *digits = at;
    while (digits > text && digits[-1] >= '0' && digits[-1] <= '9') digits--;
    const long seconds = strtol(digits, NULL, 10);
    if (*first < 0) *first = seconds;
    if (seconds > *most) *most = seconds;
  }
  free(text);
  free(line);
}

/// What is left is what the problems may have, where the budget has more.
static void test_budget(void **state) {
  (void)state;
  long first, most;
  seconds_left("tune run ic16ih9oc16oh9kh3ph1 ic16ih9oc32oh9kh1 --threads=1 --budget=600s "
               "--per-shape=20ms",
               &first, &most);
  assert_in_range(first, 0, 1);
  assert_in_range(most, 0, 1);
  seconds_left("tune run ic16ih9oc16oh9kh1 --threads=1 --budget=90s --per-shape=3600s", &first,
               &most);
  assert_in_range(most, 1, 90);
}

/// The time of the rows that are measured, which those of the default choice are not.
static void test_verify(void **state) {
  const test_place *place = *state;
  const onefold_context_options options = {.struct_size = sizeof options, .threads = 1};
  static const char *const problems[] = {"ic16ih9oc16oh9kh1", "ic16ih8oc16oh8kh1",
                                         "ic16ih7oc16oh7kh1"};
  onefold_context *context = NULL;
  assert_int_equal(onefold_context_create(&options, &context), ONEFOLD_OK);
  onefold_record *record = test_record(place->path, 0, NULL);
  for (int i = 0; i < 3; i++) {
    onefold_conv2d_desc desc;
    onefold_record_row row;
    test_ok(context, onefold_conv2d_desc_parse(context, problems[i], &desc));
    test_ok(context, onefold_record_row_init(context, NULL, &desc, ONEFOLD_WARM, &row));
    if (i) strcpy(row.tiling.algorithm, "pointwise");
    row.median_ns = row.default_ns = 1000;
    row.trials = 10;
    test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL));
  }
  onefold_record_close(record);
  onefold_context_destroy(context);
  long first, most;
  seconds_left("tune verify --dry-run --per-shape=30s", &first, &most);
  assert_int_equal(first, 60);
  assert_int_equal(most, 60);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_budget, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_verify, test_record_here, test_record_gone),
  };
  return cmocka_run_group_tests_name("the bar of onefold tune", tests, NULL, NULL);
}
