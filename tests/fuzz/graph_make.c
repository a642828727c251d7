// SPDX-License-Identifier: BSD-3-Clause
// A call is one byte that chooses it, and a byte for each parameter. Operands are counted back
// from the node added last.
#include "tests/fuzz/graph_make.h"

#include <math.h>

// Largest result of a node that is read again, and sizes of the images.
enum { MAX_ELEMENTS = 4096, MAX_CHANNELS = 12, MAX_SIZE = 10 };

/// A parameter: by the stream in [low, high], or any size at all.
typedef struct call {
  fuzz_graph *g;
  int wild;
} call;

static int64_t parameter(const call *c, int64_t low, int64_t high) {
  return c->wild && fuzz_byte(c->g->stream) % 4 == 0 ? fuzz_any_size(c->g->stream)
                                                     : fuzz_between(c->g->stream, low, high);
}

static onefold_node operand(const call *c) {
  fuzz_graph *g = c->g;
  if (c->wild && fuzz_byte(g->stream) % 8 == 0) return (onefold_node)fuzz_any_size(g->stream);
  if (g->count == 0) return ONEFOLD_NO_NODE;
  return g->nodes[g->count - 1 - fuzz_byte(g->stream) % g->count];
}

static onefold_shape shape_of(const fuzz_graph *g, onefold_node node) {
  return onefold_graph_shape(g->graph, node);
}

/// a*b*c*d random weights; NULL where there is no room for so many.
static float *weights(fuzz_graph *g, int64_t a, int64_t b, int64_t c, int64_t d) {
  static const float special[] = {0, -0.0f, 1e-40f, 1e-20f, 1e20f, -3e38f, INFINITY, NAN};
  const double count = fabs((double)a) * fabs((double)b) * fabs((double)c) * fabs((double)d);
  if (count > FUZZ_VALUES) return NULL;
  for (size_t i = 0; i < (size_t)count; i++) {
    g->values[i] = test_uniform(&g->rng, -1, 1);
    if (g->strange && test_once_in(&g->rng, 8)) g->values[i] = test_pick(&g->rng, special);
  }
  return g->values;
}

/// A second array of one number a channel, behind the first; NULL by choice.
static float *vector(fuzz_graph *g, int index, int64_t channels, float low, float high) {
  if (channels < 0 || channels > 256) return NULL;
  float *values = g->values + FUZZ_VALUES - 256 * (index + 1);
  for (int64_t c = 0; c < channels; c++) values[c] = test_uniform(&g->rng, low, high);
  return values;
}

static onefold_node add_input(const call *c) {
  fuzz_graph *g = c->g;
  if (g->inputs == FUZZ_ENDS) return ONEFOLD_NO_NODE;
  onefold_shape shape;
  shape.n = parameter(c, 1, 2);
  shape.c = parameter(c, 1, MAX_CHANNELS);
  shape.h = parameter(c, 1, MAX_SIZE);
  shape.w = parameter(c, 1, MAX_SIZE);
  g->inputs++;
  return onefold_graph_input(g->graph, shape);
}

/// The largest common divisor of both that is not above `most`.
static int64_t common(int64_t a, int64_t b, int64_t most) {
  int64_t d = most < a ? most : a;
  while (d > 1 && (a % d || b % d)) d--;
  return d < 1 ? 1 : d;
}

static onefold_node conv(const call *c, int fixed) {
  fuzz_graph *g = c->g;
  const onefold_node input = operand(c);
  const onefold_shape in = shape_of(g, input);
  onefold_graph_conv2d_params p;
  p.out_channels = parameter(c, 0, MAX_CHANNELS);
  if (p.out_channels == 0) p.out_channels = in.c;
  p.kernel_h = parameter(c, 1, 5);
  p.kernel_w = parameter(c, 1, 5);
  p.stride_h = parameter(c, 1, 3);
  p.stride_w = parameter(c, 1, 3);
  p.dilation_h = parameter(c, 1, 3);
  p.dilation_w = parameter(c, 1, 3);
  p.pad_top = parameter(c, -1, 3);
  p.pad_bottom = parameter(c, -1, 3);
  p.pad_left = parameter(c, -1, 3);
  p.pad_right = parameter(c, -1, 3);
  p.groups = parameter(c, 1, MAX_CHANNELS);
  const int has_bias = fuzz_byte(g->stream) % 2;
  if (!c->wild) {
    // The kernel has to fit, and no window may lie in the padding alone.
    const int64_t h = p.dilation_h * (p.kernel_h - 1), w = p.dilation_w * (p.kernel_w - 1);
    if (p.pad_top > h) p.pad_top = h;
    if (p.pad_bottom > h) p.pad_bottom = h;
    if (p.pad_left > w) p.pad_left = w;
    if (p.pad_right > w) p.pad_right = w;
    if (in.h + p.pad_top + p.pad_bottom <= h || in.w + p.pad_left + p.pad_right <= w) {
      p = onefold_graph_conv2d_square(p.out_channels, 1, 1, p.groups);
    }
    p.groups = common(in.c, p.out_channels, p.groups);
  }
  const int64_t row = p.groups > 0 && in.c > 0 ? in.c / p.groups : 1;
  const float *weight = weights(g, p.out_channels, row, p.kernel_h, p.kernel_w);
  const float *bias = has_bias ? vector(g, 0, p.out_channels, -1, 1) : NULL;
  return fixed ? onefold_graph_filter(g->graph, input, &p, weight, bias)
               : onefold_graph_conv2d(g->graph, input, &p, weight, bias);
}

