// SPDX-License-Identifier: BSD-3-Clause
// Parameters of blocks by name, blocks behind nodes of a graph, and hidden channels of
// squeeze-and-excitations.
#include "tests/file_support.h"
#include "tests/graph_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static onefold_block_params defaults(onefold_context *context, const char *block) {
  onefold_block_params params;
  test_ok(context, onefold_block_params_init(context, block, &params));
  return params;
}

static void test_set(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  onefold_block_params p = defaults(context, "repvgg");
  assert_int_equal(p.padding, -1);
  assert_int_equal(p.identity, -1);
  assert_int_equal(p.batch_norm, 1);
  test_ok(context, onefold_block_params_set(
                       context, &p,
                       " input=2x64x56x28  stride=2 activation=leaky_relu activation_param=0.25 "
                       "bn_epsilon=1e-3 identity=0 orepa_row_order=grouped se_style=hard_sigmoid "
                       "orepa_prior=seed_3x3_zero largeconv_order=sequential expansion=.5 "
                       "padding=-1 "));
  assert_int_equal(p.input.n, 2);
  assert_int_equal(p.input.c, 64);
  assert_int_equal(p.input.h, 56);
  assert_int_equal(p.input.w, 28);
  assert_int_equal(p.stride, 2);
  assert_int_equal(p.activation, ONEFOLD_ACT_LEAKY_RELU);
  assert_true(p.activation_param == 0.25f && p.bn_epsilon == 1e-3 && p.expansion == 0.5);
  assert_int_equal(p.identity, 0);
  assert_int_equal(p.orepa_row_order, ONEFOLD_OREPA_GROUPED);
  assert_int_equal(p.orepa_prior, ONEFOLD_OREPA_SEED_3X3_ZERO);
  assert_int_equal(p.se_style, ONEFOLD_SE_HARD_SIGMOID);
  assert_int_equal(p.largeconv_order, ONEFOLD_LARGECONV_SEQUENTIAL);
  test_ok(context, onefold_block_params_set(context, &p, ""));
  onefold_context_destroy(context);
}

static void test_set_errors(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  const struct {
    const char *text, *says;
  } cases[] = {
      {"strides=2", "stride, dilation, groups"},
      {"prefix=a", "prefix"},
      {"stride", "'stride' is not name=value"},
      {"stride=", "stride is ''"},
      {"stride=two", "stride is 'two', not a whole number"},
      {"stride=2x", "'2x'"},
      {"stride=0", "stride is 0"},
      {"stride=99999999999999999999", "99999999999999999999"},
      {"padding=-2", "padding is -2"},
      {"identity=2", "identity is 2"},
      {"identity=4294967296", "4294967296"},
      {"activation=swish", "one of none, relu, relu6"},
      {"orepa_row_order=0", "interleaved, grouped"},
      {"input=1x64x56", "not NxCxHxW"},
      {"input=1x64x56x56x2", "not NxCxHxW"},
      {"input=1x0x5x5", "input.c is 0"},
      {"bn_epsilon=nan", "bn_epsilon is nan"},
      {"bn_epsilon=-1", "bn_epsilon is -1"},
      {"activation_param=inf", "activation_param is inf"},
      {"expansion=half", "expansion is 'half', not a number"},
  };
  const onefold_block_params before = defaults(context, "repvgg");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_block_params p = before;
    char text[160];
    snprintf(text, sizeof text, "groups=2 %s", cases[i].text);
    test_case("%s", text);
    test_fails(context, onefold_block_params_set(context, &p, text), ONEFOLD_INVALID_ARGUMENT);
    test_says(context, cases[i].says);
    assert_int_equal(p.groups, before.groups); // nothing of a bad text is taken
  }
  char longer[200];
  memset(longer, 'a', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  onefold_block_params p = before;
  test_fails(context, onefold_block_params_set(context, &p, longer), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "longer than");
  test_fails(context, onefold_block_params_set(context, NULL, ""), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_block_params_set(context, &p, NULL), ONEFOLD_INVALID_ARGUMENT);
  onefold_context_destroy(context);
}

/// The typical parameters of every block can be set and built.
static void test_typical(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, 1, &weights));
  for (size_t i = 0; onefold_block_name(i); i++) {
    const char *name = onefold_block_name(i);
    test_case("typical %s", name);
    onefold_block_params p = defaults(context, name);
    assert_non_null(onefold_block_typical(name));
    test_ok(context, onefold_block_params_set(context, &p, onefold_block_typical(name)));
    onefold_graph *graph;
    test_ok(context, onefold_block_build(context, name, &p, weights, &graph));
    onefold_graph_destroy(graph);
  }
  assert_null(onefold_block_typical("no such block"));
  onefold_weights_close(weights);
  onefold_context_destroy(context);
}

