// SPDX-License-Identifier: BSD-3-Clause
// The forms as a table, and what makes them.
#include "bench/form.h"

#define FOLDED(key_, title_, ...)                                                                  \
  { .key = key_, .title = title_, .folds = 1, .level = ONEFOLD_FOLD_REGIONS, __VA_ARGS__ }

const bench_form_kind onefold_bench_forms[BENCH_FORMS] = {
    [BENCH_EAGER] = {.key = "eager", .title = "T0 eager"},
    [BENCH_BRANCHES] = {.key = "branches",
                        .title = "T1 branches",
                        .folds = 1,
                        .level = ONEFOLD_FOLD_BATCH_NORM,
                        .fuse_epilogues = 1},
    [BENCH_FOLDED] = FOLDED("folded", "T2 folded", .fuse_epilogues = 1),
    [BENCH_UNPAIRED] = FOLDED("unpaired", "T2 unpaired", .rewrite = 1, .fuse_epilogues = 1,
                              .pairs = ONEFOLD_PAIRS_NEVER),
    [BENCH_PAIRED] = FOLDED("paired", "T2 paired", .rewrite = 1, .fuse_epilogues = 1,
                            .pairs = ONEFOLD_PAIRS_ALWAYS),
    [BENCH_SIBLINGS] =
        FOLDED("siblings", "T2 siblings", .rewrite = 1, .fuse_epilogues = 1, .horizontal = 1),
    [BENCH_UNCHAINED] =
        FOLDED("unchained", "T2 unchained", .rewrite = 1, .fuse_epilogues = 1, .unchained = 1),
    [BENCH_UNMOVED] =
        FOLDED("unmoved", "T2 unmoved", .rewrite = 1, .fuse_epilogues = 1, .unmoved = 1),
    [BENCH_COPIED] =
        FOLDED("copied", "T2 copied", .rewrite = 1, .fuse_epilogues = 1, .copies_parts = 1),
    [BENCH_UNFUSED] = FOLDED("unfused", "T2 unfused", .rewrite = 1),
    [BENCH_GENERATED] = {.key = "generated", .title = "TG generated"},
};

const char *onefold_bench_form_key(int form) {
  return onefold_bench_forms[form].key;
}

onefold_status onefold_bench_form_fold(onefold_context *context, const onefold_graph *graph,
                                       int form, onefold_fold_report_fn report, void *user,
                                       onefold_graph **folded) {
  const bench_form_kind *kind = &onefold_bench_forms[form];
  *folded = NULL;
  if (!kind->folds) return ONEFOLD_OK;
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.level = kind->level;
  options.horizontal = kind->horizontal;
  options.chain_pools = !kind->unchained;
  options.before_upsample = !kind->unmoved;
  options.report = report;
  options.user = user;
  return onefold_fold(context, graph, &options, folded);
}

onefold_exec_options onefold_bench_form_options(int form, onefold_layout in, onefold_layout out) {
  const bench_form_kind *kind = &onefold_bench_forms[form];
  return (onefold_exec_options){.struct_size = sizeof(onefold_exec_options),
                                .in_layout = in,
                                .out_layout = out,
                                .fuse_epilogues = kind->fuse_epilogues,
                                .pairs = kind->pairs,
                                .copies_parts = kind->copies_parts};
}
