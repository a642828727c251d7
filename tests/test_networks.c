// SPDX-License-Identifier: BSD-3-Clause
// What networks are made of at their published sizes: parameters, multiply-adds, shapes and
// concats, row by row and in all, in the training and in the folded form. Nothing is run.
#include "tests/network_support.h"

#include <stdio.h>
#include <string.h>

static onefold_graph *build(onefold_context *context, const char *name) {
  const onefold_weights weights = {.type = &network_zeros, .context = context};
  onefold_graph *graph = NULL;
  test_case("%s", name);
  test_ok(context, onefold_network_build(context, name, (onefold_shape){0}, &weights, &graph));
  return graph;
}

// ------------------------------------------------------------------------ rows

typedef struct row {
  const char *network, *name, *inputs;
  int64_t out, h_in, h_out, train, beside, folded;
  double multi, macs;
} row;

static const row rows[] = {
#define ROW(network, name, inputs, out, h_in, h_out, train, beside, folded, multi, macs)           \
  {network, name, inputs, out, h_in, h_out, train, beside, folded, multi, macs},
#include "tests/network_rows.def"
};

/// Nodes whose names begin with `name`. The batch norm beside RepGhost's depthwise convolution
/// counts a multiply-add for each element, as in the published table.
typedef struct tally {
  int64_t parameters;
  double macs;
  onefold_node first, last;
} tally;

static tally add_up(const onefold_graph *graph, const char *name) {
  tally sum = {0, 0, ONEFOLD_NO_NODE, ONEFOLD_NO_NODE};
  for (onefold_node i = 0; i < graph->node_count; i++) {
    const onefold_graph_node *node = &graph->nodes[i];
    if (strncmp(node->name, name, strlen(name)) != 0) continue;
    const onefold_node_type *type = onefold_node_type_of(node->kind);
    sum.parameters += type->parameters(graph, node);
    sum.macs += type->macs(graph, node);
    if (node->kind == ONEFOLD_NODE_BATCH_NORM && strstr(node->name, "fusion_bn"))
      sum.macs += (double)(node->shape.c * node->shape.h * node->shape.w);
    if (sum.first == ONEFOLD_NO_NODE) sum.first = i;
    sum.last = i;
  }
  return sum;
}

static void check_shapes(const onefold_graph *graph, const row *r, const tally *sum) {
  const onefold_graph_node *first = &graph->nodes[sum->first];
  char inputs[64] = "";
  for (int32_t k = 0; k < first->input_count; k++) {
    const onefold_shape in = onefold_graph_shape(graph, first->inputs[k]);
    const size_t used = strlen(inputs);
    snprintf(inputs + used, sizeof inputs - used, k ? "+%d" : "%d", (int)in.c);
    network_expect("height before", (double)in.h, (double)r->h_in);
    assert_int_equal(in.h, in.w);
  }
  assert_string_equal(inputs, r->inputs);
  const onefold_shape out = onefold_graph_shape(graph, sum->last);
  network_expect("channels", (double)out.c, (double)r->out);
  network_expect("height", (double)out.h, (double)r->h_out);
  assert_int_equal(out.h, out.w);
}

static void check_row(const onefold_graph *graph, const onefold_graph *folded, const row *r) {
  test_case("%s %s", r->network, r->name);
  const tally before = add_up(graph, r->name), after = add_up(folded, r->name);
  assert_true(before.first != ONEFOLD_NO_NODE);
  check_shapes(graph, r, &before);
  network_expect("parameters", (double)before.parameters,
                 r->train < 0 ? -1 : (double)(r->train - r->beside));
  network_expect("multiply-adds", before.macs, r->multi);
  network_expect("folded parameters", (double)after.parameters, (double)r->folded);
  network_expect("folded multiply-adds", after.macs, r->macs);
}

// ---------------------------------------------------------------------- totals

/// Published totals, and what of them is not in the graph: the Detect layer, which in the
/// training form of YOLOv7 and YOLOv7-tiny has implicit vectors, and the row of `vector` that
/// OREPA holds and does not use (OREPA_UNUSED).
enum { OREPA_UNUSED = 6 * 64 + 12 * 128 + 18 * 256 + 6 * 512 };
static const struct {
  const char *name;
  int64_t train, beside, folded, beside_folded;
  double multi, macs, beside_macs;
} totals[] = {
    {"repvgg-a0", 9108968, 0, 8309384, 0, 1512581120, 1361451008, 0},
    {"repvgg-a1", 14092264, 0, 12789864, 0, 2626488320, 2363967488, 0},
    {"repvgg-a2", 28210600, 0, 25499944, 0, 5685345280, 5116951552, 0},
    {"repvgg-b0", 15817960, 0, 14339048, 0, 3397191680, 3057600512, 0},
    {"repvgg-b1", 57415016, 0, 51829480, 0, 13128089600, 11815485440, 0},
    {"repvgg-b1g2", 45782376, 0, 41360104, 0, 9788375040, 8809742336, 0},
    {"repvgg-b1g4", 39966056, 0, 36125416, 0, 8118517760, 7306870784, 0},
    {"repghostnet-0.5x", 2313968, 0, 2302956, 0, 44163008, 43314720, 0},
    {"repghostnet-1.0x", 4073604, 0, 4051648, 0, 144061696, 142394128, 0},
    {"mobileone-s0", 5293272, 0, 2078504, 0, 1051935232, 275110400, 0},
    {"yolov7", 37622682, 460282, 36905341, 457725, 52884684800, 52255539200, 731136000},
    {"yolov7-tiny", 6228762, 230906, 6219709, 229245, 6850355200, 6850355200, 365568000},
    {"yolov5-c3-repvggorepa", 121693309, 457725 + OREPA_UNUSED, 58428477, 457725, -1, 72112947200,
     731136000},
};
#define TOTALS (sizeof totals / sizeof *totals)

