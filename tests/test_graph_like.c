// SPDX-License-Identifier: BSD-3-Clause
// Executions that are made like another: the same bits from weights that are there once, for as
// long as one of them is, whichever goes first; packed or mapped.
#include "graph/exec.h"
#include "tests/cache_support.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/// What the context's allocator was asked for, and how many problems were planned.
typedef struct watch {
  atomic_int calls, live, fail_at, planned; // blocks; the call that fails, or -1
  atomic_size_t bytes;
} watch;

static void *allocate(void *user, size_t size, size_t alignment) {
  watch *w = user;
  if (atomic_fetch_add(&w->calls, 1) == atomic_load(&w->fail_at)) return NULL;
  void *memory = aligned_alloc(alignment, size);
  if (!memory) return NULL;
  atomic_fetch_add(&w->live, 1);
  atomic_fetch_add(&w->bytes, size);
  return memory;
}

static void release(void *user, void *pointer) {
  watch *w = user;
  atomic_fetch_sub(&w->live, 1);
  free(pointer);
}

static void planned(void *user, onefold_context *context, const onefold_conv2d_desc *desc,
                    const onefold_tiling *tiling) {
  (void)context, (void)desc, (void)tiling;
  atomic_fetch_add(&((watch *)user)->planned, 1);
}

static onefold_context *watched(onefold_isa isa, int threads, watch *w) {
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = threads,
                                           .allocate = allocate,
                                           .release = release,
                                           .allocator_user = w,
                                           .max_isa = isa,
                                           .has_max_isa = 1,
                                           .planned = planned,
                                           .planned_user = w};
  onefold_context *context = NULL;
  *w = (watch){.fail_at = -1};
  test_ok(NULL, onefold_context_create(&options, &context));
  return context;
}

static void begin_count(watch *w) {
  atomic_store(&w->calls, 0);
  atomic_store(&w->planned, 0);
  atomic_store(&w->bytes, 0);
}

/// What a like takes: itself and its arena.
enum { BLOCKS_OF_LIKE = 2 };

static onefold_exec *make_like(onefold_context *context, const onefold_exec *exec) {
  onefold_exec *like = NULL;
  test_ok(context, onefold_exec_create_like(exec, &like));
  return like;
}

