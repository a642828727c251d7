// SPDX-License-Identifier: BSD-3-Clause
// Many rows at once: export, import, merge, prune. Each changes all or nothing.
#include "tune/record.h"
#include "tune/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Ends what onefold_store_begin began; `status` is what came of it.
static onefold_status end(onefold_record *record, onefold_status status) {
  const onefold_status ended = onefold_store_end(record->store, status == ONEFOLD_OK);
  return status == ONEFOLD_OK ? onefold_record_stored(record, ended) : status;
}

static onefold_status begin(onefold_record *record) {
  if (record->read_only)
    return onefold_record_fail(record, ONEFOLD_UNSUPPORTED,
                               "the record was opened to be read only");
  return onefold_record_stored(record, onefold_store_begin(record->store));
}

/// Puts one row, and counts it.
static onefold_status add(onefold_record *record, const onefold_record_row *row,
                          onefold_record_policy policy, onefold_record_counts *counts) {
  int written = 0;
  const onefold_status status = onefold_record_put(record, row, policy, &written);
  if (status == ONEFOLD_OK) ++*(written ? &counts->written : &counts->kept);
  return status;
}

// -------------------------------------------------------------------- merge

typedef struct merging {
  onefold_record *record;
  onefold_record_policy policy;
  onefold_record_counts counts;
  onefold_status status;
} merging;

static int merge_row(void *user, const onefold_record_row *row) {
  merging *m = user;
  m->status = add(m->record, row, m->policy, &m->counts);
  return m->status != ONEFOLD_OK;
}

onefold_status onefold_record_merge(onefold_record *record, onefold_record *from,
                                    onefold_record_policy policy, onefold_record_counts *counts) {
  merging m = {.record = record, .policy = policy};
  if (counts) *counts = m.counts;
  if (!record) return ONEFOLD_INVALID_ARGUMENT;
  if (!from || from == record)
    return onefold_record_fail(record, ONEFOLD_INVALID_ARGUMENT, "%s",
                               from ? "a record cannot be merged with itself"
                                    : "the record to merge is NULL");
  onefold_status status = begin(record);
  if (status != ONEFOLD_OK) return status;
  status = onefold_record_visit(from, merge_row, &m, &m.counts.skipped);
  if (status != ONEFOLD_OK)
    onefold_record_fail(record, status, "%s", from->sentence);
  else
    status = m.status;
  status = end(record, status);
  if (counts && status == ONEFOLD_OK) *counts = m.counts;
  return status;
}

// -------------------------------------------------------------------- prune

/// Keys that are to be removed.
typedef struct dropping {
  onefold_record_visit_fn drop;
  void *user;
  onefold_record_key *key;
  size_t count, capacity;
  int failed;
} dropping;

static int collect(void *user, const onefold_record_row *row) {
  dropping *d = user;
  if (!d->drop(d->user, row)) return 0;
  if (d->count == d->capacity) {
    const size_t capacity = d->capacity ? 2 * d->capacity : 64;
    onefold_record_key *key = realloc(d->key, capacity * sizeof *key);
    if (!key) return d->failed = 1;
    d->key = key;
    d->capacity = capacity;
  }
  d->key[d->count++] = row->key;
  return 0;
}

onefold_status onefold_record_prune(onefold_record *record, onefold_record_visit_fn drop,
                                    void *user, int64_t *removed) {
  dropping d = {.drop = drop, .user = user};
  if (removed) *removed = 0;
  if (!record) return ONEFOLD_INVALID_ARGUMENT;
  if (!drop) return onefold_record_fail(record, ONEFOLD_INVALID_ARGUMENT, "the function is NULL");
  onefold_status status = begin(record);
  if (status != ONEFOLD_OK) return status;
  status = onefold_record_visit(record, collect, &d, NULL);
  if (d.failed)
    status = onefold_record_fail(record, ONEFOLD_OUT_OF_MEMORY, "no memory for the keys");
  for (size_t i = 0; i < d.count && status == ONEFOLD_OK; i++)
    status = onefold_record_delete(record, &d.key[i]);
  status = end(record, status);
  if (removed && status == ONEFOLD_OK) *removed = (int64_t)d.count;
  free(d.key);
  return status;
}

