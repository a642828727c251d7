// SPDX-License-Identifier: BSD-3-Clause
// Addition, batch normalisation and activations on every ISA level: exact or
// within a stated error of double precision, between guard pages, in place.
#include "tests/split_context.h"
#include "tests/support.h"

#include <onefold/elementwise.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const onefold_shape shapes[] = {{1, 1, 1, 1},    {2, 3, 1, 1},    {1, 3, 7, 5},
                                       {2, 15, 7, 5},   {1, 16, 13, 17}, {2, 17, 7, 5},
                                       {1, 33, 1, 1},   {2, 33, 13, 17}, {1, 1, 151, 131},
                                       {1, 1025, 3, 5}, {3, 40, 17, 19}};
enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]), LAYOUTS = 3 };
// One task, and more tasks than the small shapes have units.
static const int task_counts[] = {1, 3};

/// Four guarded buffers and a context, in every combination of level, number
/// of tasks, shape and layout. Blocked inputs have 7 in their padding lanes.
typedef struct fixture {
  onefold_context *context;
  onefold_shape shape;
  onefold_layout layout;
  int block;
  size_t count;    // elements without padding
  size_t elements; // elements in the layout
  test_guard in[2], out;
  float *plain[2]; // NCHW
  float *result;   // NCHW
  test_rng rng;
} fixture;

typedef void check_fn(fixture *f);

static size_t largest_shape(void) {
  size_t largest = 0;
  for (int i = 0; i < SHAPES; i++) {
    const size_t n = test_layout_elements(shapes[i], ONEFOLD_BLOCKED, 16);
    if (n > largest) largest = n;
  }
  return largest;
}

/// Writes one operand of random numbers in [-8, 8) to plain[index] and, in
/// the layout, to guarded memory.
static float *make_operand(fixture *f, int index, test_side side) {
  for (size_t i = 0; i < f->count; i++) f->plain[index][i] = test_uniform(&f->rng, -8.0f, 8.0f);
  float *values = test_guard_place(&f->in[index], f->elements, side);
  test_to_layout(f->shape, f->plain[index], f->layout, f->block, 7.0f, values);
  return values;
}

static float *make_output(fixture *f, test_side side) {
  return test_guard_place(&f->out, f->elements, side);
}

/// Brings an output back to f->result, and looks at what lies around it.
static void take_output(fixture *f, const float *output) {
  test_from_layout(f->shape, f->layout, f->block, output, f->result);
  test_lanes_finite(f->shape, f->layout, f->block, output);
  assert_true(test_guard_intact(&f->out));
}

static void everywhere(check_fn *check) {
  fixture f = {.rng = {1}};
  const size_t capacity = largest_shape();
  for (int i = 0; i < 2; i++) {
    test_guard_create(&f.in[i], capacity * sizeof(float));
    f.plain[i] = test_malloc(capacity * sizeof(float));
  }
  test_guard_create(&f.out, capacity * sizeof(float));
  f.result = test_malloc(capacity * sizeof(float));

  onefold_isa levels[ONEFOLD_ISA_COUNT];
  const int level_count = test_isa_levels(levels);
  for (int i = 0; i < level_count * 2; i++) {
    const int tasks = task_counts[i % 2];
    size_t most_tasks = 1;
    f.context = split_context(levels[i / 2], tasks, &most_tasks);
    f.block = onefold_context_block(f.context);
    for (int k = 0; k < SHAPES * LAYOUTS; k++) {
      f.shape = shapes[k / LAYOUTS];
      f.layout = (onefold_layout)(k % LAYOUTS);
      f.count = test_layout_elements(f.shape, ONEFOLD_NCHW, f.block);
      f.elements = test_layout_elements(f.shape, f.layout, f.block);
      check(&f);
    }
    assert_int_equal(most_tasks, tasks);
    onefold_context_destroy(f.context);
  }

  for (int i = 0; i < 2; i++) {
    test_guard_destroy(&f.in[i]);
    test_free(f.plain[i]);
  }
  test_guard_destroy(&f.out);
  test_free(f.result);
}

