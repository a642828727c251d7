// SPDX-License-Identifier: BSD-3-Clause
// What `onefold fold` and `onefold list` say of a checkpoint: collected as JSON, printed as it is
// or as a table.
#ifndef ONEFOLD_CLI_BLOCKS_H
#define ONEFOLD_CLI_BLOCKS_H

#include <onefold/onefold.h>

#include <jansson.h>

typedef struct cli_blocks {
  json_t *blocks;  // array of objects
  json_t *tensors; // array, or NULL where they are only counted
  json_int_t others;
  int failed; // out of memory
} cli_blocks;

/// Callbacks of onefold_checkpoint_options; the user pointer is a cli_blocks.
void onefold_cli_add_block(void *user, const onefold_checkpoint_block *block);
void onefold_cli_add_rest(void *user, const char *name, const char *dtype, const int64_t *dims,
                          int32_t rank);

/// Blocks of a state: "training", "folded", "not folded", "already folded", "unknown".
json_int_t onefold_cli_count(const json_t *blocks, const char *state);

/// Folded blocks whose tensors were not float32 before.
json_int_t onefold_cli_widened(const json_t *blocks);

/// Sentences for what a user should know of epsilon and of what tensors cannot tell: an array of
/// texts.
json_t *onefold_cli_warnings(const json_t *blocks);

/// A table with one line per block; `folding` adds what folding changed. Then a line for each
/// block with a reason.
void onefold_cli_print_blocks(const json_t *blocks, int folding);

/// Opens a checkpoint; says on standard error what went wrong, and returns an onefold_exit.
int onefold_cli_open(const char *program, const char *path, onefold_context **context,
                     onefold_weights **weights);
/// The text of that name in a JSON object; "" where there is none.
const char *onefold_cli_text(const json_t *object, const char *key);
/// Writes and releases the JSON; an onefold_exit.
int onefold_cli_print_json(const char *program, json_t *root);

#endif
