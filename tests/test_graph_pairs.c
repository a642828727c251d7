// SPDX-License-Identifier: BSD-3-Clause
// Pairs of convolutions in executions: the same bits with and without, which steps become one,
// and which may not.
#include "graph/exec.h"
#include "ops/context.h"
#include "tests/graph_support.h"
#include "tests/split_context.h"

#include <stdlib.h>
#include <string.h>

static onefold_node conv(onefold_graph *g, test_rng *rng, onefold_node input, int64_t out,
                         int64_t kernel, int64_t stride, onefold_activation activation) {
  const int64_t in = onefold_graph_shape(g, input).c, groups = kernel > 1 ? in : 1;
  const onefold_graph_conv2d_params params =
      onefold_graph_conv2d_square(out, kernel, stride, groups);
  const size_t n = (size_t)(out * in / groups * kernel * kernel);
  float *weight = malloc((n + (size_t)out) * sizeof *weight);
  assert_non_null(weight);
  test_fill_uniform(rng, weight, n + (size_t)out);
  const onefold_node node = onefold_graph_conv2d(g, input, &params, weight, weight + n);
  free(weight);
  return activation ? onefold_graph_activation(g, node, activation, 0) : node;
}

/// What builds a graph on an input.
typedef onefold_node build_fn(onefold_graph *g, test_rng *rng, onefold_node x);

static onefold_node separable(onefold_graph *g, test_rng *rng, onefold_node x) {
  x = conv(g, rng, x, onefold_graph_shape(g, x).c, 3, 1, ONEFOLD_ACT_RELU6);
  return conv(g, rng, x, 21, 1, 1, ONEFOLD_ACT_NONE);
}

/// MobileNet-v2: the residual is the input of the block.
static onefold_node inverted(onefold_graph *g, test_rng *rng, onefold_node x) {
  const int64_t c = onefold_graph_shape(g, x).c;
  const onefold_node wide = conv(g, rng, x, 37, 1, 1, ONEFOLD_ACT_RELU6);
  const onefold_node mixed = conv(g, rng, wide, 37, 3, 1, ONEFOLD_ACT_HARD_SWISH);
  const onefold_node parts[2] = {conv(g, rng, mixed, c, 1, 1, ONEFOLD_ACT_NONE), x};
  return onefold_graph_sum(g, parts, 2);
}

static onefold_node expanded(onefold_graph *g, test_rng *rng, onefold_node x) {
  x = conv(g, rng, x, 40, 1, 1, ONEFOLD_ACT_RELU);
  return conv(g, rng, x, 40, 5, 2, ONEFOLD_ACT_SILU);
}

/// The residual is what the first convolution reads, and has no other reader.
static onefold_node over_input(onefold_graph *g, test_rng *rng, onefold_node x) {
  const int64_t c = onefold_graph_shape(g, x).c;
  x = onefold_graph_activation(g, x, ONEFOLD_ACT_SIGMOID, 0);
  const onefold_node mixed = conv(g, rng, x, c, 3, 1, ONEFOLD_ACT_NONE);
  const onefold_node parts[2] = {conv(g, rng, mixed, c, 1, 1, ONEFOLD_ACT_NONE), x};
  return onefold_graph_sum(g, parts, 2);
}

/// The result of the first is also an output.
static onefold_node read_twice(onefold_graph *g, test_rng *rng, onefold_node x) {
  x = conv(g, rng, x, onefold_graph_shape(g, x).c, 3, 1, ONEFOLD_ACT_NONE);
  test_ok(NULL, onefold_graph_output(g, x));
  return conv(g, rng, x, 18, 1, 1, ONEFOLD_ACT_NONE);
}

/// Two convolutions read the result of the first.
static onefold_node read_later(onefold_graph *g, test_rng *rng, onefold_node x) {
  x = conv(g, rng, x, onefold_graph_shape(g, x).c, 3, 1, ONEFOLD_ACT_RELU);
  const onefold_node one = conv(g, rng, x, 18, 1, 1, ONEFOLD_ACT_SIGMOID);
  const onefold_node parts[2] = {one, conv(g, rng, x, 18, 1, 1, ONEFOLD_ACT_SILU)};
  return onefold_graph_concat(g, parts, 2);
}

/// Two of the same kind.
static onefold_node two_depthwise(onefold_graph *g, test_rng *rng, onefold_node x) {
  x = conv(g, rng, x, onefold_graph_shape(g, x).c, 3, 1, ONEFOLD_ACT_NONE);
  x = onefold_graph_activation(g, x, ONEFOLD_ACT_SIGMOID, 0);
  return conv(g, rng, x, onefold_graph_shape(g, x).c, 3, 1, ONEFOLD_ACT_NONE);
}

static onefold_exec *make(onefold_context *context, const onefold_graph *g, onefold_pairs pairs) {
  const onefold_exec_options options = {.struct_size = sizeof options,
                                        .in_layout = ONEFOLD_BLOCKED,
                                        .out_layout = ONEFOLD_BLOCKED,
                                        .fuse_epilogues = 1,
                                        .pairs = pairs};
  onefold_exec *exec = NULL;
  test_ok(context, onefold_exec_create(context, g, &options, &exec));
  return exec;
}

