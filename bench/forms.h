// SPDX-License-Identifier: BSD-3-Clause
// One block prepared in each of its forms.
#ifndef ONEFOLD_BENCH_FORMS_H
#define ONEFOLD_BENCH_FORMS_H

#include "bench/form.h"
#include "bench/session.h"

/// Which block, at which problem, with which weights.
typedef struct bench_block_spec {
  const char *block;           // "repvgg"
  const char *problem;         // how it is called in names: benchdnn's form, or parameters
  const char *place;           // where a network has it: "RepVGG-A0 stage1.1"; NULL: unsaid
  onefold_block_params params; // with the prefix of the weights' names
  const onefold_weights *weights;
} bench_block_spec;

#define BENCH_INPUTS 2 // of a block at most

typedef struct bench_input {
  onefold_shape shape;
  onefold_layout layout;
  float *plain, *values; // NCHW and layout
  size_t floats;         // of values
} bench_input;

/// What folding made of a region.
typedef struct bench_region {
  char name[64], kind[32], reason[160];
  onefold_fold_verdict verdict;
  double macs_before, macs_after;
  int64_t parameters_before, parameters_after;
} bench_region;

/// A block whose weight is generated at every call (generated.h).
typedef struct bench_generated bench_generated;

typedef struct bench_form {
  int ready;                  // the form is among the options, and the block has it
  const onefold_graph *graph; // the training graph, or `folded`
  onefold_graph *folded;
  onefold_exec *exec; // NULL where `generated` is there
  bench_generated *generated;
  onefold_exec_info info;
  float *output; // [elements of the output in out_layout]
  double flops, bytes;
  double max_error; // against the first form, relative to the largest value
  bench_stat stat;
} bench_form;

typedef struct bench_block {
  bench_session *session;
  char problem[160], place[64];
  onefold_graph *graph;
  bench_input inputs[BENCH_INPUTS];
  size_t input_count, input_floats; // of all inputs
  onefold_shape out;
  onefold_layout out_layout;
  size_t output_floats;
  bench_region *regions; // of the folded form, where it is one of the options
  size_t region_count;
  bench_form forms[BENCH_FORMS]; // those of the options
} bench_block;

/// Builds, folds, packs and runs once in each form, and compares the results.
/// On failure a sentence has been written; destroy all the same.
int onefold_bench_block_make(bench_session *session, const bench_block_spec *spec,
                             bench_block *block);
void onefold_bench_block_destroy(bench_block *block);

/// Fold level and options of a form of a block.
onefold_status onefold_bench_form_fold(const bench_block *block, int form,
                                       onefold_fold_report_fn report, void *user,
                                       onefold_graph **folded);
onefold_exec_options onefold_bench_form_options(const bench_block *block, int form);
/// By an execution of the form's graph; NULL: by what the form itself has.
onefold_status onefold_bench_form_run(const bench_block *block, int form, onefold_exec *exec);

/// Times the forms against each other: fills forms[].stat.
int onefold_bench_block_time(bench_block *block, const char *name);

/// What is paid once, or at the edges of a network, for one form of a block.
enum {
  BENCH_STEP_FOLD,
  BENCH_STEP_PLAN,
  BENCH_STEP_PACK,
  BENCH_STEP_REORDER_IN,
  BENCH_STEP_REORDER_OUT,
  BENCH_STEP_FIRST_RUN,
  BENCH_STEPS
};
const char *onefold_bench_step_key(int step); // "fold", "plan", ...

/// Times them for the last form that runs; steps that do not apply keep count 0.
int onefold_bench_block_time_steps(bench_block *block, const char *name,
                                   bench_stat stats[BENCH_STEPS]);

#endif
