// SPDX-License-Identifier: BSD-3-Clause
// Checkpoints of whole networks: read by their keys, and folded block by block to what folding
// the network gives.
#include "tests/checkpoint_support.h"
#include "tests/graph_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static onefold_node find_conv(const onefold_graph *graph, const char *name) {
  for (onefold_node i = 0; i < graph->node_count; i++)
    if (graph->nodes[i].kind == ONEFOLD_NODE_CONV2D && strcmp(graph->nodes[i].name, name) == 0)
      return i;
  return ONEFOLD_NO_NODE;
}

/// The file's weight and bias of one convolution are those of the folded graph, up to the
/// rounding of float.
static void expect_same_conv(onefold_context *context, const onefold_weights *file,
                             const onefold_graph *folded, const char *name) {
  const onefold_node node = find_conv(folded, name);
  if (node == ONEFOLD_NO_NODE) test_failed("no convolution '%s' in the folded graph", name);
  const onefold_node_conv2d *conv = &folded->nodes[node].as.conv2d;
  const float *const want[] = {conv->bias, conv->weight};
  static const char *const ends[] = {"bias", "weight"};
  for (int k = 0; k < 2; k++) {
    char tensor[160];
    int64_t dims[8];
    int32_t rank = 0;
    size_t count = 1;
    snprintf(tensor, sizeof tensor, "%s.%s", name, ends[k]);
    test_ok(context, onefold_weights_shape(file, tensor, dims, &rank));
    for (int32_t i = 0; i < rank; i++) count *= (size_t)dims[i];
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    test_ok(context, onefold_weights_read(file, tensor, dims, rank, values));
    for (size_t i = 0; i < count; i++)
      if (!(fabs((double)values[i] - (double)want[k][i]) <= 1e-6 * (1 + fabs((double)want[k][i]))))
        test_failed("%s[%zu]: %.9g in the file, %.9g in the graph", tensor, i, (double)values[i],
                    (double)want[k][i]);
    free(values);
  }
}

typedef struct seen {
  onefold_context *context;
  int folded, others;
} seen;

static void count_block(void *user, const onefold_checkpoint_block *block) {
  seen *s = user;
  s->folded += block->region != NULL;
  if (!block->region) test_failed("'%s' was not folded: %s", block->prefix, block->reason);
}

static void count_rest(void *user, const char *name, const char *dtype, const int64_t *dims,
                       int32_t rank) {
  (void)name, (void)dtype, (void)dims, (void)rank;
  ((seen *)user)->others++;
}

static void test_folded_files(void **state) {
  static const struct {
    const char *network;
    double epsilon; // of its batch normalisations
    int folded;     // blocks
    const char *convs[4];
  } cases[] = {
      {"repvgg-a0",
       1e-5,
       22,
       {"stage0.rbr_reparam", "stage2.3.rbr_reparam", "stage4.0.rbr_reparam"}},
      {"repghostnet-0.5x",
       1e-5,
       32,
       {"blocks.0.0.ghost1.cheap_operation", "blocks.8.3.ghost2.cheap_operation"}},
      {"mobileone-s0",
       1e-5,
       43,
       {"stage0.reparam_conv", "stage1.2.reparam_conv", "stage4.1.reparam_conv"}},
      {"yolov7", 1e-3, 3, {"model.102.rbr_reparam", "model.104.rbr_reparam"}},
  };
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_place *p = test_place_make();
    test_case("%s", cases[i].network);
    onefold_graph *graph = test_checkpoint_network(p->context, &p->checkpoint, cases[i].network,
                                                   (onefold_shape){1, 3, 32, 32});
    onefold_graph *folded = graph_fold(p->context, graph, NULL);
    test_checkpoint_write(p->context, &p->checkpoint, p->in);

    onefold_weights *in = test_place_open(p, p->in), *out;
    onefold_graph *again;
    test_ok(p->context, onefold_network_build(p->context, cases[i].network,
                                              (onefold_shape){1, 3, 32, 32}, in, &again));
    graph_expect_same(graph, again);

    seen s = {.context = p->context};
    onefold_checkpoint_options options;
    onefold_checkpoint_options_init(&options);
    options.bn_epsilon = cases[i].epsilon;
    options.block = count_block;
    options.rest = count_rest;
    options.user = &s;
    test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
    assert_int_equal(s.folded, cases[i].folded);
    assert_true(s.others > 0);
    out = test_place_open(p, p->out);
    for (int k = 0; k < 4 && cases[i].convs[k]; k++)
      expect_same_conv(p->context, out, folded, cases[i].convs[k]);
    onefold_weights_close(out);
    onefold_weights_close(in);
    onefold_graph_destroy(again);
    onefold_graph_destroy(folded);
    onefold_graph_destroy(graph);
    test_place_remove(p);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_folded_files)};
  return cmocka_run_group_tests_name("network_files", tests, NULL, NULL);
}
