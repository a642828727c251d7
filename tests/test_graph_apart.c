// SPDX-License-Identifier: BSD-3-Clause
// Batches of several images whose channels lie in larger tensors: every operator reads slices and
// writes parts of concats where they are, with images that lie further apart than they are large.
#include "tests/graph_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct setup {
  onefold_context *context;
  test_rng rng;
  int64_t block;
  onefold_tiling tiling; // that every layer is asked to have
} setup;

static int tiling_of(void *user, const onefold_conv2d_desc *desc, onefold_tiling *tiling) {
  (void)desc;
  *tiling = *(const onefold_tiling *)user;
  return 1;
}

static void start(setup *s, onefold_isa isa, int threads) {
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = threads,
                                           .max_isa = isa,
                                           .has_max_isa = 1,
                                           .tiling = tiling_of,
                                           .tiling_user = &s->tiling};
  test_ok(NULL, onefold_context_create(&options, &s->context));
  s->block = onefold_context_block(s->context);
}

/// A node of one input; `out` is how many channels it may choose to have.
typedef onefold_node build_fn(setup *s, onefold_graph *g, onefold_node x, int64_t out);

static onefold_node conv(setup *s, onefold_graph *g, onefold_node x, int64_t out, int64_t kernel,
                         int64_t stride, int64_t groups) {
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(out, kernel, stride, groups);
  return graph_random_conv(&s->rng, g, x, &p, 1);
}

static onefold_node sum(onefold_graph *g, onefold_node a, onefold_node b) {
  return onefold_graph_sum(g, (const onefold_node[]){a, b}, 2);
}

static onefold_node conv1(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  return conv(s, g, x, out, 1, 1, 1);
}
static onefold_node conv1_stride2(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  return conv(s, g, x, out, 1, 2, 1);
}
static onefold_node conv3(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  return conv(s, g, x, out, 3, 1, 1);
}
static onefold_node conv3_stride2(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  return conv(s, g, x, out, 3, 2, 1);
}
static onefold_node conv5_stride2(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  return conv(s, g, x, out, 5, 2, 1);
}
static onefold_node depthwise(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)out;
  const int64_t c = onefold_graph_shape(g, x).c;
  return conv(s, g, x, c, 3, 1, c);
}

/// The residual is read from a slice, and the sum written to a part of a concat.
static onefold_node conv1_residual(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)out;
  return graph_relu(g, sum(g, conv1(s, g, x, onefold_graph_shape(g, x).c), x));
}
static onefold_node conv3_residual(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)out;
  return sum(g, graph_relu(g, conv3(s, g, x, onefold_graph_shape(g, x).c)), x);
}
static onefold_node depthwise_residual(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  return sum(g, depthwise(s, g, x, out), x);
}

static onefold_node pair(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  return conv1(s, g, graph_relu(g, depthwise(s, g, x, out)), out);
}
static onefold_node pair_residual(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)out;
  return sum(g, pair(s, g, x, onefold_graph_shape(g, x).c), x);
}
static onefold_node pair_backwards(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  return depthwise(s, g, graph_relu(g, conv1(s, g, x, out)), out);
}

static onefold_node max_pool(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)s, (void)out;
  const onefold_pool2d_params p = onefold_pool2d_square(5, 1, 2);
  return onefold_graph_max_pool(g, x, &p);
}
static onefold_node avg_pool(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)s, (void)out;
  const onefold_pool2d_params p = onefold_pool2d_square(2, 2, 0);
  return onefold_graph_avg_pool(g, x, &p);
}
static onefold_node upsample(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)s, (void)out;
  return onefold_graph_upsample(g, x, 2);
}
static onefold_node global_pool(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)s, (void)out;
  return onefold_graph_global_pool(g, x);
}
static onefold_node squeeze_excite(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  float weight[4 * 2 * 16];
  (void)out;
  test_fill_uniform(&s->rng, weight, sizeof weight / sizeof *weight);
  const onefold_squeeze_excite_params p = {
      .hidden = 4, .reduce_weight = weight, .expand_weight = weight, .gate = ONEFOLD_ACT_SIGMOID};
  return onefold_graph_squeeze_excite(g, x, &p);
}
static onefold_node batch_norm(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)out;
  return graph_random_bn(&s->rng, g, x, 1e-3);
}
static onefold_node activation(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)s, (void)out;
  return onefold_graph_activation(g, x, ONEFOLD_ACT_SILU, 0);
}
static onefold_node border(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)out;
  return graph_random_border(&s->rng, g, x);
}
static onefold_node pad(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)s, (void)out;
  return onefold_graph_pad(g, x, &(onefold_pad_params){1, 0, 2, 1, NULL});
}
/// Channels that do not begin at a block are copied, from a slice and into a part of a concat.
static onefold_node copies(setup *s, onefold_graph *g, onefold_node x, int64_t out) {
  (void)out;
  const onefold_node a = onefold_graph_slice(g, x, 1, s->block + 1);
  return graph_concat(g, a, onefold_graph_slice(g, x, 3, s->block - 1));
}

/// `algorithm` is that of all layers that can have it; steps of the operator `op` are there.
typedef struct apart_case {
  build_fn *build;
  const char *algorithm, *op;
  int copies, from_slice; // from_slice: its output has the channels of its input
} apart_case;

