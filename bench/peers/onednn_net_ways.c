// SPDX-License-Identifier: BSD-3-Clause
// The ways to run a network by oneDNN, and the best for each layer: measured inside the network,
// where weights come from as far as they do.
#include "bench/clock.h"
#include "bench/peers/onednn_net.h"

#include <stdlib.h>

#define ROUNDS     5   // in which the ways take turns
#define MUCH       1.5 // times the fastest network's time: not worth more
#define NOT_TIMED  1e30
#define WAY_BIT(w) (1u << (w))

/// A network each: the first as it is, the others by the fastest of these ways for each layer.
static const unsigned candidates[ONEDNN_NETS] = {WAY_BIT(ONEDNN_FREE), WAY_BIT(ONEDNN_BLOCKED),
                                                 WAY_BIT(ONEDNN_BLOCKED) | WAY_BIT(ONEDNN_WINOGRAD),
                                                 WAY_BIT(ONEDNN_FREE) | WAY_BIT(ONEDNN_BLOCKED) |
                                                     WAY_BIT(ONEDNN_WINOGRAD)};

const char *const onefold_onednn_net_names[ONEDNN_NETS] = {"direct", "blocked", "wino", "mixed"};

/// Networks that have each way everywhere, and the least seconds of each of their nodes.
typedef struct probes {
  onednn_net nets[ONEDNN_WAYS];
  size_t count; // of nodes
  double *least[ONEDNN_WAYS], *once;
  unsigned char *ways; // [ONEDNN_NETS][nodes]
} probes;

static dnnl_status_t make_probes(probes *p, const onednn_variant *base,
                                 const bench_peer_problem *problem) {
  dnnl_status_t status = dnnl_success;
  for (int w = 0; w < ONEDNN_WAYS; w++) {
    p->nets[w].base = *base;
    p->nets[w].way = (onednn_net_way)w;
    if (status == dnnl_success) status = onefold_onednn_net_make(&p->nets[w], problem);
  }
  if (status != dnnl_success) return status;
  p->count = (size_t)p->nets[0].node_count;
  p->ways = malloc(ONEDNN_NETS * p->count);
  p->once = malloc((ONEDNN_WAYS + 1) * p->count * sizeof *p->once);
  if (!p->ways || !p->once) return dnnl_out_of_memory;
  for (size_t w = 0; w < ONEDNN_WAYS; w++) p->least[w] = p->once + (w + 1) * p->count;
  for (size_t i = 0; i < ONEDNN_WAYS * p->count; i++) p->least[0][i] = NOT_TIMED;
  return dnnl_success;
}

static void clear_probes(probes *p) {
  for (int w = 0; w < ONEDNN_WAYS; w++) onefold_onednn_net_clear(&p->nets[w]);
  free(p->ways);
  free(p->once);
}

/// The first round warms up.
static dnnl_status_t time_probes(probes *p) {
  for (int round = 0; round <= ROUNDS; round++)
    for (int w = 0; w < ONEDNN_WAYS; w++) {
      for (size_t i = 0; i < p->count; i++) p->once[i] = 0;
      if (onefold_onednn_net_run(&p->nets[w], p->once)) return dnnl_runtime_error;
      for (size_t i = 0; round && i < p->count; i++)
        if (p->once[i] < p->least[w][i]) p->least[w][i] = p->once[i];
    }
  return dnnl_success;
}

/// The fastest way of each node, of those of a network.
static void choose(const probes *p, unsigned allowed, unsigned char *ways) {
  for (size_t i = 0; i < p->count; i++) {
    int best = -1;
    for (int w = 0; w < ONEDNN_WAYS; w++)
      if ((allowed & WAY_BIT(w)) && (best < 0 || p->least[w][i] < p->least[best][i])) best = w;
    ways[i] = (unsigned char)best;
  }
}

static double time_net(onednn_net *net) {
  double least = NOT_TIMED;
  for (int round = 0; round < ROUNDS; round++) {
    const double before = onefold_bench_now();
    if (onefold_onednn_net_run(net, NULL)) return NOT_TIMED;
    const double taken = onefold_bench_now() - before;
    if (taken < least) least = taken;
  }
  return least;
}

/// Clears the networks that take much longer than the fastest.
static void drop_slow(onednn_net *nets) {
  double taken[ONEDNN_NETS], fastest = NOT_TIMED;
  for (int i = 0; i < ONEDNN_NETS; i++) {
    taken[i] = time_net(&nets[i]);
    if (taken[i] < fastest) fastest = taken[i];
  }
  for (int i = 0; i < ONEDNN_NETS; i++)
    if (taken[i] > MUCH * fastest) onefold_onednn_net_clear(&nets[i]);
}

dnnl_status_t onefold_onednn_net_make_all(onednn_net *nets, const bench_peer_problem *problem) {
  probes p = {.count = 0};
  dnnl_status_t status = make_probes(&p, &nets[0].base, problem);
  if (status == dnnl_success) status = time_probes(&p);
  for (int w = 0; w < ONEDNN_WAYS; w++) {
    if (p.nets[w].refusal[0])
      snprintf(nets[0].refusal, sizeof nets[0].refusal, "%s", p.nets[w].refusal);
    onefold_onednn_net_clear(&p.nets[w]); // before others take as much memory
  }
  for (int i = 0; i < ONEDNN_NETS && status == dnnl_success; i++) {
    unsigned char *ways = p.ways + (size_t)i * p.count;
    choose(&p, candidates[i], ways);
    nets[i].ways = ways;
    status = onefold_onednn_net_make(&nets[i], problem);
    nets[i].ways = NULL;
  }
  if (status == dnnl_success) drop_slow(nets);
  clear_probes(&p);
  return status;
}
