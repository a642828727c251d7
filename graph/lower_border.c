// SPDX-License-Identifier: BSD-3-Clause
// Lowering of border nodes. The bias of each pixel becomes a constant tensor, which is the
// residual of a convolution that only the border node reads, or is added in a step of its own.
#include "graph/lower.h"

/// Writes the bias of every pixel of one image's channels, [C/v][H][W][v]; other lanes stay.
static void expand(const onefold_graph_node *border, int64_t v, float *values) {
  const onefold_border_params *p = &border->as.border;
  const onefold_shape s = border->shape;
  const int64_t rows = p->top + 1 + p->bottom, columns = p->left + 1 + p->right;
  for (int64_t c = 0; c < s.c; c++)
    for (int64_t y = 0; y < s.h; y++) {
      const float *bias =
          p->bias + (c * rows + onefold_border_class(y, s.h, p->top, p->bottom)) * columns;
      float *row = values + (c / v * s.h + y) * s.w * v + c % v;
      for (int64_t x = 0; x < s.w; x++)
        row[x * v] = bias[onefold_border_class(x, s.w, p->left, p->right)];
    }
}

static int32_t emit_constant(onefold_lowering *lowering, const onefold_graph_node *border) {
  const int32_t value = onefold_emit_value(lowering, border->shape, ONEFOLD_BLOCKED);
  if (value == ONEFOLD_NO_VALUE) return ONEFOLD_NO_VALUE;
  onefold_value *own = &lowering->exec->values[value];
  own->constant = onefold_allocate(lowering->exec->context, own->bytes);
  if (!own->constant) return onefold_emit_out_of_memory(lowering);
  const size_t image = own->bytes / sizeof(float) / (size_t)border->shape.n;
  for (int64_t n = 0; n < border->shape.n; n++)
    expand(border, onefold_context_block(lowering->exec->context),
           own->constant + (size_t)n * image);
  return value;
}

int32_t onefold_lower_absorbed_border(onefold_lowering *lowering, onefold_node node) {
  const onefold_node into = lowering->into[node];
  if (into == node || lowering->graph->nodes[into].kind != ONEFOLD_NODE_BORDER)
    return ONEFOLD_NO_VALUE;
  return emit_constant(lowering, &lowering->graph->nodes[into]);
}

int32_t onefold_lower_border(onefold_lowering *lowering, onefold_node node) {
  const onefold_graph_node *n = &lowering->graph->nodes[node];
  const onefold_node input = n->inputs[0];
  if (lowering->into[input] == node) return onefold_lower_node(lowering, input);
  const int32_t src = onefold_lower_operand(lowering, input);
  return onefold_emit_add(lowering, n->name, src, emit_constant(lowering, n),
                          onefold_lower_in_place(lowering, input));
}
