// SPDX-License-Identifier: BSD-3-Clause
// Sums of branches of which not all can become one convolution at a price that pays.
#include "tests/fold_support.h"

#include <stdlib.h>

static onefold_context *context;

static onefold_graph_conv2d_params dilated(int64_t channels, int64_t dilation, int64_t groups) {
  onefold_graph_conv2d_params p = onefold_graph_conv2d_square(channels, 3, 1, groups);
  p.dilation_h = p.dilation_w = dilation;
  p.pad_top = p.pad_bottom = p.pad_left = p.pad_right = dilation;
  return p;
}

/// Windows whose union is a multiple of what they cost stay apart, unless they are forced.
static void test_windows(void **state) {
  (void)state;
  test_rng rng = {311};
  onefold_graph_conv2d_params p[2][2] = {{dilated(8, 5, 1), dilated(8, 7, 1)}};
  for (int k = 0; k < 2; k++) p[1][k] = onefold_graph_conv2d_square(8, 7, 1, 8);
  p[1][0].kernel_h = p[1][1].kernel_w = 1;
  p[1][0].pad_top = p[1][0].pad_bottom = p[1][1].pad_left = p[1][1].pad_right = 0;
  static const int64_t sizes[2] = {15, 7};
  for (int i = 0; i < 2; i++) {
    test_case("windows %d", i);
    onefold_graph *graph = graph_with_input(context, (onefold_shape){1, 8, 12, 11});
    const onefold_node terms[2] = {graph_random_conv(&rng, graph, 0, &p[i][0], 1),
                                   graph_random_conv(&rng, graph, 0, &p[i][1], 0)};
    fold_finish(graph, onefold_graph_sum(graph, terms, 2));
    onefold_graph *folded = fold_expecting(graph, ONEFOLD_FOLD_UNPROFITABLE, 312);
    graph_expect_same(graph, folded);
    onefold_graph_destroy(folded);
    onefold_fold_options options = fold_defaults();
    options.force = 1;
    graph_report report;
    folded = fold_checked(graph, options, &report);
    fold_expect_verdict(&report, 0, ONEFOLD_FOLD_EXACT);
    const onefold_graph_node *conv = graph_only(folded, ONEFOLD_NODE_CONV2D);
    assert_int_equal(conv->as.conv2d.params.kernel_h, sizes[i]);
    assert_int_equal(conv->as.conv2d.params.kernel_w, sizes[i]);
    onefold_graph_destroy(folded);
  }
}

/// Those that go together are one convolution, wherever the one that does not stands.
static void test_parts_of_a_sum(void **state) {
  (void)state;
  test_rng rng = {313};
  for (int place = 0; place < 4; place++) {
    test_case("place %d", place);
    onefold_graph *graph = graph_with_input(context, (onefold_shape){1, 8, 12, 11});
    const onefold_graph_conv2d_params wide = dilated(8, 7, 1);
    const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(8, 3, 1, 1);
    const onefold_graph_conv2d_params k1 = onefold_graph_conv2d_square(8, 1, 1, 1);
    onefold_node terms[4];
    int count = 0;
    for (int k = 0; k < 3; k++) {
      if (count == place) terms[count++] = graph_random_conv(&rng, graph, 0, &wide, 0);
      terms[count++] = k == 2 ? 0 : graph_random_conv(&rng, graph, 0, k ? &k1 : &k3, 1);
    }
    if (count == 3) terms[count++] = graph_random_conv(&rng, graph, 0, &wide, 0);
    fold_finish(graph, onefold_graph_sum(graph, terms, 4));
    onefold_graph *folded = fold_expecting(graph, ONEFOLD_FOLD_UNPROFITABLE, 314);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 2);
    assert_int_equal(graph_only(folded, ONEFOLD_NODE_SUM)->input_count, 2);
    assert_true(onefold_graph_count(folded).macs < onefold_graph_count(graph).macs);
    fold_drop(graph, folded);
  }
}

