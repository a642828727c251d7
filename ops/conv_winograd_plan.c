// SPDX-License-Identifier: BSD-3-Clause
// Cuts a Winograd convolution into tiles and passes, and estimates its cost.
#include "kernels/winograd.h"
#include "ops/conv_estimate.h"
#include "ops/conv_space.h"
#include "ops/conv_winograd.h"

#include <math.h>

// Most tiles of a pass: more do not use a weight any better.
#define MOST_TILES 96

/// Tiles of an axis, and the points of the last one: as few as make its outputs, and even.
static void cut_axis(int64_t outputs, const onefold_conv_winograd *w, int32_t *tiles,
                     int32_t *last) {
  *tiles = (int32_t)((outputs + w->step - 1) / w->step);
  const int64_t left = outputs - (int64_t)(*tiles - 1) * w->step;
  const int32_t points = (int32_t)left + w->points - w->step;
  *last = points < 4 ? 4 : points + points % 2;
}

/// What the estimates of one cut share.
typedef struct cut {
  const onefold_dispatch *dispatch;
  const onefold_conv_problem *problem;
  const onefold_conv_winograd *w;
  const onefold_tiling *tiling;
  double depth; // terms of an element's sum
  int32_t tasks;
  // Of the products of so many tiles: cycles an input channel and element; 0 where none has asked.
  double row[MOST_TILES + 1];
} cut;

/// A pass of rows x columns tiles; the last one of an axis ends with its short tile.
typedef struct piece {
  int32_t rows, columns;
  int last_row, last_column;
} piece;

static double row_of(cut *k, int32_t tiles) {
  if (k->row[tiles] == 0) {
    k->row[tiles] = onefold_conv_row_estimate(k->dispatch, ONEFOLD_OP_POINTWISE, tiles, k->depth,
                                              k->problem->out_blocks, k->tiling);
  }
  return k->row[tiles];
}

/// Cycles of one input channel at all elements of a pass.
static double products(cut *k, const piece *p) {
  const onefold_conv_winograd *w = k->w;
  const int32_t lacks[2] = {w->points - w->last_h, w->points - w->last_w}, f = w->phases;
  double sum = 0;
  for (int down = 0; down < 2; down++) {
    for (int along = 0; along < 2; along++) {
      // Points that a short last tile lacks, times their phases, and tiles that have them.
      const int32_t planes = (down ? f * lacks[0] : f * (w->points - 1 - lacks[0]) + 1) *
                             (along ? f * lacks[1] : f * (w->points - 1 - lacks[1]) + 1);
      const int32_t tiles =
          (p->rows - (down && p->last_row)) * (p->columns - (along && p->last_column));
      if (planes > 0 && tiles > 0) sum += planes * row_of(k, tiles);
    }
  }
  return sum;
}

/// Cycles of a pass whose output blocks are shared out among `parts` tasks.
static double estimate_pass(cut *k, const piece *p, int32_t parts) {
  const onefold_conv_problem *problem = k->problem;
  const onefold_conv_winograd *w = k->w;
  const int32_t points = w->points * w->points, phases = w->phases * w->phases;
  const int32_t planes = w->phases * (w->points - 1) + 1;
  const int64_t blocks = (problem->out_blocks + parts - 1) / parts;
  const double share = (double)blocks / (double)problem->out_blocks;
  const double tiles = (double)p->rows * p->columns, channels = (double)problem->in_group;
  const double vector = problem->v * sizeof(float);
  const double source = points * phases * tiles * (double)problem->in_blocks * vector;
  const double result = points * tiles * 2 * vector;
  const double weights = planes * planes * channels * (double)problem->out_blocks * vector;
  const double multiply = share * channels * products(k, p);
  // Each strip of some two blocks reads the source at its elements again. Weights are fetched
  // ahead.
  const double again = source * (double)blocks / 2, set = source + result;
  const double weight = share * onefold_conv_fetch_estimate(k->dispatch, weights, weights + set);
  const double fetch = weight + onefold_conv_fetch_estimate(k->dispatch, again, set);
  // A transform loads and stores each element twice and does some three operations on it, half of
  // that down the columns, which the tiles of a row share; what it writes leaves a cache that it
  // does not fit.
  const double columns = (double)(p->columns * w->step + w->points - w->step);
  const double shared = 0.5 + 0.5 * columns / (double)(p->columns * w->points);
  const double transform =
      3.5 * points * tiles * (shared * (double)(phases * problem->in_blocks) + (double)blocks) +
      onefold_conv_fetch_estimate(k->dispatch, 2 * source, set);
  return (multiply > fetch ? multiply : fetch) + 0.1 * (fetch - 0.7 * weight) + transform;
}

