// SPDX-License-Identifier: BSD-3-Clause
// Contexts: options that are refused, options of an older and shorter kind, the last error of a new
// one, its kernels, and sizes of tensors.
#include "ops/context.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static void *allocate(void *user, size_t size, size_t alignment) {
  ++*(int *)user;
  return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void release(void *user, void *pointer) {
  --*(int *)user;
  free(pointer);
}

static onefold_context_options good(void) {
  return (onefold_context_options){.struct_size = sizeof(onefold_context_options), .threads = 1};
}

static void refuse(const onefold_context_options *options, const char *what) {
  int place = 0;
  onefold_context *context = (onefold_context *)(void *)&place;
  test_case("%s", what);
  assert_int_equal(onefold_context_create(options, &context), ONEFOLD_INVALID_ARGUMENT);
  assert_null(context);
}

static void test_refused(void **state) {
  (void)state;
  onefold_context_options o;
#define REFUSE(field, value)                                                                       \
  o = good();                                                                                      \
  o.field = (value);                                                                               \
  refuse(&o, #field " is " #value)
  REFUSE(struct_size, 0);
  REFUSE(struct_size, offsetof(onefold_context_options, tiling) - 1);
  REFUSE(struct_size, sizeof o + 1);
  REFUSE(threads, -1);
  REFUSE(threads, INT32_MIN);
  REFUSE(threads, 4097);
  REFUSE(allocate, allocate);
  REFUSE(release, release);
  REFUSE(accuracy, (onefold_accuracy)-1);
  REFUSE(accuracy, (onefold_accuracy)(ONEFOLD_ACCURACY_FAST + 1));
#undef REFUSE
  for (int isa = -1; isa <= ONEFOLD_ISA_COUNT; isa += ONEFOLD_ISA_COUNT + 1) {
    o = good();
    o.max_isa = (onefold_isa)isa;
    o.has_max_isa = 1;
    refuse(&o, "max_isa is no level");
    o.has_max_isa = 0; // then it is not read
    onefold_context *context = NULL;
    test_ok(NULL, onefold_context_create(&o, &context));
    onefold_context_destroy(context);
  }
  o = good();
  assert_int_equal(onefold_context_create(&o, NULL), ONEFOLD_INVALID_ARGUMENT);
  onefold_context_destroy(NULL);
}

static int no_tiling(void *user, const struct onefold_conv2d_desc *desc, onefold_tiling *tiling) {
  (void)desc, (void)tiling;
  ++*(int *)user;
  return 0;
}

/// What is behind struct_size is not read.
static void test_shorter_options(void **state) {
  (void)state;
  static const struct {
    size_t size;
    int asks;
  } rows[] = {{offsetof(onefold_context_options, tiling), 0},
              {offsetof(onefold_context_options, planned), 1},
              {sizeof(onefold_context_options), 1}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    int asked = 0;
    onefold_context_options o = good();
    o.tiling = no_tiling;
    o.tiling_user = &asked;
    o.struct_size = rows[i].size;
    onefold_context *context = NULL;
    onefold_conv2d_plan *plan = NULL;
    onefold_conv2d_desc desc;
    test_ok(NULL, onefold_context_create(&o, &context));
    test_ok(context, onefold_conv2d_desc_parse(context, "ic8ih8oc8kh1", &desc));
    test_ok(context, onefold_conv2d_plan_create(context, &desc, &plan));
    assert_int_equal(asked, rows[i].asks);
    onefold_conv2d_plan_destroy(plan);
    onefold_context_destroy(context);
  }
}

/// Memory comes from the caller's functions and goes back to them.
static void test_allocator(void **state) {
  (void)state;
  int blocks = 0;
  onefold_context_options o = good();
  o.allocate = allocate;
  o.release = release;
  o.allocator_user = &blocks;
  onefold_context *context = NULL;
  test_ok(NULL, onefold_context_create(&o, &context));
  assert_true(blocks > 0);
  onefold_context_destroy(context);
  assert_int_equal(blocks, 0);
}

/// Nothing has failed yet, and a level that is none is told.
static void test_first_error(void **state) {
  (void)state;
  const char *before = getenv("ONEFOLD_MAX_ISA");
  char *saved = before ? strdup(before) : NULL;
  for (int nonsense = 0; nonsense < 2; nonsense++) {
    char text[200] = "as it was";
    onefold_context *context = NULL;
    if (nonsense) setenv("ONEFOLD_MAX_ISA", "avx1024", 1);
    test_ok(NULL, onefold_context_create(NULL, &context));
    assert_int_equal(onefold_context_last_error(context, text, sizeof text), ONEFOLD_OK);
    if (nonsense) assert_non_null(strstr(text, "ONEFOLD_MAX_ISA=avx1024 is not a level"));
    if (!nonsense) assert_string_equal(text, "");
    assert_int_equal(onefold_context_last_error(context, NULL, 0), ONEFOLD_OK);
    onefold_context_destroy(context);
  }
  if (saved) setenv("ONEFOLD_MAX_ISA", saved, 1);
  if (!saved) unsetenv("ONEFOLD_MAX_ISA");
  free(saved);
}

typedef struct kernels {
  const onefold_dispatch *dispatch;
  int32_t seen;
} kernels;

static void see(void *user, const char *op, const char *kernel, onefold_isa isa) {
  kernels *k = user;
  const onefold_kernel *row = onefold_dispatch_find(k->dispatch, kernel);
  test_case("%s", kernel);
  assert_non_null(row);
  assert_string_equal(op, onefold_op_name(row->op));
  assert_int_equal(isa, row->isa);
  assert_true(isa == k->dispatch->isa || isa == ONEFOLD_ISA_REF);
  k->seen++;
}

/// Each row of the dispatch table, once.
static void test_kernels(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  kernels k = {onefold_context_dispatch(context), 0};
  int32_t rows = 0;
  for (int op = 0; op < ONEFOLD_OP_COUNT; op++) rows += k.dispatch->ops[op].count;
  onefold_context_visit_kernels(context, see, &k);
  assert_int_equal(k.seen, rows);
  onefold_context_destroy(context);
}

static void test_elements_of_tensors(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  const size_t v = (size_t)onefold_context_block(context);
  static const onefold_layout layouts[] = {ONEFOLD_NCHW, ONEFOLD_NHWC, ONEFOLD_BLOCKED};
  static const onefold_shape none[] = {
      {0, 1, 1, 1},
      {1, 0, 1, 1},
      {1, 1, -1, 1},
      {1, 1, 1, INT64_MIN},
      {INT64_MAX, INT64_MAX, 1, 1},
      {1, INT64_MAX, 1, 1},
      {1, 1, INT64_MAX, 4},
      {INT64_C(1) << 31, 1, INT64_C(1) << 31, 1},
      {INT64_C(1) << 32, 1, INT64_C(1) << 32, 1},
  };
  for (int i = 0; i < 3; i++) {
    for (size_t k = 0; k < sizeof none / sizeof *none; k++) {
      test_case("%s, shape %zu", onefold_layout_name(layouts[i]), k);
      assert_int_equal(onefold_tensor_elements(context, none[k], layouts[i]), 0);
    }
    const size_t want = layouts[i] == ONEFOLD_BLOCKED ? 2 * v : v + 1;
    const onefold_shape shape = {2, (int64_t)v + 1, 3, 5};
    assert_int_equal(onefold_tensor_elements(context, shape, layouts[i]), 30 * want);
  }
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest once[] = {
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_shorter_options),
      cmocka_unit_test(test_allocator),
      cmocka_unit_test(test_first_error),
  };
  const struct CMUnitTest levels[] = {cmocka_unit_test(test_kernels),
                                      cmocka_unit_test(test_elements_of_tensors)};
  int failures = cmocka_run_group_tests_name("contexts", once, NULL, NULL);
  failures += test_every_level("contexts of a level", levels, 2);
  return failures ? 1 : 0;
}
