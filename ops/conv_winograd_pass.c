// SPDX-License-Identifier: BSD-3-Clause
// Runs the passes of a Winograd convolution: for a pass of tiles the source at its points, then,
// strip by strip, the products of all elements, as pointwise convolutions over the tiles, and the
// outputs with the epilogue.
#include "ops/conv_tasks.h"
#include "ops/conv_winograd.h"

/// A pass, in a task's scratch.
typedef struct pass {
  onefold_conv_winograd_tiles of;
  float *source, *product;
} pass;

/// The tiles of a pass in one row of an image, `image` from the pass's first on: [column, column +
/// tiles) of row `row`; `before` of the pass come earlier, in `ends` rows that ended.
typedef struct part {
  int32_t image, row, column, tiles, before, ends;
} part;

static int32_t smaller(int32_t a, int32_t b) {
  return a < b ? a : b;
}

static part first_part(const onefold_conv_winograd *w, const pass *p) {
  const int32_t column = (int32_t)(p->of.first % w->columns);
  return (part){.row = (int32_t)(p->of.first / w->columns),
                .column = column,
                .tiles = smaller(p->of.tiles, w->columns - column)};
}

/// On to the row of the next image, or the next row; 0 where there is none.
static int next_part(const onefold_conv_winograd *w, const pass *p, part *s) {
  s->before += s->tiles;
  s->tiles = smaller(p->of.tiles - s->before, w->columns);
  s->column = 0;
  s->ends++;
  if (++s->image == p->of.images) {
    s->image = 0;
    s->row++;
  }
  return s->tiles > 0;
}

/// The last point but one of a part's tiles down a column, and of its last tile along a row.
static int32_t height_of(const onefold_conv_winograd *w, const part *s) {
  return (s->row + 1 < w->rows ? w->axis.points : w->last_h) - 2;
}
static int32_t width_of(const onefold_conv_winograd *w, const part *s) {
  return (s->column + s->tiles < w->columns ? w->axis.points : w->last_w) - 2;
}

/// Floats by which a part of the elements that a short last tile of a row lacks lies before that of
/// the others: each row that ended has one tile less.
static ptrdiff_t extra_offset(const onefold_conv_winograd *w, const part *s, int32_t v) {
  return w->last_w < w->axis.points ? -(ptrdiff_t)s->ends * v : 0;
}

/// Where a phase's image lies in the source along an axis: pixel `first` of the source is its pixel
/// 0, and what the phase begins with is `offset` pixels of its image before that.
static void phase_of(const onefold_pack_axis *axis, int32_t phase, int64_t pad, int64_t size,
                     int32_t *first, int32_t *offset, int32_t *count) {
  const int64_t begin = onefold_pack_first(axis, phase) - pad, stride = axis->stride;
  *first = (int32_t)(((begin % stride) + stride) % stride);
  *offset = (int32_t)((begin - *first) / stride);
  *count = (int32_t)((size - *first + stride - 1) / stride);
}

/// Source block `index` of a band at the points of the tiles of a pass, a phase of it.
static void transform_phase(const onefold_conv_run *run, const pass *p,
                            const onefold_conv_band *band, int32_t index, int32_t a, int32_t b) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_winograd *w = &plan->winograd;
  const onefold_conv2d_desc *d = &plan->problem.desc;
  const int32_t v = plan->problem.v, stride = w->axis.stride;
  int32_t row = 0, column = 0, top = 0, left = 0;
  onefold_winograd_in_args args = {
      .src_row = stride * plan->src_row,
      .src_pixel = stride * plan->src_pixel,
      .step = w->step,
      .least_width = w->last_w - 2,
      .dst_element = w->source_element,
      .v = v,
  };
  phase_of(&w->axis, a, d->pad_top, d->in_h, &row, &top, &args.in_h);
  phase_of(&w->axis, b, d->pad_left, d->in_w, &column, &left, &args.in_w);
  const float *src =
      run->src + (p->of.image * run->images.src + (band->block + index) * plan->src_block +
                  row * plan->src_row + column * plan->src_pixel);
  const int64_t plane = ((int64_t)a * band->count + index) * w->axis.phases + b;
  float *dst = p->source + plane * w->pass * v;
  part s = first_part(w, p);
  do {
    args.src = src + s.image * run->images.src;
    args.top = s.row * w->step + top;
    args.left = s.column * w->step + left;
    args.tiles = s.tiles;
    args.height = height_of(w, &s);
    args.last_width = width_of(w, &s);
    args.dst = dst + (ptrdiff_t)s.before * v;
    args.dst_extra = extra_offset(w, &s, v);
    ((onefold_winograd_in_fn *)w->in->fn)(&args);
  } while (next_part(w, p, &s));
}

static void transform_source(const onefold_conv_run *run, const pass *p,
                             const onefold_conv_band *band) {
  const int32_t phases = run->plan->winograd.axis.phases;
  for (int32_t i = 0; i < band->count; i++) {
    for (int32_t a = 0; a < phases; a++) {
      for (int32_t b = 0; b < phases; b++) transform_phase(run, p, band, i, a, b);
    }
  }
}

