// SPDX-License-Identifier: BSD-3-Clause
// Max pools of one input with stride 1: a larger window is a small one over the result of the next
// smaller, as in spatial pyramid pooling (9x9 is 5x5 over 5x5). Padding is minus infinity and every
// window has a pixel of the image, so that results are the same to the bit, but for the sign of a
// zero and for which NaN it is.
#include "fold/rewrite.h"

// The pool whose result a pool can pool instead of its input.
enum { BASE };

/// What is left to pool of `window` where the results of `done` are there. Zero where that is no
/// pooling: windows of which one does not hold the other, or padding that is more than half of it.
static int rest_of(const onefold_pool2d_params *window, const onefold_pool2d_params *done,
                   onefold_pool2d_params *rest) {
  *rest = *window;
  rest->kernel_h = window->kernel_h - done->kernel_h + 1;
  rest->kernel_w = window->kernel_w - done->kernel_w + 1;
  const int64_t pads[4][3] = {{window->pad_top, done->pad_top, rest->kernel_h},
                              {window->pad_bottom, done->pad_bottom, rest->kernel_h},
                              {window->pad_left, done->pad_left, rest->kernel_w},
                              {window->pad_right, done->pad_right, rest->kernel_w}};
  int64_t *const left[4] = {&rest->pad_top, &rest->pad_bottom, &rest->pad_left, &rest->pad_right};
  for (int i = 0; i < 4; i++) {
    *left[i] = pads[i][0] - pads[i][1];
    if (pads[i][2] < 1 || *left[i] < 0 || *left[i] > pads[i][2] / 2) return 0;
  }
  return 1;
}

static double area(const onefold_pool2d_params *p) {
  return (double)p->kernel_h * (double)p->kernel_w;
}

static const onefold_pool2d_params *pool_of(const onefold_rewriting *r, onefold_node node) {
  const onefold_graph_node *n = &r->source->nodes[node];
  const int pools = n->kind == ONEFOLD_NODE_MAX_POOL && r->uses[node] > 0;
  return pools && n->as.pool.stride_h == 1 && n->as.pool.stride_w == 1 ? &n->as.pool : NULL;
}

/// The pool of the same input that leaves the least to do, or ONEFOLD_NO_NODE. What it leaves is
/// less than the whole window, so that no two pools wait for each other.
static onefold_node find_base(const onefold_rewriting *r, onefold_node node) {
  const onefold_pool2d_params *window = pool_of(r, node);
  onefold_node best = ONEFOLD_NO_NODE;
  if (!window) return best;
  double least = area(window);
  for (onefold_node i = 0; i < r->source->node_count; i++) {
    const onefold_pool2d_params *done = pool_of(r, i);
    onefold_pool2d_params rest;
    if (!done || r->source->nodes[i].inputs[0] != r->source->nodes[node].inputs[0] ||
        area(done) >= area(window) || !rest_of(window, done, &rest) || area(&rest) >= least)
      continue;
    best = i;
    least = area(&rest);
  }
  return best;
}

static int find(const onefold_rewriting *r) {
  int found = 0;
  for (onefold_node i = 0; i < r->source->node_count; i++) {
    r->notes[BASE][i] = find_base(r, i);
    found |= r->notes[BASE][i] != ONEFOLD_NO_NODE;
  }
  return found;
}

static void emit(const onefold_rewriting *r, onefold_node node) {
  const onefold_graph_node *n = &r->source->nodes[node];
  const onefold_node base = r->notes[BASE][node];
  if (base == ONEFOLD_NO_NODE) {
    onefold_rewrite_copy(r, node);
    return;
  }
  onefold_pool2d_params rest;
  rest_of(&n->as.pool, &r->source->nodes[base].as.pool, &rest);
  r->map[node] = onefold_graph_max_pool(r->target, r->map[base], &rest);
  onefold_graph_name(r->target, r->map[node], n->name);
}

/// The pool, and before it those that it builds on, which may have larger numbers.
static int replace(const onefold_rewriting *r, onefold_node node) {
  const onefold_node *base = r->notes[BASE];
  if (base[node] == ONEFOLD_NO_NODE) return 0;
  while (r->map[node] == ONEFOLD_NO_NODE && r->target->status == ONEFOLD_OK) {
    onefold_node next = node;
    while (base[next] != ONEFOLD_NO_NODE && r->map[base[next]] == ONEFOLD_NO_NODE)
      next = base[next];
    emit(r, next);
  }
  return 1;
}

const onefold_rewrite onefold_rewrite_pool_chain = {find, replace};
