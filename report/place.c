// SPDX-License-Identifier: BSD-3-Clause
// Places for labels that touch nothing that was placed before.
#include "report/place.h"

#include <math.h>

void onefold_report_occupy(report_places *places, report_box box) {
  if (places->count < REPORT_PLACES) places->taken[places->count++] = box;
}

int onefold_report_is_free(const report_places *places, report_box box) {
  const report_box *all = &places->all;
  if (box.left < all->left || box.right > all->right || box.top < all->top ||
      box.bottom > all->bottom || places->count == REPORT_PLACES) {
    return 0;
  }
  for (size_t i = 0; i < places->count; i++) {
    const report_box *b = &places->taken[i];
    if (box.left < b->right && b->left < box.right && box.top < b->bottom && b->top < box.bottom) {
      return 0;
    }
  }
  return 1;
}

int onefold_report_take(report_places *places, report_box box) {
  const int is_free = onefold_report_is_free(places, box);
  if (is_free) onefold_report_occupy(places, box);
  return is_free;
}

int onefold_report_label(report_svg *svg, report_places *places, double x, double y, double radius,
                         report_type type, const char *text) {
  const double width = onefold_report_text_width(type, text), size = onefold_report_text_size(type);
  const double side = radius + 3, up = 0.8 * size, down = 0.25 * size;
  const struct {
    double x, y; // of the start of the baseline
  } at[] = {
      {x + side, y + 0.3 * size},
      {x - side - width, y + 0.3 * size},
      {x - width / 2, y - side - down},
      {x - width / 2, y + side + up},
      {x + 0.7 * side, y - 0.7 * side},
      {x + 0.7 * side, y + 0.7 * side + up},
      {x - 0.7 * side - width, y - 0.7 * side},
      {x - 0.7 * side - width, y + 0.7 * side + up},
  };
  for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
    const report_box box = {at[i].x - 1, at[i].y - up - 1, at[i].x + width + 1, at[i].y + down + 1};
    if (!onefold_report_take(places, box)) continue;
    onefold_report_svg_text(svg, at[i].x, at[i].y, REPORT_START, type, text);
    return 1;
  }
  return 0;
}

int onefold_report_take_turned(report_places *places, double x, double y, double degrees,
                               report_type type, const char *text) {
  const double width = onefold_report_text_width(type, text), size = onefold_report_text_size(type);
  const double dx = cos(degrees * M_PI / 180), dy = sin(degrees * M_PI / 180);
  for (int taking = 0; taking < 2; taking++) {
    // Small boxes along the middle of the text's height.
    for (int k = 0; k <= (int)(2 * width / size); k++) {
      const double at = k * size / 2;
      const double mx = x + at * dx + 0.35 * size * dy, my = y + at * dy - 0.35 * size * dx;
      const report_box box = {mx - 0.6 * size, my - 0.6 * size, mx + 0.6 * size, my + 0.6 * size};
      if (taking) {
        onefold_report_occupy(places, box);
      } else if (!onefold_report_is_free(places, box)) {
        return 0;
      }
    }
  }
  return 1;
}
