// SPDX-License-Identifier: BSD-3-Clause
// Depthwise and pointwise convolutions that follow each other become one step.
#include "graph/lower.h"

#include <string.h>

/// Non-zero when step i + 1 alone reads what step i writes.
static int alone_between(const onefold_exec *exec, int32_t i) {
  const onefold_step *next = &exec->steps[i + 1];
  const int32_t between = exec->steps[i].dst;
  const onefold_value *v = &exec->values[between];
  if (v->first != i || v->last != i + 1 || v->input >= 0 || v->output >= 0 || v->shared ||
      v->parent != ONEFOLD_NO_VALUE || next->src != between || next->other == between)
    return 0;
  for (int32_t k = 0; k < exec->value_count; k++)
    if (exec->values[k].parent == between) return 0;
  return 1;
}

/// What the first's tiling asks for, where `pairs` leaves the choice: 0 nothing, 1 no, 2 yes.
static int32_t asked(const onefold_conv_pair *pair, onefold_pairs pairs) {
  return pairs == ONEFOLD_PAIRS_WHERE_FASTER ? pair->first->pair : 0;
}

/// Makes `pair` of steps i and i + 1 where that can be done and is wanted. The second may not
/// write where the first reads, for rows are written while others are still to be read.
static int make_pair(const onefold_exec *exec, int32_t i, onefold_pairs pairs,
                     onefold_conv_pair *pair) {
  if (i + 1 >= exec->step_count) return 0;
  const onefold_step *first = &exec->steps[i], *second = &exec->steps[i + 1];
  char reason[160];
  if (first->type != &onefold_step_type_conv2d || second->type != &onefold_step_type_conv2d ||
      !alone_between(exec, i) || first->src == second->dst ||
      onefold_conv_pair_refuse(first->as.conv2d.plan, second->as.conv2d.plan, reason,
                               sizeof reason))
    return 0;
  onefold_conv_pair_make(first->as.conv2d.plan, second->as.conv2d.plan,
                         onefold_conv_pair_band(exec->context), pair);
  if (asked(pair, pairs)) return asked(pair, pairs) == 2;
  return pairs == ONEFOLD_PAIRS_ALWAYS || onefold_conv_pair_pays(pair);
}

/// Non-zero when steps i + 1 and i + 2 would rather be a pair: asked for where this one is not, or
/// having as much between them. Of a pointwise, a depthwise and a pointwise convolution with stride
/// 1 that is the second half, whose rows are made once.
static int next_is_better(const onefold_exec *exec, int32_t i, onefold_pairs pairs,
                          const onefold_conv_pair *pair) {
  onefold_conv_pair next;
  if (!make_pair(exec, i + 1, pairs, &next)) return 0;
  const int32_t here = asked(pair, pairs), there = asked(&next, pairs);
  return here != there ? there > here
                       : onefold_conv_pair_between(&next) >= onefold_conv_pair_between(pair);
}

/// "first + second", cut at the length of a name.
static void name_pair(const char *first, const char *second, char *name) {
  const char *const parts[] = {first, " + ", second};
  size_t used = 0;
  for (size_t i = 0; i < 3; i++) {
    size_t length = strlen(parts[i]);
    if (length > ONEFOLD_NODE_NAME - 1 - used) length = ONEFOLD_NODE_NAME - 1 - used;
    memcpy(name + used, parts[i], length);
    used += length;
  }
  name[used] = '\0';
}

static void use(onefold_exec *exec, int32_t value, int32_t step) {
  if (value == ONEFOLD_NO_VALUE) return;
  onefold_value *v = &exec->values[value];
  if (step < v->first) v->first = step;
  if (step > v->last) v->last = step;
}

/// The steps that use each value, now that these have other numbers.
static void count_uses(onefold_exec *exec) {
  for (int32_t i = 0; i < exec->value_count; i++) {
    exec->values[i].first = INT32_MAX;
    exec->values[i].last = -1;
  }
  for (int32_t i = 0; i < exec->step_count; i++) {
    const onefold_step *step = &exec->steps[i];
    use(exec, step->src, i);
    use(exec, step->other, i);
    use(exec, step->scale, i);
    use(exec, step->dst, i);
  }
}

void onefold_lower_pairs(onefold_exec *exec, onefold_pairs pairs) {
  if (pairs == ONEFOLD_PAIRS_NEVER) return;
  int32_t count = 0;
  for (int32_t i = 0; i < exec->step_count; i++) {
    onefold_conv_pair pair;
    onefold_step step = exec->steps[i];
    if (make_pair(exec, i, pairs, &pair) && !next_is_better(exec, i, pairs, &pair)) {
      const onefold_step first = step;
      i++;
      step = exec->steps[i];
      step.type = &onefold_step_type_pair;
      step.src = first.src;
      step.workspace = onefold_conv_pair_workspace(&pair);
      step.packed += first.packed;
      step.as.pair = (onefold_step_pair){first.as.conv2d, exec->steps[i].as.conv2d, pair};
      name_pair(first.name, exec->steps[i].name, step.name);
    }
    exec->steps[count++] = step;
  }
  exec->step_count = count;
  count_uses(exec);
}
