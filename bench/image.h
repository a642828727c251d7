// SPDX-License-Identifier: BSD-3-Clause
// Images: their memory, layouts, values and differences.
#ifndef ONEFOLD_BENCH_IMAGE_H
#define ONEFOLD_BENCH_IMAGE_H

#include "bench/session.h"

/// n floats, 64-byte aligned, for free(). NULL without memory. Large arrays ask for huge pages, as
/// executions do: on small ones, where the system happens to place them decides which share sets
/// of L2, and a run takes up to 15 percent longer or not.
float *onefold_bench_floats(size_t n);

/// Channels of an image, at most: it comes from outside, in NCHW, and everything else from a layer.
enum { ONEFOLD_IMAGE_CHANNELS = 4 };

/// Layout of the input and the output: what --layout says, else blocked, and NCHW for an image.
onefold_layout onefold_bench_in_layout(const bench_options *options, int64_t channels);
onefold_layout onefold_bench_out_layout(const bench_options *options);

/// Uniform in [-1, 1), from the options' seed.
void onefold_bench_fill(const bench_session *session, float *values, size_t n);

/// max |a - b| / max |b|, of plain arrays. NaN counts as infinite.
double onefold_bench_error(const float *a, const float *b, size_t n);

#endif
