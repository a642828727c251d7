// SPDX-License-Identifier: BSD-3-Clause
// Building the nodes that move, pool, pad and join channels: errors, shapes, totals, copies; and
// batch normalisations without statistics.
#include "tests/graph_support.h"

#include <math.h>

#define IMAGE ((onefold_shape){1, 4, 5, 6})
#define FAILS(call, status, says)                                                                  \
  do {                                                                                             \
    onefold_graph *g = graph_with_input(context, IMAGE);                                           \
    graph_expect_failure(context, g, call, status, says);                                          \
  } while (0)

static void test_errors(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  const float w[120] = {0}, bad[120] = {0, 0, NAN}, infinite[4] = {0, INFINITY};
  const int64_t huge = INT64_C(1) << 61;

  FAILS(onefold_graph_filter(g, 0, NULL, w, NULL), ONEFOLD_INVALID_ARGUMENT, "params is NULL");
  FAILS(onefold_graph_filter(g, 3, NULL, w, NULL), ONEFOLD_INVALID_ARGUMENT, "node 3");
  FAILS(onefold_graph_linear(g, 0, 0, w, NULL), ONEFOLD_INVALID_ARGUMENT, "0");
  FAILS(onefold_graph_linear(g, 1, 2, w, NULL), ONEFOLD_INVALID_ARGUMENT, "node 1");
  FAILS(onefold_graph_linear(g, 0, 1, NULL, NULL), ONEFOLD_INVALID_ARGUMENT, "weight is NULL");
  FAILS(onefold_graph_scale(g, 0, NULL, w), ONEFOLD_INVALID_ARGUMENT, "scale is NULL");
  FAILS(onefold_graph_scale(g, 0, bad, NULL), ONEFOLD_INVALID_ARGUMENT, "gamma of channel 2");
  FAILS(onefold_graph_scale(g, 2, w, NULL), ONEFOLD_INVALID_ARGUMENT, "node 2");
  FAILS(onefold_graph_identity(g, 7), ONEFOLD_INVALID_ARGUMENT, "node 7");
  FAILS(onefold_graph_batch_norm(g, 0, &(onefold_batch_norm_params){.mean = w}),
        ONEFOLD_INVALID_ARGUMENT, "variance is NULL and mean is not");
  FAILS(onefold_graph_batch_norm(g, 0, &(onefold_batch_norm_params){.beta = bad}),
        ONEFOLD_INVALID_ARGUMENT, "beta of channel 2 is nan");

  FAILS(onefold_graph_concat(g, NULL, 1), ONEFOLD_INVALID_ARGUMENT, "inputs is NULL");
  FAILS(onefold_graph_concat(g, (const onefold_node[]){0}, 0), ONEFOLD_INVALID_ARGUMENT,
        "no inputs");
  FAILS(onefold_graph_concat(g, (const onefold_node[]){0, 9}, 2), ONEFOLD_INVALID_ARGUMENT,
        "node 9");
  FAILS(onefold_graph_concat(
            g, (const onefold_node[]){0, onefold_graph_input(g, (onefold_shape){1, 4, 5, 7})}, 2),
        ONEFOLD_SHAPE_MISMATCH, "1x4x5x7");
  FAILS(onefold_graph_concat(
            g, (const onefold_node[]){0, onefold_graph_input(g, (onefold_shape){2, 4, 5, 6})}, 2),
        ONEFOLD_SHAPE_MISMATCH, "2x4x5x6");
  FAILS(onefold_graph_slice(g, 0, -1, 2), ONEFOLD_INVALID_ARGUMENT, "2 channels from channel -1");
  FAILS(onefold_graph_slice(g, 0, 0, 0), ONEFOLD_INVALID_ARGUMENT, "0 channels");
  FAILS(onefold_graph_slice(g, 0, 3, 2), ONEFOLD_SHAPE_MISMATCH, "from channel 3 of 4");
  FAILS(onefold_graph_slice(g, 0, 2, INT64_MAX), ONEFOLD_SHAPE_MISMATCH, "of 4");
  FAILS(onefold_graph_slice(g, 1, 0, 1), ONEFOLD_INVALID_ARGUMENT, "node 1");

  onefold_pad_params pad = {1, 1, -2, 0, NULL};
  FAILS(onefold_graph_pad(g, 0, NULL), ONEFOLD_INVALID_ARGUMENT, "params is NULL");
  FAILS(onefold_graph_pad(g, 0, &pad), ONEFOLD_INVALID_ARGUMENT, "left -2");
  pad = (onefold_pad_params){0, INT64_MAX, 0, 0, NULL};
  FAILS(onefold_graph_pad(g, 0, &pad), ONEFOLD_OVERFLOW, "does not fit");
  pad = (onefold_pad_params){huge, 0, 0, huge, NULL};
  FAILS(onefold_graph_pad(g, 0, &pad), ONEFOLD_OVERFLOW, "does not fit");
  pad = (onefold_pad_params){0, 0, 0, 0, infinite};
  FAILS(onefold_graph_pad(g, 0, &pad), ONEFOLD_INVALID_ARGUMENT, "channel 1 is inf");
  onefold_border_params border = {3, 3, 0, 0, w};
  FAILS(onefold_graph_border(g, 0, NULL), ONEFOLD_INVALID_ARGUMENT, "params is NULL");
  FAILS(onefold_graph_border(g, 0, &border), ONEFOLD_SHAPE_MISMATCH, "top 3, bottom 3");
  border = (onefold_border_params){0, 0, 0, -1, w};
  FAILS(onefold_graph_border(g, 0, &border), ONEFOLD_SHAPE_MISMATCH, "right -1");
  border = (onefold_border_params){0, 0, 7, 0, w};
  FAILS(onefold_graph_border(g, 0, &border), ONEFOLD_SHAPE_MISMATCH, "left 7");
  border = (onefold_border_params){1, 1, 1, 1, NULL};
  FAILS(onefold_graph_border(g, 0, &border), ONEFOLD_INVALID_ARGUMENT, "bias is NULL");
  border.bias = bad;
  FAILS(onefold_graph_border(g, 0, &border), ONEFOLD_INVALID_ARGUMENT, "bias 2 is nan");

  const onefold_pool2d_params large = onefold_pool2d_square(7, 1, 0);
  onefold_pool2d_params stride = onefold_pool2d_square(2, 0, 0);
  FAILS(onefold_graph_max_pool(g, 0, NULL), ONEFOLD_INVALID_ARGUMENT, "max_pool: params is NULL");
  FAILS(onefold_graph_avg_pool(g, 0, NULL), ONEFOLD_INVALID_ARGUMENT, "avg_pool: params is NULL");
  FAILS(onefold_graph_max_pool(g, 0, &large), ONEFOLD_SHAPE_MISMATCH, "7");
  FAILS(onefold_graph_avg_pool(g, 0, &stride), ONEFOLD_INVALID_ARGUMENT, "stride_h is 0");
  FAILS(onefold_graph_avg_pool(g, 5, &large), ONEFOLD_INVALID_ARGUMENT, "node 5");
  FAILS(onefold_graph_global_pool(g, 5), ONEFOLD_INVALID_ARGUMENT, "node 5");
  FAILS(onefold_graph_upsample(g, 0, 0), ONEFOLD_INVALID_ARGUMENT, "factor is 0");
  FAILS(onefold_graph_upsample(g, 0, huge), ONEFOLD_OVERFLOW, "does not fit");
  FAILS(onefold_graph_upsample(g, 4, 1), ONEFOLD_INVALID_ARGUMENT, "node 4");
  onefold_context_destroy(context);
}

