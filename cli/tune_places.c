// SPDX-License-Identifier: BSD-3-Clause
// Where problems are tuned: contexts of the threads and the accuracy class that the options name,
// or else the log that a problem is from.
#include "cli/tuning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void onefold_cli_problem_label(const cli_tuning *tuning, const char *problem, int32_t threads,
                               const char *accuracy, cli_label label) {
  const int here =
      threads == onefold_context_threads(tuning->context) &&
      !strcmp(accuracy, onefold_accuracy_name(onefold_context_accuracy(tuning->context)));
  char where[48] = "";
  if (!here) snprintf(where, sizeof where, " threads:%d %.16s", (int)threads, accuracy);
  snprintf(label, sizeof(cli_label), "%.255s%s", problem, where);
}

static int is_at(const cli_place *place, const cli_problem *problem) {
  return onefold_context_threads(place->context) == problem->threads &&
         onefold_context_accuracy(place->context) == problem->accuracy;
}

/// Peaks are those of the threads.
static onefold_status measure(const cli_tuning *tuning, const cli_places *places, cli_place *made) {
  const int32_t threads = onefold_context_threads(made->context);
  if (onefold_context_threads(tuning->context) == threads) {
    made->peak = tuning->peak;
    return ONEFOLD_OK;
  }
  for (size_t i = 0; i < places->count; i++) {
    if (onefold_context_threads(places->one[i].context) != threads) continue;
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
  if (is_at(place, problem)) return ONEFOLD_EXIT_OK;
  for (size_t i = 0; i < places->count; i++) {
    *place = places->one[i];
    if (is_at(place, problem)) return ONEFOLD_EXIT_OK;
  }
  cli_place made = {.context = NULL};
  int code = (int)onefold_cli_context(command, problem->threads, tuning->isa, problem->accuracy,
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
