// SPDX-License-Identifier: BSD-3-Clause
// A graph that is built again from what its nodes tell is the same to the bit.
#include "tests/graph_support.h"

#include <string.h>

typedef onefold_node add_fn(onefold_graph *to, const onefold_node_info *n,
                            const onefold_node *inputs);

static onefold_node add_input(onefold_graph *to, const onefold_node_info *n,
                              const onefold_node *inputs) {
  (void)inputs;
  return onefold_graph_input(to, n->shape);
}

static onefold_node add_conv2d(onefold_graph *to, const onefold_node_info *n,
                               const onefold_node *inputs) {
  return (n->fixed ? onefold_graph_filter : onefold_graph_conv2d)(to, inputs[0], n->conv2d,
                                                                  n->weight, n->bias);
}

static onefold_node add_batch_norm(onefold_graph *to, const onefold_node_info *n,
                                   const onefold_node *inputs) {
  return onefold_graph_batch_norm(to, inputs[0], n->batch_norm);
}

static onefold_node add_sum(onefold_graph *to, const onefold_node_info *n,
                            const onefold_node *inputs) {
  return onefold_graph_sum(to, inputs, n->input_count);
}

static onefold_node add_activation(onefold_graph *to, const onefold_node_info *n,
                                   const onefold_node *inputs) {
  return onefold_graph_activation(to, inputs[0], n->activation, n->activation_param);
}

static onefold_node add_squeeze_excite(onefold_graph *to, const onefold_node_info *n,
                                       const onefold_node *inputs) {
  return onefold_graph_squeeze_excite(to, inputs[0], n->squeeze_excite);
}

static onefold_node add_border(onefold_graph *to, const onefold_node_info *n,
                               const onefold_node *inputs) {
  return onefold_graph_border(to, inputs[0], n->border);
}

static onefold_node add_pad(onefold_graph *to, const onefold_node_info *n,
                            const onefold_node *inputs) {
  return onefold_graph_pad(to, inputs[0], n->pad);
}

static onefold_node add_concat(onefold_graph *to, const onefold_node_info *n,
                               const onefold_node *inputs) {
  return onefold_graph_concat(to, inputs, n->input_count);
}

static onefold_node add_slice(onefold_graph *to, const onefold_node_info *n,
                              const onefold_node *inputs) {
  return onefold_graph_slice(to, inputs[0], n->slice_begin, n->shape.c);
}

static onefold_node add_avg_pool(onefold_graph *to, const onefold_node_info *n,
                                 const onefold_node *inputs) {
  return onefold_graph_avg_pool(to, inputs[0], n->pool);
}

static onefold_node add_max_pool(onefold_graph *to, const onefold_node_info *n,
                                 const onefold_node *inputs) {
  return onefold_graph_max_pool(to, inputs[0], n->pool);
}

static onefold_node add_global_pool(onefold_graph *to, const onefold_node_info *n,
                                    const onefold_node *inputs) {
  (void)n;
  return onefold_graph_global_pool(to, inputs[0]);
}

static onefold_node add_upsample(onefold_graph *to, const onefold_node_info *n,
                                 const onefold_node *inputs) {
  return onefold_graph_upsample(to, inputs[0], n->upsample_factor);
}

