// SPDX-License-Identifier: BSD-3-Clause
// A record in memory, and what a context finds in it.
#include "tests/tilings_fixture.h"

#include <string.h>

onefold_context_options tilings_options(void) {
  return (onefold_context_options){.struct_size = sizeof(onefold_context_options),
                                   .threads = 2,
                                   .has_max_isa = 1,
                                   .max_isa = ONEFOLD_ISA_REF};
}

tilings_fixture tilings_create(void) {
  tilings_fixture f = {.record = test_record(NULL, 0, NULL)};
  const onefold_context_options options = tilings_options();
  assert_int_equal(onefold_context_create(&options, &f.context), ONEFOLD_OK);
  return f;
}

void tilings_destroy(tilings_fixture *f) {
  onefold_record_close(f->record);
  onefold_context_destroy(f->context);
}

void tilings_put(tilings_fixture *f, const onefold_record_row *row) {
  test_record_ok(f->record, onefold_record_put(f->record, row, ONEFOLD_RECORD_REPLACE, NULL));
}

void tilings_put_row(tilings_fixture *f, const char *problem, onefold_situation situation,
                     int mark) {
  onefold_record_row row = test_row(f->context, problem, situation);
  row.tiling.threads = mark;
  tilings_put(f, &row);
}

onefold_tilings *tilings_attach(tilings_fixture *f, onefold_situation situation) {
  onefold_context_options options = tilings_options();
  onefold_tilings *tilings = NULL;
  test_record_ok(f->record,
                 onefold_record_attach(f->record, situation, &test_machine, &options, &tilings));
  assert_non_null(tilings);
  assert_true(options.tiling == onefold_tilings_find && options.tiling_user == tilings);
  return tilings;
}

int tilings_find(tilings_fixture *f, onefold_tilings *tilings, const char *problem,
                 char source[160]) {
  onefold_conv2d_desc desc;
  onefold_tiling tiling = {.source = ""};
  test_ok(f->context, onefold_conv2d_desc_parse(f->context, problem, &desc));
  const int found = onefold_tilings_find(tilings, &desc, &tiling);
  memcpy(source, tiling.source, sizeof tiling.source);
  return found ? tiling.threads : 0;
}

void tilings_expect(tilings_fixture *f, onefold_situation situation, const char *problem, int mark,
                    const char *source) {
  char got[160];
  onefold_tilings *tilings = tilings_attach(f, situation);
  test_case("%s %s", problem, onefold_situation_name(situation));
  assert_int_equal(tilings_find(f, tilings, problem, got), mark);
  assert_string_equal(got, source);
  onefold_tilings_destroy(tilings);
}
