// SPDX-License-Identifier: BSD-3-Clause
// The benchmarks' own arithmetic: statistics, cells, tables, errors.
#include "bench/image.h"
#include "bench/text.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_statistics(void **state) {
  (void)state;
  const double odd[] = {1.0, 2.0, 3.0, 4.0, 10.0};
  bench_stat stat = onefold_bench_stat(odd, 5);
  assert_true(stat.median == 3.0 && stat.low == 1.0 && stat.high == 10.0 && stat.count == 5);
  assert_true(fabs(stat.spread - (4.0 - 2.0) / 3.0) < 1e-12);
  stat = onefold_bench_stat(odd, 4);
  assert_true(stat.median == 2.5);
  assert_true(fabs(stat.spread - (3.25 - 1.75) / 2.5) < 1e-12);
  stat = onefold_bench_stat(odd, 1);
  assert_true(stat.median == 1.0 && stat.spread == 0.0);
  assert_int_equal(onefold_bench_stat(odd, 0).count, 0);
}

static void test_cells(void **state) {
  (void)state;
  static const struct {
    double seconds;
    const char *text;
  } times[] = {
      {1.234e-9, "1.23 ns"}, {12.34e-6, "12.3 us"}, {123.4e-3, "123 ms"},
      {1.5, "1.50 s"},       {2000.0, "2000 s"},
  };
  for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
    const bench_stat stat = onefold_bench_stat(&times[i].seconds, 1);
    assert_string_equal(onefold_bench_cell_time(stat).text, times[i].text);
  }
  const bench_stat none = {0}, slow = {.median = 3.0, .spread = 0.0125, .count = 1},
                   fast = {.median = 2.0, .count = 1};
  assert_string_equal(onefold_bench_cell_time(none).text, "-");
  assert_string_equal(onefold_bench_cell_spread(slow).text, "1.2 %");
  assert_string_equal(onefold_bench_cell_ratio(slow, fast).text, "1.50x");
  assert_string_equal(onefold_bench_cell_ratio(slow, none).text, "-");
  assert_string_equal(onefold_bench_cell_bytes(1536.0 * 1024).text, "1.50 MiB");
  assert_string_equal(onefold_bench_cell_bytes(0.0).text, "0 B");
}

static void test_table(void **state) {
  (void)state;
  const bench_column columns[] = {{"name", -6}, {"time", 5}, {"error", 7}};
  const bench_cell cells[] = {onefold_bench_cell("a"), onefold_bench_cell("1.0"),
                              onefold_bench_cell("%s", "")};
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  onefold_bench_table_head(out, columns, 3);
  onefold_bench_table_row(out, columns, 3, cells);
  fclose(out);
  assert_string_equal(text, "name     time    error\n"
                            "a         1.0\n");
  free(text);
}

static void test_errors(void **state) {
  (void)state;
  const float want[] = {1.0f, -4.0f, 0.0f}, near[] = {1.0f, -4.0f, 0.5f};
  const float wrong[] = {1.0f, NAN, 0.0f}, zero[] = {0.0f, 0.0f, 0.0f};
  assert_true(onefold_bench_error(want, want, 3) == 0.0);
  assert_true(onefold_bench_error(near, want, 3) == 0.125);
  assert_true(isinf(onefold_bench_error(wrong, want, 3)));
  assert_true(isinf(onefold_bench_error(want, wrong, 3)));
  assert_true(onefold_bench_error(near, zero, 3) == 4.0);
  const float infinite[] = {1.0f, INFINITY, 0.0f};
  assert_true(isinf(onefold_bench_error(infinite, infinite, 3)));
}

static void test_fill(void **state) {
  (void)state;
  bench_options options = {.seed = 7};
  const bench_session session = {.options = &options};
  float a[1000], b[1000];
  onefold_bench_fill(&session, a, 1000);
  onefold_bench_fill(&session, b, 1000);
  assert_memory_equal(a, b, sizeof a);
  double sum = 0.0;
  for (int i = 0; i < 1000; i++) {
    assert_true(a[i] >= -1.0f && a[i] < 1.0f);
    sum += a[i];
  }
  assert_true(fabs(sum) < 100.0);
  options.seed = 8;
  onefold_bench_fill(&session, b, 1000);
  assert_memory_not_equal(a, b, sizeof a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_statistics), cmocka_unit_test(test_cells), cmocka_unit_test(test_table),
      cmocka_unit_test(test_errors),     cmocka_unit_test(test_fill),
  };
  return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
