// SPDX-License-Identifier: BSD-3-Clause
// The search space of convolutions: every candidate is planned as it says, computes the same as the
// reference, and stays in the accuracy class; what a tiling cannot have is left aside and told.
#include "kernels/kernel.h"
#include "ops/context.h"
#include "tests/conv_support.h"
#include "tests/winograd_support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_FLOATS = 1 << 21 };

static int32_t number(const onefold_tiling *tiling, const onefold_tiling_field *field) {
  int32_t value;
  memcpy(&value, (const char *)tiling + field->offset, sizeof value);
  return value;
}

static void no_line(void *user, const char *line) {
  (void)user;
  if (strstr(line, "left aside")) fail_msg("%s", line);
}

/// What the visits of a problem's candidates share.
typedef struct space {
  conv_context *context;
  const onefold_conv2d_desc *desc;
  const conv_case *problem; // NULL: none is run
  conv_buffers *buffers;
  int64_t visits, refused, left; // candidates, refusals, and how many more are to be run
  const char *algorithm;         // its candidates only; NULL: all
} space;

/// The plan has each field that the candidate has.
static void check_plan(const space *s, const onefold_tiling *asked) {
  onefold_context *context = conv_writable(s->context->context);
  onefold_conv2d_plan *plan = NULL;
  onefold_tiling got, again;
  size_t count = 0;
  const onefold_tiling_field *fields = onefold_tiling_fields(&count);
  test_ok(context, onefold_conv2d_plan_create(context, s->desc, &plan));
  onefold_conv2d_plan_get_tiling(plan, &got);
  for (size_t i = 0; i < count; i++) {
    const char *text = (const char *)asked + fields[i].offset;
    const char *made = (const char *)&got + fields[i].offset;
    if (fields[i].size && *text && strcmp(fields[i].name, "kernel") != 0) {
      assert_string_equal(text, made);
    }
    // What is the same by any value is not told.
    const int told = number(&got, &fields[i]) != 0;
    if (!fields[i].size && number(asked, &fields[i]) && told)
      assert_int_equal(number(&got, &fields[i]), number(asked, &fields[i]));
  }
  onefold_conv2d_plan_destroy(plan);
  // What a plan tells makes the same plan.
  test_ok(context, onefold_conv2d_plan_create_tiled(context, s->desc, &got, &plan));
  onefold_conv2d_plan_get_tiling(plan, &again);
  assert_memory_equal(&again, &got, sizeof got);
  onefold_conv2d_plan_destroy(plan);
  test_ok(context, onefold_conv2d_explain(context, s->desc, no_line, NULL));
}

static int visit(void *user, const onefold_conv2d_candidate *candidate) {
  space *s = user;
  if (s->algorithm && strcmp(s->algorithm, candidate->tiling.algorithm) != 0) return 0;
  s->visits++;
  if (candidate->refusal) {
    assert_true(strlen(candidate->refusal) > 4);
    s->refused++;
    return 0;
  }
  assert_true(isfinite(candidate->cycles) && candidate->cycles > 0);
  s->context->tiling = candidate->tiling;
  s->context->give_tiling = 1;
  check_plan(s, &candidate->tiling);
  if (s->problem && s->left-- > 0) {
    test_case("%s block_in %d threads %d piece %d parts %d ahead %d order %d %s",
              candidate->tiling.algorithm, candidate->tiling.block_in, candidate->tiling.threads,
              candidate->tiling.piece, candidate->tiling.parts, candidate->tiling.ahead,
              candidate->tiling.order, candidate->tiling.kernel);
    conv_run_case(s->context->context, s->problem, s->buffers, CONV_ENDS_AT_GUARD, 0, NULL);
  }
  s->context->give_tiling = 0;
  return 0;
}

static const struct {
  const char *problem, *algorithm;
} problems[] = {
    {"ic48ih13oc40oh13kh3ph1", "direct"},       {"ic3ih20oc24oh10kh3sh2ph1", "direct"},
    {"mb2ic40ih11oc72oh11kh1", "pointwise"},    {"mb2ic40ih11oc56oh6kh1sh2", "gather"},
    {"g24ic24ih12oc24oh12kh3ph1", "depthwise"}, {"ic32ih19oc48oh19kh3ph1", "winograd4"},
    {"ic32ih19oc48oh19kh3ph1", "winograd6"},    {"ic32ih19oc32oh10kh3sh2ph1", "polyphase3"},
    {"mb2ic40ih13oc40oh7kh3sh2ph1", "gather"},  {"ic24ih9oc40oh7kh3dh1ph1", "gather"},
};

