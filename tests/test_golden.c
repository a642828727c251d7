// SPDX-License-Identifier: BSD-3-Clause
// Blocks of tests/vectors/, written by PyTorch (tools/golden_*.py): weights, an input, and the
// output of the training form in double precision. Every form must agree on every ISA level.
#include "tests/graph_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef ONEFOLD_TEST_VECTORS
#error "ONEFOLD_TEST_VECTORS names the directory of the golden files"
#endif

enum { OUT_CHANNELS, STRIDE, DILATION, GROUPS, HIDDEN, EPSILON, ACTIVATION, PARAM_COUNT };

/// A tensor of the file in memory to be freed; its dimensions in `dims`.
static float *read_golden(onefold_context *context, const onefold_weights *weights,
                          const char *name, int64_t dims[8]) {
  int32_t rank;
  test_ok(context, onefold_weights_shape(weights, name, dims, &rank));
  size_t count = 1;
  for (int32_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  float *values = malloc(count * sizeof *values);
  assert_non_null(values);
  test_ok(context, onefold_weights_read(weights, name, dims, rank, values));
  return values;
}

static void check_file(onefold_isa isa, const char *name) {
  onefold_context *context = test_context(isa, 1);
  char path[512];
  snprintf(path, sizeof path, "%s/repvgg_%s.safetensors", ONEFOLD_TEST_VECTORS, name);
  test_case("%s", path);
  onefold_weights *weights;
  test_ok(context, onefold_weights_open(context, path, &weights));
  int64_t in[8], out[8], size[8];
  float *params = read_golden(context, weights, "golden.params", size);
  float *x = read_golden(context, weights, "golden.input", in);
  float *golden = read_golden(context, weights, "golden.output", out);
  assert_int_equal(size[0], PARAM_COUNT);

  onefold_block_params p;
  test_ok(context, onefold_block_params_init(context, "repvgg", &p));
  p.input = (onefold_shape){in[0], in[1], in[2], in[3]};
  p.out_channels = (int64_t)params[OUT_CHANNELS];
  p.stride = (int64_t)params[STRIDE];
  p.dilation = (int64_t)params[DILATION];
  p.groups = (int64_t)params[GROUPS];
  p.se_hidden = (int64_t)params[HIDDEN];
  p.bn_epsilon = (double)params[EPSILON];
  p.activation = (onefold_activation)params[ACTIVATION];
  p.prefix = "block.";
  onefold_graph *graph;
  test_ok(context, onefold_block_build(context, "repvgg", &p, weights, &graph));
  const onefold_shape shape = onefold_graph_shape(graph, graph->outputs[0]);
  assert_int_equal(shape.n, out[0]);
  assert_int_equal(shape.c, out[1]);
  assert_int_equal(shape.h, out[2]);
  assert_int_equal(shape.w, out[3]);

  // Our reference in double differs from PyTorch's by the rounding of the file alone.
  graph_result reference = graph_reference(graph, (const float *const[]){x}, 0);
  for (size_t i = 0; i < reference.count; i++)
    if (!(fabs(reference.value[i] - (double)golden[i]) <= 0x1p-23 * reference.scale[i]))
      test_failed("element %zu: reference %.9g, PyTorch %.9g", i, reference.value[i],
                  (double)golden[i]);
  for (size_t i = 0; i < reference.count; i++) reference.value[i] = (double)golden[i];
  onefold_graph *branches = graph_branches(context, graph, NULL);
  onefold_graph *folded = graph_fold(context, graph, NULL);
  graph_only(folded, ONEFOLD_NODE_CONV2D);
  const onefold_graph *const forms[3] = {graph, branches, folded};
  for (int i = 0; i < 3; i++) {
    float **y = graph_run(context, forms[i], (graph_form){i > 0, ONEFOLD_NCHW, ONEFOLD_NCHW},
                          (const float *const[]){x});
    graph_expect(&reference, y[0], 2);
    free(y);
  }
  onefold_graph_destroy(folded);
  onefold_graph_destroy(branches);
  onefold_graph_destroy(graph);
  graph_result_free(&reference);
  onefold_weights_close(weights);
  free(golden);
  free(x);
  free(params);
  onefold_context_destroy(context);
}

#define GOLDEN(name)                                                                               \
  static void test_##name(void **state) {                                                          \
    check_file((onefold_isa)(intptr_t)*state, #name);                                              \
  }
GOLDEN(identity)
GOLDEN(groups)
GOLDEN(depthwise)
GOLDEN(stride)
GOLDEN(image)
GOLDEN(dilation)
GOLDEN(se)

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_identity),  cmocka_unit_test(test_groups),
      cmocka_unit_test(test_depthwise), cmocka_unit_test(test_stride),
      cmocka_unit_test(test_image),     cmocka_unit_test(test_dilation),
      cmocka_unit_test(test_se),
  };
  return test_every_level("golden", tests, sizeof tests / sizeof *tests);
}
