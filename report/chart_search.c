// SPDX-License-Identifier: BSD-3-Clause
// Tracks of candidates through the phases of a search: x is time, y the ratio, logarithmic.
#include "report/chart_search.h"

#include "report/scale.h"
#include "report/text.h"

#include <math.h>

#define LEFT   44.0
#define RIGHT  48.0 // the best's ratio
#define HEADS  34.0 // of phases
#define BOTTOM 62.0
#define RADIUS 3.0
#define MOST   2.5 // ratios beyond, as of samples that were disturbed, are drawn at the edge

typedef struct frame {
  report_scale x, y;
  double top;
  int is_cut; // there are ratios beyond
} frame;

static frame make_frame(const report_svg *svg, const report_search *s, double top) {
  double low = 1, high = 1;
  for (size_t i = 0; i < s->count; i++) {
    for (size_t j = 0; j < s->tracks[i].count; j++) {
      low = fmin(low, s->tracks[i].y[j]);
      high = fmax(high, s->tracks[i].y[j]);
    }
  }
  const double end = s->phases[s->phase_count - 1].end;
  const double bottom = top + HEADS + fmax(220, fmin(380, 0.5 * svg->width));
  return (frame){.x = {0, 0, end > 0 ? end : 1, LEFT, svg->width - RIGHT},
                 .y = {1, low * 0.95, fmin(high * 1.08, MOST), bottom, top + HEADS},
                 .top = top,
                 .is_cut = high * 1.08 > MOST};
}

/// Ratios that are round, some space apart.
static void draw_ratios(report_svg *svg, const frame *f) {
  static const double ratios[] = {1,   0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9,
                                  1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2,   2.2, MOST};
  double taken[sizeof ratios / sizeof ratios[0]];
  size_t count = 0;
  for (size_t i = 0; i < sizeof ratios / sizeof ratios[0]; i++) {
    const double y = onefold_report_at(&f->y, ratios[i]);
    int is_free = ratios[i] >= f->y.low && ratios[i] <= f->y.high;
    for (size_t j = 0; j < count; j++) is_free &= fabs(taken[j] - y) >= 20;
    if (!is_free) continue;
    taken[count++] = y;
    onefold_report_svg_line(svg, f->x.from, y, f->x.to, y, i ? "grid" : "reference");
    onefold_report_svg_text(svg, f->x.from - 6, y + 4, REPORT_END, REPORT_TICK,
                            onefold_report_number(ratios[i]).text);
  }
}

static void draw_seconds(report_svg *svg, const frame *f) {
  double ticks[REPORT_TICKS];
  const size_t count = onefold_report_ticks(&f->x, 44, ticks);
  onefold_report_svg_line(svg, f->x.from, f->y.from, f->x.to, f->y.from, "axis");
  for (size_t i = 0; i < count; i++)
    onefold_report_svg_text(svg, onefold_report_at(&f->x, ticks[i]), f->y.from + 15, REPORT_MIDDLE,
                            REPORT_TICK, onefold_report_number(ticks[i]).text);
}

/// A phase begins at a line, and has its name and the number of its candidates above. What has no
/// room is left out.
static void draw_phase(report_svg *svg, const frame *f, const report_phase *phase) {
  const double left = onefold_report_at(&f->x, phase->begin);
  const double right = onefold_report_at(&f->x, phase->end);
  char count[32];
  snprintf(count, sizeof count, "%zu", phase->candidates);
  onefold_report_svg_line(svg, left, f->top + 6, left, f->y.from, "grid");
  if (onefold_report_text_width(REPORT_TICK, phase->name) <= right - left - 4)
    onefold_report_svg_text(svg, left + 4, f->top + 15, REPORT_START, REPORT_NOTE, phase->name);
  if (onefold_report_text_width(REPORT_TICK, count) <= right - left - 4)
    onefold_report_svg_text(svg, left + 4, f->top + 29, REPORT_START, REPORT_TICK, count);
}

static void draw_track(report_svg *svg, const frame *f, const report_track *t, double radius) {
  enum { POINTS = 64 };
  double xy[2 * POINTS];
  const size_t count = t->count < POINTS ? t->count : POINTS;
  for (size_t i = 0; i < count; i++) {
    xy[2 * i] = onefold_report_at(&f->x, t->x[i]);
    xy[2 * i + 1] = onefold_report_at(&f->y, fmin(t->y[i], f->y.high));
  }
  if (count > 1) onefold_report_svg_path(svg, xy, count, t->colour);
  for (size_t i = 0; i < count; i++) {
    char tip[256];
    snprintf(tip, sizeof tip, "%.200s: %s", t->name, onefold_report_times(t->y[i]).text);
    onefold_report_svg_mark(svg, xy[2 * i], xy[2 * i + 1], radius, t->mark, t->colour, tip);
  }
}

void onefold_report_draw_search(report_svg *svg, const void *chart) {
  const report_search *s = chart;
  const frame f = make_frame(svg, s, onefold_report_kinds_draw(svg, s->kinds, s->kind_count));
  draw_ratios(svg, &f);
  draw_seconds(svg, &f);
  onefold_report_svg_text(svg, LEFT - 6, f.top + 15, REPORT_END, REPORT_TICK, "round");
  onefold_report_svg_text(svg, LEFT - 6, f.top + 29, REPORT_END, REPORT_TICK, "left");
  for (size_t i = 0; i < s->phase_count; i++) draw_phase(svg, &f, &s->phases[i]);
  for (size_t i = 0; i < s->count; i++)
    if (i != s->best) draw_track(svg, &f, &s->tracks[i], RADIUS);
  if (s->best < s->count && s->tracks[s->best].count > 0) {
    const report_track *t = &s->tracks[s->best];
    draw_track(svg, &f, t, REPORT_RADIUS);
    const double y = onefold_report_at(&f.y, fmin(t->y[t->count - 1], f.y.high));
    onefold_report_svg_text(svg, svg->width - RIGHT + 6, y + 4, REPORT_START, REPORT_LABEL,
                            onefold_report_times(t->y[t->count - 1]).text);
  }
  onefold_report_svg_text_in(
      svg, 0, f.y.from + 34, svg->width, REPORT_START, REPORT_NOTE,
      f.is_cut ? "x: seconds; y: time over the default choice's, 2.5 and more at the edge"
               : "x: seconds; y: time over that of the default choice");
  onefold_report_svg_text_in(svg, 0, f.y.from + 52, svg->width, REPORT_START, REPORT_NOTE, s->note);
  svg->height = f.y.from + BOTTOM;
}
