// SPDX-License-Identifier: BSD-3-Clause
// oneDNN by its C API, direct and Winograd, each in the layouts that it asks for, with the
// activation as a post-op or, where there is none, as a primitive of its own in place. Two
// convolutions are two primitives, or one where the second can be a post-op of the first. Reorders
// at the edges are not timed. Networks: onednn_net.c.
#include "bench/peers/onednn.h"

#include "bench/peers/onednn_net.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

typedef struct onednn {
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  onefold_shape out;
  onednn_variant variants[BENCH_PEER_VARIANTS];
  onednn_net nets[ONEDNN_NETS];
  onednn_net *kept[BENCH_PEER_VARIANTS]; // of a network, by variant; NULL: there is none
} onednn;

static const struct {
  const char *name;
  dnnl_alg_kind_t kind;
} algorithms[] = {{"direct", dnnl_convolution_direct}, {"wino", dnnl_convolution_winograd}};

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
  onefold_onednn_forget();
  free(own);
  peer->own = NULL;
}

static int activates(const bench_peer_problem *problem) {
  for (size_t i = 0; i < problem->count; i++) {
    if (problem->layers[i].desc.activation != ONEFOLD_ACT_NONE) return 1;
  }
  return 0;
}

static void unmake(bench_peer_state *peer) {
  onednn *own = peer->own;
  for (size_t i = 0; i < BENCH_PEER_VARIANTS; i++) onefold_onednn_clear(&own->variants[i]);
  for (size_t i = 0; i < ONEDNN_NETS; i++) onefold_onednn_net_clear(&own->nets[i]);
  for (size_t i = 0; i < BENCH_PEER_VARIANTS; i++) own->kept[i] = NULL;
  peer->variant_count = 0;
}

/// The next variant, empty.
static onednn_variant *next(bench_peer_state *peer) {
  onednn *own = peer->own;
  onednn_variant *v = &own->variants[peer->variant_count];
  *v = (onednn_variant){.engine = own->engine, .stream = own->stream};
  return v;
}

/// Keeps the next variant under a name, or leaves none, as where Winograd does not apply.
static dnnl_status_t keep(bench_peer_state *peer, dnnl_status_t status, const char *name) {
  onednn *own = peer->own;
  onednn_variant *v = &own->variants[peer->variant_count];
  if (status != dnnl_success) {
    onefold_onednn_clear(v);
    return status;
  }
  bench_peer_variant *added = onefold_peer_add(peer, name);
  added->bytes = v->bytes;
  added->input = v->tensors[0].values;
  added->input_floats = v->tensors[0].floats;
  added->output = v->result->values;
  added->output_floats = v->result->floats;
  return status;
}

/// Adds all convolutions of the problem, and keeps what they became.
static dnnl_status_t try_way(bench_peer_state *peer, const bench_peer_problem *problem,
                             onednn_way way, const char *name) {
  onednn_variant *v = next(peer);
  dnnl_status_t status = dnnl_success;
  for (size_t i = 0; i < problem->count && status == dnnl_success; i++)
    status = onefold_onednn_add_conv(v, &problem->layers[i], way, problem->input);
  const char *reorder = v->reorders ? "+reorder" : "", *act = way.separate ? "+act" : "";
  return keep(peer, status, onefold_bench_cell("%s%s%s", name, act, reorder).text);
}

/// With the activations as post-ops, else on their own. Returns the status of what was kept.
static dnnl_status_t try_both(bench_peer_state *peer, const bench_peer_problem *problem,
                              onednn_way way, const char *name) {
  const dnnl_status_t status = try_way(peer, problem, way, name);
  if (status == dnnl_success || !activates(problem)) return status;
  way.separate = 1;
  return try_way(peer, problem, way, name);
}

/// One convolution by each algorithm.
static dnnl_status_t make_one(bench_peer_state *peer, const bench_peer_problem *problem) {
  for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
    const onednn_way way = {.kind = algorithms[i].kind};
    if (try_both(peer, problem, way, algorithms[i].name) == dnnl_out_of_memory)
      return dnnl_out_of_memory;
  }
  return dnnl_success;
}

/// Two as two calls, of which the second has its source in the layout that it likes best, or takes
/// what the first gives; and as one call.
static dnnl_status_t make_two(bench_peer_state *peer, const bench_peer_problem *problem) {
  const onednn *own = peer->own;
  onednn_way way = {.kind = dnnl_convolution_direct, .any_source = 1};
  dnnl_status_t status = try_both(peer, problem, way, "calls");
  if (status == dnnl_success && own->variants[peer->variant_count - 1].reorders) {
    way.any_source = 0;
    status = try_both(peer, problem, way, "calls");
  }
  if (status == dnnl_out_of_memory) return status;
  status = onefold_onednn_add_fused(next(peer), &problem->layers[0], &problem->layers[1],
                                    problem->input);
  status = keep(peer, status, "fused");
  return status == dnnl_out_of_memory ? status : dnnl_success;
}