static onefold_node add_conv(const call *c) {
  return conv(c, 0);
}

static onefold_node add_filter(const call *c) {
  return conv(c, 1);
}

/// Keeps the image: what branches of a sum are made of.
static onefold_node add_same(const call *c) {
  fuzz_graph *g = c->g;
  const onefold_node input = operand(c);
  const onefold_shape in = shape_of(g, input);
  const int64_t kernel = 2 * fuzz_between(g->stream, 0, 2) + 1;
  const int64_t groups = common(in.c, in.c, fuzz_between(g->stream, 1, MAX_CHANNELS));
  const int has_bias = fuzz_byte(g->stream) % 2;
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(in.c, kernel, 1, groups);
  const float *weight = weights(g, in.c, in.c / groups, kernel, kernel);
  return onefold_graph_conv2d(g->graph, input, &p, weight,
                              has_bias ? vector(g, 0, in.c, -1, 1) : NULL);
}

static onefold_node add_linear(const call *c) {
  fuzz_graph *g = c->g;
  const onefold_node input = operand(c);
  const onefold_shape in = shape_of(g, input);
  const int64_t features = parameter(c, 1, MAX_CHANNELS);
  const float *weight = weights(g, features, in.c, in.h, in.w);
  const float *bias = fuzz_byte(g->stream) % 2 ? vector(g, 0, features, -1, 1) : NULL;
  return onefold_graph_linear(g->graph, input, features, weight, bias);
}

static onefold_node add_batch_norm(const call *c) {
  fuzz_graph *g = c->g;
  const onefold_node input = operand(c);
  const int64_t channels = shape_of(g, input).c;
  const uint8_t absent = fuzz_byte(g->stream);
  const int without_stats = absent % 16 == 15;
  onefold_batch_norm_params p = {.epsilon = c->wild ? (double)fuzz_byte(g->stream) - 2 : 1e-3};
  if (!(absent & 16)) p.gamma = vector(g, 0, channels, -1.5f, 1.5f);
  if (!(absent & 32)) p.beta = vector(g, 1, channels, -0.5f, 0.5f);
  if (!without_stats) {
    p.mean = vector(g, 2, channels, -0.5f, 0.5f);
    p.variance = vector(g, 3, channels, c->wild ? -0.1f : 0.5f, 1.5f);
  }
  g->without_stats |= !p.mean;
  return onefold_graph_batch_norm(g->graph, input, &p);
}

static onefold_node add_scale(const call *c) {
  fuzz_graph *g = c->g;
  const onefold_node input = operand(c);
  const int64_t channels = shape_of(g, input).c;
  const float *shift = fuzz_byte(g->stream) % 2 ? vector(g, 0, channels, -1, 1) : NULL;
  return onefold_graph_scale(g->graph, input, weights(g, channels, 1, 1, 1), shift);
}

static onefold_node add_identity(const call *c) {
  return onefold_graph_identity(c->g->graph, operand(c));
}

static onefold_node add_activation(const call *c) {
  const onefold_node input = operand(c);
  const int64_t function = parameter(c, 0, ONEFOLD_ACT_COUNT - 1);
  return onefold_graph_activation(c->g->graph, input, (onefold_activation)function, 0.25f);
}

