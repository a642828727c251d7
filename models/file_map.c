// SPDX-License-Identifier: BSD-3-Clause
// Mapping a whole file for reading.
#include "models/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

onefold_status onefold_file_map(const onefold_context *context, const char *path, const char *kind,
                                onefold_mapping *mapping) {
  *mapping = (onefold_mapping){0};
  onefold_status status = ONEFOLD_OK;
  struct stat info;
  // A pipe without a writer would block open().
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0 || fstat(descriptor, &info) != 0)
    status = onefold_fail(context, ONEFOLD_IO, "%s: %s", path, strerror(errno));
  else if (!S_ISREG(info.st_mode))
    status = onefold_fail(context, ONEFOLD_IO, "%s: not a regular file", path);
  else if (info.st_size == 0)
    status = onefold_fail(context, ONEFOLD_FORMAT, "%s: 0 bytes are too few for %s", path, kind);
  else {
    const size_t length = (size_t)info.st_size;
    void *map = mmap(NULL, length, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (map == MAP_FAILED)
      status = onefold_fail(context, ONEFOLD_IO, "%s: %s", path, strerror(errno));
    else
      *mapping = (onefold_mapping){map, length};
  }
  if (descriptor >= 0) close(descriptor);
  return status;
}

void onefold_file_unmap(onefold_mapping *mapping) {
  if (mapping->bytes) munmap((void *)(uintptr_t)mapping->bytes, mapping->length);
  *mapping = (onefold_mapping){0};
}
