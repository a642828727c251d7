// SPDX-License-Identifier: BSD-3-Clause
// The knobs of algorithms: each changes a plan, which tells it.
#include "ops/conv_space.h"
#include "tests/conv_support.h"

#include <stdio.h>
#include <string.h>

// One or more of each algorithm, large enough for several values of its knobs.
static const char *const problems[] = {
    "ic192ih13oc160oh13kh3ph1",   "ic3ih20oc96oh10kh3sh2ph1",  "mb2ic160ih11oc288oh11kh1",
    "mb2ic160ih11oc224oh6kh1sh2", "g96ic96ih12oc96oh12kh3ph1", "ic128ih19oc192oh10kh3sh2ph1",
    "g48ic96ih12oc96oh12kh3ph1",
};

/// The plan of an algorithm with one number of the tiling; zero where it does not apply.
static int plan_with(onefold_context *context, const onefold_conv2d_desc *desc,
                     const onefold_conv_algorithm *algorithm, size_t field, int32_t value,
                     onefold_tiling *got) {
  onefold_tiling tiling = {.threads = onefold_context_threads(context)};
  onefold_conv2d_plan *plan = NULL;
  snprintf(tiling.algorithm, sizeof tiling.algorithm, "%s", algorithm->name);
  memcpy((char *)&tiling + field, &value, sizeof value);
  test_ok(context, onefold_conv2d_plan_create_tiled(context, desc, &tiling, &plan));
  onefold_conv2d_plan_get_tiling(plan, got);
  memset(got->source, 0, sizeof got->source);
  onefold_conv2d_plan_destroy(plan);
  return strcmp(got->algorithm, algorithm->name) == 0;
}

/// Do two values of the knob come to two plans of the problem?
static int tells_apart(onefold_context *context, const onefold_conv2d_desc *desc,
                       const onefold_conv_algorithm *algorithm, const onefold_conv_knob *knob) {
  onefold_conv_problem problem;
  onefold_conv_range range;
  onefold_tiling none = {.threads = 0}, first, next;
  const int32_t tasks = onefold_context_threads(context);
  test_ok(context, onefold_conv_problem_make(context, desc, &problem));
  knob->range(algorithm, &problem, tasks, &none, &range);
  if (!plan_with(context, desc, algorithm, knob->field, range.least, &first)) return 0;
  if (!range.count) range.value[range.count++] = range.most; // of those that are never tried
  for (int32_t i = 0; i < range.count; i++) {
    plan_with(context, desc, algorithm, knob->field, range.value[i], &next);
    if (memcmp(&first, &next, sizeof first) != 0) return 1;
  }
  return 0;
}

/// No algorithm declares a knob that does nothing.
static void test_knobs_matter(void **state) {
  conv_context c;
  size_t count = 0;
  const onefold_tiling_field *fields = onefold_tiling_fields(&count);
  conv_context_create(&c, test_level(state), 4, ONEFOLD_ACCURACY_FAST);
  onefold_context *context = conv_writable(c.context);
  for (size_t a = 0; a < onefold_conv_algorithm_count; a++) {
    const onefold_conv_algorithm *algorithm = onefold_conv_algorithms[a];
    for (int k = 0; algorithm->knobs && algorithm->knobs[k]; k++) {
      const onefold_conv_knob *knob = algorithm->knobs[k];
      size_t f = 0;
      int matters = 0;
      while (f < count && fields[f].offset != knob->field) f++;
      assert_true(f < count);
      for (size_t i = 0; i < sizeof problems / sizeof problems[0] && !matters; i++) {
        onefold_conv2d_desc desc;
        test_ok(context, onefold_conv2d_desc_parse(context, problems[i], &desc));
        desc.in_layout = desc.in_channels < 4 ? ONEFOLD_NCHW : ONEFOLD_BLOCKED;
        matters = tells_apart(context, &desc, algorithm, knob);
      }
      if (!matters) fail_msg("%s: no value of %s changes a plan", algorithm->name, fields[f].name);
    }
  }
  conv_context_destroy(&c);
}

