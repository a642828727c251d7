// SPDX-License-Identifier: BSD-3-Clause
// Blocks against published numbers: the one kernel and bias that each folds into, in double, and
// the results of the training form, of tensors that a generator fills in a published order.
#include "fold/pass.h"
#include "tests/affine_support.h"
#include "tests/block_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ------------------------------------------------------------------ tensors in order

/// Tensors by name, filled by a 32-bit LCG; a variance is 0.5 + |z|. A first build notes which
/// there are and how many values each has.
typedef struct fixture {
  uint32_t lcg;
  struct {
    char name[96];
    size_t count;
    float *values;
  } tensors[40];
  size_t count;
} fixture;

static float next_value(uint32_t *s) {
  *s = *s * 1664525u + 1013904223u;
  return (float)(*s >> 8) / 0x1p23f - 1;
}

static onefold_status read_fixture(const onefold_weights *weights, const char *name,
                                   const int64_t *dims, int32_t rank, size_t count, float *values) {
  fixture *f = weights->state;
  (void)dims, (void)rank;
  size_t i = 0;
  while (i < f->count && strcmp(f->tensors[i].name, name) != 0) i++;
  if (i == f->count) {
    assert_true(f->count < sizeof f->tensors / sizeof *f->tensors);
    snprintf(f->tensors[i].name, sizeof f->tensors[i].name, "%s", name);
    f->tensors[i].count = count;
    f->count++;
  }
  for (size_t k = 0; k < count; k++) values[k] = f->tensors[i].values ? f->tensors[i].values[k] : 1;
  return ONEFOLD_OK;
}

static const onefold_weights_type fixture_type = {.read = read_fixture,
                                                  .close = block_keep_weights};

/// Fills the first `most` values of a tensor; those that the first build did not ask for are not
/// there.
static void fill_tensor(fixture *f, const char *name, size_t most) {
  for (size_t i = 0; i < f->count; i++) {
    if (strcmp(f->tensors[i].name, name) != 0) continue;
    float *values = f->tensors[i].values = calloc(f->tensors[i].count, sizeof *values);
    assert_non_null(values);
    for (size_t k = 0; k < f->tensors[i].count && k < most; k++) {
      const float z = next_value(&f->lcg);
      values[k] = block_name_ends(name, "running_var") ? 0.5f + fabsf(z) : z;
    }
  }
}

/// A RepGhost module's first convolution as the identity, to the last bit of a double: what is
/// published is what follows it.
static void fill_identity(fixture *f) {
  for (size_t i = 0; i < f->count; i++) {
    const char *name = f->tensors[i].name;
    const size_t count = f->tensors[i].count, channels = (size_t)lround(sqrt((double)count));
    if (strncmp(name, "primary_conv.", 13) != 0) continue;
    float *values = f->tensors[i].values = calloc(count, sizeof *values);
    assert_non_null(values);
    for (size_t k = 0; k < count; k++) {
      if (block_name_ends(name, "0.weight")) values[k] = k / channels == k % channels;
      if (block_name_ends(name, "1.weight")) values[k] = 0x1p20f;
      if (block_name_ends(name, "running_var")) values[k] = 0x1p40f;
    }
  }
}

/// Fills the tensors of `order`, where "bn" stands for its four. Of `vector` there are rows that
/// are not used, which have no numbers.
static void fill_fixture(fixture *f, const char *order, size_t vector_values) {
  static const char *const parts[] = {".weight", ".bias", ".running_mean", ".running_var"};
  char names[512], *rest = names;
  snprintf(names, sizeof names, "%s", order);
  for (const char *name; (name = strsep(&rest, " ")) != NULL;) {
    fill_tensor(f, name, block_name_ends(name, "vector") ? vector_values : SIZE_MAX);
    for (int k = 0; k < 4; k++) {
      char full[96];
      snprintf(full, sizeof full, "%s%s", name, parts[k]);
      fill_tensor(f, full, SIZE_MAX);
    }
  }
  fill_identity(f);
  for (size_t i = 0; i < f->count; i++)
    if (!f->tensors[i].values) test_failed("'%s' is not filled", f->tensors[i].name);
}

