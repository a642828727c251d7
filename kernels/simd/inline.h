// SPDX-License-Identifier: BSD-3-Clause
// Inlining and unrolling for bodies. Everything in a body is static, and
// inlined but for what stands alone, so that no function compiled for one ISA
// is ever shared with code for another.
#ifndef ONEFOLD_KERNELS_SIMD_INLINE_H
#define ONEFOLD_KERNELS_SIMD_INLINE_H

#define ONEFOLD_INLINE static inline __attribute__((always_inline))
/// For a body that is large and seldom wanted, beside one that is not: each has the registers.
#define ONEFOLD_ALONE static __attribute__((noinline))

#define ONEFOLD_PRAGMA(x) _Pragma(#x)
#if defined(__clang__)
#define ONEFOLD_UNROLL(n) ONEFOLD_PRAGMA(clang loop unroll_count(n))
#else
#define ONEFOLD_UNROLL(n) ONEFOLD_PRAGMA(GCC unroll n)
#endif

#endif
