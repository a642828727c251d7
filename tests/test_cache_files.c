// SPDX-License-Identifier: BSD-3-Clause
// Files of saved executions that are damaged, cut short or not there; directories of them.
#include "tests/cache_support.h"

#include <onefold/cache.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/// At every boundary of the file's parts, and next to it.
static void test_cut_short(void **state) {
  cache_saved *f = *state;
  const size_t key = sizeof f->header, graph = key + onefold_cache_whole(f->header.key_bytes),
               table = graph + onefold_cache_whole(f->header.graph_bytes),
               weights = onefold_cache_head_bytes(&f->header);
  const size_t ends[] = {1, 8, 16, key, graph, table, table + 96, weights, weights + 64, f->length};
  test_file_write(f->path, f->bytes, 0);
  cache_expect_map(f->context, f->path, CACHE_CONTENT, 0, ONEFOLD_FORMAT, "0 bytes are too few");
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    for (size_t length = ends[i] - 1; length <= ends[i] + 1; length++) {
      if (length == 0 || length == f->length) continue;
      unsigned char *bytes = calloc(1, length);
      memcpy(bytes, f->bytes, length < f->length ? length : f->length);
      test_file_write(f->path, bytes, length);
      free(bytes);
      for (int unchecked = 0; unchecked < 2; unchecked++)
        cache_expect_map(f->context, f->path, CACHE_CONTENT, unchecked, ONEFOLD_FORMAT,
                         length < sizeof f->header ? "too few for a header" : "its bytes are");
    }
}

/// Any byte of the file; of those that unchecked mapping reads, also without the checksums.
static void test_flipped(void **state) {
  cache_saved *f = *state;
  const size_t head = onefold_cache_head_bytes(&f->header);
  const size_t step = f->length / (size_t)test_scaled(3000) + 1;
  for (size_t i = 0; i < f->length; i += i < 64 ? 1 : step) {
    f->bytes[i] ^= (unsigned char)(1 << (i % 8));
    test_file_write(f->path, f->bytes, f->length);
    test_case("byte %zu", i);
    cache_expect_map(f->context, f->path, CACHE_CONTENT, 0, ONEFOLD_FORMAT, f->path);
    cache_expect_map(f->context, f->path, CACHE_CONTENT, 1, i < head ? ONEFOLD_FORMAT : ONEFOLD_OK,
                     "");
    f->bytes[i] ^= (unsigned char)(1 << (i % 8));
  }
}

/// Sizes that do not fit, under a checksum that is right.
static void test_sizes(void **state) {
  cache_saved *f = *state;
  static const uint64_t sizes[] = {0,         1,          UINT64_C(1) << 31, UINT64_C(1) << 58,
                                   INT64_MAX, UINT64_MAX, UINT64_MAX - 63};
  static const size_t fields[] = {offsetof(onefold_cache_header, key_bytes),
                                  offsetof(onefold_cache_header, graph_bytes),
                                  offsetof(onefold_cache_header, convs)};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
      memcpy(f->bytes + fields[i], &sizes[k], sizeof sizes[k]);
      onefold_cache_header header;
      memcpy(&header, f->bytes, sizeof header);
      const size_t head = onefold_cache_head_bytes(&header);
      if (head && head <= f->length) cache_seal(f->bytes);
      test_file_write(f->path, f->bytes, f->length);
      cache_expect_map(f->context, f->path, CACHE_CONTENT, 0, ONEFOLD_FORMAT, f->path);
      memcpy(f->bytes, &f->header, sizeof f->header);
    }
  unsigned char *table = f->bytes + sizeof f->header + onefold_cache_whole(f->header.key_bytes) +
                         onefold_cache_whole(f->header.graph_bytes);
  onefold_cache_conv entry, wrong;
  memcpy(&entry, table, sizeof entry);
  for (int field = 0; field < ONEFOLD_CACHE_ARRAYS; field++)
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
      wrong = entry;
      wrong.floats[field] = sizes[k];
      if (memcmp(&wrong, &entry, sizeof entry) == 0) continue;
      memcpy(table, &wrong, sizeof wrong);
      cache_seal(f->bytes);
      test_file_write(f->path, f->bytes, f->length);
      cache_expect_map(f->context, f->path, CACHE_CONTENT, 1, ONEFOLD_FORMAT, f->path);
    }
  wrong = entry;
  wrong.key.value[0]++;
  memcpy(table, &wrong, sizeof wrong);
  cache_seal(f->bytes);
  test_file_write(f->path, f->bytes, f->length);
  cache_expect_map(f->context, f->path, CACHE_CONTENT, 1, ONEFOLD_REFUSED,
                   "packed for in_channels");
}

