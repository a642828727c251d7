// SPDX-License-Identifier: BSD-3-Clause
// What an algorithm is, and which there are: conv_<algorithm>.c.
#ifndef ONEFOLD_OPS_CONV_ALGORITHM_H
#define ONEFOLD_OPS_CONV_ALGORITHM_H

#include "ops/conv_plan.h"

typedef struct onefold_conv_knob onefold_conv_knob; // ops/conv_space.h

struct onefold_conv_algorithm {
  const char *name;
  onefold_pack_format format;
  /// NULL, or why the algorithm does not apply (a sentence in `reason`).
  const char *(*refuse)(const onefold_conv_problem *problem, char *reason, size_t size);
  /// Estimated cycles of the one of so many tasks that has most to do, on a core that does two
  /// multiply-adds of vectors in each, with a tiling (NULL: the default choice).
  double (*estimate)(const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                     int32_t tasks, const onefold_tiling *tiling);
  /// Fills the algorithm's part of the plan. ONEFOLD_OUT_OF_MEMORY at worst.
  onefold_status (*plan)(onefold_conv2d_plan *plan, const onefold_tiling *tiling);
  /// Piece `index` of plan->tasks.
  void (*task)(const onefold_conv_run *run, size_t index);
  /// The operator whose rows are its register tiles; NULL where there is no choice.
  onefold_op (*tiles)(const onefold_conv_problem *problem);
  /// The other choices that it has, ended by NULL; NULL: none.
  const onefold_conv_knob *const *knobs;
};

/// Of those that apply, the one with the least estimate for one task is chosen: not for several, so
/// that results do not depend on their number.
extern const onefold_conv_algorithm *const onefold_conv_algorithms[];
extern const size_t onefold_conv_algorithm_count;
extern const onefold_conv_algorithm onefold_conv_depthwise, onefold_conv_grouped,
    onefold_conv_pointwise, onefold_conv_plain, onefold_conv_direct, onefold_conv_winograd_2,
    onefold_conv_winograd_4, onefold_conv_winograd_6, onefold_conv_polyphase_3,
    onefold_conv_polyphase_5, onefold_conv_gather;

/// Fewest cycles of a task: what it takes to start it on a thread that sleeps and to wait for it, 4
/// us; to hand it to one that stands by, with the lines that each fetches from the other; and the
/// same among layers of a graph, where one thread alone would fetch what the others have written.
enum { ONEFOLD_START_CYCLES = 16000, ONEFOLD_HANDOVER_CYCLES = 8000, ONEFOLD_AMONG_CYCLES = 2000 };

/// Tasks of a layer that no tiling is about: the context's threads, fewer where it is too small to
/// share even with threads that stand by.
int32_t onefold_conv_default_tasks(const onefold_conv_algorithm *algorithm,
                                   const onefold_dispatch *dispatch,
                                   const onefold_conv_problem *problem, int32_t threads);

#endif
