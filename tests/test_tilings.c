// SPDX-License-Identifier: BSD-3-Clause
// Which row of the record a look-up finds: the ladder from the exact row to the nearest problem's,
// and the same from several threads.
#include "tests/tilings_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

// -------------------------------------------------------------------- ladder

static void test_nothing(void **state) {
  (void)state;
  tilings_fixture f = tilings_create();
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 0, "");
  tilings_destroy(&f);
}

static void test_exact(void **state) {
  (void)state;
  tilings_fixture f = tilings_create();
  tilings_put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_WARM, 11);
  tilings_put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_COLD, 12);
  tilings_put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_IN_PLACE, 13);
  tilings_put_row(&f, "ic64ih57oc64kh3ph1", ONEFOLD_WARM, 14);
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 11, "record");
  tilings_expect(&f, ONEFOLD_COLD, "ic64ih56oc64kh3ph1", 12, "record");
  tilings_expect(&f, ONEFOLD_IN_PLACE, "ic64ih56oc64kh3ph1", 13, "record");
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih57oc64kh3ph1", 14, "record");
  // Of other sizes at which a stride leaves out the last rows: the same output.
  tilings_put_row(&f, "ic8ih224oc8kh3sh2ph1", ONEFOLD_WARM, 15);
  tilings_put_row(&f, "ic8ih225oc8kh3sh2ph1", ONEFOLD_WARM, 16);
  tilings_expect(&f, ONEFOLD_WARM, "ic8ih224oc8kh3sh2ph1", 15, "record");
  tilings_expect(&f, ONEFOLD_WARM, "ic8ih225oc8kh3sh2ph1", 16, "record");
  tilings_destroy(&f);
}

static void test_situations(void **state) {
  (void)state;
  tilings_fixture f = tilings_create();
  tilings_put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_WARM, 11);
  tilings_expect(&f, ONEFOLD_COLD, "ic64ih56oc64kh3ph1", 11, "record: measured warm");
  tilings_put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_COLD, 12);
  tilings_expect(&f, ONEFOLD_IN_PLACE, "ic64ih56oc64kh3ph1", 12, "record: measured cold");
  tilings_put_row(&f, "ic64ih28oc64kh3ph1", ONEFOLD_IN_PLACE, 13);
  tilings_put_row(&f, "ic64ih28oc64kh3ph1", ONEFOLD_COLD, 14);
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih28oc64kh3ph1", 13, "record: measured in_place");
  tilings_destroy(&f);
}

static void test_same_cores(void **state) {
  (void)state;
  tilings_fixture f = tilings_create();
  onefold_record_row row = test_row(f.context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  row.tiling.threads = 21;
  strcpy(row.key.machine, "amd-zen4,ref,l1d=1");
  tilings_put(&f, &row);
  row.tiling.threads = 22;
  row.trials++; // better evidenced
  strcpy(row.key.machine, "amd-zen4,ref,l1d=2");
  tilings_put(&f, &row);
  static const char *const others[] = {"amd-zen4,avx2,l1d=1", "amd-zen3,ref,l1d=1", "amd-zen4",
                                       "amd-zen4,re",         "amd-zen4,reft,x",    "arm,ref,x"};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
    row.trials = 1000;
    row.tiling.threads = 23;
    strcpy(row.key.machine, others[i]);
    tilings_put(&f, &row);
  }
  // More trials of another version, or of more noise, are no better evidence.
  for (int stale = 0; stale < 2; stale++) {
    onefold_record_row worse = test_row(f.context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
    worse.trials = 1000;
    worse.tiling.threads = 26 + stale;
    worse.spread = stale ? 0.001 : 0.5;
    if (stale) strcpy(worse.version, "0.0.1");
    snprintf(worse.key.machine, sizeof worse.key.machine, "amd-zen4,ref,l1d=%d", 3 + stale);
    tilings_put(&f, &worse);
  }
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 22, "record: same micro-architecture");
  tilings_expect(&f, ONEFOLD_COLD, "ic64ih56oc64kh3ph1", 22,
                 "record: same micro-architecture, measured warm");
  tilings_expect(
      &f, ONEFOLD_COLD, "ic64ih57oc64kh3ph1", 22,
      "record: nearest mb1ic64ih56oc64oh56kh3ph1, same micro-architecture, measured warm");
  // A nearer problem on this machine comes after the same problem on the same cores.
  tilings_put_row(&f, "ic64ih57oc64kh3ph1", ONEFOLD_WARM, 24);
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 22, "record: same micro-architecture");
  tilings_put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_IN_PLACE, 25);
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 25, "record: measured in_place");
  tilings_destroy(&f);
}

