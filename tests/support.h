// SPDX-License-Identifier: BSD-3-Clause
// Helpers of the test programs: random numbers, buffers between guard pages,
// the ISA levels that run here, references in double precision, comparisons.
#ifndef ONEFOLD_TESTS_SUPPORT_H
#define ONEFOLD_TESTS_SUPPORT_H

#include <onefold/conv2d.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

// clang-format off: cmocka.h needs the headers above
#include <cmocka.h>
// clang-format on

// GCC names a sanitizer by a macro, clang by a feature.
#if defined(__has_feature)
#define TEST_TSAN __has_feature(thread_sanitizer)
#define TEST_ASAN __has_feature(address_sanitizer)
#else
#if defined(__SANITIZE_THREAD__)
#define TEST_TSAN 1
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TEST_ASAN 1
#endif
#endif
#ifndef TEST_TSAN
#define TEST_TSAN 0
#endif
#ifndef TEST_ASAN
#define TEST_ASAN 0
#endif

// ------------------------------------------------------------- random numbers

/// A deterministic generator (splitmix64).
typedef struct test_rng {
  uint64_t state;
} test_rng;
uint64_t test_random(test_rng *rng);
/// Uniform in [low, high], both included.
int64_t test_range(test_rng *rng, int64_t low, int64_t high);
/// Uniform in [low, high).
float test_uniform(test_rng *rng, float low, float high);
/// True once in `n`.
int test_once_in(test_rng *rng, int n);
/// One of the `count` values of an array.
#define test_pick(rng, array)                                                                      \
  ((array)[test_range((rng), 0, (int64_t)(sizeof(array) / sizeof(*(array))) - 1)])

/// Whole numbers in [-limit, limit].
void test_fill_integers(test_rng *rng, float *values, size_t n, int limit);
/// Uniform in [-1, 1).
void test_fill_uniform(test_rng *rng, float *values, size_t n);

/// `count` scaled by the environment's ONEFOLD_TEST_SCALE (a factor; default 1,
/// 0.2 under a sanitizer), at least 1.
int test_scaled(int count);

// --------------------------------------------------------------- guarded memory

/// Memory between two pages that cannot be touched.
typedef struct test_guard {
  unsigned char *map, *begin, *end; // the mapping; the bytes that may be touched
  size_t map_bytes;
  unsigned char *data; // placed by test_guard_place
  size_t bytes;
} test_guard;

typedef enum test_side {
  TEST_ENDS_AT_GUARD,  // data ends where the upper guard page begins: 4-byte aligned only
  TEST_STARTS_AT_GUARD // data begins where the lower guard page ends: page aligned
} test_side;

void test_guard_create(test_guard *guard, size_t capacity_bytes);
void test_guard_destroy(test_guard *guard);
/// Room for n floats against one guard page, filled with NaN; the bytes next
/// to it on the open side hold a pattern. Fails the test where n is too large.
float *test_guard_place(test_guard *guard, size_t n, test_side side);
/// Non-zero when the pattern on the open side is untouched.
int test_guard_intact(const test_guard *guard);

// ------------------------------------------------------------------- ISA levels

/// Non-zero when rows of the level are in this build, this CPU can run them
/// and ONEFOLD_MAX_ISA does not forbid them.
int test_isa_runs(onefold_isa isa);
/// Fills `levels` with those that run here, REF first; returns how many.
int test_isa_levels(onefold_isa levels[ONEFOLD_ISA_COUNT]);
/// Call first in main: prints "SKIP isa <name>" for each level of this build
/// that cannot run here. Non-zero when ONEFOLD_REQUIRE_ISA ("ref avx2") names
/// a level that is missing: the program must then fail.
int test_isa_missing(void);

/// Runs every test once for each level that runs here: test_level(state), whose
/// name is appended to the test's.
int test_every_level(const char *group, const struct CMUnitTest *tests, size_t count);
static inline onefold_isa test_level(void **state) {
  return (onefold_isa)(intptr_t)*state;
}

/// A context of one level, or a failed test.
onefold_context *test_context(onefold_isa isa, int threads);

// -------------------------------------------------------------------- references

/// z and S = |bias| + sum |w*x| of every output element, NCHW, in double.
/// x is NCHW, weight [O][I/g][K_h][K_w], bias NULL or [O].
void test_conv2d_reference(const onefold_conv2d_desc *desc, onefold_shape out, const float *x,
                           const float *weight, const float *bias, double *z, double *s);

/// The exact activation, and a bound on the size of its slope.
double test_activation(onefold_activation activation, double param, double z);
double test_activation_slope(onefold_activation activation, double param);

/// Error allowed for a sum of n float products whose absolute values sum to s:
/// 2^-23 * (8 + 2*sqrt(n)) * s, and one smallest denormal for each term.
double test_sum_bound(double s, double n);

/// Elements of a tensor without padding lanes.
static inline size_t test_elements(onefold_shape s) {
  return (size_t)(s.n * s.c * s.h * s.w);
}
/// Elements of a tensor in a layout with channel block c.
size_t test_layout_elements(onefold_shape shape, onefold_layout layout, int c);
/// Offset of one element.
size_t test_layout_offset(onefold_shape shape, onefold_layout layout, int c, int64_t n, int64_t ch,
                          int64_t y, int64_t x);
/// From NCHW; the padding lanes of a blocked tensor become `lane`.
void test_to_layout(onefold_shape shape, const float *nchw, onefold_layout layout, int c,
                    float lane, float *values);
/// To NCHW.
void test_from_layout(onefold_shape shape, onefold_layout layout, int c, const float *values,
                      float *nchw);
/// Fails the test where a padding lane is not finite.
void test_lanes_finite(onefold_shape shape, onefold_layout layout, int c, const float *values);

// ------------------------------------------------------------------- comparisons

/// Says what is being tested, in one line that is enough to repeat it. Printed
/// by test_failed, and when the test dies of a signal.
void test_case(const char *format, ...) __attribute__((format(printf, 1, 2)));

/// Prints the case and `format` as one line and fails the test.
void test_failed(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/// Index of the first element that differs in value (0 equals -0, NaN equals
/// NaN), or n.
size_t test_first_difference(const float *a, const float *b, size_t n);

/// How often a word is in a text.
size_t test_count(const char *text, const char *word);

/// Asserts a status, printing the context's last sentence where it differs.
void test_expect(onefold_context *context, onefold_status got, onefold_status want,
                 const char *file, int line);
#define test_ok(context, call)          test_expect((context), (call), ONEFOLD_OK, __FILE__, __LINE__)
#define test_fails(context, call, want) test_expect((context), (call), (want), __FILE__, __LINE__)
/// Asserts that the context's last sentence contains `part`.
void test_error_says(onefold_context *context, const char *part, const char *file, int line);
#define test_says(context, part) test_error_says((context), (part), __FILE__, __LINE__)

#endif
