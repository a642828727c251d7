// SPDX-License-Identifier: BSD-3-Clause
// Helpers of the kernel tests: one cmocka test per row of kernel_list.def,
// and random epilogues with their exact result.
#ifndef ONEFOLD_TESTS_KERNEL_SUPPORT_H
#define ONEFOLD_TESTS_KERNEL_SUPPORT_H

#include "kernels/kernel.h"
#include "tests/support.h"

/// Runs `test` for every row whose operator is in [first, last] and whose
/// level runs here; *state is the row and the test's name is the row's.
int test_rows(const char *group, onefold_op first, onefold_op last, CMUnitTestFunction test);

/// Vector width of a row; one of 4, 8, 16 for a reference row.
int test_row_width(const onefold_kernel *row, test_rng *rng);

/// A generator that depends on the row's name and the case alone.
test_rng test_case_rng(const onefold_kernel *row, int index);

/// An element that the arguments name: its place in a guarded buffer.
typedef struct test_span {
  ptrdiff_t low, high; // of the named offsets; low > high when there are none
} test_span;
void test_span_add(test_span *span, ptrdiff_t offset, ptrdiff_t count);
size_t test_span_size(const test_span *span);

/// A random epilogue; its arrays lie between guard pages.
typedef struct test_epilogue {
  onefold_epilogue e;
  test_guard bias, scale, residual_scale, residual;
  char text[160];
} test_epilogue;

void test_epilogue_create(test_epilogue *t, size_t channels, size_t dst_floats);
void test_epilogue_destroy(test_epilogue *t);
/// Draws which parts there are and their values: small integers where `exact`.
/// The residual has `dst_floats` elements, all NaN: fill the named ones.
void test_epilogue_draw(test_epilogue *t, test_rng *rng, int exact, test_side side, size_t channels,
                        size_t dst_floats);
/// What the accumulator of one channel starts from; adds its size to *s.
double test_epilogue_begin(const test_epilogue *t, size_t channel, double *s);
/// y of the complete accumulator z of one channel; *s: the sum of absolute values on
/// the way in, the same with the epilogue's terms out.
double test_epilogue_apply(const test_epilogue *t, size_t channel, double residual, double z,
                           double *s);
int test_epilogue_intact(const test_epilogue *t);

#endif
