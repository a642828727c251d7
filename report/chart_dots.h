// SPDX-License-Identifier: BSD-3-Clause
// Rows of dots on one logarithmic axis.
#ifndef ONEFOLD_REPORT_CHART_DOTS_H
#define ONEFOLD_REPORT_CHART_DOTS_H

#include "report/svg.h"

typedef struct report_dot {
  double value, low, high; // above 0; low..high: an interval, NAN for none
  report_colour colour;
  report_mark mark;
  const char *tip;
} report_dot;

typedef struct report_dot_row {
  const char *name, *text; // left; right of the plane
  report_dot *dots;
  size_t count;
} report_dot_row;

typedef struct report_dots {
  report_dot_row *rows;
  size_t count;
  double reference; // a line; NAN for none
  const char *reference_name, *axis;
  double apart; // ticks, at least
} report_dots;

/// Dots that would touch each other in a row are stacked.
/// `chart` is a report_dots.
void onefold_report_draw_dots(report_svg *svg, const void *chart);

#endif
