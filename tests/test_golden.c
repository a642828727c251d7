// SPDX-License-Identifier: BSD-3-Clause
// The files of tests/vectors/, written by PyTorch (tools/golden_blocks.py): a block's weights in
// training form, its inputs, and the output in double precision. Every form of the block must
// agree on every ISA level, and fold as the file says.
#include "tests/block_support.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef ONEFOLD_TEST_VECTORS
#error "ONEFOLD_TEST_VECTORS names the directory of the golden files"
#endif

enum { MOST_INPUTS = 2, VERDICTS = ONEFOLD_FOLD_NOT_FINITE + 1 };

typedef struct golden {
  onefold_context *context;
  onefold_weights *weights;
  const char *block; // of the file's metadata
  onefold_graph *graph;
  const float *x[MOST_INPUTS];
  float *y;
} golden;

// -------------------------------------------------------------------- files

static int is_golden(const struct dirent *entry) {
  return block_name_ends(entry->d_name, ".safetensors");
}

/// Calls `visit` with the path of each file, in the order of their names.
static void visit_files(void (*visit)(void *user, const char *path), void *user) {
  struct dirent **entries;
  const int count = scandir(ONEFOLD_TEST_VECTORS, &entries, is_golden, alphasort);
  if (count <= 0) test_failed("no golden files in %s", ONEFOLD_TEST_VECTORS);
  for (int i = 0; i < count; i++) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s", ONEFOLD_TEST_VECTORS, entries[i]->d_name);
    test_case("%s", path);
    visit(user, path);
    free(entries[i]);
  }
  free(entries);
}

/// A text of the file's metadata, or a failed test.
static const char *metadata(const onefold_weights *weights, const char *key) {
  const char *text = onefold_weights_metadata(weights, key);
  if (!text) test_failed("the file's metadata has no '%s'", key);
  return text;
}

/// A tensor of the given shape, to be freed.
static float *read_tensor(const golden *g, const char *name, onefold_shape shape) {
  const int64_t dims[4] = {shape.n, shape.c, shape.h, shape.w};
  float *values = malloc(test_elements(shape) * sizeof *values);
  assert_non_null(values);
  test_ok(g->context, onefold_weights_read(g->weights, name, dims, 4, values));
  return values;
}

static golden open_golden(onefold_isa isa, const char *path) {
  static const char *const inputs[MOST_INPUTS] = {"golden.input", "golden.input2"};
  golden g = {.context = test_context(isa, 1)};
  test_ok(g.context, onefold_weights_open(g.context, path, &g.weights));
  g.block = metadata(g.weights, "block");
  onefold_block_params p = block_params(g.context, g.block, metadata(g.weights, "params"));
  p.prefix = "block.";
  test_ok(g.context, onefold_block_build(g.context, g.block, &p, g.weights, &g.graph));
  const int count = graph_count_kind(g.graph, ONEFOLD_NODE_INPUT);
  assert_true(count <= MOST_INPUTS);
  for (int i = 0; i < count; i++) {
    const onefold_node node = onefold_graph_input_at(g.graph, (size_t)i);
    g.x[i] = read_tensor(&g, inputs[i], onefold_graph_shape(g.graph, node));
  }
  assert_int_equal(g.graph->output_count, 1);
  g.y = read_tensor(&g, "golden.output", onefold_graph_shape(g.graph, g.graph->outputs[0]));
  return g;
}

static void close_golden(golden *g) {
  for (int i = 0; i < MOST_INPUTS; i++) free((void *)g->x[i]);
  free(g->y);
  onefold_graph_destroy(g->graph);
  onefold_weights_close(g->weights);
  onefold_context_destroy(g->context);
}

// ------------------------------------------------------------------ results

