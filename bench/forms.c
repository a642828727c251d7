// SPDX-License-Identifier: BSD-3-Clause
// One block prepared in each form: built, folded, planned, packed, run and compared.
#include "bench/forms.h"

#include "bench/generated.h"
#include "bench/image.h"

#include <stdlib.h>

onefold_status onefold_bench_form_fold(const bench_block *block, int form,
                                       onefold_fold_report_fn report, void *user,
                                       onefold_graph **folded) {
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.level = (onefold_fold_level)onefold_bench_forms[form].level;
  options.report = report;
  options.user = user;
  return onefold_fold(block->session->context, block->graph, &options, folded);
}

onefold_exec_options onefold_bench_form_options(const bench_block *block, int form) {
  return (onefold_exec_options){
      .struct_size = sizeof(onefold_exec_options),
      .in_layout = block->inputs[0].layout,
      .out_layout = block->out_layout,
      .fuse_epilogues = onefold_bench_forms[form].fuse_epilogues,
  };
}

onefold_status onefold_bench_form_run(const bench_block *block, int form, onefold_exec *exec) {
  const float *inputs[BENCH_INPUTS] = {NULL};
  for (size_t i = 0; i < block->input_count; i++) inputs[i] = block->inputs[i].values;
  const bench_form *f = &block->forms[form];
  float *outputs[1] = {f->output};
  if (f->generated) return onefold_bench_generated_run(f->generated, inputs[0], outputs[0]);
  return onefold_exec_run(exec ? exec : f->exec, inputs, outputs);
}

static int build_graph(const bench_block_spec *spec, bench_block *block) {
  bench_session *session = block->session;
  onefold_block_params params = spec->params;
  if (session->options->has_activation) params.activation = session->options->activation;
  const onefold_status status =
      onefold_block_build(session->context, spec->block, &params, spec->weights, &block->graph);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, block->problem, status);
  while (block->input_count < BENCH_INPUTS) {
    const onefold_node node = onefold_graph_input_at(block->graph, block->input_count);
    if (node == ONEFOLD_NO_NODE) break;
    bench_input *input = &block->inputs[block->input_count++];
    input->shape = onefold_graph_shape(block->graph, node);
    input->layout = onefold_bench_in_layout(session, params.input.c);
  }
  block->out = onefold_graph_shape(block->graph, onefold_graph_output_at(block->graph, 0));
  return ONEFOLD_EXIT_OK;
}

static int make_input(bench_block *block, bench_input *input) {
  bench_session *session = block->session;
  const size_t plain = onefold_tensor_elements(session->context, input->shape, ONEFOLD_NCHW);
  input->floats = onefold_tensor_elements(session->context, input->shape, input->layout);
  block->input_floats += input->floats;
  input->plain = onefold_bench_floats(plain);
  input->values = onefold_bench_floats(input->floats);
  if (!input->plain || !input->values) {
    return onefold_bench_session_fail(session, block->problem, ONEFOLD_OUT_OF_MEMORY);
  }
  onefold_bench_fill(session, input->plain, plain);
  const onefold_status status = onefold_reorder(session->context, input->shape, ONEFOLD_NCHW,
                                                input->plain, input->layout, input->values);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, block->problem, status);
  return ONEFOLD_EXIT_OK;
}

static void keep_region(void *user, const onefold_fold_region *region) {
  bench_block *block = user;
  bench_region *more = realloc(block->regions, (block->region_count + 1) * sizeof *block->regions);
  if (!more) return;
  block->regions = more;
  bench_region *kept = &more[block->region_count++];
  *kept = (bench_region){.verdict = region->verdict,
                         .macs_before = region->macs_before,
                         .macs_after = region->macs_after,
                         .parameters_before = region->parameters_before,
                         .parameters_after = region->parameters_after};
  snprintf(kept->name, sizeof kept->name, "%s", region->name);
  snprintf(kept->kind, sizeof kept->kind, "%s", region->kind);
  snprintf(kept->reason, sizeof kept->reason, "%s", region->reason);
}

