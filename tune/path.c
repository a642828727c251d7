// SPDX-License-Identifier: BSD-3-Clause
// Paths of records, and moving a damaged file aside.
#include "tune/path.h"

#include <onefold/record.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

size_t onefold_record_default_path(char *text, size_t size) {
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  int length = 0;
  if (text && size) text[0] = '\0';
  if (!text) size = 0;
  if (cache && cache[0] == '/') // others are to be ignored, says the specification
    length = snprintf(text, size, "%s/onefold/tilings.db", cache);
  else if (home && home[0])
    length = snprintf(text, size, "%s/.cache/onefold/tilings.db", home);
  return length > 0 ? (size_t)length : 0;
}

onefold_path_kind onefold_path_look(const char *path) {
  struct stat facts;
  if (stat(path, &facts) != 0) return ONEFOLD_PATH_ABSENT;
  return S_ISREG(facts.st_mode) ? ONEFOLD_PATH_FILE : ONEFOLD_PATH_OTHER;
}

void onefold_path_make_directories(const char *path) {
  char *text = strdup(path);
  if (!text) return;
  for (char *c = text + 1; *c; c++) {
    if (*c != '/') continue;
    *c = '\0';
    mkdir(text, 0700);
    *c = '/';
  }
  free(text);
}

int onefold_path_lock(const char *path) {
  const char *slash = strrchr(path, '/');
  char *directory = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
  if (!directory) return -1;
  const int lock = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  free(directory);
  if (lock >= 0 && flock(lock, LOCK_EX) != 0) {
    close(lock);
    return -1;
  }
  return lock;
}

void onefold_path_unlock(int lock) {
  if (lock >= 0) close(lock);
}

int onefold_path_move_aside(const char *path, char *aside, size_t size) {
  // The journals first: none may be left that a new file of the old name would take for its own.
  static const char *const parts[] = {"-wal", "-shm", "-journal", ""};
  char date[32], from[4096], to[4096 + 64];
  struct tm local;
  const time_t now = time(NULL);
  gmtime_r(&now, &local);
  strftime(date, sizeof date, "%Y%m%dT%H%M%SZ", &local);
  int length = snprintf(aside, size, "%s.damaged-%s", path, date);
  for (int i = 2; i < 100 && onefold_path_look(aside) != ONEFOLD_PATH_ABSENT; i++)
    length = snprintf(aside, size, "%s.damaged-%s-%d", path, date, i);
  if (length < 0 || (size_t)length >= size || strlen(path) + 16 >= sizeof from) return ENAMETOOLONG;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    snprintf(from, sizeof from, "%s%s", path, parts[i]);
    snprintf(to, sizeof to, "%s%s", aside, parts[i]);
    if (rename(from, to) != 0 && (errno != ENOENT || !*parts[i])) return errno;
  }
  return 0;
}