// ------------------------------------------------------------------ exact constants

static double exact_filter(const onefold_graph_node *node, int64_t o, int64_t h, int64_t w) {
  const int64_t kernel = node->as.conv2d.params.kernel_h;
  if (block_name_ends(node->name, "avg_avg")) return 1 / (double)(kernel * kernel);
  assert_true(block_name_ends(node->name, "prior"));
  const double half = (double)node->shape.c / 2, at = (double)o < half ? (double)h : (double)w;
  const double frequency = (double)(o + 1) - ((double)o < half ? 0 : half);
  return cos(acos(-1) * (at + 0.5) * frequency / (double)kernel);
}

/// What a fixed filter lacks of its exact values, on a convolution of its own before it.
static onefold_node filter_rest(onefold_graph *to, const onefold_graph *from,
                                const onefold_graph_node *node, const onefold_node *map) {
  const onefold_graph_conv2d_params *p = &node->as.conv2d.params;
  const onefold_node lead = node->inputs[0];
  const onefold_node input =
      onefold_graph_copy_node(to, from, lead, &map[from->nodes[lead].inputs[0]]);
  const int64_t taps = p->kernel_h * p->kernel_w;
  float rest[16 * 25];
  assert_true(node->shape.c * taps <= 16 * 25);
  for (int64_t k = 0; k < node->shape.c * taps; k++)
    rest[k] = (float)(exact_filter(node, k / taps, k % taps / p->kernel_w, k % p->kernel_w) -
                      (double)node->as.conv2d.weight[k]);
  return onefold_graph_filter(to, input, p, rest, NULL);
}

/// What padding by a constant lacks of what the batch norm before it gives for zero.
static onefold_node pad_rest(onefold_graph *to, const onefold_graph *from,
                             const onefold_graph_node *node, const onefold_node *map) {
  const onefold_batch_norm_params *bn = &from->nodes[node->inputs[0]].as.batch_norm;
  const onefold_graph_conv2d_params point = onefold_graph_conv2d_square(node->shape.c, 1, 1, 1);
  const float zeros[16 * 16] = {0};
  float rest[16];
  assert_true(node->shape.c <= 16);
  for (int64_t c = 0; c < node->shape.c; c++) {
    const double t = (double)bn->gamma[c] / sqrt((double)bn->variance[c] + bn->epsilon);
    rest[c] =
        (float)((double)bn->beta[c] - (double)bn->mean[c] * t - (double)node->as.pad.value[c]);
  }
  onefold_pad_params params = node->as.pad;
  params.value = rest;
  return onefold_graph_pad(to, onefold_graph_conv2d(to, map[0], &point, zeros, NULL), &params);
}

/// The same graph with the block's constants to twice the bits of a float32: beside each stands
/// what it lacks.
static onefold_graph *with_exact_constants(onefold_context *context, const onefold_graph *graph) {
  onefold_graph *to;
  onefold_node map[64], inputs[8];
  test_ok(context, onefold_graph_create(context, &to));
  assert_true(graph->node_count <= 64);
  for (onefold_node i = 0; i < graph->node_count; i++) {
    const onefold_graph_node *node = &graph->nodes[i];
    assert_true(node->input_count <= 8);
    for (int32_t k = 0; k < node->input_count; k++) inputs[k] = map[node->inputs[k]];
    onefold_node pair[2] = {onefold_graph_copy_node(to, graph, i, inputs), ONEFOLD_NO_NODE};
    if (node->kind == ONEFOLD_NODE_CONV2D && node->as.conv2d.fixed)
      pair[1] = filter_rest(to, graph, node, map);
    if (node->kind == ONEFOLD_NODE_PAD && node->as.pad.value)
      pair[1] = pad_rest(to, graph, node, map);
    map[i] = pair[1] == ONEFOLD_NO_NODE ? pair[0] : onefold_graph_sum(to, pair, 2);
  }
  test_ok(context, onefold_graph_output(to, map[graph->outputs[0]]));
  return to;
}

