// SPDX-License-Identifier: BSD-3-Clause
// Nearest upsampling repeats pixels, so that what looks at one pixel at a time can come before it:
// 1x1 convolutions, batch normalisations and activations. Of a 1x1 convolution of a concat, the
// part behind the upsampling can: conv(cat(a, up(x))) = conv_a(a) + up(conv_x(x)).
#include "fold/rewrite.h"

#include <stdio.h>
#include <string.h>

// What a float that is written or read costs, in multiply-adds.
#define MOVE 4.0

/// Per node: its readers; how many of them would go before an upsampling; whether a sum or border
/// reads it; the concat without the part that is upsampled; its copy.
typedef struct scratch {
  const onefold_graph *source;
  onefold_graph *target;
  int32_t *uses, *movers, *added;
  onefold_node *rest, *map, *operands;
  float *weight; // room for the largest 1x1 convolution's
} scratch;

// -------------------------------------------------------------------- what can go

static int is_1x1(const onefold_graph_node *n) {
  const onefold_graph_conv2d_params *p = &n->as.conv2d.params;
  return n->kind == ONEFOLD_NODE_CONV2D && p->kernel_h == 1 && p->kernel_w == 1 &&
         p->stride_h == 1 && p->stride_w == 1 && !p->pad_top && !p->pad_bottom && !p->pad_left &&
         !p->pad_right;
}

/// Dense, and with weights that may be cut in two.
static int can_split(const onefold_graph_node *n) {
  return is_1x1(n) && n->as.conv2d.params.groups == 1 && !n->as.conv2d.fixed;
}

static double pixels(onefold_shape s) {
  return (double)s.n * (double)s.h * (double)s.w;
}

/// The upsampling whose copy `node` is, or NULL.
static const onefold_graph_node *upsampling(const onefold_graph *graph, onefold_node node) {
  const onefold_graph_node *n = node == ONEFOLD_NO_NODE ? NULL : &graph->nodes[node];
  return n && n->kind == ONEFOLD_NODE_UPSAMPLE && n->as.upsample_factor > 1 ? n : NULL;
}

/// A sum adds to a convolution in its epilogue; behind an upsampling it would be a pass of its own.
static double moved_by_sum(const scratch *s, onefold_node node) {
  const onefold_shape out = s->source->nodes[node].shape;
  return s->added[node] ? 2 * (double)out.c * pixels(out) : 0;
}

/// Is a 1x1 convolution of an upsampled image cheaper before it? `alone`: no other reads that.
static int pays(const scratch *s, onefold_node node, onefold_shape small, int alone) {
  const onefold_graph_node *n = &s->source->nodes[node];
  const double in = (double)small.c, out = (double)n->shape.c;
  const double before = pixels(small), after = pixels(n->shape);
  const double saved = in / (double)n->as.conv2d.params.groups * out * (after - before);
  const double moves = in * (before - after) + 2 * out * before -
                       (alone ? in * (before + after) : 0) + moved_by_sum(s, node);
  return saved > MOVE * moves;
}

/// Is that part of a convolution of a concat? Its result is one more tensor to write and to add.
static int part_pays(const scratch *s, onefold_node node, onefold_shape small) {
  const onefold_graph_node *n = &s->source->nodes[node];
  const double in = (double)small.c, out = (double)n->shape.c;
  const double before = pixels(small), after = pixels(n->shape);
  return in * out * (after - before) >
         MOVE * (2 * out * before + 2 * out * after + moved_by_sum(s, node));
}

/// The part of a concat that is upsampled and has the most channels; -1 where there is none, or
/// the concat would stay for others to read. `map`: of nodes in `graph`; NULL where they are its
/// own.
static int32_t part_of(const scratch *s, const onefold_graph *graph, const onefold_node *map,
                       onefold_node concat) {
  const onefold_graph_node *n = &s->source->nodes[concat];
  int32_t found = -1;
  if (n->kind != ONEFOLD_NODE_CONCAT || n->input_count < 2 || s->movers[concat] != s->uses[concat])
    return -1;
  for (int32_t k = 0; k < n->input_count; k++) {
    const onefold_node part = n->inputs[k];
    if (upsampling(graph, map ? map[part] : part) &&
        (found < 0 || s->source->nodes[part].shape.c > s->source->nodes[n->inputs[found]].shape.c))
      found = k;
  }
  return found;
}

