// SPDX-License-Identifier: BSD-3-Clause
// A file of results: written beside its path, which it takes when it is whole.
#ifndef ONEFOLD_BENCH_GBENCH_FILE_H
#define ONEFOLD_BENCH_GBENCH_FILE_H

typedef struct onefold_gbench_file {
  const char *path; // where it will be
  char *part;       // where it is until then; NULL: at the path
} onefold_gbench_file;

/// Makes the file beside the path, or nothing where the path is no plain file or there can be none
/// beside it. Returns the path to write to, which lives until onefold_gbench_file_end, as `path`
/// must.
const char *onefold_gbench_file_begin(onefold_gbench_file *file, const char *path);

/// Gives it its path where it is `whole`, else removes it: an older file stays. Zero where that is
/// done.
int onefold_gbench_file_end(onefold_gbench_file *file, int whole);

#endif
