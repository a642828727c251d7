// SPDX-License-Identifier: BSD-3-Clause
// Rows of the tuner's record: keys, tilings as text, what is refused, what replaces what.
#include "tests/record_support.h"
#include "tune/row.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static onefold_context *context_of(void **state) {
  return *state;
}

// ---------------------------------------------------------------------- keys

static void test_key_text(void **state) {
  onefold_context *context = context_of(state);
  onefold_conv2d_desc desc;
  test_ok(context, onefold_conv2d_desc_parse(context, "mb1ic3ih224oc64kh3sh2ph1", &desc));
  desc.in_layout = ONEFOLD_NCHW;
  desc.activation = ONEFOLD_ACT_SILU;
  desc.residual = ONEFOLD_RESIDUAL_AFTER_ACTIVATION;
  desc.has_residual_scale = desc.has_channel_scale = 1;
  onefold_record_row row;
  test_ok(context, onefold_record_row_init(context, &test_machine, &desc, ONEFOLD_IN_PLACE, &row));
  assert_string_equal(row.key.kind, "conv2d");
  assert_string_equal(row.key.problem, "mb1ic3ih224oc64oh112kh3sh2ph1");
  assert_string_equal(row.key.layouts, "nchw:blocked");
  assert_string_equal(row.key.epilogue, "silu+residual_after+residual_scale+channel_scale");
  assert_int_equal(row.key.threads, 2);
  assert_int_equal(row.key.situation, ONEFOLD_IN_PLACE);
  assert_int_equal(row.key.accuracy, ONEFOLD_ACCURACY_FAST);
  assert_memory_equal(row.key.machine, "amd-zen4,ref,", 13); // the context's level
  assert_string_equal(row.version, onefold_version());
  assert_int_equal(row.kernels, onefold_kernel_list_hash(context));

  onefold_conv2d_desc again;
  test_ok(context, onefold_record_key_desc(context, &row.key, &again));
  test_desc_equal(&again, &desc);
}

/// Every layout, activation and residual comes back.
static void test_keys_return(void **state) {
  onefold_context *context = context_of(state);
  test_rng rng = {5};
  for (int i = 0; i < 300; i++) {
    onefold_conv2d_desc desc, again;
    onefold_conv2d_desc_init(&desc);
    desc.batch = test_range(&rng, 1, 3);
    desc.in_channels = desc.out_channels = desc.groups = test_range(&rng, 1, 40);
    desc.in_h = test_range(&rng, 5, 60);
    desc.in_w = test_range(&rng, 5, 60);
    desc.kernel_h = test_range(&rng, 1, 3);
    desc.kernel_w = test_range(&rng, 1, 3);
    desc.stride_h = test_range(&rng, 1, 2);
    desc.stride_w = test_range(&rng, 1, 2);
    desc.in_layout = (onefold_layout)test_range(&rng, 0, 2);
    desc.out_layout = (onefold_layout)test_range(&rng, 0, 2);
    desc.activation = (onefold_activation)test_range(&rng, 0, ONEFOLD_ACT_COUNT - 1);
    desc.residual = (onefold_residual)test_range(&rng, 0, 2);
    desc.has_residual_scale = desc.residual && test_once_in(&rng, 2);
    desc.has_channel_scale = test_once_in(&rng, 2);
    onefold_record_row row;
    test_ok(context, onefold_record_row_init(context, &test_machine, &desc, ONEFOLD_WARM, &row));
    test_ok(context, onefold_record_key_desc(context, &row.key, &again));
    test_desc_equal(&again, &desc);
  }
}

