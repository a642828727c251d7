// SPDX-License-Identifier: BSD-3-Clause
// One block or network prepared in each of its forms.
#ifndef ONEFOLD_BENCH_FORMS_H
#define ONEFOLD_BENCH_FORMS_H

#include "bench/again.h"
#include "bench/form.h"
#include "bench/session.h"

/// Which block or network, at which problem, with which weights.
typedef struct bench_model_spec {
  const char *block;           // "repvgg"; NULL for a network
  const char *network;         // "repvgg-a0", of which only params.input is used
  const char *problem;         // how it is called in names: benchdnn's form, or parameters
  const char *place;           // where a network has it: "RepVGG-A0 stage1.1"; NULL: unsaid
  onefold_block_params params; // with the prefix of the weights' names
  const onefold_weights *weights;
} bench_model_spec;

#define BENCH_INPUTS  2 // of a block or network at most
#define BENCH_OUTPUTS 4

typedef struct bench_tensor {
  onefold_shape shape;
  onefold_layout layout;
  float *plain, *values; // of inputs: NCHW and layout
  size_t floats;         // in layout
} bench_tensor;

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
  int ready;                  // the form is among the options, and the model has it
  const onefold_graph *graph; // the training graph, or `folded`
  onefold_graph *folded;
  onefold_exec *exec; // NULL where `generated` is there
  bench_generated *generated;
  onefold_exec_info info;
  float *outputs[BENCH_OUTPUTS]; // in the outputs' layouts
  double flops, bytes;
  double max_error; // against the first form, relative to the largest value; negative: unchecked
  bench_stat stat;
} bench_form;

typedef struct bench_model {
  bench_session *session;
  char problem[160], place[64];
  int is_network;
  onefold_graph *graph;
  bench_tensor inputs[BENCH_INPUTS], outputs[BENCH_OUTPUTS];
  size_t input_count, output_count;
  size_t input_floats, output_floats; // of all inputs and of all outputs, in their layouts
  bench_region *regions;              // of the folded form, where it is one of the options
  size_t region_count;
  bench_form forms[BENCH_FORMS]; // those of the options
} bench_model;

/// Builds, folds, packs and runs once in each form, and compares the results.
/// On failure a sentence has been written; destroy all the same.
int onefold_bench_model_make(bench_session *session, const bench_model_spec *spec,
                             bench_model *model);
void onefold_bench_model_destroy(bench_model *model);

/// Fold level and options of a form of a model.
onefold_status onefold_bench_model_fold(const bench_model *model, int form,
                                        onefold_fold_report_fn report, void *user,
                                        onefold_graph **folded);
onefold_exec_options onefold_bench_model_options(const bench_model *model, int form);
/// The inputs' values, in their layouts.
void onefold_bench_model_inputs(const bench_model *model, const float *inputs[BENCH_INPUTS]);
/// By an execution of the form's graph; NULL: by what the form itself has.
onefold_status onefold_bench_model_run(const bench_model *model, int form, onefold_exec *exec);
/// Outputs of a form as NCHW, one after the other: onefold_bench_model_plain_floats of them.
onefold_status onefold_bench_model_plain(const bench_model *model, float *const *outputs,
                                         float *values);
size_t onefold_bench_model_plain_floats(const bench_model *model);
/// The largest difference between two of these in one output, relative to its largest value.
double onefold_bench_model_error(const bench_model *model, const float *values, const float *first);

/// A form that is timed.
typedef struct bench_form_timing {
  bench_model *model;
  int form;
} bench_form_timing;

/// Cases of forms, with what they refer to.
typedef struct bench_form_cases {
  onefold_gbench_case cases[BENCH_FORMS];
  bench_stat *stats[BENCH_FORMS]; // forms[].stat
  char names[BENCH_FORMS][256];
  bench_form_timing timings[BENCH_FORMS];
  size_t count;
} bench_form_cases;

/// Adds a case for a form that is ready.
void onefold_bench_model_add_case(bench_model *model, const char *name, int form,
                                  bench_form_cases *to);

/// Fewer repetitions of what is slow, so that a whole report stays short.
int onefold_bench_model_repetitions(const bench_model *model, double min_time);

/// Times the forms against each other: fills forms[].stat.
int onefold_bench_model_time(bench_model *model, const char *name);

/// The folded form once more, on the session's fewer threads (forms_again.c).
typedef struct bench_model_again {
  bench_again calls;
  bench_model *model;
  onefold_exec *exec;
  float *outputs[BENCH_OUTPUTS];
} bench_model_again;

/// Plans, packs, runs once, and compares with `plain` (NULL: not) what the form gave, as NCHW.
/// Returns an onefold_exit after a sentence; destroy all the same.
int onefold_bench_model_again_make(bench_model *model, const float *plain,
                                   bench_model_again *again);
void onefold_bench_model_again_destroy(bench_model_again *again);

/// What is paid once, or at the edges of a network, for one form of a model.
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

/// Times them for the folded form, or the last that is an execution; steps that do not apply keep
/// count 0, as all do where there is none.
int onefold_bench_model_time_steps(bench_model *model, const char *name,
                                   bench_stat stats[BENCH_STEPS]);

/// The forms and steps as rows, and what each form takes; what folding did with each part, for
/// networks only with those that are not exact (forms_table.c).
void onefold_bench_model_print(const bench_model *model, const char *name, const bench_stat *steps);
void onefold_bench_model_print_regions(const bench_model *model);

#endif