/// Nothing goes before an upsampling, which published counts do not know.
static void test_counts(void **state) {
  (void)state;
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.before_upsample = 0;
  size_t seen = 0;
  for (size_t i = 0; i < TOTALS; i++) {
    onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
    onefold_graph *graph = build(context, totals[i].name);
    onefold_graph *folded = graph_fold_with(context, graph, options, NULL);
    const tally before = add_up(graph, ""), after = add_up(folded, "");
    network_expect("parameters", (double)before.parameters,
                   (double)(totals[i].train - totals[i].beside));
    network_expect("folded parameters", (double)after.parameters,
                   (double)(totals[i].folded - totals[i].beside_folded));
    if (totals[i].multi >= 0)
      network_expect("multiply-adds", before.macs, totals[i].multi - totals[i].beside_macs);
    network_expect("folded multiply-adds", after.macs, totals[i].macs - totals[i].beside_macs);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
      if (strcmp(rows[k].network, totals[i].name) != 0) continue;
      check_row(graph, folded, &rows[k]);
      seen++;
    }
    onefold_graph_destroy(folded);
    onefold_graph_destroy(graph);
    onefold_context_destroy(context);
  }
  assert_int_equal(seen, sizeof rows / sizeof *rows);
  assert_null(onefold_network_name(TOTALS));
}

// ------------------------------------------------------- YOLOv5 with OREPA: the log

/// The printed code has a 1x1 convolution first in each bottleneck, the printed log a second
/// block of OREPA. Both counts are published.
static void test_bottleneck_kernels(void **state) {
  static const struct {
    int channels, repeats;
    int64_t log, code;
  } layers[] = {{128, 3, 802816, 430720},
                {256, 6, 6159360, 3245568},
                {512, 9, 36302848, 19009024},
                {1024, 3, 49545216, 26612736}};
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const onefold_weights weights = {.type = &network_zeros, .context = context};
  int64_t total = 121693309;
  (void)state;
  for (size_t i = 0; i < sizeof layers / sizeof *layers; i++)
    for (int kernel = 1; kernel <= 3; kernel += 2) {
      const int channels = layers[i].channels, repeats = layers[i].repeats;
      onefold_block_params params;
      onefold_graph *graph = NULL;
      test_ok(context, onefold_block_params_init(context, "c3_orepa", &params));
      params.input = (onefold_shape){1, channels, 4, 4};
      params.out_channels = channels;
      params.repeats = repeats;
      params.kernel = kernel;
      test_case("c3_orepa, %d channels, kernel %d", channels, kernel);
      test_ok(context, onefold_block_build(context, "c3_orepa", &params, &weights, &graph));
      const int64_t unused = (int64_t)(kernel == 1 ? 1 : 2) * repeats * (channels / 2);
      const int64_t counted = onefold_graph_count(graph).parameters + unused;
      network_expect("parameters", (double)counted,
                     (double)(kernel == 1 ? layers[i].code : layers[i].log));
      total += kernel == 1 ? counted : -counted;
      onefold_graph_destroy(graph);
    }
  assert_int_equal(total, 78181117);
  onefold_context_destroy(context);
}

/// The log prints 74.8 GFLOPs, for its profiler sees modules only: 2 for each multiply-add of
/// convolutions outside of OREPA and 8 for each element of a batch normalisation.
static void test_printed_flops(void **state) {
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_graph *graph = build(context, "yolov5-c3-repvggorepa");
  double macs = 731136000, elements = 0; // from the Detect layer's convolutions
  (void)state;
  for (onefold_node i = 0; i < graph->node_count; i++) {
    const onefold_graph_node *node = &graph->nodes[i];
    const int inside = strstr(node->name, "rbr_dense.") && !strstr(node->name, "rbr_dense.bn");
    if (inside) continue;
    macs += onefold_node_type_of(node->kind)->macs(graph, node);
    if (node->kind == ONEFOLD_NODE_BATCH_NORM)
      elements += (double)(node->shape.c * node->shape.h * node->shape.w);
  }
  network_expect("visible multiply-adds", macs, 36880793600);
  network_expect("elements of batch norms", elements, 130048000);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_counts),
      cmocka_unit_test(test_bottleneck_kernels),
      cmocka_unit_test(test_printed_flops),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
