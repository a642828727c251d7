// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: an export of the tuner's record. What is imported is exported, imported again, and
// the same; what is not leaves the record as it was.
#include "tests/fuzz/fuzz.h"

#include <onefold/record.h>

#include <stdlib.h>
#include <string.h>

typedef struct text {
  char *bytes;
  size_t length;
} text;

static void append(void *user, const char *line) {
  text *t = user;
  const size_t length = strlen(line);
  t->bytes = realloc(t->bytes, t->length + length + 2);
  FUZZ_EXPECT(t->bytes);
  memcpy(t->bytes + t->length, line, length);
  t->length += length + 1;
  t->bytes[t->length - 1] = '\n';
  t->bytes[t->length] = '\0';
}

static text export_all(onefold_record *record) {
  text t = {0};
  int64_t skipped = 0;
  FUZZ_EXPECT(onefold_record_export(record, append, &t, &skipped) == ONEFOLD_OK);
  FUZZ_EXPECT(skipped == 0);
  return t;
}

static onefold_record *open_in_memory(void) {
  onefold_record *record = NULL;
  const onefold_record_options options = {.struct_size = sizeof options, .path = ""};
  FUZZ_EXPECT(onefold_record_open(&options, &record) == ONEFOLD_OK);
  return record;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  onefold_record *first = open_in_memory(), *second = open_in_memory();
  onefold_record_counts counts;
  const onefold_status status =
      onefold_record_import(first, (const char *)bytes, size, ONEFOLD_RECORD_BETTER, &counts);
  FUZZ_EXPECT(status == ONEFOLD_OK || status == ONEFOLD_FORMAT);
  const text once = export_all(first);
  FUZZ_EXPECT((once.length > 0) == (counts.written > 0));
  if (once.length) {
    FUZZ_EXPECT(onefold_record_import(second, once.bytes, once.length, ONEFOLD_RECORD_REPLACE,
                                      &counts) == ONEFOLD_OK);
    FUZZ_EXPECT(counts.skipped == 0 && counts.kept == 0);
    const text twice = export_all(second);
    FUZZ_EXPECT(twice.length == once.length && !memcmp(twice.bytes, once.bytes, once.length));
    free(twice.bytes);
  }
  free(once.bytes);
  onefold_record_close(first);
  onefold_record_close(second);
  return 0;
}
