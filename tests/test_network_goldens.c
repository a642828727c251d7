// SPDX-License-Identifier: BSD-3-Clause
// The files of tests/vectors/networks/, written by PyTorch (tools/golden_networks.py): what whole
// networks give in double precision for inputs and weights that the generator of weights makes on
// both sides. Every form agrees on every ISA level, in the accuracy classes strict and standard.
#include "tests/graph_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_INPUTS = 3 };

/// Blocks side by side, each on an input of its own.
typedef struct part {
  const char *block, *prefix, *params;
} part;

static const part yolov7_head[] = {
    {"repconv", "model.102.", "out_channels=256"},
    {"repconv", "model.103.", "out_channels=512"},
    {"repconv", "model.104.", "out_channels=1024"},
};

static const struct {
  const char *name; // of the file; of the network where there are no parts
  size_t inputs;
  const part *parts;
} networks[] = {
    {"repvgg-a0", 1, NULL},   {"repghostnet-0.5x", 1, NULL},   {"mobileone-s0", 1, NULL},
    {"yolov7-tiny", 1, NULL}, {"yolov7-head", 3, yolov7_head},
};
enum { NETWORKS = sizeof networks / sizeof *networks };

typedef struct golden {
  onefold_context *context;
  onefold_weights *file, *generated;
  onefold_shape shapes[MOST_INPUTS];
  float *x[MOST_INPUTS];
  onefold_graph *graph;
} golden;

static const char *metadata(const golden *g, const char *key) {
  const char *text = onefold_weights_metadata(g->file, key);
  if (!text) test_failed("the file's metadata has no '%s'", key);
  return text;
}

static float *read_tensor(const golden *g, const onefold_weights *from, const char *name,
                          onefold_shape shape) {
  const int64_t dims[4] = {shape.n, shape.c, shape.h, shape.w};
  float *values = malloc(test_elements(shape) * sizeof *values);
  assert_non_null(values);
  test_ok(g->context, onefold_weights_read(from, name, dims, 4, values));
  return values;
}

/// "2x3x37x45"
static onefold_shape parse_shape(const char *text) {
  long long n, c, h, w;
  assert_int_equal(sscanf(text, "%lldx%lldx%lldx%lld", &n, &c, &h, &w), 4);
  return (onefold_shape){n, c, h, w};
}

static void build_parts(golden *g, const part *parts, size_t count) {
  test_ok(g->context, onefold_graph_create(g->context, &g->graph));
  for (size_t i = 0; i < count; i++) {
    onefold_block_params params;
    test_ok(g->context, onefold_block_params_init(g->context, parts[i].block, &params));
    test_ok(g->context, onefold_block_params_set(g->context, &params, parts[i].params));
    params.prefix = parts[i].prefix;
    onefold_node node = onefold_graph_input(g->graph, g->shapes[i]);
    test_ok(g->context, onefold_block_append(g->context, g->graph, &node, 1, parts[i].block,
                                             &params, g->generated, &node));
    test_ok(g->context, onefold_graph_output(g->graph, node));
  }
}

static golden open_golden(onefold_isa isa, onefold_accuracy accuracy, size_t index) {
  golden g = {0};
  char path[512];
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = 1,
                                           .has_max_isa = 1,
                                           .max_isa = isa,
                                           .accuracy = accuracy};
  assert_int_equal(onefold_context_create(&options, &g.context), ONEFOLD_OK);
  snprintf(path, sizeof path, "%s/networks/%s.safetensors", ONEFOLD_TEST_VECTORS,
           networks[index].name);
  test_case("%s, %s", path, onefold_accuracy_name(accuracy));
  test_ok(g.context, onefold_weights_open(g.context, path, &g.file));
  assert_string_equal(metadata(&g, "network"), networks[index].name);
  const uint64_t seed = strtoull(metadata(&g, "seed"), NULL, 10);
  test_ok(g.context, onefold_weights_seeded(g.context, seed, &g.generated));
  for (size_t i = 0; i < networks[index].inputs; i++) {
    char name[32];
    snprintf(name, sizeof name, "input%zu", i);
    g.shapes[i] = parse_shape(metadata(&g, name));
    snprintf(name, sizeof name, "golden.input%zu", i);
    g.x[i] = read_tensor(&g, g.generated, name, g.shapes[i]);
  }
  if (networks[index].parts)
    build_parts(&g, networks[index].parts, networks[index].inputs);
  else
    test_ok(g.context, onefold_network_build(g.context, networks[index].name, g.shapes[0],
                                             g.generated, &g.graph));
  return g;
}

static void close_golden(golden *g) {
  for (int i = 0; i < MOST_INPUTS; i++) free(g->x[i]);
  onefold_graph_destroy(g->graph);
  onefold_weights_close(g->generated);
  onefold_weights_close(g->file);
  onefold_context_destroy(g->context);
}

/// |y - want| / |want| of every output is within the limit.
static void check_run(const golden *g, const onefold_graph *graph, graph_form form, double limit,
                      const char *what) {
  float **y = graph_run(g->context, graph, form, (const float *const *)g->x);
  for (int32_t k = 0; k < graph->output_count; k++) {
    char name[32];
    snprintf(name, sizeof name, "golden.output%d", (int)k);
    const onefold_shape shape = onefold_graph_shape(graph, graph->outputs[k]);
    float *want = read_tensor(g, g->file, name, shape);
    double difference = 0, norm = 0;
    for (int64_t i = 0; i < shape.n * shape.c * shape.h * shape.w; i++) {
      const double d = (double)y[k][i] - (double)want[i];
      difference += d * d;
      norm += (double)want[i] * (double)want[i];
    }
    const double error = sqrt(difference / norm);
    if (!(error <= limit)) test_failed("%s, output %d: relative error %.3g", what, (int)k, error);
    free(want);
  }
  free(y);
}

static void check_golden(onefold_isa isa, onefold_accuracy accuracy, double limit, size_t index) {
  golden g = open_golden(isa, accuracy, index);
  onefold_graph *branches = graph_branches(g.context, g.graph, NULL);
  onefold_graph *folded = graph_fold(g.context, g.graph, NULL);
  check_run(&g, g.graph, (graph_form){0, ONEFOLD_NCHW, ONEFOLD_NCHW}, limit, "training");
  check_run(&g, branches, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW}, limit, "branches");
  check_run(&g, folded, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW}, limit, "folded");
  onefold_graph_destroy(folded);
  onefold_graph_destroy(branches);
  close_golden(&g);
}

/// Sums in float come to less than 1e-6; a wrong epsilon costs 6e-4 and more. Where tests are
/// scaled down, the class standard is enough.
static void test_strict(void **state) {
  if (test_scaled(10) < 10) skip();
  for (size_t i = 0; i < NETWORKS; i++)
    check_golden(test_level(state), ONEFOLD_ACCURACY_STRICT, 1e-5, i);
}

static void test_standard(void **state) {
  for (size_t i = 0; i < NETWORKS; i++)
    check_golden(test_level(state), ONEFOLD_ACCURACY_STANDARD, 1e-4, i);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_strict),
      cmocka_unit_test(test_standard),
  };
  return test_every_level("network_goldens", tests, sizeof tests / sizeof *tests);
}
