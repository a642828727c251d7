// SPDX-License-Identifier: BSD-3-Clause
// The lists of bench/shapes against the networks: each holds the distinct convolutions of the
// folded network at its own image, and nothing else.
#include "tests/support.h"

#include <onefold/onefold.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_PROBLEMS 128

typedef struct problems {
  char text[MOST_PROBLEMS][256];
  size_t count;
} problems;

static int has(const problems *list, const char *text) {
  for (size_t i = 0; i < list->count; i++) {
    if (strcmp(list->text[i], text) == 0) return 1;
  }
  return 0;
}

static void add(problems *list, const char *text) {
  if (has(list, text)) return;
  assert_true(list->count < MOST_PROBLEMS);
  snprintf(list->text[list->count++], sizeof list->text[0], "%s", text);
}

/// "NAME: conv SHAPE PROBLEM ALGORITHM KERNEL ..." of onefold_exec_describe.
static void add_step(void *user, const char *line) {
  char kind[16], shape[32], problem[256];
  const char *after = strchr(line, ':');
  assert_non_null(after);
  if (sscanf(after + 1, "%15s %31s %255s", kind, shape, problem) == 3 && strcmp(kind, "conv") == 0)
    add(user, problem);
}

static void read_network(const char *network, problems *found) {
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

static void read_list(const char *name, problems *listed) {
  char path[512], line[256];
  snprintf(path, sizeof path, ONEFOLD_TEST_SHAPES "/%s.txt", name);
  FILE *file = fopen(path, "r");
  if (!file) fail_msg("%s cannot be read", path);
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, " #\n")] = '\0';
    if (!*line) continue;
    if (has(listed, line)) fail_msg("%s: %s is there twice", path, line);
    add(listed, line);
  }
  fclose(file);
}

static void test_list(void **state) {
  const char *network = *state;
  problems found = {.count = 0}, listed = {.count = 0};
  read_network(network, &found);
  read_list(network, &listed);
  assert_true(found.count > 0);
  for (size_t i = 0; i < found.count; i++) {
    if (!has(&listed, found.text[i])) fail_msg("%s: %s is missing", network, found.text[i]);
  }
  for (size_t i = 0; i < listed.count; i++) {
    if (!has(&found, listed.text[i])) fail_msg("%s: no layer is %s", network, listed.text[i]);
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
