// SPDX-License-Identifier: BSD-3-Clause
// The index of onefold_tilings: rows sorted so that those of comparable problems are neighbours.
#ifndef ONEFOLD_TUNE_INDEX_H
#define ONEFOLD_TUNE_INDEX_H

#include "tune/row.h"

#include <stddef.h>

enum { ONEFOLD_INDEX_FORM = 11, ONEFOLD_INDEX_SIZES = 7 };

/// A problem as numbers: what two problems must have in common to be compared; their sizes; the
/// epilogue.
typedef struct onefold_index_problem {
  int64_t form[ONEFOLD_INDEX_FORM], size[ONEFOLD_INDEX_SIZES];
  int32_t epilogue[4];
} onefold_index_problem;

/// Zero where the descriptor is none.
int onefold_index_describe(onefold_context *context, const onefold_conv2d_desc *desc,
                           onefold_index_problem *problem);

/// What look-ups need of a row: small, as memory that a new process touches first costs most of the
/// time in which it has its rows.
typedef struct onefold_index_entry {
  onefold_index_problem problem;
  char tiling[offsetof(onefold_tiling, source)]; // all of it but the source
  char text[101];                                // of the problem, as far as a source has it
  unsigned char this_machine, situation;
  uint32_t place; // of the row in the order of keys
  onefold_evidence evidence;
  char version[sizeof((onefold_record_row *)0)->version];
  uint64_t kernels;
} onefold_index_entry;

struct onefold_tilings {
  onefold_context *context; // of the options, without tilings
  onefold_situation situation;
  onefold_index_entry *entry; // [count], by problem.form
  size_t count, capacity;
  int64_t skipped;
};

#endif
