// SPDX-License-Identifier: BSD-3-Clause
// Rows to and from SQLite.
#include "tune/row.h"
#include "tune/store_sqlite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Where a statement's parameters and a row's columns are: those of the key first.
enum {
  MACHINE,
  KIND,
  PROBLEM,
  LAYOUTS,
  EPILOGUE,
  THREADS,
  SITUATION,
  ACCURACY,
  TILING,
  MEDIAN,
  SPREAD,
  DEFAULT,
  TRIALS,
  VERSION,
  KERNELS,
  DATE
};

#define KEY     "machine, kind, problem, layouts, epilogue, threads, situation, accuracy"
#define COLUMNS KEY ", tiling, median_ns, spread, default_ns, trials, version, kernels, date"
#define OF_KEY                                                                                     \
  " WHERE machine = ?1 AND kind = ?2 AND problem = ?3 AND layouts = ?4 AND epilogue = ?5 AND "     \
  "threads = ?6 AND situation = ?7 AND accuracy = ?8"

/// onefold_evidence of a row, ascending: ?18 is the present version, ?19 its kernels or "".
#define EVIDENCE(row)                                                                              \
  row "version = ?18 AND (?19 = '' OR " row "kernels = ?19), CASE WHEN " row                       \
      "trials < " FEWEST_TRIALS " THEN -9e999 ELSE -" row "spread * " row "spread / " row          \
      "trials END, " row "date"
#define TEXT_OF(number) #number
#define TEXT(number)    TEXT_OF(number)
#define FEWEST_TRIALS   TEXT(ONEFOLD_EVIDENCE_TRIALS)

const char *onefold_store_sentence(const onefold_store *store) {
  return store->sentence;
}

static onefold_status fail(onefold_store *store, int code) {
  snprintf(store->sentence, sizeof store->sentence, "%s: %s", sqlite3_db_filename(store->db, NULL),
           sqlite3_errmsg(store->db));
  return onefold_store_status(code);
}

/// `text` has room for 17 characters.
static const char *print_kernels(uint64_t kernels, char *text) {
  snprintf(text, 17, "%016" PRIx64, kernels);
  return text;
}

static int bind_text(sqlite3_stmt *s, int column, const char *text) {
  return sqlite3_bind_text(s, column + 1, text, -1, SQLITE_TRANSIENT);
}

static void bind_key(sqlite3_stmt *s, const onefold_record_key *key) {
  bind_text(s, MACHINE, key->machine);
  bind_text(s, KIND, key->kind);
  bind_text(s, PROBLEM, key->problem);
  bind_text(s, LAYOUTS, key->layouts);
  bind_text(s, EPILOGUE, key->epilogue);
  sqlite3_bind_int(s, THREADS + 1, key->threads);
  bind_text(s, SITUATION, onefold_situation_name(key->situation));
  bind_text(s, ACCURACY, onefold_accuracy_name(key->accuracy));
}

/// A parameter that could not be bound is NULL, which no column takes.
static void bind_row(sqlite3_stmt *s, const onefold_record_row *row) {
  char text[512];
  bind_key(s, &row->key);
  onefold_tiling_print(&row->tiling, text, sizeof text);
  bind_text(s, TILING, text);
  sqlite3_bind_double(s, MEDIAN + 1, row->median_ns);
  sqlite3_bind_double(s, SPREAD + 1, row->spread);
  sqlite3_bind_double(s, DEFAULT + 1, row->default_ns);
  sqlite3_bind_int64(s, TRIALS + 1, row->trials);
  bind_text(s, VERSION, row->version);
  bind_text(s, KERNELS, print_kernels(row->kernels, text));
  bind_text(s, DATE, row->date);
}

/// Zero where the text does not fit.
static int copy(sqlite3_stmt *s, int column, char *text, size_t size) {
  const char *value = (const char *)sqlite3_column_text(s, column);
  const size_t length = value ? strlen(value) : 0;
  if (length >= size) return 0;
  memcpy(text, value ? value : "", length + 1);
  return 1;
}

/// Zero where a value has no place in a row.
static int read_row(sqlite3_stmt *s, onefold_record_row *row) {
  onefold_record_key *key = &row->key;
  char situation[16], accuracy[16], tiling[512], kernels[24];
  memset(row, 0, sizeof *row);
  const int fits =
      copy(s, MACHINE, key->machine, sizeof key->machine) &&
      copy(s, KIND, key->kind, sizeof key->kind) &&
      copy(s, PROBLEM, key->problem, sizeof key->problem) &&
      copy(s, LAYOUTS, key->layouts, sizeof key->layouts) &&
      copy(s, EPILOGUE, key->epilogue, sizeof key->epilogue) &&
      copy(s, SITUATION, situation, sizeof situation) &&
      copy(s, ACCURACY, accuracy, sizeof accuracy) && copy(s, TILING, tiling, sizeof tiling) &&
      copy(s, VERSION, row->version, sizeof row->version) &&
      copy(s, KERNELS, kernels, sizeof kernels) && copy(s, DATE, row->date, sizeof row->date);
  if (!fits || onefold_tiling_parse(tiling, &row->tiling) != ONEFOLD_OK) return 0;
  const int in = onefold_situation_parse(situation), class = onefold_accuracy_parse(accuracy);
  if (in < 0 || class < 0) return 0;
  key->situation = (onefold_situation)in;
  key->accuracy = (onefold_accuracy) class;
  key->threads = sqlite3_column_int(s, THREADS);
  row->median_ns = sqlite3_column_double(s, MEDIAN);
  row->spread = sqlite3_column_double(s, SPREAD);
  row->default_ns = sqlite3_column_double(s, DEFAULT);
  row->trials = sqlite3_column_int64(s, TRIALS);
  row->kernels = strtoull(kernels, NULL, 16);
  return 1;
}

