// SPDX-License-Identifier: BSD-3-Clause
// Depthwise and pointwise pairs against the two convolutions one after the other: the same bits,
// whatever the bands, the tasks and their order; buffers between guard pages; no allocation.
#include "ops/conv_pair.h"
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FLOATS = 1 << 19 };

/// A context whose tilings name the specialised algorithms, that counts its allocations and runs
/// tasks last to first.
typedef struct pair_context {
  onefold_context *context;
  int allocations;
  size_t tasks;
} pair_context;

static int named_algorithm(void *user, const onefold_conv2d_desc *desc, onefold_tiling *tiling) {
  (void)user;
  memset(tiling, 0, sizeof *tiling);
  snprintf(tiling->algorithm, sizeof tiling->algorithm, "%s",
           desc->groups == desc->in_channels ? "depthwise" : "pointwise");
  return 1;
}

static void last_to_first(void *user, onefold_task_fn fn, void *arg, size_t n) {
  pair_context *c = user;
  if (n > c->tasks) c->tasks = n;
  while (n-- > 0) fn(arg, n);
}

static void *counted_allocate(void *user, size_t size, size_t alignment) {
  ((pair_context *)user)->allocations++;
  return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void plain_release(void *user, void *pointer) {
  (void)user;
  free(pointer);
}

static void create(pair_context *c, onefold_isa isa, int threads) {
  memset(c, 0, sizeof *c);
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = threads,
                                           .parallel_for = last_to_first,
                                           .parallel_user = c,
                                           .allocate = counted_allocate,
                                           .release = plain_release,
                                           .allocator_user = c,
                                           .max_isa = isa,
                                           .has_max_isa = 1,
                                           .tiling = named_algorithm};
  test_ok(NULL, onefold_context_create(&options, &c->context));
}

/// One of the two convolutions with its data.
typedef struct conv {
  onefold_conv2d_desc desc;
  onefold_shape in, out;
  onefold_conv2d_plan *plan;
  onefold_conv2d_packed *packed;
} conv;

static void draw_window(test_rng *rng, onefold_conv2d_desc *d) {
  static const int kernels[] = {1, 2, 3, 3, 3, 4, 5, 5, 7, 9};
  d->groups = d->out_channels = d->in_channels;
  do {
    d->kernel_h = test_pick(rng, kernels);
    d->kernel_w = test_once_in(rng, 3) ? test_pick(rng, kernels) : d->kernel_h;
    d->stride_h = test_range(rng, 1, 3);
    d->stride_w = test_once_in(rng, 4) ? test_range(rng, 1, 3) : d->stride_h;
    d->dilation_h = test_once_in(rng, 4) ? 2 : 1;
    d->dilation_w = test_once_in(rng, 4) ? 2 : 1;
    const int64_t high = d->dilation_h * (d->kernel_h - 1);
    const int64_t wide = d->dilation_w * (d->kernel_w - 1);
    d->pad_top = test_once_in(rng, 3) ? 0 : test_range(rng, 0, high);
    d->pad_bottom = test_once_in(rng, 3) ? 0 : test_range(rng, 0, high);
    d->pad_left = test_once_in(rng, 3) ? 0 : test_range(rng, 0, wide);
    d->pad_right = test_once_in(rng, 3) ? 0 : test_range(rng, 0, wide);
  } while (d->in_h + d->pad_top + d->pad_bottom < d->dilation_h * (d->kernel_h - 1) + 1 ||
           d->in_w + d->pad_left + d->pad_right < d->dilation_w * (d->kernel_w - 1) + 1);
}

