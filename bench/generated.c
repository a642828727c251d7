// SPDX-License-Identifier: BSD-3-Clause
// Weight generation of OREPA in float32. The product of its branch 1x1-KxK is a pointwise
// convolution of the library: a "batch" of O kernels of T channels and KxK pixels.
#include "bench/generated.h"

#include "bench/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXPAND   8 // results per channel of the branch gconv
#define BRANCHES 6

struct bench_generated {
  onefold_context *context;
  int64_t in, out, groups, kernel, taps, mid; // in, mid: of one group
  onefold_orepa_row_order order;
  float *origin, *avg, *prior, *first, *second, *point, *depthwise, *pointwise, *rows;
  float *filters; // the prior's [O][K][K]
  float *bias;
  float *weight, *product;
  onefold_conv2d_plan *plan, *product_plan;
  onefold_conv2d_plan_info info;
};

int onefold_bench_generated_applies(const bench_model_spec *spec) {
  return spec->block && strcmp(spec->block, "orepa") == 0 && spec->params.batch_norm;
}

static float *read_tensor(const bench_model_spec *spec, const char *name, const int64_t *dims,
                          int32_t rank, onefold_status *status) {
  char text[256];
  size_t count = 1;
  for (int32_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  const char *prefix = spec->params.prefix ? spec->params.prefix : "";
  snprintf(text, sizeof text, "%s%s", prefix, name);
  float *values = *status == ONEFOLD_OK ? onefold_bench_floats(count) : NULL;
  if (*status == ONEFOLD_OK) {
    *status = values ? onefold_weights_read(spec->weights, text, dims, rank, values)
                     : ONEFOLD_OUT_OF_MEMORY;
  }
  return values;
}

/// Tensors as the block's builder reads them; the identity is added to the first of 1x1-KxK.
static onefold_status read_weights(const bench_model_spec *spec, bench_generated *g) {
  const int64_t o = g->out, i = g->in, k = g->kernel, t = g->mid * g->groups;
  onefold_status s = ONEFOLD_OK;
  const struct {
    float **target;
    const char *name;
    int64_t dims[4];
  } tensors[] = {
      {&g->origin, "weight_orepa_origin", {o, i, k, k}},
      {&g->avg, "weight_orepa_avg_conv", {o, i, 1, 1}},
      {&g->prior, "weight_orepa_pfir_conv", {o, i, 1, 1}},
      {&g->first, "weight_orepa_1x1_kxk_idconv1", {t, i, 1, 1}},
      {&g->second, "weight_orepa_1x1_kxk_conv2", {o, g->mid, k, k}},
      {&g->point, "weight_orepa_1x1", {o, i, 1, 1}},
      {&g->depthwise, "weight_orepa_gconv_dw", {EXPAND * i * g->groups, 1, k, k}},
      {&g->pointwise, "weight_orepa_gconv_pw", {o, EXPAND * i, 1, 1}},
  };
  for (size_t n = 0; n < sizeof tensors / sizeof tensors[0]; n++) {
    *tensors[n].target = read_tensor(spec, tensors[n].name, tensors[n].dims, 4, &s);
  }
  const int64_t rows[2] = {BRANCHES, o};
  g->rows = read_tensor(spec, "vector", rows, 2, &s);
  for (int64_t r = 0; s == ONEFOLD_OK && r < t; r++) g->first[r * i + r % i] += 1;
  return s;
}

/// scale = gamma/sqrt(variance + epsilon) goes into the rows, beta - mean*scale into the bias.
static onefold_status read_batch_norm(const bench_model_spec *spec, bench_generated *g) {
  static const char *const names[4] = {"bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"};
  onefold_status s = ONEFOLD_OK;
  float *v[4];
  for (int n = 0; n < 4; n++) v[n] = read_tensor(spec, names[n], &g->out, 1, &s);
  for (int64_t o = 0; s == ONEFOLD_OK && o < g->out; o++) {
    const double scale = (double)v[0][o] / sqrt((double)v[3][o] + spec->params.bn_epsilon);
    g->bias[o] = (float)((double)v[1][o] - (double)v[2][o] * scale);
    for (int b = 0; b < BRANCHES; b++) g->rows[b * g->out + o] *= (float)scale;
  }
  for (int n = 0; n < 4; n++) free(v[n]);
  return s;
}

/// Cosines along the rows for the first half of the channels, along the columns for the rest.
static void fill_filters(bench_generated *g) {
  const double half = (double)g->out / 2, k = (double)g->kernel, pi = 3.14159265358979323846;
  for (int64_t o = 0; o < g->out; o++) {
    for (int64_t i = 0; i < g->taps; i++) {
      const int rows = (double)o < half;
      const double frequency = rows ? (double)o + 1 : (double)o + 1 - half;
      const double at = (double)(rows ? i / g->kernel : i % g->kernel) + 0.5;
      g->filters[o * g->taps + i] = (float)cos(pi * at * frequency / k);
    }
  }
}

static onefold_status plan(const bench_model_spec *spec, const bench_model *model,
                           bench_generated *g) {
  const onefold_block_params *p = &spec->params;
  onefold_conv2d_desc d;
  onefold_conv2d_desc_init(&d);
  d.batch = p->input.n;
  d.in_channels = p->input.c;
  d.in_h = p->input.h;
  d.in_w = p->input.w;
  d.out_channels = g->out;
  d.groups = g->groups;
  d.kernel_h = d.kernel_w = g->kernel;
  d.stride_h = d.stride_w = p->stride;
  d.dilation_h = d.dilation_w = p->dilation;
  d.pad_top = d.pad_bottom = d.pad_left = d.pad_right =
      p->padding >= 0 ? p->padding : p->dilation * (g->kernel - 1) / 2;
  d.activation =
      model->session->options->has_activation ? model->session->options->activation : p->activation;
  d.activation_param = p->activation_param;
  d.in_layout = model->inputs[0].layout;
  d.out_layout = model->outputs[0].layout;
  onefold_status s = onefold_conv2d_plan_create(g->context, &d, &g->plan);
  if (s != ONEFOLD_OK) return s;
  onefold_conv2d_plan_get_info(g->plan, &g->info);
  onefold_conv2d_desc_init(&d);
  d.batch = g->out / g->groups;
  d.in_channels = g->mid;
  d.in_h = d.in_w = g->kernel;
  d.out_channels = g->in;
  d.in_layout = d.out_layout = ONEFOLD_NCHW;
  return onefold_conv2d_plan_create(g->context, &d, &g->product_plan);
}

onefold_status onefold_bench_generated_make(const bench_model_spec *spec, const bench_model *model,
                                            bench_generated **generated) {
  const onefold_block_params *p = &spec->params;
  *generated = NULL;
  bench_generated *g = calloc(1, sizeof *g);
  if (!g) return ONEFOLD_OUT_OF_MEMORY;
  g->context = model->session->context;
  g->groups = p->groups;
  g->in = p->input.c / p->groups;
  g->out = p->out_channels;
  g->kernel = p->kernel;
  g->taps = p->kernel * p->kernel;
  g->order = p->orepa_row_order;
  const int64_t rule = p->groups <= 4 ? p->input.c : 2 * p->input.c;
  g->mid = (p->mid_channels > 0 ? p->mid_channels : rule) / p->groups;
  const size_t weights = (size_t)(g->out * g->in * g->taps);
  g->filters = onefold_bench_floats((size_t)(g->out * g->taps));
  g->bias = onefold_bench_floats((size_t)g->out);
  g->weight = onefold_bench_floats(weights);
  g->product = onefold_bench_floats(weights);
  onefold_status s =
      g->filters && g->bias && g->weight && g->product ? ONEFOLD_OK : ONEFOLD_OUT_OF_MEMORY;
  if (s == ONEFOLD_OK) s = read_weights(spec, g);
  if (s == ONEFOLD_OK) s = read_batch_norm(spec, g);
  if (s == ONEFOLD_OK) s = plan(spec, model, g);
  if (s == ONEFOLD_OK) {
    fill_filters(g);
    *generated = g;
  } else {
    onefold_bench_generated_destroy(g);
  }
  return s;
}

void onefold_bench_generated_destroy(bench_generated *g) {
  if (!g) return;
  float *const arrays[] = {g->origin, g->avg,       g->prior,    g->first,   g->second,
                           g->point,  g->depthwise, g->rows,     g->filters, g->bias,
                           g->weight, g->product,   g->pointwise};
  for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) free(arrays[i]);
  onefold_conv2d_plan_destroy(g->plan);
  onefold_conv2d_plan_destroy(g->product_plan);
  free(g);
}

