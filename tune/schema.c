// SPDX-License-Identifier: BSD-3-Clause
// The schema of a record's file. A step that has been released is never edited: a change is a
// further step.
#include "tune/store.h"

const char *const onefold_schema_steps[] = {
    "CREATE TABLE tiling ("
    " machine TEXT NOT NULL,"
    " kind TEXT NOT NULL,"
    " problem TEXT NOT NULL,"
    " layouts TEXT NOT NULL,"
    " epilogue TEXT NOT NULL,"
    " threads INTEGER NOT NULL,"
    " situation TEXT NOT NULL,"
    " accuracy TEXT NOT NULL,"
    " tiling TEXT NOT NULL,"
    " median_ns REAL NOT NULL,"
    " spread REAL NOT NULL,"
    " default_ns REAL NOT NULL,"
    " trials INTEGER NOT NULL,"
    " version TEXT NOT NULL,"
    " kernels TEXT NOT NULL,"
    " date TEXT NOT NULL,"
    " PRIMARY KEY (machine, kind, problem, layouts, epilogue, threads, situation, accuracy)"
    ") WITHOUT ROWID",
};
const int32_t onefold_schema_version = sizeof onefold_schema_steps / sizeof onefold_schema_steps[0];
