// SPDX-License-Identifier: BSD-3-Clause
// The arena: one block of memory for every intermediate tensor and workspace.
#include "graph/exec.h"

#include <stdlib.h>

// Bytes that every offset is a multiple of.
#define ALIGNMENT 64

/// A span of bytes that is needed from step `first` to step `last`.
typedef struct span {
  size_t bytes, offset, *target;
  int32_t first, last;
} span;

static int by_size(const void *a, const void *b) {
  const span *x = a, *y = b;
  if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
  return (x->first > y->first) - (x->first < y->first);
}

static int by_offset(const void *a, const void *b) {
  const span *x = *(const span *const *)a, *y = *(const span *const *)b;
  return (x->offset > y->offset) - (x->offset < y->offset);
}

static int round_up(size_t bytes, size_t *rounded) {
  return !__builtin_add_overflow(bytes, (size_t)ALIGNMENT - 1, rounded) &&
         (*rounded -= *rounded % ALIGNMENT, 1);
}

/// Lowest offset where spans[index] overlaps no earlier span that lives at the same time.
static void place(span *spans, size_t index, const span **alive) {
  span *s = &spans[index];
  size_t count = 0;
  for (size_t i = 0; i < index; i++)
    if (spans[i].first <= s->last && s->first <= spans[i].last) alive[count++] = &spans[i];
  qsort(alive, count, sizeof *alive, by_offset);
  s->offset = 0;
  for (size_t i = 0; i < count; i++) {
    if (s->offset + s->bytes <= alive[i]->offset) return;
    const size_t end = alive[i]->offset + alive[i]->bytes;
    if (end > s->offset) s->offset = end;
  }
}

static size_t floats_of_image(const onefold_value *v) {
  return v->bytes / sizeof(float) / (size_t)v->shape.n;
}

static int lies_apart(const onefold_exec *exec, int32_t value) {
  if (value == ONEFOLD_NO_VALUE) return 0;
  const onefold_value *v = &exec->values[value];
  return v->shape.n > 1 && v->image != floats_of_image(v);
}

void onefold_exec_resolve_views(onefold_exec *exec) {
  for (int32_t i = 0; i < exec->value_count; i++) {
    onefold_value *v = &exec->values[i];
    if (v->parent == ONEFOLD_NO_VALUE) continue;
    while (exec->values[v->parent].parent != ONEFOLD_NO_VALUE) {
      v->offset += exec->values[v->parent].offset;
      v->parent = exec->values[v->parent].parent;
    }
    onefold_value *root = &exec->values[v->parent];
    if (v->first < root->first) root->first = v->first;
    if (v->last > root->last) root->last = v->last;
  }
  for (int32_t i = 0; i < exec->value_count; i++) {
    onefold_value *v = &exec->values[i];
    v->image = floats_of_image(v->parent == ONEFOLD_NO_VALUE ? v : &exec->values[v->parent]);
  }
  for (int32_t i = 0; i < exec->step_count; i++) {
    onefold_step *s = &exec->steps[i];
    s->apart = lies_apart(exec, s->src) || lies_apart(exec, s->other) ||
               lies_apart(exec, s->scale) || lies_apart(exec, s->dst);
  }
}

static size_t collect(onefold_exec *exec, span *spans) {
  size_t count = 0;
  for (int32_t i = 0; i < exec->value_count; i++) {
    onefold_value *v = &exec->values[i];
    if (v->input >= 0 || v->output >= 0 || v->constant || v->parent != ONEFOLD_NO_VALUE ||
        v->last < 0)
      continue;
    spans[count++] = (span){v->bytes, 0, &v->offset, v->first, v->last};
    if (__builtin_add_overflow(exec->tensor_bytes, v->bytes, &exec->tensor_bytes))
      exec->tensor_bytes = SIZE_MAX;
  }
  for (int32_t i = 0; i < exec->step_count; i++)
    if (exec->steps[i].workspace)
      spans[count++] = (span){exec->steps[i].workspace, 0, &exec->steps[i].workspace_offset, i, i};
  return count;
}

onefold_status onefold_exec_plan_arena(onefold_exec *exec) {
  const size_t most = (size_t)exec->value_count + (size_t)exec->step_count;
  span *spans = onefold_allocate(exec->context, most * sizeof *spans);
  const span **alive = onefold_allocate(exec->context, most * sizeof *alive);
  onefold_status status = ONEFOLD_OK;
  if (!spans || !alive) {
    status = onefold_fail(exec->context, ONEFOLD_OUT_OF_MEMORY, "no memory to plan the arena");
  } else {
    const size_t count = collect(exec, spans);
    size_t sum = 0; // bounds every offset below
    for (size_t i = 0; i < count; i++)
      if (!round_up(spans[i].bytes, &spans[i].bytes) ||
          __builtin_add_overflow(sum, spans[i].bytes, &sum))
        status = onefold_fail(exec->context, ONEFOLD_OVERFLOW,
                              "the intermediate tensors do not fit in memory");
    if (status == ONEFOLD_OK) {
      qsort(spans, count, sizeof *spans, by_size);
      for (size_t i = 0; i < count; i++) {
        place(spans, i, alive);
        *spans[i].target = spans[i].offset;
        if (spans[i].offset + spans[i].bytes > exec->arena_bytes)
          exec->arena_bytes = spans[i].offset + spans[i].bytes;
      }
    }
  }
  onefold_release(exec->context, alive);
  onefold_release(exec->context, spans);
  return status;
}

onefold_status onefold_exec_finish(onefold_exec *exec) {
  exec->arena = onefold_allocate(exec->context, exec->arena_bytes);
  if (!exec->arena)
    return onefold_fail(exec->context, ONEFOLD_OUT_OF_MEMORY, "no memory for an arena of %zu bytes",
                        exec->arena_bytes);
  exec->packed = 1;
  return ONEFOLD_OK;
}
