// SPDX-License-Identifier: BSD-3-Clause
// The memory of executions: the arena and its views, runs that allocate nothing, and what happens
// when an allocation fails.
#include "graph/exec.h"
#include "tests/graph_support.h"

#include <stdlib.h>

static int in_arena(const onefold_value *v) {
  return v->input < 0 && v->output < 0 && !v->constant && v->parent == ONEFOLD_NO_VALUE &&
         v->last >= 0;
}

/// No two values, and no value and a workspace, share bytes while both live; views lie in values
/// that live as long.
static void expect_apart(onefold_context *context, const onefold_graph *g, int fused) {
  const onefold_exec_options options = {.struct_size = sizeof options,
                                        .in_layout = ONEFOLD_BLOCKED,
                                        .out_layout = ONEFOLD_BLOCKED,
                                        .fuse_epilogues = fused};
  onefold_exec *exec;
  test_ok(context, onefold_exec_create(context, g, &options, &exec));
  for (int32_t i = 0; i < exec->value_count; i++) {
    const onefold_value *a = &exec->values[i];
    if (a->parent != ONEFOLD_NO_VALUE) {
      const onefold_value *root = &exec->values[a->parent];
      assert_true(root->parent == ONEFOLD_NO_VALUE && a->input < 0 && a->output < 0);
      assert_true(a->offset + a->bytes <= root->bytes);
      assert_true(root->first <= a->first && a->last <= root->last);
    }
    if (!in_arena(a)) continue;
    assert_true(a->offset % 64 == 0 && a->offset + a->bytes <= exec->arena_bytes);
    for (int32_t k = 0; k < i; k++) {
      const onefold_value *b = &exec->values[k];
      if (!in_arena(b) || b->last < a->first || a->last < b->first) continue;
      assert_true(a->offset + a->bytes <= b->offset || b->offset + b->bytes <= a->offset);
    }
    for (int32_t s = a->first; s <= a->last; s++) {
      const onefold_step *step = &exec->steps[s];
      assert_true(step->workspace == 0 || a->offset + a->bytes <= step->workspace_offset ||
                  step->workspace_offset + step->workspace <= a->offset);
    }
  }
  onefold_exec_destroy(exec);
}

/// A chain needs room for few tensors, however long it is.
static void test_arena(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {66};
  for (int fused = 0; fused <= 1; fused++) {
    onefold_graph *g = graph_mixed(context, &rng, (onefold_shape){1, 17, 6, 5});
    expect_apart(context, g, fused);
    onefold_graph_destroy(g);
  }
  for (int i = test_scaled(20); i > 0; i--) {
    onefold_graph *g = graph_random(context, &rng, (onefold_shape){1, 16, 5, 4}, 24);
    expect_apart(context, g, i % 2);
    onefold_graph_destroy(g);
  }
  onefold_graph *g = graph_with_input(context, (onefold_shape){1, 16, 8, 8});
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(16, 3, 1, 1);
  onefold_node node = 0;
  for (int i = 0; i < 20; i++) node = graph_random_conv(&rng, g, node, &k3, 0);
  onefold_graph_output(g, node);
  const onefold_exec_options options = {.struct_size = sizeof options};
  onefold_exec *exec;
  test_ok(context, onefold_exec_create(context, g, &options, &exec));
  size_t workspace = 0;
  for (int32_t s = 0; s < exec->step_count; s++)
    if (exec->steps[s].workspace > workspace) workspace = exec->steps[s].workspace;
  assert_true(exec->arena_bytes <= 2 * 16 * 64 * sizeof(float) + workspace + 64);
  onefold_exec_destroy(exec);
  onefold_graph_destroy(g);
  onefold_context_destroy(context);
}

typedef struct counter {
  int64_t calls, fail_at, live;
} counter;

static void *counted_allocate(void *user, size_t size, size_t alignment) {
  counter *c = user;
  if (c->calls++ == c->fail_at) return NULL;
  void *memory = aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory) c->live++;
  return memory;
}

static void counted_release(void *user, void *pointer) {
  counter *c = user;
  if (pointer) c->live--;
  free(pointer);
}

typedef onefold_status life_fn(onefold_context *context, counter *c);

