// SPDX-License-Identifier: BSD-3-Clause
// What store_open.c and store.c share.
#ifndef ONEFOLD_TUNE_STORE_SQLITE_H
#define ONEFOLD_TUNE_STORE_SQLITE_H

#include "tune/store.h"

#include <sqlite3.h>

struct onefold_store {
  sqlite3 *db;
  char sentence[512];
};

/// The status of an SQLite result code.
onefold_status onefold_store_status(int code);

/// Runs statements without results.
int onefold_store_exec(sqlite3 *db, const char *sql);

/// The first column of the first row as a number.
int onefold_store_number(sqlite3 *db, const char *sql, int64_t *value);

/// Takes the steps from the file's version to `version` in one transaction: an SQLite code.
int onefold_store_upgrade(sqlite3 *db, const char *const *steps, int32_t version);

#endif
