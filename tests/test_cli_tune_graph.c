// SPDX-License-Identifier: BSD-3-Clause
// onefold tune graph that is killed: what it had found is in the record.
#include "tests/cli_support.h"
#include "tests/record_support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int count_gain(void *user, const onefold_record_row *row) {
  *(int *)user += row->median_ns < row->default_ns;
  return 0;
}

/// Rows of the record that are faster than the default choice.
static int gains(const test_place *place) {
  int count = 0;
  onefold_record *record = test_record(place->path, 1, NULL);
  test_record_ok(record, onefold_record_visit(record, count_gain, &count, NULL));
  onefold_record_close(record);
  return count;
}

/// The default choice does not know plain C: several of its layers there gain much.
static void test_kill(void **state) {
  const test_place *place = *state;
  const pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
    execl(ONEFOLD_PROGRAM, "onefold", "tune", "graph", "repvgg-a0", "--size=64x64", "--isa=ref",
          "--threads=1", "--budget=60s", "--candidates=4", (char *)NULL);
    _exit(99);
  }
  int status = 0, found = 0;
  pid_t ended = 0;
  while (!found && !(ended = waitpid(child, &status, WNOHANG))) {
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    found = gains(place);
  }
  if (ended) {
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (gains(place)) fail_msg("rows came at the end alone");
    skip(); // nothing is faster here
  }
  assert_int_equal(kill(child, SIGKILL), 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFSIGNALED(status));
  test_warnings warnings;
  onefold_record_close(test_record(place->path, 0, &warnings));
  assert_int_equal(warnings.count, 0);
  assert_true(gains(place) >= 1);
  test_expect_words("tune show --situation=in_place", "rows of ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_kill, test_record_here, test_record_gone),
  };
  return cmocka_run_group_tests_name("tune graph", tests, NULL, NULL);
}
