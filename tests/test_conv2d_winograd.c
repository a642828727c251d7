// SPDX-License-Identifier: BSD-3-Clause
// Winograd convolutions of every tile, forced by a tiling, and the default choice in class
// standard, on random problems on every ISA level; the same bits for any number of tasks; what
// is refused and why.
#include "kernels/kernel.h"
#include "tests/winograd_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FLOATS = 1 << 23, COUNTS = 5 };

static const int task_counts[COUNTS] = {1, 2, 3, 5, 8};

static const struct {
  const char *name;
  int tile, stride;
} algorithms[] = {{"winograd2", 2, 1},
                  {"winograd4", 4, 1},
                  {"winograd6", 6, 1},
                  {"polyphase3", 2, 2},
                  {"polyphase5", 4, 2}};
enum { ALGORITHMS = sizeof(algorithms) / sizeof(*algorithms) };

/// A class that allows tile m.
static onefold_accuracy class_of(int m, int index) {
  return m == 6 || index % 2 ? ONEFOLD_ACCURACY_FAST : ONEFOLD_ACCURACY_STANDARD;
}

/// The algorithm, and any kernel, number of tasks and blocks.
static void draw_tiling(conv_context *c, test_rng *rng, const char *algorithm) {
  size_t count = 0;
  const onefold_kernel *rows = onefold_kernel_rows(&count);
  c->give_tiling = 1;
  memset(&c->tiling, 0, sizeof(c->tiling));
  snprintf(c->tiling.algorithm, sizeof(c->tiling.algorithm), "%s", algorithm);
  if (test_once_in(rng, 2)) {
    snprintf(c->tiling.kernel, sizeof(c->tiling.kernel), "%s",
             rows[test_range(rng, 0, (int64_t)count - 1)].name);
  }
  if (test_once_in(rng, 2)) conv_draw_numbers(c, rng);
  c->tiling.threads = test_once_in(rng, 2) ? 0 : (int32_t)test_range(rng, 1, 9);
}

/// Runs a random problem; `algorithm` is forced, or NULL for the default choice. Returns the tile.
static int run_random(conv_context *context, conv_buffers *buffers, uint64_t seed, double max_macs,
                      const char *algorithm) {
  test_rng rng = {seed};
  onefold_conv2d_desc desc;
  conv_case c;
  char text[384], name[32];
  winograd_draw_for(&rng, onefold_context_block(context->context),
                    algorithm ? algorithm : algorithms[seed % ALGORITHMS].name, max_macs, &desc);
  const int exact = test_once_in(&rng, 2);
  conv_draw_epilogue(&rng, exact, &desc);
  context->give_tiling = 0;
  if (algorithm) draw_tiling(context, &rng, algorithm);
  const conv_place place = (conv_place)test_range(&rng, 0, CONV_PLACES - 1);
  const int in_place = desc.residual && test_once_in(&rng, 2);
  winograd_algorithm(context->context, &desc, name);
  conv_describe(&desc, text, sizeof(text));
  test_case("%s seed %llu: %s, %s of %d threads, tiling \"%s\" %s threads %d%s%s, place %d",
            onefold_isa_name(onefold_context_isa(context->context)), (unsigned long long)seed, text,
            name, onefold_context_threads(context->context), context->tiling.algorithm,
            context->tiling.kernel, context->tiling.threads, exact ? ", integers" : "",
            in_place ? ", in place" : "", (int)place);
  if (algorithm && winograd_tile(algorithm)) assert_string_equal(name, algorithm);
  conv_case_make(&c, &rng, &desc, exact);
  winograd_widen(&c, winograd_tile(name));
  conv_run_case(context->context, &c, buffers, place, in_place, NULL);
  conv_case_destroy(&c);
  return winograd_tile(name);
}

