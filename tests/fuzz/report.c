// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: results as JSON. What is accepted makes a page and tables, and can be compared with
// itself; what is not has a sentence.
#include "report/compare.h"
#include "report/output.h"
#include "report/sections.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void expect_written(const report_document *document) {
  char *page = NULL, *tables = NULL;
  size_t page_size = 0, tables_size = 0;
  const report_output first = {open_memstream(&page, &page_size), "0", 0};
  const report_output second = {open_memstream(&tables, &tables_size), "0", 1};
  FUZZ_EXPECT(first.out && second.out);
  FUZZ_EXPECT(onefold_report_page(document, &first) == 0);
  onefold_report_markdown(document, &second);
  fclose(first.out);
  fclose(second.out);
  FUZZ_EXPECT(page_size > 0 && tables_size > 0);
  FUZZ_EXPECT(!strstr(page, "<script"));
  FUZZ_EXPECT(strlen(page) == page_size);
  free(tables);
  free(page);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  report_data data = {0};
  report_document document;
  if (onefold_report_parse(&data, "input", (const char *)bytes, size)) {
    FUZZ_EXPECT(data.sentence[0]);
  } else {
    FUZZ_EXPECT(onefold_report_build(&data, &document) == 0);
    expect_written(&document);
    FUZZ_EXPECT(onefold_report_parse(&data, "again", (const char *)bytes, size) == 0);
    if (onefold_report_build_comparison(&data, &document)) {
      FUZZ_EXPECT(data.sentence[0]);
    } else {
      expect_written(&document);
    }
  }
  onefold_report_data_release(&data);
  return 0;
}
