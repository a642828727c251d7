// SPDX-License-Identifier: BSD-3-Clause
// Forms: what a node has become while its region is folded, and writing it down again.
#include "fold/leaf.h"
#include "fold/region.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

// What is made only to see whether it pays has at most this many weights (1 GiB), or this many
// times those that it replaces.
#define GUESS_WEIGHTS 0x1p27
#define GUESS_GROWTH  4

void onefold_region_refuse(onefold_folding *folding, onefold_fold_verdict verdict,
                           const char *format, ...) {
  if (folding->verdict != ONEFOLD_FOLD_EXACT) return;
  folding->verdict = verdict;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(folding->reason, sizeof folding->reason, format, arguments);
  va_end(arguments);
}

/// Gives the region up.
static void give_up(onefold_folding *folding, onefold_fold_verdict verdict, const char *reason) {
  if (folding->broken) return;
  folding->broken = 1;
  folding->verdict = verdict;
  snprintf(folding->reason, sizeof folding->reason, "%s", reason);
}

void onefold_region_does_not_pay(onefold_folding *folding) {
  folding->unprofitable = folding->broken = 1;
}

void onefold_form_clear(onefold_folding *folding, onefold_form *form) {
  onefold_affine_destroy(folding->context, form->affine);
  *form = onefold_no_form;
}

int onefold_form_may_guess(const onefold_affine *geometry, double weights) {
  return onefold_affine_size(geometry) <= fmax(GUESS_WEIGHTS, GUESS_GROWTH * weights);
}

/// A weight that is not finite would be hidden by a zero in the next map.
static int finite_map(const onefold_affine *affine) {
  const size_t count = onefold_affine_weights(affine);
  for (size_t i = 0; i < count; i++)
    if (!isfinite(affine->weight[i])) return 0;
  for (int64_t o = 0; o < affine->out_channels; o++)
    if (!isfinite(affine->bias[o])) return 0;
  const size_t border = affine->border ? onefold_affine_border(affine) : 0;
  for (size_t i = 0; i < border; i++)
    if (!isfinite(affine->border[i])) return 0;
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
      give_up(folding, ONEFOLD_FOLD_NOT_FINITE, "a weight or bias is not finite");
  }
  if (!form->affine) folding->status = ONEFOLD_OUT_OF_MEMORY;
  return form->affine;
}

/// Room for `count` floats, all of which are to be written; NULL after a failure (status is set).
static float *make_floats(onefold_folding *folding, size_t count) {
  float *values = onefold_allocate_unset(folding->context, count * sizeof *values);
  if (!values)
    folding->status =
        onefold_fail(folding->context, ONEFOLD_OUT_OF_MEMORY, "no memory for a folded node");
  return values;
}

/// Rounds to float32, with -0 as 0 so that folding again gives the same bits; breaks the region
/// where a value is not finite then.
static int narrow(onefold_folding *folding, const double *source, float *target, size_t count) {
  int finite = 1;
  for (size_t i = 0; i < count; i++) {
    target[i] = (float)source[i] + 0.0f;
    finite &= isfinite(target[i]) != 0;
  }
  if (!finite)
    give_up(folding, ONEFOLD_FOLD_NOT_FINITE, "a folded weight or bias is not a finite float32");
  return finite;
}

/// Outputs whose windows lie outside the image are the bias alone.
static onefold_node emit_outside(onefold_folding *folding, onefold_node node,
                                 const onefold_ring *outside, const float *bias) {
  if (onefold_ring_is_empty(outside)) return node;
  const onefold_pad_params params = {outside->top, outside->bottom, outside->left, outside->right,
                                     bias};
  return onefold_graph_pad(folding->target, node, &params);
}

