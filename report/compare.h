// SPDX-License-Identifier: BSD-3-Clause
// Two runs of the same benchmarks: what became faster, what slower, and what cannot be told apart.
#ifndef ONEFOLD_REPORT_COMPARE_H
#define ONEFOLD_REPORT_COMPARE_H

#include "report/document.h"
#include "report/stat.h"

#define REPORT_CONFIDENCE 0.99 // of each line's interval: a file has hundreds of lines
#define REPORT_MARGIN     0.02 // of a ratio, that two runs differ by anyway

typedef enum report_verdict {
  REPORT_FASTER,
  REPORT_SLOWER,
  REPORT_NO_DIFFERENCE,
  REPORT_TOO_FEW,
  REPORT_VERDICTS
} report_verdict;

const char *onefold_report_verdict_name(report_verdict verdict);

/// Of new by old: a difference is one whose whole interval lies beyond the margin.
report_verdict onefold_report_verdict(report_ratio ratio, double margin);

/// The margin between two files: REPORT_MARGIN, what their FMA peaks differ by, or the spread of
/// either FMA loop, whichever is the most.
double onefold_report_margin(const report_file *older, const report_file *newer);

/// Fills the document from the data's two files, the older first. Non-zero after data->sentence:
/// without memory, where they have no line in common, or where there are not two.
int onefold_report_build_comparison(report_data *data, report_document *document);

#endif
