// SPDX-License-Identifier: BSD-3-Clause
// Options, context and progress of the commands of `onefold tune` that measure.
#include "cli/tuning.h"

#include "bench/argument.h"
#include "bench/interrupt.h"
#include "bench/pin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_ISA = 0x300, OPT_ACCURACY, OPT_COLD, OPT_LAYOUT, OPT_ACT, OPT_BATCH, OPT_FROM };

static const struct argp_option options[] = {
    {"threads", 't', "N", 0, "Threads (default: the usable cores)", 0},
    {"isa", OPT_ISA, "LEVEL", 0, "ISA level: ref, avx2, avx512 or neon (default: the best)", 0},
    {"accuracy", OPT_ACCURACY, "CLASS", 0, "standard (default), strict or fast", 0},
    {"cold-cache", OPT_COLD, "WHAT", 0,
     "What is out of the caches before each run: none (default) or wei (weights)", 0},
    {"layout", OPT_LAYOUT, "NAME", 0,
     "Layout at both ends: nchw, nhwc or blocked (default: blocked, and nchw for an input of "
     "at most 4 channels)",
     0},
    {"act", OPT_ACT, "NAME", 0, "Activation: none, relu, relu6, leaky_relu, silu, ...", 0},
    {"batch", OPT_BATCH, "FILE", 0,
     "Also the problems of FILE, one a line, # comments; may be given again", 0},
    {"from", OPT_FROM, "FILE", 0,
     "Also the problems of a log that a program wrote with ONEFOLD_VERBOSE=1, each for the "
     "threads, accuracy class and ISA level that it tells unless given here; may be given again",
     0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static const char *cold_name(int i) {
  return i ? "wei" : "none";
}

static error_t parse_option(int key, char *text, struct argp_state *state) {
  cli_tuning *t = state->input;
  switch (key) {
  case 't':
    t->threads = (int32_t)onefold_argument_number(state, "threads", text, 1, ONEFOLD_MAX_THREADS);
    t->has_threads = 1;
    return 0;
  case OPT_ISA:
    t->isa_value = (onefold_isa)onefold_argument_isa(state, text);
    t->isa = &t->isa_value;
    return 0;
  case OPT_ACCURACY:
    t->accuracy = (onefold_accuracy)onefold_argument_accuracy(state, text);
    t->has_accuracy = 1;
    return 0;
  case OPT_COLD:
    t->situation = onefold_argument_word(state, "cold-cache", text, 2, cold_name) ? ONEFOLD_COLD
                                                                                  : ONEFOLD_WARM;
    return 0;
  case OPT_LAYOUT:
    t->has_layout = 1;
    t->layout = (onefold_layout)onefold_argument_layout(state, text);
    return 0;
  case OPT_ACT:
    t->activation = (onefold_activation)onefold_argument_activation(state, text);
    return 0;
  case OPT_BATCH:
  case OPT_FROM:
    if (t->list_count == CLI_MOST_LISTS)
      argp_error(state, "%s: there are %d lists before it, which is all that can be", text,
                 CLI_MOST_LISTS);
    t->lists[t->list_count++] = (cli_list){text, key == OPT_FROM};
    return 0;
  case ARGP_KEY_ARGS:
    t->problems = state->argv + state->next;
    t->problem_count = (size_t)(state->argc - state->next);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

const struct argp onefold_cli_tuning_argp = {options, parse_option, NULL, NULL, NULL, NULL, NULL};

void onefold_cli_tuning_init(cli_tuning *tuning, const char *command) {
  *tuning = (cli_tuning){.situation = ONEFOLD_WARM};
  onefold_cli_tune_init(&tuning->rows, command);
}

double onefold_cli_seconds(struct argp_state *state, const char *option, const char *text) {
  static const struct {
    const char *unit;
    double seconds;
  } units[] = {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"m", 60}, {"min", 60}, {"h", 3600}};
  char *end = NULL;
  const double number = strtod(text, &end);
  for (size_t i = 0; end > text && i < sizeof units / sizeof units[0]; i++) {
    const double seconds = number * units[i].seconds;
    if (strcmp(end, units[i].unit) == 0 && seconds > 0 && seconds <= 1e6) return seconds;
  }
  argp_error(state, "--%s=%s: not a time, such as 60s, 2m or 500ms", option, text);
  return 0;
}

int onefold_cli_tuning_open(cli_tuning *tuning) {
  const char *command = tuning->rows.command;
  if (tuning->threads > 0)
    onefold_bench_pin(tuning->threads, tuning->pinned, sizeof tuning->pinned);
  const int code = (int)onefold_cli_context(command, tuning->threads, tuning->isa, tuning->accuracy,
                                            &tuning->context);
  if (code != ONEFOLD_EXIT_OK) return code;
  tuning->peak.struct_size = sizeof tuning->peak;
  const onefold_status status = onefold_measure_peak(tuning->context, &tuning->peak);
  return status == ONEFOLD_OK ? ONEFOLD_EXIT_OK
                              : (int)onefold_cli_fail(command, tuning->context, status);
}

void onefold_cli_tuning_close(cli_tuning *tuning) {
  onefold_context_destroy(tuning->context);
  tuning->context = NULL;
}

int onefold_cli_is_recorded(onefold_record *record, const onefold_record_row *row,
                            onefold_record_row *old) {
  return onefold_record_get(record, &row->key, old) == ONEFOLD_OK && old->kernels == row->kernels &&
         strcmp(old->version, row->version) == 0;
}

void onefold_cli_tiling_text(const onefold_tiling *tiling, char *shown, size_t size) {
  static const char algorithm[] = "algorithm=", kernel[] = "kernel=onefold_uk_";
  char text[512];
  size_t length = 0;
  onefold_tiling_print(tiling, text, sizeof text);
  for (const char *c = text; *c && length + 1 < size;) {
    if (strncmp(c, algorithm, sizeof algorithm - 1) == 0)
      c += sizeof algorithm - 1;
    else if (strncmp(c, kernel, sizeof kernel - 1) == 0)
      c += sizeof kernel - 1;
    else
      shown[length++] = *c++;
  }
  shown[length] = '\0';
  if (length == 0) snprintf(shown, size, "default");
}

// ---------------------------------------------------------------- interrupt

int onefold_cli_stopped(void *user) {
  (void)user;
  return onefold_bench_interrupted();
}

void onefold_cli_bar(const char *label, size_t done, size_t total, double part,
                     double seconds_left) {
  enum { WIDTH = 24 };
  if (!isatty(STDERR_FILENO)) return;
  if (!label) {
    fputs("\r\033[K", stderr);
    return;
  }
  char bar[WIDTH + 1];
  const double all = total > 0 ? ((double)done + part) / (double)total : 0;
  const int full = (int)(all * WIDTH);
  for (int i = 0; i < WIDTH; i++) bar[i] = i < full ? '#' : '.';
  bar[WIDTH] = '\0';
  fprintf(stderr, "\r\033[K[%s] %zu/%zu  ", bar, done, total);
  if (isfinite(seconds_left))
    fprintf(stderr, "%.0f s left  ", ceil(seconds_left > 0 ? seconds_left : 0));
  fprintf(stderr, "%.48s", label);
  fflush(stderr);
}
