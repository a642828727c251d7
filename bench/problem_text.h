// SPDX-License-Identifier: BSD-3-Clause
// Problems as rows are named: benchdnn's form, and what follows it.
#ifndef ONEFOLD_BENCH_PROBLEM_TEXT_H
#define ONEFOLD_BENCH_PROBLEM_TEXT_H

#include <onefold/onefold.h>

/// What a text names beside the sizes, as bits.
enum { BENCH_SAYS_ACTIVATION = 1, BENCH_SAYS_LAYOUT = 2 };

/// Parses PROBLEM[/act:ACTIVATION[+EXTRA...]][/layout:LAYOUT][/IN:OUT], where EXTRA is
/// residual_before, residual_after, residual_scale or channel_scale, and adds to *says what it
/// names. What it does not is as onefold_conv2d_desc_init leaves it. Zero, or a sentence.
int onefold_bench_problem_text(onefold_context *context, const char *text,
                               onefold_conv2d_desc *desc, int *says, char *sentence, size_t size);

/// The same way back, for what `says` has.
void onefold_bench_problem_print(const onefold_conv2d_desc *desc, int says, char *text,
                                 size_t size);

#endif
