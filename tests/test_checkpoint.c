// SPDX-License-Identifier: BSD-3-Clause
// Folding whole checkpoints: every family, every element type, broken blocks, and files that
// must stay as they are.
#include "models/family.h"
#include "tests/checkpoint_support.h"
#include "tests/file_support.h"
#include "tests/graph_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// A block of a family, and what its place in a checkpoint should be called.
typedef struct family_case {
  const char *family, *block, *params, *deploy;
  int64_t in, out, kernel, groups; // as they are recognised
  int deploy_is_told;              // the deploy form is recognised
} family_case;

static const family_case cases[] = {
    {"RepVGG", "repvgg", "input=1x6x9x9 out_channels=6", "rbr_reparam", 6, 6, 3, 1, 1},
    {"RepVGG", "repvgg", "input=1x6x9x9 out_channels=6 groups=3", "rbr_reparam", 6, 6, 3, 3, 1},
    {"RepVGG", "repvgg", "input=1x6x9x9 out_channels=6 groups=6", "rbr_reparam", 6, 6, 3, 6, 1},
    {"RepVGG", "repvgg", "input=1x6x9x9 out_channels=6 stride=2", "rbr_reparam", 6, 6, 3, 1, 1},
    {"RepVGG", "repvgg", "input=1x6x9x9 out_channels=9 groups=3", "rbr_reparam", 2, 9, 3, 1, 1},
    {"YOLOv7 RepConv", "repconv", "input=1x4x9x9 out_channels=8", "rbr_reparam", 4, 8, 3, 1, 1},
    {"YOLOv7 RepConv", "repconv", "input=1x8x9x9 out_channels=8 groups=2", "rbr_reparam", 8, 8, 3,
     2, 1},
    {"YOLOv9 RepConvN", "repconvn", "input=1x5x9x9 out_channels=5", "conv", 5, 5, 3, 1, 0},
    {"YOLOv9 RepConvN", "repconvn", "input=1x4x9x9 out_channels=6", "conv", 4, 6, 3, 1, 0},
    {"RepGhost", "repghost", "input=1x5x9x9 out_channels=7", "cheap_operation", 7, 7, 3, 7, 1},
    {"RepGhost", "repghost", "input=1x7x9x9 out_channels=7 kernel=3 activation=none",
     "cheap_operation", 7, 7, 3, 7, 1},
    {"MobileOne", "mobileone", "input=1x6x9x9 out_channels=6 groups=6 repeats=4", "reparam_conv", 6,
     6, 3, 6, 1},
    {"MobileOne", "mobileone", "input=1x6x9x9 out_channels=6 groups=6 repeats=2 stride=2",
     "reparam_conv", 1, 6, 3, 1, 1},
    {"MobileOne", "mobileone", "input=1x6x9x9 out_channels=10 kernel=1 repeats=3", "reparam_conv",
     6, 10, 1, 1, 1},
    {"MobileOne", "mobileone", "input=1x6x9x9 out_channels=6 kernel=1 repeats=1", "reparam_conv", 6,
     6, 1, 1, 1},
    {"ACNet", "acnet", "input=1x5x9x9 out_channels=6", "fused_conv", 5, 6, 3, 1, 1},
    {"ACNet", "acnet", "input=1x6x15x15 out_channels=4 kernel=5 groups=2", "fused_conv", 3, 4, 5, 1,
     1},
    {"OREPA", "orepa", "input=1x6x9x9 out_channels=6", "orepa_reparam", 6, 6, 3, 1, 1},
    {"OREPA", "orepa", "input=1x6x9x9 out_channels=9 groups=3 stride=2", "orepa_reparam", 6, 9, 3,
     3, 1},
    {"OREPA", "orepa", "input=1x12x9x9 out_channels=6 groups=6", "orepa_reparam", 12, 6, 3, 6, 1},
    {"OREPA", "orepa", "input=1x4x15x15 out_channels=4 kernel=5 mid_channels=8", "orepa_reparam", 4,
     4, 5, 1, 1},
    {"RepVGGBlock_OREPA", "repvgg_orepa", "input=1x6x9x9 out_channels=6", "rbr_reparam", 6, 6, 3, 1,
     1},
    {"RepVGGBlock_OREPA", "repvgg_orepa", "input=1x6x9x9 out_channels=6 stride=2", "rbr_reparam", 6,
     6, 3, 1, 1},
    {"RepVGGBlock_OREPA", "repvgg_orepa", "input=1x4x9x9 out_channels=6", "rbr_reparam", 4, 6, 3, 1,
     1},
    {"OREPA_LargeConv", "orepa_largeconv", "input=1x3x19x19 out_channels=5 kernel=7 stride=2",
     "or_large_reparam", 3, 5, 7, 1, 1},
    {"OREPA_LargeConv", "orepa_largeconv", "input=1x4x15x15 out_channels=4 kernel=5",
     "or_large_reparam", 4, 4, 5, 1, 1},
    {"OREPA_LargeConvBase", "orepa_largeconv_base", "input=1x3x19x19 out_channels=5 kernel=9",
     "or_large_reparam", 3, 5, 9, 1, 1},
    {"DBB", "dbb", "input=1x6x9x9 out_channels=6", "dbb_reparam", 6, 6, 3, 1, 1},
    {"DBB", "dbb", "input=1x6x15x15 out_channels=4 kernel=5 groups=2 stride=2", "dbb_reparam", 6, 4,
     5, 2, 1},
    {"DBB", "dbb", "input=1x6x9x9 out_channels=6 groups=6", "dbb_reparam", 6, 6, 3, 6, 1},
    {"DBB", "dbb", "input=1x6x9x9 out_channels=8 mid_channels=9", "dbb_reparam", 6, 8, 3, 1, 1},
};
#define CASES (sizeof cases / sizeof *cases)

