// SPDX-License-Identifier: BSD-3-Clause
// From the record into a plan: the ladder from the exact row to the nearest problem's, and what is
// skipped.
#include "tests/record_support.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static onefold_context_options options_of(void) {
  return (onefold_context_options){.struct_size = sizeof(onefold_context_options),
                                   .threads = 2,
                                   .has_max_isa = 1,
                                   .max_isa = ONEFOLD_ISA_REF};
}

/// A record in memory, and a context that writes its rows.
typedef struct fixture {
  onefold_record *record;
  onefold_context *context;
} fixture;

static fixture create(void) {
  fixture f = {.record = test_record(NULL, 0, NULL)};
  const onefold_context_options options = options_of();
  assert_int_equal(onefold_context_create(&options, &f.context), ONEFOLD_OK);
  return f;
}

static void destroy(fixture *f) {
  onefold_record_close(f->record);
  onefold_context_destroy(f->context);
}

static void put(fixture *f, const onefold_record_row *row) {
  test_record_ok(f->record, onefold_record_put(f->record, row, ONEFOLD_RECORD_REPLACE, NULL));
}

/// Puts a row whose tiling has that number of threads, by which it is known again.
static void put_row(fixture *f, const char *problem, onefold_situation situation, int mark) {
  onefold_record_row row = test_row(f->context, problem, situation);
  row.tiling.threads = mark;
  put(f, &row);
}

static onefold_tilings *attach(fixture *f, onefold_situation situation) {
  onefold_context_options options = options_of();
  onefold_tilings *tilings = NULL;
  test_record_ok(f->record,
                 onefold_record_attach(f->record, situation, &test_machine, &options, &tilings));
  assert_non_null(tilings);
  assert_true(options.tiling == onefold_tilings_find && options.tiling_user == tilings);
  return tilings;
}

/// The mark of the row that is found, 0: none; and where it is from.
static int find(fixture *f, onefold_tilings *tilings, const char *problem, char source[160]) {
  onefold_conv2d_desc desc;
  onefold_tiling tiling = {.source = ""};
  test_ok(f->context, onefold_conv2d_desc_parse(f->context, problem, &desc));
  const int found = onefold_tilings_find(tilings, &desc, &tiling);
  memcpy(source, tiling.source, sizeof tiling.source);
  return found ? tiling.threads : 0;
}

static void expect(fixture *f, onefold_situation situation, const char *problem, int mark,
                   const char *source) {
  char got[160];
  onefold_tilings *tilings = attach(f, situation);
  test_case("%s %s", problem, onefold_situation_name(situation));
  assert_int_equal(find(f, tilings, problem, got), mark);
  assert_string_equal(got, source);
  onefold_tilings_destroy(tilings);
}

// -------------------------------------------------------------------- ladder

static void test_nothing(void **state) {
  (void)state;
  fixture f = create();
  expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 0, "");
  destroy(&f);
}

static void test_exact(void **state) {
  (void)state;
  fixture f = create();
  put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_WARM, 11);
  put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_COLD, 12);
  put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_IN_PLACE, 13);
  put_row(&f, "ic64ih57oc64kh3ph1", ONEFOLD_WARM, 14);
  expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 11, "record");
  expect(&f, ONEFOLD_COLD, "ic64ih56oc64kh3ph1", 12, "record");
  expect(&f, ONEFOLD_IN_PLACE, "ic64ih56oc64kh3ph1", 13, "record");
  expect(&f, ONEFOLD_WARM, "ic64ih57oc64kh3ph1", 14, "record");
  // Of other sizes at which a stride leaves out the last rows: the same output.
  put_row(&f, "ic8ih224oc8kh3sh2ph1", ONEFOLD_WARM, 15);
  put_row(&f, "ic8ih225oc8kh3sh2ph1", ONEFOLD_WARM, 16);
  expect(&f, ONEFOLD_WARM, "ic8ih224oc8kh3sh2ph1", 15, "record");
  expect(&f, ONEFOLD_WARM, "ic8ih225oc8kh3sh2ph1", 16, "record");
  destroy(&f);
}

