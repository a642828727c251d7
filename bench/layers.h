// SPDX-License-Identifier: BSD-3-Clause
// The layers of a model inside its runs, by clocks between the steps; and each convolution by
// itself with cold weights.
#ifndef ONEFOLD_BENCH_LAYERS_H
#define ONEFOLD_BENCH_LAYERS_H

#include "bench/forms.h"

/// One step of a form's execution.
typedef struct bench_layer {
  onefold_exec_step step;
  char name[256], label[512]; // of its JSON row: NAME/layer:007/..., how it runs
  double *seconds;            // [rounds], of one run
  bench_stat stat;
  double share;     // of all steps, median over the rounds
  bench_stat alone; // its convolution by itself; count 0 where it is none
} bench_layer;

typedef struct bench_layers {
  bench_model *model;
  int form;
  char name[224]; // "net/repvgg-a0/mb1ih224/folded"
  bench_layer *items;
  size_t count, rounds;
  double *whole;         // [rounds]: a run without clocks
  bench_stat run, steps; // without clocks; all steps together
} bench_layers;

/// Times the steps of every form that is an execution and no rewrite, in the same rounds, and
/// prints a table for each. Returns an onefold_exit.
int onefold_bench_layers_time(bench_model *model, const char *name);

/// Times each distinct convolution of the layers alone, with cold weights (layers_alone.c).
int onefold_bench_layers_alone(bench_layers *layers);

/// The table (layers_table.c).
void onefold_bench_layers_print(const bench_layers *layers);

#endif
