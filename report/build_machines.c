// SPDX-License-Identifier: BSD-3-Clause
// What the files were measured on: a table with a column for each file.
#include "report/group.h"
#include "report/sections.h"
#include "report/text.h"

#include <math.h>
#include <string.h>

#define MOST_FILES (REPORT_COLUMNS - 1) // that have a column

static const char *no_more(report_arena *arena, const report_file *f) {
  (void)arena;
  (void)f;
  return "";
}

static const char *file_name(report_arena *arena, const report_file *f) {
  (void)arena;
  const char *slash = strrchr(f->path, '/');
  return slash ? slash + 1 : f->path;
}

static const char *caches(report_arena *arena, const report_file *f) {
  const json_t *all = json_object_get(f->context, "caches"), *cache;
  const char *text = "";
  size_t i;
  json_array_foreach(all, i, cache) {
    const char *type = json_string_value(json_object_get(cache, "type"));
    const json_int_t level = json_integer_value(json_object_get(cache, "level"));
    const json_int_t size = json_integer_value(json_object_get(cache, "size"));
    if (!type || strcmp(type, "Instruction") == 0 || size <= 0 || i >= 16) continue;
    text = onefold_report_format(arena, "%s%sL%d %s", text, text[0] ? ", " : "", (int)level,
                                 onefold_report_bytes((double)size).text);
  }
  return text;
}

static const char *threads(report_arena *arena, const report_file *f) {
  if (!f->threads) return "";
  const char *pinning = onefold_report_fact(f, "pinning");
  return onefold_report_format(arena, "%d%s%s", f->threads, pinning[0] ? ", " : "", pinning);
}

static const char *peak(report_arena *arena, const report_file *f) {
  if (!isfinite(f->peak_gflops)) return "";
  if (f->threads <= 1 || !isfinite(f->core_gflops)) {
    return onefold_report_format(arena, "%s", onefold_report_rate(f->peak_gflops).text);
  }
  return onefold_report_format(arena, "%s, %s on one core",
                               onefold_report_rate(f->peak_gflops).text,
                               onefold_report_rate(f->core_gflops).text);
}

static const char *handover(report_arena *arena, const report_file *f) {
  const char *ns = onefold_report_fact(f, "handover_ns");
  return ns[0] ? onefold_report_format(arena, "%s ns", ns) : "";
}

static const char *bandwidths(report_arena *arena, const report_file *f) {
  const struct {
    const char *name;
    double gbs;
  } levels[] = {{"L2", f->l2_gbs}, {"L3", f->l3_gbs}, {"DRAM", f->dram_gbs}};
  const char *text = "";
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
    if (!isfinite(levels[i].gbs)) continue;
    text = onefold_report_format(arena, "%s%s%s %s", text, text[0] ? ", " : "", levels[i].name,
                                 onefold_report_number(levels[i].gbs).text);
  }
  return text[0] ? onefold_report_format(arena, "%s GB/s", text) : "";
}

static const char *caching(report_arena *arena, const report_file *f) {
  (void)arena;
  const char *cold = onefold_report_fact(f, "cold_cache");
  return strcmp(cold, "none") == 0  ? "weights and images warm in cache"
         : strcmp(cold, "wei") == 0 ? "cold weights, warm images"
         : strcmp(cold, "all") == 0 ? "cold weights and images"
                                    : cold;
}

static const char *quota(report_arena *arena, const report_file *f) {
  const char *cores = onefold_report_fact(f, "cpu_quota");
  if (!cores[0]) return "";
  return strcmp(cores, "0") == 0 ? "none" : onefold_report_format(arena, "%s cores", cores);
}

/// A line of the header: a fact of that key as it is, or what a function says.
static const struct {
  const char *title, *key;
  const char *(*text)(report_arena *arena, const report_file *file);
} lines[] = {
    {"file", NULL, file_name},
    {"CPU", "cpu", NULL},
    {"instructions", "isa", NULL},
    {"caches", NULL, caches},
    {"threads", NULL, threads},
    {"affinity", "affinity", NULL},
    {"CPU quota", NULL, quota},
    {"governor", "governor", NULL},
    {"load", "load", NULL},
    {"FMA peak, measured", NULL, peak},
    {"read bandwidth, measured", NULL, bandwidths},
    {"cache line from core to core", NULL, handover},
    {"timed with", NULL, caching},
    {"accuracy class", "accuracy", NULL},
    {"weights", "weights", NULL},
    {"oneDNN", "onednn", NULL},
    {"XNNPACK", "xnnpack", NULL},
    {"ONNX Runtime", "ort", NULL},
    {"PyTorch", "torch", NULL},
    {"Onefold", "version", NULL},
    {"date", "date", NULL},
};

/// "AMD EPYC, avx512, 1 thread: FMA peak 118 GFLOP/s; L2 107, L3 80, DRAM 27 GB/s".
static void add_setup(report_document *document, const report_file *f) {
  report_arena *arena = &document->data->arena;
  const char *cpu = onefold_report_fact(f, "cpu");
  if (!cpu[0]) return;
  const char *name = onefold_report_format(arena, "%s, %s", cpu,
                                           onefold_report_setting(document->data, f, f->threads));
  for (size_t i = 0; i < document->setup_count; i++) {
    const size_t length = strlen(name);
    if (strncmp(document->setups[i], name, length) == 0 && document->setups[i][length] == ':') {
      return; // the first run of this setting speaks for all
    }
  }
  const char **setup = onefold_report_push(arena, &document->setups, &document->setup_count,
                                           sizeof *document->setups);
  const char *rate = peak(arena, f), *rates = bandwidths(arena, f);
  if (!setup) return;
  *setup = onefold_report_format(arena, "%s:%s%s%s%s", name, rate[0] ? " FMA peak " : "", rate,
                                 rates[0] ? "; read " : "", rates);
}

void onefold_report_build_machines(report_document *document) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  const size_t files = data->file_count < MOST_FILES ? data->file_count : MOST_FILES;
  onefold_report_column(&document->machines, "", 1);
  for (size_t i = 0; i < files; i++) onefold_report_column(&document->machines, "", 1);
  for (size_t k = 0; k < sizeof lines / sizeof lines[0]; k++) {
    const char *cells[MOST_FILES];
    int any = 0;
    for (size_t i = 0; i < files; i++) {
      const report_file *f = data->files[i];
      cells[i] = (lines[k].text ? lines[k].text : no_more)(arena, f);
      if (lines[k].key) cells[i] = onefold_report_fact(f, lines[k].key);
      any |= cells[i][0] != 0;
    }
    const char **row = any ? onefold_report_add_row(arena, &document->machines) : NULL;
    if (!row) continue;
    row[0] = lines[k].title;
    memcpy(row + 1, cells, files * sizeof *cells);
  }
  for (size_t i = 0; i < files; i++) add_setup(document, data->files[i]);
  size_t noisy = 0;
  for (size_t i = 0; i < data->file_count; i++) noisy += (size_t)data->files[i]->noisy;
  if (noisy) {
    document->warning = onefold_report_format(
        arena,
        "The machine was noisy in %zu of %zu file%s: its FMA loop varied by more than 3 percent, "
        "or its load was high. Only ratios of sides that ran interleaved mean something.",
        noisy, data->file_count, data->file_count == 1 ? "" : "s");
  }
}
