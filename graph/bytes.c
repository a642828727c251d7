// SPDX-License-Identifier: BSD-3-Clause
// Graphs as bytes. One function goes over the fields of each kind of node, and counts, writes or
// reads them, so that both directions cannot differ.
#include "graph/bytes.h"

#include <string.h>

typedef struct coder {
  unsigned char *to;         // where fields are written; NULL: they are counted or read
  const unsigned char *from; // where they are read; NULL: they are counted or written
  size_t used, length;       // of the bytes; when reading, length is theirs
  int failed;
} coder;

/// The next `size` bytes and the zeros up to a multiple of the alignment: where they are read;
/// NULL when counting or writing, and where there are too few.
static const unsigned char *next(coder *c, const void *value, size_t size) {
  const size_t rest =
      (ONEFOLD_BYTES_ALIGNMENT - size % ONEFOLD_BYTES_ALIGNMENT) % ONEFOLD_BYTES_ALIGNMENT;
  const size_t at = c->used;
  if (c->from) {
    if (c->failed || size > c->length - at || rest > c->length - at - size) {
      c->failed = 1;
      return NULL;
    }
    c->used += size + rest;
    return c->from + at;
  }
  if (c->to && value && size) memcpy(c->to + at, value, size);
  if (c->to) memset(c->to + at + size, 0, rest);
  c->used += size + rest;
  return NULL;
}

static void code(coder *c, void *value, size_t size) {
  const unsigned char *read = next(c, value, size);
  if (read) memcpy(value, read, size);
}

static void code_int(coder *c, int64_t *value) {
  code(c, value, sizeof *value);
}

/// An array that is there or not. When reading, it is pointed to where it is.
static void code_floats(coder *c, const float **values, size_t count) {
  int64_t there = *values != NULL;
  size_t bytes = 0;
  code_int(c, &there);
  if (!onefold_mul(count, sizeof(float), &bytes)) c->failed = 1;
  if (c->from) *values = NULL;
  if (c->failed || !there) return;
  const unsigned char *read = next(c, *values, bytes);
  if (read) *values = (const float *)(const void *)read;
}

/// Elements of an array of these sizes; 0, which fails, where one is not positive.
static size_t count_of(coder *c, int64_t channels, int64_t rows, int64_t columns) {
  size_t count = 0;
  if (!onefold_shape_elements((onefold_shape){1, channels, rows, columns}, &count)) c->failed = 1;
  return c->failed ? 0 : count;
}

// ----------------------------------------------------------- kinds of nodes

/// `in` is the shape of the node's first input, which decides how long arrays are.
typedef void payload_fn(coder *c, onefold_shape in, onefold_graph_node *node);

static void code_conv2d(coder *c, onefold_shape in, onefold_graph_node *node) {
  (void)in;
  onefold_node_conv2d *conv = &node->as.conv2d;
  int64_t fixed = conv->fixed;
  code(c, &conv->params, sizeof conv->params);
  code_int(c, &fixed);
  conv->fixed = fixed != 0;
  code_floats(c, &conv->bias, count_of(c, conv->params.out_channels, 1, 1));
}

static void code_batch_norm(coder *c, onefold_shape in, onefold_graph_node *node) {
  onefold_batch_norm_params *p = &node->as.batch_norm;
  const float **arrays[] = {&p->gamma, &p->beta, &p->mean, &p->variance};
  code(c, &p->epsilon, sizeof p->epsilon);
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
    code_floats(c, arrays[i], count_of(c, in.c, 1, 1));
}

static void code_activation(coder *c, onefold_shape in, onefold_graph_node *node) {
  (void)in;
  int64_t function = node->as.activation.function;
  code_int(c, &function);
  if (function < 0 || function >= ONEFOLD_ACT_COUNT) c->failed = 1;
  node->as.activation.function = (onefold_activation)(c->failed ? 0 : function);
  code(c, &node->as.activation.param, sizeof node->as.activation.param);
}

