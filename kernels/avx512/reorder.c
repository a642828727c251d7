// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the reorder rows of kernel_list.def for avx512.
#include "kernels/simd/f32_avx512.h"

#include "kernels/body/reorder.h"

#define ONEFOLD_LIST_AVX512
#define ONEFOLD_REORDER ONEFOLD_REORDER_INSTANCE
#include "kernels/kernel_list.def"