static void test_key_is_refused(void **state) {
  onefold_context *context = context_of(state);
  onefold_conv2d_desc desc;
  const onefold_record_row good = test_row(context, "ic8ih8oc8kh3ph1", ONEFOLD_WARM);
  static const struct {
    size_t offset;
    const char *text;
  } cases[] = {
      {offsetof(onefold_record_key, machine), ""},
      {offsetof(onefold_record_key, machine), "two words"},
      {offsetof(onefold_record_key, kind), "con\"v"},
      {offsetof(onefold_record_key, problem), "ic8ih8oc8kh3ph1"}, // not as it is printed
      {offsetof(onefold_record_key, problem), "mb1ic8ih8oc8oh8kh3ph1n\"name\""},
      {offsetof(onefold_record_key, problem), "mb1ic8ih8oc8oh99kh3ph1"},
      {offsetof(onefold_record_key, layouts), "blocked"},
      {offsetof(onefold_record_key, layouts), "blocked:chwn"},
      {offsetof(onefold_record_key, epilogue), "tanh"},
      {offsetof(onefold_record_key, epilogue), "relu+"},
      {offsetof(onefold_record_key, epilogue), "relu+channel_scale+residual_after"},
  };
  onefold_record *record = test_record(NULL, 0, NULL);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    onefold_record_row row = good, out;
    strcpy((char *)&row.key + cases[i].offset, cases[i].text);
    test_case("\"%s\" at %zu", cases[i].text, cases[i].offset);
    test_record_fails(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL),
                      ONEFOLD_INVALID_ARGUMENT);
    char sentence[512];
    assert_int_equal(onefold_record_last_error(record, sentence, sizeof sentence),
                     ONEFOLD_INVALID_ARGUMENT);
    assert_non_null(strstr(sentence, cases[i].text));
    test_record_fails(record, onefold_record_get(record, &row.key, &out), ONEFOLD_INVALID_ARGUMENT);
    test_record_fails(record, onefold_record_delete(record, &row.key), ONEFOLD_INVALID_ARGUMENT);
  }
  onefold_record_row row = good;
  memset(row.key.problem, 'x', sizeof row.key.problem); // no end
  test_record_fails(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL),
                    ONEFOLD_INVALID_ARGUMENT);
  row = good;
  strcpy(row.key.kind, "pair"); // of which this version cannot read the problem
  assert_int_equal(onefold_record_key_desc(context, &row.key, &desc), ONEFOLD_INVALID_ARGUMENT);
  strcpy(row.key.problem, "anything");
  test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL));
  assert_int_equal(test_record_count(record), 1);
  onefold_record_close(record);
}

// ------------------------------------------------------------------- tilings

static void test_tiling_text(void **state) {
  (void)state;
  onefold_tiling tiling = {
      .algorithm = "winograd4", .kernel = "onefold_uk_x__ref", .block_in = 3, .threads = 2};
  char text[512];
  static const char want[] = "algorithm=winograd4,kernel=onefold_uk_x__ref,block_in=3,threads=2";
  assert_int_equal(onefold_tiling_print(&tiling, text, sizeof text), sizeof want - 1);
  assert_string_equal(text, want);
  assert_int_equal(onefold_tiling_print(&tiling, text, 12), sizeof want - 1);
  assert_string_equal(text, "algorithm=w");
  onefold_tiling again;
  memset(&again, 0xa5, sizeof again);
  assert_int_equal(onefold_tiling_parse(want, &again), ONEFOLD_OK);
  assert_memory_equal(&again, &tiling, sizeof tiling);

  memset(&tiling, 0, sizeof tiling);
  assert_int_equal(onefold_tiling_print(&tiling, text, sizeof text), 0);
  assert_string_equal(text, "");
  assert_int_equal(onefold_tiling_parse("", &again), ONEFOLD_OK);
  assert_memory_equal(&again, &tiling, sizeof tiling);
}

