// SPDX-License-Identifier: BSD-3-Clause
// The arrays of a convolution, filled with small numbers, and the clock around its runs.
#include "tune/workload.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/// Seconds that a warm sample takes at least, and most runs of one.
#define SAMPLE_SECONDS 100e-6
#define MOST_RUNS      4096

double onefold_clock_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/// `bytes` on huge pages where the system has them, as an execution's are: which sets of L2 small
/// pages share is luck, and would be measured with the candidates. NULL without memory.
static void *allocate(size_t bytes) {
  const size_t line = 64, page = (size_t)2 << 20;
  if (bytes < page / 32) return aligned_alloc(line, (bytes / line + 1) * line);
  const size_t whole = (bytes / page + 1) * page;
  void *array = aligned_alloc(page, whole);
  if (array) madvise(array, whole, MADV_HUGEPAGE); // a wish
  return array;
}

/// Array `index` of n floats from -0.5 to 0.5, times `scale`; NULL where n is 0 or there is no
/// memory.
static float *make(onefold_workload *w, int index, size_t n, float scale) {
  if (n == 0 || n > SIZE_MAX / 2 / sizeof(float)) return NULL;
  float *values = allocate(n * sizeof *values);
  w->array[index] = values;
  if (!values) return NULL;
  uint32_t state = UINT32_C(2463534242) + (uint32_t)index;
  for (size_t i = 0; i < n; i++) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    values[i] = scale * ((float)(state >> 8) * 0x1p-24f - 0.5f);
  }
  return values;
}

static int make_eviction(onefold_workload *w) {
  onefold_machine machine;
  if (onefold_machine_query(&machine) != ONEFOLD_OK) return 0;
  const size_t caches = (size_t)(machine.l1d_bytes + machine.l2_bytes + machine.l3_bytes);
  const size_t bytes = 2 * (caches ? caches : (size_t)32 << 20) / 64 * 64;
  w->eviction_floats = bytes / sizeof(float);
  w->eviction = allocate(bytes);
  if (w->eviction) memset(w->eviction, 0, bytes);
  return w->eviction != NULL;
}

onefold_status onefold_workload_make(onefold_context *context, const onefold_conv2d_desc *desc,
                                     int cold, onefold_workload *w) {
  *w = (onefold_workload){.context = context, .desc = *desc, .cold = cold};
  const onefold_conv2d_desc *d = desc;
  onefold_shape out;
  const onefold_status status = onefold_conv2d_output_shape(context, desc, &out);
  if (status != ONEFOLD_OK) return status;
  const onefold_shape in = {d->batch, d->in_channels, d->in_h, d->in_w};
  const onefold_shape weight = {d->out_channels, d->in_channels / d->groups, d->kernel_h,
                                d->kernel_w};
  const size_t weights = onefold_tensor_elements(context, weight, ONEFOLD_NCHW);
  const size_t outputs = onefold_tensor_elements(context, out, d->out_layout);
  const size_t channels = (size_t)d->out_channels, scales = channels * (size_t)d->batch;
  const float gain = 2.0f / sqrtf((float)weights / (float)channels);
  w->input_floats = onefold_tensor_elements(context, in, d->in_layout);
  w->residual_floats = d->residual ? outputs : 0;
  w->buffers.input = make(w, 0, w->input_floats, 1);
  w->buffers.output = make(w, 1, outputs, 1);
  w->buffers.residual = make(w, 2, w->residual_floats, 1);
  w->buffers.channel_scale = make(w, 3, d->has_channel_scale ? scales : 0, 1);
  w->weights.weight = make(w, 4, weights, gain);
  w->weights.bias = make(w, 5, channels, 1);
  w->weights.residual_scale = make(w, 6, d->has_residual_scale ? channels : 0, 1);
  const int whole = w->buffers.input && w->buffers.output && w->weights.weight && w->weights.bias &&
                    (w->buffers.residual || !w->residual_floats) &&
                    (w->buffers.channel_scale || !d->has_channel_scale) &&
                    (w->weights.residual_scale || !d->has_residual_scale);
  return whole && (!cold || make_eviction(w)) ? ONEFOLD_OK : ONEFOLD_OUT_OF_MEMORY;
}