/// Every tile, in every class that allows it.
static void test_tiles(void **state) {
  conv_buffers buffers;
  conv_buffers_create(&buffers, MAX_FLOATS);
  for (int t = 0; t < ALGORITHMS; t++) {
    conv_context context[2 * COUNTS];
    for (int i = 0; i < 2 * COUNTS; i++) {
      conv_context_create(&context[i], test_level(state), task_counts[i / 2],
                          class_of(algorithms[t].tile, i));
    }
    const int small = test_scaled(900), large = test_scaled(45);
    for (int i = 0; i < small + large; i++) {
      const double max_macs = i < small ? 6e5 : 3e7;
      run_random(&context[i % (2 * COUNTS)], &buffers, (uint64_t)(100000 * (t + 1) + i), max_macs,
                 algorithms[t].name);
    }
    for (int i = 0; i < 2 * COUNTS; i++) conv_context_destroy(&context[i]);
  }
  conv_buffers_destroy(&buffers);
}

/// Without a tiling, in class standard; a large layer of many channels takes a tile.
static void test_default_choice(void **state) {
  conv_context context;
  conv_buffers buffers;
  int seen[4] = {0};
  conv_buffers_create(&buffers, MAX_FLOATS);
  for (int i = 0; i < test_scaled(300); i++) {
    conv_context_create(&context, test_level(state), task_counts[i % COUNTS],
                        ONEFOLD_ACCURACY_STANDARD);
    const uint64_t seed = UINT64_C(900000) + (uint64_t)i;
    seen[run_random(&context, &buffers, seed, i % 10 ? 6e5 : 3e7, NULL) / 2]++;
    conv_context_destroy(&context);
  }
  assert_int_equal(seen[3], 0);
  onefold_conv2d_desc desc;
  char name[32];
  onefold_conv2d_desc_init(&desc);
  desc.in_channels = desc.out_channels = 128;
  desc.in_h = desc.in_w = 56;
  desc.kernel_h = desc.kernel_w = 3;
  desc.pad_top = desc.pad_bottom = desc.pad_left = desc.pad_right = 1;
  conv_context_create(&context, test_level(state), 1, ONEFOLD_ACCURACY_STANDARD);
  winograd_algorithm(context.context, &desc, name);
  if (test_level(state) != ONEFOLD_ISA_REF) assert_int_equal(winograd_tile(name), 4);
  conv_context_destroy(&context);
  conv_buffers_destroy(&buffers);
}

/// Small images of a batch go several to a pass.
static void test_batch(void **state) {
  conv_context context;
  onefold_conv2d_desc desc;
  onefold_conv2d_plan *plan = NULL;
  onefold_tiling tiling;
  conv_context_create(&context, test_level(state), 1, ONEFOLD_ACCURACY_STANDARD);
  context.give_tiling = 1;
  snprintf(context.tiling.algorithm, sizeof(context.tiling.algorithm), "winograd4");
  onefold_conv2d_desc_init(&desc);
  desc.in_channels = desc.out_channels = 512;
  desc.in_h = desc.in_w = 7;
  desc.kernel_h = desc.kernel_w = 3;
  desc.pad_top = desc.pad_bottom = desc.pad_left = desc.pad_right = 1;
  for (desc.batch = 1; desc.batch <= 8; desc.batch *= 8) {
    test_ok(context.context, onefold_conv2d_plan_create(context.context, &desc, &plan));
    onefold_conv2d_plan_get_tiling(plan, &tiling);
    test_case("%s: %lld images of 4 tiles, a pass of %d", onefold_isa_name(test_level(state)),
              (long long)desc.batch, tiling.piece);
    assert_in_range(tiling.piece, desc.batch == 1 ? 1 : 5, 4 * desc.batch);
    onefold_conv2d_plan_destroy(plan);
  }
  conv_context_destroy(&context);
}

