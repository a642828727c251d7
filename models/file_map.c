// SPDX-License-Identifier: BSD-3-Clause
// Mapping a whole file for reading.
#include "models/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HUGE_PAGE ((size_t)2 << 20)

/// A mapping at a multiple of a huge page, so that what the page cache holds in huge pages is
/// mapped by them; anywhere where that cannot be had.
static void *map_aligned(size_t length, int descriptor) {
  const int plain = MAP_PRIVATE;
  size_t room;
  if (length < HUGE_PAGE || __builtin_add_overflow(length, HUGE_PAGE, &room))
    return mmap(NULL, length, PROT_READ, plain, descriptor, 0);
  char *area = mmap(NULL, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (area == MAP_FAILED) return mmap(NULL, length, PROT_READ, plain, descriptor, 0);
  const size_t before = (HUGE_PAGE - (uintptr_t)area % HUGE_PAGE) % HUGE_PAGE;
  char *const at = area + before;
  void *map = mmap(at, length, PROT_READ, plain | MAP_FIXED, descriptor, 0);
  if (map == MAP_FAILED) {
    munmap(area, room);
    return map;
  }
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), end = (length + page - 1) / page * page;
  if (before) munmap(area, before);
  if (room > before + end) munmap(at + end, room - before - end);
#ifdef MADV_HUGEPAGE // a refusal is no harm
  madvise(map, length, MADV_HUGEPAGE);
#endif
  return map;
}

onefold_status onefold_file_map(const onefold_context *context, const char *path, const char *kind,
                                onefold_mapping *mapping) {
  *mapping = (onefold_mapping){0};
  onefold_status status = ONEFOLD_OK;
  struct stat info;
  // A pipe without a writer would block open().
  const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) mapping->missing = errno == ENOENT || errno == ENOTDIR;
  if (descriptor < 0 || fstat(descriptor, &info) != 0)
    status = onefold_fail(context, ONEFOLD_IO, "%s: %s", path, strerror(errno));
  else if (!S_ISREG(info.st_mode))
    status = onefold_fail(context, ONEFOLD_IO, "%s: not a regular file", path);
  else if (info.st_size == 0)
    status = onefold_fail(context, ONEFOLD_FORMAT, "%s: 0 bytes are too few for %s", path, kind);
  else {
    const size_t length = (size_t)info.st_size;
    void *map = map_aligned(length, descriptor);
    if (map == MAP_FAILED)
      status = onefold_fail(context, ONEFOLD_IO, "%s: %s", path, strerror(errno));
    else
      *mapping = (onefold_mapping){.bytes = map, .length = length};
  }
  if (descriptor >= 0) close(descriptor);
  return status;
}

void onefold_file_populate(const onefold_mapping *mapping) {
#ifdef MADV_POPULATE_READ // Linux 5.14; a refusal is no harm
  madvise((void *)(uintptr_t)mapping->bytes, mapping->length, MADV_POPULATE_READ);
#else
  (void)mapping;
#endif
}

void onefold_file_unmap(onefold_mapping *mapping) {
  if (mapping->bytes) munmap((void *)(uintptr_t)mapping->bytes, mapping->length);
  *mapping = (onefold_mapping){0};
}
