// SPDX-License-Identifier: BSD-3-Clause
// Nearest upsampling repeats pixels, so that what looks at one pixel at a time can come before it:
// 1x1 convolutions, batch normalisations and activations. Of a 1x1 convolution of a concat, the
// part behind the upsampling can: conv(cat(a, up(x))) = conv_a(a) + up(conv_x(x)).
#include "fold/rewrite.h"

#include <stdio.h>
#include <string.h>

// What a float that is written or read costs, in multiply-adds.
#define MOVE 4.0

// How many readers would go before an upsampling; whether a sum or border is among the readers; of
// a concat, its copy without the part that is upsampled.
enum { MOVERS, ADDED, REST };

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

/// The upsampling that is in the place of a node, in the target once there is one; or NULL.
static const onefold_graph_node *upsampling(const onefold_rewriting *r, onefold_node node) {
  const onefold_graph_node *n =
      r->target ? &r->target->nodes[r->map[node]] : &r->source->nodes[node];
  return n->kind == ONEFOLD_NODE_UPSAMPLE && n->as.upsample_factor > 1 ? n : NULL;
}

/// The image before an upsampling.
static onefold_shape small(const onefold_graph_node *up) {
  const int64_t factor = up->as.upsample_factor;
  return (onefold_shape){up->shape.n, up->shape.c, up->shape.h / factor, up->shape.w / factor};
}

/// A sum adds to a convolution in its epilogue; behind an upsampling it would be a pass of its own.
static double moved_by_sum(const onefold_rewriting *r, onefold_node node) {
  const onefold_shape out = r->source->nodes[node].shape;
  return r->notes[ADDED][node] ? 2 * (double)out.c * pixels(out) : 0;
}

/// Is a 1x1 convolution of an upsampled image cheaper before it? `alone`: no other reads that.
static int pays(const onefold_rewriting *r, onefold_node node, const onefold_graph_node *up,
                int alone) {
  const onefold_graph_node *n = &r->source->nodes[node];
  const double in = (double)up->shape.c, out = (double)n->shape.c;
  const double before = pixels(small(up)), after = pixels(n->shape);
  const double saved = in / (double)n->as.conv2d.params.groups * out * (after - before);
  const double moves = in * (before - after) + 2 * out * before -
                       (alone ? in * (before + after) : 0) + moved_by_sum(r, node);
  return saved > MOVE * moves;
}

/// Is that part of a convolution of a concat? Its result is one more tensor to write and to add.
static int part_pays(const onefold_rewriting *r, onefold_node node, const onefold_graph_node *up) {
  const onefold_graph_node *n = &r->source->nodes[node];
  const double in = (double)up->shape.c, out = (double)n->shape.c;
  const double before = pixels(small(up)), after = pixels(n->shape);
  return in * out * (after - before) >
         MOVE * (2 * out * before + 2 * out * after + moved_by_sum(r, node));
}

/// The part of a concat that is upsampled and has the most channels; -1 where there is none, or
/// the concat would stay for others to read.
static int32_t part_of(const onefold_rewriting *r, onefold_node concat) {
  const onefold_graph_node *n = &r->source->nodes[concat];
  int32_t found = -1;
  int64_t most = 0;
  if (n->kind != ONEFOLD_NODE_CONCAT || n->input_count < 2 ||
      r->notes[MOVERS][concat] != r->uses[concat])
    return -1;
  for (int32_t k = 0; k < n->input_count; k++) {
    const onefold_graph_node *up = upsampling(r, n->inputs[k]);
    if (!up || up->shape.c <= most) continue;
    most = up->shape.c;
    found = k;
  }
  return found;
}

/// Does the node go before the upsampling that is in the place of its input?
static int goes_before(const onefold_rewriting *r, onefold_node node) {
  const onefold_graph_node *n = &r->source->nodes[node];
  if (r->uses[node] == 0 || n->input_count != 1) return 0;
  const onefold_graph_node *up = upsampling(r, n->inputs[0]);
  if (!up) return 0;
  const int alone = r->uses[n->inputs[0]] == 1;
  if (is_1x1(n)) return pays(r, node, up, alone);
  return alone && (n->kind == ONEFOLD_NODE_BATCH_NORM || n->kind == ONEFOLD_NODE_ACTIVATION);
}

/// The part of the concat below that goes before its upsampling, or -1.
static int32_t splits_at(const onefold_rewriting *r, onefold_node node) {
  const onefold_graph_node *n = &r->source->nodes[node];
  if (r->uses[node] == 0 || !can_split(n)) return -1;
  const onefold_node concat = n->inputs[0];
  const int32_t k = part_of(r, concat);
  if (k < 0) return -1;
  return part_pays(r, node, upsampling(r, r->source->nodes[concat].inputs[k])) ? k : -1;
}

