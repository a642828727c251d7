// SPDX-License-Identifier: BSD-3-Clause
// bench/shapes/pairs.txt against the folded networks: it holds each pair of a depthwise and a
// pointwise convolution of which only the second reads the first, with its activations; what is
// not theirs is made of MobileNet-v2's layers.
#include "graph/graph.h"
#include "tests/graph_support.h"
#include "tests/shapes_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---------------------------------------------------------------- networks

/// A convolution with the activation behind it: the node that gives the result.
typedef struct layer {
  onefold_conv2d_desc desc;
  onefold_node input, result;
} layer;

/// The one reader of a node; ONEFOLD_NO_NODE where there are others.
static onefold_node reader_of(const onefold_graph *graph, onefold_node node, const int32_t *uses) {
  if (uses[node] != 1) return ONEFOLD_NO_NODE;
  for (onefold_node n = node + 1; n < graph->node_count; n++) {
    for (int32_t k = 0; k < graph->nodes[n].input_count; k++) {
      if (graph->nodes[n].inputs[k] == node) return n;
    }
  }
  return ONEFOLD_NO_NODE;
}

static int read_layer(const onefold_graph *graph, onefold_node node, const int32_t *uses,
                      layer *made) {
  if (node == ONEFOLD_NO_NODE || graph->nodes[node].kind != ONEFOLD_NODE_CONV2D) return 0;
  *made = (layer){.input = graph->nodes[node].inputs[0], .result = node};
  onefold_node_conv2d_desc(graph, &graph->nodes[node], &made->desc);
  const onefold_node reader = reader_of(graph, node, uses);
  if (reader != ONEFOLD_NO_NODE && graph->nodes[reader].kind == ONEFOLD_NODE_ACTIVATION) {
    made->desc.activation = graph->nodes[reader].as.activation.function;
    made->result = reader;
  }
  return 1;
}

static int is_depthwise(const onefold_conv2d_desc *d) {
  return d->groups > 1 && d->groups == d->in_channels && d->groups == d->out_channels;
}

static int is_pointwise(const onefold_conv2d_desc *d) {
  return d->groups == 1 && d->kernel_h == 1 && d->kernel_w == 1 && d->stride_h == 1;
}

static void print(const onefold_conv2d_desc *d, char *text, size_t size) {
  const size_t used = onefold_conv2d_desc_print(d, text, size);
  if (d->activation != ONEFOLD_ACT_NONE)
    snprintf(text + used, size - used, ":%s", onefold_activation_name(d->activation));
}

static void find_pairs(const onefold_graph *graph, shapes *found) {
  int32_t *uses = test_malloc((size_t)graph->node_count * sizeof *uses);
  onefold_graph_count_uses(graph, uses);
  for (onefold_node n = 0; n < graph->node_count; n++) {
    layer a, b;
    if (!read_layer(graph, n, uses, &a)) continue;
    if (!read_layer(graph, reader_of(graph, a.result, uses), uses, &b)) continue;
    if (!(is_depthwise(&a.desc) && is_pointwise(&b.desc)) &&
        !(is_pointwise(&a.desc) && is_depthwise(&b.desc)))
      continue;
    char text[SHAPES_LENGTH];
    print(&a.desc, text, SHAPES_LENGTH);
    const size_t used = strlen(text);
    text[used] = '+';
    print(&b.desc, text + used + 1, SHAPES_LENGTH - used - 1);
    shapes_add(found, text);
  }
  test_free(uses);
}

static void read_network(const char *network, shapes *found) {
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_weights *weights;
  onefold_graph *graph, *folded;
  test_ok(context, onefold_weights_seeded(context, 1, &weights));
  test_ok(context, onefold_network_build(context, network, (onefold_shape){0}, weights, &graph));
  test_ok(context, onefold_fold(context, graph, NULL, &folded));
  find_pairs(folded, found);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
  onefold_context_destroy(context);
}

// ------------------------------------------------------------------- lists

static void test_pairs(void **state) {
  (void)state;
  static const char *const networks[] = {"mobileone-s0", "repghostnet-1.0x"};
  shapes *found = calloc(1, sizeof *found), *listed = calloc(1, sizeof *listed);
  shapes *layers = calloc(1, sizeof *layers);
  assert_true(found && listed && layers);
  for (size_t i = 0; i < sizeof networks / sizeof networks[0]; i++) {
    const size_t before = found->count;
    read_network(networks[i], found);
    assert_true(found->count > before);
  }
  shapes_read("pairs", listed);
  shapes_read("mobilenet-v2", layers);
  for (size_t i = 0; i < found->count; i++) {
    if (!shapes_have(listed, found->text[i])) fail_msg("%s is missing", found->text[i]);
  }
  for (size_t i = 0; i < listed->count; i++) {
    char text[SHAPES_LENGTH];
    if (shapes_have(found, listed->text[i])) continue;
    snprintf(text, sizeof text, "%s", listed->text[i]);
    for (char *rest = text, *half; (half = strsep(&rest, "+"));) {
      half[strcspn(half, ":")] = '\0';
      if (!shapes_have(layers, half)) fail_msg("no network has %s", listed->text[i]);
    }
  }
  free(layers);
  free(listed);
  free(found);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_pairs)};
  return cmocka_run_group_tests_name("pairs", tests, NULL, NULL);
}
