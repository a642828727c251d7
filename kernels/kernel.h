// SPDX-License-Identifier: BSD-3-Clause
// What a micro-kernel is: its arguments, its row in kernel_list.def, and the
// dispatch table that is built from the rows.
//
// "v" is the vector width of the ISA in floats (16, 8, 4), which is also the
// channel block of the blocked layout. Strides are in floats. Kernels never
// touch an element that their arguments do not name, and need no alignment.
#ifndef ONEFOLD_KERNELS_KERNEL_H
#define ONEFOLD_KERNELS_KERNEL_H

#include <onefold/types.h>

#include <stddef.h>
#include <stdint.h>

// Most pixels and output blocks of any tile, widest vector and widest kernel
// row whose taps can be masked.
#define ONEFOLD_MAX_TILE_PIXELS 16
#define ONEFOLD_MAX_TILE_BLOCKS 8
#define ONEFOLD_MAX_VECTOR      16

/// dst[i] = act(src[i]) for i in [0, n). src and dst may be equal.
typedef void onefold_act_fn(float param, const float *src, float *dst, size_t n);

/// The two ends of a convolution. The accumulator z of output block q, lane l
/// starts from bias[q*v+l]; when its sum is complete follow, in this order,
///   z *= scale[q*v+l];  r = residual_scale[q*v+l] * residual
///   before: y = act(z + r)          after: y = act(z) + r
/// act(z) is z, times `slope` where that is negative and `leaky` is set; min(max(z, lo), hi) of
/// that; and post(z) where post is not NULL.
typedef struct onefold_epilogue {
  const float *bias;           // [q][v] or NULL
  const float *scale;          // [q][v] or NULL
  const float *residual;       // laid out as dst, may be dst, or NULL
  const float *residual_scale; // [q][v] or NULL for 1
  float lo, hi, slope;
  int leaky;
  onefold_act_fn *post;
  float post_param;
  int residual_after;
} onefold_epilogue;

/// Arguments of conv and pointwise kernels: `pixels` output pixels of a row by up
/// to q output blocks.
///
///   z[q][p][l] = bias[q][l] + sum over b < blocks, r < rows, t < taps, c < channels of
///     src[b*src_block + r*src_row + t*src_tap + p*src_pixel + c]
///     * weight[q*weight_q + b*weight_block + r*weight_row + (t*cb + c)*v + l]
///
/// where cb is v for blocked kernels and 1 for plain ones (channels = 1, b
/// counts channels), and src_pixel is s*cb in kernels specialised for stride
/// s. Bit p of mask[t] says that pixel p of tap t lies inside the image; a
/// masked element is not read. The last block has `last_channels` channels.
typedef struct onefold_conv_args {
  const float *src;
  ptrdiff_t src_offset; // of block 0, row 0, tap 0, pixel 0; may be negative where masked
  ptrdiff_t src_block, src_row, src_tap, src_pixel;
  const float *weight;
  ptrdiff_t weight_q, weight_block, weight_row;
  ptrdiff_t weight_ahead; // from a weight to one that is needed later, 0: none
  ptrdiff_t src_ahead;    // pointwise: the same from a pixel's block
  float *dst;
  ptrdiff_t dst_q; // between output blocks; pixels follow each other by v
  int32_t blocks, rows, taps, last_channels;
  int32_t pixels;             // any number from 1; with a mask up to P
  int32_t v;                  // read by ref only
  int32_t q;                  // output blocks; read by ref only: others have Q
  const uint32_t *mask;       // [taps]; NULL when every pixel of every tap is inside
  int32_t accumulate;         // start from dst instead of the bias
  int32_t split;              // pointwise: of one pixel, add channels in any order
  int32_t final;              // apply the epilogue
  onefold_epilogue *epilogue; // never NULL
} onefold_conv_args;
/// Arguments may change while the kernel runs, and are what they were when it is done.
typedef void onefold_conv_fn(onefold_conv_args *args);

