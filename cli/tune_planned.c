// SPDX-License-Identifier: BSD-3-Clause
// What a problem is planned as by the record, who measured that, and where its pairs are tuned.
#include "cli/tuning.h"

#include <stdio.h>
#include <string.h>

/// Adds who measured the row that was taken, where it was another library or one of other kernels.
static void add_measurer(const onefold_context *context, const onefold_conv2d_desc *desc,
                         const onefold_tilings *tilings, cli_planned *planned) {
  onefold_tilings_answer taken;
  const size_t used = strlen(planned->source);
  if (!onefold_tilings_explain(tilings, desc, &taken)) return;
  const int version = strcmp(taken.version, onefold_version()) != 0;
  const int others = taken.kernels != onefold_kernel_list_hash(context);
  if (version || others)
    snprintf(planned->source + used, sizeof planned->source - used, ", measured%s%.15s%s",
             version ? " by " : "", version ? taken.version : "",
             others ? " with other kernels" : "");
}

/// NULL, or a sentence where the convolution can be one of a pair.
static const char *pairs_of(const onefold_conv2d_desc *d, const onefold_tiling *planned) {
  const int can =
      !strcmp(planned->algorithm, "depthwise") || !strcmp(planned->algorithm, "pointwise");
  if (!can || d->in_layout != ONEFOLD_BLOCKED || d->out_layout != ONEFOLD_BLOCKED ||
      d->has_channel_scale)
    return NULL;
  return "it can be one step with a depthwise or pointwise convolution beside it; onefold tune "
         "graph measures such pairs";
}

int onefold_cli_planned(const cli_tuning *t, const cli_problem *problem, cli_planned *planned) {
  const onefold_conv2d_desc *desc = &problem->desc;
  onefold_context *context = NULL;
  onefold_tilings *tilings = NULL;
  onefold_conv2d_plan *plan = NULL;
  const int made = onefold_cli_tuned_context(t->rows.command, problem->threads, &problem->isa,
                                             problem->accuracy, t->rows.record, t->situation,
                                             &context, &tilings) == ONEFOLD_EXIT_OK &&
                   onefold_conv2d_plan_create(context, desc, &plan) == ONEFOLD_OK;
  if (made) {
    onefold_conv2d_plan_get_tiling(plan, &planned->tiling);
    snprintf(planned->source, sizeof planned->source, "%s", planned->tiling.source);
    // A row that cannot be had is left aside, and the source is another.
    if (strncmp(planned->source, "record", 6) == 0) add_measurer(context, desc, tilings, planned);
    planned->pairs = pairs_of(desc, &planned->tiling);
  }
  onefold_conv2d_plan_destroy(plan);
  onefold_context_destroy(context);
  onefold_bench_tilings_free(&tilings);
  return made;
}
