// SPDX-License-Identifier: BSD-3-Clause
// Runs a set of cases, keeps their statistics and prints them as rows.
#include "bench/timed.h"

#include "bench/clock.h"

#include <string.h>
#include <time.h>

#define MOST_PROBES 256

typedef struct timed {
  bench_session *session;
  onefold_gbench_case *cases;
  bench_stat *const *stats;
  size_t count;
  const char *title;
  double probes[MOST_PROBES]; // GFLOP/s of the FMA loop, one before each repetition
  size_t probe_count;
  void (*finish)(void *user);
  void *user;
} timed;

static void done(void *user, size_t index, const double *seconds, size_t count) {
  const timed *t = user;
  *t->stats[index] = onefold_bench_stat(seconds, count);
}

/// The peak of this moment, for the percentages of the repetition that follows.
static void probe(timed *t) {
  double gflops = 0.0;
  if (onefold_measure_fma(t->session->context, &gflops) != ONEFOLD_OK) return;
  if (t->probe_count < MOST_PROBES) t->probes[t->probe_count++] = gflops;
  for (size_t i = 0; i < t->count; i++) {
    onefold_gbench_counter *rate = NULL;
    for (size_t j = 0; j < ONEFOLD_GBENCH_COUNTERS && t->cases[i].counters[j].name; j++) {
      onefold_gbench_counter *counter = &t->cases[i].counters[j];
      if (strcmp(counter->name, "gflops") == 0) rate = counter;
      if (rate && strcmp(counter->name, "percent_peak") == 0) {
        counter->value = 100 * rate->value / gflops;
      }
    }
  }
}

/// Threads of other sides and of the FMA loop wait for work in a loop, XNNPACK's for some 20 ms, on
/// the cores that the next side is timed on: until they sleep.
static void rest(const timed *t) {
  const struct timespec spell = {.tv_nsec = 30 * 1000 * 1000};
  if (t->session->options->threads > 1 && t->count > 1) nanosleep(&spell, NULL);
}

static void tick(void *user, int begun) {
  (void)begun;
  timed *t = user;
  onefold_bench_progress_show(&t->session->progress, t->title);
  probe(t);
  rest(t);
}

/// As in a program that runs many layers, threads are awake, as other sides' are between calls.
static void within(void *user, void (*body)(void *), void *arg) {
  const timed *t = user;
  onefold_context_together(t->session->context, body, arg);
}

typedef struct calls {
  onefold_gbench_fn *run;
  void *user;
  int64_t count;
  double seconds;
} calls;

static void run_calls(void *user) {
  calls *c = user;
  const double start = onefold_bench_now();
  for (int64_t i = 0; i < c->count; i++) {
    if (!c->run(c->user)) continue;
    c->seconds = -1.0;
    return;
  }
  c->seconds = onefold_bench_now() - start;
}

double onefold_bench_time_together(const onefold_context *context, onefold_gbench_fn *run,
                                   void *user, int64_t count) {
  calls c = {.run = run, .user = user, .count = count};
  onefold_context_together(context, run_calls, &c);
  return c.seconds;
}

static void finish(void *user) {
  timed *t = user;
  const double peak = onefold_bench_median(t->probes, t->probe_count);
  for (size_t i = 0; i < t->count; i++) t->stats[i]->peak = peak;
  if (t->finish) t->finish(t->user);
}

size_t onefold_bench_time_cases(bench_session *session, const char *title,
                                onefold_gbench_case *cases, bench_stat *const *stats, size_t count,
                                double min_time, int repetitions, void (*then)(void *user),
                                void *user) {
  timed t = {.session = session,
             .cases = cases,
             .stats = stats,
             .count = count,
             .title = title,
             .finish = then,
             .user = user};
  const onefold_gbench_options options = {
      .min_time = min_time,
      .repetitions = repetitions,
      .tick = tick,
      .done = done,
      .finish = finish,
      .within = within,
      .user = &t,
  };
  return onefold_gbench_run(session->gbench, cases, count, &options);
}

int onefold_bench_time(bench_session *session, const char *title, onefold_gbench_case *cases,
                       bench_stat *const *stats, size_t count, double min_time, int repetitions) {
  const size_t failed = onefold_bench_time_cases(session, title, cases, stats, count, min_time,
                                                 repetitions, NULL, NULL);
  if (!failed) return ONEFOLD_EXIT_OK;
  return onefold_bench_session_fail(session, cases[failed - 1].name,
                                    onefold_context_last_error(session->context, NULL, 0));
}

static const bench_column columns[] = {{"row", -12},   {"median", 9},   {"spread", 7},
                                       {"fastest", 9}, {"GFLOP/s", 8},  {"of peak", 8},
                                       {"of DRAM", 8}, {"speed-up", 8}, {"max error", 9}};
#define COLUMNS (sizeof columns / sizeof columns[0])

void onefold_bench_rows_head(bench_session *session) {
  onefold_bench_table_head(session->out, columns, COLUMNS);
}

void onefold_bench_rows_add(bench_session *session, const char *title, const bench_stat *stat,
                            double flops, double bytes, const bench_stat *best, double error) {
  if (!stat->count) return;
  const bench_stat fastest = {.median = stat->low, .count = stat->count};
  const onefold_peak *peak = &session->peak;
  const double gflops = flops * 1e-9 / stat->median, gbs = bytes * 1e-9 / stat->median;
  const bench_cell none = onefold_bench_cell("%s", "");
  const bench_cell cells[COLUMNS] = {
      onefold_bench_cell("%s", title),
      onefold_bench_cell_time(*stat),
      onefold_bench_cell_spread(*stat),
      onefold_bench_cell_time(fastest),
      flops > 0 ? onefold_bench_cell("%.1f", gflops) : none,
      flops > 0 ? onefold_bench_cell("%.1f %%", 100 * gflops / stat->peak) : none,
      bytes > 0 ? onefold_bench_cell("%.1f %%", 100 * gbs / peak->dram.read_gbs) : none,
      best ? onefold_bench_cell_ratio(*stat, *best) : none,
      error >= 0 ? onefold_bench_cell("%.1e", error) : none,
  };
  onefold_bench_table_row(session->out, columns, COLUMNS, cells);
}
