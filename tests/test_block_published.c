// SPDX-License-Identifier: BSD-3-Clause
// Blocks of the OREPA family and DBB against published numbers: results of the training form, and
// the one kernel and bias that it folds into.
#include "tests/block_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Tensors in the order of `order`, filled by a 32-bit LCG; "bn" stands for its four, of which
/// the variance is 0.5 + |z|. A first build notes how many values each has.
typedef struct fixture {
  const char *order;
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

/// Fills one tensor; those that the first build did not ask for are not there.
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

static void fill_fixture(fixture *f, size_t vector_values) {
  static const char *const parts[] = {".weight", ".bias", ".running_mean", ".running_var"};
  char names[512], *rest = names;
  snprintf(names, sizeof names, "%s", f->order);
  for (const char *name; (name = strsep(&rest, " ")) != NULL;) {
    fill_tensor(f, name, block_name_ends(name, "vector") ? vector_values : SIZE_MAX);
    for (int k = 0; k < 4; k++) {
      char full[96];
      snprintf(full, sizeof full, "%s%s", name, parts[k]);
      fill_tensor(f, full, SIZE_MAX);
    }
  }
  for (size_t i = 0; i < f->count; i++)
    if (!f->tensors[i].values) test_failed("'%s' is not filled", f->tensors[i].name);
}

static void expect_near(const char *what, double got, double wanted) {
  if (!(fabs(got - wanted) <= 2e-6 * fmax(1, fabs(wanted))))
    test_failed("%s is %.10g, published %.10g", what, got, wanted);
}

/// Sum of value[k] * (k mod `period` + 1).
static double weighted_sum(const double *v, size_t count, size_t period) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += v[i] * (double)(i % period + 1);
  return sum;
}

static const char orepa_order[] =
    "weight_orepa_origin weight_orepa_avg_conv weight_orepa_pfir_conv weight_orepa_1x1 "
    "weight_orepa_1x1_kxk_idconv1 weight_orepa_1x1_kxk_conv2 weight_orepa_gconv_dw "
    "weight_orepa_gconv_pw vector bn";
static const char repvgg_order[] =
    "rbr_dense.weight_rbr_origin rbr_dense.weight_rbr_avg_conv rbr_dense.weight_rbr_pfir_conv "
    "rbr_dense.weight_rbr_1x1_kxk_idconv1 rbr_dense.weight_rbr_1x1_kxk_conv2 "
    "rbr_dense.weight_rbr_gconv_dw rbr_dense.weight_rbr_gconv_pw rbr_dense.vector rbr_dense.bn "
    "rbr_1x1.conv rbr_1x1.bn rbr_identity";
static const char dbb_order[] =
    "dbb_origin.conv dbb_origin.bn dbb_1x1.conv dbb_1x1.bn dbb_1x1_kxk.idconv1 dbb_1x1_kxk.conv1 "
    "dbb_1x1_kxk.bn1.bn dbb_1x1_kxk.conv2 dbb_1x1_kxk.bn2 dbb_avg.conv dbb_avg.bn.bn "
    "dbb_avg.avgbn";
static const char large_order[] = "weight0 weight1 weight2 bn";

/// W and b are the folded kernel and bias, y the result: sum, weighted sum, first and last.
typedef struct published {
  const char *block, *order, *text;
  uint32_t seed;
  double w[4], b[2], y[4];
} published;