static onefold_status make_exec(bench_block *block, int index) {
  bench_session *session = block->session;
  bench_form *form = &block->forms[index];
  onefold_status status = ONEFOLD_OK;
  if (onefold_bench_forms[index].folds) {
    status = onefold_bench_form_fold(block, index, index == BENCH_FOLDED ? keep_region : NULL,
                                     block, &form->folded);
  }
  form->graph = form->folded ? form->folded : block->graph;
  const onefold_exec_options options = onefold_bench_form_options(block, index);
  if (status == ONEFOLD_OK) {
    status = onefold_exec_create(session->context, form->graph, &options, &form->exec);
  }
  if (status == ONEFOLD_OK) status = onefold_exec_pack(form->exec);
  if (status != ONEFOLD_OK) return status;
  onefold_exec_get_info(form->exec, &form->info);
  form->flops = 2.0 * onefold_graph_count(form->graph).macs;
  return ONEFOLD_OK;
}

static onefold_status make_generated(const bench_block_spec *spec, bench_block *block) {
  bench_form *form = &block->forms[BENCH_GENERATED];
  const onefold_status status = onefold_bench_generated_make(spec, block, &form->generated);
  if (status != ONEFOLD_OK) return status;
  form->info.steps = 1;
  form->info.packed_bytes = onefold_bench_generated_bytes(form->generated);
  form->flops = 2.0 * onefold_bench_generated_macs(form->generated);
  form->graph = block->graph; // whose weights it reads
  return ONEFOLD_OK;
}

static int make_form(const bench_block_spec *spec, bench_block *block, int index) {
  bench_session *session = block->session;
  bench_form *form = &block->forms[index];
  if (index == BENCH_GENERATED && !onefold_bench_generated_applies(spec)) return ONEFOLD_EXIT_OK;
  form->output = onefold_bench_floats(block->output_floats);
  onefold_status status = form->output ? ONEFOLD_OK : ONEFOLD_OUT_OF_MEMORY;
  if (status == ONEFOLD_OK) {
    status = index == BENCH_GENERATED ? make_generated(spec, block) : make_exec(block, index);
  }
  if (status == ONEFOLD_OK) status = onefold_bench_form_run(block, index, NULL);
  if (status != ONEFOLD_OK) return onefold_bench_session_fail(session, block->problem, status);
  form->ready = 1;
  form->bytes =
      (double)sizeof(float) * ((double)onefold_graph_count(form->graph).parameters +
                               (double)block->input_floats + (double)block->output_floats);
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
    if (!form->ready) continue;
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
  *block = (bench_block){.session = session};
  snprintf(block->problem, sizeof block->problem, "%s", spec->problem);
  snprintf(block->place, sizeof block->place, "%s", spec->place ? spec->place : "");
  block->out_layout = onefold_bench_out_layout(session);
  int status = build_graph(spec, block);
  for (size_t i = 0; i < block->input_count && !status; i++) {
    status = make_input(block, &block->inputs[i]);
  }
  block->output_floats = onefold_tensor_elements(session->context, block->out, block->out_layout);
  for (int i = 0; i < BENCH_FORMS && !status; i++) {
    if (session->options->forms[i]) status = make_form(spec, block, i);
  }
  if (!status && session->options->check) status = compare_forms(block);
  return status;
}

void onefold_bench_block_destroy(bench_block *block) {
  for (int i = 0; i < BENCH_FORMS; i++) {
    onefold_exec_destroy(block->forms[i].exec);
    onefold_bench_generated_destroy(block->forms[i].generated);
    onefold_graph_destroy(block->forms[i].folded);
    free(block->forms[i].output);
  }
  onefold_graph_destroy(block->graph);
  for (size_t i = 0; i < block->input_count; i++) {
    free(block->inputs[i].plain);
    free(block->inputs[i].values);
  }
  free(block->regions);
}
