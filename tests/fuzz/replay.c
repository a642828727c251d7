// SPDX-License-Identifier: BSD-3-Clause
// Runs a fuzz target once on each file of the directories that are named: the corpus as a plain
// test, for compilers without libFuzzer.
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// The target on a file, in memory of just its size. Zero where it cannot be read.
static int replay(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return 0;
  uint8_t *bytes = NULL;
  long size = -1;
  int good = fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0;
  rewind(file);
  good = good && (bytes = malloc(size ? (size_t)size : 1)) &&
         fread(bytes, 1, (size_t)size, file) == (size_t)size;
  fclose(file);
  if (good) {
    // The last line before a failure names the file.
    fprintf(stderr, "%s\n", path);
    LLVMFuzzerTestOneInput(bytes, (size_t)size);
  }
  free(bytes);
  return good;
}

/// How many files were run; -1 after one that cannot be read.
static int replay_directory(const char *path) {
  DIR *directory = opendir(path);
  const struct dirent *entry;
  int count = 0;
  if (!directory) return -1;
  while (count >= 0 && (entry = readdir(directory))) {
    char name[4096];
    if (entry->d_name[0] == '.') continue;
    snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    if (!replay(name)) {
      fprintf(stderr, "%s cannot be read\n", name);
      count = -1;
    } else {
      count++;
    }
  }
  closedir(directory);
  return count;
}

int main(int argc, char **argv) {
  int failed = argc < 2;
  for (int i = 1; i < argc; i++) {
    const int count = replay_directory(argv[i]);
    printf("%s: %d files\n", argv[i], count);
    failed |= count <= 0;
  }
  return failed;
}
