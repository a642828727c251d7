// SPDX-License-Identifier: BSD-3-Clause
// Keys and rows: what is valid, in which order they stand, which of two is better evidenced.
#ifndef ONEFOLD_TUNE_ROW_H
#define ONEFOLD_TUNE_ROW_H

#include <onefold/record.h>

/// NULL, or what is wrong with the key or the row, with the value (a sentence in `reason`). The
/// context reads problems; *desc (may be NULL) is the convolution where the kind is that.
const char *onefold_record_key_refuse(onefold_context *context, const onefold_record_key *key,
                                      onefold_conv2d_desc *desc, char *reason, size_t size);
const char *onefold_record_row_refuse(onefold_context *context, const onefold_record_row *row,
                                      onefold_conv2d_desc *desc, char *reason, size_t size);

/// What a row is judged by beside another of its key: whether it is of the present version and
/// kernels; the median's standard error, which shows whether more trials made it clearer; the date.
typedef struct onefold_evidence {
  int present;
  double error2; // relative, squared, but for a factor that is the same for all
  char date[sizeof((onefold_record_row *)0)->date];
} onefold_evidence;

/// Fewer trials than these tell no spread, and no error.
#define ONEFOLD_EVIDENCE_TRIALS 5

/// `kernels` is onefold_kernel_list_hash at the row's level; 0, not known: any are present.
onefold_evidence onefold_record_evidence(const onefold_record_row *row, uint64_t kernels);

/// Non-zero where `a` is better than `b`.
int onefold_evidence_better(const onefold_evidence *a, const onefold_evidence *b);

/// Reads what onefold_record_row_print writes: ONEFOLD_OK, ONEFOLD_UNSUPPORTED (a tiling of a newer
/// version) or ONEFOLD_FORMAT, and why in `reason`. The values are still to be checked.
onefold_status onefold_record_row_parse(const char *text, size_t length, onefold_record_row *row,
                                        char *reason, size_t size);

/// To nine digits, which is what text keeps.
double onefold_record_round(double value);

/// The values of `name`, or -1.
int onefold_situation_parse(const char *name);
int onefold_accuracy_parse(const char *name);

/// onefold_kernel_list_hash of this build at a level; 0 where that does not run here.
uint64_t onefold_kernels_at(onefold_isa isa);

/// A kind's name of which this version knows how problems are written.
#define ONEFOLD_KIND_CONV2D "conv2d"

#endif
