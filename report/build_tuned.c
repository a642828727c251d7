// SPDX-License-Identifier: BSD-3-Clause
// The tuner's choices against the default ones.
#include "report/build_forms.h"
#include "report/sections.h"
#include "report/text.h"

#include <string.h>

/// The groups of a suite that have both choices, behind those that are there.
static void append(report_data *data, report_groups *all, const char *suite) {
  const report_groups some = onefold_report_group(data, suite);
  for (size_t i = 0; i < some.count; i++) {
    if (!some.items[i].roles[REPORT_DEFAULT] || !some.items[i].roles[REPORT_TUNED]) continue;
    report_group *group =
        onefold_report_push(&data->arena, &all->items, &all->count, sizeof *all->items);
    if (group) *group = some.items[i];
  }
}

void onefold_report_build_tuned(report_document *document) {
  static const char *const suites[] = {"net", "block", "conv", "tune"};
  report_data *data = document->data;
  report_groups groups = {0};
  for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) append(data, &groups, suites[i]);
  report_section *section = onefold_report_add_section(document, "tuned", "Tuned against default");
  section->text =
      "The default choice of algorithm and tiling, by the time of what the tuner chose.";
  if (!onefold_report_add_forms(document, section, &groups, REPORT_TUNED,
                                "Default choice, relative to the tuned one", "time, tuned = 1")) {
    section->missing = "No problem is in the data with both choices.";
    section->command =
        "onefold tune run --batch bench/shapes/repvgg-a0.txt --again --json > tune.json";
    return;
  }
  double mean;
  const size_t n = onefold_report_mean(data, &groups, REPORT_DEFAULT, REPORT_TUNED, &mean);
  onefold_report_add_key(
      document, onefold_report_format(&data->arena, "%s", onefold_report_times(mean).text),
      "default / tuned", onefold_report_format(&data->arena, "geometric mean of %zu", n));
}
