// SPDX-License-Identifier: BSD-3-Clause
// Chooses an algorithm for a problem, and explains the choice.
#include "ops/conv_space.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/// Activation and residual position of the descriptor's epilogue.
static onefold_epilogue epilogue_of(const onefold_conv2d_desc *d,
                                    const onefold_dispatch *dispatch) {
  onefold_epilogue e = {.lo = -INFINITY, .hi = INFINITY};
  const int clamps = d->activation == ONEFOLD_ACT_RELU || d->activation == ONEFOLD_ACT_RELU6;
  if (clamps) e.lo = 0.0f;
  if (d->activation == ONEFOLD_ACT_RELU6) e.hi = 6.0f;
  e.leaky = d->activation == ONEFOLD_ACT_LEAKY_RELU;
  if (e.leaky) e.slope = d->activation_param;
  if (!clamps && !e.leaky && d->activation != ONEFOLD_ACT_NONE) {
    e.post = dispatch->act[d->activation];
    e.post_param = d->activation_param;
  }
  e.residual_after = d->residual == ONEFOLD_RESIDUAL_AFTER_ACTIVATION;
  return e;
}

/// Sizes of the caller's tensors, and the workspace: reordered input, blocked output, padded
/// channel scale, and scratch. Short calls would take longer to add this up than to multiply.
static void stage(onefold_conv2d_plan *plan) {
  const onefold_conv_problem *problem = &plan->problem;
  const onefold_conv2d_desc *d = &problem->desc;
  const size_t v = (size_t)problem->v;
  plan->in_floats = onefold_tensor_elements(
      plan->context, (onefold_shape){d->batch, d->in_channels, d->in_h, d->in_w}, d->in_layout);
  plan->out_floats = onefold_tensor_elements(
      plan->context, (onefold_shape){d->batch, d->out_channels, problem->out_h, problem->out_w},
      d->out_layout);
  if (plan->core_in != d->in_layout) {
    plan->stage_in = (size_t)(d->batch * problem->in_blocks * d->in_h * d->in_w) * v;
  }
  if (d->out_layout != ONEFOLD_BLOCKED) {
    plan->stage_out =
        (size_t)(d->batch * problem->out_blocks * problem->out_h * problem->out_w) * v;
  }
  if (d->has_channel_scale && d->out_channels % problem->v) {
    plan->stage_scale = (size_t)(d->batch * problem->out_blocks) * v;
  }
  plan->staged = plan->stage_in + plan->stage_out + plan->stage_scale;
  plan->workspace = plan->staged + onefold_conv_scratch_all(plan->scratch, plan->tasks);
  const ptrdiff_t image = problem->out_blocks * problem->out_h * problem->out_w * problem->v;
  plan->images = (onefold_conv_images){plan->src_image, image, image};
}

static int32_t default_tasks(const onefold_conv2d_plan *plan,
                             const onefold_conv_algorithm *algorithm) {
  return onefold_conv_default_tasks(algorithm, onefold_context_dispatch(plan->context),
                                    &plan->problem, onefold_context_threads(plan->context));
}

/// Plans with one algorithm and what it can have of the tiling.
static onefold_status plan_with(onefold_conv2d_plan *plan, const onefold_conv_algorithm *algorithm,
                                onefold_tiling *tiling) {
  plan->algorithm = algorithm;
  plan->key = onefold_conv_pack_key(&plan->problem, algorithm->format);
  plan->tasks = default_tasks(plan, algorithm);
  onefold_conv_space_clean(algorithm, onefold_context_dispatch(plan->context), &plan->problem,
                           plan->tasks, tiling, NULL, NULL);
  if (tiling->threads > 0) plan->tasks = tiling->threads;
  const double alone =
      algorithm->estimate(onefold_context_dispatch(plan->context), &plan->problem, 1, NULL);
  plan->wakes = tiling->threads > 0 || alone >= 2.0 * ONEFOLD_START_CYCLES;
  plan->pair = tiling->pair;
  plan->epilogue = epilogue_of(&plan->problem.desc, onefold_context_dispatch(plan->context));
  const onefold_status status = algorithm->plan(plan, tiling);
  if (status == ONEFOLD_OK) stage(plan);
  return status;
}

