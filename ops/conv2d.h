// SPDX-License-Identifier: BSD-3-Clause
// Convolution from inside: the checked problem, what a plan holds, and what an
// algorithm is. ops/conv2d.c chooses; conv_<algorithm>.c do.
#ifndef ONEFOLD_OPS_CONV2D_H
#define ONEFOLD_OPS_CONV2D_H

#include "ops/context.h"

#include <onefold/conv2d.h>

/// A descriptor that has been checked: every size fits, every product used
/// for addressing fits in ptrdiff_t.
typedef struct onefold_conv_problem {
  onefold_conv2d_desc desc;
  int32_t v;                     // channel block
  int64_t out_h, out_w;          // output size
  int64_t in_group, out_group;   // channels per group
  int64_t in_blocks, out_blocks; // channel blocks
  onefold_accuracy accuracy;
  double macs;
} onefold_conv_problem;

/// Checks `desc` and fills `problem`.
onefold_status onefold_conv_problem_make(const onefold_context *context,
                                         const onefold_conv2d_desc *desc,
                                         onefold_conv_problem *problem);

/// Input channels that a run of output blocks reads: blocks [block, block+count)
/// of the source, starting `skip` channels into the first, `last` channels of
/// the last. For plain sources a block is a channel, and skip is 0.
typedef struct onefold_conv_band {
  int32_t block, count, skip, last;
} onefold_conv_band;

/// Output blocks [block, block+blocks) that one kernel call produces, all with one band.
typedef struct onefold_conv_strip {
  const onefold_kernel *kernel;
  int32_t block, blocks;
  onefold_conv_band band;
  size_t weight; // floats from the start of the packed weights
} onefold_conv_strip;

/// The output blocks of a problem cut into strips.
typedef struct onefold_conv_strips {
  onefold_conv_strip *strip; // [count]
  int32_t count;
} onefold_conv_strips;

/// How weights lie in memory (a change of it raises PACKING in cache/key.c): [output block][source
/// block][K_h][K_w][cb][v], cb = v (BLOCKED) or 1 (PLAIN); depthwise [block][K_h][K_w][v];
/// WINOGRAD_m, of the weights at the points of F(m x m, 3x3): [output block][m+2][m+2][source
/// block][v][v]; POLYPHASE_m, of the even and the odd taps at the points of F(m x m, 2x2): [output
/// block][m+1][m+1][rows' phase] [source block][columns' phase][v][v], where infinity has the even
/// phase alone.
typedef enum onefold_pack_format {
  ONEFOLD_PACK_BLOCKED,
  ONEFOLD_PACK_PLAIN,
  ONEFOLD_PACK_DEPTHWISE,
  ONEFOLD_PACK_WINOGRAD_2,
  ONEFOLD_PACK_WINOGRAD_4,
  ONEFOLD_PACK_WINOGRAD_6,
  ONEFOLD_PACK_POLYPHASE_3,
  ONEFOLD_PACK_POLYPHASE_5
} onefold_pack_format;

/// Points of a Winograd format along an axis, 0 of any other format; and the phases of the source,
/// 2 where the stride is.
static inline int32_t onefold_pack_points(onefold_pack_format format) {
  if (format >= ONEFOLD_PACK_POLYPHASE_3) return 4 + 2 * (format - ONEFOLD_PACK_POLYPHASE_3);
  return format < ONEFOLD_PACK_WINOGRAD_2 ? 0 : 4 + 2 * (format - ONEFOLD_PACK_WINOGRAD_2);
}
static inline int32_t onefold_pack_phases(onefold_pack_format format) {
  return format >= ONEFOLD_PACK_POLYPHASE_3 ? 2 : 1;
}

/// What weights are packed for: those of a plan and of the weights that it runs are the same.
typedef struct onefold_pack_key {
  int64_t value[8]; // named in conv_pack.c
} onefold_pack_key;

struct onefold_conv2d_packed {
  const onefold_context *context;
  onefold_pack_key key;
  float *weight;
  float *bias;           // [out_blocks*v], zero past O; NULL where there is none
  float *residual_scale; // the same
  int borrowed;          // all three are another's
};

