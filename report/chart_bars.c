// SPDX-License-Identifier: BSD-3-Clause
// Horizontal bars in groups, from zero.
#include "report/chart_bars.h"

#include "report/scale.h"
#include "report/text.h"
#include "report/wrap.h"

#include <math.h>
#include <stdlib.h>

#define PITCH       18.0 // of bars
#define THICK       12.0
#define HEAD        20.0
#define GROUP_GAP   12.0
#define NOTE_PITCH  16.0 // of lines below a heading
#define AXIS        42.0 // ticks and title
#define GAP         8.0
#define TICKS_APART 50.0
#define STACKED     480.0 // below this width
#define TWO_COLUMNS 960.0 // from this width on
#define MAGNITUDE   3.0   // of the largest bars that share an axis

/// Groups on one axis.
typedef struct panel {
  const report_bar_group **groups;
  size_t count;
  double high;
} panel;

static double largest(const report_bar_group *g) {
  double most = 0;
  for (size_t i = 0; i < g->count; i++) {
    if (g->bars[i].value > most) most = g->bars[i].value;
    if (g->bars[i].high > most) most = g->bars[i].high;
  }
  return most;
}

static int by_largest(const void *a, const void *b) {
  const double x = largest(*(const report_bar_group *const *)a);
  const double y = largest(*(const report_bar_group *const *)b);
  return (x > y) - (x < y);
}

static int by_place(const void *a, const void *b) {
  const report_bar_group *x = *(const report_bar_group *const *)a;
  const report_bar_group *y = *(const report_bar_group *const *)b;
  return (x > y) - (x < y);
}

static size_t make_panels(const report_bars *bars, const report_bar_group **order, panel *panels) {
  size_t n = 0;
  for (size_t i = 0; i < bars->count; i++) order[i] = &bars->groups[i];
  qsort(order, bars->count, sizeof *order, by_largest);
  for (size_t i = 0; i < bars->count; i++) {
    const double high = largest(order[i]);
    if (n == 0 || high > MAGNITUDE * largest(panels[n - 1].groups[0])) {
      panels[n++] = (panel){.groups = &order[i]};
    }
    panels[n - 1].count++;
    panels[n - 1].high = high;
  }
  for (size_t i = 0; i < n; i++) {
    qsort(panels[i].groups, panels[i].count, sizeof *panels[i].groups, by_place);
  }
  return n;
}

/// Where things of a part lie: names up to `from`, where the bars begin; texts behind their ends.
typedef struct layout {
  report_scale scale;
  double left, from, right;
  int stacked; // names of single bars are above them
} layout;

static int is_single(const report_bar_group *g) {
  return g->count == 1 && !g->bars[0].name[0];
}

/// Beside the heading, or on lines of its own below it: the lines.
static size_t note_lines(const report_bar_group *g, double width) {
  const double head = onefold_report_text_width(REPORT_HEAD, g->title) + GAP;
  if (head + onefold_report_text_width(REPORT_NOTE, g->note) <= width) return 0;
  return onefold_report_wrap(NULL, 0, 0, width, NOTE_PITCH, REPORT_NOTE, g->note);
}

static double group_height(const report_bar_group *g, double width) {
  if (is_single(g)) return width < STACKED ? 2 * PITCH : PITCH + 2;
  return HEAD + NOTE_PITCH * (double)note_lines(g, width) + PITCH * (double)g->count + GROUP_GAP;
}

static double text_width(const report_bar *b) {
  const double text = onefold_report_text_width(REPORT_VALUE, b->text);
  const double more = onefold_report_text_width(REPORT_NOTE, b->more);
  return text + more + (text > 0 && more > 0 ? GAP : 0);
}

static double end_of(const report_bar *b) {
  return isfinite(b->high) && b->high > b->value ? b->high : b->value;
}

