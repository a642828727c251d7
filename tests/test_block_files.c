// SPDX-License-Identifier: BSD-3-Clause
// Blocks and checkpoint files: the names and shapes that blocks ask for, that a file gives the
// same graph as the generator it was written from, and what a file may have more or less.
#include "models/safetensors_write.h"
#include "tests/block_support.h"
#include "tests/file_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TENSORS = 400 };

/// Notes what is read of a generator.
typedef struct recorder {
  const onefold_weights *generator;
  onefold_safetensors_entry entries[MOST_TENSORS];
  float *values[MOST_TENSORS];
  size_t count;
} recorder;

static size_t find_entry(const recorder *r, const char *name) {
  size_t i = 0;
  while (i < r->count && strcmp(r->entries[i].name, name) != 0) i++;
  return i;
}

static onefold_status record(const onefold_weights *weights, const char *name, const int64_t *dims,
                             int32_t rank, size_t count, float *values) {
  recorder *r = weights->state;
  test_ok(weights->context, onefold_weights_read(r->generator, name, dims, rank, values));
  assert_int_equal(find_entry(r, name), r->count); // no tensor is read twice
  assert_true(r->count < MOST_TENSORS);
  onefold_safetensors_entry *e = &r->entries[r->count];
  *e = (onefold_safetensors_entry){
      .name = strdup(name), .dtype = "F32", .rank = rank, .bytes = count * sizeof *values};
  memcpy(e->dims, dims, (size_t)rank * sizeof *dims);
  r->values[r->count] = malloc(e->bytes);
  assert_non_null(r->values[r->count]);
  memcpy(r->values[r->count++], values, e->bytes);
  return ONEFOLD_OK;
}

static const onefold_weights_type recorder_type = {.read = record, .close = block_keep_weights};

static void add_entry(recorder *r, const char *name, const int64_t *dims, int32_t rank,
                      float value) {
  onefold_safetensors_entry *e = &r->entries[r->count];
  size_t count = 1;
  *e = (onefold_safetensors_entry){.name = strdup(name), .dtype = "F32", .rank = rank};
  for (int32_t i = 0; i < rank; i++) count *= (size_t)(e->dims[i] = dims[i]);
  e->bytes = count * sizeof(float);
  r->values[r->count] = malloc(e->bytes);
  assert_non_null(r->values[r->count]);
  for (size_t i = 0; i < count; i++) r->values[r->count][i] = value;
  r->count++;
}

static void drop_entry(recorder *r, const char *name) {
  const size_t i = find_entry(r, name);
  assert_true(i < r->count);
  free((void *)r->entries[i].name);
  free(r->values[i]);
  r->entries[i] = r->entries[--r->count];
  r->values[i] = r->values[r->count];
}

static void free_recorder(recorder *r) {
  while (r->count > 0) drop_entry(r, r->entries[r->count - 1].name);
}

/// One test's context, directory and recorded block.
typedef struct bench {
  onefold_context *context;
  test_directory directory;
  onefold_block_params params;
  const char *block;
  recorder recorded;
  onefold_graph *graph; // of the generator
} bench;

static void start(bench *b, onefold_isa isa, const char *block, const char *text) {
  *b = (bench){.context = test_context(isa, 1), .block = block};
  test_directory_make(&b->directory);
  test_case("%s %s", block, text);
  b->params = block_params(b->context, block, text);
  b->params.prefix = "model.1.";
  onefold_weights *generator;
  test_ok(b->context, onefold_weights_seeded(b->context, 3, &generator));
  b->recorded.generator = generator;
  onefold_weights weights = {&recorder_type, b->context, &b->recorded};
  test_ok(b->context, onefold_block_build(b->context, block, &b->params, &weights, &b->graph));
  onefold_weights_close(generator);
}

static void stop(bench *b) {
  onefold_graph_destroy(b->graph);
  free_recorder(&b->recorded);
  test_directory_remove(&b->directory);
  onefold_context_destroy(b->context);
}

