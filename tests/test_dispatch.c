// SPDX-License-Identifier: BSD-3-Clause
// The rows and the dispatch tables: names, tiles, a row for every operator at
// every level, and the level that any set of CPU features gives.
#include "arch/isa.h"
#include "kernels/kernel.h"
#include "tests/support.h"

#include <stdio.h>
#include <string.h>

static void test_names(void **state) {
  (void)state;
  size_t count = 0;
  const onefold_kernel *rows = onefold_kernel_rows(&count);
  assert_true(count > 0);
  for (size_t i = 0; i < count; i++) {
    const onefold_kernel *row = &rows[i];
    char want[96], op[48];
    snprintf(
        op, sizeof(op), "%s%s%s", onefold_op_name(row->op), row->op == ONEFOLD_OP_ACT ? "_" : "",
        row->op == ONEFOLD_OP_ACT ? onefold_activation_name((onefold_activation)row->variant) : "");
    const int winograd = row->op >= ONEFOLD_OP_WINOGRAD_IN && row->op <= ONEFOLD_OP_POLYPHASE_OUT;
    if (row->pixels || winograd) {
      snprintf(want, sizeof(want), "onefold_uk_%s_f32_%dx%d__%s", op,
               winograd ? row->variant : row->pixels, winograd ? row->variant : row->q,
               onefold_isa_name(row->isa));
    } else {
      snprintf(want, sizeof(want), "onefold_uk_%s_f32__%s", op, onefold_isa_name(row->isa));
    }
    assert_string_equal(row->name, want);
    assert_true(strlen(row->name) < sizeof(((onefold_tiling *)0)->kernel));
    for (size_t j = 0; j < i; j++) assert_string_not_equal(row->name, rows[j].name);
  }
}

static void test_tiles(void **state) {
  (void)state;
  size_t count = 0;
  const onefold_kernel *rows = onefold_kernel_rows(&count);
  for (size_t i = 0; i < count; i++) {
    const onefold_kernel *row = &rows[i];
    assert_non_null(row->fn);
    assert_in_range(row->op, 0, ONEFOLD_OP_COUNT - 1);
    assert_in_range(row->isa, 0, ONEFOLD_ISA_COUNT - 1);
    assert_int_equal(row->pixels > 0, row->op <= ONEFOLD_OP_GROUPED_SN);
    assert_int_equal(row->pixels > 0, row->q > 0);
    assert_in_range(row->pixels, 0, ONEFOLD_MAX_TILE_PIXELS);
    assert_in_range(row->q, 0, ONEFOLD_MAX_TILE_BLOCKS);
    if (row->isa == ONEFOLD_ISA_REF) {
      assert_int_equal(row->v, 0);
    } else {
      assert_true(row->v == 4 || row->v == 8 || row->v == 16);
    }
  }
}

/// Every operator and activation has a row, of the level or of ref; a
/// level's operator never mixes the two; find gives each row back.
static void check_table(const onefold_dispatch *d, onefold_isa isa) {
  assert_int_equal(d->isa, isa);
  assert_true(d->v == 4 || d->v == 8 || d->v == 16);
  assert_null(d->act[ONEFOLD_ACT_NONE]);
  for (int act = 1; act < ONEFOLD_ACT_COUNT; act++) assert_non_null(d->act[act]);
  for (int op = 0; op < ONEFOLD_OP_COUNT; op++) {
    if (d->ops[op].count < 1) {
      test_failed("level %s has no row of %s", onefold_isa_name(isa),
                  onefold_op_name((onefold_op)op));
    }
    for (int i = 0; i < d->ops[op].count; i++) {
      const onefold_kernel *row = d->ops[op].row[i];
      assert_int_equal(row->op, op);
      assert_true(row->isa == isa || row->isa == ONEFOLD_ISA_REF);
      assert_int_equal(row->isa, d->ops[op].row[0]->isa);
      assert_true(row->v == 0 || row->v == d->v);
      assert_ptr_equal(onefold_dispatch_find(d, row->name), row);
    }
  }
  assert_null(onefold_dispatch_find(d, "onefold_uk_conv_s1_f32_99x9__none"));
  assert_null(onefold_dispatch_find(d, ""));
}

static void test_levels(void **state) {
  (void)state;
  for (int isa = 0; isa < ONEFOLD_ISA_COUNT; isa++) {
    onefold_dispatch d;
    memset(&d, 0xFF, sizeof(d));
    const char *fault = onefold_dispatch_build((onefold_isa)isa, &d);
    if (fault) test_failed("level %s: %s", onefold_isa_name((onefold_isa)isa), fault);
    check_table(&d, (onefold_isa)isa);
  }
}

/// A level that this build has files for serves every operator itself.
static void test_levels_complete(void **state) {
  (void)state;
  size_t count = 0;
  const onefold_kernel *rows = onefold_kernel_rows(&count);
  for (size_t i = 0; i < count; i++) {
    onefold_dispatch d;
    assert_null(onefold_dispatch_build(rows[i].isa, &d));
    for (int op = 0; op < ONEFOLD_OP_COUNT; op++) {
      if (d.ops[op].row[0]->isa != rows[i].isa) {
        test_failed("level %s serves %s by the reference", onefold_isa_name(rows[i].isa),
                    onefold_op_name((onefold_op)op));
      }
    }
  }
}

/// No set of features gives a level that needs one more, and no higher level
/// of the same family would have been allowed.
static void test_feature_masks(void **state) {
  (void)state;
  for (uint32_t features = 0; features < 2 * ONEFOLD_CPU_NEON; features++) {
    const onefold_isa best = onefold_isa_best(features);
    const uint32_t needed = onefold_isa_features(best);
    onefold_dispatch d;
    assert_int_equal(features & needed, needed);
    assert_null(onefold_dispatch_build(best, &d));
    check_table(&d, best);
    for (int isa = 0; isa < ONEFOLD_ISA_COUNT; isa++) {
      const uint32_t wanted = onefold_isa_features((onefold_isa)isa);
      const int allowed = (features & wanted) == wanted;
      if (allowed && (wanted & needed) == needed && wanted != needed) {
        test_failed("features %#x give %s though %s is there", features, onefold_isa_name(best),
                    onefold_isa_name((onefold_isa)isa));
      }
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),         cmocka_unit_test(test_tiles),
      cmocka_unit_test(test_levels),        cmocka_unit_test(test_levels_complete),
      cmocka_unit_test(test_feature_masks),
  };
  if (test_isa_missing()) return 1;
  return cmocka_run_group_tests(tests, NULL, NULL) != 0;
}
