// SPDX-License-Identifier: BSD-3-Clause
// Places for labels that touch nothing that was placed before.
#ifndef ONEFOLD_REPORT_PLACE_H
#define ONEFOLD_REPORT_PLACE_H

#include "report/svg.h"

#define REPORT_PLACES 4096 // at most; what is beyond is not labelled

typedef struct report_box {
  double left, top, right, bottom;
} report_box;

/// What is taken, within `all`.
typedef struct report_places {
  report_box all, taken[REPORT_PLACES];
  size_t count;
} report_places;

/// Whether nothing else is there.
int onefold_report_is_free(const report_places *places, report_box box);
/// Takes a box, if nothing else is there. Non-zero where it was free.
int onefold_report_take(report_places *places, report_box box);
/// Takes it in any case.
void onefold_report_occupy(report_places *places, report_box box);

/// Writes a label beside a mark of that radius, right, left, above or below, where it touches
/// nothing. Non-zero where there was such a place.
int onefold_report_label(report_svg *svg, report_places *places, double x, double y, double radius,
                         report_type type, const char *text);

/// Takes the place of a text that is turned by `degrees` around its start, if it is free.
int onefold_report_take_turned(report_places *places, double x, double y, double degrees,
                               report_type type, const char *text);

#endif
