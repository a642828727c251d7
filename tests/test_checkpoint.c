// SPDX-License-Identifier: BSD-3-Clause
// Folding whole checkpoints: every family, every element type, the options, and files that must
// stay as they are.
#include "models/family.h"
#include "tests/checkpoint_support.h"
#include "tests/file_support.h"
#include "tests/graph_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const test_family cases[] = {
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
    {"RepVGG", "repvggplus", "input=1x8x9x9 out_channels=8 groups=2 se_hidden=2", "rbr_reparam", 8,
     8, 3, 2, 1},
};
#define CASES (sizeof cases / sizeof *cases)

/// Tensors of the case's block that stay: those of the convolution before it, or of the
/// squeeze-and-excitation behind it.
static int count_beside(const test_checkpoint *checkpoint) {
  int count = 0;
  for (size_t i = 0; i < checkpoint->count; i++)
    count += strstr(checkpoint->tensors[i].name, "primary_conv.") != NULL ||
             strstr(checkpoint->tensors[i].name, "post_se.") != NULL;
  return count;
}

static void expect_block(const test_seen *s, const test_family *c, const char *prefix,
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
static test_family as_deployed(const test_family *c) {
  test_family d = *c;
  if (strcmp(c->deploy, "cheap_operation") == 0) return d;
  d.in = c->in / c->groups;
  d.groups = 1;
  return d;
}

/// Folds p->in, which holds the case's block and the others, to p->out, and that to p->again.
static void check_fold(test_place *p, const test_family *c, const char *prefix) {
  test_seen s;
  const onefold_checkpoint_options options = test_options_for(&s);
  const int beside = count_beside(&p->checkpoint);
  onefold_weights *in = test_place_open(p, p->in);
  test_ok(p->context, onefold_checkpoint_visit(p->context, in, &options));
  expect_block(&s, c, prefix, ONEFOLD_CHECKPOINT_TRAINING);
  assert_string_equal(s.family, c->family);
  assert_int_equal(s.rest, TEST_OTHERS + beside);
  assert_int_equal(s.block.tensors, p->checkpoint.count - (size_t)(TEST_OTHERS + beside));
  assert_int_equal(s.regions, 0);

  test_options_for(&s);
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
  expect_block(&s, c, prefix, ONEFOLD_CHECKPOINT_TRAINING);
  assert_int_equal(s.rest, TEST_OTHERS + beside);
  assert_int_equal(s.regions, 1);
  assert_int_equal(s.region.verdict, ONEFOLD_FOLD_EXACT);
  const double macs = (double)(c->out * (c->in / c->groups) * c->kernel * c->kernel);
  assert_true(fabs(s.region.macs_after - macs) < 1e-6 * macs);
  assert_int_equal(s.region.parameters_after, (int64_t)macs + c->out);
  assert_true(s.region.parameters_before > 0);

  onefold_weights *out = test_place_open(p, p->out);
  test_expect_deploy(p, c, prefix, -1, out);
  assert_int_equal(test_count_copied(in, out), TEST_OTHERS + beside);
  assert_int_equal(onefold_weights_file(out)->count, TEST_OTHERS + beside + 2);
  assert_string_equal(onefold_weights_metadata(out, "made"), "by a test");
  assert_non_null(strstr(onefold_weights_metadata(out, "onefold"), "1 blocks folded"));

  test_options_for(&s);
  test_ok(p->context, onefold_checkpoint_fold(p->context, out, p->again, &options));
  onefold_weights *again = test_place_open(p, p->again);
  test_expect_same_file(out, again);
  const test_family deployed = as_deployed(c);
  if (c->deploy_is_told)
    expect_block(&s, &deployed, prefix, ONEFOLD_CHECKPOINT_FOLDED);
  else
    assert_int_equal(s.blocks, 0);
  onefold_weights_close(again);
  onefold_weights_close(out);
  onefold_weights_close(in);
}

/// Every family of the list has a case here.
static void test_list(void **state) {
  (void)state;
  const onefold_family *family;
  for (size_t i = 0; (family = onefold_family_at(i)); i++) {
    size_t k = 0;
    while (k < CASES && (strcmp(cases[k].family, family->name) != 0 ||
                         strcmp(cases[k].block, family->block) != 0 ||
                         strcmp(cases[k].deploy, family->deploy) != 0))
      k++;
    if (k == CASES) test_failed("no case for %s", family->name);
  }
}

static void test_families(void **state) {
  (void)state;
  static const char *const prefixes[] = {"", "stage1.0.", "model.102.", "ema.model.102."};
  for (size_t i = 0; i < CASES; i++)
    for (size_t k = 0; k < sizeof prefixes / sizeof *prefixes; k++) {
      test_case("%s %s at '%s'", cases[i].block, cases[i].params, prefixes[k]);
      test_place *p = test_place_make();
      // The block's tensors lie between the others.
      test_checkpoint_others(&p->checkpoint);
      test_checkpoint_block(p->context, &p->checkpoint, cases[i].block, cases[i].params,
                            prefixes[k]);
      const test_tensor first = p->checkpoint.tensors[0];
      memmove(p->checkpoint.tensors, p->checkpoint.tensors + 1,
              (p->checkpoint.count - 1) * sizeof first);
      p->checkpoint.tensors[p->checkpoint.count - 1] = first;
      test_checkpoint_write(p->context, &p->checkpoint, p->in);
      check_fold(p, &cases[i], prefixes[k]);
      test_place_remove(p);
    }
}

/// All families in one file, each at its place: one block each, in the file's order.
/// All families in one file: one block each.
static void test_together(void **state) {
  (void)state;
  test_place *p = test_place_make();
  for (size_t i = 0; i < CASES; i++) {
    char prefix[32];
    snprintf(prefix, sizeof prefix, "model.%zu.", i);
    test_checkpoint_block(p->context, &p->checkpoint, cases[i].block, cases[i].params, prefix);
  }
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  int states[3] = {0};
  onefold_checkpoint_options options;
  onefold_checkpoint_options_init(&options);
  options.block = test_count_states;
  options.user = states;
  options.check = 1;
  onefold_weights *in = test_place_open(p, p->in);
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
  assert_int_equal(states[ONEFOLD_CHECKPOINT_TRAINING], CASES);
  onefold_weights *out = test_place_open(p, p->out);
  for (size_t i = 0; i < CASES; i++) {
    char prefix[32];
    snprintf(prefix, sizeof prefix, "model.%zu.", i);
    test_case("%s %s", cases[i].block, cases[i].params);
    test_expect_deploy(p, &cases[i], prefix, -1, out);
  }
  onefold_weights_close(out);
  onefold_weights_close(in);
  test_place_remove(p);
}

/// Constants that OREPA stores: read where they are there, and not copied.
static void test_constants(void **state) {
  (void)state;
  static const test_family c = {
      "OREPA", "orepa", "input=1x6x9x9 out_channels=6", "orepa_reparam", 6, 6, 3, 1, 1};
  test_place *p = test_place_make();
  test_checkpoint_others(&p->checkpoint);
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
  test_place_remove(p);
}

static void test_element_types(void **state) {
  (void)state;
  static const char *const types[] = {"F16", "BF16", "F64"};
  for (size_t i = 0; i < 3; i++) {
    test_case("%s", types[i]);
    test_place *p = test_place_make();
    test_checkpoint_others(&p->checkpoint);
    test_checkpoint_drop(&p->checkpoint, "linear.weight"); // the conversion is for F32 alone
    test_checkpoint_drop(&p->checkpoint, "empty");
    test_checkpoint_block(p->context, &p->checkpoint, cases[0].block, cases[0].params, "a.");
    test_checkpoint_convert(&p->checkpoint, types[i]);
    test_checkpoint_write(p->context, &p->checkpoint, p->in);
    onefold_weights *in = test_place_open(p, p->in);
    test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, NULL));
    onefold_weights *out = test_place_open(p, p->out);
    test_expect_deploy(p, &cases[0], "a.", -1, out);
    assert_int_equal(test_count_copied(in, out), TEST_OTHERS - 2);
    onefold_weights_close(out);
    onefold_weights_close(in);
    test_place_remove(p);
  }
}