/// Of depthwise branches and a dense one, the depthwise ones are one convolution.
static void test_groups_of_a_sum(void **state) {
  (void)state;
  test_rng rng = {315};
  onefold_graph *graph = graph_with_input(context, (onefold_shape){1, 16, 6, 5});
  const onefold_graph_conv2d_params dense = onefold_graph_conv2d_square(16, 1, 1, 1);
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(16, 3, 1, 16);
  const onefold_node terms[3] = {graph_random_conv(&rng, graph, 0, &k3, 0),
                                 graph_random_conv(&rng, graph, 0, &k3, 1),
                                 graph_random_conv(&rng, graph, 0, &dense, 1)};
  fold_finish(graph, onefold_graph_sum(graph, terms, 3));
  onefold_graph *folded = fold_expecting(graph, ONEFOLD_FOLD_GROUPS, 316);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 2);
  fold_drop(graph, folded);
}

// Bytes that an allocation may have.
#define LARGEST ((size_t)64 << 20)

static void *allocate(void *user, size_t size, size_t alignment) {
  (void)user;
  return size > LARGEST ? NULL : aligned_alloc(alignment, size);
}

static void release(void *user, void *pointer) {
  (void)user;
  free(pointer);
}

/// A union that takes more than a gigabyte is not made to see whether it pays: folding does not
/// run out of memory where the result needs little.
static void test_too_large_to_try(void **state) {
  (void)state;
  const onefold_context_options options = {
      .struct_size = sizeof options, .threads = 1, .allocate = allocate, .release = release};
  onefold_context *small;
  test_ok(NULL, onefold_context_create(&options, &small));
  test_rng rng = {317};
  onefold_graph *graph = graph_with_input(small, (onefold_shape){1, 24, 4, 4});
  const onefold_graph_conv2d_params p = dilated(24, 255, 1), q = dilated(24, 256, 1);
  const onefold_node terms[2] = {graph_random_conv(&rng, graph, 0, &p, 1),
                                 graph_random_conv(&rng, graph, 0, &q, 0)};
  fold_finish(graph, onefold_graph_sum(graph, terms, 2));
  onefold_graph *folded = fold_expecting(graph, ONEFOLD_FOLD_UNPROFITABLE, 318);
  graph_expect_same(graph, folded);
  fold_drop(graph, folded);

  // The same of a chain below a sum: 3x3 after 3x3 with a dilation that is no multiple.
  graph = graph_with_input(small, (onefold_shape){1, 24, 4, 4});
  onefold_node chain = graph_random_conv(&rng, graph, 0, &p, 0);
  const onefold_graph_conv2d_params crop = {.out_channels = 24,
                                            .kernel_h = 2,
                                            .kernel_w = 2,
                                            .stride_h = 1,
                                            .stride_w = 1,
                                            .dilation_h = 2,
                                            .dilation_w = 2,
                                            .groups = 1};
  chain = graph_random_conv(&rng, graph, chain, &crop, 0);
  const onefold_graph_conv2d_params other = {.out_channels = 24,
                                             .kernel_h = 3,
                                             .kernel_w = 3,
                                             .stride_h = 1,
                                             .stride_w = 1,
                                             .dilation_h = 1,
                                             .dilation_w = 1,
                                             .groups = 1};
  const onefold_node both[2] = {chain, graph_random_conv(&rng, graph, 0, &other, 0)};
  fold_finish(graph, onefold_graph_sum(graph, both, 2));
  folded = fold_expecting(graph, ONEFOLD_FOLD_UNPROFITABLE, 319);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 3);
  fold_drop(graph, folded);
  onefold_context_destroy(small);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_windows),
      cmocka_unit_test(test_parts_of_a_sum),
      cmocka_unit_test(test_groups_of_a_sum),
      cmocka_unit_test(test_too_large_to_try),
  };
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  context = test_context(levels[test_isa_levels(levels) - 1], 1);
  const int failed = cmocka_run_group_tests_name("fold_sums", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
