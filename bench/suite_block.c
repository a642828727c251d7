// SPDX-License-Identifier: BSD-3-Clause
// Blocks at given problems, in the forms that are asked for, with all their steps.
#include "bench/block_problem.h"
#include "bench/compare_model.h"

static int time_forms(bench_session *session, bench_model *block, const char *name) {
  bench_stat steps[BENCH_STEPS];
  int status = onefold_bench_model_time(block, name);
  if (!status) status = onefold_bench_model_time_steps(block, name, steps);
  onefold_bench_progress_clear(&session->progress);
  if (!status && !onefold_gbench_is_listing(session->gbench)) {
    onefold_bench_model_print(block, name, steps);
    onefold_bench_model_print_regions(block);
  }
  return status;
}

static int time_block(bench_session *session, bench_peers *peers,
                      const bench_block_problem *problem, const onefold_weights *weights) {
  const bench_model_spec spec = {.block = problem->block,
                                 .problem = problem->text,
                                 .params = problem->params,
                                 .weights = weights};
  char name[224];
  bench_model block;
  int status = onefold_bench_model_make(session, &spec, &block);
  const bench_options *o = session->options;
  snprintf(name, sizeof name, "block/%s/%s%s%s%s%s", spec.block, block.problem,
           o->has_activation ? "/act:" : "",
           o->has_activation ? onefold_activation_name(o->activation) : "",
           o->has_layout ? "/layout:" : "", o->has_layout ? onefold_layout_name(o->layout) : "");
  if (!status && onefold_bench_compares(o)) {
    status = onefold_bench_compare_model(peers, &block, name);
  } else if (!status) {
    status = time_forms(session, &block, name);
  }
  onefold_bench_model_destroy(&block);
  return status;
}

static void run(bench_session *session, const bench_block_problems *problems) {
  onefold_weights *weights = NULL;
  const onefold_status made =
      onefold_weights_seeded(session->context, session->options->seed, &weights);
  if (made != ONEFOLD_OK) {
    onefold_bench_session_fail(session, "weights", made);
    return;
  }
  onefold_bench_session_note(session, "weights", "generated, seed %llu",
                             (unsigned long long)session->options->seed);
  bench_peers peers;
  const int failed = onefold_bench_peers_open(&peers, session, 60, 0, NULL);
  onefold_bench_progress_start(&session->progress, problems->count);
  for (size_t i = 0; i < problems->count && !failed && onefold_bench_session_goes_on(session);
       i++) {
    time_block(session, &peers, &problems->items[i], weights);
    session->progress.done++;
  }
  onefold_bench_peers_close(&peers);
  onefold_weights_close(weights);
}

static const char doc[] =
    "Times blocks in each of their forms."
    "\vBLOCK is a block's name, or all; repvgg unless given. PROBLEM is benchdnn's form, which "
    "describes the block's largest convolution (mb1ic64ih56oc64kh3ph1), or parameters of the block "
    "(input=1x64x56x56,out_channels=64,stride=2); without one, the block is measured where it is "
    "typically used. With --peers the folded form alone is timed, where it is one convolution; "
    "with "
    "two numbers of threads it alone, too: runs on both take turns, and the ratio of their medians "
    "is printed. "
    "Google Benchmark's own flags (--benchmark_...) are passed on.\n\n"
    "Exit codes: 0 done; 1 it could not be done or was interrupted, or a peer is not here; 2 a bad "
    "option or problem; "
    "3 the forms, or a peer's result, or that on fewer threads, differ by more than 1e-4 of the "
    "largest value.";

int onefold_bench_block(int argc, char **argv) {
  bench_options options;
  int status = onefold_bench_options_parse(
      &options, argc, argv, BENCH_TAKES_PROBLEMS | BENCH_TAKES_FORMS | BENCH_TAKES_FEWER,
      "[BLOCK] [PROBLEM...]", doc);
  if (status) return status;
  bench_block_problems problems;
  status = onefold_bench_block_problems_parse(&options, &problems);
  bench_session session;
  if (!status) status = onefold_bench_compare_allow(&options);
  if (!status) status = onefold_bench_session_open(&session, &options);
  if (!status) {
    run(&session, &problems);
    status = onefold_bench_session_close(&session);
  }
  onefold_bench_block_problems_free(&problems);
  onefold_bench_options_free(&options);
  return status;
}
