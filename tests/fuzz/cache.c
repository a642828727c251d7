// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: the file of a saved execution, as it is and then with what it says of itself made
// true. What is accepted can be run, and says what it is.
#include "cache/format.h"
#include "graph/exec.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define MOST_FLOATS (1 << 16) // of all inputs and outputs of what is run
#define MOST_MACS   1e6

/// Buffers for one end of an execution. Zero where they are too large, or too many.
static int make_buffers(const onefold_exec *exec,
                        onefold_shape (*at)(const onefold_exec *exec, size_t index),
                        float *buffers[16]) {
  size_t floats = 0;
  for (size_t i = 0;; i++) {
    const onefold_shape s = at(exec, i);
    if (!s.n) return 1;
    const size_t count = onefold_tensor_elements(exec->context, s, ONEFOLD_NCHW);
    if (i == 16 || (floats += count) > MOST_FLOATS) return 0;
    buffers[i] = calloc(count, sizeof(float));
    FUZZ_EXPECT(buffers[i]);
  }
}

static void run(onefold_exec *exec) {
  float *inputs[16] = {NULL}, *outputs[16] = {NULL};
  double macs = 0;
  onefold_exec_info info;
  onefold_exec_step step;
  onefold_exec_get_info(exec, &info);
  for (size_t i = 0; i < info.steps; i++) {
    FUZZ_OK(exec->context, onefold_exec_get_step(exec, i, &step));
    macs += step.macs;
  }
  if (make_buffers(exec, onefold_exec_input_shape, inputs) &&
      make_buffers(exec, onefold_exec_output_shape, outputs) && macs < MOST_MACS &&
      info.tensor_bytes < sizeof(float) * MOST_FLOATS)
    FUZZ_OK(exec->context, onefold_exec_run(exec, (const float *const *)inputs, outputs));
  for (size_t i = 0; i < 16; i++) {
    free(inputs[i]);
    free(outputs[i]);
  }
}

static void take(onefold_context *context, const unsigned char *bytes, size_t size) {
  static const onefold_exec_options options = {.struct_size = sizeof options, .fuse_epilogues = 1};
  onefold_cache_view view;
  onefold_status status = onefold_cache_parse(context, "input", bytes, size, &view);
  FUZZ_EXPECT(status == ONEFOLD_OK || status == ONEFOLD_FORMAT);
  if (status != ONEFOLD_OK) return;
  FUZZ_EXPECT(strlen(view.key) < view.key_bytes);
  status = onefold_cache_check(context, "input", &view);
  FUZZ_EXPECT(status == ONEFOLD_OK || status == ONEFOLD_FORMAT);
  onefold_exec *exec = NULL;
  status = onefold_cache_restore(context, "input", &view, &options, &exec);
  FUZZ_EXPECT((status == ONEFOLD_OK) == (exec != NULL));
  if (exec) run(exec);
  onefold_exec_destroy(exec);
}

/// Gives the header what does not come by chance: the magic, the length, the checksum.
static void seal(unsigned char *bytes, size_t size) {
  onefold_cache_header header;
  if (size < sizeof header) return;
  memcpy(&header, bytes, sizeof header);
  memcpy(header.magic, ONEFOLD_CACHE_MAGIC, sizeof header.magic);
  header.order = ONEFOLD_CACHE_ORDER;
  header.format = ONEFOLD_CACHE_FORMAT;
  header.file_bytes = size;
  memcpy(bytes, &header, sizeof header);
  const size_t head = onefold_cache_head_bytes(&header);
  if (!head || head > size) return;
  header.hash = onefold_cache_head_hash(bytes, head);
  memcpy(bytes, &header, sizeof header);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  onefold_context *context = fuzz_context(0, 1 << 24, 0);
  // Of just the input's size, as far as the alignment lets it be.
  unsigned char *copy = aligned_alloc(64, (size + 63) / 64 * 64 + (size == 0) * 64);
  FUZZ_EXPECT(copy);
  if (size) memcpy(copy, bytes, size);
  take(context, copy, size);
  fuzz_expect_released();
  seal(copy, size);
  take(context, copy, size);
  fuzz_expect_released();
  free(copy);
  return 0;
}
