// SPDX-License-Identifier: BSD-3-Clause
// OREPA as its training runs it: the weight is generated from the six branches' weights at every
// call, packed, and one convolution follows (Hu et al., CVPR 2022, section 3.3). The batch norm of
// running statistics goes into the generated weight.
#ifndef ONEFOLD_BENCH_GENERATED_H
#define ONEFOLD_BENCH_GENERATED_H

#include "bench/forms.h"

/// Non-zero for blocks that have this form.
int onefold_bench_generated_applies(const bench_model_spec *spec);

/// Reads the weights and plans. On failure *generated is NULL.
onefold_status onefold_bench_generated_make(const bench_model_spec *spec, const bench_model *model,
                                            bench_generated **generated);
void onefold_bench_generated_destroy(bench_generated *generated);

/// Generates, packs and runs.
onefold_status onefold_bench_generated_run(bench_generated *generated, const float *input,
                                           float *output);

/// Multiply-adds of one call; bytes of the packed weight.
double onefold_bench_generated_macs(const bench_generated *generated);
size_t onefold_bench_generated_bytes(const bench_generated *generated);

#endif
