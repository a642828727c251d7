// SPDX-License-Identifier: BSD-3-Clause
// Graphs that are folded, and held to their reference.
#include "tests/fold_support.h"

#include <stdlib.h>

onefold_graph *fold_new_graph(onefold_context *context, int64_t channels, int64_t h, int64_t w,
                              onefold_node *input) {
  onefold_graph *graph;
  test_ok(context, onefold_graph_create(context, &graph));
  *input = onefold_graph_input(graph, (onefold_shape){1, channels, h, w});
  return graph;
}

void fold_finish(onefold_graph *graph, onefold_node node) {
  test_ok(graph->context, onefold_graph_output(graph, node));
  test_ok(graph->context, onefold_graph_status(graph));
}

onefold_fold_options fold_defaults(void) {
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  return options;
}

onefold_graph *fold_checked(onefold_graph *graph, onefold_fold_options options,
                            graph_report *report) {
  onefold_context *context = graph->context;
  test_rng rng = {91};
  onefold_graph *folded = graph_fold_with(context, graph, options, report);
  const float *const *x = graph_random_inputs(&rng, graph);
  float **y = graph_run(context, folded, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW}, x);
  for (int32_t k = 0; k < graph->output_count; k++) {
    graph_result reference = graph_reference(graph, x, k);
    graph_expect(&reference, y[k], 2);
    graph_result_free(&reference);
  }
  free(y);
  free((void *)x);
  onefold_graph *again = graph_fold_with(context, folded, options, NULL);
  graph_expect_same(folded, again);
  onefold_graph_destroy(again);
  onefold_graph_destroy(graph);
  return folded;
}

void fold_expect_verdict(const graph_report *report, int region, onefold_fold_verdict verdict) {
  assert_true(report->count > region);
  if (report->regions[region].verdict != verdict)
    test_failed("region %d: verdict %s (%s), expected %s", region,
                onefold_fold_verdict_name(report->regions[region].verdict), report->reasons[region],
                onefold_fold_verdict_name(verdict));
}

onefold_graph *fold_expecting(const onefold_graph *graph, onefold_fold_verdict verdict,
                              uint64_t seed) {
  onefold_context *context = graph->context;
  test_rng rng = {seed};
  graph_report report;
  onefold_graph *folded = graph_fold(context, graph, &report);
  assert_int_equal(report.count, 1);
  if (report.regions[0].verdict != verdict)
    test_failed("verdict %s (%s), expected %s",
                onefold_fold_verdict_name(report.regions[0].verdict), report.reasons[0],
                onefold_fold_verdict_name(verdict));
  assert_int_equal(report.reasons[0][0] == '\0', verdict == ONEFOLD_FOLD_EXACT);
  graph_check_random(context, graph, &rng);
  onefold_graph *again = graph_fold(context, folded, NULL);
  graph_expect_same(folded, again);
  onefold_graph_destroy(again);
  return folded;
}

void fold_drop(onefold_graph *a, onefold_graph *b) {
  onefold_graph_destroy(a);
  onefold_graph_destroy(b);
}
