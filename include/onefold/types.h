// SPDX-License-Identifier: BSD-3-Clause
// Words that every part of the library shares: layouts, activations, ISA
// levels, accuracy classes, and the shape of a tensor.
#ifndef ONEFOLD_TYPES_H
#define ONEFOLD_TYPES_H

#include <onefold/export.h>

#include <stddef.h>
#include <stdint.h>

ONEFOLD_BEGIN

/// Layout of a 4-D float32 tensor with N images, C channels, H rows, W columns.
typedef enum onefold_layout {
  /// [N][C][H][W], dense.
  ONEFOLD_NCHW = 0,
  /// [N][H][W][C], dense.
  ONEFOLD_NHWC = 1,
  /// [N][ceil(C/c)][H][W][c], dense, where c is the context's block
  /// (onefold_context_block: 16, 8 or 4). Lanes past C in the last block may
  /// hold anything: they are never read into a result.
  ONEFOLD_BLOCKED = 2
} onefold_layout;

/// Activations; z is the input, a the parameter where one is named.
typedef enum onefold_activation {
  ONEFOLD_ACT_NONE = 0,
  ONEFOLD_ACT_RELU = 1,         // max(z, 0)
  ONEFOLD_ACT_RELU6 = 2,        // min(max(z, 0), 6)
  ONEFOLD_ACT_LEAKY_RELU = 3,   // z if z >= 0, else a*z
  ONEFOLD_ACT_SILU = 4,         // z / (1 + exp(-z))
  ONEFOLD_ACT_HARD_SWISH = 5,   // z * relu6(z + 3) / 6
  ONEFOLD_ACT_HARD_SIGMOID = 6, // relu6(z + 3) / 6
  ONEFOLD_ACT_SIGMOID = 7       // 1 / (1 + exp(-z))
} onefold_activation;
#define ONEFOLD_ACT_COUNT 8

/// Instruction-set levels. AVX2 means AVX2 and FMA; AVX512 means F, BW, DQ
/// and VL on top of that.
typedef enum onefold_isa {
  ONEFOLD_ISA_REF = 0,
  ONEFOLD_ISA_AVX2 = 1,
  ONEFOLD_ISA_AVX512 = 2,
  ONEFOLD_ISA_NEON = 3
} onefold_isa;
#define ONEFOLD_ISA_COUNT 4

/// What a plan may trade for speed. In every class a plan gives the same bits
/// for any number of threads.
typedef enum onefold_accuracy {
  ONEFOLD_ACCURACY_STANDARD = 0, // also Winograd F(2x2, 3x3), F(4x4, 3x3), stride 2; partial sums
  ONEFOLD_ACCURACY_STRICT = 1,   // sums of the products themselves, in one order
  ONEFOLD_ACCURACY_FAST = 2      // also Winograd F(6x6, 3x3)
} onefold_accuracy;

/// The error of each class: of a 3x3 convolution of up to 512 input channels,
/// whose inputs are not negative and whose weights have mean 0, the L2 norm of
/// the error relative to that of the result. docs/accuracy.md has what is
/// measured.
#define ONEFOLD_ERROR_STRICT   2e-6
#define ONEFOLD_ERROR_STANDARD 5e-6
#define ONEFOLD_ERROR_FAST     1.2e-5

/// Sizes of a 4-D tensor, in elements.
typedef struct onefold_shape {
  int64_t n, c, h, w;
} onefold_shape;

/// Names as they are printed and parsed: "nchw", "relu6", "avx512", "strict".
/// Never NULL; "?" for a value outside the enum. Thread-safe.
ONEFOLD_API const char *onefold_layout_name(onefold_layout layout);
ONEFOLD_API const char *onefold_activation_name(onefold_activation activation);
ONEFOLD_API const char *onefold_isa_name(onefold_isa isa);
ONEFOLD_API const char *onefold_accuracy_name(onefold_accuracy accuracy);

ONEFOLD_END

#endif
