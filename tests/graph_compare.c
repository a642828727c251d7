// SPDX-License-Identifier: BSD-3-Clause
// Are two graphs the same to the bit?
#include "tests/graph_support.h"

static void expect_same_array(const float *a, const float *b, size_t count) {
  assert_int_equal(a != NULL, b != NULL);
  if (a) assert_memory_equal(a, b, count * sizeof *a);
}

static void expect_same_conv(const onefold_node_conv2d *x, const onefold_node_conv2d *y,
                             int64_t in_channels) {
  const onefold_graph_conv2d_params *p = &x->params;
  assert_memory_equal(p, &y->params, sizeof *p);
  assert_int_equal(x->fixed, y->fixed);
  const int64_t in = in_channels / p->groups;
  expect_same_array(x->weight, y->weight,
                    (size_t)(p->out_channels * in * p->kernel_h * p->kernel_w));
  expect_same_array(x->bias, y->bias, (size_t)p->out_channels);
}

static void expect_same_border(const onefold_border_params *p, const onefold_border_params *q,
                               size_t channels) {
  assert_true(p->top == q->top && p->bottom == q->bottom);
  assert_true(p->left == q->left && p->right == q->right);
  expect_same_array(p->bias, q->bias,
                    channels * (size_t)(p->top + 1 + p->bottom) * (size_t)(p->left + 1 + p->right));
}

static void expect_same_pad(const onefold_pad_params *p, const onefold_pad_params *q,
                            size_t channels) {
  assert_true(p->top == q->top && p->bottom == q->bottom);
  assert_true(p->left == q->left && p->right == q->right);
  expect_same_array(p->value, q->value, channels);
}

static void expect_same_batch_norm(const onefold_batch_norm_params *p,
                                   const onefold_batch_norm_params *q, size_t channels) {
  assert_true(p->epsilon == q->epsilon);
  expect_same_array(p->gamma, q->gamma, channels);
  expect_same_array(p->beta, q->beta, channels);
  expect_same_array(p->mean, q->mean, channels);
  expect_same_array(p->variance, q->variance, channels);
}

static void expect_same_squeeze_excite(const onefold_squeeze_excite_params *p,
                                       const onefold_squeeze_excite_params *q, size_t channels) {
  assert_int_equal(p->hidden, q->hidden);
  assert_int_equal(p->gate, q->gate);
  const size_t hidden = (size_t)p->hidden;
  expect_same_array(p->reduce_weight, q->reduce_weight, hidden * channels);
  expect_same_array(p->reduce_bias, q->reduce_bias, hidden);
  expect_same_array(p->expand_weight, q->expand_weight, hidden * channels);
  expect_same_array(p->expand_bias, q->expand_bias, channels);
}

static void expect_same_pool(const onefold_pool2d_params *p, const onefold_pool2d_params *q) {
  assert_true(p->kernel_h == q->kernel_h && p->kernel_w == q->kernel_w);
  assert_true(p->stride_h == q->stride_h && p->stride_w == q->stride_w);
  assert_true(p->pad_top == q->pad_top && p->pad_bottom == q->pad_bottom);
  assert_true(p->pad_left == q->pad_left && p->pad_right == q->pad_right);
  assert_true(p->ceil_mode == q->ceil_mode && p->count_include_pad == q->count_include_pad);
  assert_true(p->divisor == q->divisor);
}

/// Nodes of one kind and shape.
static void expect_same_payload(const onefold_graph *graph, const onefold_graph_node *x,
                                const onefold_graph_node *y) {
  const size_t channels = (size_t)x->shape.c;
  switch (x->kind) {
  case ONEFOLD_NODE_CONV2D:
    expect_same_conv(&x->as.conv2d, &y->as.conv2d, graph->nodes[x->inputs[0]].shape.c);
    break;
  case ONEFOLD_NODE_BATCH_NORM:
    expect_same_batch_norm(&x->as.batch_norm, &y->as.batch_norm, channels);
    break;
  case ONEFOLD_NODE_ACTIVATION:
    assert_int_equal(x->as.activation.function, y->as.activation.function);
    assert_true(x->as.activation.param == y->as.activation.param);
    break;
  case ONEFOLD_NODE_SQUEEZE_EXCITE:
    expect_same_squeeze_excite(&x->as.squeeze_excite, &y->as.squeeze_excite, channels);
    break;
  case ONEFOLD_NODE_BORDER:
    expect_same_border(&x->as.border, &y->as.border, channels);
    break;
  case ONEFOLD_NODE_PAD:
    expect_same_pad(&x->as.pad, &y->as.pad, channels);
    break;
  case ONEFOLD_NODE_SLICE:
    assert_int_equal(x->as.slice_begin, y->as.slice_begin);
    break;
  case ONEFOLD_NODE_AVG_POOL:
  case ONEFOLD_NODE_MAX_POOL:
    expect_same_pool(&x->as.pool, &y->as.pool);
    break;
  case ONEFOLD_NODE_UPSAMPLE:
    assert_int_equal(x->as.upsample_factor, y->as.upsample_factor);
    break;
  default: // nothing but the inputs and the shape
    break;
  }
}

void graph_expect_same(const onefold_graph *a, const onefold_graph *b) {
  assert_int_equal(a->node_count, b->node_count);
  assert_int_equal(a->output_count, b->output_count);
  assert_memory_equal(a->outputs, b->outputs, (size_t)a->output_count * sizeof *a->outputs);
  for (int32_t i = 0; i < a->node_count; i++) {
    const onefold_graph_node *x = &a->nodes[i], *y = &b->nodes[i];
    assert_int_equal(x->kind, y->kind);
    assert_string_equal(x->name, y->name);
    assert_memory_equal(&x->shape, &y->shape, sizeof x->shape);
    assert_int_equal(x->input_count, y->input_count);
    assert_memory_equal(x->inputs, y->inputs, (size_t)x->input_count * sizeof *x->inputs);
    expect_same_payload(a, x, y);
  }
}