/// Those that have an upsampling to go before; those that they make room for are seen when their
/// turn comes.
static int find(const onefold_rewriting *r) {
  int32_t *const movers = r->notes[MOVERS], *const added = r->notes[ADDED];
  int found = 0;
  for (onefold_node i = 0; i < r->source->node_count; i++) {
    const onefold_graph_node *n = &r->source->nodes[i];
    movers[i] = added[i] = 0;
    for (int32_t k = 0; r->uses[i] > 0 && k < n->input_count; k++) {
      movers[n->inputs[k]] += can_split(n);
      added[n->inputs[k]] |= n->kind == ONEFOLD_NODE_SUM || n->kind == ONEFOLD_NODE_BORDER;
    }
  }
  for (onefold_node i = 0; i < r->source->node_count; i++)
    found |= goes_before(r, i) || splits_at(r, i) >= 0;
  return found;
}

// ------------------------------------------------------------------------ rewriting

/// The node on the small image, and the upsampling after it.
static void emit_before(const onefold_rewriting *r, onefold_node node) {
  const onefold_graph_node up = r->target->nodes[r->map[r->source->nodes[node].inputs[0]]];
  const onefold_node moved = onefold_graph_copy_node(r->target, r->source, node, up.inputs);
  r->map[node] = onefold_graph_upsample(r->target, moved, up.as.upsample_factor);
  onefold_graph_name(r->target, r->map[node], up.name);
}

/// The concat without its part k, once for all that read it.
static onefold_node emit_rest(const onefold_rewriting *r, onefold_node concat, int32_t k) {
  const onefold_graph_node *n = &r->source->nodes[concat];
  onefold_node *rest = &r->notes[REST][concat];
  size_t count = 0;
  if (*rest != ONEFOLD_NO_NODE) return *rest;
  for (int32_t i = 0; i < n->input_count; i++)
    if (i != k) r->operands[count++] = r->map[n->inputs[i]];
  *rest = r->operands[0];
  if (count > 1) {
    *rest = onefold_graph_concat(r->target, r->operands, count);
    onefold_graph_name(r->target, *rest, n->name);
  }
  return *rest;
}

/// A convolution by the weights of the input channels [begin, end), or by those of all others.
static onefold_node emit_part(const onefold_rewriting *r, onefold_node node, onefold_node input,
                              int64_t begin, int64_t end, int others) {
  const onefold_graph_node *n = &r->source->nodes[node];
  const int64_t channels = r->source->nodes[n->inputs[0]].shape.c;
  float *weight = onefold_rewrite_floats(r, node, (size_t)(n->shape.c * channels)), *to = weight;
  if (!weight) return ONEFOLD_NO_NODE;
  for (int64_t o = 0; o < n->shape.c; o++)
    for (int64_t i = 0; i < channels; i++)
      if ((i >= begin && i < end) != others) *to++ = n->as.conv2d.weight[o * channels + i];
  const onefold_node part = onefold_graph_conv2d(r->target, input, &n->as.conv2d.params, weight,
                                                 others ? n->as.conv2d.bias : NULL);
  onefold_release(r->source->context, weight);
  return part;
}

/// conv_a(a) + up(conv_x(x)), where x is upsampled as part k of the concat.
static void emit_split(const onefold_rewriting *r, onefold_node node, int32_t k) {
  const onefold_graph_node *n = &r->source->nodes[node];
  const onefold_graph_node *concat = &r->source->nodes[n->inputs[0]];
  const onefold_graph_node up = r->target->nodes[r->map[concat->inputs[k]]];
  int64_t begin = 0;
  for (int32_t i = 0; i < k; i++) begin += r->source->nodes[concat->inputs[i]].shape.c;
  char name[ONEFOLD_NODE_NAME];
  onefold_node terms[2];
  terms[0] = emit_part(r, node, emit_rest(r, n->inputs[0], k), begin, begin + up.shape.c, 1);
  onefold_graph_name(r->target, terms[0], n->name);
  terms[1] = emit_part(r, node, up.inputs[0], begin, begin + up.shape.c, 0);
  snprintf(name, sizeof name, "%.80s.upsampled", n->name);
  onefold_graph_name(r->target, terms[1], name);
  terms[1] = onefold_graph_upsample(r->target, terms[1], up.as.upsample_factor);
  onefold_graph_name(r->target, terms[1], up.name);
  r->map[node] = onefold_graph_sum(r->target, terms, 2);
}

static int replace(const onefold_rewriting *r, onefold_node node) {
  const int32_t k = splits_at(r, node);
  if (goes_before(r, node))
    emit_before(r, node);
  else if (k >= 0)
    emit_split(r, node, k);
  else
    return 0;
  return 1;
}

const onefold_rewrite onefold_rewrite_upsample = {find, replace};
