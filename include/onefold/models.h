// SPDX-License-Identifier: BSD-3-Clause
// Builders: blocks that write their training-time graph down, and the sources
// that their weights come from.
#ifndef ONEFOLD_MODELS_H
#define ONEFOLD_MODELS_H

#include <onefold/context.h>
#include <onefold/export.h>
#include <onefold/graph.h>
#include <onefold/status.h>

ONEFOLD_BEGIN

/// A source of weights by name: a checkpoint file or a seeded generator.
typedef struct onefold_weights onefold_weights;

/// Opens a safetensors file (mapped, every offset checked against the file's
/// length). F32, F16, BF16 and F64 are accepted and converted. Errors: IO,
/// FORMAT, UNSUPPORTED, OUT_OF_MEMORY, with the tensor's name and the value.
ONEFOLD_API onefold_status onefold_weights_open(onefold_context *context, const char *path,
                                                onefold_weights **weights);

/// A generator: any name is found, its values depend on the seed and the name
/// alone. Convolutions are variance-preserving; BN has gamma of both signs,
/// beta and mean that are not zero, variance in [0.5, 1.5].
ONEFOLD_API onefold_status onefold_weights_seeded(onefold_context *context, uint64_t seed,
                                                  onefold_weights **weights);
ONEFOLD_API void onefold_weights_close(onefold_weights *weights);

/// Size and dimensions of a tensor of a file. Errors: NOT_FOUND;
/// UNSUPPORTED for a generator.
ONEFOLD_API onefold_status onefold_weights_shape(const onefold_weights *weights, const char *name,
                                                 int64_t dims[8], int32_t *rank);

/// Copies a tensor as float32. `dims`/`rank` are what the caller expects.
/// Errors: NOT_FOUND, SHAPE_MISMATCH (with both shapes).
ONEFOLD_API onefold_status onefold_weights_read(const onefold_weights *weights, const char *name,
                                                const int64_t *dims, int32_t rank, float *values);

/// Calls `visit` for each tensor of a file, in the file's order.
typedef void (*onefold_weights_visit_fn)(void *user, const char *name, const char *dtype,
                                         const int64_t *dims, int32_t rank);
ONEFOLD_API void onefold_weights_visit(const onefold_weights *weights,
                                       onefold_weights_visit_fn visit, void *user);

/// A text of the file's __metadata__; NULL where there is none. Valid while the source is open.
ONEFOLD_API const char *onefold_weights_metadata(const onefold_weights *weights, const char *key);

/// Order of the rows of OREPA's pointwise tensor where 1 < groups < O. Its authors' code reads
/// row a*g + c for output channel c*O/g + a, and trained weights depend on that.
typedef enum onefold_orepa_row_order {
  ONEFOLD_OREPA_INTERLEAVED = 0, // as its authors' code
  ONEFOLD_OREPA_GROUPED = 1      // as a grouped convolution would
} onefold_orepa_row_order;

/// OREPA's prior filters for kernels other than 3x3, which its authors' code does not define:
/// it fills the first 3x3 taps with a period of 3 and leaves the rest unset.
typedef enum onefold_orepa_prior {
  ONEFOLD_OREPA_GENERAL_K = 0,    // cosines of period K over all taps
  ONEFOLD_OREPA_SEED_3X3_ZERO = 1 // the first 3x3 taps as coded, zero elsewhere
} onefold_orepa_prior;

/// How OREPA_LargeConv composes its kernels. Its authors' code correlates them, which is the
/// stack of layers with every kernel after the first turned by 180 degrees; trained weights
/// depend on that.
typedef enum onefold_largeconv_order {
  ONEFOLD_LARGECONV_CORRELATE = 0, // as its authors' code
  ONEFOLD_LARGECONV_SEQUENTIAL = 1 // the stack of layers with the kernels as they are
} onefold_largeconv_order;

/// The squeeze-and-excitation of a block.
typedef enum onefold_se_style {
  ONEFOLD_SE_CONV = 0,        // RepVGG, MobileOne: 1x1 convolutions with biases, sigmoid
  ONEFOLD_SE_LINEAR = 1,      // SEAttention: linear layers without biases, sigmoid
  ONEFOLD_SE_HARD_SIGMOID = 2 // RepGhost: 1x1 convolutions with biases, hard sigmoid
} onefold_se_style;