/// Cycles of the task that has most to do, with r x c tiles a pass; or no less than `enough`, where
/// they are no less.
static double estimate_cut(cut *k, int32_t r, int32_t c, int32_t parts, double enough) {
  const onefold_conv_winograd *w = k->w;
  const int32_t bands = (w->rows - 1) / r + 1, across = (w->columns - 1) / c + 1;
  const int32_t sharing = k->tasks / parts;
  const double batch = (double)k->problem->desc.batch;
  double sum = 0, most = 0;
  for (int down = 0; down < 2; down++) {
    for (int along = 0; along < 2; along++) {
      const double count = (down ? 1.0 : bands - 1.0) * (along ? 1.0 : across - 1.0);
      const piece p = {down ? w->rows - (bands - 1) * r : r,
                       along ? w->columns - (across - 1) * c : c, down, along};
      if (count <= 0) continue;
      const double pass = estimate_pass(k, &p, parts);
      // A task of several may have none but whole passes, as the first of these is.
      if (sum == 0) most = ceil(batch * bands * across / sharing) * pass;
      sum += count * pass;
      if (sum * batch >= enough && most >= enough) return enough;
    }
  }
  sum *= batch;
  return sum < most ? sum : most;
}

/// Keeps the best division of r x c tiles a pass; *least is its estimate.
static void try_pass(cut *k, int32_t r, int32_t c, onefold_conv_winograd *w, int32_t *best,
                     double *least) {
  for (int32_t parts = 1; parts <= k->tasks; parts++) {
    if (k->tasks % parts || parts > k->problem->out_blocks) continue;
    if (k->tiling && k->tiling->parts > 0 && parts != k->tiling->parts) continue;
    const double cost = estimate_cut(k, r, c, parts, *least);
    if (cost >= *least) continue;
    *least = cost;
    w->pass_rows = r;
    w->pass_columns = c;
    *best = parts;
  }
}

static int32_t smaller(int32_t a, int32_t b) {
  return a < b ? a : b;
}

/// The size of the pieces when `tiles` are cut into as few as pieces of `most` would be.
static int32_t even_size(int32_t tiles, int32_t most) {
  const int32_t pieces = (tiles - 1) / most + 1;
  return (tiles - 1) / pieces + 1;
}

static void cut_tiles(const onefold_conv_problem *problem, onefold_pack_format format,
                      onefold_conv_winograd *w) {
  *w = (onefold_conv_winograd){.points = onefold_pack_points(format),
                               .phases = onefold_pack_phases(format)};
  w->step = w->points - 3 + w->phases;
  cut_axis(problem->out_h, w, &w->rows, &w->last_h);
  cut_axis(problem->out_w, w, &w->columns, &w->last_w);
}

double onefold_conv_winograd_cut(const onefold_dispatch *dispatch,
                                 const onefold_conv_problem *problem, onefold_pack_format format,
                                 int32_t tasks, const onefold_tiling *tiling,
                                 onefold_conv_winograd *w, int32_t *strip_parts) {
  const int32_t pass_rows = tiling ? tiling->pass_rows : 0;
  const int32_t pass_columns = tiling ? tiling->pass_columns : 0;
  cut_tiles(problem, format, w);
  cut k = {.dispatch = dispatch,
           .problem = problem,
           .w = w,
           .tiling = tiling,
           .depth = onefold_conv_depth(problem, format),
           .tasks = tasks};
  double least = INFINITY;
  for (int32_t most = smaller(w->columns, MOST_TILES / (pass_rows ? pass_rows : 1)), c; most > 0;
       most = c - 1) {
    c = pass_columns ? pass_columns : even_size(w->columns, most);
    for (int32_t high = smaller(w->rows, MOST_TILES / c), r; high > 0; high = r - 1) {
      r = pass_rows ? pass_rows : even_size(w->rows, high);
      try_pass(&k, r, c, w, strip_parts, &least);
      if (pass_rows) break;
    }
    if (pass_columns) break;
  }
  return least;
}

// -------------------------------------------------------------------- knobs

/// Sizes of even pieces of `tiles` from the largest on, of at most `most`.
static void even_range(int32_t tiles, int32_t most, onefold_conv_range *range) {
  *range = (onefold_conv_range){.least = 1, .most = smaller(tiles, most)};
  for (int32_t size = range->most; size > 0 && range->count < ONEFOLD_MOST_VALUES; size--) {
    size = even_size(tiles, size);
    onefold_conv_range_add(range, size);
  }
}

static void pass_rows_range(const onefold_conv_algorithm *algorithm,
                            const onefold_conv_problem *problem, int32_t tasks,
                            const onefold_tiling *tiling, onefold_conv_range *range) {
  (void)tasks, (void)tiling;
  onefold_conv_winograd w;
  cut_tiles(problem, algorithm->format, &w);
  even_range(w.rows, MOST_TILES, range);
}
static const onefold_conv_knob knob_pass_rows = {offsetof(onefold_tiling, pass_rows),
                                                 pass_rows_range};

static void pass_columns_range(const onefold_conv_algorithm *algorithm,
                               const onefold_conv_problem *problem, int32_t tasks,
                               const onefold_tiling *tiling, onefold_conv_range *range) {
  (void)tasks;
  onefold_conv_winograd w;
  cut_tiles(problem, algorithm->format, &w);
  even_range(w.columns, MOST_TILES / (tiling->pass_rows ? tiling->pass_rows : 1), range);
}
static const onefold_conv_knob knob_pass_columns = {offsetof(onefold_tiling, pass_columns),
                                                    pass_columns_range};

const onefold_conv_knob *const onefold_conv_winograd_knobs[] = {&knob_pass_rows, &knob_pass_columns,
                                                                &onefold_conv_knob_parts, NULL};
