// SPDX-License-Identifier: BSD-3-Clause
// A machine's roofs, and what reaches how far below them.
#include "report/chart_roofline.h"

#include "report/place.h"
#include "report/scale.h"
#include "report/text.h"

#include <math.h>
#include <stdlib.h>

#define LEFT   44.0
#define BOTTOM 44.0
#define TOP    10.0
#define RIGHT  12.0
#define RADIUS REPORT_RADIUS

typedef struct frame {
  report_scale x, y;
  double left, top, right, bottom;
} frame;

static void extend(double value, double *low, double *high) {
  if (value < *low) *low = value;
  if (value > *high) *high = value;
}

/// The axes: all points, the peak, and every bandwidth's way up to it as far as there are points.
static frame make_frame(const report_svg *svg, const report_roofline *r, double top) {
  double x0 = INFINITY, x1 = 0, y0 = r->peak / 4, y1 = 1.3 * r->peak;
  for (size_t i = 0; i < r->count; i++) {
    extend(r->points[i].intensity, &x0, &x1);
    extend(r->points[i].gflops, &y0, &y1);
  }
  for (size_t i = 0; i < r->level_count; i++) extend(r->peak / r->levels[i].gbs, &x0, &x1);
  frame f = {.left = LEFT, .top = top + TOP, .right = svg->width - RIGHT};
  const double height = fmax(260, fmin(560, 0.62 * svg->width));
  f.bottom = f.top + height;
  f.x = onefold_report_scale_log(x0 * 0.8, x1 * 1.25, f.left, f.right);
  f.y = onefold_report_scale_log(y0 * 0.8, y1 * 1.1, f.bottom, f.top);
  return f;
}

static void draw_axes(report_svg *svg, const frame *f) {
  double ticks[REPORT_TICKS];
  size_t n = onefold_report_ticks(&f->x, 34, ticks);
  for (size_t i = 0; i < n; i++) {
    const double x = onefold_report_at(&f->x, ticks[i]);
    const report_text text = onefold_report_number(ticks[i]);
    const double half = onefold_report_text_width(REPORT_TICK, text.text) / 2;
    onefold_report_svg_line(svg, x, f->top, x, f->bottom, "grid");
    onefold_report_svg_text(svg, fmin(x, svg->width - half), f->bottom + 15, REPORT_MIDDLE,
                            REPORT_TICK, text.text);
  }
  n = onefold_report_ticks(&f->y, 22, ticks);
  for (size_t i = 0; i < n; i++) {
    const double y = onefold_report_at(&f->y, ticks[i]);
    onefold_report_svg_line(svg, f->left, y, f->right, y, "grid");
    onefold_report_svg_text(svg, f->left - 6, y + 4, REPORT_END, REPORT_TICK,
                            onefold_report_number(ticks[i]).text);
  }
  onefold_report_svg_line(svg, f->left, f->top, f->left, f->bottom, "axis");
  onefold_report_svg_line(svg, f->left, f->bottom, f->right, f->bottom, "axis");
  onefold_report_svg_text_in(svg, f->left, f->bottom + 34, f->right - f->left, REPORT_START,
                             REPORT_NOTE, "x: FLOPs per byte; y: GFLOP/s");
}

/// A bandwidth's line from the frame's edge up to the peak: non-zero where the frame has it.
static int level_line(const frame *f, const report_roofline *r, size_t i, double from[2],
                      double to[2]) {
  const double gbs = r->levels[i].gbs, x0 = fmax(f->x.low, f->y.low / gbs);
  const double x1 = fmin(r->peak / gbs, f->x.high);
  if (x1 <= x0 * 1.0001) return 0;
  from[0] = onefold_report_at(&f->x, x0);
  from[1] = onefold_report_at(&f->y, x0 * gbs);
  to[0] = onefold_report_at(&f->x, x1);
  to[1] = onefold_report_at(&f->y, x1 * gbs);
  return 1;
}

/// All roofs, without their names.
static void draw_roofs(report_svg *svg, const frame *f, const report_roofline *r) {
  double begin = r->level_count ? f->x.high : f->x.low;
  for (size_t i = 0; i < r->level_count; i++) {
    double from[2], to[2];
    begin = fmin(begin, r->peak / r->levels[i].gbs);
    if (level_line(f, r, i, from, to)) {
      onefold_report_svg_line(svg, from[0], from[1], to[0], to[1], "roof");
    }
  }
  const double y = onefold_report_at(&f->y, r->peak);
  onefold_report_svg_line(svg, onefold_report_at(&f->x, fmax(begin, f->x.low)), y, f->right, y,
                          "roof");
}

