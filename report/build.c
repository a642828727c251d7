// SPDX-License-Identifier: BSD-3-Clause
// The sections of a document, in their order.
#include "report/sections.h"

int onefold_report_build(report_data *data, report_document *document) {
  *document = (report_document){.data = data, .title = "Onefold benchmarks", .warning = ""};
  onefold_report_build_machines(document);
  onefold_report_build_networks(document);
  onefold_report_build_layers(document);
  onefold_report_build_blocks(document);
  onefold_report_build_convs(document);
  onefold_report_build_pairs(document);
  onefold_report_build_roofline(document);
  onefold_report_build_tuned(document);
  onefold_report_build_errors(document);
  return data->arena.failed;
}
