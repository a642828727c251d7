// SPDX-License-Identifier: BSD-3-Clause
// One block of a checkpoint: built in its training form, folded, and looked at: its deploy form
// has one convolution.
#include "graph/graph.h"
#include "models/checkpoint.h"

#include <stdio.h>
#include <string.h>

// What is kept of the last region that folding reports, and the largest errors of all.
typedef struct kept {
  const onefold_context *context;
  onefold_deploy *deploy;
  double pixels, max_abs_error, max_rel_error;
  char reason[ONEFOLD_REASON];
  int32_t failed; // out of memory
} kept;

void onefold_deploy_dims(const onefold_match *match, int64_t dims[4]) {
  dims[0] = match->sizes['O'];
  dims[1] = match->sizes['I'] / match->groups;
  dims[2] = dims[3] = match->sizes['K'];
}

double onefold_deploy_epsilon(const onefold_match *match,
                              const onefold_checkpoint_options *options) {
  return options->bn_epsilon >= 0 ? options->bn_epsilon : match->bn_epsilon;
}

/// The larger of two errors; negative where one was not measured.
static double larger(double a, double b) {
  return a < 0 || b < 0 ? -1 : a > b ? a : b;
}

/// The deploy form's convolution belongs to the region that is reported last: regions come in
/// the order of their nodes, and the block's result is made of the last. An error of any region on
/// the way there is one of the block.
static void keep_region(void *user, const onefold_fold_region *region) {
  kept *k = user;
  onefold_deploy *deploy = k->deploy;
  onefold_release(k->context, deploy->ranges);
  deploy->ranges = NULL;
  deploy->region = *region;
  deploy->region.max_abs_error = k->max_abs_error = larger(k->max_abs_error, region->max_abs_error);
  deploy->region.max_rel_error = k->max_rel_error = larger(k->max_rel_error, region->max_rel_error);
  snprintf(deploy->name, sizeof deploy->name, "%s", region->name);
  snprintf(deploy->kind, sizeof deploy->kind, "%s", region->kind ? region->kind : "");
  snprintf(k->reason, sizeof k->reason, "%s", region->reason);
  deploy->region.name = deploy->name;
  deploy->region.kind = deploy->kind;
  deploy->region.macs_before /= k->pixels;
  deploy->region.macs_after /= k->pixels;
  deploy->region.channel_min = deploy->region.channel_max = NULL;
  deploy->region.channels = 0;
  if (region->channels <= 0 || !region->channel_min || !region->channel_max) return;
  const size_t count = (size_t)region->channels;
  deploy->ranges = onefold_allocate(k->context, 2 * count * sizeof *deploy->ranges);
  k->failed |= !deploy->ranges;
  if (!deploy->ranges) return;
  memcpy(deploy->ranges, region->channel_min, count * sizeof *deploy->ranges);
  memcpy(deploy->ranges + count, region->channel_max, count * sizeof *deploy->ranges);
  deploy->region.channels = region->channels;
  deploy->region.channel_min = deploy->ranges;
  deploy->region.channel_max = deploy->ranges + count;
}

/// Whether the family has an identity where channels agree and the stride is 1.
static int has_identity(const onefold_family *family) {
  for (const onefold_family_key *key = family->keys; key->name; key++)
    if (key->need == ONEFOLD_KEY_IDENTITY) return 1;
  return 0;
}

/// The stride and the size of the image do not change the folded kernel. Where channels agree and
/// no identity is there, the stride was not 1. An activation keeps RepGhost's two convolutions
/// apart, and does not matter elsewhere.
static onefold_status set_params(onefold_context *context, const onefold_match *match,
                                 double epsilon, onefold_block_params *params) {
  const int64_t *sizes = match->sizes;
  const onefold_status status = onefold_block_params_init(context, match->family->block, params);
  if (status != ONEFOLD_OK) return status;
  params->kernel = sizes['R'] ? sizes['R'] : sizes['K'];
  const int64_t side = params->kernel < 4 ? 9 : 2 * params->kernel + 1;
  params->input = (onefold_shape){1, sizes['P'] ? sizes['P'] : sizes['I'], side, side};
  params->out_channels = sizes['O'];
  if (sizes['T']) params->mid_channels = sizes['T'];
  if (!sizes['P']) params->groups = match->groups;
  if (match->repeats) params->repeats = match->repeats;
  if (has_identity(match->family) && !match->identity && sizes['I'] == sizes['O'])
    params->stride = 2;
  params->activation = ONEFOLD_ACT_RELU;
  params->bn_epsilon = epsilon;
  params->prefix = match->prefix;
  return ONEFOLD_OK;
}

