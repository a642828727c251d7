// SPDX-License-Identifier: BSD-3-Clause
// Ours against the peers: opened once, then made, checked and timed for each problem.
#include "bench/compare.h"

#include "bench/image.h"
#include "bench/timed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CASES (1 + BENCH_BESIDES + BENCH_PEERS * BENCH_PEER_VARIANTS + BENCH_FORMS)

static const bench_peer_entry *entry(const bench_peers *peers, size_t i) {
  return &onefold_bench_peers[peers->session->options->peers[i]];
}

/// Writes why a peer failed.
static int fail(const bench_peers *peers, size_t i, const char *what) {
  bench_session *session = peers->session;
  onefold_bench_progress_clear(&session->progress);
  fprintf(stderr, "%s: %s: %s: %s\n", session->options->command, what, entry(peers, i)->name,
          peers->states[i].sentence);
  if (session->status == ONEFOLD_EXIT_OK) session->status = ONEFOLD_EXIT_FAILURE;
  return ONEFOLD_EXIT_FAILURE;
}

/// Runs on the options' fewer threads.
static const bench_beside *beside_fewer(const bench_options *o, double large, bench_fewer *fewer) {
  fewer->name = onefold_bench_cell("threads_%d", (int)o->fewer);
  fewer->about =
      onefold_bench_cell("%s: ours on %d thread%s, and its time by that on %d.", fewer->name.text,
                         (int)o->fewer, o->fewer == 1 ? "" : "s", (int)o->threads);
  fewer->beside =
      (bench_beside){.name = fewer->name.text, .about = fewer->about.text, .large = large};
  return &fewer->beside;
}

int onefold_bench_peers_open(bench_peers *peers, bench_session *session, int width, double large,
                             const bench_beside *own) {
  *peers = (bench_peers){.session = session, .width = width};
  const bench_options *o = session->options;
  if (own) peers->besides[peers->beside_count++] = own;
  if (o->fewer) peers->besides[peers->beside_count++] = beside_fewer(o, large, &peers->fewer);
  const int listing = onefold_gbench_is_listing(session->gbench);
  const int count = listing ? 0 : o->peer_count;
  for (int i = 0; i < count; i++) {
    bench_peer_state *state = &peers->states[i];
    const bench_peer_entry *e = entry(peers, (size_t)i);
    state->session = session;
    state->own_threads = e->peer->own_threads;
    peers->open++;
    if (e->peer->open(state)) {
      const int status = fail(peers, (size_t)i, "--peers");
      fprintf(stderr, "%s: it needs %s\n", o->command, e->package);
      return status;
    }
    const int unheld = o->has_isa && (!e->peer->holds_isa || o->isa == ONEFOLD_ISA_REF);
    onefold_bench_session_note(session, e->name, "%s%s%s", state->about,
                               unheld ? ", not held to " : "",
                               unheld ? onefold_isa_name(o->isa) : "");
  }
  if (count || (peers->beside_count && !listing)) onefold_bench_compare_head(peers);
  return ONEFOLD_EXIT_OK;
}

void onefold_bench_peers_close(bench_peers *peers) {
  onefold_bench_compare_means(peers);
  for (size_t i = 0; i < peers->open; i++) entry(peers, i)->peer->close(&peers->states[i]);
  peers->open = 0;
}

// ------------------------------------------------------------ one problem

#define NOBODY SIZE_MAX

/// What is timed: a way of ours, or a variant of a peer.
typedef struct side {
  bench_stat *stat;
  size_t owner; // the peer; of ours NOBODY
  const bench_peer *peer;
  bench_peer_state *state;
  size_t variant;
  char name[BENCH_NAME]; // of a peer's row
} side;

/// A comparison under way.
typedef struct compared {
  bench_peers *peers;
  bench_ours *ours;
  bench_stat *stat;
  bench_peer_result results[BENCH_PEERS];
  bench_stat besides[BENCH_BESIDES];
  char beside_ns[BENCH_BESIDES][32], beside_ratio[BENCH_BESIDES][32]; // counters
  side sides[MOST_CASES];
  onefold_gbench_case cases[MOST_CASES]; // of the sides, in their places
  size_t count;
  onefold_gbench_case *first; // ours, which gets the counters
} compared;

