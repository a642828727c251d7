// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: the short form of a convolution problem. What parses has a result, prints, and
// parses again as the same problem; small ones are planned, packed and run.
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Largest problem that is run.
#define MAX_ELEMENTS 20000
#define MAX_MACS     1e6

static void expect_same(onefold_context *context, const onefold_conv2d_desc *a,
                        const onefold_conv2d_desc *b) {
  onefold_shape x, y;
  FUZZ_OK(context, onefold_conv2d_output_shape(context, a, &x));
  FUZZ_OK(context, onefold_conv2d_output_shape(context, b, &y));
  FUZZ_EXPECT(memcmp(&x, &y, sizeof x) == 0);
  // A high pad that no window reaches is not printed.
  onefold_conv2d_desc c = *b;
  c.pad_bottom = a->pad_bottom;
  c.pad_right = a->pad_right;
  FUZZ_EXPECT(memcmp(a, &c, offsetof(onefold_conv2d_desc, in_layout)) == 0);
}

static void count_line(void *user, const char *line) {
  *(size_t *)user += strlen(line);
}

static void run(onefold_context *context, const onefold_conv2d_desc *d,
                const onefold_conv2d_plan *plan) {
  const size_t weights =
      (size_t)(d->out_channels * (d->in_channels / d->groups) * d->kernel_h * d->kernel_w);
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(plan, &info);
  const size_t in = onefold_tensor_elements(
      context, (onefold_shape){d->batch, d->in_channels, d->in_h, d->in_w}, d->in_layout);
  const size_t out = onefold_tensor_elements(context, info.out, d->out_layout);
  float *values = calloc(weights + in + out, sizeof *values);
  void *workspace = aligned_alloc(64, (info.workspace_bytes / 64 + 1) * 64);
  FUZZ_EXPECT(values && workspace);
  for (size_t i = 0; i < weights + in; i++) values[i] = (float)(i % 7) - 3;
  onefold_conv2d_packed *packed = NULL;
  FUZZ_OK(context, onefold_conv2d_pack(plan, &(onefold_conv2d_weights){.weight = values}, &packed));
  float *y = values + weights + in;
  const onefold_conv2d_buffers buffers = {
      .input = values + weights, .output = y, .workspace = workspace};
  FUZZ_OK(context, onefold_conv2d_run(plan, packed, &buffers));
  for (size_t i = 0; i < out; i++) FUZZ_EXPECT(isfinite(y[i]));
  onefold_conv2d_packed_destroy(packed);
  free(workspace);
  free(values);
}

static int is_small(const onefold_conv2d_desc *d, onefold_shape out) {
  const double in =
      (double)d->batch * (double)(d->in_channels + 16) * (double)d->in_h * (double)d->in_w;
  const double y = (double)out.n * (double)(out.c + 16) * (double)out.h * (double)out.w;
  const double row =
      (double)(d->in_channels / d->groups) * (double)d->kernel_h * (double)d->kernel_w;
  return in < MAX_ELEMENTS && y < MAX_ELEMENTS && row * (double)out.c < MAX_ELEMENTS &&
         row * y < MAX_MACS;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  onefold_context *context = fuzz_text_context(bytes, size);
  char *text = fuzz_text(bytes, size);

  onefold_conv2d_desc d;
  const onefold_status status = onefold_conv2d_desc_parse(context, text, &d);
  free(text);
  if (status != ONEFOLD_OK) {
    FUZZ_EXPECT(status == ONEFOLD_INVALID_ARGUMENT || status == ONEFOLD_SHAPE_MISMATCH ||
                status == ONEFOLD_OVERFLOW);
    fuzz_expect_released();
    return 0;
  }
  char first[512], second[512];
  onefold_conv2d_desc again;
  FUZZ_EXPECT(onefold_conv2d_desc_print(&d, first, sizeof first) == strlen(first));
  FUZZ_OK(context, onefold_conv2d_desc_parse(context, first, &again));
  expect_same(context, &d, &again);
  onefold_conv2d_desc_print(&again, second, sizeof second);
  FUZZ_EXPECT(strcmp(first, second) == 0);

  onefold_shape out;
  FUZZ_OK(context, onefold_conv2d_output_shape(context, &d, &out));
  onefold_conv2d_plan *plan = NULL;
  const onefold_status planned = onefold_conv2d_plan_create(context, &d, &plan);
  if (is_small(&d, out)) {
    size_t length = 0;
    FUZZ_OK(context, planned);
    FUZZ_OK(context, onefold_conv2d_explain(context, &d, count_line, &length));
    FUZZ_EXPECT(length > 0);
    run(context, &d, plan);
  }
  FUZZ_EXPECT(planned == ONEFOLD_OK || planned == ONEFOLD_OVERFLOW ||
              planned == ONEFOLD_OUT_OF_MEMORY || planned == ONEFOLD_UNSUPPORTED);
  onefold_conv2d_plan_destroy(plan);
  fuzz_expect_released();
  return 0;
}
