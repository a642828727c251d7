// SPDX-License-Identifier: BSD-3-Clause
// An execution from a file that has been checked: the graph is planned again, and each convolution
// takes its weights from the file, if they were packed as this plan wants them.
#include "cache/format.h"
#include "graph/bytes.h"
#include "graph/exec.h"

/// Repeats the context's last sentence with what it is about.
static onefold_status wrap(const onefold_context *context, onefold_status status, const char *path,
                           const char *what) {
  char sentence[512];
  if (status == ONEFOLD_OUT_OF_MEMORY) return status;
  onefold_context_last_error(context, sentence, sizeof sentence);
  return onefold_fail(context, status, "%s: %s: %s", path, what, sentence);
}

/// Gives a convolution the arrays of an entry.
static onefold_status adopt(const onefold_context *context, const char *path,
                            const onefold_cache_conv *entry,
                            const float *const arrays[ONEFOLD_CACHE_ARRAYS],
                            onefold_step_conv2d *conv) {
  const onefold_conv2d_plan *plan = conv->plan;
  const size_t channels = (size_t)(plan->problem.out_blocks * plan->problem.v);
  onefold_conv2d_packed *packed = NULL;
  const onefold_status status =
      onefold_conv_borrow_packed(plan, &entry->key, arrays[ONEFOLD_CACHE_WEIGHT],
                                 arrays[ONEFOLD_CACHE_BIAS], arrays[ONEFOLD_CACHE_SCALE], &packed);
  if (status != ONEFOLD_OK)
    return wrap(context, status == ONEFOLD_SHAPE_MISMATCH ? ONEFOLD_REFUSED : status, path,
                "it was planned otherwise");
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

onefold_status onefold_cache_restore(onefold_context *context, const char *path,
                                     const onefold_cache_view *view,
                                     const onefold_exec_options *options, onefold_exec **exec) {
  onefold_graph *graph = NULL;
  onefold_exec *made = NULL;
  onefold_status status = onefold_graph_read(context, view->graph, view->graph_bytes, &graph);
  if (status != ONEFOLD_OK)
    return wrap(context, status == ONEFOLD_OUT_OF_MEMORY ? status : ONEFOLD_FORMAT, path,
                "its graph cannot be made");
  status = onefold_exec_create(context, graph, options, &made);
  onefold_graph_destroy(graph);
  if (status != ONEFOLD_OK) return wrap(context, status, path, "its graph cannot be planned");
  status = adopt_all(path, view, made);
  if (status == ONEFOLD_OK) status = onefold_exec_finish(made);
  if (status != ONEFOLD_OK) {
    onefold_exec_destroy(made);
    return status;
  }
  *exec = made;
  return ONEFOLD_OK;
}
