// SPDX-License-Identifier: BSD-3-Clause
// Each chart of a document as a file of its own.
#include "report/output.h"
#include "report/wrap.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define WIDTH       680.0
#define STAMP_PITCH 15.0

/// The machines and dates at the foot: the page has them in its header.
static void draw_stamps(report_svg *svg, const report_figure *figure) {
  for (size_t i = 0; i < figure->stamp_count && !svg->failed; i++) {
    const size_t lines = onefold_report_wrap(svg, 0, svg->height + 10, WIDTH, STAMP_PITCH,
                                             REPORT_TICK, figure->stamps[i]);
    svg->height += STAMP_PITCH * (double)lines;
  }
}

/// Non-zero where errno says why it was not written.
static int write_chart(const report_figure *figure, const char *path) {
  FILE *out = fopen(path, "w");
  if (!out) return -1;
  report_svg svg;
  onefold_report_svg_begin(&svg, WIDTH);
  if (!svg.failed) figure->draw(&svg, figure->chart);
  draw_stamps(&svg, figure);
  const report_svg_frame frame = {figure->id, "alone", figure->title, figure->caption, 1};
  int failed = onefold_report_svg_end(&svg, &frame, out);
  failed |= ferror(out);
  return fclose(out) || failed ? -1 : 0;
}

int onefold_report_charts(const report_document *document, const char *directory, char *sentence,
                          size_t size, size_t *written) {
  *written = 0;
  if (mkdir(directory, 0777) && errno != EEXIST) {
    snprintf(sentence, size, "%s: %s", directory, strerror(errno));
    return -1;
  }
  for (size_t i = 0; i < document->count; i++) {
    const report_section *s = &document->sections[i];
    for (size_t j = 0; j < s->count; j++) {
      char path[4096];
      if (!s->figures[j].draw) continue;
      const int length = snprintf(path, sizeof path, "%s/%s.svg", directory, s->figures[j].id);
      errno = ENAMETOOLONG;
      if (length >= (int)sizeof path || write_chart(&s->figures[j], path)) {
        snprintf(sentence, size, "%s: %s", path, strerror(errno));
        return -1;
      }
      ++*written;
    }
  }
  return 0;
}
