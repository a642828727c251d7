// SPDX-License-Identifier: BSD-3-Clause
// onefold tune: what is shown, exported, imported, merged and pruned of a record.
#include "tests/cli_support.h"
#include "tests/record_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// A place of its own, which ONEFOLD_RECORD names, and a context that makes rows.
typedef struct fixture {
  test_place place;
  onefold_context *context;
} fixture;

static int create(void **state) {
  fixture *f = calloc(1, sizeof *f);
  assert_non_null(f);
  test_place_make(&f->place);
  f->context = test_context(ONEFOLD_ISA_REF, 2);
  setenv("ONEFOLD_RECORD", f->place.path, 1);
  *state = f;
  return 0;
}

static int destroy(void **state) {
  fixture *f = *state;
  onefold_context_destroy(f->context);
  test_place_remove(&f->place);
  free(f);
  return 0;
}

static void put(const char *path, const onefold_record_row *row) {
  onefold_record *record = test_record(path, 0, NULL);
  test_record_ok(record, onefold_record_put(record, row, ONEFOLD_RECORD_REPLACE, NULL));
  onefold_record_close(record);
}

/// Two machines, of which this is one; two problems; a row of long ago, and one of another version.
static void fill(fixture *f) {
  static const char *const problems[] = {"ic64ih56oc64kh3ph1", "ic32ih28oc32kh1"};
  for (int i = 0; i < 8; i++) {
    onefold_record_row row = test_row(f->context, problems[i / 4], (onefold_situation)(i % 2));
    if (i / 2 % 2) {
      onefold_conv2d_desc desc;
      test_ok(f->context, onefold_conv2d_desc_parse(f->context, problems[i / 4], &desc));
      onefold_record_row here;
      test_ok(f->context, onefold_record_row_init(f->context, NULL, &desc, ONEFOLD_WARM, &here));
      memcpy(row.key.machine, here.key.machine, sizeof row.key.machine);
    }
    row.kernels = onefold_kernel_list_hash(f->context);
    strcpy(row.tiling.algorithm, "direct");
    row.trials = 10 + i;
    if (i == 3) strcpy(row.date, "2001-01-01T00:00:00Z");
    if (i == 4) strcpy(row.version, "0.0.1");
    if (i == 5) row.kernels++;
    put(f->place.path, &row);
  }
}

/// Runs, and expects success; the standard output, to be freed.
static char *output_of(const char *arguments) {
  test_run run = test_program(arguments);
  test_exits(&run, arguments, 0);
  if (*run.err) fail_msg("onefold %s wrote:\n%s", arguments, run.err);
  free(run.err);
  return run.out;
}

static int count_lines(const char *text) {
  int count = 0;
  for (; *text; text++) count += *text == '\n';
  return count;
}

// ---------------------------------------------------------------------- tests

static void test_help(void **state) {
  (void)state;
  test_expect_words("tune --help", "prune");
  test_expect_words("tune show --help", "--older-than");
  test_expect_words("tune export --help", "--output");
  test_expect_words("tune import --help", "--replace");
  test_expect_words("tune merge --help", "INTO FROM");
  test_expect_words("tune prune --help", "--dry-run");
}

static void test_show(void **state) {
  fixture *f = *state;
  fill(f);
  char *out = output_of("tune show");
  assert_non_null(strstr(out, "amd-zen4,ref,l1d=32768"));
  assert_non_null(strstr(out, "(this machine)"));
  assert_non_null(strstr(out, "mb1ic32ih28oc32oh28kh1"));
  assert_non_null(strstr(out, "1.00 us"));
  assert_non_null(strstr(out, "1.10x"));
  assert_non_null(strstr(out, "direct"));
  assert_non_null(strstr(out, "8 rows of "));
  free(out);

  json_t *root = test_report("tune show --json --here");
  const json_t *rows = json_object_get(root, "rows");
  assert_int_equal(json_array_size(rows), 4);
  assert_string_equal(json_string_value(json_object_get(root, "record")), f->place.path);
  assert_int_equal(json_integer_value(json_object_get(root, "skipped")), 0);
  size_t i;
  const json_t *row;
  json_array_foreach(rows, i, row) {
    assert_true(json_is_true(json_object_get(row, "here")));
    assert_string_equal(json_string_value(json_object_get(row, "tiling")), "algorithm=direct");
  }
  json_decref(root);
}

