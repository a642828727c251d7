// SPDX-License-Identifier: BSD-3-Clause
// Blocks and weight sources: structure, names, defaults, errors, and that the training form,
// the branches and the folded form of every block agree.
#include "tests/graph_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static onefold_block_params repvgg_params(onefold_context *context, onefold_shape input,
                                          int64_t out_channels) {
  onefold_block_params params;
  test_ok(context, onefold_block_params_init(context, "repvgg", &params));
  params.input = input;
  params.out_channels = out_channels;
  return params;
}

static onefold_graph *build(onefold_context *context, const char *block,
                            const onefold_block_params *params, uint64_t seed) {
  onefold_weights *weights;
  onefold_graph *graph;
  test_ok(context, onefold_weights_seeded(context, seed, &weights));
  test_ok(context, onefold_block_build(context, block, params, weights, &graph));
  onefold_weights_close(weights);
  return graph;
}

static void test_list(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  for (size_t i = 0; onefold_block_name(i); i++) {
    const char *name = onefold_block_name(i);
    onefold_block_params params;
    assert_non_null(onefold_block_summary(name));
    test_ok(context, onefold_block_params_init(context, name, &params));
    assert_int_equal(params.struct_size, sizeof params);
    assert_true(params.bn_epsilon > 0);
    assert_int_equal(params.stride, 1);
    assert_int_equal(params.groups, 1);
  }
  assert_null(onefold_block_summary("no such block"));
  onefold_block_params params;
  test_fails(context, onefold_block_params_init(context, "no such block", &params),
             ONEFOLD_NOT_FOUND);
  test_says(context, "repvgg");
  onefold_context_destroy(context);
}