/// Integers, so that every candidate that is no Winograd one gives the same bits. The images are
/// those of test_every_candidate: a few tiles, a few blocks of channels on any level.
static void test_every_candidate(void **state) {
  conv_buffers buffers;
  conv_buffers_create(&buffers, MAX_FLOATS);
  for (int threads = 1; threads <= 4; threads += 3) {
    conv_context c;
    conv_context_create(&c, test_level(state), threads, ONEFOLD_ACCURACY_FAST);
    for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
      test_rng rng = {UINT64_C(77) + i};
      onefold_conv2d_desc desc;
      conv_case problem;
      onefold_context *context = conv_writable(c.context);
      test_ok(context, onefold_conv2d_desc_parse(context, problems[i].problem, &desc));
      conv_case_make(&problem, &rng, &desc, 1);
      winograd_widen(&problem, winograd_tile(problems[i].algorithm));
      space s = {.context = &c,
                 .desc = &desc,
                 .problem = &problem,
                 .buffers = &buffers,
                 .left = test_scaled(400),
                 .algorithm = problems[i].algorithm};
      test_ok(context, onefold_conv2d_candidates(context, &desc, NULL, visit, &s));
      assert_true(s.visits > (threads > 1 ? 2 : 0)); // depthwise has nothing but tasks
      assert_int_equal(s.refused, 0);
      conv_case_destroy(&problem);
    }
    conv_context_destroy(&c);
  }
  conv_buffers_destroy(&buffers);
}

typedef struct kernels {
  const onefold_dispatch *dispatch;
  onefold_op op;
  int seen[ONEFOLD_MAX_ROWS];
} kernels;

static int see_kernel(void *user, const onefold_conv2d_candidate *candidate) {
  kernels *k = user;
  if (strcmp(candidate->tiling.algorithm, "direct") != 0) return 0;
  for (int32_t i = 0; i < k->dispatch->ops[k->op].count; i++) {
    if (strcmp(candidate->tiling.kernel, k->dispatch->ops[k->op].row[i]->name) == 0) k->seen[i] = 1;
  }
  return 0;
}

/// Every row of the operator is a candidate where its blocks fit, and no other is.
static void test_rows_are_candidates(void **state) {
  conv_context c;
  onefold_dispatch dispatch;
  conv_context_create(&c, test_level(state), 1, ONEFOLD_ACCURACY_STRICT);
  onefold_context *context = conv_writable(c.context);
  assert_null(onefold_dispatch_build(test_level(state), &dispatch));
  for (int64_t blocks = 1; blocks <= 8; blocks++) {
    onefold_conv2d_desc desc;
    kernels k = {.dispatch = &dispatch, .op = ONEFOLD_OP_CONV_S1};
    test_ok(context, onefold_conv2d_desc_parse(context, "ic16ih9oc16oh9kh3ph1", &desc));
    desc.out_channels = blocks * onefold_context_block(context);
    test_ok(context, onefold_conv2d_candidates(context, &desc, NULL, see_kernel, &k));
    for (int32_t i = 0; i < dispatch.ops[k.op].count; i++) {
      const onefold_kernel *row = dispatch.ops[k.op].row[i];
      test_case("%s, %lld blocks", row->name, (long long)blocks);
      assert_int_equal(k.seen[i], !row->v || row->q <= blocks);
    }
  }
  conv_context_destroy(&c);
}

typedef struct tiles {
  int points; // largest Winograd tile among the candidates that apply
  int stop, visits;
} tiles;

static int see_tile(void *user, const onefold_conv2d_candidate *candidate) {
  tiles *t = user;
  const int m = candidate->refusal ? 0 : winograd_tile(candidate->tiling.algorithm);
  if (m > t->points) t->points = m;
  t->visits++;
  return t->stop;
}

static void test_accuracy_is_not_crossed(void **state) {
  static const int most[] = {
      [ONEFOLD_ACCURACY_STRICT] = 0, [ONEFOLD_ACCURACY_STANDARD] = 4, [ONEFOLD_ACCURACY_FAST] = 6};
  for (int i = 0; i < 3; i++) {
    const onefold_accuracy accuracy[] = {ONEFOLD_ACCURACY_STRICT, ONEFOLD_ACCURACY_STANDARD,
                                         ONEFOLD_ACCURACY_FAST};
    conv_context c;
    onefold_conv2d_desc desc;
    tiles t = {0};
    conv_context_create(&c, test_level(state), 2, accuracy[i]);
    onefold_context *context = conv_writable(c.context);
    test_ok(context, onefold_conv2d_desc_parse(context, "ic64ih28oc64oh28kh3ph1", &desc));
    test_ok(context, onefold_conv2d_candidates(context, &desc, NULL, see_tile, &t));
    assert_int_equal(t.points, most[accuracy[i]]);
    tiles first = {.stop = 1};
    test_ok(context, onefold_conv2d_candidates(context, &desc, NULL, see_tile, &first));
    assert_int_equal(first.visits, 1);
    test_fails(context, onefold_conv2d_candidates(context, &desc, NULL, NULL, NULL),
               ONEFOLD_INVALID_ARGUMENT);
    test_fails(context, onefold_conv2d_candidates(context, NULL, NULL, see_tile, &t),
               ONEFOLD_INVALID_ARGUMENT);
    conv_context_destroy(&c);
  }
}