static void test_tiling_mistakes(void **state) {
  (void)state;
  static const struct {
    const char *text;
    onefold_status status;
  } cases[] = {
      {"algorithm", ONEFOLD_FORMAT},
      {"algorithm=", ONEFOLD_FORMAT},
      {"=direct", ONEFOLD_FORMAT},
      {",", ONEFOLD_FORMAT},
      {"algorithm=direct,", ONEFOLD_FORMAT},
      {"algorithm=direct,,threads=1", ONEFOLD_FORMAT},
      {"algorithm=direct,algorithm=direct", ONEFOLD_FORMAT},
      {"algorithm=di rect", ONEFOLD_FORMAT},
      {"algorithm=0123456789012345678901234567890123456789", ONEFOLD_FORMAT},
      {"threads=0", ONEFOLD_FORMAT},
      {"threads=-1", ONEFOLD_FORMAT},
      {"threads=2147483648", ONEFOLD_FORMAT},
      {"threads=99999999999", ONEFOLD_FORMAT},
      {"threads=1x", ONEFOLD_FORMAT},
      {"colour=blue", ONEFOLD_UNSUPPORTED},
      {"thread=1", ONEFOLD_UNSUPPORTED},
      {"threads2=1", ONEFOLD_UNSUPPORTED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    onefold_tiling tiling = {.threads = 7};
    test_case("%s", cases[i].text);
    if (onefold_tiling_parse(cases[i].text, &tiling) != cases[i].status)
      test_failed("%s", onefold_status_name(onefold_tiling_parse(cases[i].text, &tiling)));
    assert_int_equal(tiling.threads, 7);
  }
  assert_int_equal(onefold_tiling_parse(NULL, NULL), ONEFOLD_INVALID_ARGUMENT);
}

// ---------------------------------------------------------------------- rows

static void test_put_get_delete(void **state) {
  onefold_context *context = context_of(state);
  onefold_record *record = test_record(NULL, 0, NULL);
  assert_string_equal(onefold_record_path(record), "");
  onefold_record_row row = test_row(context, "ic64ih56oc64kh3ph1", ONEFOLD_COLD), got;
  strcpy(row.tiling.algorithm, "direct");
  row.tiling.threads = 2;
  int written = 0;
  test_record_fails(record, onefold_record_get(record, &row.key, &got), ONEFOLD_NOT_FOUND);
  test_record_fails(record, onefold_record_delete(record, &row.key), ONEFOLD_NOT_FOUND);
  test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, &written));
  assert_int_equal(written, 1);
  test_record_ok(record, onefold_record_get(record, &row.key, &got));
  assert_memory_equal(&got, &row, sizeof row);

  // Each part of the key makes another row.
  onefold_record_row other[8];
  for (int i = 0; i < 8; i++) other[i] = row;
  strcat(other[0].key.machine, "x");
  strcpy(other[1].key.kind, "pair");
  strcpy(other[2].key.problem, "mb2ic64ih56oc64oh56kh3ph1");
  strcpy(other[3].key.layouts, "nhwc:blocked");
  strcpy(other[4].key.epilogue, "relu");
  other[5].key.threads++;
  other[6].key.situation = ONEFOLD_WARM;
  other[7].key.accuracy = ONEFOLD_ACCURACY_STRICT;
  for (int i = 0; i < 8; i++) {
    test_record_fails(record, onefold_record_get(record, &other[i].key, &got), ONEFOLD_NOT_FOUND);
    test_record_ok(record, onefold_record_put(record, &other[i], ONEFOLD_RECORD_BETTER, &written));
    assert_int_equal(written, 1);
    assert_int_equal(test_record_count(record), i + 2);
  }
  test_record_ok(record, onefold_record_delete(record, &row.key));
  test_record_fails(record, onefold_record_get(record, &row.key, &got), ONEFOLD_NOT_FOUND);
  assert_int_equal(test_record_count(record), 8);
  onefold_record_close(record);
}

