// SPDX-License-Identifier: BSD-3-Clause
// An execution from a file that has been checked: the graph is planned again, and each convolution
// takes its weights from the file, if they were packed as this plan wants them.
#include "cache/format.h"
#include "graph/bytes.h"
#include "graph/exec.h"

/// A failure that was caught, with what it is about.
static onefold_status repeat(const onefold_context *context, onefold_status status,
                             const char *path, const char *what, const onefold_caught *caught) {
  if (status == ONEFOLD_OUT_OF_MEMORY) return onefold_fail(context, status, "%s", caught->text);
  return onefold_fail(context, status, "%s: %s: %s", path, what, caught->text);
}

/// Gives a convolution the arrays of an entry.
static onefold_status adopt(const onefold_context *context, const char *path,
                            const onefold_cache_conv *entry,
                            const float *const arrays[ONEFOLD_CACHE_ARRAYS],
                            onefold_step_conv2d *conv) {
  const onefold_conv2d_plan *plan = conv->plan;
  const size_t channels = (size_t)(plan->problem.out_blocks * plan->problem.v);
  onefold_conv2d_packed *packed = NULL;
  onefold_caught caught;
  onefold_catch_begin(context, &caught);
  const onefold_status status =
      onefold_conv_borrow_packed(plan, &entry->key, arrays[ONEFOLD_CACHE_WEIGHT],
                                 arrays[ONEFOLD_CACHE_BIAS], arrays[ONEFOLD_CACHE_SCALE], &packed);
  onefold_catch_end(context, &caught);
  if (status != ONEFOLD_OK)
    return repeat(context, status == ONEFOLD_SHAPE_MISMATCH ? ONEFOLD_REFUSED : status, path,
                  "it was planned otherwise", &caught);
  const int scaled = plan->problem.desc.has_residual_scale != 0;
  if (entry->floats[ONEFOLD_CACHE_WEIGHT] != plan->packed_floats ||
      (entry->floats[ONEFOLD_CACHE_BIAS] && entry->floats[ONEFOLD_CACHE_BIAS] != channels) ||
      entry->floats[ONEFOLD_CACHE_SCALE] != (scaled ? channels : 0)) {
    onefold_conv2d_packed_destroy(packed);
    return onefold_fail(context, ONEFOLD_FORMAT,
                        "%s: weights, bias and scale of %llu, %llu and %llu, not of %zu and %zu",
                        path, (unsigned long long)entry->floats[ONEFOLD_CACHE_WEIGHT],
                        (unsigned long long)entry->floats[ONEFOLD_CACHE_BIAS],
                        (unsigned long long)entry->floats[ONEFOLD_CACHE_SCALE], plan->packed_floats,
                        channels);
  }
  onefold_step_conv2d_adopt(context, conv, packed);
  return ONEFOLD_OK;
}

static onefold_status adopt_all(const char *path, const onefold_cache_view *view,
                                onefold_exec *exec) {
  const onefold_context *context = exec->context;
  const size_t most = ONEFOLD_STEP_CONVS * (size_t)exec->step_count;
  onefold_step_conv2d **convs = onefold_allocate(context, most * sizeof *convs);
  if (!convs) return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for an execution");
  const size_t count = onefold_exec_convs(exec, convs);
  onefold_status status = ONEFOLD_OK;
  if (count != view->count)
    status = onefold_fail(context, ONEFOLD_REFUSED, "%s: it has %zu convolutions, not %zu", path,
                          view->count, count);
  size_t at = view->weights;
  for (size_t i = 0; i < view->count && status == ONEFOLD_OK; i++) {
    const float *arrays[ONEFOLD_CACHE_ARRAYS];
    onefold_cache_arrays(view, i, &at, arrays);
    status = adopt(context, path, &view->convs[i], arrays, convs[i]);
  }
  onefold_release(context, convs);
  return status;
}

/// The graph of a file, and its plan. What the file asks for is no argument of the caller.
static onefold_status plan(onefold_context *context, const char *path,
                           const onefold_cache_view *view, const onefold_exec_options *options,
                           onefold_exec **made) {
  onefold_graph *graph = NULL;
  onefold_caught caught;
  onefold_catch_begin(context, &caught);
  onefold_status status = onefold_graph_read(context, view->graph, view->graph_bytes, &graph);
  const char *what =
      status == ONEFOLD_OK ? "its graph cannot be planned" : "its graph cannot be made";
  if (status != ONEFOLD_OK && status != ONEFOLD_OUT_OF_MEMORY) status = ONEFOLD_FORMAT;
  if (status == ONEFOLD_OK) status = onefold_exec_create(context, graph, options, made);
  onefold_graph_destroy(graph);
  onefold_catch_end(context, &caught);
  if (status == ONEFOLD_OK) return status;
  if (status == ONEFOLD_INVALID_ARGUMENT || status == ONEFOLD_SHAPE_MISMATCH)
    status = ONEFOLD_FORMAT;
  repeat(context, status, path, what, &caught);
  return status;
}

onefold_status onefold_cache_restore(onefold_context *context, const char *path,
                                     const onefold_cache_view *view,
                                     const onefold_exec_options *options, onefold_exec **exec) {
  onefold_exec *made = NULL;
  onefold_status status = plan(context, path, view, options, &made);
  if (status != ONEFOLD_OK) return status;
  status = adopt_all(path, view, made);
  if (status == ONEFOLD_OK) status = onefold_exec_finish(made);
  if (status != ONEFOLD_OK) {
    onefold_exec_destroy(made);
    return status;
  }
  *exec = made;
  return ONEFOLD_OK;
}
