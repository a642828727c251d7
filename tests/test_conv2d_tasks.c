// SPDX-License-Identifier: BSD-3-Clause
// What each task of a convolution writes: rows of all channels where the layers around are cut so
// too, and no output twice.
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void one_alone(void *user, onefold_task_fn fn, void *arg, size_t n) {
  const size_t chosen = *(const size_t *)user;
  if (chosen < n) fn(arg, chosen);
}

/// A problem in blocked layout that a run of one task leaves half empty.
typedef struct problem {
  const char *what, *algorithm;
  int32_t batch, groups, in, out, height, width, kernel, stride;
  onefold_layout layout; // of the source
  int by_rows;           // tasks take rows of all channels; -1: as pieces that depend on L2 fall
  int32_t order;         // of the tiling
} problem;

static const problem problems[] = {
    {"depthwise", "depthwise", 1, 48, 48, 48, 20, 20, 3, 1, ONEFOLD_BLOCKED, 1, 0},
    {"images that tasks share", "depthwise", 3, 16, 16, 16, 12, 12, 5, 1, ONEFOLD_BLOCKED, 1, 0},
    {"few pixels", "depthwise", 1, 64, 64, 64, 14, 14, 3, 1, ONEFOLD_BLOCKED, 0, 0},
    {"an odd number of rows", "depthwise", 1, 64, 64, 64, 21, 21, 3, 1, ONEFOLD_BLOCKED, 1, 0},
    {"7 rows, that come out uneven", "depthwise", 1, 64, 64, 64, 7, 60, 3, 1, ONEFOLD_BLOCKED, 0,
     0},
    {"stride 2", "depthwise", 1, 64, 64, 64, 41, 41, 3, 2, ONEFOLD_BLOCKED, 1, 0},
    {"few channels", "plain", 1, 1, 3, 40, 48, 48, 3, 2, ONEFOLD_NCHW, 1, 0},
    {"direct", "direct", 3, 1, 32, 32, 12, 12, 2, 1, ONEFOLD_BLOCKED, 1, 0},
    {"4 MiB of weights", "direct", 1, 1, 512, 512, 20, 20, 2, 1, ONEFOLD_BLOCKED, 0, 0},
    {"few pixels", "direct", 1, 1, 16, 48, 21, 21, 3, 3, ONEFOLD_BLOCKED, 0, 0},
    {"rows as told", "depthwise", 1, 64, 64, 64, 14, 14, 3, 1, ONEFOLD_BLOCKED, 1, 2},
    {"blocks as told", "depthwise", 1, 64, 64, 64, 20, 20, 3, 1, ONEFOLD_BLOCKED, 0, 1},
    {"rows as told", "plain", 1, 1, 3, 256, 12, 12, 3, 2, ONEFOLD_NCHW, 1, 2},
    {"blocks as told", "plain", 1, 1, 3, 256, 48, 48, 3, 2, ONEFOLD_NCHW, 0, 1},
    {"rows as told", "direct", 1, 1, 16, 48, 21, 21, 3, 3, ONEFOLD_BLOCKED, 1, 2},
    {"blocks as told", "direct", 3, 1, 32, 256, 12, 12, 2, 1, ONEFOLD_BLOCKED, 0, 1},
    {"pointwise", "pointwise", 1, 1, 32, 64, 16, 16, 1, 1, ONEFOLD_BLOCKED, 1, 0},
    {"one pixel", "pointwise", 1, 1, 32, 512, 1, 1, 1, 1, ONEFOLD_BLOCKED, 0, 0},
    {"one pixel, one block", "pointwise", 1, 1, 32, 3, 1, 1, 1, 1, ONEFOLD_BLOCKED, 0, 0},
    {"images of one pixel", "pointwise", 9, 1, 32, 64, 1, 1, 1, 1, ONEFOLD_BLOCKED, 0, 0},
    {"grouped", "grouped", 1, 24, 48, 48, 20, 20, 3, 1, ONEFOLD_BLOCKED, 1, 0},
    {"blocks as told", "grouped", 1, 24, 48, 48, 20, 20, 3, 1, ONEFOLD_BLOCKED, 0, 1},
    {"gathered rows", "gather", 1, 1, 32, 64, 32, 32, 1, 2, ONEFOLD_BLOCKED, -1, 0},
    {"gathered pixels", "gather", 2, 1, 32, 64, 7, 7, 3, 1, ONEFOLD_BLOCKED, -1, 0},
    {"winograd", "winograd4", 1, 1, 32, 64, 16, 16, 3, 1, ONEFOLD_BLOCKED, -1, 0},
    {"winograd of a short row", "winograd4", 1, 1, 32, 64, 13, 13, 3, 1, ONEFOLD_BLOCKED, -1, 0},
    {"winograd of a batch", "winograd2", 5, 1, 32, 64, 7, 7, 3, 1, ONEFOLD_BLOCKED, -1, 0},
    {"stride 2", "polyphase3", 1, 1, 32, 64, 27, 27, 3, 2, ONEFOLD_BLOCKED, -1, 0},
};