/// Of two rows whose tilings and sources are alike, the one that is taken is told.
static void test_explain(void **state) {
  (void)state;
  tilings_fixture f = tilings_create();
  onefold_record_row row = test_row(f.context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  onefold_tilings_answer taken;
  onefold_conv2d_desc desc;
  row.tiling.threads = 2;
  strcpy(row.key.machine, "amd-zen4,ref,l1d=1");
  strcpy(row.version, "0.0.1");
  tilings_put(&f, &row);
  strcpy(row.key.machine, "amd-zen4,ref,l1d=2");
  row.spread /= 2;
  row.kernels = 7;
  tilings_put(&f, &row);
  onefold_tilings *tilings = tilings_attach(&f, ONEFOLD_COLD);
  test_ok(f.context, onefold_conv2d_desc_parse(f.context, "ic64ih56oc64kh3ph1", &desc));
  assert_true(onefold_tilings_explain(tilings, &desc, &taken));
  assert_int_equal(taken.rung, ONEFOLD_RUNG_SAME_CORES);
  assert_int_equal(taken.situation, ONEFOLD_WARM);
  assert_false(taken.this_machine);
  assert_string_equal(taken.problem, "mb1ic64ih56oc64oh56kh3ph1");
  assert_string_equal(taken.version, "0.0.1");
  assert_int_equal(taken.kernels, 7);
  test_ok(f.context, onefold_conv2d_desc_parse(f.context, "ic64ih50oc64kh3ph1", &desc));
  assert_true(onefold_tilings_explain(tilings, &desc, &taken));
  assert_int_equal(taken.rung, ONEFOLD_RUNG_NEAREST);
  test_ok(f.context, onefold_conv2d_desc_parse(f.context, "ic64ih56oc64kh1", &desc));
  assert_false(onefold_tilings_explain(tilings, &desc, &taken));
  assert_false(onefold_tilings_explain(NULL, &desc, &taken));
  onefold_tilings_destroy(tilings);
  tilings_destroy(&f);
}

static void test_nearest(void **state) {
  (void)state;
  tilings_fixture f = tilings_create();
  tilings_put_row(&f, "ic64ih56oc64kh3ph1", ONEFOLD_WARM, 31);
  tilings_put_row(&f, "ic96ih56oc96kh3ph1", ONEFOLD_WARM, 32);
  static const char at_64[] = "record: nearest mb1ic64ih56oc64oh56kh3ph1";
  static const char at_96[] = "record: nearest mb1ic96ih56oc96oh56kh3ph1";
  tilings_expect(&f, ONEFOLD_WARM, "ic72ih56oc72kh3ph1", 31, at_64);
  tilings_expect(&f, ONEFOLD_WARM, "ic88ih56oc88kh3ph1", 32, at_96);
  tilings_expect(&f, ONEFOLD_WARM, "mb2ic64ih56oc64kh3ph1", 31, at_64);
  tilings_expect(&f, ONEFOLD_WARM, "ic32ih56oc32kh3ph1", 31, at_64);
  tilings_expect(&f, ONEFOLD_WARM, "ic32ih28oc32kh3ph1", 31, at_64);
  static const char *const too_far[] = {
      "ic31ih56oc64kh3ph1",    "ic64ih27oc64kh3ph1",           "mb3ic64ih56oc64kh3ph1",
      "ic193ih56oc64kh3ph1",   "ic64ih56oc64kh5ph2",           "ic64ih56oc64kh3ph1sh2",
      "ic64ih56oc64kh3ph2dh1", "ic64ih56oc64kh3ph0",           "g2ic64ih56oc64kh3ph1",
      "g64ic64ih56oc64kh3ph1", "ic64ih56iw56oc64kh3kw1ph1pw0", "ic64ih56oc64kh1ph0",
  };
  for (size_t i = 0; i < sizeof too_far / sizeof too_far[0]; i++)
    tilings_expect(&f, ONEFOLD_WARM, too_far[i], 0, "");
  // Depthwise convolutions are near each other though their groups differ.
  tilings_put_row(&f, "g64ic64ih56oc64kh3ph1", ONEFOLD_WARM, 33);
  tilings_expect(&f, ONEFOLD_WARM, "g72ic72ih56oc72kh3ph1", 33,
                 "record: nearest g64mb1ic64ih56oc64oh56kh3ph1");
  tilings_destroy(&f);
}

/// An epilogue of another kind is no exact match, and no obstacle; a layout is.
static void test_epilogue_and_layout(void **state) {
  (void)state;
  tilings_fixture f = tilings_create();
  onefold_record_row row = test_row(f.context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  row.tiling.threads = 41;
  strcpy(row.key.epilogue, "relu+residual_before");
  tilings_put(&f, &row);
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 41,
                 "record: nearest mb1ic64ih56oc64oh56kh3ph1");
  row = test_row(f.context, "ic64ih28oc64kh3ph1", ONEFOLD_WARM);
  row.tiling.threads = 42;
  strcpy(row.key.layouts, "nchw:blocked");
  tilings_put(&f, &row);
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih27oc64kh3ph1", 0, "");
  tilings_destroy(&f);
}

static void test_other_threads_and_accuracy(void **state) {
  (void)state;
  tilings_fixture f = tilings_create();
  onefold_record_row row = test_row(f.context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  row.tiling.threads = 51;
  row.key.threads = 1;
  tilings_put(&f, &row);
  row.key.threads = 2;
  row.key.accuracy = ONEFOLD_ACCURACY_STRICT;
  tilings_put(&f, &row);
  row.key.accuracy = ONEFOLD_ACCURACY_STANDARD;
  strcpy(row.key.kind, "pair");
  tilings_put(&f, &row);
  tilings_expect(&f, ONEFOLD_WARM, "ic64ih56oc64kh3ph1", 0, "");
  tilings_destroy(&f);
}

// ------------------------------------------------------------------- threads

enum { PROBLEMS = 60 };

static void print_problem(int i, char *text, size_t size) {
  snprintf(text, size, "ic%dih%doc%dkh%dph%d", 16 + 8 * (i % 20), 7 * (1 + i % 8), 16 + 8 * (i % 7),
           i % 3 ? 3 : 1, i % 3 ? 1 : 0);
}

static void *find_all(void *tilings) {
  onefold_context *context = NULL;
  const onefold_context_options options = tilings_options();
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
  tilings_fixture f = tilings_create();
  for (int i = 0; i < PROBLEMS; i++) {
    char problem[64];
    print_problem(i, problem, sizeof problem);
    tilings_put_row(&f, problem, ONEFOLD_WARM, 1 + i);
  }
  onefold_tilings *tilings = tilings_attach(&f, ONEFOLD_WARM);
  pthread_t threads[4];
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, find_all, tilings), 0);
  for (int i = 0; i < 4; i++) {
    void *found;
    pthread_join(threads[i], &found);
    assert_int_equal((size_t)found, 20 * PROBLEMS);
  }
  onefold_tilings_destroy(tilings);
  tilings_destroy(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_exact),
      cmocka_unit_test(test_situations),
      cmocka_unit_test(test_same_cores),
      cmocka_unit_test(test_explain),
      cmocka_unit_test(test_nearest),
      cmocka_unit_test(test_epilogue_and_layout),
      cmocka_unit_test(test_other_threads_and_accuracy),
      cmocka_unit_test(test_threads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
