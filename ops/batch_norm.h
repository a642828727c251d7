// SPDX-License-Identifier: BSD-3-Clause
// A batch normalisation as a multiplication and an addition per channel.
#ifndef ONEFOLD_OPS_BATCH_NORM_H
#define ONEFOLD_OPS_BATCH_NORM_H

#include <onefold/elementwise.h>

#include <math.h>

/// y = scale*x + shift of channel c: scale = gamma/sqrt(variance + epsilon), shift = beta -
/// mean*scale. The statistics are there.
static inline void onefold_batch_norm_channel(const onefold_batch_norm_params *p, size_t c,
                                              double *scale, double *shift) {
  const double gamma = p->gamma ? (double)p->gamma[c] : 1;
  const double beta = p->beta ? (double)p->beta[c] : 0;
  *scale = gamma / sqrt((double)p->variance[c] + p->epsilon);
  *shift = beta - (double)p->mean[c] * *scale;
}

#endif
