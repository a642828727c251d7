// SPDX-License-Identifier: BSD-3-Clause
// oneDNN 2.x by its C API, direct and Winograd, each in the layouts that it asks for, with the
// activation as a post-op or, where there is none, as a primitive of its own in place. Reorders
// are not timed.
#include "bench/image.h"
#include "bench/peers/peer.h"

#include <omp.h>
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

typedef struct tensor {
  dnnl_memory_t memory;
  float *values;
  size_t floats;
} tensor;

enum { SOURCE, WEIGHTS, BIAS, RESULT, TENSORS };

typedef struct variant {
  dnnl_primitive_t primitive;
  dnnl_primitive_t activation; // NULL: none, or within the primitive
  tensor tensors[TENSORS];
  dnnl_stream_t stream;
} variant;

typedef struct onednn {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_dims_t out;
  variant variants[BENCH_PEER_VARIANTS];
} onednn;

static const struct {
  const char *name;
  dnnl_alg_kind_t kind;
} algorithms[] = {{"direct", dnnl_convolution_direct}, {"wino", dnnl_convolution_winograd}};

/// oneDNN's kind with alpha and beta; undefined for none.
static const struct {
  dnnl_alg_kind_t kind;
  float alpha, beta;
} activations[ONEFOLD_ACT_COUNT] = {
    [ONEFOLD_ACT_RELU] = {dnnl_eltwise_relu, 0.0f, 0.0f},
    [ONEFOLD_ACT_RELU6] = {dnnl_eltwise_clip, 0.0f, 6.0f},
    [ONEFOLD_ACT_LEAKY_RELU] = {dnnl_eltwise_relu, 0.0f, 0.0f}, // alpha is the problem's
    [ONEFOLD_ACT_SILU] = {dnnl_eltwise_swish, 1.0f, 0.0f},
    [ONEFOLD_ACT_HARD_SWISH] = {dnnl_eltwise_hardswish, 0.0f, 0.0f},
    [ONEFOLD_ACT_HARD_SIGMOID] = {dnnl_alg_kind_undef, 0.0f, 0.0f},
    [ONEFOLD_ACT_SIGMOID] = {dnnl_eltwise_logistic, 0.0f, 0.0f},
};

static int open_peer(bench_peer_state *peer) {
  const bench_options *o = peer->session->options;
  onednn *own = peer->own = calloc(1, sizeof *own);
  if (!own) return onefold_peer_say(peer, 1, "out of memory");
  const char *held = "";
  if (o->has_isa && o->isa == ONEFOLD_ISA_AVX2) {
    if (dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2) != dnnl_success)
      return onefold_peer_say(peer, 1, "it cannot be held to AVX2");
    held = ", held to AVX2";
  }
  omp_set_num_threads(o->threads);
  if (dnnl_engine_create(&own->engine, dnnl_cpu, 0) != dnnl_success ||
      dnnl_stream_create(&own->stream, own->engine, dnnl_stream_default_flags) != dnnl_success)
    return onefold_peer_say(peer, 1, "no CPU engine");
  const dnnl_version_t *v = dnnl_version();
  snprintf(peer->about, sizeof peer->about, "oneDNN %d.%d.%d, %d OpenMP thread%s%s", v->major,
           v->minor, v->patch, omp_get_max_threads(), omp_get_max_threads() == 1 ? "" : "s", held);
  return 0;
}

static void close_peer(bench_peer_state *peer) {
  onednn *own = peer->own;
  if (!own) return;
  if (own->stream) dnnl_stream_destroy(own->stream);
  if (own->engine) dnnl_engine_destroy(own->engine);
  free(own);
  peer->own = NULL;
}

static dnnl_status_t execute(dnnl_primitive_t primitive, dnnl_stream_t stream, int count,
                             const dnnl_exec_arg_t *arguments) {
  const dnnl_status_t status = dnnl_primitive_execute(primitive, stream, count, arguments);
  return status == dnnl_success ? dnnl_stream_wait(stream) : status;
}

static dnnl_status_t reorder(onednn *own, dnnl_memory_t from, dnnl_memory_t to) {
  const dnnl_memory_desc_t *from_desc, *to_desc;
  dnnl_memory_get_memory_desc(from, &from_desc);
  dnnl_memory_get_memory_desc(to, &to_desc);
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t primitive = NULL;
  dnnl_status_t status =
      dnnl_reorder_primitive_desc_create(&desc, from_desc, own->engine, to_desc, own->engine, NULL);
  if (status == dnnl_success) status = dnnl_primitive_create(&primitive, desc);
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
  if (status == dnnl_success) status = execute(primitive, own->stream, 2, arguments);
  if (primitive) dnnl_primitive_destroy(primitive);
  if (desc) dnnl_primitive_desc_destroy(desc);
  return status;
}

