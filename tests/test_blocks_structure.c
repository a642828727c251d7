// SPDX-License-Identifier: BSD-3-Clause
// What each block is made of: nodes, the terms of its sums, the widths of its concats, and what it
// refuses.
#include "tests/block_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Nodes and shapes that the counts do not show.
static void test_nodes(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const struct {
    const char *block, *text;
    onefold_node_kind kind;
    int count;
    onefold_shape shape; // of the result
  } cases[] = {
      {"conv_bn", "input=2x4x9x7 out_channels=6", ONEFOLD_NODE_ACTIVATION, 0, {2, 6, 9, 7}},
      {"conv_bn", "input=1x4x9x7 out_channels=6 kernel=4", ONEFOLD_NODE_CONV2D, 1, {1, 6, 8, 6}},
      {"conv", "input=1x4x9x7 out_channels=6 kernel=4", ONEFOLD_NODE_CONV2D, 1, {1, 6, 10, 8}},
      {"conv",
       "input=1x4x9x7 out_channels=6 kernel=3 dilation=2 stride=2",
       ONEFOLD_NODE_ACTIVATION,
       1,
       {1, 6, 5, 4}},
      {"conv",
       "input=1x4x9x7 out_channels=6 kernel=2 dilation=3",
       ONEFOLD_NODE_CONV2D,
       1,
       {1, 6, 10, 8}},
      {"acnet",
       "input=1x4x9x7 out_channels=6 kernel=5 padding=0",
       ONEFOLD_NODE_PAD,
       0,
       {1, 6, 5, 3}},
      {"acnet",
       "input=1x4x9x7 out_channels=6 kernel=5 padding=4",
       ONEFOLD_NODE_PAD,
       2,
       {1, 6, 13, 11}},
      {"acnet",
       "input=1x4x9x7 out_channels=6 dilation=2 stride=2",
       ONEFOLD_NODE_PAD,
       0,
       {1, 6, 5, 4}},
      {"repghost",
       "input=1x4x9x7 out_channels=6 stride=2",
       ONEFOLD_NODE_ACTIVATION,
       2,
       {1, 6, 5, 4}},
      {"repghost",
       "input=1x4x9x7 out_channels=6 activation=none",
       ONEFOLD_NODE_ACTIVATION,
       0,
       {1, 6, 9, 7}},
      {"repghost", "input=1x4x9x7 out_channels=6 reparam_bn=0", ONEFOLD_NODE_SUM, 0, {1, 6, 9, 7}},
      {"repghost_bottleneck", "input=1x6x9x7 out_channels=6", ONEFOLD_NODE_SUM, 3, {1, 6, 9, 7}},
      {"repghost_bottleneck",
       "input=1x6x9x7 out_channels=6 shortcut=0",
       ONEFOLD_NODE_SUM,
       2,
       {1, 6, 9, 7}},
      {"repghost_bottleneck",
       "input=1x6x9x7 out_channels=6 shortcut=0 stride=2",
       ONEFOLD_NODE_SUM,
       3,
       {1, 6, 5, 4}},
      {"mobileone",
       "input=1x6x9x7 out_channels=6 identity=0 kernel=1",
       ONEFOLD_NODE_BATCH_NORM,
       1,
       {1, 6, 9, 7}},
      {"qarepvgg_v2", "input=1x6x9x7 out_channels=6", ONEFOLD_NODE_AVG_POOL, 1, {1, 6, 9, 7}},
      {"qarepvgg_v2",
       "input=1x6x9x7 out_channels=6 stride=2",
       ONEFOLD_NODE_AVG_POOL,
       0,
       {1, 6, 5, 4}},
      {"bottleneck", "input=1x6x9x7 out_channels=6", ONEFOLD_NODE_SUM, 1, {1, 6, 9, 7}},
      {"bottleneck", "input=1x6x9x7 out_channels=8", ONEFOLD_NODE_SUM, 0, {1, 8, 9, 7}},
      {"bottleneck", "input=1x6x9x7 out_channels=6 shortcut=0", ONEFOLD_NODE_SUM, 0, {1, 6, 9, 7}},
      {"c3", "input=1x6x9x7 out_channels=8 repeats=2", ONEFOLD_NODE_SUM, 2, {1, 8, 9, 7}},
      {"c3",
       "input=1x6x9x7 out_channels=8 repeats=2 shortcut=0",
       ONEFOLD_NODE_SUM,
       0,
       {1, 8, 9, 7}},
      {"c2f", "input=1x6x9x7 out_channels=8 repeats=2", ONEFOLD_NODE_SUM, 0, {1, 8, 9, 7}},
      {"c2f",
       "input=1x6x9x7 out_channels=8 repeats=2 shortcut=1",
       ONEFOLD_NODE_SUM,
       2,
       {1, 8, 9, 7}},
      {"c2f", "input=1x6x9x7 out_channels=8 repeats=2", ONEFOLD_NODE_SLICE, 2, {1, 8, 9, 7}},
      // The grouped convolutions are inside, of hidden channels.
      {"bottleneck", "input=1x7x9x7 out_channels=8 groups=2", ONEFOLD_NODE_CONV2D, 2, {1, 8, 9, 7}},
      {"c3", "input=1x7x9x7 out_channels=8 groups=2", ONEFOLD_NODE_CONV2D, 5, {1, 8, 9, 7}},
      {"c3", "input=1x7x9x7 out_channels=9 groups=4", ONEFOLD_NODE_CONV2D, 5, {1, 9, 9, 7}},
      {"c2f", "input=1x7x9x7 out_channels=8 groups=2", ONEFOLD_NODE_CONV2D, 4, {1, 8, 9, 7}},
      {"mpc_b", "input=1x6x8x10 out_channels=8", ONEFOLD_NODE_MAX_POOL, 1, {1, 8, 4, 5}},
      {"mpc_n",
       "input=2x6x8x10 out_channels=13 route_channels=5",
       ONEFOLD_NODE_INPUT,
       2,
       {2, 13, 4, 5}},
      {"sppcspc", "input=1x6x9x7 out_channels=8", ONEFOLD_NODE_MAX_POOL, 3, {1, 8, 9, 7}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_graph *graph = block_build(context, cases[i].block, cases[i].text);
    assert_int_equal(graph_count_kind(graph, cases[i].kind), cases[i].count);
    const onefold_shape got = block_result_shape(graph);
    assert_memory_equal(&got, &cases[i].shape, sizeof got);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

/// The terms of a block's sum, and whether the block's input is one of them.
static void test_branches(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const struct {
    const char *block, *text;
    int terms, plain_input;
  } cases[] = {
      {"repvggplus", "out_channels=8 se_hidden=2", 3, 0},
      {"repvggplus", "out_channels=8 stride=2", 2, 0},
      {"repconv", "out_channels=8", 3, 0},
      {"repconv", "out_channels=8 identity=0", 2, 0},
      {"repconvn", "out_channels=8", 2, 0},
      {"acnet", "out_channels=8", 3, 0},
      {"mobileone", "out_channels=8 repeats=4", 6, 0},
      {"mobileone", "out_channels=8 repeats=4 kernel=1 stride=2", 4, 0},
      {"qarepvgg", "out_channels=8", 3, 1},
      {"qarepvgg", "out_channels=8 stride=2", 2, 0},
      {"qarepvgg_v2", "out_channels=8", 4, 1},
      {"qarepvgg_v2", "out_channels=12", 2, 0},
      {"linear_add", "out_channels=8", 3, 0},
      {"linear_add", "out_channels=12", 2, 0},
      {"repghost", "out_channels=8", 2, 0},
      {"repghost", "out_channels=8 reparam_identity=1", 3, 0},
      {"bottleneck", "out_channels=8", 2, 1},
      {"bottleneck_v8", "out_channels=8", 2, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[128];
    snprintf(text, sizeof text, "input=1x8x6x6 %s", cases[i].text);
    onefold_graph *graph = block_build(context, cases[i].block, text);
    const onefold_graph_node *sum = graph_only(graph, ONEFOLD_NODE_SUM);
    int plain_input = 0;
    for (int32_t k = 0; k < sum->input_count; k++) plain_input += sum->inputs[k] == 0;
    assert_int_equal(sum->input_count, cases[i].terms);
    assert_int_equal(plain_input, cases[i].plain_input);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

/// The widths of concats in YOLOv7: layers 10, 62, 16 and 93, and inside layer 51.
static void test_concat_widths(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const struct {
    const char *block, *text;
    int64_t parts[6], height;
  } cases[] = {
      {"elan", "input=1x128x160x160 out_channels=256", {64, 64, 64, 64}, 160},
      {"elan", "input=1x1024x20x20 out_channels=1024", {256, 256, 256, 256}, 20},
      {"elan_h", "input=1x512x40x40 out_channels=256", {128, 128, 128, 128, 256, 256}, 40},
      {"mpc_b", "input=1x256x160x160 out_channels=256", {128, 128}, 80},
      {"mpc_n", "input=1x256x40x40 out_channels=1024 route_channels=512", {256, 256, 512}, 20},
      {"spp", "input=1x1024x20x20 out_channels=1024", {512, 512, 512, 512}, 20},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_graph *graph = block_build(context, cases[i].block, cases[i].text);
    const onefold_graph_node *concat = graph_only(graph, ONEFOLD_NODE_CONCAT);
    int32_t k = 0;
    for (; k < 6 && cases[i].parts[k]; k++)
      assert_int_equal(onefold_graph_shape(graph, concat->inputs[k]).c, cases[i].parts[k]);
    assert_int_equal(concat->input_count, k);
    assert_int_equal(concat->shape.h, cases[i].height);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

/// RepVGG's squeeze-and-excitation is before the activation, RepVGGplus's behind it.
static void test_squeeze_excite_place(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  for (int plus = 0; plus < 2; plus++) {
    onefold_graph *graph = block_build(context, plus ? "repvggplus" : "repvgg",
                                       "input=1x8x6x6 out_channels=8 se_hidden=2");
    const onefold_graph_node *last = &graph->nodes[graph->outputs[0]];
    assert_int_equal(last->kind, plus ? ONEFOLD_NODE_SQUEEZE_EXCITE : ONEFOLD_NODE_ACTIVATION);
    assert_int_equal(graph->nodes[last->inputs[0]].kind,
                     plus ? ONEFOLD_NODE_ACTIVATION : ONEFOLD_NODE_SQUEEZE_EXCITE);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

static void test_refused(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, 1, &weights));
  const struct {
    const char *block, *text, *says;
    onefold_status status;
  } cases[] = {
      {"conv", "se_hidden=2", "conv: se_hidden is 2", ONEFOLD_INVALID_ARGUMENT},
      {"conv", "kernel=2 dilation=9223372036854775807", "", ONEFOLD_OVERFLOW},
      {"conv_bn", "expansion=0.5", "conv_bn: expansion is 0.5", ONEFOLD_INVALID_ARGUMENT},
      {"repvggplus", "kernel=5", "repvggplus: kernel is 5", ONEFOLD_INVALID_ARGUMENT},
      {"bottleneck_v8", "kernel=1", "bottleneck_v8: kernel is 1", ONEFOLD_INVALID_ARGUMENT},
      {"repconv", "kernel=5", "repconv: kernel is 5", ONEFOLD_INVALID_ARGUMENT},
      {"repconv", "padding=0", "repconv: padding is 0, the block has 1", ONEFOLD_INVALID_ARGUMENT},
      {"repconv", "dilation=2", "repconv: dilation is 2", ONEFOLD_INVALID_ARGUMENT},
      {"repconv", "se_hidden=4", "repconv: se_hidden is 4", ONEFOLD_INVALID_ARGUMENT},
      {"repconv", "identity=1 stride=2", "8 to 8 channels with stride 2", ONEFOLD_SHAPE_MISMATCH},
      {"repconv", "reparam_bn=0", "repconv: reparam_bn is 0", ONEFOLD_INVALID_ARGUMENT},
      {"c3", "reparam_identity=1", "c3: reparam_identity is 1", ONEFOLD_INVALID_ARGUMENT},
      {"elan", "batch_norm=0", "elan: batch_norm is 0", ONEFOLD_INVALID_ARGUMENT},
      {"repconvn", "identity=1", "repconvn: identity is 1", ONEFOLD_INVALID_ARGUMENT},
      {"acnet", "kernel=4", "acnet: kernel is 4", ONEFOLD_INVALID_ARGUMENT},
      {"repghost", "groups=2", "repghost: groups is 2", ONEFOLD_INVALID_ARGUMENT},
      {"repghost", "kernel=2", "repghost: kernel is 2", ONEFOLD_INVALID_ARGUMENT},
      {"repghost_bottleneck", "kernel=4", "kernel is 4", ONEFOLD_INVALID_ARGUMENT},
      {"repghost_bottleneck", "groups=8", "groups is 8", ONEFOLD_INVALID_ARGUMENT},
      {"mobileone", "kernel=2", "mobileone: kernel is 2", ONEFOLD_INVALID_ARGUMENT},
      {"mobileone", "repeats=257", "mobileone: repeats is 257", ONEFOLD_INVALID_ARGUMENT},
      {"mobileone", "padding=0", "mobileone: padding is 0", ONEFOLD_INVALID_ARGUMENT},
      {"qarepvgg", "kernel=1", "qarepvgg: kernel is 1", ONEFOLD_INVALID_ARGUMENT},
      {"linear_add", "se_hidden=1", "linear_add: se_hidden is 1", ONEFOLD_INVALID_ARGUMENT},
      {"bottleneck", "stride=2", "bottleneck: stride is 2", ONEFOLD_INVALID_ARGUMENT},
      {"bottleneck", "out_channels=10 shortcut=1", "8 to 10 channels", ONEFOLD_SHAPE_MISMATCH},
      {"bottleneck", "expansion=0.01", "0.08 hidden channels", ONEFOLD_INVALID_ARGUMENT},
      {"c3", "mid_channels=3 groups=2", "2 groups do not divide 3", ONEFOLD_SHAPE_MISMATCH},
      {"c2f", "repeats=9999999999", "repeats is 9999999999", ONEFOLD_INVALID_ARGUMENT},
      {"elan", "groups=2", "elan: groups is 2", ONEFOLD_INVALID_ARGUMENT},
      {"elan", "out_channels=3", "0.75 hidden channels", ONEFOLD_INVALID_ARGUMENT},
      {"elan_h", "kernel=1", "elan_h: kernel is 1", ONEFOLD_INVALID_ARGUMENT},
      {"elan_h", "mid_channels=9223372036854775807", "hidden channels", ONEFOLD_INVALID_ARGUMENT},
      {"mpc_b", "input=1x8x7x6", "the image is 7x6", ONEFOLD_INVALID_ARGUMENT},
      {"mpc_b", "out_channels=7", "out_channels is 7", ONEFOLD_INVALID_ARGUMENT},
      {"mpc_b", "route_channels=2", "mpc_b: route_channels is 2", ONEFOLD_INVALID_ARGUMENT},
      {"mpc_n", "route_channels=0", "route_channels is 0", ONEFOLD_INVALID_ARGUMENT},
      {"mpc_n", "route_channels=8", "0 of them", ONEFOLD_INVALID_ARGUMENT},
      {"spp", "kernel=4", "spp: kernel is 4", ONEFOLD_INVALID_ARGUMENT},
      {"sppf", "kernel=2147483649", "sppf: kernel is 2147483649", ONEFOLD_OVERFLOW},
      {"spp3", "kernel=5", "spp3: kernel is 5", ONEFOLD_INVALID_ARGUMENT},
      {"sppcspc", "stride=2", "sppcspc: stride is 2", ONEFOLD_INVALID_ARGUMENT},
      {"repvgg", "groups=3", "repvgg: 3 groups do not divide 8 and 8", ONEFOLD_SHAPE_MISMATCH},
      {"orepa", "groups=3", "orepa: 3 groups do not divide 8 and 8", ONEFOLD_SHAPE_MISMATCH},
      {"orepa", "kernel=4294967299", "'weight_orepa_origin' does not fit", ONEFOLD_OVERFLOW},
      {"orepa", "kernel=4294967295", "'weight_orepa_origin' does not fit", ONEFOLD_OVERFLOW},
      {"orepa", "mid_channels=9223372036854775807", "'weight_orepa_1x1_kxk_idconv1' does not",
       ONEFOLD_OVERFLOW},
      {"orepa", "dilation=9223372036854775807", "", ONEFOLD_OVERFLOW},
      {"bottleneck", "out_channels=15 groups=2", "2 groups do not divide 7",
       ONEFOLD_SHAPE_MISMATCH},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_block_params params;
    onefold_graph *graph = NULL;
    test_case("%s %s", cases[i].block, cases[i].text);
    test_ok(context, onefold_block_params_init(context, cases[i].block, &params));
    test_ok(context, onefold_block_params_set(context, &params, "input=1x8x6x6 out_channels=8"));
    test_ok(context, onefold_block_params_set(context, &params, cases[i].text));
    test_fails(context, onefold_block_build(context, cases[i].block, &params, weights, &graph),
               cases[i].status);
    test_says(context, cases[i].says);
    assert_null(graph);
  }
  onefold_weights_close(weights);
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nodes),         cmocka_unit_test(test_branches),
      cmocka_unit_test(test_concat_widths), cmocka_unit_test(test_squeeze_excite_place),
      cmocka_unit_test(test_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
