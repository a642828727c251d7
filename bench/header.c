// SPDX-License-Identifier: BSD-3-Clause
// The machine's part of a report's header: what it is, how it was set up, what it reaches.
#include "bench/header.h"

#include <stdarg.h>

// Above these the machine is called noisy: spread of the FMA loop, load per core.
#define NOISY_SPREAD 0.03
#define NOISY_LOAD   0.5

static void line(bench_session *session, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void line(bench_session *session, const char *label, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(session->out, "  %-10s ", label);
  vfprintf(session->out, format, args);
  fputc('\n', session->out);
  va_end(args);
}

/// Google Benchmark has keys of its own in the same object.
static void fact(const bench_session *session, const char *key, const char *value) {
  onefold_gbench_context(session->gbench, onefold_bench_cell("onefold_%s", key).text, value);
}

static void number(const bench_session *session, const char *key, double value) {
  fact(session, key, onefold_bench_cell("%.6g", value).text);
}

void onefold_bench_session_note(bench_session *session, const char *key, const char *format, ...) {
  if (onefold_gbench_is_listing(session->gbench)) return;
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  line(session, key, "%s", text);
  fact(session, key, text);
}

static void bandwidths(bench_session *session) {
  const onefold_peak *p = &session->peak;
  const struct {
    const char *name, *read_key, *copy_key;
    const onefold_bandwidth *level;
  } levels[] = {
      {"L2", "l2_read_gbs", "l2_copy_gbs", &p->l2},
      {"L3", "l3_read_gbs", "l3_copy_gbs", &p->l3},
      {"DRAM", "dram_read_gbs", "dram_copy_gbs", &p->dram},
  };
  fprintf(session->out, "  %-10s ", "GB/s");
  const char *separator = "";
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
    if (!levels[i].level->bytes) continue;
    fprintf(session->out, "%s%s read %.1f, copy %.1f", separator, levels[i].name,
            levels[i].level->read_gbs, levels[i].level->copy_gbs);
    number(session, levels[i].read_key, levels[i].level->read_gbs);
    number(session, levels[i].copy_key, levels[i].level->copy_gbs);
    separator = "; ";
  }
  fputc('\n', session->out);
}

int onefold_bench_is_noisy(const onefold_machine *m, const onefold_peak *p, double *spread) {
  *spread = p->threads_spread > p->core_spread ? p->threads_spread : p->core_spread;
  return *spread > NOISY_SPREAD || m->load > NOISY_LOAD * m->logical_cores;
}

static void warn_when_noisy(bench_session *session) {
  const onefold_machine *m = &session->machine;
  double spread;
  const int noisy = onefold_bench_is_noisy(m, &session->peak, &spread);
  number(session, "fma_spread", spread);
  fact(session, "noisy", noisy ? "true" : "false");
  if (!noisy) return;
  line(session, "WARNING",
       "this machine is noisy: the FMA loop varies by %.1f %%, load %.2f on %d cores", 100 * spread,
       m->load, (int)m->logical_cores);
}

void onefold_bench_header(bench_session *session) {
  static const char *const temperature[] = {
      [BENCH_COLD_NONE] = "weights and images warm in cache",
      [BENCH_COLD_WEIGHTS] = "cold weights, warm images",
      [BENCH_COLD_ALL] = "cold weights and images",
  };
  const onefold_machine *m = &session->machine;
  const onefold_peak *p = &session->peak;
  const bench_options *o = session->options;
  const char *isa = onefold_isa_name(onefold_context_isa(session->context));
  char quota[32] = "none";
  if (m->cpu_quota > 0) snprintf(quota, sizeof quota, "%.2f cores", m->cpu_quota);

  fprintf(session->out, "onefold %s\n", onefold_version());
  line(session, "cpu", "%s (%s %d/%d/%d)", m->cpu, m->vendor, (int)m->family, (int)m->model,
       (int)m->stepping);
  line(session, "isa", "%s, channel blocks of %d", isa,
       (int)onefold_context_block(session->context));
  line(session, "accuracy", "%s", onefold_accuracy_name(o->accuracy));
  line(session, "cores", "%d physical, %d logical; affinity %s, quota %s", (int)m->physical_cores,
       (int)m->logical_cores, m->affinity, quota);
  line(session, "caches", "L1d %s, L2 %s, L3 %s for %d logical cores",
       onefold_bench_cell_bytes((double)m->l1d_bytes).text,
       onefold_bench_cell_bytes((double)m->l2_bytes).text,
       onefold_bench_cell_bytes((double)m->l3_bytes).text, (int)m->l3_cores);
  line(session, "governor", "%s; load %.2f", m->governor[0] ? m->governor : "unknown", m->load);
  line(session, "threads", "%d, %s", (int)o->threads, session->pinned);
  line(session, "peak", "%.1f GFLOP/s on one core, %.1f on %d", p->core_gflops, p->threads_gflops,
       (int)p->threads);
  bandwidths(session);
  if (p->handover_ns > 0) {
    line(session, "handover", "%.0f ns for a cache line from core to core", p->handover_ns);
    fact(session, "handover_ns", onefold_bench_cell("%.0f", p->handover_ns).text);
  }
  line(session, "record", "%s", session->record);
  line(session, "timed", "with %s", temperature[o->cold]);

  fact(session, "version", onefold_version());
  fact(session, "cpu", m->cpu);
  fact(session, "isa", isa);
  fact(session, "accuracy", onefold_accuracy_name(o->accuracy));
  fact(session, "affinity", m->affinity);
  fact(session, "pinning", session->pinned);
  fact(session, "governor", m->governor);
  fact(session, "record", session->record);
  fact(session, "cold_cache", onefold_bench_cold_name(o->cold));
  number(session, "threads", o->threads);
  number(session, "cpu_quota", m->cpu_quota);
  number(session, "load", m->load);
  number(session, "core_gflops", p->core_gflops);
  number(session, "peak_gflops", p->threads_gflops);
  warn_when_noisy(session);
}