/// What the callbacks saw.
typedef struct seen {
  int blocks, rest, regions;
  onefold_checkpoint_block block; // the last
  onefold_fold_region region;
  char prefix[64], family[64], reason[512];
} seen;

static void see_block(void *user, const onefold_checkpoint_block *block) {
  seen *s = user;
  s->blocks++;
  s->block = *block;
  snprintf(s->prefix, sizeof s->prefix, "%s", block->prefix);
  snprintf(s->family, sizeof s->family, "%s", block->family);
  snprintf(s->reason, sizeof s->reason, "%s", block->reason);
  if (!block->region) return;
  s->regions++;
  s->region = *block->region;
}

static void see_rest(void *user, const char *name, const char *dtype, const int64_t *dims,
                     int32_t rank) {
  (void)name, (void)dtype, (void)dims, (void)rank;
  ((seen *)user)->rest++;
}

static onefold_checkpoint_options options_for(seen *s) {
  onefold_checkpoint_options options;
  onefold_checkpoint_options_init(&options);
  *s = (seen){0};
  options.block = see_block;
  options.rest = see_rest;
  options.user = s;
  return options;
}

/// A directory and the files that most tests need.
typedef struct place {
  onefold_context *context;
  test_directory directory;
  test_file_path in, out, again;
  test_checkpoint checkpoint;
} place;

static place *make_place(void) {
  place *p = calloc(1, sizeof *p);
  assert_non_null(p);
  p->context = test_context(ONEFOLD_ISA_REF, 1);
  test_directory_make(&p->directory);
  test_file(&p->directory, "in.safetensors", p->in);
  test_file(&p->directory, "out.safetensors", p->out);
  test_file(&p->directory, "again.safetensors", p->again);
  return p;
}

static void remove_place(place *p) {
  test_checkpoint_clear(&p->checkpoint);
  test_directory_remove(&p->directory);
  onefold_context_destroy(p->context);
  free(p);
}

/// Tensors that belong to no block, of element types that must be copied as they are.
static void add_others(test_checkpoint *checkpoint) {
  static const unsigned char bytes[64] = {1, 2, 3, 4, 5, 6, 7};
  test_checkpoint_add(checkpoint, "linear.weight", "F32", (const int64_t[]){2, 3}, 2, bytes, 24);
  test_checkpoint_add(checkpoint, "head.conv.weight", "F16", (const int64_t[]){7}, 1, bytes, 14);
  test_checkpoint_add(checkpoint, "anchors", "I64", (const int64_t[]){3}, 1, bytes, 24);
  test_checkpoint_add(checkpoint, "odd", "U8", (const int64_t[]){5}, 1, bytes, 5);
  test_checkpoint_add(checkpoint, "strange", "F8_E4M3", (const int64_t[]){3}, 1, bytes, 3);
  test_checkpoint_add(checkpoint, "empty", "F32", (const int64_t[]){0, 4}, 2, bytes, 0);
}
#define OTHERS 6

