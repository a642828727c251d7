// SPDX-License-Identifier: BSD-3-Clause
// The candidates for a problem in the order of their estimates, and which of them are timed.
#ifndef ONEFOLD_TUNE_CANDIDATES_H
#define ONEFOLD_TUNE_CANDIDATES_H

#include <onefold/tune.h>

typedef struct onefold_candidate {
  onefold_tune_candidate about;
  onefold_conv2d_plan *plan; // NULL: not to be timed
  onefold_tiling chosen;     // by the plan
  int64_t runs;              // of a sample
} onefold_candidate;

typedef struct onefold_candidates {
  onefold_candidate *one; // [count]; one[0] is the default choice
  size_t count, capacity;
  size_t *timed, timed_count; // indices; timed[0] is 0
} onefold_candidates;

/// Errors: those of onefold_conv2d_plan_create. Destroy all the same.
onefold_status onefold_candidates_make(onefold_context *context, const onefold_conv2d_desc *desc,
                                       const onefold_tune_options *options,
                                       onefold_candidates *candidates);
void onefold_candidates_destroy(onefold_candidates *candidates);

#endif
