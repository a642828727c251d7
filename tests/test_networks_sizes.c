// SPDX-License-Identifier: BSD-3-Clause
// The list of networks, the sizes of images that they take, and what they refuse.
#include "tests/network_support.h"

#include <string.h>

static void expect_shape(onefold_shape got, int64_t n, int64_t c, int64_t h, int64_t w) {
  network_expect("n", (double)got.n, (double)n);
  network_expect("c", (double)got.c, (double)c);
  network_expect("h", (double)got.h, (double)h);
  network_expect("w", (double)got.w, (double)w);
}

static void test_sizes(void **state) {
  static const struct {
    const char *network;
    onefold_shape in;
    size_t outputs;
    onefold_shape out[3];
  } cases[] = {
      {"repvgg-a0", {2, 0, 65, 33}, 1, {{2, 1000, 1, 1}}},
      {"repvgg-a0", {0, 3, 1, 1}, 1, {{1, 1000, 1, 1}}},
      {"mobileone-s0", {3, 3, 31, 0}, 1, {{3, 1000, 1, 1}}},
      {"repghostnet-0.5x", {1, 3, 50, 70}, 1, {{1, 1000, 1, 1}}},
      {"yolov7-tiny", {3, 3, 96, 64}, 3, {{3, 128, 12, 8}, {3, 256, 6, 4}, {3, 512, 3, 2}}},
      {"yolov7-tiny", {0, 0, 32, 0}, 3, {{1, 128, 4, 80}, {1, 256, 2, 40}, {1, 512, 1, 20}}},
      {"yolov7", {0}, 3, {{1, 256, 80, 80}, {1, 512, 40, 40}, {1, 1024, 20, 20}}},
      {"yolov5-c3-repvggorepa",
       {0, 0, 64, 32},
       3,
       {{1, 256, 8, 4}, {1, 512, 4, 2}, {1, 1024, 2, 1}}},
  };
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const onefold_weights weights = {.type = &network_zeros, .context = context};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_graph *graph = NULL;
    test_case("%s, case %zu", cases[i].network, i);
    test_ok(context,
            onefold_network_build(context, cases[i].network, cases[i].in, &weights, &graph));
    for (size_t k = 0; k < cases[i].outputs; k++) {
      const onefold_shape want = cases[i].out[k];
      expect_shape(onefold_graph_shape(graph, onefold_graph_output_at(graph, k)), want.n, want.c,
                   want.h, want.w);
    }
    assert_int_equal(onefold_graph_output_at(graph, cases[i].outputs), ONEFOLD_NO_NODE);
    assert_int_equal(onefold_graph_input_at(graph, 1), ONEFOLD_NO_NODE);
    onefold_graph_destroy(graph);
  }
  onefold_context_destroy(context);
}

static void test_refusals(void **state) {
  static const struct {
    const char *network;
    onefold_shape in;
    onefold_status status;
    const char *says;
  } cases[] = {
      {"repvgg-c0", {0}, ONEFOLD_NOT_FOUND, "no network 'repvgg-c0'; there are: repvgg-a0, "},
      {NULL, {0}, ONEFOLD_NOT_FOUND, "yolov5-c3-repvggorepa"},
      {"repvgg-a0", {-1, 3, 8, 8}, ONEFOLD_INVALID_ARGUMENT, "input.n is -1"},
      {"repvgg-a0", {1, 4, 8, 8}, ONEFOLD_INVALID_ARGUMENT, "input.c is 4, the network has 3"},
      {"yolov7",
       {1, 3, 640, 100},
       ONEFOLD_INVALID_ARGUMENT,
       "input.w is 100, not a multiple of 32"},
      {"yolov7-tiny", {1, 3, -32, 32}, ONEFOLD_INVALID_ARGUMENT, "input.h is -32"},
      {"repvgg-a0", {INT64_MAX, 3, INT64_MAX, 8}, ONEFOLD_OVERFLOW, ""},
  };
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const onefold_weights weights = {.type = &network_zeros, .context = context};
  onefold_graph *graph = NULL;
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_case("case %zu", i);
    graph = (onefold_graph *)&weights;
    test_fails(context,
               onefold_network_build(context, cases[i].network, cases[i].in, &weights, &graph),
               cases[i].status);
    test_says(context, cases[i].says);
    assert_null(graph);
  }
  const onefold_shape own = {0};
  test_fails(context, onefold_network_build(context, "repvgg-a0", own, NULL, &graph),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "weights is NULL");
  test_fails(context, onefold_network_build(context, "repvgg-a0", own, &weights, NULL),
             ONEFOLD_INVALID_ARGUMENT);
  onefold_context_destroy(context);
}

/// Each network has a name of its own and a line that says what it is.
static void test_list(void **state) {
  (void)state;
  for (size_t i = 0; onefold_network_name(i); i++) {
    assert_true(strlen(onefold_network_summary(onefold_network_name(i))) > 20);
    for (size_t k = 0; k < i; k++)
      assert_string_not_equal(onefold_network_name(i), onefold_network_name(k));
  }
  assert_null(onefold_network_summary("repvgg"));
  assert_null(onefold_network_summary(NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_sizes),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_list),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