/// The tiles of an output row, nearly equal pieces of it: those that read outside the image, `left`
/// at its beginning and `right` at its end, have masks (see onefold_conv_args).
typedef struct onefold_conv_columns {
  int32_t count, left, right;
  uint32_t *mask; // [left + right][K_w]
} onefold_conv_columns;

/// A Winograd plan. The image is cut into tiles of `step` x `step` outputs, and the tiles into
/// passes of `pass_rows` x `pass_columns` tiles, whose transforms are in cache while they are
/// worked on.
typedef struct onefold_conv_winograd {
  int32_t points, phases;         // of the format
  int32_t step;                   // outputs of a tile along an axis
  const onefold_kernel *in, *out; // the transforms
  int32_t rows, columns;          // tiles of an image
  int32_t last_h, last_w;         // points of the last tile of a column and of a row: even
  int32_t pass_rows, pass_columns;
  // Floats: between elements of the transformed source and of the products, and of all the source.
  ptrdiff_t source_element, product_element;
  size_t source_floats;
} onefold_conv_winograd;

typedef struct onefold_conv_algorithm onefold_conv_algorithm;
typedef struct onefold_conv_knob onefold_conv_knob; // ops/conv_space.h

struct onefold_conv2d_plan {
  const onefold_context *context;
  onefold_conv_problem problem;
  const onefold_conv_algorithm *algorithm;
  char source[sizeof((onefold_tiling *)0)->source]; // of the tiling
  const char *kernel;                               // name of the kernel that does most of the work
  int32_t tasks;
  onefold_epilogue epilogue; // clamp, post and residual position; pointers are per call

  onefold_layout core_in;                  // what the algorithm reads; it always writes BLOCKED
  size_t stage_in, stage_out, stage_scale; // floats of workspace for each; 0: none
  size_t scratch;                          // floats of workspace for each task
  size_t in_floats, out_floats;            // of the caller's tensors
  size_t packed_floats;                    // weights only
  onefold_pack_key key;

  // all but depthwise
  onefold_conv_strips strips;
  int32_t strip_parts; // winograd and pieces: tasks that share the blocks of a pass or piece
  int fetch;           // pointwise: the source's planes are asked for ahead
  int split;           // pointwise: an image is one pixel, whose sums may be in any order
  int32_t ahead;       // direct: the tiling's
  int32_t pair;        // depthwise and pointwise: the tiling's, for who lowers graphs
  int64_t piece;       // pieces: most pixels of one; 0 where there are none
  // direct, plain and pointwise
  ptrdiff_t src_image, src_block, src_row, src_pixel; // floats
  int32_t block_in;                                   // source blocks summed per pass
  // direct and plain: the tiles of a row for each strip's kernel, by its pixels
  onefold_conv_columns columns[ONEFOLD_MAX_TILE_PIXELS + 1];
  onefold_conv_winograd winograd;
  // depthwise
  const onefold_kernel *depthwise;
};

/// Everything that one run hands to its tasks.
typedef struct onefold_conv_run {
  const onefold_conv2d_plan *plan;
  const onefold_conv2d_packed *packed;
  const float *src;      // in plan->core_in
  float *dst;            // BLOCKED
  const float *residual; // BLOCKED or NULL
  const float *scale;    // [N][out_blocks*v] or NULL
  float *scratch;        // plan->scratch floats for each task
} onefold_conv_run;

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
extern const onefold_conv_algorithm onefold_conv_depthwise, onefold_conv_pointwise,
    onefold_conv_plain, onefold_conv_direct, onefold_conv_winograd_2, onefold_conv_winograd_4,
    onefold_conv_winograd_6, onefold_conv_polyphase_3, onefold_conv_polyphase_5,
    onefold_conv_gather;

/// Tasks of a layer that no tiling is about: the context's threads, fewer where it is too small to
/// share.
int32_t onefold_conv_default_tasks(const onefold_conv_algorithm *algorithm,
                                   const onefold_dispatch *dispatch,
                                   const onefold_conv_problem *problem, int32_t threads);

// ------------------------------------------- shared by the algorithms

/// Is the kernel `side` x `side`? If not, `reason` says so.
int onefold_conv_kernel_is(const onefold_conv_problem *problem, int side, char *reason,
                           size_t size);

/// The band of output block `block`.
onefold_conv_band onefold_conv_band_of(const onefold_conv_problem *problem,
                                       onefold_pack_format format, int32_t block);

