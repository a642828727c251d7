// SPDX-License-Identifier: BSD-3-Clause
// Two-dimensional convolution: describe -> plan -> pack -> run.
//
//   z[n,o,u,v] = bias[o] + sum over j,a,b of
//                W[o,j,a,b] * x[n, group(o)*I/g + j, s_h*u + d_h*a - pad_top, s_w*v + d_w*b -
//                pad_left]
//   y = act(scale[n,o] * z + residual_scale[o] * residual[n,o,u,v])
//
// with x = 0 outside the image (cross-correlation, as in every framework).
//
// A value that is not finite reaches the outputs that read it. It may also reach
// those of the other groups of its channel block, where groups do not fill one,
// and, in the classes standard and fast, those of tiles that read it: outputs at
// most 5 (standard) or 7 (fast) rows and columns from one that reads it, in the
// same group and image. There an infinity may become NaN, and finite
// inputs above 1e36 in size may overflow. Where a weight that is not finite
// meets padding, the output is NaN or as without it.
//
// Output sizes: (H + pad_top + pad_bottom - d_h*(K_h-1) - 1) / s_h + 1, rounded down.
#ifndef ONEFOLD_CONV2D_H
#define ONEFOLD_CONV2D_H

#include <onefold/context.h>
#include <onefold/export.h>
#include <onefold/peak.h>
#include <onefold/status.h>
#include <onefold/types.h>

ONEFOLD_BEGIN

/// Where a residual tensor enters.
typedef enum onefold_residual {
  ONEFOLD_RESIDUAL_NONE = 0,
  ONEFOLD_RESIDUAL_BEFORE_ACTIVATION = 1, // y = act(z + r)
  ONEFOLD_RESIDUAL_AFTER_ACTIVATION = 2   // y = act(z) + r
} onefold_residual;

/// The problem. Start from onefold_conv2d_desc_init and set what differs.
typedef struct onefold_conv2d_desc {
  size_t struct_size;
  int64_t batch, in_channels, in_h, in_w, out_channels;
  int64_t kernel_h, kernel_w;
  int64_t stride_h, stride_w;
  int64_t dilation_h, dilation_w;
  /// Zero padding; negative values crop. At most dilation*(kernel-1) each.
  int64_t pad_top, pad_bottom, pad_left, pad_right;
  int64_t groups; // divides in_channels and out_channels
  onefold_layout in_layout, out_layout;

  // Epilogue.
  onefold_activation activation;
  float activation_param;     // leaky ReLU's slope
  onefold_residual residual;  // the residual has the output's shape and layout
  int32_t has_residual_scale; // residual_scale[o] is given when packing
  int32_t has_channel_scale;  // scale[n][o] is given when running (squeeze-and-excitation)
} onefold_conv2d_desc;

/// Batch 1, kernel 1x1, stride 1, dilation 1, no padding, one group, blocked
/// layouts, no epilogue; the caller sets channels, sizes and what differs.
ONEFOLD_API void onefold_conv2d_desc_init(onefold_conv2d_desc *desc);

/// Output shape of a valid descriptor. Errors: INVALID_ARGUMENT,
/// SHAPE_MISMATCH, OVERFLOW (sentence in the context). Thread-safe.
ONEFOLD_API onefold_status onefold_conv2d_output_shape(onefold_context *context,
                                                       const onefold_conv2d_desc *desc,
                                                       onefold_shape *shape);

/// Writes the problem in benchdnn's short form, for example
/// "mb1ic64ih56oc64oh56kh3ph1". Returns the length that it needs.
ONEFOLD_API size_t onefold_conv2d_desc_print(const onefold_conv2d_desc *desc, char *text,
                                             size_t size);

/// Parses benchdnn's short form: [gG]mbNicCihHiwWocCohHowWkhKkwKshSswSphPpwPdhDdwDn"name".
/// Missing sizes follow the other axis; d counts from 0 as benchdnn does; a
/// missing oh/ow is computed, a given one is checked. Errors:
/// INVALID_ARGUMENT or SHAPE_MISMATCH with the offending part of the text.
ONEFOLD_API onefold_status onefold_conv2d_desc_parse(onefold_context *context, const char *text,
                                                     onefold_conv2d_desc *desc);

/// A plan: the algorithm, tiling and task split for one problem. Immutable;
/// any number of threads may run it at once with their own buffers.
typedef struct onefold_conv2d_plan onefold_conv2d_plan;

/// Errors: those of onefold_conv2d_output_shape, OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_conv2d_plan_create(onefold_context *context,
                                                      const onefold_conv2d_desc *desc,
                                                      onefold_conv2d_plan **plan);
/// With a tiling that the context's source is not asked for; NULL: the default choice.
ONEFOLD_API onefold_status onefold_conv2d_plan_create_tiled(onefold_context *context,
                                                            const onefold_conv2d_desc *desc,
                                                            const onefold_tiling *tiling,
                                                            onefold_conv2d_plan **plan);
