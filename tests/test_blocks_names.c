// SPDX-License-Identifier: BSD-3-Clause
// The names of the weights that each block reads, and which branch ends up where in its concat.
#include "tests/block_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static onefold_status read_named(const onefold_weights *weights, const char *name,
                                 const int64_t *dims, int32_t rank, size_t count, float *values) {
  named *n = weights->state;
  const size_t used = strlen(n->read), stem = strlen(name) - strlen(".weight");
  const int is_last = n->last && strncmp(name, n->last, strlen(n->last)) == 0;
  const int weight = block_name_ends(name, ".weight"),
            variance = block_name_ends(name, ".running_var");
  if (weight)
    snprintf(n->read + used, sizeof n->read - used, "%s%.*s", used ? " " : "", (int)stem, name);
  if (variance) snprintf(n->read + used, sizeof n->read - used, "*");
  for (size_t i = 0; i < count; i++) {
    values[i] = (weight && rank == 1) || variance ? 1 : 0;
    if (weight && rank == 4 && is_last) values[i] = (int64_t)i / dims[1] == (int64_t)i % dims[1];
    if (block_name_ends(name, ".bias") && !is_last)
      values[i] = (float)(100 * path_id(name) + (int)i);
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
      {"repvggplus", "input=1x4x6x6 out_channels=4 se_hidden=2",
       "rbr_dense.conv rbr_dense.bn* rbr_1x1.conv rbr_1x1.bn* rbr_identity* post_se.down "
       "post_se.up"},
      {"repvggplus", "input=1x4x6x6 out_channels=4 stride=2",
       "rbr_dense.conv rbr_dense.bn* rbr_1x1.conv rbr_1x1.bn*"},
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
      {"bottleneck_v8", "input=1x4x6x6 out_channels=4", "cv1.conv cv1.bn* cv2.conv cv2.bn*"},
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
    onefold_graph_destroy(block_build_from(context, cases[i].block, cases[i].text, &weights));
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
  onefold_context *context = test_context(test_level(state), 1);
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
    onefold_graph *graph = block_build_from(context, cases[i].block, text, &weights);
    const onefold_shape out = block_result_shape(graph);
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
    onefold_graph *graph = block_build(context, cases[i].block, "input=1x8x7x8 out_channels=6");
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
    assert_int_equal(block_result_shape(graph).h, 7);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest once[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_pools)};
  const struct CMUnitTest every_level[] = {cmocka_unit_test(test_concat_order)};
  const int failed = cmocka_run_group_tests(once, NULL, NULL);
  return failed + test_every_level("blocks", every_level, 1);
}
