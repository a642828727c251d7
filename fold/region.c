// SPDX-License-Identifier: BSD-3-Clause
// Folding one region: its nodes in order, each composed with what its input has become.
#include "fold/region.h"

#include "fold/compose.h"
#include "fold/leaf.h"

static onefold_join_fn *const joins[ONEFOLD_NODE_KIND_COUNT] = {
#define ONEFOLD_NODE_JOIN(id, name) [ONEFOLD_NODE_##id] = onefold_join_##name,
#include "graph/node_list.def"
};

onefold_form onefold_region_operand(onefold_folding *folding, onefold_node reader,
                                    onefold_node operand) {
  onefold_form form = {.base = folding->map[operand], .source = ONEFOLD_NO_NODE};
  if (folding->regions.root[operand] != folding->regions.root[reader]) return form;
  form = folding->forms[operand];
  folding->forms[operand] = onefold_no_form;
  return form;
}

/// The node by itself on a node of the target.
static onefold_form single(const onefold_folding *folding, onefold_node node, onefold_node base) {
  const onefold_graph_node *n = &folding->source->nodes[node];
  const int conv = n->kind == ONEFOLD_NODE_CONV2D || n->kind == ONEFOLD_NODE_AVG_POOL;
  const double macs = onefold_node_type_of(n->kind)->macs(folding->source, n);
  return (onefold_form){
      .base = base, .source = node, .macs = macs / (double)n->shape.n, .convs = conv};
}

/// Writes the input down and begins anew with the node.
static onefold_form restart(onefold_folding *folding, onefold_node node, onefold_form *in) {
  // The input's name is that of its last node, which is this node's input.
  const onefold_node named = folding->source->nodes[node].inputs[0];
  return single(folding, node, onefold_form_emit(folding, in, named));
}

