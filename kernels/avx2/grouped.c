// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the grouped rows of kernel_list.def for avx2.
#include "kernels/simd/f32_avx2.h"

#include "kernels/body/depthwise.h"
#include "kernels/declare.h"

#define ONEFOLD_LIST_AVX2
#define ONEFOLD_GROUPED ONEFOLD_GROUPED_INSTANCE
#include "kernels/kernel_list.def"
