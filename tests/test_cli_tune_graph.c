// SPDX-License-Identifier: BSD-3-Clause
// onefold tune graph that is killed: what it had found is in the record.
#include "tests/cli_child.h"
#include "tests/cli_support.h"
#include "tests/record_support.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

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
  test_child child = test_child_start(
      (const char *const[]){ONEFOLD_PROGRAM, "tune", "graph", "repvgg-a0", "--size=64x64",
                            "--isa=ref", "--threads=1", "--budget=60s", "--candidates=4", NULL});
  int code = 0, found = 0, ended = 0;
  char line[512];
  while (!found && !(ended = test_child_ended(&child, &code))) {
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    found = gains(place);
  }
  if (ended) {
    assert_int_equal(code, 0);
    if (gains(place)) fail_msg("rows came at the end alone");
    fclose(child.out);
    skip(); // nothing is faster here
  }
  assert_int_equal(kill(child.id, SIGKILL), 0);
  assert_int_equal(test_child_end(&child, line), 128 + SIGKILL);
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
