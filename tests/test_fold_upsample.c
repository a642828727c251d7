// SPDX-License-Identifier: BSD-3-Clause
// What looks at one pixel goes before a nearest upsampling: the same bits for whole nodes, the
// rounding of a sum for a part of a concat, and only where that pays.
#include "tests/fold_support.h"

#include <stdlib.h>
#include <string.h>

static onefold_graph *fold(const onefold_graph *graph, int moves) {
  onefold_fold_options options = fold_defaults();
  options.before_upsample = moves;
  return graph_fold_with(graph->context, graph, options, NULL);
}

static int reads_kind(const onefold_graph *graph, const onefold_graph_node *node,
                      onefold_node_kind kind) {
  return graph->nodes[node->inputs[0]].kind == kind;
}

/// Outputs with the same bits, in the fused form. Destroys both.
static void expect_same_bits(onefold_graph *a, onefold_graph *b, test_rng *rng) {
  const graph_form form = {1, ONEFOLD_NCHW, ONEFOLD_NCHW};
  const float *const *x = graph_random_inputs(rng, a);
  float **y = graph_run(a->context, a, form, x), **z = graph_run(a->context, b, form, x);
  for (int32_t k = 0; k < a->output_count; k++) {
    size_t n = 0;
    assert_true(onefold_shape_elements(a->nodes[a->outputs[k]].shape, &n));
    assert_memory_equal(y[k], z[k], n * sizeof **y);
  }
  free(y);
  free(z);
  free((void *)x);
  fold_drop(a, b);
}

/// upsample, 1x1, batch normalisation, activation: all of it happens on the small image.
static void test_moves(void **state) {
  static const struct {
    int64_t in, out, groups, factor;
    onefold_activation activation;
  } cases[] = {
      {32, 48, 1, 2, ONEFOLD_ACT_SILU}, {7, 13, 1, 3, ONEFOLD_ACT_LEAKY_RELU},
      {32, 16, 4, 2, ONEFOLD_ACT_RELU}, {24, 24, 24, 2, ONEFOLD_ACT_HARD_SWISH},
      {64, 8, 1, 2, ONEFOLD_ACT_NONE},
  };
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {83};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_case("case %zu", i);
    onefold_graph *graph = graph_with_input(context, (onefold_shape){2, cases[i].in, 5, 6});
    const onefold_graph_conv2d_params p =
        onefold_graph_conv2d_square(cases[i].out, 1, 1, cases[i].groups);
    onefold_node node = onefold_graph_upsample(graph, 0, cases[i].factor);
    node = graph_random_bn(&rng, graph, graph_random_conv(&rng, graph, node, &p, 1), 1e-3);
    if (cases[i].activation != ONEFOLD_ACT_NONE)
      node = onefold_graph_activation(graph, node, cases[i].activation, 0.1f);
    fold_finish(graph, node);
    onefold_graph *folded = fold(graph, 1), *off = fold(graph, 0), *again = fold(folded, 1);
    graph_expect_same(folded, again);
    const onefold_graph_node *conv = graph_only(folded, ONEFOLD_NODE_CONV2D);
    assert_int_equal(conv->shape.h, 5);
    assert_int_equal(folded->nodes[folded->outputs[0]].kind, ONEFOLD_NODE_UPSAMPLE);
    assert_true(reads_kind(off, graph_only(off, ONEFOLD_NODE_CONV2D), ONEFOLD_NODE_UPSAMPLE));
    expect_same_bits(off, folded, &rng);
    onefold_graph_destroy(fold_checked(graph, fold_defaults(), NULL));
    onefold_graph_destroy(again);
  }
  onefold_context_destroy(context);
}

/// An activation of an image that others read as well stays behind the upsampling; a convolution
/// goes, where it saves more than the second upsampling costs, and leaves the activation alone.
static void test_other_readers(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {84};
  for (int64_t in = 2; in <= 32; in += 30) {
    onefold_graph *graph = graph_with_input(context, (onefold_shape){1, in, 4, 4});
    const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(16, 1, 1, 1);
    const onefold_node up = onefold_graph_upsample(graph, 0, 2);
    test_ok(context,
            onefold_graph_output(graph, onefold_graph_activation(graph, up, ONEFOLD_ACT_RELU, 0)));
    fold_finish(graph, graph_random_conv(&rng, graph, up, &p, 1));
    onefold_graph *folded = fold(graph, 1), *off = fold(graph, 0);
    const int goes = in == 32;
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_UPSAMPLE), 1 + goes);
    assert_int_equal(graph_only(folded, ONEFOLD_NODE_CONV2D)->shape.h, goes ? 4 : 8);
    assert_int_equal(graph_only(folded, ONEFOLD_NODE_ACTIVATION)->shape.h, goes ? 4 : 8);
    expect_same_bits(off, folded, &rng);
    onefold_graph_destroy(fold_checked(graph, fold_defaults(), NULL));
  }
  onefold_context_destroy(context);
}

