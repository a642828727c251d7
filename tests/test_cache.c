// SPDX-License-Identifier: BSD-3-Clause
// Executions saved and mapped back: the same bits, and a refusal of whatever they are not for.
#include "cache/format.h"
#include "cache/hash.h"
#include "graph/bytes.h"
#include "tests/cache_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT "a graph, seed 11"

static test_directory directory;
static test_file_path path;

static int setup(void **state) {
  (void)state;
  test_directory_make(&directory);
  test_file(&directory, "saved", path);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  test_directory_remove(&directory);
  return 0;
}

/// Saves, maps with and without the checksums, and compares; what is saved of the mapped execution
/// is the same file.
static void check_trip(onefold_context *context, onefold_graph *graph,
                       const onefold_exec_options *options) {
  onefold_exec *exec = cache_exec(context, graph, options), *mapped = NULL;
  onefold_exec_info info;
  onefold_exec_get_info(exec, &info);
  assert_int_equal(info.mapped_bytes, 0);
  test_ok(context, onefold_exec_save(exec, path, CONTENT));
  size_t length, again_length;
  unsigned char *bytes = cache_read(path, &length);
  for (int unchecked = 0; unchecked < 2; unchecked++) {
    test_ok(context, onefold_exec_map(context, path, CONTENT, options, unchecked, &mapped));
    onefold_exec_get_info(mapped, &info);
    assert_int_equal(info.mapped_bytes, length);
    cache_expect_same(context, exec, mapped);
    test_fails(context, onefold_exec_pack(mapped), ONEFOLD_INVALID_ARGUMENT);
    test_ok(context, onefold_exec_save(mapped, path, CONTENT)); // over the file that is mapped
    unsigned char *again = cache_read(path, &again_length);
    assert_int_equal(length, again_length);
    assert_memory_equal(bytes, again, length);
    free(again);
    cache_expect_same(context, exec, mapped);
    onefold_exec_destroy(mapped);
  }
  free(bytes);
  onefold_exec_destroy(exec);
  assert_int_equal(test_directory_files(&directory), 1);
}

static void test_round_trip(void **state) {
  onefold_context *context = test_context(test_level(state), 2);
  check_trip(context, cache_graph(context), NULL);
  const int seeds = test_scaled(30);
  for (int seed = 1; seed <= seeds; seed++) {
    test_rng rng = {(uint64_t)seed};
    const onefold_exec_options options = {.struct_size = sizeof options,
                                          .fuse_epilogues = test_once_in(&rng, 2),
                                          .in_layout = (onefold_layout)test_range(&rng, 0, 2),
                                          .out_layout = (onefold_layout)test_range(&rng, 0, 1),
                                          .pairs = (onefold_pairs)test_range(&rng, 0, 2)};
    test_case("seed %d", seed);
    onefold_graph *graph = graph_random(context, &rng, (onefold_shape){1, 20, 8, 9}, 14);
    if (test_once_in(&rng, 2)) {
      onefold_graph *folded = graph_fold(context, graph, NULL);
      onefold_graph_destroy(graph);
      graph = folded;
    }
    check_trip(context, graph, &options);
  }
  onefold_context_destroy(context);
}

/// Kinds of nodes that random graphs have not: pads, borders, batch normalisations, pooling.
static void test_all_nodes(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {3};
  onefold_graph *g = graph_with_input(context, (onefold_shape){2, 12, 8, 8});
  const float value[12] = {1, -2, 3};
  const onefold_pad_params pad = {1, 0, 2, 1, value};
  onefold_pool2d_params pool = onefold_pool2d_square(3, 2, 1);
  onefold_node x = onefold_graph_pad(g, 0, &pad);
  x = graph_random_bn(&rng, g, x, 1e-3);
  x = graph_random_border(&rng, g, x);
  x = onefold_graph_max_pool(g, x, &pool);
  const onefold_graph_conv2d_params params = onefold_graph_conv2d_square(20, 3, 1, 1);
  x = graph_random_conv(&rng, g, x, &params, 0);
  x = onefold_graph_avg_pool(g, onefold_graph_upsample(g, x, 2), &pool);
  test_ok(context, onefold_graph_output(g, onefold_graph_global_pool(g, x)));
  test_ok(context, onefold_graph_output(g, x));
  check_trip(context, g, NULL);
  onefold_context_destroy(context);
}