/// A side of ours, or the beginning of a peer's.
static side *add_side(compared *c, const onefold_gbench_case *timed, bench_stat *stat) {
  side *s = &c->sides[c->count];
  *s = (side){.stat = stat, .owner = NOBODY};
  c->cases[c->count++] = *timed;
  return s;
}

static double run_peer(void *user, int64_t count) {
  const side *s = user;
  return s->peer->run(s->state, s->variant, count);
}

/// Runs a variant once and compares its result with ours.
static int check(compared *c, size_t i, size_t variant) {
  bench_session *session = c->peers->session;
  const bench_peer *peer = entry(c->peers, i)->peer;
  bench_peer_state *state = &c->peers->states[i];
  double *error = &c->results[i].errors[variant];
  *error = -1.0;
  if (!c->ours->output) return ONEFOLD_EXIT_OK;
  const size_t n = c->ours->floats;
  float *values = onefold_bench_floats(n);
  if (!values) return onefold_bench_session_fail(session, c->ours->name, ONEFOLD_OUT_OF_MEMORY);
  int status = ONEFOLD_EXIT_OK;
  if (peer->run(state, variant, 1) < 0 || peer->output(state, variant, values, n)) {
    status = fail(c->peers, i, c->ours->name);
  } else {
    *error = onefold_bench_error(values, c->ours->output, n);
  }
  free(values);
  if (*error > BENCH_ERROR_LIMIT || isnan(*error)) {
    char what[BENCH_NAME + 64];
    snprintf(what, sizeof what, "%s against %s %s", c->ours->name, entry(c->peers, i)->name,
             state->variants[variant].name);
    onefold_bench_session_wrong(session, what, *error);
  }
  return status;
}

static int add_variant(compared *c, size_t i, size_t variant) {
  const bench_options *o = c->peers->session->options;
  const bench_peer_entry *e = entry(c->peers, i);
  bench_peer_state *state = &c->peers->states[i];
  const char *way = state->variants[variant].name;
  const int status = check(c, i, variant);
  if (status) return status;
  onefold_gbench_case *timed = &c->cases[c->count];
  side *s = add_side(c, &(onefold_gbench_case){.batch = run_peer}, &c->results[i].stats[variant]);
  s->owner = i;
  s->peer = e->peer;
  s->state = state;
  s->variant = variant;
  snprintf(s->name, sizeof s->name, "%s/%s%s%s/threads:%d", c->ours->name, e->name,
           way[0] ? "_" : "", way, (int)o->threads);
  timed->name = s->name;
  timed->user = s;
  const double error = c->results[i].errors[variant];
  if (error >= 0) onefold_bench_count(timed, "max_error", error, 0);
  return ONEFOLD_EXIT_OK;
}

static int add_peer(compared *c, size_t i, const bench_peer_problem *problem) {
  bench_peer_state *state = &c->peers->states[i];
  bench_peer_result *result = &c->results[i];
  state->sentence[0] = '\0';
  result->best = -1;
  const char *refusal = problem->network && !entry(c->peers, i)->peer->networks
                            ? "it runs no networks"
                        : !problem->network && !problem->count ? "folded, it is not one convolution"
                                                               : NULL;
  if (refusal) {
    result->made = (bench_peer_made)onefold_peer_say(state, BENCH_PEER_REFUSED, "%s", refusal);
    return ONEFOLD_EXIT_OK;
  }
  result->made = entry(c->peers, i)->peer->make(state, problem);
  if (result->made == BENCH_PEER_FAILED) return fail(c->peers, i, c->ours->name);
  if (result->made == BENCH_PEER_REFUSED) return ONEFOLD_EXIT_OK;
  int status = ONEFOLD_EXIT_OK;
  for (size_t j = 0; j < state->variant_count && !status; j++) status = add_variant(c, i, j);
  return status;
}

static void conclude_beside(compared *c, size_t i) {
  const bench_stat *beside = &c->besides[i];
  if (!beside->count || !c->stat->count) return;
  const double ratio = beside->median / c->stat->median;
  onefold_bench_count(c->first, c->beside_ns[i], 1e9 * beside->median, 0);
  onefold_bench_count(c->first, c->beside_ratio[i], ratio, 0);
  onefold_bench_mean_add(&c->peers->means[i][c->ours->flops < c->peers->besides[i]->large], ratio,
                         c->ours->name);
}