static void draw_conv(test_rng *rng, conv *c, int depthwise, onefold_shape in, int large) {
  static const onefold_activation acts[] = {ONEFOLD_ACT_NONE, ONEFOLD_ACT_RELU, ONEFOLD_ACT_RELU6,
                                            ONEFOLD_ACT_SILU};
  onefold_conv2d_desc *d = &c->desc;
  onefold_conv2d_desc_init(d);
  c->in = in;
  d->batch = in.n;
  d->in_channels = in.c;
  d->in_h = in.h;
  d->in_w = in.w;
  if (depthwise) {
    draw_window(rng, d);
  } else {
    d->out_channels = test_range(rng, 2, large ? 150 : 70);
  }
  d->activation = test_pick(rng, acts);
}

static void draw_residual(test_rng *rng, onefold_conv2d_desc *d) {
  static const onefold_residual modes[] = {ONEFOLD_RESIDUAL_NONE, ONEFOLD_RESIDUAL_NONE,
                                           ONEFOLD_RESIDUAL_BEFORE_ACTIVATION,
                                           ONEFOLD_RESIDUAL_AFTER_ACTIVATION};
  d->residual = test_pick(rng, modes);
  d->has_residual_scale = d->residual && test_once_in(rng, 2);
}

static float *uniform(test_rng *rng, size_t n) {
  float *values = malloc(n * sizeof *values);
  assert_non_null(values);
  test_fill_uniform(rng, values, n);
  return values;
}

static void plan(pair_context *context, test_rng *rng, conv *c) {
  const onefold_conv2d_desc *d = &c->desc;
  onefold_conv2d_plan_info info;
  test_ok(context->context, onefold_conv2d_plan_create(context->context, d, &c->plan));
  onefold_conv2d_plan_get_info(c->plan, &info);
  assert_string_equal(info.algorithm, d->groups == d->in_channels ? "depthwise" : "pointwise");
  c->out = info.out;
  const size_t out = (size_t)d->out_channels;
  float *weight =
      uniform(rng, out * (size_t)(d->in_channels / d->groups * d->kernel_h * d->kernel_w));
  float *bias = uniform(rng, out), *scale = uniform(rng, out);
  const onefold_conv2d_weights weights = {weight, test_once_in(rng, 3) ? NULL : bias,
                                          d->has_residual_scale ? scale : NULL};
  test_ok(context->context, onefold_conv2d_pack(c->plan, &weights, &c->packed));
  free(weight);
  free(bias);
  free(scale);
}

static void destroy(conv *c) {
  onefold_conv2d_packed_destroy(c->packed);
  onefold_conv2d_plan_destroy(c->plan);
}

typedef struct fixture {
  pair_context context[3]; // 1, 2 and 3 tasks
  test_guard input, between, residual, separate, output, workspace;
} fixture;

static float *place(test_rng *rng, test_guard *guard, size_t n) {
  float *values = test_guard_place(guard, n, TEST_ENDS_AT_GUARD);
  test_fill_uniform(rng, values, n);
  return values;
}

/// Tasks may run at once, so each must have used a piece of the workspace of its own. (With
/// padding, or fewer rows than tasks, one may have had nothing to make.)
static void check_pieces(const onefold_conv_pair *pair, const onefold_conv2d_desc *second,
                         const float *workspace) {
  if (second->pad_top || second->pad_bottom || pair->second->problem.out_h < pair->tasks) return;
  const size_t apart = onefold_conv_scratch(pair->scratch, pair->tasks);
  for (int32_t task = 0; task < pair->tasks; task++) {
    size_t i = 0;
    while (i < pair->scratch && isnan(workspace[(size_t)task * apart + i])) i++;
    if (i == pair->scratch) test_failed("task %d left its piece of the workspace alone", (int)task);
  }
}

static void run_alone(pair_context *context, const conv *c, onefold_conv2d_buffers buffers) {
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(c->plan, &info);
  buffers.workspace = aligned_alloc(64, (info.workspace_bytes / 64 + 1) * 64);
  assert_non_null(buffers.workspace);
  test_ok(context->context, onefold_conv2d_run(c->plan, c->packed, &buffers));
  free(buffers.workspace);
}

