// SPDX-License-Identifier: BSD-3-Clause
// The epilogue of one vector of v accumulators, in plain C: the specification.
#ifndef ONEFOLD_KERNELS_REF_EPILOGUE_H
#define ONEFOLD_KERNELS_REF_EPILOGUE_H

#include "kernels/kernel.h"

/// z: v accumulators of output block q; dst, residual: where they belong.
static inline void onefold_ref_epilogue(const onefold_epilogue *e, int32_t v, int32_t q, float *z,
                                        const float *residual, float *dst) {
  for (int32_t l = 0; l < v; l++) {
    const int32_t c = q * v + l;
    const float r =
        residual ? residual[l] * (e->residual_scale ? e->residual_scale[c] : 1.0f) : 0.0f;
    if (e->scale) z[l] *= e->scale[c];
    if (residual && !e->residual_after) z[l] += r;
    if (e->leaky && z[l] < 0) z[l] *= e->slope;
    if (z[l] < e->lo) z[l] = e->lo;
    if (z[l] > e->hi) z[l] = e->hi;
    if (e->post) e->post(e->post_param, &z[l], &z[l], 1);
    dst[l] = residual && e->residual_after ? z[l] + r : z[l];
  }
}

#endif