// ------------------------------------------------------------------ published numbers

static const char repvgg_order[] =
    "rbr_dense.conv rbr_dense.bn rbr_1x1.conv rbr_1x1.bn rbr_identity";
static const char orepa_order[] =
    "weight_orepa_origin weight_orepa_avg_conv weight_orepa_pfir_conv weight_orepa_1x1 "
    "weight_orepa_1x1_kxk_idconv1 weight_orepa_1x1_kxk_conv2 weight_orepa_gconv_dw "
    "weight_orepa_gconv_pw vector bn";
static const char repvgg_orepa_order[] =
    "rbr_dense.weight_rbr_origin rbr_dense.weight_rbr_avg_conv rbr_dense.weight_rbr_pfir_conv "
    "rbr_dense.weight_rbr_1x1_kxk_idconv1 rbr_dense.weight_rbr_1x1_kxk_conv2 "
    "rbr_dense.weight_rbr_gconv_dw rbr_dense.weight_rbr_gconv_pw rbr_dense.vector rbr_dense.bn "
    "rbr_1x1.conv rbr_1x1.bn rbr_identity";
static const char dbb_order[] =
    "dbb_origin.conv dbb_origin.bn dbb_1x1.conv dbb_1x1.bn dbb_1x1_kxk.idconv1 dbb_1x1_kxk.conv1 "
    "dbb_1x1_kxk.bn1.bn dbb_1x1_kxk.conv2 dbb_1x1_kxk.bn2 dbb_avg.conv dbb_avg.bn.bn "
    "dbb_avg.avgbn";
static const char acnet_order[] = "square_conv square_bn ver_conv ver_bn hor_conv hor_bn";
static const char large_order[] = "weight0 weight1 weight2 bn";
static const char mobileone_order[] =
    "rbr_skip rbr_conv.0.conv rbr_conv.0.bn rbr_conv.1.conv rbr_conv.1.bn rbr_conv.2.conv "
    "rbr_conv.2.bn rbr_conv.3.conv rbr_conv.3.bn rbr_scale.conv rbr_scale.bn";
static const char repghost_order[] = "cheap_operation.0 cheap_operation.1 fusion_bn.0";

/// The folded kernel and bias, and the result. Those without 1e-5 say their epsilon.
typedef struct published {
  const char *name, *block, *order, *text;
  uint32_t seed;
  int force;               // the planner would leave the block as it is
  double w[4], b[2], y[4]; // sum, sum of v[k]*(k mod 7 + 1), first, last; b: sum, first
} published;