/// Keeps the ways that are worth timing.
static bench_peer_made make_network(bench_peer_state *peer, const bench_peer_problem *problem) {
  onednn *own = peer->own;
  for (size_t i = 0; i < ONEDNN_NETS; i++)
    own->nets[i].base = (onednn_variant){.engine = own->engine, .stream = own->stream};
  const dnnl_status_t status = onefold_onednn_net_make_all(own->nets, problem);
  if (own->nets[0].refusal[0])
    return onefold_peer_say(peer, BENCH_PEER_REFUSED, "%s", own->nets[0].refusal);
  if (status != dnnl_success) return onefold_peer_say(peer, BENCH_PEER_FAILED, "no memory");
  for (size_t i = 0; i < ONEDNN_NETS; i++) {
    onednn_net *net = &own->nets[i];
    if (!net->step_count) continue;
    own->kept[peer->variant_count] = net;
    const onednn_value *input = &net->values[net->of_node[onefold_graph_input_at(net->graph, 0)]];
    const onednn_value *last = &net->values[net->outputs[net->output_count - 1]];
    bench_peer_variant *added = onefold_peer_add(peer, onefold_onednn_net_names[i]);
    added->bytes = net->bytes;
    added->input = input->constant;
    added->input_floats = input->floats;
    added->output = last->constant;
    added->output_floats = last->floats;
  }
  return BENCH_PEER_READY;
}

static bench_peer_made make(bench_peer_state *peer, const bench_peer_problem *problem) {
  onednn *own = peer->own;
  if (problem->network) return make_network(peer, problem);
  for (size_t i = 0; i < problem->count; i++) {
    const onefold_activation function = problem->layers[i].desc.activation;
    if (!onefold_onednn_activates(function))
      return onefold_peer_say(peer, BENCH_PEER_REFUSED, "no %s in its epilogue",
                              onefold_activation_name(function));
  }
  own->out = problem->layers[problem->count - 1].out;
  const dnnl_status_t status =
      problem->count == 1 ? make_one(peer, problem) : make_two(peer, problem);
  if (status != dnnl_success) return onefold_peer_say(peer, BENCH_PEER_FAILED, "no memory");
  return peer->variant_count ? BENCH_PEER_READY
                             : onefold_peer_say(peer, BENCH_PEER_REFUSED, "no implementation");
}

static int call(void *user) {
  const onednn_variant *v = user;
  for (size_t i = 0; i < v->step_count; i++) {
    const onednn_step *s = &v->steps[i];
    if (onefold_onednn_execute(s->primitive, v->stream, s->count, s->arguments) != dnnl_success)
      return 1;
  }
  return 0;
}

static int call_network(void *user) {
  return onefold_onednn_net_run(user, NULL);
}

static double run(bench_peer_state *peer, size_t index, int64_t count) {
  onednn *own = peer->own;
  const double seconds = own->kept[index]
                             ? onefold_peer_time(peer, index, count, call_network, own->kept[index])
                             : onefold_peer_time(peer, index, count, call, &own->variants[index]);
  if (seconds < 0) onefold_peer_say(peer, 0, "the primitive failed");
  return seconds;
}

static int network_output(const onednn_net *net, float *values) {
  for (int32_t k = 0; k < net->output_count; k++) {
    const onednn_value *v = &net->values[net->outputs[k]];
    memcpy(values, v->constant, v->floats * sizeof *values);
    values += v->floats;
  }
  return 0;
}

static int output(bench_peer_state *peer, size_t index, float *values, size_t count) {
  (void)count;
  const onednn *own = peer->own;
  if (own->kept[index]) return network_output(own->kept[index], values);
  const onednn_variant *v = &own->variants[index];
  const dnnl_dims_t out = {own->out.n, own->out.c, own->out.h, own->out.w};
  const onednn_layout plain = onefold_onednn_layout(4, out, dnnl_nchw);
  const dnnl_status_t status =
      plain ? onefold_onednn_read(v, v->result, plain, values) : dnnl_out_of_memory;
  return status == dnnl_success ? 0 : onefold_peer_say(peer, 1, "the result cannot be reordered");
}

const bench_peer onefold_peer_onednn = {.holds_isa = 1,
                                        .networks = 1,
                                        .chains = 1,
                                        .open = open_peer,
                                        .close = close_peer,
                                        .make = make,
                                        .unmake = unmake,
                                        .run = run,
                                        .output = output};