static void test_foreign(void **state) {
  cache_saved *f = *state;
  char text[4096] = "a file of something else\n";
  test_file_write(f->path, text, sizeof text);
  cache_expect_map(f->context, f->path, CACHE_CONTENT, 0, ONEFOLD_FORMAT, "not a saved execution");
  cache_expect_map(f->context, f->directory.path, CACHE_CONTENT, 0, ONEFOLD_IO,
                   "not a regular file");
}

// --------------------------------------------------------------- directories

/// What a cache does is counted.
typedef struct watch {
  int made, noted;
  onefold_status fails;
  char sentence[700];
} watch;

static onefold_status make(void *user, onefold_context *context, onefold_graph **graph) {
  watch *w = user;
  w->made++;
  if (w->fails == ONEFOLD_OK) *graph = cache_graph(context);
  return w->fails;
}

static void note(void *user, const char *sentence) {
  watch *w = user;
  w->noted++;
  snprintf(w->sentence, sizeof w->sentence, "%s", sentence);
}

static onefold_cache_options cache_at(const char *directory, watch *w) {
  return (onefold_cache_options){.struct_size = sizeof(onefold_cache_options),
                                 .directory = directory,
                                 .note = note,
                                 .note_user = w};
}

/// One start: how often the graph was made, what was noted, and the same result as ever.
static void start(onefold_context *context, const char *directory, int made, const char *noted,
                  int mapped) {
  watch w = {0};
  const onefold_cache_options cache = cache_at(directory, &w);
  onefold_exec *exec = NULL, *fresh = cache_exec(context, cache_graph(context), NULL);
  onefold_exec_info info;
  test_ok(context, onefold_exec_cached(context, &cache, CACHE_CONTENT, make, &w, NULL, &exec));
  if (w.made != made || w.noted != (noted != NULL) || (noted && !strstr(w.sentence, noted)))
    test_failed("made %d times, %d notes: %s", w.made, w.noted, w.sentence);
  onefold_exec_get_info(exec, &info);
  assert_int_equal(info.mapped_bytes > 0, mapped);
  cache_expect_same(context, exec, fresh);
  onefold_exec_destroy(fresh);
  onefold_exec_destroy(exec);
}

static void test_starts(void **state) {
  cache_saved *f = *state;
  test_file_path under, file;
  test_file(&f->directory, "cache", under);
  start(f->context, under, 1, NULL, 0);
  start(f->context, under, 0, NULL, 1);
  test_directory listing;
  snprintf(listing.path, sizeof listing.path, "%.255s", under);
  assert_int_equal(test_directory_files(&listing), 1);
  // The file's name follows from its key: as another context finds it.
  onefold_context *other = test_context(ONEFOLD_ISA_REF, 2);
  start(other, under, 0, NULL, 1);
  onefold_context_destroy(other);
  char command[700];
  snprintf(command, sizeof command, "f=$(ls %s/*.onefold) && truncate -s 1000 \"$f\"", under);
  assert_int_equal(system(command), 0);
  start(f->context, under, 1, "left aside: ", 0);
  start(f->context, under, 0, NULL, 1);
  // No cache at all; one that cannot be written, and one without a parent.
  start(f->context, NULL, 1, NULL, 0);
  start(f->context, "", 1, NULL, 0);
  test_file(&f->directory, "saved/cache", file); // "saved" is a file
  start(f->context, file, 1, "Not a directory", 0);
  start(f->context, "/nonexistent/cache", 1, "not saved for the next start: /nonexistent/cache", 0);
  test_directory_remove(&listing);
}

