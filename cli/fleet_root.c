// SPDX-License-Identifier: BSD-3-Clause
// The root of a group: it reads the problems, shares them out, writes the record of what the ranks
// find, and says what was done.
#include "bench/clock.h"
#include "bench/text.h"
#include "cli/fleet.h"
#include "cli/tune_results.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void worst(fleet *f, int code) {
  if (code > f->root.code) f->root.code = code;
}

// ------------------------------------------------------------------ problems

/// Leaves out what is recorded. Returns an onefold_exit after a sentence.
static int leave_out(fleet *f) {
  const cli_tuning *t = f->tuning;
  fleet_root *r = &f->root;
  size_t kept = 0;
  r->total = r->problems.count;
  for (size_t i = 0; i < r->total; i++) {
    const cli_problem *problem = &r->problems.one[i];
    onefold_record_row row, old;
    cli_place place;
    if (problem->threads > t->threads)
      return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_USAGE,
                                  "a log has a problem of %d threads, and ranks have %d cores; "
                                  "less --ranks-per-node give each more, or --threads names others",
                                  (int)problem->threads, (int)t->threads);
    const int code = onefold_cli_place(t, &r->places, problem, &place);
    if (code != ONEFOLD_EXIT_OK) return code;
    const onefold_status status =
        onefold_record_row_init(place.context, NULL, &problem->desc, t->situation, &row);
    if (status != ONEFOLD_OK) return (int)onefold_cli_fail(t->rows.command, place.context, status);
    if (t->again || !onefold_cli_is_recorded(r->record, &row, &old))
      r->problems.one[kept++] = *problem;
    else if (!onefold_cli_gains_add(&r->found, &old, 0))
      return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_FAILURE, "no memory");
  }
  r->skipped = r->total - kept;
  r->problems.count = kept;
  return ONEFOLD_EXIT_OK;
}

static int reads_standard_input(const cli_tuning *t) {
  for (size_t i = 0; i < t->list_count; i++) {
    if (strcmp(t->lists[i].path, "-") == 0) return 1;
  }
  return 0;
}

int onefold_cli_fleet_root_open(fleet *f) {
  const cli_tuning *t = f->tuning;
  fleet_root *r = &f->root;
  char path[4096];
  const char *asked = t->rows.record;
  if (asked &&
      onefold_fleet_path(asked, f->members[f->link.rank].machine, path, sizeof path) >= sizeof path)
    return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_USAGE, "--record=%s: too long",
                                asked);
  if (f->link.rank > 0 && reads_standard_input(t))
    return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_USAGE,
                                "-: rank 0 has the standard input, and rank %d reads the problems "
                                "of its group; give a file",
                                (int)f->link.rank);
  r->ranks = json_array();
  if (t->rows.json) r->rows = json_array();
  if (f->link.rank == 0) r->summaries = json_array();
  if (!r->ranks || (t->rows.json && !r->rows) || (f->link.rank == 0 && !r->summaries))
    return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_FAILURE, "no memory");
  int code = (int)onefold_cli_tune_open(&t->rows, asked ? path : NULL, 0, &r->record);
  if (code == ONEFOLD_EXIT_OK) code = onefold_cli_problems_read(t, &r->problems);
  return code == ONEFOLD_EXIT_OK ? leave_out(f) : code;
}

void onefold_cli_fleet_root_close(fleet *f) {
  json_decref(f->root.rows);
  json_decref(f->root.ranks);
  json_decref(f->root.summaries);
  onefold_cli_gains_free(&f->root.found);
  onefold_cli_problems_free(&f->root.problems);
  onefold_cli_places_free(&f->root.places);
  onefold_record_close(f->root.record);
}

/// Problems share, share + shares, ... as lines, to be freed; NULL where there is no memory.
static char *share_text(fleet *f, int32_t share) {
  const cli_problems *p = &f->root.problems;
  cli_place place;
  const onefold_tiling none = {.algorithm = ""};
  char line[1536], *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) return NULL;
  for (size_t i = (size_t)share; i < p->count; i += (size_t)f->seat->shares) {
    // leave_out made them all.
    if (onefold_cli_place(f->tuning, &f->root.places, &p->one[i], &place) != ONEFOLD_EXIT_OK) break;
    onefold_verbose_print(place.context, &p->one[i].desc, &none, line, sizeof line);
    fprintf(out, "%s\n", line);
  }
  if (fclose(out) == 0) return text;
  free(text);
  return NULL;
}

char *onefold_cli_fleet_root_share(fleet *f) {
  for (int32_t rank = 0; rank < f->link.size; rank++) {
    const fleet_seat *seat = &f->seats[rank];
    if (!seat->measures || seat->root != f->link.rank || rank == f->link.rank) continue;
    char *text = share_text(f, seat->share);
    onefold_cli_link_send(rank, FLEET_WORK, text ? text : "");
    if (!text) worst(f, ONEFOLD_EXIT_FAILURE);
    free(text);
  }
  if (f->link.rank == 0 && !f->tuning->rows.json) onefold_cli_fleet_head();
  return share_text(f, f->seat->share);
}

// ---------------------------------------------------------------------- rows