/// Builds, folds, plans, packs and runs a block; returns the first status that is not OK.
static onefold_status life_of_block(onefold_context *context, counter *c) {
  onefold_weights *weights = NULL;
  onefold_graph *graph = NULL, *folded = NULL;
  onefold_exec *exec[2] = {NULL, NULL};
  static float x[17 * 30], y[17 * 30];
  onefold_block_params p;
  onefold_status status = onefold_block_params_init(context, "repvgg", &p);
  p.input = (onefold_shape){1, 17, 5, 6};
  p.out_channels = 17;
  p.se_hidden = 3;
  if (status == ONEFOLD_OK) status = onefold_weights_seeded(context, 1, &weights);
  if (status == ONEFOLD_OK) status = onefold_block_build(context, "repvgg", &p, weights, &graph);
  if (status == ONEFOLD_OK) status = onefold_fold(context, graph, NULL, &folded);
  for (int i = 0; i < 2 && status == ONEFOLD_OK; i++) {
    status = onefold_exec_create(context, i ? folded : graph, NULL, &exec[i]);
    if (status == ONEFOLD_OK) status = onefold_exec_pack(exec[i]);
    const int64_t before = c->calls;
    if (status == ONEFOLD_OK)
      status = onefold_exec_run(exec[i], (const float *const[]){x}, (float *const[]){y});
    assert_int_equal(c->calls, status == ONEFOLD_OK ? before : c->calls);
  }
  onefold_exec_destroy(exec[0]);
  onefold_exec_destroy(exec[1]);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
  return status;
}

/// The same for a graph of every kind of node, without folding; eager, then fused.
static onefold_status life_of_channels(onefold_context *context, counter *c) {
  static const float x[2][20 * 30], ones[36] = {1, 1};
  static float y[2][60 * 30];
  const onefold_shape shape = {1, 20, 5, 6};
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(4, 1, 1, 4);
  const onefold_pad_params pad = {1, 0, 0, 1, ones};
  const onefold_border_params border = {1, 0, 0, 0, x[0]};
  const onefold_pool2d_params pair = onefold_pool2d_square(2, 1, 0);
  const int64_t sizes[2] = {16, 4};
  onefold_graph *g = NULL;
  onefold_node parts[4];
  onefold_status status = onefold_graph_create(context, &g);
  const onefold_node a = onefold_graph_input(g, shape), b = onefold_graph_input(g, shape);
  if (g) onefold_graph_split(g, onefold_graph_scale(g, a, x[0], x[1]), sizes, 2, parts);
  parts[2] = onefold_graph_filter(g, b, &k3, ones, NULL);
  parts[3] = onefold_graph_border(g, onefold_graph_conv2d(g, b, &k3, ones, NULL), &border);
  const onefold_node all = onefold_graph_concat(g, parts, 4);
  const onefold_node mean = onefold_graph_avg_pool(g, onefold_graph_pad(g, all, &pad), &pair);
  const onefold_node most = onefold_graph_upsample(
      g, onefold_graph_global_pool(g, onefold_graph_max_pool(g, all, &pair)), 2);
  if (g) onefold_graph_output(g, mean);
  if (g)
    onefold_graph_output(g,
                         onefold_graph_linear(g, onefold_graph_identity(g, most), 1, x[0], NULL));
  if (status == ONEFOLD_OK) status = onefold_graph_status(g);
  for (int fused = 0; fused < 2 && status == ONEFOLD_OK; fused++) {
    const onefold_exec_options options = {.struct_size = sizeof options, .fuse_epilogues = fused};
    onefold_exec *exec = NULL;
    status = onefold_exec_create(context, g, &options, &exec);
    if (status == ONEFOLD_OK) status = onefold_exec_pack(exec);
    const int64_t before = c->calls;
    if (status == ONEFOLD_OK) {
      status =
          onefold_exec_run(exec, (const float *const[]){x[0], x[1]}, (float *const[]){y[0], y[1]});
      assert_int_equal(c->calls, before);
    }
    onefold_exec_destroy(exec);
  }
  onefold_graph_destroy(g);
  return status;
}

/// Whichever allocation fails, the status says so and nothing is lost.
static void expect_statuses(void **state, life_fn *life) {
  counter c = {0, -1, 0};
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = 1,
                                           .allocate = counted_allocate,
                                           .release = counted_release,
                                           .allocator_user = &c,
                                           .max_isa = test_level(state),
                                           .has_max_isa = 1};
  onefold_context *context;
  assert_int_equal(onefold_context_create(&options, &context), ONEFOLD_OK);
  const int64_t start = c.live;
  c.calls = 0;
  test_ok(context, life(context, &c));
  assert_int_equal(c.live, start);
  const int64_t total = c.calls;
  assert_true(total > 50);
  for (int64_t i = 0; i < total; i++) {
    c.calls = 0;
    c.fail_at = i;
    test_case("allocation %lld of %lld fails", (long long)i, (long long)total);
    test_fails(context, life(context, &c), ONEFOLD_OUT_OF_MEMORY);
    assert_int_equal(c.live, start);
  }
  c.fail_at = -1;
  onefold_context_destroy(context);
  assert_int_equal(c.live, 0);
}

static void test_block(void **state) {
  expect_statuses(state, life_of_block);
}

static void test_channels(void **state) {
  expect_statuses(state, life_of_channels);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_arena), cmocka_unit_test(test_block),
                                     cmocka_unit_test(test_channels)};
  return test_every_level("graph_memory", tests, sizeof tests / sizeof *tests);
}
