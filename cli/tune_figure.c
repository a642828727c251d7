// SPDX-License-Identifier: BSD-3-Clause
// From the samples of a search to the tracks of its candidates.
#include "cli/tune_figure.h"

#include "bench/text.h"
#include "cli/tuning.h"
#include "report/algorithm.h"
#include "report/chart_search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Legible without scaling on a page of 400 pixels.
#define WIDTH 460.0

enum { MOST_PHASES = 32, NAME = 160, FEWEST = 5 };

/// Room for one more item, or NULL.
static void *grow(void *items, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return items;
  const size_t wanted = *capacity ? 2 * *capacity : 256;
  void *grown = realloc(items, wanted * size);
  if (grown) *capacity = wanted;
  return grown;
}

void onefold_cli_figure_sample(cli_figure *f, const onefold_tune_sample *sample) {
  void *grown = grow(f->sample, f->sample_count, &f->sample_capacity, sizeof *f->sample);
  if (!grown) {
    f->failed = 1;
    return;
  }
  f->sample = grown;
  f->sample[f->sample_count++] = *sample;
}

void onefold_cli_figure_candidate(cli_figure *f, const onefold_tune_candidate *candidate) {
  void *grown =
      grow(f->candidate, f->candidate_count, &f->candidate_capacity, sizeof *f->candidate);
  if (!grown) {
    f->failed = 1;
    return;
  }
  f->candidate = grown;
  f->candidate[f->candidate_count++] = *candidate;
}

void onefold_cli_figure_free(cli_figure *f) {
  free(f->sample);
  free(f->candidate);
  *f = (cli_figure){0};
}

/// The drawing, made of a figure.
typedef struct drawing {
  const cli_figure *figure;
  report_phase phases[MOST_PHASES];
  int32_t rounds[MOST_PHASES];
  char names[MOST_PHASES][16];
  size_t phase_count;
  report_track *tracks; // [count]
  size_t count, best;
  char (*labels)[NAME]; // of the tracks
  double *xy;           // of the tracks
  double *times;        // room for all samples
  report_point_kind kinds[REPORT_ALGORITHMS];
  size_t kind_count;
} drawing;

static void add_phases(drawing *d) {
  const cli_figure *f = d->figure;
  for (size_t i = 0; i < f->sample_count; i++) {
    const onefold_tune_sample *s = &f->sample[i];
    if (!d->phase_count || d->rounds[d->phase_count - 1] != s->round) {
      if (d->phase_count == MOST_PHASES) return;
      char *name = d->names[d->phase_count];
      if (s->round > 0)
        snprintf(name, sizeof d->names[0], "%d", (int)s->round);
      else
        snprintf(name, sizeof d->names[0], "%s", s->round ? "end" : "look");
      d->rounds[d->phase_count] = s->round;
      d->phases[d->phase_count] = (report_phase){.name = name};
      if (d->phase_count) d->phases[d->phase_count].begin = d->phases[d->phase_count - 1].end;
      d->phase_count++;
    }
    d->phases[d->phase_count - 1].end = s->seconds;
  }
}

/// The candidate's time as the search judges it at the end of a phase, 0 where it was not in it;
/// *at is when it was measured there. The end game has samples of its own; of few samples the
/// least counts.
static double time_of(drawing *d, size_t candidate, size_t phase, double *at) {
  const cli_figure *f = d->figure;
  const int32_t round = d->rounds[phase];
  size_t count = 0, here = 0;
  *at = 0;
  for (size_t i = 0; i < f->sample_count; i++) {
    const onefold_tune_sample *s = &f->sample[i];
    const int is_here = s->round == round;
    if (s->candidate != candidate || s->seconds > d->phases[phase].end) continue;
    if (round < 0 && !is_here) continue;
    d->times[count++] = s->ns;
    here += (size_t)is_here;
    *at += is_here ? s->seconds : 0;
  }
  if (!here) return 0;
  *at /= (double)here;
  onefold_bench_sort(d->times, count);
  if (count < FEWEST) return d->times[0];
  return (d->times[count / 2] + d->times[(count - 1) / 2]) / 2;
}