/// Two blocks behind each other are the composition of the two graphs.
static void test_append(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, 5, &weights));
  onefold_block_params a = defaults(context, "repvgg"), b = a;
  a.input = (onefold_shape){1, 6, 7, 5};
  a.out_channels = 8;
  a.stride = 2;
  a.prefix = "a.";
  b.out_channels = 8;
  b.prefix = "b.";
  onefold_graph *chain, *first, *second;
  test_ok(context, onefold_graph_create(context, &chain));
  onefold_node node = onefold_graph_input(chain, a.input);
  test_ok(context, onefold_block_append(context, chain, &node, 1, "repvgg", &a, weights, &node));
  test_ok(context, onefold_block_append(context, chain, &node, 1, "repvgg", &b, weights, &node));
  test_ok(context, onefold_graph_output(chain, node));
  test_ok(context, onefold_block_build(context, "repvgg", &a, weights, &first));
  b.input = onefold_graph_shape(first, first->outputs[0]);
  test_ok(context, onefold_block_build(context, "repvgg", &b, weights, &second));
  assert_string_equal(second->nodes[second->outputs[0]].name, "b.activation");

  test_rng rng = {3};
  const float *const *x = graph_random_inputs(&rng, chain);
  const graph_form form = {0, ONEFOLD_NCHW, ONEFOLD_NCHW};
  float **y = graph_run(context, chain, form, x);
  float **mid = graph_run(context, first, form, x);
  float **expected = graph_run(context, second, form, (const float *const *)mid);
  const onefold_shape out = onefold_graph_shape(chain, node);
  assert_memory_equal(y[0], expected[0], test_elements(out) * sizeof **y);
  free(expected);
  free(mid);
  free(y);
  free((void *)x);
  onefold_graph_destroy(second);
  onefold_graph_destroy(first);

  onefold_graph_destroy(chain);
  onefold_weights_close(weights);
  onefold_context_destroy(context);
}

