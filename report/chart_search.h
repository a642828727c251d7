// SPDX-License-Identifier: BSD-3-Clause
// A search for the fastest candidate: their times over that of the default choice, by when they
// were measured.
#ifndef ONEFOLD_REPORT_CHART_SEARCH_H
#define ONEFOLD_REPORT_CHART_SEARCH_H

#include "report/kinds.h"

/// A candidate: a point for each phase that it was in.
typedef struct report_track {
  const char *name;
  double *x, *y; // seconds from the start; time over the default choice's, above 0
  size_t count;
  report_colour colour;
  report_mark mark;
} report_track;

/// Where all that are left take turns.
typedef struct report_phase {
  const char *name;
  double begin, end; // seconds
  size_t candidates;
} report_phase;

typedef struct report_search {
  const report_track *tracks;
  size_t count;
  size_t best; // index of the track that is named; count: none
  const report_phase *phases;
  size_t phase_count;
  const report_point_kind *kinds;
  size_t kind_count;
  const char *note; // below the axis
} report_search;

/// `chart` is a report_search with one phase at least.
void onefold_report_draw_search(report_svg *svg, const void *chart);

#endif
