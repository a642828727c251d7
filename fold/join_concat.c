// SPDX-License-Identifier: BSD-3-Clause
// Folding a concatenation: maps of one node, side by side, are one map with more channels.
#include "fold/region.h"

/// Non-zero when the terms are maps of one node, each with a node of its own to fold.
static int share_base(const onefold_folding *folding, int32_t count) {
  for (int32_t k = 0; k < count; k++)
    if (folding->terms[k].base != folding->terms[0].base ||
        onefold_form_is_identity(&folding->terms[k]))
      return 0;
  return 1;
}

/// The map of all terms, or none where they do not agree or where it would not pay.
static onefold_form stack(onefold_folding *folding, int32_t count) {
  onefold_form form = {.base = folding->terms[0].base, .source = ONEFOLD_NO_NODE, .composed = 1};
  for (int32_t k = 0; k < count; k++) {
    if (!(folding->maps[k] = onefold_form_affine(folding, &folding->terms[k])))
      return onefold_no_form;
    form.macs += folding->terms[k].macs;
    form.convs += folding->terms[k].convs;
  }
  onefold_affine geometry;
  if (!onefold_affine_concat_geometry(folding->maps, (size_t)count, &geometry) ||
      (onefold_affine_macs(&geometry) > ONEFOLD_PROFIT_MARGIN * form.macs &&
       !folding->options->force))
    return onefold_no_form;
  if (!(form.affine = onefold_affine_create(folding->context, &geometry))) {
    folding->status = ONEFOLD_OUT_OF_MEMORY;
    return onefold_no_form;
  }
  int64_t first = 0;
  for (int32_t k = 0; k < count; k++) {
    onefold_affine_accumulate(form.affine, folding->maps[k], first);
    first += folding->maps[k]->out_channels;
    onefold_form_clear(folding, &folding->terms[k]);
  }
  return form;
}

onefold_form onefold_join_concat(onefold_folding *folding, onefold_node node) {
  const int32_t count = folding->source->nodes[node].input_count;
  onefold_form form = onefold_no_form;
  onefold_join_terms(folding, node);
  if (folding->policy != ONEFOLD_POLICY_KEEP && count > 1 && share_base(folding, count))
    form = stack(folding, count);
  if (form.base == ONEFOLD_NO_NODE && folding->status == ONEFOLD_OK && !folding->broken)
    form = onefold_join_emit(folding, node);
  for (int32_t k = 0; k < count; k++) onefold_form_clear(folding, &folding->terms[k]);
  return form;
}
