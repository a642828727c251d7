// SPDX-License-Identifier: BSD-3-Clause
// Executions: create, pack, run.
#include "graph/bytes.h"
#include "graph/lower.h"

#include <time.h>

static onefold_status check_create(onefold_context *context, const onefold_graph *graph,
                                   const onefold_exec_options *options) {
  if (!context || !graph)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        context ? "graph" : "context");
  if (graph->status != ONEFOLD_OK)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        "the graph is incomplete: building it failed (%s)",
                        onefold_status_name(graph->status));
  if (graph->output_count == 0)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "the graph has no output");
  if (options->struct_size != sizeof *options)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        "struct_size of onefold_exec_options is %zu, not %zu", options->struct_size,
                        sizeof *options);
  if ((unsigned)options->in_layout > ONEFOLD_BLOCKED ||
      (unsigned)options->out_layout > ONEFOLD_BLOCKED)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "layout %d to %d",
                        (int)options->in_layout, (int)options->out_layout);
  if ((unsigned)options->pairs > ONEFOLD_PAIRS_ALWAYS)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "pairs is %d", (int)options->pairs);
  return ONEFOLD_OK;
}

/// Sizes of the caller's buffers, for the check of overlaps.
static onefold_status note_buffers(onefold_exec *exec) {
  for (int32_t i = 0; i < exec->value_count; i++) {
    exec->input_count += exec->values[i].input >= 0;
    exec->output_count += exec->values[i].output >= 0;
  }
  exec->input_bytes = onefold_allocate(exec->context, (size_t)exec->input_count * sizeof(size_t));
  exec->output_bytes = onefold_allocate(exec->context, (size_t)exec->output_count * sizeof(size_t));
  if (!exec->input_bytes || !exec->output_bytes)
    return onefold_fail(exec->context, ONEFOLD_OUT_OF_MEMORY, "no memory for an execution");
  for (int32_t i = 0; i < exec->value_count; i++) {
    const onefold_value *v = &exec->values[i];
    if (v->input >= 0) exec->input_bytes[v->input] = v->bytes;
    if (v->output >= 0) exec->output_bytes[v->output] = v->bytes;
  }
  return ONEFOLD_OK;
}

/// Keeps what the graph is, for those who save the execution.
static onefold_status keep_graph(onefold_exec *exec, const onefold_graph *graph) {
  exec->graph_bytes = onefold_graph_write(graph, NULL);
  exec->graph = onefold_allocate(exec->context, exec->graph_bytes);
  if (!exec->graph)
    return onefold_fail(exec->context, ONEFOLD_OUT_OF_MEMORY, "no memory for an execution");
  onefold_graph_write(graph, exec->graph);
  return ONEFOLD_OK;
}

onefold_status onefold_exec_create(onefold_context *context, const onefold_graph *graph,
                                   const onefold_exec_options *options, onefold_exec **exec) {
  const onefold_exec_options defaults = {.struct_size = sizeof defaults, .fuse_epilogues = 1};
  if (!options) options = &defaults;
  if (!exec) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "exec is NULL");
  *exec = NULL;
  onefold_status status = check_create(context, graph, options);
  if (status != ONEFOLD_OK) return status;
  onefold_exec *made = onefold_allocate(context, sizeof *made);
  atomic_size_t *holders = onefold_allocate(context, sizeof *holders);
  if (!made || !holders) {
    onefold_release(context, made);
    onefold_release(context, holders);
    return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for an execution");
  }
  atomic_init(holders, 1);
  made->holders = holders;
  made->context = context;
  made->options = *options;
  status = onefold_lower(made, graph, options);
  if (status == ONEFOLD_OK) status = note_buffers(made);
  if (status == ONEFOLD_OK) {
    onefold_exec_resolve_views(made);
    status = onefold_exec_plan_arena(made);
  }
  if (status == ONEFOLD_OK) status = keep_graph(made, graph);
  if (status != ONEFOLD_OK) {
    onefold_exec_destroy(made);
    return status;
  }
  *exec = made;
  return ONEFOLD_OK;
}

size_t onefold_exec_convs(const onefold_exec *exec, onefold_step_conv2d **convs) {
  size_t count = 0;
  for (int32_t i = 0; i < exec->step_count; i++) {
    onefold_step *step = &exec->steps[i];
    if (step->type == &onefold_step_type_conv2d) convs[count++] = &step->as.conv2d;
    if (step->type != &onefold_step_type_pair) continue;
    convs[count++] = &step->as.pair.first;
    convs[count++] = &step->as.pair.second;
  }
  return count;
}

onefold_status onefold_exec_pack(onefold_exec *exec) {
  if (!exec) return ONEFOLD_INVALID_ARGUMENT;
  if (exec->packed)
    return onefold_fail(exec->context, ONEFOLD_INVALID_ARGUMENT, "the execution is packed already");
  for (int32_t i = 0; i < exec->step_count; i++) {
    onefold_step *step = &exec->steps[i];
    onefold_status status = step->type->pack ? step->type->pack(exec->context, step) : ONEFOLD_OK;
    if (status != ONEFOLD_OK) return status;
  }
  return onefold_exec_finish(exec);
}

static int overlap(const void *a, size_t a_bytes, const void *b, size_t b_bytes) {
  const uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;
  return x < y + b_bytes && y < x + a_bytes;
}