static void code_squeeze_excite(coder *c, onefold_shape in, onefold_graph_node *node) {
  onefold_squeeze_excite_params *p = &node->as.squeeze_excite;
  int64_t gate = p->gate;
  code_int(c, &p->hidden);
  code_int(c, &gate);
  if (gate < 0 || gate >= ONEFOLD_ACT_COUNT) c->failed = 1;
  p->gate = (onefold_activation)(c->failed ? 0 : gate);
  code_floats(c, &p->reduce_bias, count_of(c, p->hidden, 1, 1));
  code_floats(c, &p->expand_bias, count_of(c, in.c, 1, 1));
}

/// Classes along an axis: those before and after, and the one between; 0 where it is not so.
static int64_t classes(int64_t before, int64_t after) {
  int64_t sum = 0;
  if (before < 0 || after < 0 || __builtin_add_overflow(before, after, &sum) || sum == INT64_MAX)
    return 0;
  return sum + 1;
}

static void code_border(coder *c, onefold_shape in, onefold_graph_node *node) {
  onefold_border_params *p = &node->as.border;
  int64_t *const sizes[] = {&p->top, &p->bottom, &p->left, &p->right};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) code_int(c, sizes[i]);
  code_floats(c, &p->bias,
              count_of(c, in.c, classes(p->top, p->bottom), classes(p->left, p->right)));
}

static void code_pad(coder *c, onefold_shape in, onefold_graph_node *node) {
  onefold_pad_params *p = &node->as.pad;
  int64_t *const sizes[] = {&p->top, &p->bottom, &p->left, &p->right};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) code_int(c, sizes[i]);
  code_floats(c, &p->value, count_of(c, in.c, 1, 1));
}

static void code_slice(coder *c, onefold_shape in, onefold_graph_node *node) {
  (void)in;
  code_int(c, &node->as.slice_begin);
}

static void code_pool(coder *c, onefold_shape in, onefold_graph_node *node) {
  (void)in;
  code(c, &node->as.pool, sizeof node->as.pool);
}

static void code_upsample(coder *c, onefold_shape in, onefold_graph_node *node) {
  (void)in;
  code_int(c, &node->as.upsample_factor);
}

static payload_fn *const payloads[ONEFOLD_NODE_KIND_COUNT] = {
    [ONEFOLD_NODE_CONV2D] = code_conv2d,
    [ONEFOLD_NODE_BATCH_NORM] = code_batch_norm,
    [ONEFOLD_NODE_ACTIVATION] = code_activation,
    [ONEFOLD_NODE_SQUEEZE_EXCITE] = code_squeeze_excite,
    [ONEFOLD_NODE_BORDER] = code_border,
    [ONEFOLD_NODE_PAD] = code_pad,
    [ONEFOLD_NODE_SLICE] = code_slice,
    [ONEFOLD_NODE_AVG_POOL] = code_pool,
    [ONEFOLD_NODE_MAX_POOL] = code_pool,
    [ONEFOLD_NODE_UPSAMPLE] = code_upsample,
};

// ------------------------------------------------------------------- nodes

static void code_count(coder *c, int32_t *count) {
  int64_t value = *count;
  code_int(c, &value);
  if (value < 0 || value > INT32_MAX) c->failed = 1;
  *count = c->failed ? 0 : (int32_t)value;
}

/// When reading, inputs are pointed to where they are.
static void code_nodes(coder *c, const onefold_node **nodes, int32_t *count) {
  code_count(c, count);
  const unsigned char *read = next(c, *nodes, (size_t)*count * sizeof **nodes);
  if (c->from) *nodes = (const onefold_node *)(const void *)read;
}

