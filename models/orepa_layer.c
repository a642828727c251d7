// SPDX-License-Identifier: BSD-3-Clause
// The branches of OREPA. Tensors: <family>origin, avg_conv, pfir_conv, 1x1, 1x1_kxk_idconv1 (to
// which the identity is added), 1x1_kxk_conv2, gconv_dw, gconv_pw, and vector. The constants
// <family>avg_avg, <family>prior and id_tensor are read where a file has them.
#include "models/orepa_layer.h"

#include "models/orepa_prior.h"

#include <stdio.h>

/// Results of the gconv branch's depthwise convolution per channel.
#define EXPAND 8

typedef struct layer_state {
  onefold_builder *builder;
  const onefold_orepa_layer *layer;
  onefold_node input;
  int64_t in, out, kernel, groups;
  const float *row; // of `vector`, of the next branch
} layer_state;

int64_t onefold_orepa_mid_channels(const onefold_block_params *params) {
  if (params->mid_channels > 0) return params->mid_channels;
  return params->groups <= 4 ? params->input.c : 2 * params->input.c;
}

static void part_name(const layer_state *s, const char *part, char name[ONEFOLD_BUILD_NAME]) {
  snprintf(name, ONEFOLD_BUILD_NAME, "%s%s%s", s->layer->at, s->layer->family, part);
}

/// A tensor [d0][d1][k][k] of the layer.
static float *read_part(const layer_state *s, const char *part, int64_t d0, int64_t d1, int64_t k) {
  char name[ONEFOLD_BUILD_NAME];
  part_name(s, part, name);
  return onefold_build_read(s->builder, name, "", (const int64_t[4]){d0, d1, k, k}, 4);
}

/// A constant of the layer, from a file that has it, or zeros to be filled: *missing is set.
static float *constant(const layer_state *s, const char *name, const int64_t *dims, int32_t rank,
                       int *missing) {
  *missing = !onefold_build_has(s->builder, name, "");
  return *missing ? onefold_build_room(s->builder, name, dims, rank)
                  : onefold_build_read(s->builder, name, "", dims, rank);
}

/// Turns every kernel of values[d0][d1][k][k] by 180 degrees where the layer asks for it.
static float *turn(const layer_state *s, float *values, int64_t d0, int64_t d1) {
  if (!values || !s->layer->turned) return values; // sizes that were not read need not fit
  const int64_t taps = s->kernel * s->kernel;
  for (int64_t p = 0; p < d0 * d1; p++)
    for (int64_t i = 0; i < taps / 2; i++) {
      float *a = &values[p * taps + i], *b = &values[p * taps + taps - 1 - i];
      const float swap = *a;
      *a = *b;
      *b = swap;
    }
  return values;
}

/// A convolution of `values`, which it releases: 1x1 at full resolution, or the layer's geometry.
static onefold_node convolve(const layer_state *s, onefold_node input, float *values,
                             int64_t channels, int64_t groups, int spatial, int fixed,
                             const char *part) {
  char name[ONEFOLD_BUILD_NAME];
  part_name(s, part, name);
  onefold_graph_conv2d_params params = onefold_graph_conv2d_square(channels, 1, 1, groups);
  if (spatial) {
    params = s->layer->conv;
    params.out_channels = channels;
    params.groups = groups;
  }
  return onefold_build_conv2d_values(s->builder, input, &params, values, fixed, name);
}

/// Scales a branch by its row of `vector`.
static onefold_node scale(layer_state *s, onefold_node node, const char *branch) {
  char name[ONEFOLD_BUILD_NAME];
  snprintf(name, sizeof name, "%svector.%s", s->layer->at, branch);
  node = onefold_build_scale(s->builder, node, s->row, name);
  s->row += s->out;
  return node;
}

static onefold_node build_origin(layer_state *s) {
  float *values = read_part(s, "origin", s->out, s->in / s->groups, s->kernel);
  values = turn(s, values, s->out, s->in / s->groups);
  return scale(s, convolve(s, s->input, values, s->out, s->groups, 1, 0, "origin"), "origin");
}

/// The 1x1 convolution that begins the branches avg and prior.
static onefold_node build_lead(const layer_state *s, const char *part) {
  float *values = read_part(s, part, s->out, s->in / s->groups, 1);
  return convolve(s, s->input, values, s->out, s->groups, 0, 0, part);
}

static onefold_node build_avg(layer_state *s) {
  const onefold_node lead = build_lead(s, "avg_conv");
  const int64_t taps = s->kernel * s->kernel, dims[3] = {s->out, s->kernel, s->kernel};
  char name[ONEFOLD_BUILD_NAME];
  int missing;
  part_name(s, "avg_avg", name);
  float *mean = constant(s, name, dims + 1, 2, &missing);
  float *values = onefold_build_room(s->builder, name, dims, 3);
  for (int64_t i = 0; mean && values && i < s->out * taps; i++)
    values[i] = missing ? (float)(1 / (double)taps) : mean[i % taps];
  onefold_release(s->builder->context, mean);
  values = turn(s, values, s->out, 1);
  return scale(s, convolve(s, lead, values, s->out, s->out, 1, 1, "avg_avg"), "avg");
}

static onefold_node build_prior(layer_state *s) {
  const onefold_node lead = build_lead(s, "pfir_conv");
  const int64_t dims[3] = {s->out, s->kernel, s->kernel};
  char name[ONEFOLD_BUILD_NAME];
  int missing;
  part_name(s, "prior", name);
  float *values = constant(s, name, dims, 3, &missing);
  if (values && missing)
    onefold_orepa_prior_fill(s->out, s->kernel, s->builder->params->orepa_prior, values);
  values = turn(s, values, s->out, 1);
  return scale(s, convolve(s, lead, values, s->out, s->out, 1, 1, "prior"), "prior");
}

