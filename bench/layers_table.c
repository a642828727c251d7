// SPDX-License-Identifier: BSD-3-Clause
// The layers of a network as a table, and how their sum compares with the run.
#include "bench/layers.h"

#include <string.h>

static const bench_column columns[] = {
    {"#", 4},      {"layer", -36}, {"operator", -13}, {"algorithm", -11}, {"median", 8},
    {"spread", 7}, {"share", 7},   {"GFLOP/s", 8},    {"of peak", 8},     {"alone, cold", 11}};
#define COLUMNS (sizeof columns / sizeof columns[0])

static double peak_of(const bench_layers *l) {
  const double peak = l->model->forms[l->form].stat.peak;
  return peak > 0 ? peak : l->model->session->peak.threads_gflops;
}

static void print_layer(const bench_layers *l, size_t i) {
  const bench_layer *layer = &l->items[i];
  const onefold_exec_step *s = &layer->step;
  const bench_cell none = onefold_bench_cell("%s", "");
  const double gflops = 2e-9 * s->macs / layer->stat.median;
  bench_cell algorithm = none;
  for (size_t k = 0; k < s->conv_count; k++)
    algorithm =
        onefold_bench_cell("%s%s%s", algorithm.text, k ? "+" : "", s->convs[k].plan.algorithm);
  const bench_cell cells[COLUMNS] = {
      onefold_bench_cell("%zu", i + 1),
      onefold_bench_cell("%.36s", s->name),
      onefold_bench_cell("%s", s->op),
      algorithm,
      onefold_bench_cell_time(layer->stat),
      onefold_bench_cell_spread(layer->stat),
      onefold_bench_cell("%.1f %%", 100 * layer->share),
      s->macs > 0 ? onefold_bench_cell("%.1f", gflops) : none,
      s->macs > 0 ? onefold_bench_cell("%.1f %%", 100 * gflops / peak_of(l)) : none,
      layer->alone.count ? onefold_bench_cell_time(layer->alone) : none,
  };
  onefold_bench_table_row(l->model->session->out, columns, COLUMNS, cells);
}

void onefold_bench_layers_print(const bench_layers *l) {
  FILE *out = l->model->session->out;
  bench_stat medians = {.count = 1}, alone = {.count = 1};
  fprintf(out, "\n%s, layer by layer: medians of %zu rounds of whole runs\n", l->name, l->rounds);
  onefold_bench_table_head(out, columns, COLUMNS);
  for (size_t i = 0; i < l->count; i++) {
    const bench_layer *layer = &l->items[i];
    print_layer(l, i);
    medians.median += layer->stat.median;
    alone.median += layer->alone.count ? layer->alone.median : layer->stat.median;
  }
  fprintf(out,
          "the run %s; with clocks %s; sum of the layers' medians %s; of the convolutions alone "
          "with cold weights, and the rest %s (the run is %s of it)\n",
          onefold_bench_cell_time(l->run).text, onefold_bench_cell_time(l->steps).text,
          onefold_bench_cell_time(medians).text, onefold_bench_cell_time(alone).text,
          onefold_bench_cell_ratio(l->run, alone).text);
  fflush(out);
}