/// The tiling's algorithm where it applies, else the one with the least estimate.
static const onefold_conv_algorithm *choose(const onefold_dispatch *dispatch,
                                            const onefold_conv_problem *problem,
                                            const onefold_tiling *tiling) {
  char reason[128];
  const onefold_conv_algorithm *best = NULL;
  double least = 0;
  for (size_t i = 0; i < onefold_conv_algorithm_count; i++) {
    const onefold_conv_algorithm *a = onefold_conv_algorithms[i];
    if (a->refuse(problem, reason, sizeof reason)) continue;
    if (strcmp(a->name, tiling->algorithm) == 0) return a;
    const double estimate = a->estimate(dispatch, problem, 1, NULL);
    if (best && estimate >= least) continue;
    best = a;
    least = estimate;
  }
  return best;
}

/// Chooses the algorithm by a tiling, where one is given. A tiling of an algorithm that does not
/// apply is cleared.
static const onefold_conv_algorithm *choose_by(onefold_conv2d_plan *plan, int given,
                                               onefold_tiling *tiling) {
  if (!given) memset(tiling, 0, sizeof *tiling);
  const onefold_conv_algorithm *chosen =
      choose(onefold_context_dispatch(plan->context), &plan->problem, tiling);
  const int applies = !tiling->algorithm[0] || strcmp(tiling->algorithm, chosen->name) == 0;
  const char *source = !given || !applies ? "default" : *tiling->source ? tiling->source : "caller";
  snprintf(plan->source, sizeof plan->source, "%.*s", (int)sizeof plan->source - 1, source);
  if (!applies) memset(tiling, 0, sizeof *tiling);
  return chosen;
}

/// Plans a checked problem with the tiling; NULL: the default choice.
static onefold_status make(const onefold_context *context, const onefold_conv_problem *problem,
                           const onefold_tiling *tiling, onefold_conv2d_plan **plan) {
  onefold_conv2d_plan *made = onefold_allocate(context, sizeof *made);
  onefold_status status = made ? ONEFOLD_OK : ONEFOLD_OUT_OF_MEMORY;
  if (!made) {
    onefold_fail(context, status, "no memory for a plan");
    return status;
  }
  made->context = context;
  made->problem = *problem;
  onefold_tiling taken = {.threads = 0};
  if (tiling) taken = *tiling;
  status = plan_with(made, choose_by(made, tiling != NULL, &taken), &taken);
  if (status != ONEFOLD_OK) {
    onefold_conv2d_plan_destroy(made);
    onefold_fail(context, status, "no memory for a plan");
    return status;
  }
  *plan = made;
  return ONEFOLD_OK;
}

/// `asks`: the context's source of tilings is asked, else `tiling` (may be NULL) is taken. `among`:
/// of the problem.
static onefold_status create(onefold_context *context, const onefold_conv2d_desc *desc, int among,
                             int asks, const onefold_tiling *tiling, onefold_conv2d_plan **plan) {
  if (plan) *plan = NULL;
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  if (!plan) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "the plan is NULL");
  onefold_conv_problem problem;
  onefold_tiling told;
  onefold_status status = onefold_conv_problem_make(context, desc, &problem);
  if (status != ONEFOLD_OK) return status;
  problem.among = among;
  if (asks) tiling = onefold_context_tiling(context, &problem.desc, &told) ? &told : NULL;
  status = make(context, &problem, tiling, plan);
  if (status != ONEFOLD_OK) return status;
  onefold_conv2d_plan_get_tiling(*plan, &told);
  onefold_context_planned(context, &problem.desc, &told);
  return ONEFOLD_OK;
}

onefold_status onefold_conv2d_plan_create(onefold_context *context, const onefold_conv2d_desc *desc,
                                          onefold_conv2d_plan **plan) {
  return create(context, desc, 0, 1, NULL, plan);
}

onefold_status onefold_conv_plan_among(onefold_context *context, const onefold_conv2d_desc *desc,
                                       onefold_conv2d_plan **plan) {
  return create(context, desc, 1, 1, NULL, plan);
}

