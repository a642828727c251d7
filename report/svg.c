// SPDX-License-Identifier: BSD-3-Clause
// Writes an SVG: marks and texts in pixels, origin at the top left. Colours are classes.
#include "report/svg.h"

#include "report/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const struct {
  const char *name, *light, *dark;
} colours[REPORT_COLOURS] = {
#define ONEFOLD_REPORT_COLOUR(name, light, dark) {#name, light, dark},
#include "report/palette.def"
};

static const struct {
  const char *name;
  double size;
  int bold;
} types[REPORT_TYPES] = {
    [REPORT_LABEL] = {"label", 12, 0}, [REPORT_VALUE] = {"value", 12, 0},
    [REPORT_HEAD] = {"head", 13, 1},   [REPORT_NOTE] = {"note", 12, 0},
    [REPORT_TICK] = {"tick", 11, 0},   [REPORT_INSIDE] = {"inside", 11, 0},
};

void onefold_report_svg_begin(report_svg *svg, double width) {
  *svg = (report_svg){.width = width};
  svg->body = open_memstream(&svg->text, &svg->size);
  svg->failed = !svg->body;
}

// -------------------------------------------------------------------- style

/// Ink of texts, of faint texts, of axes, of grids; the page behind.
static const char *const inks[2][5] = {
    {"#1b2430", "#566273", "#8a94a3", "#e3e7ec", "#ffffff"},
    {"#e8edf3", "#a3afbd", "#66717f", "#2a323c", "#12171d"},
};

void onefold_report_svg_style(FILE *out, int dark) {
  const char *const *ink = inks[dark != 0];
  fprintf(out,
          "svg .label,svg .head,svg .value{fill:%s}svg .note,svg .tick{fill:%s}"
          "svg .inside{fill:%s}"
          "svg .axis{stroke:%s}svg .grid{stroke:%s}svg .reference,svg .roof{stroke:%s}"
          "svg .whisker{stroke:%s}svg .halo{stroke:%s}\n",
          ink[0], ink[1], ink[4], ink[2], ink[3], ink[1], ink[0], ink[4]);
  for (int i = 0; i < REPORT_COLOURS; i++) {
    const char *colour = dark ? colours[i].dark : colours[i].light;
    fprintf(out, "svg .%s{fill:%s;stroke:%s}", colours[i].name, colour, colour);
  }
  fputc('\n', out);
  if (dark) return; // what follows holds for both
  for (int i = 0; i < REPORT_TYPES; i++) {
    fprintf(out, "svg .%s{font-size:%gpx%s}", types[i].name, types[i].size,
            types[i].bold ? ";font-weight:600" : "");
  }
  // With elements, to come before the colours whatever their order.
  fputs("svg text.halo{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}"
        "svg path.axis,svg path.grid,svg path.reference,svg path.roof,svg path.whisker"
        "{fill:none;shape-rendering:crispEdges}"
        "svg path.roof{stroke-width:1.5;shape-rendering:auto}"
        "svg path.reference{stroke-dasharray:3 3}svg rect.bar{stroke:none}"
        "svg path.curve,svg circle.ring{fill:none;stroke-width:2}"
        "svg path.mark,svg circle.mark{stroke-width:0}svg circle.ring{stroke-width:2}\n",
        out);
}

static void finish(report_svg *svg) {
  if (svg->body) {
    const int failed = ferror(svg->body);
    if (fclose(svg->body) || failed) svg->failed = 1;
  }
  svg->body = NULL;
}

void onefold_report_svg_append(report_svg *svg, report_svg *part) {
  finish(part);
  if (part->failed) svg->failed = 1;
  if (!svg->failed) fputs(part->text, svg->body);
  free(part->text);
  part->text = NULL;
}

int onefold_report_svg_end(report_svg *svg, const report_svg_frame *frame, FILE *out) {
  finish(svg);
  if (!svg->failed) {
    if (frame->alone) fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart %s\" viewBox=\"0 0 %g %g\" "
            "width=\"%g\" height=\"%g\" role=\"img\" aria-labelledby=\"%s-%s\" "
            "font-family=\"system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, "
            "sans-serif\">\n<title id=\"%s-%s\">",
            frame->variant, svg->width, svg->height, svg->width, svg->height, frame->id,
            frame->variant, frame->id, frame->variant);
    onefold_report_put_xml(out, frame->title);
    fputs("</title>\n<desc>", out);
    onefold_report_put_xml(out, frame->about);
    fputs("</desc>\n", out);
    if (frame->alone) {
      fputs("<style>\n", out);
      onefold_report_svg_style(out, 0);
      fprintf(out, "svg .page{fill:%s}\n", inks[0][4]);
      if (frame->alone == 2) {
        fputs("@media (prefers-color-scheme:dark){\n", out);
        onefold_report_svg_style(out, 1);
        fprintf(out, "svg .page{fill:%s}}\n", inks[1][4]);
      }
      fputs("</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n", out);
    }
    fputs(svg->text, out);
    fputs("</svg>\n", out);
  }
  free(svg->text);
  svg->text = NULL;
  return svg->failed;
}

// -------------------------------------------------------------------- marks

void onefold_report_svg_line(report_svg *svg, double x1, double y1, double x2, double y2,
                             const char *class) {
  if (!svg->failed) {
    fprintf(svg->body, "<path class=\"%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", class, x1, y1, x2, y2);
  }
}

/// Ends an element that was opened, with its tip.
static void end(report_svg *svg, const char *element, const char *tip) {
  if (!tip) {
    fputs("/>\n", svg->body);
    return;
  }
  fputs("><title>", svg->body);
  onefold_report_put_xml(svg->body, tip);
  fprintf(svg->body, "</title></%s>\n", element);
}