static void test_situations(void **state) {
  (void)state;
  fixture f = create();
  put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_WARM, 11);
  expect(&f, ONEFOLD_COLD, "ic64ih56oc64kh3ph1", 11, "record: measured warm");
  put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_COLD, 12);
  expect(&f, ONEFOLD_IN_PLACE, "ic64ih56oc64kh3ph1", 12, "record: measured cold");
  put_row(&f, "ic64ih28oc64kh3ph1", ONEFOLD_IN_PLACE, 13);
  put_row(&f, "ic64ih28oc64kh3ph1", ONEFOLD_COLD, 14);
  expect(&f, ONEFOLD_WARM, "ic64ih28oc64kh3ph1", 13, "record: measured in_place");
  destroy(&f);
}

static void test_same_cores(void **state) {
  (void)state;
  fixture f = create();
  onefold_record_row row = test_row(f.context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  row.tiling.threads = 21;
  strcpy(row.key.machine, "amd-zen4,ref,l1d=1");
  put(&f, &row);
  row.tiling.threads = 22;
  row.trials++; // better evidenced
  strcpy(row.key.machine, "amd-zen4,ref,l1d=2");
  put(&f, &row);
  static const char *const others[] = {"amd-zen4,avx2,l1d=1", "amd-zen3,ref,l1d=1", "amd-zen4",
                                       "amd-zen4,re",         "amd-zen4,reft,x",    "arm,ref,x"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    row.trials = 1000;
    row.tiling.threads = 23;
    strcpy(row.key.machine, others[i]);
    put(&f, &row);
  }
  expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 22, "record: same micro-architecture");
  expect(&f, ONEFOLD_COLD, "ic64ih56oc64kh3ph1", 22,
         "record: same micro-architecture, measured warm");
  expect(&f, ONEFOLD_COLD, "ic64ih57oc64kh3ph1", 22,
         "record: nearest mb1ic64ih56oc64oh56kh3ph1, same micro-architecture, measured warm");
  // A nearer problem on this machine comes after the same problem on the same cores.
  put_row(&f, "ic64ih57oc64kh3ph1", ONEFOLD_WARM, 24);
  expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 22, "record: same micro-architecture");
  put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_IN_PLACE, 25);
  expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 25, "record: measured in_place");
  destroy(&f);
}

static void test_nearest(void **state) {
  (void)state;
  fixture f = create();
  put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_WARM, 31);
  put_row(&f, "ic96ih56oc96kh3ph1", ONEFOLD_WARM, 32);
  static const char at_64[] = "record: nearest mb1ic64ih56oc64oh56kh3ph1";
  static const char at_96[] = "record: nearest mb1ic96ih56oc96oh56kh3ph1";
  expect(&f, ONEFOLD_WARM, "ic72ih56oc72kh3ph1", 31, at_64);
  expect(&f, ONEFOLD_WARM, "ic88ih56oc88kh3ph1", 32, at_96);
  expect(&f, ONEFOLD_WARM, "mb2ic64ih56oc64kh3ph1", 31, at_64);
  expect(&f, ONEFOLD_WARM, "ic32ih56oc32kh3ph1", 31, at_64);
  expect(&f, ONEFOLD_WARM, "ic32ih28oc32kh3ph1", 31, at_64);
  static const char *const too_far[] = {
      "ic31ih56oc64kh3ph1",    "ic64ih27oc64kh3ph1",           "mb3ic64ih56oc64kh3ph1",
      "ic193ih56oc64kh3ph1",   "ic64ih56oc64kh5ph2",           "ic64ih56oc64kh3ph1sh2",
      "ic64ih56oc64kh3ph2dh1", "ic64ih56oc64kh3ph0",           "g2ic64ih56oc64kh3ph1",
      "g64ic64ih56oc64kh3ph1", "ic64ih56iw56oc64kh3kw1ph1pw0", "ic64ih56oc64kh1ph0",
  };
  for (size_t i = 0; i < sizeof too_far / sizeof too_far[0]; i++)
    expect(&f, ONEFOLD_WARM, too_far[i], 0, "");
  // Depthwise convolutions are near each other though their groups differ.
  put_row(&f, "g64ic64ih56oc64kh3ph1", ONEFOLD_WARM, 33);
  expect(&f, ONEFOLD_WARM, "g72ic72ih56oc72kh3ph1", 33,
         "record: nearest g64mb1ic64ih56oc64oh56kh3ph1");
  destroy(&f);
}

