// SPDX-License-Identifier: BSD-3-Clause
// The legend of charts whose points have a colour and a mark by their kind.
#ifndef ONEFOLD_REPORT_KINDS_H
#define ONEFOLD_REPORT_KINDS_H

#include "report/svg.h"

#define REPORT_RADIUS 4.5 // of such a mark

typedef struct report_point_kind {
  const char *name;
  report_colour colour;
  report_mark mark;
} report_point_kind;

/// The marks and their names, in as many lines as they need. Returns the bottom.
double onefold_report_kinds_draw(report_svg *svg, const report_point_kind *kinds, size_t count);

#endif