/// Does the node go before the upsampling that `graph` has in the place of its input?
static int goes_before(const scratch *s, const onefold_graph *graph, const onefold_node *map,
                       onefold_node node) {
  const onefold_graph_node *n = &s->source->nodes[node];
  if (s->uses[node] == 0 || n->input_count != 1) return 0;
  const onefold_node input = n->inputs[0];
  const onefold_graph_node *up = upsampling(graph, map ? map[input] : input);
  if (!up) return 0;
  const int alone = s->uses[input] == 1;
  if (is_1x1(n)) return pays(s, node, graph->nodes[up->inputs[0]].shape, alone);
  return alone && (n->kind == ONEFOLD_NODE_BATCH_NORM || n->kind == ONEFOLD_NODE_ACTIVATION);
}

/// The part of the concat below that goes before its upsampling, or -1.
static int32_t splits_at(const scratch *s, const onefold_graph *graph, const onefold_node *map,
                         onefold_node node) {
  const onefold_graph_node *n = &s->source->nodes[node];
  if (s->uses[node] == 0 || !can_split(n)) return -1;
  const int32_t k = part_of(s, graph, map, n->inputs[0]);
  if (k < 0) return -1;
  const onefold_node part = s->source->nodes[n->inputs[0]].inputs[k];
  const onefold_graph_node *up = &graph->nodes[map ? map[part] : part];
  return part_pays(s, node, graph->nodes[up->inputs[0]].shape) ? k : -1;
}

// ------------------------------------------------------------------------ rewriting

/// The node on the small image, and the upsampling after it.
static void emit_before(const scratch *s, onefold_node node) {
  const onefold_graph_node up = s->target->nodes[s->map[s->source->nodes[node].inputs[0]]];
  const onefold_node moved = onefold_graph_copy_node(s->target, s->source, node, up.inputs);
  s->map[node] = onefold_graph_upsample(s->target, moved, up.as.upsample_factor);
  onefold_graph_name(s->target, s->map[node], up.name);
}

/// The concat without its part k, once for all that read it.
static onefold_node emit_rest(const scratch *s, onefold_node concat, int32_t k) {
  const onefold_graph_node *n = &s->source->nodes[concat];
  size_t count = 0;
  if (s->rest[concat] != ONEFOLD_NO_NODE) return s->rest[concat];
  for (int32_t i = 0; i < n->input_count; i++)
    if (i != k) s->operands[count++] = s->map[n->inputs[i]];
  s->rest[concat] = s->operands[0];
  if (count > 1) {
    s->rest[concat] = onefold_graph_concat(s->target, s->operands, count);
    onefold_graph_name(s->target, s->rest[concat], n->name);
  }
  return s->rest[concat];
}

/// A convolution by the weights of the input channels [begin, end), or by those of all others.
static onefold_node emit_part(const scratch *s, onefold_node node, onefold_node input,
                              int64_t begin, int64_t end, int others) {
  const onefold_graph_node *n = &s->source->nodes[node];
  const int64_t channels = s->source->nodes[n->inputs[0]].shape.c;
  float *to = s->weight;
  for (int64_t o = 0; o < n->shape.c; o++)
    for (int64_t i = 0; i < channels; i++)
      if ((i >= begin && i < end) != others) *to++ = n->as.conv2d.weight[o * channels + i];
  return onefold_graph_conv2d(s->target, input, &n->as.conv2d.params, s->weight,
                              others ? n->as.conv2d.bias : NULL);
}

/// conv_a(a) + up(conv_x(x)), where x is upsampled as part k of the concat.
static void emit_split(const scratch *s, onefold_node node, int32_t k) {
  const onefold_graph_node *n = &s->source->nodes[node];
  const onefold_graph_node *concat = &s->source->nodes[n->inputs[0]];
  const onefold_graph_node up = s->target->nodes[s->map[concat->inputs[k]]];
  int64_t begin = 0;
  for (int32_t i = 0; i < k; i++) begin += s->source->nodes[concat->inputs[i]].shape.c;
  char name[ONEFOLD_NODE_NAME];
  onefold_node terms[2];
  terms[0] = emit_part(s, node, emit_rest(s, n->inputs[0], k), begin, begin + up.shape.c, 1);
  onefold_graph_name(s->target, terms[0], n->name);
  terms[1] = emit_part(s, node, up.inputs[0], begin, begin + up.shape.c, 0);
  snprintf(name, sizeof name, "%.80s.upsampled", n->name);
  onefold_graph_name(s->target, terms[1], name);
  terms[1] = onefold_graph_upsample(s->target, terms[1], up.as.upsample_factor);
  onefold_graph_name(s->target, terms[1], up.name);
  s->map[node] = onefold_graph_sum(s->target, terms, 2);
}

