// SPDX-License-Identifier: BSD-3-Clause
// A search as a figure: what its samples and candidates become.
#ifndef ONEFOLD_CLI_TUNE_FIGURE_H
#define ONEFOLD_CLI_TUNE_FIGURE_H

#include <onefold/tune.h>

/// Collects a search.
typedef struct cli_figure {
  onefold_tune_sample *sample; // [sample_count], in the order of time
  size_t sample_count, sample_capacity;
  onefold_tune_candidate *candidate; // [candidate_count], in the order of a visit
  size_t candidate_count, candidate_capacity;
  int failed; // no memory
} cli_figure;

void onefold_cli_figure_sample(cli_figure *figure, const onefold_tune_sample *sample);
void onefold_cli_figure_candidate(cli_figure *figure, const onefold_tune_candidate *candidate);
void onefold_cli_figure_free(cli_figure *figure);

/// Draws the search of `problem` into a file of SVG. Returns an onefold_exit after a sentence.
int onefold_cli_figure_write(cli_figure *figure, const char *command, const char *problem,
                             const char *path);

#endif
