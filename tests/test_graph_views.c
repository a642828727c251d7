// SPDX-License-Identifier: BSD-3-Clause
// Where values live: parts of a concat written in place, slices read in place, constants, and
// that nothing is overwritten that is still read.
#include "tests/graph_support.h"

#include <stdio.h>
#include <string.h>

typedef struct setup {
  onefold_context *context;
  test_rng rng;
  int64_t block;
} setup;

static setup start(void **state, uint64_t seed) {
  setup s = {test_context(test_level(state), 1), {seed}, 0};
  s.block = onefold_context_block(s.context);
  return s;
}

static onefold_graph *new_graph(const setup *s, int64_t batch, int64_t channels) {
  return graph_with_input(s->context, (onefold_shape){batch, channels, 5, 6});
}

static onefold_node conv(setup *s, onefold_graph *g, onefold_node x, int64_t channels) {
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(channels, 3, 1, 1);
  return graph_random_conv(&s->rng, g, x, &k3, 1);
}

/// Declares the output, checks all runs, and asserts the fused steps and the copies among them.
static void finish(setup *s, onefold_graph *g, onefold_node output, size_t steps, int copies) {
  graph_text text;
  test_ok(s->context, onefold_graph_output(g, output));
  graph_check_runs(s->context, g, &s->rng);
  const size_t got = graph_steps(s->context, g, 1, &text);
  if (got != steps || (int)test_count(text.text, "copy_channels") != copies)
    test_failed("%zu steps, expected %zu with %d copies:\n%s", got, steps, copies, text.text);
  onefold_graph_destroy(g);
}

static void test_parts_are_written_in_place(void **state) {
  setup s = start(state, 91);
  graph_text text;
  // Two convolutions write one tensor; the last part may end inside a block.
  onefold_graph *g = new_graph(&s, 1, 5);
  onefold_node a = conv(&s, g, 0, 2 * s.block), b = conv(&s, g, 0, s.block + 1);
  test_ok(s.context, onefold_graph_output(g, graph_concat(g, a, b)));
  assert_int_equal(graph_steps(s.context, g, 1, &text), 2);
  char says[64];
  snprintf(says, sizeof says, " to channel %d of %d", 2 * (int)s.block, 3 * (int)s.block + 1);
  assert_non_null(strstr(text.text, says));
  // Eager: one operator per node.
  graph_steps(s.context, g, 0, &text);
  assert_int_equal(test_count(text.text, "copy_channels"), 2);
  assert_null(strstr(text.text, " to channel"));
  onefold_graph_destroy(g);

  g = new_graph(&s, 1, s.block);
  a = conv(&s, g, 0, 2 * s.block), b = conv(&s, g, 0, s.block + 1);
  finish(&s, g, graph_concat(g, a, b), 2, 0);
  // A part that ends inside a block, with another after it, is copied, and so is that one.
  g = new_graph(&s, 1, s.block);
  a = conv(&s, g, 0, s.block + 1), b = conv(&s, g, 0, s.block);
  finish(&s, g, graph_concat(g, a, b), 4, s.block > 1 ? 2 : 0);
  // Several images: those of a part lie apart.
  g = new_graph(&s, 2, s.block);
  a = conv(&s, g, 0, s.block), b = conv(&s, g, 0, s.block);
  finish(&s, g, graph_concat(g, a, b), 2, 0);
  // The caller's buffer stays where it is.
  g = new_graph(&s, 1, s.block);
  finish(&s, g, graph_concat(g, 0, conv(&s, g, 0, s.block)), 2, 1);
  // One node twice: one of the two is a copy.
  g = new_graph(&s, 1, s.block);
  a = conv(&s, g, 0, s.block);
  finish(&s, g, graph_concat(g, a, a), 2, 1);
  // A concat in a concat.
  g = new_graph(&s, 1, s.block);
  a = graph_concat(g, conv(&s, g, 0, s.block), conv(&s, g, 0, s.block));
  finish(&s, g, graph_concat(g, conv(&s, g, 0, s.block), a), 3, 0);
  onefold_context_destroy(s.context);
}

static void test_slices_are_read_in_place(void **state) {
  setup s = start(state, 92);
  onefold_graph *g = new_graph(&s, 1, 2 * s.block);
  finish(&s, g, conv(&s, g, onefold_graph_slice(g, 0, s.block, s.block), 3), 1, 0);
  // A slice of a slice, and of a block's first channels.
  g = new_graph(&s, 1, 3 * s.block);
  onefold_node a = onefold_graph_slice(g, conv(&s, g, 0, 3 * s.block), s.block, 2 * s.block);
  finish(&s, g, conv(&s, g, onefold_graph_slice(g, a, s.block, 1), 3), 2, 0);
  // An activation after a slice may not overwrite it: the other slice holds the same bytes.
  g = new_graph(&s, 1, s.block);
  a = conv(&s, g, 0, 2 * s.block);
  onefold_node b = onefold_graph_slice(g, a, s.block, s.block);
  onefold_node c = onefold_graph_slice(g, a, s.block, s.block);
  finish(&s, g,
         graph_concat(g, graph_relu(g, b), onefold_graph_sum(g, (const onefold_node[]){b, c}, 2)),
         3, 0);
  // Not at a block: a copy. Several images: none, of some channels and of all.
  g = new_graph(&s, 1, s.block + 1);
  finish(&s, g, conv(&s, g, onefold_graph_slice(g, 0, 1, s.block), 3), 2, 1);
  g = new_graph(&s, 2, 2 * s.block);
  finish(&s, g, conv(&s, g, onefold_graph_slice(g, 0, s.block, s.block), 3), 1, 0);
  g = new_graph(&s, 2, s.block);
  finish(&s, g, conv(&s, g, onefold_graph_slice(g, 0, 0, s.block), 3), 1, 0);
  onefold_context_destroy(s.context);
}

