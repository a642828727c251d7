// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the element-wise and activation rows of kernel_list.def for avx2.
#include "kernels/simd/f32_avx2.h"

#include "kernels/body/elementwise.h"

#include "kernels/body/activation.h"

#define ONEFOLD_LIST_AVX2
#define ONEFOLD_ELEMENTWISE ONEFOLD_ELEMENTWISE_INSTANCE
#define ONEFOLD_ACT         ONEFOLD_ACT_INSTANCE
#include "kernels/kernel_list.def"
