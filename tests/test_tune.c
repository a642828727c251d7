// SPDX-License-Identifier: BSD-3-Clause
// Tuning real convolutions within a few milliseconds: what is told of candidates, rows that a
// record takes, and the log of planned problems.
#include "arch/isa.h"
#include "tests/record_support.h"

#include <onefold/tune.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct seen {
  int count, stop, defaults, ordered;
  int fates[ONEFOLD_TUNE_FATES];
  int no_estimates;
  int64_t samples, of_first;
  double seconds;
  int32_t round;
} seen;

static int see(void *user, const onefold_tune_candidate *c) {
  seen *s = user;
  assert_in_range(c->fate, 0, ONEFOLD_TUNE_FATES - 1);
  s->fates[c->fate]++;
  assert_int_equal(c->is_default, s->count == 0);
  if (c->fate == ONEFOLD_TUNE_REFUSED || c->fate == ONEFOLD_TUNE_PRUNED) {
    assert_true(c->reason[0] != 0);
    assert_true(c->trials == 0 && c->median_ns == 0);
  } else {
    assert_true(c->estimate_ns > 0 || s->no_estimates);
  }
  if (c->trials > 0) assert_true(c->median_ns > 0 && c->spread >= 0 && c->rounds > 0);
  s->count++;
  return s->count == s->stop;
}

static void see_sample(void *user, const onefold_tune_sample *sample) {
  seen *s = user;
  assert_true(sample->ns > 0 && sample->seconds >= s->seconds && sample->round >= -1);
  assert_true(sample->round >= s->round || sample->round == -1);
  s->seconds = sample->seconds;
  s->round = sample->round;
  s->samples++;
  s->of_first += sample->candidate == 0;
}

static int always(void *user) {
  (void)user;
  return 1;
}

static void describe(onefold_context *context, const char *problem, onefold_conv2d_desc *desc) {
  test_ok(context, onefold_conv2d_desc_parse(context, problem, desc));
  desc->activation = ONEFOLD_ACT_RELU;
}

/// Every kind of problem, warm and cold, gives a row that a record takes and a plan follows.
static void test_rows(void **state) {
  (void)state;
  static const char *const problems[] = {"ic32ih14oc32oh14kh3ph1", "ic48ih9oc32oh9kh1",
                                         "g32ic32ih14oc32oh14kh3ph1", "ic40ih9oc32oh5kh1sh2"};
  onefold_context *context = test_context(onefold_isa_best(onefold_cpu_features()), 2);
  onefold_record *record = test_record(NULL, 0, NULL);
  for (int i = 0; i < 8; i++) {
    onefold_conv2d_desc desc;
    onefold_tune_result result = {.struct_size = sizeof result};
    seen s = {0};
    int written = 0;
    describe(context, problems[i / 2], &desc);
    if (i == 1) {
      desc.residual = ONEFOLD_RESIDUAL_BEFORE_ACTIVATION;
      desc.has_residual_scale = desc.has_channel_scale = 1;
    }
    const onefold_tune_options options = {.struct_size = sizeof options,
                                          .situation = i % 2 ? ONEFOLD_COLD : ONEFOLD_WARM,
                                          .budget = 0.02,
                                          .sampled = see_sample,
                                          .visit = see,
                                          .user = &s};
    test_case("%s %s", problems[i / 2], onefold_situation_name(options.situation));
    test_ok(context, onefold_tune_conv2d(context, &desc, &options, &result));
    assert_int_equal(s.count, result.candidates);
    assert_int_equal(s.fates[ONEFOLD_TUNE_BEST], 1);
    assert_int_equal(result.finished, 1);
    assert_true(result.timed >= 1 && result.samples >= 5 && result.seconds > 0);
    assert_int_equal(s.samples, result.samples);
    assert_true(s.of_first >= 5 && s.round == -1);
    assert_true(result.row.trials >= 5 && result.row.median_ns <= result.row.default_ns);
    assert_int_equal(result.row.key.situation, options.situation);
    test_record_ok(record,
                   onefold_record_put(record, &result.row, ONEFOLD_RECORD_REPLACE, &written));
    assert_int_equal(written, 1);
  }
  assert_int_equal(test_record_count(record), 8);
  onefold_record_close(record);
  onefold_context_destroy(context);
}