/// Windows, strides and crops see where the pixels are.
static void test_stays(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {85};
  onefold_graph_conv2d_params kinds[4];
  for (int i = 0; i < 4; i++) kinds[i] = onefold_graph_conv2d_square(32, 1, 1, 1);
  kinds[0] = onefold_graph_conv2d_square(32, 3, 1, 1);
  kinds[1].stride_w = 2;
  kinds[2].pad_bottom = -1;
  kinds[3].pad_left = -1;
  for (int i = 0; i < 4; i++) {
    test_case("kind %d", i);
    onefold_graph *graph = graph_with_input(context, (onefold_shape){1, 32, 4, 5});
    const onefold_node up = onefold_graph_upsample(graph, 0, 2);
    fold_finish(graph, graph_random_conv(&rng, graph, up, &kinds[i], 1));
    onefold_graph *folded = fold_checked(graph, fold_defaults(), NULL);
    assert_true(reads_kind(folded, graph_only(folded, ONEFOLD_NODE_CONV2D), ONEFOLD_NODE_UPSAMPLE));
    onefold_graph_destroy(folded);
  }
  onefold_context_destroy(context);
}

/// A network's neck: convolutions of a concat of `parts` tensors, of which the one at `place` is
/// upsampled and has `up` channels, all others 24.
static onefold_graph *neck(onefold_context *context, test_rng *rng, int parts, int place,
                           int64_t up, int readers, int other) {
  onefold_graph *graph;
  onefold_node inputs[4];
  test_ok(context, onefold_graph_create(context, &graph));
  for (int i = 0; i < parts; i++) {
    const onefold_shape shape = {1, i == place ? up : 24, i == place ? 4 : 8, i == place ? 3 : 6};
    inputs[i] = onefold_graph_input(graph, shape);
  }
  inputs[place] = onefold_graph_upsample(graph, inputs[place], 2);
  const onefold_node concat = onefold_graph_concat(graph, inputs, (size_t)parts);
  for (int i = 0; i < readers; i++) {
    const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(16 + 8 * i, 1, 1, 1);
    const onefold_node conv = graph_random_conv(rng, graph, concat, &p, i == 0);
    fold_finish(graph, onefold_graph_activation(graph, conv, ONEFOLD_ACT_SILU, 0));
  }
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(8, 3, 1, 1);
  if (other) fold_finish(graph, graph_random_conv(rng, graph, concat, &k3, 1));
  return graph;
}

/// conv(cat(a, up(x))) = conv_a(a) + up(conv_x(x)), wherever the part stands.
static void test_parts_of_a_concat(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {86};
  for (int parts = 2; parts <= 3; parts++)
    for (int place = 0; place < parts; place++) {
      test_case("part %d of %d", place, parts);
      onefold_graph *graph = neck(context, &rng, parts, place, 40, 2, 0);
      const double before = onefold_graph_count(graph).macs;
      onefold_graph *folded = fold_checked(graph, fold_defaults(), NULL);
      assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 4);
      assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_UPSAMPLE), 2);
      assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONCAT), parts - 2);
      const double saved = before - onefold_graph_count(folded).macs;
      assert_true(saved == 40.0 * (16 + 24) * (8 * 6 - 4 * 3));
      onefold_graph_destroy(folded);
    }
  onefold_context_destroy(context);
}

/// Few channels do not pay, and a concat that others read would stay.
static void test_concats_that_stay(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {87};
  for (int i = 0; i < 2; i++) {
    test_case("case %d", i);
    onefold_graph *graph = neck(context, &rng, 2, 1, i ? 40 : 8, 1, i);
    onefold_graph *folded = fold_checked(graph, fold_defaults(), NULL);
    assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 1 + i);
    assert_int_equal(graph_only(folded, ONEFOLD_NODE_CONCAT)->input_count, 2);
    onefold_graph_destroy(folded);
  }
  onefold_context_destroy(context);
}

/// What is joined side by side is cut, too; two linear convolutions meet on the small image and
/// become one.
static void test_with_other_rewrites(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {88};
  onefold_fold_options options = fold_defaults();
  options.horizontal = 1;
  onefold_graph *folded = fold_checked(neck(context, &rng, 2, 0, 40, 2, 0), options, NULL);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_CONV2D), 2);
  assert_int_equal(graph_count_kind(folded, ONEFOLD_NODE_SLICE), 2);
  onefold_graph_destroy(folded);

  onefold_graph *graph = graph_with_input(context, (onefold_shape){1, 32, 4, 5});
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(32, 1, 1, 1);
  onefold_node node = onefold_graph_upsample(graph, graph_random_conv(&rng, graph, 0, &p, 1), 2);
  fold_finish(graph, graph_random_conv(&rng, graph, node, &p, 1));
  folded = fold_checked(graph, fold_defaults(), NULL);
  assert_int_equal(graph_only(folded, ONEFOLD_NODE_CONV2D)->shape.h, 4);
  onefold_graph_destroy(folded);
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_moves),
      cmocka_unit_test(test_other_readers),
      cmocka_unit_test(test_stays),
      cmocka_unit_test(test_parts_of_a_concat),
      cmocka_unit_test(test_concats_that_stay),
      cmocka_unit_test(test_with_other_rewrites),
  };
  return test_every_level("fold_upsample", tests, sizeof tests / sizeof *tests);
}
