// SPDX-License-Identifier: BSD-3-Clause
// The search space of an algorithm: its register tiles and its knobs. A tiling
// may have any value that is declared here, and candidates are made of those worth trying.
#ifndef ONEFOLD_OPS_CONV_SPACE_H
#define ONEFOLD_OPS_CONV_SPACE_H

#include "ops/conv_algorithm.h"

enum { ONEFOLD_MOST_VALUES = 12, ONEFOLD_MOST_TASKS = 4096 };

/// The values of a knob.
typedef struct onefold_conv_range {
  int32_t least, most;
  int32_t of;                                // a value divides it; 0: any may be
  int32_t value[ONEFOLD_MOST_VALUES], count; // worth trying beside the default choice
} onefold_conv_range;

/// A number of the tiling that an algorithm reads. Its values may depend on the fields of knobs
/// before it; `tasks` are those of the tiling or else of the context.
struct onefold_conv_knob {
  size_t field; // offset in onefold_tiling
  void (*range)(const onefold_conv_algorithm *algorithm, const onefold_conv_problem *problem,
                int32_t tasks, const onefold_tiling *tiling, onefold_conv_range *range);
};
extern const onefold_conv_knob onefold_conv_knob_block_in, onefold_conv_knob_piece,
    onefold_conv_knob_parts, onefold_conv_knob_ahead, onefold_conv_knob_pair,
    onefold_conv_knob_order;

/// Adds a value to try, where it is inside the range and is not there.
void onefold_conv_range_add(onefold_conv_range *range, int64_t value);

/// Leaves the fields that the algorithm cannot have to the default choice. Calls `line` (may be
/// NULL) with a sentence for each.
void onefold_conv_space_clean(const onefold_conv_algorithm *algorithm,
                              const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                              int32_t tasks, onefold_tiling *tiling, onefold_line_fn line,
                              void *user);

/// Calls `visit` with each candidate of an algorithm that applies, in a context of so many threads,
/// and its estimate; the first names the algorithm alone. Non-zero from `visit` ends it, and is
/// returned.
typedef int onefold_conv_space_fn(void *user, const onefold_tiling *tiling, double cycles);
int onefold_conv_space_visit(const onefold_conv_algorithm *algorithm,
                             const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                             int32_t threads, onefold_conv_space_fn *visit, void *user);

#endif