static onefold_status check_buffers(const onefold_exec *exec, const float *const *inputs,
                                    float *const *outputs) {
  const onefold_context *context = exec->context;
  for (int32_t i = 0; i < exec->input_count; i++)
    if (!inputs || !inputs[i] || (uintptr_t)inputs[i] % sizeof(float))
      return onefold_fail(context, ONEFOLD_BAD_BUFFER, "input %d is %s", (int)i,
                          inputs && inputs[i] ? "not aligned to 4 bytes" : "NULL");
  for (int32_t k = 0; k < exec->output_count; k++) {
    if (!outputs || !outputs[k] || (uintptr_t)outputs[k] % sizeof(float))
      return onefold_fail(context, ONEFOLD_BAD_BUFFER, "output %d is %s", (int)k,
                          outputs && outputs[k] ? "not aligned to 4 bytes" : "NULL");
    for (int32_t i = 0; i < exec->input_count; i++)
      if (overlap(outputs[k], exec->output_bytes[k], inputs[i], exec->input_bytes[i]))
        return onefold_fail(context, ONEFOLD_BAD_BUFFER, "output %d overlaps input %d", (int)k,
                            (int)i);
    for (int32_t i = 0; i < k; i++)
      if (overlap(outputs[k], exec->output_bytes[k], outputs[i], exec->output_bytes[i]))
        return onefold_fail(context, ONEFOLD_BAD_BUFFER, "output %d overlaps output %d", (int)k,
                            (int)i);
  }
  return ONEFOLD_OK;
}

/// Where values live in one run.
typedef struct ends {
  const onefold_exec *exec;
  const float *const *inputs;
  float *const *outputs;
} ends;

/// The value that holds `value`'s bytes, and how many floats into it they begin.
static const onefold_value *root_of(const ends *e, int32_t value, size_t *at) {
  const onefold_value *v = &e->exec->values[value];
  *at = 0;
  if (v->parent == ONEFOLD_NO_VALUE) return v;
  *at = v->offset / sizeof(float);
  return &e->exec->values[v->parent];
}

/// NULL where there is no value, or it may not be written.
static float *writable(const ends *e, int32_t value) {
  if (value == ONEFOLD_NO_VALUE) return NULL;
  size_t at;
  const onefold_value *v = root_of(e, value, &at);
  if (v->input >= 0 || v->constant) return NULL;
  return (v->output >= 0 ? e->outputs[v->output] : (float *)(e->exec->arena + v->offset)) + at;
}

static const float *readable(const ends *e, int32_t value) {
  if (value == ONEFOLD_NO_VALUE) return NULL;
  size_t at;
  const onefold_value *v = root_of(e, value, &at);
  if (v->constant) return v->constant + at;
  return v->input >= 0 ? e->inputs[v->input] + at : writable(e, value);
}

/// Floats from an image of a value to the next.
static ptrdiff_t next_image(const ends *e, int32_t value) {
  return value == ONEFOLD_NO_VALUE ? 0 : (ptrdiff_t)e->exec->values[value].image;
}

/// A step whose operator takes whole tensors only, over images that lie apart.
static onefold_status run_images(onefold_context *context, const onefold_step *step,
                                 onefold_step_buffers b) {
  onefold_status status = ONEFOLD_OK;
  onefold_step one = *step;
  one.shape.n = 1;
  for (int64_t i = 0; i < step->shape.n && status == ONEFOLD_OK; i++) {
    status = step->type->run(context, &one, &b);
    b.src += b.images.src;
    b.dst += b.images.dst;
    if (b.other) b.other += b.images.residual;
    if (b.scale) b.scale += b.scale_image;
  }
  return status;
}

static onefold_status run_step(const ends *e, const onefold_step *step) {
  const onefold_exec *exec = e->exec;
  const onefold_step_buffers buffers = {
      .src = readable(e, step->src),
      .other = readable(e, step->other),
      .scale = readable(e, step->scale),
      .dst = writable(e, step->dst),
      .workspace = step->workspace ? exec->arena + step->workspace_offset : NULL,
      .images = {next_image(e, step->src), next_image(e, step->other), next_image(e, step->dst)},
      .scale_image = (size_t)next_image(e, step->scale)};
  return step->apart && !step->type->takes_apart ? run_images(exec->context, step, buffers)
                                                 : step->type->run(exec->context, step, &buffers);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/// One run, and the seconds of each step (or NULL).
typedef struct exec_run {
  ends ends;
  double *seconds;
  onefold_status status;
} exec_run;

static void run_steps(void *arg) {
  exec_run *run = arg;
  const ends *e = &run->ends;
  const onefold_exec *exec = e->exec;
  double before = run->seconds ? now() : 0;
  for (int32_t i = 0; run->status == ONEFOLD_OK && i < exec->step_count; i++) {
    run->status = run_step(e, &exec->steps[i]);
    if (!run->seconds) continue;
    const double after = now();
    run->seconds[i] = after - before;
    before = after;
  }
}

onefold_status onefold_exec_run_timed(onefold_exec *exec, const float *const *inputs,
                                      float *const *outputs, double *seconds) {
  if (!exec) return ONEFOLD_INVALID_ARGUMENT;
  if (!exec->packed)
    return onefold_fail(exec->context, ONEFOLD_INVALID_ARGUMENT,
                        "onefold_exec_pack was not called");
  exec_run run = {{exec, inputs, outputs}, seconds, check_buffers(exec, inputs, outputs)};
  if (run.status == ONEFOLD_OK) onefold_context_together(exec->context, run_steps, &run);
  return run.status;
}

onefold_status onefold_exec_run(onefold_exec *exec, const float *const *inputs,
                                float *const *outputs) {
  return onefold_exec_run_timed(exec, inputs, outputs, NULL);
}