onefold_status onefold_conv2d_plan_create_tiled(onefold_context *context,
                                                const onefold_conv2d_desc *desc,
                                                const onefold_tiling *tiling,
                                                onefold_conv2d_plan **plan) {
  return create(context, desc, 0, 0, tiling, plan);
}

void onefold_conv2d_plan_destroy(onefold_conv2d_plan *plan) {
  if (!plan) return;
  onefold_release(plan->context, plan->strips.strip);
  onefold_release(plan->context, plan->step);
  onefold_release(plan->context, plan->first_step);
  for (int i = 0; i <= ONEFOLD_MAX_TILE_PIXELS; i++) {
    onefold_release(plan->context, plan->columns[i].mask);
  }
  onefold_release(plan->context, plan);
}

void onefold_conv2d_plan_get_info(const onefold_conv2d_plan *plan, onefold_conv2d_plan_info *info) {
  if (!info) return;
  memset(info, 0, sizeof *info);
  if (!plan) return;
  const onefold_conv_problem *p = &plan->problem;
  const size_t vectors = 1 + (p->desc.has_residual_scale != 0); // bias and residual scale
  info->algorithm = plan->algorithm->name;
  info->kernel = plan->kernel;
  info->source = plan->source;
  info->out = (onefold_shape){p->desc.batch, p->desc.out_channels, p->out_h, p->out_w};
  info->workspace_bytes = plan->workspace * sizeof(float);
  info->packed_bytes =
      (plan->packed_floats + vectors * (size_t)(p->out_blocks * p->v)) * sizeof(float);
  info->macs = p->macs;
}

/// A line for each algorithm.
static void explain_choice(const onefold_conv2d_plan *plan, onefold_line_fn line, void *user) {
  const onefold_dispatch *dispatch = onefold_context_dispatch(plan->context);
  char text[512], reason[256];
  for (size_t i = 0; i < onefold_conv_algorithm_count; i++) {
    const onefold_conv_algorithm *a = onefold_conv_algorithms[i];
    const char *refusal = a->refuse(&plan->problem, reason, sizeof reason);
    if (refusal) {
      snprintf(text, sizeof text, "%-11s refused: %s", a->name, refusal);
    } else {
      const double cycles = a->estimate(dispatch, &plan->problem, 1, NULL);
      const int length =
          snprintf(text, sizeof text, "%-11s estimated at %.4g cycles", a->name, cycles);
      if (a == plan->algorithm)
        snprintf(text + length, sizeof text - (size_t)length,
                 ", chosen (%s tiling): kernel %s, %d tasks", plan->source, plan->kernel,
                 plan->tasks);
    }
    line(user, text);
  }
}

/// A line for each field of the tiling that the plan left aside.
static void explain_tiling(const onefold_conv2d_plan *plan, onefold_tiling *tiling,
                           onefold_line_fn line, void *user) {
  char text[128];
  if (!tiling->algorithm[0] || strcmp(tiling->algorithm, plan->algorithm->name) == 0) {
    onefold_conv_space_clean(plan->algorithm, onefold_context_dispatch(plan->context),
                             &plan->problem, default_tasks(plan, plan->algorithm), tiling, line,
                             user);
    return;
  }
  snprintf(text, sizeof text, "tiling      left aside: %.31s does not apply", tiling->algorithm);
  line(user, text);
}

onefold_status onefold_conv2d_explain(onefold_context *context, const onefold_conv2d_desc *desc,
                                      onefold_line_fn line, void *user) {
  if (!context) return ONEFOLD_INVALID_ARGUMENT;
  if (!line) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "the line function is NULL");
  onefold_conv_problem problem;
  onefold_tiling tiling;
  onefold_status status = onefold_conv_problem_make(context, desc, &problem);
  if (status != ONEFOLD_OK) return status;
  const int given = onefold_context_tiling(context, &problem.desc, &tiling);
  onefold_conv2d_plan *plan = NULL;
  status = make(context, &problem, given ? &tiling : NULL, &plan);
  if (status != ONEFOLD_OK) return status;
  explain_choice(plan, line, user);
  if (given) explain_tiling(plan, &tiling, line, user);
  onefold_conv2d_plan_destroy(plan);
  return ONEFOLD_OK;
}
