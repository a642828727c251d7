// SPDX-License-Identifier: BSD-3-Clause
// Rows in an SQLite file. store_open.c and store.c alone call SQLite; docs/record.md has the
// schema.
#ifndef ONEFOLD_TUNE_STORE_H
#define ONEFOLD_TUNE_STORE_H

#include <onefold/record.h>

typedef struct onefold_store onefold_store;

#define ONEFOLD_STORE_MEMORY ":memory:"

typedef struct onefold_store_options {
  const char *path;
  int read_only;
  const char *vfs; // SQLite's name of how files are reached; NULL: its default
} onefold_store_options;

/// Opens a file, makes it one of the present schema and, where the file system allows, one with a
/// write-ahead log. `why` is a sentence on failure; with ONEFOLD_OK, a warning or "". Errors:
/// NOT_FOUND (read_only: no file, or an empty one), IO, FORMAT (damaged, or no record),
/// UNSUPPORTED (a newer schema, or read_only an older), OUT_OF_MEMORY.
onefold_status onefold_store_open(const onefold_store_options *options, onefold_store **store,
                                  char *why, size_t size);
void onefold_store_close(onefold_store *store);

/// The sentence of the last failure of a call below, none of which has errors but IO, FORMAT,
/// OUT_OF_MEMORY and what is said.
const char *onefold_store_sentence(const onefold_store *store);

/// Rows are as onefold_record_row_refuse wants them. `kernels` are the present ones of the row's
/// level, as onefold_record_evidence has them.
onefold_status onefold_store_put(onefold_store *store, const onefold_record_row *row,
                                 onefold_record_policy policy, uint64_t kernels, int *written);
onefold_status onefold_store_delete(onefold_store *store,
                                    const onefold_record_key *key); // NOT_FOUND

/// Which rows are meant: of machines from `first` on and before `end`; where `kind` is not NULL,
/// of that kind, these threads and that class alone.
typedef struct onefold_store_part {
  const char *first, *end, *kind;
  int32_t threads;
  onefold_accuracy accuracy;
} onefold_store_part;

/// Visits rows, whose values are still to be checked, in the order of their keys; the row of one
/// key. NULL for `row`: its texts do not fit.
typedef int onefold_store_visit_fn(void *user, const onefold_record_row *row);
onefold_status onefold_store_visit(onefold_store *store, const onefold_store_part *part,
                                   onefold_store_visit_fn *visit, void *user);
onefold_status onefold_store_get(onefold_store *store, const onefold_record_key *key,
                                 onefold_store_visit_fn *visit, void *user);

/// Several changes as one. `end` keeps them, or where `keep` is zero, none.
onefold_status onefold_store_begin(onefold_store *store);
onefold_status onefold_store_end(onefold_store *store, int keep);

/// The schema as steps of SQL: a file of version n has seen the first n.
extern const char *const onefold_schema_steps[];
extern const int32_t onefold_schema_version;

#endif
