// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the element-wise and activation rows of kernel_list.def for avx512.
#include "kernels/simd/f32_avx512.h"

#include "kernels/body/elementwise.h"

#include "kernels/body/activation.h"

#define ONEFOLD_LIST_AVX512
#define ONEFOLD_ELEMENTWISE ONEFOLD_ELEMENTWISE_INSTANCE
#define ONEFOLD_ACT         ONEFOLD_ACT_INSTANCE
#include "kernels/kernel_list.def"
