// SPDX-License-Identifier: BSD-3-Clause
// Texts of a chart on as many lines as they need.
#ifndef ONEFOLD_REPORT_WRAP_H
#define ONEFOLD_REPORT_WRAP_H

#include "report/svg.h"

/// Writes a text from its first baseline down, `pitch` apart, broken at blanks, and returns its
/// lines. A word that is wider than the room is cut with an ellipsis. `svg` may be NULL: the lines
/// are counted.
size_t onefold_report_wrap(report_svg *svg, double x, double y, double room, double pitch,
                           report_type type, const char *text);

#endif
