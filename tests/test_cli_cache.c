// SPDX-License-Identifier: BSD-3-Clause
// --cache: the same results by a second start, and by a first one where the file is damaged.
#include "tests/cli_support.h"
#include "tests/file_support.h"

#include <onefold/onefold.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct place {
  test_directory files, cache; // the cache is not there at first
  test_file_path x, y;
} place;

static place make_place(onefold_shape in) {
  place p;
  test_directory_make(&p.files);
  test_file(&p.files, "x.npy", p.x);
  test_file(&p.files, "y.npy", p.y);
  test_directory_make(&p.cache);
  test_directory_remove(&p.cache);
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const size_t count = test_elements(in);
  onefold_array x = {.rank = 4, .dims = {in.n, in.c, in.h, in.w}};
  x.values = malloc(count * sizeof(float));
  assert_non_null(x.values);
  test_rng rng = {3};
  test_fill_uniform(&rng, x.values, count);
  test_ok(context, onefold_array_write(context, p.x, &x));
  free(x.values);
  onefold_context_destroy(context);
  return p;
}

static void free_place(place *p) {
  test_directory_remove(&p->cache);
  test_directory_remove(&p->files);
}

/// Runs with the cache, which says `says` of itself (NULL: nothing), and leaves y.npy; `wants` of
/// `length` are its bytes (NULL: any).
static void start(const place *p, const char *arguments, const char *says, const void *wants,
                  size_t length) {
  char line[3000];
  snprintf(line, sizeof line, "run %s --cache=%s --input=%s --output=%s", arguments, p->cache.path,
           p->x, p->y);
  test_run run = test_program(line);
  test_exits(&run, line, 0);
  if (!says) assert_string_equal(run.err, "");
  if (says && !strstr(run.err, says)) fail_msg("no \"%s\" in: %s", says, run.err);
  assert_string_equal(run.out, "");
  test_run_free(&run);
  if (wants) test_file_is(p->y, wants, length);
}

static char *slurp(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  char *bytes = malloc(1 << 20);
  *length = fread(bytes, 1, 1 << 20, file);
  fclose(file);
  return bytes;
}

/// Cuts every file of the cache short.
static void damage(const place *p) {
  DIR *listing = opendir(p->cache.path);
  assert_non_null(listing);
  for (struct dirent *entry; (entry = readdir(listing));) {
    if (entry->d_name[0] == '.') continue;
    test_file_path path;
    snprintf(path, sizeof path, "%.250s/%.60s", p->cache.path, entry->d_name);
    test_file_write(path, "onefold\n", 8);
  }
  closedir(listing);
}

static void test_block(void **state) {
  (void)state;
  place p = make_place((onefold_shape){1, 16, 12, 12});
#define BLOCK "--model=repvgg --set out_channels=16 --threads=1 "
  size_t length;
  start(&p, BLOCK "--seed=5", NULL, NULL, 0);
  char *y = slurp(p.y, &length);
  start(&p, BLOCK "--seed=5", NULL, y, length);
  assert_int_equal(test_directory_files(&p.cache), 1);
  start(&p, BLOCK "--seed=5 --threads=2", NULL, y, length); // the same file
  assert_int_equal(test_directory_files(&p.cache), 1);
  damage(&p);
  start(&p, BLOCK "--seed=5", "the cache: left aside", y, length);
  start(&p, BLOCK "--seed=5", NULL, y, length);
  // What is not the same has a file of its own.
  static const char *const others[] = {BLOCK "--seed=6",
                                       BLOCK "--seed=5 --form=eager",
                                       BLOCK "--seed=5 --accuracy=strict",
                                       BLOCK "--seed=5 --prefix=a.",
                                       BLOCK "--seed=5 --set activation=silu",
                                       BLOCK "--seed=5 --isa=ref"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    start(&p, others[i], NULL, NULL, 0);
    assert_int_equal(test_directory_files(&p.cache), (int)i + 2);
  }
  start(&p, BLOCK "--seed=5", NULL, y, length);
  free(y);
  free_place(&p);
}

/// A checkpoint by its content, whatever it is called.
static void test_checkpoint(void **state) {
  (void)state;
  place p = make_place((onefold_shape){1, 8, 9, 10});
  test_file_path copy;
  char path[512], arguments[1024];
  size_t length, size;
  snprintf(path, sizeof path, "%s/repvgg_identity.safetensors", ONEFOLD_TEST_VECTORS);
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_weights *weights = NULL;
  int64_t dims[8];
  int32_t rank;
  test_ok(context, onefold_weights_open(context, path, &weights));
  test_ok(context, onefold_weights_shape(weights, "golden.input", dims, &rank));
  onefold_array x = {.rank = rank};
  memcpy(x.dims, dims, sizeof dims);
  x.values = calloc((size_t)(dims[0] * dims[1] * dims[2] * dims[3]), sizeof(float));
  test_ok(context, onefold_array_write(context, p.x, &x));
  free(x.values);
  const char *params = onefold_weights_metadata(weights, "params");
#define FROM "--model=repvgg --prefix=block. --threads=1 --weights='%s' --set '%s'"
  snprintf(arguments, sizeof arguments, FROM, path, params);
  start(&p, arguments, NULL, NULL, 0);
  char *y = slurp(p.y, &size);
  start(&p, arguments, NULL, y, size);
  char *bytes = slurp(path, &length);
  test_file(&p.files, "copy.safetensors", copy);
  test_file_write(copy, bytes, length);
  snprintf(arguments, sizeof arguments, FROM, copy, params);
  start(&p, arguments, NULL, y, size);
  assert_int_equal(test_directory_files(&p.cache), 1);
  bytes[length - 1] ^= 1; // another value of a tensor
  test_file_write(copy, bytes, length);
  start(&p, arguments, NULL, NULL, 0);
  assert_int_equal(test_directory_files(&p.cache), 2);
  free(bytes);
  free(y);
  onefold_weights_close(weights);
  onefold_context_destroy(context);
  free_place(&p);
}

