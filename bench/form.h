// SPDX-License-Identifier: BSD-3-Clause
// The forms in which a block is run.
#ifndef ONEFOLD_BENCH_FORM_H
#define ONEFOLD_BENCH_FORM_H

/// BENCH_GENERATED is for blocks that generate their weight at every call: OREPA.
enum { BENCH_EAGER, BENCH_BRANCHES, BENCH_FOLDED, BENCH_GENERATED, BENCH_FORMS };

typedef struct bench_form_kind {
  const char *key, *title; // "eager", "T0 eager"
  int folds, level;        // whether the graph is folded, and the onefold_fold_level
  int fuse_epilogues;
} bench_form_kind;

extern const bench_form_kind onefold_bench_forms[BENCH_FORMS];

#endif