static void test_without_timing(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_conv2d_desc desc;
  describe(context, "ic32ih14oc32oh14kh3ph1", &desc);
  seen s = {0};
  onefold_tune_result result = {.struct_size = sizeof result};
  onefold_tune_options options = {
      .struct_size = sizeof options, .plan_only = 1, .visit = see, .user = &s};
  test_ok(context, onefold_tune_conv2d(context, &desc, &options, &result));
  assert_int_equal(result.finished, 0);
  assert_int_equal(result.samples, 0);
  assert_int_equal(s.fates[ONEFOLD_TUNE_UNTIMED], result.timed);
  assert_true(s.fates[ONEFOLD_TUNE_REFUSED] > 0 && s.count == result.candidates);
  seen one = {.stop = 1};
  options.user = &one;
  options.candidates = 3;
  test_ok(context, onefold_tune_conv2d(context, &desc, &options, &result));
  assert_int_equal(one.count, 1);
  assert_in_range(result.timed, 1, 3);
  onefold_context_destroy(context);
}

/// A tiling alone against the default choice, as rows are verified.
static void test_one_tiling(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_conv2d_desc desc;
  describe(context, "ic64ih14oc32oh14kh1", &desc);
  const onefold_tiling only = {.algorithm = "direct"};
  seen s = {.no_estimates = 1};
  onefold_tune_result result = {.struct_size = sizeof result};
  const onefold_tune_options options = {
      .struct_size = sizeof options, .budget = 0.02, .only = &only, .visit = see, .user = &s};
  test_ok(context, onefold_tune_conv2d(context, &desc, &options, &result));
  assert_int_equal(result.candidates, 2);
  assert_int_equal(result.timed, 2);
  assert_int_equal(result.finished, 1);
  if (*result.row.tiling.algorithm) assert_string_equal(result.row.tiling.algorithm, "direct");
  onefold_context_destroy(context);
}

/// Nothing is pruned, and each plan that there is is timed.
static void test_exhaustive(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_conv2d_desc desc;
  describe(context, "ic64ih5oc64oh5kh1", &desc);
  seen few = {0}, all = {0};
  onefold_tune_result result = {.struct_size = sizeof result};
  onefold_tune_options options = {
      .struct_size = sizeof options, .candidates = 1, .plan_only = 1, .visit = see, .user = &few};
  test_ok(context, onefold_tune_conv2d(context, &desc, &options, &result));
  assert_true(few.fates[ONEFOLD_TUNE_PRUNED] > 0);
  options.user = &all;
  options.exhaustive = 1;
  options.plan_only = 0;
  options.budget = 0.5;
  test_ok(context, onefold_tune_conv2d(context, &desc, &options, &result));
  assert_int_equal(all.fates[ONEFOLD_TUNE_PRUNED], 0);
  assert_int_equal(result.timed,
                   all.count - all.fates[ONEFOLD_TUNE_REFUSED] - all.fates[ONEFOLD_TUNE_SAME]);
  assert_int_equal(result.finished, 1);
  onefold_context_destroy(context);
}

/// Sides with the same plan are one; another algorithm has samples of its own.
static void test_compare(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_conv2d_desc desc;
  describe(context, "g32ic32ih9oc32oh9kh3ph1", &desc);
  const onefold_tiling same = {.algorithm = "depthwise"}, slow = {.algorithm = "direct"};
  onefold_tune_side sides[] = {{.tiling = NULL}, {.tiling = &slow}, {.tiling = &same}};
  onefold_tune_options options = {.struct_size = sizeof options};
  test_ok(context, onefold_tune_compare(context, &desc, &options, 7, sides, 3));
  for (int i = 0; i < 3; i++) {
    assert_true(sides[i].median_ns > 0 && sides[i].spread >= 0 && sides[i].noise >= 0);
    assert_int_equal(sides[i].turns, 7);
  }
  assert_true(sides[0].ratio == 1 && sides[2].ratio == 1 && sides[0].noise == 0);
  assert_true(sides[2].median_ns == sides[0].median_ns);
  assert_true(sides[1].ratio > 0 && sides[1].median_ns > 0);
  const struct {
    onefold_situation situation;
    double budget;
    int32_t turns;
    size_t count;
  } mistakes[] = {{ONEFOLD_IN_PLACE, 0, 7, 3},
                  {ONEFOLD_WARM, -1, 7, 3},
                  {ONEFOLD_WARM, 0, -1, 3},
                  {ONEFOLD_WARM, 0, 7, 0}};
  for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
    options.situation = mistakes[i].situation;
    options.budget = mistakes[i].budget;
    assert_int_equal(
        onefold_tune_compare(context, &desc, &options, mistakes[i].turns, sides, mistakes[i].count),
        ONEFOLD_INVALID_ARGUMENT);
  }
  options = (onefold_tune_options){.struct_size = sizeof options, .stopped = always};
  test_ok(context, onefold_tune_compare(context, &desc, &options, 7, sides, 3));
  assert_int_equal(sides[0].turns, 0);
  onefold_context_destroy(context);
}