/// The longest bars that leave their texts their room.
static layout lay_out(const report_bars *bars, const panel *p, double left, double width) {
  layout l = {.left = left, .right = left + width, .stacked = width < STACKED};
  double names = 0;
  for (size_t i = 0; i < bars->count; i++) {
    const report_bar_group *g = &bars->groups[i];
    if (is_single(g) && !l.stacked) {
      names = fmax(names, onefold_report_text_width(REPORT_LABEL, g->title));
    }
    for (size_t j = 0; j < g->count; j++) {
      names = fmax(names, onefold_report_text_width(REPORT_LABEL, g->bars[j].name));
    }
  }
  l.from = left + (names > 0 ? fmin(names, 0.45 * width) + GAP : 1);
  const double high = fmax(p->high, isfinite(bars->reference) ? bars->reference : 0);
  l.scale = onefold_report_scale_bars(high, l.from, l.right - 8);
  double to = l.right - 8;
  for (size_t i = 0; i < p->count; i++) {
    for (size_t j = 0; j < p->groups[i]->count; j++) {
      const report_bar *b = &p->groups[i]->bars[j];
      const double room = l.right - l.from - 8 - text_width(b), part = end_of(b) / l.scale.high;
      if (part > 0) to = fmin(to, l.from + fmax(room, 0.2 * width) / part);
    }
  }
  l.scale.to = to;
  return l;
}

/// Lines of the axis behind the bars of a group.
static void draw_grid(report_svg *svg, const report_bars *bars, const layout *l, double top,
                      double bottom) {
  double ticks[REPORT_TICKS];
  const size_t n = onefold_report_ticks(&l->scale, TICKS_APART, ticks);
  for (size_t i = 0; i < n; i++) {
    const double x = onefold_report_at(&l->scale, ticks[i]);
    onefold_report_svg_line(svg, x, top, x, bottom, ticks[i] == 0 ? "axis" : "grid");
  }
  if (isfinite(bars->reference)) {
    const double x = onefold_report_at(&l->scale, bars->reference);
    onefold_report_svg_line(svg, x, top, x, bottom, "reference");
  }
}

static void draw_axis(report_svg *svg, const report_bars *bars, const layout *l, double y) {
  double ticks[REPORT_TICKS];
  const size_t n = onefold_report_ticks(&l->scale, TICKS_APART, ticks);
  for (size_t i = 0; i < n; i++) {
    onefold_report_svg_text(svg, onefold_report_at(&l->scale, ticks[i]), y + 12,
                            l->from - l->left < 4 && ticks[i] == 0 ? REPORT_START : REPORT_MIDDLE,
                            REPORT_TICK, onefold_report_number(ticks[i]).text);
  }
  onefold_report_svg_text_in(svg, l->left, y + 29, l->right - l->left, REPORT_START, REPORT_NOTE,
                             bars->axis);
}

static void draw_bar(report_svg *svg, const report_bar *b, const layout *l, double y) {
  const double x = onefold_report_at(&l->scale, b->value), middle = y + PITCH / 2;
  onefold_report_svg_bar(svg, l->from, y + (PITCH - THICK) / 2, x - l->from, THICK, b->colour,
                         b->tip);
  if (isfinite(b->low) && isfinite(b->high)) {
    const double low = onefold_report_at(&l->scale, b->low);
    const double high = onefold_report_at(&l->scale, b->high);
    onefold_report_svg_line(svg, low, middle, high, middle, "whisker");
    onefold_report_svg_line(svg, low, middle - 3, low, middle + 3, "whisker");
    onefold_report_svg_line(svg, high, middle - 3, high, middle + 3, "whisker");
  }
  double at = onefold_report_at(&l->scale, end_of(b)) + 6;
  const double text = onefold_report_text_width(REPORT_VALUE, b->text);
  onefold_report_svg_text_in(svg, at, middle + 4, l->right - at, REPORT_START, REPORT_VALUE,
                             b->text);
  if (text > 0) at += text + GAP / 2;
  onefold_report_svg_text_in(svg, at, middle + 4, l->right - at, REPORT_START, REPORT_NOTE,
                             b->more);
}