/// The first operand, and those of one to four that agree with it in all but the channels, and in
/// these too for a sum.
static size_t operands(const call *c, int channels, onefold_node nodes[4]) {
  const size_t wanted = (size_t)fuzz_between(c->g->stream, 1, 4);
  size_t count = 0;
  for (size_t k = 0; k < wanted; k++) {
    nodes[count] = operand(c);
    const onefold_shape a = shape_of(c->g, nodes[0]), b = shape_of(c->g, nodes[count]);
    const int fits = a.n == b.n && a.h == b.h && a.w == b.w && (!channels || a.c == b.c);
    count += fits || c->wild;
  }
  return count;
}

static onefold_node add_sum(const call *c) {
  onefold_node nodes[4];
  const size_t count = operands(c, 1, nodes);
  return onefold_graph_sum(c->g->graph, nodes, count);
}

static onefold_node add_concat(const call *c) {
  onefold_node nodes[4];
  const size_t count = operands(c, 0, nodes);
  return onefold_graph_concat(c->g->graph, nodes, count);
}

static onefold_node add_slice(const call *c) {
  fuzz_graph *g = c->g;
  const onefold_node input = operand(c);
  const int64_t channels = shape_of(g, input).c;
  int64_t begin = parameter(c, 0, MAX_CHANNELS), count = parameter(c, 1, MAX_CHANNELS);
  if (!c->wild) {
    begin %= channels;
    if (count > channels - begin) count = channels - begin;
  }
  return onefold_graph_slice(g->graph, input, begin, count);
}

static onefold_node add_split(const call *c) {
  fuzz_graph *g = c->g;
  const onefold_node input = operand(c);
  const int64_t channels = shape_of(g, input).c;
  int64_t sizes[2] = {parameter(c, 1, MAX_CHANNELS), parameter(c, 1, MAX_CHANNELS)};
  if (!c->wild) {
    if (sizes[0] > channels) sizes[0] = channels;
    sizes[1] = channels - sizes[0];
  }
  onefold_node parts[2];
  onefold_graph_split(g->graph, input, sizes, sizes[1] ? 2 : 1, parts);
  if (parts[0] != ONEFOLD_NO_NODE && g->count < FUZZ_NODES) g->nodes[g->count++] = parts[0];
  return sizes[1] ? parts[1] : ONEFOLD_NO_NODE;
}

static onefold_node add_pad(const call *c) {
  fuzz_graph *g = c->g;
  const onefold_node input = operand(c);
  onefold_pad_params p;
  p.top = parameter(c, 0, 2);
  p.bottom = parameter(c, 0, 2);
  p.left = parameter(c, 0, 2);
  p.right = parameter(c, 0, 2);
  p.value = fuzz_byte(g->stream) % 2 ? vector(g, 0, shape_of(g, input).c, -1, 1) : NULL;
  return onefold_graph_pad(g->graph, input, &p);
}

static onefold_node add_border(const call *c) {
  fuzz_graph *g = c->g;
  const onefold_node input = operand(c);
  const onefold_shape in = shape_of(g, input);
  onefold_border_params p;
  p.top = parameter(c, 0, 2);
  p.bottom = parameter(c, 0, 2);
  p.left = parameter(c, 0, 2);
  p.right = parameter(c, 0, 2);
  if (!c->wild) {
    if (p.top + p.bottom > in.h) p.top = in.h, p.bottom = 0;
    if (p.left + p.right > in.w) p.right = in.w, p.left = 0;
  }
  const double rows = (double)p.top + 1 + (double)p.bottom;
  const double columns = (double)p.left + 1 + (double)p.right;
  const int fits = rows > 0 && columns > 0 && rows < FUZZ_VALUES && columns < FUZZ_VALUES;
  p.bias = fits ? weights(g, in.c, (int64_t)rows, (int64_t)columns, 1) : g->values;
  return onefold_graph_border(g->graph, input, &p);
}