/// What an output block sums at a time: a channel of its group for each lane, all of one source
/// block, which begins `src` floats after the first.
typedef struct onefold_grouped_step {
  int32_t lane[ONEFOLD_MAX_VECTOR]; // of the source block
  ptrdiff_t src;
} onefold_grouped_step;

/// Arguments of depthwise and grouped kernels: `out_rows` rows of `out_pixels` pixels of one
/// channel block.
///   z[y][p][l] = bias[l] + sum over s < steps, r < rows, t < taps of
///     src[src_offset + step[s].src + i*src_row + j*v + step[s].lane[l]]
///     * weight[((s*rows + r)*taps + t)*v + l]
/// where i = y*row_stride + r*row_dilation and j = p*stride + t*dilation are counted from the
/// first row and column of the first window, and terms outside of row_begin <= i < row_end,
/// column_begin <= j < column_end are left out and not read. A depthwise kernel has one step, whose
/// lanes are their own, and does not read it.
typedef struct onefold_depthwise_args {
  const float *src;
  ptrdiff_t src_offset; // of row 0, column 0; may be negative where that is outside
  ptrdiff_t src_row;
  const float *weight;
  float *dst; // pixels follow each other by v; the residual is laid out the same
  ptrdiff_t dst_row;
  int64_t out_rows, out_pixels; // any number
  int64_t rows, taps;           // of the kernel
  int64_t row_stride, row_dilation, stride, dilation;
  int64_t row_begin, row_end, column_begin, column_end;
  const onefold_grouped_step *step; // grouped
  int32_t steps;                    // the same
  int32_t swap; // 1: tiles of rows in pairs, the second first (kernels/body/order.h)
  int32_t v;    // read by ref only
  const onefold_epilogue *epilogue;
} onefold_depthwise_args;
typedef void onefold_depthwise_fn(const onefold_depthwise_args *args);

/// Arguments of Winograd input transforms with the m+2 points of F(m x m, 3x3): one row of tiles of
/// one channel block. Tile t starts at row `top` and column `left + t*step` of the image, outside
/// of which everything is zero. A tile is m+2 x m+2 pixels; these are `height`+2 high, and the last
/// of them is `last_width`+2 wide, both even and at most m. Its transform has the elements
/// e = i*(m+2) + j for the points i of its height and j of its width (kernels/winograd.h):
///   dst[e*dst_element + t*v + l], and dst_extra further on where j is none of `least_width`'s
///   points, which tiles in all columns of the image have
typedef struct onefold_winograd_in_args {
  const float *src; // row 0, column 0
  ptrdiff_t src_row, src_pixel;
  int32_t in_h, in_w, top, left, step;
  int32_t tiles, height, last_width, least_width;
  float *dst;
  ptrdiff_t dst_element, dst_extra;
  int32_t v; // read by ref only
} onefold_winograd_in_args;
typedef void onefold_winograd_in_fn(const onefold_winograd_in_args *args);

/// Arguments of Winograd output transforms: the products of one row of tiles of one channel block,
/// laid out as the input transform's, to `rows` x `columns` outputs. A piece of size+2 points has
/// size outputs of a filter of three taps (winograd_out), size+1 of one of two (polyphase_out).
/// `rows` is at most a tile's outputs, and `columns` all tiles' outputs but the last's one or
/// (polyphase) two.
typedef struct onefold_winograd_out_args {
  const float *src;
  ptrdiff_t src_element, src_extra;
  int32_t tiles, height, last_width, least_width;
  float *dst; // columns follow each other by v; the epilogue's residual lies the same
  ptrdiff_t dst_row;
  int32_t rows, columns;
  int32_t swap; // 1: rows of a tile in pairs, the second first (kernels/body/order.h)
  int32_t v;    // read by ref only
  const onefold_epilogue *epilogue;
} onefold_winograd_out_args;
typedef void onefold_winograd_out_fn(const onefold_winograd_out_args *args);
typedef void onefold_polyphase_out_fn(const onefold_winograd_out_args *args);