static onefold_weights *open_file(place *p, const char *path) {
  onefold_weights *weights;
  test_ok(p->context, onefold_weights_open(p->context, path, &weights));
  return weights;
}

static void expect_same_file(const onefold_weights *a, const onefold_weights *b) {
  const onefold_safetensors *x = onefold_weights_file(a), *y = onefold_weights_file(b);
  assert_int_equal(x->length, y->length);
  assert_memory_equal(x->bytes, y->bytes, x->length);
}

/// The last convolution of the block as it folds with its true parameters.
static onefold_graph *fold_directly(place *p, const family_case *c, const char *prefix,
                                    double epsilon, const onefold_graph_node **conv) {
  onefold_block_params params;
  onefold_graph *graph, *folded;
  test_ok(p->context, onefold_block_params_init(p->context, c->block, &params));
  test_ok(p->context, onefold_block_params_set(p->context, &params, c->params));
  params.prefix = prefix;
  params.activation = ONEFOLD_ACT_RELU;
  if (epsilon >= 0) params.bn_epsilon = epsilon;
  onefold_weights *weights = open_file(p, p->in);
  test_ok(p->context, onefold_block_build(p->context, c->block, &params, weights, &graph));
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.force = 1;
  test_ok(p->context, onefold_fold(p->context, graph, &options, &folded));
  *conv = NULL;
  for (onefold_node i = 0; i < folded->node_count; i++)
    if (folded->nodes[i].kind == ONEFOLD_NODE_CONV2D) *conv = &folded->nodes[i];
  assert_non_null(*conv);
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
  return folded;
}

