// SPDX-License-Identifier: BSD-3-Clause
// Where problems are tuned: contexts of the threads, the accuracy class and the level that the
// options name, or else the log that a problem is from.
#include "cli/tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_at(const onefold_context *context, const cli_problem *problem) {
  return onefold_context_threads(context) == problem->threads &&
         onefold_context_accuracy(context) == problem->accuracy &&
         onefold_context_isa(context) == problem->isa;
}

void onefold_cli_subject(const onefold_record_key *key, cli_subject subject) {
  const int epilogue = strcmp(key->epilogue, "none") != 0;
  const int layouts = strcmp(key->layouts, "blocked:blocked") != 0;
  snprintf(subject, sizeof(cli_subject), "%s%s%s%s%s", key->problem, epilogue ? "/act:" : "",
           epilogue ? key->epilogue : "", layouts ? "/" : "", layouts ? key->layouts : "");
}

void onefold_cli_problem_label(const cli_tuning *tuning, const onefold_record_key *key,
                               cli_label label) {
  const cli_problem problem = {.threads = key->threads,
                               .accuracy = key->accuracy,
                               .isa = (onefold_isa)onefold_record_key_isa(key)};
  const int other_level = onefold_context_isa(tuning->context) != problem.isa;
  char where[48] = "";
  cli_subject subject;
  onefold_cli_subject(key, subject);
  if (!is_at(tuning->context, &problem))
    snprintf(where, sizeof where, " threads:%d %s%s%s", (int)problem.threads,
             onefold_accuracy_name(problem.accuracy), other_level ? " " : "",
             other_level ? onefold_isa_name(problem.isa) : "");
  snprintf(label, sizeof(cli_label), "%s%s", subject, where);
}

static int same_peak(const onefold_context *a, const onefold_context *b) {
  return onefold_context_threads(a) == onefold_context_threads(b) &&
         onefold_context_isa(a) == onefold_context_isa(b);
}

/// Peaks are those of the threads and the level.
static onefold_status measure(const cli_tuning *tuning, const cli_places *places, cli_place *made) {
  if (same_peak(tuning->context, made->context)) {
    made->peak = tuning->peak;
    return ONEFOLD_OK;
  }
  for (size_t i = 0; i < places->count; i++) {
    if (!same_peak(places->one[i].context, made->context)) continue;
    made->peak = places->one[i].peak;
    return ONEFOLD_OK;
  }
  made->peak.struct_size = sizeof made->peak;
  return onefold_measure_peak(made->context, &made->peak);
}

int onefold_cli_place(const cli_tuning *tuning, cli_places *places, const cli_problem *problem,
                      cli_place *place) {
  const char *command = tuning->rows.command;
  *place = (cli_place){tuning->context, tuning->peak};
  if (is_at(place->context, problem)) return ONEFOLD_EXIT_OK;
  for (size_t i = 0; i < places->count; i++) {
    *place = places->one[i];
    if (is_at(place->context, problem)) return ONEFOLD_EXIT_OK;
  }
  cli_place made = {.context = NULL};
  int code = (int)onefold_cli_context(command, problem->threads, &problem->isa, problem->accuracy,
                                      &made.context);
  if (code != ONEFOLD_EXIT_OK) return code;
  cli_place *grown = realloc(places->one, (places->count + 1) * sizeof *grown);
  if (grown) places->one = grown;
  const onefold_status status = grown ? measure(tuning, places, &made) : ONEFOLD_OUT_OF_MEMORY;
  if (status != ONEFOLD_OK) {
    code = (int)onefold_cli_fail(command, made.context, status);
    onefold_context_destroy(made.context);
    return code;
  }
  *place = places->one[places->count++] = made;
  return ONEFOLD_EXIT_OK;
}

void onefold_cli_places_free(cli_places *places) {
  for (size_t i = 0; i < places->count; i++) onefold_context_destroy(places->one[i].context);
  free(places->one);
  *places = (cli_places){0};
}
