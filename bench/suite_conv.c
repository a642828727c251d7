// SPDX-License-Identifier: BSD-3-Clause
// Convolutions at given problems: run, and what is paid once or at the edges.
#include "bench/compare.h"
#include "bench/conv.h"
#include "bench/problem.h"
#include "bench/timed.h"

enum { ROW_RUN, ROW_PLAN, ROW_PACK, ROW_REORDER_IN, ROW_REORDER_OUT, ROW_FIRST_RUN, ROWS };

typedef struct timing {
  bench_conv *conv;
  onefold_conv2d_plan *plan; // of the plan, pack and first-run rows
  onefold_conv2d_packed *packed;
} timing;

static int forget(void *user) {
  timing *t = user;
  onefold_conv2d_packed_destroy(t->packed);
  onefold_conv2d_plan_destroy(t->plan);
  t->packed = NULL;
  t->plan = NULL;
  return 0;
}

static int run(void *user) {
  const bench_conv *c = ((timing *)user)->conv;
  return onefold_conv2d_run(c->plan, c->packed, &c->buffers) != ONEFOLD_OK;
}

static int chill(void *user) {
  const bench_conv *c = ((timing *)user)->conv;
  onefold_bench_session_chill(c->session, c->session->options->cold, c->buffers.input,
                              c->input_floats, c->buffers.output, c->output_floats);
  return 0;
}

static int plan(void *user) {
  timing *t = user;
  return onefold_conv2d_plan_create(t->conv->session->context, &t->conv->desc, &t->plan) !=
         ONEFOLD_OK;
}

static int planned(void *user) {
  return forget(user) || plan(user);
}

static int pack(void *user) {
  timing *t = user;
  return onefold_conv2d_pack(t->plan, &t->conv->weights, &t->packed) != ONEFOLD_OK;
}

static int packed(void *user) {
  return planned(user) || pack(user);
}

static int first_run(void *user) {
  timing *t = user;
  return onefold_conv2d_run(t->plan, t->packed, &t->conv->buffers) != ONEFOLD_OK;
}

static int reorder_in(void *user) {
  const bench_conv *c = ((timing *)user)->conv;
  return onefold_reorder(c->session->context, c->in, ONEFOLD_NCHW, c->plain_in, c->desc.in_layout,
                         c->input) != ONEFOLD_OK;
}

static int reorder_out(void *user) {
  const bench_conv *c = ((timing *)user)->conv;
  return onefold_reorder(c->session->context, c->out, c->desc.out_layout, c->buffers.output,
                         ONEFOLD_NCHW, c->plain_out) != ONEFOLD_OK;
}

static const struct {
  const char *key;
  onefold_gbench_fn *prepare, *run;
  int once;
} rows[ROWS] = {
    [ROW_RUN] = {"run", NULL, run, 0},
    [ROW_PLAN] = {"plan", forget, plan, 1},
    [ROW_PACK] = {"pack", planned, pack, 1},
    [ROW_REORDER_IN] = {"reorder_in", NULL, reorder_in, 0},
    [ROW_REORDER_OUT] = {"reorder_out", NULL, reorder_out, 0},
    [ROW_FIRST_RUN] = {"first_run", packed, first_run, 1},
};

static double memory_of(const onefold_conv2d_plan_info *info) {
  return (double)info->packed_bytes + (double)info->workspace_bytes;
}

static int applies(const bench_conv *conv, int row) {
  if (row == ROW_REORDER_IN) return conv->desc.in_layout != ONEFOLD_NCHW;
  if (row == ROW_REORDER_OUT) return conv->desc.out_layout != ONEFOLD_NCHW;
  return 1;
}

