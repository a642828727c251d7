// SPDX-License-Identifier: BSD-3-Clause
// The algorithms that labels name, as kinds with a colour and a mark each.
#ifndef ONEFOLD_REPORT_ALGORITHM_H
#define ONEFOLD_REPORT_ALGORITHM_H

#include "report/chart_stack.h"
#include "report/group.h"

typedef enum report_algorithm {
  REPORT_WINOGRAD,
  REPORT_DIRECT,
  REPORT_POINTWISE,
  REPORT_DEPTHWISE,
  REPORT_PLAIN,
  REPORT_PAIR, // of convolutions, as one operator
  REPORT_OTHER,
  REPORT_FOLDED_BLOCK, // a block that may hold several
  REPORT_ALGORITHMS
} report_algorithm;

report_algorithm onefold_report_algorithm(const report_row *row);
/// By what a plan calls it: "winograd4", "depthwise + pointwise".
report_algorithm onefold_report_algorithm_of(const char *name);
const char *onefold_report_algorithm_name(report_algorithm algorithm);
report_colour onefold_report_algorithm_colour(report_algorithm algorithm);
report_mark onefold_report_algorithm_mark(report_algorithm algorithm);

#endif
