// SPDX-License-Identifier: BSD-3-Clause
// A document as Markdown: its tables, for pull requests.
#include "report/output.h"
#include "report/text.h"

static void put(FILE *out, const char *before, const char *text, const char *after) {
  fputs(before, out);
  onefold_report_put_markdown(out, text);
  fputs(after, out);
}

static void put_rule(FILE *out, const report_table *table) {
  for (size_t i = 0; i < table->width; i++) {
    fputs(table->columns[i].is_text ? "|---" : "|---:", out);
  }
  fputs("|\n", out);
}

/// The rows of `brief`; NULL: all.
static void put_table(FILE *out, const report_table *table, const report_brief *brief) {
  const size_t *rows = brief ? brief->rows : NULL;
  const size_t height = rows ? brief->count : table->height;
  for (size_t i = 0; i < table->width; i++) put(out, "| ", table->columns[i].title, " ");
  fputs("|\n", out);
  put_rule(out, table);
  for (size_t i = 0; i < height; i++) {
    for (size_t j = 0; j < table->width; j++) {
      const char *cell = table->rows[rows ? rows[i] : i][j];
      put(out, "| ", cell ? cell : "", " ");
    }
    fputs("|\n", out);
  }
  fputc('\n', out);
  if (!rows) return;
  fprintf(out, "%zu of %zu rows are left out: these are ", table->height - height, table->height);
  put(out, "", brief->are, ". `--all` prints all.\n\n");
}

static void put_figure(const report_figure *f, const report_output *output) {
  FILE *out = output->out;
  put(out, "### ", f->title, "\n\n");
  if (f->caption[0]) put(out, "", f->caption, "\n\n");
  if (f->table.height) put_table(out, &f->table, output->all ? NULL : &f->brief);
  if (f->note[0]) put(out, "", f->note, "\n\n");
  for (size_t i = 0; i < f->terms.height; i++) {
    put(out, "- ", f->terms.rows[i][0], ": ");
    put(out, "", f->terms.rows[i][1], "\n");
  }
  if (f->terms.height) fputc('\n', out);
}

void onefold_report_markdown(const report_document *d, const report_output *output) {
  FILE *out = output->out;
  put(out, "# ", d->title, "\n\n");
  if (d->warning[0]) put(out, "**", d->warning, "**\n\n");
  if (d->machines.height) put_table(out, &d->machines, NULL);
  for (size_t i = 0; i < d->key_count; i++) {
    put(out, "- **", d->keys[i].value, "** ");
    put(out, "", d->keys[i].what, "");
    put(out, " (", d->keys[i].of, ")\n");
  }
  if (d->key_count) fputc('\n', out);
  for (size_t i = 0; i < d->count; i++) {
    const report_section *s = &d->sections[i];
    if (!s->count) continue;
    put(out, "## ", s->title, "\n\n");
    for (size_t j = 0; j < s->count; j++) put_figure(&s->figures[j], output);
  }
  put(out, "Onefold ", output->version, "\n");
}
