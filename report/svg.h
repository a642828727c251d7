// SPDX-License-Identifier: BSD-3-Clause
// Writes an SVG: marks and texts in pixels, origin at the top left. Colours are classes.
#ifndef ONEFOLD_REPORT_SVG_H
#define ONEFOLD_REPORT_SVG_H

#include <stddef.h>
#include <stdio.h>

typedef enum report_colour {
#define ONEFOLD_REPORT_COLOUR(name, light, dark) REPORT_COLOUR_##name,
#include "report/palette.def"
  REPORT_COLOURS
} report_colour;

/// A drawing under way; `failed` where memory ended.
typedef struct report_svg {
  double width, height; // the height is set by who draws, at the end
  FILE *body;
  char *text;
  size_t size;
  int failed;
} report_svg;

void onefold_report_svg_begin(report_svg *svg, double width);

/// Puts what was drawn on `part` on top, and releases it.
void onefold_report_svg_append(report_svg *svg, report_svg *part);

/// How a drawing is written out.
typedef struct report_svg_frame {
  const char *id; // unique in the page
  const char *variant;
  const char *title, *about;
  int alone; // a file of its own, with its style: 1 for light pages, 2 dark where the system is
} report_svg_frame;

/// Writes the drawing and releases it. Non-zero where it failed.
int onefold_report_svg_end(report_svg *svg, const report_svg_frame *frame, FILE *out);

/// The style sheet of the marks, with the colours of the dark page where `dark`.
void onefold_report_svg_style(FILE *out, int dark);

// Classes: "axis", "grid", "reference", "roof", "whisker". Tips are shown where the pointer rests;
// NULL: none.
void onefold_report_svg_line(report_svg *svg, double x1, double y1, double x2, double y2,
                             const char *class);
void onefold_report_svg_bar(report_svg *svg, double x, double y, double width, double height,
                            report_colour colour, const char *tip);

typedef enum report_mark {
  REPORT_CIRCLE,
  REPORT_SQUARE,
  REPORT_DIAMOND,
  REPORT_TRIANGLE,
  REPORT_RING
} report_mark;
void onefold_report_svg_mark(report_svg *svg, double x, double y, double radius, report_mark mark,
                             report_colour colour, const char *tip);
void onefold_report_svg_path(report_svg *svg, const double *xy, size_t points,
                             report_colour colour);

/// Text classes, and so sizes: see onefold_report_text_size.
typedef enum report_type {
  REPORT_LABEL,  // of marks
  REPORT_VALUE,  // numbers at marks
  REPORT_HEAD,   // of groups
  REPORT_NOTE,   // beside heads
  REPORT_TICK,   // of axes
  REPORT_INSIDE, // on marks
  REPORT_TYPES
} report_type;

typedef enum report_anchor { REPORT_START, REPORT_MIDDLE, REPORT_END } report_anchor;

/// At the baseline.
void onefold_report_svg_text(report_svg *svg, double x, double y, report_anchor anchor,
                             report_type type, const char *text);
/// Turned by `degrees`, clockwise, around its start.
void onefold_report_svg_text_turned(report_svg *svg, double x, double y, double degrees,
                                    report_type type, const char *text);
/// Cut with an ellipsis where it would be wider than `room`; then the whole text is its tip.
void onefold_report_svg_text_in(report_svg *svg, double x, double y, double room,
                                report_anchor anchor, report_type type, const char *text);

double onefold_report_text_size(report_type type); // pixels
/// Not less than what common sans-serif fonts take.
double onefold_report_text_width(report_type type, const char *text);

#endif
