// SPDX-License-Identifier: BSD-3-Clause
// Curves over a logarithmic plane, named at their ends.
#include "report/chart_lines.h"

#include "report/scale.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>

#define LEFT   52.0
#define TOP    10.0
#define BOTTOM 44.0
#define APART  15.0 // names, at least

typedef struct end {
  const report_curve *curve;
  double at, y; // where the curve ends, and where its name is
} end;

static int by_height(const void *a, const void *b) {
  const end *x = a, *y = b;
  return (x->at > y->at) - (x->at < y->at);
}

/// Moves names apart, then back into the frame.
static void spread(end *ends, size_t count, double bottom) {
  for (size_t i = 0; i < count; i++) {
    ends[i].y = ends[i].at;
    if (i && ends[i].y < ends[i - 1].y + APART) ends[i].y = ends[i - 1].y + APART;
  }
  double below = bottom;
  for (size_t i = count; i-- > 0;) {
    if (ends[i].y > below) ends[i].y = below;
    below = ends[i].y - APART;
  }
}

static void draw_curve(report_svg *svg, const report_curve *c, const report_scale *x,
                       const report_scale *y) {
  double *xy = calloc(2 * c->count + 1, sizeof *xy);
  if (!xy) {
    svg->failed = 1;
    return;
  }
  for (size_t i = 0; i < c->count; i++) {
    xy[2 * i] = onefold_report_at(x, c->x[i]);
    xy[2 * i + 1] = onefold_report_at(y, c->y[i]);
  }
  onefold_report_svg_path(svg, xy, c->count, c->colour);
  for (size_t i = 0; i < c->count; i++) {
    char tip[200];
    snprintf(tip, sizeof tip, "%.80s, %s: %s", c->name, onefold_report_number(c->x[i]).text,
             onefold_report_error(c->y[i]).text);
    onefold_report_svg_mark(svg, xy[2 * i], xy[2 * i + 1], 3.5, c->mark, c->colour, tip);
  }
  free(xy);
}

void onefold_report_draw_lines(report_svg *svg, const void *chart) {
  const report_lines *lines = chart;
  double x0 = INFINITY, x1 = 0, y0 = INFINITY, y1 = 0, names = 0;
  for (size_t i = 0; i < lines->count; i++) {
    const report_curve *c = &lines->curves[i];
    names = fmax(names, onefold_report_text_width(REPORT_LABEL, c->name));
    for (size_t j = 0; j < c->count; j++) {
      x0 = fmin(x0, c->x[j]);
      x1 = fmax(x1, c->x[j]);
      y0 = fmin(y0, c->y[j]);
      y1 = fmax(y1, c->y[j]);
    }
  }
  const double right = svg->width - names - 12,
               bottom = TOP + fmax(260, fmin(380, 0.5 * svg->width));
  const report_scale x = {1, x0, x1 > x0 ? x1 : 2 * x0, LEFT + 8, right};
  const report_scale y = onefold_report_scale_log(y0 * 0.9, y1 * 1.1, bottom, TOP);
  double ticks[REPORT_TICKS];
  size_t n = onefold_report_ticks(&y, 24, ticks);
  for (size_t i = 0; i < n; i++) {
    const double at = onefold_report_at(&y, ticks[i]);
    onefold_report_svg_line(svg, LEFT, at, right, at, "grid");
    onefold_report_svg_text(svg, LEFT - 6, at + 4, REPORT_END, REPORT_TICK,
                            onefold_report_number(ticks[i]).text);
  }
  onefold_report_svg_line(svg, LEFT, bottom, right, bottom, "axis");
  double written = -INFINITY;
  const report_curve *longest = lines->curves;
  for (size_t i = 1; i < lines->count; i++) {
    if (lines->curves[i].count > longest->count) longest = &lines->curves[i];
  }
  for (size_t i = 0; i < longest->count; i++) {
    const double at = onefold_report_at(&x, longest->x[i]);
    if (at - written < 34) continue;
    written = at;
    onefold_report_svg_text(svg, at, bottom + 15, REPORT_MIDDLE, REPORT_TICK,
                            onefold_report_number(longest->x[i]).text);
  }
  onefold_report_svg_text_in(svg, 0, bottom + 34, svg->width, REPORT_START, REPORT_NOTE,
                             lines->axes);
  end *ends = calloc(lines->count + 1, sizeof *ends);
  if (!ends) {
    svg->failed = 1;
    return;
  }
  for (size_t i = 0; i < lines->count; i++) {
    const report_curve *c = &lines->curves[i];
    draw_curve(svg, c, &x, &y);
    ends[i] = (end){.curve = c, .at = onefold_report_at(&y, c->y[c->count - 1])};
  }
  qsort(ends, lines->count, sizeof *ends, by_height);
  spread(ends, lines->count, bottom);
  for (size_t i = 0; i < lines->count; i++) {
    onefold_report_svg_text(svg, right + 10, ends[i].y + 4, REPORT_START, REPORT_LABEL,
                            ends[i].curve->name);
  }
  free(ends);
  svg->height = bottom + BOTTOM;
}
