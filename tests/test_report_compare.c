// SPDX-License-Identifier: BSD-3-Clause
// Comparisons: the interval of a ratio, and verdicts.
#include "report/compare.h"
#include "tests/report_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/// Samples whose ratios by pairs are all different, in order: the rank of a bound can be told.
static size_t rank_of_low(size_t m, size_t n, double confidence) {
  double older[64], newer[64];
  for (size_t i = 0; i < m; i++) older[i] = 1.0 / (double)(m - i);
  for (size_t j = 0; j < n; j++) newer[j] = 1.0 + 1e-6 * (double)j;
  const report_ratio r = onefold_report_ratio(older, m, newer, n, confidence);
  if (!isfinite(r.low)) return 0;
  const double level = floor(r.low + 1e-3), place = (r.low / level - 1) * 1e6;
  const size_t rank = (size_t)(level - 1) * n + (size_t)lround(place) + 1;
  // As many pairs above the interval as below.
  const double high_level = floor(r.high + 1e-3), high_place = (r.high / high_level - 1) * 1e6;
  const size_t high = (size_t)(high_level - 1) * n + (size_t)lround(high_place) + 1;
  assert_int_equal(rank - 1, m * n - high);
  return rank;
}

/// The critical values of Mann and Whitney's U as tables have them; the bound's rank is one more.
static void test_ranks(void **state) {
  (void)state;
  static const struct {
    size_t m, n;
    double confidence;
    size_t critical;
  } table[] = {
      {4, 4, 0.95, 0},  {5, 5, 0.95, 2}, {8, 8, 0.95, 13}, {10, 10, 0.95, 23}, {20, 20, 0.95, 127},
      {5, 10, 0.95, 8}, {5, 5, 0.99, 0}, {8, 8, 0.99, 7},  {10, 10, 0.99, 16}, {20, 20, 0.99, 105},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    const size_t rank = rank_of_low(table[i].m, table[i].n, table[i].confidence);
    if (rank != table[i].critical + 1) {
      fail_msg("%zu and %zu samples: rank %zu, not %zu", table[i].m, table[i].n, rank,
               table[i].critical + 1);
    }
  }
  assert_int_equal(rank_of_low(3, 3, 0.95), 0);
  assert_int_equal(rank_of_low(4, 4, 0.99), 0);
  assert_int_equal(onefold_report_least_samples(0.95), 4);
  assert_int_equal(onefold_report_least_samples(0.99), 5);
  // The normal limit goes on where the exact distribution ends.
  const double exact = (double)rank_of_low(40, 40, 0.99), limit = (double)rank_of_low(41, 41, 0.99);
  assert_true(limit > exact && limit < 1.1 * exact);
}

static double uniform(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return ((double)(*seed >> 11) + 0.5) / 9007199254740992.0;
}

/// Times with noise of `spread`, and now and then one that is much longer.
static void sample(uint64_t *seed, double scale, double spread, double *times, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const double normal = sqrt(-2 * log(uniform(seed))) * cos(2 * M_PI * uniform(seed));
    times[i] = scale * exp(spread * normal);
    if (uniform(seed) < 0.05) times[i] *= 1.5;
  }
  onefold_report_sort(times, count);
}

static report_ratio trial(uint64_t *seed, double change, double spread, size_t count) {
  double older[32], newer[32];
  sample(seed, 1, spread, older, count);
  sample(seed, change, spread, newer, count);
  return onefold_report_ratio(older, count, newer, count, REPORT_CONFIDENCE);
}

/// Of 2000 comparisons of a thing with itself, about 1 in 100 intervals may miss, however noisy;
/// what is twice as far apart as the noise is found.
static void test_noise(void **state) {
  (void)state;
  static const double spreads[] = {0.005, 0.05, 0.3};
  uint64_t seed = 1;
  for (size_t i = 0; i < sizeof spreads / sizeof spreads[0]; i++) {
    int missed = 0, wrong = 0, found = 0;
    for (int k = 0; k < 2000; k++) {
      const report_ratio same = trial(&seed, 1, spreads[i], 11);
      missed += same.low > 1 || same.high < 1;
      wrong += onefold_report_verdict(same, REPORT_MARGIN) != REPORT_NO_DIFFERENCE;
      const report_ratio slower = trial(&seed, 1 + REPORT_MARGIN + 3 * spreads[i], spreads[i], 11);
      found += onefold_report_verdict(slower, REPORT_MARGIN) == REPORT_SLOWER;
    }
    assert_in_range(missed, 2, 40);
    assert_true(wrong <= missed);
    assert_true(found > 1800);
  }
}

static void test_verdicts(void **state) {
  (void)state;
  static const struct {
    double low, high;
    report_verdict want;
  } cases[] = {
      {1.03, 1.10, REPORT_SLOWER},        {1.01, 1.10, REPORT_NO_DIFFERENCE},
      {0.90, 0.97, REPORT_FASTER},        {0.90, 0.99, REPORT_NO_DIFFERENCE},
      {0.99, 1.01, REPORT_NO_DIFFERENCE}, {0.50, 2.00, REPORT_NO_DIFFERENCE},
      {NAN, NAN, REPORT_TOO_FEW},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const report_ratio ratio = {1, cases[i].low, cases[i].high};
    assert_int_equal(onefold_report_verdict(ratio, 0.02), cases[i].want);
  }
  const report_file quiet = {.peak_gflops = 100, .fma_spread = 0.01};
  const report_file faster = {.peak_gflops = 105, .fma_spread = NAN};
  const report_file noisy = {.peak_gflops = 100, .fma_spread = 0.2};
  const report_file unknown = {.peak_gflops = NAN, .fma_spread = NAN};
  assert_true(onefold_report_margin(&quiet, &quiet) == REPORT_MARGIN);
  assert_true(fabs(onefold_report_margin(&quiet, &faster) - 0.05) < 1e-9);
  assert_true(fabs(onefold_report_margin(&faster, &quiet) - 0.05) < 1e-9);
  assert_true(fabs(onefold_report_margin(&noisy, &quiet) - 0.2) < 1e-9);
  assert_true(onefold_report_margin(&unknown, &quiet) == REPORT_MARGIN);
}

