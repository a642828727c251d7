// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the pooling rows and the mean of kernel_list.def for avx512.
#include "kernels/simd/f32_avx512.h"

#include "kernels/body/pool.h"

#include "kernels/body/mean.h"
#include "kernels/declare.h"

#define ONEFOLD_LIST_AVX512
#define ONEFOLD_POOL ONEFOLD_POOL_INSTANCE
#define ONEFOLD_MEAN ONEFOLD_MEAN_INSTANCE
#include "kernels/kernel_list.def"
