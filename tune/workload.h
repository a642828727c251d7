// SPDX-License-Identifier: BSD-3-Clause
// A convolution that can be run with any of its candidates, warm or with cold weights.
#ifndef ONEFOLD_TUNE_WORKLOAD_H
#define ONEFOLD_TUNE_WORKLOAD_H

#include <onefold/tune.h>

enum { ONEFOLD_WORKLOAD_ALGORITHMS = 16 };

typedef struct onefold_workload {
  onefold_context *context;
  onefold_conv2d_desc desc;
  int cold;
  onefold_conv2d_buffers buffers;
  onefold_conv2d_weights weights;
  float *array[7]; // all that the two above point to, but the workspace
  size_t input_floats, residual_floats, workspace_bytes;
  float *eviction; // larger than all caches; NULL unless cold
  size_t eviction_floats;
  struct {
    char algorithm[32];
    onefold_conv2d_packed *packed; // weights are the same for all plans of an algorithm
  } packs[ONEFOLD_WORKLOAD_ALGORITHMS];
  size_t pack_count;
} onefold_workload;

/// Errors: OUT_OF_MEMORY. Destroy all the same.
onefold_status onefold_workload_make(onefold_context *context, const onefold_conv2d_desc *desc,
                                     int cold, onefold_workload *workload);
void onefold_workload_destroy(onefold_workload *workload);

/// Nanoseconds of a run of the plan, of which *runs (0: not known yet) are timed together; 0 where
/// it cannot be run.
double onefold_workload_time(onefold_workload *workload, const onefold_conv2d_plan *plan,
                             int64_t *runs);

/// Seconds of a clock that only goes on.
double onefold_clock_now(void);

#endif
