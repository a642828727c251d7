// SPDX-License-Identifier: BSD-3-Clause
// Folding a checkpoint: what the output has is known from the shapes, so it is written block by
// block. A block that turns out not to fold makes the writing begin again without it.
#include "models/checkpoint.h"

#include <math.h>
#include <stdio.h>

typedef struct folding {
  onefold_context *context;
  const onefold_weights *weights;
  const onefold_checkpoint_options *options;
  onefold_scan scan;
  onefold_checkpoint_plan plan;
  size_t reported;                    // tensors of the file whose callbacks were made
  char failure[ONEFOLD_REASON + 256]; // the first check that failed
} folding;

void onefold_checkpoint_options_init(onefold_checkpoint_options *options) {
  if (!options) return;
  *options = (onefold_checkpoint_options){
      .struct_size = sizeof *options, .bn_epsilon = -1, .check_limit = 1e-4};
}

// ---------------------------------------------------------------- callbacks

static void report_match(const folding *f, const onefold_match *match,
                         const onefold_fold_region *region) {
  if (!f->options->block) return;
  const int known = match->state != ONEFOLD_CHECKPOINT_UNKNOWN;
  const onefold_checkpoint_block block = {
      .prefix = match->prefix,
      .family = match->family->name,
      .block = match->family->block,
      .state = match->state,
      .reason = match->reason,
      .note = match->family->note,
      .in_channels = known ? match->sizes['I'] : 0,
      .out_channels = known ? match->sizes['O'] : 0,
      .kernel = known ? match->sizes['K'] : 0,
      .groups = known ? match->groups : 0,
      .bn_epsilon = onefold_deploy_epsilon(match, f->options),
      .family_epsilon = match->bn_epsilon,
      .least_variance = match->least_variance,
      .tensors = match->tensors,
      .dtype = f->scan.file->tensors[match->first].dtype_name,
      .region = region,
  };
  f->options->block(f->options->user, &block);
}

/// Calls back for what begins at the tensors before `end`. A block in its training form is
/// reported when it is folded, and here where nothing is.
static void report_until(folding *f, size_t end, int nothing_folds) {
  for (; f->reported < end; f->reported++) {
    const onefold_tensor *t = &f->scan.file->tensors[f->reported];
    const int32_t owner = f->scan.owner[f->reported];
    if (owner < 0) {
      if (f->options->rest)
        f->options->rest(f->options->user, t->name, t->dtype_name, t->dims, t->rank);
      continue;
    }
    const onefold_match *match = &f->scan.matches[owner];
    if (match->first == f->reported &&
        (nothing_folds || match->state != ONEFOLD_CHECKPOINT_TRAINING))
      report_match(f, match, NULL);
  }
}

// ------------------------------------------------------------------- folding

static void check(folding *f, const onefold_match *match, const onefold_deploy *deploy) {
  const double error = deploy->region.max_rel_error, limit = f->options->check_limit;
  if (!f->options->check || f->failure[0] || (error >= 0 && error <= limit)) return;
  if (error < 0)
    snprintf(f->failure, sizeof f->failure, "%s%s: its two forms could not be run to compare them",
             match->prefix, match->family->deploy);
  else
    snprintf(f->failure, sizeof f->failure,
             "%s%s: the folded form differs by %.3g of the largest value, more than %.3g",
             match->prefix, match->family->deploy, error, limit);
}

/// Folds a block and writes it, unless the writer is closed; where it does not fold, closes it.
static onefold_status fold_match(folding *f, int32_t number, int report,
                                 onefold_safetensors_writer *writer, int32_t *writing) {
  onefold_match *match = &f->scan.matches[number];
  onefold_deploy deploy;
  onefold_status status = onefold_deploy_make(f->context, f->weights, f->options, match, &deploy);
  if (status == ONEFOLD_OK) {
    const int folds = deploy.graph != NULL;
    if (folds) check(f, match, &deploy);
    f->plan.kept[number] = !folds;
    if (report) {
      report_until(f, match->first, 0);
      report_match(f, match, folds ? &deploy.region : NULL);
    }
    if (*writing && folds && !f->failure[0]) {
      status = onefold_deploy_append(match, &deploy, writer);
    } else if (*writing) {
      onefold_safetensors_abort(writer);
      *writing = 0;
    }
  }
  onefold_deploy_release(f->context, &deploy);
  return status;
}