int onefold_bench_transforms(const char *algorithm) {
  return strncmp(algorithm, "winograd", 8) == 0 || strncmp(algorithm, "polyphase", 9) == 0;
}

static void conclude_memory(compared *c) {
  const double least = onefold_bench_compare_bytes(c->peers, c->results);
  if (least == 0.0 || c->ours->bytes <= 0) return;
  const double ratio = c->ours->bytes / least;
  onefold_bench_count(c->first, "ratio_memory_peer", ratio, 0);
  onefold_bench_most_add(&c->peers->memory[c->ours->transformed], ratio, c->ours->name);
}

/// When all medians are there: the best variants, the counters, the means.
static void conclude(void *user) {
  compared *c = user;
  bench_peers *peers = c->peers;
  onefold_gbench_case *ours = c->first;
  for (size_t i = 0; i < peers->beside_count; i++) conclude_beside(c, i);
  for (size_t i = 0; i < peers->open; i++) {
    bench_peer_result *r = &c->results[i];
    const bench_peer_state *state = &peers->states[i];
    for (size_t j = 0; j < state->variant_count; j++) {
      if (r->stats[j].count && (r->best < 0 || r->stats[j].median < r->stats[r->best].median))
        r->best = (int)j;
    }
    if (r->best < 0) continue;
    onefold_bench_count(ours, entry(peers, i)->counter, 1e9 * r->stats[r->best].median, 0);
    const double bytes = state->variants[r->best].bytes;
    if (bytes > 0) onefold_bench_count(ours, entry(peers, i)->bytes_counter, bytes, 0);
  }
  conclude_memory(c);
  const int best = onefold_bench_compare_best(peers, c->results);
  if (best < 0 || !c->stat->count) return;
  const bench_peer_result *r = &c->results[best];
  const double ratio = r->stats[r->best].median / c->stat->median;
  onefold_bench_count(ours, "ratio_best_peer", ratio, 0);
  onefold_bench_mean_add(&peers->best, ratio, c->ours->name);
}

static int time_all(compared *c) {
  bench_session *session = c->peers->session;
  const int cold = session->options->cold != BENCH_COLD_NONE;
  bench_stat *stats[MOST_CASES];
  for (size_t i = 0; i < c->count; i++) stats[i] = c->sides[i].stat;
  const size_t failed = onefold_bench_time_cases(session, c->ours->name, c->cases, stats, c->count,
                                                 cold ? BENCH_SHORT_TIME : BENCH_MIN_TIME,
                                                 c->ours->repetitions, conclude, c);
  onefold_bench_progress_clear(&session->progress);
  if (!failed) return ONEFOLD_EXIT_OK;
  const size_t owner = c->sides[failed - 1].owner;
  if (owner != NOBODY) return fail(c->peers, owner, c->ours->name);
  return onefold_bench_session_fail(session, c->ours->name,
                                    onefold_context_last_error(session->context, NULL, 0));
}

int onefold_bench_compare(bench_peers *peers, const bench_peer_problem *problem, bench_ours *ours,
                          bench_stat *stat) {
  compared *c = calloc(1, sizeof *c);
  if (!c) return onefold_bench_session_fail(peers->session, ours->name, ONEFOLD_OUT_OF_MEMORY);
  c->peers = peers;
  c->ours = ours;
  c->stat = stat;
  c->first = &c->cases[c->count];
  add_side(c, &ours->timed, stat);
  for (size_t i = 0; i < peers->beside_count; i++) {
    const char *way = peers->besides[i]->name;
    snprintf(c->beside_ns[i], sizeof c->beside_ns[i], "%s_ns", way);
    snprintf(c->beside_ratio[i], sizeof c->beside_ratio[i], "ratio_%s", way);
    add_side(c, &ours->besides[i], &c->besides[i]);
  }
  int status = ONEFOLD_EXIT_OK;
  size_t made = 0;
  while (!status && made < peers->open) status = add_peer(c, made++, problem);
  for (size_t i = 0; i < ours->other_count && !status; i++)
    add_side(c, &ours->others[i], ours->other_stats[i]);
  if (!status) status = time_all(c);
  if (!status && !onefold_gbench_is_listing(peers->session->gbench))
    onefold_bench_compare_row(peers, ours, *stat, c->besides, c->results);
  for (size_t i = 0; i < made; i++) entry(peers, i)->peer->unmake(&peers->states[i]);
  free(c);
  return status;
}
