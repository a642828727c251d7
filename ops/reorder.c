// SPDX-License-Identifier: BSD-3-Clause
// Changes of layout. Every pair but equal plain layouts goes through tiles: up
// to TILE pixels of one block of channels, read into blocked form and written
// from it. Blocked tensors are their own tiles; a plain pair uses one on the stack.
#include "ops/reorder.h"

#include "ops/context.h"
#include "ops/tensor.h"

#include <onefold/elementwise.h>

#include <string.h>

// Pixels of a tile, a multiple of every vector width. Long runs of each plane
// where the channels are planes; where they are rows, few enough that the rows
// of all channel blocks stay in L2.
#define TILE_PLANES 512
#define TILE_ROWS   64
// Floats of a unit of a plain copy.
#define COPY_FLOATS 4096

/// The cut of a reorder into units.
typedef struct reorder_grid {
  onefold_layout from, to; // with NCHW as NHWC where they are the same
  size_t channels, pixels, v;
  size_t blocks; // of channels
  size_t tiles;  // of pixels
  size_t units;
  int copy;
} reorder_grid;

static reorder_grid make_grid(const onefold_dispatch *dispatch, onefold_shape shape,
                              onefold_layout from, onefold_layout to) {
  reorder_grid g = {.from = from, .to = to, .channels = (size_t)shape.c, .v = (size_t)dispatch->v};
  g.pixels = (size_t)shape.h * (size_t)shape.w;
  if (g.channels == 1 || g.pixels == 1) {
    if (from == ONEFOLD_NCHW) g.from = ONEFOLD_NHWC;
    if (to == ONEFOLD_NCHW) g.to = ONEFOLD_NHWC;
  }
  g.copy = g.from == g.to && g.from != ONEFOLD_BLOCKED;
  if (g.copy) {
    const size_t total = (size_t)shape.n * g.channels * g.pixels;
    g.units = total / COPY_FLOATS + (total % COPY_FLOATS != 0);
    return g;
  }
  const int rows = g.from == ONEFOLD_NHWC || g.to == ONEFOLD_NHWC;
  const size_t tile = rows ? TILE_ROWS : TILE_PLANES;
  g.blocks = g.channels / g.v + (g.channels % g.v != 0);
  g.tiles = g.pixels / tile + (g.pixels % tile != 0);
  g.units = (size_t)shape.n * g.blocks * g.tiles;
  return g;
}

/// One tile: image, block of channels, pixels [first, first + count).
typedef struct reorder_tile {
  size_t image, block, first, count;
  int32_t channels; // of this block
} reorder_tile;

static reorder_tile locate(const reorder_grid *g, size_t unit) {
  reorder_tile t;
  size_t tile;
  if (g->from == ONEFOLD_NHWC || g->to == ONEFOLD_NHWC) {
    t.block = unit % g->blocks;
    tile = unit / g->blocks % g->tiles;
  } else {
    tile = unit % g->tiles;
    t.block = unit / g->tiles % g->blocks;
  }
  t.image = unit / g->tiles / g->blocks;
  // Whole vectors of pixels are spread, so that only the last tile has a tail.
  const size_t vectors = g->pixels / g->v + (g->pixels % g->v != 0);
  size_t begin, end;
  onefold_split(vectors, g->tiles, tile, &begin, &end);
  t.first = begin * g->v;
  t.count = (end * g->v < g->pixels ? end * g->v : g->pixels) - t.first;
  const size_t left = g->channels - t.block * g->v;
  t.channels = (int32_t)(left < g->v ? left : g->v);
  return t;
}

static size_t planes_offset(const reorder_grid *g, const reorder_tile *t) {
  return (t->image * g->channels + t->block * g->v) * g->pixels + t->first;
}

static size_t rows_offset(const reorder_grid *g, const reorder_tile *t) {
  return (t->image * g->pixels + t->first) * g->channels + t->block * g->v;
}

static size_t blocked_offset(const reorder_grid *g, const reorder_tile *t) {
  return ((t->image * g->blocks + t->block) * g->pixels + t->first) * g->v;
}

#define KERNEL(dispatch, op, type) ((type *)(dispatch)->ops[op].row[0]->fn)

