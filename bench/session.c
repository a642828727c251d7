// SPDX-License-Identifier: BSD-3-Clause
// What every suite sets up and takes down.
#include "bench/session.h"

#include "bench/header.h"
#include "bench/interrupt.h"
#include "bench/pin.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int say(const bench_options *options, onefold_exit status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static int say(const bench_options *options, onefold_exit status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "%s: ", options->command);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  return status;
}

static int make_context(const bench_session *session, int32_t threads,
                        onefold_context_options *options, onefold_tilings **tilings, char *record,
                        size_t size, onefold_context **context) {
  const bench_options *o = session->options;
  *options = (onefold_context_options){
      .struct_size = sizeof *options,
      .threads = threads,
      .has_max_isa = o->has_isa,
      .max_isa = o->isa,
      .accuracy = o->accuracy,
  };
  const int nets = (o->takes & BENCH_TAKES_NETWORKS) != 0;
  onefold_bench_tilings_attach(o->command, o->record,
                               nets                         ? ONEFOLD_IN_PLACE
                               : o->cold != BENCH_COLD_NONE ? ONEFOLD_COLD
                                                            : ONEFOLD_WARM,
                               options, tilings, record, size);
  const onefold_status status = onefold_context_create(options, context);
  if (status != ONEFOLD_OK) {
    return say(o, ONEFOLD_EXIT_FAILURE, "no context: %s", onefold_status_name(status));
  }
  const onefold_isa isa = onefold_context_isa(*context);
  if (o->has_isa && isa != o->isa) {
    return say(o, ONEFOLD_EXIT_FAILURE, "--isa=%s does not run on this machine",
               onefold_isa_name(o->isa));
  }
  return ONEFOLD_EXIT_OK;
}

static int make_contexts(bench_session *session) {
  const bench_options *o = session->options;
  const int status = make_context(session, o->threads, &session->context_options, &session->tilings,
                                  session->record, sizeof session->record, &session->context);
  onefold_context_options options;
  if (status || !o->fewer) return status;
  return make_context(session, o->fewer, &options, &session->fewer_tilings, NULL, 0,
                      &session->fewer);
}

onefold_status onefold_bench_session_context(const bench_session *session,
                                             onefold_context **context) {
  return onefold_context_create(&session->context_options, context);
}

/// Twice what all caches hold, so that reading it leaves nothing else.
static int make_eviction(bench_session *session) {
  if (session->options->cold == BENCH_COLD_NONE && !session->options->layers)
    return ONEFOLD_EXIT_OK;
  const onefold_machine *m = &session->machine;
  const size_t caches = (size_t)(m->l1d_bytes + m->l2_bytes + m->l3_bytes);
  const size_t bytes = 2 * (caches ? caches : (size_t)32 << 20);
  session->eviction_floats = bytes / sizeof(float);
  session->eviction = malloc(bytes);
  if (!session->eviction) {
    return say(session->options, ONEFOLD_EXIT_FAILURE, "no memory for %zu bytes", bytes);
  }
  for (size_t i = 0; i < session->eviction_floats; i++) session->eviction[i] = 0.0f;
  return ONEFOLD_EXIT_OK;
}

static void release(bench_session *session) {
  free(session->eviction);
  onefold_context_destroy(session->fewer);
  onefold_bench_tilings_free(&session->fewer_tilings);
  onefold_context_destroy(session->context);
  onefold_bench_tilings_free(&session->tilings);
}

int onefold_bench_session_open(bench_session *session, const bench_options *options) {
  *session = (bench_session){.options = options};
  if (onefold_machine_query(&session->machine) != ONEFOLD_OK) {
    return say(options, ONEFOLD_EXIT_FAILURE, "the machine cannot be queried");
  }
  onefold_bench_catch_interrupt();
  onefold_bench_pin(options->threads, session->pinned, sizeof session->pinned);
  int status = make_contexts(session);
  if (!status) status = make_eviction(session);
  char error[256] = "";
  if (!status) {
    const int opened = onefold_gbench_open(options->flags, options->flag_count, options->json,
                                           &session->gbench, error, sizeof error);
    if (opened) {
      status = say(options,
                   opened == ONEFOLD_GBENCH_BAD_FLAG ? ONEFOLD_EXIT_USAGE : ONEFOLD_EXIT_FAILURE,
                   "%s", error);
    }
  }
  if (status) {
    release(session);
    return status;
  }
  session->out = onefold_gbench_owns_stdout(session->gbench) ? stderr : stdout;
  if (onefold_gbench_is_listing(session->gbench)) return ONEFOLD_EXIT_OK;
  session->peak.struct_size = sizeof session->peak;
  const onefold_status measured = onefold_measure_peak(session->context, &session->peak);
  if (measured != ONEFOLD_OK) {
    onefold_bench_session_fail(session, "peaks", measured);
    return onefold_bench_session_close(session);
  }
  onefold_bench_header(session);
  return ONEFOLD_EXIT_OK;
}