/// Source planes of an axis' point: one for each phase that it has.
static int32_t planes_at(const onefold_conv_winograd *w, int32_t point) {
  return point + 1 < w->axis.points ? w->axis.phases : w->axis.ends;
}

/// The products of all elements of a strip, each for all tiles that have it.
static void multiply(const onefold_conv_run *run, const onefold_conv_strip *strip, const pass *p) {
  onefold_epilogue none = {0};
  const onefold_conv_winograd *w = &run->plan->winograd;
  const int32_t v = run->plan->problem.v, points = w->axis.points, phases = w->axis.phases;
  const ptrdiff_t plane = (ptrdiff_t)w->pass * v;
  onefold_conv_fn *const kernel = (onefold_conv_fn *)strip->kernel->fn;
  onefold_conv_args a = {
      .src = p->source,
      .src_pixel = v,
      .weight = run->packed->weight + strip->weight,
      .weight_q = (ptrdiff_t)onefold_pack_planes(&w->axis) * strip->band.count * v * v,
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
    const int32_t down = planes_at(w, i);
    for (int32_t j = 0; j < points; j++) {
      const int32_t along = planes_at(w, j);
      a.src_block = along == phases ? plane : phases * plane;
      a.blocks = strip->band.count * down * along;
      // The next element's weights are fetched, those of the next strip after the last.
      const ptrdiff_t weights = a.blocks * a.weight_block;
      const int last = i + 1 == points && j + 1 == points;
      a.weight_ahead = last ? weights + (strip->blocks - 1) * a.weight_q : weights;
      a.pixels = onefold_conv_winograd_having(w, &p->of, i, j);
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
  onefold_epilogue epilogue = onefold_conv_epilogue(run, p->of.image, block);
  const float *const scale = epilogue.scale;
  onefold_winograd_out_args a = {
      .src_element = w->product_element,
      .least_width = w->last_w - 2,
      .dst_row = problem->out_w * v,
      .swap = plan->tasks > 1,
      .v = v,
      .epilogue = &epilogue,
  };
  const float *src = p->product + (ptrdiff_t)q * w->pass * v;
  part s = first_part(w, p);
  do {
    const int64_t image = p->of.image + s.image, y = (int64_t)s.row * w->step,
                  x = (int64_t)s.column * w->step;
    const float *residual = onefold_conv_residual(run, image);
    const int64_t down = problem->out_h - y, along = problem->out_w - x;
    const int64_t width = (int64_t)s.tiles * w->step;
    const ptrdiff_t dst =
        image * run->images.dst + ((block * problem->out_h + y) * problem->out_w + x) * v;
    a.src = src + (ptrdiff_t)s.before * v;
    a.src_extra = extra_offset(w, &s, v);
    a.tiles = s.tiles;
    a.height = height_of(w, &s);
    a.last_width = width_of(w, &s);
    a.rows = (int32_t)(down < w->step ? down : w->step);
    a.columns = (int32_t)(along < width ? along : width);
    a.dst = run->dst + dst;
    if (scale) epilogue.scale = scale + s.image * problem->out_blocks * v;
    epilogue.residual = residual ? residual + dst : NULL;
    ((onefold_winograd_out_fn *)w->out->fn)(&a);
  } while (next_part(w, p, &s));
}

/// Strips [begin, end) of a pass. Groups have their sources in the same place, one after the other.
static void run_pass(const onefold_conv_run *run, const pass *p, int32_t begin, int32_t end) {
  const onefold_conv2d_plan *plan = run->plan;
  int32_t transformed = -1; // the first source block of the band that is
  for (int32_t s = begin; s < end; s++) {
    const onefold_conv_strip *strip = &plan->strips.strip[s];
    if (transformed != strip->band.block) transform_source(run, p, &strip->band);
    transformed = strip->band.block;
    multiply(run, strip, p);
    for (int32_t q = 0; q < strip->blocks; q++) transform_products(run, strip, p, q);
  }
}

void onefold_conv_winograd_task(const onefold_conv_run *run, size_t index) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_winograd *w = &plan->winograd;
  const size_t parts = (size_t)plan->strip_parts;
  const int64_t batch = plan->problem.desc.batch;
  size_t n = 0, end = 0;
  int32_t first = 0, last = 0;
  onefold_split((size_t)onefold_conv_winograd_passes(w, batch), (size_t)plan->tasks / parts,
                index / parts, &n, &end);
  onefold_conv_strips_part(plan, plan->strip_parts, (int32_t)(index % parts), &first, &last);
  float *const scratch = run->scratch + index * plan->scratch;
  for (; n < end; n++) {
    const pass p = {onefold_conv_winograd_pass(w, batch, (int64_t)n), scratch,
                    scratch + w->source_floats};
    run_pass(run, &p, first, last);
  }
}