static void expect_tensor(place *p, const onefold_weights *weights, const char *name,
                          const int64_t *dims, int32_t rank, const float *want) {
  size_t count = 1;
  for (int32_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  float *got = malloc(count * sizeof *got);
  assert_non_null(got);
  test_ok(p->context, onefold_weights_read(weights, name, dims, rank, got));
  assert_string_equal(onefold_safetensors_find(onefold_weights_file(weights), name)->dtype_name,
                      "F32");
  const size_t different = test_first_difference(got, want, count);
  if (different < count)
    test_failed("%s[%zu] is %g, not %g", name, different, (double)got[different],
                (double)want[different]);
  free(got);
}

/// The deploy form's tensors against folding the block alone.
static void expect_deploy(place *p, const family_case *c, const char *prefix, double epsilon,
                          const onefold_weights *out) {
  const onefold_graph_node *conv;
  onefold_graph *graph = fold_directly(p, c, prefix, epsilon, &conv);
  const int64_t dims[4] = {c->out, c->in / c->groups, c->kernel, c->kernel};
  char name[160];
  snprintf(name, sizeof name, "%s%s.weight", prefix, c->deploy);
  expect_tensor(p, out, name, dims, 4, conv->as.conv2d.weight);
  snprintf(name, sizeof name, "%s%s.bias", prefix, c->deploy);
  expect_tensor(p, out, name, dims, 1, conv->as.conv2d.bias);
  onefold_graph_destroy(graph);
}

/// Every tensor of `out` that `in` has too is the same there, at an aligned place.
static int count_copied(const onefold_weights *in, const onefold_weights *out) {
  const onefold_safetensors *from = onefold_weights_file(in), *to = onefold_weights_file(out);
  int copied = 0;
  for (size_t i = 0; i < to->count; i++) {
    const onefold_tensor *t = &to->tensors[i], *s = onefold_safetensors_find(from, t->name);
    if (t->dtype) assert_int_equal(t->begin % t->dtype->bytes, 0);
    if (!s) continue;
    copied++;
    assert_string_equal(s->dtype_name, t->dtype_name);
    assert_int_equal(s->rank, t->rank);
    assert_memory_equal(s->dims, t->dims, sizeof s->dims);
    assert_int_equal(s->end - s->begin, t->end - t->begin);
    assert_memory_equal(onefold_safetensors_bytes(from, s), onefold_safetensors_bytes(to, t),
                        s->end - s->begin);
  }
  return copied;
}

/// Tensors of the case's block that stay: those of the convolution before it.
static int count_beside(const test_checkpoint *checkpoint) {
  int count = 0;
  for (size_t i = 0; i < checkpoint->count; i++)
    count += strstr(checkpoint->tensors[i].name, "primary_conv.") != NULL;
  return count;
}

static void expect_block(const seen *s, const family_case *c, const char *prefix,
                         onefold_checkpoint_state state) {
  assert_int_equal(s->blocks, 1);
  assert_int_equal(s->block.state, state);
  assert_string_equal(s->prefix, prefix);
  assert_string_equal(s->reason, "");
  assert_int_equal(s->block.in_channels, c->in);
  assert_int_equal(s->block.out_channels, c->out);
  assert_int_equal(s->block.kernel, c->kernel);
  assert_int_equal(s->block.groups, c->groups);
}

/// The deploy form does not tell input channels beyond one group's.
static family_case as_deployed(const family_case *c) {
  family_case d = *c;
  if (strcmp(c->deploy, "cheap_operation") == 0) return d;
  d.in = c->in / c->groups;
  d.groups = 1;
  return d;
}

/// Folds p->in, which holds the case's block and the others, to p->out, and that to p->again.
static void check_fold(place *p, const family_case *c, const char *prefix) {
  seen s;
  const onefold_checkpoint_options options = options_for(&s);
  const int beside = count_beside(&p->checkpoint);
  onefold_weights *in = open_file(p, p->in);
  test_ok(p->context, onefold_checkpoint_visit(p->context, in, &options));
  expect_block(&s, c, prefix, ONEFOLD_CHECKPOINT_TRAINING);
  assert_string_equal(s.family, c->family);
  assert_int_equal(s.rest, OTHERS + beside);
  assert_int_equal(s.block.tensors, p->checkpoint.count - (size_t)(OTHERS + beside));
  assert_int_equal(s.regions, 0);

  options_for(&s);
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
  expect_block(&s, c, prefix, ONEFOLD_CHECKPOINT_TRAINING);
  assert_int_equal(s.rest, OTHERS + beside);
  assert_int_equal(s.regions, 1);
  assert_int_equal(s.region.verdict, ONEFOLD_FOLD_EXACT);
  const double macs = (double)(c->out * (c->in / c->groups) * c->kernel * c->kernel);
  assert_true(fabs(s.region.macs_after - macs) < 1e-6 * macs);
  assert_int_equal(s.region.parameters_after, (int64_t)macs + c->out);
  assert_true(s.region.parameters_before > 0);

  onefold_weights *out = open_file(p, p->out);
  expect_deploy(p, c, prefix, -1, out);
  assert_int_equal(count_copied(in, out), OTHERS + beside);
  assert_int_equal(onefold_weights_file(out)->count, OTHERS + beside + 2);
  assert_string_equal(onefold_weights_metadata(out, "made"), "by a test");
  assert_non_null(strstr(onefold_weights_metadata(out, "onefold"), "1 blocks folded"));

  options_for(&s);
  test_ok(p->context, onefold_checkpoint_fold(p->context, out, p->again, &options));
  onefold_weights *again = open_file(p, p->again);
  expect_same_file(out, again);
  const family_case deployed = as_deployed(c);
  if (c->deploy_is_told)
    expect_block(&s, &deployed, prefix, ONEFOLD_CHECKPOINT_FOLDED);
  else
    assert_int_equal(s.blocks, 0);
  onefold_weights_close(again);
  onefold_weights_close(out);
  onefold_weights_close(in);
}

static void test_families(void **state) {
  (void)state;
  static const char *const prefixes[] = {"", "stage1.0.", "model.102.", "ema.model.102."};
  for (size_t i = 0; i < CASES; i++)
    for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++) {
      test_case("%s %s at '%s'", cases[i].block, cases[i].params, prefixes[k]);
      place *p = make_place();
      // The block's tensors lie between the others.
      add_others(&p->checkpoint);
      test_checkpoint_block(p->context, &p->checkpoint, cases[i].block, cases[i].params,
                            prefixes[k]);
      const test_tensor first = p->checkpoint.tensors[0];
      memmove(p->checkpoint.tensors, p->checkpoint.tensors + 1,
              (p->checkpoint.count - 1) * sizeof first);
      p->checkpoint.tensors[p->checkpoint.count - 1] = first;
      test_checkpoint_write(p->context, &p->checkpoint, p->in);
      check_fold(p, &cases[i], prefixes[k]);
      remove_place(p);
    }
}

/// All families in one file, each at its place: one block each, in the file's order.
static void count_states(void *user, const onefold_checkpoint_block *block) {
  ((int *)user)[block->state]++;
}