ONEFOLD_API void onefold_conv2d_plan_destroy(onefold_conv2d_plan *plan);

/// Facts about a plan, valid as long as it is.
typedef struct onefold_conv2d_plan_info {
  const char *algorithm;  // "direct"
  const char *kernel;     // "onefold_uk_conv_s1_f32_14x2__avx512"
  const char *source;     // where the tiling came from: "default", "caller", "record"
  onefold_shape out;      // output shape
  size_t workspace_bytes; // for onefold_conv2d_run
  size_t packed_bytes;    // of the packed weights
  double macs;            // multiply-adds of the problem (padding counted, as usual)
} onefold_conv2d_plan_info;
ONEFOLD_API void onefold_conv2d_plan_get_info(const onefold_conv2d_plan *plan,
                                              onefold_conv2d_plan_info *info);

/// What a plan chose, whoever asked for it: every field that its algorithm has,
/// and the source. Thread-safe.
ONEFOLD_API void onefold_conv2d_plan_get_tiling(const onefold_conv2d_plan *plan,
                                                onefold_tiling *tiling);

/// Weights as they come from a framework.
typedef struct onefold_conv2d_weights {
  const float *weight;         // [O][I/g][K_h][K_w]
  const float *bias;           // [O] or NULL
  const float *residual_scale; // [O]; required iff the descriptor has it
} onefold_conv2d_weights;

/// Packed weights: independent of batch, height, width, layouts and threads,
/// and shared by any plans whose channels, kernel, groups and algorithm
/// agree. Read-only once made; thread-safe.
typedef struct onefold_conv2d_packed onefold_conv2d_packed;

/// Copies and packs, on the context's threads: not from inside one of its tasks. The
/// source arrays are not needed afterwards. The same bits for any number of threads.
/// Errors: INVALID_ARGUMENT, OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_conv2d_pack(const onefold_conv2d_plan *plan,
                                               const onefold_conv2d_weights *weights,
                                               onefold_conv2d_packed **packed);
ONEFOLD_API void onefold_conv2d_packed_destroy(onefold_conv2d_packed *packed);

/// Buffers of one run. All are float arrays aligned to 4 bytes (64 is
/// fastest). `output` may equal `residual`; nothing else may overlap.
typedef struct onefold_conv2d_buffers {
  const float *input;
  const float *residual;      // iff the descriptor has one
  const float *channel_scale; // [N][O] iff the descriptor has it
  float *output;
  void *workspace; // workspace_bytes; NULL when that is 0. 64-byte aligned.
} onefold_conv2d_buffers;

/// Runs. Never allocates, locks or fails on valid input. Errors:
/// INVALID_ARGUMENT, BAD_BUFFER, SHAPE_MISMATCH (packed for another problem).
/// Thread-safe for distinct output and workspace buffers.
ONEFOLD_API onefold_status onefold_conv2d_run(const onefold_conv2d_plan *plan,
                                              const onefold_conv2d_packed *packed,
                                              const onefold_conv2d_buffers *buffers);

/// Receives one line of text without its newline.
typedef void (*onefold_line_fn)(void *user, const char *line);

/// Explains the choice, a line for each algorithm: why it was refused, or its
/// estimated cycles, the least of which are chosen unless a tiling names one.
/// Errors: those of onefold_conv2d_plan_create.
ONEFOLD_API onefold_status onefold_conv2d_explain(onefold_context *context,
                                                  const onefold_conv2d_desc *desc,
                                                  onefold_line_fn line, void *user);

/// A way of computing a problem, for tuners.
typedef struct onefold_conv2d_candidate {
  onefold_tiling tiling;
  /// Estimated cycles of the task that has most to do, on a core that does two
  /// multiply-adds of vectors in each.
  double cycles;
  const char *refusal; // NULL, or why the tiling's algorithm does not apply
} onefold_conv2d_candidate;

/// Non-zero ends the visit.
typedef int (*onefold_candidate_fn)(void *user, const onefold_conv2d_candidate *candidate);

/// Calls `visit` with every candidate for a problem, algorithm by algorithm: one
/// with the algorithm alone, or with its refusal; then those that also choose
/// kernels, blocks and tasks. Several may come to the same plan. Estimates are with the
/// bandwidths of L2, L3 and memory that `peak` has, as onefold_measure_peak found them; of a level
/// that it does not have (0, or `peak` is NULL), with that of which the default choice is made.
/// Errors: those of onefold_conv2d_output_shape, INVALID_ARGUMENT. Thread-safe.
ONEFOLD_API onefold_status onefold_conv2d_candidates(onefold_context *context,
                                                     const onefold_conv2d_desc *desc,
                                                     const onefold_peak *peak,
                                                     onefold_candidate_fn visit, void *user);

ONEFOLD_END

#endif
