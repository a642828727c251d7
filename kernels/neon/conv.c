// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the conv rows of kernel_list.def for neon.
#include "kernels/simd/f32_neon.h"

#include "kernels/body/conv.h"

#include "kernels/declare.h"

#define ONEFOLD_LIST_NEON
#define ONEFOLD_CONV ONEFOLD_CONV_INSTANCE
#include "kernels/kernel_list.def"