/// Least estimate of the direct candidates.
static int see_direct(void *user, const onefold_conv2d_candidate *candidate) {
  double *least = user;
  const int is = !candidate->refusal && strcmp(candidate->tiling.algorithm, "direct") == 0;
  if (is && (*least <= 0 || candidate->cycles < *least)) *least = candidate->cycles;
  return 0;
}

static double direct_cycles(onefold_context *context, const onefold_conv2d_desc *desc,
                            const onefold_peak *peak) {
  double least = 0;
  test_ok(context, onefold_conv2d_candidates(context, desc, peak, see_direct, &least));
  assert_true(least > 0);
  return least;
}

/// A peak at which a core reads so many bytes a cycle from each level.
static onefold_peak peak_of(const onefold_context *context, double l2, double l3, double dram) {
  const double flops = 4.0 * onefold_context_block(context), threads = 2, clock = 3;
  return (onefold_peak){.struct_size = sizeof(onefold_peak),
                        .threads = (int32_t)threads,
                        .core_gflops = clock * flops,
                        .threads_gflops = clock * flops * threads,
                        .l2 = {.read_gbs = l2 * clock * threads},
                        .l3 = {.read_gbs = l3 * clock * threads},
                        .dram = {.read_gbs = dram * clock * threads}};
}

/// Weights of one pixel cost what the level gives that they are read from; a level that was not
/// measured, what the default choice assumes.
static void test_measured_bandwidth(void **state) {
  conv_context c;
  onefold_conv2d_desc desc;
  conv_context_create(&c, test_level(state), 2, ONEFOLD_ACCURACY_STRICT);
  onefold_context *context = conv_writable(c.context);
  const onefold_dispatch *d = onefold_context_dispatch(context);
  const size_t set[] = {d->l2_bytes / 8, d->l2_bytes / 2, (d->l2_bytes + d->l3_bytes) / 2,
                        2 * d->l3_bytes};
  for (size_t i = 0; i < sizeof set / sizeof *set; i++) {
    test_case("weights of %zu bytes", set[i]);
    test_ok(context, onefold_conv2d_desc_parse(context, "ic64ih1oc64oh1kh3ph1", &desc));
    desc.out_channels = (int64_t)(set[i] / (9 * 64 * sizeof(float))) / d->v * d->v;
    const double assumed = direct_cycles(context, &desc, NULL);
    const onefold_peak none = peak_of(context, 0, 0, 0);
    const onefold_peak same = peak_of(context, d->l2_rate, d->l3_rate, d->dram_rate);
    assert_true(fabs(direct_cycles(context, &desc, &none) - assumed) <= 1e-9 * assumed);
    assert_true(fabs(direct_cycles(context, &desc, &same) - assumed) <= 1e-9 * assumed);
    for (size_t slow = 0; slow < 3; slow++) { // one level gives a hundredth of a byte a cycle
      const onefold_peak peak =
          peak_of(context, slow == 0 ? 0.01 : 1e3, slow == 1 ? 0.01 : 1e3, slow == 2 ? 0.01 : 1e3);
      const double cycles = direct_cycles(context, &desc, &peak), most = 100.0 * (double)set[i];
      const int is_read_there = slow == (i < 2 ? 0 : i - 1);
      if (is_read_there) assert_true(cycles > 0.4 * most);
      if (!is_read_there) assert_true(cycles < 0.4 * most);
    }
  }
  const onefold_peak old = {.struct_size = sizeof(onefold_peak) - 8};
  double least = 0;
  test_fails(context, onefold_conv2d_candidates(context, &desc, &old, see_direct, &least),
             ONEFOLD_INVALID_ARGUMENT);
  conv_context_destroy(&c);
}

typedef struct aside {
  const char *sentence;
  int lines;
} aside;

static void find_aside(void *user, const char *line) {
  aside *a = user;
  if (!strstr(line, "left aside")) return;
  a->lines++;
  if (!strstr(line, a->sentence)) test_failed("\"%s\" does not say \"%s\"", line, a->sentence);
}

