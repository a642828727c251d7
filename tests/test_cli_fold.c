// SPDX-License-Identifier: BSD-3-Clause
// onefold fold and onefold list: what they print, what they write, and their exit codes.
#include "tests/checkpoint_support.h"
#include "tests/cli_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Two RepVGG blocks, a YOLOv7 RepConv with a small variance, and a broken block, in p->in.
static test_place *make_mixed(void) {
  test_place *p = test_place_make();
  test_checkpoint *c = &p->checkpoint;
  test_checkpoint_others(c);
  test_checkpoint_block(p->context, c, "repvgg", "input=1x6x9x9 out_channels=6 groups=2", "a.");
  test_checkpoint_block(p->context, c, "repvgg", "input=1x6x9x9 out_channels=8", "b.");
  test_checkpoint_block(p->context, c, "repconv", "input=1x4x9x9 out_channels=8", "model.102.");
  test_checkpoint_block(p->context, c, "repvgg", "input=1x6x9x9 out_channels=8", "broken.");
  test_checkpoint_drop(c, "broken.rbr_1x1.bn.running_var");
  ((float *)test_checkpoint_find(c, "model.102.rbr_1x1.1.running_var")->data)[3] = 0.05f;
  test_checkpoint_write(p->context, c, p->in);
  return p;
}

static test_run run_with(const char *command, const test_place *p, const char *arguments,
                         int code) {
  char line[1024];
  snprintf(line, sizeof line, "%s %s %s", command, p->in, arguments);
  test_run run = test_program(line);
  test_exits(&run, line, code);
  return run;
}

/// Runs "fold <p->in> -o <p->out> <arguments>".
static test_run run_fold(const test_place *p, const char *arguments, int code) {
  char text[512];
  snprintf(text, sizeof text, "-o %s %s", p->out, arguments);
  return run_with("fold", p, text, code);
}

static json_t *parse(test_run *run) {
  json_error_t error;
  json_t *root = json_loads(run->out, JSON_REJECT_DUPLICATES, &error);
  if (!root) fail_msg("line %d: %s in:\n%s", error.line, error.text, run->out);
  test_run_free(run);
  return root;
}

static void expect_line(const char *text, const char *part) {
  if (!strstr(text, part)) fail_msg("'%s' is not in:\n%s", part, text);
}

static json_int_t integer(const json_t *object, const char *key) {
  const json_t *value = json_object_get(object, key);
  if (!json_is_integer(value)) fail_msg("no integer %s", key);
  return json_integer_value(value);
}

static const char *text(const json_t *object, const char *key) {
  const char *value = json_string_value(json_object_get(object, key));
  if (!value) fail_msg("no text %s", key);
  return value;
}

static void test_table(void **state) {
  (void)state;
  test_place *p = make_mixed();
  test_run run = run_fold(p, "--check", 0);
  expect_line(run.out, "a.          RepVGG          6->6 3x3 g2  folded");
  expect_line(run.out, "model.102.  YOLOv7 RepConv  4->8 3x3     folded");
  expect_line(run.out, "broken.     RepVGG          -            unknown");
  expect_line(run.out, "broken.: 'broken.rbr_1x1.bn.running_var' is missing: batch norm without");
  expect_line(run.out, "3 of 4 blocks folded; 6 other tensors copied");
  expect_line(run.out, "1 blocks stay in their training form");
  expect_line(run.out, p->out);
  expect_line(run.err, "warning: 1 blocks of YOLOv7 RepConv: epsilon 0.001");
  expect_line(run.err, "1 blocks of YOLOv7 RepConv have a variance below 100 times epsilon 0.001 "
                       "(0.05 in 'model.102.')");
  assert_null(strstr(run.err, "RepVGG:"));
  test_run_free(&run);
  onefold_weights *out = test_place_open(p, p->out);
  int64_t dims[8];
  int32_t rank;
  test_ok(p->context, onefold_weights_shape(out, "model.102.rbr_reparam.weight", dims, &rank));
  onefold_weights_close(out);

  // Once more: nothing is left but the broken block, and the bytes are the same.
  char line[1024];
  snprintf(line, sizeof line, "fold %s -o %s", p->out, p->again);
  run = test_program(line);
  test_exits(&run, line, 0);
  expect_line(run.out, "0 of 4 blocks folded");
  expect_line(run.out, "3 blocks were folded already");
  test_run_free(&run);
  out = test_place_open(p, p->out);
  onefold_weights *again = test_place_open(p, p->again);
  test_expect_same_file(out, again);
  onefold_weights_close(again);
  onefold_weights_close(out);
  test_place_remove(p);
}

