// SPDX-License-Identifier: BSD-3-Clause
// Winograd convolution: F(m x m, 3x3) ("winograd"). A larger kernel is as many of 3x3 taps as cover
// it, over images that lie three pixels apart, as over so many times the channels (Huang et al.,
// "DWM: A Decomposable Winograd Method for Convolution Acceleration", AAAI 2020); at stride 2 these
// are of the even and the odd rows and columns. 3x3 and 4x4 at stride 2 have but two taps of each:
// F(m x m, 2x2) ("polyphase"). A last filter that lacks its last tap has no product at infinity.
//
// A pass of tiles (conv_winograd_pass.c) belongs to one task; where there are fewer passes than
// tasks, several tasks transform the same source and take different strips: what another core has
// written is farther than what a core transforms again.
#include "ops/conv_winograd.h"

#include "ops/conv_pieces.h"

#include <math.h>
#include <stdio.h>

// The widest kernel: five filters of three taps, or six at stride 2.
#define MOST_TAPS 15

/// What a product at so many points adds to the relative error of a sum, which grows with the root
/// of their number (docs/accuracy.md).
static double rounding(int32_t points) {
  return points == 4 ? 2.8e-8 : points == 6 ? 8.4e-8 : 3.4e-7;
}

/// Kernels are squares: of 2x2 taps those with three or four at stride 2, of 3x3 those with more
/// and, at stride 1, with three.
static const char *refuse_sides(const onefold_conv2d_desc *d, onefold_pack_format format,
                                char *reason, size_t size) {
  const int polyphase = format >= ONEFOLD_PACK_POLYPHASE_3, most = polyphase ? 4 : MOST_TAPS;
  if (d->kernel_h != d->kernel_w || d->kernel_h < 3 || d->kernel_h > most) {
    snprintf(reason, size, "the kernel is %lldx%lld, not a square of 3 to %d taps",
             (long long)d->kernel_h, (long long)d->kernel_w, most);
    return reason;
  }
  const int one = !polyphase, two = polyphase || d->kernel_h > 4;
  if (d->stride_h == d->stride_w && ((one && d->stride_h == 1) || (two && d->stride_h == 2)))
    return NULL;
  snprintf(reason, size, "the stride is %lldx%lld, not %s%s%s", (long long)d->stride_h,
           (long long)d->stride_w, one ? "1" : "", one && two ? " or " : "", two ? "2" : "");
  return reason;
}

static const char *refuse(const onefold_conv_problem *problem, onefold_pack_format format,
                          char *reason, size_t size) {
  const onefold_conv2d_desc *d = &problem->desc;
  if (refuse_sides(d, format, reason, size)) return reason;
  const onefold_pack_axis axis = onefold_pack_axis_of(problem, format);
  if (d->dilation_h != 1 || d->dilation_w != 1) {
    snprintf(reason, size, "the dilation is %lldx%lld, not 1", (long long)d->dilation_h,
             (long long)d->dilation_w);
    return reason;
  }
  // Lanes past the last channel of a block would be between others.
  const int fills_in = problem->in_group % problem->v == 0;
  const int fills_out = problem->out_group % problem->v == 0;
  if ((axis.phases > 1 && !fills_in) || (d->groups > 1 && !(fills_in && fills_out))) {
    snprintf(reason, size, "groups of %lld and %lld channels do not fill blocks of %d",
             (long long)problem->in_group, (long long)problem->out_group, problem->v);
    return reason;
  }
  if (problem->accuracy == ONEFOLD_ACCURACY_STRICT) return "the accuracy class is strict";
  const double most = 0x1p50, planes = onefold_pack_planes(&axis);
  if (planes * (double)problem->in_blocks * (double)problem->out_blocks * problem->v * problem->v >
      most) {
    return "its weights cannot be addressed";
  }
  if (onefold_pack_points(format) == 8 && problem->accuracy != ONEFOLD_ACCURACY_FAST) {
    return "its error is above the bound of the accuracy class standard";
  }
  const int fast = problem->accuracy == ONEFOLD_ACCURACY_FAST;
  const double terms = (double)axis.phases * axis.phases * (double)problem->in_group;
  if (rounding(axis.points) * sqrt(terms) > (fast ? ONEFOLD_ERROR_FAST : ONEFOLD_ERROR_STANDARD)) {
    snprintf(reason, size, "the error of %.0f products is above the bound of the accuracy class %s",
             terms, onefold_accuracy_name(problem->accuracy));
    return reason;
  }
  return NULL;
}

