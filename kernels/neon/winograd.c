// SPDX-License-Identifier: BSD-3-Clause
// Instantiates the Winograd transforms of kernel_list.def for neon.
#include "kernels/simd/f32_neon.h"

#include "kernels/body/winograd_in.h"
#include "kernels/body/winograd_out.h"
#include "kernels/declare.h"

#define ONEFOLD_LIST_NEON
#define ONEFOLD_WINOGRAD(op, isa, m) ONEFOLD_WINOGRAD_INSTANCE_##op(isa, m)
#include "kernels/kernel_list.def"