/// Times rows [first, last) together.
static int time_rows(bench_conv *conv, const char *name, int first, int last, bench_stat *stats) {
  bench_session *session = conv->session;
  const int cold = session->options->cold != BENCH_COLD_NONE;
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(conv->plan, &info);
  timing timings[ROWS] = {{0}};
  onefold_gbench_case cases[ROWS] = {{0}};
  char names[ROWS][BENCH_NAME];
  bench_stat *timed[ROWS] = {NULL};
  size_t count = 0;
  for (int i = first; i < last; i++) {
    if (!applies(conv, i)) continue;
    onefold_gbench_case *c = &cases[count];
    timings[count].conv = conv;
    snprintf(names[count], sizeof names[count], "%s/%s/threads:%d", name, rows[i].key,
             (int)session->options->threads);
    *c = (onefold_gbench_case){.name = names[count],
                               .run = rows[i].run,
                               .prepare = i == ROW_RUN && cold ? chill : rows[i].prepare,
                               .user = &timings[count],
                               .once = rows[i].once};
    if (i == ROW_RUN) {
      c->label = info.algorithm;
      onefold_bench_count_work(session, c, conv->flops, conv->bytes);
      onefold_bench_count(c, "memory_bytes", memory_of(&info), 0);
      if (conv->error >= 0) onefold_bench_count(c, "max_error", conv->error, 0);
    }
    if (i == ROW_REORDER_IN) onefold_bench_count_copy(session, c, conv->reorder_in_bytes);
    if (i == ROW_REORDER_OUT) onefold_bench_count_copy(session, c, conv->reorder_out_bytes);
    timed[count++] = &stats[i];
  }
  const int status =
      onefold_bench_time(session, name, cases, timed, count,
                         first == ROW_RUN && !cold ? BENCH_MIN_TIME : BENCH_SHORT_TIME,
                         first == ROW_RUN ? BENCH_REPETITIONS : BENCH_STEP_REPETITIONS);
  for (size_t i = 0; i < count; i++) forget(&timings[i]);
  return status;
}

static void print(const bench_conv *conv, const char *name, const bench_stat *stats) {
  bench_session *session = conv->session;
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(conv->plan, &info);
  fprintf(session->out, "\n%s  (%s in, %s out)\n%s by %s, tiling from %s\n", name,
          onefold_layout_name(conv->desc.in_layout), onefold_layout_name(conv->desc.out_layout),
          info.algorithm, info.kernel, info.source);
  onefold_bench_rows_head(session);
  for (int i = 0; i < ROWS; i++) {
    const int is_run = i == ROW_RUN;
    onefold_bench_rows_add(session, rows[i].key, &stats[i], is_run ? conv->flops : 0,
                           is_run ? conv->bytes : 0, NULL, is_run ? conv->error : -1.0);
  }
  fprintf(session->out, "packed weights %s, workspace %s\n",
          onefold_bench_cell_bytes((double)info.packed_bytes).text,
          onefold_bench_cell_bytes((double)info.workspace_bytes).text);
  fflush(session->out);
}

static int time_steps(bench_conv *conv, const char *name) {
  bench_session *session = conv->session;
  bench_stat stats[ROWS] = {{0}};
  int status = time_rows(conv, name, ROW_RUN, ROW_RUN + 1, stats);
  if (!status) status = time_rows(conv, name, ROW_RUN + 1, ROWS, stats);
  onefold_bench_progress_clear(&session->progress);
  if (!status && !onefold_gbench_is_listing(session->gbench)) print(conv, name, stats);
  return status;
}