static void draw_single(report_svg *svg, const report_bars *bars, const report_bar_group *g,
                        const layout *l, double y) {
  const double bar = l->stacked ? y + PITCH - 3 : y;
  const double room = l->stacked ? l->right - l->left : l->from - l->left - GAP;
  onefold_report_svg_text_in(svg, l->left, y + PITCH / 2 + 4, room, REPORT_START, REPORT_LABEL,
                             g->title);
  draw_grid(svg, bars, l, bar, bar + PITCH + (l->stacked ? 0 : 2));
  draw_bar(svg, &g->bars[0], l, bar);
}

static void draw_group(report_svg *svg, const report_bars *bars, const report_bar_group *g,
                       const layout *l, double y) {
  const double width = l->right - l->left;
  const size_t lines = note_lines(g, width);
  const double head = onefold_report_text_width(REPORT_HEAD, g->title) + GAP;
  onefold_report_svg_text_in(svg, l->left, y + 13, width, REPORT_START, REPORT_HEAD, g->title);
  onefold_report_wrap(svg, lines ? l->left : l->left + head, lines ? y + 13 + NOTE_PITCH : y + 13,
                      lines ? width : width - head, NOTE_PITCH, REPORT_NOTE, g->note);
  y += HEAD + NOTE_PITCH * (double)lines;
  draw_grid(svg, bars, l, y, y + PITCH * (double)g->count + 3);
  for (size_t i = 0; i < g->count; i++) {
    onefold_report_svg_text_in(svg, l->from - GAP, y + PITCH / 2 + 4, l->from - GAP - l->left,
                               REPORT_END, REPORT_LABEL, g->bars[i].name);
    draw_bar(svg, &g->bars[i], l, y);
    y += PITCH;
  }
}

/// Groups [first, last) of a panel in a column, with their axis. Returns the bottom.
static double draw_part(report_svg *svg, const report_bars *bars, const panel *p, size_t first,
                        size_t last, double left, double width, double top) {
  const layout l = lay_out(bars, p, left, width);
  double y = top;
  for (size_t i = first; i < last; i++) {
    const report_bar_group *g = p->groups[i];
    if (is_single(g)) {
      draw_single(svg, bars, g, &l, y);
    } else {
      draw_group(svg, bars, g, &l, y);
    }
    y += group_height(g, width);
  }
  draw_axis(svg, bars, &l, y);
  return y + AXIS;
}

/// How many groups of a panel go into the first of two columns.
static size_t half(const panel *p, double width) {
  double all = 0, sum = 0;
  for (size_t i = 0; i < p->count; i++) all += group_height(p->groups[i], width);
  size_t n = 0;
  while (n < p->count && sum < all / 2) sum += group_height(p->groups[n++], width);
  return n;
}

void onefold_report_draw_bars(report_svg *svg, const void *chart) {
  const report_bars *bars = chart;
  const report_bar_group **order = calloc(bars->count ? bars->count : 1, sizeof *order);
  panel *panels = calloc(bars->count ? bars->count : 1, sizeof *panels);
  double y = 4;
  if (!order || !panels) svg->failed = 1;
  const size_t n = svg->failed ? 0 : make_panels(bars, order, panels);
  const double between = 24, column = (svg->width - between) / 2;
  for (size_t i = 0; i < n; i++) {
    const panel *p = &panels[i];
    if (svg->width < TWO_COLUMNS || p->count < 4) {
      y = draw_part(svg, bars, p, 0, p->count, 0, svg->width, y);
    } else {
      const size_t first = half(p, column);
      const double a = draw_part(svg, bars, p, 0, first, 0, column, y);
      const double b = draw_part(svg, bars, p, first, p->count, column + between, column, y);
      y = fmax(a, b);
    }
    y += 8;
  }
  svg->height = y;
  free(panels);
  free(order);
}
