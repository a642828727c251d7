// SPDX-License-Identifier: BSD-3-Clause
// Parameters and multiply-adds of each block in the training and the folded form.
#include "tests/block_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct count_case {
  const char *block, *text;
  int64_t train, folded; // parameters
  double train_macs, folded_macs;
} count_case;

static void check_counts(onefold_context *context, const count_case *c) {
  onefold_graph *graph = block_build(context, c->block, c->text);
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
      {"repvggplus", "input=1x16x6x5 out_channels=16 groups=2 se_hidden=5",
       10 * C * 8 + 4 * C + 2 * C + (2 * C * H + C + H), 9 * C * 8 + C + (2 * C * H + C + H), 0, 0},
      {"repvggplus", "input=1x8x6x5 out_channels=12 se_hidden=5",
       10 * O * I + 4 * O + (2 * O * H + O + H), 9 * O * I + O + (2 * O * H + O + H), 0, 0},
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
      {"bottleneck_v8", "input=1x8x6x5 out_channels=12 groups=3",
       9 * I * 6 + 12 + 9 * 2 * O + 2 * O, 9 * I * 6 + 6 + 9 * 2 * O + O, 0, 0},
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
    onefold_graph *graph = block_build(context, "repghost_bottleneck", text);
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

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_formulas),
      cmocka_unit_test(test_rows),
      cmocka_unit_test(test_repghost_rows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