/// Prepares, or fails with a sentence.
static onefold_status prepare(onefold_store *store, const char *sql, sqlite3_stmt **statement) {
  const int code = sqlite3_prepare_v2(store->db, sql, -1, statement, NULL);
  return code == SQLITE_OK ? ONEFOLD_OK : fail(store, code);
}

/// Runs a statement without results; `changes` is how many rows it changed.
static onefold_status run(onefold_store *store, sqlite3_stmt *statement, int *changes) {
  const int code = sqlite3_step(statement);
  const onefold_status status = code == SQLITE_DONE ? ONEFOLD_OK : fail(store, code);
  sqlite3_finalize(statement);
  *changes = sqlite3_changes(store->db);
  return status;
}

onefold_status onefold_store_put(onefold_store *store, const onefold_record_row *row,
                                 onefold_record_policy policy, uint64_t kernels, int *written) {
  static const char sql[] =
      "INSERT INTO tiling (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
      "?13, ?14, ?15, ?16) ON CONFLICT (" KEY ") DO UPDATE SET tiling = excluded.tiling, "
      "median_ns = excluded.median_ns, spread = excluded.spread, default_ns = excluded.default_ns, "
      "trials = excluded.trials, version = excluded.version, kernels = excluded.kernels, "
      "date = excluded.date WHERE ?17 OR (" EVIDENCE("excluded.") ") > (" EVIDENCE("") ")";
  sqlite3_stmt *statement = NULL;
  char text[17];
  onefold_status status = prepare(store, sql, &statement);
  if (status != ONEFOLD_OK) return status;
  bind_row(statement, row);
  sqlite3_bind_int(statement, 17, policy == ONEFOLD_RECORD_REPLACE);
  sqlite3_bind_text(statement, 18, onefold_version(), -1, SQLITE_STATIC);
  sqlite3_bind_text(statement, 19, kernels ? print_kernels(kernels, text) : "", -1,
                    SQLITE_TRANSIENT);
  return run(store, statement, written);
}

onefold_status onefold_store_delete(onefold_store *store, const onefold_record_key *key) {
  sqlite3_stmt *statement = NULL;
  onefold_status status = prepare(store, "DELETE FROM tiling" OF_KEY, &statement);
  if (status != ONEFOLD_OK) return status;
  int changes = 0;
  bind_key(statement, key);
  status = run(store, statement, &changes);
  return status == ONEFOLD_OK && changes == 0 ? ONEFOLD_NOT_FOUND : status;
}

static onefold_status each(onefold_store *store, sqlite3_stmt *statement,
                           onefold_store_visit_fn *visit, void *user) {
  onefold_record_row row;
  int code, ended = 0;
  while (!ended && (code = sqlite3_step(statement)) == SQLITE_ROW)
    ended = visit(user, read_row(statement, &row) ? &row : NULL);
  const onefold_status status = ended || code == SQLITE_DONE ? ONEFOLD_OK : fail(store, code);
  sqlite3_finalize(statement);
  return status;
}

onefold_status onefold_store_visit(onefold_store *store, const onefold_store_part *part,
                                   onefold_store_visit_fn *visit, void *user) {
  sqlite3_stmt *statement = NULL;
  const onefold_status status = prepare(
      store,
      "SELECT " COLUMNS " FROM tiling WHERE machine >= ?1 AND machine < ?2 AND (?3 IS NULL OR "
      "(kind = ?3 AND threads = ?4 AND accuracy = ?5)) ORDER BY " KEY,
      &statement);
  if (status != ONEFOLD_OK) return status;
  bind_text(statement, 0, part->first);
  bind_text(statement, 1, part->end);
  bind_text(statement, 2, part->kind);
  sqlite3_bind_int(statement, 4, part->threads);
  bind_text(statement, 4, onefold_accuracy_name(part->accuracy));
  return each(store, statement, visit, user);
}

onefold_status onefold_store_get(onefold_store *store, const onefold_record_key *key,
                                 onefold_store_visit_fn *visit, void *user) {
  sqlite3_stmt *statement = NULL;
  const onefold_status status = prepare(store, "SELECT " COLUMNS " FROM tiling" OF_KEY, &statement);
  if (status != ONEFOLD_OK) return status;
  bind_key(statement, key);
  return each(store, statement, visit, user);
}

static onefold_status exec(onefold_store *store, const char *sql) {
  const int code = onefold_store_exec(store->db, sql);
  return code == SQLITE_OK ? ONEFOLD_OK : fail(store, code);
}

onefold_status onefold_store_begin(onefold_store *store) {
  return exec(store, "BEGIN IMMEDIATE");
}

onefold_status onefold_store_end(onefold_store *store, int keep) {
  return exec(store, keep ? "COMMIT" : "ROLLBACK");
}