/// A split whose parts come together again needs no copy, whatever reads them in between.
static void test_slices_joined_again(void **state) {
  setup s = start(state, 93);
  onefold_graph *g = new_graph(&s, 1, s.block);
  onefold_node parts[3];
  const int64_t sizes[2] = {s.block, s.block};
  onefold_graph_split(g, graph_relu(g, conv(&s, g, 0, 2 * s.block)), sizes, 2, parts);
  parts[2] = graph_relu(g, conv(&s, g, parts[1], s.block));
  onefold_node all = onefold_graph_concat(g, parts, 3);
  finish(&s, g, conv(&s, g, all, 7), 3, 0);
  // The concat may not be overwritten while a slice of the whole is read after it.
  g = new_graph(&s, 1, s.block);
  const onefold_node x = conv(&s, g, 0, s.block);
  const onefold_node whole = onefold_graph_slice(g, x, 0, s.block);
  const onefold_node over = graph_relu(g, onefold_graph_concat(g, &whole, 1));
  finish(&s, g, onefold_graph_sum(g, (const onefold_node[]){over, whole}, 2), 3, 0);
  // Slices of two nodes, which only look like one.
  g = new_graph(&s, 1, s.block);
  parts[0] = onefold_graph_slice(g, conv(&s, g, 0, 2 * s.block), 0, s.block);
  parts[1] = onefold_graph_slice(g, conv(&s, g, 0, 2 * s.block), s.block, s.block);
  finish(&s, g, graph_concat(g, parts[0], parts[1]), 4, 2);
  // In the other order they are copied.
  g = new_graph(&s, 1, s.block);
  onefold_graph_split(g, conv(&s, g, 0, 2 * s.block), sizes, 2, parts);
  finish(&s, g, graph_concat(g, parts[1], parts[0]), 3, 2);
  onefold_context_destroy(s.context);
}

/// What is read later is not overwritten by a step that works in place.
static void test_parts_with_other_readers(void **state) {
  setup s = start(state, 94);
  // The concat is overwritten by an activation, and a part of it read after that.
  onefold_graph *g = new_graph(&s, 1, s.block);
  const onefold_node a = conv(&s, g, 0, s.block), b = conv(&s, g, 0, s.block);
  const onefold_node over = graph_relu(g, graph_concat(g, a, b));
  finish(&s, g, graph_concat(g, over, graph_random_bn(&s.rng, g, b, 1e-3)), 4, 0);
  // The same by way of a concat in a concat.
  g = new_graph(&s, 1, s.block);
  const onefold_node part = conv(&s, g, 0, s.block);
  const onefold_node inner = graph_concat(g, part, conv(&s, g, 0, s.block));
  const onefold_node outer = graph_relu(g, graph_concat(g, inner, conv(&s, g, 0, s.block)));
  finish(&s, g, graph_concat(g, outer, graph_random_bn(&s.rng, g, part, 1e-3)), 5, 0);
  // Without the other reader it is overwritten: no copy and no second tensor.
  g = new_graph(&s, 1, s.block);
  finish(&s, g, graph_relu(g, graph_concat(g, conv(&s, g, 0, s.block), conv(&s, g, 0, s.block))), 3,
         0);
  // A part, the concat and an activation of it are all results; so is an input, twice.
  g = new_graph(&s, 1, s.block);
  const onefold_node c = conv(&s, g, 0, s.block), d = conv(&s, g, c, s.block);
  const onefold_node both = graph_concat(g, c, d);
  const onefold_node outputs[] = {d, both, c, 0, graph_relu(g, both), 0};
  for (int i = 0; i < 6; i++) test_ok(s.context, onefold_graph_output(g, outputs[i]));
  graph_check_runs(s.context, g, &s.rng);
  onefold_graph_destroy(g);
  // Two concats of one part, and a batch normalisation that overwrites neither.
  g = new_graph(&s, 1, s.block);
  const onefold_node e = conv(&s, g, 0, s.block), f = conv(&s, g, 0, s.block);
  const onefold_node first = graph_concat(g, e, f), second = graph_concat(g, f, e);
  finish(&s, g,
         onefold_graph_sum(
             g, (const onefold_node[]){graph_random_bn(&s.rng, g, first, 1e-3), second}, 2),
         6, 2);
  onefold_context_destroy(s.context);
}