// --------------------------------------------------------------------- text

typedef struct exporting {
  onefold_line_fn line;
  void *user;
  int failed;
} exporting;

static int export_row(void *user, const onefold_record_row *row) {
  const exporting *e = user;
  char text[4096]; // more than all texts and numbers of a row
  if (onefold_record_row_print(row, text, sizeof text) == 0) return ((exporting *)user)->failed = 1;
  e->line(e->user, text);
  return 0;
}

onefold_status onefold_record_export(onefold_record *record, onefold_line_fn line, void *user,
                                     int64_t *skipped) {
  exporting e = {.line = line, .user = user};
  if (skipped) *skipped = 0;
  if (!record) return ONEFOLD_INVALID_ARGUMENT;
  if (!line) return onefold_record_fail(record, ONEFOLD_INVALID_ARGUMENT, "the function is NULL");
  const onefold_status status = onefold_record_visit(record, export_row, &e, skipped);
  return e.failed ? onefold_record_fail(record, ONEFOLD_OUT_OF_MEMORY, "no memory for a line")
                  : status;
}

/// Reads and checks a line; ONEFOLD_UNSUPPORTED: to be skipped.
static onefold_status read_line(onefold_record *record, const char *line, size_t length,
                                int64_t number, onefold_record_row *row) {
  char reason[512];
  const onefold_status status = onefold_record_row_parse(line, length, row, reason, sizeof reason);
  const int failed = status != ONEFOLD_OK && status != ONEFOLD_UNSUPPORTED;
  // The rest of a row of a newer version is checked too.
  if (!failed && !onefold_record_row_refuse(record->context, row, NULL, reason, sizeof reason))
    return status;
  return onefold_record_fail(record, failed ? status : ONEFOLD_FORMAT, "line %lld: %s",
                             (long long)number, reason);
}

/// Goes through the lines: checks them, or puts them where `counts` is given.
static onefold_status each_line(onefold_record *record, const char *text, size_t length,
                                onefold_record_policy policy, onefold_record_counts *counts) {
  const char *const stop = text + length;
  int64_t number = 0;
  for (const char *line = text; line < stop;) {
    const char *newline = memchr(line, '\n', (size_t)(stop - line));
    const char *next = newline ? newline + 1 : stop;
    size_t size = (size_t)((newline ? newline : stop) - line);
    if (size && line[size - 1] == '\r') size--;
    number++;
    onefold_record_row row;
    onefold_status status = size ? read_line(record, line, size, number, &row) : ONEFOLD_OK;
    if (status == ONEFOLD_OK && size && counts) status = add(record, &row, policy, counts);
    if (status == ONEFOLD_UNSUPPORTED && counts) counts->skipped++;
    if (status != ONEFOLD_OK && status != ONEFOLD_UNSUPPORTED) return status;
    line = next;
  }
  return ONEFOLD_OK;
}

onefold_status onefold_record_import(onefold_record *record, const char *text, size_t length,
                                     onefold_record_policy policy, onefold_record_counts *counts) {
  onefold_record_counts made = {0};
  if (counts) *counts = made;
  if (!record) return ONEFOLD_INVALID_ARGUMENT;
  if ((!text && length) || (unsigned)policy > ONEFOLD_RECORD_BETTER)
    return onefold_record_fail(record, ONEFOLD_INVALID_ARGUMENT, "%s",
                               text ? "the policy is none" : "the text is NULL");
  onefold_status status = onefold_record_ready(record);
  if (status == ONEFOLD_OK) status = each_line(record, text, length, policy, NULL);
  if (status == ONEFOLD_OK) status = begin(record);
  if (status != ONEFOLD_OK) return status;
  status = end(record, each_line(record, text, length, policy, &made));
  if (counts && status == ONEFOLD_OK) *counts = made;
  return status;
}
