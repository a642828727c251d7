// SPDX-License-Identifier: BSD-3-Clause
// Blocks of the OREPA family and DBB against closed forms and against the parameter counts of
// their authors' code, and what they refuse.
#include "models/orepa_prior.h"
#include "tests/block_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---------------------------------------------------------------- tensors that are given

/// Values of one tensor: values[i], or `fill` throughout where there are none.
typedef struct given {
  const char *name;
  const float *values;
  float fill;
} given;

/// Tensors that are not given are 0, but batch norms do nothing where epsilon is 0.
static onefold_status read_given(const onefold_weights *weights, const char *name,
                                 const int64_t *dims, int32_t rank, size_t count, float *values) {
  (void)dims;
  const given *g = weights->state;
  while (g->name && strcmp(g->name, name) != 0) g++;
  const int one =
      block_name_ends(name, "running_var") || (rank == 1 && block_name_ends(name, ".weight"));
  for (size_t i = 0; i < count; i++)
    values[i] = !g->name ? (float)one : g->values ? g->values[i] : g->fill;
  return ONEFOLD_OK;
}

static const onefold_weights_type given_type = {.read = read_given, .close = block_keep_weights};

static onefold_graph *build_given(onefold_context *context, const char *block, const char *text,
                                  given *tensors) {
  onefold_weights weights = {&given_type, context, tensors};
  onefold_block_params p = block_params(context, block, text);
  p.bn_epsilon = 0;
  p.activation = ONEFOLD_ACT_NONE;
  onefold_graph *graph;
  test_ok(context, onefold_block_build(context, block, &p, &weights, &graph));
  return graph;
}

enum { SIZE = 9, MOST_CHANNELS = 16 }; // images of 9x9 see kernels up to 9x9 whole

/// Weight of the block's one kernel from input channel `i` to output channel `o`, at tap (h, w)
/// from the centre: the answer to an impulse, in double.
static double weight_at(const onefold_graph *graph, int64_t i, int64_t o, int h, int w) {
  static float x[MOST_CHANNELS * SIZE * SIZE];
  memset(x, 0, sizeof x);
  x[(i * SIZE + SIZE / 2) * SIZE + SIZE / 2] = 1;
  graph_result y = graph_reference(graph, (const float *const[]){x}, 0);
  const double value = y.value[(o * SIZE + SIZE / 2 - h) * SIZE + SIZE / 2 - w];
  graph_result_free(&y);
  return value;
}

static void expect_close(double got, double wanted, double tolerance) {
  if (!(fabs(got - wanted) <= tolerance)) test_failed("%.9g, not %.9g", got, wanted);
}