/// Floats of packed weight of one output block.
size_t onefold_conv_block_floats(const onefold_conv_problem *problem, onefold_pack_format format,
                                 int32_t block);

/// Cuts the output blocks into strips over the kernels of `op`, least
/// estimated time first; `pixels` is the length of a row. No strip lies in two of `parts` nearly
/// equal parts of the blocks. A kernel named by the tiling is preferred.
onefold_status onefold_conv_strips_make(onefold_conv2d_plan *plan, onefold_op op, int64_t pixels,
                                        int32_t parts, const onefold_tiling *tiling);

/// The strips [*first, *last) of part `index`.
void onefold_conv_strips_part(const onefold_conv2d_plan *plan, int32_t parts, int32_t index,
                              int32_t *first, int32_t *last);

/// For all n <= `most`: the least cycles, cost[n], for one input channel and tap of a row of
/// `pixels` in n output blocks, `depth` of which are summed, and the row of `op` to begin with,
/// best[n]. A kernel named `wanted` is preferred.
void onefold_conv_cover(const onefold_dispatch *dispatch, onefold_op op, int64_t pixels,
                        double depth, int32_t most, const char *wanted, double *cost,
                        int32_t *best);

/// Terms of the sums that kernels make: of all taps and channels, or, with the weights in a
/// Winograd format, of an element.
double onefold_conv_depth(const onefold_conv_problem *problem, onefold_pack_format format);

/// Estimated cycles for one input channel and tap of a row of `pixels`, all output blocks; with the
/// tiling's kernel (NULL: any).
double onefold_conv_row_estimate(const onefold_dispatch *dispatch, onefold_op op, int64_t pixels,
                                 double depth, int64_t blocks, const onefold_tiling *tiling);

/// Of a direct convolution by the kernels of `op`, in `rows` rows of `pixels` an image, shared out
/// among tasks.
double onefold_conv_direct_estimate(const onefold_dispatch *dispatch,
                                    const onefold_conv_problem *problem, onefold_op op,
                                    int64_t pixels, int64_t rows, int32_t tasks,
                                    const onefold_tiling *tiling);

/// Estimated cycles in which `bytes` of weights come from where they are kept: a working set of
/// `set` bytes.
static inline double onefold_conv_fetch_estimate(const onefold_dispatch *dispatch, double bytes,
                                                 double set) {
  // A set that leaves room for what streams by is read at full rate.
  const double l2 = (double)dispatch->l2_bytes, l3 = (double)dispatch->l3_bytes;
  const double from_l2 = set < l2 / 4 ? dispatch->l2_rate : dispatch->l2_rate / 2;
  return bytes / (set < l2 ? from_l2 : set < l3 ? dispatch->l3_rate : dispatch->dram_rate);
}

/// Source blocks per pass so that a strip's weights stay in half of L2.
int32_t onefold_conv_block_in(const onefold_conv2d_plan *plan, const onefold_tiling *tiling);

/// Piece `index` of tasks over images x strips x `rows` rows, weighted by the
/// strips' blocks: calls body(run, strip, image, row_begin, row_end) for each
/// run of rows.
typedef void onefold_conv_rows_fn(const onefold_conv_run *run, const onefold_conv_strip *strip,
                                  int64_t image, int64_t row_begin, int64_t row_end);
void onefold_conv_each_rows(const onefold_conv_run *run, int64_t rows, size_t index,
                            onefold_conv_rows_fn *body);

/// Floats of workspace that a run needs.
size_t onefold_conv_workspace(const onefold_conv2d_plan *plan);

/// The epilogue of output blocks from `block` on; its residual is still to be set.
onefold_epilogue onefold_conv_epilogue(const onefold_conv_run *run, int64_t image, int32_t block);

/// Sets the part of `args` that a pass over the strip's source blocks from `block` on has of
/// its own, src_offset at the image's first pixel; returns where the next pass starts.
int32_t onefold_conv_pass(const onefold_conv_run *run, const onefold_conv_strip *strip,
                          int64_t image, int32_t block, onefold_conv_args *args);