/// Arguments of pooling kernels: `pixels` output pixels of one row of v channels.
/// The window of pixel p is columns [x, x + taps), x = p*stride - pad, of `rows`
/// rows, one at least of each. Columns outside [0, width) are not read; every
/// window has one inside.
///   max:  dst[p][l] = max over the window of src[row*src_row + column*src_column + l]
///   mean: dst[p][l] = (sum over the window of the same) / D, where D is `divisor`, or, that
///         being 0, count_rows times the window's columns that lie in [count_begin, count_end)
/// A window inside the image counts whole. NaN in a window gives NaN.
typedef struct onefold_pool_args {
  const float *src; // column 0 of the first row
  ptrdiff_t src_row, src_column;
  float *dst;
  ptrdiff_t dst_pixel;
  int64_t rows, taps, pixels, stride, pad, width;
  int64_t divisor, count_rows, count_begin, count_end; // mean only
  int32_t v;                                           // read by ref only
} onefold_pool_args;
typedef void onefold_pool_fn(const onefold_pool_args *args);

/// dst[l] = mean of src[p*v + l] over p < pixels, at least 1. Short runs of pixels are summed in
/// float, and the runs in double. NaN in a lane gives NaN.
typedef void onefold_mean_fn(const float *src, size_t pixels, float *dst, int32_t v);

/// dst = a + b, n floats. Any of them may be equal.
typedef void onefold_add_fn(const float *a, const float *b, float *dst, size_t n);

/// dst[i] = src[i]*scale[i mod period] + shift[i mod period], i in [0, n), any
/// period from 1 up; 1 and v are fastest, others want to be long. src and dst
/// may be equal.
typedef void onefold_scale_shift_fn(const float *src, const float *scale, const float *shift,
                                    size_t period, float *dst, size_t n);

/// One block of channels between planes and blocked: `channels` (1 .. v)
/// planes `plane` floats apart, and `pixels` groups of v floats. To blocked,
/// the lanes past `channels` become 0.
typedef void onefold_to_blocked_fn(const float *src, size_t plane, int32_t channels, float *dst,
                                   size_t pixels, int32_t v);
typedef void onefold_from_blocked_fn(const float *src, float *dst, size_t plane, int32_t channels,
                                     size_t pixels, int32_t v);

/// The same between rows of channels, `stride` floats from pixel to pixel (NHWC), and blocked.
typedef void onefold_rows_to_blocked_fn(const float *src, size_t stride, int32_t channels,
                                        float *dst, size_t pixels, int32_t v);
typedef void onefold_rows_from_blocked_fn(const float *src, float *dst, size_t stride,
                                          int32_t channels, size_t pixels, int32_t v);

/// What a core can do at most; bench and `info` measure with them.
/// operands: a at [0, v), b at [16, 16+v), both finite; a result that depends on every step is
/// written at [32, 32+v). Returns the floating-point operations done in `steps` steps.
typedef double onefold_peak_fma_fn(size_t steps, float *operands);
/// Sum of n floats.
typedef float onefold_peak_read_fn(const float *src, size_t n);
/// n floats; src and dst do not overlap.
typedef void onefold_peak_copy_fn(const float *src, float *dst, size_t n);

