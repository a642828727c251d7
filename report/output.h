// SPDX-License-Identifier: BSD-3-Clause
// How a document is written.
#ifndef ONEFOLD_REPORT_OUTPUT_H
#define ONEFOLD_REPORT_OUTPUT_H

#include "report/document.h"

typedef struct report_output {
  FILE *out;
  const char *version; // of the program that writes
  int all;             // of Markdown: every row of every table
} report_output;

/// One page of HTML without scripts or anything from elsewhere. Non-zero where it failed.
int onefold_report_page(const report_document *document, const report_output *output);
void onefold_report_markdown(const report_document *document, const report_output *output);
/// Each chart as DIRECTORY/<id>.svg. Non-zero after `sentence` of `size` bytes.
int onefold_report_charts(const report_document *document, const char *directory, char *sentence,
                          size_t size, size_t *written);

#endif