/// Reads a tile of src into blocked form.
static void read_tile(const onefold_dispatch *d, const reorder_grid *g, const reorder_tile *t,
                      const float *src, float *blocked) {
  if (g->from == ONEFOLD_NCHW) {
    KERNEL(d, ONEFOLD_OP_TO_BLOCKED, onefold_to_blocked_fn)
    (src + planes_offset(g, t), g->pixels, t->channels, blocked, t->count, d->v);
  } else if (g->from == ONEFOLD_NHWC) {
    KERNEL(d, ONEFOLD_OP_ROWS_TO_BLOCKED, onefold_rows_to_blocked_fn)
    (src + rows_offset(g, t), g->channels, t->channels, blocked, t->count, d->v);
  } else { // a copy that clears the lanes past the last channel
    KERNEL(d, ONEFOLD_OP_ROWS_TO_BLOCKED, onefold_rows_to_blocked_fn)
    (src + blocked_offset(g, t), g->v, t->channels, blocked, t->count, d->v);
  }
}

/// Writes a tile in blocked form to a plain dst.
static void write_tile(const onefold_dispatch *d, const reorder_grid *g, const reorder_tile *t,
                       const float *blocked, float *dst) {
  if (g->to == ONEFOLD_NCHW) {
    KERNEL(d, ONEFOLD_OP_FROM_BLOCKED, onefold_from_blocked_fn)
    (blocked, dst + planes_offset(g, t), g->pixels, t->channels, t->count, d->v);
  } else {
    KERNEL(d, ONEFOLD_OP_ROWS_FROM_BLOCKED, onefold_rows_from_blocked_fn)
    (blocked, dst + rows_offset(g, t), g->channels, t->channels, t->count, d->v);
  }
}

static void move_tile(const onefold_dispatch *d, const reorder_grid *g, const reorder_tile *t,
                      const float *src, float *dst) {
  if (g->to == ONEFOLD_BLOCKED) {
    read_tile(d, g, t, src, dst + blocked_offset(g, t));
  } else if (g->from == ONEFOLD_BLOCKED) {
    write_tile(d, g, t, src + blocked_offset(g, t), dst);
  } else {
    _Alignas(64) float blocked[TILE_ROWS * ONEFOLD_MAX_VECTOR];
    read_tile(d, g, t, src, blocked);
    write_tile(d, g, t, blocked, dst);
  }
}

size_t onefold_reorder_units(const onefold_dispatch *dispatch, onefold_shape shape,
                             onefold_layout from, onefold_layout to) {
  return make_grid(dispatch, shape, from, to).units;
}

void onefold_reorder_range(const onefold_dispatch *dispatch, onefold_shape shape,
                           onefold_layout from, const float *src, onefold_layout to, float *dst,
                           size_t begin, size_t end) {
  const reorder_grid g = make_grid(dispatch, shape, from, to);
  if (g.copy) {
    const size_t total = (size_t)shape.n * g.channels * g.pixels;
    const size_t first = begin * COPY_FLOATS;
    const size_t last = end < g.units ? end * COPY_FLOATS : total;
    if (first < last) memcpy(dst + first, src + first, (last - first) * sizeof(float));
    return;
  }
  for (size_t unit = begin; unit < end; unit++) {
    const reorder_tile t = locate(&g, unit);
    move_tile(dispatch, &g, &t, src, dst);
  }
}

/// One call of onefold_reorder.
typedef struct reorder_call {
  const onefold_dispatch *dispatch;
  onefold_shape shape;
  onefold_layout from, to;
  const float *input;
  float *output;
  size_t units, tasks;
} reorder_call;

static void run_task(void *arg, size_t index) {
  const reorder_call *c = arg;
  size_t begin, end;
  onefold_split(c->units, c->tasks, index, &begin, &end);
  onefold_reorder_range(c->dispatch, c->shape, c->from, c->input, c->to, c->output, begin, end);
}

onefold_status onefold_reorder(onefold_context *context, onefold_shape shape, onefold_layout from,
                               const float *input, onefold_layout to, float *output) {
  static const char op[] = "reorder";
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  onefold_span in = {"input", input, 0}, out = {"output", output, 0};
  onefold_status status = onefold_check_tensor(context, op, shape, from, &in.count);
  if (!status) status = onefold_check_tensor(context, op, shape, to, &out.count);
  if (!status) status = onefold_check_floats(context, op, "input", input);
  if (!status) status = onefold_check_floats(context, op, "output", output);
  if (!status) status = onefold_check_apart(context, op, in, out);
  if (status) return status;

  reorder_call call = {.dispatch = onefold_context_dispatch(context),
                       .shape = shape,
                       .from = from,
                       .to = to,
                       .input = input,
                       .output = output};
  call.units = onefold_reorder_units(call.dispatch, shape, from, to);
  call.tasks = onefold_memory_tasks(context, out.count, call.units);
  onefold_parallel(context, run_task, &call, call.tasks);
  return ONEFOLD_OK;
}