/// The run alone, against the peers and the run on fewer threads.
static int compare(bench_conv *conv, const char *name, bench_peers *peers) {
  bench_session *session = conv->session;
  timing t = {.conv = conv};
  char row[BENCH_NAME], fewer_row[BENCH_NAME];
  snprintf(row, sizeof row, "%s/%s/threads:%d", name, rows[ROW_RUN].key,
           (int)session->options->threads);
  snprintf(fewer_row, sizeof fewer_row, "%s/%s/threads:%d", name, rows[ROW_RUN].key,
           (int)session->options->fewer);
  bench_conv_again fewer = {.plan = NULL};
  if (session->fewer) {
    const int made = onefold_bench_conv_again_make(conv, &fewer);
    if (made) {
      onefold_bench_conv_again_destroy(&fewer);
      return made;
    }
  }
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(conv->plan, &info);
  bench_ours ours = {
      .name = name,
      .timed = {.name = row,
                .label = info.algorithm,
                .run = run,
                .prepare = session->options->cold != BENCH_COLD_NONE ? chill : NULL,
                .user = &t},
      .output = session->options->check ? conv->plain_out : NULL,
      .floats = onefold_tensor_elements(session->context, conv->out, ONEFOLD_NCHW),
      .flops = conv->flops,
      .bytes = memory_of(&info),
      .transformed = onefold_bench_transforms(info.algorithm),
      .repetitions = BENCH_REPETITIONS,
  };
  onefold_bench_count_work(session, &ours.timed, conv->flops, conv->bytes);
  onefold_bench_count(&ours.timed, "memory_bytes", ours.bytes, 0);
  if (conv->error >= 0) onefold_bench_count(&ours.timed, "max_error", conv->error, 0);
  if (session->fewer) ours.besides[0] = onefold_bench_again_case(&fewer.calls, fewer_row);
  const bench_peer_problem problem = {.layers = {{.desc = conv->desc,
                                                  .in = conv->in,
                                                  .out = conv->out,
                                                  .weight = conv->weight,
                                                  .bias = conv->bias}},
                                      .count = 1,
                                      .input = conv->plain_in};
  bench_stat stat = {0};
  const int status = onefold_bench_compare(peers, &problem, &ours, &stat);
  onefold_bench_conv_again_destroy(&fewer);
  return status;
}

static int time_conv(bench_session *session, bench_peers *peers, const bench_problem *problem) {
  const bench_options *o = session->options;
  bench_conv conv;
  char name[sizeof problem->name + 8];
  int status = onefold_bench_conv_make(session, problem, &conv);
  snprintf(name, sizeof name, "conv/%s", problem->name);
  if (!status && onefold_bench_compares(o)) {
    status = compare(&conv, name, peers);
  } else if (!status) {
    status = time_steps(&conv, name);
  }
  onefold_bench_conv_destroy(&conv);
  return status;
}

static const char doc[] =
    "Times convolutions at problems in benchdnn's form, such as mb1ic64ih56oc64kh3ph1."
    "\vA problem may name its activation and layouts, as rows do: mb1ic64ih56oc64kh3ph1/act:relu, "
    ".../layout:nhwc, .../nchw:blocked. With two numbers of threads, runs on both take turns, and "
    "the ratio of their medians is "
    "printed. Google Benchmark's own flags (--benchmark_...) are passed on.\n\n"
    "Exit codes: 0 done; 1 it could not be done or was interrupted, or a peer is not here; 2 a bad "
    "option or problem; "
    "3 the result differs from the reference kernels', a peer's or that on fewer threads by more "
    "than 1e-4 of the largest value.";

/// From here on two threads are to be nearly twice as fast as one: the means are of these layers
/// and of the smaller ones.
#define LARGE_FLOPS 20e6

int onefold_bench_conv(int argc, char **argv) {
  bench_options options;
  int status = onefold_bench_options_parse(
      &options, argc, argv, BENCH_TAKES_PROBLEMS | BENCH_TAKES_FEWER, "PROBLEM...", doc);
  if (status) return status;
  bench_problems problems;
  status = onefold_bench_problems_parse(&options, &problems);
  bench_session session;
  if (!status) status = onefold_bench_compare_allow(&options);
  if (!status) status = onefold_bench_session_open(&session, &options);
  if (!status) {
    bench_peers peers;
    const int failed = onefold_bench_peers_open(
        &peers, &session, 38 + (options.has_activation ? 10 : 0), LARGE_FLOPS, NULL);
    onefold_bench_progress_start(&session.progress, problems.count);
    for (size_t i = 0; i < problems.count && !failed && onefold_bench_session_goes_on(&session);
         i++) {
      time_conv(&session, &peers, &problems.items[i]);
      session.progress.done++;
    }
    onefold_bench_peers_close(&peers);
    status = onefold_bench_session_close(&session);
  }
  onefold_bench_problems_free(&problems);
  onefold_bench_options_free(&options);
  return status;
}
