// SPDX-License-Identifier: BSD-3-Clause
// Packs weights: [O][I/g][K_h][K_w] into the order in which kernels read them; and says what they
// were packed for.
#include "ops/conv_pack.h"

#include "ops/conv_algorithm.h"
#include "ops/conv_steps.h"
#include "ops/conv_winograd_pack.h"

#include <stdio.h>
#include <string.h>

/// [K_h][K_w][v] of a block; lanes past the last channel stay.
static void pack_depthwise(const onefold_conv_problem *problem, int32_t block, const float *weight,
                           float *packed) {
  const int64_t v = problem->v, taps = problem->desc.kernel_h * problem->desc.kernel_w;
  const int64_t first = block * v, left = problem->desc.out_channels - first;
  for (int64_t lane = 0; lane < v && lane < left; lane++)
    for (int64_t t = 0; t < taps; t++) packed[t * v + lane] = weight[(first + lane) * taps + t];
}

/// [step][K_h][K_w][v] of an output block; lanes that take no channel stay.
static void pack_grouped(const onefold_conv_problem *problem, int32_t block, const float *weight,
                         float *packed) {
  const int64_t v = problem->v, taps = problem->desc.kernel_h * problem->desc.kernel_w;
  const onefold_conv_band band = onefold_conv_band_of(problem, ONEFOLD_PACK_GROUPED, block);
  for (int64_t from = band.block; from < band.block + band.count; from++) {
    for (int64_t lane = 0; lane < v; lane++) {
      const onefold_conv_lane l = onefold_conv_lane_of(problem, block, lane, from);
      const float *w = weight + ((block * v + lane) * problem->in_group + l.channel) * taps;
      for (int64_t i = 0; i < l.count * taps; i++) packed[i * v + lane] = w[i];
    }
    packed += onefold_conv_steps_from(problem, block, from) * taps * v;
  }
}

/// [source block][K_h][K_w][cb][v] of an output block; lanes and channels that are not the group's
/// stay.
static void pack_band(const onefold_conv_problem *problem, onefold_pack_format format,
                      int32_t block, const float *weight, float *packed) {
  const int64_t v = problem->v, taps = problem->desc.kernel_h * problem->desc.kernel_w;
  const int64_t cb = format == ONEFOLD_PACK_PLAIN ? 1 : v;
  const onefold_conv_band band = onefold_conv_band_of(problem, format, block);
  const int64_t origin = band.block * cb + band.skip; // absolute channel of the band's start
  const int64_t first = block * v, left = problem->desc.out_channels - first;
  for (int64_t j = 0; j < problem->in_group; j++)
    for (int64_t lane = 0; lane < v && lane < left; lane++) {
      const int64_t o = first + lane;
      const int64_t i = o / problem->out_group * problem->in_group - origin + j;
      const float *from = weight + (o * problem->in_group + j) * taps;
      float *to = packed + i / cb * taps * cb * v + i % cb * v + lane;
      for (int64_t t = 0; t < taps; t++) to[t * cb * v] = from[t];
    }
}

/// What the pieces of a packing share.
typedef struct packing {
  const onefold_conv2d_plan *plan;
  const float *weight;
  float *packed;
  size_t pieces;
} packing;

/// The output blocks of one piece.
static void pack_piece(void *arg, size_t index) {
  const packing *p = arg;
  const onefold_conv_problem *problem = &p->plan->problem;
  const onefold_pack_format format = p->plan->algorithm->format;
  float *packed = p->packed;
  size_t begin, end;
  onefold_split((size_t)problem->out_blocks, p->pieces, index, &begin, &end);
  for (int32_t block = 0; block < (int32_t)end; block++) {
    if (block >= (int32_t)begin) {
      if (format == ONEFOLD_PACK_DEPTHWISE)
        pack_depthwise(problem, block, p->weight, packed);
      else if (format == ONEFOLD_PACK_GROUPED)
        pack_grouped(problem, block, p->weight, packed);
      else if (onefold_pack_points(format))
        onefold_conv_pack_winograd(problem, format, block, p->weight, packed);
      else
        pack_band(problem, format, block, p->weight, packed);
    }
    packed += onefold_conv_block_floats(problem, format, block);
  }
}

/// Packs by the context's means.
static void pack_weights(const onefold_conv2d_plan *plan, const float *weight, float *packed) {
  packing p = {plan, weight, packed, (size_t)onefold_context_threads(plan->context)};
  if (p.pieces > (size_t)plan->problem.out_blocks) p.pieces = (size_t)plan->problem.out_blocks;
  onefold_parallel(plan->context, pack_piece, &p, p.pieces);
}

enum { FORMATS = 16 }; // a key's value of the format is it, and so many times a stride

onefold_pack_key onefold_conv_pack_key(const onefold_conv_problem *problem,
                                       onefold_pack_format format) {
  const onefold_conv2d_desc *d = &problem->desc;
  // Which taps are a filter's is another thing at another stride.
  const int64_t strided = onefold_pack_points(format) > 0 ? FORMATS * d->stride_h : 0;
  return (onefold_pack_key){{d->in_channels, d->out_channels, d->kernel_h, d->kernel_w, d->groups,
                             problem->v, format + strided, d->has_residual_scale}};
}