static const published rows[] = {
    // clang-format off
    {"RV1", "repvgg", repvgg_order, "input=1x4x7x6 out_channels=4", 1, 0,
     {0.05850059727, -3.301874646, -0.08419683697, 0.01883095841}, {1.593034869, 1.820287275},
     {65.21188954, 281.9831047, 1.404924298, 2.149970033}},
    {"RV2", "repvgg", repvgg_order, "input=1x4x7x6 out_channels=4 groups=2", 2, 0,
     {3.765985867, 19.50448163, 0.472899404, -0.622631384}, {1.78236863, 0.07829745027},
     {79.50240681, 352.8308792, -0.7305725427, 3.583226724}},
    {"RV3", "repvgg", repvgg_order, "input=1x4x7x6 out_channels=4 groups=4 bn_epsilon=1e-3", 3, 0,
     {-1.386431971, -4.809708539, 0.3177881946, 0.2133034126}, {1.734952385, -0.9932800924},
     {67.56035588, 251.6363546, -0.3160580447, 2.280396386}},
    {"RV4", "repvgg", repvgg_order, "input=1x4x8x7 out_channels=8 groups=2 stride=2", 4, 0,
     {1.976267412, -0.4660127258, 0.1184260763, -0.5919746007}, {-0.8910079079, -0.6442072912},
     {-29.67006395, -139.8875991, -0.5626660711, -1.954808791}},
    {"OR1", "orepa", orepa_order, "input=1x4x6x5 out_channels=6", 11, 0,
     {11.62474652, 28.18203423, 0.3023162488, -0.5266485276}, {1.910056997, 0.7289294537},
     {51.75013821, 247.2888717, 1.964916395, -0.1988222752}},
    {"OR2", "orepa", orepa_order, "input=1x4x6x5 out_channels=6 groups=2 stride=2", 12, 0,
     {1.437389475, 6.100703284, 0.2276301556, -0.1740306659}, {0.7303640231, 0.4266727105},
     {14.41776438, 58.81515548, 0.5581963455, 1.450404011}},
    {"OR3", "orepa", orepa_order, "input=1x8x5x5 out_channels=16 groups=8", 13, 0,
     {7.633471411, 53.82705118, -0.05817788179, 1.068407021}, {-1.224908183, 0.6001963355},
     {-68.74786309, -270.3518852, 0.1490012205, 0.7899991072}},
    {"OR4", "orepa", orepa_order, "input=1x4x5x5 out_channels=5", 14, 0,
     {12.7154897, 46.1411627, -0.02139097389, 0.1304137314}, {1.170114514, 0.3347264268},
     {21.96407757, 87.91001347, 0.04767874501, 1.105638674}},
    {"OV1", "repvgg_orepa", repvgg_orepa_order, "input=1x4x5x6 out_channels=4", 21, 0,
     {-0.7578448984, 8.166245757, -0.2592042936, 0.4579926133}, {4.040941879, -0.4154668893},
     {121.5870421, 478.5683816, 1.219146779, 2.021090806}},
    {"OV2", "repvgg_orepa", repvgg_orepa_order, "input=1x4x6x6 out_channels=6 stride=2", 22, 0,
     {3.18672817, -1.315001899, 0.2928248012, 0.04782504224}, {1.578064063, -0.6207950036},
     {18.24136042, 98.80439564, 0.2683725806, 1.778858865}},
    {"DB1", "dbb", dbb_order, "input=1x4x6x5 out_channels=6", 31, 0,
     {1.894719259, 17.6165145, 0.01677079738, 0.2372839122}, {-5.442038839, 0.6882299591},
     {-140.4334001, -591.0096694, 0.6406405931, -1.27616426}},
    {"DB2", "dbb", dbb_order, "input=1x4x6x7 out_channels=6 groups=2 stride=2", 32, 0,
     {-1.691823214, -13.91758014, 0.284646291, -0.6388426617}, {-1.024447015, -0.2817842304},
     {-16.94753239, -74.13952367, -0.3839134551, 0.4385968367}},
    {"DB3", "dbb", dbb_order, "input=1x4x6x6 out_channels=4 groups=4 kernel=5", 33, 0,
     {2.793782803, 17.88181651, -0.5065642766, 0.1703249569}, {3.415467726, -0.4121813021},
     {121.6905064, 477.0934052, 0.4507952606, 1.162575146}},
    {"AC1", "acnet", acnet_order, "input=1x2x7x8 out_channels=4 groups=2 stride=2", 41, 0,
     {2.212393804, 7.091945564, -0.3171617243, -0.01473429637}, {1.348112838, 0.6562799575},
     {17.57812363, 63.03357923, 0.4791122488, 0.3256635156}},
    {"AC2", "acnet", acnet_order, "input=1x2x9x8 out_channels=2 kernel=5 padding=1", 42, 0,
     {-0.8548539772, -21.96318064, 0.2870103204, 0.004652566425}, {4.271443687, 1.672557806},
     {172.5944485, 684.942846, 1.762757216, 2.557082104}},
    {"LC1", "orepa_largeconv_base", large_order, "input=1x2x7x7 out_channels=3 kernel=5", 51, 1,
     {-10.49779293, -41.29829943, -0.0002627715017, 0.01458855794}, {-0.6262501647, -0.5241209249},
     {-44.19061625, -132.50811, -0.6268734869, 0.2951481243}},
    {"LC2", "orepa_largeconv_base", large_order, "input=1x2x9x8 out_channels=3 kernel=7 stride=2", 52, 1,
     {-3.461616301, -10.26661262, -0.1221714345, -0.3532296694}, {-0.01993469347, 1.094180857},
     {15.27241043, 69.91662614, -1.450073257, -2.220773464}},
    {"MO1", "mobileone", mobileone_order, "input=1x4x6x6 out_channels=4 groups=4 repeats=4", 61, 0,
     {8.179162657, 24.86069844, -0.8995124564, -0.2610033299}, {4.714372209, -0.1829482509},
     {133.6440988, 601.9676944, -0.6300629654, -1.022782384}},
    {"MO2", "mobileone", mobileone_order, "input=1x4x5x5 out_channels=4 kernel=1 repeats=4", 62, 0,
     {3.618609555, 13.3577511, -0.003099897389, 2.655203665}, {6.578669843, 1.849800981},
     {156.0173464, 674.9873441, 3.154902069, -0.3139741875}},
    {"RG1", "repghost", repghost_order, "input=1x4x6x6 out_channels=4", 71, 0,
     {-0.389572107, -4.24925751, 0.0889082286, -0.6453056446}, {0.2134541193, 0.4910070276},
     {9.530889573, 31.86878537, 0.60654681, -1.299901532}},
    {"RG2", "repghost", repghost_order, "input=1x4x6x6 out_channels=4 reparam_bn=0 reparam_identity=1", 72, 0,
     {4.516542348, 18.1277814, 0.2069338351, 0.5767252731}, {1.99243148, 0.9879445947},
     {76.32240038, 289.1494643, 1.440119368, 3.144703631}},
    // clang-format on
};

