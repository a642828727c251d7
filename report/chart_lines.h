// SPDX-License-Identifier: BSD-3-Clause
// Curves over a logarithmic plane, named at their ends.
#ifndef ONEFOLD_REPORT_CHART_LINES_H
#define ONEFOLD_REPORT_CHART_LINES_H

#include "report/svg.h"

typedef struct report_curve {
  const char *name;
  double *x, *y; // above 0, by x
  size_t count;
  report_colour colour;
  report_mark mark;
} report_curve;

typedef struct report_lines {
  report_curve *curves;
  size_t count;
  const char *axes; // what x and y are
} report_lines;

/// `chart` is a report_lines.
void onefold_report_draw_lines(report_svg *svg, const void *chart);

#endif