typedef struct side {
  float *input, *output, *workspace;
  size_t floats;
  onefold_shape out;
} side;

/// Runs task `chosen` of two over an output of NAN.
static void run_one(onefold_isa isa, const problem *p, size_t chosen, side *s) {
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .max_isa = isa,
                                           .has_max_isa = 1,
                                           .threads = 2,
                                           .parallel_for = one_alone,
                                           .parallel_user = &chosen};
  onefold_context *context = NULL;
  test_ok(NULL, onefold_context_create(&options, &context));
  onefold_conv2d_desc d;
  onefold_conv2d_desc_init(&d);
  d.batch = p->batch;
  d.groups = p->groups;
  d.in_channels = p->in;
  d.out_channels = p->out;
  d.in_h = p->height;
  d.in_w = p->width;
  d.kernel_h = d.kernel_w = p->kernel;
  d.stride_h = d.stride_w = p->stride;
  d.pad_top = d.pad_left = d.pad_bottom = d.pad_right = p->kernel / 2;
  if (p->kernel == 2) d.pad_top = d.pad_left = 0;
  d.in_layout = p->layout;
  d.out_layout = ONEFOLD_BLOCKED;
  onefold_tiling tiling = {.threads = 2, .order = p->order};
  snprintf(tiling.algorithm, sizeof tiling.algorithm, "%s", p->algorithm);
  onefold_conv2d_plan *plan = NULL;
  test_ok(context, onefold_conv2d_plan_create_tiled(context, &d, &tiling, &plan));
  onefold_conv2d_plan_get_tiling(plan, &tiling);
  assert_string_equal(tiling.algorithm, p->algorithm);
  if (tiling.order) assert_int_equal(tiling.order, p->by_rows ? 2 : 1);
  if (p->order) assert_int_equal(tiling.order, p->order);
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(plan, &info);
  const size_t taps = (size_t)p->kernel * (size_t)p->kernel;
  float *weight = calloc((size_t)p->out * (size_t)(p->in / p->groups) * taps, sizeof *weight);
  const size_t in = onefold_tensor_elements(
      context, (onefold_shape){p->batch, p->in, p->height, p->width}, p->layout);
  s->out = info.out;
  s->floats = onefold_tensor_elements(context, info.out, ONEFOLD_BLOCKED);
  s->input = calloc(in, sizeof(float));
  s->output = malloc(s->floats * sizeof(float));
  s->workspace = aligned_alloc(64, (info.workspace_bytes + 127) / 64 * 64);
  assert_true(weight && s->input && s->output && s->workspace);
  for (size_t i = 0; i < s->floats; i++) s->output[i] = NAN;
  onefold_conv2d_packed *packed = NULL;
  const onefold_conv2d_weights weights = {weight, NULL, NULL};
  test_ok(context, onefold_conv2d_pack(plan, &weights, &packed));
  const onefold_conv2d_buffers buffers = {
      .input = s->input, .output = s->output, .workspace = s->workspace};
  test_ok(context, onefold_conv2d_run(plan, packed, &buffers));
  onefold_conv2d_packed_destroy(packed);
  onefold_conv2d_plan_destroy(plan);
  onefold_context_destroy(context);
  free(weight);
}

static void release(side *s) {
  free(s->input);
  free(s->output);
  free(s->workspace);
}

/// Whether an element is in the first half of the rows of all images.
static int in_first_rows(const side *s, int64_t v, size_t i) {
  const int64_t blocks = (s->out.c + v - 1) / v, line = (int64_t)i / v / s->out.w;
  const int64_t image = line / s->out.h / blocks;
  return image * s->out.h + line % s->out.h < (s->out.n * s->out.h + 1) / 2;
}

static void test_who_writes(void **state) {
  const onefold_isa isa = test_level(state);
  onefold_context *context = test_context(isa, 1);
  const int64_t v = onefold_context_block(context);
  onefold_context_destroy(context);
  for (size_t k = 0; k < sizeof problems / sizeof problems[0]; k++) {
    const problem *p = &problems[k];
    side s[2];
    for (size_t task = 0; task < 2; task++) run_one(isa, p, task, &s[task]);
    int same = 1;
    for (size_t i = 0; i < s[0].floats; i++) {
      const int first = !isnan(s[0].output[i]), second = !isnan(s[1].output[i]);
      if (first == second)
        fail_msg("%s, %s: element %zu is written %d times", p->algorithm, p->what, i, 2 * first);
      same &= first == in_first_rows(&s[0], v, i);
    }
    if (p->by_rows >= 0 && same != p->by_rows)
      fail_msg("%s, %s: tasks take %s", p->algorithm, p->what, same ? "rows" : "something else");
    for (size_t task = 0; task < 2; task++) release(&s[task]);
  }
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_who_writes)};
  return test_every_level("tasks of conv2d", tests, 1) ? 1 : 0;
}