static int pairs_in(const onefold_exec *exec) {
  int count = 0;
  for (int32_t i = 0; i < exec->step_count; i++)
    count += exec->steps[i].type == &onefold_step_type_pair;
  return count;
}

/// Every value lives from the first to the last step that has it.
static void expect_alive(const onefold_exec *exec) {
  for (int32_t i = 0; i < exec->value_count; i++) {
    int32_t first = INT32_MAX, last = -1;
    for (int32_t k = 0; k < exec->step_count; k++) {
      const onefold_step *s = &exec->steps[k];
      if (s->src != i && s->other != i && s->scale != i && s->dst != i) continue;
      if (last < 0) first = k;
      last = k;
    }
    const onefold_value *v = &exec->values[i];
    if (last >= 0) assert_true(v->first <= first && last <= v->last && v->last < exec->step_count);
  }
}

enum { MOST = 1 << 16 };

static void run(onefold_context *context, onefold_exec *exec, const float *x, float *y[2]) {
  const float *inputs[1] = {x};
  test_ok(context, onefold_exec_pack(exec));
  test_ok(context, onefold_exec_run(exec, inputs, y));
  test_ok(context, onefold_exec_run(exec, inputs, y));
}

static const struct {
  const char *name;
  build_fn *build;
  int pairs; // at most
} blocks[] = {
    {"separable", separable, 1},   {"inverted", inverted, 1},
    {"expanded", expanded, 1},     {"over input", over_input, 1},
    {"read twice", read_twice, 0}, {"two depthwise", two_depthwise, 0},
    {"read later", read_later, 0},
};

static void compare(onefold_context *context, size_t block, onefold_shape shape) {
  test_rng rng = {17 + block};
  onefold_graph *g;
  test_ok(context, onefold_graph_create(context, &g));
  const onefold_node x = onefold_graph_input(g, shape);
  test_ok(context, onefold_graph_output(g, blocks[block].build(g, &rng, x)));
  test_case("%s: %s of %dx%dx%d", onefold_isa_name(onefold_context_isa(context)),
            blocks[block].name, (int)shape.c, (int)shape.h, (int)shape.w);
  onefold_exec *separate = make(context, g, ONEFOLD_PAIRS_NEVER);
  onefold_exec *paired = make(context, g, ONEFOLD_PAIRS_ALWAYS);
  assert_int_equal(pairs_in(separate), 0);
  if (pairs_in(paired) != blocks[block].pairs) test_failed("%d pairs", pairs_in(paired));
  assert_int_equal(separate->step_count - paired->step_count, pairs_in(paired));
  expect_alive(paired);
  onefold_exec_info a, b;
  onefold_exec_get_info(separate, &a);
  onefold_exec_get_info(paired, &b);
  assert_int_equal(a.packed_bytes, b.packed_bytes);
  const size_t n = paired->output_bytes[paired->output_count - 1];
  float *values = malloc((size_t)MOST * 5 * sizeof *values);
  assert_non_null(values);
  test_fill_uniform(&rng, values, (size_t)MOST * 5);
  float *y[2] = {values + MOST, values + 2 * MOST}, *z[2] = {values + 3 * MOST, values + 4 * MOST};
  run(context, separate, values, y);
  run(context, paired, values, z);
  const int last = paired->output_count - 1;
  const onefold_shape out = onefold_graph_shape(g, g->outputs[last]);
  const int v = onefold_context_block(context);
  float *p = malloc(n), *q = malloc(n);
  test_from_layout(out, ONEFOLD_BLOCKED, v, y[last], p);
  test_from_layout(out, ONEFOLD_BLOCKED, v, z[last], q);
  assert_memory_equal(p, q, test_elements(out) * sizeof *p);
  free(p);
  free(q);
  free(values);
  onefold_exec_destroy(separate);
  onefold_exec_destroy(paired);
  onefold_graph_destroy(g);
}

static void test_pairs(void **state) {
  static const onefold_shape shapes[] = {
      {1, 19, 9, 11}, {2, 32, 6, 5}, {1, 5, 1, 1}, {1, 48, 21, 17}};
  for (int threads = 1; threads <= 3; threads++) {
    size_t tasks = 0;
    onefold_context *context = split_context(test_level(state), threads, &tasks);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
      for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) compare(context, i, shapes[k]);
    onefold_context_destroy(context);
  }
}

static int pairs_by_default(onefold_context *context, onefold_shape shape) {
  test_rng rng = {3};
  onefold_graph *g;
  test_ok(context, onefold_graph_create(context, &g));
  const onefold_node x = onefold_graph_input(g, shape);
  test_ok(context, onefold_graph_output(g, separable(g, &rng, x)));
  onefold_exec *exec = make(context, g, ONEFOLD_PAIRS_WHERE_FASTER);
  const int pairs = pairs_in(exec);
  onefold_exec_destroy(exec);
  onefold_graph_destroy(g);
  return pairs;
}

