// SPDX-License-Identifier: BSD-3-Clause
// The names of networks' weights, and what is said where one is missing.
#include "tests/network_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Every name that was read, each between spaces; fails on `missing`.
typedef struct record {
  const char *missing;
  size_t used;
  char names[1 << 17];
} record;

static onefold_status read_recorded(const onefold_weights *weights, const char *name,
                                    const int64_t *dims, int32_t rank, size_t count,
                                    float *values) {
  record *r = weights->state;
  if (r->missing && strcmp(r->missing, name) == 0)
    return onefold_fail(weights->context, ONEFOLD_NOT_FOUND, "no tensor '%s'", name);
  const int length = snprintf(r->names + r->used, sizeof r->names - r->used, "%s ", name);
  r->used += (size_t)length;
  assert_true(r->used < sizeof r->names);
  return network_read_zeros(weights, name, dims, rank, count, values);
}

static const onefold_weights_type recorded = {.read = read_recorded};

static void check_name(const record *r, const char *name) {
  char text[128];
  snprintf(text, sizeof text, " %s ", name);
  const char *found = strstr(r->names, text);
  if (!found) test_failed("'%s' was not read", name);
  if (strstr(found + 1, text)) test_failed("'%s' was read twice", name);
}

/// The first and the last tensors of the kinds that the original code has, and how many tensors
/// there are in all.
static void test_names(void **state) {
  static const struct {
    const char *network;
    int count;
    const char *names[12];
  } cases[] = {
      {"repvgg-a0",
       290,
       {"stage0.rbr_dense.conv.weight", "stage0.rbr_1x1.bn.running_var",
        "stage1.1.rbr_identity.weight", "stage3.13.rbr_1x1.conv.weight",
        "stage4.0.rbr_dense.bn.bias", "linear.weight", "linear.bias"}},
      {"repvgg-b1g4",
       374,
       {"stage1.3.rbr_identity.weight", "stage2.5.rbr_identity.weight",
        "stage3.15.rbr_identity.bias", "stage4.0.rbr_1x1.conv.weight"}},
      {"repghostnet-0.5x",
       560,
       {"conv_stem.weight", "bn1.running_mean", "blocks.0.0.ghost1.primary_conv.0.weight",
        "blocks.3.0.conv_dw.weight", "blocks.3.0.bn_dw.weight", "blocks.3.0.se.conv_reduce.bias",
        "blocks.6.4.ghost2.fusion_bn.0.weight", "blocks.8.3.ghost2.cheap_operation.1.weight",
        "blocks.7.0.shortcut.3.running_var", "blocks.9.0.conv.weight", "blocks.9.0.bn1.weight",
        "conv_head.bias"}},
      {"repghostnet-1.0x", 560, {"classifier.weight", "classifier.bias"}},
      {"mobileone-s0",
       1097,
       {"stage0.rbr_conv.0.conv.weight", "stage0.rbr_scale.bn.weight",
        "stage1.0.rbr_conv.3.conv.weight", "stage1.3.rbr_skip.weight", "stage2.15.rbr_skip.weight",
        "stage3.19.rbr_conv.0.bn.bias", "stage4.1.rbr_conv.3.conv.weight", "linear.weight"}},
      {"yolov7",
       460,
       {"model.0.conv.weight", "model.11.bn.running_mean", "model.51.cv1.conv.weight",
        "model.51.cv7.bn.bias", "model.102.rbr_dense.0.weight", "model.104.rbr_1x1.1.weight"}},
      {"yolov7-tiny", 275, {"model.0.conv.weight", "model.76.bn.running_var"}},
      {"yolov5-c3-repvggorepa",
       1177,
       {"model.0.conv.weight", "model.2.cv1.conv.weight",
        "model.2.m.0.cv1.rbr_dense.weight_rbr_origin", "model.6.m.8.cv2.rbr_identity.weight",
        "model.8.m.2.cv2.rbr_dense.vector", "model.9.cv2.conv.weight",
        "model.13.m.2.cv2.conv.weight", "model.23.cv3.bn.bias"}},
  };
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  record *r = malloc(sizeof *r);
  assert_non_null(r);
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const onefold_weights weights = {.type = &recorded, .context = context, .state = r};
    onefold_graph *graph = NULL;
    *r = (record){.used = 1, .names = " "};
    test_case("%s", cases[i].network);
    test_ok(context, onefold_network_build(context, cases[i].network, (onefold_shape){1, 3, 32, 32},
                                           &weights, &graph));
    for (int k = 0; k < 12 && cases[i].names[k]; k++) check_name(r, cases[i].names[k]);
    int count = 0;
    for (const char *c = r->names + 1; *c; c++) count += *c == ' ';
    network_expect("tensors", count, cases[i].count);
    onefold_graph_destroy(graph);
  }
  free(r);
  onefold_context_destroy(context);
}

/// A tensor that is missing is named, whether a block or a node reads it.
static void test_missing_weight(void **state) {
  static const char *const names[] = {"stage2.3.rbr_1x1.bn.running_mean", "linear.bias"};
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  record *r = calloc(1, sizeof *r);
  assert_non_null(r);
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const onefold_weights weights = {.type = &recorded, .context = context, .state = r};
    onefold_graph *graph;
    r->missing = names[i];
    r->used = 0;
    test_fails(context,
               onefold_network_build(context, "repvgg-a0", (onefold_shape){0}, &weights, &graph),
               ONEFOLD_NOT_FOUND);
    test_says(context, names[i]);
    assert_null(graph);
  }
  free(r);
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_missing_weight),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
