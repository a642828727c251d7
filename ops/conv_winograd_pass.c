// SPDX-License-Identifier: BSD-3-Clause
// Runs the passes of a Winograd convolution: for a pass of tiles the source at its points, then,
// strip by strip, the products of all elements, as pointwise convolutions over the tiles, and the
// outputs with the epilogue.
#include "ops/conv_tasks.h"
#include "ops/conv_winograd.h"

/// A pass: tiles [row, row + rows) x [column, column + columns) of an image, of which the last row
/// and column may be short.
typedef struct pass {
  int64_t image;
  int32_t row, rows, column, columns;
  int32_t last_h, last_w; // points of the last row and column of the pass
  float *source, *product;
} pass;

/// Of `tiles` along an axis of the pass, those that have the point: the last one may lack it.
static int32_t having(int32_t tiles, int32_t last, int32_t points, int32_t point) {
  return tiles - (point + 1 >= last && point + 1 < points);
}

/// Floats by which tile row `row` of the elements that a short last tile lacks lies before that of
/// the others: their rows of tiles are shorter by one.
static ptrdiff_t extra_offset(const pass *p, int32_t points, int32_t row, int32_t v) {
  return p->last_w < points ? -(ptrdiff_t)row * v : 0;
}

/// Where a phase's image lies in the source along an axis: pixel `first` of the source is its pixel
/// 0, and the padded image begins `offset` pixels of the phase before that.
static void phase_of(int32_t phase, int32_t phases, int64_t pad, int64_t size, int32_t *first,
                     int32_t *offset, int32_t *count) {
  const int64_t begin = phase - pad;
  *first = (int32_t)(((begin % phases) + phases) % phases);
  *offset = (int32_t)((begin - *first) / phases);
  *count = (int32_t)((size - *first + phases - 1) / phases);
}

/// Source block `block` at the points of the tiles of a pass, a phase of it.
static void transform_phase(const onefold_conv_run *run, const pass *p, int32_t block, int32_t a,
                            int32_t b) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_winograd *w = &plan->winograd;
  const onefold_conv2d_desc *d = &plan->problem.desc;
  const int32_t v = plan->problem.v, f = w->phases;
  int32_t row = 0, column = 0, top = 0, left = 0;
  onefold_winograd_in_args args = {
      .src_row = f * plan->src_row,
      .src_pixel = f * plan->src_pixel,
      .step = w->step,
      .tiles = p->columns,
      .last_width = p->last_w - 2,
      .dst_element = w->source_element,
      .v = v,
  };
  phase_of(a, f, d->pad_top, d->in_h, &row, &top, &args.in_h);
  phase_of(b, f, d->pad_left, d->in_w, &column, &left, &args.in_w);
  args.src = run->src + (p->image * plan->src_image + block * plan->src_block +
                         row * plan->src_row + column * plan->src_pixel);
  args.left = p->column * w->step + left;
  const int64_t plane = (a * plan->problem.in_blocks + block) * f + b;
  float *dst = p->source + plane * w->pass_rows * w->pass_columns * v;
  for (int32_t r = 0; r < p->rows; r++) {
    args.top = (p->row + r) * w->step + top;
    args.height = (r + 1 < p->rows ? w->points : p->last_h) - 2;
    args.dst = dst + (ptrdiff_t)r * p->columns * v;
    args.dst_extra = extra_offset(p, w->points, r, v);
    ((onefold_winograd_in_fn *)w->in->fn)(&args);
  }
}

static void transform_source(const onefold_conv_run *run, const pass *p, int32_t block) {
  const int32_t phases = run->plan->winograd.phases;
  for (int32_t a = 0; a < phases; a++) {
    for (int32_t b = 0; b < phases; b++) transform_phase(run, p, block, a, b);
  }
}

/// Source planes of an axis' point: one for each phase, at infinity one.
static int32_t planes_at(const onefold_conv_winograd *w, int32_t point) {
  return point + 1 < w->points ? w->phases : 1;
}

/// The products of all elements of a strip, each for all tiles that have it.
static void multiply(const onefold_conv_run *run, const onefold_conv_strip *strip, const pass *p) {
  static const onefold_epilogue none = {0};
  const onefold_conv_winograd *w = &run->plan->winograd;
  const int32_t v = run->plan->problem.v, points = w->points, phases = w->phases;
  const ptrdiff_t across = phases * (points - 1) + 1; // planes of all points
  const ptrdiff_t plane = (ptrdiff_t)w->pass_rows * w->pass_columns * v;
  onefold_conv_fn *const kernel = (onefold_conv_fn *)strip->kernel->fn;
  onefold_conv_args a = {
      .src = p->source + strip->band.block * phases * plane,
      .src_pixel = v,
      .weight = run->packed->weight + strip->weight,
      .weight_q = across * across * strip->band.count * v * v,
      .weight_block = (ptrdiff_t)v * v,
      .weight_row = (ptrdiff_t)v * v,
      .dst = p->product,
      .dst_q = plane,
      .rows = 1,
      .taps = 1,
      .last_channels = strip->band.last,
      .v = v,
      .q = strip->blocks,
      .epilogue = &none,
  };
  for (int32_t i = 0; i < points; i++) {
    const int32_t rows = having(p->rows, p->last_h, points, i), down = planes_at(w, i);
    for (int32_t j = 0; j < points; j++) {
      const int32_t along = planes_at(w, j);
      a.src_block = along == phases ? plane : phases * plane;
      a.blocks = strip->band.count * down * along;
      // The next element's weights are fetched, those of the next strip after the last.
      const ptrdiff_t weights = a.blocks * a.weight_block;
      const int last = i + 1 == points && j + 1 == points;
      a.weight_ahead = last ? weights + (strip->blocks - 1) * a.weight_q : weights;
      a.pixels = rows * having(p->columns, p->last_w, points, j);
      if (a.pixels > 0) kernel(&a);
      a.src += w->source_element;
      a.dst += w->product_element;
      a.weight += weights;
    }
  }
}