static void emit(const scratch *s, onefold_node node) {
  const onefold_graph_node *n = &s->source->nodes[node];
  const int32_t k = splits_at(s, s->target, s->map, node);
  if (goes_before(s, s->target, s->map, node)) {
    emit_before(s, node);
  } else if (k >= 0) {
    emit_split(s, node, k);
  } else {
    for (int32_t i = 0; i < n->input_count; i++) s->operands[i] = s->map[n->inputs[i]];
    s->map[node] = onefold_graph_copy_node(s->target, s->source, node, s->operands);
  }
}

/// Fills the arrays; how many nodes read an upsampling that they can go before. Those that they
/// make room for are seen when their turn comes.
static int32_t find_work(const scratch *s) {
  const onefold_graph *source = s->source;
  int32_t found = 0;
  onefold_graph_count_uses(source, s->uses);
  for (onefold_node i = 0; i < source->node_count; i++) {
    const onefold_graph_node *n = &source->nodes[i];
    s->movers[i] = s->added[i] = 0;
    s->map[i] = s->rest[i] = ONEFOLD_NO_NODE;
    for (int32_t k = 0; s->uses[i] > 0 && k < n->input_count; k++) {
      s->movers[n->inputs[k]] += can_split(n);
      s->added[n->inputs[k]] |= n->kind == ONEFOLD_NODE_SUM || n->kind == ONEFOLD_NODE_BORDER;
    }
  }
  for (onefold_node i = 0; i < source->node_count; i++)
    found += goes_before(s, source, NULL, i) || splits_at(s, source, NULL, i) >= 0;
  return found;
}

static onefold_status rewrite(const scratch *s) {
  for (onefold_node i = 0; i < s->source->node_count && s->target->status == ONEFOLD_OK; i++)
    emit(s, i);
  for (int32_t k = 0; k < s->source->output_count && s->target->status == ONEFOLD_OK; k++)
    onefold_graph_output(s->target, s->map[s->source->outputs[k]]);
  return s->target->status;
}

onefold_status onefold_fold_before_upsample(onefold_context *context, const onefold_graph *source,
                                            onefold_graph **target) {
  size_t count = (size_t)source->node_count, inputs = 1, weights = 1;
  for (onefold_node i = 0; i < source->node_count; i++) {
    const onefold_graph_node *n = &source->nodes[i];
    if ((size_t)n->input_count > inputs) inputs = (size_t)n->input_count;
    const size_t own =
        can_split(n) ? (size_t)(n->shape.c * source->nodes[n->inputs[0]].shape.c) : 0;
    if (own > weights) weights = own;
  }
  int32_t *arrays = onefold_allocate(context, (5 * count + inputs) * sizeof *arrays);
  const scratch empty = {.source = source};
  scratch s = empty;
  onefold_status status = ONEFOLD_OK;
  *target = NULL;
  if (!arrays)
    return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold %zu nodes", count);
  s.uses = arrays;
  s.movers = arrays + count;
  s.added = arrays + 2 * count;
  s.rest = arrays + 3 * count;
  s.map = arrays + 4 * count;
  s.operands = arrays + 5 * count;
  if (find_work(&s) > 0) {
    s.weight = onefold_allocate(context, weights * sizeof *s.weight);
    status = s.weight ? onefold_graph_create(context, target)
                      : onefold_fail(context, ONEFOLD_OUT_OF_MEMORY,
                                     "no memory to cut a convolution of %zu weights", weights);
  }
  if (*target) {
    s.target = *target;
    status = rewrite(&s);
  }
  if (status != ONEFOLD_OK) {
    onefold_graph_destroy(*target);
    *target = NULL;
  }
  onefold_release(context, s.weight);
  onefold_release(context, arrays);
  return status;
}
