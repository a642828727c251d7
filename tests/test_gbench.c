// SPDX-License-Identifier: BSD-3-Clause
// Google Benchmark from C: how often the pieces of cases are called, and inside of what; its flags
// and its file.
#include "bench/gbench.h"
#include "bench/gbench_file.h"
#include "bench/gbench_flags.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct watch {
  int inside;                      // of `within`
  int64_t runs, runs_inside;       // of a case that is called again and again
  int64_t once, once_inside;       // of one that is called once a repetition
  int64_t prepared, after_prepare; // of one with a preparation
  int64_t withins, ticks;
  size_t samples[3];
} watch;

static int run(void *user) {
  watch *w = user;
  w->runs++;
  w->runs_inside += w->inside;
  return 0;
}

static int run_once(void *user) {
  watch *w = user;
  w->once++;
  w->once_inside += w->inside;
  return 0;
}

static int prepare(void *user) {
  ((watch *)user)->prepared++;
  return 0;
}

static int run_prepared(void *user) {
  watch *w = user;
  w->after_prepare++;
  assert_false(w->inside);
  return 0;
}

static int give_up(void *user) {
  (void)user;
  return 1;
}

static void within(void *user, void (*body)(void *), void *arg) {
  watch *w = user;
  w->withins++;
  w->inside = 1;
  body(arg);
  w->inside = 0;
}

static void tick(void *user, int begun) {
  watch *w = user;
  assert_int_equal(begun, w->ticks++);
}

static void done(void *user, size_t index, const double *seconds, size_t count) {
  watch *w = user;
  for (size_t i = 0; i < count; i++) assert_true(seconds[i] > 0);
  w->samples[index] = count;
}

static onefold_gbench *open_session(void) {
  onefold_gbench *session = NULL;
  char error[256] = "";
  if (onefold_gbench_open(NULL, 0, NULL, &session, error, sizeof error) != ONEFOLD_GBENCH_OPEN)
    test_failed("%s", error);
  return session;
}

static void test_pieces(void **state) {
  (void)state;
  watch w = {0};
  onefold_gbench *session = open_session();
  const onefold_gbench_case cases[] = {
      {.name = "often", .run = run, .user = &w},
      {.name = "once", .run = run_once, .user = &w, .once = 1},
      {.name = "prepared", .run = run_prepared, .prepare = prepare, .user = &w},
  };
  const onefold_gbench_options options = {
      .min_time = 1e-4, .repetitions = 3, .tick = tick, .done = done, .within = within, .user = &w};
  assert_int_equal(onefold_gbench_run(session, cases, 3, &options), 0);
  for (int i = 0; i < 3; i++) assert_int_equal(w.samples[i], 3);
  assert_true(w.runs > w.runs_inside && w.runs_inside >= 3); // some warm up
  assert_int_equal(w.once, 3);
  assert_int_equal(w.once_inside, 3);
  assert_true(w.prepared >= 3 && w.after_prepare > w.prepared); // one warms up
  assert_true(w.withins >= 6);
  assert_int_equal(onefold_gbench_close(session), 0);
}

/// Without `within` the same cases run as well; one that gives up ends the others, and is named.
static void test_without(void **state) {
  (void)state;
  watch w = {0};
  onefold_gbench *session = open_session();
  const onefold_gbench_case cases[] = {{.name = "often", .run = run, .user = &w},
                                       {.name = "gives up", .run = give_up, .user = &w, .once = 1}};
  onefold_gbench_options options = {.min_time = 1e-4, .repetitions = 2, .done = done, .user = &w};
  assert_int_equal(onefold_gbench_run(session, cases, 1, &options), 0);
  assert_true(w.runs >= 2);
  assert_int_equal(w.runs_inside, 0);
  assert_int_equal(onefold_gbench_run(session, cases, 2, &options), 2);
  options.within = within;
  assert_int_equal(onefold_gbench_run(session, cases, 2, &options), 2);
  assert_int_equal(onefold_gbench_close(session), 0);
}

/// Rows of what was measured elsewhere have their own samples and no more; the filter and the
/// listing see their names.
static void test_rows(void **state) {
  (void)state;
  static const char *const flags[] = {"--benchmark_repetitions=33", "--benchmark_filter=row"};
  char path[] = "/tmp/onefold-rows-XXXXXX", error[256] = "", *text = NULL;
  const int made = mkstemp(path);
  assert_true(made >= 0);
  close(made);
  onefold_gbench *session = NULL;
  assert_int_equal(onefold_gbench_open(flags, 2, path, &session, error, sizeof error),
                   ONEFOLD_GBENCH_OPEN);
  const double seconds[] = {3e-6, 1e-6, 2e-6};
  const onefold_gbench_case row = {
      .name = "a row", .label = "how", .counters = {{"flops", 8, 0}, {"rate", 8, 1}}};
  const onefold_gbench_case other = {.name = "another", .label = NULL};
  onefold_gbench_add_row(session, &row, seconds, 3);
  onefold_gbench_add_row(session, &other, seconds, 3);
  assert_true(onefold_gbench_has_run(session));
  assert_int_equal(onefold_gbench_close(session), 0);
  FILE *file = fopen(path, "r");
  size_t room = 0, entries = 0;
  assert_non_null(file);
  assert_true(getdelim(&text, &room, '\0', file) > 0);
  fclose(file);
  unlink(path);
  for (const char *at = text; (at = strstr(at, "\"run_name\": \"a row\"")); at++) entries++;
  assert_int_equal(entries, 4);
  assert_null(strstr(text, "another"));
  const char *median = strstr(text, "\"a row_median\"");
  assert_non_null(median);
  assert_non_null(strstr(median, "\"real_time\": 2.0000000"));
  assert_non_null(strstr(median, "\"rate\": 4.0000000"));
  assert_non_null(strstr(median, "\"label\": \"how\""));
  assert_non_null(strstr(text, "\"context\""));
  free(text);
}

