// SPDX-License-Identifier: BSD-3-Clause
// One block or network prepared in each form: built, folded, planned, packed, run and compared.
#include "bench/forms.h"

#include "bench/generated.h"
#include "bench/image.h"

#include <stdlib.h>

onefold_status onefold_bench_model_fold(const bench_model *model, int form,
                                        onefold_fold_report_fn report, void *user,
                                        onefold_graph **folded) {
  return onefold_bench_form_fold(model->session->context, model->graph, form, report, user, folded);
}

onefold_exec_options onefold_bench_model_options(const bench_model *model, int form) {
  return onefold_bench_form_options(form, model->inputs[0].layout, model->outputs[0].layout);
}

void onefold_bench_model_inputs(const bench_model *model, const float *inputs[BENCH_INPUTS]) {
  for (size_t i = 0; i < BENCH_INPUTS; i++) inputs[i] = model->inputs[i].values;
}

onefold_status onefold_bench_model_run(const bench_model *model, int form, onefold_exec *exec) {
  const float *inputs[BENCH_INPUTS];
  onefold_bench_model_inputs(model, inputs);
  const bench_form *f = &model->forms[form];
  if (f->generated) return onefold_bench_generated_run(f->generated, inputs[0], f->outputs[0]);
  return onefold_exec_run(exec ? exec : f->exec, inputs, f->outputs);
}

size_t onefold_bench_model_plain_floats(const bench_model *model) {
  size_t floats = 0;
  for (size_t k = 0; k < model->output_count; k++)
    floats +=
        onefold_tensor_elements(model->session->context, model->outputs[k].shape, ONEFOLD_NCHW);
  return floats;
}

onefold_status onefold_bench_model_plain(const bench_model *model, float *const *outputs,
                                         float *values) {
  const onefold_context *context = model->session->context;
  onefold_status status = ONEFOLD_OK;
  for (size_t k = 0; k < model->output_count && status == ONEFOLD_OK; k++) {
    const bench_tensor *out = &model->outputs[k];
    status = onefold_reorder(model->session->context, out->shape, out->layout, outputs[k],
                             ONEFOLD_NCHW, values);
    values += onefold_tensor_elements(context, out->shape, ONEFOLD_NCHW);
  }
  return status;
}

// ------------------------------------------------------------------- making

static int fail(const bench_model *model, onefold_status status) {
  return onefold_bench_session_fail(model->session, model->problem, status);
}

static onefold_status build(const bench_model_spec *spec, bench_model *model) {
  onefold_context *context = model->session->context;
  onefold_block_params params = spec->params;
  if (spec->network)
    return onefold_network_build(context, spec->network, params.input, spec->weights,
                                 &model->graph);
  if (model->session->options->has_activation)
    params.activation = model->session->options->activation;
  return onefold_block_build(context, spec->block, &params, spec->weights, &model->graph);
}

static int make_input(bench_model *model, bench_tensor *input) {
  bench_session *session = model->session;
  const size_t plain = onefold_tensor_elements(session->context, input->shape, ONEFOLD_NCHW);
  input->floats = onefold_tensor_elements(session->context, input->shape, input->layout);
  model->input_floats += input->floats;
  input->plain = onefold_bench_floats(plain);
  input->values = onefold_bench_floats(input->floats);
  if (!input->plain || !input->values) return fail(model, ONEFOLD_OUT_OF_MEMORY);
  onefold_bench_fill(session, input->plain, plain);
  const onefold_status status = onefold_reorder(session->context, input->shape, ONEFOLD_NCHW,
                                                input->plain, input->layout, input->values);
  return status == ONEFOLD_OK ? ONEFOLD_EXIT_OK : fail(model, status);
}

static int make_inputs(bench_model *model) {
  int status = ONEFOLD_EXIT_OK;
  while (model->input_count < BENCH_INPUTS && !status) {
    const onefold_node node = onefold_graph_input_at(model->graph, model->input_count);
    if (node == ONEFOLD_NO_NODE) break;
    bench_tensor *input = &model->inputs[model->input_count++];
    input->shape = onefold_graph_shape(model->graph, node);
    input->layout = onefold_bench_in_layout(model->session->options, model->inputs[0].shape.c);
    status = make_input(model, input);
  }
  return status;
}