static void test_split_errors(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  const int64_t three[] = {1, 2, 3}, none[] = {4, 0}, ends[] = {INT64_MAX, INT64_MAX};
  const struct {
    const int64_t *sizes;
    size_t count;
    int parts;
    onefold_status status;
    const char *says;
  } cases[] = {
      {NULL, 2, 1, ONEFOLD_INVALID_ARGUMENT, "sizes is NULL"},
      {three, 0, 1, ONEFOLD_INVALID_ARGUMENT, "no parts"},
      {three, 2, 0, ONEFOLD_INVALID_ARGUMENT, "parts is NULL"},
      {three, 3, 1, ONEFOLD_SHAPE_MISMATCH, "6 channels, 'input0' has 4"},
      {three, 2, 1, ONEFOLD_SHAPE_MISMATCH, "3 channels"},
      {none, 2, 1, ONEFOLD_INVALID_ARGUMENT, "part 1 has 0 channels"},
      {ends, 2, 1, ONEFOLD_INVALID_ARGUMENT, "part 1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_graph *g = graph_with_input(context, IMAGE);
    onefold_node parts[3] = {5, 5, 5};
    test_fails(
        context,
        onefold_graph_split(g, 0, cases[i].sizes, cases[i].count, cases[i].parts ? parts : NULL),
        cases[i].status);
    const onefold_node part = cases[i].parts && cases[i].count ? parts[0] : ONEFOLD_NO_NODE;
    graph_expect_failure(context, g, part, cases[i].status, cases[i].says);
  }
  assert_int_equal(onefold_graph_split(NULL, 0, three, 3, NULL), ONEFOLD_INVALID_ARGUMENT);
  onefold_context_destroy(context);
}

/// One node of each kind and way to make it; outputs every one of them.
static onefold_graph *all_nodes(onefold_context *context, test_rng *rng) {
  onefold_graph *g = graph_with_input(context, (onefold_shape){2, 8, 6, 5});
  float weight[2 * 240];
  test_fill_uniform(rng, weight, 2 * 240);
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(8, 3, 1, 8);
  const onefold_pool2d_params pool = onefold_pool2d_square(3, 2, 1);
  const onefold_pad_params pad = {1, 2, 0, 1, weight};
  const onefold_squeeze_excite_params se = {.hidden = 2,
                                            .reduce_weight = weight,
                                            .expand_weight = weight + 16,
                                            .expand_bias = weight,
                                            .gate = ONEFOLD_ACT_SIGMOID};
  const int64_t sizes[2] = {3, 5};
  onefold_node parts[2];
  test_ok(context, onefold_graph_split(g, 0, sizes, 2, parts));
  onefold_graph_filter(g, 0, &k3, weight, weight + 72);
  onefold_graph_linear(g, 0, 2, weight, weight);
  onefold_graph_scale(g, 0, weight, weight + 8);
  onefold_graph_scale(g, 0, weight, NULL);
  onefold_graph_identity(g, 0);
  onefold_graph_concat(g, parts, 2);
  onefold_graph_pad(g, 0, &pad);
  graph_random_border(rng, g, 0);
  onefold_graph_avg_pool(g, 0, &pool);
  onefold_graph_max_pool(g, 0, &pool);
  onefold_graph_global_pool(g, 0);
  onefold_graph_upsample(g, 0, 3);
  onefold_graph_squeeze_excite(g, 0, &se);
  onefold_graph_batch_norm(g, 0, &(onefold_batch_norm_params){.gamma = weight, .epsilon = 1e-5});
  test_ok(context, onefold_graph_status(g));
  return g;
}

/// Copies are the same to the bit, and what a node counts.
static void test_copies_and_totals(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {70};
  onefold_graph *g = all_nodes(context, &rng), *copy;
  test_ok(context, onefold_graph_create(context, &copy));
  for (onefold_node i = 0; i < g->node_count; i++) {
    onefold_graph_name(g, i, onefold_node_type_of(g->nodes[i].kind)->name);
    assert_int_equal(onefold_graph_copy_node(copy, g, i, g->nodes[i].inputs), i);
  }
  graph_expect_same(g, copy);
  // scale, se, batch_norm and linear; the filter has constants, the pad another node's.
  const onefold_border_params *border = &graph_only(g, ONEFOLD_NODE_BORDER)->as.border;
  const int64_t classes = (border->top + 1 + border->bottom) * (border->left + 1 + border->right);
  const onefold_graph_totals totals = onefold_graph_count(copy);
  assert_int_equal(totals.nodes, g->node_count);
  assert_int_equal(totals.parameters, (2 * 240 + 2) + 16 + 8 + 8 * classes + (32 + 8) + 8);
  // filter, linear, mean pooling of 2x8x3x3 results, se.
  assert_true(totals.macs == 2 * (9.0 * 8 * 30 + 2 * 240 + 9.0 * 8 * 9 + 32));
  onefold_graph_destroy(copy);
  onefold_graph_destroy(g);
  onefold_context_destroy(context);
}

static void test_shapes(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {71};
  onefold_graph *g = all_nodes(context, &rng);
  const struct {
    onefold_node_kind kind;
    onefold_shape shape;
  } wanted[] = {
      {ONEFOLD_NODE_CONCAT, {2, 8, 6, 5}},      {ONEFOLD_NODE_PAD, {2, 8, 9, 6}},
      {ONEFOLD_NODE_AVG_POOL, {2, 8, 3, 3}},    {ONEFOLD_NODE_MAX_POOL, {2, 8, 3, 3}},
      {ONEFOLD_NODE_GLOBAL_POOL, {2, 8, 1, 1}}, {ONEFOLD_NODE_UPSAMPLE, {2, 8, 18, 15}},
      {ONEFOLD_NODE_BORDER, {2, 8, 6, 5}},
  };
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
    assert_memory_equal(&graph_only(g, wanted[i].kind)->shape, &wanted[i].shape,
                        sizeof wanted[i].shape);
  assert_int_equal(onefold_graph_shape(g, 1).c, 3);
  assert_int_equal(onefold_graph_shape(g, 2).c, 5);
  const onefold_shape linear = onefold_graph_shape(g, 4);
  assert_true(linear.n == 2 && linear.c == 2 && linear.h == 1 && linear.w == 1);
  onefold_graph_destroy(g);
  onefold_context_destroy(context);
}

/// A batch normalisation without statistics can be built and counted, and run nowhere.
static void test_no_statistics(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {72};
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(4, 3, 1, 1);
  onefold_graph *g = graph_with_input(context, IMAGE);
  const onefold_node bn = onefold_graph_batch_norm(g, 0, &(onefold_batch_norm_params){0});
  onefold_graph_name(g, bn, "stem.bn");
  const onefold_node terms[2] = {bn, graph_random_conv(&rng, g, 0, &k3, 0)};
  onefold_exec_options options = {.struct_size = sizeof options};
  onefold_exec *exec = NULL;
  // What no output needs does not matter.
  test_ok(context, onefold_graph_output(g, terms[1]));
  test_ok(context, onefold_exec_create(context, g, NULL, &exec));
  onefold_exec_destroy(exec);
  test_ok(context, onefold_graph_output(g, onefold_graph_sum(g, terms, 2)));
  for (options.fuse_epilogues = 0; options.fuse_epilogues < 2; options.fuse_epilogues++) {
    test_fails(context, onefold_exec_create(context, g, &options, &exec), ONEFOLD_UNSUPPORTED);
    test_says(context, "'stem.bn' has no running statistics");
    assert_null(exec);
  }
  onefold_graph_destroy(g);
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_errors),
      cmocka_unit_test(test_split_errors),
      cmocka_unit_test(test_copies_and_totals),
      cmocka_unit_test(test_shapes),
      cmocka_unit_test(test_no_statistics),
  };
  return test_every_level("graph_nodes", tests, sizeof tests / sizeof *tests);
}
