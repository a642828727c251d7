// SPDX-License-Identifier: BSD-3-Clause
// Cuts a Winograd convolution into tiles and passes, and estimates its cost.
#include "kernels/winograd.h"
#include "ops/conv_estimate.h"
#include "ops/conv_space.h"
#include "ops/conv_winograd.h"

#include <math.h>

// Most tiles of a pass: more do not use a weight any better.
#define MOST_TILES 96
// Of L3: other cores of a machine, or other guests of its host.
#define OTHER_USERS 4

/// Tiles of an axis, and the points of the last one: as few as make its outputs, and even.
static void cut_axis(int64_t outputs, const onefold_conv_winograd *w, int32_t *tiles,
                     int32_t *last) {
  *tiles = (int32_t)((outputs + w->step - 1) / w->step);
  const int64_t left = outputs - (int64_t)(*tiles - 1) * w->step;
  const int32_t points = (int32_t)left + w->axis.points - w->step;
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
  int32_t widest; // pixels of the widest tile
  // Of the products of so many tiles: cycles an input channel and element; 0 where none has asked.
  double row[MOST_TILES + 1];
} cut;

static int32_t common_divisor(int32_t a, int32_t b) {
  return b == 0 ? a : common_divisor(b, a % b);
}

static double row_of(cut *k, int32_t tiles) {
  if (k->row[tiles] == 0) {
    k->row[tiles] = onefold_conv_row_estimate(k->dispatch, ONEFOLD_OP_POINTWISE, tiles, k->depth,
                                              k->problem->out_blocks, k->tiling);
  }
  return k->row[tiles];
}

/// Cycles of one input channel at all elements of a pass.
static double products(cut *k, const onefold_conv_winograd_tiles *p) {
  const onefold_conv_winograd *w = k->w;
  const int32_t lacks[2] = {w->axis.points - w->last_h, w->axis.points - w->last_w},
                f = w->axis.phases;
  double sum = 0;
  for (int down = 0; down < 2; down++) {
    for (int along = 0; along < 2; along++) {
      // Points that a short last tile lacks, times their phases, and tiles that have them.
      const int32_t whole = w->axis.points - 1, ends = w->axis.ends;
      const int32_t planes = (down ? f * lacks[0] : f * (whole - lacks[0]) + ends) *
                             (along ? f * lacks[1] : f * (whole - lacks[1]) + ends);
      const int32_t tiles =
          onefold_conv_winograd_having(w, p, down ? w->last_h - 1 : 0, along ? w->last_w - 1 : 0);
      if (planes > 0 && tiles > 0) sum += planes * row_of(k, tiles);
    }
  }
  return sum;
}

/// Cycles of a pass whose output blocks are shared out among `parts` tasks.
static double estimate_pass(cut *k, const onefold_conv_winograd_tiles *p, int32_t parts) {
  const onefold_conv_problem *problem = k->problem;
  const onefold_conv_winograd *w = k->w;
  const int32_t points = w->axis.points * w->axis.points, phases = w->axis.phases * w->axis.phases;
  const int64_t blocks = (problem->out_blocks + parts - 1) / parts;
  const double share = (double)blocks / (double)problem->out_blocks;
  const double tiles = p->tiles, channels = (double)problem->in_group;
  const double vector = problem->v * sizeof(float);
  // A part transforms the source of the groups that it has blocks of, one after the other.
  const int64_t groups = problem->desc.groups, group = problem->out_blocks / groups;
  const int64_t has = (blocks + group - 1) / group;
  const double own = (double)has;
  const double band = (double)onefold_conv_winograd_band(problem);
  const double source = points * phases * tiles * band * vector;
  const double result = points * tiles * 2 * vector;
  const double planes = onefold_pack_planes(&w->axis);
  const double weights = planes * channels * (double)problem->out_blocks * vector;
  const double multiply = share * channels * products(k, p);
  // Each strip of some two blocks reads the source at its elements again. Weights are fetched
  // ahead.
  const double again = source * (double)blocks / 2, set = source + result;
  // Weights stream by once, at two thirds of the rate of what is read again: the last tile of a
  // product asks for the next one's, and has less time for that where it is not the only one.
  const int only =
      p->tiles <= k->widest && onefold_conv_winograd_passes(w, problem->desc.batch) == 1;
  const double stream = only ? 1.1 : 1.5;
  const double weight =
      stream * share * onefold_conv_fetch_estimate(k->dispatch, weights, weights + set);
  const double fetch = weight + onefold_conv_fetch_estimate(k->dispatch, again, set);
  // A transform loads and stores each element twice and does some three operations on it, half of
  // that down the columns, which the tiles of a row share: a pass has so many parts of rows, on the
  // average of where it begins. What it writes leaves a cache that it does not fit.
  const double parts_of_rows =
      1 + (double)(p->tiles - common_divisor(p->tiles, w->columns)) / (double)w->columns;
  const double columns = tiles * w->step + parts_of_rows * (double)(w->axis.points - w->step);
  const double shared = 0.5 + 0.5 * columns / (tiles * w->axis.points);
  const double transform = 3.5 * points * tiles * (shared * phases * own * band + (double)blocks) +
                           onefold_conv_fetch_estimate(k->dispatch, 2 * own * source, set);
  // Of L3 other tasks and other programs have their part. A source that exceeds a task's comes from
  // memory for each strip, which the multiplications do not hide.
  const double room = (double)k->dispatch->l3_bytes / (OTHER_USERS + k->tasks);
  const double far = set > room ? again / k->dispatch->dram_rate : 0;
  return (multiply > fetch ? multiply : fetch) + 0.1 * (fetch - 0.7 * weight) + far + transform;
}