static onefold_node build_kxk(layer_state *s) {
  const int64_t mid = s->layer->mid_channels, in = s->in / s->groups;
  const int64_t dims[4] = {mid, in, 1, 1};
  char name[ONEFOLD_BUILD_NAME];
  int missing;
  snprintf(name, sizeof name, "%sid_tensor", s->layer->at);
  float *first = read_part(s, "1x1_kxk_idconv1", mid, in, 1);
  float *identity = constant(s, name, dims, 4, &missing);
  for (int64_t r = 0; first && identity && r < mid; r++)
    for (int64_t j = 0; j < in; j++)
      first[r * in + j] += missing ? (float)(r % in == j) : identity[r * in + j];
  onefold_release(s->builder->context, identity);
  const onefold_node node = convolve(s, s->input, first, mid, s->groups, 0, 0, "1x1_kxk_idconv1");
  float *second = read_part(s, "1x1_kxk_conv2", s->out, mid / s->groups, s->kernel);
  second = turn(s, second, s->out, mid / s->groups);
  return scale(s, convolve(s, node, second, s->out, s->groups, 1, 0, "1x1_kxk_conv2"), "1x1_kxk");
}

/// The 1x1 branch, at the kernel's centre.
static onefold_node build_point(layer_state *s) {
  char name[ONEFOLD_BUILD_NAME];
  part_name(s, "1x1", name);
  onefold_graph_conv2d_params params = s->layer->conv;
  const int64_t reach = params.dilation_h * (s->kernel - 1) / 2;
  params.kernel_h = params.kernel_w = params.dilation_h = params.dilation_w = 1;
  params.pad_top = params.pad_bottom = params.pad_left = params.pad_right =
      s->layer->conv.pad_top - reach;
  float *values = read_part(s, "1x1", s->out, s->in / s->groups, 1);
  return scale(s, onefold_build_conv2d_values(s->builder, s->input, &params, values, 0, name),
               "1x1");
}

/// Rows of the pointwise tensor in the order of a grouped convolution: output channel c*Og + a
/// has row a*groups + c in the original code.
static float *order_rows(const layer_state *s, float *rows, int64_t columns) {
  const int64_t per_group = s->out / s->groups;
  const int64_t dims[2] = {s->out, columns};
  if (s->builder->params->orepa_row_order == ONEFOLD_OREPA_GROUPED) return rows;
  float *ordered = onefold_build_room(s->builder, "gconv_pw", dims, 2);
  for (int64_t o = 0; rows && ordered && o < s->out; o++) {
    const int64_t row = o % per_group * s->groups + o / per_group;
    for (int64_t i = 0; i < columns; i++) ordered[o * columns + i] = rows[row * columns + i];
  }
  onefold_release(s->builder->context, rows);
  return ordered;
}

static onefold_node build_gconv(layer_state *s) {
  float *depthwise = read_part(s, "gconv_dw", EXPAND * s->in, 1, s->kernel);
  depthwise = turn(s, depthwise, EXPAND * s->in, 1);
  const onefold_node node =
      convolve(s, s->input, depthwise, EXPAND * s->in, s->in, 1, 0, "gconv_dw");
  const int64_t columns = EXPAND * (s->in / s->groups);
  float *pointwise = order_rows(s, read_part(s, "gconv_pw", s->out, columns, 1), columns);
  return scale(s, convolve(s, node, pointwise, s->out, s->groups, 0, 0, "gconv_pw"), "gconv");
}

/// In the order of the rows. Each relies on those before it: that the kernel and what it spans fit
/// is known once the first is built.
static onefold_node (*const all_branches[])(layer_state *s) = {
    build_origin, build_avg, build_prior, build_kxk, build_point, build_gconv,
};
#define BRANCHES (sizeof all_branches / sizeof *all_branches)

onefold_node onefold_build_orepa_layer(onefold_builder *builder, onefold_node input,
                                       const onefold_orepa_layer *layer) {
  if (builder->status != ONEFOLD_OK) return ONEFOLD_NO_NODE;
  layer_state s = {.builder = builder,
                   .layer = layer,
                   .input = input,
                   .in = onefold_graph_shape(builder->graph, input).c,
                   .out = layer->conv.out_channels,
                   .kernel = layer->conv.kernel_h,
                   .groups = layer->conv.groups};
  if (layer->mid_channels % s.groups != 0)
    return onefold_build_fail(
        builder, onefold_fail(builder->context, ONEFOLD_SHAPE_MISMATCH,
                              "%s: %lld groups do not divide mid_channels, %lld", builder->block,
                              (long long)s.groups, (long long)layer->mid_channels));
  char name[ONEFOLD_BUILD_NAME];
  snprintf(name, sizeof name, "%svector", layer->at);
  float *vector = onefold_build_read(builder, name, "", (const int64_t[2]){layer->rows, s.out}, 2);
  if (!vector) return ONEFOLD_NO_NODE;
  s.row = vector;
  onefold_node branches[BRANCHES];
  size_t count = 0;
  for (size_t i = 0; i < BRANCHES && builder->status == ONEFOLD_OK; i++)
    if (layer->has_point || all_branches[i] != build_point) branches[count++] = all_branches[i](&s);
  onefold_release(builder->context, vector);
  snprintf(name, sizeof name, "%sweight", layer->at);
  return onefold_build_sum(builder, branches, count, name);
}