/// The bias map of a border is a constant residual.
static void test_border_constants(void **state) {
  setup s = start(state, 95);
  graph_text text;
  for (int64_t batch = 1; batch <= 2; batch++) {
    onefold_graph *g = new_graph(&s, batch, s.block);
    const onefold_node x = conv(&s, g, 0, s.block);
    test_ok(s.context, onefold_graph_output(g, x));
    graph_steps(s.context, g, 1, &text);
    const size_t weights = text.packed_bytes;
    onefold_graph_destroy(g);

    // A convolution that only the border reads, with an activation after it: one step.
    g = new_graph(&s, batch, s.block);
    onefold_node y = graph_relu(g, graph_random_border(&s.rng, g, conv(&s, g, 0, s.block)));
    test_ok(s.context, onefold_graph_output(g, y));
    graph_check_runs(s.context, g, &s.rng);
    assert_int_equal(graph_steps(s.context, g, 1, &text), 1);
    assert_non_null(strstr(text.text, "+residual +relu"));
    assert_int_equal(text.packed_bytes, weights + (size_t)(batch * s.block * 30) * sizeof(float));
    assert_int_equal(graph_steps(s.context, g, 0, &text), 3);
    assert_int_equal(test_count(text.text, ": add "), 1);
    onefold_graph_destroy(g);

    // A chain: the constant and the tensor are added, the sum is the residual of the first.
    g = new_graph(&s, batch, s.block);
    const onefold_node terms[] = {conv(&s, g, 0, s.block), 0, conv(&s, g, 0, s.block)};
    y = graph_relu(g, graph_random_border(&s.rng, g, onefold_graph_sum(g, terms, 3)));
    finish(&s, g, y, 3, 0);
    // A residual that a batch normalisation scales is taken: an addition and an activation.
    g = new_graph(&s, batch, s.block);
    const onefold_node scaled[] = {conv(&s, g, 0, s.block), graph_random_bn(&s.rng, g, 0, 1e-3)};
    y = graph_relu(g, graph_random_border(&s.rng, g, onefold_graph_sum(g, scaled, 2)));
    finish(&s, g, y, 3, 0);
    // A convolution that something else reads.
    g = new_graph(&s, batch, s.block);
    const onefold_node twice = conv(&s, g, 0, s.block);
    y = onefold_graph_sum(g, (const onefold_node[]){graph_random_border(&s.rng, g, twice), twice},
                          2);
    finish(&s, g, y, 3, 0);
    // The caller's tensor, which is not overwritten, and a pooled one, which is.
    g = new_graph(&s, batch, s.block);
    finish(&s, g, graph_random_border(&s.rng, g, 0), 1, 0);
    // Two borders, one after the other.
    g = new_graph(&s, batch, s.block);
    y = graph_random_border(&s.rng, g, conv(&s, g, 0, s.block));
    finish(&s, g, graph_relu(g, graph_random_border(&s.rng, g, y)), 3, 0);
  }
  onefold_context_destroy(s.context);
}

/// An identity is a view where epilogues are fused, and never overwritten.
static void test_identities(void **state) {
  setup s = start(state, 96);
  for (int64_t batch = 1; batch <= 2; batch++) {
    onefold_graph *g = new_graph(&s, batch, 5);
    const onefold_node x = conv(&s, g, 0, 5), same = onefold_graph_identity(g, x);
    finish(
        &s, g,
        graph_concat(g, onefold_graph_sum(g, (const onefold_node[]){graph_relu(g, same), x}, 2), x),
        5, 2);
    g = new_graph(&s, batch, 5);
    const onefold_node input = onefold_graph_identity(g, onefold_graph_identity(g, 0));
    finish(&s, g, graph_relu(g, input), 1, 0);
    g = new_graph(&s, batch, 5);
    finish(&s, g, onefold_graph_identity(g, 0), 1, 0);
  }
  onefold_context_destroy(s.context);
}

static void test_random_graphs(void **state) {
  for (int threads = 1; threads <= 2; threads++) {
    onefold_context *context = test_context(test_level(state), threads);
    const int count = test_scaled(60);
    for (int i = 0; i < count; i++) {
      test_rng rng = {UINT64_C(97000) + (uint64_t)i};
      const onefold_shape in = {test_once_in(&rng, 3) ? 2 : 1, test_once_in(&rng, 2) ? 16 : 7,
                                test_range(&rng, 2, 6), test_range(&rng, 2, 6)};
      test_case("random graph %d of %lldx%lldx%lldx%lld, %d threads", i, (long long)in.n,
                (long long)in.c, (long long)in.h, (long long)in.w, threads);
      onefold_graph *g = graph_random(context, &rng, in, 16);
      graph_check_random(context, g, &rng);
      onefold_graph_destroy(g);
    }
    onefold_context_destroy(context);
  }
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parts_are_written_in_place),
      cmocka_unit_test(test_slices_are_read_in_place),
      cmocka_unit_test(test_slices_joined_again),
      cmocka_unit_test(test_parts_with_other_readers),
      cmocka_unit_test(test_border_constants),
      cmocka_unit_test(test_identities),
      cmocka_unit_test(test_random_graphs),
  };
  return test_every_level("graph_views", tests, sizeof tests / sizeof *tests);
}