/// The convolution before the last activation, where it is the deploy form's and nothing linear
/// is before it.
static const onefold_graph_node *deploy_conv(const onefold_graph *graph, const onefold_match *match,
                                             int64_t stride) {
  int64_t dims[4];
  onefold_deploy_dims(match, dims);
  const onefold_graph_node *node = &graph->nodes[graph->outputs[0]];
  if (node->kind == ONEFOLD_NODE_ACTIVATION) node = &graph->nodes[node->inputs[0]];
  if (node->kind != ONEFOLD_NODE_CONV2D) return NULL;
  const onefold_node_kind before = graph->nodes[node->inputs[0]].kind;
  if (before != ONEFOLD_NODE_INPUT && before != ONEFOLD_NODE_ACTIVATION) return NULL;
  const onefold_graph_conv2d_params *p = &node->as.conv2d.params;
  const int64_t pad = dims[2] / 2;
  const int fits = p->out_channels == dims[0] && p->groups == match->groups &&
                   p->kernel_h == dims[2] && p->kernel_w == dims[2] && p->stride_h == stride &&
                   p->stride_w == stride && p->dilation_h == 1 && p->dilation_w == 1 &&
                   p->pad_top == pad && p->pad_bottom == pad && p->pad_left == pad &&
                   p->pad_right == pad;
  return fits ? node : NULL;
}

/// What was caught becomes the reason, except that memory is none.
static onefold_status take_reason(const onefold_context *context, onefold_status status,
                                  const onefold_caught *caught, onefold_match *match) {
  if (status == ONEFOLD_OK) return status;
  if (status == ONEFOLD_OUT_OF_MEMORY) return onefold_fail(context, status, "%s", caught->text);
  snprintf(match->reason, sizeof match->reason, "%s", caught->text);
  return ONEFOLD_OK;
}

/// Where the convolution is all that is left, it stands for the whole block, which may have become
/// one region in several steps.
static void count_whole_block(const onefold_graph *graph, double pixels, onefold_deploy *deploy) {
  const onefold_graph_totals before = onefold_graph_count(graph);
  const onefold_graph_totals after = onefold_graph_count(deploy->graph);
  if (after.parameters != deploy->region.parameters_after) return;
  deploy->region.parameters_before = before.parameters;
  deploy->region.macs_before = before.macs / pixels;
}

static onefold_status fold(onefold_context *context, const onefold_graph *graph,
                           const onefold_checkpoint_options *options, int64_t stride,
                           onefold_match *match, onefold_deploy *deploy) {
  const onefold_shape shape = onefold_graph_shape(graph, graph->outputs[0]);
  kept k = {.context = context, .deploy = deploy, .pixels = (double)shape.h * (double)shape.w};
  onefold_fold_options fold_options;
  onefold_fold_options_init(&fold_options);
  // The deploy form has no bias at the border, and it is one convolution at any price.
  fold_options.border = 0;
  fold_options.force = 1;
  fold_options.measure = options->check;
  fold_options.report = keep_region;
  fold_options.user = &k;
  const onefold_status status = onefold_fold(context, graph, &fold_options, &deploy->graph);
  if (status != ONEFOLD_OK) return status;
  if (k.failed)
    return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for the ranges of %lld channels",
                        (long long)match->sizes['O']);
  const onefold_graph_node *node = deploy_conv(deploy->graph, match, stride);
  if (node) {
    deploy->weight = node->as.conv2d.weight;
    deploy->bias = node->as.conv2d.bias;
    deploy->region.reason = "";
    count_whole_block(graph, k.pixels, deploy);
    return ONEFOLD_OK;
  }
  snprintf(match->reason, sizeof match->reason, "it does not fold to one convolution%s%.400s",
           k.reason[0] ? ": " : "", k.reason);
  onefold_graph_destroy(deploy->graph);
  deploy->graph = NULL;
  return ONEFOLD_OK;
}

onefold_status onefold_deploy_make(onefold_context *context, const onefold_weights *weights,
                                   const onefold_checkpoint_options *options, onefold_match *match,
                                   onefold_deploy *deploy) {
  *deploy = (onefold_deploy){0};
  onefold_block_params params;
  onefold_graph *graph = NULL;
  onefold_caught caught;
  onefold_catch_begin(context, &caught);
  onefold_status status =
      set_params(context, match, onefold_deploy_epsilon(match, options), &params);
  if (status == ONEFOLD_OK)
    status = onefold_block_build(context, match->family->block, &params, weights, &graph);
  if (status == ONEFOLD_OK) status = fold(context, graph, options, params.stride, match, deploy);
  onefold_graph_destroy(graph);
  onefold_catch_end(context, &caught);
  return take_reason(context, status, &caught, match);
}

void onefold_deploy_release(const onefold_context *context, onefold_deploy *deploy) {
  onefold_graph_destroy(deploy->graph);
  onefold_release(context, deploy->ranges);
  *deploy = (onefold_deploy){0};
}
