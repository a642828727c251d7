// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the grouped rows of kernel_list.def for avx512.
#include "kernels/simd/f32_avx512.h"

#include "kernels/body/depthwise.h"
#include "kernels/declare.h"

#define ONEFOLD_LIST_AVX512
#define ONEFOLD_GROUPED ONEFOLD_GROUPED_INSTANCE
#include "kernels/kernel_list.def"
