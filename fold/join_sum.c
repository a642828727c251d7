// SPDX-License-Identifier: BSD-3-Clause
// Folding a sum: the terms that are maps of one node become one map.
#include "fold/region.h"

#include <string.h>

// A sum may cost this much more than its branches, as it is one operator instead of several.
#define SUM_MARGIN 2

static int same_axis(const onefold_axis *a, const onefold_axis *b) {
  return a->lo == b->lo && a->step == b->step && a->taps == b->taps;
}

/// Non-zero when a map has the sum's groups, window and ring: the others can be added to it.
static int has_room(const onefold_affine *map, const onefold_affine *sum) {
  return map->groups == sum->groups && same_axis(&map->h, &sum->h) && same_axis(&map->w, &sum->w) &&
         memcmp(&map->ring, &sum->ring, sizeof sum->ring) == 0;
}

/// Adds the maps of terms[of[0]], terms[of[1]], ... into terms[of[0]].
static void merge(onefold_folding *folding, const onefold_affine *geometry, const int32_t *of,
                  int32_t count) {
  onefold_form merged = {
      .base = folding->terms[of[0]].base, .source = ONEFOLD_NO_NODE, .composed = 1};
  for (int32_t k = 0; k < count && !merged.affine; k++) {
    onefold_form *term = &folding->terms[of[k]];
    if (!has_room(term->affine, geometry)) continue;
    merged.affine = term->affine;
    term->affine = NULL;
  }
  if (!merged.affine && !(merged.affine = onefold_affine_create(folding->context, geometry))) {
    folding->status = ONEFOLD_OUT_OF_MEMORY;
    return;
  }
  for (int32_t k = 0; k < count; k++) {
    onefold_form *term = &folding->terms[of[k]];
    if (term->affine) onefold_affine_accumulate(merged.affine, term->affine, 0);
    merged.macs += term->macs;
    merged.convs += term->convs;
    onefold_form_clear(folding, term);
  }
  folding->terms[of[0]] = merged;
}

/// Why a sum of terms is not worth it: it has fewer groups than one of them, as that of a depthwise
/// and a dense one, or a larger window than all of them, as that of two dilations, and costs a
/// multiple; or it would be a convolution of terms that are none, as slices are. EXACT where it is.
static onefold_fold_verdict judge(const onefold_folding *folding, const onefold_affine *geometry,
                                  const int32_t *of, int32_t count) {
  if (folding->policy != ONEFOLD_POLICY_STRICT || folding->options->force)
    return ONEFOLD_FOLD_EXACT;
  double macs = 0;
  int coarser = 0, convs = 0;
  for (int32_t k = 0; k < count; k++) {
    const onefold_form *term = &folding->terms[of[k]];
    macs += term->macs;
    convs |= term->convs > 0;
    coarser |= term->convs > 0 && folding->maps[k]->groups != geometry->groups;
  }
  const int pays = convs ? onefold_affine_macs(geometry) <= SUM_MARGIN * macs
                         : onefold_affine_is_per_channel(geometry);
  if (pays) return ONEFOLD_FOLD_EXACT;
  return convs && !coarser ? ONEFOLD_FOLD_UNPROFITABLE : ONEFOLD_FOLD_GROUPS;
}

/// May the maps of terms[of[0]], terms[of[1]], ... become one? Says why not.
static int may_merge(onefold_folding *folding, onefold_node node, const int32_t *of, int32_t count,
                     onefold_affine *geometry) {
  const char *name = folding->source->nodes[node].name;
  for (int32_t k = 0; k < count; k++) folding->maps[k] = folding->terms[of[k]].affine;
  if (!onefold_affine_sum_geometry(folding->maps, (size_t)count, geometry)) {
    onefold_region_refuse(folding, ONEFOLD_FOLD_SHAPE,
                          "the branches of '%s' have different strides or image sizes", name);
    return 0;
  }
  const onefold_fold_verdict verdict = judge(folding, geometry, of, count);
  if (verdict != ONEFOLD_FOLD_EXACT)
    onefold_region_refuse(folding, verdict,
                          "the sum '%s' would have %lld groups and take %.4g multiply-adds", name,
                          (long long)geometry->groups, onefold_affine_macs(geometry));
  return verdict == ONEFOLD_FOLD_EXACT;
}