static void test_pointwise_rows(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  float vector[6 * 4] = {0}, depthwise[32 * 9] = {0}, pointwise[4 * 16] = {0};
  for (int o = 0; o < 4; o++) vector[5 * 4 + o] = 1;
  for (int r = 0; r < 32; r++) depthwise[9 * r + 4] = 1;
  for (int row = 0; row < 4; row++)
    for (int j = 0; j < 2; j++) pointwise[16 * row + 8 * j] = (float)(row + 1);
  given tensors[] = {{"vector", vector, 0},
                     {"weight_orepa_gconv_dw", depthwise, 0},
                     {"weight_orepa_gconv_pw", pointwise, 0},
                     {NULL, NULL, 0}};
  const struct {
    const char *text;
    double wanted[4];
  } orders[] = {{"orepa_row_order=interleaved", {1, 3, 2, 4}},
                {"orepa_row_order=grouped", {1, 2, 3, 4}}};
  for (int k = 0; k < 2; k++) {
    char text[128];
    snprintf(text, sizeof text, "input=1x4x9x9 out_channels=4 groups=2 batch_norm=0 %s",
             orders[k].text);
    test_case("%s", text);
    onefold_graph *graph = build_given(context, "orepa", text, tensors);
    for (int o = 0; o < 4; o++)
      for (int i = 0; i < 4; i++)
        expect_close(weight_at(graph, i, o, 0, 0), i / 2 == o / 2 ? orders[k].wanted[o] : 0, 0);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

/// More than 4 groups: twice the channels in the middle, and two identities per group.
static void test_stacked_identities(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {31};
  float vector[6 * 8] = {0}, second[8 * 2 * 9];
  for (int o = 0; o < 8; o++) vector[3 * 8 + o] = 1;
  test_fill_integers(&rng, second, 8 * 2 * 9, 9);
  given tensors[] = {
      {"vector", vector, 0}, {"weight_orepa_1x1_kxk_conv2", second, 0}, {NULL, NULL, 0}};
  onefold_graph *graph =
      build_given(context, "orepa", "input=1x8x9x9 out_channels=8 groups=8 batch_norm=0", tensors);
  for (int o = 0; o < 8; o++)
    for (int t = 0; t < 9; t++)
      expect_close(weight_at(graph, o, o, t / 3 - 1, t % 3 - 1),
                   (double)second[18 * o + t] + (double)second[18 * o + 9 + t], 0);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

static void test_kernel_order(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  const float first[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9}, second[9] = {1};
  given tensors[] = {{"weight0", first, 0}, {"weight1", second, 0}, {NULL, NULL, 0}};
  const struct {
    const char *text;
    int begin;
  } orders[] = {{"largeconv_order=correlate", 2}, {"largeconv_order=sequential", 0}};
  for (int k = 0; k < 2; k++) {
    char text[128];
    snprintf(text, sizeof text, "input=1x1x9x9 out_channels=1 kernel=5 %s", orders[k].text);
    test_case("%s", text);
    onefold_graph *graph = build_given(context, "orepa_largeconv_base", text, tensors);
    for (int h = 0; h < 5; h++)
      for (int w = 0; w < 5; w++) {
        const int a = h - orders[k].begin, b = w - orders[k].begin;
        const int inside = a >= 0 && a < 3 && b >= 0 && b < 3;
        expect_close(weight_at(graph, 0, 0, h - 2, w - 2), inside ? (double)first[3 * a + b] : 0,
                     0);
      }
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

/// dense -2, 1x1 1, identity 1/2, SiLU behind the sum, and as one listing has it inside as well.
static void test_inner_activation(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  float vector[6] = {1, 0, 0, 0, 0, 0}, origin[9] = {0, 0, 0, 0, -2, 0, 0, 0, 0};
  given tensors[] = {{"rbr_dense.vector", vector, 0},
                     {"rbr_dense.weight_rbr_origin", origin, 0},
                     {"rbr_1x1.conv.weight", NULL, 1},
                     {"rbr_identity.weight", NULL, 0.5f},
                     {NULL, NULL, 0}};
  onefold_weights weights = {&given_type, context, tensors};
  const float one = 1;
  const double wanted[2] = {-0.18877033, 0.98316084};
  for (int inner = 0; inner < 2; inner++) {
    test_case("inner activation %d", inner);
    onefold_block_params p =
        block_params(context, "repvgg_orepa", "input=1x1x1x1 out_channels=1 bn_epsilon=0");
    p.orepa_inner_activation = inner;
    onefold_graph *graph;
    test_ok(context, onefold_block_build(context, "repvgg_orepa", &p, &weights, &graph));
    graph_check_forms_of(context, graph, &one);
    graph_result y = graph_reference(graph, (const float *const[]){&one}, 0);
    expect_close(y.value[0], wanted[inner], 1e-8);
    graph_result_free(&y);
    graph_report report = {0};
    onefold_graph *folded = graph_fold(context, graph, &report);
    int nonlinear = 0;
    for (int i = 0; i < report.count && i < 16; i++)
      nonlinear += report.regions[i].verdict == ONEFOLD_FOLD_NONLINEAR_INSIDE;
    assert_int_equal(nonlinear, inner);
    if (!inner) graph_only(folded, ONEFOLD_NODE_CONV2D);
    onefold_graph_destroy(folded);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

// ------------------------------------------------------------------------ prior filters

static void expect_prior(int64_t channels, int64_t kernel, onefold_orepa_prior prior,
                         int64_t channel, int along_h, const double *wanted) {
  float *values = malloc((size_t)(channels * kernel * kernel) * sizeof *values);
  assert_non_null(values);
  onefold_orepa_prior_fill(channels, kernel, prior, values);
  test_case("prior of %lld channels, kernel %lld, channel %lld", (long long)channels,
            (long long)kernel, (long long)channel);
  const float *at = values + channel * kernel * kernel;
  for (int64_t h = 0; h < kernel; h++)
    for (int64_t w = 0; w < kernel; w++)
      expect_close((double)at[h * kernel + w], wanted[along_h ? h : w], 1e-7);
  free(values);
}

static void test_prior(void **state) {
  (void)state;
  const struct {
    int64_t channels, channel;
    int along_h;
    double wanted[3];
  } rows[] = {
      {4, 0, 1, {0.8660254, 0, -0.8660254}},
      {4, 1, 1, {0.5, -1, 0.5}},
      {4, 2, 0, {0.8660254, 0, -0.8660254}},
      {4, 3, 0, {0.5, -1, 0.5}},
      {5, 0, 1, {0.8660254, 0, -0.8660254}},
      {5, 1, 1, {0.5, -1, 0.5}},
      {5, 2, 1, {0, 0, 0}},
      {5, 3, 0, {0.70710678, -0.70710678, -0.70710678}},
      {5, 4, 0, {0.25881905, -0.70710678, 0.96592583}},
      {12, 3, 1, {-0.5, 1, -0.5}},
      {12, 4, 1, {-0.8660254, 0, 0.8660254}},
      {12, 5, 1, {-1, -1, -1}},
      {1024, 510, 1, {-0.8660254, 0, 0.8660254}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (int p = 0; p < 2; p++) // both are the same for 3x3
      expect_prior(rows[i].channels, 3, (onefold_orepa_prior)p, rows[i].channel, rows[i].along_h,
                   rows[i].wanted);
  double five[5];
  for (int h = 0; h < 5; h++) five[h] = cos(acos(-1) * (h + 0.5) / 5);
  expect_prior(4, 5, ONEFOLD_OREPA_GENERAL_K, 0, 1, five);
  float seed[25];
  onefold_orepa_prior_fill(1, 5, ONEFOLD_OREPA_SEED_3X3_ZERO, seed);
  for (int i = 0; i < 25; i++)
    expect_close((double)seed[i], i / 5 < 3 && i % 5 < 3 ? rows[0].wanted[i / 5] : 0, 1e-7);
}

/// The prior is the block's branch: with F = 1 and v2 = 1 it is the whole kernel.
static void test_prior_branch(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  float vector[6 * 4] = {0};
  for (int o = 0; o < 4; o++) vector[2 * 4 + o] = 1;
  given tensors[] = {{"vector", vector, 0}, {"weight_orepa_pfir_conv", NULL, 1}, {NULL, NULL, 0}};
  onefold_graph *graph =
      build_given(context, "orepa", "input=1x1x9x9 out_channels=4 batch_norm=0", tensors);
  float prior[4 * 9];
  onefold_orepa_prior_fill(4, 3, ONEFOLD_OREPA_GENERAL_K, prior);
  for (int k = 0; k < 36; k++)
    expect_close(weight_at(graph, 0, k / 9, k % 9 / 3 - 1, k % 3 - 1), (double)prior[k], 0);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

// ----------------------------------------------------------------------- parameter counts

static int64_t count_parameters(onefold_context *context, const char *block, const char *text) {
  onefold_weights *weights;
  onefold_graph *graph;
  test_case("%s %s", block, text);
  test_ok(context, onefold_weights_seeded(context, 1, &weights));
  const onefold_block_params p = block_params(context, block, text);
  test_ok(context, onefold_block_build(context, block, &p, weights, &graph));
  const int64_t count = onefold_graph_count(graph).parameters;
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
  return count;
}

static void test_counts(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  const struct {
    int64_t in, out, groups, kernel;
  } cases[] = {{12, 12, 1, 3}, {8, 24, 2, 3}, {24, 12, 4, 5}, {16, 16, 8, 3}, {16, 32, 16, 5}};
  char text[128];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const int64_t I = cases[i].in, O = cases[i].out, g = cases[i].groups, Ig = I / g;
    const int64_t K2 = cases[i].kernel * cases[i].kernel, T = g <= 4 ? I : 2 * I;
    snprintf(text, sizeof text, "input=1x%lldx1x1 out_channels=%lld groups=%lld kernel=%lld",
             (long long)I, (long long)O, (long long)g, (long long)cases[i].kernel);
    assert_int_equal(count_parameters(context, "orepa", text), O * Ig * K2 + 3 * O * Ig + T * Ig +
                                                                   O * (T / g) * K2 + 8 * I * K2 +
                                                                   8 * O * Ig + 6 * O + 2 * O);
    if (g < O)
      assert_int_equal(count_parameters(context, "dbb", text),
                       2 * K2 * O * Ig + 2 * O * Ig + I * Ig + 10 * O + 2 * I);
  }
  // RepVGGBlock_OREPA: 30c^2 + 84c, of which c are a row of `vector` that is never used.
  const int64_t printed[] = {128256, 502272, 1987584};
  for (int i = 0; i < 3; i++) {
    const int64_t c = 64 << i;
    snprintf(text, sizeof text, "input=1x%lldx1x1 out_channels=%lld", (long long)c, (long long)c);
    assert_int_equal(count_parameters(context, "repvgg_orepa", text) + c, printed[i]);
    assert_int_equal(30 * c * c + 84 * c, printed[i]);
  }
  // C3_REPVGGOREPA, as a log has it and with 1x1 convolutions as its code has it.
  const struct {
    int64_t channels, repeats, printed, printed_1x1;
  } stacks[] = {{128, 3, 802816, 430720}, {256, 6, 6159360, 3245568}};
  for (int i = 0; i < 2; i++) {
    const int64_t c = stacks[i].channels, unused = stacks[i].repeats * (c / 2);
    snprintf(text, sizeof text, "input=1x%lldx1x1 out_channels=%lld repeats=%lld", (long long)c,
             (long long)c, (long long)stacks[i].repeats);
    assert_int_equal(count_parameters(context, "c3_orepa", text) + 2 * unused, stacks[i].printed);
    strcat(text, " kernel=1");
    assert_int_equal(count_parameters(context, "c3_orepa", text) + unused, stacks[i].printed_1x1);
  }
  onefold_context_destroy(context);
}

static void test_refusals(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  const struct {
    const char *block, *text, *says;
    onefold_status status;
  } cases[] = {
      {"orepa", "kernel=4", "orepa: kernel is 4, it must be odd", ONEFOLD_INVALID_ARGUMENT},
      {"orepa", "padding=0", "padding is 0", ONEFOLD_INVALID_ARGUMENT},
      {"orepa", "dilation=2 padding=1", "padding is 1", ONEFOLD_INVALID_ARGUMENT},
      {"orepa", "groups=2 mid_channels=3", "do not divide mid_channels, 3", ONEFOLD_SHAPE_MISMATCH},
      {"orepa", "groups=5", "5 groups", ONEFOLD_SHAPE_MISMATCH},
      {"orepa", "kernel=1 orepa_prior=seed_3x3_zero", "kernel is 1", ONEFOLD_INVALID_ARGUMENT},
      {"orepa_1x1", "groups=2", "groups is 2", ONEFOLD_INVALID_ARGUMENT},
      {"orepa_1x1", "kernel=3", "kernel is 3", ONEFOLD_INVALID_ARGUMENT},
      {"orepa_3x3", "groups=2", "orepa_3x3: groups is 2", ONEFOLD_INVALID_ARGUMENT},
      {"repvgg_orepa", "groups=4", "groups is 4", ONEFOLD_INVALID_ARGUMENT},
      {"repvgg_orepa", "dilation=2", "dilation is 2", ONEFOLD_INVALID_ARGUMENT},
      {"repvgg_orepa", "stride=2 identity=1", "no identity", ONEFOLD_SHAPE_MISMATCH},
      {"orepa_largeconv", "groups=2", "groups is 2", ONEFOLD_INVALID_ARGUMENT},
      {"orepa_largeconv", "kernel=3", "at least 5", ONEFOLD_INVALID_ARGUMENT},
      {"bottleneck_orepa", "groups=2", "groups is 2", ONEFOLD_INVALID_ARGUMENT},
      {"bottleneck_orepa", "kernel=5", "kernel is 5", ONEFOLD_INVALID_ARGUMENT},
      {"bottleneck_orepa", "out_channels=16 shortcut=1", "no shortcut", ONEFOLD_SHAPE_MISMATCH},
      {"c3_orepa", "expansion=0.01", "hidden channels", ONEFOLD_INVALID_ARGUMENT},
      {"dbb", "dilation=2", "dilation is 2", ONEFOLD_INVALID_ARGUMENT},
      {"dbb", "kernel=2", "must be odd", ONEFOLD_INVALID_ARGUMENT},
      {"dbb", "input=1x16x5x5 groups=8", "8 groups of one output channel", ONEFOLD_SHAPE_MISMATCH},
  };
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, 1, &weights));
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_block_params p = block_params(context, cases[i].block, "input=1x8x5x6 out_channels=8");
    test_ok(context, onefold_block_params_set(context, &p, cases[i].text));
    onefold_graph *graph;
    test_case("%s %s", cases[i].block, cases[i].text);
    test_fails(context, onefold_block_build(context, cases[i].block, &p, weights, &graph),
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
      cmocka_unit_test(test_pointwise_rows), cmocka_unit_test(test_stacked_identities),
      cmocka_unit_test(test_kernel_order),   cmocka_unit_test(test_inner_activation),
      cmocka_unit_test(test_prior),          cmocka_unit_test(test_prior_branch),
      cmocka_unit_test(test_counts),         cmocka_unit_test(test_refusals),
  };
  return test_every_level("block_goldens", tests, sizeof tests / sizeof *tests);
}