enum { ALIKE = 3, ORDERS = 6 };
static const int orders[ORDERS][ALIKE] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                          {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

/// Destroys one after the other; those that are left are as they were.
static void destroy_in_order(onefold_context *context, onefold_exec **exec, const int *order,
                             watch *w) {
  const cache_result want = cache_run(context, exec[0], 7);
  for (int i = 0; i < ALIKE; i++) {
    const int before = atomic_load(&w->live);
    onefold_exec_destroy(exec[order[i]]);
    const int freed = before - atomic_load(&w->live), last = i + 1 == ALIKE;
    if (last ? freed <= BLOCKS_OF_LIKE : freed != BLOCKS_OF_LIKE)
      test_failed("%d blocks were freed with execution %d of %d", freed, i + 1, ALIKE);
    for (int k = i + 1; k < ALIKE; k++) {
      const cache_result again = cache_run(context, exec[order[k]], 7);
      assert_memory_equal(want.values, again.values, want.count * sizeof *want.values);
      free(again.values);
    }
  }
  free(want.values);
}

/// Of random graphs, with every kind of constant that an execution holds.
static void test_same_bits(void **state) {
  watch w;
  onefold_context *context = watched(test_level(state), 2, &w);
  const int start = atomic_load(&w.live), seeds = ORDERS * test_scaled(5);
  for (int seed = 1; seed <= seeds; seed++) {
    test_rng rng = {(uint64_t)seed};
    test_case("seed %d", seed);
    const onefold_exec_options options = {.struct_size = sizeof options,
                                          .fuse_epilogues = test_once_in(&rng, 2),
                                          .in_layout = (onefold_layout)test_range(&rng, 0, 2),
                                          .out_layout = (onefold_layout)test_range(&rng, 0, 1),
                                          .pairs = (onefold_pairs)test_range(&rng, 0, 2)};
    const onefold_shape in = {test_range(&rng, 1, 2), 20, 8, 9};
    onefold_exec *exec[ALIKE] = {
        cache_exec(context, graph_random(context, &rng, in, 20), &options)};
    exec[1] = make_like(context, exec[0]);
    exec[2] = make_like(context, exec[1]);
    cache_expect_same(context, exec[0], exec[1]);
    cache_expect_same(context, exec[0], exec[2]);
    destroy_in_order(context, exec, orders[seed % ORDERS], &w);
    assert_int_equal(atomic_load(&w.live), start);
  }
  onefold_context_destroy(context);
}

/// Nothing is planned or packed for a like, and nothing but its arena is there twice.
static void test_memory(void **state) {
  watch w;
  onefold_context *context = watched(test_level(state), 1, &w);
  onefold_exec *exec = cache_exec(context, cache_graph(context), NULL);
  assert_true(atomic_load(&w.planned) > 0);
  onefold_exec_info of_exec, of_like;
  begin_count(&w);
  onefold_exec *like = make_like(context, exec);
  onefold_exec_get_info(exec, &of_exec);
  onefold_exec_get_info(like, &of_like);
  assert_int_equal(atomic_load(&w.planned), 0);
  assert_int_equal(atomic_load(&w.calls), BLOCKS_OF_LIKE);
  const size_t most = of_exec.arena_bytes + sizeof *like + (size_t)64 * BLOCKS_OF_LIKE;
  assert_true(atomic_load(&w.bytes) >= of_exec.arena_bytes && atomic_load(&w.bytes) <= most);
  assert_true(of_exec.packed_bytes > 0 && of_exec.arena_bytes > 0);
  assert_memory_equal(&of_exec, &of_like, sizeof of_exec);
  assert_ptr_not_equal(exec->arena, like->arena);
  onefold_exec_destroy(exec);
  onefold_exec_destroy(like);
  onefold_context_destroy(context);
}

/// An execution that was not made holds nothing.
static void test_failing_allocations(void **state) {
  watch w;
  onefold_context *context = watched(test_level(state), 1, &w);
  onefold_exec *exec = cache_exec(context, cache_graph(context), NULL), *like = exec;
  const cache_result want = cache_run(context, exec, 7);
  const int live = atomic_load(&w.live);
  for (int i = 0; i < BLOCKS_OF_LIKE; i++) {
    test_case("allocation %d fails", i);
    begin_count(&w);
    atomic_store(&w.fail_at, i);
    test_fails(context, onefold_exec_create_like(exec, &like), ONEFOLD_OUT_OF_MEMORY);
    test_says(context, "no memory");
    assert_null(like);
    assert_int_equal(atomic_load(&w.live), live);
    like = exec;
  }
  atomic_store(&w.fail_at, -1);
  like = make_like(context, exec);
  onefold_exec_destroy(exec);
  const cache_result again = cache_run(context, like, 7);
  assert_memory_equal(want.values, again.values, want.count * sizeof *want.values);
  onefold_exec_destroy(like);
  assert_int_equal(atomic_load(&w.live), 1); // the context
  free(want.values);
  free(again.values);
  onefold_context_destroy(context);
}

/// Weights that are shared are not packed again, and those that are not packed are not shared.
static void test_refusals(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  onefold_graph *graph = cache_graph(context);
  onefold_exec *exec = NULL, *like;
  test_ok(context, onefold_exec_create(context, graph, NULL, &exec));
  like = exec;
  test_fails(context, onefold_exec_create_like(exec, &like), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "onefold_exec_pack was not called");
  assert_null(like);
  test_ok(context, onefold_exec_pack(exec));
  test_fails(context, onefold_exec_create_like(exec, NULL), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "like is NULL");
  like = exec;
  assert_int_equal(onefold_exec_create_like(NULL, &like), ONEFOLD_INVALID_ARGUMENT);
  assert_ptr_equal(like, exec);
  like = make_like(context, exec);
  onefold_exec *const both[] = {exec, like};
  for (int i = 0; i < 2; i++) {
    test_fails(context, onefold_exec_pack(both[i]), ONEFOLD_INVALID_ARGUMENT);
    test_says(context, "packed already");
  }
  cache_expect_same(context, exec, like);
  onefold_exec_destroy(exec);
  test_fails(context, onefold_exec_pack(like), ONEFOLD_INVALID_ARGUMENT); // though it is alone
  onefold_exec_destroy(like);
  onefold_graph_destroy(graph);
  onefold_context_destroy(context);
}

/// The mapping lives as long as an execution that reads it, also where the file is gone.
static void test_mapped(void **state) {
  test_file_place place = test_file_place_make("saved");
  test_file_path copy;
  onefold_context *context = test_context(test_level(state), 2);
  onefold_exec *exec = cache_exec(context, cache_graph(context), NULL), *mapped = NULL;
  test_ok(context, onefold_exec_save(exec, place.path, CACHE_CONTENT));
  test_ok(context, onefold_exec_map(context, place.path, CACHE_CONTENT, NULL, 0, &mapped));
  onefold_exec *like = make_like(context, mapped);
  onefold_exec_info info;
  size_t length, copy_length;
  unsigned char *bytes = cache_read(place.path, &length);
  onefold_exec_get_info(like, &info);
  assert_int_equal(info.mapped_bytes, length);
  assert_int_equal(unlink(place.path), 0);
  onefold_exec_destroy(mapped);
  cache_expect_same(context, exec, like);
  test_file(&place.directory, "copy", copy);
  test_ok(context, onefold_exec_save(like, copy, CACHE_CONTENT));
  unsigned char *again = cache_read(copy, &copy_length);
  assert_int_equal(length, copy_length);
  assert_memory_equal(bytes, again, length);
  free(again);
  free(bytes);
  onefold_exec_destroy(like);
  onefold_exec_destroy(exec);
  onefold_context_destroy(context);
  test_file_place_free(&place);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_same_bits),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_failing_allocations),
      cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_mapped),
  };
  return test_every_level("graph_like", tests, sizeof tests / sizeof *tests);
}