/// An epilogue of another kind is no exact match, and no obstacle; a layout is.
static void test_epilogue_and_layout(void **state) {
  (void)state;
  fixture f = create();
  onefold_record_row row = test_row(f.context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  row.tiling.threads = 41;
  strcpy(row.key.epilogue, "relu+residual_before");
  put(&f, &row);
  expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 41, "record: nearest mb1ic64ih56oc64oh56kh3ph1");
  row = test_row(f.context, "ic64ih28oc64kh3ph1", ONEFOLD_WARM);
  row.tiling.threads = 42;
  strcpy(row.key.layouts, "nchw:blocked");
  put(&f, &row);
  expect(&f, ONEFOLD_WARM, "ic64ih27oc64kh3ph1", 0, "");
  destroy(&f);
}

static void test_other_threads_and_accuracy(void **state) {
  (void)state;
  fixture f = create();
  onefold_record_row row = test_row(f.context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  row.tiling.threads = 51;
  row.key.threads = 1;
  put(&f, &row);
  row.key.threads = 2;
  row.key.accuracy = ONEFOLD_ACCURACY_STRICT;
  put(&f, &row);
  row.key.accuracy = ONEFOLD_ACCURACY_STANDARD;
  strcpy(row.key.kind, "pair");
  put(&f, &row);
  expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 0, "");
  destroy(&f);
}

// ----------------------------------------------------------------- from rows

static void test_rows_of_other_builds(void **state) {
  (void)state;
  fixture f = create();
  onefold_record_row row = test_row(f.context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  row.tiling.threads = 61;
  strcpy(row.tiling.kernel, "onefold_uk_conv_s1_f32_99x9__ref");
  put(&f, &row);
  put_row(&f, "ic64ih55oc64kh3ph1", ONEFOLD_WARM, 62);
  expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 62, "record: nearest mb1ic64ih55oc64oh55kh3ph1");
  // Another version and kernel list are no obstacle while the kernel is there.
  strcpy(row.version, "99.0.0");
  row.kernels = 1;
  row.tiling.kernel[0] = '\0';
  put(&f, &row);
  expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 61, "record");
  strcpy(row.tiling.kernel, "onefold_uk_conv_s1_f32_99x9__ref");
  put(&f, &row);
  onefold_tilings *tilings = attach(&f, ONEFOLD_WARM);
  int64_t rows = -1, skipped = -1;
  onefold_tilings_count(tilings, &rows, &skipped);
  assert_int_equal(rows, 1);
  assert_int_equal(skipped, 1);
  onefold_tilings_destroy(tilings);
  destroy(&f);
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
  fixture f = create();
  onefold_record_row row = test_row(f.context, "ic32ih24oc32kh3ph1", ONEFOLD_COLD);
  onefold_tilings *tilings = NULL;
  onefold_context_options options = options_of();
  static const char *const algorithms[] = {"direct", "winograd2", "winograd4"};
  for (size_t i = 0; i < 3; i++) {
    strcpy(row.tiling.algorithm, algorithms[i]);
    put(&f, &row);
    test_record_ok(
        f.record, onefold_record_attach(f.record, ONEFOLD_COLD, &test_machine, &options, &tilings));
    expect_plan(&options, "ic32ih24oc32kh3ph1", algorithms[i], "record");
    expect_plan(&options, "ic32ih20oc32kh3ph1", algorithms[i],
                "record: nearest mb1ic32ih24oc32oh24kh3ph1");
    expect_plan(&options, "ic32ih24oc32kh1", NULL, "default");
    onefold_tilings_destroy(tilings);
  }
  strcpy(row.tiling.algorithm, "pointwise"); // does not apply
  put(&f, &row);
  test_record_ok(f.record,
                 onefold_record_attach(f.record, ONEFOLD_COLD, &test_machine, &options, &tilings));
  expect_plan(&options, "ic32ih24oc32kh3ph1", NULL, "default");
  onefold_tilings_destroy(tilings);
  destroy(&f);
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
  fixture f = create();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    onefold_record_row row = test_row(f.context, "ic32ih24oc32kh3ph1", ONEFOLD_WARM);
    onefold_context_options options = options_of();
    onefold_tilings *tilings = NULL;
    onefold_context *context = NULL;
    onefold_conv2d_desc desc;
    onefold_conv2d_plan *plan = NULL;
    onefold_tiling got;
    assert_int_equal(onefold_tiling_parse(cases[i].tiling, &row.tiling), ONEFOLD_OK);
    put(&f, &row);
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
  destroy(&f);
}