static void test_together(void **state) {
  (void)state;
  place *p = make_place();
  for (size_t i = 0; i < CASES; i++) {
    char prefix[32];
    snprintf(prefix, sizeof prefix, "model.%zu.", i);
    test_checkpoint_block(p->context, &p->checkpoint, cases[i].block, cases[i].params, prefix);
  }
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  int states[3] = {0};
  onefold_checkpoint_options options;
  onefold_checkpoint_options_init(&options);
  options.block = count_states;
  options.user = states;
  options.check = 1;
  onefold_weights *in = open_file(p, p->in);
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
  assert_int_equal(states[ONEFOLD_CHECKPOINT_TRAINING], CASES);
  onefold_weights *out = open_file(p, p->out);
  for (size_t i = 0; i < CASES; i++) {
    char prefix[32];
    snprintf(prefix, sizeof prefix, "model.%zu.", i);
    test_case("%s %s", cases[i].block, cases[i].params);
    expect_deploy(p, &cases[i], prefix, -1, out);
  }
  onefold_weights_close(out);
  onefold_weights_close(in);
  remove_place(p);
}

/// Constants that OREPA stores: read where they are there, and not copied.
static void test_constants(void **state) {
  (void)state;
  static const family_case c = {
      "OREPA", "orepa", "input=1x6x9x9 out_channels=6", "orepa_reparam", 6, 6, 3, 1, 1};
  place *p = make_place();
  add_others(&p->checkpoint);
  test_checkpoint_block(p->context, &p->checkpoint, c.block, c.params, "a.");
  float values[54];
  for (int i = 0; i < 54; i++) values[i] = (float)(i % 7) / 7;
  test_checkpoint_add(&p->checkpoint, "a.weight_orepa_avg_avg", "F32", (const int64_t[]){3, 3}, 2,
                      values, 36);
  test_checkpoint_add(&p->checkpoint, "a.weight_orepa_prior", "F32", (const int64_t[]){6, 3, 3}, 3,
                      values, 216);
  test_checkpoint_add(&p->checkpoint, "a.id_tensor", "F32", (const int64_t[]){6, 6, 1, 1}, 4,
                      values, 144);
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  check_fold(p, &c, "a.");
  remove_place(p);
}

static void test_element_types(void **state) {
  (void)state;
  static const char *const types[] = {"F16", "BF16", "F64"};
  for (size_t i = 0; i < 3; i++) {
    test_case("%s", types[i]);
    place *p = make_place();
    add_others(&p->checkpoint);
    test_checkpoint_drop(&p->checkpoint, "linear.weight"); // the conversion is for F32 alone
    test_checkpoint_drop(&p->checkpoint, "empty");
    test_checkpoint_block(p->context, &p->checkpoint, cases[0].block, cases[0].params, "a.");
    test_checkpoint_convert(&p->checkpoint, types[i]);
    test_checkpoint_write(p->context, &p->checkpoint, p->in);
    onefold_weights *in = open_file(p, p->in);
    test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, NULL));
    onefold_weights *out = open_file(p, p->out);
    expect_deploy(p, &cases[0], "a.", -1, out);
    assert_int_equal(count_copied(in, out), OTHERS - 2);
    onefold_weights_close(out);
    onefold_weights_close(in);
    remove_place(p);
  }
}

// -------------------------------------------------------------- broken blocks

static void break_missing(test_checkpoint *c) {
  test_checkpoint_drop(c, "b.rbr_1x1.conv.weight");
}
static void break_statistics(test_checkpoint *c) {
  test_checkpoint_drop(c, "b.rbr_dense.bn.running_mean");
  test_checkpoint_drop(c, "b.rbr_dense.bn.running_var");
}
static void break_identity(test_checkpoint *c) {
  test_checkpoint_drop(c, "b.rbr_identity.running_var");
}
static void break_affine(test_checkpoint *c) {
  test_checkpoint_drop(c, "b.rbr_1x1.bn.weight");
}
static void break_kernel(test_checkpoint *c) {
  test_tensor *t = test_checkpoint_find(c, "b.rbr_1x1.conv.weight");
  t->dims[1] /= 2;
  t->dims[2] = 2;
}
static void break_rank(test_checkpoint *c) {
  test_tensor *t = test_checkpoint_find(c, "b.rbr_dense.conv.weight");
  t->dims[2] *= t->dims[3];
  t->rank = 3;
}
static void break_norm(test_checkpoint *c) {
  test_tensor *t = test_checkpoint_find(c, "b.rbr_1x1.bn.bias");
  t->dims[0] /= 2;
  t->bytes /= 2;
}
static void break_type(test_checkpoint *c) {
  test_checkpoint_find(c, "b.rbr_1x1.bn.bias")->dtype = "I32";
}
static void break_bias(test_checkpoint *c) {
  const float bias[6] = {1, 2, 3};
  test_checkpoint_add(c, "b.rbr_dense.conv.bias", "F32", (const int64_t[]){6}, 1, bias, 24);
}
static void break_both(test_checkpoint *c) {
  const float bias[6] = {1, 2, 3};
  test_checkpoint_add(c, "b.rbr_reparam.bias", "F32", (const int64_t[]){6}, 1, bias, 24);
}
static void break_variance(test_checkpoint *c) {
  ((float *)test_checkpoint_find(c, "b.rbr_1x1.bn.running_var")->data)[2] = -1;
}
static void break_finite(test_checkpoint *c) {
  ((float *)test_checkpoint_find(c, "b.rbr_dense.conv.weight")->data)[5] = NAN;
}

