// SPDX-License-Identifier: BSD-3-Clause
// What each block is made of: weight names, nodes, parameters and multiply-adds of the training
// and the folded form, the order of concats, shapes, and what it refuses.
#include "models/weights.h"
#include "tests/graph_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static onefold_graph *build_from(onefold_context *context, const char *block, const char *text,
                                 const onefold_weights *weights) {
  onefold_block_params params;
  onefold_graph *graph = NULL;
  test_case("%s %s", block, text);
  test_ok(context, onefold_block_params_init(context, block, &params));
  test_ok(context, onefold_block_params_set(context, &params, text));
  test_ok(context, onefold_block_build(context, block, &params, weights, &graph));
  return graph;
}

static onefold_graph *build(onefold_context *context, const char *block, const char *text) {
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, 5, &weights));
  onefold_graph *graph = build_from(context, block, text, weights);
  onefold_weights_close(weights);
  return graph;
}

static onefold_shape result_shape(const onefold_graph *graph) {
  return onefold_graph_shape(graph, graph->outputs[0]);
}

// ------------------------------------------------------------------ named weights

/// Weights that note which tensors are read. Every convolution is zero except `last`, which hands
/// its input on; every batch norm hands its input on and adds 100*id + channel, where id is the
/// number at the end of its path's last part but one, and 10 more for each m.<n>: 100 for
/// cv1.bn, 2200 for m.1.cv2.bn; `last` adds nothing.
typedef struct named {
  const char *last;
  char read[1024];
} named;

static int path_id(const char *name) {
  int id = 0;
  const char *cv = strstr(name, "cv"), *m = strncmp(name, "m.", 2) == 0 ? name : NULL;
  if (cv) id += atoi(cv + 2);
  if (m) id += 10 * (atoi(m + 2) + 1);
  return id;
}

static int ends_with(const char *name, const char *end) {
  const size_t length = strlen(name), tail = strlen(end);
  return length >= tail && strcmp(name + length - tail, end) == 0;
}

static onefold_status read_named(const onefold_weights *weights, const char *name,
                                 const int64_t *dims, int32_t rank, size_t count, float *values) {
  named *n = weights->state;
  const size_t used = strlen(n->read), stem = strlen(name) - strlen(".weight");
  const int is_last = n->last && strncmp(name, n->last, strlen(n->last)) == 0;
  const int weight = ends_with(name, ".weight"), variance = ends_with(name, ".running_var");
  if (weight)
    snprintf(n->read + used, sizeof n->read - used, "%s%.*s", used ? " " : "", (int)stem, name);
  if (variance) snprintf(n->read + used, sizeof n->read - used, "*");
  for (size_t i = 0; i < count; i++) {
    values[i] = (weight && rank == 1) || variance ? 1 : 0;
    if (weight && rank == 4 && is_last) values[i] = (int64_t)i / dims[1] == (int64_t)i % dims[1];
    if (ends_with(name, ".bias") && !is_last) values[i] = (float)(100 * path_id(name) + (int)i);
  }
  return ONEFOLD_OK;
}

static onefold_status no_shape(const onefold_weights *weights, const char *name, int64_t dims[8],
                               int32_t *rank) {
  (void)name, (void)dims, (void)rank;
  return onefold_fail(weights->context, ONEFOLD_UNSUPPORTED, "no shapes");
}

static void close_named(onefold_weights *weights) {
  (void)weights;
}

static const onefold_weights_type named_type = {
    .shape = no_shape, .read = read_named, .close = close_named};

