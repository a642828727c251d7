// SPDX-License-Identifier: BSD-3-Clause
// The machine's part of a report's header: what it is, how it was set up, what it reaches.
#include "bench/header.h"

#include <stdarg.h>

// Above these the machine is called noisy: spread of the FMA loop, load per core.
#define NOISY_SPREAD 0.03
#define NOISY_LOAD   0.5

void onefold_bench_session_note(bench_session *session, const char *key, const char *format, ...) {
  if (onefold_gbench_is_listing(session->gbench)) return;
  char text[512];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  fprintf(session->out, "  %-10s %s\n", key, text);
  onefold_gbench_context(session->gbench, key, text);
}

static void fact(const bench_session *session, const char *key, double value) {
  onefold_gbench_context(session->gbench, key, onefold_bench_cell("%.6g", value).text);
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
    fact(session, levels[i].read_key, levels[i].level->read_gbs);
    fact(session, levels[i].copy_key, levels[i].level->copy_gbs);
    separator = "; ";
  }
  fputc('\n', session->out);
}

static void warn_when_noisy(bench_session *session) {
  const onefold_machine *m = &session->machine;
  const onefold_peak *p = &session->peak;
  const double spread = p->threads_spread > p->core_spread ? p->threads_spread : p->core_spread;
  if (spread <= NOISY_SPREAD && m->load <= NOISY_LOAD * m->logical_cores) return;
  fprintf(session->out,
          "  %-10s this machine is noisy: the FMA loop varies by %.1f %%, load %.2f on %d cores\n",
          "WARNING", 100 * spread, m->load, (int)m->logical_cores);
  onefold_gbench_context(session->gbench, "noisy", "true");
}

void onefold_bench_header(bench_session *session) {
  const onefold_machine *m = &session->machine;
  const onefold_peak *p = &session->peak;
  const bench_options *o = session->options;
  char quota[32] = "none";
  if (m->cpu_quota > 0) snprintf(quota, sizeof quota, "%.2f cores", m->cpu_quota);

  fprintf(session->out, "onefold %s\n", onefold_version());
  onefold_gbench_context(session->gbench, "onefold", onefold_version());
  onefold_bench_session_note(session, "cpu", "%s (%s %d/%d/%d)", m->cpu, m->vendor, (int)m->family,
                             (int)m->model, (int)m->stepping);
  onefold_bench_session_note(session, "isa", "%s, channel blocks of %d",
                             onefold_isa_name(onefold_context_isa(session->context)),
                             (int)onefold_context_block(session->context));
  onefold_bench_session_note(session, "cores", "%d physical, %d logical; affinity %s, quota %s",
                             (int)m->physical_cores, (int)m->logical_cores, m->affinity, quota);
  onefold_bench_session_note(session, "caches", "L1d %s, L2 %s, L3 %s for %d logical cores",
                             onefold_bench_cell_bytes((double)m->l1d_bytes).text,
                             onefold_bench_cell_bytes((double)m->l2_bytes).text,
                             onefold_bench_cell_bytes((double)m->l3_bytes).text, (int)m->l3_cores);
  onefold_bench_session_note(session, "governor", "%s; load %.2f",
                             m->governor[0] ? m->governor : "unknown", m->load);
  onefold_bench_session_note(session, "threads", "%d, %s", (int)o->threads, session->pinned);
  onefold_bench_session_note(session, "peak", "%.1f GFLOP/s on one core, %.1f on %d",
                             p->core_gflops, p->threads_gflops, (int)p->threads);
  fact(session, "peak_gflops", p->threads_gflops);
  bandwidths(session);
  onefold_bench_session_note(session, "timed with",
                             o->cold == BENCH_COLD_NONE      ? "weights and images warm in cache"
                             : o->cold == BENCH_COLD_WEIGHTS ? "cold weights, warm images"
                                                             : "cold weights and images");
  onefold_gbench_context(session->gbench, "cold_cache", onefold_bench_cold_name(o->cold));
  warn_when_noisy(session);
}