static char *results(double change, const char *extra, size_t count) {
  double times[5];
  test_json json;
  test_json_begin(&json, "cpu");
  for (size_t i = 0; i < 5; i++) times[i] = 100 + (double)i * 0.1;
  test_json_row(&json, "conv/same/run/threads:1", "", "", times, count);
  for (size_t i = 0; i < 5; i++) times[i] *= change;
  test_json_row(&json, "conv/changed/run/threads:1", "", "", times, count);
  test_json_row(&json, extra, "", "", times, count);
  return test_json_end(&json);
}

/// The cell of the line's row, in the comparison's table.
static const char *cell(const report_document *d, const char *line, int column) {
  const report_table *t = &d->sections[0].figures[0].table;
  for (size_t i = 0; i < t->height; i++) {
    if (strcmp(t->rows[i][0], line) == 0) return t->rows[i][column];
  }
  fail_msg("no line %s", line);
  return NULL;
}

static void test_comparison(void **state) {
  (void)state;
  static const struct {
    double change;
    size_t count;
    const char *verdict, *ratio;
  } cases[] = {
      {1.5, 5, "slower", "1.500"},
      {0.8, 5, "faster", "0.800"},
      {1.01, 5, "no difference", "1.010"},
      {1.5, 4, "too few repetitions", "1.500"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *older = results(1, "conv/old/run/threads:1", cases[i].count);
    char *newer = results(cases[i].change, "conv/new/run/threads:1", cases[i].count);
    report_data data = {0};
    report_document document;
    test_report_parse(&data, "old.json", older);
    test_report_parse(&data, "new.json", newer);
    assert_int_equal(onefold_report_build_comparison(&data, &document), 0);
    assert_int_equal(document.sections[0].figures[0].table.height, 2);
    assert_string_equal(cell(&document, "changed, run", 3), cases[i].ratio);
    assert_string_equal(cell(&document, "changed, run", 5), cases[i].verdict);
    assert_string_equal(cell(&document, "same, run", 3), "1.000");
    assert_string_equal(cell(&document, "same, run", 5),
                        cases[i].count < 5 ? "too few repetitions" : "no difference");
    assert_non_null(strstr(document.sections[0].figures[0].caption,
                           "1 lines are in the old file alone, 1 in the new"));
    assert_string_equal(document.warning, "");
    char *page = test_report_page(&document);
    test_expect_xml(page);
    // Each line has its word, whatever the chart's width.
    assert_int_equal(test_count(page, cases[i].count < 5 ? ">1.00 too few</text>"
                                                         : ">1.00 no difference</text>"),
                     3);
    free(page);
    onefold_report_data_release(&data);
    free(newer);
    free(older);
  }
}

/// Other settings are said; nothing in common is a failure with a sentence.
static void test_unlike(void **state) {
  (void)state;
  static const double times[] = {1, 1, 1, 1, 1}, doubled[] = {2, 2, 2, 2, 2};
  test_json a, b, c;
  test_json_begin(&a, "one\", \"onefold_record\": \"none");
  test_json_begin(&b, "other\", \"onefold_record\": \"3 rows of r.db");
  test_json_begin(&c, "one");
  for (int i = 0; i < 12; i++) {
    char name[64];
    snprintf(name, sizeof name, "conv/x%d/run/threads:1", i);
    test_json_row(&a, name, "", "", times, 5);
    test_json_row(&b, name, "", "", doubled, 5);
  }
  test_json_row(&c, "conv/y/run/threads:1", "", "", times, 5);
  char *texts[] = {test_json_end(&a), test_json_end(&b), test_json_end(&c)};
  report_data data = {0};
  report_document document;
  test_report_parse(&data, "a", texts[0]);
  test_report_parse(&data, "b", texts[1]);
  assert_int_equal(onefold_report_build_comparison(&data, &document), 0);
  assert_non_null(strstr(document.warning, "cpu was \"one\" and is \"other\""));
  assert_non_null(strstr(document.warning, "record was \"none\" and is \"3 rows of r.db\""));
  assert_non_null(strstr(document.warning, "Three quarters of all lines became slower"));
  onefold_report_data_release(&data);
  test_report_parse(&data, "a", texts[0]);
  test_report_parse(&data, "c", texts[2]);
  assert_int_not_equal(onefold_report_build_comparison(&data, &document), 0);
  assert_string_equal(data.sentence, "a and c have no line in common");
  test_report_parse(&data, "b", texts[1]);
  assert_int_not_equal(onefold_report_build_comparison(&data, &document), 0);
  assert_non_null(strstr(data.sentence, "the results of 3 machines or runs"));
  onefold_report_data_release(&data);
  for (int i = 0; i < 3; i++) free(texts[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ranks),    cmocka_unit_test(test_noise),
      cmocka_unit_test(test_verdicts), cmocka_unit_test(test_comparison),
      cmocka_unit_test(test_unlike),
  };
  return cmocka_run_group_tests_name("report_compare", tests, NULL, NULL);
}
