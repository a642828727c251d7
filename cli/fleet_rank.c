// SPDX-License-Identifier: BSD-3-Clause
// A rank's share of the problems: measured one after the other, each row sent as soon as it is
// there.
#include "bench/clock.h"
#include "bench/interrupt.h"
#include "cli/fleet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sharing {
  fleet *fleet;
  double end; // of the budget
  cli_places places;
  size_t problems, tuned;
  int64_t samples;
} sharing;

/// Between two samples.
static int stopped(void *user) {
  onefold_cli_fleet_poll(((const sharing *)user)->fleet);
  return onefold_bench_interrupted();
}

static void deliver(fleet *f, int tag, const char *text) {
  if (f->is_root)
    onefold_cli_fleet_root_take(f, f->link.rank, tag, text);
  else
    onefold_cli_link_send(f->seat->root, tag, text);
}

/// `left` problems share the time that there is. Returns an onefold_exit after a sentence.
static int measure(sharing *s, const cli_problem *problem, size_t left) {
  const cli_tuning *t = s->fleet->tuning;
  cli_place place;
  double share = (s->end - onefold_bench_now()) / (double)left;
  if (t->per_shape > 0 && share > t->per_shape) share = t->per_shape;
  if (share <= 0) return ONEFOLD_EXIT_OK;
  const int code = onefold_cli_place(t, &s->places, problem, &place);
  if (code != ONEFOLD_EXIT_OK) return code;
  const onefold_tune_options options = {.struct_size = sizeof options,
                                        .situation = t->situation,
                                        .budget = share,
                                        .exhaustive = t->exhaustive,
                                        .peak = &place.peak,
                                        .stopped = stopped,
                                        .user = s};
  onefold_tune_result result = {.struct_size = sizeof result};
  const onefold_status status =
      onefold_tune_conv2d(place.context, &problem->desc, &options, &result);
  if (status != ONEFOLD_OK) return (int)onefold_cli_fail(t->rows.command, place.context, status);
  s->samples += result.samples;
  if (!result.finished) return ONEFOLD_EXIT_OK;
  char text[4096];
  onefold_record_row_print(&result.row, text, sizeof text);
  s->tuned++;
  deliver(s->fleet, FLEET_ROW, text);
  return ONEFOLD_EXIT_OK;
}

/// The problems of a share. Returns an onefold_exit after a sentence.
static int read_share(const fleet *f, const char *share, cli_problems *problems) {
  const cli_tuning *t = f->tuning;
  for (const char *line = share; *line; line += strcspn(line, "\n") + 1) problems->capacity++;
  if (problems->capacity == 0) return ONEFOLD_EXIT_OK;
  problems->one = calloc(problems->capacity, sizeof *problems->one);
  if (!problems->one)
    return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_FAILURE, "no memory");
  for (const char *line = share; *line; line += strcspn(line, "\n") + 1) {
    cli_problem *problem = &problems->one[problems->count];
    onefold_record_key key;
    const onefold_status status =
        onefold_verbose_parse_key(t->context, line, &problem->desc, &key, &problem->isa);
    if (status != ONEFOLD_OK)
      return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_FAILURE,
                                  "rank %d cannot read a problem of its share (%s): %.*s",
                                  (int)f->link.rank, onefold_status_name(status),
                                  (int)strcspn(line, "\n"), line);
    problem->threads = key.threads;
    problem->accuracy = key.accuracy;
    problems->count++;
  }
  return ONEFOLD_EXIT_OK;
}

static void tell(sharing *s, int code) {
  const fleet *f = s->fleet;
  char cores[256];
  onefold_cores bound = {.struct_size = sizeof bound};
  onefold_machine_cut(0, 1, &bound);
  json_t *done = json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:I}", "rank", (json_int_t)f->link.rank,
                           "node", f->members[f->link.rank].node, "cores",
                           onefold_fleet_cpus(bound.cpus, cores, sizeof cores), "problems",
                           (json_int_t)s->problems, "tuned", (json_int_t)s->tuned, "samples",
                           (json_int_t)s->samples, "exit", (json_int_t)code);
  char *text = done ? json_dumps(done, JSON_COMPACT) : NULL;
  json_decref(done);
  deliver(s->fleet, FLEET_DONE, text ? text : "{}");
  free(text);
}

void onefold_cli_fleet_rank(fleet *f, const char *share) {
  const cli_tuning *t = f->tuning;
  cli_problems problems = {0};
  sharing s = {.fleet = f,
               .end = onefold_bench_now() + (t->budget > 0   ? t->budget
                                             : t->exhaustive ? INFINITY
                                                             : 60)};
  int code = read_share(f, share, &problems);
  s.problems = problems.count;
  for (size_t i = 0; i < problems.count && code == ONEFOLD_EXIT_OK && !stopped(&s); i++)
    code = measure(&s, &problems.one[i], problems.count - i);
  if (code == ONEFOLD_EXIT_OK && onefold_bench_interrupted()) code = ONEFOLD_EXIT_FAILURE;
  onefold_cli_problems_free(&problems);
  onefold_cli_places_free(&s.places);
  tell(&s, code);
}