static void test_values_are_refused(void **state) {
  onefold_context *context = context_of(state);
  const onefold_record_row good = test_row(context, "ic8ih8oc8kh3ph1", ONEFOLD_WARM);
  onefold_record *record = test_record(NULL, 0, NULL);
  onefold_record_row bad[16];
  for (int i = 0; i < 16; i++) bad[i] = good;
  bad[0].median_ns = 0;
  bad[1].median_ns = NAN;
  bad[2].median_ns = INFINITY;
  bad[3].spread = -0.1;
  bad[4].spread = NAN;
  bad[5].default_ns = -1;
  bad[6].trials = 0;
  strcpy(bad[7].version, "");
  strcpy(bad[8].date, "yesterday");
  strcpy(bad[9].date, "2026-01-31T23:59:59");
  strcpy(bad[10].tiling.kernel, "a b");
  bad[11].tiling.threads = -1;
  memset(bad[12].tiling.algorithm, 'x', sizeof bad[12].tiling.algorithm);
  bad[13].key.threads = 0;
  bad[14].key.situation = (onefold_situation)3;
  bad[15].key.accuracy = (onefold_accuracy)-1;
  for (int i = 0; i < 16; i++) {
    test_case("value %d", i);
    test_record_fails(record, onefold_record_put(record, &bad[i], ONEFOLD_RECORD_REPLACE, NULL),
                      ONEFOLD_INVALID_ARGUMENT);
  }
  test_record_fails(record, onefold_record_put(record, NULL, ONEFOLD_RECORD_REPLACE, NULL),
                    ONEFOLD_INVALID_ARGUMENT);
  test_record_fails(record, onefold_record_put(record, &good, (onefold_record_policy)2, NULL),
                    ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(test_record_count(record), 0);
  onefold_record_close(record);
}

static void test_better_evidence(void **state) {
  onefold_context *context = context_of(state);
  onefold_record *record = test_record(NULL, 0, NULL);
  onefold_record_row row = test_row(context, "ic8ih8oc8kh3ph1", ONEFOLD_WARM), got;
  strcpy(row.date, "2026-01-31T23:59:59Z");
  test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_BETTER, NULL));
  // Errors of 0.02 / sqrt(10) at first; a search that is in doubt takes more trials.
  enum { PRESENT, OLD_VERSION, OLD_KERNELS };
  static const struct {
    int trials;
    double spread;
    const char *date;
    int age, better;
  } cases[] = {
      {10, 0.02, "2026-01-31T23:59:59Z", PRESENT, 0},
      {9, 0.02, "2026-02-01T00:00:00Z", PRESENT, 0},
      {64, 0.06, "2026-02-01T00:00:00Z", PRESENT, 0},
      {4, 0, "2026-02-01T00:00:00Z", PRESENT, 0},
      {10, 0.03, "2026-02-01T00:00:00Z", PRESENT, 0},
      {10, 0.02, "2026-01-31T23:59:58Z", PRESENT, 0},
      {1000, 0.001, "2026-02-01T00:00:00Z", OLD_VERSION, 0},
      {1000, 0.001, "2026-02-01T00:00:00Z", OLD_KERNELS, 0},
      {10, 0.02, "2026-02-01T00:00:00Z", PRESENT, 1},
      {9, 0.01, "2025-01-01T00:00:00Z", PRESENT, 1},
      {1000, 0.02, "2024-01-01T00:00:00Z", PRESENT, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    onefold_record_row next = row;
    int written = -1;
    next.trials = cases[i].trials;
    next.spread = cases[i].spread;
    strcpy(next.date, cases[i].date);
    if (cases[i].age == OLD_VERSION) strcpy(next.version, "0.0.1");
    next.kernels ^= cases[i].age == OLD_KERNELS;
    next.median_ns = 1000 + (double)i;
    test_case("evidence %zu", i);
    const onefold_evidence new = onefold_record_evidence(&next, row.kernels),
                           old = onefold_record_evidence(&row, row.kernels);
    assert_int_equal(onefold_evidence_better(&new, &old), cases[i].better);
    assert_false(onefold_evidence_better(&new, &old) && onefold_evidence_better(&old, &new));
    test_record_ok(record, onefold_record_put(record, &next, ONEFOLD_RECORD_BETTER, &written));
    assert_int_equal(written, cases[i].better);
    if (cases[i].better) row = next;
    test_record_ok(record, onefold_record_get(record, &row.key, &got));
    assert_memory_equal(&got, &row, sizeof row);
  }
  // A stale one does not stand against a new one that is less clear.
  onefold_record_row stale = row, fresh = row;
  strcpy(stale.version, "0.0.1");
  fresh.spread = 0.5;
  test_record_ok(record, onefold_record_put(record, &stale, ONEFOLD_RECORD_REPLACE, NULL));
  test_record_ok(record, onefold_record_put(record, &fresh, ONEFOLD_RECORD_BETTER, NULL));
  test_record_ok(record, onefold_record_get(record, &row.key, &got));
  assert_memory_equal(&got, &fresh, sizeof fresh);
  row.trials = 1; // poorer, and still it replaces
  test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL));
  test_record_ok(record, onefold_record_get(record, &row.key, &got));
  assert_int_equal(got.trials, 1);
  onefold_record_close(record);
}

