// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the element-wise and activation rows of kernel_list.def for neon.
#include "kernels/simd/f32_neon.h"

#include "kernels/body/elementwise.h"

#include "kernels/body/activation.h"

#define ONEFOLD_LIST_NEON
#define ONEFOLD_ELEMENTWISE ONEFOLD_ELEMENTWISE_INSTANCE
#define ONEFOLD_ACT         ONEFOLD_ACT_INSTANCE
#include "kernels/kernel_list.def"
