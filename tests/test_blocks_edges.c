// SPDX-License-Identifier: BSD-3-Clause
// Blocks at channel counts around the widths of vectors, of one to three images, in buffers that
// are aligned to one float only and end at pages that cannot be touched, in one task and
// in several, and of numbers that are not normal.
#include "tests/block_support.h"
#include "tests/split_context.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct row {
  const char *block, *text;
  int depthwise; // as many groups and output channels as there are input channels
} row;

static const row rows[] = {
    {"repvgg", "", 0},
    {"repvgg", "stride=2", 0},
    {"repvgg", "", 1},
    {"mobileone", "repeats=2", 0},
    {"mobileone", "repeats=3 kernel=5", 1},
    {"orepa", "", 0},
    {"dbb", "", 0},
    {"acnet", "dilation=2", 0},
    {"repghost", "", 0},
    {"qarepvgg_v2", "", 0},
    {"repvgg_orepa", "stride=2", 0},
    {"bottleneck", "expansion=1", 0},
};
enum { ROWS = sizeof rows / sizeof *rows };

/// Two contexts of one level, of one and of three tasks, and room for a run.
typedef struct bench {
  onefold_context *contexts[2];
  size_t most_tasks;
  test_guard in, out;
} bench;

static void bench_create(bench *b, onefold_isa isa) {
  b->contexts[0] = test_context(isa, 1);
  b->contexts[1] = split_context(isa, 3, &b->most_tasks);
  test_guard_create(&b->in, 1 << 20);
  test_guard_create(&b->out, 1 << 20);
}

static void bench_destroy(bench *b) {
  test_guard_destroy(&b->out);
  test_guard_destroy(&b->in);
  for (int k = 0; k < 2; k++) onefold_context_destroy(b->contexts[k]);
}

/// An odd number of floats before a guard page begins 4 bytes past a multiple of 8.
static float *place_odd(test_guard *guard, size_t count) {
  return test_guard_place(guard, count | 1, TEST_ENDS_AT_GUARD);
}

/// Runs a graph of one input and one output; the result is NCHW, to be freed.
static float *run_odd(bench *b, int context, const onefold_graph *graph, graph_form form,
                      const float *x) {
  const onefold_exec_options options = {.struct_size = sizeof options,
                                        .in_layout = form.in,
                                        .out_layout = form.out,
                                        .fuse_epilogues = form.fused};
  onefold_context *c = b->contexts[context];
  const int block = onefold_context_block(c);
  const onefold_shape in = graph->nodes[0].shape;
  const onefold_shape out = onefold_graph_shape(graph, graph->outputs[0]);
  const size_t elements = test_layout_elements(out, form.out, block);
  float *input = place_odd(&b->in, test_layout_elements(in, form.in, block));
  float *output = place_odd(&b->out, elements);
  test_to_layout(in, x, form.in, block, 3, input);
  onefold_exec *exec;
  test_ok(c, onefold_exec_create(c, graph, &options, &exec));
  test_ok(c, onefold_exec_pack(exec));
  test_ok(c, onefold_exec_run(exec, (const float *const[]){input}, (float *const[]){output}));
  onefold_exec_destroy(exec);
  assert_true(test_guard_intact(&b->in) && test_guard_intact(&b->out));
  if (elements % 2 == 0) assert_true(isnan(output[elements])); // the odd one
  float *y = malloc(test_layout_elements(out, ONEFOLD_NCHW, 1) * sizeof *y);
  assert_non_null(y);
  test_from_layout(out, form.out, block, output, y);
  return y;
}

/// All forms agree with the reference, and have the same bits in one task and in several.
static void check_forms(bench *b, const onefold_graph *graph, const float *x) {
  onefold_graph *branches = graph_branches(b->contexts[0], graph, NULL);
  onefold_graph *folded = graph_fold(b->contexts[0], graph, NULL);
  const struct {
    const onefold_graph *graph;
    graph_form form;
    double factor;
  } runs[] = {
      {graph, {0, ONEFOLD_NHWC, ONEFOLD_NCHW}, 1},
      {branches, {1, ONEFOLD_NCHW, ONEFOLD_NHWC}, 2},
      {folded, {1, ONEFOLD_NCHW, ONEFOLD_NCHW}, 2},
      {folded, {1, ONEFOLD_BLOCKED, ONEFOLD_BLOCKED}, 2},
  };
  graph_result reference = graph_reference(graph, &x, 0);
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    float *one = run_odd(b, 0, runs[i].graph, runs[i].form, x);
    float *several = run_odd(b, 1, runs[i].graph, runs[i].form, x);
    graph_expect(&reference, one, runs[i].factor);
    assert_memory_equal(one, several, reference.count * sizeof *one);
    free(one);
    free(several);
  }
  graph_result_free(&reference);
  onefold_graph_destroy(branches);
  onefold_graph_destroy(folded);
}