/// Writes what is recorded, and builds the block from that file; NULL where that fails.
static onefold_graph *build_from_file(bench *b, onefold_status *status) {
  test_file_path path;
  test_file(&b->directory, "block.safetensors", path);
  onefold_safetensors_writer writer;
  test_ok(b->context, onefold_safetensors_begin(b->context, path, b->recorded.entries,
                                                b->recorded.count, NULL, NULL, 0, &writer));
  for (size_t i = 0; i < b->recorded.count; i++)
    test_ok(b->context, onefold_safetensors_append(&writer, b->recorded.values[i],
                                                   b->recorded.entries[i].bytes));
  test_ok(b->context, onefold_safetensors_finish(&writer));
  onefold_weights *weights;
  onefold_graph *graph = NULL;
  test_ok(b->context, onefold_weights_open(b->context, path, &weights));
  *status = onefold_block_build(b->context, b->block, &b->params, weights, &graph);
  onefold_weights_close(weights);
  return graph;
}

static onefold_graph *expect_from_file(bench *b) {
  onefold_status status;
  onefold_graph *graph = build_from_file(b, &status);
  test_ok(b->context, status);
  return graph;
}

static void test_same_graph(void **state) {
  static const char small[] = "input=1x8x6x6 out_channels=8 groups=1";
  for (size_t i = 0; onefold_block_name(i); i++) {
    const char *name = onefold_block_name(i);
    char text[256];
    snprintf(text, sizeof text, "%s %s%s", onefold_block_typical(name), small,
             strstr(onefold_block_typical(name), "route_channels") ? " route_channels=4" : "");
    bench b;
    start(&b, test_level(state), name, text);
    onefold_graph *graph = expect_from_file(&b);
    graph_expect_same(b.graph, graph);
    onefold_graph_destroy(graph);
    stop(&b);
  }
}