/// By default, what fits in L2 stays separate, and what does not becomes a pair; of two tasks what
/// takes more than a little of L2 does too.
static void test_default(void **state) {
  for (int threads = 1; threads <= 2; threads++) {
    onefold_context *context = test_context(test_level(state), threads);
    const size_t l2 = onefold_context_dispatch(context)->l2_bytes;
    const int64_t width = (int64_t)(l2 / 4 / (64 * 64 * sizeof(float)));
    assert_int_equal(pairs_by_default(context, (onefold_shape){1, 32, 6, 5}), 0);
    assert_int_equal(pairs_by_default(context, (onefold_shape){1, 64, 64, width}), threads - 1);
    assert_int_equal(pairs_by_default(context, (onefold_shape){1, 64, 4096, 64}), 1);
    onefold_context_destroy(context);
  }
}

/// A source of tilings: what it says of depthwise convolutions, and of 1x1.
typedef struct wishes {
  int32_t depthwise, pointwise;
} wishes;

static int wish(void *user, const onefold_conv2d_desc *desc, onefold_tiling *tiling) {
  const wishes *w = user;
  *tiling = (onefold_tiling){.pair = desc->kernel_h == 1 ? w->pointwise : w->depthwise};
  return tiling->pair != 0;
}

/// What the tiling of the first says comes before the estimate, and not before the options.
static void test_tilings(void **state) {
  static const struct {
    build_fn *build;
    onefold_shape shape;
    wishes wishes;
    onefold_pairs pairs;
    int count, kernel; // pairs, and the height of their first's window
  } cases[] = {
      {separable, {1, 32, 6, 5}, {2, 0}, ONEFOLD_PAIRS_WHERE_FASTER, 1, 3},
      {separable, {1, 32, 6, 5}, {0, 2}, ONEFOLD_PAIRS_WHERE_FASTER, 0, 0},
      {separable, {1, 32, 6, 5}, {2, 0}, ONEFOLD_PAIRS_NEVER, 0, 0},
      {separable, {1, 32, 6, 5}, {1, 0}, ONEFOLD_PAIRS_ALWAYS, 1, 3},
      {separable, {1, 64, 4096, 64}, {1, 0}, ONEFOLD_PAIRS_WHERE_FASTER, 0, 0},
      {inverted, {1, 32, 6, 5}, {2, 0}, ONEFOLD_PAIRS_WHERE_FASTER, 1, 3},
      {inverted, {1, 32, 6, 5}, {0, 2}, ONEFOLD_PAIRS_WHERE_FASTER, 1, 1},
      {inverted, {1, 32, 6, 5}, {2, 2}, ONEFOLD_PAIRS_WHERE_FASTER, 1, 3},
      {inverted, {1, 32, 6, 5}, {1, 2}, ONEFOLD_PAIRS_ALWAYS, 1, 3},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    test_rng rng = {3};
    onefold_graph *g;
    onefold_context *context = NULL;
    wishes asked = cases[i].wishes;
    const onefold_context_options options = {.struct_size = sizeof options,
                                             .threads = 1,
                                             .has_max_isa = 1,
                                             .max_isa = test_level(state),
                                             .tiling = wish,
                                             .tiling_user = &asked};
    test_case("case %d", (int)i);
    test_ok(NULL, onefold_context_create(&options, &context));
    test_ok(context, onefold_graph_create(context, &g));
    const onefold_node x = onefold_graph_input(g, cases[i].shape);
    test_ok(context, onefold_graph_output(g, cases[i].build(g, &rng, x)));
    onefold_exec *exec = make(context, g, cases[i].pairs);
    assert_int_equal(pairs_in(exec), cases[i].count);
    for (int32_t k = 0; k < exec->step_count; k++) {
      const onefold_step *step = &exec->steps[k];
      if (step->type != &onefold_step_type_pair) continue;
      assert_int_equal(step->as.pair.pair.first->problem.desc.kernel_h, cases[i].kernel);
    }
    onefold_exec_destroy(exec);
    onefold_graph_destroy(g);
    onefold_context_destroy(context);
  }
}

static void test_options(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {4};
  onefold_graph *g;
  onefold_exec *exec = NULL;
  test_ok(context, onefold_graph_create(context, &g));
  const onefold_node x = onefold_graph_input(g, (onefold_shape){1, 8, 4, 4});
  test_ok(context, onefold_graph_output(g, separable(g, &rng, x)));
  const onefold_exec_options options = {
      .struct_size = sizeof options, .fuse_epilogues = 1, .pairs = (onefold_pairs)3};
  test_fails(context, onefold_exec_create(context, g, &options, &exec), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "pairs is 3");
  onefold_graph_destroy(g);
  onefold_context_destroy(context);
}

int main(void) {
  static const struct CMUnitTest each[] = {
      cmocka_unit_test(test_pairs),
      cmocka_unit_test(test_default),
      cmocka_unit_test(test_tilings),
      cmocka_unit_test(test_options),
  };
  if (test_isa_missing()) return 1;
  return test_every_level("pairs in graphs", each, sizeof each / sizeof *each) != 0;
}
