// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the pointwise rows of kernel_list.def for neon.
#include "kernels/simd/f32_neon.h"

#include "kernels/body/pointwise.h"

#include "kernels/declare.h"

#define ONEFOLD_LIST_NEON
#define ONEFOLD_POINTWISE ONEFOLD_POINTWISE_INSTANCE
#include "kernels/kernel_list.def"
