// SPDX-License-Identifier: BSD-3-Clause
// What fills a document.
#ifndef ONEFOLD_REPORT_SECTIONS_H
#define ONEFOLD_REPORT_SECTIONS_H

#include "report/document.h"

/// Fills the document from the data. Non-zero without memory.
int onefold_report_build(report_data *data, report_document *document);

// The sections, each in a file build_<name>.c. A section without data says what would give it.
void onefold_report_build_machines(report_document *document);
void onefold_report_build_networks(report_document *document);
void onefold_report_build_layers(report_document *document);
void onefold_report_build_blocks(report_document *document);
void onefold_report_build_convs(report_document *document);
void onefold_report_build_pairs(report_document *document);
void onefold_report_build_roofline(report_document *document);
void onefold_report_build_tuned(report_document *document);
void onefold_report_build_errors(report_document *document);

#endif
