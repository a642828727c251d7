// SPDX-License-Identifier: BSD-3-Clause
// Values of options.
#include "bench/argument.h"

#include <onefold/types.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t onefold_argument_number(struct argp_state *state, const char *option, const char *text,
                                 uint64_t low, uint64_t high) {
  char *end = NULL;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 10);
  if (errno || end == text || *end || text[0] == '-' || value < low || value > high)
    argp_error(state, "--%s=%s: not a number from %llu to %llu", option, text,
               (unsigned long long)low, (unsigned long long)high);
  return value;
}

void onefold_argument_two(struct argp_state *state, const char *option, const char *text,
                          int32_t high, int32_t *less, int32_t *more) {
  char first[16];
  const size_t length = strcspn(text, ",");
  snprintf(first, sizeof first, "%.*s", (int)length, text);
  *less = 0;
  *more = (int32_t)onefold_argument_number(state, option, text[length] ? first : text, 1,
                                           (uint64_t)high);
  if (!text[length]) return;
  const int32_t other =
      (int32_t)onefold_argument_number(state, option, text + length + 1, 1, (uint64_t)high);
  if (other == *more) argp_error(state, "--%s=%s: twice the same number", option, text);
  *less = other < *more ? other : *more;
  *more = other < *more ? *more : other;
}

int onefold_argument_word(struct argp_state *state, const char *option, const char *text, int count,
                          const char *(*name)(int)) {
  char known[256] = "";
  for (int i = 0; i < count; i++) {
    if (strcmp(name(i), text) == 0) return i;
    const size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", name(i));
  }
  argp_error(state, "--%s=%s: not one of %s", option, text, known);
  return 0;
}

void onefold_argument_size(struct argp_state *state, const char *option, const char *text,
                           int64_t *height, int64_t *width) {
  char *end = NULL;
  errno = 0;
  *height = *width = strtoll(text, &end, 10);
  if (*end == 'x' && end != text) *width = strtoll(end + 1, &end, 10);
  if (errno || end == text || end[-1] == 'x' || *end || *height <= 0 || *width <= 0)
    argp_error(state, "--%s=%s: not HEIGHTxWIDTH, such as 224x224", option, text);
}

static const char *isa_name(int i) {
  return onefold_isa_name((onefold_isa)i);
}

int onefold_argument_isa(struct argp_state *state, const char *text) {
  return onefold_argument_word(state, "isa", text, ONEFOLD_ISA_COUNT, isa_name);
}

static const char *accuracy_name(int i) {
  return onefold_accuracy_name((onefold_accuracy)i);
}

int onefold_argument_accuracy(struct argp_state *state, const char *text) {
  return onefold_argument_word(state, "accuracy", text, ONEFOLD_ACCURACY_FAST + 1, accuracy_name);
}

static const char *layout_name(int i) {
  return onefold_layout_name((onefold_layout)i);
}

int onefold_argument_layout(struct argp_state *state, const char *text) {
  return onefold_argument_word(state, "layout", text, ONEFOLD_BLOCKED + 1, layout_name);
}

static const char *activation_name(int i) {
  return onefold_activation_name((onefold_activation)i);
}

int onefold_argument_activation(struct argp_state *state, const char *text) {
  return onefold_argument_word(state, "act", text, ONEFOLD_ACT_COUNT, activation_name);
}
