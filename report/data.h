// SPDX-License-Identifier: BSD-3-Clause
// What the benchmarks' JSON files hold: facts of a run, and rows.
#ifndef ONEFOLD_REPORT_DATA_H
#define ONEFOLD_REPORT_DATA_H

#include "report/arena.h"
#include "report/role.h"

#include <jansson.h>
#include <stdint.h>

/// One file; of one that is an array, as a fleet of machines writes it, one of its objects.
typedef struct report_file {
  const char *path;
  json_t *root; // owns the strings
  const json_t *context;
  size_t index; // among the files
  // Of the machine, as measured; NAN where the file does not say.
  double core_gflops, peak_gflops, l2_gbs, l3_gbs, dram_gbs;
  double fma_spread; // of the FMA loop: (best - median)/best
  int threads;
  int noisy;
} report_file;

/// Counters that a row may have: NAN where it has not.
typedef enum report_counter {
  REPORT_FLOPS,
  REPORT_BYTES,
  REPORT_PERCENT_PEAK,
  REPORT_MAX_ERROR,
  REPORT_RELATIVE_ERROR,
  REPORT_LARGEST_ERROR,
  REPORT_CHOSEN, // of a pair: 1 where a graph makes one operator of it
  REPORT_COUNTERS
} report_counter;

/// All repetitions of one case.
typedef struct report_row {
  const report_file *file;
  const char *text; // the whole name
  report_name name;
  const char *label; // "" where there is none, as are these, which it says
  const char *place; // of a block in a network, of a layer: "RepVGG-A0 stage1.1"
  const char *operation, *layer_problem; // of a layer: "conv", "mb1ic64..."
  const char *algorithm;                 // of a convolution, a layer's operation: "winograd4"
  double *samples;                       // seconds, sorted
  size_t count;                          // of samples; 0: a row without times
  double median;                         // NAN without times
  double low, high;                      // quartiles; both the median where there is one sample
  double counters[REPORT_COUNTERS];      // medians
} report_row;

typedef struct report_data {
  report_arena arena;
  report_file **files;
  size_t file_count;
  report_row *rows; // in the order of the files
  size_t row_count;
  char sentence[512]; // why the last call failed
} report_data;

/// Adds the rows of a file ("-" is the standard input). Non-zero after a sentence that names the
/// file and what is wrong with it; release in any case.
int onefold_report_read(report_data *data, const char *path);
/// The same for a text in memory, which `path` names.
int onefold_report_parse(report_data *data, const char *path, const char *text, size_t size);
void onefold_report_data_release(report_data *data);

/// Whether the row is a layer of a network inside its runs: its part is "layer:NUMBER".
int onefold_report_is_layer(const report_row *row);

/// Fills what the row's label says.
void onefold_report_read_label(report_arena *arena, report_row *row);

/// A fact of the context as text, without the key's prefix "onefold_"; "" where there is none.
const char *onefold_report_fact(const report_file *file, const char *key);

/// GFLOP/s of the median; NAN where the flops or the time is unknown.
double onefold_report_gflops(const report_row *row);
/// FLOPs for each byte that must move; NAN where either is unknown.
double onefold_report_intensity(const report_row *row);

#endif
