// SPDX-License-Identifier: BSD-3-Clause
// Winograd convolution F(m x m, 3x3), stride 1. For a pass of tiles: the source at its points,
// then, strip by strip, the products of all elements, as pointwise convolutions over the tiles, and
// the outputs with the epilogue. A pass belongs to one task; where there are fewer passes than
// tasks, several tasks transform the same source and take different strips.
#include "ops/conv_winograd.h"

#include <stdio.h>

static const char *refuse(const onefold_conv_problem *problem, int32_t m, char *reason,
                          size_t size) {
  const onefold_conv2d_desc *d = &problem->desc;
  if (d->kernel_h != 3 || d->kernel_w != 3) {
    snprintf(reason, size, "the kernel is %lldx%lld, not 3x3", (long long)d->kernel_h,
             (long long)d->kernel_w);
    return reason;
  }
  if (d->stride_h != 1 || d->stride_w != 1 || d->dilation_h != 1 || d->dilation_w != 1) {
    snprintf(reason, size, "stride %lldx%lld and dilation %lldx%lld are not 1",
             (long long)d->stride_h, (long long)d->stride_w, (long long)d->dilation_h,
             (long long)d->dilation_w);
    return reason;
  }
  if (d->groups > 1 && (problem->in_group % problem->v || problem->out_group % problem->v)) {
    snprintf(reason, size, "groups of %lld and %lld channels do not fill blocks of %d",
             (long long)problem->in_group, (long long)problem->out_group, problem->v);
    return reason;
  }
  if (problem->accuracy == ONEFOLD_ACCURACY_STRICT) return "the accuracy class is strict";
  if (m == 6 && problem->accuracy != ONEFOLD_ACCURACY_FAST) {
    return "its error is above the bound of the accuracy class standard";
  }
  return NULL;
}

static int64_t passes_of(const onefold_conv_winograd *w, int64_t batch) {
  const int64_t bands = (w->rows + w->pass_rows - 1) / w->pass_rows;
  return batch * bands * ((w->columns + w->pass_columns - 1) / w->pass_columns);
}

static const onefold_kernel *kernel_of(const onefold_dispatch *dispatch, onefold_op op, int32_t m) {
  for (int32_t i = 0; i < dispatch->ops[op].count; i++) {
    if (dispatch->ops[op].row[i]->variant == m) return dispatch->ops[op].row[i];
  }
  return NULL;
}

static onefold_status plan_it(onefold_conv2d_plan *plan, const onefold_tiling *tiling) {
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_dispatch *dispatch = onefold_context_dispatch(plan->context);
  const int32_t m = onefold_pack_tile(plan->algorithm->format);
  onefold_conv_winograd *w = &plan->winograd;
  onefold_conv_winograd_cut(dispatch, problem, m, plan->tasks, w);
  w->in = kernel_of(dispatch, ONEFOLD_OP_WINOGRAD_IN, m);
  w->out = kernel_of(dispatch, ONEFOLD_OP_WINOGRAD_OUT, m);
  onefold_conv_blocked_source(plan);
  const int64_t tiles = (int64_t)w->pass_rows * w->pass_columns;
  const onefold_status status =
      onefold_conv_strips_make(plan, ONEFOLD_OP_POINTWISE, tiles, w->strip_parts, tiling);
  if (status != ONEFOLD_OK) return status;
  int32_t widest = 1;
  for (int32_t i = 0; i < plan->strips.count; i++) {
    if (plan->strips.strip[i].blocks > widest) widest = plan->strips.strip[i].blocks;
  }
  // An odd number of cache lines from element to element, so that they do not share sets.
  const ptrdiff_t line = 64 / sizeof(float), points = (ptrdiff_t)(m + 2) * (m + 2);
  w->source_element = (ptrdiff_t)problem->in_blocks * tiles * problem->v + line;
  w->product_element = (ptrdiff_t)widest * tiles * problem->v + line;
  w->source_floats = (size_t)(points * w->source_element);
  w->scratch_floats = w->source_floats + (size_t)(points * w->product_element);
  plan->scratch = (w->scratch_floats + (size_t)line - 1) / (size_t)line * (size_t)line;
  return ONEFOLD_OK;
}

/// A pass: tiles [row, row + rows) x [column, column + columns) of an image, of which the last row
/// and column may be short.
typedef struct pass {
  int64_t image;
  int32_t row, rows, column, columns;
  int32_t last_h, last_w; // outputs of the last row and column of the pass
  float *source, *product;
} pass;

