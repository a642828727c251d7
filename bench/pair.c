// SPDX-License-Identifier: BSD-3-Clause
// A pair of convolutions prepared for timing.
#include "bench/pair.h"

#include "bench/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int fail(const bench_pair *pair, onefold_status status) {
  return onefold_bench_session_fail(pair->session, pair->problem->text, status);
}

static int make_shapes(bench_pair *pair) {
  const onefold_conv2d_desc *d = pair->problem->descs;
  onefold_context *context = pair->session->context;
  pair->shapes[0] = (onefold_shape){d->batch, d->in_channels, d->in_h, d->in_w};
  for (int i = 0; i < 2; i++) {
    const onefold_status status = onefold_conv2d_output_shape(context, &d[i], &pair->shapes[i + 1]);
    if (status != ONEFOLD_OK) return fail(pair, status);
  }
  return ONEFOLD_EXIT_OK;
}

static int make_weights(bench_pair *pair, int i) {
  bench_session *session = pair->session;
  const onefold_conv2d_desc *d = &pair->problem->descs[i];
  const onefold_shape shape = {d->out_channels, d->in_channels / d->groups, d->kernel_h,
                               d->kernel_w};
  const size_t n = onefold_tensor_elements(session->context, shape, ONEFOLD_NCHW);
  const size_t biases = (size_t)d->out_channels;
  pair->weights[i] = onefold_bench_floats(n);
  pair->biases[i] = onefold_bench_floats(biases);
  if (!pair->weights[i] || !pair->biases[i]) return fail(pair, ONEFOLD_OUT_OF_MEMORY);
  onefold_bench_fill(session, pair->weights[i], n);
  onefold_bench_fill(session, pair->biases[i], biases);
  const float scale = sqrtf((float)biases / (float)n);
  for (size_t k = 0; k < n; k++) pair->weights[i][k] *= scale;
  return ONEFOLD_EXIT_OK;
}

static int make_images(bench_pair *pair) {
  bench_session *session = pair->session;
  onefold_context *context = session->context;
  const onefold_shape in = pair->shapes[0], out = pair->shapes[2];
  const size_t plain_in = onefold_tensor_elements(context, in, ONEFOLD_NCHW);
  pair->input_floats = onefold_tensor_elements(context, in, ONEFOLD_BLOCKED);
  pair->output_floats = onefold_tensor_elements(context, out, ONEFOLD_BLOCKED);
  pair->plain_in = onefold_bench_floats(plain_in);
  pair->plain_out = onefold_bench_floats(onefold_tensor_elements(context, out, ONEFOLD_NCHW));
  pair->input = onefold_bench_floats(pair->input_floats);
  pair->output = onefold_bench_floats(pair->output_floats);
  if (!pair->plain_in || !pair->plain_out || !pair->input || !pair->output)
    return fail(pair, ONEFOLD_OUT_OF_MEMORY);
  onefold_bench_fill(session, pair->plain_in, plain_in);
  const onefold_status status =
      onefold_reorder(context, in, ONEFOLD_NCHW, pair->plain_in, ONEFOLD_BLOCKED, pair->input);
  return status == ONEFOLD_OK ? ONEFOLD_EXIT_OK : fail(pair, status);
}

static onefold_node add_conv(bench_pair *pair, int i, onefold_node input) {
  const onefold_conv2d_desc *d = &pair->problem->descs[i];
  const onefold_graph_conv2d_params params = {
      .out_channels = d->out_channels,
      .kernel_h = d->kernel_h,
      .kernel_w = d->kernel_w,
      .stride_h = d->stride_h,
      .stride_w = d->stride_w,
      .dilation_h = d->dilation_h,
      .dilation_w = d->dilation_w,
      .pad_top = d->pad_top,
      .pad_bottom = d->pad_bottom,
      .pad_left = d->pad_left,
      .pad_right = d->pad_right,
      .groups = d->groups,
  };
  const onefold_node node =
      onefold_graph_conv2d(pair->graph, input, &params, pair->weights[i], pair->biases[i]);
  if (d->activation == ONEFOLD_ACT_NONE) return node;
  return onefold_graph_activation(pair->graph, node, d->activation, d->activation_param);
}

static int make_graph(bench_pair *pair) {
  onefold_status status = onefold_graph_create(pair->session->context, &pair->graph);
  if (status != ONEFOLD_OK) return fail(pair, status);
  onefold_node node = onefold_graph_input(pair->graph, pair->shapes[0]);
  for (int i = 0; i < 2; i++) node = add_conv(pair, i, node);
  onefold_graph_output(pair->graph, node);
  status = onefold_graph_status(pair->graph);
  if (status != ONEFOLD_OK) return fail(pair, status);
  const onefold_graph_totals totals = onefold_graph_count(pair->graph);
  pair->flops = 2.0 * totals.macs;
  pair->bytes = (double)sizeof(float) *
                ((double)totals.parameters + (double)(pair->input_floats + pair->output_floats));
  return ONEFOLD_EXIT_OK;
}

onefold_exec_options onefold_bench_pair_options(onefold_layout layout, onefold_pairs pairs) {
  return (onefold_exec_options){.struct_size = sizeof(onefold_exec_options),
                                .in_layout = layout,
                                .out_layout = layout,
                                .fuse_epilogues = 1,
                                .pairs = pairs};
}

static onefold_status make_exec(onefold_context *context, const onefold_graph *graph,
                                onefold_layout layout, onefold_pairs pairs, onefold_exec **exec) {
  const onefold_exec_options options = onefold_bench_pair_options(layout, pairs);
  const onefold_status status = onefold_exec_create(context, graph, &options, exec);
  return status == ONEFOLD_OK ? onefold_exec_pack(*exec) : status;
}

