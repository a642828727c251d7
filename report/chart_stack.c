// SPDX-License-Identifier: BSD-3-Clause
// Stacked bars of the parts of a whole, on one axis from zero, with a legend of the colours.
#include "report/chart_stack.h"

#include "report/scale.h"
#include "report/text.h"

#include <math.h>

#define HEAD  20.0
#define THICK 34.0
#define GAP   12.0
#define AXIS  42.0

double onefold_report_legend_draw(report_svg *svg, const report_legend *legend, size_t count,
                                  double top) {
  double x = 0, y = top;
  for (size_t i = 0; i < count; i++) {
    const double width = 18 + onefold_report_text_width(REPORT_LABEL, legend[i].text) + 14;
    if (x > 0 && x + width > svg->width) {
      x = 0;
      y += 20;
    }
    onefold_report_svg_bar(svg, x, y + 2, 12, 12, legend[i].colour, NULL);
    onefold_report_svg_text_in(svg, x + 18, y + 12, svg->width - x - 18, REPORT_START, REPORT_LABEL,
                               legend[i].text);
    x += width;
  }
  return count ? y + 26 : top;
}

static void draw_stack(report_svg *svg, const report_stack *stack, const report_scale *scale,
                       double y) {
  const double head = onefold_report_text_width(REPORT_HEAD, stack->name) + 8;
  onefold_report_svg_text_in(svg, 0, y + 13, svg->width, REPORT_START, REPORT_HEAD, stack->name);
  onefold_report_svg_text_in(svg, head, y + 13, svg->width - head, REPORT_START, REPORT_NOTE,
                             stack->text);
  double sum = 0;
  for (size_t i = 0; i < stack->count; i++) {
    const report_segment *s = &stack->segments[i];
    const double from = onefold_report_at(scale, sum);
    sum += s->value;
    const double width = onefold_report_at(scale, sum) - from;
    onefold_report_svg_bar(svg, from, y + HEAD, width > 3 ? width - 1 : width, THICK, s->colour,
                           s->tip);
    if (onefold_report_text_width(REPORT_INSIDE, s->name) + 6 <= width) {
      onefold_report_svg_text(svg, from + width / 2 - 0.5, y + HEAD + THICK / 2 + 4, REPORT_MIDDLE,
                              REPORT_INSIDE, s->name);
    }
  }
}

void onefold_report_draw_stacks(report_svg *svg, const void *chart) {
  const report_stacks *stacks = chart;
  double most = 0;
  for (size_t i = 0; i < stacks->count; i++) {
    double sum = 0;
    for (size_t j = 0; j < stacks->stacks[i].count; j++) sum += stacks->stacks[i].segments[j].value;
    most = fmax(most, sum);
  }
  const report_scale scale = onefold_report_scale_bars(most, 1, svg->width - 16);
  const double top = onefold_report_legend_draw(svg, stacks->legend, stacks->legend_count, 2);
  const double each = HEAD + THICK + GAP, bottom = top + each * (double)stacks->count - GAP / 2;
  double ticks[REPORT_TICKS];
  const size_t n = onefold_report_ticks(&scale, fmax(44, svg->width / 14), ticks);
  for (size_t i = 0; i < n; i++) {
    const double x = onefold_report_at(&scale, ticks[i]);
    for (size_t j = 0; j < stacks->count; j++) {
      const double y = top + each * (double)j + HEAD;
      onefold_report_svg_line(svg, x, y, x, y + THICK + GAP / 2, ticks[i] == 0 ? "axis" : "grid");
    }
    onefold_report_svg_text(svg, x, bottom + 13, ticks[i] == 0 ? REPORT_START : REPORT_MIDDLE,
                            REPORT_TICK, onefold_report_number(ticks[i]).text);
  }
  for (size_t i = 0; i < stacks->count; i++) {
    draw_stack(svg, &stacks->stacks[i], &scale, top + each * (double)i);
  }
  onefold_report_svg_text_in(svg, 0, bottom + 31, svg->width, REPORT_START, REPORT_NOTE,
                             stacks->axis);
  svg->height = bottom + AXIS;
}
