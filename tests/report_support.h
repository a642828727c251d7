// SPDX-License-Identifier: BSD-3-Clause
// What the tests of reports share: results as JSON, documents as text, and well-formed XML.
#ifndef ONEFOLD_TESTS_REPORT_SUPPORT_H
#define ONEFOLD_TESTS_REPORT_SUPPORT_H

#include "report/output.h"
#include "report/sections.h"
#include "tests/support.h"

/// JSON under way, which stays where it is. Times are in microseconds.
typedef struct test_json {
  FILE *out;
  char *text;
  size_t size;
  int rows;
} test_json;

/// A network's forms in one run, of 4 and 2 seconds, and in another the folded form beside a rival,
/// of 3 and 9.
void test_json_two_runs(test_json *forms, test_json *rivals);

/// Begins a file of that CPU ("" for none), with the peaks of a machine.
void test_json_begin(test_json *json, const char *cpu);
/// Adds the repetitions of a case, with counters (",\"flops\": 1") and a label ("" for none).
void test_json_row(test_json *json, const char *name, const char *label, const char *counters,
                   const double *times, size_t count);
/// Ends the text, which is to be freed.
char *test_json_end(test_json *json);

/// Reads a text as a file of that name; fails unless it is good.
void test_report_parse(report_data *data, const char *path, const char *text);

/// Reads a text and makes the document of it.
report_document test_report_build(report_data *data, const char *text);

/// The row of that name.
const report_row *test_report_row(const report_data *data, const char *name);

/// Networks, blocks, layers, convolutions and errors: all that a report shows. `odd` is put into
/// names and labels.
char *test_report_everything(const char *odd);

/// The document as a page, and as Markdown, to be freed.
char *test_report_page(const report_document *document);
char *test_report_markdown(const report_document *document);

/// Fails unless the text is one well-formed element of XML, after a declaration or doctype, with
/// nothing in its attributes and texts that XML forbids.
void test_expect_xml(const char *text);

#endif
