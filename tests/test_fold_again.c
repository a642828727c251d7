// SPDX-License-Identifier: BSD-3-Clause
// Folding a folded graph gives the same bits, whatever the order of its nodes, however a stack was
// taken apart and whatever the signs of its zeros; and folding ends well where memory runs out.
#include "tests/graph_support.h"

#include <stdlib.h>
#include <string.h>

static onefold_context *context;

static onefold_graph *new_graph(onefold_shape in, onefold_node *x) {
  onefold_graph *graph;
  test_ok(context, onefold_graph_create(context, &graph));
  *x = onefold_graph_input(graph, in);
  return graph;
}

/// Declares the output; folds, folds again, and holds all forms to the reference.
static onefold_graph *fold_twice(onefold_graph *graph, onefold_node output, test_rng *rng) {
  test_ok(context, onefold_graph_output(graph, output));
  onefold_graph *folded = graph_fold(context, graph, NULL);
  onefold_graph *again = graph_fold(context, folded, NULL);
  graph_expect_same(folded, again);
  graph_check_random(context, graph, rng);
  onefold_graph_destroy(again);
  onefold_graph_destroy(graph);
  return folded;
}

/// Branches that are built in one order and read in another: both are one graph.
static void test_order(void **state) {
  (void)state;
  const onefold_graph_conv2d_params conv = onefold_graph_conv2d_square(4, 3, 1, 1);
  static const char *const names[2][2] = {{"left", "left.relu"}, {"right", "right.relu"}};
  onefold_graph *folded[2];
  for (int swapped = 0; swapped < 2; swapped++) {
    onefold_node x, terms[2];
    onefold_graph *graph = new_graph((onefold_shape){2, 4, 6, 7}, &x);
    for (int i = 0; i < 2; i++) {
      const int k = i ^ swapped;
      test_rng rng = {(uint64_t)k};
      const onefold_node own = graph_random_conv(&rng, graph, x, &conv, 0);
      onefold_graph_name(graph, own, names[k][0]);
      terms[k] = onefold_graph_activation(graph, own, ONEFOLD_ACT_RELU, 0);
      onefold_graph_name(graph, terms[k], names[k][1]);
    }
    const onefold_node sum = onefold_graph_sum(graph, terms, 2);
    onefold_graph_name(graph, sum, "sum");
    test_rng rng = {1};
    folded[swapped] = fold_twice(graph, sum, &rng);
  }
  graph_expect_same(folded[0], folded[1]);
  onefold_graph_destroy(folded[0]);
  onefold_graph_destroy(folded[1]);
}

/// A stack whose third layer hides data: what is behind it is cropped, so that in the end nothing
/// is hidden, and all is one convolution.
static void test_cropped_stack(void **state) {
  (void)state;
  test_rng rng = {2};
  onefold_node x;
  onefold_graph *graph = new_graph((onefold_shape){1, 4, 6, 7}, &x);
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(4, 3, 1, 1);
  onefold_graph_conv2d_params crop = onefold_graph_conv2d_square(1, 1, 1, 1);
  crop.pad_top = crop.pad_bottom = crop.pad_left = crop.pad_right = -1;
  const onefold_node first = graph_random_conv(&rng, graph, x, &k3, 1);
  const onefold_node second = graph_random_conv(&rng, graph, first, &k3, 0);
  const onefold_node last = graph_random_conv(&rng, graph, second, &crop, 0);
  graph_report report;
  onefold_graph *folded = fold_twice(graph, last, &rng);
  assert_int_equal(graph_only(folded, ONEFOLD_NODE_CONV2D)->as.conv2d.params.kernel_h, 5);
  onefold_graph_destroy(graph_fold(context, folded, &report));
  assert_int_equal(report.count, 0);
  onefold_graph_destroy(folded);
}

/// A scale below 0 makes -0 of weights that are 0; what is folded holds 0.
static void test_negative_zero(void **state) {
  (void)state;
  test_rng rng = {3};
  onefold_node x;
  onefold_graph *graph = new_graph((onefold_shape){1, 2, 5, 5}, &x);
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(2, 3, 1, 1);
  float weight[2 * 2 * 9] = {0};
  for (int tap = 0; tap < 18; tap += 2) weight[tap] = 1;
  const float scale[2] = {-1, -2}, zero = 0;
  const onefold_node conv = onefold_graph_conv2d(graph, x, &k3, weight, NULL);
  onefold_graph *folded = fold_twice(graph, onefold_graph_scale(graph, conv, scale, NULL), &rng);
  const onefold_graph_node *made = graph_only(folded, ONEFOLD_NODE_CONV2D);
  for (int i = 18; i < 36; i++) assert_memory_equal(&made->as.conv2d.weight[i], &zero, sizeof zero);
  onefold_graph_destroy(folded);
}