/// Cycles of the task that has most to do.
static double estimate_cut(cut *k, int32_t parts) {
  // Of a batch whose passes are parts of an image, each image ends with a shorter one.
  const int64_t batch = k->problem->desc.batch, passes = onefold_conv_winograd_passes(k->w, batch);
  const int64_t turns = k->w->images > 1 ? 1 : batch, each = passes / turns;
  const onefold_conv_winograd_tiles first = onefold_conv_winograd_pass(k->w, batch, 0);
  const onefold_conv_winograd_tiles last = onefold_conv_winograd_pass(k->w, batch, passes - 1);
  const double whole = estimate_pass(k, &first, parts);
  const double sum = (double)turns * ((double)(each - 1) * whole + estimate_pass(k, &last, parts));
  // A task of several may have none but whole passes.
  const int32_t sharing = k->tasks / parts;
  const double most = ceil((double)passes / sharing) * whole;
  return sum < most ? sum : most;
}

/// The least estimate of the passes with their blocks shared out among *best tasks.
static double best_parts(cut *k, int32_t *best) {
  double least = INFINITY;
  for (int32_t parts = 1; parts <= k->tasks; parts++) {
    if (k->tasks % parts || parts > k->problem->out_blocks) continue;
    if (k->tiling && k->tiling->parts > 0 && parts != k->tiling->parts) continue;
    const double cost = estimate_cut(k, parts);
    if (cost >= least) continue;
    least = cost;
    *best = parts;
  }
  return least;
}

/// The size of the pieces when `tiles` are cut into as few as pieces of `most` would be.
static int32_t even_size(int64_t tiles, int32_t most) {
  const int64_t pieces = (tiles - 1) / most + 1;
  return (int32_t)((tiles - 1) / pieces + 1);
}

static void cut_tiles(const onefold_conv_problem *problem, onefold_pack_format format,
                      onefold_conv_winograd *w) {
  *w = (onefold_conv_winograd){.axis = onefold_pack_axis_of(problem, format)};
  w->step = w->axis.points + 1 - w->axis.taps;
  cut_axis(problem->out_h, w, &w->rows, &w->last_h);
  cut_axis(problem->out_w, w, &w->columns, &w->last_w);
}

/// As many as a pass of `tiles` holds: whole images, or part of one.
static int32_t images_of(const onefold_conv_winograd *w, int32_t tiles) {
  const int64_t images = tiles / ((int64_t)w->rows * w->columns);
  return images < 1 ? 1 : (int32_t)images;
}

int64_t onefold_conv_winograd_passes(const onefold_conv_winograd *w, int64_t batch) {
  if (w->images > 1) return (batch - 1) / w->images + 1;
  return batch * (((int64_t)w->rows * w->columns - 1) / w->pass + 1);
}

