// SPDX-License-Identifier: BSD-3-Clause
// Parameters that few blocks take, beside the grid that all are run over: every form agrees with
// the reference, and the folded form has as many convolutions as it should.
#include "tests/block_support.h"

#include <stdlib.h>

static const struct {
  const char *block, *text;
  int convs, forced; // after folding, and after folding at any cost
} rows[] = {
    // The other kernels of ACNet are padded or cropped along their narrow side.
    {"acnet", "padding=0", 1, 1},
    {"acnet", "kernel=5 padding=1", 1, 1},
    {"acnet", "kernel=5 padding=1 stride=2 groups=2", 1, 1},
    {"acnet", "kernel=5 padding=4", 1, 1},
    {"acnet", "kernel=5 padding=4 stride=2 dilation=2", 1, 1},
    {"acnet", "kernel=7 padding=1 groups=4", 1, 1},
    {"repvgg", "dilation=3 stride=2 groups=2 se_hidden=3", 1, 1},
    {"repvgg", "se_hidden=4 se_style=linear", 1, 1},
    {"repvggplus", "dilation=3 stride=2 groups=2 se_hidden=3", 1, 1},
    {"repvggplus", "se_hidden=4", 1, 1},
    {"bottleneck_v8", "groups=3", 2, 2},
    {"mobileone", "groups=12 repeats=4 kernel=5 se_hidden=3", 1, 1},
    {"mobileone", "groups=1 kernel=1 repeats=1", 1, 1},
    {"mobileone", "groups=1 kernel=7 repeats=2 dilation=2", 1, 1},
    {"qarepvgg_v2", "groups=3", 1, 1},
    {"linear_add", "groups=3 stride=2", 1, 1},
    {"repghost", "kernel=5 stride=2 reparam_identity=1", 2, 2},
    {"repghost", "reparam_bn=0", 2, 2},
    {"orepa", "kernel=5 dilation=2", 1, 1},
    {"orepa", "kernel=5 orepa_prior=seed_3x3_zero", 1, 1},
    {"orepa", "kernel=1", 1, 1},
    {"orepa", "groups=3 mid_channels=24 orepa_row_order=grouped", 1, 1},
    {"orepa_1x1", "stride=2", 1, 1},
    {"orepa_1x1", "out_channels=5", 1, 1},
    {"orepa_3x3", "stride=2 mid_channels=5", 1, 1},
    {"repvgg_orepa", "se_hidden=3", 1, 1},
    {"dbb", "kernel=5 mid_channels=20", 1, 1},
    {"dbb", "kernel=7 groups=12 stride=2", 1, 1},
    // A large kernel of many channels is cheaper as a stack.
    {"orepa_largeconv_base", "kernel=7", 3, 1},
    {"orepa_largeconv_base", "kernel=5 stride=2 groups=3 largeconv_order=sequential", 1, 1},
    {"orepa_largeconv_base", "kernel=7 dilation=2 padding=3", 1, 1},
    {"orepa_largeconv", "kernel=5", 2, 1},
    {"orepa_largeconv", "kernel=5 padding=5", 1, 1},
    {"orepa_largeconv", "kernel=7 stride=2 largeconv_order=sequential", 1, 1},
};

static void check_forced(onefold_context *context, const onefold_graph *graph, int convs,
                         test_rng *rng) {
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.force = 1;
  onefold_graph *folded = graph_fold_with(context, graph, options, NULL);
  const int count = graph_count_kind(folded, ONEFOLD_NODE_CONV2D);
  if (count != convs) test_failed("%d convolutions when forced, not %d", count, convs);
  const float *const *x = graph_random_inputs(rng, graph);
  graph_result reference = graph_reference(graph, x, 0);
  float **y = graph_run(context, folded, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW}, x);
  graph_expect(&reference, y[0], 2);
  free(y);
  graph_result_free(&reference);
  free((void *)x);
  onefold_graph_destroy(folded);
}

static void test_variants(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, 29, &weights));
  test_rng rng = {95};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_case("%s %s", rows[i].block, rows[i].text);
    onefold_block_params p =
        block_params(context, rows[i].block, "input=2x12x10x9 out_channels=12");
    test_ok(context, onefold_block_params_set(context, &p, rows[i].text));
    onefold_graph *graph;
    test_ok(context, onefold_block_build(context, rows[i].block, &p, weights, &graph));
    onefold_graph *folded = graph_fold(context, graph, NULL);
    const int convs = graph_count_kind(folded, ONEFOLD_NODE_CONV2D);
    if (convs != rows[i].convs) test_failed("%d convolutions, not %d", convs, rows[i].convs);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_BORDER), 0);
    onefold_graph_destroy(folded);
    check_forced(context, graph, rows[i].forced, &rng);
    graph_check_random(context, graph, &rng);
    onefold_graph_destroy(graph);
  }
  onefold_weights_close(weights);
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_variants)};
  return test_every_level("blocks_variants", tests, sizeof tests / sizeof *tests);
}
