// SPDX-License-Identifier: BSD-3-Clause
// Checking the blocks of a checkpoint while they are folded: what is measured, and what is said
// where nothing could be.
#include "tests/checkpoint_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ------------------------------------------------------- blocks of several steps

/// The errors of every region, in the order in which they are reported.
typedef struct errors {
  int count;
  double relative[16], absolute[16];
} errors;

static void collect(void *user, const onefold_fold_region *region) {
  errors *e = user;
  assert_true(e->count < 16);
  e->absolute[e->count] = region->max_abs_error;
  e->relative[e->count++] = region->max_rel_error;
}

static double largest(const double *values, int count) {
  double found = values[0];
  for (int i = 1; i < count; i++)
    if (values[i] > found) found = values[i];
  return found;
}

/// The regions of the block as folding a checkpoint goes over them.
static errors measure(test_place *p, const char *block, const char *params) {
  onefold_block_params own;
  onefold_graph *graph, *folded;
  test_ok(p->context, onefold_block_params_init(p->context, block, &own));
  test_ok(p->context, onefold_block_params_set(p->context, &own, params));
  own.prefix = "a.";
  own.activation = ONEFOLD_ACT_RELU;
  onefold_weights *weights = test_place_open(p, p->in);
  test_ok(p->context, onefold_block_build(p->context, block, &own, weights, &graph));
  errors found = {0};
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.border = 0;
  options.force = options.measure = 1;
  options.report = collect;
  options.user = &found;
  test_ok(p->context, onefold_fold(p->context, graph, &options, &folded));
  onefold_graph_destroy(folded);
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
  return found;
}

/// Folds one block by its checkpoint. Non-zero where the last step has not the largest error.
static int check_steps(const char *params) {
  static const char block[] = "orepa_largeconv";
  test_place *p = test_place_make();
  test_case("%s", params);
  test_checkpoint_block(p->context, &p->checkpoint, block, params, "a.");
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  const errors all = measure(p, block, params);
  assert_true(all.count > 1);
  const double relative = largest(all.relative, all.count), last = all.relative[all.count - 1];
  test_seen s;
  onefold_checkpoint_options options = test_options_for(&s);
  options.check = 1;
  onefold_weights *in = test_place_open(p, p->in);
  test_ok(p->context, onefold_checkpoint_fold(p->context, in, NULL, &options));
  assert_int_equal(s.regions, 1);
  assert_true(s.region.max_rel_error == relative);
  assert_true(s.region.max_abs_error == largest(all.absolute, all.count));
  options.check_limit = last;
  assert_int_equal(onefold_checkpoint_fold(p->context, in, NULL, &options),
                   relative > last ? ONEFOLD_REFUSED : ONEFOLD_OK);
  onefold_weights_close(in);
  test_place_remove(p);
  return relative > last;
}

/// A block that is folded in several steps has the largest error of any, not that of the last.
static void test_steps(void **state) {
  (void)state;
  int earlier = 0;
  for (int kernel = 5; kernel <= 11; kernel += 2)
    for (int out = 3; out <= 5; out++) {
      char params[96];
      snprintf(params, sizeof params, "input=1x4x%dx%d out_channels=%d kernel=%d", 2 * kernel + 1,
               2 * kernel + 1, out, kernel);
      earlier += check_steps(params);
    }
  assert_true(earlier > 0);
}

// ------------------------------------------------------------------ out of memory

typedef struct memory {
  int calls, failing; // the call that fails, or 0
} memory;

static void *allocate(void *user, size_t size, size_t alignment) {
  memory *m = user;
  return ++m->calls == m->failing ? NULL : aligned_alloc(alignment, size);
}

static void release(void *user, void *pointer) {
  (void)user;
  free(pointer);
}

/// Whichever allocation fails, it is an error of its own, or the check that it kept from running
/// refuses the block.
static void test_not_measured(void **state) {
  (void)state;
  test_place *p = test_place_make();
  test_checkpoint_block(p->context, &p->checkpoint, "repvgg", "input=1x4x9x9 out_channels=4", "a.");
  test_checkpoint_write(p->context, &p->checkpoint, p->in);
  memory m = {0};
  const onefold_context_options own = {.struct_size = sizeof own,
                                       .threads = 1,
                                       .allocate = allocate,
                                       .release = release,
                                       .allocator_user = &m,
                                       .has_max_isa = 1};
  onefold_context *context = NULL;
  onefold_weights *in = NULL;
  test_ok(NULL, onefold_context_create(&own, &context));
  test_ok(context, onefold_weights_open(context, p->in, &in));
  onefold_checkpoint_options options;
  onefold_checkpoint_options_init(&options);
  options.check = 1;
  int refused = 0;
  for (int failing = 1, done = 0; !done; failing++) {
    m = (memory){.failing = failing};
    const onefold_status status = onefold_checkpoint_fold(context, in, NULL, &options);
    done = m.calls < failing;
    if (status == ONEFOLD_REFUSED) {
      refused++;
      test_says(context, "a.rbr_reparam: its two forms could not be run to compare them");
    } else if (status != ONEFOLD_OK) { // the ranges of weights may be left out
      assert_int_equal(status, ONEFOLD_OUT_OF_MEMORY);
      assert_false(done);
    }
  }
  assert_true(refused > 10);
  onefold_weights_close(in);
  onefold_context_destroy(context);
  test_place_remove(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps),
                                     cmocka_unit_test(test_not_measured)};
  return cmocka_run_group_tests_name("checks of a checkpoint", tests, NULL, NULL);
}
