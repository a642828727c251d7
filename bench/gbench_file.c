// SPDX-License-Identifier: BSD-3-Clause
// A file of results beside its path, and its renaming.
#include "bench/gbench_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *onefold_gbench_file_begin(onefold_gbench_file *file, const char *path) {
  *file = (onefold_gbench_file){.path = path};
  struct stat old;
  const int exists = lstat(path, &old) == 0;
  if (exists && !S_ISREG(old.st_mode)) return path;
  if (asprintf(&file->part, "%s.%d.part", path, (int)getpid()) < 0) {
    file->part = NULL;
    return path;
  }
  const int made = open(file->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (made < 0) {
    free(file->part);
    file->part = NULL;
    return path;
  }
  if (exists) (void)fchmod(made, old.st_mode & 07777);
  close(made);
  return file->part;
}

int onefold_gbench_file_end(onefold_gbench_file *file, int whole) {
  if (!file->part) return 0;
  const int renamed = whole && rename(file->part, file->path) == 0;
  if (!renamed) unlink(file->part);
  free(file->part);
  file->part = NULL;
  return whole && !renamed;
}
