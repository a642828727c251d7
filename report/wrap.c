// SPDX-License-Identifier: BSD-3-Clause
// Texts of a chart on as many lines as they need.
#include "report/wrap.h"

#include <string.h>

#define MOST_LINE 400 // bytes

/// The bytes of `text` that go on one line: all, or up to a blank; at least one word.
static size_t line_length(report_type type, double room, const char *text, char *line) {
  size_t taken = 0;
  for (const char *at = text; *at;) {
    const size_t length = (size_t)(at - text) + strcspn(at + 1, " ") + 1;
    if (length >= MOST_LINE) break;
    memcpy(line, text, length);
    line[length] = '\0';
    if (taken && onefold_report_text_width(type, line) > room) break;
    taken = length;
    at = text + length;
  }
  if (!taken) taken = strnlen(text, MOST_LINE - 1);
  memcpy(line, text, taken);
  line[taken] = '\0';
  return taken;
}

size_t onefold_report_wrap(report_svg *svg, double x, double y, double room, double pitch,
                           report_type type, const char *text) {
  char line[MOST_LINE];
  size_t lines = 0;
  while (*text) {
    text += line_length(type, room, text, line);
    text += strspn(text, " ");
    if (svg)
      onefold_report_svg_text_in(svg, x, y + pitch * (double)lines, room, REPORT_START, type, line);
    lines++;
  }
  return lines;
}
