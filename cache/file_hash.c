// SPDX-License-Identifier: BSD-3-Clause
// The hash of a file's content. It is read through a buffer: to map pages that are looked at once
// takes longer than to copy them.
#include "cache/hash.h"
#include "ops/context.h"

#include <onefold/cache.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER ((size_t)256 << 10)

/// Fills the buffer as far as the file goes. -1 after a failure.
static ssize_t fill(int descriptor, unsigned char *buffer) {
  size_t used = 0;
  while (used < BUFFER) {
    const ssize_t got = read(descriptor, buffer + used, BUFFER - used);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    used += (size_t)got;
  }
  return (ssize_t)used;
}

/// Opens a regular file; -1 after a sentence.
static int open_file(const onefold_context *context, const char *path) {
  struct stat info;
  // A pipe without a writer would block open().
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor >= 0 && fstat(descriptor, &info) == 0) {
    if (S_ISREG(info.st_mode)) return descriptor;
    onefold_fail(context, ONEFOLD_IO, "%s: not a regular file", path);
  } else {
    onefold_fail(context, ONEFOLD_IO, "%s: %s", path, strerror(errno));
  }
  if (descriptor >= 0) close(descriptor);
  return -1;
}

/// Each buffer is hashed with the hash of those before it.
static int hash_all(int descriptor, unsigned char *buffer, uint64_t *hash) {
  uint64_t parts[3] = {0};
  ssize_t got;
  do {
    got = fill(descriptor, buffer);
    if (got < 0) return 0;
    parts[1] = onefold_hash(buffer, (size_t)got);
    parts[2] += (uint64_t)got;
    parts[0] = onefold_hash(parts, sizeof parts);
  } while ((size_t)got == BUFFER);
  *hash = parts[0];
  return 1;
}

onefold_status onefold_file_hash(onefold_context *context, const char *path, uint64_t *hash) {
  if (!context || !path || !hash)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        !context ? "context"
                        : !path  ? "path"
                                 : "hash");
  unsigned char *buffer = onefold_allocate(context, BUFFER);
  if (!buffer) return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to read %s", path);
  onefold_status status = ONEFOLD_IO;
  const int descriptor = open_file(context, path);
  if (descriptor >= 0) {
    if (hash_all(descriptor, buffer, hash))
      status = ONEFOLD_OK;
    else
      onefold_fail(context, ONEFOLD_IO, "%s: %s", path, strerror(errno));
    close(descriptor);
  }
  onefold_release(context, buffer);
  return status;
}