/// What flags mean, by the last of each; those that are not ours are passed on.
static void test_flags(void **state) {
  (void)state;
  static const char *const texts[] = {
      "--benchmark_filter=(",
      "--benchmark_filter=-^b",
      "--benchmark_out=one",
      "--benchmark_out_format=json",
      "--benchmark_list_tests=no",
      "--benchmark_min_time=1",
      "--benchmark_report_aggregates_only",
      "--benchmark_filters=a",
  };
  onefold_gbench_flags flags;
  char error[128] = "";
  assert_true(onefold_gbench_flags_parse(&flags, texts, 1, NULL, error, sizeof error));
  assert_string_equal(error, "--benchmark_filter=(: not a regular expression");
  onefold_gbench_flags_free(&flags);
  assert_false(onefold_gbench_flags_parse(&flags, texts + 1, 7, "two", error, sizeof error));
  assert_true(onefold_gbench_wants(&flags, "abc") && !onefold_gbench_wants(&flags, "bc"));
  assert_string_equal(flags.path, "one");
  assert_true(!flags.listing && flags.aggregates_only);
  assert_true(flags.has_min_time && !flags.has_repetitions);
  assert_int_equal(flags.passed_count, 4); // behind two of ours
  assert_string_equal(flags.passed[2], "--benchmark_min_time=1");
  assert_string_equal(flags.passed[3], "--benchmark_filters=a");
  onefold_gbench_flags_free(&flags);

  static const char *const formats[] = {"--benchmark_format=json", "--benchmark_format=console",
                                        "--benchmark_out_format=console"};
  assert_false(onefold_gbench_flags_parse(&flags, formats, 2, NULL, error, sizeof error));
  assert_string_equal(flags.path, "-");
  assert_int_equal(flags.passed_count, 2);
  onefold_gbench_flags_free(&flags);
  assert_true(onefold_gbench_flags_parse(&flags, formats, 3, NULL, error, sizeof error));
  assert_string_equal(error, "--benchmark_out_format=console: only json is written");
  onefold_gbench_flags_free(&flags);
}

static off_t size_of(const char *path, mode_t *mode) {
  struct stat found;
  if (stat(path, &found)) return -1;
  if (mode) *mode = found.st_mode & 07777;
  return found.st_size;
}

/// An older file stays until the new one is whole, and gives it its mode. What is no plain file is
/// written as it is.
static void test_file(void **state) {
  (void)state;
  char path[] = "/tmp/onefold-file-XXXXXX", part[64];
  const int made = mkstemp(path);
  assert_true(made >= 0);
  assert_int_equal(write(made, "older", 5), 5);
  assert_int_equal(fchmod(made, 0640), 0);
  close(made);
  for (int whole = 0; whole < 2; whole++) {
    onefold_gbench_file file;
    snprintf(part, sizeof part, "%s", onefold_gbench_file_begin(&file, path));
    assert_string_not_equal(part, path);
    FILE *out = fopen(part, "w");
    assert_non_null(out);
    fputs("the newer one", out);
    fclose(out);
    assert_int_equal(size_of(path, NULL), 5);
    assert_int_equal(onefold_gbench_file_end(&file, whole), 0);
    assert_int_equal(size_of(part, NULL), -1);
    mode_t mode = 0;
    assert_int_equal(size_of(path, &mode), whole ? 13 : 5);
    assert_int_equal(mode, 0640);
  }
  unlink(path);
  onefold_gbench_file file;
  assert_string_equal(onefold_gbench_file_begin(&file, "/dev/null"), "/dev/null");
  assert_int_equal(onefold_gbench_file_end(&file, 1), 0);
  assert_string_equal(onefold_gbench_file_begin(&file, "/nonexistent/f"), "/nonexistent/f");
  assert_int_equal(onefold_gbench_file_end(&file, 0), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pieces), cmocka_unit_test(test_without),
                                     cmocka_unit_test(test_rows), cmocka_unit_test(test_flags),
                                     cmocka_unit_test(test_file)};
  return cmocka_run_group_tests_name("gbench", tests, NULL, NULL);
}
