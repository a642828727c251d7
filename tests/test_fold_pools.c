// SPDX-License-Identifier: BSD-3-Clause
// Max pools of one input as a chain: the same bits for every window, padding and image, and
// nothing where one window does not hold the other.
#include "tests/fold_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST 4 // pools of a case

/// Height and width of a window, padding above, below, to the left and right.
typedef struct window {
  int64_t h, w, top, bottom, left, right;
} window;

#define SQUARE(k)                                                                                  \
  { (k), (k), (k) / 2, (k) / 2, (k) / 2, (k) / 2 }
#define INSIDE(k)                                                                                  \
  { (k), (k), 0, 0, 0, 0 }

/// Pools of one input, and the windows that are left of them; h is 0 behind the last.
typedef struct pools {
  const char *name;
  window before[MOST], after[MOST];
} pools;

static const pools chained[] = {
    {"spp", {SQUARE(5), SQUARE(9), SQUARE(13)}, {SQUARE(5), SQUARE(5), SQUARE(5)}},
    {"largest first", {SQUARE(13), SQUARE(9), SQUARE(5)}, {SQUARE(5), SQUARE(5), SQUARE(5)}},
    {"uneven steps", {SQUARE(3), SQUARE(13), SQUARE(7)}, {SQUARE(3), SQUARE(7), SQUARE(5)}},
    {"one dimension",
     {{1, 3, 0, 0, 1, 1}, {5, 3, 2, 2, 1, 1}},
     {{1, 3, 0, 0, 1, 1}, {5, 1, 2, 2, 0, 0}}},
    {"even windows",
     {{2, 2, 1, 0, 0, 1}, {4, 4, 2, 1, 1, 2}},
     {{2, 2, 1, 0, 0, 1}, {3, 3, 1, 1, 1, 1}}},
    {"one side",
     {{2, 2, 0, 1, 0, 1}, {4, 4, 0, 2, 0, 2}},
     {{2, 2, 0, 1, 0, 1}, {3, 3, 0, 1, 0, 1}}},
};

static const pools apart[] = {
    {"no padding, other sizes", {INSIDE(3), SQUARE(5)}, {INSIDE(3), SQUARE(5)}},
    {"more padding below", {SQUARE(5), {7, 7, 1, 3, 3, 3}}, {SQUARE(5), {7, 7, 1, 3, 3, 3}}},
    {"wide and high",
     {{1, 7, 0, 0, 3, 3}, {5, 3, 2, 2, 1, 1}},
     {{1, 7, 0, 0, 3, 3}, {5, 3, 2, 2, 1, 1}}},
    {"the same twice", {SQUARE(5), SQUARE(5)}, {SQUARE(5), SQUARE(5)}},
    {"one pixel", {SQUARE(1), SQUARE(5)}, {SQUARE(1), SQUARE(5)}},
};

static onefold_pool2d_params params_of(const window *w, int64_t stride) {
  return (onefold_pool2d_params){.kernel_h = w->h,
                                 .kernel_w = w->w,
                                 .stride_h = stride,
                                 .stride_w = stride,
                                 .pad_top = w->top,
                                 .pad_bottom = w->bottom,
                                 .pad_left = w->left,
                                 .pad_right = w->right};
}

/// Every pool is an output of its own.
static onefold_graph *build(onefold_context *context, const pools *p, onefold_shape in,
                            int64_t stride) {
  onefold_graph *graph = graph_with_input(context, in);
  for (int i = 0; i < MOST && p->before[i].h; i++) {
    const onefold_pool2d_params params = params_of(&p->before[i], stride);
    test_ok(context, onefold_graph_output(graph, onefold_graph_max_pool(graph, 0, &params)));
  }
  return graph;
}

static onefold_graph *fold(const onefold_graph *graph, int chains) {
  onefold_fold_options options = fold_defaults();
  options.chain_pools = chains;
  return graph_fold_with(graph->context, graph, options, NULL);
}

/// Output i has the window after[i].
static void expect_windows(const onefold_graph *graph, const window *after) {
  for (int32_t i = 0; i < graph->output_count; i++) {
    const onefold_pool2d_params want = params_of(&after[i], 1);
    const onefold_pool2d_params got = graph->nodes[graph->outputs[i]].as.pool;
    if (got.kernel_h != want.kernel_h || got.kernel_w != want.kernel_w ||
        got.pad_top != want.pad_top || got.pad_bottom != want.pad_bottom ||
        got.pad_left != want.pad_left || got.pad_right != want.pad_right)
      test_failed("output %d: window %lldx%lld", (int)i, (long long)got.kernel_h,
                  (long long)got.kernel_w);
  }
}