/// One pass over the plan; `report`: with callbacks. A block that does not fold ends the writing,
/// but not the pass.
static onefold_status run_pass(folding *f, int report, onefold_safetensors_writer *writer,
                               int32_t *writing) {
  onefold_status status = ONEFOLD_OK;
  for (size_t i = 0; i < f->plan.count && status == ONEFOLD_OK; i++) {
    const onefold_piece *piece = &f->plan.pieces[i];
    if (piece->match >= 0)
      status = fold_match(f, piece->match, report, writer, writing);
    else if (*writing)
      status = onefold_tensor_append(f->scan.file, &f->scan.file->tensors[piece->tensor], writer);
  }
  if (report && status == ONEFOLD_OK) report_until(f, f->scan.file->count, 0);
  if (status == ONEFOLD_OK && f->failure[0])
    status = onefold_fail(f->context, ONEFOLD_REFUSED, "%s", f->failure);
  if (status != ONEFOLD_OK && *writing) onefold_safetensors_abort(writer);
  return status;
}

static onefold_status copy_file(const folding *f, const char *path) {
  onefold_output output;
  onefold_status status = onefold_output_begin(f->context, path, &output);
  if (status != ONEFOLD_OK) return status;
  status = onefold_output_append(&output, f->scan.file->bytes, f->scan.file->length);
  if (status == ONEFOLD_OK) return onefold_output_finish(&output);
  onefold_output_abort(&output);
  return status;
}

/// Passes until one has written everything: at most two, as the first finds every block that
/// does not fold.
static onefold_status run(folding *f, const char *out) {
  for (int report = 1;; report = 0) {
    onefold_plan_order(&f->plan);
    onefold_safetensors_writer writer;
    int32_t writing = out && f->plan.folds > 0;
    onefold_status status = writing ? onefold_plan_begin(&f->plan, out, &writer) : ONEFOLD_OK;
    if (status == ONEFOLD_OK && (report || writing))
      status = run_pass(f, report, &writer, &writing);
    if (status != ONEFOLD_OK || !out) return status;
    if (writing) return onefold_safetensors_finish(&writer);
    if (f->plan.folds == 0) return copy_file(f, out);
  }
}

static onefold_status check_arguments(onefold_context *context, const onefold_weights *weights,
                                      const onefold_checkpoint_options *options) {
  if (!context || !weights)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        context ? "weights" : "context");
  if (options->struct_size != sizeof *options)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        "struct_size of onefold_checkpoint_options is %zu, not %zu",
                        options->struct_size, sizeof *options);
  if (isnan(options->bn_epsilon) || isinf(options->bn_epsilon))
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "bn_epsilon is %g", options->bn_epsilon);
  if (!(options->check_limit >= 0))
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "check_limit is %g",
                        options->check_limit);
  if (!onefold_weights_file(weights))
    return onefold_fail(context, ONEFOLD_UNSUPPORTED,
                        "these weights are generated; a checkpoint is a file");
  return ONEFOLD_OK;
}

static onefold_status begin(onefold_context *context, const onefold_weights *weights,
                            const onefold_checkpoint_options *options, folding *f) {
  *f = (folding){.context = context, .weights = weights, .options = options};
  return onefold_scan_file(context, onefold_weights_file(weights), &f->scan);
}

onefold_status onefold_checkpoint_visit(onefold_context *context, const onefold_weights *weights,
                                        const onefold_checkpoint_options *options) {
  onefold_checkpoint_options defaults;
  onefold_checkpoint_options_init(&defaults);
  if (!options) options = &defaults;
  onefold_status status = check_arguments(context, weights, options);
  if (status != ONEFOLD_OK) return status;
  folding f;
  status = begin(context, weights, options, &f);
  if (status == ONEFOLD_OK) report_until(&f, f.scan.file->count, 1);
  onefold_scan_clear(&f.scan);
  return status;
}

onefold_status onefold_checkpoint_fold(onefold_context *context, const onefold_weights *in,
                                       const char *out, const onefold_checkpoint_options *options) {
  onefold_checkpoint_options defaults;
  onefold_checkpoint_options_init(&defaults);
  if (!options) options = &defaults;
  onefold_status status = check_arguments(context, in, options);
  if (status != ONEFOLD_OK) return status;
  folding f;
  status = begin(context, in, options, &f);
  if (status == ONEFOLD_OK) status = onefold_plan_create(&f.scan, &f.plan);
  if (status == ONEFOLD_OK) status = run(&f, out);
  onefold_plan_release(&f.plan);
  onefold_scan_clear(&f.scan);
  return status;
}