static dnnl_status_t make_tensor(onednn *own, const dnnl_memory_desc_t *desc, tensor *made) {
  made->floats = dnnl_memory_desc_get_size(desc) / sizeof(float);
  made->values = onefold_bench_floats(made->floats);
  if (!made->values) return dnnl_out_of_memory;
  for (size_t i = 0; i < made->floats; i++) made->values[i] = 0.0f; // channels past the last, too
  return dnnl_memory_create(&made->memory, desc, own->engine, made->values);
}

/// Copies plain values into a tensor of the primitive's own layout.
static dnnl_status_t fill_tensor(onednn *own, const dnnl_memory_desc_t *plain, const float *values,
                                 const tensor *to) {
  dnnl_memory_t from = NULL;
  dnnl_status_t status = dnnl_memory_create(&from, plain, own->engine, (void *)(uintptr_t)values);
  if (status == dnnl_success) status = reorder(own, from, to->memory);
  if (from) dnnl_memory_destroy(from);
  return status;
}

/// Geometry of a problem in oneDNN's words; [0] plain layouts, [1] any.
typedef struct geometry {
  dnnl_memory_desc_t source[2], weights[2], bias, result[2];
  dnnl_dims_t strides, dilations, padding_begin, padding_end;
} geometry;

static dnnl_status_t describe(const bench_peer_problem *p, geometry *g) {
  const onefold_conv2d_desc *d = &p->desc;
  const dnnl_dims_t source = {p->in.n, p->in.c, p->in.h, p->in.w};
  const dnnl_dims_t result = {p->out.n, p->out.c, p->out.h, p->out.w};
  const dnnl_dims_t dense = {d->out_channels, d->in_channels, d->kernel_h, d->kernel_w};
  const dnnl_dims_t grouped = {d->groups, d->out_channels / d->groups, d->in_channels / d->groups,
                               d->kernel_h, d->kernel_w};
  const dnnl_dims_t bias = {d->out_channels};
  const int has_groups = d->groups > 1;
  dnnl_status_t status = dnnl_memory_desc_init_by_tag(&g->bias, 1, bias, dnnl_f32, dnnl_a);
  for (int any = 0; any < 2 && status == dnnl_success; any++) {
    const dnnl_format_tag_t image = any ? dnnl_format_tag_any : dnnl_nchw;
    const dnnl_format_tag_t kernel = any          ? dnnl_format_tag_any
                                     : has_groups ? dnnl_goihw
                                                  : dnnl_oihw;
    status = dnnl_memory_desc_init_by_tag(&g->source[any], 4, source, dnnl_f32, image);
    if (status == dnnl_success)
      status = dnnl_memory_desc_init_by_tag(&g->weights[any], has_groups ? 5 : 4,
                                            has_groups ? grouped : dense, dnnl_f32, kernel);
    if (status == dnnl_success)
      status = dnnl_memory_desc_init_by_tag(&g->result[any], 4, result, dnnl_f32, image);
  }
  const int64_t pairs[][2] = {{d->stride_h, d->stride_w},
                              {d->dilation_h - 1, d->dilation_w - 1},
                              {d->pad_top, d->pad_left},
                              {d->pad_bottom, d->pad_right}};
  for (int i = 0; i < 2; i++) {
    g->strides[i] = pairs[0][i];
    g->dilations[i] = pairs[1][i];
    g->padding_begin[i] = pairs[2][i];
    g->padding_end[i] = pairs[3][i];
  }
  return status;
}

static float alpha_of(const onefold_conv2d_desc *d) {
  return d->activation == ONEFOLD_ACT_LEAKY_RELU ? d->activation_param
                                                 : activations[d->activation].alpha;
}

static dnnl_status_t make_attributes(const onefold_conv2d_desc *d, dnnl_primitive_attr_t *made) {
  dnnl_post_ops_t ops = NULL;
  dnnl_status_t status = dnnl_primitive_attr_create(made);
  if (status == dnnl_success) status = dnnl_post_ops_create(&ops);
  if (status == dnnl_success)
    status = dnnl_post_ops_append_eltwise(ops, 1.0f, activations[d->activation].kind, alpha_of(d),
                                          activations[d->activation].beta);
  if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*made, ops);
  if (ops) dnnl_post_ops_destroy(ops);
  return status;
}