static void test_json(void **state) {
  (void)state;
  test_place *p = make_mixed();
  test_run run = run_fold(p, "--json --check", 0);
  json_t *root = parse(&run);
  assert_string_equal(text(root, "input"), p->in);
  assert_string_equal(text(root, "output"), p->out);
  assert_string_equal(text(root, "version"), onefold_version());
  assert_int_equal(integer(root, "folded"), 3);
  assert_int_equal(integer(root, "unknown"), 1);
  assert_int_equal(integer(root, "not_folded"), 0);
  assert_int_equal(integer(root, "already_folded"), 0);
  assert_int_equal(integer(root, "other_tensors"), TEST_OTHERS);
  assert_int_equal(json_array_size(json_object_get(root, "warnings")), 2);
  const json_t *blocks = json_object_get(root, "blocks");
  assert_int_equal(json_array_size(blocks), 4);
  const json_t *block = json_array_get(blocks, 0);
  assert_string_equal(text(block, "prefix"), "a.");
  assert_string_equal(text(block, "family"), "RepVGG");
  assert_string_equal(text(block, "block"), "repvgg");
  assert_string_equal(text(block, "state"), "folded");
  assert_string_equal(text(block, "reason"), "");
  assert_string_equal(text(block, "dtype"), "F32");
  assert_int_equal(integer(block, "in_channels"), 6);
  assert_int_equal(integer(block, "groups"), 2);
  assert_int_equal(integer(block, "tensors"), 17);
  assert_true(test_number(block, "bn_epsilon") == 1e-5);
  assert_true(test_number(block, "least_variance") >= 0.5);
  // 6 x 3 x 9, 6 x 3 and three batch norms; 6 x 3 x 9 and a bias.
  assert_int_equal(integer(json_object_get(block, "parameters"), "before"), 162 + 18 + 36);
  assert_int_equal(integer(json_object_get(block, "parameters"), "after"), 162 + 6);
  assert_true(test_number(json_object_get(block, "macs_per_pixel"), "before") == 180);
  assert_true(test_number(json_object_get(block, "macs_per_pixel"), "after") == 162);
  assert_true(test_number(block, "max_rel_error") >= 0 &&
              test_number(block, "max_rel_error") < 1e-5);
  const json_t *weights = json_object_get(block, "channel_weights");
  assert_true(test_number(weights, "largest") >= test_number(weights, "median"));
  assert_true(test_number(weights, "ratio") >= 1);
  block = json_array_get(blocks, 3);
  assert_string_equal(text(block, "state"), "unknown");
  assert_true(json_is_null(json_object_get(block, "least_variance")));
  assert_null(json_object_get(block, "parameters"));
  json_decref(root);

  // Unless it is asked for, no error is measured.
  run = run_with("fold", p, "--dry-run --json", 0);
  root = parse(&run);
  assert_true(json_is_null(json_object_get(root, "output")));
  block = json_array_get(json_object_get(root, "blocks"), 0);
  assert_true(json_is_null(json_object_get(block, "max_abs_error")));
  json_decref(root);
  test_place_remove(p);
}

static void test_writing(void **state) {
  (void)state;
  test_place *p = make_mixed();
  test_run run = run_with("fold", p, "--dry-run", 0);
  expect_line(run.out, "nothing was written");
  test_run_free(&run);
  assert_int_equal(test_directory_files(&p->directory), 1);

  test_file_write(p->out, "precious", 8);
  run = run_fold(p, "--check=0", 3);
  expect_line(run.out, "nothing was written");
  expect_line(run.err, "a.rbr_reparam: the folded form differs by");
  test_run_free(&run);
  run = run_fold(p, "--check=0 --json", 3);
  json_t *root = parse(&run);
  assert_true(json_is_null(json_object_get(root, "output")));
  json_decref(root);
  test_file_is(p->out, "precious", 8);

  char arguments[512];
  snprintf(arguments, sizeof arguments, "-o %s/none/x.safetensors", p->directory.path);
  run = run_with("fold", p, arguments, 1);
  expect_line(run.err, "none/x.safetensors");
  test_run_free(&run);
  assert_int_equal(test_directory_files(&p->directory), 2);

  // Onto itself.
  snprintf(arguments, sizeof arguments, "-o %s", p->in);
  run = run_with("fold", p, arguments, 0);
  test_run_free(&run);
  run = run_with("list", p, "", 0);
  expect_line(run.out, "3 blocks were folded already");
  test_run_free(&run);
  assert_int_equal(test_directory_files(&p->directory), 2);
  test_place_remove(p);
}

