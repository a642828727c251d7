// SPDX-License-Identifier: BSD-3-Clause
// Runs a plan: checks the buffers, reorders at the edges, and hands the
// algorithm's tasks to the context's threads. Allocates nothing.
#include "ops/conv_algorithm.h"
#include "ops/reorder.h"

#include <string.h>

/// Half-open range of addresses.
typedef struct span {
  const char *name;
  uintptr_t begin, end;
} span;

static span span_of(const char *name, const void *pointer, size_t floats) {
  const uintptr_t begin = (uintptr_t)pointer;
  return (span){name, begin, pointer ? begin + floats * sizeof(float) : begin};
}

static int overlap(const span *a, const span *b) {
  return a->begin < b->end && b->begin < a->end;
}

#define FAIL(status, ...) return onefold_fail(plan->context, status, __VA_ARGS__)

/// `pointer` is wanted where `want` is non-zero, and aligned to a float.
static onefold_status check_pointer(const onefold_conv2d_plan *plan, const char *name,
                                    const void *pointer, int want) {
  if (want && !pointer) FAIL(ONEFOLD_INVALID_ARGUMENT, "%s is NULL", name);
  if (!want && pointer) FAIL(ONEFOLD_INVALID_ARGUMENT, "%s is given, but the plan has none", name);
  if ((uintptr_t)pointer % sizeof(float)) {
    FAIL(ONEFOLD_BAD_BUFFER, "%s is at %p, which is not aligned to %zu bytes", name, pointer,
         sizeof(float));
  }
  return ONEFOLD_OK;
}

/// For what short layers seldom need, beside what they always do: each has the registers.
#define SELDOM static __attribute__((noinline, cold))

/// The first thing that is wrong with the buffers.
SELDOM onefold_status check_buffers(const onefold_conv2d_plan *plan,
                                    const onefold_conv2d_buffers *b) {
  const onefold_conv2d_desc *d = &plan->problem.desc;
  const size_t workspace = plan->workspace;
  const size_t in = plan->in_floats, out = plan->out_floats;

  onefold_status status = check_pointer(plan, "input", b->input, 1);
  if (status == ONEFOLD_OK) status = check_pointer(plan, "output", b->output, 1);
  if (status == ONEFOLD_OK) {
    status = check_pointer(plan, "residual", b->residual, d->residual != ONEFOLD_RESIDUAL_NONE);
  }
  if (status == ONEFOLD_OK) {
    status = check_pointer(plan, "channel_scale", b->channel_scale, d->has_channel_scale != 0);
  }
  if (status == ONEFOLD_OK && workspace) status = check_pointer(plan, "workspace", b->workspace, 1);
  if (status != ONEFOLD_OK) return status;
  if (workspace && (uintptr_t)b->workspace % 64) {
    FAIL(ONEFOLD_BAD_BUFFER, "workspace is at %p, which is not aligned to 64 bytes", b->workspace);
  }

  const span output = span_of("output", b->output, out);
  const span work = span_of("workspace", workspace ? b->workspace : NULL, workspace);
  const span read[] = {
      span_of("input", b->input, in),
      span_of("channel_scale", b->channel_scale, (size_t)(d->batch * d->out_channels)),
      span_of("residual", b->residual, out),
  };
  for (size_t i = 0; i < sizeof read / sizeof read[0]; i++) {
    const int in_place = i == 2 && b->residual == b->output;
    if (overlap(&read[i], &output) && !in_place) {
      FAIL(ONEFOLD_BAD_BUFFER, "%s at %p overlaps output at %p", read[i].name,
           (const void *)read[i].begin, (const void *)output.begin);
    }
    if (overlap(&read[i], &work)) {
      FAIL(ONEFOLD_BAD_BUFFER, "%s at %p overlaps workspace at %p", read[i].name,
           (const void *)read[i].begin, (const void *)work.begin);
    }
  }
  if (overlap(&output, &work)) {
    FAIL(ONEFOLD_BAD_BUFFER, "output at %p overlaps workspace at %p", (const void *)output.begin,
         (const void *)work.begin);
  }
  return ONEFOLD_OK;
}

/// Do two buffers share no byte? Yes is never wrong; of one that is absent, whose bytes would be
/// the first of all memory, no could be.
static int are_apart(const float *a, size_t a_floats, const float *b, size_t b_floats) {
  const uintptr_t x = (uintptr_t)a, y = (uintptr_t)b; // one of the differences wraps around
  return x - y >= b_floats * sizeof(float) && y - x >= a_floats * sizeof(float);
}

/// Is nothing wrong with the buffers? In a few instructions, for check_buffers takes as long as a
/// short layer; it has the last word where the answer is no.
static int are_right(const onefold_conv2d_plan *plan, const onefold_conv2d_buffers *b) {
  const onefold_conv2d_desc *d = &plan->problem.desc;
  const size_t in = plan->in_floats, out = plan->out_floats, work = plan->workspace;
  const size_t scale = (size_t)(d->batch * d->out_channels);
  const float *residual = b->residual == b->output ? NULL : b->residual; // in place

  if (!b->input || !b->output) return 0;
  if (!b->residual != (d->residual == ONEFOLD_RESIDUAL_NONE)) return 0;
  if (!b->channel_scale != !d->has_channel_scale) return 0;
  const uintptr_t any = (uintptr_t)b->input | (uintptr_t)b->output | (uintptr_t)b->residual |
                        (uintptr_t)b->channel_scale;
  if (any % sizeof(float) || !are_apart(b->input, in, b->output, out)) return 0;
  if (residual && !are_apart(residual, out, b->output, out)) return 0;
  if (b->channel_scale && !are_apart(b->channel_scale, scale, b->output, out)) return 0;
  if (!work) return 1;
  return b->workspace && (uintptr_t)b->workspace % 64 == 0 &&
         are_apart(b->workspace, work, b->input, in) &&
         are_apart(b->workspace, work, b->output, out) &&
         are_apart(b->workspace, work, residual, out) &&
         are_apart(b->workspace, work, b->channel_scale, scale);
}

