// SPDX-License-Identifier: BSD-3-Clause
// Opens a record's file: whose it is, which schema it has, how its journal is kept.
#include "tune/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APPLICATION_ID 0x4f6e466c // "OnFl"
#define BUSY_MS        10000      // how long a lock is waited for

onefold_status onefold_store_status(int code) {
  switch (code & 0xff) {
  case SQLITE_OK:
  case SQLITE_ROW:
  case SQLITE_DONE:
    return ONEFOLD_OK;
  case SQLITE_NOTADB:
  case SQLITE_CORRUPT:
    return ONEFOLD_FORMAT;
  case SQLITE_NOMEM:
    return ONEFOLD_OUT_OF_MEMORY;
  default:
    return ONEFOLD_IO;
  }
}

int onefold_store_exec(sqlite3 *db, const char *sql) {
  return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int onefold_store_number(sqlite3 *db, const char *sql, int64_t *value) {
  sqlite3_stmt *statement = NULL;
  int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
  if (code != SQLITE_OK) return code;
  code = sqlite3_step(statement);
  if (code == SQLITE_ROW) *value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return code == SQLITE_ROW ? SQLITE_OK : code == SQLITE_DONE ? SQLITE_CORRUPT : code;
}

int onefold_store_upgrade(sqlite3 *db, const char *const *steps, int32_t version) {
  int64_t now = 0;
  int code = onefold_store_number(db, "PRAGMA user_version", &now);
  if (code != SQLITE_OK || now >= version) return code;
  code = onefold_store_exec(db, "BEGIN IMMEDIATE");
  if (code != SQLITE_OK) return code;
  code = onefold_store_number(db, "PRAGMA user_version", &now); // another process may have done it
  for (int64_t i = now; code == SQLITE_OK && i < version; i++)
    code = onefold_store_exec(db, steps[i]);
  if (code == SQLITE_OK && now < version) {
    char sql[96];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             APPLICATION_ID, (int)version);
    code = onefold_store_exec(db, sql);
  }
  if (code == SQLITE_OK) code = onefold_store_exec(db, "COMMIT");
  if (code != SQLITE_OK) sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
  return code;
}

/// What a file says of itself.
typedef struct identity {
  int64_t application, version; // of the schema
  int64_t tables;
} identity;

/// Reads it at one moment, between the changes of other processes: an SQLite code.
static int read_identity(sqlite3 *db, identity *made) {
  int code = onefold_store_exec(db, "BEGIN");
  if (code == SQLITE_OK)
    code = onefold_store_number(db, "PRAGMA application_id", &made->application);
  if (code == SQLITE_OK) code = onefold_store_number(db, "PRAGMA user_version", &made->version);
  if (code == SQLITE_OK)
    code = onefold_store_number(db, "SELECT count(*) FROM sqlite_master", &made->tables);
  // A record without its table is damaged: the statement is wrong then.
  if (code == SQLITE_OK && made->version == onefold_schema_version &&
      made->application == APPLICATION_ID)
    code = onefold_store_number(db, "SELECT count(*) FROM (SELECT date FROM tiling LIMIT 1)",
                                &made->tables);
  const int ended = onefold_store_exec(db, code == SQLITE_OK ? "COMMIT" : "ROLLBACK");
  return code == SQLITE_OK ? ended : code;
}

/// Whether the file is a record of a schema that can be used, or an empty one that becomes so.
static onefold_status identify(sqlite3 *db, const onefold_store_options *options, char *why,
                               size_t size) {
  identity is = {0};
  const int code = read_identity(db, &is);
  if (code != SQLITE_OK) {
    snprintf(why, size, "%s: %s", options->path,
             code == SQLITE_ERROR ? "no table of tilings" : sqlite3_errstr(code));
    return code == SQLITE_ERROR ? ONEFOLD_FORMAT : onefold_store_status(code);
  }
  const int empty = is.application == 0 && is.version == 0 && is.tables == 0;
  if (!empty && (is.application != APPLICATION_ID || is.version < 1)) {
    snprintf(why, size, "%s is a database of another program", options->path);
    return ONEFOLD_FORMAT;
  }
  if (is.version > onefold_schema_version ||
      (options->read_only && !empty && is.version < onefold_schema_version)) {
    snprintf(why, size, "%s has version %lld of the schema, this library version %d", options->path,
             (long long)is.version, (int)onefold_schema_version);
    return ONEFOLD_UNSUPPORTED;
  }
  if (empty && options->read_only) {
    snprintf(why, size, "%s is empty", options->path);
    return ONEFOLD_NOT_FOUND;
  }
  return ONEFOLD_OK;
}