/// A block that does not fold stays as it is, with a reason that names the tensor; its neighbour
/// folds.
static void test_broken(void **state) {
  (void)state;
  static const struct {
    void (*change)(test_checkpoint *checkpoint);
    onefold_checkpoint_state state;
    const char *says[2];
  } all[] = {
      {break_missing, ONEFOLD_CHECKPOINT_UNKNOWN, {"'b.rbr_1x1.conv.weight' is missing", ""}},
      {break_statistics,
       ONEFOLD_CHECKPOINT_UNKNOWN,
       {"'b.rbr_dense.bn.running_mean' is missing", "batch norm without statistics"}},
      {break_identity,
       ONEFOLD_CHECKPOINT_UNKNOWN,
       {"'b.rbr_identity.running_var' is missing", "without statistics"}},
      {break_affine, ONEFOLD_CHECKPOINT_UNKNOWN, {"'b.rbr_1x1.bn.weight' is missing", ""}},
      {break_kernel, ONEFOLD_CHECKPOINT_UNKNOWN, {"6x3x2x1", "6x6x1x1 is needed"}},
      {break_rank, ONEFOLD_CHECKPOINT_UNKNOWN, {"6x6x9", "6x6x3x3 is needed"}},
      {break_norm, ONEFOLD_CHECKPOINT_UNKNOWN, {"'b.rbr_1x1.bn.bias' is 3", "6 is needed"}},
      {break_type, ONEFOLD_CHECKPOINT_UNKNOWN, {"'b.rbr_1x1.bn.bias'", "I32"}},
      {break_bias, ONEFOLD_CHECKPOINT_UNKNOWN, {"'b.rbr_dense.conv.bias'", "no part"}},
      {break_both, ONEFOLD_CHECKPOINT_UNKNOWN, {"'b.rbr_reparam.bias'", "too"}},
      {break_variance, ONEFOLD_CHECKPOINT_TRAINING, {"variance", "-0.99999"}},
      {break_finite, ONEFOLD_CHECKPOINT_TRAINING, {"finite", ""}},
  };
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    test_case("broken %zu: %s", i, all[i].says[0]);
    place *p = make_place();
    test_checkpoint_block(p->context, &p->checkpoint, "repvgg", cases[0].params, "a.");
    const size_t whole = p->checkpoint.count;
    test_checkpoint_block(p->context, &p->checkpoint, "repvgg", cases[0].params, "b.");
    all[i].change(&p->checkpoint);
    test_checkpoint_write(p->context, &p->checkpoint, p->in);
    seen s;
    const onefold_checkpoint_options options = options_for(&s);
    onefold_weights *in = open_file(p, p->in);
    test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
    assert_int_equal(s.blocks, 2);
    assert_int_equal(s.regions, 1);
    assert_string_equal(s.prefix, "b.");
    assert_int_equal(s.block.state, all[i].state);
    assert_null(s.block.region);
    assert_true(s.reason[0]);
    for (int k = 0; k < 2; k++)
      if (!strstr(s.reason, all[i].says[k]))
        test_failed("the reason '%s' lacks '%s'", s.reason, all[i].says[k]);
    onefold_weights *out = open_file(p, p->out);
    expect_deploy(p, &cases[0], "a.", -1, out);
    assert_int_equal(count_copied(in, out), p->checkpoint.count - whole);
    assert_int_equal(test_directory_files(&p->directory), 2);
    onefold_weights_close(out);
    onefold_weights_close(in);
    remove_place(p);
  }
}