/// One change of layout, shared out among tasks.
typedef struct reorder_job {
  const onefold_conv2d_plan *plan;
  onefold_shape shape;
  onefold_layout from, to;
  const float *src;
  float *dst;
} reorder_job;

static void reorder_task(void *arg, size_t index) {
  const reorder_job *job = arg;
  const onefold_dispatch *dispatch = onefold_context_dispatch(job->plan->context);
  size_t begin = 0, end = 0;
  onefold_split(onefold_reorder_units(dispatch, job->shape, job->from, job->to),
                (size_t)job->plan->tasks, index, &begin, &end);
  onefold_reorder_range(dispatch, job->shape, job->from, job->src, job->to, job->dst, begin, end);
}

static void reorder(const onefold_conv2d_plan *plan, onefold_shape shape, onefold_layout from,
                    const float *src, onefold_layout to, float *dst) {
  reorder_job job = {plan, shape, from, to, src, dst};
  onefold_parallel_if(plan->context, plan->wakes, reorder_task, &job, (size_t)plan->tasks);
}

static void algorithm_task(void *arg, size_t index) {
  const onefold_conv_run *run = arg;
  run->plan->algorithm->task(run, index);
}

/// Copies to the workspace what the algorithm does not take or leave as the caller has it, and
/// returns the rest of the workspace: stage_in, stage_out, stage_scale, scratch floats.
SELDOM float *stage(onefold_conv_run *run, float *workspace) {
  const onefold_conv2d_plan *plan = run->plan;
  const onefold_conv_problem *p = &plan->problem;
  const onefold_conv2d_desc *d = &p->desc;
  if (plan->stage_in) {
    const onefold_shape in = {d->batch, d->in_channels, d->in_h, d->in_w};
    reorder(plan, in, d->in_layout, run->src, ONEFOLD_BLOCKED, workspace);
    run->src = workspace;
    run->images.src = plan->src_image;
    workspace += plan->stage_in;
  }
  if (plan->stage_out) {
    run->dst = workspace;
    if (run->residual) { // in place over its blocked copy
      const onefold_shape out = {d->batch, d->out_channels, p->out_h, p->out_w};
      reorder(plan, out, d->out_layout, run->residual, ONEFOLD_BLOCKED, run->dst);
      run->residual = run->dst;
    }
    workspace += plan->stage_out;
  }
  if (plan->stage_scale && workspace) { // where it is wanted, it is there
    const int64_t padded = p->out_blocks * p->v;
    for (int64_t n = 0; n < d->batch; n++) {
      float *row = workspace + n * padded;
      memset(row, 0, (size_t)padded * sizeof *row);
      memcpy(row, run->scale + n * d->out_channels, (size_t)d->out_channels * sizeof *row);
    }
    run->scale = workspace;
    workspace += plan->stage_scale;
  }
  return workspace;
}

void onefold_conv_run_images(const onefold_conv2d_plan *plan, const onefold_conv2d_packed *packed,
                             const onefold_conv2d_buffers *buffers,
                             const onefold_conv_images *images) {
  onefold_conv_run run = {plan,
                          packed,
                          buffers->input,
                          buffers->output,
                          buffers->residual,
                          buffers->channel_scale,
                          buffers->workspace,
                          *images};
  if (plan->staged) run.scratch = stage(&run, buffers->workspace);
  onefold_parallel_if(plan->context, plan->wakes, algorithm_task, &run, (size_t)plan->tasks);
  if (plan->stage_out) {
    const onefold_conv_problem *p = &plan->problem;
    const onefold_shape out = {p->desc.batch, p->desc.out_channels, p->out_h, p->out_w};
    reorder(plan, out, ONEFOLD_BLOCKED, run.dst, p->desc.out_layout, buffers->output);
  }
}

onefold_status onefold_conv2d_run(const onefold_conv2d_plan *plan,
                                  const onefold_conv2d_packed *packed,
                                  const onefold_conv2d_buffers *buffers) {
  if (!plan) return ONEFOLD_INVALID_ARGUMENT;
  if (!packed) FAIL(ONEFOLD_INVALID_ARGUMENT, "packed is NULL");
  if (!buffers) FAIL(ONEFOLD_INVALID_ARGUMENT, "buffers is NULL");
  if (!onefold_pack_keys_same(&packed->key, &plan->key)) {
    return onefold_conv_check_packed(plan, packed);
  }
  if (!are_right(plan, buffers)) {
    const onefold_status status = check_buffers(plan, buffers);
    if (status != ONEFOLD_OK) return status;
  }
  onefold_conv_run_images(plan, packed, buffers, &plan->images);
  return ONEFOLD_OK;
}
