// SPDX-License-Identifier: BSD-3-Clause
// Goes over the search space of an algorithm, and over the fields of a tiling that is to be in it.
#include "ops/conv_space.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int32_t get(const onefold_tiling *tiling, size_t field) {
  int32_t value;
  memcpy(&value, (const char *)tiling + field, sizeof value);
  return value;
}

static void set(onefold_tiling *tiling, size_t field, int32_t value) {
  memcpy((char *)tiling + field, &value, sizeof value);
}

void onefold_conv_range_add(onefold_conv_range *range, int64_t value) {
  if (value < range->least || value > range->most || range->count == ONEFOLD_MOST_VALUES) return;
  if (range->of > 0 && range->of % value) return;
  for (int32_t i = 0; i < range->count; i++) {
    if (range->value[i] == value) return;
  }
  range->value[range->count++] = (int32_t)value;
}

/// Any algorithm can be cut into tasks.
static void threads_range(const onefold_conv_algorithm *algorithm,
                          const onefold_conv_problem *problem, int32_t tasks,
                          const onefold_tiling *tiling, onefold_conv_range *range) {
  (void)algorithm, (void)problem, (void)tiling;
  *range = (onefold_conv_range){.least = 1, .most = ONEFOLD_MOST_TASKS};
  for (int32_t n = tasks; tasks > 1 && n >= 1; n /= 2) onefold_conv_range_add(range, n);
}
static const onefold_conv_knob knob_threads = {offsetof(onefold_tiling, threads), threads_range};

/// Knob `index` of the algorithm: first the tasks, which all have; NULL after the last.
static const onefold_conv_knob *knob_at(const onefold_conv_algorithm *algorithm, int32_t index) {
  if (index == 0) return &knob_threads;
  return algorithm->knobs ? algorithm->knobs[index - 1] : NULL;
}

// ------------------------------------------------------------------- clean

typedef struct teller {
  onefold_line_fn line;
  void *user;
} teller;

static void tell(const teller *to, const char *field, const char *value, const char *why) {
  char text[256];
  if (!to->line) return;
  snprintf(text, sizeof text, "tiling      %s %.64s left aside: %.128s", field, value, why);
  to->line(to->user, text);
}

/// NULL, or why strips cannot be made by the kernel.
static const char *refuse_kernel(const onefold_conv_algorithm *algorithm,
                                 const onefold_dispatch *dispatch,
                                 const onefold_conv_problem *problem, const char *name,
                                 char *reason, size_t size) {
  if (!algorithm->tiles) return "the algorithm has one kernel";
  const onefold_op op = algorithm->tiles(problem);
  for (int32_t i = 0; i < dispatch->ops[op].count; i++) {
    const onefold_kernel *row = dispatch->ops[op].row[i];
    if (strcmp(row->name, name) != 0) continue;
    if (!row->v || row->q <= problem->out_blocks) return NULL;
    snprintf(reason, size, "it makes %d output blocks at a time, and there are %lld", row->q,
             (long long)problem->out_blocks);
    return reason;
  }
  snprintf(reason, size, "it is no kernel of %s here", onefold_op_name(op));
  return reason;
}

/// NULL, or why the knob cannot have the value.
static const char *refuse_value(const onefold_conv_algorithm *algorithm,
                                const onefold_conv_knob *knob, const onefold_conv_problem *problem,
                                int32_t tasks, const onefold_tiling *tiling, int32_t value,
                                char *reason, size_t size) {
  onefold_conv_range range;
  knob->range(algorithm, problem, tasks, tiling, &range);
  if (value < range.least || value > range.most) {
    snprintf(reason, size, "it is not from %" PRId32 " to %" PRId32, range.least, range.most);
    return reason;
  }
  if (range.of > 0 && range.of % value) {
    snprintf(reason, size, "it does not divide %" PRId32, range.of);
    return reason;
  }
  return NULL;
}