static void test_stopped(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_conv2d_desc desc;
  describe(context, "ic8ih9oc8oh9kh3ph1", &desc);
  onefold_tune_result result = {.struct_size = sizeof result};
  const onefold_tune_options options = {.struct_size = sizeof options, .stopped = always};
  test_ok(context, onefold_tune_conv2d(context, &desc, &options, &result));
  assert_int_equal(result.finished, 0);
  onefold_context_destroy(context);
}

static void test_mistakes(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_conv2d_desc desc;
  describe(context, "ic8ih9oc8oh9kh3ph1", &desc);
  onefold_tune_result result = {.struct_size = sizeof result};
  const onefold_tune_options good = {.struct_size = sizeof good, .budget = 0.01};
  for (int i = 0; i < 8; i++) {
    onefold_tune_options o = good;
    onefold_tune_result r = result;
    if (i == 0) o.struct_size = 1;
    if (i == 1) o.situation = ONEFOLD_IN_PLACE;
    if (i == 2) o.budget = -1;
    if (i == 3) o.margin = -1;
    if (i == 4) r.struct_size = 0;
    if (i == 5) o.candidates = -1;
    test_case("case %d", i);
    assert_int_equal(onefold_tune_conv2d(i == 6 ? NULL : context, i == 7 ? NULL : &desc, &o, &r),
                     ONEFOLD_INVALID_ARGUMENT);
  }
  assert_int_equal(onefold_tune_conv2d(context, &desc, NULL, &result), ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_tune_conv2d(context, &desc, &good, NULL), ONEFOLD_INVALID_ARGUMENT);
  assert_string_equal(onefold_tune_fate_name((onefold_tune_fate)99), "?");
  assert_string_equal(onefold_tune_fate_name(ONEFOLD_TUNE_NO_GAIN), "no gain");
  onefold_context_destroy(context);
}

/// What a plan tells, and what is read of the line again.
typedef struct planned {
  char line[1536];
  int count;
} planned;

static void keep_line(void *user, onefold_context *context, const onefold_conv2d_desc *desc,
                      const onefold_tiling *tiling) {
  planned *p = user;
  p->count++;
  assert_true(onefold_verbose_print(context, desc, tiling, p->line, sizeof p->line) <
              sizeof p->line);
}

/// The threads, the class and the level of the context that wrote the line, and of others.
static void expect_verbose_key(onefold_context *context, const char *line) {
#define PROBLEM "onefold plan conv2d mb1ic8ih9oc8kh3ph1 nchw:nchw relu"
  static const struct {
    const char *text;
    onefold_status status;
    int isa; // 0: that of the context, as lines were before they had it; else 1 more
  } cases[] = {
      {PROBLEM " threads:12 strict algorithm=direct from default", ONEFOLD_OK, 0},
      {PROBLEM " threads:12 strict", ONEFOLD_OK, 0},
      {PROBLEM, ONEFOLD_FORMAT, 0},
      {PROBLEM " threads:12 strict isa:ref - from default", ONEFOLD_OK, 1 + ONEFOLD_ISA_REF},
      {PROBLEM " threads:12 strict isa:neon", ONEFOLD_OK, 1 + ONEFOLD_ISA_NEON},
      {PROBLEM " threads:12 strict isa:avx10 - from default", ONEFOLD_FORMAT, 0},
      {PROBLEM " threads:12 strict isa: - from default", ONEFOLD_FORMAT, 0},
      {PROBLEM " threads:12", ONEFOLD_FORMAT, 0},
      {PROBLEM " threads: strict", ONEFOLD_FORMAT, 0},
      {PROBLEM " threads:0 strict", ONEFOLD_FORMAT, 0},
      {PROBLEM " threads:9999999999 strict", ONEFOLD_FORMAT, 0},
      {PROBLEM " threads:2x strict", ONEFOLD_FORMAT, 0},
      {PROBLEM " 12 strict", ONEFOLD_FORMAT, 0},
      {PROBLEM " threads:12 sloppy", ONEFOLD_FORMAT, 0},
      {"onefold plan", ONEFOLD_NOT_FOUND, 0}};
#undef PROBLEM
  onefold_conv2d_desc desc;
  onefold_record_key key;
  onefold_isa isa = ONEFOLD_ISA_COUNT;
  test_ok(context, onefold_verbose_parse_key(context, line, &desc, &key, &isa));
  assert_int_equal(isa, onefold_context_isa(context));
  assert_int_equal(key.threads, 1);
  assert_int_equal(key.accuracy, ONEFOLD_ACCURACY_STANDARD);
  assert_string_equal(key.problem, "mb1ic24ih14oc32oh7kh3sh2ph1");
  assert_string_equal(key.machine, "");
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    test_case("\"%s\"", cases[i].text);
    key.threads = 0;
    isa = ONEFOLD_ISA_COUNT;
    assert_int_equal(onefold_verbose_parse_key(context, cases[i].text, &desc, &key, &isa),
                     cases[i].status);
    assert_int_equal(isa, cases[i].status != ONEFOLD_OK ? ONEFOLD_ISA_COUNT
                          : cases[i].isa                ? cases[i].isa - 1
                                                        : (int)onefold_context_isa(context));
    assert_int_equal(key.threads, cases[i].status == ONEFOLD_OK ? 12 : 0);
    if (cases[i].status == ONEFOLD_OK) assert_int_equal(key.accuracy, ONEFOLD_ACCURACY_STRICT);
    if (i == 2) // the problem is there
      test_ok(context, onefold_verbose_parse(context, cases[i].text, &desc));
  }
  assert_int_equal(onefold_verbose_parse_key(context, line, &desc, NULL, &isa),
                   ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_verbose_parse_key(context, line, NULL, &key, &isa),
                   ONEFOLD_INVALID_ARGUMENT);
  assert_int_equal(onefold_verbose_parse_key(context, line, &desc, &key, NULL),
                   ONEFOLD_INVALID_ARGUMENT);
}

