// SPDX-License-Identifier: BSD-3-Clause
// What a network takes before its first run: from its weights, and from a cache.
#ifndef ONEFOLD_BENCH_PREPARE_H
#define ONEFOLD_BENCH_PREPARE_H

#include "bench/forms.h"

/// Times the folded form, where it is among the options, with a context of its own in each call,
/// and prints a row for each: read (weights and graph), prepare (read, fold, plan and pack) and,
/// with --cache, map (the checkpoint's hash, and the file of a start before). Returns an
/// onefold_exit.
int onefold_bench_prepare_time(bench_model *model, const char *name, const char *network);

#endif