typedef struct visit {
  onefold_record_row last;
  int count, end_after;
} visit;

static int in_order(void *user, const onefold_record_row *row) {
  visit *v = user;
  if (v->count) assert_true(test_key_order(&v->last.key, &row->key) < 0);
  v->last = *row;
  return ++v->count == v->end_after;
}

static void test_visit_is_sorted(void **state) {
  onefold_context *context = context_of(state);
  onefold_record *record = test_record(NULL, 0, NULL);
  static const char *const problems[] = {"ic8ih8oc8kh3ph1", "ic16ih8oc8kh3ph1", "ic8ih9oc8kh3ph1"};
  test_rng rng = {3};
  for (int i = 0; i < 200; i++) {
    onefold_record_row row =
        test_row(context, test_pick(&rng, problems), (onefold_situation)test_range(&rng, 0, 2));
    row.key.threads = (int32_t)test_range(&rng, 1, 12);
    row.key.accuracy = (onefold_accuracy)test_range(&rng, 0, 2);
    if (test_once_in(&rng, 2)) strcpy(row.key.layouts, "nchw:nhwc");
    if (test_once_in(&rng, 2)) strcpy(row.key.epilogue, "relu6");
    if (test_once_in(&rng, 4)) strcpy(row.key.machine, "amd-zen3,avx2,x");
    test_record_ok(record, onefold_record_put(record, &row, ONEFOLD_RECORD_REPLACE, NULL));
  }
  visit v = {0};
  int64_t skipped = -1;
  test_record_ok(record, onefold_record_visit(record, in_order, &v, &skipped));
  assert_true(v.count > 100);
  assert_int_equal(skipped, 0);
  v = (visit){.end_after = 5};
  test_record_ok(record, onefold_record_visit(record, in_order, &v, NULL));
  assert_int_equal(v.count, 5);
  test_record_fails(record, onefold_record_visit(record, NULL, NULL, NULL),
                    ONEFOLD_INVALID_ARGUMENT);
  onefold_record_close(record);
}

static void test_null(void **state) {
  onefold_context *context = context_of(state);
  onefold_record *record = NULL;
  assert_int_equal(onefold_record_open(NULL, NULL), ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_record_open(&(onefold_record_options){0}, &record),
                   ONEFOLD_INVALID_ARGUMENT);
  assert_null(record);
  onefold_record_close(NULL);
  assert_string_equal(onefold_record_path(NULL), "");
  assert_int_equal(onefold_record_put(NULL, NULL, ONEFOLD_RECORD_REPLACE, NULL),
                   ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_record_get(NULL, NULL, NULL), ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_record_delete(NULL, NULL), ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_record_visit(NULL, NULL, NULL, NULL), ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_record_row_init(context, NULL, NULL, ONEFOLD_WARM, NULL),
                   ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_record_key_desc(context, NULL, NULL), ONEFOLD_INVALID_ARGUMENT);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_key_text),           cmocka_unit_test(test_keys_return),
      cmocka_unit_test(test_key_is_refused),     cmocka_unit_test(test_tiling_text),
      cmocka_unit_test(test_tiling_mistakes),    cmocka_unit_test(test_put_get_delete),
      cmocka_unit_test(test_values_are_refused), cmocka_unit_test(test_better_evidence),
      cmocka_unit_test(test_visit_is_sorted),    cmocka_unit_test(test_null),
  };
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = 2,
                                           .has_max_isa = 1,
                                           .max_isa = ONEFOLD_ISA_REF,
                                           .accuracy = ONEFOLD_ACCURACY_FAST};
  onefold_context *context = NULL;
  if (onefold_context_create(&options, &context)) return EXIT_FAILURE;
  struct CMUnitTest given[sizeof tests / sizeof tests[0]];
  memcpy(given, tests, sizeof tests);
  for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) given[i].initial_state = context;
  const int failed = cmocka_run_group_tests(given, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