/// A block that cannot be appended is a failure of the graph, and the first one stays.
static void test_append_failures(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  onefold_weights *seeded, *file;
  test_ok(context, onefold_weights_seeded(context, 5, &seeded));
  test_directory directory;
  test_file_path path;
  test_directory_make(&directory);
  test_file(&directory, "w.safetensors", path);
  test_file_write(path, "\x02\0\0\0\0\0\0\0{}", 10);
  test_ok(context, onefold_weights_open(context, path, &file));
  onefold_block_params b = defaults(context, "repvgg");
  b.out_channels = 6;
  const onefold_node good[2] = {0, 0}, wrong[2] = {0, 77}, none = ONEFOLD_NO_NODE;
  const struct {
    const onefold_node *inputs;
    size_t count;
    const char *block;
    const onefold_weights *weights;
    onefold_status status;
    const char *says;
  } cases[] = {
      {good, 2, "repvgg", seeded, ONEFOLD_INVALID_ARGUMENT,
       "repvgg: route_channels is 6, the block has 0"},
      {good, 0, "repvgg", seeded, ONEFOLD_INVALID_ARGUMENT, "input_count is 0"},
      {good, 1, "none", seeded, ONEFOLD_NOT_FOUND, "no block 'none'"},
      {NULL, 1, "repvgg", seeded, ONEFOLD_INVALID_ARGUMENT, "inputs is NULL"},
      {good, 1, "repvgg", NULL, ONEFOLD_INVALID_ARGUMENT, "weights is NULL"},
      {wrong + 1, 1, "repvgg", seeded, ONEFOLD_INVALID_ARGUMENT,
       "node 77 does not exist, the graph has 1"},
      {wrong, 2, "mpc_n", seeded, ONEFOLD_INVALID_ARGUMENT, "node 77 does not exist"},
      {&none, 1, "repvgg", seeded, ONEFOLD_INVALID_ARGUMENT, "node -1 does not exist"},
      {good, 1, "repvgg", file, ONEFOLD_NOT_FOUND, "rbr_dense.conv.weight"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_case("append %zu: %s", i, cases[i].says);
    onefold_graph *graph;
    test_ok(context, onefold_graph_create(context, &graph));
    onefold_graph_input(graph, (onefold_shape){1, 6, 7, 5});
    onefold_node output = 0;
    test_fails(context,
               onefold_block_append(context, graph, cases[i].inputs, cases[i].count, cases[i].block,
                                    &b, cases[i].weights, &output),
               cases[i].status);
    test_says(context, cases[i].says);
    assert_int_equal(output, ONEFOLD_NO_NODE);
    assert_int_equal(onefold_graph_status(graph), cases[i].status);
    // What is called after it with its result changes neither status nor sentence.
    assert_int_equal(onefold_graph_activation(graph, output, ONEFOLD_ACT_RELU, 0), ONEFOLD_NO_NODE);
    test_fails(
        context,
        onefold_block_append(context, graph, &output, 1, "repvgg", &b, cases[i].weights, &output),
        cases[i].status);
    test_fails(context, onefold_graph_output(graph, output), cases[i].status);
    test_says(context, cases[i].says);
    onefold_graph_destroy(graph);
  }
  onefold_weights_close(file);
  onefold_weights_close(seeded);
  test_directory_remove(&directory);
  onefold_context_destroy(context);
}

/// `identity` and `padding` of RepVGG.
static void test_identity(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  onefold_weights *weights;
  test_ok(context, onefold_weights_seeded(context, 5, &weights));
  const struct {
    const char *text, *says;
    int norms;
    onefold_status status;
  } cases[] = {
      {"out_channels=6", "", 3, ONEFOLD_OK},
      {"out_channels=6 identity=1", "", 3, ONEFOLD_OK},
      {"out_channels=6 identity=0", "", 2, ONEFOLD_OK},
      {"out_channels=6 padding=1", "", 3, ONEFOLD_OK},
      {"out_channels=8 identity=1", "no identity from 6 to 8", 0, ONEFOLD_SHAPE_MISMATCH},
      {"out_channels=6 stride=2 identity=1", "stride 2", 0, ONEFOLD_SHAPE_MISMATCH},
      {"out_channels=6 padding=0", "padding is 0, the block has 1", 0, ONEFOLD_INVALID_ARGUMENT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    test_case("%s", cases[i].text);
    onefold_block_params p = defaults(context, "repvgg");
    test_ok(context, onefold_block_params_set(context, &p, "input=1x6x5x4"));
    test_ok(context, onefold_block_params_set(context, &p, cases[i].text));
    onefold_graph *graph;
    test_fails(context, onefold_block_build(context, "repvgg", &p, weights, &graph),
               cases[i].status);
    if (graph)
      assert_int_equal(graph_count_kind(graph, ONEFOLD_NODE_BATCH_NORM), cases[i].norms);
    else
      test_says(context, cases[i].says);
    onefold_graph_destroy(graph);
  }
  onefold_weights_close(weights);
  onefold_context_destroy(context);
}

static void test_se_hidden(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  const struct {
    const char *rule;
    int64_t channels, hidden; // 0: refused
  } cases[] = {
      {"repvgg", 64, 4},       {"repvgg", 256, 16},      {"repvgg", 8, 0},
      {"repvggplus", 64, 16},  {"mobileone", 48, 3},     {"mobileone", 15, 0},
      {"repghost", 20, 8},     {"repghost", 32, 8},      {"repghost", 120, 32},
      {"repghost", 168, 44},   {"repghost", 240, 60},    {"repghost", 1, 4},
      {"seattention", 64, 16}, {"seattention", 256, 16}, {"seattention", 40, 20},
      {"seattention", 8, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t hidden = -1;
    test_case("%s %lld", cases[i].rule, (long long)cases[i].channels);
    test_fails(context, onefold_se_hidden(context, cases[i].rule, cases[i].channels, &hidden),
               cases[i].hidden ? ONEFOLD_OK : ONEFOLD_INVALID_ARGUMENT);
    if (cases[i].hidden) assert_int_equal(hidden, cases[i].hidden);
  }
  int64_t hidden;
  test_fails(context, onefold_se_hidden(context, "vgg", 64, &hidden), ONEFOLD_NOT_FOUND);
  test_says(context, "repvgg, repvggplus, mobileone, repghost, seattention");
  test_fails(context, onefold_se_hidden(context, "repvgg", 0, &hidden), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_se_hidden(context, NULL, 64, &hidden), ONEFOLD_INVALID_ARGUMENT);
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_set),
      cmocka_unit_test(test_set_errors),
      cmocka_unit_test(test_typical),
      cmocka_unit_test(test_append),
      cmocka_unit_test(test_append_failures),
      cmocka_unit_test(test_identity),
      cmocka_unit_test(test_se_hidden),
  };
  return test_every_level("block_params", tests, sizeof tests / sizeof *tests);
}
