// SPDX-License-Identifier: BSD-3-Clause
// One block prepared in each form: built, folded, planned, packed, run and compared.
#include "bench/forms.h"

#include "bench/image.h"

#include <stdlib.h>

onefold_status onefold_bench_form_fold(const bench_block *block, int form, onefold_graph **folded) {
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.level = (onefold_fold_level)onefold_bench_forms[form].level;
  return onefold_fold(block->session->context, block->graph, &options, folded);
}

onefold_exec_options onefold_bench_form_options(const bench_block *block, int form) {
  return (onefold_exec_options){
      .struct_size = sizeof(onefold_exec_options),
      .in_layout = block->in_layout,
      .out_layout = block->out_layout,
      .fuse_epilogues = onefold_bench_forms[form].fuse_epilogues,
  };
}

onefold_status onefold_bench_form_run(const bench_block *block, int form, onefold_exec *exec) {
  const float *inputs[1] = {block->input};
  float *outputs[1] = {block->forms[form].output};
  return onefold_exec_run(exec, inputs, outputs);
}

/// The block's own geometry must be the problem's.
static int check_geometry(bench_session *session, const char *problem,
                          const onefold_conv2d_desc *d) {
  const int64_t pad = d->dilation_h * (d->kernel_h - 1) / 2;
  if (d->kernel_h == d->kernel_w && d->stride_h == d->stride_w && d->dilation_h == d->dilation_w &&
      d->kernel_h % 2 == 1 && d->pad_top == pad && d->pad_bottom == pad && d->pad_left == pad &&
      d->pad_right == pad) {
    return ONEFOLD_EXIT_OK;
  }
  fprintf(stderr,
          "%s: %s: a block has a square odd kernel, one stride, one dilation and padding of "
          "dilation*(kernel-1)/2 = %lld\n",
          session->options->command, problem, (long long)pad);
  session->status = ONEFOLD_EXIT_USAGE;
  return ONEFOLD_EXIT_USAGE;
}

static int build_graph(const bench_block_spec *spec, bench_block *block) {
  bench_session *session = block->session;
  const onefold_conv2d_desc *d = &spec->desc;
  onefold_block_params params;
  onefold_status status = onefold_block_params_init(session->context, spec->block, &params);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, spec->block, status);
  params.input = block->in;
  params.out_channels = d->out_channels;
  params.kernel = d->kernel_h;
  params.stride = d->stride_h;
  params.dilation = d->dilation_h;
  params.groups = d->groups;
  params.prefix = spec->prefix;
  if (session->options->has_activation) params.activation = session->options->activation;
  status =
      onefold_block_build(session->context, spec->block, &params, spec->weights, &block->graph);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, block->problem, status);
  return ONEFOLD_EXIT_OK;
}

static int make_images(bench_block *block) {
  bench_session *session = block->session;
  onefold_context *context = session->context;
  const size_t plain = onefold_tensor_elements(context, block->in, ONEFOLD_NCHW);
  block->input_floats = onefold_tensor_elements(context, block->in, block->in_layout);
  block->output_floats = onefold_tensor_elements(context, block->out, block->out_layout);
  block->plain = onefold_bench_floats(plain);
  block->input = onefold_bench_floats(block->input_floats);
  if (!block->plain || !block->input) {
    return onefold_bench_session_fail(session, block->problem, ONEFOLD_OUT_OF_MEMORY);
  }
  onefold_bench_fill(session, block->plain, plain);
  const onefold_status status = onefold_reorder(context, block->in, ONEFOLD_NCHW, block->plain,
                                                block->in_layout, block->input);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, block->problem, status);
  return ONEFOLD_EXIT_OK;
}

