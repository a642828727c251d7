// SPDX-License-Identifier: BSD-3-Clause
// Stacked bars of the parts of a whole, on one axis from zero, with a legend of the colours.
#ifndef ONEFOLD_REPORT_CHART_STACK_H
#define ONEFOLD_REPORT_CHART_STACK_H

#include "report/svg.h"

typedef struct report_segment {
  double value;
  const char *name, *tip; // written on the segment where there is room
  report_colour colour;
} report_segment;

typedef struct report_stack {
  const char *name, *text; // above the bar; at its end
  report_segment *segments;
  size_t count;
} report_stack;

typedef struct report_legend {
  const char *text;
  report_colour colour;
} report_legend;

typedef struct report_stacks {
  report_stack *stacks;
  size_t count;
  report_legend *legend;
  size_t legend_count;
  const char *axis;
} report_stacks;

/// `chart` is a report_stacks.
void onefold_report_draw_stacks(report_svg *svg, const void *chart);

/// Coloured squares with their texts, in as many lines as they need from `top`. Returns the bottom.
double onefold_report_legend_draw(report_svg *svg, const report_legend *legend, size_t count,
                                  double top);

#endif