/// A graph is the same after it was bytes, but for the weights of convolutions.
static void test_graph_bytes(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_graph *graph = cache_graph(context), *again = NULL;
  const size_t length = onefold_graph_write(graph, NULL);
  unsigned char *bytes = malloc(length), *twice = malloc(length);
  assert_int_equal(onefold_graph_write(graph, bytes), length);
  test_ok(context, onefold_graph_read(context, bytes, length, &again));
  assert_int_equal(onefold_graph_write(again, twice), length);
  assert_memory_equal(bytes, twice, length);
  assert_null(graph_only(again, ONEFOLD_NODE_SQUEEZE_EXCITE)->as.squeeze_excite.reduce_weight);
  for (size_t cut = 0; cut < length; cut += 8)
    test_fails(context, onefold_graph_read(context, bytes, cut, &again), ONEFOLD_FORMAT);
  free(bytes);
  free(twice);
  onefold_graph_destroy(again);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

// ----------------------------------------------------------------- refusals

static onefold_context *context_of(onefold_isa isa, onefold_accuracy accuracy,
                                   onefold_tiling_fn tiling) {
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = 1,
                                           .max_isa = isa,
                                           .has_max_isa = 1,
                                           .accuracy = accuracy,
                                           .tiling = tiling};
  onefold_context *context = NULL;
  test_ok(NULL, onefold_context_create(&options, &context));
  return context;
}

static int choose_direct(void *user, const onefold_conv2d_desc *desc, onefold_tiling *tiling) {
  (void)user, (void)desc;
  snprintf(tiling->algorithm, sizeof tiling->algorithm, "direct");
  return 1;
}

/// A file of two 3x3 convolutions, which the default choice would not sum directly.
static void save_convs(onefold_context *context) {
  test_rng rng = {4};
  onefold_graph *g = graph_with_input(context, (onefold_shape){1, 64, 28, 28});
  const onefold_graph_conv2d_params params = onefold_graph_conv2d_square(64, 3, 1, 1);
  const onefold_node x = graph_random_conv(&rng, g, 0, &params, 1);
  test_ok(context, onefold_graph_output(g, graph_random_conv(&rng, g, x, &params, 1)));
  onefold_exec *exec = cache_exec(context, g, NULL);
  test_ok(context, onefold_exec_save(exec, path, CONTENT));
  onefold_exec_destroy(exec);
}

static void test_for_others(void **state) {
  (void)state;
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  const int count = test_isa_levels(levels);
  const onefold_isa best = levels[count - 1];
  onefold_context *context = context_of(best, ONEFOLD_ACCURACY_STANDARD, NULL);
  save_convs(context);
  cache_expect_map(context, path, CONTENT, 0, ONEFOLD_OK, "");
  cache_expect_map(context, path, "a graph, seed 12", 0, ONEFOLD_REFUSED,
                   "its content is 'a graph, seed 11', not 'a graph, seed 12'");
  cache_expect_map(context, path, "", 0, ONEFOLD_REFUSED, "its content");
  const onefold_exec_options nhwc = {
      .struct_size = sizeof nhwc, .in_layout = ONEFOLD_NHWC, .fuse_epilogues = 1};
  onefold_exec *exec = NULL;
  test_fails(context, onefold_exec_map(context, path, CONTENT, &nhwc, 0, &exec), ONEFOLD_REFUSED);
  test_says(context, "its options is 'nchw to nchw");
  onefold_context *strict = context_of(best, ONEFOLD_ACCURACY_STRICT, NULL);
  cache_expect_map(strict, path, CONTENT, 0, ONEFOLD_REFUSED, "'standard', not 'strict'");
  onefold_context *direct = context_of(best, ONEFOLD_ACCURACY_STANDARD, choose_direct);
  cache_expect_map(direct, path, CONTENT, 0, ONEFOLD_REFUSED, "planned otherwise");
  if (count > 1) {
    onefold_context *ref = context_of(ONEFOLD_ISA_REF, ONEFOLD_ACCURACY_STANDARD, NULL);
    cache_expect_map(ref, path, CONTENT, 0, ONEFOLD_REFUSED, "its machine");
    onefold_context_destroy(ref);
  }
  onefold_context_destroy(direct);
  onefold_context_destroy(strict);
  onefold_context_destroy(context);
}

/// As another version of the library would have written it.
static void test_other_version(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  save_convs(context);
  size_t length;
  unsigned char *bytes = cache_read(path, &length);
  char *version = (char *)bytes + sizeof(onefold_cache_header);
  assert_memory_equal(version, onefold_version(), strlen(onefold_version()));
  version[0] = '9';
  cache_seal(bytes);
  test_file_write(path, bytes, length);
  cache_expect_map(context, path, CONTENT, 0, ONEFOLD_REFUSED, "its library is '9.");
  free(bytes);
  onefold_context_destroy(context);
}

// ------------------------------------------------------------------ hashes