static void add_track(drawing *d, size_t candidate) {
  const onefold_tune_candidate *about = &d->figure->candidate[candidate];
  const report_algorithm kind = onefold_report_algorithm_of(about->tiling.algorithm);
  report_track *t = &d->tracks[d->count];
  double *xy = d->xy + 2 * d->count * d->phase_count;
  *t = (report_track){.name = d->labels[d->count],
                      .x = xy,
                      .y = xy + d->phase_count,
                      .colour = onefold_report_algorithm_colour(kind),
                      .mark = onefold_report_algorithm_mark(kind)};
  onefold_cli_tiling_text(&about->tiling, d->labels[d->count], sizeof d->labels[0]);
  for (size_t i = 0; i < d->phase_count; i++) {
    double at, other;
    const double own = time_of(d, candidate, i, &at), base = time_of(d, 0, i, &other);
    if (!(own > 0) || !(base > 0)) continue;
    t->x[t->count] = at;
    t->y[t->count++] = own / base;
    d->phases[i].candidates++;
  }
  if (!t->count) return;
  if (about->fate == ONEFOLD_TUNE_BEST) d->best = d->count;
  d->count++;
  const report_point_kind made = {onefold_report_algorithm_name(kind), t->colour, t->mark};
  for (size_t i = 0; i < d->kind_count; i++) {
    if (d->kinds[i].name == made.name) return;
  }
  d->kinds[d->kind_count++] = made;
}

static int write_svg(const drawing *d, const char *problem, const char *path) {
  char note[400], title[300];
  const char *best = d->best > 0 && d->best < d->count ? d->labels[d->best] : "the default choice";
  snprintf(note, sizeof note, "fastest: %s", best);
  snprintf(title, sizeof title, "Search for the fastest tiling of %s", problem);
  const report_search chart = {d->tracks,      d->count, d->best,       d->phases,
                               d->phase_count, d->kinds, d->kind_count, note};
  const report_svg_frame frame = {.id = "search",
                                  .variant = "alone",
                                  .title = title,
                                  .about =
                                      "Each point is a candidate in a round of the search; above "
                                      "the rounds are their numbers of candidates.",
                                  .alone = 2};
  FILE *out = fopen(path, "we");
  if (!out) return -1;
  report_svg svg;
  onefold_report_svg_begin(&svg, WIDTH);
  if (!svg.failed) onefold_report_draw_search(&svg, &chart);
  int failed = onefold_report_svg_end(&svg, &frame, out);
  failed |= ferror(out);
  return fclose(out) || failed ? -1 : 0;
}

int onefold_cli_figure_write(cli_figure *f, const char *command, const char *problem,
                             const char *path) {
  drawing d = {.figure = f};
  add_phases(&d);
  if (!d.phase_count)
    return (int)onefold_cli_say(command, ONEFOLD_EXIT_FAILURE, "%s: nothing was timed to draw",
                                path);
  d.tracks = calloc(f->candidate_count, sizeof *d.tracks);
  d.labels = calloc(f->candidate_count, sizeof *d.labels);
  d.xy = calloc(2 * f->candidate_count * d.phase_count, sizeof *d.xy);
  d.times = calloc(f->sample_count, sizeof *d.times);
  int code = ONEFOLD_EXIT_OK;
  if (f->failed || !d.tracks || !d.labels || !d.xy || !d.times) {
    code = (int)onefold_cli_say(command, ONEFOLD_EXIT_FAILURE, "no memory for the figure");
  } else {
    d.best = SIZE_MAX;
    for (size_t i = 0; i < f->candidate_count; i++) add_track(&d, i);
    errno = 0;
    if (write_svg(&d, problem, path))
      code = (int)onefold_cli_say(command, ONEFOLD_EXIT_FAILURE, "%s: %s", path,
                                  errno ? strerror(errno) : "it could not be written");
  }
  free(d.tracks);
  free(d.labels);
  free(d.xy);
  free(d.times);
  return code;
}