/// Why `map` may not follow `in`; EXACT when it may.
static onefold_fold_verdict judge(onefold_folding *folding, onefold_node node,
                                  const onefold_form *in, const onefold_form *own) {
  const onefold_affine *map = own->affine;
  const double chain_macs = in->macs + own->macs;
  const char *name = folding->source->nodes[node].name;
  onefold_fold_verdict verdict = onefold_affine_compose_verdict(in->affine, map);
  if (verdict == ONEFOLD_FOLD_INEXACT_DATA)
    onefold_region_refuse(folding, verdict,
                          "the padding of '%s' hides data that the map before it would give", name);
  if (verdict == ONEFOLD_FOLD_SHAPE)
    onefold_region_refuse(folding, verdict, "the images before '%s' do not meet", name);
  if (verdict != ONEFOLD_FOLD_EXACT) return verdict;
  onefold_affine geometry;
  if (!onefold_affine_compose_geometry(in->affine, map, &geometry)) {
    onefold_region_refuse(folding, ONEFOLD_FOLD_SHAPE, "the offsets before '%s' do not fit", name);
    return ONEFOLD_FOLD_SHAPE;
  }
  const double weights = onefold_affine_size(in->affine) + onefold_affine_size(map);
  const int may_pay_later = folding->policy == ONEFOLD_POLICY_EAGER &&
                            folding->regions.summed[node] &&
                            onefold_form_may_guess(&geometry, weights);
  const double macs = onefold_affine_macs(&geometry);
  // Scales and padding alone are no convolution yet; with slices they would be one.
  const int no_conv = in->convs + own->convs == 0 && onefold_affine_is_per_channel(&geometry);
  if (macs <= ONEFOLD_PROFIT_MARGIN * chain_macs || may_pay_later || folding->options->force ||
      no_conv)
    return ONEFOLD_FOLD_EXACT;
  onefold_region_refuse(folding, ONEFOLD_FOLD_UNPROFITABLE,
                        "folding '%s' into the map before it takes %.4g multiply-adds instead "
                        "of %.4g",
                        name, macs, chain_macs);
  return ONEFOLD_FOLD_UNPROFITABLE;
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

/// Says that zero padding met a bias. Non-zero where the map may have a border all the same.
static int accept_border(onefold_folding *folding, onefold_node node) {
  const onefold_graph_node *n = &folding->source->nodes[node];
  const int accepted = folding->options->border;
  if (n->kind != ONEFOLD_NODE_BORDER)
    onefold_region_refuse(folding, ONEFOLD_FOLD_INEXACT_BIAS,
                          "the padding of '%s' meets a bias of the map before it%s", n->name,
                          accepted ? "; a border of biases makes up for it" : "");
  return accepted;
}

/// The node's map after the input's.
static onefold_form compose(onefold_folding *folding, onefold_node node, onefold_form in,
                            onefold_form own) {
  if (judge(folding, node, &in, &own) != ONEFOLD_FOLD_EXACT) {
    onefold_form_clear(folding, &own);
    return restart(folding, node, &in);
  }
  onefold_form result = {.base = in.base,
                         .source = ONEFOLD_NO_NODE,
                         .composed = 1,
                         .affine = onefold_affine_compose(folding->context, in.affine, own.affine),
                         .macs = in.macs + own.macs,
                         .convs = in.convs + own.convs};
  onefold_form_clear(folding, &own);
  if (!result.affine) {
    folding->status = ONEFOLD_OUT_OF_MEMORY;
  } else if (result.affine->border && !accept_border(folding, node)) {
    onefold_form_clear(folding, &result);
    return restart(folding, node, &in);
  }
  onefold_form_clear(folding, &in);
  return result;
}

/// A node that stays as it is; what follows begins anew.
static onefold_form keep(onefold_folding *folding, onefold_node node, onefold_form *in) {
  onefold_form own = restart(folding, node, in);
  const onefold_form kept = {.base = onefold_form_emit(folding, &own, node),
                             .source = ONEFOLD_NO_NODE};
  return kept;
}

/// May the node's map be composed with others? Says why not.
static int takes_part(onefold_folding *folding, const onefold_graph_node *n) {
  const onefold_fold_verdict verdict = onefold_leaf_verdict(folding->source, n);
  if (verdict != ONEFOLD_FOLD_EXACT)
    onefold_region_refuse(folding, verdict, "'%s' %s", n->name,
                          verdict == ONEFOLD_FOLD_BN_NO_STATS
                              ? "has no running statistics: its result depends on the batch"
                              : "divides by fewer pixels at the border");
  return verdict == ONEFOLD_FOLD_EXACT &&
         (n->kind != ONEFOLD_NODE_BORDER || folding->options->border);
}

/// The form of a node of one input from that input's.
static onefold_form follow(onefold_folding *folding, onefold_node node, onefold_form in) {
  const onefold_graph_node *n = &folding->source->nodes[node];
  if (folding->policy == ONEFOLD_POLICY_KEEP) return restart(folding, node, &in);
  if (!takes_part(folding, n)) return keep(folding, node, &in);
  // A slice is no work where it stands, and a convolution of all channels for a part of them is.
  const int sliced =
      in.source != ONEFOLD_NO_NODE && folding->source->nodes[in.source].kind == ONEFOLD_NODE_SLICE;
  if (onefold_form_is_identity(&in) || sliced) return restart(folding, node, &in);
  onefold_form own = single(folding, node, in.base);
  if (n->kind == ONEFOLD_NODE_BATCH_NORM) return scale_after(folding, in, own);
  if (onefold_form_affine(folding, &in) && onefold_form_affine(folding, &own))
    return compose(folding, node, in, own);
  onefold_form_clear(folding, &in);
  return own;
}

void onefold_region_fold(onefold_folding *folding, onefold_node root) {
  for (onefold_node i = folding->regions.first[root];
       i != ONEFOLD_NO_NODE && folding->status == ONEFOLD_OK && !folding->broken;
       i = folding->regions.next[i]) {
    const onefold_graph_node *node = &folding->source->nodes[i];
    folding->forms[i] =
        joins[node->kind] ? joins[node->kind](folding, i)
                          : follow(folding, i, onefold_region_operand(folding, i, node->inputs[0]));
  }
}