static onefold_node emit_scale(onefold_folding *folding, const onefold_form *form,
                               const onefold_ring *outside) {
  const onefold_affine *affine = form->affine;
  const size_t channels = (size_t)affine->out_channels;
  float *arrays = make_floats(folding, 2 * channels);
  onefold_node node = ONEFOLD_NO_NODE;
  if (arrays && narrow(folding, affine->weight, arrays, channels) &&
      narrow(folding, affine->bias, arrays + channels, channels)) {
    node = onefold_graph_scale(folding->target, form->base, arrays, arrays + channels);
    node = emit_outside(folding, node, outside, arrays + channels);
  }
  onefold_release(folding->context, arrays);
  return node;
}

static onefold_node emit_conv2d(onefold_folding *folding, const onefold_form *form) {
  const onefold_affine *affine = form->affine;
  const size_t weights = onefold_affine_weights(affine), channels = (size_t)affine->out_channels;
  onefold_graph_conv2d_params params;
  onefold_ring outside;
  if (!onefold_affine_to_conv2d(affine, &params, &outside)) {
    give_up(folding, ONEFOLD_FOLD_SHAPE, "the folded window lies outside the image");
    return ONEFOLD_NO_NODE;
  }
  float *arrays = make_floats(folding, weights + channels);
  onefold_node node = ONEFOLD_NO_NODE;
  if (arrays && narrow(folding, affine->weight, arrays, weights) &&
      narrow(folding, affine->bias, arrays + weights, channels)) {
    node = onefold_graph_conv2d(folding->target, form->base, &params, arrays, arrays + weights);
    node = emit_outside(folding, node, &outside, arrays + weights);
  }
  onefold_release(folding->context, arrays);
  return node;
}

static onefold_node emit_border(onefold_folding *folding, const onefold_affine *affine,
                                onefold_node node) {
  if (!affine->border || node == ONEFOLD_NO_NODE) return node;
  const size_t count = onefold_affine_border(affine);
  float *values = make_floats(folding, count);
  const onefold_ring *ring = &affine->ring;
  const onefold_border_params params = {ring->top, ring->bottom, ring->left, ring->right, values};
  onefold_node border = ONEFOLD_NO_NODE;
  if (values && narrow(folding, affine->border, values, count))
    border = onefold_graph_border(folding->target, node, &params);
  onefold_release(folding->context, values);
  return border;
}

/// A map that was composed for a sum to pay for, and that no sum took, or that has become a
/// convolution of nodes that are none.
static int did_not_pay(const onefold_folding *folding, const onefold_form *form) {
  const int is_conv = form->convs > 0 || !onefold_affine_is_per_channel(form->affine);
  return folding->policy == ONEFOLD_POLICY_EAGER && !folding->options->force && is_conv &&
         onefold_affine_macs(form->affine) > ONEFOLD_PROFIT_MARGIN * form->macs;
}

onefold_node onefold_form_emit(onefold_folding *folding, onefold_form *form, onefold_node named) {
  if (folding->status != ONEFOLD_OK || folding->broken) { // the form may lack its map or its base
    onefold_form_clear(folding, form);
    return ONEFOLD_NO_NODE;
  }
  onefold_node node = form->base;
  const onefold_node begin = folding->target->node_count;
  if (form->composed && did_not_pay(folding, form)) {
    onefold_region_does_not_pay(folding);
    onefold_form_clear(folding, form);
    return ONEFOLD_NO_NODE;
  }
  if (form->composed) {
    onefold_ring outside;
    node = form->convs == 0 && onefold_affine_is_scale(form->affine, &outside)
               ? emit_scale(folding, form, &outside)
               : emit_conv2d(folding, form);
    node = emit_border(folding, form->affine, node);
    for (onefold_node i = begin; i < folding->target->node_count; i++)
      onefold_graph_name(folding->target, i, folding->source->nodes[named].name);
  } else if (form->source != ONEFOLD_NO_NODE) {
    node = onefold_graph_copy_node(folding->target, folding->source, form->source, &form->base);
  }
  if (folding->status == ONEFOLD_OK) folding->status = folding->target->status;
  onefold_form_clear(folding, form);
  return node;
}