/// The reference, of which the value is PyTorch's. Ours in double may differ by the rounding of
/// the file's floats: of the output, and of constants that a builder computes.
static graph_result golden_reference(const golden *g) {
  graph_result reference = graph_reference(g->graph, g->x, 0);
  for (size_t i = 0; i < reference.count; i++) {
    const double want = (double)g->y[i];
    if (!(fabs(reference.value[i] - want) <= 0x1p-23 * reference.scale[i]))
      test_failed("element %zu: reference %.9g, PyTorch %.9g", i, reference.value[i], want);
    reference.value[i] = want;
  }
  return reference;
}

static void collect_verdict(void *user, const onefold_fold_region *region) {
  ((int *)user)[region->verdict]++;
}

/// Folds the block, and checks what is reported and left.
static onefold_graph *fold_golden(const golden *g) {
  int verdicts[VERDICTS] = {0};
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.report = collect_verdict;
  options.user = verdicts;
  onefold_graph *folded = graph_fold_with(g->context, g->graph, options, NULL);
  char text[256] = "";
  for (int v = 0; v < VERDICTS; v++)
    if (verdicts[v])
      snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", *text ? ", " : "",
               onefold_fold_verdict_name((onefold_fold_verdict)v));
  const char *want = metadata(g->weights, "verdicts");
  if (strcmp(text, want) != 0) test_failed("folding reports '%s', expected '%s'", text, want);
  const int convs = graph_count_kind(folded, ONEFOLD_NODE_CONV2D);
  want = metadata(g->weights, "convs");
  if (convs != atoi(want)) test_failed("folding leaves %d convolutions, expected %s", convs, want);
  return folded;
}

static void check_file(void *user, const char *path) {
  golden g = open_golden(*(const onefold_isa *)user, path);
  graph_result reference = golden_reference(&g);
  onefold_graph *branches = graph_branches(g.context, g.graph, NULL);
  onefold_graph *folded = fold_golden(&g);
  const struct {
    const onefold_graph *graph;
    graph_form form;
    double factor;
  } runs[] = {
      {g.graph, {0, ONEFOLD_NCHW, ONEFOLD_NCHW}, 1},
      {g.graph, {1, ONEFOLD_BLOCKED, ONEFOLD_NCHW}, 1},
      {branches, {1, ONEFOLD_NCHW, ONEFOLD_NHWC}, 2},
      {folded, {1, ONEFOLD_NCHW, ONEFOLD_NCHW}, 2},
      {folded, {1, ONEFOLD_NHWC, ONEFOLD_BLOCKED}, 2},
  };
  for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
    float **y = graph_run(g.context, runs[i].graph, runs[i].form, g.x);
    graph_expect(&reference, y[0], runs[i].factor);
    free(y);
  }
  onefold_graph_destroy(folded);
  onefold_graph_destroy(branches);
  graph_result_free(&reference);
  close_golden(&g);
}

static void test_files(void **state) {
  onefold_isa isa = test_level(state);
  visit_files(check_file, &isa);
}

// ----------------------------------------------------------------- the list

enum { MOST_BLOCKS = 256 };

static void note_block(void *user, const char *path) {
  int *seen = user;
  golden g = open_golden(ONEFOLD_ISA_REF, path);
  for (size_t i = 0; i < MOST_BLOCKS && onefold_block_name(i); i++)
    seen[i] += strcmp(onefold_block_name(i), g.block) == 0;
  close_golden(&g);
}

static void test_every_block(void **state) {
  (void)state;
  int seen[MOST_BLOCKS] = {0};
  visit_files(note_block, seen);
  for (size_t i = 0; onefold_block_name(i); i++) {
    assert_true(i < MOST_BLOCKS);
    if (!seen[i]) test_failed("no golden file of the block '%s'", onefold_block_name(i));
  }
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest list[] = {cmocka_unit_test(test_every_block)};
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_files)};
  const int failures = cmocka_run_group_tests_name("golden_list", list, NULL, NULL);
  return failures + test_every_level("golden", tests, sizeof tests / sizeof *tests);
}
