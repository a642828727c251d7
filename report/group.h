// SPDX-License-Identifier: BSD-3-Clause
// Rows of one subject, in one file, on the same threads: what is compared with each other.
#ifndef ONEFOLD_REPORT_GROUP_H
#define ONEFOLD_REPORT_GROUP_H

#include "report/data.h"

#define REPORT_RIVALS 8 // of a subject at most

/// Another library by the best of its ways.
typedef struct report_rival {
  const char *title; // "oneDNN"
  const report_row *row;
  const report_row *ours; // of the same run; NULL where it has none
} report_rival;

typedef struct report_group {
  const report_file *file;
  int threads;
  const char *suite, *kind, *subject;
  const char *title, *note;              // "RepVGG-A0 stage1.1", "48→48 3×3, 56×56"
  const report_row *roles[REPORT_ROLES]; // NULL where there is none
  report_rival rivals[REPORT_RIVALS];    // the fastest first
  size_t rival_count;
  const report_row **layers; // of all forms, in the order in which they run
  size_t layer_count;
} report_group;

typedef struct report_groups {
  report_group *items;
  size_t count;
} report_groups;

/// The groups of a suite, in the order of the files; rows without times, and steps, are left out.
report_groups onefold_report_group(report_data *data, const char *suite);

/// Where one file has the forms of a subject and another its rivals, on the same machine and
/// setting: the rivals join the forms, each with what it was measured with. Up to 2000 groups.
void onefold_report_join(report_data *data, report_groups *groups);

/// Median of ours: the folded form, the pair in one, the run or the tuned one; NULL where there is
/// none.
const report_row *onefold_report_ours(const report_group *group);

/// How a file was measured: "avx512, 2 threads, cold weights".
const char *onefold_report_setting(report_data *data, const report_file *file, int threads);

/// Whether all groups have the same setting.
int onefold_report_same_setting(report_data *data, const report_groups *groups);

#endif
