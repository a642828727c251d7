// SPDX-License-Identifier: BSD-3-Clause
// onefold info: the machine, the kernels that are used on it, its measured peaks.
#include "cli/commands.h"
#include "cli/options.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct info_options {
  int json, measure;
  int32_t threads;
} info_options;

static const struct argp_option argp_options[] = {
    {"json", 'j', NULL, 0, "As JSON", 0},
    {"no-measure", 'n', NULL, 0, "Leave the peaks out", 0},
    {"threads", 't', "N", 0, "Threads to measure with (default: the usable cores)", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *text, struct argp_state *state) {
  info_options *o = state->input;
  switch (key) {
  case 'j':
    o->json = 1;
    return 0;
  case 'n':
    o->measure = 0;
    return 0;
  case 't':
    o->threads = (int32_t)onefold_argument_number(state, "threads", text, 1, ONEFOLD_MAX_THREADS);
    return 0;
  case ARGP_KEY_ARG:
    argp_error(state, "%s: no argument is expected", text);
    return EINVAL;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

// ------------------------------------------------------------------ as JSON

static json_t *machine_json(const onefold_machine *m) {
  return json_pack(
      "{s:s, s:s, s:i, s:i, s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:f, s:i,"
      " s:I, s:I, s:I, s:i, s:i, s:I, s:s, s:s, s:f}",
      "cpu", m->cpu, "vendor", m->vendor, "family", (int)m->family, "model", (int)m->model,
      "stepping", (int)m->stepping, "isa", onefold_isa_name(m->isa), "capped_isa",
      onefold_isa_name(m->capped_isa), "features", m->features, "packages", (int)m->packages,
      "numa_nodes", (int)m->numa_nodes, "physical_cores", (int)m->physical_cores, "logical_cores",
      (int)m->logical_cores, "allowed_cores", (int)m->allowed_cores, "cpu_quota", m->cpu_quota,
      "usable_cores", (int)m->usable_cores, "l1d_bytes", (json_int_t)m->l1d_bytes, "l2_bytes",
      (json_int_t)m->l2_bytes, "l3_bytes", (json_int_t)m->l3_bytes, "l2_cores", (int)m->l2_cores,
      "l3_cores", (int)m->l3_cores, "memory_bytes", (json_int_t)m->memory_bytes, "governor",
      m->governor, "affinity", m->affinity, "load", m->load);
}

static json_t *bandwidth_json(const onefold_bandwidth *b) {
  return json_pack("{s:I, s:f, s:f}", "bytes", (json_int_t)b->bytes, "read_gbs", b->read_gbs,
                   "copy_gbs", b->copy_gbs);
}

static json_t *peak_json(const onefold_peak *p) {
  return json_pack("{s:i, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:o}", "threads", (int)p->threads,
                   "core_gflops", p->core_gflops, "threads_gflops", p->threads_gflops,
                   "core_spread", p->core_spread, "threads_spread", p->threads_spread,
                   "handover_ns", p->handover_ns, "l2", bandwidth_json(&p->l2), "l3",
                   bandwidth_json(&p->l3), "dram", bandwidth_json(&p->dram));
}

static void add_kernel_json(void *user, const char *op, const char *kernel, onefold_isa isa) {
  json_t *ops = user, *rows = json_object_get(ops, op);
  if (!rows) {
    rows = json_array();
    json_object_set_new(ops, op, rows);
  }
  json_array_append_new(rows,
                        json_pack("{s:s, s:s}", "kernel", kernel, "isa", onefold_isa_name(isa)));
}

static int print_json(onefold_context *context, const onefold_machine *m,
                      const onefold_peak *peak) {
  json_t *kernels = json_object();
  onefold_context_visit_kernels(context, add_kernel_json, kernels);
  json_t *root =
      json_pack("{s:s, s:o, s:{s:s, s:i, s:i}, s:o}", "version", onefold_version(), "machine",
                machine_json(m), "context", "isa", onefold_isa_name(onefold_context_isa(context)),
                "block", (int)onefold_context_block(context), "threads",
                (int)onefold_context_threads(context), "kernels", kernels);
  if (root && peak) json_object_set_new(root, "peak", peak_json(peak));
  const int failed =
      !root || json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) || puts("") < 0;
  json_decref(root);
  if (!failed) return ONEFOLD_EXIT_OK;
  fputs("onefold info: the JSON could not be written\n", stderr);
  return ONEFOLD_EXIT_FAILURE;
}

// ------------------------------------------------------------------ as text

static void print_machine(const onefold_machine *m) {
  char quota[32] = "none";
  if (m->cpu_quota > 0) snprintf(quota, sizeof quota, "%.2f cores", m->cpu_quota);
  printf("  cpu        %s (%s %d/%d/%d)\n", m->cpu, m->vendor, (int)m->family, (int)m->model,
         (int)m->stepping);
  printf("  features   %s\n", m->features);
  printf("  isa        %s; %s after ONEFOLD_MAX_ISA\n", onefold_isa_name(m->isa),
         onefold_isa_name(m->capped_isa));
  printf("  cores      %d physical, %d logical; %d packages, %d NUMA nodes\n",
         (int)m->physical_cores, (int)m->logical_cores, (int)m->packages, (int)m->numa_nodes);
  printf("  usable     %d: affinity %s (%d), quota %s\n", (int)m->usable_cores, m->affinity,
         (int)m->allowed_cores, quota);
  printf("  caches     L1d %lld KiB, L2 %lld KiB for %d, L3 %lld KiB for %d logical cores\n",
         (long long)(m->l1d_bytes >> 10), (long long)(m->l2_bytes >> 10), (int)m->l2_cores,
         (long long)(m->l3_bytes >> 10), (int)m->l3_cores);
  printf("  memory     %lld MiB\n", (long long)(m->memory_bytes >> 20));
  printf("  governor   %s; load %.2f\n", m->governor[0] ? m->governor : "unknown", m->load);
}

static void print_bandwidth(const char *name, const onefold_bandwidth *b) {
  if (!b->bytes) return;
  printf("  %-10s read %.1f GB/s, copy %.1f GB/s, through %zu KiB\n", name, b->read_gbs,
         b->copy_gbs, b->bytes >> 10);
}

static void print_peak(const onefold_peak *p) {
  printf("\nMeasured on %d thread%s\n", (int)p->threads, p->threads > 1 ? "s" : "");
  printf("  peak       %.1f GFLOP/s on one core (spread %.1f %%), %.1f on all (%.1f %%)\n",
         p->core_gflops, 100 * p->core_spread, p->threads_gflops, 100 * p->threads_spread);
  if (p->handover_ns > 0)
    printf("  handover   %.0f ns for a cache line from core to core\n", p->handover_ns);
  print_bandwidth("L2", &p->l2);
  print_bandwidth("L3", &p->l3);
  print_bandwidth("DRAM", &p->dram);
}

static void print_kernel(void *user, const char *op, const char *kernel, onefold_isa isa) {
  const char **last = user;
  (void)isa;
  printf("  %-18s %s\n", *last && strcmp(*last, op) == 0 ? "" : op, kernel);
  *last = op;
}

static int print_text(onefold_context *context, const onefold_machine *m,
                      const onefold_peak *peak) {
  printf("onefold %s\n", onefold_version());
  print_machine(m);
  if (peak) print_peak(peak);
  printf("\nKernels at %s, channel blocks of %d\n", onefold_isa_name(onefold_context_isa(context)),
         (int)onefold_context_block(context));
  const char *last = NULL;
  onefold_context_visit_kernels(context, print_kernel, &last);
  return ONEFOLD_EXIT_OK;
}

int onefold_cli_info(int argc, char **argv) {
  static const struct argp argp = {
      argp_options,
      parse_option,
      NULL,
      "Prints what this machine has, which kernels are used on it, and its measured peaks."
      "\vExit codes: 0 done; 1 it could not be done; 2 a bad option.",
      NULL,
      NULL,
      NULL};
  info_options o = {.measure = 1};
  if (argp_parse(&argp, argc, argv, 0, NULL, &o)) return ONEFOLD_EXIT_FAILURE;

  onefold_machine machine;
  onefold_context *context = NULL;
  onefold_peak peak = {.struct_size = sizeof peak};
  const onefold_context_options options = {.struct_size = sizeof options, .threads = o.threads};
  onefold_status status = onefold_machine_query(&machine);
  if (status == ONEFOLD_OK) status = onefold_context_create(&options, &context);
  if (status == ONEFOLD_OK && o.measure) status = onefold_measure_peak(context, &peak);
  int code = ONEFOLD_EXIT_FAILURE;
  if (status != ONEFOLD_OK) {
    char sentence[512] = "";
    onefold_context_last_error(context, sentence, sizeof sentence);
    fprintf(stderr, "%s: %s %s\n", argv[0], onefold_status_name(status), sentence);
  } else {
    code = (o.json ? print_json : print_text)(context, &machine, o.measure ? &peak : NULL);
  }
  onefold_context_destroy(context);
  return code;
}
