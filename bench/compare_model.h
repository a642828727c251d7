// SPDX-License-Identifier: BSD-3-Clause
// A block's folded form against the peers, where it is one convolution.
#ifndef ONEFOLD_BENCH_COMPARE_MODEL_H
#define ONEFOLD_BENCH_COMPARE_MODEL_H

#include "bench/compare.h"
#include "bench/forms.h"

/// Times the folded form with peers that run the same convolution; a block that is more than one
/// gets a line that says so. Returns an onefold_exit.
int onefold_bench_compare_model(bench_peers *peers, bench_model *block, const char *name);

#endif
