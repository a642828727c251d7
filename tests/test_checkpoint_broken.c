// SPDX-License-Identifier: BSD-3-Clause
// Blocks of checkpoints that are not what they seem: left as they are, with a reason.
#include "models/safetensors.h"
#include "tests/checkpoint_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const test_family plain = {
    "RepVGG", "repvgg", "input=1x6x9x9 out_channels=6", "rbr_reparam", 6, 6, 3, 1, 1};

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
    test_place *p = test_place_make();
    test_checkpoint_block(p->context, &p->checkpoint, "repvgg", plain.params, "a.");
    const size_t whole = p->checkpoint.count;
    test_checkpoint_block(p->context, &p->checkpoint, "repvgg", plain.params, "b.");
    all[i].change(&p->checkpoint);
    test_checkpoint_write(p->context, &p->checkpoint, p->in);
    test_seen s;
    const onefold_checkpoint_options options = test_options_for(&s);
    onefold_weights *in = test_place_open(p, p->in);
    test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
    assert_int_equal(onefold_context_last_error(p->context, NULL, 0), ONEFOLD_OK);
    assert_int_equal(s.blocks, 2);
    assert_int_equal(s.regions, 1);
    assert_string_equal(s.prefix, "b.");
    assert_int_equal(s.block.state, all[i].state);
    assert_null(s.block.region);
    assert_true(s.reason[0]);
    for (int k = 0; k < 2; k++)
      if (!strstr(s.reason, all[i].says[k]))
        test_failed("the reason '%s' lacks '%s'", s.reason, all[i].says[k]);
    onefold_weights *out = test_place_open(p, p->out);
    test_expect_deploy(p, &plain, "a.", -1, out);
    assert_int_equal(test_count_copied(in, out), p->checkpoint.count - whole);
    assert_int_equal(test_directory_files(&p->directory), 2);
    onefold_weights_close(out);
    onefold_weights_close(in);
    test_place_remove(p);
  }
}

/// Names that are like a family's without being one.
static void test_not_a_block(void **state) {
  (void)state;
  test_place *p = test_place_make();
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
  test_seen s;
  const onefold_checkpoint_options options = test_options_for(&s);
  onefold_weights *in = test_place_open(p, p->in);
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
  assert_int_equal(s.blocks, 0);
  assert_int_equal(s.rest, p->checkpoint.count);
  onefold_weights *out = test_place_open(p, p->out);
  test_expect_same_file(in, out);
  onefold_weights_close(out);
  onefold_weights_close(in);
  test_place_remove(p);
}

/// GhostNet's cheap operation, or RepGhost's with an identity that has no tensors: cannot be told
/// apart. And one number of a series is missing.
static void test_ambiguous(void **state) {
  (void)state;
  test_place *p = test_place_make();
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
  options.block = test_count_states;
  options.user = states;
  onefold_weights *in = test_place_open(p, p->in);
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, p->out, &options));
  assert_int_equal(states[ONEFOLD_CHECKPOINT_UNKNOWN], 2);
  assert_int_equal(states[ONEFOLD_CHECKPOINT_TRAINING], 0);
  onefold_weights *out = test_place_open(p, p->out);
  test_expect_same_file(in, out);
  onefold_weights_close(out);
  onefold_weights_close(in);
  test_place_remove(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_broken),
      cmocka_unit_test(test_not_a_block),
      cmocka_unit_test(test_ambiguous),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
