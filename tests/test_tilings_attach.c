// SPDX-License-Identifier: BSD-3-Clause
// A record attached to a context: rows that are skipped, what plans make of the others, and
// mistakes.
#include "tests/tilings_fixture.h"

#include <string.h>

static void test_rows_of_other_builds(void **state) {
  (void)state;
  tilings_fixture f = tilings_create();
  onefold_record_row row = test_row(f.context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  row.tiling.threads = 61;
  strcpy(row.tiling.kernel, "onefold_uk_conv_s1_f32_99x9__ref");
  tilings_put(&f, &row);
  tilings_put_row(&f, "ic64ih55oc64kh3ph1", ONEFOLD_WARM, 62);
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 62,
                 "record: nearest mb1ic64ih55oc64oh55kh3ph1");
  // Another version and kernel list are no obstacle while the kernel is there.
  strcpy(row.version, "99.0.0");
  row.kernels = 1;
  row.tiling.kernel[0] = '\0';
  tilings_put(&f, &row);
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 61, "record");
  strcpy(row.tiling.kernel, "onefold_uk_conv_s1_f32_99x9__ref");
  tilings_put(&f, &row);
  onefold_tilings *tilings = tilings_attach(&f, ONEFOLD_WARM);
  int64_t rows = -1, skipped = -1;
  onefold_tilings_count(tilings, &rows, &skipped);
  assert_int_equal(rows, 1);
  assert_int_equal(skipped, 1);
  onefold_tilings_destroy(tilings);
  tilings_destroy(&f);
}

/// What a plan says of its tiling, with the tilings of `options`.
static void expect_plan(const onefold_context_options *options, const char *problem,
                        const char *algorithm, const char *source) {
  onefold_context *context = NULL;
  onefold_conv2d_desc desc;
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_plan_info info;
  assert_int_equal(onefold_context_create(options, &context), ONEFOLD_OK);
  test_ok(context, onefold_conv2d_desc_parse(context, problem, &desc));
  test_ok(context, onefold_conv2d_plan_create(context, &desc, &plan));
  onefold_conv2d_plan_get_info(plan, &info);
  if (algorithm) assert_string_equal(info.algorithm, algorithm);
  assert_string_equal(info.source, source);
  onefold_conv2d_plan_destroy(plan);
  onefold_context_destroy(context);
}

static void test_plans(void **state) {
  (void)state;
  tilings_fixture f = tilings_create();
  onefold_record_row row = test_row(f.context, "ic32ih24oc32kh3ph1", ONEFOLD_COLD);
  onefold_tilings *tilings = NULL;
  onefold_context_options options = tilings_options();
  static const char *const algorithms[] = {"direct", "winograd2", "winograd4"};
  for (size_t i = 0; i < 3; i++) {
    strcpy(row.tiling.algorithm, algorithms[i]);
    tilings_put(&f, &row);
    test_record_ok(
        f.record, onefold_record_attach(f.record, ONEFOLD_COLD, &test_machine, &options, &tilings));
    expect_plan(&options, "ic32ih24oc32kh3ph1", algorithms[i], "record");
    expect_plan(&options, "ic32ih20oc32kh3ph1", algorithms[i],
                "record: nearest mb1ic32ih24oc32oh24kh3ph1");
    expect_plan(&options, "ic32ih24oc32kh1", NULL, "default");
    onefold_tilings_destroy(tilings);
  }
  strcpy(row.tiling.algorithm, "pointwise"); // does not apply
  tilings_put(&f, &row);
  test_record_ok(f.record,
                 onefold_record_attach(f.record, ONEFOLD_COLD, &test_machine, &options, &tilings));
  expect_plan(&options, "ic32ih24oc32kh3ph1", NULL, "default");
  onefold_tilings_destroy(tilings);
  tilings_destroy(&f);
}

