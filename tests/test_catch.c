// SPDX-License-Identifier: BSD-3-Clause
// Failures that are caught: of one thread alone, and one within another.
#include "ops/context.h"
#include "tests/thread_support.h"

#include <stdio.h>
#include <string.h>

static void expect(onefold_context *context, onefold_status status, const char *text) {
  char has[ONEFOLD_SENTENCE];
  assert_int_equal(onefold_context_last_error(context, has, sizeof has), status);
  assert_string_equal(has, text);
}

static void test_nested(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  onefold_caught outer, inner;
  onefold_catch_begin(context, &outer);
  onefold_fail(context, ONEFOLD_IO, "first");
  onefold_catch_begin(context, &inner);
  assert_int_equal(onefold_fail(context, ONEFOLD_FORMAT, "%s", "second"), ONEFOLD_FORMAT);
  onefold_catch_end(context, &inner);
  assert_int_equal(inner.status, ONEFOLD_FORMAT);
  assert_string_equal(inner.text, "second");
  assert_int_equal(outer.status, ONEFOLD_IO);
  assert_string_equal(outer.text, "first");
  onefold_fail(context, ONEFOLD_REFUSED, "not so: %s", inner.text);
  onefold_catch_end(context, &outer);
  assert_int_equal(outer.status, ONEFOLD_REFUSED);
  assert_string_equal(outer.text, "not so: second");
  expect(context, ONEFOLD_OK, "");
  onefold_fail(context, outer.status, "%s", outer.text);
  expect(context, ONEFOLD_REFUSED, "not so: second");
  onefold_catch_begin(context, &outer);
  onefold_catch_end(context, &outer);
  assert_int_equal(outer.status, ONEFOLD_OK);
  assert_string_equal(outer.text, "");
  onefold_context_destroy(context);
}

enum { CALLERS = 4, TURNS = 2000 };

typedef struct caller {
  onefold_context *context;
  int number, catches;
} caller;

/// Some catch what they fail with, the others do not.
static void *fail_often(void *arg) {
  const caller *c = arg;
  char want[64];
  for (int i = 0; i < TURNS; i++) {
    snprintf(want, sizeof want, "turn %d of %d", i, c->number);
    onefold_caught caught;
    if (c->catches) onefold_catch_begin(c->context, &caught);
    onefold_fail(c->context, ONEFOLD_IO, "%s", want);
    if (!c->catches) continue;
    onefold_catch_end(c->context, &caught);
    if (strcmp(caught.text, want) != 0) return "the failure of another";
  }
  return NULL;
}

static void test_callers(void **state) {
  (void)state;
  onefold_context *context = test_context(ONEFOLD_ISA_REF, 1);
  caller callers[CALLERS];
  for (int i = 0; i < CALLERS; i++) callers[i] = (caller){context, i, i < CALLERS - 1};
  test_run_callers(fail_often, callers, sizeof *callers, CALLERS);
  char last[64];
  snprintf(last, sizeof last, "turn %d of %d", TURNS - 1, CALLERS - 1);
  expect(context, ONEFOLD_IO, last);
  onefold_context_destroy(context);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nested), cmocka_unit_test(test_callers)};
  return cmocka_run_group_tests_name("caught failures", tests, NULL, NULL);
}