/// Runs both ways and compares every channel that there is.
static void compare(fixture *f, pair_context *context, test_rng *rng, conv c[2], size_t bytes) {
  const int v = onefold_context_block(context->context);
  onefold_conv_pair pair;
  char reason[160];
  assert_null(onefold_conv_pair_refuse(c[0].plan, c[1].plan, reason, sizeof reason));
  onefold_conv_pair_make(c[0].plan, c[1].plan, bytes, &pair);
  const size_t n = test_layout_elements(c[1].out, ONEFOLD_BLOCKED, v);
  float *x = place(rng, &f->input, test_layout_elements(c[0].in, ONEFOLD_BLOCKED, v));
  float *between = place(rng, &f->between, test_layout_elements(c[1].in, ONEFOLD_BLOCKED, v));
  float *want = place(rng, &f->separate, n);
  float *got = test_guard_place(&f->output, n, TEST_ENDS_AT_GUARD);
  float *residual = c[1].desc.residual ? place(rng, &f->residual, n) : NULL;
  const size_t floats = onefold_conv_pair_workspace(&pair) / sizeof(float);
  float *workspace = test_guard_place(&f->workspace, floats, TEST_STARTS_AT_GUARD);
  if (residual && test_once_in(rng, 2)) { // over the residual
    memcpy(got, residual, n * sizeof *got);
    memcpy(want, residual, n * sizeof *want);
    residual = NULL;
  }
  const int over = c[1].desc.residual && !residual;
  const onefold_conv2d_buffers first = {.input = x, .output = between};
  const onefold_conv2d_buffers second = {
      .input = between, .residual = over ? want : residual, .output = want};
  const onefold_conv2d_buffers both = {
      .input = x, .residual = over ? got : residual, .output = got, .workspace = workspace};
  run_alone(context, &c[0], first);
  run_alone(context, &c[1], second);
  const int allocations = context->allocations;
  onefold_conv_pair_run(&pair, c[0].packed, c[1].packed, &both, NULL);
  assert_int_equal(context->allocations, allocations);
  check_pieces(&pair, &c[1].desc, workspace);
  float *a = malloc(n * sizeof *a), *b = malloc(n * sizeof *b);
  test_from_layout(c[1].out, ONEFOLD_BLOCKED, v, want, a);
  test_from_layout(c[1].out, ONEFOLD_BLOCKED, v, got, b);
  const size_t count = (size_t)(c[1].out.n * c[1].out.c * c[1].out.h * c[1].out.w);
  if (memcmp(a, b, count * sizeof *a) != 0) {
    const size_t at = test_first_difference(a, b, count);
    test_failed("element %zu is %.9g, separately %.9g", at, (double)b[at], (double)a[at]);
  }
  free(a);
  free(b);
  if (!test_guard_intact(&f->output) || !test_guard_intact(&f->workspace))
    test_failed("memory next to a buffer was written");
}

static void run_random(fixture *f, onefold_isa isa, int index, int large) {
  test_rng rng = {(uint64_t)isa * 7919u + (uint64_t)index};
  conv c[2];
  char text[2][128];
  memset(c, 0, sizeof c);
  pair_context *context = &f->context[test_range(&rng, 0, 2)];
  const int depthwise_first = test_once_in(&rng, 2), most = large ? 30 : 12;
  const onefold_shape in = {test_once_in(&rng, 3) ? 2 : 1, test_range(&rng, 2, large ? 150 : 40),
                            test_range(&rng, 1, most), test_range(&rng, 1, most)};
  const size_t bytes = (size_t)1 << test_range(&rng, 0, 18);
  draw_conv(&rng, &c[0], depthwise_first, in, large);
  plan(context, &rng, &c[0]);
  draw_conv(&rng, &c[1], !depthwise_first, c[0].out, large);
  draw_residual(&rng, &c[1].desc);
  plan(context, &rng, &c[1]);
  for (int i = 0; i < 2; i++) onefold_conv2d_desc_print(&c[i].desc, text[i], sizeof text[i]);
  test_case("%s case %d: %s -> %s, %d threads, bands of %zu bytes", onefold_isa_name(isa), index,
            text[0], text[1], onefold_context_threads(context->context), bytes);
  compare(f, context, &rng, c, bytes);
  for (int i = 0; i < 2; i++) destroy(&c[i]);
}

