// SPDX-License-Identifier: BSD-3-Clause
// A model's folded form against the peers, and against itself on fewer threads.
#ifndef ONEFOLD_BENCH_COMPARE_MODEL_H
#define ONEFOLD_BENCH_COMPARE_MODEL_H

#include "bench/compare.h"
#include "bench/forms.h"

/// Times the folded form with peers that run the same and on the options' fewer threads; a
/// network's other forms, too. A block that is more than one convolution gets a line that says so
/// where there are peers. Returns an onefold_exit.
int onefold_bench_compare_model(bench_peers *peers, bench_model *model, const char *name);

#endif
