// SPDX-License-Identifier: BSD-3-Clause
// Eight lanes of 64 bits: a multiplication for each eight bytes, and none waits for another. Every
// step is a bijection of the lane, so that a change can only be undone by a second one.
#include "cache/hash.h"

#include <string.h>

enum { LANES = 8, STRIPE = LANES * 8 };

#define FACTOR UINT64_C(0x9e3779b97f4a7c15)

/// splitmix64's finaliser.
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
  return x ^ (x >> 31);
}

/// The upper bits reach the lower ones by the rotation, the lower the upper ones by the product.
static uint64_t step(uint64_t lane, uint64_t word) {
  const uint64_t x = (lane ^ word) * FACTOR;
  return x << 29 | x >> 35;
}

/// Whole stripes. The lanes are named, for a compiler would make vectors of an array, whose 64-bit
/// products take three of 32 bits.
static void add_stripes(uint64_t lanes[LANES], const unsigned char *from, size_t stripes) {
  uint64_t a = lanes[0], b = lanes[1], c = lanes[2], d = lanes[3];
  uint64_t e = lanes[4], f = lanes[5], g = lanes[6], h = lanes[7];
  for (; stripes; stripes--, from += STRIPE) {
    uint64_t w[LANES];
    memcpy(w, from, sizeof w);
    a = step(a, w[0]);
    b = step(b, w[1]);
    c = step(c, w[2]);
    d = step(d, w[3]);
    e = step(e, w[4]);
    f = step(f, w[5]);
    g = step(g, w[6]);
    h = step(h, w[7]);
  }
  const uint64_t end[LANES] = {a, b, c, d, e, f, g, h};
  memcpy(lanes, end, sizeof end);
}

uint64_t onefold_hash(const void *bytes, size_t size) {
  const unsigned char *from = bytes;
  unsigned char rest[STRIPE] = {0};
  uint64_t lanes[LANES], hash = mix(size + FACTOR);
  for (uint64_t i = 0; i < LANES; i++) lanes[i] = mix((i + 1) * FACTOR);
  add_stripes(lanes, from, size / STRIPE);
  if (size % STRIPE) {
    memcpy(rest, from + size / STRIPE * STRIPE, size % STRIPE);
    add_stripes(lanes, rest, 1);
  }
  for (int i = 0; i < LANES; i++) hash = mix(hash * FACTOR + lanes[i]);
  return hash;
}
