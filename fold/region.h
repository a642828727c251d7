// SPDX-License-Identifier: BSD-3-Clause
// Linear regions: which nodes belong together, and the affine map of each.
#ifndef ONEFOLD_FOLD_REGION_H
#define ONEFOLD_FOLD_REGION_H

#include "fold/affine.h"
#include "graph/graph.h"

/// How a region is folded.
typedef enum onefold_fold_policy {
  ONEFOLD_POLICY_EAGER,  // under a sum, compose whatever is exact: the sum may pay for it
  ONEFOLD_POLICY_STRICT, // compose only what pays by itself
  ONEFOLD_POLICY_KEEP    // copy the nodes as they are
} onefold_fold_policy;

/// What is folded may cost this much more than what it replaces.
#define ONEFOLD_PROFIT_MARGIN 1.1

/// The regions of a graph. A node is interior when only one node reads it, it is no output,
/// and its reader belongs to the same region; all others are boundaries.
typedef struct onefold_regions {
  onefold_node *root;    // per node: last node of its region; ONEFOLD_NO_NODE for barriers
  onefold_node *first;   // per root: first node of its region
  onefold_node *next;    // per node: the region's next node in order, or ONEFOLD_NO_NODE
  int32_t *uses;         // per node: its readers, 0 where no output needs it
  unsigned char *summed; // per node: a sum of the region is above it
  onefold_node *arrays;  // owns the arrays but summed
} onefold_regions;

onefold_status onefold_regions_find(const onefold_graph *graph, onefold_fold_level level,
                                    onefold_regions *regions);
void onefold_regions_destroy(const onefold_graph *graph, onefold_regions *regions);

/// Where a node of a target comes from.
typedef struct onefold_origin {
  onefold_node node; // the root or barrier of the source that it was made for
  int changed;       // that region has become other nodes, or in another order
} onefold_origin;

/// Does the region that ends in `root` join nodes of different origins? NULL: yes.
int onefold_region_is_new(const onefold_regions *regions, onefold_node root,
                          const onefold_origin *origin);

/// Is it to be looked at again: is it new, or are there several nodes of a changed region?
int onefold_region_is_open(const onefold_regions *regions, onefold_node root,
                           const onefold_origin *origin);

/// What a node has become while its region is folded: where `composed`, `affine` applied to
/// `base`; else the source node `source` applied to it, or `base` itself where there is none.
typedef struct onefold_form {
  onefold_node base;      // a node of the target
  onefold_node source;    // a node of the source graph, or ONEFOLD_NO_NODE
  int composed;           // the affine map is all there is
  onefold_affine *affine; // made on demand where not composed
  double macs;            // of the nodes that it stands for, for one image
  int32_t convs;          // convolutions and poolings among them
} onefold_form;

static const onefold_form onefold_no_form = {.base = ONEFOLD_NO_NODE, .source = ONEFOLD_NO_NODE};

/// The work of folding one graph into another, once over its nodes.
typedef struct onefold_folding {
  onefold_context *context;
  const onefold_fold_options *options;
  const onefold_graph *source;
  onefold_graph *target;
  onefold_regions regions;
  onefold_node *map;           // per source node: its node in the target, or ONEFOLD_NO_NODE
  onefold_form *forms;         // per source node, while its region is being folded
  onefold_form *terms;         // of the join at hand
  const onefold_affine **maps; // of the terms that are merged
  onefold_node *operands;      // of the node at hand
  onefold_origin *origin;      // per target node
  int32_t origin_count, origin_capacity;
  const onefold_origin *earlier; // per source node, of the pass before; NULL in the first
  // Of the region at hand.
  onefold_fold_policy policy;
  onefold_fold_verdict verdict;
  char reason[256];
  int broken;       // not to go on: cannot be folded at all, or is unprofitable
  int unprofitable; // as a whole: try again with what pays by itself
  onefold_status status;
} onefold_folding;

/// Folds the region that ends in `root` by the policy. Leaves the root's form in
/// forms[root]; nodes for inner parts that were refused are added to the target.
void onefold_region_fold(onefold_folding *folding, onefold_node root);

/// Keeps the region's first refusal.
void onefold_region_refuse(onefold_folding *folding, onefold_fold_verdict verdict,
                           const char *format, ...) __attribute__((format(printf, 3, 4)));

/// Gives the region up as a whole: what pays by itself may be folded.
void onefold_region_does_not_pay(onefold_folding *folding);

/// Writes a form into the target, named after a source node, and clears it.
onefold_node onefold_form_emit(onefold_folding *folding, onefold_form *form, onefold_node named);

/// The form's affine map, made if need be; NULL after a failure (status is set).
onefold_affine *onefold_form_affine(onefold_folding *folding, onefold_form *form);

void onefold_form_clear(onefold_folding *folding, onefold_form *form);

/// May a map be made only to see whether it pays, in the place of maps of so many weights? Zero
/// where it is so large that this would take the memory that others need.
int onefold_form_may_guess(const onefold_affine *geometry, double weights);

static inline int onefold_form_is_identity(const onefold_form *form) {
  return !form->composed && form->source == ONEFOLD_NO_NODE;
}

/// The form of a join's result from the forms of its terms (join_<name>.c).
typedef onefold_form onefold_join_fn(onefold_folding *folding, onefold_node node);
#define ONEFOLD_NODE_JOIN(id, name) onefold_join_fn onefold_join_##name;
#include "graph/node_list.def"

/// Takes the forms of a join's inputs into terms[].
void onefold_join_terms(onefold_folding *folding, onefold_node node);

/// Adds the join to the target, with what is left of its terms as operands.
onefold_form onefold_join_emit(onefold_folding *folding, onefold_node node);

/// The form of an operand of a region's node: taken from forms[] where it is interior, else
/// the identity on its node in the target.
onefold_form onefold_region_operand(onefold_folding *folding, onefold_node reader,
                                    onefold_node operand);

#endif