/// Hidden channels of a squeeze-and-excitation by a family's own rule: "repvgg" C/16,
/// "repvggplus" C/4, "mobileone" floor(C/16), "repghost" C/4 rounded to a multiple of 4 and not
/// more than 10 percent below, "seattention" C/(C/16), which is 16 for every multiple of 16.
/// Errors: NOT_FOUND for another rule, INVALID_ARGUMENT where the rule gives no hidden channel.
ONEFOLD_API onefold_status onefold_se_hidden(onefold_context *context, const char *rule,
                                             int64_t channels, int64_t *hidden);

/// What a block is asked for. Start from onefold_block_params_init.
typedef struct onefold_block_params {
  size_t struct_size;
  onefold_shape input; // n, c, h, w
  int64_t out_channels;
  int64_t mid_channels; // hidden channels where a block has a choice; 0: the block's own rule
  int64_t kernel;       // where the block allows a choice
  int64_t stride, dilation, groups;
  int64_t padding;        // -1: dilation*(kernel-1)/2
  int64_t repeats;        // MobileOne's parallel convolutions; bottlenecks of C3 and C2f
  int64_t route_channels; // of the second input of a block that has one
  double expansion;       // hidden channels over out_channels; 0: the block's own
  int32_t identity;       // -1: where channels agree and the stride is 1; 0: no; 1: yes
  int32_t shortcut;       // residual of a bottleneck; -1: the block's own; 0: no; 1: yes
  int32_t batch_norm;     // 0: OREPA without its last batch norm ("weight only")
  int32_t reparam_bn, reparam_identity; // branches of RepGhost's cheap operation
  onefold_activation activation;
  float activation_param;
  double bn_epsilon; // not stored in checkpoints: the family's default unless set
  int64_t se_hidden; // 0: no squeeze-and-excitation
  onefold_se_style se_style;
  onefold_orepa_row_order orepa_row_order;
  onefold_orepa_prior orepa_prior;
  /// Non-zero: RepVGGBlock_OREPA with an activation inside its dense branch, as one published
  /// listing has it by a wrong default. Such a block runs, and is refused by folding.
  int32_t orepa_inner_activation;
  onefold_largeconv_order largeconv_order;
  const char *prefix; // of the weight names, for example "stage1.0."; "" for none
} onefold_block_params;

/// Sets the defaults of the named block (kernel, activation, epsilon, ...).
/// Errors: NOT_FOUND with the names that exist.
ONEFOLD_API onefold_status onefold_block_params_init(onefold_context *context, const char *block,
                                                     onefold_block_params *params);

/// Sets one member by its name: "stride=2", "activation=silu", "input=1x64x56x56",
/// "orepa_row_order=grouped". Several may stand in one text, separated by spaces. `prefix`
/// cannot be set. Errors: INVALID_ARGUMENT with the names that exist or the value.
ONEFOLD_API onefold_status onefold_block_params_set(onefold_context *context,
                                                    onefold_block_params *params, const char *text);

/// Builds the training-time graph of a block; a block of two inputs has them in order. Errors:
/// NOT_FOUND (block or weight), INVALID_ARGUMENT, SHAPE_MISMATCH, OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_block_build(onefold_context *context, const char *block,
                                               const onefold_block_params *params,
                                               const onefold_weights *weights,
                                               onefold_graph **graph);

/// Adds a block to a graph behind `inputs` (one, or two where the block has two), whose shapes
/// take the place of params->input and params->route_channels. *output is its result. Errors as
/// for onefold_block_build; the graph is then of no further use, as after any other builder call
/// that failed: onefold_graph_status gives the first failure, which further calls return.
ONEFOLD_API onefold_status onefold_block_append(onefold_context *context, onefold_graph *graph,
                                                const onefold_node *inputs, size_t input_count,
                                                const char *block,
                                                const onefold_block_params *params,
                                                const onefold_weights *weights,
                                                onefold_node *output);

/// The blocks that exist: "repvgg", ...; NULL past the last. Thread-safe.
ONEFOLD_API const char *onefold_block_name(size_t index);
/// One line that says what the named block is, with its paper. NULL if unknown.
ONEFOLD_API const char *onefold_block_summary(const char *block);
/// Parameters at which the named block is typically used, for onefold_block_params_set; a
/// benchmark measures it there. NULL if unknown.
ONEFOLD_API const char *onefold_block_typical(const char *block);

ONEFOLD_END

#endif
