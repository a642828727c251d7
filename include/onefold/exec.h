// SPDX-License-Identifier: BSD-3-Clause
// Executions: a graph (graph.h), planned, with its weights packed, and run.
#ifndef ONEFOLD_EXEC_H
#define ONEFOLD_EXEC_H

#include <onefold/graph.h>

ONEFOLD_BEGIN

typedef struct onefold_exec onefold_exec;

/// Whether a depthwise convolution and a pointwise one, in either order, of which only the second
/// reads the first, run as one operator that keeps what is between them in cache. The bits of the
/// result are the same.
typedef enum onefold_pairs {
  ONEFOLD_PAIRS_WHERE_FASTER = 0, // by the tiling of the first, else by an estimate
  ONEFOLD_PAIRS_NEVER = 1,
  ONEFOLD_PAIRS_ALWAYS = 2 // wherever it can be done
} onefold_pairs;

typedef struct onefold_exec_options {
  size_t struct_size;
  onefold_layout in_layout, out_layout;
  /// Zero: one operator per node, as an eager framework runs it. Non-zero:
  /// sums, scales and activations move into the epilogues of convolutions,
  /// and the parts of a concat are written where they belong.
  int32_t fuse_epilogues;
  onefold_pairs pairs; // with fused epilogues only
  /// Non-zero: parts of a concat and slices are copied, not written and read in the larger tensor.
  /// The bits of the result are the same.
  int32_t copies_parts;
} onefold_exec_options;

/// Plans every node and the arena. `options` NULL: NCHW at both ends, fused.
/// The graph may be destroyed once onefold_exec_pack has returned.
ONEFOLD_API onefold_status onefold_exec_create(onefold_context *context, const onefold_graph *graph,
                                               const onefold_exec_options *options,
                                               onefold_exec **exec);

/// Packs the weights, on the context's threads, and allocates the arena. Must succeed once before
/// run. Errors: OUT_OF_MEMORY; INVALID_ARGUMENT where the execution has its weights, as one that
/// is mapped or made like another has from the start. They are never packed again, since others may
/// read them: weights that have changed need another graph and another execution.
ONEFOLD_API onefold_status onefold_exec_pack(onefold_exec *exec);

/// Makes another execution of the same graph, ready to run, so that several threads can run one
/// network, each its own execution. The two share the context, the plans, and the packed weights
/// and constants, or the file that these are mapped from; the arena is its own. Nothing is planned
/// or packed. They are equals: either may be copied again, and they may be destroyed in any order,
/// also at the same time. What they share lives as long as the last of them.
///
/// Errors: INVALID_ARGUMENT (also where `exec` is not packed), OUT_OF_MEMORY. Thread-safe, also
/// while `exec` runs; not while it is packed or destroyed.
ONEFOLD_API onefold_status onefold_exec_create_like(const onefold_exec *exec, onefold_exec **like);

/// Runs: inputs and outputs in the order of declaration, in the layouts of the
/// options. Never allocates. One run at a time per exec.
///
/// Executions of one context may run at the same time. Each run then has a team of its own, its
/// caller and OpenMP's threads, as many as the context has; where these are more than the cores in
/// all, they get into each other's way. For as many callers as cores, give the context one thread.
/// A parallel_for of the caller's is called by all of them at once.
ONEFOLD_API onefold_status onefold_exec_run(onefold_exec *exec, const float *const *inputs,
                                            float *const *outputs);

/// Not while it runs. NULL is allowed. Frees the weights with the last execution that shares them.
ONEFOLD_API void onefold_exec_destroy(onefold_exec *exec);

/// Shapes of the inputs and outputs by their place in the order of declaration; zeros past the
/// last. Thread-safe.
ONEFOLD_API onefold_shape onefold_exec_input_shape(const onefold_exec *exec, size_t index);
ONEFOLD_API onefold_shape onefold_exec_output_shape(const onefold_exec *exec, size_t index);

typedef struct onefold_exec_info {
  size_t steps;        // operator calls per run
  size_t packed_bytes; // weights and constants: once for all that share them
  size_t arena_bytes;  // intermediate tensors and workspace: each execution's own
  size_t tensor_bytes; // intermediate tensors, had each memory of its own
  size_t mapped_bytes; // of the file that the packed weights lie in (cache.h); 0: in none
} onefold_exec_info;
ONEFOLD_API void onefold_exec_get_info(const onefold_exec *exec, onefold_exec_info *info);

/// A convolution of a step: its problem with the epilogue, its plan, and what that chose.
typedef struct onefold_exec_conv {
  onefold_conv2d_desc desc;
  onefold_conv2d_plan_info plan;
  onefold_tiling tiling; // onefold_conv2d_plan_get_tiling
} onefold_exec_conv;

#define ONEFOLD_STEP_CONVS 2 // of a step at most

/// One step: an operator call. All texts are valid as long as the execution is.
typedef struct onefold_exec_step {
  const char *name;       // of the node that it makes; of a pair, of both
  const char *op;         // "conv", "pair", "max_pool", ...
  onefold_shape in, out;  // of the first operand and the result, as far as it reads and writes them
  double macs;            // of its convolutions
  size_t packed_bytes;    // weights
  size_t read_bytes;      // of all operands but the weights
  size_t written_bytes;   // of the result
  size_t workspace_bytes; // in the arena
  size_t conv_count;      // 2 for a pair, 0 where there is no convolution
  onefold_exec_conv convs[ONEFOLD_STEP_CONVS];
} onefold_exec_step;

/// The step of that number, from 0 on, in the order of a run. Errors: INVALID_ARGUMENT past the
/// last.
ONEFOLD_API onefold_status onefold_exec_get_step(const onefold_exec *exec, size_t index,
                                                 onefold_exec_step *step);

/// Runs as onefold_exec_run does, and writes the seconds that each step took to seconds[steps],
/// unless that is NULL.
ONEFOLD_API onefold_status onefold_exec_run_timed(onefold_exec *exec, const float *const *inputs,
                                                  float *const *outputs, double *seconds);

/// One line per step: operator, shape, algorithm, kernel, epilogue, and from or to which channel
/// of a larger tensor it reads or writes.
ONEFOLD_API void onefold_exec_describe(const onefold_exec *exec,
                                       void (*line)(void *user, const char *text), void *user);

ONEFOLD_END

#endif
