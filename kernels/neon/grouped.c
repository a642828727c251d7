// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the grouped rows of kernel_list.def for neon.
#include "kernels/simd/f32_neon.h"

#include "kernels/body/depthwise.h"
#include "kernels/declare.h"

#define ONEFOLD_LIST_NEON
#define ONEFOLD_GROUPED ONEFOLD_GROUPED_INSTANCE
#include "kernels/kernel_list.def"