/// A value of a key: a number, or a format's name and stride.
static void print_value(int is_format, int64_t value, char *text, size_t size) {
  const long long stride = value / FORMATS;
  if (!is_format) {
    snprintf(text, size, "%lld", (long long)value);
    return;
  }
  const char *name = onefold_pack_format_name((onefold_pack_format)(value % FORMATS));
  if (stride > 0) snprintf(text, size, "%s, stride %lld", name, stride);
  if (stride == 0) snprintf(text, size, "%s", name);
}

onefold_status onefold_conv_check_packed(const onefold_conv2d_plan *plan,
                                         const onefold_conv2d_packed *packed) {
  static const char *const name[] = {
      "in_channels", "out_channels",  "kernel_h", "kernel_w",
      "groups",      "channel block", "format",   "has_residual_scale"};
  enum { FORMAT = 6 };
  char have[48], want[48];
  for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) {
    if (packed->key.value[i] == plan->key.value[i]) continue;
    print_value(i == FORMAT, packed->key.value[i], have, sizeof have);
    print_value(i == FORMAT, plan->key.value[i], want, sizeof want);
    return onefold_fail(plan->context, ONEFOLD_SHAPE_MISMATCH,
                        "the weights were packed for %s %s; the plan has %s", name[i], have, want);
  }
  return ONEFOLD_OK;
}

void onefold_conv2d_packed_destroy(onefold_conv2d_packed *packed) {
  if (!packed) return;
  if (!packed->borrowed) {
    onefold_release(packed->context, packed->weight);
    onefold_release(packed->context, packed->bias);
    onefold_release(packed->context, packed->residual_scale);
  }
  onefold_release(packed->context, packed);
}

onefold_status onefold_conv_borrow_packed(const onefold_conv2d_plan *plan,
                                          const onefold_pack_key *key, const float *weight,
                                          const float *bias, const float *residual_scale,
                                          onefold_conv2d_packed **packed) {
  onefold_conv2d_packed *made = onefold_allocate(plan->context, sizeof *made);
  if (!made)
    return onefold_fail(plan->context, ONEFOLD_OUT_OF_MEMORY, "no memory for packed weights");
  // Nobody writes to packed weights.
  *made = (onefold_conv2d_packed){.context = plan->context,
                                  .key = *key,
                                  .weight = (float *)(uintptr_t)weight,
                                  .bias = (float *)(uintptr_t)bias,
                                  .residual_scale = (float *)(uintptr_t)residual_scale,
                                  .borrowed = 1};
  const onefold_status status = onefold_conv_check_packed(plan, made);
  if (status != ONEFOLD_OK) {
    onefold_conv2d_packed_destroy(made);
    return status;
  }
  *packed = made;
  return ONEFOLD_OK;
}

/// [O] zero-padded to whole blocks.
static float *padded_copy(const onefold_context *context, const onefold_conv_problem *problem,
                          const float *values) {
  float *copy =
      onefold_allocate(context, (size_t)(problem->out_blocks * problem->v) * sizeof *copy);
  if (copy) memcpy(copy, values, (size_t)problem->desc.out_channels * sizeof *copy);
  return copy;
}

onefold_status onefold_conv2d_pack(const onefold_conv2d_plan *plan,
                                   const onefold_conv2d_weights *weights,
                                   onefold_conv2d_packed **packed) {
  if (packed) *packed = NULL;
  if (!plan || !packed) {
    return onefold_fail(plan ? plan->context : NULL, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        plan ? "packed" : "the plan");
  }
  const onefold_context *context = plan->context;
  const onefold_conv_problem *problem = &plan->problem;
  if (!weights || !weights->weight) {
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        weights ? "weight" : "weights");
  }
  if (!weights->residual_scale != !problem->desc.has_residual_scale) {
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        "residual_scale is %s, but the descriptor's has_residual_scale is %d",
                        weights->residual_scale ? "given" : "NULL",
                        problem->desc.has_residual_scale);
  }
  onefold_conv2d_packed *made = onefold_allocate(context, sizeof *made);
  if (!made) return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for packed weights");
  made->context = context;
  made->key = plan->key;
  // Winograd's packing writes all of it; else lanes that no channel has are zeros.
  made->weight = (onefold_pack_points(plan->algorithm->format)
                      ? onefold_allocate_unset
                      : onefold_allocate)(context, plan->packed_floats * sizeof(float));
  if (weights->bias) made->bias = padded_copy(context, problem, weights->bias);
  if (weights->residual_scale) {
    made->residual_scale = padded_copy(context, problem, weights->residual_scale);
  }
  if (!made->weight || (weights->bias && !made->bias) ||
      (weights->residual_scale && !made->residual_scale)) {
    onefold_conv2d_packed_destroy(made);
    return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for %zu bytes of packed weights",
                        plan->packed_floats * sizeof(float));
  }
  pack_weights(plan, weights->weight, made->weight);
  *packed = made;
  return ONEFOLD_OK;
}
