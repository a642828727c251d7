// SPDX-License-Identifier: BSD-3-Clause
// Attaches the record to a context's options; what fails is no more than warned of.
#include "bench/tilings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NO_TUNER "this program is built without the tuner (ONEFOLD_TUNE=OFF)"

#ifdef ONEFOLD_HAVE_TUNE

const char *onefold_bench_tilings_option(struct argp_state *state, const char *text) {
  (void)state;
  return text;
}

static void warn(void *user, const char *sentence) {
  fprintf(stderr, "%s: warning: %s\n", (const char *)user, sentence);
}

/// Says so where rows of the record are of no use here.
static void warn_of_skipped(char *command, const onefold_tilings *tilings) {
  int64_t rows = 0, skipped = 0;
  char sentence[256];
  onefold_tilings_count(tilings, &rows, &skipped);
  if (!skipped) return;
  rows += skipped;
  snprintf(sentence, sizeof sentence,
           "skipped %lld of the record's %lld rows: they name kernels or values that this version "
           "does not have; see onefold tune prune --stale",
           (long long)skipped, (long long)rows);
  warn(command, sentence);
}

static void describe(const onefold_record *record, const onefold_tilings *tilings, char *about,
                     size_t size) {
  int64_t rows = 0, skipped = 0;
  onefold_tilings_count(tilings, &rows, &skipped);
  if (rows)
    snprintf(about, size, "%lld row%s of %s", (long long)rows, rows == 1 ? "" : "s",
             onefold_record_path(record));
}

void onefold_bench_tilings_attach(const char *command, const char *path,
                                  onefold_situation situation, onefold_context_options *options,
                                  onefold_tilings **tilings, char *about, size_t size) {
  char name[256];
  onefold_record *record = NULL;
  *tilings = NULL;
  if (about) snprintf(about, size, "none");
  onefold_verbose_attach(options);
  if (path && !*path) return;
  snprintf(name, sizeof name, "%s", command);
  const onefold_record_options asked = {.struct_size = sizeof asked,
                                        .path = path,
                                        .read_only = 1,
                                        .warning = warn,
                                        .warning_user = name};
  if (onefold_record_open(&asked, &record) != ONEFOLD_OK) return;
  if (onefold_record_attach(record, situation, NULL, options, tilings) != ONEFOLD_OK) {
    char sentence[512];
    onefold_record_last_error(record, sentence, sizeof sentence);
    warn(name, sentence);
  }
  warn_of_skipped(name, *tilings);
  if (about) describe(record, *tilings, about, size);
  onefold_record_close(record);
}

void onefold_bench_tilings_free(onefold_tilings **tilings) {
  onefold_tilings_destroy(*tilings);
  *tilings = NULL;
}

#else

const char *onefold_bench_tilings_option(struct argp_state *state, const char *text) {
  argp_error(state, "--record=%s: " NO_TUNER, text);
  return "";
}

void onefold_bench_tilings_attach(const char *command, const char *record,
                                  onefold_situation situation, onefold_context_options *options,
                                  onefold_tilings **tilings, char *about, size_t size) {
  const char *verbose = getenv("ONEFOLD_VERBOSE");
  (void)record, (void)situation, (void)options;
  if (verbose && *verbose && strcmp(verbose, "0") != 0)
    fprintf(stderr, "%s: warning: ONEFOLD_VERBOSE=%s: " NO_TUNER "\n", command, verbose);
  *tilings = NULL;
  if (about) snprintf(about, size, "none");
}

void onefold_bench_tilings_free(onefold_tilings **tilings) {
  *tilings = NULL;
}

#endif
