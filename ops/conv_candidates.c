// SPDX-License-Identifier: BSD-3-Clause
// What a tuner sees of convolutions: the candidates for a problem, and what a plan chose.
#include "ops/conv_space.h"
#include "ops/conv_tasks.h"

#include <stdio.h>
#include <string.h>

void onefold_conv2d_plan_get_tiling(const onefold_conv2d_plan *plan, onefold_tiling *tiling) {
  if (!tiling) return;
  memset(tiling, 0, sizeof *tiling);
  if (!plan) return;
  const int whole = plan->block_in >= plan->problem.in_blocks;
  onefold_tiling made = {
      .block_in = whole ? (int32_t)plan->problem.in_blocks : plan->block_in,
      .threads = plan->tasks,
      .piece = plan->piece < INT32_MAX ? (int32_t)plan->piece : INT32_MAX,
      .parts = plan->strip_parts,
      .ahead = plan->ahead,
      .pair = plan->pair,
      .order = plan->by_rows ? ONEFOLD_BY_ROWS : ONEFOLD_BY_BLOCKS,
  };
  if (!onefold_conv_has_order(&plan->problem, plan->tasks)) made.order = 0;
  snprintf(made.algorithm, sizeof made.algorithm, "%s", plan->algorithm->name);
  snprintf(made.kernel, sizeof made.kernel, "%s", plan->kernel);
  onefold_conv_space_clean(plan->algorithm, onefold_context_dispatch(plan->context), &plan->problem,
                           plan->tasks, &made, NULL, NULL);
  memcpy(made.source, plan->source, sizeof made.source);
  *tiling = made;
}

/// Bytes a cycle of two multiply-adds on each thread, or `assumed` where nothing was measured.
static double rate_of(const onefold_peak *peak, const onefold_bandwidth *level, int32_t v,
                      double assumed) {
  const double flops = 4.0 * v; // of such a cycle
  const int known = level->read_gbs > 0 && peak->threads_gflops > 0;
  return known ? level->read_gbs * flops / peak->threads_gflops : assumed;
}

/// The context's table with the rates that were measured.
static onefold_dispatch measured(const onefold_context *context, const onefold_peak *peak) {
  onefold_dispatch d = *onefold_context_dispatch(context);
  if (!peak) return d;
  d.l2_rate = rate_of(peak, &peak->l2, d.v, d.l2_rate);
  d.l3_rate = rate_of(peak, &peak->l3, d.v, d.l3_rate);
  d.dram_rate = rate_of(peak, &peak->dram, d.v, d.dram_rate);
  return d;
}

typedef struct candidates {
  onefold_candidate_fn visit;
  void *user;
} candidates;

static int pass_on(void *user, const onefold_tiling *tiling, double cycles) {
  const candidates *c = user;
  const onefold_conv2d_candidate candidate = {*tiling, cycles, NULL};
  return c->visit(c->user, &candidate);
}

onefold_status onefold_conv2d_candidates(onefold_context *context, const onefold_conv2d_desc *desc,
                                         const onefold_peak *peak, onefold_candidate_fn visit,
                                         void *user) {
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  if (peak && peak->struct_size != sizeof *peak)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "struct_size of peak is %zu, not %zu",
                        peak->struct_size, sizeof *peak);
  if (!visit)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "the visiting function is NULL");
  onefold_conv_problem problem;
  const onefold_status status = onefold_conv_problem_make(context, desc, &problem);
  if (status != ONEFOLD_OK) return status;
  const onefold_dispatch dispatch = measured(context, peak);
  candidates c = {visit, user};
  char reason[256];
  int stop = 0;
  for (size_t i = 0; i < onefold_conv_algorithm_count && !stop; i++) {
    const onefold_conv_algorithm *a = onefold_conv_algorithms[i];
    const char *refusal = a->refuse(&problem, reason, sizeof reason);
    if (!refusal) {
      stop = onefold_conv_space_visit(a, &dispatch, &problem, onefold_context_threads(context),
                                      pass_on, &c);
      continue;
    }
    onefold_conv2d_candidate candidate = {.refusal = refusal};
    snprintf(candidate.tiling.algorithm, sizeof candidate.tiling.algorithm, "%s", a->name);
    stop = visit(user, &candidate);
  }
  return ONEFOLD_OK;
}
