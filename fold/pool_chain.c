// SPDX-License-Identifier: BSD-3-Clause
// Max pools of one input with stride 1: a larger window is a small one over the result of the next
// smaller, as in spatial pyramid pooling (9x9 is 5x5 over 5x5). Padding is minus infinity and every
// window has a pixel of the image, so that results are the same to the bit, but for the sign of a
// zero and for which NaN it is.
#include "fold/rewrite.h"

/// Per node: its readers, its copy, and the pool whose result it can pool instead of its input.
typedef struct scratch {
  const onefold_graph *source;
  onefold_graph *target;
  int32_t *uses;
  onefold_node *map, *base, *operands;
} scratch;

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

static const onefold_pool2d_params *pool_of(const scratch *s, onefold_node node) {
  const onefold_graph_node *n = &s->source->nodes[node];
  const int pools = n->kind == ONEFOLD_NODE_MAX_POOL && s->uses[node] > 0;
  return pools && n->as.pool.stride_h == 1 && n->as.pool.stride_w == 1 ? &n->as.pool : NULL;
}

/// The pool of the same input that leaves the least to do, or ONEFOLD_NO_NODE. What it leaves is
/// less than the whole window, so that no two pools wait for each other.
static onefold_node find_base(const scratch *s, onefold_node node) {
  const onefold_pool2d_params *window = pool_of(s, node);
  onefold_node best = ONEFOLD_NO_NODE;
  if (!window) return best;
  double least = area(window);
  for (onefold_node i = 0; i < s->source->node_count; i++) {
    const onefold_pool2d_params *done = pool_of(s, i);
    onefold_pool2d_params rest;
    if (!done || s->source->nodes[i].inputs[0] != s->source->nodes[node].inputs[0] ||
        area(done) >= area(window) || !rest_of(window, done, &rest) || area(&rest) >= least)
      continue;
    best = i;
    least = area(&rest);
  }
  return best;
}

static void emit(const scratch *s, onefold_node node) {
  const onefold_graph_node *n = &s->source->nodes[node];
  const onefold_node base = s->base[node];
  if (base == ONEFOLD_NO_NODE) {
    for (int32_t k = 0; k < n->input_count; k++) s->operands[k] = s->map[n->inputs[k]];
    s->map[node] = onefold_graph_copy_node(s->target, s->source, node, s->operands);
    return;
  }
  onefold_pool2d_params rest;
  rest_of(&n->as.pool, &s->source->nodes[base].as.pool, &rest);
  s->map[node] = onefold_graph_max_pool(s->target, s->map[base], &rest);
  onefold_graph_name(s->target, s->map[node], n->name);
}

/// The node, and before it the pools that it builds on, which may have larger numbers.
static void emit_chain(const scratch *s, onefold_node node) {
  while (s->map[node] == ONEFOLD_NO_NODE && s->target->status == ONEFOLD_OK) {
    onefold_node next = node;
    while (s->base[next] != ONEFOLD_NO_NODE && s->map[s->base[next]] == ONEFOLD_NO_NODE)
      next = s->base[next];
    emit(s, next);
  }
}

/// Fills the arrays; how many pools are to be chained.
static int32_t find_work(const scratch *s) {
  int32_t found = 0;
  onefold_graph_count_uses(s->source, s->uses);
  for (onefold_node i = 0; i < s->source->node_count; i++) {
    s->map[i] = ONEFOLD_NO_NODE;
    s->base[i] = find_base(s, i);
    found += s->base[i] != ONEFOLD_NO_NODE;
  }
  return found;
}

onefold_status onefold_fold_chain_pools(onefold_context *context, const onefold_graph *source,
                                        onefold_graph **target) {
  size_t count = (size_t)source->node_count, inputs = 1;
  for (onefold_node i = 0; i < source->node_count; i++)
    if ((size_t)source->nodes[i].input_count > inputs)
      inputs = (size_t)source->nodes[i].input_count;
  *target = NULL;
  onefold_node *arrays = onefold_allocate(context, (3 * count + inputs) * sizeof *arrays);
  if (!arrays)
    return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold %zu nodes", count);
  scratch s = {source, NULL, arrays, arrays + count, arrays + 2 * count, arrays + 3 * count};
  onefold_status status = ONEFOLD_OK;
  if (find_work(&s) > 0) status = onefold_graph_create(context, target);
  if (*target) {
    s.target = *target;
    for (onefold_node i = 0; i < source->node_count; i++) emit_chain(&s, i);
    for (int32_t k = 0; k < source->output_count; k++)
      onefold_graph_output(*target, s.map[source->outputs[k]]);
    status = (*target)->status;
  }
  if (status != ONEFOLD_OK) {
    onefold_graph_destroy(*target);
    *target = NULL;
  }
  onefold_release(context, arrays);
  return status;
}
