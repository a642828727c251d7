// SPDX-License-Identifier: BSD-3-Clause
// What a plan holds, and what a run hands to its tasks.
#ifndef ONEFOLD_OPS_CONV_PLAN_H
#define ONEFOLD_OPS_CONV_PLAN_H

#include "ops/conv_format.h"
#include "ops/conv_pack.h"
#include "ops/conv_strips.h"

/// The tiles of an output row, nearly equal pieces of it: those that read outside the image, `left`
/// at its beginning and `right` at its end, have masks (see onefold_conv_args).
typedef struct onefold_conv_columns {
  int32_t count, left, right;
  uint32_t *mask; // [left + right][K_w]
} onefold_conv_columns;

/// A Winograd plan. The image is cut into tiles of `step` x `step` outputs, and the tiles, row by
/// row, into passes of `pass` tiles (the last of an image may have fewer), whose transforms are in
/// cache while they are worked on. Small images of a batch go several to a pass.
typedef struct onefold_conv_winograd {
  onefold_pack_axis axis;         // of the format
  int32_t step;                   // outputs of a tile along an axis
  const onefold_kernel *in, *out; // the transforms
  int32_t rows, columns;          // tiles of an image
  int32_t last_h, last_w;         // points of the last tile of a column and of a row: even
  int32_t pass, images;           // tiles and images of a pass; 1 image: or part of it
  // Floats: between elements of the transformed source and of the products, and of all the source.
  ptrdiff_t source_element, product_element;
  size_t source_floats;
} onefold_conv_winograd;

/// How a pointwise convolution goes over its pixels.
typedef enum onefold_conv_mode {
  ONEFOLD_CONV_ROWS,   // strip by strip, over all pixels of an image
  ONEFOLD_CONV_PIECES, // piece by piece of the pixels, all strips of each
  ONEFOLD_CONV_VECTORS // images of one pixel, several at once
} onefold_conv_mode;

/// Floats from an image of each tensor to its next, which in channels of a larger tensor lie apart.
typedef struct onefold_conv_images {
  ptrdiff_t src, residual, dst;
} onefold_conv_images;

typedef struct onefold_conv_algorithm onefold_conv_algorithm; // ops/conv_algorithm.h

struct onefold_conv2d_plan {
  const onefold_context *context;
  onefold_conv_problem problem;
  const onefold_conv_algorithm *algorithm;
  char source[sizeof((onefold_tiling *)0)->source]; // of the tiling
  const char *kernel;                               // name of the kernel that does most of the work
  int32_t tasks;
  int wakes;                 // the tasks are worth waking threads for
  int by_rows;               // direct, plain, depthwise: tasks take rows of images, not of strips
  onefold_epilogue epilogue; // clamp, post and residual position; pointers are per call

  onefold_layout core_in;                  // what the algorithm reads; it always writes BLOCKED
  size_t stage_in, stage_out, stage_scale; // floats of workspace for each; 0: none
  size_t staged;                           // all three
  size_t scratch;                          // floats of workspace for each task
  size_t workspace;                        // floats of all of it
  size_t in_floats, out_floats;            // of the caller's tensors
  onefold_conv_images images;              // of tensors that are whole
  size_t packed_floats;                    // weights only
  onefold_pack_key key;

  ptrdiff_t src_image, src_block, src_row, src_pixel; // floats
  int32_t pair; // depthwise and pointwise: the tiling's, for who lowers graphs
  // all but depthwise and grouped
  onefold_conv_strips strips;
  int32_t strip_parts; // winograd and pieces: tasks that share the blocks of a pass or piece
  int64_t piece;    // pieces: most pixels of one, winograd: tiles of a pass; 0 where there are none
  int32_t block_in; // all but winograd: source blocks summed per pass
  // Is what comes next asked for ahead, 1 no, 2 yes: pointwise: the source's pixels; direct and
  // plain: the weights of the next strip. 0: there is no choice.
  int32_t ahead;
  onefold_conv_mode mode; // pointwise
  int32_t vectors;        // vectors: images that are multiplied at once
  onefold_conv_args args; // vectors: what no strip and no call changes
  // direct and plain: the tiles of a row for each strip's kernel, by its pixels
  onefold_conv_columns columns[ONEFOLD_MAX_TILE_PIXELS + 1];
  onefold_conv_winograd winograd;
  // depthwise and grouped
  const onefold_kernel *depthwise;
  onefold_grouped_step *step; // grouped: of all output blocks, [first_step[out_blocks]]
  int64_t *first_step;        // of each output block, and their number
};

/// The operator for the stride, of the three from `base` on: stride 1, 2 and any.
static inline onefold_op onefold_conv_for_stride(onefold_op base, int64_t stride) {
  return (onefold_op)(base + (stride == 1 ? 0 : stride == 2 ? 1 : 2));
}

/// Floats between the scratch of a task and that of the next. Prefetchers of a core that steps
/// through its scratch run on behind the end of it, and would take the lines there from the core
/// that writes them: two threads took up to 1.3 times as long with nothing between.
enum { ONEFOLD_SCRATCH_GAP = (64 << 10) / sizeof(float) };

/// Floats from the scratch of a task, which has so many, to that of the next.
static inline size_t onefold_conv_scratch(size_t floats, int32_t tasks) {
  const size_t line = 64 / sizeof(float), lines = (floats + line - 1) / line;
  return floats > 0 && tasks > 1 ? lines * line + ONEFOLD_SCRATCH_GAP : floats;
}

/// Floats of the scratch of all tasks, behind the last of which there is no gap.
static inline size_t onefold_conv_scratch_all(size_t scratch, int32_t tasks) {
  return scratch * (size_t)tasks - (scratch > 0 && tasks > 1 ? ONEFOLD_SCRATCH_GAP : 0);
}

/// The algorithm reads a blocked source: its layout and strides.
static inline void onefold_conv_blocked_source(onefold_conv2d_plan *plan) {
  const onefold_conv2d_desc *d = &plan->problem.desc;
  plan->core_in = ONEFOLD_BLOCKED;
  plan->src_pixel = plan->problem.v;
  plan->src_row = d->in_w * plan->src_pixel;
  plan->src_block = d->in_h * plan->src_row;
  plan->src_image = plan->problem.in_blocks * plan->src_block;
}

/// Everything that one run hands to its tasks.
typedef struct onefold_conv_run {
  const onefold_conv2d_plan *plan;
  const onefold_conv2d_packed *packed;
  const float *src;      // in plan->core_in
  float *dst;            // BLOCKED
  const float *residual; // BLOCKED or NULL
  const float *scale;    // [N][out_blocks*v] or NULL
  float *scratch;        // plan->scratch floats for each task
  onefold_conv_images images;
} onefold_conv_run;

/// The residual of an image, to which offsets in dst apply; NULL where there is none.
static inline const float *onefold_conv_residual(const onefold_conv_run *run, int64_t image) {
  return run->residual ? run->residual + image * (run->images.residual - run->images.dst) : NULL;
}

/// onefold_conv2d_plan_create for one of several layers that the same threads run.
onefold_status onefold_conv_plan_among(onefold_context *context, const onefold_conv2d_desc *desc,
                                       onefold_conv2d_plan **plan);

/// onefold_conv2d_run over buffers that are known to be right. Those of blocked tensors may be
/// channel blocks of larger ones.
void onefold_conv_run_images(const onefold_conv2d_plan *plan, const onefold_conv2d_packed *packed,
                             const onefold_conv2d_buffers *buffers,
                             const onefold_conv_images *images);

#endif
