// SPDX-License-Identifier: BSD-3-Clause
// A generator of weights. Every value is a hash of the seed, the tensor's name and its index,
// so that a tensor does not depend on what was read before it. What kind of tensor it is
// follows from the last part of the name and the rank.
#include "models/weights.h"

#include <math.h>
#include <string.h>

/// Values lie in [low, high); half of them are negated where `both_signs`. With a gain they lie
/// in +-sqrt(3*gain/fan_in): the variance of a sum of fan_in products is the gain. `rows` scales
/// the first rows of a matrix, the others keep its last.
typedef struct recipe {
  const char *name; // of the last part; "*" at its end stands for anything
  const char *part; // of the whole name
  int32_t rank;     // least rank that it applies to
  float low, high;
  int both_signs;
  float gain;
  const float *rows;
} recipe;

/// Scales of OREPA's branches when its training begins: origin, avg, prior, kxk, 1x1, gconv. The
/// prior's is 0; it has some weight here, so that a mistake in it shows.
#define ROWS 6
static const float orepa_rows[ROWS] = {0.25f, 0.25f, 0.25f, 0.5f, 1, 0.5f};

/// A rectifier halves a variance, and branches add theirs: so that activations neither grow nor
/// vanish through a network, a convolution before a rectifier has gain 2, branches have less.
static const recipe recipes[] = {
    {"running_mean", "", 0, -0.5f, 0.5f, 0, 0, NULL},
    {"running_var", "", 0, 0.5f, 1.5f, 0, 0, NULL},
    {"bias", "", 0, -0.5f, 0.5f, 0, 0, NULL},
    {"weight*", "rbr_conv.", 2, 0, 0, 0, 0.25f, NULL}, // of MobileOne's six branches
    {"weight*", "rbr_", 2, 0, 0, 0, 0.4f, NULL},       // of three
    {"weight*", "conv.weight", 2, 0, 0, 0, 2, NULL},
    {"weight*", "", 2, 0, 0, 0, 1, NULL},
    {"weight", "", 0, 0.5f, 1.5f, 1, 0, NULL},
    {"vector", "", 2, 0.5f, 1.5f, 1, 0, orepa_rows},
    {"*", "", 0, -0.5f, 0.5f, 0, 0, NULL},
};

static int matches(const char *pattern, const char *name) {
  const size_t length = strlen(pattern) - 1;
  if (pattern[length] != '*') return strcmp(pattern, name) == 0;
  return strncmp(pattern, name, length) == 0;
}

static const recipe *find_recipe(const char *name, int32_t rank) {
  const char *dot = strrchr(name, '.');
  const char *last = dot ? dot + 1 : name;
  const recipe *r = recipes;
  while (!matches(r->name, last) || !strstr(name, r->part) || rank < r->rank) r++;
  return r;
}

/// splitmix64's finaliser.
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// FNV-1a of the name, mixed with the seed.
static uint64_t hash_name(uint64_t seed, const char *name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char *c = name; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
  return mix(hash ^ mix(seed));
}

static onefold_status shape(const onefold_weights *weights, const char *name, int64_t dims[8],
                            int32_t *rank) {
  (void)dims, (void)rank;
  return onefold_fail(weights->context, ONEFOLD_UNSUPPORTED,
                      "generated weights have no shape of their own ('%s')", name);
}

static onefold_status read(const onefold_weights *weights, const char *name, const int64_t *dims,
                           int32_t rank, size_t count, float *values) {
  const recipe *r = find_recipe(name, rank);
  const uint64_t base = hash_name(*(const uint64_t *)weights->state, name);
  float low = r->low, width = r->high - r->low;
  if (r->gain > 0 && count > 0) {
    low = -(float)sqrt(3.0 * (double)r->gain * (double)dims[0] / (double)count);
    width = -2 * low;
  }
  const size_t row = r->rows && dims[0] > 0 ? count / (size_t)dims[0] : count;
  for (size_t i = 0; i < count; i++) {
    const uint64_t bits = mix(base + i);
    const float unit = (float)(bits >> 40) * 0x1p-24f;
    float value = low + width * unit;
    if (r->rows) value *= r->rows[i / row < ROWS ? i / row : ROWS - 1];
    values[i] = r->both_signs && (bits & 1) ? -value : value;
  }
  return ONEFOLD_OK;
}

static void close(onefold_weights *weights) {
  onefold_release(weights->context, weights->state);
}

static const onefold_weights_type seeded = {.shape = shape, .read = read, .close = close};

onefold_status onefold_weights_seeded(onefold_context *context, uint64_t seed,
                                      onefold_weights **weights) {
  if (!context || !weights)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        context ? "weights" : "context");
  uint64_t *state = onefold_allocate(context, sizeof *state);
  if (!state)
    return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for a source of weights");
  *state = seed;
  onefold_status status = onefold_weights_make(context, &seeded, state, weights);
  if (status != ONEFOLD_OK) onefold_release(context, state);
  return status;
}
