// SPDX-License-Identifier: BSD-3-Clause
// Random convolution problems for the tests of conv2d: data, the result in
// double precision with its bound, and a run between guard pages.
#ifndef ONEFOLD_TESTS_CONV_SUPPORT_H
#define ONEFOLD_TESTS_CONV_SUPPORT_H

#include "tests/support.h"

/// A problem with its data, plain NCHW.
typedef struct conv_case {
  onefold_conv2d_desc desc;
  onefold_shape in, out;
  int exact;   // small integers: the result is exact and the bound 0
  int has_nan; // in x: padding lanes of the result may then be anything
  float *x, *weight;
  float *bias, *residual_scale; // NULL where there is none
  float *scale, *residual;      // NULL where there is none
  double *want, *bound;         // [out]
} conv_case;

/// A random valid descriptor of at most `max_macs` multiply-adds, and its output shape.
void conv_draw(test_rng *rng, double max_macs, onefold_conv2d_desc *desc, onefold_shape *out);

/// Multiply-adds of a problem, those on padding counted.
double conv_macs(const onefold_conv2d_desc *desc, onefold_shape out);

/// A random epilogue of the descriptor; one that is exact on integers where `exact`.
void conv_draw_epilogue(test_rng *rng, int exact, onefold_conv2d_desc *desc);

/// Data for a descriptor with its epilogue, and the expected result.
void conv_case_make(conv_case *c, test_rng *rng, const onefold_conv2d_desc *desc, int exact);
/// Computes the expected result again after the data has been changed.
void conv_case_expect(conv_case *c);
void conv_case_destroy(conv_case *c);

/// A context whose tiling the test sets, and that runs tasks last to first.
typedef struct conv_context {
  onefold_context *context;
  onefold_tiling tiling;
  int give_tiling;
  size_t tasks; // run by the last parallel loop
} conv_context;
void conv_context_create(conv_context *c, onefold_isa isa, int threads, onefold_accuracy accuracy);
void conv_context_destroy(conv_context *c);

/// Sets each number of the tiling but `threads` to 0 or up to 5, whether the problem can have it or
/// not.
void conv_draw_numbers(conv_context *c, test_rng *rng);

/// Buffers of a run, between guard pages.
typedef struct conv_buffers {
  test_guard input, residual, scale, output, workspace;
} conv_buffers;
void conv_buffers_create(conv_buffers *b, size_t floats);
void conv_buffers_destroy(conv_buffers *b);

/// How the buffers lie.
typedef enum conv_place {
  CONV_ENDS_AT_GUARD,
  CONV_STARTS_AT_GUARD,
  CONV_OFF_BY_FLOAT, // one float past a page boundary
  CONV_PLACES
} conv_place;

/// Runs the plan with the case's data in the plan's layouts; `in_place`: the
/// residual is the output. The result in NCHW goes to `result` [out]; buffers
/// that must not be written to are checked.
void conv_run(const onefold_context *context, const onefold_conv2d_plan *plan,
              const onefold_conv2d_packed *packed, const conv_case *c, conv_buffers *b,
              conv_place place, int in_place, float *result);

/// Fails the test where an element of `result` is not within its bound.
void conv_check(const conv_case *c, const float *result);

/// Plans, packs, runs and checks; `result` may be NULL.
void conv_run_case(const onefold_context *context, const conv_case *c, conv_buffers *b,
                   conv_place place, int in_place, float *result);

/// The problem and its epilogue in one line.
void conv_describe(const onefold_conv2d_desc *desc, char *text, size_t size);

/// onefold_context* for calls that want it writable.
onefold_context *conv_writable(const onefold_context *context);

#endif