/// The context's level is part of the machine: no row of another is used.
static void test_level(void **state) {
  (void)state;
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  const int count = test_isa_levels(levels);
  fixture f = create();
  put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_WARM, 71);
  for (int i = 1; i < count; i++) {
    onefold_context_options options = options_of();
    onefold_tilings *tilings = NULL;
    char source[160];
    options.max_isa = levels[i];
    test_record_ok(
        f.record, onefold_record_attach(f.record, ONEFOLD_WARM, &test_machine, &options, &tilings));
    assert_int_equal(find(&f, tilings, "ic64ih56oc64kh3ph1", source), 0);
    onefold_tilings_destroy(tilings);
  }
  destroy(&f);
}

static void test_mistakes(void **state) {
  (void)state;
  fixture f = create();
  onefold_context_options options = options_of();
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
  destroy(&f);
}

// ------------------------------------------------------------------- threads

enum { PROBLEMS = 60 };

static void print_problem(int i, char *text, size_t size) {
  snprintf(text, size, "ic%dih%doc%dkh%dph%d", 16 + 8 * (i % 20), 7 * (1 + i % 8), 16 + 8 * (i % 7),
           i % 3 ? 3 : 1, i % 3 ? 1 : 0);
}

static void *find_all(void *tilings) {
  onefold_context *context = NULL;
  const onefold_context_options options = options_of();
  size_t found = 0;
  if (onefold_context_create(&options, &context)) return NULL;
  for (int i = 0; i < 20 * PROBLEMS; i++) {
    char problem[64];
    onefold_conv2d_desc desc;
    onefold_tiling tiling;
    print_problem(i % PROBLEMS, problem, sizeof problem);
    if (onefold_conv2d_desc_parse(context, problem, &desc)) break;
    found += onefold_tilings_find(tilings, &desc, &tiling) && !strcmp(tiling.source, "record");
  }
  onefold_context_destroy(context);
  return (void *)found;
}

static void test_threads(void **state) {
  (void)state;
  fixture f = create();
  for (int i = 0; i < PROBLEMS; i++) {
    char problem[64];
    print_problem(i, problem, sizeof problem);
    put_row(&f, problem, ONEFOLD_WARM, 1 + i);
  }
  onefold_tilings *tilings = attach(&f, ONEFOLD_WARM);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, find_all, tilings), 0);
  for (int i = 0; i < 4; i++) {
    void *found;
    pthread_join(threads[i], &found);
    assert_int_equal((size_t)found, 20 * PROBLEMS);
  }
  onefold_tilings_destroy(tilings);
  destroy(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_exact),
      cmocka_unit_test(test_situations),
      cmocka_unit_test(test_same_cores),
      cmocka_unit_test(test_nearest),
      cmocka_unit_test(test_epilogue_and_layout),
      cmocka_unit_test(test_other_threads_and_accuracy),
      cmocka_unit_test(test_rows_of_other_builds),
      cmocka_unit_test(test_plans),
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_level),
      cmocka_unit_test(test_mistakes),
      cmocka_unit_test(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