static int make_form(bench_block *block, int index) {
  bench_session *session = block->session;
  bench_form *form = &block->forms[index];
  onefold_status status = ONEFOLD_OK;
  form->output = onefold_bench_floats(block->output_floats);
  if (!form->output) status = ONEFOLD_OUT_OF_MEMORY;
  if (status == ONEFOLD_OK && onefold_bench_forms[index].folds) {
    status = onefold_bench_form_fold(block, index, &form->folded);
  }
  form->graph = form->folded ? form->folded : block->graph;
  const onefold_exec_options options = onefold_bench_form_options(block, index);
  if (status == ONEFOLD_OK) {
    status = onefold_exec_create(session->context, form->graph, &options, &form->exec);
  }
  if (status == ONEFOLD_OK) status = onefold_exec_pack(form->exec);
  if (status == ONEFOLD_OK) status = onefold_bench_form_run(block, index, form->exec);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, block->problem, status);
  onefold_exec_get_info(form->exec, &form->info);
  const onefold_graph_totals totals = onefold_graph_count(form->graph);
  form->flops = 2.0 * totals.macs;
  form->bytes = (double)sizeof(float) * ((double)totals.parameters + (double)block->input_floats +
                                         (double)block->output_floats);
  return ONEFOLD_EXIT_OK;
}

/// Every form against the first one, as NCHW.
static int compare_forms(bench_block *block) {
  bench_session *session = block->session;
  const size_t n = onefold_tensor_elements(session->context, block->out, ONEFOLD_NCHW);
  float *first = onefold_bench_floats(n), *other = onefold_bench_floats(n);
  int status = ONEFOLD_EXIT_OK, have_first = 0;
  if (!first || !other) {
    status = onefold_bench_session_fail(session, block->problem, ONEFOLD_OUT_OF_MEMORY);
  }
  for (int i = 0; i < BENCH_FORMS && !status; i++) {
    bench_form *form = &block->forms[i];
    if (!form->exec) continue;
    const onefold_status reordered =
        onefold_reorder(session->context, block->out, block->out_layout, form->output, ONEFOLD_NCHW,
                        have_first ? other : first);
    if (reordered != ONEFOLD_OK) {
      status = onefold_bench_session_fail(session, block->problem, reordered);
    } else if (have_first) {
      form->max_error = onefold_bench_error(other, first, n);
      if (!(form->max_error <= BENCH_ERROR_LIMIT)) {
        char what[224];
        snprintf(what, sizeof what, "%s %s", block->problem, onefold_bench_forms[i].key);
        onefold_bench_session_wrong(session, what, form->max_error);
      }
    }
    have_first = 1;
  }
  free(first);
  free(other);
  return status;
}

int onefold_bench_block_make(bench_session *session, const bench_block_spec *spec,
                             bench_block *block) {
  const onefold_conv2d_desc *d = &spec->desc;
  *block = (bench_block){.session = session};
  onefold_conv2d_desc_print(d, block->problem, sizeof block->problem);
  block->in = (onefold_shape){d->batch, d->in_channels, d->in_h, d->in_w};
  block->in_layout = onefold_bench_in_layout(session, d->in_channels);
  block->out_layout = onefold_bench_out_layout(session);
  int status = check_geometry(session, block->problem, d);
  if (status) return status;
  const onefold_status shaped = onefold_conv2d_output_shape(session->context, d, &block->out);
  if (shaped != ONEFOLD_OK) return onefold_bench_session_fail(session, block->problem, shaped);
  status = build_graph(spec, block);
  if (!status) status = make_images(block);
  for (int i = 0; i < BENCH_FORMS && !status; i++) {
    if (session->options->forms[i]) status = make_form(block, i);
  }
  if (!status && session->options->check) status = compare_forms(block);
  return status;
}

void onefold_bench_block_destroy(bench_block *block) {
  for (int i = 0; i < BENCH_FORMS; i++) {
    onefold_exec_destroy(block->forms[i].exec);
    onefold_graph_destroy(block->forms[i].folded);
    free(block->forms[i].output);
  }
  onefold_graph_destroy(block->graph);
  free(block->plain);
  free(block->input);
}