/// The same bits whatever the number of tasks.
static void test_task_counts(void **state) {
  conv_context context[COUNTS];
  conv_buffers buffers;
  size_t most = 0, by_default = 0;
  conv_buffers_create(&buffers, MAX_FLOATS);
  for (int i = 0; i < COUNTS; i++) {
    conv_context_create(&context[i], test_level(state), task_counts[i], ONEFOLD_ACCURACY_FAST);
  }
  const int cases = test_scaled(90);
  for (int i = 0; i < cases; i++) {
    test_rng rng = {UINT64_C(77000) + (uint64_t)i};
    onefold_conv2d_desc desc;
    conv_case c;
    char text[384];
    const char *algorithm = algorithms[i % ALGORITHMS].name;
    winograd_draw_for(&rng, onefold_context_block(context[0].context), algorithm, 3e6, &desc);
    conv_draw_epilogue(&rng, 0, &desc);
    conv_case_make(&c, &rng, &desc, 0);
    winograd_widen(&c, algorithms[i % ALGORITHMS].tile);
    conv_describe(&desc, text, sizeof(text));
    const size_t n = (size_t)(c.out.n * c.out.c * c.out.h * c.out.w);
    float *first = malloc(n * sizeof(float)), *other = malloc(n * sizeof(float));
    assert_true(first && other);
    for (int j = 0; j < COUNTS; j++) {
      context[j].give_tiling = 1;
      memset(&context[j].tiling, 0, sizeof(context[j].tiling));
      snprintf(context[j].tiling.algorithm, sizeof(context[j].tiling.algorithm), "%s", algorithm);
      // Every other one is cut for all tasks, however small.
      if (i % 2 == 0) context[j].tiling.threads = task_counts[j];
      test_case("%s case %d: %s by %s, %d tasks", onefold_isa_name(test_level(state)), i, text,
                algorithm, task_counts[j]);
      conv_run_case(context[j].context, &c, &buffers, CONV_STARTS_AT_GUARD, 0, j ? other : first);
      if (j && memcmp(first, other, n * sizeof(float)) != 0) {
        test_failed("differs from the result of one task");
      }
      if (context[j].tasks > most) most = context[j].tasks;
      if (i % 2 && context[j].tasks > by_default) by_default = context[j].tasks;
    }
    free(first);
    free(other);
    conv_case_destroy(&c);
  }
  assert_int_equal(most, 8); // the largest context did cut its work
  assert_in_range(by_default, 2, 8);
  for (int i = 0; i < COUNTS; i++) conv_context_destroy(&context[i]);
  conv_buffers_destroy(&buffers);
}

// ------------------------------------------------------------------ refusals

typedef struct found {
  const char *name, *sentence;
  int lines;
} found;

static void find_line(void *user, const char *line) {
  found *f = user;
  if (strncmp(line, f->name, strlen(f->name)) != 0) return;
  f->lines++;
  if (!strstr(line, f->sentence)) test_failed("\"%s\" does not say \"%s\"", line, f->sentence);
}

/// The tile is refused with the sentence, and a tiling that asks for it is skipped.
static void refused(onefold_isa isa, onefold_accuracy accuracy, const char *name,
                    const onefold_conv2d_desc *desc, const char *sentence) {
  conv_context context;
  char chosen[32], text[256];
  snprintf(text, sizeof(text), "refused: %s", sentence);
  conv_context_create(&context, isa, 2, accuracy);
  context.give_tiling = 1;
  snprintf(context.tiling.algorithm, sizeof(context.tiling.algorithm), "%s", name);
  test_case("%s: %s in class %s", onefold_isa_name(isa), name, onefold_accuracy_name(accuracy));
  found f = {name, text, 0};
  test_ok(context.context, onefold_conv2d_explain(context.context, desc, find_line, &f));
  assert_int_equal(f.lines, 1);
  winograd_algorithm(context.context, desc, chosen);
  assert_string_not_equal(chosen, name);
  conv_context_destroy(&context);
}

