// SPDX-License-Identifier: BSD-3-Clause
// The convolutions of a network's layers by themselves: each distinct one planned as it is in the
// network, and timed with cold weights and warm images, all in the same rounds.
#include "bench/image.h"
#include "bench/layers.h"
#include "bench/timed.h"

#include <stdlib.h>
#include <string.h>

typedef struct alone {
  bench_session *session;
  const onefold_exec_conv *conv;
  onefold_conv2d_plan *plan;
  onefold_conv2d_packed *packed;
  onefold_conv2d_buffers buffers;
  float *input, *residual, *scale, *weight;
  size_t input_floats, output_floats;
  char name[448];
  bench_stat stat;
} alone;

static int same(const onefold_exec_conv *a, const onefold_exec_conv *b) {
  const onefold_conv2d_desc *p = &a->desc, *q = &b->desc;
  char problems[2][160];
  onefold_conv2d_desc_print(p, problems[0], sizeof problems[0]);
  onefold_conv2d_desc_print(q, problems[1], sizeof problems[1]);
  return strcmp(problems[0], problems[1]) == 0 && p->activation == q->activation &&
         p->residual == q->residual && p->has_residual_scale == q->has_residual_scale &&
         p->in_layout == q->in_layout && p->out_layout == q->out_layout;
}

static float *filled(const bench_session *session, size_t floats) {
  float *values = onefold_bench_floats(floats);
  if (values) onefold_bench_fill(session, values, floats);
  return values;
}

static onefold_status make(alone *a) {
  onefold_context *context = a->session->context;
  const onefold_conv2d_desc *d = &a->conv->desc;
  const onefold_shape in = {d->batch, d->in_channels, d->in_h, d->in_w};
  const size_t channels = (size_t)d->out_channels;
  const size_t weights =
      channels * (size_t)(d->in_channels / d->groups * d->kernel_h * d->kernel_w);
  a->input_floats = onefold_tensor_elements(context, in, d->in_layout);
  a->output_floats = onefold_tensor_elements(context, a->conv->plan.out, d->out_layout);
  a->input = filled(a->session, a->input_floats);
  a->residual = filled(a->session, a->output_floats);
  a->scale = filled(a->session, channels);
  a->weight = filled(a->session, weights);
  a->buffers.input = a->input;
  a->buffers.residual = d->residual == ONEFOLD_RESIDUAL_NONE ? NULL : a->residual;
  a->buffers.output = onefold_bench_floats(a->output_floats);
  a->buffers.workspace = onefold_bench_floats(a->conv->plan.workspace_bytes / sizeof(float) + 1);
  if (!a->input || !a->residual || !a->scale || !a->weight || !a->buffers.output ||
      !a->buffers.workspace)
    return ONEFOLD_OUT_OF_MEMORY;
  const onefold_conv2d_weights given = {.weight = a->weight,
                                        .bias = a->scale,
                                        .residual_scale = d->has_residual_scale ? a->scale : NULL};
  onefold_status status = onefold_conv2d_plan_create(context, d, &a->plan);
  if (status == ONEFOLD_OK) status = onefold_conv2d_pack(a->plan, &given, &a->packed);
  return status;
}

static void destroy(alone *a) {
  onefold_conv2d_packed_destroy(a->packed);
  onefold_conv2d_plan_destroy(a->plan);
  free(a->buffers.workspace);
  free(a->buffers.output);
  free(a->weight);
  free(a->scale);
  free(a->residual);
  free(a->input);
}

static int run(void *user) {
  const alone *a = user;
  return onefold_conv2d_run(a->plan, a->packed, &a->buffers) != ONEFOLD_OK;
}

static int chill(void *user) {
  const alone *a = user;
  onefold_bench_session_chill(a->session, BENCH_COLD_WEIGHTS, a->input, a->input_floats,
                              a->buffers.output, a->output_floats);
  return 0;
}

