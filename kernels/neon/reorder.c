// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the reorder rows of kernel_list.def for neon.
#include "kernels/simd/f32_neon.h"

#include "kernels/body/reorder.h"

#define ONEFOLD_LIST_NEON
#define ONEFOLD_REORDER ONEFOLD_REORDER_INSTANCE
#include "kernels/kernel_list.def"