/// Tiles of a row of the pass that have column point j.
static int32_t columns_with(const pass *p, int32_t m, int32_t j) {
  return p->columns - (j > p->last_w && j <= m);
}

static int32_t rows_with(const pass *p, int32_t m, int32_t i) {
  return p->rows - (i > p->last_h && i <= m);
}

/// Floats by which tile row `row` of the elements that a short last tile lacks lies before that of
/// the others: their rows of tiles are shorter by one.
static ptrdiff_t extra_offset(const pass *p, int32_t m, int32_t row, int32_t v) {
  return p->last_w < m ? -(ptrdiff_t)row * v : 0;
}

static void transform_source(const onefold_conv_run *run, const pass *p, int32_t block) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_winograd *w = &plan->winograd;
  const onefold_conv2d_desc *d = &plan->problem.desc;
  const int32_t v = plan->problem.v, m = w->m;
  onefold_winograd_in_args a = {
      .src = run->src + (p->image * plan->src_image + block * plan->src_block),
      .src_row = plan->src_row,
      .in_h = (int32_t)d->in_h,
      .in_w = (int32_t)d->in_w,
      .left = (int32_t)(p->column * m - d->pad_left),
      .tiles = p->columns,
      .last_width = p->last_w,
      .dst_element = w->source_element,
      .v = v,
  };
  float *dst = p->source + (ptrdiff_t)block * w->pass_rows * w->pass_columns * v;
  for (int32_t r = 0; r < p->rows; r++) {
    a.top = (int32_t)((p->row + r) * m - d->pad_top);
    a.height = r + 1 < p->rows ? m : p->last_h;
    a.dst = dst + (ptrdiff_t)r * p->columns * v;
    a.dst_extra = extra_offset(p, m, r, v);
    ((onefold_winograd_in_fn *)w->in->fn)(&a);
  }
}

/// The products of one element of a strip, for all tiles that have it.
static void multiply(const onefold_conv_run *run, const onefold_conv_strip *strip, const pass *p,
                     int32_t i, int32_t j) {
  static const onefold_epilogue none = {0};
  const onefold_conv_winograd *w = &run->plan->winograd;
  const int32_t v = run->plan->problem.v, points = w->m + 2, e = i * points + j;
  const ptrdiff_t panel = (ptrdiff_t)strip->band.count * v * v; // of an element and output block
  const ptrdiff_t plane = (ptrdiff_t)w->pass_rows * w->pass_columns * v;
  const float *source = p->source + (e * w->source_element + strip->band.block * plane);
  onefold_conv_args a = {
      .src_block = plane,
      .src_pixel = v,
      .weight = run->packed->weight + strip->weight + e * panel,
      .weight_q = points * points * panel,
      .weight_block = (ptrdiff_t)v * v,
      .weight_row = (ptrdiff_t)v * v,
      .dst_q = plane,
      .dst_pixel = v,
      .blocks = strip->band.count,
      .rows = 1,
      .taps = 1,
      .last_channels = strip->band.last,
      .v = v,
      .q = strip->blocks,
      .epilogue = &none,
  };
  const int32_t tiles = rows_with(p, w->m, i) * columns_with(p, w->m, j);
  const int32_t P = strip->kernel->pixels, calls = (tiles + P - 1) / P;
  float *dst = p->product + e * w->product_element;
  for (int32_t n = 0; n < calls; n++) {
    a.pixels = tiles / calls + (n < tiles % calls);
    a.src = source;
    a.dst = dst;
    // The next element's weights are fetched meanwhile, those of the next strip after the last.
    if (n + 1 == calls) {
      a.weight_ahead = e + 1 < points * points
                           ? panel
                           : (strip->blocks * points * points - (points * points - 1)) * panel;
    }
    ((onefold_conv_fn *)strip->kernel->fn)(&a);
    source += (ptrdiff_t)a.pixels * v;
    dst += (ptrdiff_t)a.pixels * v;
  }
}