/// Names that are like a family's without being one.
static void test_not_a_block(void **state) {
  (void)state;
  place *p = make_place();
  const float values[400] = {0};
  test_checkpoint_add(&p->checkpoint, "a.conv1.conv.weight", "F32", (const int64_t[]){4, 4, 1, 1},
                      4, values, 64);
  test_checkpoint_add(&p->checkpoint, "a.conv2.conv.weight", "F32", (const int64_t[]){4, 4, 3, 3},
                      4, values, 576);
  test_checkpoint_add(&p->checkpoint, "xrbr_dense.conv.weight", "F32",
                      (const int64_t[]){4, 4, 3, 3}, 4, values, 576);
  test_checkpoint_add(&p->checkpoint, "rbr_reparam.weight", "F32", (const int64_t[]){4, 4}, 2,
                      values, 64);
  test_checkpoint_add(&p->checkpoint, "b.cheap_operation.weight", "F32",
                      (const int64_t[]){4, 2, 3, 3}, 4, values, 288);
  test_checkpoint_add(&p->checkpoint, "b.cheap_operation.bias", "F32", (const int64_t[]){4}, 1,
                      values, 16);
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  seen s;
  const onefold_checkpoint_options options = options_for(&s);
  onefold_weights *in = open_file(p, p->in);
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
  assert_int_equal(s.blocks, 0);
  assert_int_equal(s.rest, p->checkpoint.count);
  onefold_weights *out = open_file(p, p->out);
  expect_same_file(in, out);
  onefold_weights_close(out);
  onefold_weights_close(in);
  remove_place(p);
}

/// GhostNet's cheap operation, or RepGhost's with an identity that has no tensors: cannot be told
/// apart. And one number of a series is missing.
static void test_ambiguous(void **state) {
  (void)state;
  place *p = make_place();
  test_checkpoint_block(p->context, &p->checkpoint, "repghost",
                        "input=1x4x9x9 out_channels=4 reparam_bn=0 reparam_identity=1", "a.");
  test_checkpoint_block(p->context, &p->checkpoint, "mobileone",
                        "input=1x4x9x9 out_channels=4 groups=4 repeats=3", "b.");
  for (size_t i = 0; i < p->checkpoint.count; i++) {
    char *three = strstr(p->checkpoint.tensors[i].name, "rbr_conv.2");
    if (three) three[strlen("rbr_conv.")] = '7';
  }
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  int states[3] = {0};
  onefold_checkpoint_options options;
  onefold_checkpoint_options_init(&options);
  options.block = count_states;
  options.user = states;
  onefold_weights *in = open_file(p, p->in);
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
  assert_int_equal(states[ONEFOLD_CHECKPOINT_UNKNOWN], 2);
  assert_int_equal(states[ONEFOLD_CHECKPOINT_TRAINING], 0);
  onefold_weights *out = open_file(p, p->out);
  expect_same_file(in, out);
  onefold_weights_close(out);
  onefold_weights_close(in);
  remove_place(p);
}

// -------------------------------------------------------------------- options

static void test_epsilon(void **state) {
  (void)state;
  place *p = make_place();
  const family_case *c = &cases[5]; // 1e-3 is its own
  test_checkpoint_block(p->context, &p->checkpoint, c->block, c->params, "a.");
  float *variance = test_checkpoint_find(&p->checkpoint, "a.rbr_dense.1.running_var")->data;
  variance[1] = 2e-4f;
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  onefold_weights *in = open_file(p, p->in);
  seen s;
  onefold_checkpoint_options options = options_for(&s);
  for (int k = 0; k < 2; k++) {
    options.bn_epsilon = k ? 0.25 : -1;
    test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
    assert_true(s.block.bn_epsilon == (k ? 0.25 : 1e-3));
    assert_true(s.block.family_epsilon == 1e-3);
    assert_true(s.block.least_variance == (double)2e-4f);
    onefold_weights *out = open_file(p, p->out);
    expect_deploy(p, c, "a.", k ? 0.25 : 1e-3, out);
    onefold_weights_close(out);
  }
  onefold_weights_close(in);
  remove_place(p);
}