/// All of a node but its inputs' numbers.
static void code_node(coder *c, const onefold_graph *graph, const onefold_node *inputs,
                      onefold_graph_node *node) {
  char name[ONEFOLD_NODE_NAME] = "";
  memcpy(name, node->name, strlen(node->name)); // and no more than that
  code(c, name, sizeof name);
  name[sizeof name - 1] = '\0';
  memcpy(node->name, name, sizeof name);
  code(c, &node->shape, sizeof node->shape);
  const onefold_shape in =
      node->input_count ? onefold_graph_shape(graph, inputs[0]) : (onefold_shape){0};
  if (!c->failed && payloads[node->kind]) payloads[node->kind](c, in, node);
}

size_t onefold_graph_write(const onefold_graph *graph, unsigned char *bytes) {
  coder c = {.to = bytes};
  int32_t nodes = graph->node_count, outputs = graph->output_count;
  code_count(&c, &nodes);
  for (int32_t i = 0; i < graph->node_count; i++) {
    onefold_graph_node node = graph->nodes[i];
    const onefold_node *inputs = node.inputs;
    int64_t kind = node.kind;
    code_int(&c, &kind);
    code_nodes(&c, &inputs, &node.input_count);
    code_node(&c, graph, node.inputs, &node);
  }
  const onefold_node *ends = graph->outputs;
  code_nodes(&c, &ends, &outputs);
  return c.used;
}

// ----------------------------------------------------------------- reading

/// Inputs that a kind of node has: one, but for those that begin a graph or join.
static int takes_inputs(onefold_node_kind kind, int32_t count) {
  if (kind == ONEFOLD_NODE_INPUT) return count == 0;
  return kind == ONEFOLD_NODE_SUM || kind == ONEFOLD_NODE_CONCAT ? count > 0 : count == 1;
}

static int same_shape(onefold_shape a, onefold_shape b) {
  return a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w;
}

/// Adds the next node. Zero where it is not one: the graph's status says more, if it can.
static int read_node(coder *c, onefold_graph *graph) {
  onefold_graph_node node = {.weights = NULL};
  const onefold_node *inputs = NULL;
  int64_t kind = 0;
  code_int(c, &kind);
  code_nodes(c, &inputs, &node.input_count);
  if (c->failed || !inputs || kind < 0 || kind >= ONEFOLD_NODE_KIND_COUNT) return 0;
  node.kind = (onefold_node_kind)kind;
  if (!takes_inputs(node.kind, node.input_count)) return 0;
  for (int32_t k = 0; k < node.input_count; k++)
    if (inputs[k] < 0 || inputs[k] >= graph->node_count) return 0;
  code_node(c, graph, inputs, &node);
  if (c->failed) return 0;
  const onefold_node made = onefold_node_type_of(node.kind)->copy(graph, &node, inputs);
  onefold_graph_name(graph, made, node.name);
  return made != ONEFOLD_NO_NODE && same_shape(graph->nodes[made].shape, node.shape);
}

static int read_all(coder *c, onefold_graph *graph) {
  int32_t nodes = 0, outputs = 0;
  const onefold_node *ends = NULL;
  code_count(c, &nodes);
  for (int32_t i = 0; i < nodes; i++)
    if (!read_node(c, graph)) return 0;
  code_nodes(c, &ends, &outputs);
  if (c->failed || !ends || c->used != c->length) return 0;
  for (int32_t k = 0; k < outputs; k++)
    if (onefold_graph_output(graph, ends[k]) != ONEFOLD_OK) return 0;
  return 1;
}

onefold_status onefold_graph_read(onefold_context *context, const unsigned char *bytes,
                                  size_t length, onefold_graph **graph) {
  onefold_graph *made = NULL;
  onefold_status status = onefold_graph_create(context, &made);
  if (status != ONEFOLD_OK) return status;
  coder c = {.from = bytes, .length = length};
  if (!read_all(&c, made)) {
    status = made->status;
    if (status == ONEFOLD_OK)
      status = onefold_fail(context, ONEFOLD_FORMAT, "node %d is none that a graph can have",
                            (int)made->node_count);
    onefold_graph_destroy(made);
    return status;
  }
  *graph = made;
  return ONEFOLD_OK;
}