// -------------------------------------------------------------------- options

static void test_epsilon(void **state) {
  (void)state;
  test_place *p = test_place_make();
  const test_family *c = &cases[5]; // 1e-3 is its own
  test_checkpoint_block(p->context, &p->checkpoint, c->block, c->params, "a.");
  float *variance = test_checkpoint_find(&p->checkpoint, "a.rbr_dense.1.running_var")->data;
  variance[1] = 2e-4f;
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  onefold_weights *in = test_place_open(p, p->in);
  test_seen s;
  onefold_checkpoint_options options = test_options_for(&s);
  for (int k = 0; k < 2; k++) {
    options.bn_epsilon = k ? 0.25 : -1;
    test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
    assert_true(s.block.bn_epsilon == (k ? 0.25 : 1e-3));
    assert_true(s.block.family_epsilon == 1e-3);
    assert_true(s.block.least_variance == (double)2e-4f);
    onefold_weights *out = test_place_open(p, p->out);
    test_expect_deploy(p, c, "a.", k ? 0.25 : 1e-3, out);
    onefold_weights_close(out);
  }
  onefold_weights_close(in);
  test_place_remove(p);
}

static void test_check(void **state) {
  (void)state;
  test_place *p = test_place_make();
  test_checkpoint_others(&p->checkpoint);
  test_checkpoint_block(p->context, &p->checkpoint, cases[0].block, cases[0].params, "a.");
  test_checkpoint_block(p->context, &p->checkpoint, cases[0].block, cases[0].params, "b.");
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  test_file_write(p->out, "precious", 8);
  onefold_weights *in = test_place_open(p, p->in);
  test_seen s;
  onefold_checkpoint_options options = test_options_for(&s);
  options.check = 1;
  options.check_limit = 0;
  test_fails(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options),
             ONEFOLD_REFUSED);
  test_says(p->context, "a.rbr_reparam");
  assert_int_equal(s.blocks, 2); // every block is reported
  assert_int_equal(s.rest, TEST_OTHERS);
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
  test_place_remove(p);
}

// ---------------------------------------------------------------------- files

static void test_files(void **state) {
  (void)state;
  test_place *p = test_place_make();
  test_checkpoint_others(&p->checkpoint);
  test_checkpoint_block(p->context, &p->checkpoint, cases[0].block, cases[0].params, "a.");
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  onefold_weights *in = test_place_open(p, p->in);
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
  onefold_weights *out = test_place_open(p, p->out), *replaced = test_place_open(p, p->in);
  test_expect_same_file(out, replaced);
  assert_memory_equal(file->bytes, before, length);
  onefold_weights_close(replaced);
  onefold_weights_close(out);
  onefold_weights_close(in);
  free(before);
  test_place_remove(p);
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
      cmocka_unit_test(test_list),      cmocka_unit_test(test_families),
      cmocka_unit_test(test_together),  cmocka_unit_test(test_element_types),
      cmocka_unit_test(test_constants), cmocka_unit_test(test_epsilon),
      cmocka_unit_test(test_check),     cmocka_unit_test(test_files),
      cmocka_unit_test(test_arguments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
