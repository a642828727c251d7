// SPDX-License-Identifier: BSD-3-Clause
// The lists of bench/shapes against the networks: each holds the distinct convolutions of the
// folded network at its own image, and nothing else; and what memory their layers take.
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

/// Bytes of the weights as other libraries pack them for a direct convolution: in blocks of 16
/// channels, a source of few channels as it is.
static double weight_bytes(const onefold_conv2d_desc *d) {
  const int64_t in = d->in_channels / d->groups;
  const double blocks = (double)((d->out_channels + 15) / 16 * 16);
  return sizeof(float) * blocks * (double)(in <= 4 ? in : (in + 15) / 16 * 16) *
         (double)(d->kernel_h * d->kernel_w);
}

/// Holds packed weights and workspace of the direct way in blocked layouts to 1.5 times the
/// weights, and 8 KiB for what a library has beside them.
static void check_memory(onefold_context *context, const char *list, const char *problem) {
  onefold_conv2d_desc d;
  onefold_conv2d_plan *plan;
  onefold_conv2d_plan_info info;
  test_ok(context, onefold_conv2d_desc_parse(context, problem, &d));
  d.in_layout = d.in_channels <= 4 ? ONEFOLD_NCHW : ONEFOLD_BLOCKED;
  d.out_layout = ONEFOLD_BLOCKED;
  test_ok(context, onefold_conv2d_plan_create(context, &d, &plan));
  onefold_conv2d_plan_get_info(plan, &info);
  const double bytes = (double)info.packed_bytes + (double)info.workspace_bytes;
  const double weights = weight_bytes(&d);
  if (!(bytes <= 1.5 * weights + 8192))
    fail_msg("%s: %s by %s on %d threads: %.0f bytes for %.0f of weights", list, problem,
             info.algorithm, onefold_context_threads(context), bytes, weights);
  onefold_conv2d_plan_destroy(plan);
}

/// On every level, on one thread and on two.
static void test_memory(void **state) {
  static const char *const lists[] = {
      "repvgg-a0",    "repvgg-b0",        "repvgg-b1g4", "resnet-50",
      "mobilenet-v2", "repghostnet-1.0x", "yolov7",      "yolov5-c3-repvggorepa"};
  (void)state;
  for (int isa = 0; isa < ONEFOLD_ISA_COUNT; isa++) {
    for (int threads = 1; threads <= 2 && test_isa_runs((onefold_isa)isa); threads++) {
      const onefold_context_options options = {.struct_size = sizeof options,
                                               .threads = threads,
                                               .has_max_isa = 1,
                                               .max_isa = (onefold_isa)isa,
                                               .accuracy = ONEFOLD_ACCURACY_STRICT};
      onefold_context *context;
      test_ok(NULL, onefold_context_create(&options, &context));
      for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        static shapes listed;
        listed.count = 0;
        shapes_read(lists[i], &listed);
        assert_true(listed.count > 0);
        for (size_t k = 0; k < listed.count; k++) check_memory(context, lists[i], listed.text[k]);
      }
      onefold_context_destroy(context);
    }
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
      cmocka_unit_test(test_memory),
  };
  return cmocka_run_group_tests_name("shapes", tests, NULL, NULL);
}
