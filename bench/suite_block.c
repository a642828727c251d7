// SPDX-License-Identifier: BSD-3-Clause
// Blocks at given problems, in the forms that are asked for, with all their steps.
#include "bench/forms.h"
#include "bench/problem.h"
#include "bench/timed.h"

#include <string.h>

static void print(bench_session *session, const char *name, const bench_block *block,
                  const bench_stat *steps) {
  const bench_stat *folded = &block->forms[BENCH_FOLDED].stat;
  fprintf(session->out, "\n%s  (%s in, %s out)\n", name, onefold_layout_name(block->in_layout),
          onefold_layout_name(block->out_layout));
  onefold_bench_rows_head(session);
  int first = 1;
  for (int i = 0; i < BENCH_FORMS; i++) {
    const bench_form *form = &block->forms[i];
    if (!form->exec) continue;
    onefold_bench_rows_add(session, onefold_bench_forms[i].title, &form->stat, form->flops,
                           form->bytes, i != BENCH_FOLDED && folded->count ? folded : NULL,
                           first || !session->options->check ? -1.0 : form->max_error);
    first = 0;
  }
  for (int i = 0; i < BENCH_STEPS; i++) {
    onefold_bench_rows_add(session, onefold_bench_step_key(i), &steps[i], 0, 0, NULL, -1.0);
  }
  for (int i = 0; i < BENCH_FORMS; i++) {
    const bench_form *form = &block->forms[i];
    if (!form->exec) continue;
    fprintf(session->out, "%-12s  %zu operator%s, weights %s, arena %s\n",
            onefold_bench_forms[i].title, form->info.steps, form->info.steps == 1 ? "" : "s",
            onefold_bench_cell_bytes((double)form->info.packed_bytes).text,
            onefold_bench_cell_bytes((double)form->info.arena_bytes).text);
  }
  fflush(session->out);
}

static int time_block(bench_session *session, const char *kind, const onefold_conv2d_desc *desc,
                      const onefold_weights *weights) {
  const bench_block_spec spec = {.block = kind, .desc = *desc, .prefix = "", .weights = weights};
  bench_stat steps[BENCH_STEPS];
  char name[256];
  bench_block block;
  int status = onefold_bench_block_make(session, &spec, &block);
  const bench_options *o = session->options;
  snprintf(name, sizeof name, "block/%s/%s%s%s%s%s", kind, block.problem,
           o->has_activation ? "/act:" : "",
           o->has_activation ? onefold_activation_name(o->activation) : "",
           o->has_layout ? "/layout:" : "", o->has_layout ? onefold_layout_name(o->layout) : "");
  if (!status) status = onefold_bench_block_time(&block, name);
  if (!status) status = onefold_bench_block_time_steps(&block, name, steps);
  onefold_bench_progress_clear(&session->progress);
  if (!status && !onefold_gbench_is_listing(session->gbench)) print(session, name, &block, steps);
  onefold_bench_block_destroy(&block);
  return status;
}

static int run(bench_session *session, const char *kind, const bench_problems *problems) {
  onefold_weights *weights = NULL;
  const onefold_status made =
      onefold_weights_seeded(session->context, session->options->seed, &weights);
  if (made != ONEFOLD_OK) return onefold_bench_session_fail(session, "weights", made);
  onefold_bench_session_note(session, "weights", "generated, seed %llu",
                             (unsigned long long)session->options->seed);
  int status = ONEFOLD_EXIT_OK;
  onefold_bench_progress_start(&session->progress, problems->count);
  for (size_t i = 0; i < problems->count && !status; i++) {
    status = time_block(session, kind, &problems->descs[i], weights);
    session->progress.done++;
  }
  onefold_weights_close(weights);
  return status;
}

/// The name of the block that `text` is, or NULL.
static const char *known_block(const char *text) {
  const char *name;
  for (size_t i = 0; (name = onefold_block_name(i)); i++) {
    if (strcmp(name, text) == 0) return name;
  }
  return NULL;
}

static void print_blocks(const bench_options *options) {
  fprintf(stderr, "%s: the blocks are", options->command);
  const char *name;
  for (size_t i = 0; (name = onefold_block_name(i)); i++) fprintf(stderr, " %s", name);
  fputc('\n', stderr);
}

static const char doc[] =
    "Times blocks at problems in benchdnn's form, which describe the block's largest convolution."
    "\vBLOCK is repvgg unless given. Google Benchmark's own flags (--benchmark_...) are passed "
    "on.\n\n"
    "Exit codes: 0 done; 1 it could not be done; 2 a bad option or problem; 3 the forms differ by "
    "more than 1e-4 of the largest value.";

int onefold_bench_block(int argc, char **argv) {
  bench_options options;
  int status = onefold_bench_options_parse(
      &options, argc, argv, BENCH_TAKES_PROBLEMS | BENCH_TAKES_FORMS, "[BLOCK] [PROBLEM...]", doc);
  if (status) return status;
  const char *kind = options.argument_count ? known_block(options.arguments[0]) : NULL;
  bench_problems problems;
  status = onefold_bench_problems_parse(&options, kind ? 1 : 0, "mb1ic64ih56oc64kh3ph1", &problems);
  if (status == ONEFOLD_EXIT_USAGE && !kind) print_blocks(&options);
  bench_session session;
  if (!status) status = onefold_bench_session_open(&session, &options);
  if (!status) {
    run(&session, kind ? kind : "repvgg", &problems);
    status = onefold_bench_session_close(&session);
  }
  onefold_bench_problems_free(&problems);
  onefold_bench_options_free(&options);
  return status;
}