static void test_refusals(void **state) {
  const onefold_isa isa = test_level(state);
  conv_context context;
  conv_context_create(&context, isa, 1, ONEFOLD_ACCURACY_FAST);
  const int v = onefold_context_block(context.context);
  conv_context_destroy(&context);
  onefold_conv2d_desc dense, d;
  onefold_conv2d_desc_init(&dense);
  dense.in_channels = dense.out_channels = 64;
  dense.in_h = dense.in_w = 28;
  dense.kernel_h = dense.kernel_w = 3;
  for (int t = 0; t < ALGORITHMS; t++) {
    const char *name = algorithms[t].name;
    const int stride = algorithms[t].stride;
    char text[128];
    dense.stride_h = dense.stride_w = stride;
    refused(isa, ONEFOLD_ACCURACY_STRICT, name, &dense, "the accuracy class is strict");
    const char *side = stride == 1 ? "a square of 3 to 15 taps" : "a square of 3 to 4 taps";
    d = dense;
    d.kernel_w = 5;
    snprintf(text, sizeof(text), "the kernel is 3x5, not %s", side);
    refused(isa, ONEFOLD_ACCURACY_FAST, name, &d, text);
    d.kernel_h = d.kernel_w = 1;
    snprintf(text, sizeof(text), "the kernel is 1x1, not %s", side);
    refused(isa, ONEFOLD_ACCURACY_FAST, name, &d, text);
    d.kernel_h = d.kernel_w = 16;
    snprintf(text, sizeof(text), "the kernel is 16x16, not %s", side);
    refused(isa, ONEFOLD_ACCURACY_FAST, name, &d, text);
    d = dense;
    d.stride_h = 3;
    snprintf(text, sizeof(text), "the stride is 3x%d, not %d", stride, stride);
    refused(isa, ONEFOLD_ACCURACY_FAST, name, &d, text);
    d = dense;
    d.stride_w = 3 - stride;
    snprintf(text, sizeof(text), "the stride is %dx%d, not %d", stride, 3 - stride, stride);
    refused(isa, ONEFOLD_ACCURACY_FAST, name, &d, text);
    d = dense;
    d.dilation_w = 3;
    refused(isa, ONEFOLD_ACCURACY_FAST, name, &d, "the dilation is 1x3, not 1");
    d = dense;
    d.groups = 2;
    d.in_channels = 4 * v;
    d.out_channels = 2 * v + 2;
    snprintf(text, sizeof(text), "groups of %d and %d channels do not fill blocks of %d", 2 * v,
             v + 1, v);
    refused(isa, ONEFOLD_ACCURACY_FAST, name, &d, text);
    d = dense;
    d.kernel_h = d.kernel_w = 6;
    d.stride_h = d.stride_w = 3;
    if (stride == 1) refused(isa, ONEFOLD_ACCURACY_FAST, name, &d, "the stride is 3x3, not 1 or 2");
    d = dense; // lanes without a channel between those of two filters
    if (stride == 1) d.kernel_h = d.kernel_w = 5;
    d.in_channels = 4 * v + 1;
    snprintf(text, sizeof(text), "groups of %d and 64 channels do not fill blocks of %d", 4 * v + 1,
             v);
    refused(isa, ONEFOLD_ACCURACY_FAST, name, &d, text);
  }
  dense.stride_h = dense.stride_w = 1;
  refused(isa, ONEFOLD_ACCURACY_STANDARD, "winograd6", &dense,
          "its error is above the bound of the accuracy class standard");
  dense.in_channels = 256;
  dense.kernel_h = dense.kernel_w = 13; // as 25 of 3x3
  refused(isa, ONEFOLD_ACCURACY_STANDARD, "winograd4", &dense,
          "the error of 6400 products is above the bound of the accuracy class standard");
  refused(isa, ONEFOLD_ACCURACY_FAST, "winograd6", &dense,
          "the error of 6400 products is above the bound of the accuracy class fast");
}

