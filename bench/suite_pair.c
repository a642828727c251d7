// SPDX-License-Identifier: BSD-3-Clause
// Depthwise and pointwise convolutions as one operator, against two calls of ours and of peers.
#include "bench/compare.h"
#include "bench/pair.h"
#include "bench/timed.h"

static const char *const forms[BENCH_PAIR_FORMS] = {"fused", "separate"};

static const bench_beside beside = {
    .name = "separate",
    .about = "ours: both convolutions as one operator; separate: as two, and its time by ours; "
             "chosen:\nwhat a graph makes of them where nothing is said.",
    .chosen = 1,
};

static int run_fused(void *user) {
  return onefold_bench_pair_run(user, BENCH_PAIR_FUSED) != ONEFOLD_OK;
}

static int run_separate(void *user) {
  return onefold_bench_pair_run(user, BENCH_PAIR_SEPARATE) != ONEFOLD_OK;
}

static int chill(void *user) {
  const bench_pair *p = user;
  onefold_bench_session_chill(p->session, p->session->options->cold, p->input, p->input_floats,
                              p->output, p->output_floats);
  return 0;
}

static onefold_gbench_case make_case(bench_pair *pair, int form, const char *name) {
  bench_session *session = pair->session;
  onefold_gbench_case made = {
      .name = name,
      .run = form == BENCH_PAIR_FUSED ? run_fused : run_separate,
      .prepare = session->options->cold != BENCH_COLD_NONE ? chill : NULL,
      .user = pair,
  };
  onefold_bench_count_work(session, &made, pair->flops, pair->bytes);
  if (pair->error >= 0) onefold_bench_count(&made, "max_error", pair->error, 0);
  return made;
}

static bench_peer_layer layer_of(const bench_pair *pair, int i) {
  return (bench_peer_layer){.desc = pair->problem->descs[i],
                            .in = pair->shapes[i],
                            .out = pair->shapes[i + 1],
                            .weight = pair->weights[i],
                            .bias = pair->biases[i]};
}

/// Times a pair, and `fewer`, which is made where the session has fewer threads.
static int compare(bench_peers *peers, bench_pair *pair, bench_pair_again *fewer) {
  const bench_options *o = pair->session->options;
  char name[BENCH_NAME - 48], rows[BENCH_PAIR_FORMS][BENCH_NAME], fewer_row[BENCH_NAME];
  snprintf(name, sizeof name, "pair/%s", pair->problem->text);
  for (int i = 0; i < BENCH_PAIR_FORMS; i++)
    snprintf(rows[i], sizeof rows[i], "%s/%s/threads:%d", name, forms[i], (int)o->threads);
  bench_ours ours = {
      .name = name,
      .timed = make_case(pair, BENCH_PAIR_FUSED, rows[BENCH_PAIR_FUSED]),
      .besides = {make_case(pair, BENCH_PAIR_SEPARATE, rows[BENCH_PAIR_SEPARATE])},
      .chosen = forms[pair->chosen],
      .floats = onefold_tensor_elements(pair->session->context, pair->shapes[2], ONEFOLD_NCHW),
      .output = o->check ? pair->plain_out : NULL,
      .flops = pair->flops,
      .bytes = (double)pair->info.packed_bytes + (double)pair->info.arena_bytes,
      .repetitions = BENCH_REPETITIONS,
  };
  onefold_bench_count(&ours.timed, "memory_bytes", ours.bytes, 0);
  onefold_bench_count(&ours.timed, "chosen", pair->chosen == BENCH_PAIR_FUSED, 0);
  if (o->fewer) {
    snprintf(fewer_row, sizeof fewer_row, "%s/%s/threads:%d", name, forms[BENCH_PAIR_FUSED],
             (int)o->fewer);
    ours.besides[1] = onefold_bench_again_case(&fewer->calls, fewer_row);
  }
  const bench_peer_problem problem = {
      .layers = {layer_of(pair, 0), layer_of(pair, 1)}, .count = 2, .input = pair->plain_in};
  bench_stat stat = {0};
  return onefold_bench_compare(peers, &problem, &ours, &stat);
}

static int time_pair(bench_session *session, bench_peers *peers,
                     const bench_pair_problem *problem) {
  bench_pair pair;
  bench_pair_again fewer = {.exec = NULL};
  int status = onefold_bench_pair_make(session, problem, &pair);
  if (!status && session->fewer) status = onefold_bench_pair_again_make(&pair, &fewer);
  if (!status) status = compare(peers, &pair, &fewer);
  onefold_bench_pair_again_destroy(&fewer);
  onefold_bench_pair_destroy(&pair);
  return status;
}

static const char doc[] =
    "Times a depthwise and a pointwise convolution, in either order, as one operator and as two "
    "calls."
    "\vA pair is PROBLEM[:ACTIVATION]+PROBLEM[:ACTIVATION], such as "
    "g96ic96ih56oc96kh3ph1:relu6+ic96ih56oc24kh1; --act is for those that name none. Layouts are "
    "blocked at both ends. Peers run both convolutions, as two calls or as one where they can. "
    "With "
    "two numbers of threads, runs of the pair as one operator on both take turns, and the ratio of "
    "their medians is printed. "
    "Google Benchmark's own flags (--benchmark_...) are passed on.\n\n"
    "Exit codes: 0 done; 1 it could not be done or was interrupted, or a peer is not here; 2 a bad "
    "option or pair; "
    "3 the two ways differ in a bit, or the result from the reference kernels', a peer's or that "
    "on "
    "fewer threads by more than 1e-4 of the largest value.";

int onefold_bench_pair(int argc, char **argv) {
  bench_options options;
  int status = onefold_bench_options_parse(&options, argc, argv,
                                           BENCH_TAKES_PAIRS | BENCH_TAKES_FEWER, "PAIR...", doc);
  if (status) return status;
  bench_pair_problems problems;
  status = onefold_bench_pair_problems_parse(&options, &problems);
  bench_session session;
  if (!status) status = onefold_bench_compare_allow(&options);
  if (!status) status = onefold_bench_session_open(&session, &options);
  if (!status) {
    bench_peers peers;
    const int failed = onefold_bench_peers_open(&peers, &session, 80, 0, &beside);
    onefold_bench_progress_start(&session.progress, problems.count);
    for (size_t i = 0; i < problems.count && !failed && onefold_bench_session_goes_on(&session);
         i++) {
      time_pair(&session, &peers, &problems.items[i]);
      session.progress.done++;
    }
    onefold_bench_peers_close(&peers);
    status = onefold_bench_session_close(&session);
  }
  onefold_bench_pair_problems_free(&problems);
  onefold_bench_options_free(&options);
  return status;
}