/// Both graphs give the same for `x`, one operator at a time and fused: bits, or no number.
static void expect_same_bits(const onefold_graph *a, const onefold_graph *b, const float *x) {
  for (int fused = 0; fused < 2; fused++) {
    const graph_form form = {fused, ONEFOLD_NCHW, ONEFOLD_NCHW};
    float **y = graph_run(a->context, a, form, &x), **z = graph_run(a->context, b, form, &x);
    for (int32_t k = 0; k < a->output_count; k++) {
      size_t n = 0;
      assert_true(onefold_shape_elements(a->nodes[a->outputs[k]].shape, &n));
      const onefold_shape s = a->nodes[a->outputs[k]].shape, t = b->nodes[b->outputs[k]].shape;
      assert_true(s.n == t.n && s.c == t.c && s.h == t.h && s.w == t.w);
      for (size_t i = 0; i < n; i++)
        if (memcmp(&y[k][i], &z[k][i], sizeof **y) != 0 && !(isnan(y[k][i]) && isnan(z[k][i])))
          test_failed("output %d, element %zu: %.9g, not %.9g", (int)k, i, (double)z[k][i],
                      (double)y[k][i]);
    }
    free(y);
    free(z);
  }
}

/// Finite values; then some that are infinite of either sign or no number, and an image of minus
/// infinity alone.
static void check_bits(const onefold_graph *graph, const onefold_graph *folded, test_rng *rng) {
  size_t n = 0;
  assert_true(onefold_shape_elements(graph->nodes[0].shape, &n));
  float *x = malloc(n * sizeof *x);
  assert_non_null(x);
  test_fill_uniform(rng, x, n);
  expect_same_bits(graph, folded, x);
  for (size_t i = 0; i < n; i++) {
    if (test_once_in(rng, 16)) x[i] = test_once_in(rng, 2) ? INFINITY : NAN;
    if (test_once_in(rng, 3)) x[i] = -INFINITY;
  }
  expect_same_bits(graph, folded, x);
  for (size_t i = 0; i < n; i++) x[i] = -INFINITY;
  expect_same_bits(graph, folded, x);
  free(x);
}

static const onefold_shape images[] = {
    {1, 17, 20, 20}, {2, 5, 7, 13}, {1, 16, 3, 2}, {1, 3, 1, 31}};

static void test_chains(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {81};
  for (size_t i = 0; i < sizeof chained / sizeof *chained; i++)
    for (size_t k = 0; k < sizeof images / sizeof *images; k++) {
      test_case("%s, image %zu", chained[i].name, k);
      if (images[k].h < 2 && chained[i].before[0].bottom != chained[i].before[0].top) continue;
      onefold_graph *graph = build(context, &chained[i], images[k], 1);
      test_ok(context, onefold_graph_status(graph));
      onefold_graph *folded = fold(graph, 1), *off = fold(graph, 0), *again = fold(folded, 1);
      expect_windows(folded, chained[i].after);
      expect_windows(off, chained[i].before);
      graph_expect_same(folded, again);
      check_bits(graph, folded, &rng);
      fold_drop(off, again);
      fold_drop(graph, folded);
    }
  onefold_context_destroy(context);
}

/// Pools that stay what they are: of one input, of two, and with a stride.
static void test_apart(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
    test_case("%s", apart[i].name);
    onefold_graph *graph = build(context, &apart[i], images[0], 1), *folded = fold(graph, 1);
    expect_windows(folded, apart[i].after);
    fold_drop(graph, folded);
  }
  test_case("stride 2");
  onefold_graph *graph = build(context, &chained[0], images[0], 2), *folded = fold(graph, 1);
  expect_windows(folded, chained[0].before);
  fold_drop(graph, folded);
  test_case("two inputs");
  graph = graph_with_input(context, images[0]);
  for (int i = 0; i < 2; i++) {
    const onefold_node x = i ? onefold_graph_input(graph, images[0]) : 0;
    const onefold_pool2d_params params = params_of(&chained[0].before[i], 1);
    test_ok(context, onefold_graph_output(graph, onefold_graph_max_pool(graph, x, &params)));
  }
  folded = fold(graph, 1);
  expect_windows(folded, chained[0].before);
  fold_drop(graph, folded);
  onefold_context_destroy(context);
}

/// A pool that nothing reads is no base, and one that is read further on stays right.
static void test_readers(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {82};
  onefold_graph *graph = graph_with_input(context, images[1]);
  const onefold_pool2d_params five = onefold_pool2d_square(5, 1, 2);
  const onefold_pool2d_params nine = onefold_pool2d_square(9, 1, 4);
  const onefold_pool2d_params three = onefold_pool2d_square(3, 1, 1);
  onefold_graph_max_pool(graph, 0, &three); // nothing reads it
  const onefold_node large = onefold_graph_max_pool(graph, 0, &nine);
  const onefold_node sum[2] = {large, onefold_graph_max_pool(graph, large, &five)};
  const onefold_node small = onefold_graph_max_pool(graph, 0, &five);
  const onefold_node parts[3] = {onefold_graph_sum(graph, sum, 2), small, 0};
  test_ok(context, onefold_graph_output(graph, onefold_graph_concat(graph, parts, 3)));
  onefold_graph *folded = fold(graph, 1);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_MAX_POOL), 3);
  for (int32_t i = 0; i < folded->node_count; i++) {
    if (folded->nodes[i].kind == ONEFOLD_NODE_MAX_POOL)
      assert_int_equal(folded->nodes[i].as.pool.kernel_h, 5);
  }
  check_bits(graph, folded, &rng);
  fold_drop(graph, folded);
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_chains),
      cmocka_unit_test(test_apart),
      cmocka_unit_test(test_readers),
  };
  return test_every_level("fold_pools", tests, sizeof tests / sizeof *tests);
}