/// A write-ahead log, where the file system allows one. Of several processes that begin at once
/// one gets the lock; no busy handler is asked for it.
static int use_log(sqlite3 *db, int *refused) {
  int code = SQLITE_BUSY;
  char mode[16] = "";
  for (int waited = 0; waited < BUSY_MS; waited += 10) {
    sqlite3_stmt *statement = NULL;
    code = sqlite3_prepare_v2(db, "PRAGMA journal_mode = WAL", -1, &statement, NULL);
    if (code == SQLITE_OK) code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
      snprintf(mode, sizeof mode, "%s", (const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    if ((code & 0xff) != SQLITE_BUSY) break;
    usleep(10000);
  }
  *refused = strcmp(mode, "wal") != 0;
  // "locking protocol", "disk I/O error": what network file systems answer.
  if (code == SQLITE_PROTOCOL || (code & 0xff) == SQLITE_IOERR) return SQLITE_OK;
  return code == SQLITE_ROW ? SQLITE_OK : code;
}

/// Makes a file that may be written to one of the present schema.
static onefold_status prepare(sqlite3 *db, const onefold_store_options *options, char *why,
                              size_t size) {
  int refused = 0;
  int64_t damaged = 0;
  int code = use_log(db, &refused);
  if (code == SQLITE_OK && !refused) code = onefold_store_exec(db, "PRAGMA synchronous = NORMAL");
  if (code == SQLITE_OK)
    code = onefold_store_upgrade(db, onefold_schema_steps, onefold_schema_version);
  if (code == SQLITE_OK)
    code = onefold_store_number(
        db, "SELECT count(*) FROM pragma_quick_check(1) WHERE quick_check <> 'ok'", &damaged);
  if (code == SQLITE_OK && damaged) {
    snprintf(why, size, "%s is damaged", options->path);
    return ONEFOLD_FORMAT;
  }
  if (code != SQLITE_OK) {
    snprintf(why, size, "%s: %s", options->path, sqlite3_errmsg(db));
    return onefold_store_status(code);
  }
  if (refused && strcmp(options->path, ONEFOLD_STORE_MEMORY) != 0) {
    snprintf(why, size,
             "%s: the file system allows no write-ahead log; writers wait for each other",
             options->path);
  }
  return ONEFOLD_OK;
}

/// "file:<path>?immutable=1": read without locks, for directories that cannot be written to.
static char *immutable_uri(const char *path) {
  static const char hex[] = "0123456789ABCDEF";
  char *uri = malloc(3 * strlen(path) + 32);
  if (!uri) return NULL;
  char *at = uri + sprintf(uri, "file:");
  for (const char *c = path; *c; c++) {
    if (strchr("%?#", *c)) {
      *at++ = '%';
      *at++ = hex[(unsigned char)*c >> 4];
      *at++ = hex[*c & 15];
    } else {
      *at++ = *c;
    }
  }
  strcpy(at, "?immutable=1");
  return uri;
}

/// Non-zero when the log of `path` has what the file has not.
static int has_log(const char *path) {
  char name[4096];
  struct stat facts;
  snprintf(name, sizeof name, "%s-wal", path);
  return stat(name, &facts) == 0 && facts.st_size > 0;
}

static onefold_status open_as(const char *name, int flags, const onefold_store_options *options,
                              onefold_store *store, char *why, size_t size) {
  const int code = sqlite3_open_v2(name, &store->db, flags | SQLITE_OPEN_NOMUTEX, options->vfs);
  if (code != SQLITE_OK) {
    snprintf(why, size, "%s: %s", options->path,
             store->db ? sqlite3_errmsg(store->db) : sqlite3_errstr(code));
    return onefold_store_status(code);
  }
  sqlite3_extended_result_codes(store->db, 1);
  sqlite3_busy_timeout(store->db, BUSY_MS);
  // Rows are read once, one after the other: pages are taken again, not memory for each.
  if (options->read_only) onefold_store_exec(store->db, "PRAGMA cache_size = 8");
  return identify(store->db, options, why, size);
}

static onefold_status open_to_read(const onefold_store_options *options, onefold_store *store,
                                   char *why, size_t size) {
  struct stat facts;
  if (stat(options->path, &facts) != 0) {
    snprintf(why, size, "%s is not there", options->path);
    return ONEFOLD_NOT_FOUND;
  }
  onefold_status status = open_as(options->path, SQLITE_OPEN_READONLY, options, store, why, size);
  if (status != ONEFOLD_IO || has_log(options->path)) return status;
  char *uri = immutable_uri(options->path);
  if (!uri) return ONEFOLD_OUT_OF_MEMORY;
  sqlite3_close(store->db);
  store->db = NULL;
  why[0] = '\0';
  status = open_as(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, options, store, why, size);
  free(uri);
  return status;
}

onefold_status onefold_store_open(const onefold_store_options *options, onefold_store **store,
                                  char *why, size_t size) {
  *store = NULL;
  why[0] = '\0';
  onefold_store *made = calloc(1, sizeof *made);
  if (!made) return ONEFOLD_OUT_OF_MEMORY;
  onefold_status status;
  if (options->read_only) {
    status = open_to_read(options, made, why, size);
  } else {
    status = open_as(options->path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, options, made, why,
                     size);
    if (status == ONEFOLD_OK) status = prepare(made->db, options, why, size);
  }
  if (status != ONEFOLD_OK) {
    onefold_store_close(made);
    return status;
  }
  *store = made;
  return ONEFOLD_OK;
}

void onefold_store_close(onefold_store *store) {
  if (!store) return;
  sqlite3_close(store->db);
  free(store);
}
