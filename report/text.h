// SPDX-License-Identifier: BSD-3-Clause
// Text of others made harmless in XML and Markdown, and numbers as text.
#ifndef ONEFOLD_REPORT_TEXT_H
#define ONEFOLD_REPORT_TEXT_H

#include <stdint.h>
#include <stdio.h>

/// Escaped for elements and quoted attributes of HTML and XML. What XML forbids, what is no UTF-8
/// and what turns the direction of text become U+FFFD.
void onefold_report_put_xml(FILE *out, const char *text);

/// Escaped for a cell of a Markdown table.
void onefold_report_put_markdown(FILE *out, const char *text);

/// Without control characters, for a terminal: what onefold_report_put_xml replaces becomes '?'.
void onefold_report_put_plain(FILE *out, const char *text);

/// The next character of UTF-8 text that does not end here, and *text behind it; U+FFFD for what is
/// none or is not shown.
uint32_t onefold_report_character(const char **text);

typedef struct report_text {
  char text[48];
} report_text;

report_text onefold_report_time(double seconds);    // "1.33 ms"
report_text onefold_report_times(double ratio);     // "1.18×", "121×"
report_text onefold_report_percent(double percent); // "98.1 %"
report_text onefold_report_rate(double gflops);     // "104 GFLOP/s"
report_text onefold_report_bytes(double bytes);     // "1.50 MiB"
report_text onefold_report_error(double error);     // "2.1e-07"
/// Three significant digits, without trailing zeros behind the point: of axes.
report_text onefold_report_number(double value);

#endif
