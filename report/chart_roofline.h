// SPDX-License-Identifier: BSD-3-Clause
// A machine's roofs, and what reaches how far below them.
#ifndef ONEFOLD_REPORT_CHART_ROOFLINE_H
#define ONEFOLD_REPORT_CHART_ROOFLINE_H

#include "report/kinds.h"

typedef struct report_point {
  double intensity, gflops; // FLOPs a byte; of direct arithmetic
  double weight;            // the largest are labelled first
  const char *name, *tip;
  report_colour colour;
  report_mark mark;
} report_point;

typedef struct report_level {
  const char *name;
  double gbs;
} report_level;

#define REPORT_LEVELS 3

typedef struct report_roofline {
  double peak; // GFLOP/s
  const char *peak_name;
  report_level levels[REPORT_LEVELS]; // the fastest first
  size_t level_count;
  report_point *points;
  size_t count;
  report_point_kind *kinds;
  size_t kind_count;
} report_roofline;

/// Both axes are logarithmic.
/// `chart` is a report_roofline.
void onefold_report_draw_roofline(report_svg *svg, const void *chart);

#endif