static void test_repvgg_structure(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  const struct {
    int64_t in, out, stride, groups, hidden;
    int identity;
  } cases[] = {{16, 16, 1, 1, 0, 1},
               {16, 16, 2, 1, 0, 0},
               {16, 32, 1, 2, 0, 0},
               {8, 8, 1, 8, 0, 1},
               {16, 16, 1, 4, 4, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_block_params p =
        repvgg_params(context, (onefold_shape){2, cases[i].in, 7, 6}, cases[i].out);
    p.stride = cases[i].stride;
    p.groups = cases[i].groups;
    p.se_hidden = cases[i].hidden;
    onefold_graph *graph = build(context, "repvgg", &p, 1);
    assert_int_equal(graph_count_kind(graph, ONEFOLD_NODE_CONV2D), 2);
    assert_int_equal(graph_count_kind(graph, ONEFOLD_NODE_BATCH_NORM), 2 + cases[i].identity);
    assert_int_equal(graph_count_kind(graph, ONEFOLD_NODE_SQUEEZE_EXCITE), cases[i].hidden > 0);
    const onefold_graph_totals totals = onefold_graph_count(graph);
    const int64_t in = cases[i].in, out = cases[i].out, hidden = cases[i].hidden;
    const int64_t se = hidden ? 2 * hidden * out + hidden + out : 0;
    assert_int_equal(totals.parameters,
                     10 * out * in / cases[i].groups + 4 * out + 2 * in * cases[i].identity + se);
    onefold_graph *folded = graph_fold(context, graph, NULL);
    assert_int_equal(onefold_graph_count(folded).parameters,
                     9 * out * in / cases[i].groups + out + se);
    graph_only(folded, ONEFOLD_NODE_CONV2D);
    onefold_graph_destroy(folded);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

/// Training form, branches and folded form agree, over groups, strides, sizes, identity and
/// activation.
static void test_forms_agree(void **state) {
  onefold_context *context = test_context(test_level(state), 2);
  test_rng rng = {11};
  const int64_t groups[] = {1, 2, 4, 12};
  const onefold_shape sizes[] = {
      {1, 12, 7, 6}, {2, 12, 8, 9}, {1, 12, 14, 14}, {3, 12, 1, 1}, {1, 12, 2, 3}};
  const struct {
    onefold_activation function;
    float param;
  } acts[] = {{ONEFOLD_ACT_NONE, 0},
              {ONEFOLD_ACT_RELU, 0},
              {ONEFOLD_ACT_SILU, 0},
              {ONEFOLD_ACT_LEAKY_RELU, 0.1f}};
  for (size_t g = 0; g < 4; g++)
    for (int64_t stride = 1; stride <= 2; stride++)
      for (size_t s = 0; s < 5; s++)
        for (int64_t out = 12; out <= 24; out += 12)
          for (size_t a = 0; a < 4; a++) {
            onefold_block_params p = repvgg_params(context, sizes[s], out);
            p.groups = groups[g];
            p.stride = stride;
            p.activation = acts[a].function;
            p.activation_param = acts[a].param;
            test_case("repvgg g%lld s%lld %lldx%lld 12->%lld %s", (long long)p.groups,
                      (long long)stride, (long long)p.input.h, (long long)p.input.w, (long long)out,
                      onefold_activation_name(p.activation));
            onefold_graph *graph = build(context, "repvgg", &p, test_random(&rng));
            graph_check_random(context, graph, &rng);
            onefold_graph_destroy(graph);
          }
  onefold_context_destroy(context);
}

static void test_forms_agree_more(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {12};
  const struct {
    const char *what;
    onefold_shape input;
    int64_t out, stride, groups, dilation, hidden;
    double epsilon;
  } cases[] = {
      {"dilation", {1, 8, 9, 8}, 8, 1, 1, 2, 0, 1e-5},
      {"dilation, groups", {1, 8, 9, 11}, 8, 2, 4, 3, 0, 1e-3},
      {"se", {2, 20, 8, 4}, 20, 1, 1, 1, 5, 1e-5},
      {"se, no identity", {1, 16, 4, 8}, 17, 2, 1, 1, 3, 1e-5},
      {"image", {1, 3, 17, 13}, 33, 2, 1, 1, 0, 1e-5},
      {"image with identity", {2, 3, 9, 10}, 3, 1, 1, 1, 0, 1e-5},
      {"one channel", {1, 1, 5, 6}, 1, 1, 1, 1, 0, 1e-3},
      {"primes", {1, 31, 7, 11}, 37, 1, 1, 1, 0, 1e-5},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_block_params p = repvgg_params(context, cases[i].input, cases[i].out);
    p.stride = cases[i].stride;
    p.groups = cases[i].groups;
    p.dilation = cases[i].dilation;
    p.se_hidden = cases[i].hidden;
    p.bn_epsilon = cases[i].epsilon;
    test_case("repvgg %s", cases[i].what);
    onefold_graph *graph = build(context, "repvgg", &p, 3);
    graph_check_random(context, graph, &rng);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

static void test_bad_params(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, 1, &weights));
  const onefold_block_params good = repvgg_params(context, (onefold_shape){1, 8, 5, 5}, 8);
  const struct {
    size_t offset;
    int64_t value;
    onefold_status status;
    const char *says;
  } cases[] = {
      {offsetof(onefold_block_params, out_channels), 0, ONEFOLD_INVALID_ARGUMENT, "out_channels"},
      {offsetof(onefold_block_params, stride), -1, ONEFOLD_INVALID_ARGUMENT, "stride is -1"},
      {offsetof(onefold_block_params, dilation), 0, ONEFOLD_INVALID_ARGUMENT, "dilation"},
      {offsetof(onefold_block_params, groups), 3, ONEFOLD_SHAPE_MISMATCH, "3 groups"},
      {offsetof(onefold_block_params, kernel), 5, ONEFOLD_INVALID_ARGUMENT, "kernel is 5"},
      {offsetof(onefold_block_params, se_hidden), -2, ONEFOLD_INVALID_ARGUMENT, "se_hidden"},
      {offsetof(onefold_block_params, input.h), 0, ONEFOLD_INVALID_ARGUMENT, "input.h"},
      {offsetof(onefold_block_params, struct_size), 8, ONEFOLD_INVALID_ARGUMENT, "struct_size"},
      {offsetof(onefold_block_params, input.w), INT64_MAX, ONEFOLD_OVERFLOW, "fit"},
      {offsetof(onefold_block_params, out_channels), INT64_MAX / 2, ONEFOLD_OVERFLOW, "fit"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_block_params p = good;
    onefold_graph *graph = (onefold_graph *)&p;
    memcpy((char *)&p + cases[i].offset, &cases[i].value, sizeof cases[i].value);
    test_case("%s", cases[i].says);
    test_fails(context, onefold_block_build(context, "repvgg", &p, weights, &graph),
               cases[i].status);
    test_says(context, cases[i].says);
    assert_null(graph);
  }
  onefold_block_params p = good;
  onefold_graph *graph;
  p.bn_epsilon = NAN;
  test_fails(context, onefold_block_build(context, "repvgg", &p, weights, &graph),
             ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_block_build(context, "repvgg2", &good, weights, &graph),
             ONEFOLD_NOT_FOUND);
  test_fails(context, onefold_block_build(context, "repvgg", NULL, weights, &graph),
             ONEFOLD_INVALID_ARGUMENT);
  char prefix[2000];
  memset(prefix, 'a', sizeof prefix - 1);
  prefix[sizeof prefix - 1] = '\0';
  p = good;
  p.prefix = prefix;
  test_fails(context, onefold_block_build(context, "repvgg", &p, weights, &graph),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "longer than");
  onefold_weights_close(weights);
  onefold_context_destroy(context);
}

enum { COUNT = 4096 };

static void read_seeded(onefold_context *context, uint64_t seed, const char *name,
                        const int64_t *dims, int32_t rank, float *values) {
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, seed, &weights));
  test_ok(context, onefold_weights_read(weights, name, dims, rank, values));
  onefold_weights_close(weights);
}

static void test_seeded(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  static float a[COUNT], b[COUNT];
  const int64_t flat = COUNT, conv[4] = {64, 16, 2, 2};
  read_seeded(context, 7, "x.bn.weight", &flat, 1, a);
  read_seeded(context, 7, "x.bn.weight", &flat, 1, b);
  assert_memory_equal(a, b, sizeof a);
  int negative = 0;
  for (int i = 0; i < COUNT; i++) {
    assert_true(fabsf(a[i]) >= 0.5f && fabsf(a[i]) <= 1.5f);
    negative += a[i] < 0;
  }
  assert_true(negative > COUNT / 3 && negative < 2 * COUNT / 3);
  read_seeded(context, 8, "x.bn.weight", &flat, 1, b);
  assert_memory_not_equal(a, b, sizeof a);
  read_seeded(context, 7, "y.bn.weight", &flat, 1, b);
  assert_memory_not_equal(a, b, sizeof a);
  read_seeded(context, 7, "x.bn.running_var", &flat, 1, a);
  for (int i = 0; i < COUNT; i++) assert_true(a[i] >= 0.5f && a[i] <= 1.5f);
  read_seeded(context, 7, "x.bn.running_mean", &flat, 1, a);
  for (int i = 0; i < COUNT; i++) assert_true(fabsf(a[i]) <= 0.5f);
  read_seeded(context, 7, "x.conv.weight", conv, 4, a);
  double square = 0;
  for (int i = 0; i < COUNT; i++) square += (double)a[i] * (double)a[i] / COUNT;
  assert_true(fabs(square * 64 - 2) < 0.2);
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, 1, &weights));
  int64_t dims[8];
  int32_t rank;
  test_fails(context, onefold_weights_shape(weights, "x", dims, &rank), ONEFOLD_UNSUPPORTED);
  test_fails(context, onefold_weights_read(weights, NULL, dims, 0, a), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_weights_read(weights, "x", dims, 9, a), ONEFOLD_INVALID_ARGUMENT);
  const int64_t huge[2] = {INT64_MAX, INT64_MAX};
  test_fails(context, onefold_weights_read(weights, "x", huge, 2, a), ONEFOLD_OVERFLOW);
  onefold_weights_close(weights);
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_list),        cmocka_unit_test(test_repvgg_structure),
      cmocka_unit_test(test_forms_agree), cmocka_unit_test(test_forms_agree_more),
      cmocka_unit_test(test_bad_params),  cmocka_unit_test(test_seeded),
  };
  return test_every_level("models", tests, sizeof tests / sizeof *tests);
}