// Names what differs: "add[5]: 3 instead of 4 (avx2, nhwc, 1x3x7x5)".
static void differs(const fixture *f, const char *what, size_t i, double got, double want) {
  test_failed("%s[%zu]: %.9g instead of %.9g (%s, %s, %lldx%lldx%lldx%lld, %d tasks)", what, i, got,
              want, onefold_isa_name(onefold_context_isa(f->context)),
              onefold_layout_name(f->layout), (long long)f->shape.n, (long long)f->shape.c,
              (long long)f->shape.h, (long long)f->shape.w, onefold_context_threads(f->context));
}

// -------------------------------------------------------------------- addition

static void check_add(fixture *f) {
  enum { APART, ON_A, ON_B, DOUBLED, WAYS };
  for (int way = 0; way < WAYS; way++) {
    const test_side side = way % 2 ? TEST_STARTS_AT_GUARD : TEST_ENDS_AT_GUARD;
    float *a = make_operand(f, 0, side), *b = make_operand(f, 1, side);
    float *out = way == ON_A ? a : way == ON_B ? b : make_output(f, side);
    const float *second = way == DOUBLED ? a : b;
    test_ok(f->context, onefold_add(f->context, f->shape, f->layout, a, second, out));
    take_output(f, out);
    for (size_t i = 0; i < f->count; i++) {
      const float want = f->plain[0][i] + f->plain[way == DOUBLED ? 0 : 1][i];
      if (f->result[i] != want) differs(f, "add", i, f->result[i], want);
    }
  }
}

static void test_add(void **state) {
  (void)state;
  everywhere(check_add);
}

// --------------------------------------------------------- batch normalisation

static void check_batch_norm(fixture *f) {
  enum { PLAIN, NO_GAMMA, NO_BETA, IN_PLACE, WAYS };
  const size_t channels = (size_t)f->shape.c, pixels = (size_t)(f->shape.h * f->shape.w);
  float *values = test_malloc(4 * channels * sizeof(float));
  float *gamma = values, *beta = gamma + channels, *mean = beta + channels;
  float *variance = mean + channels;
  for (int way = 0; way < WAYS; way++) {
    test_fill_uniform(&f->rng, values, 3 * channels);
    for (size_t c = 0; c < channels; c++) variance[c] = test_uniform(&f->rng, 0.0f, 2.0f);
    const onefold_batch_norm_params params = {.gamma = way == NO_GAMMA ? NULL : gamma,
                                              .beta = way == NO_BETA ? NULL : beta,
                                              .mean = mean,
                                              .variance = variance,
                                              .epsilon = 1e-5};
    float *x = make_operand(f, 0, TEST_ENDS_AT_GUARD);
    float *y = way == IN_PLACE ? x : make_output(f, TEST_ENDS_AT_GUARD);
    test_ok(f->context, onefold_batch_norm(f->context, f->shape, f->layout, &params, x, y));
    take_output(f, y);
    for (size_t i = 0; i < f->count; i++) {
      const size_t c = i / pixels % channels;
      const double scale = (params.gamma ? gamma[c] : 1.0) / sqrt(variance[c] + params.epsilon);
      const double shift = (params.beta ? beta[c] : 0.0) - mean[c] * scale;
      const double want = f->plain[0][i] * scale + shift;
      // Scale, shift, product and sum are each rounded once.
      const double bound = 0x1.001p-24 * (3.0 * fabs(f->plain[0][i] * scale) + 2.0 * fabs(shift));
      if (!(fabs(f->result[i] - want) <= bound)) differs(f, "batch_norm", i, f->result[i], want);
    }
  }
  test_free(values);
}

static void test_batch_norm(void **state) {
  (void)state;
  everywhere(check_batch_norm);
}

// ----------------------------------------------------------------- activations