static void test_bits(void **state) {
  const onefold_isa isa = test_level(state);
  fixture f;
  test_guard *const guards[] = {&f.input,    &f.between, &f.residual,
                                &f.separate, &f.output,  &f.workspace};
  for (int i = 0; i < 3; i++) create(&f.context[i], isa, i + 1);
  for (size_t i = 0; i < 6; i++) test_guard_create(guards[i], MAX_FLOATS * sizeof(float));
  const int small = test_scaled(1500), large = test_scaled(100);
  for (int i = 0; i < small; i++) run_random(&f, isa, i, 0);
  for (int i = 0; i < large; i++) run_random(&f, isa, 1000000 + i, 1);
  assert_in_range(f.context[2].tasks, 3, 3); // the largest were cut
  for (size_t i = 0; i < 6; i++) test_guard_destroy(guards[i]);
  for (int i = 0; i < 3; i++) onefold_context_destroy(f.context[i].context);
}

/// What cannot be a pair, and why.
static void test_refusals(void **state) {
  static const struct {
    const char *first, *second, *reason;
    int residual, layout;
  } cases[] = {
      {"g8mb1ic8ih9oc8kh3ph1", "mb1ic8ih9oc16kh1", NULL, 0, 0},
      {"mb1ic8ih9oc16kh1", "g16mb1ic16ih9oc16kh3ph1", NULL, 0, 0},
      {"mb1ic8ih9oc16kh1", "mb1ic16ih9oc16kh1", "pointwise and pointwise", 0, 0},
      {"g8mb1ic8ih9oc8kh3ph1", "g8mb1ic8ih9oc8kh3ph1", "depthwise and depthwise", 0, 0},
      {"g8mb1ic8ih9oc8kh3ph1", "mb1ic8ih8oc16kh1", "shape", 0, 0},
      {"g8mb1ic8ih9oc8kh3ph1", "mb1ic8ih9oc16kh1", "residual", 1, 0},
      {"g8mb1ic8ih9oc8kh3ph1", "mb1ic8ih9oc16kh1", "layout", 0, 1},
  };
  pair_context context;
  create(&context, test_level(state), 1);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    onefold_conv2d_desc d[2];
    onefold_conv2d_plan *plans[2];
    char reason[160];
    test_ok(context.context, onefold_conv2d_desc_parse(context.context, cases[i].first, &d[0]));
    test_ok(context.context, onefold_conv2d_desc_parse(context.context, cases[i].second, &d[1]));
    if (cases[i].residual) d[0].residual = ONEFOLD_RESIDUAL_AFTER_ACTIVATION;
    if (cases[i].layout) d[1].out_layout = ONEFOLD_NCHW;
    for (int k = 0; k < 2; k++)
      test_ok(context.context, onefold_conv2d_plan_create(context.context, &d[k], &plans[k]));
    const char *got = onefold_conv_pair_refuse(plans[0], plans[1], reason, sizeof reason);
    test_case("%s -> %s: %s", cases[i].first, cases[i].second, got ? got : "not refused");
    if (!got != !cases[i].reason || (got && !strstr(got, cases[i].reason)))
      test_failed("expected %s", cases[i].reason ? cases[i].reason : "no refusal");
    for (int k = 0; k < 2; k++) onefold_conv2d_plan_destroy(plans[k]);
  }
  onefold_context_destroy(context.context);
}

int main(void) {
  static const struct CMUnitTest each[] = {
      cmocka_unit_test(test_bits),
      cmocka_unit_test(test_refusals),
  };
  if (test_isa_missing()) return 1;
  return test_every_level("pairs of convolutions", each, sizeof each / sizeof *each) != 0;
}