/// The transform of an operator that has so many pixels or outputs along an axis.
static const onefold_kernel *kernel_of(const onefold_dispatch *dispatch, onefold_op op,
                                       int32_t size) {
  for (int32_t i = 0; i < dispatch->ops[op].count; i++) {
    if (dispatch->ops[op].row[i]->variant == size) return dispatch->ops[op].row[i];
  }
  return NULL;
}

/// Floats from element to element where one has so many: an odd number of cache lines, so that the
/// elements of a tile do not share sets.
static ptrdiff_t element_stride(ptrdiff_t floats) {
  const ptrdiff_t line = 64 / sizeof(float), lines = (floats + line - 1) / line;
  return (lines | 1) * line;
}

static onefold_status plan_it(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_dispatch *dispatch = onefold_context_dispatch(plan->context);
  onefold_conv_winograd *w = &plan->winograd;
  onefold_conv_winograd_cut(dispatch, problem, plan->algorithm->format, plan->tasks, tiling, w,
                            &plan->strip_parts);
  w->in = kernel_of(dispatch, ONEFOLD_OP_WINOGRAD_IN, w->axis.points - 2);
  w->out = kernel_of(
      dispatch, w->axis.taps == 3 ? ONEFOLD_OP_WINOGRAD_OUT : ONEFOLD_OP_POLYPHASE_OUT, w->step);
  onefold_conv_blocked_source(plan);
  const int64_t tiles = w->pass;
  plan->piece = tiles;
  const onefold_status status =
      onefold_conv_strips_make(plan, ONEFOLD_OP_POINTWISE, tiles, plan->strip_parts, tiling);
  if (status != ONEFOLD_OK) return status;
  int32_t widest = 1;
  for (int32_t i = 0; i < plan->strips.count; i++) {
    if (plan->strips.strip[i].blocks > widest) widest = plan->strips.strip[i].blocks;
  }
  const ptrdiff_t elements = (ptrdiff_t)w->axis.points * w->axis.points;
  const ptrdiff_t planes =
      (ptrdiff_t)(w->axis.phases * w->axis.phases) * onefold_conv_winograd_band(problem);
  w->source_element = element_stride(planes * tiles * problem->v);
  w->product_element = element_stride((ptrdiff_t)widest * tiles * problem->v);
  w->source_floats = (size_t)(elements * w->source_element);
  plan->scratch =
      onefold_conv_scratch(w->source_floats + (size_t)(elements * w->product_element), plan->tasks);
  return ONEFOLD_OK;
}

#define ALGORITHM(id, algorithm, NAME, m)                                                          \
  static const char *refuse_##id(const onefold_conv_problem *problem, char *reason, size_t size) { \
    return refuse(problem, ONEFOLD_PACK_##NAME##_##m, reason, size);                               \
  }                                                                                                \
  static double estimate_##id(const onefold_dispatch *dispatch,                                    \
                              const onefold_conv_problem *problem, int32_t tasks,                  \
                              const onefold_tiling *tiling) {                                      \
    onefold_conv_winograd winograd;                                                                \
    int32_t parts;                                                                                 \
    return onefold_conv_winograd_cut(dispatch, problem, ONEFOLD_PACK_##NAME##_##m, tasks, tiling,  \
                                     &winograd, &parts);                                           \
  }                                                                                                \
  const onefold_conv_algorithm onefold_conv_##id = {                                               \
      .name = algorithm,                                                                           \
      .format = ONEFOLD_PACK_##NAME##_##m,                                                         \
      .refuse = refuse_##id,                                                                       \
      .estimate = estimate_##id,                                                                   \
      .plan = plan_it,                                                                             \
      .task = onefold_conv_winograd_task,                                                          \
      .tiles = onefold_conv_pieces_tiles,                                                          \
      .knobs = onefold_conv_winograd_knobs,                                                        \
  };
ALGORITHM(winograd_2, "winograd2", WINOGRAD, 2)
ALGORITHM(winograd_4, "winograd4", WINOGRAD, 4)
ALGORITHM(winograd_6, "winograd6", WINOGRAD, 6)
ALGORITHM(polyphase_3, "polyphase3", POLYPHASE, 3)
ALGORITHM(polyphase_5, "polyphase5", POLYPHASE, 5)