/// Distance in units in the last place of the float nearest to `want`.
static double ulp_error(float got, double want) {
  int exponent;
  frexp(fmax(fabs((double)(float)want), FLT_MIN), &exponent);
  return fabs((double)got - want) / ldexp(1.0, exponent - FLT_MANT_DIG);
}

/// 0 where a comparison or one rounding makes the result.
static double ulp_allowed(onefold_activation activation) {
  static const double allowed[ONEFOLD_ACT_COUNT] = {[ONEFOLD_ACT_LEAKY_RELU] = 0.5,
                                                    [ONEFOLD_ACT_SILU] = 4.0,
                                                    [ONEFOLD_ACT_HARD_SWISH] = 3.0,
                                                    [ONEFOLD_ACT_HARD_SIGMOID] = 2.0,
                                                    [ONEFOLD_ACT_SIGMOID] = 4.0};
  return allowed[activation];
}

static void check_activations(fixture *f) {
  for (int act = 0; act < ONEFOLD_ACT_COUNT * 2; act++) {
    const onefold_activation activation = (onefold_activation)(act / 2);
    float *x = make_operand(f, 0, TEST_ENDS_AT_GUARD);
    float *y = act % 2 ? x : make_output(f, TEST_ENDS_AT_GUARD);
    test_ok(f->context, onefold_activate(f->context, f->shape, f->layout, activation, 0.1f, x, y));
    take_output(f, y);
    for (size_t i = 0; i < f->count; i++) {
      const double want = test_activation(activation, 0.1f, f->plain[0][i]);
      if (!(ulp_error(f->result[i], want) <= ulp_allowed(activation)))
        differs(f, onefold_activation_name(activation), i, f->result[i], want);
    }
  }
}

static void test_activations(void **state) {
  (void)state;
  everywhere(check_activations);
}

/// Floats of both signs and every size up to 87, `step` representations apart.
static void sweep(onefold_context *context, onefold_activation activation, uint32_t step) {
  enum { BATCH = 4096 };
  float z[BATCH], y[BATCH];
  const float limit = 87.0f;
  uint32_t last;
  memcpy(&last, &limit, sizeof(last));
  double worst = 0.0;
  for (uint64_t begin = 0; begin <= last; begin += (uint64_t)BATCH / 2 * step) {
    size_t n = 0;
    for (uint64_t bits = begin; n < BATCH && bits <= last; bits += step, n += 2) {
      const uint32_t positive = (uint32_t)bits, negative = positive | UINT32_C(1) << 31;
      memcpy(&z[n], &positive, sizeof(float));
      memcpy(&z[n + 1], &negative, sizeof(float));
    }
    const onefold_shape shape = {1, 1, 1, (int64_t)n};
    test_ok(context, onefold_activate(context, shape, ONEFOLD_NCHW, activation, 0.1f, z, y));
    for (size_t i = 0; i < n; i++) {
      const double error = ulp_error(y[i], test_activation(activation, 0.1f, z[i]));
      if (!(error <= ulp_allowed(activation)))
        test_failed("%s(%a) is %a, off by %g ulp (%s)", onefold_activation_name(activation), z[i],
                    y[i], error, onefold_isa_name(onefold_context_isa(context)));
      if (error > worst) worst = error;
    }
  }
  printf("%-6s %-12s at most %.3f ulp\n", onefold_isa_name(onefold_context_isa(context)),
         onefold_activation_name(activation), worst);
}

static void test_activation_sweep(void **state) {
  (void)state;
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  const int level_count = test_isa_levels(levels);
  // An odd step meets every bit pattern of the low bits.
  const uint32_t step = 4000001u / (uint32_t)test_scaled(4000) | 1u;
  for (int i = 0; i < level_count; i++) {
    onefold_context *context = test_context(levels[i], 1);
    for (int act = 0; act < ONEFOLD_ACT_COUNT; act++) sweep(context, (onefold_activation)act, step);
    onefold_context_destroy(context);
  }
}

