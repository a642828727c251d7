// SPDX-License-Identifier: BSD-3-Clause
// Records for tests.
#include "tests/record_support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void test_place_make(test_place *place) {
  const char *temporary = getenv("TMPDIR");
  snprintf(place->directory, sizeof place->directory, "%s/onefold-record-XXXXXX",
           temporary && strlen(temporary) < 64 ? temporary : "/tmp");
  assert_non_null(mkdtemp(place->directory));
  snprintf(place->path, sizeof place->path, "%s/tilings.db", place->directory);
}

void test_place_remove(const test_place *place) {
  char command[256];
  chmod(place->directory, 0700);
  snprintf(command, sizeof command, "rm -rf '%s'", place->directory);
  assert_int_equal(system(command), 0);
}

int test_record_here(void **state) {
  test_place *place = calloc(1, sizeof *place);
  assert_non_null(place);
  test_place_make(place);
  setenv("ONEFOLD_RECORD", place->path, 1);
  *state = place;
  return 0;
}

int test_record_gone(void **state) {
  test_place_remove(*state);
  free(*state);
  return 0;
}

int test_place_files(const test_place *place, const char *part) {
  DIR *directory = opendir(place->directory);
  int count = 0;
  assert_non_null(directory);
  for (const struct dirent *entry; (entry = readdir(directory));)
    count += entry->d_name[0] != '.' && strstr(entry->d_name, part) != NULL;
  closedir(directory);
  return count;
}

const onefold_machine test_machine = {
    .vendor = "AuthenticAMD",
    .family = 0x19,
    .model = 0x11,
    .capped_isa = ONEFOLD_ISA_AVX512,
    .packages = 1,
    .numa_nodes = 1,
    .physical_cores = 96,
    .logical_cores = 192,
    .l1d_bytes = 32768,
    .l2_bytes = 1048576,
    .l2_cores = 2,
    .l3_bytes = 33554432,
    .l3_cores = 16,
};

onefold_record_row test_row(onefold_context *context, const char *problem,
                            onefold_situation situation) {
  onefold_conv2d_desc desc;
  onefold_record_row row;
  test_ok(context, onefold_conv2d_desc_parse(context, problem, &desc));
  test_ok(context, onefold_record_row_init(context, &test_machine, &desc, situation, &row));
  row.median_ns = 1000;
  row.spread = 0.02;
  row.default_ns = 1100;
  row.trials = 10;
  return row;
}

static void count_warning(void *user, const char *sentence) {
  test_warnings *warnings = user;
  warnings->count++;
  snprintf(warnings->last, sizeof warnings->last, "%s", sentence);
}

onefold_record *test_record(const char *path, int read_only, test_warnings *warnings) {
  onefold_record *record = NULL;
  if (warnings) memset(warnings, 0, sizeof *warnings);
  const onefold_record_options options = {.struct_size = sizeof options,
                                          .path = path ? path : ":memory:",
                                          .read_only = read_only,
                                          .warning = warnings ? count_warning : NULL,
                                          .warning_user = warnings};
  assert_int_equal(onefold_record_open(&options, &record), ONEFOLD_OK);
  assert_non_null(record);
  return record;
}

void test_record_expect(const onefold_record *record, onefold_status got, onefold_status want,
                        const char *file, int line) {
  char sentence[512];
  if (got == want) return;
  onefold_record_last_error(record, sentence, sizeof sentence);
  fail_msg("%s:%d: %s, not %s: %s", file, line, onefold_status_name(got), onefold_status_name(want),
           sentence);
}

static int count_row(void *user, const onefold_record_row *row) {
  (void)row;
  ++*(int *)user;
  return 0;
}

int test_record_count(onefold_record *record) {
  int count = 0;
  test_record_ok(record, onefold_record_visit(record, count_row, &count, NULL));
  return count;
}

int test_key_order(const onefold_record_key *a, const onefold_record_key *b) {
  const char *const words[][2] = {{a->machine, b->machine},
                                  {a->kind, b->kind},
                                  {a->problem, b->problem},
                                  {a->layouts, b->layouts},
                                  {a->epilogue, b->epilogue}};
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    const int order = strcmp(words[i][0], words[i][1]);
    if (order) return order;
  }
  if (a->threads != b->threads) return a->threads < b->threads ? -1 : 1;
  const int order =
      strcmp(onefold_situation_name(a->situation), onefold_situation_name(b->situation));
  if (order) return order;
  return strcmp(onefold_accuracy_name(a->accuracy), onefold_accuracy_name(b->accuracy));
}