static void expect_near(const char *what, double got, double wanted) {
  if (!(fabs(got - wanted) <= 1e-9 * fabs(wanted)))
    test_failed("%s is %.10g, published %.10g", what, got, wanted);
}

/// Sum of value[k] * (k mod `period` + 1).
static double weighted_sum(const double *v, size_t count, size_t period) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += v[i] * (double)(i % period + 1);
  return sum;
}

static void expect_numbers(const char *of, const double *v, size_t count, const double wanted[4]) {
  static const char *const what[4] = {"the sum", "the weighted sum", "the first", "the last"};
  const double got[4] = {weighted_sum(v, count, 1), weighted_sum(v, count, 7), v[0], v[count - 1]};
  for (int k = 0; k < 4; k++) {
    char text[64];
    snprintf(text, sizeof text, "%s of %s", what[k], of);
    expect_near(text, got[k], wanted[k]);
  }
}

static onefold_affine *map_of(onefold_context *context, const onefold_graph *graph) {
  onefold_affine *map = onefold_fold_map(context, graph);
  assert_non_null(map);
  assert_null(map->border);
  return map;
}

/// In double: the map of the block has the published kernel and bias, and the block the published
/// result, which the map gives as well.
static graph_result check_double(onefold_context *context, const onefold_graph *graph,
                                 const published *row, const float *x) {
  onefold_graph *exact = with_exact_constants(context, graph);
  // The constants of padding have no part in the map.
  const int padded = graph_count_kind(graph, ONEFOLD_NODE_PAD) > 0;
  onefold_affine *map = map_of(context, padded ? graph : exact);
  expect_numbers("W", map->weight, onefold_affine_weights(map), row->w);
  expect_near("the sum of b", weighted_sum(map->bias, (size_t)map->out_channels, 1), row->b[0]);
  expect_near("the first b", map->bias[0], row->b[1]);
  graph_result y = graph_reference(exact, &x, 0);
  expect_numbers("y", y.value, y.count, row->y);
  double wide[512], *folded;
  for (int64_t k = 0; k < map->in_channels * map->h.in * map->w.in; k++) wide[k] = (double)x[k];
  folded = affine_apply(map, wide);
  for (size_t k = 0; k < y.count; k++)
    if (!(fabs(folded[k] - y.value[k]) <= 1e-12 * y.scale[k]))
      test_failed("element %zu is %.17g folded, %.17g before", k, folded[k], y.value[k]);
  free(folded);
  onefold_affine_destroy(context, map);
  onefold_graph_destroy(exact);
  return y;
}