static size_t steps_of(const onefold_exec *exec) {
  onefold_exec_info info;
  onefold_exec_get_info(exec, &info);
  return info.steps;
}

static int make_execs(bench_pair *pair) {
  static const onefold_pairs kinds[BENCH_PAIR_FORMS] = {ONEFOLD_PAIRS_ALWAYS, ONEFOLD_PAIRS_NEVER};
  onefold_context *context = pair->session->context;
  onefold_status status = ONEFOLD_OK;
  for (int i = 0; i < BENCH_PAIR_FORMS && status == ONEFOLD_OK; i++)
    status = make_exec(context, pair->graph, ONEFOLD_BLOCKED, kinds[i], &pair->execs[i]);
  onefold_exec *chosen = NULL;
  if (status == ONEFOLD_OK)
    status = make_exec(context, pair->graph, ONEFOLD_BLOCKED, ONEFOLD_PAIRS_WHERE_FASTER, &chosen);
  if (status != ONEFOLD_OK) {
    onefold_exec_destroy(chosen);
    return fail(pair, status);
  }
  pair->chosen = steps_of(chosen) == 1 ? BENCH_PAIR_FUSED : BENCH_PAIR_SEPARATE;
  onefold_exec_destroy(chosen);
  onefold_exec_get_info(pair->execs[BENCH_PAIR_FUSED], &pair->info);
  if (pair->info.steps == 1) return ONEFOLD_EXIT_OK;
  onefold_bench_progress_clear(&pair->session->progress);
  fprintf(stderr, "%s: %s: it does not run as one operator\n", pair->session->options->command,
          pair->problem->text);
  pair->session->status = ONEFOLD_EXIT_FAILURE;
  return ONEFOLD_EXIT_FAILURE;
}

onefold_status onefold_bench_pair_run(const bench_pair *pair, int form) {
  return onefold_exec_run(pair->execs[form], (const float *[]){pair->input},
                          (float *[]){pair->output});
}

/// The reference kernels' result, as NCHW.
static onefold_status run_reference(const bench_pair *pair, float *values) {
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = pair->session->options->threads,
                                           .has_max_isa = 1,
                                           .max_isa = ONEFOLD_ISA_REF,
                                           .accuracy = ONEFOLD_ACCURACY_STRICT};
  onefold_context *context = NULL;
  onefold_exec *exec = NULL;
  onefold_status status = onefold_context_create(&options, &context);
  if (status == ONEFOLD_OK)
    status = make_exec(context, pair->graph, ONEFOLD_NCHW, ONEFOLD_PAIRS_NEVER, &exec);
  if (status == ONEFOLD_OK)
    status = onefold_exec_run(exec, (const float *[]){pair->plain_in}, (float *[]){values});
  onefold_exec_destroy(exec);
  onefold_context_destroy(context);
  return status;
}

/// Both forms have the same bits, near to the reference kernels'. plain_out is theirs.
static int check(bench_pair *pair) {
  bench_session *session = pair->session;
  const size_t n = onefold_tensor_elements(session->context, pair->shapes[2], ONEFOLD_NCHW);
  float *other = onefold_bench_floats(n);
  if (!other) return fail(pair, ONEFOLD_OUT_OF_MEMORY);
  onefold_status status = ONEFOLD_OK;
  for (int form = BENCH_PAIR_FORMS; status == ONEFOLD_OK && form-- > 0;) {
    status = onefold_bench_pair_run(pair, form);
    if (status == ONEFOLD_OK)
      status = onefold_reorder(session->context, pair->shapes[2], ONEFOLD_BLOCKED, pair->output,
                               ONEFOLD_NCHW, form == BENCH_PAIR_FUSED ? pair->plain_out : other);
  }
  const int same = status == ONEFOLD_OK && memcmp(pair->plain_out, other, n * sizeof *other) == 0;
  if (status == ONEFOLD_OK && !same)
    onefold_bench_session_wrong(session, pair->problem->text,
                                onefold_bench_error(pair->plain_out, other, n));
  if (status == ONEFOLD_OK) status = run_reference(pair, other);
  if (status == ONEFOLD_OK) pair->error = onefold_bench_error(pair->plain_out, other, n);
  free(other);
  if (status != ONEFOLD_OK) return fail(pair, status);
  if (!(pair->error <= BENCH_ERROR_LIMIT))
    onefold_bench_session_wrong(session, pair->problem->text, pair->error);
  return ONEFOLD_EXIT_OK;
}

int onefold_bench_pair_make(bench_session *session, const bench_pair_problem *problem,
                            bench_pair *pair) {
  *pair = (bench_pair){.session = session, .problem = problem, .error = -1.0};
  int status = make_shapes(pair);
  for (int i = 0; i < 2 && !status; i++) status = make_weights(pair, i);
  if (!status) status = make_images(pair);
  if (!status) status = make_graph(pair);
  if (!status) status = make_execs(pair);
  return !status && session->options->check ? check(pair) : status;
}

void onefold_bench_pair_destroy(bench_pair *pair) {
  for (int i = 0; i < BENCH_PAIR_FORMS; i++) onefold_exec_destroy(pair->execs[i]);
  onefold_graph_destroy(pair->graph);
  for (int i = 0; i < 2; i++) {
    free(pair->weights[i]);
    free(pair->biases[i]);
  }
  free(pair->plain_in);
  free(pair->plain_out);
  free(pair->input);
  free(pair->output);
}
