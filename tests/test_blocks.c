// SPDX-License-Identifier: BSD-3-Clause
// Every row of the list of blocks over a grid of parameters: eager, fused, branches and folded
// forms agree with the reference in double, or the block refuses with a sentence.
#include "tests/graph_support.h"

#include <stdio.h>
#include <string.h>

#define CHANNELS "12"

/// One axis of the grid: parameters for onefold_block_params_set. NULL ends it.
static const char *const axes[][6] = {
    {"groups=1", "groups=2", "groups=4", "groups=" CHANNELS, NULL},
    {"stride=1", "stride=2", NULL},
    {"", "kernel=3", "kernel=5", NULL}, // the first is the block's own
    {"out_channels=" CHANNELS, "out_channels=24", "identity=0 out_channels=" CHANNELS, NULL},
    {"input=1x" CHANNELS "x7x6", "input=2x" CHANNELS "x8x9", "input=1x" CHANNELS "x14x14",
     "input=1x" CHANNELS "x1x1", "input=1x" CHANNELS "x2x3", NULL},
    {"activation=none", "activation=relu", "activation=silu",
     "activation=leaky_relu activation_param=0.1", NULL},
};
enum { AXES = sizeof axes / sizeof *axes, MOST_VALUES = 6 };

/// Of the grid's points that build, one in so many is run in all forms.
#define RUN_ONE_IN 19

typedef struct grid {
  onefold_context *context;
  onefold_weights *weights;
  const char *block;
  int alive[AXES][MOST_VALUES]; // the values that build beside the others of the first point
} grid;

/// The point of a number; zero past the last.
static int nth_point(int number, int point[AXES]) {
  for (int a = 0; a < AXES; a++) {
    int count = 0;
    while (axes[a][count]) count++;
    point[a] = number % count;
    number /= count;
  }
  return number == 0;
}

/// The graph of a point, or NULL where the block refuses it, which it must do with a status of
/// its own and a sentence.
static onefold_graph *build(const grid *g, const int point[AXES]) {
  onefold_block_params p;
  char text[256] = "";
  for (int a = 0; a < AXES; a++) {
    const size_t used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s ", axes[a][point[a]]);
  }
  test_case("%s %s", g->block, text);
  test_ok(g->context, onefold_block_params_init(g->context, g->block, &p));
  test_ok(g->context, onefold_block_params_set(g->context, &p, onefold_block_typical(g->block)));
  const onefold_block_params typical = p;
  test_ok(g->context, onefold_block_params_set(g->context, &p, text));
  // A second input keeps its part of the result.
  p.route_channels = typical.route_channels * p.out_channels / typical.out_channels;
  onefold_graph *graph;
  const onefold_status status = onefold_block_build(g->context, g->block, &p, g->weights, &graph);
  if (status == ONEFOLD_OK) return graph;
  assert_null(graph);
  char sentence[256];
  onefold_context_last_error(g->context, sentence, sizeof sentence);
  if (status != ONEFOLD_INVALID_ARGUMENT && status != ONEFOLD_SHAPE_MISMATCH &&
      status != ONEFOLD_UNSUPPORTED)
    test_failed("refused with '%s': %s", onefold_status_name(status), sentence);
  assert_true(strlen(sentence) > 10);
  return NULL;
}

static int builds(const grid *g, const int point[AXES]) {
  onefold_graph *graph = build(g, point);
  onefold_graph_destroy(graph);
  return graph != NULL;
}

/// Finds the first point that builds, and which values do in its neighbourhood.
static void find_alive(grid *g) {
  int first[AXES], number = 0;
  while (nth_point(number, first) && !builds(g, first)) number++;
  if (!nth_point(number, first)) test_failed("no point of the grid builds");
  for (int a = 0; a < AXES; a++)
    for (int v = 0; axes[a][v]; v++) {
      int point[AXES];
      memcpy(point, first, sizeof point);
      point[a] = v;
      g->alive[a][v] = builds(g, point);
    }
}

static int all_alive(const grid *g, const int point[AXES]) {
  int alive = 1;
  for (int a = 0; a < AXES; a++) alive &= g->alive[a][point[a]];
  return alive;
}

static void check_block(onefold_context *context, const char *block) {
  grid g = {.context = context, .block = block};
  test_rng rng = {21};
  int point[AXES], built = 0, refused = 0;
  const int run_one_in = RUN_ONE_IN * 5 / test_scaled(5);
  test_ok(context, onefold_weights_seeded(context, test_random(&rng), &g.weights));
  find_alive(&g);
  for (int number = 0; nth_point(number, point); number++) {
    if (!all_alive(&g, point)) continue; // refused for one value alone
    onefold_graph *graph = build(&g, point);
    if (!graph) {
      refused++;
      continue;
    }
    if (built++ % run_one_in == 0) graph_check_random(context, graph, &rng);
    onefold_graph_destroy(graph);
  }
  test_case("%s", block);
  if (built < refused) test_failed("%d points build, %d are refused", built, refused);
  onefold_weights_close(g.weights);
}

static void test_grid(void **state) {
  onefold_context *context = test_context(test_level(state), 2);
  for (size_t i = 0; onefold_block_name(i); i++) check_block(context, onefold_block_name(i));
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_grid)};
  return test_every_level("blocks", tests, sizeof tests / sizeof *tests);
}