/// What a fold stores is the block's map, rounded once; it gives the published result.
static void check_stored(onefold_context *context, const onefold_graph *graph, const published *row,
                         const float *x, const graph_result *y) {
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.force = row->force;
  onefold_graph *folded = graph_fold_with(context, graph, options, NULL);
  onefold_affine *map = map_of(context, graph);
  const onefold_graph_node *node = &folded->nodes[folded->outputs[0]];
  assert_int_equal(node->kind, ONEFOLD_NODE_CONV2D);
  assert_int_equal(node->as.conv2d.params.groups, map->groups);
  for (size_t k = 0; k < onefold_affine_weights(map); k++)
    assert_true(node->as.conv2d.weight[k] == (float)map->weight[k]);
  for (int64_t o = 0; o < map->out_channels; o++)
    assert_true(node->as.conv2d.bias[o] == (float)map->bias[o]);
  for (int fused = 0; fused < 2; fused++) {
    float **z = graph_run(context, folded, (graph_form){fused, ONEFOLD_NCHW, ONEFOLD_NHWC}, &x);
    graph_expect(y, z[0], 2);
    free(z);
  }
  onefold_affine_destroy(context, map);
  onefold_graph_destroy(folded);
}

static void test_published(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const published *row = &rows[i];
    test_case("%s: %s %s", row->name, row->block, row->text);
    fixture f = {.lcg = row->seed};
    onefold_weights weights = {&fixture_type, context, &f};
    onefold_block_params p = block_params(context, row->block, "activation=none bn_epsilon=1e-5");
    test_ok(context, onefold_block_params_set(context, &p, row->text));
    onefold_graph *graph;
    test_ok(context, onefold_block_build(context, row->block, &p, &weights, &graph));
    onefold_graph_destroy(graph);
    const size_t rows_used = row->order == repvgg_orepa_order ? 5 : 6;
    fill_fixture(&f, row->order, rows_used * (size_t)p.out_channels);
    test_ok(context, onefold_block_build(context, row->block, &p, &weights, &graph));
    float x[512];
    for (int64_t k = 0; k < p.input.c * p.input.h * p.input.w; k++) x[k] = next_value(&f.lcg);

    graph_result y = check_double(context, graph, row, x);
    graph_result own = graph_reference(graph, (const float *const[]){x}, 0);
    for (size_t k = 0; k < y.count; k++)
      assert_true(fabs(own.value[k] - y.value[k]) <= 0x1p-23 * own.scale[k]);
    check_stored(context, graph, row, x, &own);
    graph_check_forms_of(context, graph, x);
    graph_result_free(&own);
    graph_result_free(&y);
    onefold_graph_destroy(graph);
    for (size_t k = 0; k < f.count; k++) free(f.tensors[k].values);
  }
  onefold_context_destroy(context);
}

static void test_generator(void **state) {
  (void)state;
  uint32_t s = 1;
  const double wanted[4] = {-0.52708899974823, -0.26145875453949, 0.00848400592804,
                            0.40976643562317};
  for (int i = 0; i < 4; i++) assert_true(fabs((double)next_value(&s) - wanted[i]) < 1e-13);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_generator),
                                     cmocka_unit_test(test_published)};
  return test_every_level("fixtures", tests, sizeof tests / sizeof *tests);
}
