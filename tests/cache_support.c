// SPDX-License-Identifier: BSD-3-Clause
// Executions of the tests, and files of them.
#include "tests/cache_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

onefold_graph *cache_graph(onefold_context *context) {
  test_rng rng = {11};
  return graph_mixed(context, &rng, (onefold_shape){1, 24, 9, 10});
}

onefold_exec *cache_exec(onefold_context *context, onefold_graph *graph,
                         const onefold_exec_options *options) {
  onefold_exec *exec = NULL;
  test_ok(context, onefold_exec_create(context, graph, options, &exec));
  test_ok(context, onefold_exec_pack(exec));
  onefold_graph_destroy(graph);
  return exec;
}

/// Enough floats for a tensor in any layout.
static size_t room(onefold_shape s) {
  return (size_t)(s.n * (s.c + 15) * s.h * s.w);
}

cache_result cache_run(onefold_context *context, onefold_exec *exec, uint64_t seed) {
  test_rng rng = {seed};
  float *inputs[8] = {NULL}, *outputs[8] = {NULL};
  cache_result result = {0};
  size_t in = 0, out = 0;
  for (onefold_shape s; (s = onefold_exec_input_shape(exec, in)).n; in++) {
    assert_true(in < 8);
    inputs[in] = malloc(room(s) * sizeof(float));
    test_fill_uniform(&rng, inputs[in], room(s));
  }
  for (onefold_shape s; (s = onefold_exec_output_shape(exec, out)).n; out++)
    result.count += room(s);
  result.values = calloc(result.count, sizeof(float));
  assert_non_null(result.values);
  outputs[0] = result.values;
  for (size_t k = 1; k < out; k++)
    outputs[k] = outputs[k - 1] + room(onefold_exec_output_shape(exec, k - 1));
  assert_true(in > 0 && out > 0 && out <= 8);
  test_ok(context, onefold_exec_run(exec, (const float *const *)inputs, outputs));
  for (size_t i = 0; i < in; i++) free(inputs[i]);
  return result;
}

static void append(void *user, const char *text) {
  char *all = user;
  const size_t used = strlen(all);
  assert_true(used + strlen(text) + 2 < 20000);
  sprintf(all + used, "%s\n", text);
}

void cache_expect_same(onefold_context *context, onefold_exec *a, onefold_exec *b) {
  onefold_exec_info of_a, of_b;
  onefold_exec_get_info(a, &of_a);
  onefold_exec_get_info(b, &of_b);
  of_a.mapped_bytes = of_b.mapped_bytes = 0;
  assert_memory_equal(&of_a, &of_b, sizeof of_a);
  char text_a[20000] = "", text_b[20000] = "";
  onefold_exec_describe(a, append, text_a);
  onefold_exec_describe(b, append, text_b);
  assert_string_equal(text_a, text_b);
  const cache_result x = cache_run(context, a, 5), y = cache_run(context, b, 5);
  assert_int_equal(x.count, y.count);
  assert_memory_equal(x.values, y.values, x.count * sizeof(float));
  free(x.values);
  free(y.values);
}

unsigned char *cache_read(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  if (!file) test_failed("%s is not there", path);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  *length = (size_t)ftell(file);
  rewind(file);
  unsigned char *bytes = aligned_alloc(64, (*length + 64) / 64 * 64);
  assert_non_null(bytes);
  assert_int_equal(fread(bytes, 1, *length, file), *length);
  fclose(file);
  return bytes;
}

void cache_expect_map(onefold_context *context, const char *path, const char *content,
                      int unchecked, onefold_status status, const char *says) {
  onefold_exec *exec = NULL;
  const onefold_status got = onefold_exec_map(context, path, content, NULL, unchecked, &exec);
  char sentence[512] = "";
  onefold_context_last_error(context, sentence, sizeof sentence);
  if (got != status)
    test_failed("%s, not %s: %s", onefold_status_name(got), onefold_status_name(status), sentence);
  assert_int_equal(exec != NULL, status == ONEFOLD_OK);
  if (status != ONEFOLD_OK && !strstr(sentence, says))
    test_failed("no \"%s\" in: %s", says, sentence);
  onefold_exec_destroy(exec);
}

int cache_saved_make(void **state) {
  cache_saved *f = calloc(1, sizeof *f);
  assert_non_null(f);
  test_directory_make(&f->directory);
  test_file(&f->directory, "saved", f->path);
  f->context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_exec *exec = cache_exec(f->context, cache_graph(f->context), NULL);
  test_ok(f->context, onefold_exec_save(exec, f->path, CACHE_CONTENT));
  onefold_exec_destroy(exec);
  f->bytes = cache_read(f->path, &f->length);
  memcpy(&f->header, f->bytes, sizeof f->header);
  *state = f;
  return 0;
}

int cache_saved_free(void **state) {
  cache_saved *f = *state;
  test_directory_remove(&f->directory);
  onefold_context_destroy(f->context);
  free(f->bytes);
  free(f);
  return 0;
}

void cache_seal(unsigned char *bytes) {
  onefold_cache_header header;
  memcpy(&header, bytes, sizeof header);
  header.hash = onefold_cache_head_hash(bytes, onefold_cache_head_bytes(&header));
  memcpy(bytes, &header, sizeof header);
}