onefold_conv_winograd_tiles onefold_conv_winograd_pass(const onefold_conv_winograd *w,
                                                       int64_t batch, int64_t n) {
  const int64_t all = (int64_t)w->rows * w->columns;
  const int short_h = w->last_h < w->axis.points, short_w = w->last_w < w->axis.points;
  if (w->images > 1) {
    const int64_t image = n * w->images, left = batch - image;
    const int32_t images = left < w->images ? (int32_t)left : w->images;
    return (onefold_conv_winograd_tiles){.image = image,
                                         .images = images,
                                         .tiles = (int32_t)(images * all),
                                         .short_rows = short_h ? images * w->columns : 0,
                                         .short_columns = short_w ? images * w->rows : 0,
                                         .short_both = short_h && short_w ? images : 0};
  }
  const int64_t passes = onefold_conv_winograd_passes(w, 1), first = n % passes * w->pass;
  const int64_t end = all - first < w->pass ? all : first + w->pass;
  const int64_t bottom = all - w->columns; // the first of the last row
  onefold_conv_winograd_tiles t = {
      .image = n / passes, .images = 1, .first = first, .tiles = (int32_t)(end - first)};
  if (short_h && end > bottom) t.short_rows = (int32_t)(end - (first > bottom ? first : bottom));
  if (short_w) t.short_columns = (int32_t)(end / w->columns - first / w->columns);
  t.short_both = short_h && short_w && end == all;
  return t;
}

/// Most tiles of a pass.
static int32_t most_tiles(const onefold_conv_winograd *w, int64_t batch) {
  const int64_t all = (int64_t)w->rows * w->columns;
  if (all >= MOST_TILES) return MOST_TILES;
  const int64_t images = MOST_TILES / all;
  return (int32_t)(all * (images < batch ? images : batch));
}

/// The largest size of passes up to `most` tiles that are nearly equal: of an image, or of so many
/// images.
static int32_t even_pass(const onefold_conv_winograd *w, int64_t batch, int32_t most) {
  const int64_t all = (int64_t)w->rows * w->columns;
  const int32_t images = images_of(w, most);
  return images > 1 ? (int32_t)all * even_size(batch, images) : even_size(all, most);
}

/// Passes of up to `tiles` tiles.
static void set_pass(onefold_conv_winograd *w, int32_t tiles) {
  const int64_t all = (int64_t)w->rows * w->columns;
  w->images = images_of(w, tiles);
  w->pass = tiles < all ? tiles : (int32_t)(w->images * all);
}

double onefold_conv_winograd_cut(const onefold_dispatch *dispatch,
                                 const onefold_conv_problem *problem, onefold_pack_format format,
                                 int32_t tasks, const onefold_tiling *tiling,
                                 onefold_conv_winograd *w, int32_t *strip_parts) {
  cut_tiles(problem, format, w);
  cut k = {.dispatch = dispatch,
           .problem = problem,
           .w = w,
           .tiling = tiling,
           .depth = onefold_conv_depth(problem, format),
           .tasks = tasks,
           .widest = onefold_conv_widest_tile(dispatch, ONEFOLD_OP_POINTWISE)};
  const int64_t batch = problem->desc.batch;
  const int32_t chosen = tiling ? tiling->piece : 0;
  int32_t best = 0, parts = 1;
  double least = INFINITY;
  for (int32_t size = chosen ? chosen : most_tiles(w, batch); size > 0;
       size = chosen ? 0 : size - 1) {
    size = chosen ? chosen : even_pass(w, batch, size);
    set_pass(w, size);
    const double cost = best_parts(&k, &parts);
    if (cost >= least) continue;
    least = cost;
    best = size;
    *strip_parts = parts;
  }
  set_pass(w, best);
  return least;
}

// -------------------------------------------------------------------- knobs

/// Passes of nearly equal sizes, from the largest on.
static void piece_range(const onefold_conv_algorithm *algorithm,
                        const onefold_conv_problem *problem, int32_t tasks,
                        const onefold_tiling *tiling, onefold_conv_range *range) {
  (void)tasks, (void)tiling;
  onefold_conv_winograd w;
  cut_tiles(problem, algorithm->format, &w);
  const int64_t batch = problem->desc.batch;
  *range = (onefold_conv_range){.least = 1, .most = most_tiles(&w, batch)};
  for (int32_t size = range->most; size > 0 && range->count < ONEFOLD_MOST_VALUES; size--) {
    size = even_pass(&w, batch, size);
    onefold_conv_range_add(range, size);
  }
}
static const onefold_conv_knob knob_piece = {offsetof(onefold_tiling, piece), piece_range};

const onefold_conv_knob *const onefold_conv_winograd_knobs[] = {&knob_piece,
                                                                &onefold_conv_knob_parts, NULL};
