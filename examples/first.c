// SPDX-License-Identifier: BSD-3-Clause
// Folds a RepVGG block into one convolution, runs both forms and compares them.
#include <onefold/onefold.h>

#include <math.h>
#include <stdio.h>

enum { CHANNELS = 64, SIZE = 56, ELEMENTS = CHANNELS * SIZE * SIZE };
static float input[ELEMENTS], trained[ELEMENTS], folded[ELEMENTS]; // NCHW

static onefold_status run(onefold_context *context, const onefold_graph *graph, float *output) {
  onefold_exec *exec = NULL;
  onefold_status status = onefold_exec_create(context, graph, NULL, &exec);
  if (!status) status = onefold_exec_pack(exec);
  if (!status) status = onefold_exec_run(exec, (const float *[]){input}, &output);
  onefold_exec_destroy(exec);
  return status;
}

int main(void) {
  onefold_context *context = NULL;
  onefold_weights *weights = NULL;
  onefold_graph *block = NULL, *conv = NULL;
  onefold_block_params params;
  if (onefold_context_create(NULL, &context) || onefold_weights_seeded(context, 1, &weights) ||
      onefold_block_params_init(context, "repvgg", &params))
    return 1;
  params.input = (onefold_shape){1, CHANNELS, SIZE, SIZE};
  params.out_channels = CHANNELS;
  for (int i = 0; i < ELEMENTS; i++) input[i] = (float)(i % 17 - 8) / 8;

  if (onefold_block_build(context, "repvgg", &params, weights, &block) ||
      onefold_fold(context, block, ONEFOLD_FOLD_REGIONS, NULL, NULL, &conv) ||
      run(context, block, trained) || run(context, conv, folded)) {
    char why[256];
    onefold_context_last_error(context, why, sizeof why);
    fprintf(stderr, "%s\n", why);
    return 1;
  }
  float error = 0;
  for (int i = 0; i < ELEMENTS; i++) error = fmaxf(error, fabsf(trained[i] - folded[i]));
  printf("%lld nodes became %lld; largest difference %g\n",
         (long long)onefold_graph_count(block).nodes, (long long)onefold_graph_count(conv).nodes,
         (double)error);

  onefold_graph_destroy(conv);
  onefold_graph_destroy(block);
  onefold_weights_close(weights);
  onefold_context_destroy(context);
  return error < 1e-3f ? 0 : 1;
}
