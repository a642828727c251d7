// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the pooling rows and the mean of kernel_list.def for avx2.
#include "kernels/simd/f32_avx2.h"

#include "kernels/body/pool.h"

#include "kernels/body/mean.h"
#include "kernels/declare.h"

#define ONEFOLD_LIST_AVX2
#define ONEFOLD_POOL ONEFOLD_POOL_INSTANCE
#define ONEFOLD_MEAN ONEFOLD_MEAN_INSTANCE
#include "kernels/kernel_list.def"