static void transform_products(const onefold_conv_run *run, const onefold_conv_strip *strip,
                               const pass *p, int32_t q) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv_winograd *w = &plan->winograd;
  const int32_t v = problem->v, block = strip->block + q;
  onefold_epilogue epilogue = onefold_conv_epilogue(run, p->image, block);
  const int64_t x = (int64_t)p->column * w->step, width = (int64_t)p->columns * w->step;
  onefold_winograd_out_args a = {
      .src_element = w->product_element,
      .tiles = p->columns,
      .last_width = p->last_w - 2,
      .dst_row = problem->out_w * v,
      .columns = (int32_t)(problem->out_w - x < width ? problem->out_w - x : width),
      .v = v,
      .epilogue = &epilogue,
  };
  const float *src = p->product + (ptrdiff_t)q * w->pass_rows * w->pass_columns * v;
  for (int32_t r = 0; r < p->rows; r++) {
    const int64_t y = (int64_t)(p->row + r) * w->step, left = problem->out_h - y;
    const ptrdiff_t dst =
        (((p->image * problem->out_blocks + block) * problem->out_h + y) * problem->out_w + x) * v;
    a.src = src + (ptrdiff_t)r * p->columns * v;
    a.src_extra = extra_offset(p, w->points, r, v);
    a.height = (r + 1 < p->rows ? w->points : p->last_h) - 2;
    a.rows = (int32_t)(left < w->step ? left : w->step);
    a.dst = run->dst + dst;
    epilogue.residual = run->residual ? run->residual + dst : NULL;
    ((onefold_winograd_out_fn *)w->out->fn)(&a);
  }
}

/// Strips [begin, end) of a pass.
static void run_pass(const onefold_conv_run *run, const pass *p, int32_t begin, int32_t end) {
  const onefold_conv2d_plan *plan = run->plan;
  int32_t transformed = 0; // source blocks before this one are
  for (int32_t s = begin; s < end; s++) {
    const onefold_conv_strip *strip = &plan->strips.strip[s];
    if (transformed < strip->band.block) transformed = strip->band.block;
    for (; transformed < strip->band.block + strip->band.count; transformed++) {
      transform_source(run, p, transformed);
    }
    multiply(run, strip, p);
    for (int32_t q = 0; q < strip->blocks; q++) transform_products(run, strip, p, q);
  }
}

/// Passes [*begin, *end) of the `parts` tasks that task `index` is one of.
static void passes_of_task(const onefold_conv2d_plan *plan, size_t index, size_t *begin,
                           size_t *end) {
  const size_t parts = (size_t)plan->strip_parts;
  const int64_t passes = onefold_conv_winograd_passes(&plan->winograd, plan->problem.desc.batch);
  onefold_split((size_t)passes, (size_t)plan->tasks / parts, index / parts, begin, end);
}

/// Pass n, in the scratch of task `index`.
static pass pass_of(const onefold_conv_run *run, size_t index, int64_t n) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_winograd *w = &plan->winograd;
  const int32_t across = (w->columns - 1) / w->pass_columns + 1;
  const int32_t bands = (w->rows - 1) / w->pass_rows + 1;
  pass p = {
      .image = n / across / bands,
      .row = (int32_t)(n / across % bands) * w->pass_rows,
      .column = (int32_t)(n % across) * w->pass_columns,
      .source = run->scratch + index * plan->scratch,
      .product = run->scratch + index * plan->scratch + w->source_floats,
  };
  const int32_t rows = w->rows - p.row, columns = w->columns - p.column;
  p.rows = rows < w->pass_rows ? rows : w->pass_rows;
  p.columns = columns < w->pass_columns ? columns : w->pass_columns;
  p.last_h = p.rows == rows ? w->last_h : w->points;
  p.last_w = p.columns == columns ? w->last_w : w->points;
  return p;
}

void onefold_conv_winograd_task(const onefold_conv_run *run, size_t index) {
  const onefold_conv2d_plan *plan = run->plan;
  const int32_t parts = plan->strip_parts;
  size_t n = 0, end = 0;
  int32_t first = 0, last = 0;
  passes_of_task(plan, index, &n, &end);
  onefold_conv_strips_part(plan, parts, (int32_t)(index % (size_t)parts), &first, &last);
  for (; n < end; n++) {
    const pass p = pass_of(run, index, (int64_t)n);
    run_pass(run, &p, first, last);
  }
}