static size_t find(const alone *items, size_t count, const onefold_exec_conv *conv) {
  size_t i = 0;
  while (i < count && !same(items[i].conv, conv)) i++;
  return i;
}

/// The distinct convolutions, made. Returns how many, of which the last may have failed.
static size_t make_all(const bench_layers *l, alone *items, onefold_status *status) {
  bench_session *session = l->model->session;
  size_t count = 0;
  for (size_t i = 0; i < l->count && *status == ONEFOLD_OK; i++) {
    const onefold_exec_step *s = &l->items[i].step;
    for (size_t k = 0; k < s->conv_count && *status == ONEFOLD_OK; k++) {
      if (find(items, count, &s->convs[k]) < count) continue;
      alone *a = &items[count++];
      *a = (alone){.session = session, .conv = &s->convs[k]};
      *status = make(a);
    }
  }
  return count;
}

/// A pair's two convolutions are added up.
static void conclude(bench_layers *l, const alone *items, size_t count) {
  for (size_t i = 0; i < l->count; i++) {
    const onefold_exec_step *s = &l->items[i].step;
    bench_stat *sum = &l->items[i].alone;
    for (size_t k = 0; k < s->conv_count; k++) {
      const bench_stat *one = &items[find(items, count, &s->convs[k])].stat;
      sum->median += one->median;
      sum->count = one->count;
    }
  }
}

/// What is timed for the i-th convolution.
static onefold_gbench_case make_case(const bench_layers *l, alone *a, size_t i) {
  bench_session *session = l->model->session;
  char problem[160];
  onefold_conv2d_desc_print(&a->conv->desc, problem, sizeof problem);
  snprintf(a->name, sizeof a->name, "%s/alone:%03zu/%s/threads:%d", l->name, i + 1, problem,
           (int)session->options->threads);
  onefold_gbench_case c = {.name = a->name,
                           .label = a->conv->plan.algorithm,
                           .run = run,
                           .prepare = chill,
                           .user = a,
                           .once = 1}; // emptying the caches takes much longer
  const double tensors = (double)sizeof(float) * (double)(a->input_floats + a->output_floats);
  onefold_bench_count_work(session, &c, 2.0 * a->conv->plan.macs,
                           (double)a->conv->plan.packed_bytes + tensors);
  return c;
}

static int time_all(const bench_layers *l, alone *items, size_t count) {
  bench_session *session = l->model->session;
  onefold_gbench_case *cases = calloc(count, sizeof *cases);
  bench_stat **stats = calloc(count, sizeof *stats);
  int status;
  if (!cases || !stats) {
    status = onefold_bench_session_fail(session, l->model->problem, ONEFOLD_OUT_OF_MEMORY);
  } else {
    for (size_t i = 0; i < count; i++) {
      cases[i] = make_case(l, &items[i], i);
      stats[i] = &items[i].stat;
    }
    status = onefold_bench_time(session, l->name, cases, stats, count, BENCH_SHORT_TIME,
                                BENCH_REPETITIONS);
  }
  onefold_bench_progress_clear(&session->progress);
  free(stats);
  free(cases);
  return status;
}

int onefold_bench_layers_alone(bench_layers *l) {
  bench_session *session = l->model->session;
  alone *items = calloc(ONEFOLD_STEP_CONVS * l->count, sizeof *items);
  if (!items) return onefold_bench_session_fail(session, l->model->problem, ONEFOLD_OUT_OF_MEMORY);
  onefold_status made = ONEFOLD_OK;
  const size_t count = make_all(l, items, &made);
  int status = ONEFOLD_EXIT_OK;
  if (made != ONEFOLD_OK) {
    status = onefold_bench_session_fail(session, l->model->problem, made);
  } else if (count) {
    status = time_all(l, items, count);
    if (!status) conclude(l, items, count);
  }
  for (size_t i = 0; i < count; i++) destroy(&items[i]);
  free(items);
  return status;
}
