// SPDX-License-Identifier: BSD-3-Clause
// Blocks: every form and every rival.
#include "report/build_forms.h"
#include "report/sections.h"
#include "report/text.h"

void onefold_report_build_blocks(report_document *document) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  report_groups groups = onefold_report_group(data, "block");
  onefold_report_join(data, &groups);
  report_section *section = onefold_report_add_section(document, "blocks", "Blocks");
  section->text =
      "What folding brings to single blocks, against the best that their branches can be.";
  if (!onefold_report_add_forms(document, section, &groups, REPORT_FOLDED,
                                "Time of a block, relative to the folded form",
                                "time, folded = 1")) {
    section->missing = "No block in at least two forms is in the data.";
    section->command = "onefold bench main --json main.json";
    return;
  }
  static const report_role forms[] = {REPORT_EAGER, REPORT_BRANCHES};
  for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
    double mean;
    const size_t n = onefold_report_mean(data, &groups, forms[i], REPORT_FOLDED, &mean);
    if (!n) continue;
    onefold_report_add_key(
        document, onefold_report_format(arena, "%s", onefold_report_times(mean).text),
        onefold_report_format(arena, "blocks, %s / T2 folded", onefold_report_role_title(forms[i])),
        onefold_report_format(arena, "geometric mean of %zu", n));
  }
}