static onefold_node pool(const call *c, int max) {
  fuzz_graph *g = c->g;
  const onefold_node input = operand(c);
  const onefold_shape in = shape_of(g, input);
  onefold_pool2d_params p;
  p.kernel_h = parameter(c, 1, 5);
  p.kernel_w = parameter(c, 1, 5);
  p.stride_h = parameter(c, 1, 3);
  p.stride_w = parameter(c, 1, 3);
  p.pad_top = parameter(c, 0, 2);
  p.pad_bottom = parameter(c, 0, 2);
  p.pad_left = parameter(c, 0, 2);
  p.pad_right = parameter(c, 0, 2);
  const uint8_t flags = fuzz_byte(g->stream);
  p.ceil_mode = flags & 1;
  p.count_include_pad = !max && (flags & 2);
  p.divisor = !max && (flags & 12) == 12 ? parameter(c, 1, 9) : 0;
  if (!c->wild) {
    if (p.pad_top > p.kernel_h / 2) p.pad_top = p.kernel_h / 2;
    if (p.pad_bottom > p.kernel_h / 2) p.pad_bottom = p.kernel_h / 2;
    if (p.pad_left > p.kernel_w / 2) p.pad_left = p.kernel_w / 2;
    if (p.pad_right > p.kernel_w / 2) p.pad_right = p.kernel_w / 2;
    if (in.h + p.pad_top + p.pad_bottom < p.kernel_h ||
        in.w + p.pad_left + p.pad_right < p.kernel_w)
      p = onefold_pool2d_square(1, 1, 0);
  }
  return max ? onefold_graph_max_pool(g->graph, input, &p)
             : onefold_graph_avg_pool(g->graph, input, &p);
}

static onefold_node add_avg_pool(const call *c) {
  return pool(c, 0);
}

static onefold_node add_max_pool(const call *c) {
  return pool(c, 1);
}

static onefold_node add_global_pool(const call *c) {
  return onefold_graph_global_pool(c->g->graph, operand(c));
}

static onefold_node add_upsample(const call *c) {
  const onefold_node input = operand(c);
  return onefold_graph_upsample(c->g->graph, input, parameter(c, 1, 3));
}

static onefold_node add_squeeze_excite(const call *c) {
  fuzz_graph *g = c->g;
  const onefold_node input = operand(c);
  const int64_t channels = shape_of(g, input).c;
  onefold_squeeze_excite_params p = {.hidden = parameter(c, 1, 6)};
  const uint8_t flags = fuzz_byte(g->stream);
  p.gate = c->wild       ? (onefold_activation)(flags % (ONEFOLD_ACT_COUNT + 1))
           : (flags & 1) ? ONEFOLD_ACT_SIGMOID
                         : ONEFOLD_ACT_HARD_SIGMOID;
  p.reduce_weight = p.expand_weight = weights(g, p.hidden, channels, 1, 1);
  if (flags & 2) p.reduce_bias = vector(g, 0, p.hidden, -1, 1);
  if (flags & 4) p.expand_bias = vector(g, 1, channels, -1, 1);
  return onefold_graph_squeeze_excite(g->graph, input, &p);
}

static onefold_node add_output(const call *c) {
  fuzz_graph *g = c->g;
  const onefold_node node = operand(c);
  if (g->outputs < FUZZ_ENDS && onefold_graph_output(g->graph, node) == ONEFOLD_OK) g->outputs++;
  return ONEFOLD_NO_NODE;
}

static onefold_node (*const calls[])(const call *c) = {
    add_input,      add_conv,     add_filter,      add_same,       add_linear,
    add_batch_norm, add_scale,    add_identity,    add_activation, add_sum,
    add_concat,     add_slice,    add_split,       add_pad,        add_border,
    add_avg_pool,   add_max_pool, add_global_pool, add_upsample,   add_squeeze_excite,
    add_output,
};

void fuzz_graph_make(fuzz_graph *g) {
  static const char *const names[] = {"", "a", "branch.1", "\xff\x01%s"};
  while (g->stream->left > 0 && g->count < FUZZ_NODES &&
         onefold_graph_status(g->graph) == ONEFOLD_OK) {
    const uint8_t byte = fuzz_byte(g->stream);
    const call c = {g, byte >= 128};
    const size_t index = byte % 128 % (sizeof calls / sizeof *calls);
    if (g->count == 0 && index != 0 && !c.wild) continue;
    const onefold_node node = calls[index](&c);
    if (node == ONEFOLD_NO_NODE) continue;
    onefold_graph_name(g->graph, node, names[byte % 4]);
    const onefold_shape shape = shape_of(g, node);
    FUZZ_EXPECT(shape.n > 0 && shape.c > 0 && shape.h > 0 && shape.w > 0);
    if (g->count < FUZZ_NODES && shape.n * shape.c <= MAX_ELEMENTS && shape.h <= MAX_ELEMENTS &&
        shape.w <= MAX_ELEMENTS && shape.n * shape.c * shape.h * shape.w <= MAX_ELEMENTS)
      g->nodes[g->count++] = node;
  }
}