/// The names of the weights that each block reads, in order; a batch norm has a star.
static void test_names(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const struct {
    const char *block, *text, *names;
  } cases[] = {
      {"conv_bn", "input=1x4x6x6 out_channels=4", "conv bn*"},
      {"conv", "input=1x4x6x6 out_channels=4", "conv bn*"},
      {"repconv", "input=1x4x6x6 out_channels=4",
       "rbr_dense.0 rbr_dense.1* rbr_1x1.0 rbr_1x1.1* rbr_identity*"},
      {"repconv", "input=1x4x6x6 out_channels=8", "rbr_dense.0 rbr_dense.1* rbr_1x1.0 rbr_1x1.1*"},
      {"repconv", "input=1x4x6x6 out_channels=4 identity=0",
       "rbr_dense.0 rbr_dense.1* rbr_1x1.0 rbr_1x1.1*"},
      {"repconvn", "input=1x4x6x6 out_channels=4", "conv1.conv conv1.bn* conv2.conv conv2.bn*"},
      {"acnet", "input=1x4x6x6 out_channels=4",
       "square_conv square_bn* ver_conv ver_bn* hor_conv hor_bn*"},
      {"repghost", "input=1x4x6x6 out_channels=8",
       "primary_conv.0 primary_conv.1* cheap_operation.0 cheap_operation.1* fusion_bn.0*"},
      {"repghost", "input=1x4x6x6 out_channels=8 reparam_bn=0 reparam_identity=1",
       "primary_conv.0 primary_conv.1* cheap_operation.0 cheap_operation.1*"},
      {"repghost_bottleneck",
       "input=1x4x6x6 out_channels=8 mid_channels=12 stride=2 se_hidden=4 reparam_bn=0",
       "ghost1.primary_conv.0 ghost1.primary_conv.1* ghost1.cheap_operation.0 "
       "ghost1.cheap_operation.1* conv_dw bn_dw* se.conv_reduce se.conv_expand "
       "ghost2.primary_conv.0 ghost2.primary_conv.1* ghost2.cheap_operation.0 "
       "ghost2.cheap_operation.1* shortcut.0 shortcut.1* shortcut.2 shortcut.3*"},
      {"repghost_bottleneck", "input=1x8x6x6 out_channels=8 mid_channels=4",
       "ghost1.primary_conv.0 ghost1.primary_conv.1* ghost1.cheap_operation.0 "
       "ghost1.cheap_operation.1* ghost1.fusion_bn.0* ghost2.primary_conv.0 "
       "ghost2.primary_conv.1* ghost2.cheap_operation.0 ghost2.cheap_operation.1* "
       "ghost2.fusion_bn.0*"},
      {"mobileone", "input=1x4x6x6 out_channels=4 groups=4 repeats=2 se_hidden=1",
       "rbr_conv.0.conv rbr_conv.0.bn* rbr_conv.1.conv rbr_conv.1.bn* rbr_scale.conv "
       "rbr_scale.bn* rbr_skip* se.reduce se.expand"},
      {"mobileone", "input=1x4x6x6 out_channels=8 kernel=1", "rbr_conv.0.conv rbr_conv.0.bn*"},
      {"qarepvgg", "input=1x4x6x6 out_channels=4", "rbr_dense.conv rbr_dense.bn* rbr_1x1 bn*"},
      {"qarepvgg_v2", "input=1x4x6x6 out_channels=4", "rbr_dense.conv rbr_dense.bn* rbr_1x1 bn*"},
      {"linear_add", "input=1x4x6x6 out_channels=4",
       "conv conv_1x1 scale_conv scale_1x1 scale_identity bn*"},
      {"linear_add", "input=1x4x6x6 out_channels=4 stride=2",
       "conv conv_1x1 scale_conv scale_1x1 bn*"},
      {"bottleneck", "input=1x4x6x6 out_channels=4", "cv1.conv cv1.bn* cv2.conv cv2.bn*"},
      {"c3", "input=1x4x6x6 out_channels=4 repeats=2",
       "cv1.conv cv1.bn* m.0.cv1.conv m.0.cv1.bn* m.0.cv2.conv m.0.cv2.bn* m.1.cv1.conv "
       "m.1.cv1.bn* m.1.cv2.conv m.1.cv2.bn* cv2.conv cv2.bn* cv3.conv cv3.bn*"},
      {"c2f", "input=1x4x6x6 out_channels=4",
       "cv1.conv cv1.bn* m.0.cv1.conv m.0.cv1.bn* m.0.cv2.conv m.0.cv2.bn* cv2.conv cv2.bn*"},
      {"elan", "input=1x4x6x6 out_channels=4",
       "cv1.conv cv1.bn* cv2.conv cv2.bn* cv3.conv cv3.bn* cv4.conv cv4.bn* cv5.conv cv5.bn* "
       "cv6.conv cv6.bn* cv7.conv cv7.bn*"},
      {"elan_h", "input=1x4x6x6 out_channels=4",
       "cv1.conv cv1.bn* cv2.conv cv2.bn* cv3.conv cv3.bn* cv4.conv cv4.bn* cv5.conv cv5.bn* "
       "cv6.conv cv6.bn* cv7.conv cv7.bn*"},
      {"mpc_b", "input=1x4x6x6 out_channels=4",
       "cv1.conv cv1.bn* cv2.conv cv2.bn* cv3.conv cv3.bn*"},
      {"mpc_n", "input=1x4x6x6 out_channels=10 route_channels=2",
       "cv1.conv cv1.bn* cv2.conv cv2.bn* cv3.conv cv3.bn*"},
      {"spp", "input=1x4x6x6 out_channels=4", "cv1.conv cv1.bn* cv2.conv cv2.bn*"},
      {"sppf", "input=1x4x6x6 out_channels=4", "cv1.conv cv1.bn* cv2.conv cv2.bn*"},
      {"spp3", "input=1x4x6x6 out_channels=4", "cn1.conv cn1.bn* cn2.conv cn2.bn*"},
      {"sppcspc", "input=1x4x6x6 out_channels=4",
       "cv1.conv cv1.bn* cv2.conv cv2.bn* cv3.conv cv3.bn* cv4.conv cv4.bn* cv5.conv cv5.bn* "
       "cv6.conv cv6.bn* cv7.conv cv7.bn*"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    named names = {.last = NULL};
    onefold_weights weights = {&named_type, context, &names};
    onefold_graph_destroy(build_from(context, cases[i].block, cases[i].text, &weights));
    assert_string_equal(names.read, cases[i].names);
  }
  onefold_context_destroy(context);
}

/// A run of channels of a concat: `width` of them, the first of value 100*id + first.
typedef struct part {
  int id, first, width;
} part;

/// Each branch is a constant of its own, and the last convolution hands the concat on.
static void test_concat_order(void **state) {
  onefold_context *context = test_context((onefold_isa)(intptr_t)*state, 1);
  const struct {
    const char *block, *text, *last;
    part parts[6];
  } cases[] = {
      {"elan", "out_channels=12", "cv7.", {{6, 0, 3}, {4, 0, 3}, {2, 0, 3}, {1, 0, 3}}},
      {"elan_h",
       "out_channels=16 mid_channels=2",
       "cv7.",
       {{6, 0, 2}, {5, 0, 2}, {4, 0, 2}, {3, 0, 2}, {2, 0, 4}, {1, 0, 4}}},
      {"c3", "out_channels=6 repeats=2 shortcut=0", "cv3.", {{22, 0, 3}, {2, 0, 3}}},
      {"c3", "out_channels=6 repeats=1", "cv3.", {{-1, 0, 3}, {2, 0, 3}}},
      {"c2f",
       "out_channels=12 mid_channels=3 repeats=2",
       "cv2.",
       {{1, 0, 3}, {1, 3, 3}, {12, 0, 3}, {22, 0, 3}}},
      {"sppcspc", "out_channels=6 mid_channels=3", "cv7.", {{6, 0, 3}, {2, 0, 3}}},
      {"mpc_b", "out_channels=6", "none", {{3, 0, 3}, {1, 0, 3}}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    named names = {.last = cases[i].last};
    onefold_weights weights = {&named_type, context, &names};
    char text[256];
    snprintf(text, sizeof text, "input=1x5x4x6 activation=none bn_epsilon=0 %s", cases[i].text);
    onefold_graph *graph = build_from(context, cases[i].block, text, &weights);
    const onefold_shape out = result_shape(graph);
    float *x = calloc(5 * 4 * 6, sizeof *x);
    float **y = graph_run(context, graph, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW},
                          (const float *const[]){x});
    int64_t channel = 0;
    for (const part *p = cases[i].parts; p < cases[i].parts + 6 && p->width; p++)
      for (int k = 0; k < p->width; k++, channel++) {
        // id -1: the shortcut of a bottleneck, m.0.cv2 + cv1.
        const float want =
            p->id < 0 ? (float)(1200 + k + 100 + k) : (float)(100 * p->id + p->first + k);
        for (int64_t pixel = 0; pixel < out.h * out.w; pixel++)
          assert_float_equal(y[0][channel * out.h * out.w + pixel], want, 0);
      }
    assert_int_equal(channel, out.c);
    free(y);
    free(x);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

/// Poolings of SPP in the order of their windows, of SPPF and SPP3 in chains.
static void test_pools(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const struct {
    const char *block;
    onefold_node_kind kind;
    int64_t kernels[3];
    int sources[3]; // the part of the concat that each pooling reads
  } cases[] = {
      {"spp", ONEFOLD_NODE_MAX_POOL, {5, 9, 13}, {0, 0, 0}},
      {"sppf", ONEFOLD_NODE_MAX_POOL, {5, 5, 5}, {0, 1, 2}},
      {"spp3", ONEFOLD_NODE_AVG_POOL, {3, 5, 7}, {0, 1, 1}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_graph *graph = build(context, cases[i].block, "input=1x8x7x8 out_channels=6");
    const onefold_graph_node *concat = graph_only(graph, ONEFOLD_NODE_CONCAT);
    assert_int_equal(concat->input_count, 4);
    assert_int_equal(concat->shape.c, 16);
    for (int k = 0; k < 3; k++) {
      const onefold_graph_node *pool = &graph->nodes[concat->inputs[k + 1]];
      assert_int_equal(pool->kind, cases[i].kind);
      assert_int_equal(pool->as.pool.kernel_h, cases[i].kernels[k]);
      assert_int_equal(pool->as.pool.count_include_pad, 1);
      assert_int_equal(pool->inputs[0], concat->inputs[cases[i].sources[k]]);
    }
    assert_int_equal(result_shape(graph).h, 7);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

// ------------------------------------------------------- parameters, multiply-adds

typedef struct count_case {
  const char *block, *text;
  int64_t train, folded; // parameters
  double train_macs, folded_macs;
} count_case;

static void check_counts(onefold_context *context, const count_case *c) {
  onefold_graph *graph = build(context, c->block, c->text);
  onefold_graph *folded = graph_fold(context, graph, NULL);
  const onefold_graph_totals before = onefold_graph_count(graph);
  const onefold_graph_totals after = onefold_graph_count(folded);
  if (before.parameters != c->train || after.parameters != c->folded)
    test_failed("%lld parameters, folded %lld", (long long)before.parameters,
                (long long)after.parameters);
  if (c->train_macs > 0 && (before.macs != c->train_macs || after.macs != c->folded_macs))
    test_failed("%.0f multiply-adds, folded %.0f", before.macs, after.macs);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_BATCH_NORM), 0);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
}

/// Parameters by the blocks' formulas.
static void test_formulas(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  enum { I = 8, O = 12, C = 16, H = 5, N = 3 };
  const count_case cases[] = {
      {"conv_bn", "input=1x8x6x5 out_channels=12", 9 * O * I + 2 * O, 9 * O * I + O, 0, 0},
      {"conv", "input=1x8x6x5 out_channels=12 kernel=6", 36 * O * I + 2 * O, 36 * O * I + O, 0, 0},
      {"repconv", "input=1x8x6x5 out_channels=12", 10 * O * I + 4 * O, 9 * O * I + O, 0, 0},
      {"repconv", "input=1x16x6x5 out_channels=16 groups=4", 10 * C * 4 + 4 * C + 2 * C,
       9 * C * 4 + C, 0, 0},
      {"repconvn", "input=1x16x6x5 out_channels=16 groups=2", 10 * C * 8 + 4 * C, 9 * C * 8 + C, 0,
       0},
      {"acnet", "input=1x8x6x5 out_channels=12", (9 + 6) * O * I + 6 * O, 9 * O * I + O, 0, 0},
      {"acnet", "input=1x8x6x5 out_channels=12 kernel=5 padding=1 groups=2",
       (25 + 10) * O * 4 + 6 * O, 25 * O * 4 + O, 0, 0},
      {"repghost", "input=1x8x6x5 out_channels=12", O * I + 2 * O + 9 * O + 2 * O + 2 * O,
       O * I + O + 9 * O + O, 0, 0},
      {"repghost", "input=1x8x6x5 out_channels=12 reparam_bn=0 reparam_identity=1",
       O * I + 2 * O + 9 * O + 2 * O, O * I + O + 9 * O + O, 0, 0},
      {"repghost", "input=1x8x6x5 out_channels=12 reparam_bn=0 kernel=3",
       9 * O * I + 2 * O + 9 * O + 2 * O, 9 * O * I + O + 9 * O + O, 0, 0},
      {"repghost_bottleneck",
       "input=1x8x6x5 out_channels=12 mid_channels=16 kernel=5 stride=2 se_hidden=5",
       (C * I + 13 * C + 2 * C) + (25 * C + 2 * C) + (2 * C * H + C + H) +
           (O * C + 13 * O + 2 * O) + (25 * I + 2 * I + O * I + 2 * O),
       (C * I + 11 * C) + (25 * C + C) + (2 * C * H + C + H) + (O * C + 11 * O) +
           (25 * I + I + O * I + O),
       0, 0},
      {"repghost_bottleneck", "input=1x12x6x5 out_channels=12 mid_channels=16 kernel=5",
       (C * O + 15 * C) + (O * C + 15 * O), (C * O + 11 * C) + (O * C + 11 * O), 0, 0},
      {"mobileone", "input=1x16x6x5 out_channels=16 repeats=3 groups=16",
       3 * (C * 9 + 2 * C) + (C + 2 * C) + 2 * C, 9 * C + C, 0, 0},
      {"mobileone", "input=1x8x6x5 out_channels=12 repeats=3 kernel=1", 3 * (O * I + 2 * O),
       O * I + O, 0, 0},
      {"mobileone", "input=1x8x6x5 out_channels=12 repeats=2 stride=2 se_hidden=5",
       2 * (9 * O * I + 2 * O) + (O * I + 2 * O) + (2 * O * H + O + H),
       9 * O * I + O + (2 * O * H + O + H), 0, 0},
      {"qarepvgg", "input=1x16x6x5 out_channels=16 groups=2", 10 * C * 8 + 4 * C, 9 * C * 8 + C, 0,
       0},
      {"qarepvgg_v2", "input=1x16x6x5 out_channels=16", 10 * C * C + 4 * C, 9 * C * C + C, 0, 0},
      {"qarepvgg_v2", "input=1x16x6x5 out_channels=16", 10 * C * C + 4 * C, 9 * C * C + C, 0, 0},
      {"linear_add", "input=1x16x6x5 out_channels=16", 10 * C * C + 3 * C + 2 * C, 9 * C * C + C, 0,
       0},
      {"linear_add", "input=1x8x6x5 out_channels=12 stride=2", 10 * O * I + 2 * O + 2 * O,
       9 * O * I + O, 0, 0},
      {"bottleneck", "input=1x8x6x5 out_channels=12", I * 6 + 12 + 9 * 6 * O + 2 * O,
       I * 6 + 6 + 9 * 6 * O + O, 0, 0},
      {"bottleneck", "input=1x16x6x5 out_channels=16 expansion=1 groups=4",
       C * C + 2 * C + 9 * C * 4 + 2 * C, C * C + C + 9 * C * 4 + C, 0, 0},
      {"c3", "input=1x8x6x5 out_channels=32 repeats=3",
       2 * (I * C + 2 * C) + (2 * C * 32 + 2 * 32) + N * (C * C + 2 * C + 9 * C * C + 2 * C),
       2 * (I * C + C) + (2 * C * 32 + 32) + N * (C * C + C + 9 * C * C + C), 0, 0},
      {"c2f", "input=1x8x6x5 out_channels=32 repeats=3",
       (I * 2 * C + 4 * C) + ((2 + N) * C * 32 + 2 * 32) + N * 2 * (9 * C * C + 2 * C),
       (I * 2 * C + 2 * C) + ((2 + N) * C * 32 + 32) + N * 2 * (9 * C * C + C), 0, 0},
      {"spp3", "input=1x8x6x5 out_channels=12", I * 4 + 8 + 4 * 4 * O + 2 * O,
       I * 4 + 4 + 4 * 4 * O + O, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_counts(context, &cases[i]);
  onefold_context_destroy(context);
}

/// Rows of YOLOv7, of a YOLOv5 and of MobileOne-S0 as their models have them.
static void test_rows(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const count_case cases[] = {
      {"conv", "input=1x3x640x640 out_channels=32", 928, 896, 353894400, 353894400},
      {"conv", "input=1x3x640x640 out_channels=64 kernel=6 stride=2 padding=2", 7040, 6976,
       707788800, 707788800},
      {"repconv", "input=1x128x80x80 out_channels=256", 328704, 295168, 2097152000, 1887436800},
      {"repconv", "input=1x256x40x40 out_channels=512", 1312768, 1180160, 2097152000, 1887436800},
      // Layers 4 to 11, 56 to 63, 38 to 42, 76 to 80 and 51 of YOLOv7.
      {"elan", "input=1x128x160x160 out_channels=256", 230656, 230016, 5872025600, 5872025600},
      {"elan_h", "input=1x512x40x40 out_channels=256", 1264128, 1262848, 2018508800, 2018508800},
      {"mpc_b", "input=1x1024x40x40 out_channels=1024", 3410944, 3409408, 1992294400, 1992294400},
      {"mpc_n", "input=1x128x80x80 out_channels=512 route_channels=256", 180992, 180608, 367001600,
       367001600},
      {"sppcspc", "input=1x1024x20x20 out_channels=512", 7609344, 7605760, 3040870400, 3040870400},
      // Layers 9, 13 and 17 of a YOLOv5.
      {"spp", "input=1x1024x20x20 out_channels=1024", 2624512, 2622976, 1048576000, 1048576000},
      {"sppf", "input=1x1024x20x20 out_channels=1024", 2624512, 2622976, 1048576000, 1048576000},
      {"c3", "input=1x1024x40x40 out_channels=512 repeats=3 shortcut=0", 2757632, 2755072,
       4404019200, 4404019200},
      {"c3", "input=1x512x80x80 out_channels=256 repeats=3 shortcut=0", 690688, 689408, 4404019200,
       4404019200},
      // Stages of MobileOne-S0.
      {"mobileone", "input=1x3x224x224 out_channels=48 stride=2", 1632, 1344, 18063360, 16257024},
      {"mobileone", "input=1x48x112x112 out_channels=48 stride=2 groups=48 repeats=4", 2256, 480,
       5569536, 1354752},
      {"mobileone", "input=1x48x56x56 out_channels=48 kernel=1 repeats=4", 9696, 2352, 28901376,
       7225344},
      {"mobileone", "input=1x48x56x56 out_channels=48 groups=48 repeats=4", 2352, 480, 5569536,
       1354752},
      {"mobileone", "input=1x48x28x28 out_channels=128 kernel=1 repeats=4", 25600, 6272, 19267584,
       4816896},
      {"mobileone", "input=1x256x14x14 out_channels=256 groups=256 repeats=4", 12544, 2560, 1856512,
       451584},
      {"mobileone", "input=1x256x14x14 out_channels=256 kernel=1 repeats=4", 264704, 65792,
       51380224, 12845056},
      {"mobileone", "input=1x256x7x7 out_channels=1024 kernel=1 repeats=4", 1056768, 263168,
       51380224, 12845056},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_counts(context, &cases[i]);
  onefold_context_destroy(context);
}

/// Rows of RepGhostNet 1.0x: hidden channels of the squeeze-and-excitation by the family's rule,
/// and multiply-adds. The training form counts one for each element of a fusion batch norm.
static void test_repghost_rows(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const struct {
    int64_t size, kernel, in, mid, out, stride, hidden;
    double folded, train;
    int shortcut_convs;
  } rows[] = {
      {112, 3, 16, 8, 16, 1, 0, 5920768, 6221824, 0},
      {112, 3, 16, 24, 24, 2, 0, 12343296, 12719616, 2},
      {56, 3, 24, 36, 24, 1, 0, 7112448, 7300608, 0},
      {56, 5, 24, 36, 40, 2, 12, 7066272, 7210528, 2},
      {28, 5, 40, 60, 40, 1, 16, 4470720, 4549120, 0},
      {28, 3, 40, 120, 80, 2, 0, 7542080, 7651840, 2},
      {14, 3, 80, 100, 80, 1, 0, 3453520, 3488800, 0},
      {14, 3, 80, 240, 112, 1, 60, 11578688, 11647680, 2},
      {14, 3, 112, 336, 112, 1, 84, 15598464, 15686272, 0},
      {14, 5, 112, 336, 160, 2, 84, 12156704, 12230400, 2},
      {7, 5, 160, 480, 160, 1, 0, 7808640, 7840000, 0},
      {7, 5, 160, 480, 160, 1, 120, 7923840, 7955200, 0},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int64_t hidden = 0;
    if (rows[i].hidden)
      test_ok(context, onefold_se_hidden(context, "repghost", rows[i].mid, &hidden));
    assert_int_equal(hidden, rows[i].hidden);
    char text[256];
    snprintf(text, sizeof text,
             "input=1x%dx%dx%d kernel=%d mid_channels=%d out_channels=%d stride=%d se_hidden=%d",
             (int)rows[i].in, (int)rows[i].size, (int)rows[i].size, (int)rows[i].kernel,
             (int)rows[i].mid, (int)rows[i].out, (int)rows[i].stride, (int)hidden);
    onefold_graph *graph = build(context, "repghost_bottleneck", text);
    double macs = onefold_graph_count(graph).macs;
    assert_int_equal(graph_count_kind(graph, ONEFOLD_NODE_CONV2D),
                     4 + (rows[i].stride > 1) + rows[i].shortcut_convs);
    assert_int_equal(graph_count_kind(graph, ONEFOLD_NODE_ACTIVATION), 2);
    assert_true(macs == rows[i].folded);
    for (int32_t k = 0; k < graph->node_count; k++)
      if (strstr(graph->nodes[k].name, "fusion_bn.0")) {
        const onefold_shape s = graph->nodes[k].shape;
        macs += (double)(s.c * s.h * s.w);
      }
    assert_true(macs == rows[i].train);
    onefold_graph *folded = graph_fold(context, graph, NULL);
    const double folded_macs = onefold_graph_count(folded).macs;
    if (folded_macs != rows[i].folded) test_failed("%.0f multiply-adds, folded", folded_macs);
    onefold_graph_destroy(folded);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

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
      {"mpc_b", "input=1x6x8x10 out_channels=8", ONEFOLD_NODE_MAX_POOL, 1, {1, 8, 4, 5}},
      {"mpc_n",
       "input=2x6x8x10 out_channels=13 route_channels=5",
       ONEFOLD_NODE_INPUT,
       2,
       {2, 13, 4, 5}},
      {"sppcspc", "input=1x6x9x7 out_channels=8", ONEFOLD_NODE_MAX_POOL, 3, {1, 8, 9, 7}},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_graph *graph = build(context, cases[i].block, cases[i].text);
    assert_int_equal(graph_count_kind(graph, cases[i].kind), cases[i].count);
    const onefold_shape got = result_shape(graph);
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
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[128];
    snprintf(text, sizeof text, "input=1x8x6x6 %s", cases[i].text);
    onefold_graph *graph = build(context, cases[i].block, text);
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
    onefold_graph *graph = build(context, cases[i].block, cases[i].text);
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
  const struct CMUnitTest once[] = {
      cmocka_unit_test(test_names),         cmocka_unit_test(test_pools),
      cmocka_unit_test(test_formulas),      cmocka_unit_test(test_rows),
      cmocka_unit_test(test_repghost_rows), cmocka_unit_test(test_nodes),
      cmocka_unit_test(test_branches),      cmocka_unit_test(test_concat_widths),
      cmocka_unit_test(test_refused),
  };
  const struct CMUnitTest every_level[] = {cmocka_unit_test(test_concat_order)};
  const int failed = cmocka_run_group_tests(once, NULL, NULL);
  return failed + test_every_level("blocks", every_level, 1);
}