static dnnl_status_t make_activation(onednn *own, const onefold_conv2d_desc *d,
                                     const dnnl_memory_desc_t *image, dnnl_primitive_t *primitive) {
  dnnl_eltwise_desc_t activation;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_status_t status = dnnl_eltwise_forward_desc_init(
      &activation, dnnl_forward_inference, activations[d->activation].kind, image, alpha_of(d),
      activations[d->activation].beta);
  if (status == dnnl_success)
    status = dnnl_primitive_desc_create(&desc, &activation, NULL, own->engine, NULL);
  if (status == dnnl_success) status = dnnl_primitive_create(primitive, desc);
  if (desc) dnnl_primitive_desc_destroy(desc);
  return status;
}

/// How a problem is run.
typedef struct way {
  dnnl_alg_kind_t kind;
  int fused;    // the activation is a post-op
  int separate; // the activation is a primitive of its own
} way;

static dnnl_status_t make_primitive(onednn *own, const bench_peer_problem *p, const geometry *g,
                                    way how, dnnl_primitive_desc_t *desc,
                                    dnnl_primitive_t *primitive) {
  dnnl_convolution_desc_t conv;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_status_t status = how.fused ? make_attributes(&p->desc, &attributes) : dnnl_success;
  if (status == dnnl_success)
    status = dnnl_dilated_convolution_forward_desc_init(
        &conv, dnnl_forward_inference, how.kind, &g->source[1], &g->weights[1], &g->bias,
        &g->result[1], g->strides, g->dilations, g->padding_begin, g->padding_end);
  if (status == dnnl_success)
    status = dnnl_primitive_desc_create(desc, &conv, attributes, own->engine, NULL);
  if (attributes) dnnl_primitive_attr_destroy(attributes);
  return status == dnnl_success ? dnnl_primitive_create(primitive, *desc) : status;
}

static dnnl_status_t make_variant(onednn *own, const bench_peer_problem *p, const geometry *g,
                                  way how, variant *v, double *bytes) {
  static const dnnl_query_t queries[TENSORS] = {dnnl_query_src_md, dnnl_query_weights_md,
                                                dnnl_query_weights_md, dnnl_query_dst_md};
  dnnl_primitive_desc_t desc = NULL;
  v->stream = own->stream;
  dnnl_status_t status = make_primitive(own, p, g, how, &desc, &v->primitive);
  if (status == dnnl_success && how.separate)
    status = make_activation(
        own, &p->desc, dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0), &v->activation);
  for (int i = 0; i < TENSORS && status == dnnl_success; i++) {
    status =
        make_tensor(own, dnnl_primitive_desc_query_md(desc, queries[i], i == BIAS), &v->tensors[i]);
  }
  if (status == dnnl_success)
    status = fill_tensor(own, &g->source[0], p->input, &v->tensors[SOURCE]);
  if (status == dnnl_success)
    status = fill_tensor(own, &g->weights[0], p->weight, &v->tensors[WEIGHTS]);
  if (status == dnnl_success) status = fill_tensor(own, &g->bias, p->bias, &v->tensors[BIAS]);
  if (status == dnnl_success) {
    int64_t scratch = 0;
    dnnl_primitive_desc_query(desc, dnnl_query_memory_consumption_s64, 0, &scratch);
    *bytes = (double)scratch + (double)(v->tensors[WEIGHTS].floats * sizeof(float));
  }
  if (desc) dnnl_primitive_desc_destroy(desc);
  return status;
}

static void unmake_variant(variant *v) {
  if (v->primitive) dnnl_primitive_destroy(v->primitive);
  if (v->activation) dnnl_primitive_destroy(v->activation);
  for (int i = 0; i < TENSORS; i++) {
    if (v->tensors[i].memory) dnnl_memory_destroy(v->tensors[i].memory);
    free(v->tensors[i].values);
  }
  *v = (variant){0};
}

static void unmake(bench_peer_state *peer) {
  onednn *own = peer->own;
  for (size_t i = 0; i < BENCH_PEER_VARIANTS; i++) unmake_variant(&own->variants[i]);
  peer->variant_count = 0;
}

