// SPDX-License-Identifier: BSD-3-Clause
// Executions that have all but the arena together, and what the last of them frees.
#include "graph/exec.h"

onefold_status onefold_exec_create_like(const onefold_exec *exec, onefold_exec **like) {
  if (!exec) return ONEFOLD_INVALID_ARGUMENT;
  if (!like) return onefold_fail(exec->context, ONEFOLD_INVALID_ARGUMENT, "like is NULL");
  *like = NULL;
  if (!exec->packed)
    return onefold_fail(exec->context, ONEFOLD_INVALID_ARGUMENT,
                        "onefold_exec_pack was not called");
  onefold_exec *made = onefold_allocate_unset(exec->context, sizeof *made);
  if (!made)
    return onefold_fail(exec->context, ONEFOLD_OUT_OF_MEMORY, "no memory for an execution");
  *made = *exec;
  atomic_fetch_add(made->holders, 1);
  const onefold_status status = onefold_exec_finish(made); // with another arena
  if (status != ONEFOLD_OK) {
    onefold_exec_destroy(made);
    return status;
  }
  *like = made;
  return ONEFOLD_OK;
}

static void free_shared(const onefold_exec *exec) {
  onefold_context *context = exec->context;
  for (int32_t i = 0; i < exec->step_count; i++)
    if (exec->steps[i].type->destroy) exec->steps[i].type->destroy(context, &exec->steps[i]);
  for (int32_t i = 0; i < exec->value_count; i++)
    onefold_release(context, exec->values[i].constant);
  onefold_release(context, exec->input_bytes);
  onefold_release(context, exec->output_bytes);
  onefold_release(context, exec->steps);
  onefold_release(context, exec->values);
  onefold_release(context, exec->graph);
  if (exec->backing.release) exec->backing.release(context, exec->backing.state);
  onefold_release(context, exec->holders);
}

void onefold_exec_destroy(onefold_exec *exec) {
  if (!exec) return;
  onefold_release(exec->context, exec->arena);
  if (atomic_fetch_sub(exec->holders, 1) == 1) free_shared(exec);
  onefold_release(exec->context, exec);
}
