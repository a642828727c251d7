// SPDX-License-Identifier: BSD-3-Clause
// Draws the legend of kinds.
#include "report/kinds.h"

double onefold_report_kinds_draw(report_svg *svg, const report_point_kind *kinds, size_t count) {
  double x = 0, y = 2;
  for (size_t i = 0; i < count; i++) {
    const report_point_kind *k = &kinds[i];
    const double width = 16 + onefold_report_text_width(REPORT_LABEL, k->name) + 12;
    if (x > 0 && x + width > svg->width) {
      x = 0;
      y += 20;
    }
    onefold_report_svg_mark(svg, x + 6, y + 8, REPORT_RADIUS, k->mark, k->colour, NULL);
    onefold_report_svg_text(svg, x + 16, y + 12, REPORT_START, REPORT_LABEL, k->name);
    x += width;
  }
  return count ? y + 22 : y;
}