/// A row says what tasks are cut along, or leaves it to the default choice, as older ones do.
static void test_order(void **state) {
  (void)state;
  static const struct {
    const char *tiling;
    int32_t order;
  } cases[] = {{"algorithm=direct,threads=2", 2},
               {"algorithm=direct,threads=2,order=1", 1},
               {"algorithm=direct,threads=2,order=2", 2}};
  tilings_fixture f = tilings_create();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    onefold_record_row row = test_row(f.context, "ic32ih24oc32kh3ph1", ONEFOLD_WARM);
    onefold_context_options options = tilings_options();
    onefold_tilings *tilings = NULL;
    onefold_context *context = NULL;
    onefold_conv2d_desc desc;
    onefold_conv2d_plan *plan = NULL;
    onefold_tiling got;
    assert_int_equal(onefold_tiling_parse(cases[i].tiling, &row.tiling), ONEFOLD_OK);
    tilings_put(&f, &row);
    test_record_ok(
        f.record, onefold_record_attach(f.record, ONEFOLD_WARM, &test_machine, &options, &tilings));
    assert_int_equal(onefold_context_create(&options, &context), ONEFOLD_OK);
    test_ok(context, onefold_conv2d_desc_parse(context, "ic32ih24oc32kh3ph1", &desc));
    test_ok(context, onefold_conv2d_plan_create(context, &desc, &plan));
    onefold_conv2d_plan_get_tiling(plan, &got);
    assert_string_equal(got.source, "record");
    assert_int_equal(got.order, cases[i].order);
    onefold_conv2d_plan_destroy(plan);
    onefold_context_destroy(context);
    onefold_tilings_destroy(tilings);
  }
  tilings_destroy(&f);
}

/// The context's level is part of the machine: no row of another is used.
static void test_another_level(void **state) {
  (void)state;
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  const int count = test_isa_levels(levels);
  tilings_fixture f = tilings_create();
  tilings_put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_WARM, 71);
  for (int i = 1; i < count; i++) {
    onefold_context_options options = tilings_options();
    onefold_tilings *tilings = NULL;
    char source[160];
    options.max_isa = levels[i];
    test_record_ok(
        f.record, onefold_record_attach(f.record, ONEFOLD_WARM, &test_machine, &options, &tilings));
    assert_int_equal(tilings_find(&f, tilings, "ic64ih56oc64kh3ph1", source), 0);
    onefold_tilings_destroy(tilings);
  }
  tilings_destroy(&f);
}

static void test_mistakes(void **state) {
  (void)state;
  tilings_fixture f = tilings_create();
  onefold_context_options options = tilings_options();
  const onefold_context_options before = options;
  onefold_tilings *tilings = NULL;
  onefold_record *r = f.record;
  assert_int_equal(onefold_record_attach(NULL, ONEFOLD_WARM, NULL, &options, &tilings),
                   ONEFOLD_INVALID_ARGUMENT);
  test_record_fails(r, onefold_record_attach(r, ONEFOLD_WARM, NULL, NULL, &tilings),
                    ONEFOLD_INVALID_ARGUMENT);
  test_record_fails(r, onefold_record_attach(r, ONEFOLD_WARM, NULL, &options, NULL),
                    ONEFOLD_INVALID_ARGUMENT);
  test_record_fails(r, onefold_record_attach(r, (onefold_situation)3, NULL, &options, &tilings),
                    ONEFOLD_INVALID_ARGUMENT);
  options.threads = -1;
  test_record_fails(r, onefold_record_attach(r, ONEFOLD_WARM, NULL, &options, &tilings),
                    ONEFOLD_INVALID_ARGUMENT);
  options.threads = before.threads;
  options.struct_size--;
  test_record_fails(r, onefold_record_attach(r, ONEFOLD_WARM, NULL, &options, &tilings),
                    ONEFOLD_INVALID_ARGUMENT);
  options.struct_size++;
  assert_memory_equal(&options, &before, sizeof options);
  assert_null(tilings);
  test_record_ok(r, onefold_record_attach(r, ONEFOLD_WARM, NULL, &options, &tilings));
  onefold_conv2d_desc desc;
  onefold_tiling tiling;
  onefold_conv2d_desc_init(&desc); // no sizes
  assert_int_equal(onefold_tilings_find(tilings, &desc, &tiling), 0);
  assert_int_equal(onefold_tilings_find(NULL, &desc, &tiling), 0);
  onefold_tilings_destroy(tilings);
  onefold_tilings_destroy(NULL);
  tilings_destroy(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows_of_other_builds),
      cmocka_unit_test(test_plans),
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_another_level),
      cmocka_unit_test(test_mistakes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
