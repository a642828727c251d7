// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: graphs, folding and execution. Bytes drive the builder; what it makes is folded at
// both levels with any options, folded again, and run in all forms against the reference.
#include "tests/fuzz/graph_make.h"
#include "tests/graph_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Times the bound for a float evaluation; of a folded graph with room for a border that cancels a
// bias where every pixel is near the edge; and the largest scale, of any node, at which nothing
// overflows.
#define BOUND        8
#define FOLDED_BOUND 64
#define MAX_SCALE    1e30

// Memory for one input: nodes that nobody reads, and weights of forced folds, may be large.
#define LIMIT ((size_t)256 << 20)

static void check_region(void *user, const onefold_fold_region *region) {
  ++*(int *)user;
  FUZZ_EXPECT(region->name && region->kind && region->reason);
  FUZZ_EXPECT((region->verdict == ONEFOLD_FOLD_EXACT) == (*region->reason == '\0'));
  FUZZ_EXPECT(region->nodes_before >= 2 && region->nodes_after >= 0);
  FUZZ_EXPECT(region->parameters_before >= 0 && region->parameters_after >= 0);
  FUZZ_EXPECT(region->macs_before >= 0 && region->macs_after >= 0);
  FUZZ_EXPECT(!region->channel_min == !region->channels);
}

static onefold_fold_options read_options(fuzz_stream *stream, int *regions) {
  const uint8_t flags = fuzz_byte(stream);
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.level = flags & 1 ? ONEFOLD_FOLD_BATCH_NORM : ONEFOLD_FOLD_REGIONS;
  options.border = !(flags & 2);
  options.horizontal = (flags & 4) != 0;
  options.force = (flags & 8) != 0;
  options.measure = (flags & 16) != 0;
  options.chain_pools = !(flags & 32);
  options.before_upsample = !(flags & 64);
  options.seed = flags;
  options.report = check_region;
  options.user = regions;
  return options;
}

/// Zero where there is nothing to run, or more than is worth it.
static int may_run(const onefold_graph *graph) {
  double total = 0;
  for (int32_t i = 0; i < graph->node_count; i++) {
    const onefold_shape s = graph->nodes[i].shape;
    total += (double)s.n * (double)(s.c + 16) * (double)s.h * (double)s.w;
  }
  return graph->output_count > 0 && total < 1e6 && onefold_graph_count(graph).macs < 2e7;
}

/// Holds all forms to the reference, as far as nothing overflows.
static void compare(onefold_context *context, const onefold_graph *graph,
                    const onefold_graph *folded, fuzz_graph *g) {
  // The helpers want the lanes past the channels finite, which NaN weights do not leave.
  const onefold_layout blocked = g->strange ? ONEFOLD_NHWC : ONEFOLD_BLOCKED;
  const struct {
    const onefold_graph *graph;
    graph_form form;
  } runs[] = {
      {graph, {0, ONEFOLD_NCHW, ONEFOLD_NCHW}},
      {graph, {1, ONEFOLD_BLOCKED, ONEFOLD_NHWC}},
      {folded, {1, ONEFOLD_NHWC, blocked}},
      {folded, {0, ONEFOLD_NCHW, ONEFOLD_NCHW}},
  };
  const float *const *x = graph_random_inputs(&g->rng, graph);
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    float **y = graph_run(context, runs[i].graph, runs[i].form, x);
    for (int32_t k = 0; k < graph->output_count; k++) {
      test_case("form %zu, output %d", i, (int)k);
      graph_result reference = graph_reference(graph, x, k);
      int finite = reference.largest < MAX_SCALE;
      for (size_t e = 0; e < reference.count; e++) finite &= isfinite(reference.value[e]);
      // Weights of 1e20 that no pixel meets leave nothing of the others in a folded bias.
      finite &= !g->strange || runs[i].graph == graph;
      if (finite) graph_expect(&reference, y[k], runs[i].graph == graph ? BOUND : FOLDED_BOUND);
      graph_result_free(&reference);
    }
    free(y);
  }
  free((void *)x);
}