/// product[o][j][k] = sum over q of first[q][j]*second[o][q][k], group by group.
static onefold_status multiply(bench_generated *g) {
  const int64_t per_group = g->out / g->groups;
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(g->product_plan, &info);
  float *turned = onefold_bench_floats((size_t)(g->in * g->mid));
  void *workspace = onefold_bench_floats(info.workspace_bytes / sizeof(float) + 1);
  onefold_status s = turned && workspace ? ONEFOLD_OK : ONEFOLD_OUT_OF_MEMORY;
  for (int64_t c = 0; c < g->groups && s == ONEFOLD_OK; c++) {
    for (int64_t j = 0; j < g->in; j++) {
      for (int64_t q = 0; q < g->mid; q++)
        turned[j * g->mid + q] = g->first[(c * g->mid + q) * g->in + j];
    }
    const onefold_conv2d_weights weights = {.weight = turned};
    onefold_conv2d_packed *packed = NULL;
    s = onefold_conv2d_pack(g->product_plan, &weights, &packed);
    const onefold_conv2d_buffers buffers = {
        .input = g->second + c * per_group * g->mid * g->taps,
        .output = g->product + c * per_group * g->in * g->taps,
        .workspace = workspace,
    };
    if (s == ONEFOLD_OK) s = onefold_conv2d_run(g->product_plan, packed, &buffers);
    onefold_conv2d_packed_destroy(packed);
  }
  free(workspace);
  free(turned);
  return s;
}

