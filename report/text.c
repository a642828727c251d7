// SPDX-License-Identifier: BSD-3-Clause
// Text of others made harmless in XML and Markdown, and numbers as text.
#include "report/text.h"

#include <math.h>
#include <string.h>

#define REPLACED 0xFFFDu

/// Whether a code point is shown as it is.
static int is_shown(uint32_t c) {
  static const struct {
    uint32_t first, last;
  } hidden[] = {
      {0x00, 0x08},     {0x0B, 0x0C},     {0x0E, 0x1F},     {0x7F, 0x9F},     {0x200E, 0x200F},
      {0x2028, 0x202E}, {0x2066, 0x2069}, {0xD800, 0xDFFF}, {0xFEFF, 0xFEFF}, {0xFFFE, 0xFFFF},
  };
  for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
    if (c >= hidden[i].first && c <= hidden[i].last) return 0;
  }
  return c <= 0x10FFFF;
}

uint32_t onefold_report_character(const char **text) {
  const unsigned char *at = (const unsigned char *)*text;
  const int length = at[0] < 0x80   ? 1
                     : at[0] < 0xC2 ? 0
                     : at[0] < 0xE0 ? 2
                     : at[0] < 0xF0 ? 3
                     : at[0] < 0xF5 ? 4
                                    : 0;
  uint32_t c = length == 1   ? at[0]
               : length == 2 ? at[0] & 0x1Fu
               : length == 3 ? at[0] & 0x0Fu
                             : at[0] & 0x07u;
  for (int i = 1; i < length; i++) {
    if ((at[i] & 0xC0) != 0x80) { // also the terminating zero
      *text += i;
      return REPLACED;
    }
    c = c << 6 | (at[i] & 0x3Fu);
  }
  *text += length ? length : 1;
  const int overlong = (length == 3 && c < 0x800) || (length == 4 && c < 0x10000);
  return length && !overlong && is_shown(c) ? c : REPLACED;
}

static void put_utf8(FILE *out, uint32_t c) {
  if (c < 0x80) {
    fputc((int)c, out);
  } else if (c < 0x800) {
    fprintf(out, "%c%c", (int)(0xC0 | c >> 6), (int)(0x80 | (c & 0x3F)));
  } else if (c < 0x10000) {
    fprintf(out, "%c%c%c", (int)(0xE0 | c >> 12), (int)(0x80 | (c >> 6 & 0x3F)),
            (int)(0x80 | (c & 0x3F)));
  } else {
    fprintf(out, "%c%c%c%c", (int)(0xF0 | c >> 18), (int)(0x80 | (c >> 12 & 0x3F)),
            (int)(0x80 | (c >> 6 & 0x3F)), (int)(0x80 | (c & 0x3F)));
  }
}

void onefold_report_put_xml(FILE *out, const char *text) {
  while (*text) {
    const uint32_t c = onefold_report_character(&text);
    const char *entity = c == '&'    ? "&amp;"
                         : c == '<'  ? "&lt;"
                         : c == '>'  ? "&gt;"
                         : c == '"'  ? "&quot;"
                         : c == '\'' ? "&#39;"
                                     : NULL;
    if (entity) {
      fputs(entity, out);
    } else {
      put_utf8(out, c);
    }
  }
}

void onefold_report_put_markdown(FILE *out, const char *text) {
  while (*text) {
    const uint32_t c = onefold_report_character(&text);
    if (c == '\n' || c == '\r' || c == '\t') {
      fputc(' ', out);
    } else if (c == '<') {
      fputs("&lt;", out);
    } else if (c == '&') {
      fputs("&amp;", out);
    } else {
      if (c < 0x80 && strchr("\\`*_[]|~>#@!", (int)c)) fputc('\\', out);
      put_utf8(out, c);
    }
  }
}

void onefold_report_put_plain(FILE *out, const char *text) {
  while (*text) {
    const uint32_t c = onefold_report_character(&text);
    if (c == REPLACED || c < ' ') {
      fputc('?', out);
    } else {
      put_utf8(out, c);
    }
  }
}

static report_text written(const char *format, int digits, double value, const char *unit) {
  report_text t;
  snprintf(t.text, sizeof t.text, format, digits, value, unit);
  return t;
}

/// Three significant digits with the largest of the units that leaves at least 1.
static report_text scaled(double value, const char *const *units, size_t count, double step) {
  size_t unit = 0;
  // 999.5 would be written as 1000.
  for (; unit + 1 < count && value >= step * (1 - 0.0005); unit++) value /= step;
  const int digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return written(value < 1e6 ? "%.*f %s" : "%.*e %s", value < 1e6 ? digits : 2, value, units[unit]);
}

report_text onefold_report_time(double seconds) {
  static const char *const units[] = {"ns", "µs", "ms", "s"};
  return scaled(seconds * 1e9, units, 4, 1000);
}

report_text onefold_report_times(double ratio) {
  return written(ratio < 1e6 ? "%.*f%s" : "%.*e%s",
                 ratio < 9.995   ? 2
                 : ratio < 99.95 ? 1
                                 : 0,
                 ratio, "×");
}

report_text onefold_report_percent(double percent) {
  return written(fabs(percent) < 1e6 ? "%.*f %s" : "%.*e %s", fabs(percent) < 99.95 ? 1 : 0,
                 percent, "%");
}

report_text onefold_report_rate(double gflops) {
  return written(gflops < 1e6 ? "%.*f %s" : "%.*e %s", gflops < 99.95 ? 1 : 0, gflops, "GFLOP/s");
}

report_text onefold_report_bytes(double bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1023.5) return written("%.*f %s", 0, bytes, "B");
  return scaled(bytes, units, 5, 1024);
}

report_text onefold_report_error(double error) {
  return written("%.*e%s", 1, error, "");
}

report_text onefold_report_number(double value) {
  report_text t;
  snprintf(t.text, sizeof t.text, "%.3g", value);
  if (strchr(t.text, 'e') && fabs(value) < 1e6 && fabs(value) >= 1000) {
    snprintf(t.text, sizeof t.text, "%.0f", value);
  }
  return t;
}
