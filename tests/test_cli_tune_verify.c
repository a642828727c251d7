// SPDX-License-Identifier: BSD-3-Clause
// onefold tune verify: rows that hold, rows that do not, and those that it leaves alone.
#include "tests/cli_child.h"
#include "tests/cli_support.h"
#include "tests/record_support.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

/// A row of a level of this machine, whose tiling is given.
static void put_row(const char *path, const onefold_context_options *options, const char *problem,
                    const char *algorithm, int32_t threads, uint64_t other_kernels) {
  onefold_context *context = NULL;
  onefold_conv2d_desc desc;
  onefold_record_row row;
  assert_int_equal(onefold_context_create(options, &context), ONEFOLD_OK);
  test_ok(context, onefold_conv2d_desc_parse(context, problem, &desc));
  test_ok(context, onefold_record_row_init(context, NULL, &desc, ONEFOLD_WARM, &row));
  row.key.threads = threads;
  snprintf(row.tiling.algorithm, sizeof row.tiling.algorithm, "%s", algorithm);
  if (*algorithm) row.tiling.threads = 1;
  row.median_ns = 1000;
  row.default_ns = 2000;
  row.trials = 10;
  row.kernels += other_kernels;
  onefold_record *record = test_record(path, 0, NULL);
  test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL));
  onefold_record_close(record);
  onefold_context_destroy(context);
}

static void put(const char *path, const char *algorithm, uint64_t other_kernels) {
  const onefold_context_options options = {.struct_size = sizeof options, .threads = 1};
  put_row(path, &options, "ic16ih30oc16oh30kh1", algorithm, 1, other_kernels);
}

/// A tiling that comes to the default plan is no gain; the default choice itself holds as long as
/// the kernels are those that it was measured with.
static void test_verify(void **state) {
  const test_place *place = *state;
  put(place->path, "pointwise", 0);
  test_expect_words("bench conv ic16ih30oc16oh30kh1 --benchmark_min_time=0.001",
                    "tiling from record");
  test_expect_words("bench conv ic16ih30oc16oh30kh1 --benchmark_min_time=0.001 --no-record",
                    "tiling from default");
  test_expect_words("tune verify --dry-run --per-shape=20ms", "0 rows hold, 1 would be removed");
  test_expect_words("tune verify --per-shape=20ms", "0 rows hold, 1 removed");
  test_expect_words("tune show", "0 rows of");
  put(place->path, "", 0);
  test_expect_words("tune verify", "1 rows hold, 0 removed");
  put(place->path, "", 1);
  json_t *root = test_report("tune verify --json");
  test_expect_number(root, "dropped", 1);
  json_decref(root);
}

/// Rows in place and of other machines are not measured, which is told.
static void test_verify_tells(void **state) {
  const test_place *place = *state;
  put(place->path, "", 0);
  onefold_record *record = test_record(place->path, 0, NULL);
  onefold_context *context = NULL;
  const onefold_context_options options = {.struct_size = sizeof options, .threads = 1};
  onefold_conv2d_desc desc;
  onefold_record_row row;
  assert_int_equal(onefold_context_create(&options, &context), ONEFOLD_OK);
  test_ok(context, onefold_conv2d_desc_parse(context, "ic16ih30oc16oh30kh1", &desc));
  for (int i = 0; i < 3; i++) {
    const onefold_situation situation = i ? ONEFOLD_WARM : ONEFOLD_IN_PLACE;
    test_ok(context,
            onefold_record_row_init(context, i ? &test_machine : NULL, &desc, situation, &row));
    if (i == 2) row.key.situation = ONEFOLD_IN_PLACE;
    row.median_ns = row.default_ns = 1000;
    row.trials = 10;
    test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL));
  }
  onefold_record_close(record);
  onefold_context_destroy(context);
  test_expect_words("tune verify", "1 rows hold, 0 removed; 1 measured in place are left as they "
                                   "are: tune graph measures them; 2 of other machines are left");
  json_t *root = test_report("tune verify --json");
  test_expect_number(root, "held", 1);
  test_expect_number(root, "in_place", 1);
  test_expect_number(root, "elsewhere", 2);
  json_decref(root);
}

/// What cannot be measured here, or not for want of time, is no reason to remove a row.
static void test_verify_keeps(void **state) {
  const test_place *place = *state;
  const onefold_context_options options = {.struct_size = sizeof options, .threads = 1};
  onefold_machine machine;
  assert_int_equal(onefold_machine_query(&machine), ONEFOLD_OK);
  put_row(place->path, &options, "ic16ih30oc16oh30kh1", "pointwise", machine.usable_cores + 1, 0);
  test_expect_words("tune verify --per-shape=20ms",
                    "0 rows hold, 0 removed; 1 are left as they are: they want more than the ");
  put(place->path, "direct", 0); // is not looked at in a microsecond
  test_expect_words("tune verify --threads=1 --per-shape=0.001ms",
                    "0 rows hold, 0 removed; 1 are left as they are: neither that they gain");
  json_t *root = test_report("tune verify --per-shape=0.001ms --json");
  test_expect_number(root, "dropped", 0);
  test_expect_number(root, "unclear", 1);
  test_expect_number(root, "beyond", 1);
  json_decref(root);
  test_expect_words("tune show", "2 rows of");
}

/// SIGINT while a row is measured: what was removed before is told, and the exit code tells.
static void test_interrupt(void **state) {
  const test_place *place = *state;
  const onefold_context_options options = {
      .struct_size = sizeof options, .threads = 1, .has_max_isa = 1, .max_isa = ONEFOLD_ISA_REF};
  put_row(place->path, &options, "ic16ih30oc16oh30kh1", "", 1, 1);
  put_row(place->path, &options, "ic64ih112oc64oh112kh3ph1", "winograd2", 1, 0);
  int code = 0, rows = 2;
  test_child child = test_child_start(
      (const char *const[]){ONEFOLD_PROGRAM, "tune", "verify", "--json", "--per-shape=900s", NULL});
  while (rows == 2) {
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_false(test_child_ended(&child, &code));
    onefold_record *record = test_record(place->path, 1, NULL);
    rows = test_record_count(record);
    onefold_record_close(record);
  }
  assert_int_equal(kill(child.id, SIGINT), 0);
  json_t *root = json_loadf(child.out, 0, NULL);
  assert_non_null(root);
  test_expect_number(root, "dropped", 1);
  json_decref(root);
  char line[512];
  assert_int_equal(test_child_end(&child, line), 1);
}

static void test_mistakes(void **state) {
  (void)state;
  test_expect_mistake("tune verify extra", 2, "extra");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_verify, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_verify_tells, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_verify_keeps, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_interrupt, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_mistakes, test_record_here, test_record_gone),
  };
  return cmocka_run_group_tests_name("onefold tune verify", tests, NULL, NULL);
}
