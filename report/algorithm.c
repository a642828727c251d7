// SPDX-License-Identifier: BSD-3-Clause
// The algorithms that labels name, as kinds with a colour and a mark each.
#include "report/algorithm.h"

#include <string.h>

static const struct {
  const char *name;
  report_colour colour;
  report_mark mark;
} kinds[REPORT_ALGORITHMS] = {
    [REPORT_WINOGRAD] = {"Winograd", REPORT_COLOUR_winograd, REPORT_CIRCLE},
    [REPORT_DIRECT] = {"direct", REPORT_COLOUR_direct, REPORT_SQUARE},
    [REPORT_POINTWISE] = {"pointwise", REPORT_COLOUR_pointwise, REPORT_DIAMOND},
    [REPORT_DEPTHWISE] = {"depthwise", REPORT_COLOUR_depthwise, REPORT_TRIANGLE},
    [REPORT_PLAIN] = {"first layer", REPORT_COLOUR_plain, REPORT_RING},
    [REPORT_PAIR] = {"pair", REPORT_COLOUR_variant, REPORT_DIAMOND},
    [REPORT_OTHER] = {"other operators", REPORT_COLOUR_other, REPORT_CIRCLE},
    [REPORT_FOLDED_BLOCK] = {"folded block", REPORT_COLOUR_variant, REPORT_RING},
};

static const struct {
  const char *prefix;
  report_algorithm algorithm;
} labels[] = {
    {"winograd", REPORT_WINOGRAD}, {"polyphase", REPORT_WINOGRAD},
    {"direct", REPORT_DIRECT},     {"pointwise", REPORT_POINTWISE},
    {"gather", REPORT_POINTWISE},  {"depthwise", REPORT_DEPTHWISE},
    {"plain", REPORT_PLAIN},       {"grouped", REPORT_DIRECT},
};

report_algorithm onefold_report_algorithm_of(const char *name) {
  if (strstr(name, " + ")) return REPORT_PAIR;
  for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
    if (strncmp(name, labels[i].prefix, strlen(labels[i].prefix)) == 0) return labels[i].algorithm;
  }
  return REPORT_OTHER;
}

report_algorithm onefold_report_algorithm(const report_row *row) {
  const report_algorithm named = onefold_report_algorithm_of(row->algorithm);
  const int is_block = row->name.part[0] == 0 && row->name.role == REPORT_FOLDED;
  return named == REPORT_OTHER && is_block ? REPORT_FOLDED_BLOCK : named;
}

const char *onefold_report_algorithm_name(report_algorithm algorithm) {
  return kinds[algorithm].name;
}

report_colour onefold_report_algorithm_colour(report_algorithm algorithm) {
  return kinds[algorithm].colour;
}

report_mark onefold_report_algorithm_mark(report_algorithm algorithm) {
  return kinds[algorithm].mark;
}