/// Groups of which neither number divides the other have none in common.
static void test_groups_of_sequences(void **state) {
  (void)state;
  test_rng rng = {4};
  onefold_node x;
  onefold_graph *graph = new_graph((onefold_shape){1, 6, 4, 5}, &x);
  const onefold_graph_conv2d_params two = onefold_graph_conv2d_square(6, 3, 1, 2);
  const onefold_graph_conv2d_params three = onefold_graph_conv2d_square(6, 1, 1, 3);
  const onefold_node conv = graph_random_conv(&rng, graph, x, &two, 0);
  const onefold_node last = graph_random_conv(&rng, graph, conv, &three, 0);
  test_ok(context, onefold_graph_output(graph, last));
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.force = 1;
  onefold_graph *folded = graph_fold_with(context, graph, options, NULL);
  assert_int_equal(graph_only(folded, ONEFOLD_NODE_CONV2D)->as.conv2d.params.groups, 1);
  const float *const *in = graph_random_inputs(&rng, graph);
  float **y = graph_run(context, folded, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW}, in);
  graph_result reference = graph_reference(graph, in, 0);
  graph_expect(&reference, y[0], 2);
  graph_result_free(&reference);
  free(y);
  free((void *)in);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
}

/// What a border adds between the edges is a bias: alone, and where the edges are cropped.
static void test_border_between_edges(void **state) {
  (void)state;
  const onefold_border_params rows[] = {
      {0, 0, 0, 0, (const float[]){1, -2, 3}},
      {1, 0, 0, 0, (const float[]){1, -2, 3, -4, 5, -6}},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_rng rng = {5};
    onefold_node x;
    onefold_graph *graph = new_graph((onefold_shape){1, 3, 5, 6}, &x);
    onefold_graph_conv2d_params crop = onefold_graph_conv2d_square(2, 1, 1, 1);
    crop.pad_top = crop.pad_bottom = crop.pad_left = crop.pad_right = -1;
    const onefold_node border = onefold_graph_border(graph, x, &rows[i]);
    const onefold_node conv = graph_random_conv(&rng, graph, border, &crop, 0);
    onefold_graph_destroy(fold_twice(graph, conv, &rng));
  }
}

/// Nodes that no output needs, beside a sum and behind it, are nobody's readers.
static void test_dead_readers(void **state) {
  (void)state;
  for (int dead = 0; dead < 2; dead++) {
    test_rng rng = {7};
    onefold_node x, readers[2];
    onefold_graph *graph = new_graph((onefold_shape){1, 6, 4, 5}, &x);
    const onefold_graph_conv2d_params narrow = onefold_graph_conv2d_square(3, 3, 1, 1);
    const onefold_node terms[2] = {graph_random_conv(&rng, graph, x, &narrow, 1),
                                   graph_random_conv(&rng, graph, x, &narrow, 0)};
    const onefold_node sum = onefold_graph_sum(graph, terms, 2);
    readers[0] = graph_random_bn(&rng, graph, sum, 1e-5);
    readers[1] = graph_random_conv(&rng, graph, sum, &narrow, 0);
    onefold_graph_destroy(fold_twice(graph, readers[1 - dead], &rng));
  }
}

// ---------------------------------------------------------------- out of memory

typedef struct memory {
  int calls, failing, held;
} memory;

static void *allocate(void *user, size_t size, size_t alignment) {
  memory *m = user;
  if (m->failing && ++m->calls >= m->failing) return NULL;
  void *pointer = aligned_alloc(alignment, size);
  m->held += pointer != NULL;
  return pointer;
}

static void release(void *user, void *pointer) {
  ((memory *)user)->held--;
  free(pointer);
}