/// Every element of a run with a tail is one special value.
static float activate_special(onefold_context *context, onefold_activation activation, float z) {
  enum { N = 37 };
  float x[N], y[N];
  for (int i = 0; i < N; i++) x[i] = z;
  const onefold_shape shape = {1, 1, 1, N};
  test_ok(context, onefold_activate(context, shape, ONEFOLD_NCHW, activation, 0.5f, x, y));
  for (int i = 1; i < N; i++) assert_memory_equal(&y[i], &y[0], sizeof(float));
  return y[0];
}

static void test_special_values(void **state) {
  (void)state;
  static const struct {
    onefold_activation activation;
    float low, high; // at -inf and +inf
  } limits[] = {
      {ONEFOLD_ACT_NONE, -INFINITY, INFINITY}, {ONEFOLD_ACT_RELU, 0.0f, INFINITY},
      {ONEFOLD_ACT_RELU6, 0.0f, 6.0f},         {ONEFOLD_ACT_LEAKY_RELU, -INFINITY, INFINITY},
      {ONEFOLD_ACT_SILU, 0.0f, INFINITY},      {ONEFOLD_ACT_HARD_SWISH, 0.0f, INFINITY},
      {ONEFOLD_ACT_HARD_SIGMOID, 0.0f, 1.0f},  {ONEFOLD_ACT_SIGMOID, 0.0f, 1.0f}};
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  const int level_count = test_isa_levels(levels);
  for (int i = 0; i < level_count; i++) {
    onefold_context *context = test_context(levels[i], 1);
    for (size_t k = 0; k < sizeof(limits) / sizeof(limits[0]); k++) {
      const onefold_activation act = limits[k].activation;
      assert_true(activate_special(context, act, -INFINITY) == limits[k].low);
      assert_true(activate_special(context, act, INFINITY) == limits[k].high);
      assert_true(isnan(activate_special(context, act, NAN)));
      assert_true(isnan(activate_special(context, act, -NAN)));
    }
    // Far out, beyond the range of the stated error: no overflow on the way.
    assert_true(activate_special(context, ONEFOLD_ACT_SILU, -FLT_MAX) == 0.0f);
    assert_true(activate_special(context, ONEFOLD_ACT_SILU, FLT_MAX) == FLT_MAX);
    assert_true(activate_special(context, ONEFOLD_ACT_SIGMOID, -FLT_MAX) == 0.0f);
    assert_true(activate_special(context, ONEFOLD_ACT_SIGMOID, FLT_MAX) == 1.0f);
    assert_true(activate_special(context, ONEFOLD_ACT_HARD_SWISH, FLT_MAX) == FLT_MAX);
    onefold_context_destroy(context);
  }
}

// ------------------------------------------------------------------- bad input