/// Options that choose rows, and how many of the eight each does.
static void test_rows(void **state) {
  fill(*state);
  static const struct {
    const char *options;
    int count;
  } cases[] = {
      {"", 8},
      {"--problem kh3", 4},
      {"--problem nothing", 0},
      {"--here", 4},
      {"--elsewhere", 4},
      {"--here --elsewhere", 0},
      {"--situation warm", 4},
      {"--situation cold --problem kh1 --here", 1},
      {"--situation in_place", 0},
      {"--accuracy standard", 8},
      {"--accuracy strict", 0},
      {"--threads 2", 8},
      {"--threads 1", 0},
      {"--older-than 1000", 1},
      {"--stale", 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char arguments[128];
    snprintf(arguments, sizeof arguments, "tune export %s", cases[i].options);
    char *out = output_of(arguments);
    if (count_lines(out) != cases[i].count)
      fail_msg("%s: %d rows, not %d", arguments, count_lines(out), cases[i].count);
    free(out);
  }
}

/// An export, imported elsewhere and exported again, is the same.
static void test_round_trip(void **state) {
  fixture *f = *state;
  char arguments[512], *exported = test_path();
  fill(f);
  char *first = output_of("tune export");
  snprintf(arguments, sizeof arguments, "tune export -o '%s'", exported);
  test_expect_words(arguments, "");
  snprintf(arguments, sizeof arguments, "tune import '%s' --record '%s.2'", exported,
           f->place.path);
  test_expect_words(arguments, "8 rows written");
  test_expect_words(arguments, "0 rows written, 8 were there with better evidence");
  snprintf(arguments, sizeof arguments, "tune import '%s' --record '%s.2' --replace --json",
           exported, f->place.path);
  json_t *root = test_report(arguments);
  assert_int_equal(json_integer_value(json_object_get(root, "written")), 8);
  json_decref(root);
  snprintf(arguments, sizeof arguments, "tune export --record '%s.2'", f->place.path);
  char *second = output_of(arguments);
  assert_string_equal(second, first);
  free(first);
  free(second);
  test_path_free(exported);
}

static void test_bad_import(void **state) {
  fixture *f = *state;
  char arguments[512], *path = test_path();
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs("\n{\"machine\": 7}\n", file);
  fclose(file);
  snprintf(arguments, sizeof arguments, "tune import '%s'", path);
  test_expect_mistake(arguments, 1, "line 2: machine is 7");
  assert_int_equal(test_place_files(&f->place, ".damaged-"), 0);
  test_expect_words("tune export", "");
  test_path_free(path);
}

static void test_merge(void **state) {
  fixture *f = *state;
  char arguments[1024];
  fill(f);
  onefold_record_row row = test_row(f->context, "ic64ih56oc64kh3ph1", ONEFOLD_WARM);
  char other[256];
  snprintf(other, sizeof other, "%s.other", f->place.path);
  row.trials = 1000;
  row.median_ns = 500;
  put(other, &row);
  row.key.situation = ONEFOLD_COLD;
  row.trials = 1;
  put(other, &row);
  row.key.situation = ONEFOLD_IN_PLACE;
  put(other, &row);
  snprintf(arguments, sizeof arguments, "tune merge '%s' '%s'", f->place.path, other);
  test_expect_words(arguments, "2 rows written, 1 were there with better evidence");
  onefold_record *record = test_record(f->place.path, 1, NULL);
  onefold_record_row got;
  assert_int_equal(test_record_count(record), 9);
  row.key.situation = ONEFOLD_WARM;
  test_record_ok(record, onefold_record_get(record, &row.key, &got));
  assert_int_equal(got.trials, 1000);
  row.key.situation = ONEFOLD_COLD;
  test_record_ok(record, onefold_record_get(record, &row.key, &got));
  assert_int_equal(got.trials, 11);
  onefold_record_close(record);
  snprintf(arguments, sizeof arguments, "tune merge '%s' '%s.none'", f->place.path, other);
  test_expect_mistake(arguments, 1, "other.none is not there");
}

static void test_prune(void **state) {
  fill(*state);
  test_expect_words("tune prune --elsewhere --dry-run", "4 rows would be removed");
  test_expect_words("tune prune --older-than 1000", "1 rows removed");
  test_expect_words("tune prune --elsewhere", "4 rows removed");
  json_t *root = test_report("tune prune --stale --json");
  assert_int_equal(json_integer_value(json_object_get(root, "removed")), 0);
  json_decref(root);
  char *out = output_of("tune export");
  assert_int_equal(count_lines(out), 3);
  free(out);
  test_expect_words("tune prune --all", "3 rows removed");
  test_expect_words("tune show", "0 rows of");
}

static void test_mistakes(void **state) {
  fixture *f = *state;
  fill(f);
  static const test_mistake mistakes[] = {
      {"tune", 2, "Commands:"},
      {"tune nonsense", 2, "nonsense: no such command"},
      {"tune show extra", 2, "extra"},
      {"tune show --threads=0", 2, "--threads=0"},
      {"tune show --situation=hot", 2, "--situation=hot: not one of warm, cold, in_place"},
      {"tune show --accuracy=no", 2, "--accuracy=no"},
      {"tune show --older-than=-1", 2, "--older-than=-1"},
      {"tune show --record /nonexistent/x.db", 1, "/nonexistent/x.db is not there"},
      {"tune export -o /nonexistent/x", 1, "/nonexistent/x"},
      {"tune export -o /dev/full", 1, "No space left"},
      {"tune import", 2, "one file is expected"},
      {"tune import a b", 2, "one file is expected"},
      {"tune import /nonexistent/x", 1, "/nonexistent/x"},
      {"tune import /dev/null --record /nonexistent/x.db", 1, "no record to write to"},
      {"tune merge a", 2, "two records at least"},
      {"tune merge --record x a b", 2, "--record"},
      {"tune prune", 2, "which rows?"},
      {"tune prune --all --here", 2, "not both"},
      {"tune prune --all extra", 2, "extra: no argument is expected"},
  };
  test_expect_mistakes(mistakes, sizeof mistakes / sizeof *mistakes);
  char *out = output_of("tune export");
  assert_int_equal(count_lines(out), 8);
  free(out);
}

/// A file that is no record is left alone by show, and moved aside by what writes.
static void test_damaged(void **state) {
  fixture *f = *state;
  FILE *file = fopen(f->place.path, "w");
  assert_non_null(file);
  fputs("this is no record at all, and it is long enough to be looked at as a database ......"
        "................................................................................\n",
        file);
  fclose(file);
  test_expect_mistake("tune show", 1, "file is not a database; no tilings are read");
  assert_int_equal(test_place_files(&f->place, ""), 1);
  test_run run = test_program("tune import /dev/null");
  test_exits(&run, "tune import", 0);
  assert_non_null(strstr(run.err, "warning: "));
  assert_non_null(strstr(run.err, ".damaged-"));
  test_run_free(&run);
  assert_int_equal(test_place_files(&f->place, ".damaged-"), 1);
  test_expect_words("tune show", "0 rows of");
}

/// The default path, which is nothing to warn of until something is recorded.
static void test_nothing_yet(void **state) {
  fixture *f = *state;
  unsetenv("ONEFOLD_RECORD");
  setenv("XDG_CACHE_HOME", f->place.directory, 1);
  test_expect_words("tune show", "nothing is recorded yet");
  json_t *root = test_report("tune show --json");
  assert_int_equal(json_array_size(json_object_get(root, "rows")), 0);
  json_decref(root);
  test_expect_words("tune export", "");
  assert_int_equal(test_place_files(&f->place, ""), 0);
  test_expect_words("tune import /dev/null", "onefold/tilings.db: 0 rows written");
  unsetenv("XDG_CACHE_HOME");
}

/// Commands that run layers plan by the record.
static void test_net(void **state) {
  fixture *f = *state;
  onefold_conv2d_desc desc;
  onefold_record_row row;
  test_ok(f->context, onefold_conv2d_desc_parse(f->context, "ic48ih56oc48kh3ph1", &desc));
  desc.activation = ONEFOLD_ACT_RELU;
  test_ok(f->context, onefold_record_row_init(f->context, NULL, &desc, ONEFOLD_IN_PLACE, &row));
  row.median_ns = row.default_ns = 1000;
  row.trials = 10;
  strcpy(row.tiling.algorithm, "direct");
  static const char command[] = "net repvgg-a0 --form folded --isa ref --threads 2 --json";
  static const char exact[] = "\"source\": \"record\"";
  test_run run = test_program(command); // a record that is named and not there
  test_exits(&run, command, 0);
  assert_null(strstr(run.out, exact));
  assert_non_null(strstr(run.err, "is not there; no tilings are read"));
  test_run_free(&run);
  put(f->place.path, &row);
  test_expect_words(command, exact);
  setenv("ONEFOLD_RECORD", "", 1);
  char *out = output_of(command);
  assert_null(strstr(out, exact));
  free(out);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_help), TEST(test_show),        TEST(test_rows),  TEST(test_round_trip),
      TEST(test_bad_import),       TEST(test_merge),       TEST(test_prune), TEST(test_mistakes),
      TEST(test_damaged),          TEST(test_nothing_yet), TEST(test_net),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
