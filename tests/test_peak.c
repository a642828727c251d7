// SPDX-License-Identifier: BSD-3-Clause
// The peak kernels do the operations that they claim, and the public
// measurement gives numbers that can be divided by, or a sentence.
#include "arch/threads.h"
#include "ops/handover.h"
#include "tests/kernel_support.h"

#include <onefold/machine.h>
#include <onefold/peak.h>

#include <math.h>
#include <stdlib.h>

/// Sum of the result's lanes after `steps` steps with both operands 1.
static double count_of(const onefold_kernel *row, size_t steps, double *flops) {
  float operands[3 * ONEFOLD_MAX_VECTOR] = {0.0f};
  for (int i = 0; i < 2 * ONEFOLD_MAX_VECTOR; i++) operands[i] = 1.0f;
  *flops = ((onefold_peak_fma_fn *)row->fn)(steps, operands);
  double sum = 0.0;
  for (int i = 2 * ONEFOLD_MAX_VECTOR; i < 3 * ONEFOLD_MAX_VECTOR; i++) sum += operands[i];
  return sum;
}

/// Each multiply-add of 1 and 1 adds 1 to the result.
static void test_fma_counts(void **state) {
  const onefold_kernel *row = *state;
  double flops = 0.0;
  const double start = count_of(row, 0, &flops);
  assert_true(flops == 0.0);
  for (size_t steps = 1; steps < 100; steps += 7) {
    const double sum = count_of(row, steps, &flops);
    test_case("%s, %zu steps", row->name, steps);
    if (flops <= 0.0) test_failed("no operations");
    if (2.0 * (sum - start) != flops) test_failed("%g of %g operations", 2 * (sum - start), flops);
  }
}

static void check_bandwidth(const onefold_bandwidth *b) {
  if (b->bytes == 0) return; // a level that this machine does not name
  assert_true(isfinite(b->read_gbs) && b->read_gbs > 0.0);
  assert_true(isfinite(b->copy_gbs) && b->copy_gbs > 0.0);
}

static void test_measure(void **state) {
  const onefold_isa isa = test_level(state);
  for (int threads = 1; threads <= 2; threads++) {
    onefold_context *context = test_context(isa, threads);
    onefold_peak peak = {.struct_size = sizeof peak};
    test_ok(context, onefold_measure_peak(context, &peak));
    assert_int_equal(peak.threads, threads);
    assert_true(isfinite(peak.core_gflops) && peak.core_gflops > 0.0);
    assert_true(isfinite(peak.threads_gflops) && peak.threads_gflops > 0.0);
    assert_true(peak.core_spread >= 0.0 && peak.core_spread < 1.0);
    assert_true(peak.threads_spread >= 0.0 && peak.threads_spread < 1.0);
    assert_true(isfinite(peak.handover_ns) && peak.handover_ns >= 0.0);
    if (threads == 1) assert_true(peak.handover_ns == 0.0);
    assert_true(peak.dram.bytes > 0);
    check_bandwidth(&peak.l2);
    check_bandwidth(&peak.l3);
    check_bandwidth(&peak.dram);
    onefold_context_destroy(context);
  }
}

/// The rate of the moment is a number, by one thread and by two.
static void test_fma_now(void **state) {
  for (int threads = 1; threads <= 2; threads++) {
    onefold_context *context = test_context(test_level(state), threads);
    double gflops = -1.0;
    test_ok(context, onefold_measure_fma(context, &gflops));
    assert_true(isfinite(gflops) && gflops > 0.0);
    test_fails(context, onefold_measure_fma(context, NULL), ONEFOLD_INVALID_ARGUMENT);
    onefold_context_destroy(context);
  }
  double gflops = -1.0;
  assert_int_equal(onefold_measure_fma(NULL, &gflops), ONEFOLD_INVALID_ARGUMENT);
}

static void in_turn(void *user, onefold_task_fn fn, void *arg, size_t n) {
  for (size_t i = 0; i < n; i++) fn(arg, *(int *)user ? n - 1 - i : i);
}

/// Threads that take turns, in any order, have no line to hand over; those of two cores do, but
/// where others keep them busy.
static void test_handover(void **state) {
  (void)state;
  for (int backwards = 0; backwards <= 1; backwards++) {
    const onefold_context_options options = {.struct_size = sizeof options,
                                             .threads = 2,
                                             .parallel_for = in_turn,
                                             .parallel_user = &backwards};
    onefold_context *context = NULL;
    assert_int_equal(onefold_context_create(&options, &context), ONEFOLD_OK);
    assert_true(onefold_handover_ns(context) == 0.0);
    onefold_context_destroy(context);
  }
  onefold_machine machine;
  assert_int_equal(onefold_machine_query(&machine), ONEFOLD_OK);
  if (machine.usable_cores < 2 || !onefold_threads_have_openmp()) skip();
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 2);
  double ns = 0;
  for (int i = 0; i < 200 && ns == 0; i++) ns = onefold_handover_ns(context);
  onefold_context_destroy(context);
  assert_true(isfinite(ns) && ns > 0.0);
}

static void *allocate_small(void *user, size_t size, size_t alignment) {
  (void)user;
  return size > (size_t)1 << 20 ? NULL
                                : aligned_alloc(alignment, (size / alignment + 1) * alignment);
}

static void release(void *user, void *pointer) {
  (void)user;
  free(pointer);
}

static void test_bad_arguments(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_peak peak = {.struct_size = 1};
  assert_int_equal(onefold_measure_peak(NULL, &peak), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_measure_peak(context, NULL), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_measure_peak(context, &peak), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "struct_size is 1");
  const float one = 1.0f;
  assert_int_equal(onefold_touch(NULL, &one, 1), ONEFOLD_INVALID_ARGUMENT);
  test_fails(context, onefold_touch(context, NULL, 1), ONEFOLD_INVALID_ARGUMENT);
  test_ok(context, onefold_touch(context, NULL, 0));
  test_ok(context, onefold_touch(context, &one, 1));
  onefold_context_destroy(context);
}

static void test_no_memory(void **state) {
  (void)state;
  const onefold_context_options options = {
      .struct_size = sizeof options, .threads = 1, .allocate = allocate_small, .release = release};
  onefold_context *context = NULL;
  assert_int_equal(onefold_context_create(&options, &context), ONEFOLD_OK);
  onefold_peak peak = {.struct_size = sizeof peak};
  test_fails(context, onefold_measure_peak(context, &peak), ONEFOLD_OUT_OF_MEMORY);
  test_says(context, "no memory for");
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest levels[] = {cmocka_unit_test(test_measure),
                                      cmocka_unit_test(test_fma_now)};
  const struct CMUnitTest once[] = {cmocka_unit_test(test_bad_arguments),
                                    cmocka_unit_test(test_no_memory),
                                    cmocka_unit_test(test_handover)};
  int failures =
      test_rows("peak_fma kernels", ONEFOLD_OP_PEAK_FMA, ONEFOLD_OP_PEAK_FMA, test_fma_counts);
  failures += test_every_level("measured peaks", levels, 2);
  failures += cmocka_run_group_tests_name("peak arguments", once, NULL, NULL);
  return failures ? 1 : 0;
}