static void test_failures(void **state) {
  cache_saved *f = *state;
  watch w = {.fails = ONEFOLD_NOT_FOUND};
  onefold_cache_options cache = cache_at(f->directory.path, &w);
  onefold_exec *exec = NULL;
  test_fails(f->context, onefold_exec_cached(f->context, &cache, "x", make, &w, NULL, &exec),
             ONEFOLD_NOT_FOUND);
  assert_null(exec);
  assert_int_equal(test_directory_files(&f->directory), 1);
  assert_int_equal(w.noted, 0);
  test_fails(f->context, onefold_exec_cached(f->context, &cache, NULL, make, &w, NULL, &exec),
             ONEFOLD_INVALID_ARGUMENT);
  test_fails(f->context, onefold_exec_cached(f->context, &cache, "x", NULL, &w, NULL, &exec),
             ONEFOLD_INVALID_ARGUMENT);
  cache.struct_size--;
  test_fails(f->context, onefold_exec_cached(f->context, &cache, "x", make, &w, NULL, &exec),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(f->context, "onefold_cache_options");
}

/// A file that cannot grow to its size is not left behind, and the start does not fail.
static void test_full(void **state) {
  cache_saved *f = *state;
  test_file_path under;
  test_file(&f->directory, "cache", under);
  assert_int_equal(mkdir(under, 0777), 0);
  test_file_limit(f->length / 2);
  start(f->context, under, 1, "not saved for the next start: ", 0);
  test_file_unlimit();
  assert_int_equal(rmdir(under), 0);
}

/// Processes that start at once each have the right result, and leave one whole file.
static void test_processes(void **state) {
  cache_saved *f = *state;
  enum { PROCESSES = 4, STARTS = 6 };
  test_file_path under;
  test_file(&f->directory, "cache", under);
  for (int round = 0; round < 3; round++) {
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
      children[i] = fork();
      assert_true(children[i] >= 0);
      if (children[i] > 0) continue;
      int wrong = 0;
      onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
      onefold_exec *fresh = cache_exec(context, cache_graph(context), NULL);
      for (int k = 0; k < STARTS; k++) {
        watch w = {0};
        const onefold_cache_options cache = cache_at(under, &w);
        onefold_exec *exec = NULL;
        wrong += onefold_exec_cached(context, &cache, CACHE_CONTENT, make, &w, NULL, &exec) !=
                 ONEFOLD_OK;
        wrong += w.noted + (k > 0 && w.made > 0);
        const cache_result a = cache_run(context, exec, 5), b = cache_run(context, fresh, 5);
        wrong += memcmp(a.values, b.values, a.count * sizeof(float)) != 0;
        free(a.values);
        free(b.values);
        onefold_exec_destroy(exec);
      }
      _exit(wrong != 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
      int code = -1;
      assert_int_equal(waitpid(children[i], &code, 0), children[i]);
      assert_int_equal(code, 0);
    }
    test_directory listing;
    snprintf(listing.path, sizeof listing.path, "%.255s", under);
    assert_int_equal(test_directory_files(&listing), 1);
    start(f->context, under, 0, NULL, 1);
    test_directory_remove(&listing);
  }
}

// ------------------------------------------------------------------- memory

typedef struct counter {
  int held, calls, failing;
} counter;

static void *allocate(void *user, size_t size, size_t alignment) {
  counter *c = user;
  if (++c->calls == c->failing) return NULL;
  void *pointer = aligned_alloc(alignment, size);
  c->held += pointer != NULL;
  return pointer;
}

static void release(void *user, void *pointer) {
  ((counter *)user)->held--;
  free(pointer);
}

/// Whichever allocation fails, nothing is left behind, and a cache's start fails with it or not at
/// all.
static void test_memory(void **state) {
  cache_saved *f = *state;
  counter c = {0};
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = 1,
                                           .allocate = allocate,
                                           .release = release,
                                           .allocator_user = &c,
                                           .has_max_isa = 1};
  onefold_context *context = NULL;
  test_ok(NULL, onefold_context_create(&options, &context));
  int failures = 0;
  for (int failing = 1, done = 0; !done; failing++) {
    onefold_exec *exec = NULL;
    c = (counter){.failing = failing};
    const onefold_status status = onefold_exec_map(context, f->path, CACHE_CONTENT, NULL, 0, &exec);
    done = c.calls < failing;
    assert_int_equal(status, done ? ONEFOLD_OK : ONEFOLD_OUT_OF_MEMORY);
    failures += !done;
    if (done) {
      c = (counter){.held = c.held, .failing = 2};
      test_fails(context, onefold_exec_save(exec, f->path, CACHE_CONTENT), ONEFOLD_OUT_OF_MEMORY);
      c.failing = 0;
    }
    onefold_exec_destroy(exec);
    assert_int_equal(c.held, 0);
  }
  assert_true(failures > 20);
  c.held = 1; // the context
  onefold_context_destroy(context);
  assert_int_equal(c.held, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_cut_short, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_flipped, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_sizes, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_foreign, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_starts, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_failures, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_full, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_processes, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_memory, cache_saved_make, cache_saved_free),
  };
  return cmocka_run_group_tests_name("cache files", tests, NULL, NULL);
}
