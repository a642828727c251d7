// SPDX-License-Identifier: BSD-3-Clause
// Names of the public enums, and the version.
#include <onefold/context.h>

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
#define NAME(names, value)                                                                         \
  ((size_t)(value) < sizeof(names) / sizeof((names)[0]) ? (names)[value] : "?")

const char *onefold_version(void) {
  return TEXT(ONEFOLD_VERSION_MAJOR) "." TEXT(ONEFOLD_VERSION_MINOR) "." TEXT(
      ONEFOLD_VERSION_PATCH);
}

const char *onefold_status_name(onefold_status status) {
  static const char *const names[] = {"ok",          "invalid argument", "shape mismatch",
                                      "overflow",    "bad buffer",       "out of memory",
                                      "unsupported", "refused",          "io",
                                      "format",      "not found"};
  return NAME(names, status);
}

const char *onefold_layout_name(onefold_layout layout) {
  static const char *const names[] = {"nchw", "nhwc", "blocked"};
  return NAME(names, layout);
}

const char *onefold_activation_name(onefold_activation activation) {
  static const char *const names[] = {"none", "relu",       "relu6",        "leaky_relu",
                                      "silu", "hard_swish", "hard_sigmoid", "sigmoid"};
  return NAME(names, activation);
}

const char *onefold_isa_name(onefold_isa isa) {
  static const char *const names[] = {"ref", "avx2", "avx512", "neon"};
  return NAME(names, isa);
}

const char *onefold_accuracy_name(onefold_accuracy accuracy) {
  static const char *const names[] = {"standard", "strict", "fast"};
  return NAME(names, accuracy);
}