/// What a generator makes, without biases and means: such a block is linear up to activations.
static onefold_status read_linear(const onefold_weights *weights, const char *name,
                                  const int64_t *dims, int32_t rank, size_t count, float *values) {
  const onefold_status status = onefold_weights_read(weights->state, name, dims, rank, values);
  if (block_name_ends(name, ".bias") || block_name_ends(name, ".running_mean"))
    memset(values, 0, count * sizeof *values);
  return status;
}

static const onefold_weights_type linear_type = {.read = read_linear, .close = block_keep_weights};

static onefold_graph *build(onefold_context *context, const row *r, int images, int in, int out,
                            int linear) {
  onefold_weights *seeded;
  onefold_graph *graph;
  if (r->depthwise) out = in;
  onefold_block_params p = block_params(context, r->block, r->text);
  p.input = (onefold_shape){images, in, 7, 5};
  p.out_channels = out;
  if (r->depthwise) p.groups = in;
  test_case("%s %s %d images, %d to %d channels, linear %d", r->block, r->text, images, in, out,
            linear);
  test_ok(context, onefold_weights_seeded(context, 23, &seeded));
  onefold_weights weights = {&linear_type, context, seeded};
  test_ok(context, onefold_block_build(context, r->block, &p, linear ? &weights : seeded, &graph));
  onefold_weights_close(seeded);
  return graph;
}

static const int channels[] = {1, 3, 7, 8, 9, 15, 16, 17, 31, 33};
enum { CHANNELS = sizeof channels / sizeof *channels };

static void test_channels(void **state) {
  bench b = {.most_tasks = 0};
  bench_create(&b, test_level(state));
  test_rng rng = {91};
  for (int i = 0; i < ROWS; i++)
    for (int k = 0; k < CHANNELS; k++) {
      const int other = channels[1 + (k + i) % (CHANNELS - 1)];
      onefold_graph *graph = build(b.contexts[0], &rows[i], 1 + (i + k) % 3, channels[k],
                                   k % 2 ? channels[k] : other, 0);
      const float *const *x = graph_random_inputs(&rng, graph);
      check_forms(&b, graph, x[0]);
      free((void *)x);
      onefold_graph_destroy(graph);
    }
  assert_true(b.most_tasks > 1);
  bench_destroy(&b);
}

/// Inputs below the smallest normal number: the results are such numbers too, and are not zero.
static void test_denormals(void **state) {
  bench b = {.most_tasks = 0};
  bench_create(&b, test_level(state));
  test_rng rng = {92};
  for (int i = 0; i < ROWS; i++) {
    onefold_graph *graph = build(b.contexts[0], &rows[i], 1, 9, 17, 1);
    float x[9 * 7 * 5];
    test_fill_uniform(&rng, x, sizeof x / sizeof *x);
    for (size_t k = 0; k < sizeof x / sizeof *x; k++) x[k] *= 0x1p-130f;
    check_forms(&b, graph, x);
    onefold_graph *folded = graph_fold(b.contexts[0], graph, NULL);
    const onefold_shape out = onefold_graph_shape(folded, folded->outputs[0]);
    float *y = run_odd(&b, 0, folded, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW}, x);
    int64_t denormal = 0, count = out.n * out.c * out.h * out.w;
    for (int64_t k = 0; k < count; k++) denormal += y[k] != 0 && fabsf(y[k]) < FLT_MIN;
    assert_true(denormal > count / 4);
    free(y);
    onefold_graph_destroy(folded);
    onefold_graph_destroy(graph);
  }
  bench_destroy(&b);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_channels),
                                     cmocka_unit_test(test_denormals)};
  return test_every_level("blocks_edges", tests, sizeof tests / sizeof *tests);
}