/// Outputs of what the rewrites of a whole graph change: two pools of one image, and a 1x1
/// convolution of a concat of upsampled parts.
static void add_pools_and_upsampling(onefold_graph *graph, onefold_node x, test_rng *rng) {
  const onefold_pool2d_params five = onefold_pool2d_square(5, 1, 2);
  const onefold_pool2d_params three = onefold_pool2d_square(3, 1, 1);
  const onefold_graph_conv2d_params k1 = onefold_graph_conv2d_square(16, 1, 1, 1);
  const onefold_node pools[2] = {onefold_graph_max_pool(graph, x, &five),
                                 onefold_graph_max_pool(graph, x, &three)};
  const onefold_node y = onefold_graph_input(graph, (onefold_shape){1, 32, 5, 6});
  const onefold_node parts[2] = {onefold_graph_upsample(graph, x, 2),
                                 onefold_graph_upsample(graph, y, 2)};
  const onefold_node concat = onefold_graph_concat(graph, parts, 2);
  onefold_graph_output(graph, onefold_graph_concat(graph, pools, 2));
  test_ok(graph->context,
          onefold_graph_output(graph, graph_random_conv(rng, graph, concat, &k1, 1)));
}

/// Every allocation of a fold fails once, and all after it.
static void test_out_of_memory(void **state) {
  (void)state;
  test_rng rng = {6};
  memory m = {0};
  const onefold_context_options own = {.struct_size = sizeof own,
                                       .threads = 1,
                                       .allocate = allocate,
                                       .release = release,
                                       .allocator_user = &m};
  onefold_context *starved;
  assert_int_equal(onefold_context_create(&own, &starved), ONEFOLD_OK);
  onefold_graph *graph, *folded;
  test_ok(starved, onefold_graph_create(starved, &graph));
  const onefold_node x = onefold_graph_input(graph, (onefold_shape){1, 4, 5, 6});
  const onefold_graph_conv2d_params k1 = onefold_graph_conv2d_square(4, 1, 1, 1);
  const onefold_graph_conv2d_params k3 = onefold_graph_conv2d_square(4, 3, 1, 1);
  const onefold_node lead = graph_random_conv(&rng, graph, x, &k1, 1);
  const onefold_node terms[3] = {graph_random_conv(&rng, graph, lead, &k3, 0),
                                 graph_random_bn(&rng, graph, lead, 1e-5), lead};
  const onefold_node sum = onefold_graph_sum(graph, terms, 3);
  const onefold_node parts[2] = {graph_random_bn(&rng, graph, sum, 1e-5),
                                 graph_random_conv(&rng, graph, sum, &k1, 0)};
  test_ok(starved, onefold_graph_output(graph, onefold_graph_concat(graph, parts, 2)));
  add_pools_and_upsampling(graph, x, &rng);
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.horizontal = 1;
  const int held = m.held;
  onefold_status status = ONEFOLD_OUT_OF_MEMORY;
  for (m.failing = 1; status != ONEFOLD_OK; m.failing++) {
    m.calls = 0;
    status = onefold_fold(starved, graph, &options, &folded);
    if (status == ONEFOLD_OK) break;
    assert_int_equal(status, ONEFOLD_OUT_OF_MEMORY);
    assert_null(folded);
    assert_int_equal(m.held, held);
  }
  assert_true(m.failing > 50);
  for (int32_t i = 0; i < folded->node_count; i++) {
    const onefold_graph_node *n = &folded->nodes[i];
    if (n->kind == ONEFOLD_NODE_MAX_POOL) assert_int_equal(n->as.pool.kernel_h, 3); // a chain
    if (n->kind != ONEFOLD_NODE_CONV2D) continue;
    const int64_t channels = folded->nodes[n->inputs[0]].shape.c;
    assert_true(channels <= 32); // none reads the concat of 36
    if (channels == 32) assert_int_equal(n->shape.h, 5);
  }
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
  onefold_context_destroy(starved);
  assert_int_equal(m.held, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_order),
      cmocka_unit_test(test_cropped_stack),
      cmocka_unit_test(test_negative_zero),
      cmocka_unit_test(test_groups_of_sequences),
      cmocka_unit_test(test_border_between_edges),
      cmocka_unit_test(test_dead_readers),
      cmocka_unit_test(test_out_of_memory),
  };
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  context = test_context(levels[test_isa_levels(levels) - 1], 1);
  const int failed = cmocka_run_group_tests_name("fold again", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
