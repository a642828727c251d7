// SPDX-License-Identifier: BSD-3-Clause
// Rows of the record as lines of JSON, and what changes many rows: import, merge, prune.
#include "tests/record_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Lines of an export, one after the other.
typedef struct lines {
  char text[65536];
  int count;
} lines;

static void append(void *user, const char *line) {
  lines *all = user;
  const size_t length = strlen(all->text);
  assert_null(strchr(line, '\n'));
  snprintf(all->text + length, sizeof all->text - length, "%s\n", line);
  all->count++;
}

static lines *export_of(onefold_record *record) {
  lines *all = calloc(1, sizeof *all);
  assert_non_null(all);
  test_record_ok(record, onefold_record_export(record, append, all, NULL));
  return all;
}

static void expect_equal(onefold_record *a, onefold_record *b) {
  lines *x = export_of(a), *y = export_of(b);
  assert_string_equal(x->text, y->text);
  free(x);
  free(y);
}

static void put(onefold_record *record, const onefold_record_row *row) {
  test_record_ok(record, onefold_record_put(record, row, ONEFOLD_RECORD_REPLACE, NULL));
}

/// Some rows, all different.
static onefold_record *filled(onefold_context *context, int count) {
  onefold_record *record = test_record(NULL, 0, NULL);
  test_rng rng = {11};
  for (int i = 0; i < count; i++) {
    onefold_record_row row = test_row(context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
    row.key.threads = 1 + i;
    row.key.situation = (onefold_situation)(i % 3);
    row.key.accuracy = (onefold_accuracy)(i % 2);
    row.median_ns = 1e6 * (double)test_uniform(&rng, 0, 1);
    row.spread = (double)test_uniform(&rng, 0, 0.1f);
    row.kernels = test_random(&rng);
    strcpy(row.tiling.algorithm, "direct");
    put(record, &row);
  }
  return record;
}

static void test_line(void **state) {
  onefold_context *context = *state;
  onefold_record_row row = test_row(context, "ic64ih56oc64kh3ph1", ONEFOLD_COLD);
  row.tiling = (onefold_tiling){.algorithm = "direct", .threads = 2};
  row.kernels = 255;
  strcpy(row.date, "2026-01-31T23:59:59Z");
  strcpy(row.version, "0.1.0");
  static const char want[] =
      "{\"machine\":\"amd-zen4,ref,l1d=32768,l2=1048576:2,l3=33554432:16,cores=96,threads=192,"
      "packages=1,numa=1\",\"kind\":\"conv2d\",\"problem\":\"mb1ic64ih56oc64oh56kh3ph1\","
      "\"layouts\":\"blocked:blocked\",\"epilogue\":\"none\",\"threads\":1,\"situation\":\"cold\","
      "\"accuracy\":\"standard\",\"tiling\":\"algorithm=direct,threads=2\",\"median_ns\":1000.0,"
      "\"spread\":0.02,\"default_ns\":1100.0,\"trials\":10,\"version\":\"0.1.0\","
      "\"kernels\":\"00000000000000ff\",\"date\":\"2026-01-31T23:59:59Z\"}";
  char text[1024], part[10];
  assert_int_equal(onefold_record_row_print(&row, text, sizeof text), sizeof want - 1);
  assert_string_equal(text, want);
  assert_int_equal(onefold_record_row_print(&row, part, sizeof part), sizeof want - 1);
  assert_string_equal(part, "{\"machine");
  assert_int_equal(onefold_record_row_print(NULL, text, sizeof text), 0);

  onefold_record *record = test_record(NULL, 0, NULL);
  onefold_record_counts counts;
  onefold_record_row got;
  test_record_ok(record, onefold_record_import(record, want, sizeof want - 1,
                                               ONEFOLD_RECORD_REPLACE, &counts));
  test_record_ok(record, onefold_record_get(record, &row.key, &got));
  assert_memory_equal(&got, &row, sizeof row);
  assert_int_equal(counts.written, 1);
  onefold_record_close(record);
}

static void test_round_trip(void **state) {
  onefold_record *first = filled(*state, 50), *second = test_record(NULL, 0, NULL);
  lines *all = export_of(first);
  assert_int_equal(all->count, 50);
  onefold_record_counts counts;
  for (int i = 0; i < 2; i++) { // the second time there is nothing better
    test_record_ok(second, onefold_record_import(second, all->text, strlen(all->text),
                                                 ONEFOLD_RECORD_BETTER, &counts));
    assert_int_equal(counts.written, i ? 0 : 50);
    assert_int_equal(counts.kept, i ? 50 : 0);
    assert_int_equal(counts.skipped, 0);
    expect_equal(first, second);
  }
  free(all);
  onefold_record_close(first);
  onefold_record_close(second);
}

/// A good line with one part of it replaced.
static char *changed(const char *line, const char *from, const char *to) {
  const char *at = strstr(line, from);
  const size_t size = strlen(line) + strlen(to) + 1;
  char *text = malloc(size);
  assert_non_null(text);
  if (!at) fail_msg("no %s in %s", from, line);
  snprintf(text, size, "%.*s%s%s", (int)(at - line), line, to, at + strlen(from));
  return text;
}

static void test_import_mistakes(void **state) {
  onefold_record *source = filled(*state, 1), *record = test_record(NULL, 0, NULL);
  lines *good = export_of(source);
  static const struct {
    const char *from, *to, *says;
  } cases[] = {
      {"\"threads\":1,", "\"threads\":0,", "threads is 0"},
      {"\"threads\":1,", "\"threads\":1.5,", "threads is 1.5"},
      {"\"threads\":1,", "\"threads\":\"1\",", "threads is \"1\""},
      {"\"threads\":1,", "\"threads\":4294967297,", "threads is 4294967297"},
      {"\"threads\":1,", "", "there is no \"threads\""},
      {"\"threads\":1,", "\"threads\":1,\"threads\":1,", "duplicate object key"},
      {"\"threads\":1,", "\"colour\":\"blue\",\"threads\":1,", "a row has no \"colour\""},
      {"\"trials\":10", "\"trials\":-1", "trials is -1"},
      {"\"spread\":", "\"spread\":-", "spread is -"},
      {"\"median_ns\":", "\"median_ns\":-", "median_ns is -"},
      {"\"median_ns\":", "\"median_ns\":null,\"x\":", "has no \"x\""},
      {"warm", "lukewarm", "situation is \"lukewarm\""},
      {"standard", "sloppy", "accuracy is \"sloppy\""},
      {"algorithm=direct", "algorithm=", "tiling is \"algorithm=\""},
      {"algorithm=direct", "threads=x", "tiling is \"threads=x\""},
      {"mb1ic64", "ic64", "problem \"ic64ih56oc64oh56kh3ph1\" is written \"mb1ic64"},
      {"kh3", "kx3", "kx3"},
      {"blocked:blocked", "blocked", "layouts \"blocked\""},
      {"\"none\"", "\"softmax\"", "epilogue \"softmax\""},
      {"\"none\"", "\"\"", "epilogue \"\" is not a word"},
      {"\"kernels\":\"", "\"kernels\":\"g", "kernels is \"g"},
      {"T", " ", "date \""},
      {"{", "[", "expected near ':'"},
      {"}", "", "expected"},
      {"{\"machine\"", "[]{\"machine\"", "end of file expected"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *bad = changed(good->text, cases[i].from, cases[i].to), *text = NULL, sentence[512];
    onefold_record_counts counts = {1, 1, 1};
    assert_true(asprintf(&text, "%s\n%s", good->text, bad) > 0); // line 2 is empty
    test_case("%s", bad);
    test_record_fails(
        record, onefold_record_import(record, text, strlen(text), ONEFOLD_RECORD_BETTER, &counts),
        ONEFOLD_FORMAT);
    onefold_record_last_error(record, sentence, sizeof sentence);
    if (strncmp(sentence, "line 3: ", 8) != 0 || !strstr(sentence, cases[i].says))
      test_failed("no \"%s\" in \"%s\"", cases[i].says, sentence);
    assert_int_equal(counts.written + counts.kept + counts.skipped, 0);
    assert_int_equal(test_record_count(record), 0); // nor is the good line there
    free(bad);
    free(text);
  }
  test_record_fails(record, onefold_record_import(record, NULL, 1, ONEFOLD_RECORD_BETTER, NULL),
                    ONEFOLD_INVALID_ARGUMENT);
  test_record_fails(record, onefold_record_import(record, "", 0, (onefold_record_policy)9, NULL),
                    ONEFOLD_INVALID_ARGUMENT);
  test_record_ok(record, onefold_record_import(record, NULL, 0, ONEFOLD_RECORD_BETTER, NULL));
  free(good);
  onefold_record_close(source);
  onefold_record_close(record);
}

static void test_import_of_the_future(void **state) {
  onefold_record *source = filled(*state, 1), *record = test_record(NULL, 0, NULL);
  lines *good = export_of(source);
  char *text = changed(good->text, "algorithm=direct", "colour=blue");
  onefold_record_counts counts;
  test_record_ok(record,
                 onefold_record_import(record, text, strlen(text), ONEFOLD_RECORD_BETTER, &counts));
  assert_int_equal(counts.written, 0);
  assert_int_equal(counts.skipped, 1);
  char *bad = changed(text, "\"trials\":10", "\"trials\":0"); // all else is checked
  test_record_fails(record,
                    onefold_record_import(record, bad, strlen(bad), ONEFOLD_RECORD_BETTER, &counts),
                    ONEFOLD_FORMAT);
  free(bad);
  free(text);
  free(good);
  onefold_record_close(source);
  onefold_record_close(record);
}

static void test_merge(void **state) {
  onefold_context *context = *state;
  onefold_record *into = test_record(NULL, 0, NULL), *from = test_record(NULL, 0, NULL);
  const onefold_record_row row = test_row(context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  for (int i = 0; i < 30; i++) {
    onefold_record_row mine = row, other = row;
    mine.key.threads = other.key.threads = 1 + i;
    other.median_ns = 900;
    mine.trials = 10;
    other.trials = 9 + i % 3; // fewer, as many, more: by so few the spread alone decides
    other.spread = i % 2 ? 0.01 : 0.03;
    if (i < 20) put(into, &mine);
    if (i >= 5) put(from, &other);
  }
  onefold_record_counts counts;
  test_record_ok(into, onefold_record_merge(into, from, ONEFOLD_RECORD_BETTER, &counts));
  int64_t better = 0;
  for (int i = 0; i < 30; i++) {
    onefold_record_row got, asked = row;
    asked.key.threads = 1 + i;
    test_record_ok(into, onefold_record_get(into, &asked.key, &got));
    const int others = i >= 20 || (i >= 5 && i % 2);
    if ((got.median_ns == 900) != others) fail_msg("row %d is of the wrong record", i);
    better += others;
  }
  assert_int_equal(counts.written, better);
  assert_int_equal(counts.kept, 25 - better);
  assert_int_equal(test_record_count(from), 25);
  test_record_ok(into, onefold_record_merge(into, from, ONEFOLD_RECORD_BETTER, &counts));
  assert_int_equal(counts.written, 0);
  test_record_ok(into, onefold_record_merge(into, from, ONEFOLD_RECORD_REPLACE, &counts));
  assert_int_equal(counts.written, 25);
  test_record_fails(into, onefold_record_merge(into, into, ONEFOLD_RECORD_BETTER, NULL),
                    ONEFOLD_INVALID_ARGUMENT);
  test_record_fails(into, onefold_record_merge(into, NULL, ONEFOLD_RECORD_BETTER, NULL),
                    ONEFOLD_INVALID_ARGUMENT);
  test_record_fails(into, onefold_record_merge(into, from, (onefold_record_policy)2, NULL),
                    ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(test_record_count(into), 30);
  onefold_record_close(into);
  onefold_record_close(from);
}

static int is_odd(void *user, const onefold_record_row *row) {
  ++*(int *)user;
  return row->key.threads % 2;
}

static void test_prune(void **state) {
  onefold_record *record = filled(*state, 101);
  int seen = 0;
  int64_t removed = -1;
  test_record_ok(record, onefold_record_prune(record, is_odd, &seen, &removed));
  assert_int_equal(seen, 101);
  assert_int_equal(removed, 51);
  test_record_ok(record, onefold_record_prune(record, is_odd, &seen, &removed));
  assert_int_equal(removed, 0);
  assert_int_equal(test_record_count(record), 50);
  test_record_fails(record, onefold_record_prune(record, NULL, NULL, &removed),
                    ONEFOLD_INVALID_ARGUMENT);
  onefold_record_close(record);
}

/// A record that is read only takes nothing.
static void test_read_only(void **state) {
  test_place place;
  test_place_make(&place);
  onefold_record *from = filled(*state, 3), *record = test_record(place.path, 0, NULL);
  test_record_ok(record, onefold_record_merge(record, from, ONEFOLD_RECORD_BETTER, NULL));
  onefold_record_close(record);
  record = test_record(place.path, 1, NULL);
  lines *all = export_of(from);
  int seen = 0;
  test_record_fails(record, onefold_record_merge(record, from, ONEFOLD_RECORD_REPLACE, NULL),
                    ONEFOLD_UNSUPPORTED);
  test_record_fails(
      record,
      onefold_record_import(record, all->text, strlen(all->text), ONEFOLD_RECORD_REPLACE, NULL),
      ONEFOLD_UNSUPPORTED);
  test_record_fails(record, onefold_record_prune(record, is_odd, &seen, NULL), ONEFOLD_UNSUPPORTED);
  expect_equal(record, from);
  free(all);
  onefold_record_close(record);
  onefold_record_close(from);
  test_place_remove(&place);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_line),
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_import_mistakes),
      cmocka_unit_test(test_import_of_the_future),
      cmocka_unit_test(test_merge),
      cmocka_unit_test(test_prune),
      cmocka_unit_test(test_read_only),
  };
  onefold_context *context = NULL;
  const onefold_context_options options = {
      .struct_size = sizeof options, .threads = 1, .has_max_isa = 1};
  if (onefold_context_create(&options, &context)) return EXIT_FAILURE;
  struct CMUnitTest given[sizeof tests / sizeof tests[0]];
  memcpy(given, tests, sizeof tests);
  for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) given[i].initial_state = context;
  const int failed = cmocka_run_group_tests(given, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
