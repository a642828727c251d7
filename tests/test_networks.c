// SPDX-License-Identifier: BSD-3-Clause
// What networks are made of: weight names, and at their published sizes parameters,
// multiply-adds, shapes and concats, row by row and in all, in the training and in the folded
// form; sizes that they take and what they refuse. Nothing is run.
#include "models/weights.h"
#include "tests/graph_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --------------------------------------------------------------- a cheap source

/// Matrices of zeros, whose products folding skips, and vectors of ones.
static onefold_status read_zeros(const onefold_weights *weights, const char *name,
                                 const int64_t *dims, int32_t rank, size_t count, float *values) {
  (void)weights, (void)name, (void)dims;
  for (size_t i = 0; i < count; i++) values[i] = rank < 2 ? 1 : 0;
  return ONEFOLD_OK;
}

static const onefold_weights_type zeros = {.read = read_zeros};

static onefold_graph *build(onefold_context *context, const char *name) {
  const onefold_weights weights = {.type = &zeros, .context = context};
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

static void expect(const char *what, double got, double want) {
  if (want >= 0 && got != want) test_failed("%s: %.0f, published is %.0f", what, got, want);
}

static void check_shapes(const onefold_graph *graph, const row *r, const tally *sum) {
  const onefold_graph_node *first = &graph->nodes[sum->first];
  char inputs[64] = "";
  for (int32_t k = 0; k < first->input_count; k++) {
    const onefold_shape in = onefold_graph_shape(graph, first->inputs[k]);
    const size_t used = strlen(inputs);
    snprintf(inputs + used, sizeof inputs - used, k ? "+%d" : "%d", (int)in.c);
    expect("height before", (double)in.h, (double)r->h_in);
    assert_int_equal(in.h, in.w);
  }
  assert_string_equal(inputs, r->inputs);
  const onefold_shape out = onefold_graph_shape(graph, sum->last);
  expect("channels", (double)out.c, (double)r->out);
  expect("height", (double)out.h, (double)r->h_out);
  assert_int_equal(out.h, out.w);
}

static void check_row(const onefold_graph *graph, const onefold_graph *folded, const row *r) {
  test_case("%s %s", r->network, r->name);
  const tally before = add_up(graph, r->name), after = add_up(folded, r->name);
  assert_true(before.first != ONEFOLD_NO_NODE);
  check_shapes(graph, r, &before);
  expect("parameters", (double)before.parameters,
         r->train < 0 ? -1 : (double)(r->train - r->beside));
  expect("multiply-adds", before.macs, r->multi);
  expect("folded parameters", (double)after.parameters, (double)r->folded);
  expect("folded multiply-adds", after.macs, r->macs);
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

static void test_counts(void **state) {
  (void)state;
  size_t seen = 0;
  for (size_t i = 0; i < TOTALS; i++) {
    onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
    onefold_graph *graph = build(context, totals[i].name);
    onefold_graph *folded = graph_fold(context, graph, NULL);
    const tally before = add_up(graph, ""), after = add_up(folded, "");
    expect("parameters", (double)before.parameters, (double)(totals[i].train - totals[i].beside));
    expect("folded parameters", (double)after.parameters,
           (double)(totals[i].folded - totals[i].beside_folded));
    if (totals[i].multi >= 0)
      expect("multiply-adds", before.macs, totals[i].multi - totals[i].beside_macs);
    expect("folded multiply-adds", after.macs, totals[i].macs - totals[i].beside_macs);
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
  const onefold_weights weights = {.type = &zeros, .context = context};
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
      expect("parameters", (double)counted, (double)(kernel == 1 ? layers[i].code : layers[i].log));
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
  expect("visible multiply-adds", macs, 36880793600);
  expect("elements of batch norms", elements, 130048000);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

// ----------------------------------------------------------------------- names

/// Every name that was read, each between spaces; fails on `missing`.
typedef struct record {
  const char *missing;
  size_t used;
  char names[1 << 17];
} record;

static onefold_status read_recorded(const onefold_weights *weights, const char *name,
                                    const int64_t *dims, int32_t rank, size_t count,
                                    float *values) {
  record *r = weights->state;
  if (r->missing && strcmp(r->missing, name) == 0)
    return onefold_fail(weights->context, ONEFOLD_NOT_FOUND, "no tensor '%s'", name);
  const int length = snprintf(r->names + r->used, sizeof r->names - r->used, "%s ", name);
  r->used += (size_t)length;
  assert_true(r->used < sizeof r->names);
  return read_zeros(weights, name, dims, rank, count, values);
}

static const onefold_weights_type recorded = {.read = read_recorded};

static void check_name(const record *r, const char *name) {
  char text[128];
  snprintf(text, sizeof text, " %s ", name);
  const char *found = strstr(r->names, text);
  if (!found) test_failed("'%s' was not read", name);
  if (strstr(found + 1, text)) test_failed("'%s' was read twice", name);
}

/// The first and the last tensors of the kinds that the original code has, and how many tensors
/// there are in all.
static void test_names(void **state) {
  static const struct {
    const char *network;
    int count;
    const char *names[12];
  } cases[] = {
      {"repvgg-a0",
       290,
       {"stage0.rbr_dense.conv.weight", "stage0.rbr_1x1.bn.running_var",
        "stage1.1.rbr_identity.weight", "stage3.13.rbr_1x1.conv.weight",
        "stage4.0.rbr_dense.bn.bias", "linear.weight", "linear.bias"}},
      {"repvgg-b1g4",
       374,
       {"stage1.3.rbr_identity.weight", "stage2.5.rbr_identity.weight",
        "stage3.15.rbr_identity.bias", "stage4.0.rbr_1x1.conv.weight"}},
      {"repghostnet-0.5x",
       560,
       {"conv_stem.weight", "bn1.running_mean", "blocks.0.0.ghost1.primary_conv.0.weight",
        "blocks.3.0.conv_dw.weight", "blocks.3.0.bn_dw.weight", "blocks.3.0.se.conv_reduce.bias",
        "blocks.6.4.ghost2.fusion_bn.0.weight", "blocks.8.3.ghost2.cheap_operation.1.weight",
        "blocks.7.0.shortcut.3.running_var", "blocks.9.0.conv.weight", "blocks.9.0.bn1.weight",
        "conv_head.bias"}},
      {"repghostnet-1.0x", 560, {"classifier.weight", "classifier.bias"}},
      {"mobileone-s0",
       1097,
       {"stage0.rbr_conv.0.conv.weight", "stage0.rbr_scale.bn.weight",
        "stage1.0.rbr_conv.3.conv.weight", "stage1.3.rbr_skip.weight", "stage2.15.rbr_skip.weight",
        "stage3.19.rbr_conv.0.bn.bias", "stage4.1.rbr_conv.3.conv.weight", "linear.weight"}},
      {"yolov7",
       460,
       {"model.0.conv.weight", "model.11.bn.running_mean", "model.51.cv1.conv.weight",
        "model.51.cv7.bn.bias", "model.102.rbr_dense.0.weight", "model.104.rbr_1x1.1.weight"}},
      {"yolov7-tiny", 275, {"model.0.conv.weight", "model.76.bn.running_var"}},
      {"yolov5-c3-repvggorepa",
       1177,
       {"model.0.conv.weight", "model.2.cv1.conv.weight",
        "model.2.m.0.cv1.rbr_dense.weight_rbr_origin", "model.6.m.8.cv2.rbr_identity.weight",
        "model.8.m.2.cv2.rbr_dense.vector", "model.9.cv2.conv.weight",
        "model.13.m.2.cv2.conv.weight", "model.23.cv3.bn.bias"}},
  };
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  record *r = malloc(sizeof *r);
  assert_non_null(r);
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const onefold_weights weights = {.type = &recorded, .context = context, .state = r};
    onefold_graph *graph = NULL;
    *r = (record){.used = 1, .names = " "};
    test_case("%s", cases[i].network);
    test_ok(context, onefold_network_build(context, cases[i].network, (onefold_shape){1, 3, 32, 32},
                                           &weights, &graph));
    for (int k = 0; k < 12 && cases[i].names[k]; k++) check_name(r, cases[i].names[k]);
    int count = 0;
    for (const char *c = r->names + 1; *c; c++) count += *c == ' ';
    expect("tensors", count, cases[i].count);
    onefold_graph_destroy(graph);
  }
  free(r);
  onefold_context_destroy(context);
}

// ------------------------------------------------------------- sizes and errors

static void expect_shape(onefold_shape got, int64_t n, int64_t c, int64_t h, int64_t w) {
  expect("n", (double)got.n, (double)n);
  expect("c", (double)got.c, (double)c);
  expect("h", (double)got.h, (double)h);
  expect("w", (double)got.w, (double)w);
}

static void test_sizes(void **state) {
  static const struct {
    const char *network;
    onefold_shape in;
    size_t outputs;
    onefold_shape out[3];
  } cases[] = {
      {"repvgg-a0", {2, 0, 65, 33}, 1, {{2, 1000, 1, 1}}},
      {"repvgg-a0", {0, 3, 1, 1}, 1, {{1, 1000, 1, 1}}},
      {"mobileone-s0", {3, 3, 31, 0}, 1, {{3, 1000, 1, 1}}},
      {"repghostnet-0.5x", {1, 3, 50, 70}, 1, {{1, 1000, 1, 1}}},
      {"yolov7-tiny", {3, 3, 96, 64}, 3, {{3, 128, 12, 8}, {3, 256, 6, 4}, {3, 512, 3, 2}}},
      {"yolov7-tiny", {0, 0, 32, 0}, 3, {{1, 128, 4, 80}, {1, 256, 2, 40}, {1, 512, 1, 20}}},
      {"yolov7", {0}, 3, {{1, 256, 80, 80}, {1, 512, 40, 40}, {1, 1024, 20, 20}}},
      {"yolov5-c3-repvggorepa",
       {0, 0, 64, 32},
       3,
       {{1, 256, 8, 4}, {1, 512, 4, 2}, {1, 1024, 2, 1}}},
  };
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const onefold_weights weights = {.type = &zeros, .context = context};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_graph *graph = NULL;
    test_case("%s, case %zu", cases[i].network, i);
    test_ok(context,
            onefold_network_build(context, cases[i].network, cases[i].in, &weights, &graph));
    for (size_t k = 0; k < cases[i].outputs; k++) {
      const onefold_shape want = cases[i].out[k];
      expect_shape(onefold_graph_shape(graph, onefold_graph_output_at(graph, k)), want.n, want.c,
                   want.h, want.w);
    }
    assert_int_equal(onefold_graph_output_at(graph, cases[i].outputs), ONEFOLD_NO_NODE);
    assert_int_equal(onefold_graph_input_at(graph, 1), ONEFOLD_NO_NODE);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

static void test_refusals(void **state) {
  static const struct {
    const char *network;
    onefold_shape in;
    onefold_status status;
    const char *says;
  } cases[] = {
      {"repvgg-c0", {0}, ONEFOLD_NOT_FOUND, "no network 'repvgg-c0'; there are: repvgg-a0, "},
      {NULL, {0}, ONEFOLD_NOT_FOUND, "yolov5-c3-repvggorepa"},
      {"repvgg-a0", {-1, 3, 8, 8}, ONEFOLD_INVALID_ARGUMENT, "input.n is -1"},
      {"repvgg-a0", {1, 4, 8, 8}, ONEFOLD_INVALID_ARGUMENT, "input.c is 4, the network has 3"},
      {"yolov7",
       {1, 3, 640, 100},
       ONEFOLD_INVALID_ARGUMENT,
       "input.w is 100, not a multiple of 32"},
      {"yolov7-tiny", {1, 3, -32, 32}, ONEFOLD_INVALID_ARGUMENT, "input.h is -32"},
      {"repvgg-a0", {INT64_MAX, 3, INT64_MAX, 8}, ONEFOLD_OVERFLOW, ""},
  };
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const onefold_weights weights = {.type = &zeros, .context = context};
  onefold_graph *graph = NULL;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_case("case %zu", i);
    graph = (onefold_graph *)&weights;
    test_fails(context,
               onefold_network_build(context, cases[i].network, cases[i].in, &weights, &graph),
               cases[i].status);
    test_says(context, cases[i].says);
    assert_null(graph);
  }
  const onefold_shape own = {0};
  test_fails(context, onefold_network_build(context, "repvgg-a0", own, NULL, &graph),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "weights is NULL");
  test_fails(context, onefold_network_build(context, "repvgg-a0", own, &weights, NULL),
             ONEFOLD_INVALID_ARGUMENT);
  onefold_context_destroy(context);
}

/// A tensor that is missing is named, whether a block or a node reads it.
static void test_missing_weight(void **state) {
  static const char *const names[] = {"stage2.3.rbr_1x1.bn.running_mean", "linear.bias"};
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  record *r = calloc(1, sizeof *r);
  assert_non_null(r);
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const onefold_weights weights = {.type = &recorded, .context = context, .state = r};
    onefold_graph *graph;
    r->missing = names[i];
    r->used = 0;
    test_fails(context,
               onefold_network_build(context, "repvgg-a0", (onefold_shape){0}, &weights, &graph),
               ONEFOLD_NOT_FOUND);
    test_says(context, names[i]);
    assert_null(graph);
  }
  free(r);
  onefold_context_destroy(context);
}

/// Each network has a name of its own and a line that says what it is.
static void test_list(void **state) {
  (void)state;
  for (size_t i = 0; onefold_network_name(i); i++) {
    assert_true(strlen(onefold_network_summary(onefold_network_name(i))) > 20);
    for (size_t k = 0; k < i; k++)
      assert_string_not_equal(onefold_network_name(i), onefold_network_name(k));
  }
  assert_null(onefold_network_summary("repvgg"));
  assert_null(onefold_network_summary(NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_counts),         cmocka_unit_test(test_bottleneck_kernels),
      cmocka_unit_test(test_printed_flops),  cmocka_unit_test(test_names),
      cmocka_unit_test(test_sizes),          cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_missing_weight), cmocka_unit_test(test_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