/// Operators of the dispatch table. Tiled ones have several rows, the others one.
typedef enum onefold_op {
  ONEFOLD_OP_CONV_S1,   // blocked source, stride 1
  ONEFOLD_OP_CONV_S2,   // blocked source, stride 2
  ONEFOLD_OP_CONV_SN,   // blocked source, any stride
  ONEFOLD_OP_PLAIN_S1,  // plain source (one channel a block), stride 1
  ONEFOLD_OP_PLAIN_S2,  // plain source, stride 2
  ONEFOLD_OP_PLAIN_SN,  // plain source, any stride
  ONEFOLD_OP_POINTWISE, // blocked source, 1x1, stride 1, never masked
  ONEFOLD_OP_DEPTHWISE_S1,
  ONEFOLD_OP_DEPTHWISE_S2,
  ONEFOLD_OP_DEPTHWISE_SN,
  ONEFOLD_OP_GROUPED_S1,
  ONEFOLD_OP_GROUPED_S2,
  ONEFOLD_OP_GROUPED_SN,
  ONEFOLD_OP_WINOGRAD_IN,   // one row per tile: `variant` is m
  ONEFOLD_OP_WINOGRAD_OUT,  // the same
  ONEFOLD_OP_POLYPHASE_OUT, // `variant` is m+1
  ONEFOLD_OP_POOL_MAX,
  ONEFOLD_OP_POOL_MEAN,
  ONEFOLD_OP_MEAN, // over all pixels
  ONEFOLD_OP_ADD,
  ONEFOLD_OP_SCALE_SHIFT,
  ONEFOLD_OP_TO_BLOCKED,
  ONEFOLD_OP_FROM_BLOCKED,
  ONEFOLD_OP_ROWS_TO_BLOCKED,
  ONEFOLD_OP_ROWS_FROM_BLOCKED,
  ONEFOLD_OP_ACT, // one row per activation: `variant` is the onefold_activation
  ONEFOLD_OP_PEAK_FMA,
  ONEFOLD_OP_PEAK_READ,
  ONEFOLD_OP_PEAK_COPY,
  ONEFOLD_OP_COUNT
} onefold_op;

/// "conv_s1", "pointwise", ... Never NULL.
const char *onefold_op_name(onefold_op op);

/// One row of kernel_list.def.
typedef struct onefold_kernel {
  const char *name; // "onefold_uk_conv_s1_f32_14x2__avx512"
  onefold_op op;
  onefold_isa isa;
  int32_t v;        // vector width; 0: any, as ref
  int32_t pixels;   // P of the tile; 0 where there is none
  int32_t q;        // Q of the tile: output blocks; depthwise: rows
  int32_t variant;  // activation, or outputs of a Winograd tile along an axis
  void (*fn)(void); // cast to the operator's type
} onefold_kernel;

/// Every row of this build, whatever the CPU. Rows of an ISA that this build
/// has no files for are absent.
const onefold_kernel *onefold_kernel_rows(size_t *count);

#define ONEFOLD_MAX_ROWS 24

/// Kernels of one ISA level, reference rows where the level has none.
typedef struct onefold_dispatch {
  onefold_isa isa;
  int32_t v; // channel block
  // What estimates depend on, and results do not: multiply-adds of whole vectors a cycle, the
  // bytes of one cache of each level, and those that a core reads of it in a cycle.
  int32_t fma_rate;
  size_t l1d_bytes, l2_bytes, l3_bytes;
  double l2_rate, l3_rate, dram_rate;
  struct {
    const onefold_kernel *row[ONEFOLD_MAX_ROWS];
    int32_t count;
  } ops[ONEFOLD_OP_COUNT];
  onefold_act_fn *act[ONEFOLD_ACT_COUNT]; // [NONE] is NULL
} onefold_dispatch;

/// Builds the table for a level. A pure function of its argument; the level
/// must be one that the CPU can run before a kernel of it is called. It is for a core of two
/// multiply-adds a cycle, caches of 32 KiB, 512 KiB and 16 MiB, and 48, 12 and 10 bytes a cycle
/// from L2, L3 and memory. Returns NULL, or a sentence that says which row is malformed.
const char *onefold_dispatch_build(onefold_isa isa, onefold_dispatch *dispatch);

/// The row of that name in the table, or NULL.
const onefold_kernel *onefold_dispatch_find(const onefold_dispatch *dispatch, const char *name);

#endif
