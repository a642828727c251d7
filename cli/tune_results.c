// SPDX-License-Identifier: BSD-3-Clause
// What tuning found, as Google Benchmark writes results: facts of the machine, and two rows a
// problem.
#include "cli/tune_results.h"

#include "bench/header.h"
#include "bench/text.h"

#include <string.h>
#include <time.h>

// ------------------------------------------------------------------ context

/// Numbers are texts there, too.
static int fact(json_t *context, const char *key, const char *value) {
  return json_object_set_new(context, onefold_bench_cell("onefold_%s", key).text,
                             json_string(value));
}

static int numbers(json_t *context, const onefold_machine *m, const onefold_peak *p) {
  double spread;
  const int noisy = onefold_bench_is_noisy(m, p, &spread);
  const struct {
    const char *key;
    double value;
    int is_known;
  } all[] = {
      {"threads", p->threads, 1},
      {"cpu_quota", m->cpu_quota, 1},
      {"load", m->load, 1},
      {"core_gflops", p->core_gflops, 1},
      {"peak_gflops", p->threads_gflops, 1},
      {"fma_spread", spread, 1},
      {"handover_ns", p->handover_ns, p->handover_ns > 0},
      {"l2_read_gbs", p->l2.read_gbs, p->l2.bytes > 0},
      {"l3_read_gbs", p->l3.read_gbs, p->l3.bytes > 0},
      {"dram_read_gbs", p->dram.read_gbs, p->dram.bytes > 0},
  };
  int failed = fact(context, "noisy", noisy ? "true" : "false");
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    if (all[i].is_known)
      failed |= fact(context, all[i].key, onefold_bench_cell("%.6g", all[i].value).text);
  }
  return failed;
}

static json_t *caches(const onefold_machine *m) {
  const struct {
    const char *type;
    int level;
    int64_t bytes;
  } all[] = {{"Data", 1, m->l1d_bytes}, {"Unified", 2, m->l2_bytes}, {"Unified", 3, m->l3_bytes}};
  json_t *array = json_array();
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    if (all[i].bytes > 0)
      json_array_append_new(array, json_pack("{s:s, s:i, s:I}", "type", all[i].type, "level",
                                             all[i].level, "size", (json_int_t)all[i].bytes));
  }
  return array;
}

static json_t *make_context(const cli_tune_results *r) {
  static const char *const cold[ONEFOLD_SITUATION_COUNT] = {
      [ONEFOLD_WARM] = "none", [ONEFOLD_COLD] = "wei", [ONEFOLD_IN_PLACE] = "whole runs"};
  onefold_machine m;
  char date[32];
  struct tm at;
  const time_t now = time(NULL);
  if (onefold_machine_query(&m) != ONEFOLD_OK || !gmtime_r(&now, &at)) return NULL;
  strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S+00:00", &at);
  json_t *context = json_pack("{s:s, s:i, s:o}", "date", date, "num_cpus", (int)m.logical_cores,
                              "caches", caches(&m));
  const struct {
    const char *key, *value;
  } all[] = {
      {"version", onefold_version()},
      {"cpu", m.cpu},
      {"isa", onefold_isa_name(onefold_context_isa(r->context))},
      {"accuracy", onefold_accuracy_name(onefold_context_accuracy(r->context))},
      {"affinity", m.affinity},
      {"pinning", r->pinned},
      {"governor", m.governor},
      {"cold_cache", cold[r->situation]},
  };
  int failed = !context || numbers(context, &m, r->peak);
  for (size_t i = 0; i < sizeof all / sizeof all[0] && !failed; i++) {
    failed = fact(context, all[i].key, all[i].value);
  }
  if (!failed) return context;
  json_decref(context);
  return NULL;
}

// --------------------------------------------------------------------- rows

/// A median that the tuner took; `subject` is "PROBLEM".
static int add(json_t *array, const char *subject, const char *role, int threads, double ns) {
  char name[600], whole[620];
  snprintf(name, sizeof name, "tune/%s/%s/threads:%d", subject, role, threads);
  snprintf(whole, sizeof whole, "%s_median", name);
  return json_array_append_new(
      array, json_pack("{s:s, s:s, s:s, s:s, s:i, s:f, s:f, s:s}", "name", whole, "run_name", name,
                       "run_type", "aggregate", "aggregate_name", "median", "threads", threads,
                       "real_time", ns, "cpu_time", ns, "time_unit", "ns"));
}

static int add_both(json_t *array, const char *subject, int threads, double default_ns,
                    double median_ns) {
  return add(array, subject, "default", threads, default_ns) ||
         add(array, subject, "tuned", threads, median_ns);
}

/// The problem, and what else tells rows of a record apart, as far as it is not the usual.
static void print_subject(const onefold_record_key *key, const onefold_context *usual, char *text,
                          size_t size) {
  cli_subject problem;
  const int accuracy = key->accuracy != onefold_context_accuracy(usual);
  const int isa = onefold_record_key_isa(key), level = isa != (int)onefold_context_isa(usual);
  onefold_cli_subject(key, problem);
  snprintf(text, size, "%s%s%s%s%s", problem, accuracy ? "/" : "",
           accuracy ? onefold_accuracy_name(key->accuracy) : "", level ? "/" : "",
           level ? onefold_isa_name((onefold_isa)isa) : "");
}

/// The largest gains first.
static json_t *make_rows(const cli_tune_results *r) {
  json_t *array = json_array();
  int failed = !array;
  if (!failed && r->graph && r->default_ns > 0 && r->median_ns > 0)
    failed =
        add_both(array, r->graph, onefold_context_threads(r->context), r->default_ns, r->median_ns);
  for (size_t i = r->gains->count; i-- > 0 && !failed;) {
    const cli_gain *g = &r->gains->one[i];
    char subject[sizeof(cli_subject) + 48];
    print_subject(&g->key, r->context, subject, sizeof subject);
    failed = add_both(array, subject, g->key.threads, g->default_ns, g->median_ns);
  }
  if (!failed) return array;
  json_decref(array);
  return NULL;
}

json_t *onefold_cli_tune_results(json_t *root, const cli_tune_results *results) {
  if (root && json_object_set_new(root, "context", make_context(results)) == 0 &&
      json_object_set_new(root, "benchmarks", make_rows(results)) == 0)
    return root;
  json_decref(root);
  return NULL;
}