/// A choice that is told says no as well as yes, where the default choice is either.
static void test_ahead_is_told(void **state) {
  static const struct {
    const char *problem, *algorithm;
    int32_t by_default;
  } rows[] = {
      {"ic512ih100oc256oh100kh1", "pointwise", 2}, {"ic32ih9oc64oh9kh1", "pointwise", 1},
      {"ic64ih3oc256oh3kh3ph1", "direct", 2},      {"ic64ih90oc64oh90kh3ph1", "direct", 1},
      {"ic64ih14oc64oh14kh3ph1", "winograd4", 0},
  };
  conv_context c;
  conv_context_create(&c, test_level(state), 1, ONEFOLD_ACCURACY_STANDARD);
  onefold_context *context = conv_writable(c.context);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    for (int32_t ahead = 0; ahead < 3; ahead++) {
      onefold_conv2d_desc desc;
      onefold_tiling got, again;
      onefold_conv2d_plan *plan = NULL;
      size_t a = 0;
      while (strcmp(onefold_conv_algorithms[a]->name, rows[i].algorithm) != 0) a++;
      test_ok(context, onefold_conv2d_desc_parse(context, rows[i].problem, &desc));
      assert_true(plan_with(context, &desc, onefold_conv_algorithms[a],
                            offsetof(onefold_tiling, ahead), ahead, &got));
      test_case("%s, ahead %d", rows[i].problem, ahead);
      assert_int_equal(got.ahead, ahead && rows[i].by_default ? ahead : rows[i].by_default);
      test_ok(context, onefold_conv2d_plan_create_tiled(context, &desc, &got, &plan));
      onefold_conv2d_plan_get_tiling(plan, &again);
      assert_int_equal(again.ahead, got.ahead);
      onefold_conv2d_plan_destroy(plan);
    }
  }
  conv_context_destroy(&c);
}

static int most_piece(void *user, const onefold_conv2d_candidate *candidate) {
  const int is = !candidate->refusal && strcmp(candidate->tiling.algorithm, "gather") == 0;
  int32_t *most = user;
  if (is && candidate->tiling.piece > *most) *most = candidate->tiling.piece;
  return 0;
}

/// A piece is of one image, and so is what a task gathers.
static void test_pieces_of_a_batch(void **state) {
  static const char *const algorithms[] = {"gather", "pointwise"};
  conv_context c;
  conv_context_create(&c, test_level(state), 1, ONEFOLD_ACCURACY_STRICT);
  onefold_context *context = conv_writable(c.context);
  for (int i = 0; i < 2; i++) {
    size_t bytes[2];
    for (int64_t batch = 1; batch <= 8; batch += 7) {
      onefold_conv2d_desc desc;
      onefold_conv2d_plan *plan = NULL;
      onefold_conv2d_plan_info info;
      onefold_tiling tiling = {.piece = 392}, got;
      int32_t most = 0;
      snprintf(tiling.algorithm, sizeof tiling.algorithm, "%s", algorithms[i]);
      test_ok(context, onefold_conv2d_desc_parse(
                           context, i ? "ic64ih7oc64oh7kh1" : "ic64ih14oc64oh7kh1sh2", &desc));
      desc.batch = batch;
      test_ok(context, onefold_conv2d_plan_create_tiled(context, &desc, &tiling, &plan));
      onefold_conv2d_plan_get_tiling(plan, &got);
      onefold_conv2d_plan_get_info(plan, &info);
      assert_int_equal(got.piece, 49);
      bytes[batch > 1] = info.workspace_bytes;
      onefold_conv2d_plan_destroy(plan);
      test_ok(context, onefold_conv2d_candidates(context, &desc, NULL, most_piece, &most));
      if (i == 0) assert_int_equal(most, 49);
    }
    assert_int_equal(bytes[0], bytes[1]);
  }
  conv_context_destroy(&c);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_knobs_matter),
                                     cmocka_unit_test(test_ahead_is_told),
                                     cmocka_unit_test(test_pieces_of_a_batch)};
  return test_every_level("knobs", tests, 3) ? 1 : 0;
}
