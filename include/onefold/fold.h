// SPDX-License-Identifier: BSD-3-Clause
// Folding: rewrites every maximal linear region of a graph (convolutions,
// batch normalisations, identities, fixed filters, average pooling, padding,
// slices, sums, concatenations) into one convolution, in double precision, or
// leaves it and says why. The source graph is never written to.
#ifndef ONEFOLD_FOLD_H
#define ONEFOLD_FOLD_H

#include <onefold/export.h>
#include <onefold/graph.h>
#include <onefold/status.h>

ONEFOLD_BEGIN

/// How far to fold.
typedef enum onefold_fold_level {
  /// Batch normalisations into the convolutions and poolings before them, also
  /// those of a sum, and padding into the convolution after it; no branches:
  /// the best multi-branch form.
  ONEFOLD_FOLD_BATCH_NORM = 0,
  /// Whole linear regions.
  ONEFOLD_FOLD_REGIONS = 1
} onefold_fold_level;

/// What became of a region.
typedef enum onefold_fold_verdict {
  ONEFOLD_FOLD_EXACT = 0,
  ONEFOLD_FOLD_INEXACT_BIAS = 1,     // a bias meets zero padding: the border would differ
  ONEFOLD_FOLD_INEXACT_DATA = 2,     // padding in the middle: the border depends on data
  ONEFOLD_FOLD_NONLINEAR_INSIDE = 3, // an activation inside a branch
  ONEFOLD_FOLD_NOT_TI = 4,           // not translation invariant
  ONEFOLD_FOLD_SHAPE = 5,            // branches of different grids
  ONEFOLD_FOLD_GROUPS = 6,           // branches whose common groups would cost a multiple
  ONEFOLD_FOLD_BN_NO_STATS = 7,      // a BN without running statistics
  ONEFOLD_FOLD_UNPROFITABLE = 8,     // exact, but would cost more than it saves
  ONEFOLD_FOLD_NOT_FINITE = 9        // a weight is, or would become, NaN or infinite
} onefold_fold_verdict;

/// "exact", "inexact bias", ... Never NULL. Thread-safe.
ONEFOLD_API const char *onefold_fold_verdict_name(onefold_fold_verdict verdict);

/// One region of the source graph, reported as it is folded or refused. All pointers are valid
/// during the callback.
typedef struct onefold_fold_region {
  const char *name; // of the region's last node
  const char *kind; // "chain of 2", "sum of 3", "concat of 2"
  onefold_fold_verdict verdict;
  const char *reason; // a sentence; "" when exact
  int32_t nodes_before, nodes_after;
  int64_t parameters_before, parameters_after;
  double macs_before, macs_after;
  /// Largest difference between the region and what it became, both run in float32 on random
  /// data; relative to the largest absolute value. Negative where it was not measured.
  double max_abs_error, max_rel_error;
  /// Range of the result's weights, per output channel, for those who will quantise; NULL and 0
  /// where the region did not become one convolution.
  const float *channel_min, *channel_max; // [channels]
  int64_t channels;
} onefold_fold_region;
/// Called once per region of two or more nodes; one node alone is kept as it is.
typedef void (*onefold_fold_report_fn)(void *user, const onefold_fold_region *region);

typedef struct onefold_fold_options {
  size_t struct_size;
  onefold_fold_level level;
  /// Non-zero: folds what is exact also where it costs more multiply-adds.
  int32_t force;
  /// Non-zero: where a bias meets zero padding, folds all the same and adds what the border
  /// lacks (onefold_graph_border); the verdict stays INEXACT_BIAS, the result is exact.
  int32_t border;
  /// Non-zero: convolutions of one input, with one geometry and one activation after them,
  /// become one convolution and slices.
  int32_t horizontal;
  /// Non-zero: of max pools of one input with stride 1, a larger one pools what the next smaller
  /// gives (SPP's 9x9 is 5x5 over 5x5). The same results, to the bit but for the sign of a zero and
  /// which NaN it is.
  int32_t chain_pools;
  /// Non-zero: 1x1 convolutions of a nearest upsampling, and the batch normalisations and
  /// activations after them, come before it, on the small image; of a 1x1 convolution of a concat,
  /// the part whose input is upsampled. Only where that pays by operations and bytes.
  int32_t before_upsample;
  /// Non-zero: fills max_abs_error and max_rel_error, on data made from `seed`.
  int32_t measure;
  uint64_t seed;
  onefold_fold_report_fn report; // NULL for none
  void *user;
} onefold_fold_options;

/// The defaults: level REGIONS; border, chain_pools and before_upsample on, all else off.
ONEFOLD_API void onefold_fold_options_init(onefold_fold_options *options);

/// Makes a new graph with the same inputs and outputs, folded. `options` NULL for the defaults.
/// Folding a folded graph gives the same graph with the same bits. A refused region is kept as
/// it is and is no error. Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. Thread-safe.
ONEFOLD_API onefold_status onefold_fold(onefold_context *context, const onefold_graph *source,
                                        const onefold_fold_options *options,
                                        onefold_graph **folded);

ONEFOLD_END

#endif
