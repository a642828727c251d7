// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the pooling rows and the mean of kernel_list.def for neon.
#include "kernels/simd/f32_neon.h"

#include "kernels/body/pool.h"

#include "kernels/body/mean.h"
#include "kernels/declare.h"

#define ONEFOLD_LIST_NEON
#define ONEFOLD_POOL ONEFOLD_POOL_INSTANCE
#define ONEFOLD_MEAN ONEFOLD_MEAN_INSTANCE
#include "kernels/kernel_list.def"
