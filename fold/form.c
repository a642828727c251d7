// SPDX-License-Identifier: BSD-3-Clause
// Forms: what a node has become while its region is folded, and writing it down again.
#include "fold/leaf.h"
#include "fold/region.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void onefold_region_refuse(onefold_folding *folding, onefold_fold_verdict verdict,
                           const char *format, ...) {
  if (folding->verdict != ONEFOLD_FOLD_EXACT) return;
  folding->verdict = verdict;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(folding->reason, sizeof folding->reason, format, arguments);
  va_end(arguments);
}

void onefold_region_break(onefold_folding *folding, onefold_fold_verdict verdict,
                          const char *reason) {
  if (folding->broken) return;
  folding->broken = 1;
  folding->verdict = verdict;
  snprintf(folding->reason, sizeof folding->reason, "%s", reason);
}

void onefold_form_clear(onefold_folding *folding, onefold_form *form) {
  onefold_affine_destroy(folding->context, form->affine);
  *form = (onefold_form){.base = ONEFOLD_NO_NODE, .source = ONEFOLD_NO_NODE};
}

/// A weight that is not finite would be hidden by a zero in the next map.
static int finite_map(const onefold_affine *affine) {
  const size_t count = onefold_affine_weights(affine);
  for (size_t i = 0; i < count; i++)
    if (!isfinite(affine->weight[i])) return 0;
  for (int64_t o = 0; o < affine->out_channels; o++)
    if (!isfinite(affine->bias[o])) return 0;
  return 1;
}

onefold_affine *onefold_form_affine(onefold_folding *folding, onefold_form *form) {
  if (form->affine || folding->status != ONEFOLD_OK) return form->affine;
  if (form->source == ONEFOLD_NO_NODE) {
    form->affine = onefold_affine_scale(folding->context, folding->target->nodes[form->base].shape,
                                        NULL, NULL);
  } else {
    const onefold_graph_node *node = &folding->source->nodes[form->source];
    form->affine = onefold_leaf_of(node->kind)(folding->context, folding->source, node);
    if (form->affine && !finite_map(form->affine))
      onefold_region_break(folding, ONEFOLD_FOLD_NOT_FINITE, "a weight or bias is not finite");
  }
  if (!form->affine) folding->status = ONEFOLD_OUT_OF_MEMORY;
  return form->affine;
}

/// y = t*x + b as a batch normalisation with mean 0, variance 1 and epsilon 0.
static onefold_node emit_scale(onefold_folding *folding, const onefold_form *form) {
  const onefold_affine *affine = form->affine;
  const size_t channels = (size_t)affine->out_channels;
  float *arrays = onefold_allocate(folding->context, 4 * channels * sizeof *arrays);
  if (!arrays) {
    folding->status =
        onefold_fail(folding->context, ONEFOLD_OUT_OF_MEMORY, "no memory for a folded node");
    return ONEFOLD_NO_NODE;
  }
  int finite = 1;
  for (size_t c = 0; c < channels; c++) {
    arrays[c] = (float)affine->weight[c];
    arrays[channels + c] = (float)affine->bias[c];
    arrays[3 * channels + c] = 1;
    finite &= isfinite(arrays[c]) && isfinite(arrays[channels + c]);
  }
  const onefold_batch_norm_params params = {.gamma = arrays,
                                            .beta = arrays + channels,
                                            .mean = arrays + 2 * channels,
                                            .variance = arrays + 3 * channels};
  onefold_node node = ONEFOLD_NO_NODE;
  if (finite)
    node = onefold_graph_batch_norm(folding->target, form->base, &params);
  else
    onefold_region_break(folding, ONEFOLD_FOLD_NOT_FINITE,
                         "a folded scale or shift is not a finite float32");
  onefold_release(folding->context, arrays);
  return node;
}

static onefold_node emit_conv2d(onefold_folding *folding, const onefold_form *form) {
  const onefold_affine *affine = form->affine;
  const size_t weights = onefold_affine_weights(affine);
  float *arrays =
      onefold_allocate(folding->context, (weights + (size_t)affine->out_channels) * sizeof *arrays);
  if (!arrays) {
    folding->status =
        onefold_fail(folding->context, ONEFOLD_OUT_OF_MEMORY, "no memory for a folded node");
    return ONEFOLD_NO_NODE;
  }
  onefold_graph_conv2d_params params;
  int not_finite;
  onefold_node node = ONEFOLD_NO_NODE;
  const char *fault =
      onefold_affine_to_conv2d(affine, &params, arrays, arrays + weights, &not_finite);
  if (fault)
    onefold_region_break(folding, not_finite ? ONEFOLD_FOLD_NOT_FINITE : ONEFOLD_FOLD_SHAPE, fault);
  else
    node = onefold_graph_conv2d(folding->target, form->base, &params, arrays, arrays + weights);
  onefold_release(folding->context, arrays);
  return node;
}

onefold_node onefold_form_emit(onefold_folding *folding, onefold_form *form, onefold_node named) {
  onefold_node node = form->base;
  if (form->composed) {
    node = onefold_affine_is_scale(form->affine) && form->convs == 0 ? emit_scale(folding, form)
                                                                     : emit_conv2d(folding, form);
    if (node != ONEFOLD_NO_NODE)
      onefold_graph_name(folding->target, node, folding->source->nodes[named].name);
  } else if (form->source != ONEFOLD_NO_NODE) {
    node = onefold_graph_copy_node(folding->target, folding->source, form->source, &form->base);
  }
  if (folding->status == ONEFOLD_OK) folding->status = folding->target->status;
  onefold_form_clear(folding, form);
  return node;
}