/// Where a piece of a convolution of one image reads and writes: whole tensors, or rows of them
/// that a buffer holds. Offsets are of block 0, row 0, and lie before a buffer that has not these.
typedef struct onefold_conv_area {
  const float *src;
  ptrdiff_t src_offset, src_block; // floats
  int fetch;                       // the source is in no cache near: ask for a block ahead
  int32_t taps;                    // planes of a source block, src_block apart: 1 but for "gather"
  int32_t first, last;             // source blocks that are summed: all but for "gather"
  float *dst;
  const float *residual; // laid out as dst, or NULL
  ptrdiff_t dst_offset, dst_block;
} onefold_conv_area;

/// The whole tensors of a run.
onefold_conv_area onefold_conv_whole(const onefold_conv_run *run, int64_t image);

/// The strip's blocks of the pixels [begin, end) of a pointwise convolution.
void onefold_conv_pointwise_pixels(const onefold_conv_run *run, const onefold_conv_strip *strip,
                                   int64_t image, const onefold_conv_area *area, int64_t begin,
                                   int64_t end);

/// The output rows [begin, end) of one block of a depthwise convolution.
void onefold_conv_depthwise_rows(const onefold_conv_run *run, int64_t image, int64_t block,
                                 const onefold_conv_area *area, int64_t begin, int64_t end);

/// Taps of the kernel.
static inline int64_t onefold_conv_taps(const onefold_conv_problem *problem) {
  return problem->desc.kernel_h * problem->desc.kernel_w;
}

/// Convolutions by pieces of the pixels that stay in L2: plans pieces and strips.
onefold_status onefold_conv_pieces_plan(onefold_conv2d_plan *plan, const onefold_tiling *tiling);

/// Source blocks of a piece that are gathered at a time.
int64_t onefold_conv_pieces_blocks(const onefold_conv2d_plan *plan);

/// What the algorithms that may go by pieces have in common.
double onefold_conv_pieces_estimate(const onefold_dispatch *dispatch,
                                    const onefold_conv_problem *problem, int32_t tasks,
                                    const onefold_tiling *tiling);
onefold_op onefold_conv_pieces_tiles(const onefold_conv_problem *problem);
extern const onefold_conv_knob *const onefold_conv_pieces_knobs[];

/// Points `area` at where output pixels [begin, begin + count) of an image are read, at all taps
/// of its source blocks [first, last), for task `index`.
typedef void onefold_conv_piece_fn(const onefold_conv_run *run, size_t index, int64_t image,
                                   int64_t begin, int64_t count, onefold_conv_area *area);

/// The pieces and strips of task `index`; without `gather` pixels are read where they are.
void onefold_conv_each_piece(const onefold_conv_run *run, size_t index,
                             onefold_conv_piece_fn *gather);

/// The algorithm reads a blocked source: its layout and strides.
void onefold_conv_blocked_source(onefold_conv2d_plan *plan);

/// Kernel rows that lie inside the image at output row `row`: *first and their number. The
/// first of them reads source row row*stride_h - pad_top + *first*dilation_h.
int32_t onefold_conv_rows_inside(const onefold_conv2d_desc *desc, int64_t row, int64_t *first);

/// What the weights of a problem are packed for.
onefold_pack_key onefold_conv_pack_key(const onefold_conv_problem *problem,
                                       onefold_pack_format format);

/// ONEFOLD_SHAPE_MISMATCH where the weights were packed for something else.
onefold_status onefold_conv_check_packed(const onefold_conv2d_plan *plan,
                                         const onefold_conv2d_packed *packed);

/// Weights that were packed before, 64-byte aligned and of the lengths that packing gives them;
/// they stay where they are. Errors: OUT_OF_MEMORY; SHAPE_MISMATCH where `key` is not the plan's.
onefold_status onefold_conv_borrow_packed(const onefold_conv2d_plan *plan,
                                          const onefold_pack_key *key, const float *weight,
                                          const float *bias, const float *residual_scale,
                                          onefold_conv2d_packed **packed);

/// Packs into packed->weight, by the context's means.
void onefold_conv_pack_weights(const onefold_conv2d_plan *plan, const float *weight, float *packed);
/// The floats of one output block, all of which are written.
void onefold_conv_pack_winograd(const onefold_conv_problem *problem, onefold_pack_format format,
                                int32_t block, const float *weight, float *packed);

#endif
