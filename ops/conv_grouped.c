// SPDX-License-Identifier: BSD-3-Clause
// Grouped convolution of groups that do not fill a block: its lanes are of several groups, each of
// which takes a channel of its own in a step (conv_steps.h), so that few multiplications are by
// zeros. Where and when rows are made is the same as in depthwise convolution.
#include "ops/conv_depthwise.h"
#include "ops/conv_estimate.h"
#include "ops/conv_space.h"
#include "ops/conv_steps.h"

#include <stdio.h>

/// Steps of an output block on average.
static double steps_of(const onefold_conv_problem *problem) {
  const int64_t period = onefold_conv_period(problem);
  double steps = 0;
  for (int64_t block = 0; block < period; block++) steps += onefold_conv_steps(problem, block);
  return steps / (double)period;
}

static const char *refuse(const onefold_conv_problem *problem, char *reason, size_t size) {
  enum { MOST_BLOCKS = 8 };
  const int64_t in = problem->in_group, out = problem->out_group, v = problem->v;
  if (problem->desc.groups == 1) return "there is one group";
  if (in == 1 && out == 1) return "a group is one channel";
  if (in > MOST_BLOCKS * v) {
    snprintf(reason, size, "a group of %lld input channels fills nearly all of its blocks of %lld",
             (long long)in, (long long)v);
    return reason;
  }
  if (in % v == 0 && out % v == 0) {
    snprintf(reason, size, "groups of %lld input and %lld output channels fill blocks of %lld",
             (long long)in, (long long)out, (long long)v);
    return reason;
  }
  // As many terms as a direct convolution sums, or more?
  const double taps = (double)onefold_conv_taps(problem), steps = steps_of(problem);
  const double depth = onefold_conv_depth(problem, ONEFOLD_PACK_BLOCKED);
  if (taps * steps <= depth) return NULL;
  snprintf(reason, size, "a block takes %.3g steps for the %.3g channels that it reads", steps,
           depth / taps);
  return reason;
}

/// A vector moved to its lanes serves the taps of a row; a step has its own lanes and loop over
/// rows.
static double estimate(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                       int32_t tasks, const onefold_tiling *tiling) {
  (void)dispatch, (void)tiling;
  const onefold_conv2d_desc *d = &problem->desc;
  const double row = 0.5 * (double)d->kernel_w + 0.1, step = row * (double)d->kernel_h + 0.6;
  const double vectors = (double)(d->batch * problem->out_blocks * problem->out_h * problem->out_w);
  return vectors * (steps_of(problem) * step + 2.5) / tasks;
}

static onefold_status plan_it(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_conv_problem *problem = &plan->problem;
  const int64_t v = problem->v, blocks = problem->out_blocks;
  onefold_conv_depthwise_plan(plan, ONEFOLD_OP_GROUPED_S1);
  plan->first_step = onefold_allocate(plan->context, (size_t)(blocks + 1) * sizeof(int64_t));
  if (!plan->first_step) return ONEFOLD_OUT_OF_MEMORY;
  for (int64_t block = 0; block < blocks; block++)
    plan->first_step[block + 1] = plan->first_step[block] + onefold_conv_steps(problem, block);
  const size_t steps = (size_t)plan->first_step[blocks];
  plan->step = onefold_allocate(plan->context, steps * sizeof *plan->step);
  if (!plan->step) return ONEFOLD_OUT_OF_MEMORY;
  onefold_grouped_step *step = plan->step;
  for (int64_t block = 0; block < blocks; block++) {
    const onefold_conv_band band =
        onefold_conv_band_of(problem, ONEFOLD_PACK_GROUPED, (int32_t)block);
    for (int64_t from = band.block; from < band.block + band.count; from++) {
      const int32_t count = onefold_conv_steps_from(problem, block, from);
      for (int64_t i = 0; i < count; i++, step++) {
        step->src = from * plan->src_block;
        for (int64_t l = 0; l < v; l++) { // a lane without a channel has a zero weight
          const onefold_conv_lane lane = onefold_conv_lane_of(problem, block, l, from);
          step->lane[l] = i < lane.count ? (int32_t)(lane.first + i - from * v) : 0;
        }
      }
    }
  }
  plan->packed_floats = steps * (size_t)(onefold_conv_taps(problem) * v);
  plan->by_rows = onefold_conv_by_rows(plan, tiling);
  return ONEFOLD_OK;
}

static const onefold_conv_knob *const knobs[] = {&onefold_conv_knob_order, NULL};

const onefold_conv_algorithm onefold_conv_grouped = {
    .name = "grouped",
    .format = ONEFOLD_PACK_GROUPED,
    .refuse = refuse,
    .estimate = estimate,
    .plan = plan_it,
    .task = onefold_conv_depthwise_task,
    .knobs = knobs,
};
