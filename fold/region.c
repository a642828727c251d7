// SPDX-License-Identifier: BSD-3-Clause
// Folding one region: its nodes in order, each composed with what its input has become.
#include "fold/region.h"

#include "fold/compose.h"
#include "fold/leaf.h"

// A composition may cost this much more than the chain it replaces.
#define PROFIT_MARGIN 1.1

onefold_form onefold_region_operand(onefold_folding *folding, onefold_node reader,
                                    onefold_node operand) {
  onefold_form form = {.base = folding->map[operand], .source = ONEFOLD_NO_NODE};
  if (folding->regions.root[operand] != folding->regions.root[reader]) return form;
  form = folding->forms[operand];
  folding->forms[operand] = (onefold_form){.base = ONEFOLD_NO_NODE, .source = ONEFOLD_NO_NODE};
  return form;
}

/// The node by itself on a node of the target.
static onefold_form single(const onefold_folding *folding, onefold_node node, onefold_node base) {
  const onefold_graph_node *n = &folding->source->nodes[node];
  const int conv = n->kind == ONEFOLD_NODE_CONV2D;
  const double macs = onefold_node_type_of(n->kind)->macs(folding->source, n);
  return (onefold_form){
      .base = base, .source = node, .macs = macs / (double)n->shape.n, .convs = conv};
}

/// Why `map` may not follow `in`; EXACT when it may.
static onefold_fold_verdict judge(onefold_folding *folding, onefold_node node,
                                  const onefold_form *in, const onefold_affine *map,
                                  double chain_macs) {
  const char *name = folding->source->nodes[node].name;
  onefold_fold_verdict verdict = onefold_affine_compose_verdict(in->affine, map, NULL);
  if (verdict == ONEFOLD_FOLD_INEXACT_DATA)
    onefold_region_refuse(folding, verdict,
                          "the padding of '%s' hides data that the map before it would give", name);
  if (verdict == ONEFOLD_FOLD_INEXACT_BIAS)
    onefold_region_refuse(folding, verdict,
                          "the zero padding of '%s' meets a bias of the map before it", name);
  if (verdict == ONEFOLD_FOLD_SHAPE)
    onefold_region_refuse(folding, verdict, "the images before '%s' do not meet", name);
  if (verdict != ONEFOLD_FOLD_EXACT) return verdict;
  onefold_affine geometry;
  if (!onefold_affine_compose_geometry(in->affine, map, &geometry)) {
    onefold_region_refuse(folding, ONEFOLD_FOLD_SHAPE, "the offsets before '%s' do not fit", name);
    return ONEFOLD_FOLD_SHAPE;
  }
  const int may_pay_later =
      folding->policy == ONEFOLD_POLICY_EAGER && folding->regions.summed[node];
  const double macs = onefold_affine_macs(&geometry);
  if (macs > PROFIT_MARGIN * chain_macs && !may_pay_later) {
    onefold_region_refuse(folding, ONEFOLD_FOLD_UNPROFITABLE,
                          "folding '%s' into the map before it takes %.4g multiply-adds instead "
                          "of %.4g",
                          name, macs, chain_macs);
    return ONEFOLD_FOLD_UNPROFITABLE;
  }
  return ONEFOLD_FOLD_EXACT;
}

/// A batch normalisation after a map: exact and free.
static onefold_form scale_after(onefold_folding *folding, onefold_form in, onefold_form own) {
  if (onefold_form_affine(folding, &in) && onefold_form_affine(folding, &own))
    onefold_affine_apply_scale(in.affine, own.affine->weight, own.affine->bias);
  in.source = ONEFOLD_NO_NODE;
  in.composed = 1;
  onefold_form_clear(folding, &own);
  return in;
}

static onefold_form compose(onefold_folding *folding, onefold_node node, onefold_form in) {
  onefold_form own = single(folding, node, in.base);
  if (onefold_form_is_identity(&in) || folding->policy == ONEFOLD_POLICY_KEEP) {
    if (!onefold_form_is_identity(&in)) own.base = onefold_form_emit(folding, &in, in.source);
    return own;
  }
  if (folding->source->nodes[node].kind == ONEFOLD_NODE_BATCH_NORM)
    return scale_after(folding, in, own);
  if (!onefold_form_affine(folding, &in) || !onefold_form_affine(folding, &own)) {
    onefold_form_clear(folding, &in);
    return own;
  }
  const double chain_macs = in.macs + own.macs;
  if (judge(folding, node, &in, own.affine, chain_macs) != ONEFOLD_FOLD_EXACT) {
    // The input's name is that of its last node, which is this node's input.
    const onefold_node base =
        onefold_form_emit(folding, &in, folding->source->nodes[node].inputs[0]);
    onefold_form_clear(folding, &own);
    return single(folding, node, base);
  }
  onefold_form result = {.base = in.base,
                         .source = ONEFOLD_NO_NODE,
                         .composed = 1,
                         .affine = onefold_affine_compose(folding->context, in.affine, own.affine),
                         .macs = chain_macs,
                         .convs = in.convs + own.convs};
  if (!result.affine) folding->status = ONEFOLD_OUT_OF_MEMORY;
  onefold_form_clear(folding, &in);
  onefold_form_clear(folding, &own);
  return result;
}

void onefold_region_fold(onefold_folding *folding, onefold_node root) {
  for (onefold_node i = folding->regions.first[root];
       i != ONEFOLD_NO_NODE && folding->status == ONEFOLD_OK && !folding->broken;
       i = folding->regions.next[i]) {
    const onefold_graph_node *node = &folding->source->nodes[i];
    folding->forms[i] =
        node->kind == ONEFOLD_NODE_SUM
            ? onefold_region_sum(folding, i)
            : compose(folding, i, onefold_region_operand(folding, i, node->inputs[0]));
  }
  const onefold_form *form = &folding->forms[root];
  if (folding->policy == ONEFOLD_POLICY_EAGER && form->composed &&
      onefold_affine_macs(form->affine) > PROFIT_MARGIN * form->macs && form->convs > 0)
    folding->unprofitable = 1;
}
