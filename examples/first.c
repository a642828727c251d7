// SPDX-License-Identifier: BSD-3-Clause
// Folds a RepVGG block into one convolution and runs it.
#include <onefold/onefold.h>

#include <stdio.h>

static float x[64 * 56 * 56], y[64 * 56 * 56]; // NCHW

int main(void) {
  onefold_context *context = NULL;
  if (onefold_context_create(NULL, &context)) return 1; // every core, the best ISA
  for (size_t i = 0; i < sizeof x / sizeof x[0]; i++) x[i] = (float)(i % 7);
  onefold_weights *weights = NULL;
  onefold_block_params params;
  onefold_graph *block = NULL, *folded = NULL;
  onefold_exec *exec = NULL;
  onefold_status failed = onefold_block_params_init(context, "repvgg", &params);
  params.input = (onefold_shape){1, 64, 56, 56};
  params.out_channels = 64;
  if (!failed) failed = onefold_weights_seeded(context, 4, &weights); // or onefold_weights_open
  if (!failed) failed = onefold_block_build(context, "repvgg", &params, weights, &block);
  if (!failed) failed = onefold_fold(context, block, NULL, &folded);
  if (!failed) failed = onefold_exec_create(context, folded, NULL, &exec);
  if (!failed) failed = onefold_exec_pack(exec);
  if (!failed) failed = onefold_exec_run(exec, (const float *[]){x}, (float *[]){y});
  char why[256];
  onefold_context_last_error(context, why, sizeof why);
  if (failed) fprintf(stderr, "%s: %s\n", onefold_status_name(failed), why);
  if (!failed) {
    printf("%lld nodes became %lld; y[0] is %g\n", (long long)onefold_graph_count(block).nodes,
           (long long)onefold_graph_count(folded).nodes, (double)y[0]);
  }
  onefold_exec_destroy(exec);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(block);
  onefold_weights_close(weights);
  onefold_context_destroy(context);
  return failed;
}
