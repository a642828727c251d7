// SPDX-License-Identifier: BSD-3-Clause
// A layer as networks have it, its exact result, and the error of a context's convolution.
#include "bench/accuracy_case.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 28, PIXELS = SIZE * SIZE };

/// Uniform in (0, 1) (splitmix64).
static double uniform(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
  return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

/// Mean 0, variance 1 (Box and Muller).
static double normal(uint64_t *state) {
  const double pi = 3.14159265358979323846;
  const double radius = sqrt(-2.0 * log(uniform(state)));
  return radius * cos(2.0 * pi * uniform(state));
}

/// Adds the convolution of one plane with one filter to `sum`, `size` outputs along each axis.
static void add_plane(const float *x, const float *filter, int side, int stride, int size,
                      double *sum) {
  for (int a = 0; a < side; a++) {
    for (int b = 0; b < side; b++) {
      // NOLINTNEXTLINE(clang-analyzer-core.uninitialized.Assign): every tap has a weight
      const double w = filter[side * a + b];
      for (int y = 0; y < size; y++) {
        const int row = y * stride + a - side / 2;
        if (row < 0 || row >= SIZE) continue;
        for (int u = 0; u < size; u++) {
          const int column = u * stride + b - side / 2;
          if (column < 0 || column >= SIZE) continue;
          sum[y * size + u] += w * (double)x[row * SIZE + column];
        }
      }
    }
  }
}

int onefold_bench_accuracy_make(bench_accuracy_case *c, int64_t in_channels, int64_t out_channels,
                                int side, int stride, uint64_t seed) {
  memset(c, 0, sizeof *c);
  onefold_conv2d_desc *d = &c->desc;
  onefold_conv2d_desc_init(d);
  d->in_channels = in_channels;
  d->out_channels = out_channels;
  d->in_h = d->in_w = SIZE;
  d->kernel_h = d->kernel_w = side;
  d->stride_h = d->stride_w = stride;
  d->pad_top = d->pad_bottom = d->pad_left = d->pad_right = side / 2;
  d->in_layout = d->out_layout = ONEFOLD_NCHW;
  const size_t pixels = (size_t)in_channels * PIXELS;
  const int64_t taps = (int64_t)side * side;
  const size_t weights = (size_t)(out_channels * in_channels * taps);
  const int size = (SIZE - 1) / stride + 1;
  c->outputs = (size_t)(out_channels * size * size);
  c->input = malloc(pixels * sizeof *c->input);
  c->weight = malloc(weights * sizeof *c->weight);
  c->output = malloc(c->outputs * sizeof *c->output);
  c->exact = calloc(c->outputs, sizeof *c->exact);
  if (!c->input || !c->weight || !c->output || !c->exact) return 0;
  const double deviation = sqrt(2.0 / (double)(taps * in_channels));
  for (size_t i = 0; i < pixels; i++) c->input[i] = (float)fmax(normal(&seed), 0.0);
  for (size_t i = 0; i < weights; i++) c->weight[i] = (float)(deviation * normal(&seed));
  for (int64_t o = 0; o < out_channels; o++) {
    for (int64_t i = 0; i < in_channels; i++) {
      add_plane(c->input + i * PIXELS, c->weight + (o * in_channels + i) * taps, side, stride, size,
                c->exact + o * size * size);
    }
  }
  return 1;
}

void onefold_bench_accuracy_free(bench_accuracy_case *c) {
  free(c->input);
  free(c->weight);
  free(c->output);
  free(c->exact);
}

static bench_accuracy errors_of(const bench_accuracy_case *c) {
  double error = 0, size = 0, largest_error = 0, largest = 0;
  for (size_t i = 0; i < c->outputs; i++) {
    const double e = c->output[i] - c->exact[i];
    error += e * e;
    size += c->exact[i] * c->exact[i];
    // What is not a number is larger than any error.
    if (!(fabs(e) <= largest_error)) largest_error = isnan(e) ? INFINITY : fabs(e);
    largest = fmax(largest, fabs(c->exact[i]));
  }
  return (bench_accuracy){sqrt(error / size), largest_error / largest};
}

onefold_status onefold_bench_accuracy_run(onefold_context *context, bench_accuracy_case *c,
                                          bench_accuracy *errors) {
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_packed *packed = NULL;
  void *workspace = NULL;
  const onefold_conv2d_weights weights = {.weight = c->weight};
  onefold_status status = onefold_conv2d_plan_create(context, &c->desc, &plan);
  if (status == ONEFOLD_OK) status = onefold_conv2d_pack(plan, &weights, &packed);
  if (status == ONEFOLD_OK) {
    onefold_conv2d_plan_info info;
    onefold_conv2d_plan_get_info(plan, &info);
    const size_t bytes = (info.workspace_bytes + 63) / 64 * 64;
    workspace = aligned_alloc(64, bytes ? bytes : 64);
    if (!workspace) status = ONEFOLD_OUT_OF_MEMORY;
  }
  if (status == ONEFOLD_OK) {
    const onefold_conv2d_buffers buffers = {
        .input = c->input, .output = c->output, .workspace = workspace};
    status = onefold_conv2d_run(plan, packed, &buffers);
  }
  if (status == ONEFOLD_OK) *errors = errors_of(c);
  free(workspace);
  onefold_conv2d_packed_destroy(packed);
  onefold_conv2d_plan_destroy(plan);
  return status;
}