static void test_bad_input(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  const onefold_shape shape = {1, 2, 2, 2};
  const onefold_layout layout = ONEFOLD_NCHW;
  float x[32] = {0}, y[32] = {0}, mean[2] = {0}, variance[2] = {1, 1};
  float *off = (float *)(void *)((char *)y + 1);
  onefold_batch_norm_params params = {.mean = mean, .variance = variance, .epsilon = 1e-5};

  test_fails(NULL, onefold_add(NULL, shape, layout, x, x, y), ONEFOLD_INVALID_ARGUMENT);
  test_fails(NULL, onefold_activate(NULL, shape, layout, ONEFOLD_ACT_RELU, 0, x, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_fails(NULL, onefold_batch_norm(NULL, shape, layout, &params, x, y),
             ONEFOLD_INVALID_ARGUMENT);

  test_fails(context, onefold_add(context, shape, layout, NULL, x, y), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "add: a is NULL");
  test_fails(context, onefold_add(context, shape, layout, x, NULL, y), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "add: b is NULL");
  test_fails(context, onefold_add(context, shape, layout, x, x, NULL), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "add: output is NULL");
  test_fails(context, onefold_add(context, shape, layout, x, x, off), ONEFOLD_BAD_BUFFER);
  test_says(context, "not aligned to 4 bytes");
  test_fails(context, onefold_add(context, shape, layout, x, y, x + 7), ONEFOLD_BAD_BUFFER);
  test_says(context, "add: output (8 floats at");
  test_fails(context, onefold_add(context, shape, layout, y, x + 7, x), ONEFOLD_BAD_BUFFER);
  test_says(context, "overlaps b");
  test_ok(context, onefold_add(context, shape, layout, x, y, x + 8)); // neighbours

  const struct {
    onefold_shape shape;
    onefold_status status;
    const char *says;
  } bad[] = {{{0, 2, 2, 2}, ONEFOLD_INVALID_ARGUMENT, "shape.n is 0"},
             {{1, -3, 2, 2}, ONEFOLD_INVALID_ARGUMENT, "shape.c is -3"},
             {{1, 2, 0, 2}, ONEFOLD_INVALID_ARGUMENT, "shape.h is 0"},
             {{1, 2, 2, INT64_MIN}, ONEFOLD_INVALID_ARGUMENT, "shape.w is -9223372036854775808"},
             {{INT64_MAX, 2, 2, 2}, ONEFOLD_OVERFLOW, "9223372036854775807x2x2x2"},
             {{1, INT64_MAX, 1, 1}, ONEFOLD_OVERFLOW, "1x9223372036854775807x1x1"},
             {{1 << 20, 1 << 20, 1 << 20, 1 << 20}, ONEFOLD_OVERFLOW, "do not fit"}};
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    for (int l = 0; l < LAYOUTS; l++) {
      const onefold_layout any = (onefold_layout)l;
      test_fails(context, onefold_add(context, bad[i].shape, any, x, x, y), bad[i].status);
      test_says(context, bad[i].says);
      test_fails(context, onefold_activate(context, bad[i].shape, any, ONEFOLD_ACT_RELU, 0, x, y),
                 bad[i].status);
      test_says(context, bad[i].says);
      test_fails(context, onefold_batch_norm(context, bad[i].shape, any, &params, x, y),
                 bad[i].status);
      test_says(context, bad[i].says);
    }
  }
  test_fails(context, onefold_add(context, shape, (onefold_layout)7, x, x, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "7 is not a layout");

  test_fails(context, onefold_activate(context, shape, layout, (onefold_activation)8, 0, x, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "8 is not an activation");
  test_fails(context, onefold_activate(context, shape, layout, ONEFOLD_ACT_RELU, 0, x, x + 1),
             ONEFOLD_BAD_BUFFER);
  test_says(context, "activate: output");
  test_fails(context, onefold_activate(context, shape, layout, ONEFOLD_ACT_RELU, 0, NULL, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "activate: input is NULL");

  test_fails(context, onefold_batch_norm(context, shape, layout, NULL, x, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "params is NULL");
  variance[1] = -0.5f;
  test_fails(context, onefold_batch_norm(context, shape, layout, &params, x, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "variance[1] + epsilon is -0.5");
  variance[1] = NAN;
  test_fails(context, onefold_batch_norm(context, shape, layout, &params, x, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "variance[1] + epsilon is nan");
  variance[1] = 1.0f;
  params.mean = y + 7;
  test_fails(context, onefold_batch_norm(context, shape, layout, &params, x, y),
             ONEFOLD_BAD_BUFFER);
  test_says(context, "overlaps mean (2 floats");
  params.mean = NULL;
  test_fails(context, onefold_batch_norm(context, shape, layout, &params, x, y),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "mean is NULL");
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_add),
                                     cmocka_unit_test(test_batch_norm),
                                     cmocka_unit_test(test_activations),
                                     cmocka_unit_test(test_activation_sweep),
                                     cmocka_unit_test(test_special_values),
                                     cmocka_unit_test(test_bad_input)};
  if (test_isa_missing()) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