/// The same kernel at another stride is other filters: weights packed for one do not run as the
/// other's.
static void test_other_stride(void **state) {
  conv_context context;
  conv_context_create(&context, test_level(state), 1, ONEFOLD_ACCURACY_STANDARD);
  context.give_tiling = 1;
  snprintf(context.tiling.algorithm, sizeof(context.tiling.algorithm), "winograd4");
  onefold_conv2d_plan *plan[2] = {NULL, NULL};
  onefold_conv2d_packed *packed = NULL;
  float *values = calloc((size_t)64 * 64 * 36, sizeof *values);
  assert_non_null(values);
  for (int i = 0; i < 2; i++) {
    onefold_conv2d_desc d;
    onefold_conv2d_plan_info info;
    onefold_conv2d_desc_init(&d);
    d.in_channels = d.out_channels = 64;
    d.in_h = d.in_w = 20;
    d.kernel_h = d.kernel_w = 6;
    d.stride_h = d.stride_w = 1 + i;
    test_ok(context.context, onefold_conv2d_plan_create(context.context, &d, &plan[i]));
    onefold_conv2d_plan_get_info(plan[i], &info);
    assert_string_equal(info.algorithm, "winograd4");
  }
  const onefold_conv2d_weights weights = {values, NULL, NULL};
  const onefold_conv2d_buffers buffers = {.input = values, .output = values};
  test_ok(context.context, onefold_conv2d_pack(plan[0], &weights, &packed));
  test_case("%s: packed for stride 1, run with stride 2", onefold_isa_name(test_level(state)));
  assert_int_equal(onefold_conv2d_run(plan[1], packed, &buffers), ONEFOLD_SHAPE_MISMATCH);
  char text[256];
  onefold_context_last_error(context.context, text, sizeof text);
  assert_non_null(strstr(text, "winograd4, stride 1; the plan has winograd4, stride 2"));
  onefold_conv2d_packed_destroy(packed);
  for (int i = 0; i < 2; i++) onefold_conv2d_plan_destroy(plan[i]);
  free(values);
  conv_context_destroy(&context);
}

static void test_names(void **state) {
  static const char *const names[] = {"winograd",   "winograd3", "winograd8", "Winograd4",
                                      "winograd44", "winograd6", "winograd-2"};
  conv_buffers buffers;
  conv_buffers_create(&buffers, MAX_FLOATS);
  for (int i = 0; i < test_scaled(70); i++) {
    conv_context context;
    conv_context_create(&context, test_level(state), 2, ONEFOLD_ACCURACY_STANDARD);
    test_rng rng = {UINT64_C(5000) + (uint64_t)i};
    onefold_conv2d_desc desc;
    conv_case c;
    char chosen[32], plain[32];
    const char *name = names[i % 7];
    winograd_draw(&rng, onefold_context_block(context.context), 1e6, &desc);
    winograd_algorithm(context.context, &desc, plain);
    draw_tiling(&context, &rng, name);
    winograd_algorithm(context.context, &desc, chosen);
    test_case("%s case %d: tiling \"%s\"", onefold_isa_name(test_level(state)), i, name);
    assert_string_equal(chosen, plain);
    conv_case_make(&c, &rng, &desc, 0);
    winograd_widen(&c, winograd_tile(chosen));
    conv_run_case(context.context, &c, &buffers, CONV_ENDS_AT_GUARD, 0, NULL);
    conv_case_destroy(&c);
    conv_context_destroy(&context);
  }
  conv_buffers_destroy(&buffers);
}

int main(void) {
  static const struct CMUnitTest each[] = {
      cmocka_unit_test(test_tiles),        cmocka_unit_test(test_default_choice),
      cmocka_unit_test(test_task_counts),  cmocka_unit_test(test_refusals),
      cmocka_unit_test(test_other_stride), cmocka_unit_test(test_names),
      cmocka_unit_test(test_batch),
  };
  if (test_isa_missing()) return 1;
  return test_every_level("winograd convolutions", each, sizeof(each) / sizeof(*each)) != 0;
}
