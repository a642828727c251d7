// SPDX-License-Identifier: BSD-3-Clause
// Choices that several algorithms have, and their values.
#include "ops/conv_space.h"
#include "ops/conv_tasks.h"

static void block_in_range(const onefold_conv_algorithm *algorithm,
                           const onefold_conv_problem *problem, int32_t tasks,
                           const onefold_tiling *tiling, onefold_conv_range *range) {
  (void)algorithm, (void)tasks, (void)tiling;
  *range = (onefold_conv_range){.least = 1, .most = INT32_MAX};
  for (int64_t n = problem->in_blocks; n >= 4 && n >= problem->in_blocks / 8; n = (n + 1) / 2)
    onefold_conv_range_add(range, n);
}
const onefold_conv_knob onefold_conv_knob_block_in = {offsetof(onefold_tiling, block_in),
                                                      block_in_range};

static void piece_range(const onefold_conv_algorithm *algorithm,
                        const onefold_conv_problem *problem, int32_t tasks,
                        const onefold_tiling *tiling, onefold_conv_range *range) {
  (void)algorithm, (void)tiling;
  const int64_t pixels = problem->out_h * problem->out_w, all = problem->desc.batch * pixels;
  *range = (onefold_conv_range){.least = 1, .most = INT32_MAX};
  for (int64_t n = 28; n < pixels && n * tasks < all && n <= 28 << 8; n *= 2)
    onefold_conv_range_add(range, n);
  if (pixels <= INT32_MAX) onefold_conv_range_add(range, pixels);
}
const onefold_conv_knob onefold_conv_knob_piece = {offsetof(onefold_tiling, piece), piece_range};

static void parts_range(const onefold_conv_algorithm *algorithm,
                        const onefold_conv_problem *problem, int32_t tasks,
                        const onefold_tiling *tiling, onefold_conv_range *range) {
  (void)algorithm, (void)tiling;
  const int64_t most = problem->out_blocks < tasks ? problem->out_blocks : tasks;
  *range = (onefold_conv_range){.least = 1, .most = (int32_t)most, .of = tasks};
  for (int32_t n = 1; tasks > 1 && n <= most; n++) onefold_conv_range_add(range, n);
}
const onefold_conv_knob onefold_conv_knob_parts = {offsetof(onefold_tiling, parts), parts_range};

static void ahead_range(const onefold_conv_algorithm *algorithm,
                        const onefold_conv_problem *problem, int32_t tasks,
                        const onefold_tiling *tiling, onefold_conv_range *range) {
  (void)algorithm, (void)problem, (void)tasks, (void)tiling;
  *range = (onefold_conv_range){1, 2, 0, {1, 2}, 2};
}
const onefold_conv_knob onefold_conv_knob_ahead = {offsetof(onefold_tiling, ahead), ahead_range};

/// A convolution alone is the same with any value, so that there is none to try.
static void pair_range(const onefold_conv_algorithm *algorithm, const onefold_conv_problem *problem,
                       int32_t tasks, const onefold_tiling *tiling, onefold_conv_range *range) {
  (void)algorithm, (void)problem, (void)tasks, (void)tiling;
  *range = (onefold_conv_range){.least = 1, .most = 2};
}
const onefold_conv_knob onefold_conv_knob_pair = {offsetof(onefold_tiling, pair), pair_range};

static void order_range(const onefold_conv_algorithm *algorithm,
                        const onefold_conv_problem *problem, int32_t tasks,
                        const onefold_tiling *tiling, onefold_conv_range *range) {
  (void)algorithm, (void)tiling;
  *range = (onefold_conv_range){.least = ONEFOLD_BY_BLOCKS, .most = ONEFOLD_BY_ROWS};
  if (!onefold_conv_has_order(problem, tasks)) return;
  onefold_conv_range_add(range, ONEFOLD_BY_BLOCKS);
  onefold_conv_range_add(range, ONEFOLD_BY_ROWS);
}
const onefold_conv_knob onefold_conv_knob_order = {offsetof(onefold_tiling, order), order_range};