/// One output channel of the weight.
static void generate(const bench_generated *g, int64_t o) {
  const int64_t per_group = g->out / g->groups, c = o / per_group, taps = g->taps;
  const int64_t row = g->order == ONEFOLD_OREPA_GROUPED ? o : o % per_group * g->groups + c;
  const float *v = g->rows + o, *filter = g->filters + o * taps;
  const int64_t n = g->out;
  for (int64_t j = 0; j < g->in; j++) {
    const int64_t at = o * g->in + j;
    float *w = g->weight + at * taps;
    const float mean = v[n] * g->avg[at] / (float)taps, prior = v[2 * n] * g->prior[at];
    const float *pointwise = g->pointwise + (row * g->in + j) * EXPAND;
    const float *depthwise = g->depthwise + (c * g->in + j) * EXPAND * taps;
    for (int64_t k = 0; k < taps; k++) {
      float sum = 0;
      for (int64_t q = 0; q < EXPAND; q++) sum += pointwise[q] * depthwise[q * taps + k];
      w[k] = v[0] * g->origin[at * taps + k] + mean + prior * filter[k] +
             v[3 * n] * g->product[at * taps + k] + v[5 * n] * sum;
    }
    w[taps / 2] += v[4 * n] * g->point[at];
  }
}

onefold_status onefold_bench_generated_run(bench_generated *g, const float *input, float *output) {
  onefold_status s = multiply(g);
  if (s != ONEFOLD_OK) return s;
  for (int64_t o = 0; o < g->out; o++) generate(g, o);
  const onefold_conv2d_weights weights = {.weight = g->weight, .bias = g->bias};
  onefold_conv2d_packed *packed = NULL;
  s = onefold_conv2d_pack(g->plan, &weights, &packed);
  void *workspace = onefold_bench_floats(g->info.workspace_bytes / sizeof(float) + 1);
  if (s == ONEFOLD_OK && !workspace) s = ONEFOLD_OUT_OF_MEMORY;
  const onefold_conv2d_buffers buffers = {.input = input, .output = output, .workspace = workspace};
  if (s == ONEFOLD_OK) s = onefold_conv2d_run(g->plan, packed, &buffers);
  free(workspace);
  onefold_conv2d_packed_destroy(packed);
  return s;
}

double onefold_bench_generated_macs(const bench_generated *g) {
  const onefold_shape out = g->info.out;
  const double elements = (double)g->out * (double)g->in * (double)g->taps;
  const double pixels = (double)out.n * (double)out.h * (double)out.w;
  // Per element: origin, prior, product and its sum, and the 8 of gconv and their scale.
  return elements * (pixels + 3.0 + (double)g->mid + EXPAND + 1);
}

size_t onefold_bench_generated_bytes(const bench_generated *g) {
  return g->info.packed_bytes;
}