/// onefold net leaves the file that onefold run and bench net look for.
static void test_network(void **state) {
  (void)state;
  place p = make_place((onefold_shape){1, 3, 32, 32});
  char line[1024];
  snprintf(line, sizeof line, "net repghostnet-0.5x --size=32 --seed=2 --cache=%s", p.cache.path);
  test_run run = test_program(line);
  test_exits(&run, line, 0);
  assert_string_equal(run.err, "");
  test_run_free(&run);
  start(&p, "--model=repghostnet-0.5x --seed=2", NULL, NULL, 0);
  snprintf(line, sizeof line,
           "bench net repghostnet-0.5x --form=folded --size=32 --seed=2 --cache=%s --json - "
           "--benchmark_min_time=0.001 --benchmark_repetitions=3",
           p.cache.path);
  json_t *report = test_report(line);
  static const char *const rows[] = {"read", "prepare", "map"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char name[160];
    snprintf(name, sizeof name, "net/repghostnet-0.5x/mb1ih32/folded/%s/threads:1", rows[i]);
    assert_int_equal(test_entries(report, name), 3);
  }
  json_decref(report);
  assert_int_equal(test_directory_files(&p.cache), 1);
  free_place(&p);
}

/// The numbers that a command of the cache ends with, and how many files it names.
static void expect_cache(const place *p, const char *command, double files, double count,
                         const char *what, double number) {
  char line[512], bytes[64];
  snprintf(line, sizeof line, "cache %s --json %s", command, p->cache.path);
  snprintf(bytes, sizeof bytes, "%s_bytes", what);
  json_t *root = test_report(line);
  assert_int_equal(json_array_size(json_object_get(root, "files")), files);
  test_expect_number(root, "count", count);
  test_expect_number(root, what, number);
  assert_true((test_number(root, bytes) > 0) == (number > 0));
  assert_true(test_number(root, "bytes") > test_number(root, bytes) || number == count);
  json_decref(root);
}

/// What does not fit is listed, and removed where that is meant; what fits and what is foreign
/// stays.
static void test_list_and_prune(void **state) {
  (void)state;
  place p = make_place((onefold_shape){1, 16, 12, 12});
  test_file_path notes;
  char line[512];
  start(&p, BLOCK "--seed=5", NULL, NULL, 0);
  damage(&p);
  start(&p, BLOCK "--seed=6", NULL, NULL, 0);
  test_file(&p.cache, "notes.onefold", notes);
  test_file_write(notes, "onefold\n", 8);
  expect_cache(&p, "list", 2, 2, "stale", 1);
  expect_cache(&p, "prune --dry-run", 1, 2, "removed", 1);
  assert_int_equal(test_directory_files(&p.cache), 3);
  snprintf(line, sizeof line, "cache list %s", p.cache.path);
  test_expect_words(line, "stale  8 bytes are too few for a header of 64\n");
  test_expect_words(line, "standard: repvgg");
  test_expect_words(line, ": 1 of 2 files, 8 of ");
  snprintf(line, sizeof line, "cache prune -n %s", p.cache.path);
  test_expect_words(line, " bytes, would be removed\n");
  snprintf(line, sizeof line, "cache prune %s", p.cache.path);
  test_expect_words(line, " bytes, removed\n");
  assert_int_equal(test_directory_files(&p.cache), 2);
  test_file_is(notes, "onefold\n", 8);
  expect_cache(&p, "prune", 0, 1, "removed", 0);
  start(&p, BLOCK "--seed=6", NULL, NULL, 0);
  expect_cache(&p, "list", 1, 1, "stale", 0); // the same file
  static const test_mistake mistakes[] = {
      {"cache", 2, "Usage: onefold cache COMMAND"},
      {"cache list", 2, "no directory is given"},
      {"cache list a b", 2, "b: one directory is expected"},
      {"cache list --dry-run a", 2, "--dry-run"},
      {"cache prune /nonexistent/cache", 1, "/nonexistent/cache: No such file or directory"},
  };
  test_expect_mistakes(mistakes, sizeof mistakes / sizeof *mistakes);
  free_place(&p);
}

/// A cache that cannot be written is a warning.
static void test_not_written(void **state) {
  (void)state;
  place p = make_place((onefold_shape){1, 16, 12, 12});
  test_directory gone = p.cache;
  snprintf(p.cache.path, sizeof p.cache.path, "/nonexistent/cache");
  start(&p, BLOCK "--seed=5", "the cache: not saved for the next start: /nonexistent/cache", NULL,
        0);
  test_expect_mistake("bench block repvgg --cache=/nonexistent", 2, "--cache");
  p.cache = gone;
  test_directory_remove(&p.files);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_block), cmocka_unit_test(test_checkpoint),
      cmocka_unit_test(test_network), cmocka_unit_test(test_list_and_prune),
      cmocka_unit_test(test_not_written)};
  return cmocka_run_group_tests_name("cli_cache", tests, NULL, NULL);
}