/// Adds a variant, or leaves none, as where Winograd does not apply.
static dnnl_status_t add(bench_peer_state *peer, const bench_peer_problem *problem,
                         const geometry *g, way how, const char *name) {
  onednn *own = peer->own;
  variant *v = &own->variants[peer->variant_count];
  double bytes = 0.0;
  const dnnl_status_t status = make_variant(own, problem, g, how, v, &bytes);
  if (status != dnnl_success) {
    unmake_variant(v);
    return status;
  }
  bench_peer_variant *added = onefold_peer_add(peer, name);
  added->bytes = bytes;
  added->input = v->tensors[SOURCE].values;
  added->input_floats = v->tensors[SOURCE].floats;
  added->output = v->tensors[RESULT].values;
  added->output_floats = v->tensors[RESULT].floats;
  return status;
}

static bench_peer_made make(bench_peer_state *peer, const bench_peer_problem *problem) {
  onednn *own = peer->own;
  const onefold_activation function = problem->desc.activation;
  if (function == ONEFOLD_ACT_HARD_SIGMOID)
    return onefold_peer_say(peer, BENCH_PEER_REFUSED, "no %s in its epilogue",
                            onefold_activation_name(function));
  geometry g;
  if (describe(problem, &g) != dnnl_success)
    return onefold_peer_say(peer, BENCH_PEER_REFUSED, "the shape is not one of oneDNN's");
  const onefold_shape out = problem->out;
  const int64_t dims[] = {out.n, out.c, out.h, out.w};
  for (int i = 0; i < 4; i++) own->out[i] = dims[i];
  for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
    const int activates = function != ONEFOLD_ACT_NONE;
    const way fused = {algorithms[i].kind, activates, 0}, separate = {algorithms[i].kind, 0, 1};
    dnnl_status_t status = add(peer, problem, &g, fused, algorithms[i].name);
    if (status != dnnl_success && activates)
      status =
          add(peer, problem, &g, separate, onefold_bench_cell("%s+act", algorithms[i].name).text);
    if (status == dnnl_out_of_memory) return onefold_peer_say(peer, BENCH_PEER_FAILED, "no memory");
  }
  return peer->variant_count ? BENCH_PEER_READY
                             : onefold_peer_say(peer, BENCH_PEER_REFUSED, "no implementation");
}

static int call(void *user) {
  const variant *v = user;
  const dnnl_exec_arg_t arguments[] = {{DNNL_ARG_SRC, v->tensors[SOURCE].memory},
                                       {DNNL_ARG_WEIGHTS, v->tensors[WEIGHTS].memory},
                                       {DNNL_ARG_BIAS, v->tensors[BIAS].memory},
                                       {DNNL_ARG_DST, v->tensors[RESULT].memory}};
  if (execute(v->primitive, v->stream, TENSORS, arguments) != dnnl_success) return 1;
  const dnnl_exec_arg_t in_place[] = {{DNNL_ARG_SRC, v->tensors[RESULT].memory},
                                      {DNNL_ARG_DST, v->tensors[RESULT].memory}};
  return v->activation && execute(v->activation, v->stream, 2, in_place) != dnnl_success;
}

static double run(bench_peer_state *peer, size_t index, int64_t count) {
  onednn *own = peer->own;
  const double seconds = onefold_peer_time(peer, index, count, call, &own->variants[index]);
  if (seconds < 0) onefold_peer_say(peer, 0, "the primitive failed");
  return seconds;
}

static int output(bench_peer_state *peer, size_t index, float *values, size_t count) {
  (void)count;
  onednn *own = peer->own;
  dnnl_memory_desc_t plain;
  dnnl_memory_t to = NULL;
  dnnl_status_t status = dnnl_memory_desc_init_by_tag(&plain, 4, own->out, dnnl_f32, dnnl_nchw);
  if (status == dnnl_success) status = dnnl_memory_create(&to, &plain, own->engine, values);
  if (status == dnnl_success)
    status = reorder(own, own->variants[index].tensors[RESULT].memory, to);
  if (to) dnnl_memory_destroy(to);
  return status == dnnl_success ? 0 : onefold_peer_say(peer, 1, "the result cannot be reordered");
}

const bench_peer onefold_peer_onednn = {.holds_isa = 1,
                                        .open = open_peer,
                                        .close = close_peer,
                                        .make = make,
                                        .unmake = unmake,
                                        .run = run,
                                        .output = output};