static const struct {
  const char *kind;
  add_fn *add;
} kinds[] = {
#define ONEFOLD_NODE(id, name) {#name, add_##name},
#include "graph/node_list.def"
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/// Notes in `seen` which kinds there were.
static onefold_graph *build_again(onefold_context *context, const onefold_graph *graph,
                                  int seen[KINDS]) {
  onefold_graph *made;
  test_ok(context, onefold_graph_create(context, &made));
  const onefold_node count = (onefold_node)onefold_graph_count(graph).nodes;
  for (onefold_node i = 0; i < count; i++) {
    onefold_node_info info;
    test_ok(context, onefold_graph_get_node(graph, i, &info));
    const char *kind = strcmp(info.kind, "conv") == 0 ? "conv2d" : info.kind;
    int k = 0;
    while (k < KINDS && strcmp(kinds[k].kind, kind) != 0) k++;
    assert_true(k < KINDS);
    seen[k]++;
    assert_int_equal(kinds[k].add(made, &info, info.inputs), i);
    onefold_graph_name(made, i, info.name);
  }
  for (size_t k = 0; onefold_graph_output_at(graph, k) != ONEFOLD_NO_NODE; k++)
    test_ok(context, onefold_graph_output(made, onefold_graph_output_at(graph, k)));
  return made;
}

static void check(onefold_context *context, onefold_graph *g, int seen[KINDS]) {
  onefold_graph *again = build_again(context, g, seen);
  graph_expect_same(g, again);
  onefold_graph_destroy(again);
  onefold_graph_destroy(g);
}

/// Random graphs, and a network with the kinds that those lack.
static void test_again(void **state) {
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  test_rng rng = {71};
  int seen[KINDS] = {0};
  (void)state;
  for (int i = test_scaled(30); i > 0; i--)
    check(context, graph_random(context, &rng, (onefold_shape){1, 16, 6, 5}, 24), seen);
  onefold_weights *weights;
  onefold_graph *network;
  test_ok(context, onefold_weights_seeded(context, 1, &weights));
  test_ok(context, onefold_network_build(context, "repghostnet-0.5x", (onefold_shape){1, 3, 32, 32},
                                         weights, &network));
  onefold_weights_close(weights);
  check(context, network, seen);
  for (int k = 0; k < KINDS; k++)
    if (!seen[k]) test_failed("no %s was read", kinds[k].kind);
  onefold_context_destroy(context);
}

static void test_refusals(void **state) {
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_graph *g = graph_with_input(context, (onefold_shape){1, 3, 4, 5});
  onefold_node_info info = {.kind = "kept"};
  (void)state;
  test_fails(context, onefold_graph_get_node(g, 1, &info), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "node 1 of 1");
  test_fails(context, onefold_graph_get_node(g, ONEFOLD_NO_NODE, &info), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_graph_get_node(g, 0, NULL), ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_graph_get_node(NULL, 0, &info), ONEFOLD_INVALID_ARGUMENT);
  assert_string_equal(info.kind, "kept");
  onefold_graph_destroy(g);
  onefold_context_destroy(context);
}

/// What is no convolution with an activation, and what is no graph.
static void test_as_conv2d(void **state) {
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const onefold_shape in = {1, 3, 4, 5};
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(4, 3, 1, 1);
  test_rng rng = {72};
  static const struct {
    int convs, activations, outputs; // in a row
    const char *says;                // NULL: it is one
  } cases[] = {
      {1, 0, 1, NULL},
      {1, 1, 1, NULL},
      {1, 0, 0, "the graph has 0 outputs, not 1"},
      {1, 0, 2, "the graph has 2 outputs, not 1"},
      {0, 0, 1, "its result is that of input \"input0\""},
      {0, 1, 1, "its result is that of input \"input0\""},
      {1, 2, 1, "its result is that of activation \""},
      {2, 0, 1, "its result is that of conv \""},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_case("as_conv2d %zu", i);
    onefold_graph *g = graph_with_input(context, in);
    onefold_node node = 0;
    const onefold_conv2d_desc kept = {.struct_size = 7};
    onefold_conv2d_desc desc = kept;
    onefold_conv2d_weights weights = {.weight = NULL};
    for (int k = 0; k < cases[i].convs; k++) node = graph_random_conv(&rng, g, node, &p, 1);
    for (int k = 0; k < cases[i].activations; k++)
      node = onefold_graph_activation(g, node, ONEFOLD_ACT_LEAKY_RELU, 0.5f);
    for (int k = 0; k < cases[i].outputs; k++) test_ok(context, onefold_graph_output(g, node));
    test_fails(context, onefold_graph_as_conv2d(g, &desc, &weights),
               cases[i].says ? ONEFOLD_UNSUPPORTED : ONEFOLD_OK);
    if (cases[i].says) {
      test_says(context, cases[i].says);
      assert_memory_equal(&desc, &kept, sizeof desc);
      assert_null(weights.weight);
    } else {
      assert_int_equal(desc.out_channels, 4);
      assert_int_equal(desc.activation,
                       cases[i].activations ? ONEFOLD_ACT_LEAKY_RELU : ONEFOLD_ACT_NONE);
      assert_ptr_equal(weights.weight, g->nodes[1].as.conv2d.weight);
      assert_ptr_equal(weights.bias, g->nodes[1].as.conv2d.bias);
      test_fails(context, onefold_graph_as_conv2d(g, NULL, &weights), ONEFOLD_INVALID_ARGUMENT);
      test_says(context, "desc is NULL");
      test_fails(context, onefold_graph_as_conv2d(g, &desc, NULL), ONEFOLD_INVALID_ARGUMENT);
      test_says(context, "weights is NULL");
      onefold_graph_slice(g, node, 0, 99);
      test_fails(context, onefold_graph_as_conv2d(g, &desc, &weights), ONEFOLD_INVALID_ARGUMENT);
      test_says(context, "building it failed (shape mismatch)");
      assert_int_equal(onefold_graph_as_conv2d(NULL, &desc, &weights), ONEFOLD_INVALID_ARGUMENT);
    }
    onefold_graph_destroy(g);
  }
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_again),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_as_conv2d),
  };
  return cmocka_run_group_tests_name("graph_read", tests, NULL, NULL);
}
