// SPDX-License-Identifier: BSD-3-Clause
// A document as one page of HTML: no scripts, nothing from elsewhere.
#include "report/output.h"
#include "report/page_style.h"
#include "report/text.h"

static const struct {
  const char *name;
  double width; // pixels
} variants[] = {{"narrow", 368}, {"middle", 680}, {"wide", 1080}};

static void put(FILE *out, const char *before, const char *text, const char *after) {
  fputs(before, out);
  onefold_report_put_xml(out, text);
  fputs(after, out);
}

static void put_table(FILE *out, const report_table *table, const char *name) {
  fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", out);
  onefold_report_put_xml(out, name);
  fputs("\"><table>\n<thead><tr>", out);
  for (size_t i = 0; i < table->width; i++) {
    put(out, table->columns[i].is_text ? "<th scope=\"col\">" : "<th scope=\"col\" class=\"n\">",
        table->columns[i].title, "</th>");
  }
  fputs("</tr></thead>\n<tbody>\n", out);
  for (size_t i = 0; i < table->height; i++) {
    fputs("<tr>", out);
    for (size_t j = 0; j < table->width; j++) {
      const char *cell = table->rows[i][j];
      put(out, table->columns[j].is_text ? "<td class=\"t\">" : "<td class=\"n\">",
          cell ? cell : "", "</td>");
    }
    fputs("</tr>\n", out);
  }
  fputs("</tbody></table></div>\n", out);
}

/// Behind a line that opens them: they are longer than many charts.
static void put_terms(FILE *out, const report_table *terms) {
  if (!terms->height) return;
  fputs("<details class=\"terms\"><summary>What the names mean</summary>\n<dl>\n", out);
  for (size_t i = 0; i < terms->height; i++) {
    put(out, "<dt>", terms->rows[i][0], "</dt>");
    put(out, "<dd>", terms->rows[i][1], "</dd>\n");
  }
  fputs("</dl></details>\n", out);
}

static int put_figure(FILE *out, const report_figure *figure) {
  int failed = 0;
  fprintf(out, "<figure id=\"%s\">\n<figcaption>", figure->id);
  put(out, "<h3>", figure->title, "</h3>");
  put(out, "<p>", figure->caption, "</p></figcaption>\n");
  for (size_t i = 0; figure->draw && i < sizeof variants / sizeof variants[0]; i++) {
    report_svg svg;
    onefold_report_svg_begin(&svg, variants[i].width);
    if (!svg.failed) figure->draw(&svg, figure->chart);
    const report_svg_frame frame = {figure->id, variants[i].name, figure->title, figure->caption,
                                    0};
    failed |= onefold_report_svg_end(&svg, &frame, out);
  }
  if (figure->note[0]) put(out, "<p class=\"note\">", figure->note, "</p>\n");
  put_terms(out, &figure->terms);
  if (figure->table.height) {
    if (figure->draw) fputs("<details><summary>The numbers</summary>", out);
    put_table(out, &figure->table, figure->title);
    if (figure->draw) fputs("</details>\n", out);
  }
  fputs("</figure>\n", out);
  return failed;
}

static void put_machines(FILE *out, const report_document *d) {
  const report_table *m = &d->machines;
  for (size_t i = 0; i < d->setup_count; i++)
    put(out, "<p class=\"lead\">", d->setups[i], "</p>\n");
  if (!m->height) return;
  fputs("<details class=\"machine\"><summary>Machine and runs</summary>\n"
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Machine and runs\">"
        "<table>\n<tbody>\n",
        out);
  for (size_t i = 0; i < m->height; i++) {
    put(out, "<tr><th scope=\"row\">", m->rows[i][0], "</th>");
    for (size_t j = 1; j < m->width; j++) put(out, "<td class=\"t\">", m->rows[i][j], "</td>");
    fputs("</tr>\n", out);
  }
  fputs("</tbody></table></div></details>\n", out);
}

static void put_header(FILE *out, const report_document *d) {
  put(out, "<header>\n<h1>", d->title, "</h1>\n");
  put_machines(out, d);
  if (d->warning[0]) put(out, "<p class=\"warning\">", d->warning, "</p>\n");
  if (d->key_count) fputs("<ul class=\"keys\">\n", out);
  for (size_t i = 0; i < d->key_count; i++) {
    put(out, "<li><strong>", d->keys[i].value, "</strong>");
    put(out, "<span>", d->keys[i].what, "</span>");
    put(out, "<small>", d->keys[i].of, "</small></li>\n");
  }
  if (d->key_count) fputs("</ul>\n", out);
  fputs("<nav aria-label=\"Sections\">", out);
  for (size_t i = 0; i < d->count; i++) {
    if (!d->sections[i].count) continue;
    fprintf(out, "<a href=\"#s-%s\">", d->sections[i].id);
    put(out, "", d->sections[i].title, "</a>\n");
  }
  fputs("</nav>\n</header>\n", out);
}

static int put_section(FILE *out, const report_section *s) {
  int failed = 0;
  fprintf(out, "<section id=\"s-%s\">\n", s->id);
  put(out, "<h2>", s->title, "</h2>\n");
  put(out, "<p class=\"text\">", s->text, "</p>\n");
  for (size_t i = 0; i < s->count; i++) failed |= put_figure(out, &s->figures[i]);
  fputs("</section>\n", out);
  return failed;
}

/// What is not in the data, and what would give it.
static void put_missing(FILE *out, const report_document *d) {
  size_t missing = 0;
  for (size_t i = 0; i < d->count; i++) missing += d->sections[i].count == 0;
  if (!missing) return;
  fputs("<section id=\"s-missing\">\n<h2>Not in the data</h2>\n<dl class=\"missing\">\n", out);
  for (size_t i = 0; i < d->count; i++) {
    const report_section *s = &d->sections[i];
    if (s->count) continue;
    put(out, "<dt>", s->title, "</dt>");
    put(out, "<dd>", s->missing, " ");
    put(out, "<code>", s->command, "</code></dd>\n");
  }
  fputs("</dl>\n</section>\n", out);
}

int onefold_report_page(const report_document *d, const report_output *output) {
  FILE *out = output->out;
  int failed = 0;
  fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'unsafe-inline'\"/>\n",
        out);
  put(out, "<title>", d->title, "</title>\n<style>\n");
  fputs(onefold_report_page_style, out);
  onefold_report_svg_style(out, 0);
  fputs("@media (prefers-color-scheme:dark){\n", out);
  onefold_report_svg_style(out, 1);
  fputs("}\n</style>\n</head>\n<body>\n", out);
  put_header(out, d);
  fputs("<main>\n", out);
  for (size_t i = 0; i < d->count; i++) {
    if (d->sections[i].count) failed |= put_section(out, &d->sections[i]);
  }
  put_missing(out, d);
  put(out, "</main>\n<footer><p>Onefold ", output->version,
      ". GFLOP/s count the multiply-adds "
      "that a form itself has, two operations each, padding counted. Percentages of the peak are "
      "of "
      "the FMA loop that ran between the repetitions.</p></footer>\n</body>\n</html>\n");
  return failed || ferror(out);
}
