// SPDX-License-Identifier: BSD-3-Clause
// Whole networks: every form and every rival.
#include "report/build_forms.h"
#include "report/sections.h"
#include "report/text.h"

#include <math.h>

static void add_keys(report_document *document, const report_groups *groups) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  double mean, lowest;
  const size_t eager = onefold_report_mean(data, groups, REPORT_EAGER, REPORT_FOLDED, &mean);
  if (eager) {
    onefold_report_add_key(document,
                           onefold_report_format(arena, "%s", onefold_report_times(mean).text),
                           "networks, T0 eager / T2 folded",
                           onefold_report_format(arena, "geometric mean of %zu", eager));
  }
  const size_t rival = onefold_report_mean_rival(data, groups, &mean, &lowest);
  if (rival) {
    onefold_report_add_key(document,
                           onefold_report_format(arena, "%s", onefold_report_times(mean).text),
                           "networks, best rival / Onefold",
                           onefold_report_format(arena, "geometric mean of %zu, lowest %s", rival,
                                                 onefold_report_times(lowest).text));
  }
}

void onefold_report_build_networks(report_document *document) {
  report_groups groups = onefold_report_group(document->data, "net");
  onefold_report_join(document->data, &groups);
  report_section *section = onefold_report_add_section(document, "networks", "Networks");
  section->text =
      "How long a whole network takes, in every form and by other libraries on the folded network.";
  if (!onefold_report_add_forms(document, section, &groups, REPORT_FOLDED,
                                "Time of a network, relative to the folded form",
                                "time, folded = 1")) {
    section->missing = "No network in at least two forms is in the data.";
    section->command = "onefold bench net all --form all --json net.json";
    return;
  }
  add_keys(document, &groups);
}