/// Networks give what an application wants, NCHW, unless the options say otherwise.
static void describe_outputs(bench_model *model) {
  bench_session *session = model->session;
  while (model->output_count < BENCH_OUTPUTS) {
    const onefold_node node = onefold_graph_output_at(model->graph, model->output_count);
    if (node == ONEFOLD_NO_NODE) break;
    bench_tensor *out = &model->outputs[model->output_count++];
    out->shape = onefold_graph_shape(model->graph, node);
    out->layout = model->is_network && !session->options->has_layout
                      ? ONEFOLD_NCHW
                      : onefold_bench_out_layout(session->options);
    out->floats = onefold_tensor_elements(session->context, out->shape, out->layout);
    model->output_floats += out->floats;
  }
}

static void keep_region(void *user, const onefold_fold_region *region) {
  bench_model *model = user;
  bench_region *more = realloc(model->regions, (model->region_count + 1) * sizeof *model->regions);
  if (!more) return;
  model->regions = more;
  bench_region *kept = &more[model->region_count++];
  *kept = (bench_region){.verdict = region->verdict,
                         .macs_before = region->macs_before,
                         .macs_after = region->macs_after,
                         .parameters_before = region->parameters_before,
                         .parameters_after = region->parameters_after};
  snprintf(kept->name, sizeof kept->name, "%s", region->name);
  snprintf(kept->kind, sizeof kept->kind, "%s", region->kind);
  snprintf(kept->reason, sizeof kept->reason, "%s", region->reason);
}

static onefold_status make_exec(bench_model *model, int index) {
  bench_session *session = model->session;
  bench_form *form = &model->forms[index];
  onefold_status status = onefold_bench_model_fold(
      model, index, index == BENCH_FOLDED ? keep_region : NULL, model, &form->folded);
  form->graph = form->folded ? form->folded : model->graph;
  const onefold_exec_options options = onefold_bench_model_options(model, index);
  if (status == ONEFOLD_OK) {
    status = onefold_exec_create(session->context, form->graph, &options, &form->exec);
  }
  if (status == ONEFOLD_OK) status = onefold_exec_pack(form->exec);
  if (status != ONEFOLD_OK) return status;
  onefold_exec_get_info(form->exec, &form->info);
  form->flops = 2.0 * onefold_graph_count(form->graph).macs;
  return ONEFOLD_OK;
}

static onefold_status make_generated(const bench_model_spec *spec, bench_model *model) {
  bench_form *form = &model->forms[BENCH_GENERATED];
  const onefold_status status = onefold_bench_generated_make(spec, model, &form->generated);
  if (status != ONEFOLD_OK) return status;
  form->info.steps = 1;
  form->info.packed_bytes = onefold_bench_generated_bytes(form->generated);
  form->flops = 2.0 * onefold_bench_generated_macs(form->generated);
  form->graph = model->graph; // whose weights it reads
  return ONEFOLD_OK;
}

static int make_form(const bench_model_spec *spec, bench_model *model, int index) {
  bench_form *form = &model->forms[index];
  form->max_error = -1.0;
  if (index == BENCH_GENERATED && !onefold_bench_generated_applies(spec)) return ONEFOLD_EXIT_OK;
  onefold_status status = ONEFOLD_OK;
  for (size_t k = 0; k < model->output_count; k++) {
    form->outputs[k] = onefold_bench_floats(model->outputs[k].floats);
    if (!form->outputs[k]) status = ONEFOLD_OUT_OF_MEMORY;
  }
  if (status == ONEFOLD_OK) {
    status = index == BENCH_GENERATED ? make_generated(spec, model) : make_exec(model, index);
  }
  if (status == ONEFOLD_OK) status = onefold_bench_model_run(model, index, NULL);
  if (status != ONEFOLD_OK) return fail(model, status);
  form->ready = 1;
  form->bytes =
      (double)sizeof(float) * ((double)onefold_graph_count(form->graph).parameters +
                               (double)model->input_floats + (double)model->output_floats);
  return ONEFOLD_EXIT_OK;
}