static void expect_same_ends(const onefold_graph *a, const onefold_graph *b) {
  for (size_t i = 0; i <= FUZZ_ENDS; i++) {
    const onefold_node ends[2][2] = {
        {onefold_graph_input_at(a, i), onefold_graph_input_at(b, i)},
        {onefold_graph_output_at(a, i), onefold_graph_output_at(b, i)},
    };
    for (int k = 0; k < 2; k++) {
      FUZZ_EXPECT((ends[k][0] == ONEFOLD_NO_NODE) == (ends[k][1] == ONEFOLD_NO_NODE));
      if (ends[k][0] == ONEFOLD_NO_NODE) continue;
      const onefold_shape s = onefold_graph_shape(a, ends[k][0]);
      const onefold_shape t = onefold_graph_shape(b, ends[k][1]);
      FUZZ_EXPECT(memcmp(&s, &t, sizeof s) == 0);
    }
  }
}

/// Creates, packs and destroys. Memory may fail here, and what cannot be run.
static void plan(onefold_context *context, const onefold_graph *graph, int without_stats) {
  onefold_exec *exec = NULL;
  onefold_status status = onefold_exec_create(context, graph, NULL, &exec);
  if (status == ONEFOLD_OK) status = onefold_exec_pack(exec);
  FUZZ_EXPECT(status == ONEFOLD_OK || status == ONEFOLD_OUT_OF_MEMORY ||
              (status == ONEFOLD_UNSUPPORTED && without_stats));
  onefold_exec_destroy(exec);
}

static void check(onefold_context *context, fuzz_graph *g, const onefold_fold_options *options,
                  int starved) {
  onefold_graph *folded = NULL, *again = NULL;
  onefold_status status = onefold_fold(context, g->graph, options, &folded);
  if (status == ONEFOLD_OK) {
    expect_same_ends(g->graph, folded);
    status = onefold_fold(context, folded, options, &again);
  }
  if (status == ONEFOLD_OK) graph_expect_same(folded, again);
  FUZZ_EXPECT(status == ONEFOLD_OK || status == ONEFOLD_OUT_OF_MEMORY);
  onefold_graph_destroy(again);
  if (status == ONEFOLD_OK && may_run(g->graph) && may_run(folded)) {
    if (starved || g->without_stats)
      plan(context, g->graph, g->without_stats);
    else
      compare(context, g->graph, folded, g);
  }
  onefold_graph_destroy(folded);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static fuzz_graph g;
  fuzz_stream stream = {bytes, size};
  const uint8_t mode = fuzz_byte(&stream);
  // From the third quarter on, memory runs out early.
  const unsigned failing = mode >= 128 ? fuzz_byte(&stream) + 1u : 0;
  onefold_context *context = fuzz_context(mode, LIMIT, failing);
  int regions = 0;
  const onefold_fold_options options = read_options(&stream, &regions);
  g.stream = &stream;
  g.graph = NULL;
  g.rng.state = mode;
  g.strange = (mode & 64) != 0;
  g.without_stats = g.inputs = g.outputs = g.count = 0;
  if (onefold_graph_create(context, &g.graph) == ONEFOLD_OK) {
    fuzz_graph_make(&g);
    if (g.outputs == 0 && g.count > 0) onefold_graph_output(g.graph, g.nodes[g.count - 1]);
    const onefold_status status = onefold_graph_status(g.graph);
    onefold_graph *folded = NULL;
    if (status == ONEFOLD_OK)
      check(context, &g, &options, failing != 0);
    else
      FUZZ_EXPECT(onefold_fold(context, g.graph, &options, &folded) == ONEFOLD_INVALID_ARGUMENT);
  }
  onefold_graph_destroy(g.graph);
  fuzz_expect_released();
  return 0;
}