static double number_of(const json_t *row, const char *name) {
  return json_number_value(json_object_get(row, name));
}

static void take_done(fleet *f, const char *text) {
  fleet_root *r = &f->root;
  json_t *done = json_loads(text, 0, NULL);
  r->done++;
  r->samples += (int64_t)json_integer_value(json_object_get(done, "samples"));
  worst(f, done ? (int)json_integer_value(json_object_get(done, "exit")) : ONEFOLD_EXIT_FAILURE);
  if (!done || json_array_append_new(r->ranks, done)) worst(f, ONEFOLD_EXIT_FAILURE);
}

void onefold_cli_fleet_root_take(fleet *f, int32_t from, int tag, const char *text) {
  switch (tag) {
  case FLEET_ROW:
    worst(f, onefold_cli_fleet_row(f, from, text));
    break;
  case FLEET_DONE:
    take_done(f, text);
    break;
  case FLEET_SUMMARY:
    f->root.groups_done++;
    if (*text && json_array_append_new(f->root.summaries, json_loads(text, 0, NULL)))
      worst(f, ONEFOLD_EXIT_FAILURE);
    break;
  default:
    break;
  }
}

// ----------------------------------------------------------------------- end

void onefold_cli_fleet_poll(fleet *f) {
  int32_t from;
  int tag;
  char *text;
  while ((text = onefold_cli_link_receive(&from, &tag)) != NULL) {
    if (f->is_root) onefold_cli_fleet_root_take(f, from, tag, text);
    free(text);
  }
}

static json_t *summary(fleet *f, double gain, size_t left, double seconds) {
  fleet_root *r = &f->root;
  const cli_tuning *t = f->tuning;
  json_t *root =
      json_pack("{s:I, s:s, s:s, s:I, s:O, s:O, s:I, s:I, s:I, s:f, s:o, s:f, s:I}", "group",
                (json_int_t)f->seat->group + 1, "machine", f->members[f->link.rank].machine,
                "record", onefold_record_path(r->record), "threads", (json_int_t)t->threads,
                "shapes", r->rows, "ranks", r->ranks, "tuned", (json_int_t)r->tuned,
                "recorded_before", (json_int_t)r->skipped, "left", (json_int_t)left,
                "geometric_mean_gain", gain, "gains", onefold_cli_gains_json(&r->found, NULL, 0),
                "seconds", seconds, "samples", (json_int_t)r->samples);
  const cli_tune_results results = {.context = t->context,
                                    .peak = &t->peak,
                                    .pinned = t->pinned,
                                    .situation = t->situation,
                                    .gains = &r->found};
  return onefold_cli_tune_results(root, &results);
}

static void print_end(const fleet *f, double gain, size_t left, double seconds) {
  const fleet_root *r = &f->root;
  size_t i;
  json_t *rank;
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size); // in one piece, as other groups write too
  if (!out) return;
  fprintf(out, "\ngroup %d: %zu tuned in %.1f s with %lld samples, geometric mean %.3fx",
          (int)f->seat->group + 1, r->tuned, seconds, (long long)r->samples, gain);
  if (r->skipped) fprintf(out, "; %zu recorded before (--again tunes them)", r->skipped);
  if (left) fprintf(out, "; %zu left: %s", left, onefold_cli_why_left(r->code));
  fprintf(out, "; %s\n", onefold_record_path(r->record));
  json_array_foreach(r->ranks, i, rank) {
    fprintf(out, "  rank %d on %s, cores %s: %d of %d tuned\n", (int)number_of(rank, "rank"),
            onefold_cli_text(rank, "node"), onefold_cli_text(rank, "cores"),
            (int)number_of(rank, "tuned"), (int)number_of(rank, "problems"));
  }
  if (fclose(out) == 0) fputs(text, stdout);
  fflush(stdout);
  free(text);
}

int onefold_cli_fleet_root_end(fleet *f, double start) {
  fleet_root *r = &f->root;
  while (r->done < f->seat->shares) {
    onefold_cli_fleet_poll(f);
    if (r->done < f->seat->shares) onefold_cli_link_rest();
  }
  const double seconds = onefold_bench_now() - start;
  const double gain = r->tuned ? exp(r->gains / (double)r->tuned) : 1;
  const size_t left = r->total - r->tuned - r->skipped;
  json_t *said = r->rows ? summary(f, gain, left, seconds) : NULL;
  char *text = said ? json_dumps(said, JSON_COMPACT) : NULL;
  if (r->rows && !text) worst(f, ONEFOLD_EXIT_FAILURE);
  if (!r->rows) print_end(f, gain, left, seconds);
  if (f->link.rank == 0)
    onefold_cli_fleet_root_take(f, 0, FLEET_SUMMARY, text ? text : "");
  else
    onefold_cli_link_send(0, FLEET_SUMMARY, text ? text : "");
  free(text);
  json_decref(said);
  while (f->link.rank == 0 && r->groups_done < f->groups) {
    onefold_cli_fleet_poll(f);
    if (r->groups_done < f->groups) onefold_cli_link_rest();
  }
  if (f->link.rank == 0 && r->rows)
    worst(f, onefold_cli_print_json(f->tuning->rows.command, json_incref(r->summaries)));
  return r->code;
}
