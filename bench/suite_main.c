// SPDX-License-Identifier: BSD-3-Clause
// The main job: RepVGG's blocks at the stage shapes of its networks, eager,
// as branches and folded, and what folding, planning, packing and reordering cost.
#include "bench/forms.h"

#include <stdlib.h>
#include <string.h>

typedef struct shape {
  const char *network, *stage;
  int64_t in, out, stride, size;
  int repeats;
} shape;

static const shape shapes[] = {
#define ONEFOLD_BENCH_SHAPE(network, stage, in, out, stride, size, repeats)                        \
  {network, stage, in, out, stride, size, repeats},
#include "bench/shapes/repvgg.def"
};
#define SHAPES (sizeof shapes / sizeof shapes[0])

/// What is kept of a shape once its block is gone.
typedef struct outcome {
  bench_stat forms[BENCH_FORMS], steps[BENCH_STEPS];
} outcome;

typedef struct source {
  onefold_weights *file, *generated;
  size_t matched; // shapes that the file has weights for
} source;

static const bench_column columns[] = {{"block", -31},  {"form", -11},  {"median", 7},
                                       {"spread", 6},   {"GFLOP/s", 7}, {"of peak", 7},
                                       {"speed-up", 8}, {"error", 7}};
#define COLUMNS (sizeof columns / sizeof columns[0])

static onefold_conv2d_desc describe(const shape *s) {
  onefold_conv2d_desc d;
  onefold_conv2d_desc_init(&d);
  d.in_channels = s->in;
  d.out_channels = s->out;
  d.in_h = d.in_w = s->size;
  d.kernel_h = d.kernel_w = 3;
  d.stride_h = d.stride_w = s->stride;
  d.pad_top = d.pad_bottom = d.pad_left = d.pad_right = 1;
  return d;
}

/// Parameters of a shape's block, for the weights of the given prefix.
static int params_of(bench_session *session, const shape *s, const char *prefix,
                     onefold_block_params *params) {
  const onefold_status status = onefold_block_params_init(session->context, "repvgg", params);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, "repvgg", status);
  params->input = (onefold_shape){1, s->in, s->size, s->size};
  params->out_channels = s->out;
  params->stride = s->stride;
  params->prefix = prefix;
  return ONEFOLD_EXIT_OK;
}

static void prefix_of(const shape *s, char *prefix, size_t size) {
  snprintf(prefix, size, "%s%s", s->stage, s->stage[0] ? "." : "");
}

/// Whether the file holds this shape's weights under its name.
static int has_weights(const onefold_weights *file, const shape *s) {
  char name[96], prefix[64];
  int64_t dims[8];
  int32_t rank = 0;
  prefix_of(s, prefix, sizeof prefix);
  snprintf(name, sizeof name, "%srbr_dense.conv.weight", prefix);
  return onefold_weights_shape(file, name, dims, &rank) == ONEFOLD_OK && rank == 4 &&
         dims[0] == s->out && dims[1] == s->in && dims[2] == 3 && dims[3] == 3;
}

static int open_weights(bench_session *session, source *from) {
  const bench_options *o = session->options;
  onefold_status status = onefold_weights_seeded(session->context, o->seed, &from->generated);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, "weights", status);
  if (!o->weights) {
    onefold_bench_session_note(
        session, "weights", "generated, seed %llu: BN with means, biases and gammas of both signs",
        (unsigned long long)o->seed);
    return ONEFOLD_EXIT_OK;
  }
  status = onefold_weights_open(session->context, o->weights, &from->file);
  if (status != ONEFOLD_OK) {
    onefold_bench_session_fail(session, o->weights, status);
    return session->status = ONEFOLD_EXIT_FAILURE;
  }
  for (size_t i = 0; i < SHAPES; i++) from->matched += (size_t)has_weights(from->file, &shapes[i]);
  if (from->matched == 0) {
    fprintf(stderr,
            "%s: %s: no tensor stageN.M.rbr_dense.conv.weight has the shape of a block of "
            "RepVGG-A0 or B0\n",
            o->command, o->weights);
    return session->status = ONEFOLD_EXIT_FAILURE;
  }
  onefold_bench_session_note(session, "weights",
                             "%s for %zu of %zu blocks; generated (seed %llu) for those marked *",
                             o->weights, from->matched, SHAPES, (unsigned long long)o->seed);
  return ONEFOLD_EXIT_OK;
}