void onefold_report_svg_bar(report_svg *svg, double x, double y, double width, double height,
                            report_colour colour, const char *tip) {
  if (svg->failed) return;
  fprintf(svg->body, "<rect class=\"bar %s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"",
          colours[colour].name, x, y, width < 0.5 ? 0.5 : width, height);
  end(svg, "rect", tip);
}

void onefold_report_svg_mark(report_svg *svg, double x, double y, double radius, report_mark mark,
                             report_colour colour, const char *tip) {
  if (svg->failed) return;
  const double r = radius, wide = 1.15 * r;
  const char *name = colours[colour].name;
  switch (mark) {
  case REPORT_RING:
    fprintf(svg->body, "<circle class=\"mark %s ring\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", name, x,
            y, r);
    end(svg, "circle", tip);
    return;
  case REPORT_SQUARE:
    fprintf(svg->body, "<path class=\"mark %s\" d=\"M%.1f %.1fh%.1fv%.1fh%.1fz\"", name,
            x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r, -1.8 * r);
    break;
  case REPORT_DIAMOND:
    fprintf(svg->body, "<path class=\"mark %s\" d=\"M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz\"",
            name, x - wide, y, wide, -wide, wide, wide, -wide, wide);
    break;
  case REPORT_TRIANGLE:
    fprintf(svg->body, "<path class=\"mark %s\" d=\"M%.1f %.1fl%.1f %.1fh%.1fz\"", name, x,
            y - wide, wide, 1.8 * r, -2 * wide);
    break;
  case REPORT_CIRCLE:
  default:
    fprintf(svg->body, "<circle class=\"mark %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", name, x, y,
            r);
    end(svg, "circle", tip);
    return;
  }
  end(svg, "path", tip);
}

void onefold_report_svg_path(report_svg *svg, const double *xy, size_t points,
                             report_colour colour) {
  if (svg->failed) return;
  fprintf(svg->body, "<path class=\"%s curve\" d=\"", colours[colour].name);
  for (size_t i = 0; i < points; i++) {
    fprintf(svg->body, "%c%.1f %.1f", i ? 'L' : 'M', xy[2 * i], xy[2 * i + 1]);
  }
  fputs("\"/>\n", svg->body);
}

// -------------------------------------------------------------------- texts

static void put_text(report_svg *svg, double x, double y, double degrees, report_anchor anchor,
                     report_type type, const char *text, const char *tip) {
  static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
  if (svg->failed || !text[0]) return;
  // What lies on a bar needs no halo of the page's colour.
  fprintf(svg->body, "<text class=\"%s%s\" x=\"%.1f\" y=\"%.1f\"%s", types[type].name,
          type == REPORT_INSIDE || type == REPORT_HEAD || type == REPORT_NOTE ? "" : " halo", x, y,
          anchors[anchor]);
  if (degrees != 0) fprintf(svg->body, " transform=\"rotate(%.2f %.1f %.1f)\"", degrees, x, y);
  fputc('>', svg->body);
  if (tip) {
    fputs("<title>", svg->body);
    onefold_report_put_xml(svg->body, tip);
    fputs("</title>", svg->body);
  }
  onefold_report_put_xml(svg->body, text);
  fputs("</text>\n", svg->body);
}

void onefold_report_svg_text(report_svg *svg, double x, double y, report_anchor anchor,
                             report_type type, const char *text) {
  put_text(svg, x, y, 0, anchor, type, text, NULL);
}

void onefold_report_svg_text_turned(report_svg *svg, double x, double y, double degrees,
                                    report_type type, const char *text) {
  put_text(svg, x, y, degrees, REPORT_START, type, text, NULL);
}

double onefold_report_text_size(report_type type) {
  return types[type].size;
}

/// In parts of the font's size, as wide as the widest of the fonts named in svg_end's list and
/// DejaVu Sans.
static double advance(uint32_t c) {
  if (c >= 0x2E80) return 1.05; // ideographs, emoji
  if (c == 0x2192 || c == 0x00D7) return 0.86;
  if (c < 0x80 && strchr("il.,:;|!'`", (int)c)) return 0.34;
  if (c < 0x80 && strchr("jtfrI()[]/ -", (int)c)) return 0.41;
  if (c < 0x80 && strchr("mwMWGOQ%@&", (int)c)) return 0.96;
  if (c >= 'A' && c <= 'Z') return 0.72;
  return c >= 0x80 ? 0.9 : 0.64;
}

/// Of the first `end - text` bytes.
static double width_to(report_type type, const char *text, const char *stop) {
  double width = 0;
  while (text < stop) width += advance(onefold_report_character(&text));
  return width * types[type].size * (types[type].bold ? 1.1 : 1.0);
}

double onefold_report_text_width(report_type type, const char *text) {
  return width_to(type, text, text + strlen(text));
}

void onefold_report_svg_text_in(report_svg *svg, double x, double y, double room,
                                report_anchor anchor, report_type type, const char *text) {
  static const char ellipsis[] = "…";
  char cut[160];
  if (onefold_report_text_width(type, text) <= room + 0.1) {
    put_text(svg, x, y, 0, anchor, type, text, NULL);
    return;
  }
  const double left = room - onefold_report_text_width(type, ellipsis);
  const char *stop = text;
  for (const char *next = text; *next;) {
    onefold_report_character(&next);
    if (width_to(type, text, next) > left || next - text > 150) break;
    stop = next;
  }
  if (stop == text) return;
  snprintf(cut, sizeof cut, "%.*s%s", (int)(stop - text), text, ellipsis);
  put_text(svg, x, y, 0, anchor, type, cut, text);
}
