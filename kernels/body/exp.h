// SPDX-License-Identifier: BSD-3-Clause
// exp of non-positive numbers and the logistic functions over simd/. Include
// after one of simd/f32_*.h. Only +, -, *, /, fma: all ISAs give the same bits.
#ifndef ONEFOLD_KERNELS_BODY_EXP_H
#define ONEFOLD_KERNELS_BODY_EXP_H

/// 2^64 * exp(-x) for x >= 0; the argument is clamped at 110, where exp(-x)
/// and x*exp(-x) are below half of the smallest denormal number. The factor
/// keeps the result a normal number. NaN for NaN.
ONEFOLD_INLINE vf vf_exp_neg_scaled(vf x) {
  const vf a = vf_sub(vf_zero(), vf_min(vf_set1(110.0f), x));
  // -x = n*ln2 + r, |r| <= ln2/2. Adding 1.5*2^23 rounds to an integer and
  // leaves it in the low bits, here with the exponent's bias 127 + 64 added.
  const vf magic = vf_set1(0x1.8p23f + 191.0f);
  const vf biased = vf_fma(a, vf_set1(0x1.715476p+0f), magic);
  const vf n = vf_sub(biased, magic);
  vf r = vf_fma(n, vf_set1(-0x1.62e43p-1f), a);
  r = vf_fma(n, vf_set1(0x1.05c61p-29f), r);
  // exp(r) = 1 + r + r^2*q(r), minimax, relative error below 2^-28.
  // In pairs of terms, as Estrin has it: the sum is the shorter a chain.
  const vf r2 = vf_mul(r, r);
  const vf low = vf_add(r, vf_set1(1.0f));
  const vf middle = vf_fma(vf_set1(0x1.555492p-3f), r, vf_set1(0x1.fffffcp-2f));
  vf high = vf_fma(vf_set1(0x1.123a20p-7f), r, vf_set1(0x1.5558f2p-5f));
  high = vf_fma(vf_set1(0x1.6a23d0p-10f), r2, high);
  const vf q = vf_fma(vf_fma(high, r2, middle), r2, low);
  return vf_mul(q, vf_low_bits_to_exponent(biased));
}

/// 1 / (1 + exp(-z)), with e = exp(-|z|): 1/(1+e) for z >= 0, e/(1+e) for z < 0.
ONEFOLD_INLINE vf vf_sigmoid(vf z) {
  const vf down = vf_set1(0x1p-64f);
  const vf e = vf_mul(vf_exp_neg_scaled(vf_abs(z)), down);
  const vf one = vf_set1(1.0f);
  return vf_div(vf_select_negative(z, e, one), vf_add(one, e));
}

/// z / (1 + exp(-z)): z/(1+e) for z >= 0, z*e/(1+e) for z < 0. z is clamped at
/// -110 in the product, so that silu(-inf) is -0.
ONEFOLD_INLINE vf vf_silu(vf z) {
  const vf down = vf_set1(0x1p-64f);
  const vf scaled = vf_exp_neg_scaled(vf_abs(z));
  const vf product = vf_mul(vf_mul(vf_max(vf_set1(-110.0f), z), scaled), down);
  const vf denominator = vf_fma(scaled, down, vf_set1(1.0f));
  return vf_div(vf_select_negative(z, product, z), denominator);
}

#endif