static void print_forms(const bench_session *session, const shape *s, const bench_model *block,
                        int generated) {
  const bench_stat folded = block->forms[BENCH_FOLDED].stat;
  bench_cell about[BENCH_FORMS];
  about[0] = onefold_bench_cell("%s%s%s%s", s->network, s->stage[0] ? " " : "", s->stage,
                                generated ? " *" : "");
  about[1] = onefold_bench_cell(" %lld -> %lld, stride %lld, %lldx%lld", (long long)s->in,
                                (long long)s->out, (long long)s->stride, (long long)s->size,
                                (long long)s->size);
  about[2] = onefold_bench_cell(" %.30s", block->problem);
  for (int i = 0; i < BENCH_FORMS; i++) {
    const bench_form *form = &block->forms[i];
    if (!form->stat.count) continue; // left out by --benchmark_filter
    const double rate = form->flops * 1e-9 / form->stat.median;
    const bench_cell cells[COLUMNS] = {
        about[i],
        onefold_bench_cell("%s", onefold_bench_forms[i].title),
        onefold_bench_cell_time(form->stat),
        onefold_bench_cell_spread(form->stat),
        onefold_bench_cell("%.1f", rate),
        onefold_bench_cell("%.1f %%", 100 * rate / form->stat.peak),
        i == BENCH_FOLDED ? onefold_bench_cell("%s", "")
                          : onefold_bench_cell_ratio(form->stat, folded),
        form->max_error >= 0 ? onefold_bench_cell("%.1e", form->max_error)
                             : onefold_bench_cell("%s", ""),
    };
    onefold_bench_table_row(session->out, columns, COLUMNS, cells);
  }
  fflush(session->out);
}

static int time_shape(bench_session *session, const source *from, const shape *s, outcome *kept) {
  char prefix[64], place[64], name[224];
  prefix_of(s, prefix, sizeof prefix);
  const int in_file = from->file && has_weights(from->file, s);
  char problem[160];
  const onefold_conv2d_desc desc = describe(s);
  onefold_conv2d_desc_print(&desc, problem, sizeof problem);
  snprintf(place, sizeof place, "%s%s%s", s->network, s->stage[0] ? " " : "", s->stage);
  bench_model_spec spec = {.block = "repvgg",
                           .problem = problem,
                           .place = place,
                           .weights = in_file ? from->file : from->generated};
  bench_model block = {0};
  int status = params_of(session, s, prefix, &spec.params);
  if (!status) status = onefold_bench_model_make(session, &spec, &block);
  if (!status) {
    snprintf(name, sizeof name, "block/repvgg/%s", block.problem);
    status = onefold_bench_model_time(&block, name);
  }
  if (!status) status = onefold_bench_model_time_steps(&block, name, kept->steps);
  onefold_bench_progress_clear(&session->progress);
  for (int i = 0; i < BENCH_FORMS; i++) kept->forms[i] = block.forms[i].stat;
  if (!status && !onefold_gbench_is_listing(session->gbench)) {
    print_forms(session, s, &block, from->file && !in_file);
  }
  onefold_bench_model_destroy(&block);
  return status;
}

static void print_steps(const bench_session *session, const outcome *outcomes) {
  const bench_column step_columns[] = {{"folded, paid once or at the edges", -34},
                                       {"fold", 8},
                                       {"plan", 8},
                                       {"pack", 8},
                                       {"reorder", 8},
                                       {"and back", 8},
                                       {"first run", 9}};
  const size_t count = sizeof step_columns / sizeof step_columns[0];
  fputc('\n', session->out);
  onefold_bench_table_head(session->out, step_columns, count);
  for (size_t i = 0; i < SHAPES; i++) {
    bench_cell cells[1 + BENCH_STEPS];
    const shape *s = &shapes[i];
    size_t timed = 0;
    for (int j = 0; j < BENCH_STEPS; j++) timed += outcomes[i].steps[j].count;
    if (!timed) continue; // left out by --benchmark_filter
    cells[0] = onefold_bench_cell("%s%s%s %lld->%lld", s->network, s->stage[0] ? " " : "", s->stage,
                                  (long long)s->in, (long long)s->out);
    for (int j = 0; j < BENCH_STEPS; j++) {
      cells[1 + j] = onefold_bench_cell_time(outcomes[i].steps[j]);
    }
    onefold_bench_table_row(session->out, step_columns, count, cells);
  }
}

