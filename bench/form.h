// SPDX-License-Identifier: BSD-3-Clause
// The forms in which a block or a network is run.
#ifndef ONEFOLD_BENCH_FORM_H
#define ONEFOLD_BENCH_FORM_H

#include <onefold/exec.h>
#include <onefold/fold.h>

/// Those from BENCH_UNPAIRED to BENCH_UNFUSED are the folded form with one rewrite left out or
/// forced. BENCH_GENERATED is for blocks that generate their weight at every call: OREPA.
enum {
  BENCH_EAGER,
  BENCH_BRANCHES,
  BENCH_FOLDED,
  BENCH_UNPAIRED,
  BENCH_PAIRED,
  BENCH_SIBLINGS,
  BENCH_UNCHAINED,
  BENCH_UNMOVED,
  BENCH_COPIED,
  BENCH_UNFUSED,
  BENCH_GENERATED,
  BENCH_FORMS
};

typedef struct bench_form_kind {
  const char *key, *title; // "eager", "T0 eager"
  int rewrite;             // the folded form with one rewrite changed
  int folds;               // whether the graph is folded
  onefold_fold_level level;
  int32_t horizontal;         // of onefold_fold_options
  int32_t unchained, unmoved; // the contrary of chain_pools and before_upsample
  int32_t fuse_epilogues, copies_parts;
  onefold_pairs pairs;
} bench_form_kind;

extern const bench_form_kind onefold_bench_forms[BENCH_FORMS];

/// Key of a form, for onefold_argument_word.
const char *onefold_bench_form_key(int form);

/// What makes a form of a graph: *folded stays NULL where it is the graph itself.
onefold_status onefold_bench_form_fold(onefold_context *context, const onefold_graph *graph,
                                       int form, onefold_fold_report_fn report, void *user,
                                       onefold_graph **folded);
onefold_exec_options onefold_bench_form_options(int form, onefold_layout in, onefold_layout out);

#endif