static void test_epsilon(void **state) {
  (void)state;
  test_place *p = make_mixed();
  test_run run = run_fold(p, "--eps=0.02 --json", 0);
  json_t *root = parse(&run);
  const json_t *block = json_array_get(json_object_get(root, "blocks"), 0),
               *warnings = json_object_get(root, "warnings");
  assert_true(test_number(block, "bn_epsilon") == 0.02);
  assert_true(test_number(block, "family_epsilon") == 1e-5);
  expect_line(json_string_value(json_array_get(warnings, 0)),
              "2 blocks of RepVGG: epsilon 0.02 in place of the family's 1e-05");
  json_decref(root);
  test_place_remove(p);
}

static void test_half(void **state) {
  (void)state;
  test_place *p = test_place_make();
  test_checkpoint_block(p->context, &p->checkpoint, "repvgg", "input=1x6x9x9 out_channels=8", "a.");
  test_checkpoint_convert(&p->checkpoint, "F16");
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  test_run run = run_fold(p, "", 0);
  expect_line(run.out, "1 folded blocks were of another type and are F32 now");
  test_run_free(&run);
  test_place_remove(p);
}

static void test_note(void **state) {
  (void)state;
  test_place *p = test_place_make();
  test_checkpoint_block(p->context, &p->checkpoint, "repghost", "input=1x6x9x9 out_channels=8",
                        "a.");
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  test_run run = run_fold(p, "", 0);
  expect_line(run.err, "warning: 1 blocks of RepGhost: a plain identity beside fusion_bn");
  test_run_free(&run);
  test_place_remove(p);
}

static void test_list(void **state) {
  (void)state;
  test_place *p = make_mixed();
  test_run run = run_with("list", p, "", 0);
  expect_line(run.out, "a.rbr_dense.conv.weight ");
  expect_line(run.out, "6x3x3x3\n");
  expect_line(run.out, "a.rbr_dense.bn.num_batches_tracked");
  expect_line(run.out, "I64   scalar\n");
  expect_line(run.out, "model.102.  YOLOv7 RepConv  4->8 3x3     training\n");
  expect_line(run.out, "6 of them in no block; 3 blocks can be folded\n");
  assert_null(strstr(run.out, "already"));
  assert_null(strstr(run.out, "folded by"));
  test_run_free(&run);

  run = run_with("list", p, "--json", 0);
  json_t *root = parse(&run);
  assert_int_equal(json_array_size(json_object_get(root, "tensors")), p->checkpoint.count);
  assert_int_equal(json_array_size(json_object_get(root, "blocks")), 4);
  assert_int_equal(integer(root, "training"), 3);
  assert_int_equal(integer(root, "already_folded"), 0);
  assert_true(json_is_null(json_object_get(root, "onefold")));
  json_decref(root);

  run = run_fold(p, "", 0);
  test_run_free(&run);
  char line[512];
  snprintf(line, sizeof line, "list %s", p->out);
  run = test_program(line);
  test_exits(&run, line, 0);
  expect_line(run.out, "already folded");
  expect_line(run.out, "0 blocks can be folded\n");
  expect_line(run.out, "folded by onefold ");
  expect_line(run.out, ", 3 blocks folded\n");
  test_run_free(&run);
  test_place_remove(p);
}

static void test_mistakes(void **state) {
  (void)state;
  static const test_mistake mistakes[] = {
      {"fold", 2, "no checkpoint"},
      {"fold /nonexistent/a.safetensors", 2, "--dry-run"},
      {"fold /nonexistent/a.safetensors -n", 1, "/nonexistent/a.safetensors"},
      {"fold a b -n", 2, "b: one checkpoint"},
      {"fold a -n --eps=-1", 2, "--eps=-1"},
      {"fold a -n --eps=x", 2, "--eps=x"},
      {"fold a -n --eps=nan", 2, "--eps=nan"},
      {"fold a -n --check=no", 2, "--check=no"},
      {"fold a -n --nonsense", 2, "nonsense"},
      {"list", 2, "no checkpoint"},
      {"list a b", 2, "b: one checkpoint"},
      {"list /nonexistent/a.safetensors", 1, "/nonexistent/a.safetensors"},
      {"list /dev/null", 1, "/dev/null"},
  };
  test_expect_mistakes(mistakes, sizeof mistakes / sizeof *mistakes);
  for (int k = 0; k < 2; k++) {
    test_run run = test_program(k ? "fold --help" : "list --help");
    test_exits(&run, "--help", 0);
    expect_line(run.out, "Usage: onefold");
    expect_line(run.out, "Exit codes");
    test_run_free(&run);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table),   cmocka_unit_test(test_json),
      cmocka_unit_test(test_writing), cmocka_unit_test(test_epsilon),
      cmocka_unit_test(test_half),    cmocka_unit_test(test_note),
      cmocka_unit_test(test_list),    cmocka_unit_test(test_mistakes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
