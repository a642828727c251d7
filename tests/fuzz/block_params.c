// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: parameters of blocks as text. The first byte chooses the block, the others are the
// text. A text that is refused changes nothing; what one sets is built, and small blocks folded.
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static const char *choose_block(unsigned index) {
  size_t count = 0;
  while (onefold_block_name(count)) count++;
  return onefold_block_name(index % count);
}

static int is_small(const onefold_block_params *p) {
  return p->input.n <= 2 && p->input.c <= 32 && p->input.h <= 12 && p->input.w <= 12 &&
         p->out_channels <= 32 && p->mid_channels <= 32 && p->kernel <= 7 && p->dilation <= 4 &&
         p->padding <= 8 && p->repeats <= 4 && p->route_channels <= 32 && p->expansion <= 4 &&
         p->se_hidden <= 32;
}

static void fold(onefold_context *context, const onefold_graph *graph) {
  for (int level = 0; level < 2; level++) {
    onefold_fold_options options;
    onefold_graph *folded = NULL;
    onefold_fold_options_init(&options);
    options.level = (onefold_fold_level)level;
    // A stride of millions composes to a window that no memory holds.
    const onefold_status status = onefold_fold(context, graph, &options, &folded);
    if (status == ONEFOLD_OUT_OF_MEMORY) continue;
    FUZZ_OK(context, status);
    for (size_t i = 0; onefold_graph_output_at(graph, i) != ONEFOLD_NO_NODE; i++) {
      const onefold_shape a = onefold_graph_shape(graph, onefold_graph_output_at(graph, i));
      const onefold_shape b = onefold_graph_shape(folded, onefold_graph_output_at(folded, i));
      FUZZ_EXPECT(memcmp(&a, &b, sizeof a) == 0);
    }
    onefold_graph_destroy(folded);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  // Enough for what is small; a large block runs out of it.
  onefold_context *context = fuzz_context(0, 32 << 20, 0);
  const char *block = choose_block(size ? bytes[0] : 0);
  char *text = size ? fuzz_text(bytes + 1, size - 1) : fuzz_text(bytes, 0);
  onefold_block_params params, before;
  FUZZ_OK(context, onefold_block_params_init(context, block, &params));
  memcpy(&before, &params, sizeof params);
  const onefold_status status = onefold_block_params_set(context, &params, text);
  free(text);
  if (status != ONEFOLD_OK) {
    FUZZ_EXPECT(status == ONEFOLD_INVALID_ARGUMENT);
    FUZZ_EXPECT(memcmp(&before, &params, sizeof params) == 0);
    fuzz_expect_released();
    return 0;
  }
  onefold_weights *weights = NULL;
  onefold_graph *graph = NULL;
  FUZZ_OK(context, onefold_weights_seeded(context, 1, &weights));
  if (onefold_block_build(context, block, &params, weights, &graph) == ONEFOLD_OK) {
    FUZZ_OK(context, onefold_graph_status(graph));
    FUZZ_EXPECT(onefold_graph_output_at(graph, 0) != ONEFOLD_NO_NODE);
    if (is_small(&params)) fold(context, graph);
  }
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
  fuzz_expect_released();
  return 0;
}