/// The name of a bandwidth along its line: above the highest, below the others, as near to the
/// start as there is room.
static void name_level(report_svg *svg, report_places *places, const frame *f,
                       const report_roofline *r, size_t i) {
  double from[2], to[2];
  if (!level_line(f, r, i, from, to)) return;
  char name[96];
  snprintf(name, sizeof name, "%s %s GB/s", r->levels[i].name,
           onefold_report_number(r->levels[i].gbs).text);
  const double width = onefold_report_text_width(REPORT_TICK, name);
  const double length = hypot(to[0] - from[0], to[1] - from[1]);
  const double dx = (to[0] - from[0]) / length, dy = (to[1] - from[1]) / length;
  const double degrees = atan2(dy, dx) * 180 / M_PI, off = i == 0 ? 4 : -11;
  const int most = (int)fmax(0, (length + 2 - width) / 6);
  for (int k = 0; k < most; k++) {
    const double along = 2 + 6 * k;
    const double x = from[0] + along * dx + off * dy, y = from[1] + along * dy - off * dx;
    if (!onefold_report_take_turned(places, x, y, degrees, REPORT_TICK, name)) continue;
    onefold_report_svg_text_turned(svg, x, y, degrees, REPORT_TICK, name);
    return;
  }
}

/// The name of the peak where there is room: near the end of its line, above or below.
static void name_peak(report_svg *svg, report_places *places, const frame *f,
                      const report_roofline *r) {
  const double y = onefold_report_at(&f->y, r->peak);
  char text[96];
  snprintf(text, sizeof text, "%s %s", r->peak_name, onefold_report_rate(r->peak).text);
  const double width = onefold_report_text_width(REPORT_TICK, text);
  const int most = (int)fmax(0, (f->right - f->left - 4 - width) / 12);
  for (int k = 0; k < most; k++) {
    for (int below = 0; below < 2; below++) {
      const double end = f->right - 2 - 12 * k, base = below ? y + 13 : y - 5;
      const report_box box = {end - width, base - 10, end, base + 3};
      if (!onefold_report_take(places, box)) continue;
      onefold_report_svg_text(svg, end, base, REPORT_END, REPORT_TICK, text);
      return;
    }
  }
}

static int by_weight(const void *a, const void *b) {
  const report_point *x = *(const report_point *const *)a, *y = *(const report_point *const *)b;
  return (x->weight < y->weight) - (x->weight > y->weight);
}

static void draw_points(report_svg *svg, report_places *places, const frame *f,
                        const report_roofline *r) {
  for (size_t i = 0; i < r->count; i++) {
    const report_point *p = &r->points[i];
    const double x = onefold_report_at(&f->x, p->intensity),
                 y = onefold_report_at(&f->y, p->gflops);
    onefold_report_svg_mark(svg, x, y, RADIUS, p->mark, p->colour, p->tip);
    onefold_report_occupy(
        places, (report_box){x - RADIUS - 1, y - RADIUS - 1, x + RADIUS + 1, y + RADIUS + 1});
  }
}

/// Names of the points that take most of the time, where there is room.
static void name_points(report_svg *svg, report_places *places, const frame *f,
                        const report_roofline *r) {
  const report_point **order = calloc(r->count + 1, sizeof *order);
  if (!order) {
    svg->failed = 1;
    return;
  }
  for (size_t i = 0; i < r->count; i++) {
    order[i] = &r->points[i];
  }
  qsort(order, r->count, sizeof *order, by_weight);
  const size_t most = (size_t)(svg->width / 55);
  for (size_t i = 0, placed = 0; i < r->count && placed < most; i++) {
    const report_point *p = order[i];
    placed += (size_t)onefold_report_label(svg, places, onefold_report_at(&f->x, p->intensity),
                                           onefold_report_at(&f->y, p->gflops), RADIUS, REPORT_TICK,
                                           p->name);
  }
  free(order);
}

void onefold_report_draw_roofline(report_svg *svg, const void *chart) {
  const report_roofline *r = chart;
  report_places *places = calloc(1, sizeof *places);
  if (!places) {
    svg->failed = 1;
    return;
  }
  const frame f = make_frame(svg, r, onefold_report_kinds_draw(svg, r->kinds, r->kind_count));
  places->all = (report_box){f.left, f.top, f.right, f.bottom};
  draw_axes(svg, &f);
  draw_roofs(svg, &f, r);
  draw_points(svg, places, &f, r);
  for (size_t i = 0; i < r->level_count; i++) name_level(svg, places, &f, r, i);
  name_peak(svg, places, &f, r);
  name_points(svg, places, &f, r);
  svg->height = f.bottom + BOTTOM;
  free(places);
}