/// Sums of a network's blocks, each timed by itself, as often as the network has them.
static void print_networks(const bench_session *session, const outcome *outcomes) {
  const bench_column sum_columns[] = {{"blocks of a network, one by one", -34},
                                      {"T0 eager", 12},
                                      {"T1 branches", 12},
                                      {"T2 folded", 12},
                                      {"T0/T2", 8},
                                      {"T1/T2", 8}};
  static const int summed[] = {BENCH_EAGER, BENCH_BRANCHES, BENCH_FOLDED};
  const size_t count = sizeof sum_columns / sizeof sum_columns[0];
  fputc('\n', session->out);
  onefold_bench_table_head(session->out, sum_columns, count);
  for (size_t begin = 0, end; begin < SHAPES; begin = end) {
    bench_stat sum[BENCH_FORMS] = {{0}};
    int blocks = 0, whole = 1;
    for (end = begin; end < SHAPES && strcmp(shapes[end].network, shapes[begin].network) == 0;
         end++) {
      blocks += shapes[end].repeats;
      for (size_t k = 0; k < sizeof summed / sizeof summed[0]; k++) {
        const bench_stat *stat = &outcomes[end].forms[summed[k]];
        sum[summed[k]].median += shapes[end].repeats * stat->median;
        sum[summed[k]].count = 1;
        whole &= stat->count > 0;
      }
    }
    if (!whole || blocks == 1) continue;
    const bench_cell cells[] = {
        onefold_bench_cell("%s, %d blocks", shapes[begin].network, blocks),
        onefold_bench_cell_time(sum[BENCH_EAGER]),
        onefold_bench_cell_time(sum[BENCH_BRANCHES]),
        onefold_bench_cell_time(sum[BENCH_FOLDED]),
        onefold_bench_cell_ratio(sum[BENCH_EAGER], sum[BENCH_FOLDED]),
        onefold_bench_cell_ratio(sum[BENCH_BRANCHES], sum[BENCH_FOLDED]),
    };
    onefold_bench_table_row(session->out, sum_columns, count, cells);
  }
}

static void print_legend(const bench_session *session) {
  fputs(
      "\n"
      "RepVGG blocks, batch 1, float32. T0: every operator by itself. T1: batch normalisations\n"
      "folded into their convolutions, sums and activation in the epilogues. T2: one convolution.\n"
      "GFLOP/s counts each form's own multiply-adds; speed-up is T0/T2 and T1/T2, of medians\n"
      "over interleaved repetitions; spread is the interquartile range; error is against T0,\n"
      "relative to the largest value. Images stay in the blocked layout; RGB arrives as NCHW.\n"
      "\n",
      session->out);
  onefold_bench_table_head(session->out, columns, COLUMNS);
}

static void run(bench_session *session) {
  source from = {0};
  outcome outcomes[SHAPES];
  memset(outcomes, 0, sizeof outcomes);
  const int listing = onefold_gbench_is_listing(session->gbench);
  int status = open_weights(session, &from);
  if (!status && !listing) print_legend(session);
  onefold_bench_progress_start(&session->progress, SHAPES);
  for (size_t i = 0; i < SHAPES && !status && onefold_bench_session_goes_on(session); i++) {
    time_shape(session, &from, &shapes[i], &outcomes[i]);
    session->progress.done++;
  }
  if (!status && !listing) {
    print_steps(session, outcomes);
    print_networks(session, outcomes);
  }
  onefold_weights_close(from.file);
  onefold_weights_close(from.generated);
}

static const char doc[] =
    "Times RepVGG's block at the stage shapes of RepVGG-A0 and B0, eager, as branches and folded."
    "\vGoogle Benchmark's own flags (--benchmark_...) are passed on.\n\n"
    "Exit codes: 0 done; 1 it could not be done or was interrupted; 2 a bad option; 3 the forms "
    "differ by more than "
    "1e-4 of the largest value.";

int onefold_bench_main(int argc, char **argv) {
  bench_options options;
  int status = onefold_bench_options_parse(&options, argc, argv, BENCH_TAKES_WEIGHTS, NULL, doc);
  if (status) return status;
  bench_session session;
  status = onefold_bench_session_open(&session, &options);
  if (!status) {
    run(&session);
    status = onefold_bench_session_close(&session);
  }
  onefold_bench_options_free(&options);
  return status;
}
