// SPDX-License-Identifier: BSD-3-Clause
// OREPA's prior filters (Hu et al., CVPR 2022): one cosine per output channel.
#ifndef ONEFOLD_MODELS_OREPA_PRIOR_H
#define ONEFOLD_MODELS_OREPA_PRIOR_H

#include <onefold/models.h>

/// Fills values[channels][kernel][kernel]. With half = channels/2 as a real number, channel o is
///   cos(pi*(h + 1/2)*(o + 1)/P)         for o < half, constant along w,
///   cos(pi*(w + 1/2)*(o + 1 - half)/P)  otherwise, constant along h,
/// with the period P = kernel. ONEFOLD_OREPA_SEED_3X3_ZERO has P = 3 and fills the first 3x3
/// taps alone; the rest is 0.
void onefold_orepa_prior_fill(int64_t channels, int64_t kernel, onefold_orepa_prior prior,
                              float *values);

#endif