/// One field that the problem cannot have is told and left to the default choice.
static void test_left_aside(void **state) {
  static const struct {
    onefold_tiling tiling;
    const char *sentence;
  } cases[] = {
      {{.algorithm = "direct", .piece = 28}, "piece 28 left aside: the algorithm has no such"},
      {{.algorithm = "direct", .ahead = 3}, "ahead 3 left aside: it is not from 1 to 2"},
      {{.algorithm = "direct", .order = 3}, "order 3 left aside: it is not from 1 to 2"},
      {{.algorithm = "winograd4", .order = 2}, "order 2 left aside: the algorithm has no such"},
      {{.algorithm = "direct", .block_in = -1}, "block_in -1 left aside: it is not from 1 to"},
      {{.algorithm = "direct", .threads = 5000}, "threads 5000 left aside: it is not from 1 to"},
      {{.algorithm = "direct", .kernel = "nonsense"}, "nonsense left aside: it is no kernel of"},
      {{.algorithm = "winograd4", .piece = 50}, "piece 50 left aside: it is not from 1 to 49"},
      {{.algorithm = "winograd4", .threads = 4, .parts = 3}, "parts 3 left aside: it does not div"},
      {{.algorithm = "direct", .pair = 2}, "pair 2 left aside: the algorithm has no such"},
      {{.algorithm = "pointwise"}, "left aside: pointwise does not apply"},
  };
  conv_context c;
  onefold_conv2d_desc desc;
  conv_context_create(&c, test_level(state), 2, ONEFOLD_ACCURACY_FAST);
  onefold_context *context = conv_writable(c.context);
  test_ok(context, onefold_conv2d_desc_parse(context, "ic64ih28oc64oh28kh3ph1", &desc));
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    onefold_conv2d_plan *plan = NULL;
    onefold_tiling got;
    aside a = {cases[i].sentence, 0};
    test_case("%s", cases[i].sentence);
    c.tiling = cases[i].tiling;
    c.give_tiling = 1;
    test_ok(context, onefold_conv2d_explain(context, &desc, find_aside, &a));
    assert_int_equal(a.lines, 1);
    test_ok(context, onefold_conv2d_plan_create(context, &desc, &plan));
    onefold_conv2d_plan_get_tiling(plan, &got);
    assert_true(got.threads > 0 && got.threads < 5000);
    assert_in_range(got.piece, 0, strstr(got.algorithm, "winograd") ? 49 : 0);
    onefold_conv2d_plan_destroy(plan);
  }
  conv_context_destroy(&c);
}

typedef struct source {
  int asked, planned;
} source;

static int count_asked(void *user, const onefold_conv2d_desc *desc, onefold_tiling *tiling) {
  source *s = user;
  (void)desc;
  s->asked++;
  *tiling = (onefold_tiling){.algorithm = "direct", .piece = 28};
  return 1;
}

static void count_planned(void *user, onefold_context *context, const onefold_conv2d_desc *desc,
                          const onefold_tiling *tiling) {
  source *s = user;
  (void)context, (void)desc, (void)tiling;
  s->planned++;
}

/// The source of tilings is asked once by a plan and once by an explanation, which is no plan.
static void test_asked_once(void **state) {
  source s = {0, 0};
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .max_isa = test_level(state),
                                           .has_max_isa = 1,
                                           .threads = 1,
                                           .tiling = count_asked,
                                           .tiling_user = &s,
                                           .planned = count_planned,
                                           .planned_user = &s};
  onefold_context *context = NULL;
  onefold_conv2d_desc desc;
  onefold_conv2d_plan *plan = NULL;
  aside a = {"piece 28 left aside", 0};
  test_ok(NULL, onefold_context_create(&options, &context));
  test_ok(context, onefold_conv2d_desc_parse(context, "ic64ih28oc64oh28kh3ph1", &desc));
  test_ok(context, onefold_conv2d_explain(context, &desc, find_aside, &a));
  assert_int_equal(a.lines, 1);
  assert_int_equal(s.asked, 1);
  assert_int_equal(s.planned, 0);
  test_ok(context, onefold_conv2d_plan_create(context, &desc, &plan));
  assert_int_equal(s.asked, 2);
  assert_int_equal(s.planned, 1);
  onefold_conv2d_plan_destroy(plan);
  onefold_context_destroy(context);
}

int main(void) {
  static const struct CMUnitTest each[] = {
      cmocka_unit_test(test_every_candidate),
      cmocka_unit_test(test_rows_are_candidates),
      cmocka_unit_test(test_accuracy_is_not_crossed),
      cmocka_unit_test(test_measured_bandwidth),
      cmocka_unit_test(test_left_aside),
      cmocka_unit_test(test_asked_once),
  };
  if (test_isa_missing()) return 1;
  return test_every_level("candidates", each, sizeof(each) / sizeof(*each)) != 0;
}
