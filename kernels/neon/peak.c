// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the peak rows of kernel_list.def for neon.
#include "kernels/simd/f32_neon.h"

#include "kernels/body/peak.h"

#include "kernels/declare.h"

#define ONEFOLD_LIST_NEON
#define ONEFOLD_PEAK ONEFOLD_PEAK_INSTANCE
#include "kernels/kernel_list.def"