/// May the sum be made only to see whether it pays?
static int may_guess(const onefold_folding *folding, const onefold_affine *geometry,
                     int32_t count) {
  double weights = 0;
  for (int32_t k = 0; k < count; k++) weights += onefold_affine_size(folding->maps[k]);
  return folding->policy != ONEFOLD_POLICY_EAGER || folding->options->force ||
         onefold_form_may_guess(geometry, weights);
}

/// Merges the terms with the base of term `first`; where not all of them may become one map, that
/// term and those that may join it one after the other.
static void merge_base(onefold_folding *folding, onefold_node node, int32_t first, int32_t count,
                       int32_t *of) {
  onefold_affine geometry;
  int32_t members = 0;
  for (int32_t k = first; k < count; k++) {
    if (folding->terms[k].base != folding->terms[first].base) continue;
    if (!onefold_form_affine(folding, &folding->terms[k])) return;
    of[members++] = k;
  }
  if (members < 2) return;
  if (!may_merge(folding, node, of, members, &geometry)) {
    const int32_t all = members;
    members = 1;
    for (int32_t k = 1; k < all; k++) {
      of[members] = of[k];
      members += may_merge(folding, node, of, members + 1, &geometry);
    }
    if (members < 2 || !may_merge(folding, node, of, members, &geometry)) return;
  }
  if (may_guess(folding, &geometry, members))
    merge(folding, &geometry, of, members);
  else
    onefold_region_does_not_pay(folding);
}

/// A branch that starts behind a non-linear node keeps a sum from becoming one map: names the
/// last node that a branch starts from, where it is one.
static void note_barrier(onefold_folding *folding, onefold_node node, int32_t count) {
  onefold_node last = ONEFOLD_NO_NODE;
  for (int32_t k = 0; k < count; k++)
    if (folding->terms[k].base > last) last = folding->terms[k].base;
  const onefold_graph_node *base = &folding->target->nodes[last];
  if (base->kind == ONEFOLD_NODE_INPUT || onefold_node_is_linear(base->kind)) return;
  onefold_region_refuse(
      folding, ONEFOLD_FOLD_NONLINEAR_INSIDE, "a branch of '%s' passes through '%s' (%s)",
      folding->source->nodes[node].name, base->name, onefold_node_type_of(base->kind)->name);
}

onefold_form onefold_join_sum(onefold_folding *folding, onefold_node node) {
  const onefold_graph_node *sum = &folding->source->nodes[node];
  const int32_t count = sum->input_count;
  onefold_form form = onefold_no_form;
  int32_t *of = onefold_allocate(folding->context, (size_t)count * sizeof *of);
  if (!of) {
    folding->status =
        onefold_fail(folding->context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold '%s'", sum->name);
    return form;
  }
  onefold_join_terms(folding, node);
  for (int32_t k = 0; k < count && folding->policy != ONEFOLD_POLICY_KEEP; k++)
    if (folding->terms[k].base != ONEFOLD_NO_NODE && folding->status == ONEFOLD_OK &&
        !folding->broken)
      merge_base(folding, node, k, count, of);
  int32_t left = 0, last = 0;
  for (int32_t k = 0; k < count; k++)
    if (folding->terms[k].base != ONEFOLD_NO_NODE) left++, last = k;
  if (left == 1 && folding->policy != ONEFOLD_POLICY_KEEP) {
    form = folding->terms[last];
    folding->terms[last] = onefold_no_form;
  } else if (folding->status == ONEFOLD_OK && !folding->broken) {
    note_barrier(folding, node, count);
    form = onefold_join_emit(folding, node);
  }
  for (int32_t k = 0; k < count; k++) onefold_form_clear(folding, &folding->terms[k]);
  onefold_release(folding->context, of);
  return form;
}
