// SPDX-License-Identifier: BSD-3-Clause
// Addition and activation: any layout is one run of floats.
#include "ops/context.h"
#include "ops/tensor.h"

#include <onefold/elementwise.h>

#include <string.h>

// Floats of a unit: tasks begin at multiples of it, so that two of them share
// no cache line of an aligned tensor.
#define UNIT_FLOATS 1024

/// One call; `add` or `act` is set, or neither for a copy.
typedef struct flat_call {
  onefold_add_fn *add;
  onefold_act_fn *act;
  float param;
  const float *a, *b;
  float *output;
  size_t elements, units, tasks;
} flat_call;

static void run_task(void *arg, size_t index) {
  const flat_call *c = arg;
  size_t begin, end;
  onefold_split(c->units, c->tasks, index, &begin, &end);
  begin *= UNIT_FLOATS;
  end = end < c->units ? end * UNIT_FLOATS : c->elements;
  const size_t n = end - begin;
  if (c->add) {
    c->add(c->a + begin, c->b + begin, c->output + begin, n);
  } else if (c->act) {
    c->act(c->param, c->a + begin, c->output + begin, n);
  } else {
    memcpy(c->output + begin, c->a + begin, n * sizeof(float));
  }
}

static onefold_status run(const onefold_context *context, flat_call *call) {
  call->units = call->elements / UNIT_FLOATS + (call->elements % UNIT_FLOATS != 0);
  call->tasks = onefold_memory_tasks(context, call->elements, call->units);
  onefold_parallel(context, run_task, call, call->tasks);
  return ONEFOLD_OK;
}

onefold_status onefold_add(onefold_context *context, onefold_shape shape, onefold_layout layout,
                           const float *a, const float *b, float *output) {
  static const char op[] = "add";
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  size_t n = 0;
  onefold_status status = onefold_check_tensor(context, op, shape, layout, &n);
  const onefold_span in_a = {"a", a, n}, in_b = {"b", b, n}, out = {"output", output, n};
  if (!status) status = onefold_check_floats(context, op, "a", a);
  if (!status) status = onefold_check_floats(context, op, "b", b);
  if (!status) status = onefold_check_floats(context, op, "output", output);
  if (!status) status = onefold_check_same_or_apart(context, op, out, in_a);
  if (!status) status = onefold_check_same_or_apart(context, op, out, in_b);
  if (status) return status;
  const onefold_dispatch *dispatch = onefold_context_dispatch(context);
  flat_call call = {.add = (onefold_add_fn *)dispatch->ops[ONEFOLD_OP_ADD].row[0]->fn,
                    .a = a,
                    .b = b,
                    .output = output,
                    .elements = n};
  return run(context, &call);
}

onefold_status onefold_activate(onefold_context *context, onefold_shape shape,
                                onefold_layout layout, onefold_activation activation, float param,
                                const float *input, float *output) {
  static const char op[] = "activate";
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  if ((unsigned)activation >= ONEFOLD_ACT_COUNT) {
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s: %d is not an activation", op,
                        (int)activation);
  }
  size_t n = 0;
  onefold_status status = onefold_check_tensor(context, op, shape, layout, &n);
  const onefold_span in = {"input", input, n}, out = {"output", output, n};
  if (!status) status = onefold_check_floats(context, op, "input", input);
  if (!status) status = onefold_check_floats(context, op, "output", output);
  if (!status) status = onefold_check_same_or_apart(context, op, out, in);
  if (status) return status;
  if (activation == ONEFOLD_ACT_NONE && input == output) return ONEFOLD_OK;
  flat_call call = {.act = onefold_context_dispatch(context)->act[activation],
                    .param = param,
                    .a = input,
                    .output = output,
                    .elements = n};
  return run(context, &call);
}