static void test_verbose(void **state) {
  (void)state;
  planned p = {.count = 0};
  const onefold_context_options options = {
      .struct_size = sizeof options, .threads = 1, .planned = keep_line, .planned_user = &p};
  onefold_context *context = NULL;
  assert_int_equal(onefold_context_create(&options, &context), ONEFOLD_OK);
  onefold_conv2d_desc desc, again;
  onefold_conv2d_plan *plan = NULL;
  onefold_tiling tiling;
  memset(&desc, 0, sizeof desc);
  memset(&again, 0, sizeof again);
  describe(context, "ic24ih14oc32oh7kh3sh2ph1", &desc);
  desc.in_layout = ONEFOLD_NHWC;
  desc.residual = ONEFOLD_RESIDUAL_AFTER_ACTIVATION;
  test_ok(context, onefold_conv2d_plan_create(context, &desc, &plan));
  assert_int_equal(p.count, 1);
  onefold_conv2d_plan_get_tiling(plan, &tiling);
  assert_string_equal(tiling.source, "default");
  assert_non_null(strstr(p.line, "onefold plan conv2d mb1ic24ih14oc32oh7kh3sh2ph1 nhwc:blocked "
                                 "relu+residual_after threads:1 standard isa:"));
  assert_non_null(strstr(p.line, " algorithm="));
  assert_non_null(strstr(p.line, " from default"));
  char text[2048];
  snprintf(text, sizeof text, "12:00:00 app: %s\n", p.line);
  test_ok(context, onefold_verbose_parse(context, text, &again));
  test_desc_equal(&again, &desc);
  onefold_conv2d_plan_destroy(plan);

  static const struct {
    const char *text;
    onefold_status status;
  } wrong[] = {{"", ONEFOLD_NOT_FOUND},
               {"onefold plan", ONEFOLD_NOT_FOUND},
               {"onefold plan conv2d ", ONEFOLD_FORMAT},
               {"onefold plan conv2d mb1ic8ih9oc8kh3ph1", ONEFOLD_FORMAT},
               {"onefold plan conv2d mb1ic8ih9oc8kh3ph1 nchw relu", ONEFOLD_FORMAT},
               {"onefold plan conv2d nonsense nchw:nchw relu", ONEFOLD_FORMAT},
               {"onefold plan conv2d mb1ic8ih9oc8kh3ph1 nchw:nchw maybe", ONEFOLD_FORMAT}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    test_case("\"%s\"", wrong[i].text);
    assert_int_equal(onefold_verbose_parse(context, wrong[i].text, &again), wrong[i].status);
  }
  assert_int_equal(onefold_verbose_parse(NULL, "", &again), ONEFOLD_INVALID_ARGUMENT);
  expect_verbose_key(context, p.line);
  onefold_context_destroy(context);

  onefold_context_options asked = {.struct_size = sizeof asked};
  unsetenv("ONEFOLD_VERBOSE");
  assert_int_equal(onefold_verbose_attach(&asked), 0);
  setenv("ONEFOLD_VERBOSE", "0", 1);
  assert_int_equal(onefold_verbose_attach(&asked), 0);
  assert_null(asked.planned);
  setenv("ONEFOLD_VERBOSE", "1", 1);
  assert_int_equal(onefold_verbose_attach(&asked), 1);
  assert_non_null(asked.planned);
  unsetenv("ONEFOLD_VERBOSE");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),       cmocka_unit_test(test_without_timing),
      cmocka_unit_test(test_one_tiling), cmocka_unit_test(test_exhaustive),
      cmocka_unit_test(test_compare),    cmocka_unit_test(test_stopped),
      cmocka_unit_test(test_mistakes),   cmocka_unit_test(test_verbose),
  };
  return cmocka_run_group_tests_name("tune", tests, NULL, NULL);
}