static void transform_products(const onefold_conv_run *run, const onefold_conv_strip *strip,
                               const pass *p, int32_t q) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv_winograd *w = &plan->winograd;
  const int32_t v = problem->v, m = w->m, block = strip->block + q;
  onefold_epilogue epilogue = onefold_conv_epilogue(run, p->image, block);
  const int64_t left = problem->out_w - (int64_t)p->column * m;
  onefold_winograd_out_args a = {
      .src_element = w->product_element,
      .tiles = p->columns,
      .last_width = p->last_w,
      .dst_row = problem->out_w * v,
      .columns = (int32_t)(left < (int64_t)p->columns * m ? left : (int64_t)p->columns * m),
      .v = v,
      .epilogue = &epilogue,
  };
  const float *src = p->product + (ptrdiff_t)q * w->pass_rows * w->pass_columns * v;
  for (int32_t r = 0; r < p->rows; r++) {
    const int64_t y = (int64_t)(p->row + r) * m;
    const ptrdiff_t dst =
        (((p->image * problem->out_blocks + block) * problem->out_h + y) * problem->out_w +
         (int64_t)p->column * m) *
        v;
    a.src = src + (ptrdiff_t)r * p->columns * v;
    a.src_extra = extra_offset(p, m, r, v);
    a.height = r + 1 < p->rows ? m : p->last_h;
    a.rows = (int32_t)(problem->out_h - y < a.height ? problem->out_h - y : a.height);
    a.dst = run->dst + dst;
    epilogue.residual = run->residual ? run->residual + dst : NULL;
    ((onefold_winograd_out_fn *)w->out->fn)(&a);
  }
}

/// Strips [begin, end) of a pass.
static void run_pass(const onefold_conv_run *run, const pass *p, int32_t begin, int32_t end) {
  const onefold_conv2d_plan *plan = run->plan;
  const int32_t points = plan->winograd.m + 2;
  int32_t transformed = 0; // source blocks before this one are
  for (int32_t s = begin; s < end; s++) {
    const onefold_conv_strip *strip = &plan->strips.strip[s];
    if (transformed < strip->band.block) transformed = strip->band.block;
    for (; transformed < strip->band.block + strip->band.count; transformed++) {
      transform_source(run, p, transformed);
    }
    for (int32_t i = 0; i < points; i++) {
      for (int32_t j = 0; j < points; j++) multiply(run, strip, p, i, j);
    }
    for (int32_t q = 0; q < strip->blocks; q++) transform_products(run, strip, p, q);
  }
}

static void task(const onefold_conv_run *run, size_t index) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_winograd *w = &plan->winograd;
  const size_t parts = (size_t)w->strip_parts, sharing = (size_t)plan->tasks / parts;
  const int32_t across = (w->columns + w->pass_columns - 1) / w->pass_columns;
  const int32_t bands = (w->rows + w->pass_rows - 1) / w->pass_rows;
  size_t begin = 0, end = 0;
  int32_t first = 0, last = 0;
  onefold_split((size_t)passes_of(w, plan->problem.desc.batch), sharing, index / parts, &begin,
                &end);
  onefold_conv_strips_part(plan, (int32_t)parts, (int32_t)(index % parts), &first, &last);
  pass p = {.source = run->scratch + index * plan->scratch};
  p.product = p.source + w->source_floats;
  for (size_t n = begin; n < end; n++) {
    p.image = (int64_t)n / across / bands;
    p.row = (int32_t)((int64_t)n / across % bands) * w->pass_rows;
    p.column = (int32_t)((int64_t)n % across) * w->pass_columns;
    const int32_t rows = w->rows - p.row, columns = w->columns - p.column;
    p.rows = rows < w->pass_rows ? rows : w->pass_rows;
    p.columns = columns < w->pass_columns ? columns : w->pass_columns;
    p.last_h = p.rows == rows ? w->last_h : w->m;
    p.last_w = p.columns == columns ? w->last_w : w->m;
    run_pass(run, &p, first, last);
  }
}

#define ALGORITHM(m)                                                                               \
  static const char *refuse_##m(const onefold_conv_problem *problem, char *reason, size_t size) {  \
    return refuse(problem, m, reason, size);                                                       \
  }                                                                                                \
  static double estimate_##m(const onefold_dispatch *dispatch,                                     \
                             const onefold_conv_problem *problem) {                                \
    onefold_conv_winograd winograd;                                                                \
    return onefold_conv_winograd_cut(dispatch, problem, m, 1, &winograd);                          \
  }                                                                                                \
  const onefold_conv_algorithm onefold_conv_winograd_##m = {                                       \
      "winograd" #m, ONEFOLD_PACK_WINOGRAD_##m, refuse_##m, estimate_##m, plan_it, task};
ALGORITHM(2)
ALGORITHM(4)
ALGORITHM(6)