static const apart_case cases[] = {
    {conv1, "pointwise", "pointwise", 0, 0},
    {conv1_residual, "pointwise", "pointwise", 0, 1},
    {conv1_stride2, "gather", "gather", 0, 0},
    {conv3, "gather", "gather", 0, 0},
    {conv3_residual, "gather", "gather", 0, 1},
    {conv3, "direct", "direct", 0, 0},
    {conv3_residual, "direct", "direct", 0, 1},
    {conv3, "winograd2", "winograd2", 0, 0},
    {conv3, "winograd4", "winograd4", 0, 0},
    {conv3_residual, "winograd4", "winograd4", 0, 1},
    {conv3_stride2, "polyphase3", "polyphase3", 0, 0},
    {conv5_stride2, "winograd2", "winograd2", 0, 0},
    {depthwise, "depthwise", "depthwise", 0, 1},
    {depthwise_residual, "depthwise", "depthwise", 0, 1},
    {pair, "", ": pair ", 0, 0},
    {pair_residual, "", ": pair ", 0, 1},
    {pair_backwards, "", ": pair ", 0, 0},
    {max_pool, "", "max_pool", 0, 1},
    {avg_pool, "", "avg_pool", 0, 1},
    {upsample, "", "upsample", 0, 1},
    {global_pool, "", "mean", 0, 1},
    {squeeze_excite, "", "channel_scale", 0, 1},
    {batch_norm, "", "batch_norm", 0, 1},
    {activation, "", "activation", 0, 1},
    {border, "", ": add ", 0, 1},
    {pad, "", ": pad ", 0, 1},
    {copies, "", "copy_channels", 8, 1},
};

/// The results are those of copies, to the bit.
static void check_bits(setup *s, const onefold_graph *g) {
  const float *const *x = graph_random_inputs(&s->rng, g);
  onefold_shape out[2];
  float *y[2][2];
  for (size_t k = 0; k < 2; k++) out[k] = onefold_graph_shape(g, onefold_graph_output_at(g, k));
  for (int copied = 0; copied < 2; copied++) {
    const onefold_exec_options options = {
        .struct_size = sizeof options, .fuse_epilogues = 1, .copies_parts = copied};
    onefold_exec *exec = NULL;
    test_ok(s->context, onefold_exec_create(s->context, g, &options, &exec));
    test_ok(s->context, onefold_exec_pack(exec));
    for (size_t k = 0; k < 2; k++) {
      y[copied][k] = calloc((size_t)(out[k].n * out[k].c * out[k].h * out[k].w), sizeof(float));
      assert_non_null(y[copied][k]);
    }
    test_ok(s->context, onefold_exec_run(exec, x, y[copied]));
    onefold_exec_destroy(exec);
  }
  for (size_t k = 0; k < 2; k++) {
    assert_memory_equal(y[0][k], y[1][k],
                        (size_t)(out[k].n * out[k].c * out[k].h * out[k].w) * sizeof(float));
    free(y[0][k]);
    free(y[1][k]);
  }
  free((void *)x);
}

/// Two of the operators on slices of one tensor are joined. A slice of the whole is an output, too.
static void check(setup *s, const apart_case *c, int64_t batch) {
  onefold_graph *g = graph_with_input(s->context, (onefold_shape){batch, 3, 8, 6});
  const int64_t two = 2 * s->block;
  const onefold_node wide = conv1(s, g, 0, 2 * two + 1);
  const onefold_node a = c->build(s, g, onefold_graph_slice(g, wide, s->block, two), two);
  const onefold_node b =
      c->build(s, g, onefold_graph_slice(g, wide, 0, two), c->from_slice ? two : s->block + 1);
  const onefold_node all = graph_concat(g, a, b);
  test_ok(s->context, onefold_graph_output(g, conv1(s, g, all, 5)));
  test_ok(s->context, onefold_graph_output(g, onefold_graph_slice(g, all, s->block, s->block)));
  graph_text text;
  graph_steps(s->context, g, 1, &text);
  const int got = (int)test_count(text.text, "copy_channels");
  if (got != c->copies || test_count(text.text, c->op) < 2)
    test_failed("%d copies, not %d, or too few %s:\n%s", got, c->copies, c->op, text.text);
  graph_check_runs(s->context, g, &s->rng);
  check_bits(s, g);
  onefold_graph_destroy(g);
}

static void test_operators(void **state) {
  for (int threads = 1; threads <= 2; threads++) {
    setup s = {.rng = {98}};
    start(&s, test_level(state), threads);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
      const int paired = strcmp(cases[i].op, ": pair ") == 0;
      s.tiling = (onefold_tiling){.threads = threads, .pair = paired ? 2 : 1};
      snprintf(s.tiling.algorithm, sizeof s.tiling.algorithm, "%s", cases[i].algorithm);
      test_case("case %zu, %s, %d threads", i, cases[i].op, threads);
      check(&s, &cases[i], 1 + threads);
    }
    onefold_context_destroy(s.context);
  }
}

/// A first layer that reads the caller's few channels as they are writes a part of a concat.
static void test_plain(void **state) {
  setup s = {.rng = {99}};
  start(&s, test_level(state), 2);
  s.tiling = (onefold_tiling){.algorithm = "plain", .threads = 2};
  onefold_graph *g = graph_with_input(s.context, (onefold_shape){3, 3, 9, 7});
  const onefold_node a = conv3(&s, g, 0, s.block), b = conv3(&s, g, 0, s.block + 2);
  test_ok(s.context, onefold_graph_output(g, graph_concat(g, a, b)));
  graph_check_runs(s.context, g, &s.rng);
  onefold_graph_destroy(g);
  onefold_context_destroy(s.context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_operators),
                                     cmocka_unit_test(test_plain)};
  return test_every_level("graph_apart", tests, sizeof tests / sizeof *tests);
}
