// SPDX-License-Identifier: BSD-3-Clause
// The lists of bench/shapes against the networks: each holds the distinct convolutions of the
// folded network at its own image, and nothing else.
#include "tests/shapes_support.h"

#include <onefold/onefold.h>

#include <stdio.h>
#include <string.h>

/// "NAME: conv SHAPE PROBLEM ALGORITHM KERNEL ..." of onefold_exec_describe.
static void add_step(void *user, const char *line) {
  char kind[16], shape[32], problem[256];
  const char *after = strchr(line, ':');
  assert_non_null(after);
  if (sscanf(after + 1, "%15s %31s %255s", kind, shape, problem) == 3 && strcmp(kind, "conv") == 0)
    shapes_add(user, problem);
}

static void read_network(const char *network, shapes *found) {
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_weights *weights;
  onefold_graph *graph, *folded;
  onefold_exec *exec;
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  const onefold_exec_options one_by_one = {.struct_size = sizeof one_by_one};
  assert_int_equal(onefold_weights_seeded(context, 1, &weights), ONEFOLD_OK);
  assert_int_equal(
      onefold_network_build(context, network, (onefold_shape){0, 0, 0, 0}, weights, &graph),
      ONEFOLD_OK);
  assert_int_equal(onefold_fold(context, graph, &options, &folded), ONEFOLD_OK);
  assert_int_equal(onefold_exec_create(context, folded, &one_by_one, &exec), ONEFOLD_OK);
  onefold_exec_describe(exec, add_step, found);
  onefold_exec_destroy(exec);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
  onefold_context_destroy(context);
}

static void test_list(void **state) {
  const char *network = *state;
  static shapes found, listed;
  found.count = listed.count = 0;
  read_network(network, &found);
  shapes_read(network, &listed);
  assert_true(found.count > 0);
  for (size_t i = 0; i < found.count; i++) {
    if (!shapes_have(&listed, found.text[i])) fail_msg("%s: %s is missing", network, found.text[i]);
  }
  for (size_t i = 0; i < listed.count; i++) {
    if (!shapes_have(&found, listed.text[i]))
      fail_msg("%s: no layer is %s", network, listed.text[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      {"repvgg-a0", test_list, NULL, NULL, "repvgg-a0"},
      {"repvgg-b0", test_list, NULL, NULL, "repvgg-b0"},
      {"repvgg-b1g4", test_list, NULL, NULL, "repvgg-b1g4"},
      {"repghostnet-1.0x", test_list, NULL, NULL, "repghostnet-1.0x"},
      {"yolov7", test_list, NULL, NULL, "yolov7"},
      {"yolov5-c3-repvggorepa", test_list, NULL, NULL, "yolov5-c3-repvggorepa"},
  };
  return cmocka_run_group_tests_name("shapes", tests, NULL, NULL);
}