static void test_names(void **state) {
  const struct {
    const char *block, *text, *names;
  } cases[] = {
      {"repvgg", "out_channels=6 se_hidden=2",
       "rbr_dense.conv.weight 6x6x3x3 rbr_dense.bn.* 6 rbr_1x1.conv.weight 6x6x1x1 rbr_1x1.bn.* 6 "
       "rbr_identity.* 6 se.down.weight 2x6x1x1 se.up.weight 6x2x1x1 se.down.bias 2 se.up.bias 6"},
      {"repvgg", "out_channels=8 se_hidden=2 se_style=linear identity=0",
       "rbr_dense.conv.weight 8x6x3x3 rbr_dense.bn.* 8 rbr_1x1.conv.weight 8x6x1x1 rbr_1x1.bn.* 8 "
       "se.fc.0.weight 2x8 se.fc.2.weight 8x2"},
      {"orepa", "out_channels=12 groups=6",
       "vector 6x12 weight_orepa_origin 12x1x3x3 weight_orepa_avg_conv 12x1x1x1 "
       "weight_orepa_pfir_conv 12x1x1x1 weight_orepa_1x1_kxk_idconv1 12x1x1x1 "
       "weight_orepa_1x1_kxk_conv2 12x2x3x3 weight_orepa_1x1 12x1x1x1 "
       "weight_orepa_gconv_dw 48x1x3x3 weight_orepa_gconv_pw 12x8x1x1 bn.* 12"},
      {"orepa_1x1", "out_channels=8",
       "vector 2x8 weight_or1x1_origin 8x6x1x1 weight_or1x1_l2i_conv1 6x6x1x1 "
       "weight_or1x1_l2i_conv2 8x6x1x1 bn.* 8"},
      {"orepa_1x1", "out_channels=4",
       "vector 2x4 weight_or1x1_origin 4x6x1x1 weight_or1x1_l2i_conv1 4x6x1x1 "
       "weight_or1x1_l2i_conv2 4x4x1x1 bn.* 4"},
      {"repvgg_orepa", "out_channels=6",
       "rbr_dense.vector 6x6 rbr_dense.weight_rbr_origin 6x6x3x3 "
       "rbr_dense.weight_rbr_avg_conv 6x6x1x1 rbr_dense.weight_rbr_pfir_conv 6x6x1x1 "
       "rbr_dense.weight_rbr_1x1_kxk_idconv1 6x6x1x1 rbr_dense.weight_rbr_1x1_kxk_conv2 6x6x3x3 "
       "rbr_dense.weight_rbr_gconv_dw 48x1x3x3 rbr_dense.weight_rbr_gconv_pw 6x48x1x1 "
       "rbr_dense.bn.* 6 rbr_1x1.conv.weight 6x6x1x1 rbr_1x1.bn.* 6 rbr_identity.* 6"},
      {"orepa_largeconv_base", "out_channels=4 kernel=5 groups=2",
       "weight0 4x3x3x3 weight1 4x2x3x3 bn.* 4"},
      {"dbb", "out_channels=4 groups=2",
       "dbb_origin.conv.weight 4x3x3x3 dbb_origin.bn.* 4 dbb_1x1.conv.weight 4x3x1x1 "
       "dbb_1x1.bn.* 4 dbb_avg.conv.weight 4x3x1x1 dbb_avg.bn.bn.* 4 dbb_avg.avgbn.* 4 "
       "dbb_1x1_kxk.idconv1.weight 6x3x1x1 dbb_1x1_kxk.bn1.bn.* 6 "
       "dbb_1x1_kxk.conv2.weight 4x3x3x3 dbb_1x1_kxk.bn2.* 4"},
      {"dbb", "out_channels=6 groups=6",
       "dbb_origin.conv.weight 6x1x3x3 dbb_origin.bn.* 6 dbb_avg.avgbn.* 6 "
       "dbb_1x1_kxk.conv1.weight 12x1x1x1 dbb_1x1_kxk.bn1.bn.* 12 "
       "dbb_1x1_kxk.conv2.weight 6x2x3x3 dbb_1x1_kxk.bn2.* 6"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    bench b;
    char text[160], names[2048] = "";
    snprintf(text, sizeof text, "input=1x6x5x5 %s", cases[i].text);
    start(&b, test_level(state), cases[i].block, text);
    for (size_t k = 0; k < b.recorded.count; k++) {
      char name[128], shape[64];
      const onefold_safetensors_entry *e = &b.recorded.entries[k];
      assert_true(strncmp(e->name, "model.1.", 8) == 0);
      snprintf(name, sizeof name, "%s", e->name + 8);
      onefold_weights_print_shape(e->dims, e->rank, shape, sizeof shape);
      // A batch norm's four tensors follow each other.
      if (k + 2 < b.recorded.count && block_name_ends(b.recorded.entries[k + 2].name, "_mean")) {
        strcpy(strrchr(name, '.') + 1, "*");
        k += 3;
      }
      const size_t used = strlen(names);
      snprintf(names + used, sizeof names - used, "%s%s %s", used ? " " : "", name, shape);
    }
    assert_string_equal(names, cases[i].names);
    stop(&b);
  }
}

/// Constants that the original code stores with the weights are used as they are stored.
static void test_stored_constants(void **state) {
  bench b;
  start(&b, test_level(state), "orepa", "input=1x4x5x6 out_channels=6");
  const int64_t prior[3] = {6, 3, 3}, identity[4] = {4, 4, 1, 1};
  add_entry(&b.recorded, "model.1.weight_orepa_prior", prior, 3, 2);
  add_entry(&b.recorded, "model.1.weight_orepa_avg_avg", prior + 1, 2, 3);
  add_entry(&b.recorded, "model.1.id_tensor", identity, 4, 0);
  onefold_graph *graph = expect_from_file(&b);
  int seen = 0;
  for (int32_t i = 0; i < graph->node_count; i++) {
    const onefold_graph_node *node = &graph->nodes[i];
    if (node->kind != ONEFOLD_NODE_CONV2D) continue;
    const float *weight = node->as.conv2d.weight;
    if (block_name_ends(node->name, "weight_orepa_prior"))
      for (int k = 0; k < 54; k++, seen++) assert_true(weight[k] == 2);
    if (block_name_ends(node->name, "weight_orepa_avg_avg"))
      for (int k = 0; k < 54; k++, seen++) assert_true(weight[k] == 3);
    if (block_name_ends(node->name, "idconv1")) {
      const size_t at = find_entry(&b.recorded, "model.1.weight_orepa_1x1_kxk_idconv1");
      assert_memory_equal(weight, b.recorded.values[at], 16 * sizeof *weight);
      seen++;
    }
  }
  assert_int_equal(seen, 54 + 54 + 1);
  onefold_graph_destroy(graph);
  drop_entry(&b.recorded, "model.1.weight_orepa_prior");
  add_entry(&b.recorded, "model.1.weight_orepa_prior", prior + 1, 2, 2);
  onefold_status status;
  assert_null(build_from_file(&b, &status));
  assert_int_equal(status, ONEFOLD_SHAPE_MISMATCH);
  test_says(b.context, "'model.1.weight_orepa_prior' is 3x3, 6x3x3 is needed");
  stop(&b);
}

/// A convolution's bias that a file has is part of the block.
static void test_stored_bias(void **state) {
  bench b;
  start(&b, test_level(state), "repvgg",
        "input=1x1x1x1 out_channels=2 bn_epsilon=1 activation=none");
  const int64_t two = 2;
  add_entry(&b.recorded, "model.1.rbr_1x1.conv.bias", &two, 1, 3);
  onefold_graph *graph = expect_from_file(&b);
  const float x = 0.25f;
  graph_check_forms_of(b.context, graph, &x);
  graph_result with = graph_reference(graph, (const float *const[]){&x}, 0);
  graph_result without = graph_reference(b.graph, (const float *const[]){&x}, 0);
  const float *gamma = b.recorded.values[find_entry(&b.recorded, "model.1.rbr_1x1.bn.weight")];
  const float *variance =
      b.recorded.values[find_entry(&b.recorded, "model.1.rbr_1x1.bn.running_var")];
  for (int o = 0; o < 2; o++) {
    const double change = 3 * (double)gamma[o] / sqrt((double)variance[o] + 1);
    if (!(fabs(with.value[o] - without.value[o] - change) < 1e-12))
      test_failed("a bias of 3 changed %.9g to %.9g, by %.9g it should", without.value[o],
                  with.value[o], change);
  }
  graph_result_free(&without);
  graph_result_free(&with);
  onefold_graph_destroy(graph);
  stop(&b);
}

/// A batch norm may come without gamma and beta, or without statistics, which only folding and
/// running miss.
static void test_partial_batch_norm(void **state) {
  bench b;
  start(&b, test_level(state), "repvgg", "input=1x2x4x5 out_channels=2");
  drop_entry(&b.recorded, "model.1.rbr_identity.weight");
  drop_entry(&b.recorded, "model.1.rbr_identity.bias");
  onefold_graph *graph = expect_from_file(&b);
  test_rng rng = {4};
  graph_check_random(b.context, graph, &rng);
  assert_int_equal(onefold_graph_count(graph).parameters,
                   onefold_graph_count(b.graph).parameters - 4);
  onefold_graph_destroy(graph);

  drop_entry(&b.recorded, "model.1.rbr_dense.bn.running_mean");
  drop_entry(&b.recorded, "model.1.rbr_dense.bn.running_var");
  graph = expect_from_file(&b);
  graph_report report = {0};
  onefold_graph *folded = graph_fold(b.context, graph, &report);
  int refused = 0;
  for (int i = 0; i < report.count && i < 16; i++)
    refused += report.regions[i].verdict == ONEFOLD_FOLD_BN_NO_STATS;
  assert_true(refused > 0);
  onefold_exec *exec = NULL;
  test_fails(b.context, onefold_exec_create(b.context, graph, NULL, &exec), ONEFOLD_UNSUPPORTED);
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);

  drop_entry(&b.recorded, "model.1.rbr_dense.bn.weight");
  drop_entry(&b.recorded, "model.1.rbr_dense.bn.bias");
  onefold_status status;
  assert_null(build_from_file(&b, &status));
  assert_int_equal(status, ONEFOLD_NOT_FOUND);
  test_says(b.context, "'model.1.rbr_dense.bn.weight'");
  stop(&b);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_graph),         cmocka_unit_test(test_names),
      cmocka_unit_test(test_stored_constants),   cmocka_unit_test(test_stored_bias),
      cmocka_unit_test(test_partial_batch_norm),
  };
  return test_every_level("block_files", tests, sizeof tests / sizeof *tests);
}