static void test_hash(void **state) {
  (void)state;
  unsigned char bytes[300] = {0};
  uint64_t seen[300];
  for (size_t size = 0; size < 300; size++) { // zeros of every length
    seen[size] = onefold_hash(bytes, size);
    for (size_t i = 0; i < size; i++) assert_true(seen[i] != seen[size]);
  }
  for (size_t i = 0; i < 300; i++)
    for (int bit = 0; bit < 8; bit++) {
      bytes[i] ^= (unsigned char)(1 << bit);
      assert_true(onefold_hash(bytes, 300) != onefold_hash(bytes, 299));
      assert_true(onefold_hash(bytes, i) == seen[i]);
      if (i < 299) assert_true(onefold_hash(bytes, 299) != seen[299]);
      bytes[i] ^= (unsigned char)(1 << bit);
    }
  // The signs of two numbers in one lane, which a product alone would not tell from none.
  bytes[7] = bytes[71] = 0x80;
  assert_true(onefold_hash(bytes, 128) != seen[128]);
}

static void test_file_hash(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const size_t buffer = (size_t)256 << 10,
               sizes[] = {0, 1, buffer - 1, buffer, buffer + 1, 2 * buffer, 2 * buffer + 5};
  enum { COUNT = sizeof sizes / sizeof *sizes };
  char *bytes = calloc(1, sizes[COUNT - 1]);
  assert_non_null(bytes);
  uint64_t hashes[COUNT], again;
  for (size_t i = 0; i < COUNT; i++) {
    test_file_write(path, bytes, sizes[i]);
    test_ok(context, onefold_file_hash(context, path, &hashes[i]));
    for (size_t k = 0; k < i; k++) assert_true(hashes[k] != hashes[i]);
  }
  bytes[0] = 1; // in a buffer that is not the last
  test_file_write(path, bytes, sizes[COUNT - 1]);
  test_ok(context, onefold_file_hash(context, path, &again));
  assert_true(again != hashes[COUNT - 1]);
  free(bytes);
  test_fails(context, onefold_file_hash(context, "/nonexistent/file", &again), ONEFOLD_IO);
  test_says(context, "/nonexistent/file");
  test_fails(context, onefold_file_hash(context, directory.path, &again), ONEFOLD_IO);
  test_says(context, "not a regular file");
  test_fails(context, onefold_file_hash(context, path, NULL), ONEFOLD_INVALID_ARGUMENT);
  onefold_context_destroy(context);
}

static void test_arguments(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_graph *graph = cache_graph(context);
  onefold_exec *exec = NULL, *mapped = NULL;
  test_ok(context, onefold_exec_create(context, graph, NULL, &exec));
  test_fails(context, onefold_exec_save(exec, path, CONTENT), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "onefold_exec_pack was not called");
  test_ok(context, onefold_exec_pack(exec));
  test_fails(context, onefold_exec_save(exec, NULL, CONTENT), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_exec_save(exec, path, NULL), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_exec_save(exec, "/nonexistent/file", CONTENT), ONEFOLD_IO);
  test_fails(context, onefold_exec_map(context, path, NULL, NULL, 0, &mapped),
             ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_exec_map(context, path, CONTENT, NULL, 0, NULL),
             ONEFOLD_INVALID_ARGUMENT);
  const onefold_exec_options wrong = {.struct_size = 3};
  test_fails(context, onefold_exec_map(context, path, CONTENT, &wrong, 0, &mapped),
             ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_exec_map(context, path, CONTENT, NULL, 0, &mapped),
             ONEFOLD_NOT_FOUND);
  assert_int_equal(onefold_exec_input_shape(exec, 0).c, 24);
  assert_int_equal(onefold_exec_input_shape(exec, 1).n, 0);
  assert_int_equal(onefold_exec_output_shape(NULL, 0).n, 0);
  onefold_exec_destroy(exec);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

int main(void) {
  static const struct CMUnitTest every[] = {
      cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
      cmocka_unit_test_setup_teardown(test_all_nodes, setup, teardown),
  };
  static const struct CMUnitTest once[] = {
      cmocka_unit_test(test_graph_bytes),
      cmocka_unit_test_setup_teardown(test_for_others, setup, teardown),
      cmocka_unit_test_setup_teardown(test_other_version, setup, teardown),
      cmocka_unit_test(test_hash),
      cmocka_unit_test_setup_teardown(test_file_hash, setup, teardown),
      cmocka_unit_test_setup_teardown(test_arguments, setup, teardown),
  };
  if (test_isa_missing()) return 1;
  return test_every_level("cache", every, sizeof every / sizeof *every) +
         cmocka_run_group_tests_name("cache", once, NULL, NULL);
}