void onefold_workload_destroy(onefold_workload *w) {
  for (size_t i = 0; i < w->pack_count; i++) onefold_conv2d_packed_destroy(w->packs[i].packed);
  for (size_t i = 0; i < sizeof w->array / sizeof w->array[0]; i++) free(w->array[i]);
  free(w->buffers.workspace);
  free(w->eviction);
}

/// The weights as the plan's algorithm reads them, or NULL.
static const onefold_conv2d_packed *packed_for(onefold_workload *w, const onefold_conv2d_plan *plan,
                                               const char *algorithm) {
  for (size_t i = 0; i < w->pack_count; i++) {
    if (strcmp(w->packs[i].algorithm, algorithm) == 0) return w->packs[i].packed;
  }
  if (w->pack_count == ONEFOLD_WORKLOAD_ALGORITHMS) return NULL;
  onefold_conv2d_packed *made = NULL;
  if (onefold_conv2d_pack(plan, &w->weights, &made) != ONEFOLD_OK) return NULL;
  strncpy(w->packs[w->pack_count].algorithm, algorithm, sizeof w->packs->algorithm - 1);
  return w->packs[w->pack_count++].packed = made;
}

/// Grows the workspace to what the plan needs; zero where there is no memory.
static int make_room(onefold_workload *w, size_t bytes) {
  if (bytes <= w->workspace_bytes) return 1;
  void *grown = allocate(bytes);
  if (!grown) return 0;
  memset(grown, 0, bytes);
  free(w->buffers.workspace);
  w->buffers.workspace = grown;
  w->workspace_bytes = bytes;
  return 1;
}

/// Leaves in the caches nothing but what the layer before would have left there.
static void chill(onefold_workload *w) {
  onefold_touch(w->context, w->eviction, w->eviction_floats);
  onefold_touch(w->context, w->buffers.input, w->input_floats);
  onefold_touch(w->context, w->buffers.residual, w->residual_floats);
}

/// Runs of a plan, one after the other.
typedef struct series {
  const onefold_conv2d_plan *plan;
  const onefold_conv2d_packed *packed;
  const onefold_conv2d_buffers *buffers;
  int64_t runs;
  double seconds; // that they took
} series;

static void run_series(void *arg) {
  series *s = arg;
  const double start = onefold_clock_now();
  for (int64_t i = 0; i < s->runs; i++) onefold_conv2d_run(s->plan, s->packed, s->buffers);
  s->seconds = onefold_clock_now() - start;
}

double onefold_workload_time(onefold_workload *w, const onefold_conv2d_plan *plan, int64_t *runs) {
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(plan, &info);
  const onefold_conv2d_packed *packed = packed_for(w, plan, info.algorithm);
  if (!packed || !make_room(w, info.workspace_bytes)) return 0;
  onefold_conv2d_buffers buffers = w->buffers;
  if (!info.workspace_bytes) buffers.workspace = NULL;
  // A first run of a new plan has pages to make; each of a warm one has caches to fill again.
  if (!w->cold || *runs == 0) {
    const double start = onefold_clock_now();
    if (onefold_conv2d_run(plan, packed, &buffers) != ONEFOLD_OK) return 0;
    const double one = onefold_clock_now() - start;
    if (*runs == 0)
      *runs = w->cold                            ? 1
              : one < SAMPLE_SECONDS / MOST_RUNS ? MOST_RUNS
                                                 : (int64_t)(SAMPLE_SECONDS / one) + 1;
  }
  if (w->cold) chill(w);
  series s = {plan, packed, &buffers, *runs, 0};
  onefold_context_together(w->context, run_series, &s);
  const double ns = s.seconds * 1e9 / (double)*runs;
  return ns > 0 ? ns : 1e-3;
}