static void test_check(void **state) {
  (void)state;
  place *p = make_place();
  add_others(&p->checkpoint);
  test_checkpoint_block(p->context, &p->checkpoint, cases[0].block, cases[0].params, "a.");
  test_checkpoint_block(p->context, &p->checkpoint, cases[0].block, cases[0].params, "b.");
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  test_file_write(p->out, "precious", 8);
  onefold_weights *in = open_file(p, p->in);
  seen s;
  onefold_checkpoint_options options = options_for(&s);
  options.check = 1;
  options.check_limit = 0;
  test_fails(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options),
             ONEFOLD_REFUSED);
  test_says(p->context, "a.rbr_reparam");
  assert_int_equal(s.blocks, 2); // every block is reported
  assert_int_equal(s.rest, OTHERS);
  assert_true(s.region.max_rel_error > 0);
  test_file_is(p->out, "precious", 8);
  assert_int_equal(test_directory_files(&p->directory), 2);
  options.check_limit = 1e-5;
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
  assert_true(s.region.max_rel_error >= 0 && s.region.max_rel_error <= 1e-5);
  options.check = 0;
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
  assert_true(s.region.max_rel_error < 0);
  onefold_weights_close(in);
  remove_place(p);
}

// ---------------------------------------------------------------------- files

static void test_files(void **state) {
  (void)state;
  place *p = make_place();
  add_others(&p->checkpoint);
  test_checkpoint_block(p->context, &p->checkpoint, cases[0].block, cases[0].params, "a.");
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  onefold_weights *in = open_file(p, p->in);
  const onefold_safetensors *file = onefold_weights_file(in);
  unsigned char *before = malloc(file->length);
  assert_non_null(before);
  memcpy(before, file->bytes, file->length);
  const size_t length = file->length;

  // Without an output.
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, NULL, NULL));
  assert_int_equal(test_directory_files(&p->directory), 1);
  // A directory that is not there, and a path that is one.
  test_file_path missing;
  snprintf(missing, sizeof missing, "%s/none/out.safetensors", p->directory.path);
  test_fails(p->context, onefold_checkpoint_fold(p->context, in, missing, NULL), ONEFOLD_IO);
  test_says(p->context, missing);
  test_fails(p->context, onefold_checkpoint_fold(p->context, in, p->directory.path, NULL),
             ONEFOLD_IO);
  // No room: nothing stays.
  test_file_limit(200);
  test_fails(p->context, onefold_checkpoint_fold(p->context, in, p->out, NULL), ONEFOLD_IO);
  test_file_unlimit();
  assert_int_equal(test_directory_files(&p->directory), 1);
  test_file_is(p->in, before, length);
  // Elsewhere first, then onto the input itself: the same.
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, NULL));
  test_file_is(p->in, before, length);
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->in, NULL));
  onefold_weights *out = open_file(p, p->out), *replaced = open_file(p, p->in);
  expect_same_file(out, replaced);
  assert_memory_equal(file->bytes, before, length);
  onefold_weights_close(replaced);
  onefold_weights_close(out);
  onefold_weights_close(in);
  free(before);
  remove_place(p);
}

static void test_arguments(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_weights *seeded;
  test_ok(context, onefold_weights_seeded(context, 1, &seeded));
  test_fails(context, onefold_checkpoint_visit(context, seeded, NULL), ONEFOLD_UNSUPPORTED);
  test_fails(context, onefold_checkpoint_fold(context, seeded, NULL, NULL), ONEFOLD_UNSUPPORTED);
  test_fails(context, onefold_checkpoint_fold(context, NULL, NULL, NULL), ONEFOLD_INVALID_ARGUMENT);
  onefold_checkpoint_options options;
  onefold_checkpoint_options_init(&options);
  options.bn_epsilon = NAN;
  test_fails(context, onefold_checkpoint_fold(context, seeded, NULL, &options),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "bn_epsilon");
  onefold_checkpoint_options_init(&options);
  options.check_limit = -1;
  test_fails(context, onefold_checkpoint_visit(context, seeded, &options),
             ONEFOLD_INVALID_ARGUMENT);
  onefold_checkpoint_options_init(&options);
  options.struct_size--;
  test_fails(context, onefold_checkpoint_visit(context, seeded, &options),
             ONEFOLD_INVALID_ARGUMENT);
  onefold_weights_close(seeded);
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_families),      cmocka_unit_test(test_together),
      cmocka_unit_test(test_element_types), cmocka_unit_test(test_constants),
      cmocka_unit_test(test_broken),        cmocka_unit_test(test_not_a_block),
      cmocka_unit_test(test_ambiguous),     cmocka_unit_test(test_epsilon),
      cmocka_unit_test(test_check),         cmocka_unit_test(test_files),
      cmocka_unit_test(test_arguments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