static int worse(bench_session *session, onefold_exit status) {
  if (session->status == ONEFOLD_EXIT_OK) session->status = status;
  return status;
}

int onefold_bench_session_fail(bench_session *session, const char *what, onefold_status status) {
  char sentence[512];
  onefold_context_last_error(session->context, sentence, sizeof sentence);
  if (!sentence[0]) onefold_context_last_error(session->fewer, sentence, sizeof sentence);
  onefold_bench_progress_clear(&session->progress);
  const int usage = status == ONEFOLD_INVALID_ARGUMENT || status == ONEFOLD_SHAPE_MISMATCH ||
                    status == ONEFOLD_OVERFLOW;
  return worse(session, (onefold_exit)say(
                            session->options, usage ? ONEFOLD_EXIT_USAGE : ONEFOLD_EXIT_FAILURE,
                            "%s: %s (%s)", what, sentence[0] ? sentence : "no reason was given",
                            onefold_status_name(status)));
}

void onefold_bench_session_wrong(bench_session *session, const char *what, double error) {
  onefold_bench_progress_clear(&session->progress);
  worse(session, (onefold_exit)say(session->options, ONEFOLD_EXIT_WRONG,
                                   "%s: largest error %.2e of the largest value, allowed %.0e",
                                   what, error, BENCH_ERROR_LIMIT));
}

int onefold_bench_session_goes_on(const bench_session *session) {
  return !session->broken && !onefold_bench_interrupted();
}

int onefold_bench_session_close(bench_session *session) {
  if (onefold_bench_interrupted()) {
    onefold_bench_progress_clear(&session->progress);
    worse(session,
          (onefold_exit)say(session->options, ONEFOLD_EXIT_FAILURE, "interrupted after %zu of %zu",
                            session->progress.done, session->progress.total));
  }
  if (session->status == ONEFOLD_EXIT_OK && !session->refused &&
      !onefold_gbench_is_listing(session->gbench) && !onefold_gbench_has_run(session->gbench)) {
    worse(session, (onefold_exit)say(session->options, ONEFOLD_EXIT_USAGE,
                                     "no case matches --benchmark_filter"));
  }
  if (onefold_gbench_close(session->gbench)) {
    worse(session, (onefold_exit)say(session->options, ONEFOLD_EXIT_FAILURE,
                                     "the JSON could not be written"));
  }
  release(session);
  return session->status;
}

void onefold_bench_session_chill(bench_session *session, bench_cold cold, const float *input,
                                 size_t input_floats, const float *output, size_t output_floats) {
  if (cold == BENCH_COLD_NONE) return;
  onefold_touch(session->context, session->eviction, session->eviction_floats);
  if (cold == BENCH_COLD_ALL) return;
  onefold_touch(session->context, input, input_floats);
  onefold_touch(session->context, output, output_floats);
}

void onefold_bench_count(onefold_gbench_case *c, const char *name, double value, int per_second) {
  for (size_t i = 0; i < ONEFOLD_GBENCH_COUNTERS; i++) {
    if (c->counters[i].name) continue;
    c->counters[i] = (onefold_gbench_counter){name, value, per_second};
    return;
  }
}

void onefold_bench_count_rate(onefold_gbench_case *c, double flops, double bytes) {
  onefold_bench_count(c, "flops", flops, 0);
  onefold_bench_count(c, "bytes", bytes, 0);
  onefold_bench_count(c, "gflops", flops * 1e-9, 1);
}

void onefold_bench_count_work(const bench_session *session, onefold_gbench_case *c, double flops,
                              double bytes) {
  const onefold_peak *peak = &session->peak;
  onefold_bench_count_rate(c, flops, bytes);
  onefold_bench_count(c, "percent_peak", 100e-9 * flops / peak->threads_gflops, 1);
  onefold_bench_count(c, "percent_bandwidth", 100e-9 * bytes / peak->dram.read_gbs, 1);
}

void onefold_bench_count_copy(const bench_session *session, onefold_gbench_case *c, double bytes) {
  const onefold_peak *p = &session->peak;
  const double best = bytes <= (double)p->l2.bytes   ? p->l2.copy_gbs
                      : bytes <= (double)p->l3.bytes ? p->l3.copy_gbs
                                                     : p->dram.copy_gbs;
  onefold_bench_count(c, "percent_bandwidth", 100e-9 * bytes / best, 1);
}
