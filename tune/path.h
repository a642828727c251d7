// SPDX-License-Identifier: BSD-3-Clause
// Where a record's file is, and what is done about one that is damaged.
#ifndef ONEFOLD_TUNE_PATH_H
#define ONEFOLD_TUNE_PATH_H

#include <stddef.h>

/// What lies at a path.
typedef enum onefold_path_kind {
  ONEFOLD_PATH_ABSENT,
  ONEFOLD_PATH_FILE,
  ONEFOLD_PATH_OTHER // a directory, a device
} onefold_path_kind;
onefold_path_kind onefold_path_look(const char *path);

/// Makes the directories above `path`, for the user alone. What fails shows when the file is
/// opened.
void onefold_path_make_directories(const char *path);

/// A lock among processes on the directory of `path`, or -1 where there is none.
int onefold_path_lock(const char *path);
void onefold_path_unlock(int lock);

/// Renames the file and its journals to a name that is free, which `aside` then is: zero, or errno.
int onefold_path_move_aside(const char *path, char *aside, size_t size);

#endif