void onefold_conv_space_clean(const onefold_conv_algorithm *algorithm,
                              const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                              int32_t tasks, onefold_tiling *tiling, onefold_line_fn line,
                              void *user) {
  const teller to = {line, user};
  char reason[128], digits[16];
  const onefold_tiling asked = *tiling;
  memset(tiling, 0, sizeof *tiling);
  memcpy(tiling->algorithm, asked.algorithm, sizeof tiling->algorithm);
  memcpy(tiling->source, asked.source, sizeof tiling->source);
  if (asked.kernel[0]) {
    const char *why =
        refuse_kernel(algorithm, dispatch, problem, asked.kernel, reason, sizeof reason);
    if (why) tell(&to, "kernel", asked.kernel, why);
    if (!why) memcpy(tiling->kernel, asked.kernel, sizeof tiling->kernel);
  }
  size_t count = 0;
  const onefold_tiling_field *fields = onefold_tiling_fields(&count);
  for (size_t f = 0; f < count; f++) {
    const int32_t value = fields[f].size ? 0 : get(&asked, fields[f].offset);
    if (!value) continue;
    const onefold_conv_knob *knob = knob_at(algorithm, 0);
    for (int32_t i = 0; knob && knob->field != fields[f].offset; knob = knob_at(algorithm, i)) i++;
    const char *why = "the algorithm has no such choice";
    if (knob)
      why = refuse_value(algorithm, knob, problem, tasks, tiling, value, reason, sizeof reason);
    snprintf(digits, sizeof digits, "%" PRId32, value);
    if (why) tell(&to, fields[f].name, digits, why);
    if (!why) set(tiling, fields[f].offset, value);
    if (!why && knob == &knob_threads) tasks = value;
  }
}

// ------------------------------------------------------------------- visit

typedef struct walk {
  const onefold_conv_algorithm *algorithm;
  const onefold_dispatch *dispatch;
  const onefold_conv_problem *problem;
  int32_t threads, tasks; // of the context, and without a choice
  onefold_tiling tiling;
  onefold_conv_space_fn *visit;
  void *user;
} walk;

/// The candidates with any values of the knobs from `index` on.
static int visit_from(walk *w, int32_t index) {
  const onefold_conv_knob *knob = knob_at(w->algorithm, index);
  const int32_t tasks = w->tiling.threads > 0 ? w->tiling.threads : w->tasks;
  if (!knob) {
    const double start = tasks > 1 ? ONEFOLD_HANDOVER_CYCLES : 0;
    return w->visit(w->user, &w->tiling,
                    start + w->algorithm->estimate(w->dispatch, w->problem, tasks, &w->tiling));
  }
  onefold_conv_range range;
  int stop = visit_from(w, index + 1);
  knob->range(w->algorithm, w->problem, index ? tasks : w->threads, &w->tiling, &range);
  for (int32_t i = 0; i < range.count && !stop; i++) {
    set(&w->tiling, knob->field, range.value[i]);
    stop = visit_from(w, index + 1);
  }
  set(&w->tiling, knob->field, 0);
  return stop;
}

int onefold_conv_space_visit(const onefold_conv_algorithm *algorithm,
                             const onefold_dispatch *dispatch, const onefold_conv_problem *problem,
                             int32_t threads, onefold_conv_space_fn *visit, void *user) {
  char reason[128];
  const int32_t tasks = onefold_conv_default_tasks(algorithm, dispatch, problem, threads);
  walk w = {algorithm, dispatch, problem, threads, tasks, {.threads = 0}, visit, user};
  snprintf(w.tiling.algorithm, sizeof w.tiling.algorithm, "%s", algorithm->name);
  int stop = visit_from(&w, 0);
  if (!algorithm->tiles) return stop;
  const onefold_op op = algorithm->tiles(problem);
  for (int32_t i = 0; i < dispatch->ops[op].count && !stop; i++) {
    const char *name = dispatch->ops[op].row[i]->name;
    if (refuse_kernel(algorithm, dispatch, problem, name, reason, sizeof reason)) continue;
    snprintf(w.tiling.kernel, sizeof w.tiling.kernel, "%s", name);
    stop = visit_from(&w, 0);
  }
  return stop;
}