static const published rows[] = {
    // clang-format off
    {"orepa", orepa_order, "input=1x4x6x5 out_channels=6", 11,
     {11.62474652, 28.18203423, 0.3023162488, -0.5266485276}, {1.910056997, 0.7289294537},
     {51.75013821, 247.2888717, 1.964916395, -0.1988222752}},
    {"orepa", orepa_order, "input=1x4x6x5 out_channels=6 groups=2 stride=2", 12,
     {1.437389475, 6.100703284, 0.2276301556, -0.1740306659}, {0.7303640231, 0.4266727105},
     {14.41776438, 58.81515548, 0.5581963455, 1.450404011}},
    {"orepa", orepa_order, "input=1x8x5x5 out_channels=16 groups=8", 13,
     {7.633471411, 53.82705118, -0.05817788179, 1.068407021}, {-1.224908183, 0.6001963355},
     {-68.74786309, -270.3518852, 0.1490012205, 0.7899991072}},
    {"orepa", orepa_order, "input=1x4x5x5 out_channels=5", 14,
     {12.7154897, 46.1411627, -0.02139097389, 0.1304137314}, {1.170114514, 0.3347264268},
     {21.96407757, 87.91001347, 0.04767874501, 1.105638674}},
    {"repvgg_orepa", repvgg_order, "input=1x4x5x6 out_channels=4", 21,
     {-0.7578448984, 8.166245757, -0.2592042936, 0.4579926133}, {4.040941879, -0.4154668893},
     {121.5870421, 478.5683816, 1.219146779, 2.021090806}},
    {"repvgg_orepa", repvgg_order, "input=1x4x6x6 out_channels=6 stride=2", 22,
     {3.18672817, -1.315001899, 0.2928248012, 0.04782504224}, {1.578064063, -0.6207950036},
     {18.24136042, 98.80439564, 0.2683725806, 1.778858865}},
    {"dbb", dbb_order, "input=1x4x6x5 out_channels=6", 31,
     {1.894719259, 17.6165145, 0.01677079738, 0.2372839122}, {-5.442038839, 0.6882299591},
     {-140.4334001, -591.0096694, 0.6406405931, -1.27616426}},
    {"dbb", dbb_order, "input=1x4x6x7 out_channels=6 groups=2 stride=2", 32,
     {-1.691823214, -13.91758014, 0.284646291, -0.6388426617}, {-1.024447015, -0.2817842304},
     {-16.94753239, -74.13952367, -0.3839134551, 0.4385968367}},
    {"dbb", dbb_order, "input=1x4x6x6 out_channels=4 groups=4 kernel=5", 33,
     {2.793782803, 17.88181651, -0.5065642766, 0.1703249569}, {3.415467726, -0.4121813021},
     {121.6905064, 477.0934052, 0.4507952606, 1.162575146}},
    {"orepa_largeconv_base", large_order, "input=1x2x7x7 out_channels=3 kernel=5", 51,
     {-10.49779293, -41.29829943, -0.0002627715017, 0.01458855794}, {-0.6262501647, -0.5241209249},
     {-44.19061625, -132.50811, -0.6268734869, 0.2951481243}},
    {"orepa_largeconv_base", large_order, "input=1x2x9x8 out_channels=3 kernel=7 stride=2", 52,
     {-3.461616301, -10.26661262, -0.1221714345, -0.3532296694}, {-0.01993469347, 1.094180857},
     {15.27241043, 69.91662614, -1.450073257, -2.220773464}},
    // clang-format on
};

/// The folded form is one convolution of the published weights.
static void expect_folded(onefold_context *context, const onefold_graph *graph,
                          const published *row) {
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.force = 1;
  onefold_graph *folded = graph_fold_with(context, graph, options, NULL);
  const onefold_graph_node *node = graph_only(folded, ONEFOLD_NODE_CONV2D);
  const onefold_graph_conv2d_params *p = &node->as.conv2d.params;
  const size_t in = (size_t)(graph->nodes[0].shape.c / p->groups);
  const size_t count = (size_t)(p->out_channels * p->kernel_h * p->kernel_w) * in;
  double weight[1200], bias[16];
  assert_true(count <= 1200 && p->out_channels <= 16);
  for (size_t k = 0; k < count; k++) weight[k] = (double)node->as.conv2d.weight[k];
  for (int64_t k = 0; k < p->out_channels; k++) bias[k] = (double)node->as.conv2d.bias[k];
  expect_near("the sum of W", weighted_sum(weight, count, 1), row->w[0]);
  expect_near("the weighted sum of W", weighted_sum(weight, count, 7), row->w[1]);
  expect_near("the first W", weight[0], row->w[2]);
  expect_near("the last W", weight[count - 1], row->w[3]);
  expect_near("the sum of b", weighted_sum(bias, (size_t)p->out_channels, 1), row->b[0]);
  expect_near("the first b", bias[0], row->b[1]);
  onefold_graph_destroy(folded);
}

static void test_published(void **state) {
  onefold_context *context = test_context((onefold_isa)(intptr_t)*state, 1);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const published *row = &rows[i];
    test_case("%s %s", row->block, row->text);
    fixture f = {.order = row->order, .lcg = row->seed};
    onefold_weights weights = {&fixture_type, context, &f};
    onefold_block_params p = block_params(context, row->block, row->text);
    p.activation = ONEFOLD_ACT_NONE;
    p.bn_epsilon = 1e-5;
    onefold_graph *graph;
    test_ok(context, onefold_block_build(context, row->block, &p, &weights, &graph));
    onefold_graph_destroy(graph);
    // The published numbers have no values for the row of `vector` that is not used.
    const size_t rows_used = row->order == repvgg_order ? 5 : 6;
    fill_fixture(&f, rows_used * (size_t)p.out_channels);
    test_ok(context, onefold_block_build(context, row->block, &p, &weights, &graph));
    float x[256];
    for (int64_t k = 0; k < p.input.c * p.input.h * p.input.w; k++) x[k] = next_value(&f.lcg);
    graph_result y = graph_reference(graph, (const float *const[]){x}, 0);
    expect_near("the sum of y", weighted_sum(y.value, y.count, 1), row->y[0]);
    expect_near("the weighted sum of y", weighted_sum(y.value, y.count, 7), row->y[1]);
    expect_near("the first y", y.value[0], row->y[2]);
    expect_near("the last y", y.value[y.count - 1], row->y[3]);
    graph_result_free(&y);
    graph_check_forms_of(context, graph, x);
    expect_folded(context, graph, row);
    onefold_graph_destroy(graph);
    for (size_t k = 0; k < f.count; k++) free(f.tensors[k].values);
  }
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_published)};
  return test_every_level("block_published", tests, sizeof tests / sizeof *tests);
}
