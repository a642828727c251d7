// SPDX-License-Identifier: BSD-3-Clause
// What callers are told of files that go wrong: whose fault it is, and nothing where it is no
// error.
#include "graph/bytes.h"
#include "tests/cache_support.h"

#include <onefold/cache.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void expect_no_error(const onefold_context *context) {
  char text[ONEFOLD_SENTENCE];
  assert_int_equal(onefold_context_last_error(context, text, sizeof text), ONEFOLD_OK);
  assert_string_equal(text, "");
}

static onefold_status make(void *user, onefold_context *context, onefold_graph **graph) {
  (void)user;
  *graph = cache_graph(context);
  return ONEFOLD_OK;
}

static void note(void *user, const char *sentence) {
  snprintf(user, 700, "%s", sentence);
}

/// A start from a directory; what it notes, "" where that is nothing.
static void start(onefold_context *context, const char *directory, char noted[700]) {
  const onefold_cache_options cache = {
      .struct_size = sizeof cache, .directory = directory, .note = note, .note_user = noted};
  onefold_exec *exec = NULL;
  noted[0] = '\0';
  test_ok(context, onefold_exec_cached(context, &cache, "started", make, NULL, NULL, &exec));
  onefold_exec_destroy(exec);
}

/// A file that is not there yet, is damaged or cannot be written is no failure of a start.
static void test_starts(void **state) {
  cache_saved *f = *state;
  char noted[700], command[700];
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  test_file_path under;
  test_file(&f->directory, "cache", under);
  start(context, under, noted);
  assert_string_equal(noted, "");
  expect_no_error(context);
  snprintf(command, sizeof command, "truncate -s 1000 %s/*.onefold", under);
  assert_int_equal(system(command), 0);
  start(context, under, noted);
  assert_non_null(strstr(noted, "left aside: "));
  assert_non_null(strstr(noted, "its bytes are"));
  expect_no_error(context);
  start(context, "/nonexistent/cache", noted);
  assert_non_null(strstr(noted, "not saved for the next start: /nonexistent/cache"));
  expect_no_error(context);
  test_directory listing;
  snprintf(listing.path, sizeof listing.path, "%.255s", under);
  test_directory_remove(&listing);
  onefold_context_destroy(context);
}

/// The saved file with the bytes of another graph in the place of its own.
static void write_with_graph(cache_saved *f, const onefold_graph *graph) {
  const size_t at = sizeof f->header + onefold_cache_whole(f->header.key_bytes);
  const size_t before = onefold_cache_whole(f->header.graph_bytes);
  const size_t graph_bytes = onefold_graph_write(graph, NULL);
  const size_t after = onefold_cache_whole(graph_bytes), rest = f->length - at - before;
  unsigned char *bytes = aligned_alloc(64, at + after + rest);
  assert_non_null(bytes);
  memcpy(bytes, f->bytes, at);
  memset(bytes + at, 0, after);
  onefold_graph_write(graph, bytes + at);
  memcpy(bytes + at + after, f->bytes + at + before, rest);
  onefold_cache_header header = f->header;
  header.graph_bytes = graph_bytes;
  header.file_bytes = at + after + rest;
  memcpy(bytes, &header, sizeof header);
  cache_seal(bytes);
  test_file_write(f->path, bytes, at + after + rest);
  free(bytes);
}

/// A graph that cannot be planned, under a checksum that is right, is no mistake of the caller.
static void test_unplannable(void **state) {
  cache_saved *f = *state;
  onefold_graph *graph = cache_graph(f->context);
  write_with_graph(f, graph);
  cache_expect_map(f->context, f->path, CACHE_CONTENT, 0, ONEFOLD_OK, "");
  const int32_t outputs = graph->output_count;
  graph->output_count = 0;
  write_with_graph(f, graph);
  graph->output_count = outputs;
  onefold_graph_destroy(graph);
  cache_expect_map(f->context, f->path, CACHE_CONTENT, 0, ONEFOLD_FORMAT,
                   "its graph cannot be planned: ");
  test_says(f->context, f->path);
}

/// For access(): every file is there, as one is that goes away a moment later.
int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode) {
  (void)path, (void)mode;
  return 0;
}

/// A file that is gone when it is opened is one that is not there.
static void test_gone(void **state) {
  cache_saved *f = *state;
  test_file_path gone, under;
  test_file(&f->directory, "gone", gone);
  cache_expect_map(f->context, gone, CACHE_CONTENT, 0, ONEFOLD_NOT_FOUND, gone);
  test_file(&f->directory, "saved/gone", under); // "saved" is a file
  cache_expect_map(f->context, under, CACHE_CONTENT, 0, ONEFOLD_NOT_FOUND, "no such file");
}

// --------------------------------------------------------------- beside others

/// What another thread does until it is told to end.
typedef struct beside {
  atomic_int ends;
  onefold_context *context;
} beside;

/// Failures of the same context.
static void *fail_often(void *arg) {
  beside *b = arg;
  onefold_exec *exec = NULL;
  while (!atomic_load(&b->ends))
    if (onefold_exec_map(b->context, "/nonexistent", "", NULL, 0, &exec) != ONEFOLD_NOT_FOUND)
      return "another status";
  return NULL;
}

static pthread_t begin(void *(*body)(void *), beside *b) {
  pthread_t thread;
  atomic_init(&b->ends, 0);
  assert_int_equal(pthread_create(&thread, NULL, body, b), 0);
  return thread;
}

static void end(pthread_t thread, beside *b) {
  void *wrong = NULL;
  atomic_store(&b->ends, 1);
  assert_int_equal(pthread_join(thread, &wrong), 0);
  if (wrong) test_failed("%s", (const char *)wrong);
}

/// The reasons that a visit gives are of its files.
static int visit_one(void *user, const onefold_cache_entry *entry) {
  snprintf(user, 700, "%s", entry->reason);
  return 0;
}

static void test_visit_beside_failures(void **state) {
  cache_saved *f = *state;
  char reason[700];
  test_file_path cut;
  test_file(&f->directory, "0123456789abcdef.onefold", cut);
  test_file_write(cut, f->bytes, f->length - 1);
  beside b = {.context = f->context};
  const pthread_t thread = begin(fail_often, &b);
  const int count = test_scaled(2000);
  int wrong = 0;
  for (int i = 0; i < count && !wrong; i++) {
    onefold_cache_visit(f->context, f->directory.path, visit_one, reason);
    wrong = !strstr(reason, "its bytes are");
  }
  end(thread, &b);
  if (wrong) test_failed("the reason is: %s", reason);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_starts, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_unplannable, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_gone, cache_saved_make, cache_saved_free),
      cmocka_unit_test_setup_teardown(test_visit_beside_failures, cache_saved_make,
                                      cache_saved_free),
  };
  return cmocka_run_group_tests_name("cache errors", tests, NULL, NULL);
}
