// SPDX-License-Identifier: BSD-3-Clause
// A session of Google Benchmark: flags, the listing of names, and where the JSON goes.
#include "bench/gbench.h"

#include "bench/gbench_file.h"
#include "bench/gbench_flags.h"
#include "bench/gbench_runs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct onefold_gbench {
  onefold_gbench_flags flags;
  onefold_gbench_file file;
  onefold_gbench_runs *runs;
};

static int owns_stdout(const onefold_gbench_flags *flags) {
  return flags->path && strcmp(flags->path, "-") == 0;
}

/// Fills the session, of which `flags` are to be freed in every case.
static int fill(onefold_gbench *session, const char *const *texts, size_t count, const char *json,
                char *error, size_t error_size) {
  onefold_gbench_flags *flags = &session->flags;
  if (onefold_gbench_flags_parse(flags, texts, count, json, error, error_size))
    return ONEFOLD_GBENCH_BAD_FLAG;
  const char *unknown = onefold_gbench_runs_flags(flags);
  if (unknown) {
    snprintf(error, error_size, "%s: not a flag of Google Benchmark, or a bad value", unknown);
    return ONEFOLD_GBENCH_BAD_FLAG;
  }
  const char *path = flags->listing || !flags->path || !flags->path[0] ? NULL : flags->path;
  if (path && !owns_stdout(flags)) path = onefold_gbench_file_begin(&session->file, path);
  session->runs = onefold_gbench_runs_open(flags, path);
  if (session->runs) return ONEFOLD_GBENCH_OPEN;
  snprintf(error, error_size, "%s: %s", flags->path, strerror(errno));
  onefold_gbench_file_end(&session->file, 0);
  return ONEFOLD_GBENCH_BAD_FILE;
}

int onefold_gbench_open(const char *const *flags, size_t flag_count, const char *json,
                        onefold_gbench **session, char *error, size_t error_size) {
  *session = NULL;
  onefold_gbench *made = calloc(1, sizeof *made);
  if (!made) {
    snprintf(error, error_size, "out of memory");
    return ONEFOLD_GBENCH_BAD_FILE;
  }
  const int status = fill(made, flags, flag_count, json, error, error_size);
  if (status == ONEFOLD_GBENCH_OPEN) {
    *session = made;
  } else {
    onefold_gbench_flags_free(&made->flags);
    free(made);
  }
  return status;
}

int onefold_gbench_is_listing(const onefold_gbench *session) {
  return session->flags.listing;
}

int onefold_gbench_owns_stdout(const onefold_gbench *session) {
  return owns_stdout(&session->flags);
}

void onefold_gbench_context(onefold_gbench *session, const char *key, const char *value) {
  onefold_gbench_runs_context(session->runs, key, value);
}

size_t onefold_gbench_run(onefold_gbench *session, const onefold_gbench_case *cases, size_t count,
                          const onefold_gbench_options *options) {
  if (!session->flags.listing)
    return onefold_gbench_runs_time(session->runs, cases, count, options);
  for (size_t i = 0; i < count; i++)
    if (onefold_gbench_wants(&session->flags, cases[i].name)) puts(cases[i].name);
  return 0;
}

void onefold_gbench_add_row(onefold_gbench *session, const onefold_gbench_case *row,
                            const double *seconds, size_t count) {
  if (!count || !onefold_gbench_wants(&session->flags, row->name)) return;
  if (session->flags.listing)
    puts(row->name);
  else
    onefold_gbench_runs_add_row(session->runs, row, seconds, count);
}

int onefold_gbench_has_run(const onefold_gbench *session) {
  return onefold_gbench_runs_begun(session->runs);
}

int onefold_gbench_close(onefold_gbench *session) {
  const int begun = onefold_gbench_runs_begun(session->runs);
  int status = onefold_gbench_runs_close(session->runs);
  if (onefold_gbench_file_end(&session->file, begun && !status)) status = -1;
  onefold_gbench_flags_free(&session->flags);
  free(session);
  return status;
}
