// SPDX-License-Identifier: BSD-3-Clause
// Depthwise and pointwise convolutions: as one operator, as two calls, and by rivals.
#include "report/build_forms.h"
#include "report/sections.h"
#include "report/text.h"

#include <math.h>

/// What graphs make of the pairs when nothing is said, against what was faster.
static const char *choice(report_arena *arena, const report_groups *groups) {
  size_t known = 0, one = 0, right = 0;
  for (size_t i = 0; i < groups->count; i++) {
    const report_row *fused = groups->items[i].roles[REPORT_FUSED];
    const report_row *separate = groups->items[i].roles[REPORT_SEPARATE];
    if (!fused || !separate || !isfinite(fused->counters[REPORT_CHOSEN])) continue;
    const int chosen = fused->counters[REPORT_CHOSEN] != 0;
    known++;
    one += chosen != 0;
    right += chosen == (fused->median < separate->median);
  }
  if (!known) return "";
  return onefold_report_format(arena,
                               " Left to choose, a graph makes one operator of %zu of %zu, and "
                               "takes the way that was faster here for %zu.",
                               one, known, right);
}

void onefold_report_build_pairs(report_document *document) {
  report_data *data = document->data;
  report_arena *arena = &data->arena;
  const report_groups groups = onefold_report_group(data, "pair");
  report_section *section = onefold_report_add_section(document, "pairs", "Pairs");
  section->text =
      "A depthwise and a pointwise convolution that follow each other: what it brings to "
      "keep what is between them in cache.";
  if (!onefold_report_add_forms(document, section, &groups, REPORT_FUSED,
                                "Time of a pair, relative to one operator",
                                "time, one operator = 1")) {
    section->missing = "No pair in at least two ways is in the data.";
    section->command =
        "onefold bench pair --batch bench/shapes/pairs.txt --peers onednn,xnnpack --json pair.json";
    return;
  }
  double mean, rival, lowest;
  report_figure *figure = section->figures;
  const size_t n = onefold_report_mean(data, &groups, REPORT_SEPARATE, REPORT_FUSED, &mean);
  if (n)
    figure->caption = onefold_report_format(
        arena, "%s Two calls by one operator: geometric mean %s over %zu.%s", figure->caption,
        onefold_report_times(mean).text, n, choice(arena, &groups));
  const size_t m = onefold_report_mean_rival(data, &groups, &rival, &lowest);
  if (m)
    figure->caption = onefold_report_format(
        arena, "%s The fastest other library by one operator: %s over %zu, lowest %s.",
        figure->caption, onefold_report_times(rival).text, m, onefold_report_times(lowest).text);
}
