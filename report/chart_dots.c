// SPDX-License-Identifier: BSD-3-Clause
// Rows of dots on one logarithmic axis.
#include "report/chart_dots.h"

#include "report/scale.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>

#define RADIUS 3.5
#define ROW    20.0
#define TOP    22.0
#define AXIS   44.0
#define MOST   1200 // pixels of a plane that are told apart

typedef struct plane {
  report_scale x;
  double names, right;
  int stacked; // names are above their dots
} plane;

static plane make_plane(const report_svg *svg, const report_dots *dots) {
  double low = INFINITY, high = 0, names = 0, texts = 0;
  for (size_t i = 0; i < dots->count; i++) {
    const report_dot_row *row = &dots->rows[i];
    names = fmax(names, onefold_report_text_width(REPORT_LABEL, row->name));
    texts = fmax(texts, onefold_report_text_width(REPORT_VALUE, row->text));
    for (size_t j = 0; j < row->count; j++) {
      low =
          fmin(fmin(low, row->dots[j].value), isfinite(row->dots[j].low) ? row->dots[j].low : low);
      high =
          fmax(fmax(high, row->dots[j].value), isfinite(row->dots[j].high) ? row->dots[j].high : 0);
    }
  }
  if (isfinite(dots->reference)) {
    low = fmin(low, dots->reference);
    high = fmax(high, dots->reference);
  }
  const int stacked = names > 0.42 * svg->width;
  if (stacked) names = 0;
  texts = fmin(texts, 0.36 * svg->width);
  plane p = {
      .names = names, .stacked = stacked, .right = svg->width - texts - (texts > 0 ? 10 : 0)};
  p.x = (report_scale){1, low / 1.15, high * 1.15, names + 12, p.right};
  return p;
}

/// How many levels of dots a row needs, and the level of each in `levels`.
static size_t stack(const report_dot_row *row, const plane *p, size_t *levels) {
  size_t used[MOST] = {0}, most = 1;
  for (size_t i = 0; i < row->count; i++) {
    const double x = onefold_report_at(&p->x, row->dots[i].value);
    const size_t bin = (size_t)fmin(fmax(x / (2 * RADIUS), 0), MOST - 1);
    levels[i] = used[bin]++;
    if (used[bin] > most) most = used[bin];
  }
  return most;
}

static double draw_row(report_svg *svg, const report_dot_row *row, const plane *p, double top) {
  if (p->stacked) top += 16;
  size_t *levels = calloc(row->count + 1, sizeof *levels);
  if (!levels) {
    svg->failed = 1;
    return top;
  }
  const size_t most = stack(row, p, levels);
  const double apart = fmin(2 * RADIUS + 0.5, 60.0 / (double)most);
  const double height = fmax(ROW, apart * (double)(most - 1) + 2 * RADIUS + 6),
               middle = top + height / 2;
  if (p->stacked) {
    onefold_report_svg_text_in(svg, 0, top - 3, svg->width, REPORT_START, REPORT_LABEL, row->name);
  } else {
    onefold_report_svg_text_in(svg, p->names, middle + 4, p->names, REPORT_END, REPORT_LABEL,
                               row->name);
  }
  for (size_t i = 0; i < row->count; i++) {
    const report_dot *d = &row->dots[i];
    const double x = onefold_report_at(&p->x, d->value);
    const double y = top + height - 3 - RADIUS - apart * (double)levels[i];
    const double at = most == 1 ? middle : y;
    if (isfinite(d->low) && isfinite(d->high)) {
      onefold_report_svg_line(svg, onefold_report_at(&p->x, d->low), at,
                              onefold_report_at(&p->x, d->high), at, "whisker");
    }
    onefold_report_svg_mark(svg, x, at, RADIUS, d->mark, d->colour, d->tip);
  }
  onefold_report_svg_text_in(svg, p->right + 8, middle + 4, svg->width - p->right - 8, REPORT_START,
                             REPORT_VALUE, row->text);
  free(levels);
  return top + height;
}

void onefold_report_draw_dots(report_svg *svg, const void *chart) {
  const report_dots *dots = chart;
  const plane p = make_plane(svg, dots);
  // Heights come with drawing, and lines go below dots: the marks are drawn to one side first.
  report_svg marks;
  onefold_report_svg_begin(&marks, svg->width);
  double bottom = TOP;
  for (size_t i = 0; i < dots->count; i++) bottom = draw_row(&marks, &dots->rows[i], &p, bottom);
  double ticks[REPORT_TICKS];
  const size_t n = onefold_report_ticks(&p.x, dots->apart, ticks);
  for (size_t i = 0; i < n; i++) {
    const double x = onefold_report_at(&p.x, ticks[i]);
    onefold_report_svg_line(svg, x, TOP, x, bottom, "grid");
    onefold_report_svg_text(svg, x, bottom + 15, REPORT_MIDDLE, REPORT_TICK,
                            onefold_report_number(ticks[i]).text);
  }
  if (isfinite(dots->reference)) {
    const double x = onefold_report_at(&p.x, dots->reference);
    const double half = onefold_report_text_width(REPORT_TICK, dots->reference_name) / 2;
    onefold_report_svg_line(svg, x, TOP - 4, x, bottom, "reference");
    onefold_report_svg_text(svg, fmin(fmax(x, half), svg->width - half), TOP - 9, REPORT_MIDDLE,
                            REPORT_TICK, dots->reference_name);
  }
  onefold_report_svg_append(svg, &marks);
  onefold_report_svg_text_in(svg, 0, bottom + 33, svg->width, REPORT_START, REPORT_NOTE,
                             dots->axis);
  svg->height = bottom + AXIS;
}
