// SPDX-License-Identifier: BSD-3-Clause
// Horizontal bars in groups, from zero.
#ifndef ONEFOLD_REPORT_CHART_BARS_H
#define ONEFOLD_REPORT_CHART_BARS_H

#include "report/svg.h"

typedef struct report_bar {
  const char *name;        // left of the bar
  const char *text, *more; // at its end, the second faint
  const char *tip;         // where the pointer rests
  double value, low, high; // low..high: a whisker, NAN for none
  report_colour colour;
} report_bar;

typedef struct report_bar_group {
  const char *title, *note; // the heading; of a group of one bar, its name
  report_bar *bars;
  size_t count;
} report_bar_group;

typedef struct report_bars {
  report_bar_group *groups;
  size_t count;
  const char *axis; // what the values are
  double reference; // a line; NAN for none
} report_bars;

/// Groups whose bars are of other magnitudes get an axis of their own, smaller ones first, so that
/// every bar begins at zero and none is cut.
/// `chart` is a report_bars.
void onefold_report_draw_bars(report_svg *svg, const void *chart);

#endif
