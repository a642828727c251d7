// SPDX-License-Identifier: BSD-3-Clause
// The forms as a table.
#include "bench/form.h"

#include <onefold/fold.h>

const bench_form_kind onefold_bench_forms[BENCH_FORMS] = {
    [BENCH_EAGER] = {"eager", "T0 eager", 0, 0, 0},
    [BENCH_BRANCHES] = {"branches", "T1 branches", 1, ONEFOLD_FOLD_BATCH_NORM, 1},
    [BENCH_FOLDED] = {"folded", "T2 folded", 1, ONEFOLD_FOLD_REGIONS, 1},
    [BENCH_GENERATED] = {"generated", "TG generated", 0, 0, 0},
};
