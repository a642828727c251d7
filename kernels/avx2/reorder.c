// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the reorder rows of kernel_list.def for avx2.
#include "kernels/simd/f32_avx2.h"

#include "kernels/body/reorder.h"

#define ONEFOLD_LIST_AVX2
#define ONEFOLD_REORDER ONEFOLD_REORDER_INSTANCE
#include "kernels/kernel_list.def"