double onefold_bench_model_error(const bench_model *model, const float *values,
                                 const float *first) {
  double largest = 0;
  for (size_t k = 0; k < model->output_count; k++) {
    const size_t n =
        onefold_tensor_elements(model->session->context, model->outputs[k].shape, ONEFOLD_NCHW);
    const double error = onefold_bench_error(values, first, n);
    if (error > largest) largest = error;
    values += n;
    first += n;
  }
  return largest;
}

/// Every form against the first one, as NCHW.
static int compare_forms(bench_model *model) {
  const size_t n = onefold_bench_model_plain_floats(model);
  float *first = onefold_bench_floats(n), *other = onefold_bench_floats(n);
  int status = first && other ? ONEFOLD_EXIT_OK : fail(model, ONEFOLD_OUT_OF_MEMORY);
  int have_first = 0;
  for (int i = 0; i < BENCH_FORMS && !status; i++) {
    bench_form *form = &model->forms[i];
    if (!form->ready) continue;
    const onefold_status plain =
        onefold_bench_model_plain(model, form->outputs, have_first ? other : first);
    if (plain != ONEFOLD_OK) {
      status = fail(model, plain);
    } else if (have_first) {
      form->max_error = onefold_bench_model_error(model, other, first);
      if (!(form->max_error <= BENCH_ERROR_LIMIT)) {
        char what[224];
        snprintf(what, sizeof what, "%s %s", model->problem, onefold_bench_forms[i].key);
        onefold_bench_session_wrong(model->session, what, form->max_error);
      }
    }
    have_first = 1;
  }
  free(first);
  free(other);
  return status;
}

/// Every block has all forms but one.
static int expect_forms(const bench_model *model, const bench_model_spec *spec) {
  bench_session *session = model->session;
  int ready = 0;
  for (int i = 0; i < BENCH_FORMS; i++) ready += model->forms[i].ready;
  if (ready) return ONEFOLD_EXIT_OK;
  onefold_bench_progress_clear(&session->progress);
  fprintf(stderr, "%s: %s: --form=%s: it is a form of orepa with batch normalisation alone\n",
          session->options->command, spec->block ? spec->block : spec->network,
          onefold_bench_forms[BENCH_GENERATED].key);
  if (session->status == ONEFOLD_EXIT_OK) session->status = ONEFOLD_EXIT_USAGE;
  return ONEFOLD_EXIT_USAGE;
}

int onefold_bench_model_make(bench_session *session, const bench_model_spec *spec,
                             bench_model *model) {
  *model = (bench_model){.session = session, .is_network = spec->network != NULL};
  snprintf(model->problem, sizeof model->problem, "%s", spec->problem);
  snprintf(model->place, sizeof model->place, "%s", spec->place ? spec->place : "");
  const onefold_status built = build(spec, model);
  int status = built == ONEFOLD_OK ? ONEFOLD_EXIT_OK : fail(model, built);
  if (!status) status = make_inputs(model);
  if (!status) describe_outputs(model);
  for (int i = 0; i < BENCH_FORMS && !status; i++) {
    if (session->options->forms[i]) status = make_form(spec, model, i);
  }
  if (!status) status = expect_forms(model, spec);
  if (!status && session->options->check) status = compare_forms(model);
  return status;
}

void onefold_bench_model_destroy(bench_model *model) {
  for (int i = 0; i < BENCH_FORMS; i++) {
    onefold_exec_destroy(model->forms[i].exec);
    onefold_bench_generated_destroy(model->forms[i].generated);
    onefold_graph_destroy(model->forms[i].folded);
    for (size_t k = 0; k < BENCH_OUTPUTS; k++) free(model->forms[i].outputs[k]);
  }
  onefold_graph_destroy(model->graph);
  for (size_t i = 0; i < model->input_count; i++) {
    free(model->inputs[i].plain);
    free(model->inputs[i].values);
  }
  free(model->regions);
}
