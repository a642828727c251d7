// SPDX-License-Identifier: BSD-3-Clause
// Writing a file under another name in its directory, and renaming it when it is complete.
#include "models/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Names tried before giving up: others may have left theirs behind.
#define MAX_ATTEMPTS 1000
// Bytes of a temporary file's name: ".onefold-<process>-<attempt>".
#define NAME_BYTES 48

static onefold_status fail_errno(const onefold_output *output, const char *path) {
  return onefold_fail(output->context, ONEFOLD_IO, "%s: %s", path, strerror(errno));
}

static void release(onefold_output *output) {
  onefold_release(output->context, output->path);
  onefold_release(output->context, output->temporary);
  *output = (onefold_output){.descriptor = -1};
}

/// Sets output->path to the file that is at `path`, behind symbolic links, or that will be.
static onefold_status choose_path(const char *path, onefold_output *output) {
  struct stat info;
  const int exists = stat(path, &info) == 0;
  if (exists && !S_ISREG(info.st_mode))
    return onefold_fail(output->context, ONEFOLD_IO, "%s: not a regular file", path);
  char *real = exists ? realpath(path, NULL) : NULL;
  if (exists && !real) return fail_errno(output, path);
  const char *chosen = real ? real : path;
  const size_t size = strlen(chosen) + 1;
  output->path = onefold_allocate(output->context, size);
  output->temporary = onefold_allocate(output->context, size + NAME_BYTES);
  if (output->path) memcpy(output->path, chosen, size);
  free(real);
  return output->path && output->temporary
             ? ONEFOLD_OK
             : onefold_fail(output->context, ONEFOLD_OUT_OF_MEMORY, "no memory to write %s", path);
}

static onefold_status create(onefold_output *output) {
  const char *slash = strrchr(output->path, '/');
  const size_t directory = slash ? (size_t)(slash - output->path) + 1 : 0;
  memcpy(output->temporary, output->path, directory);
  for (int attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    snprintf(output->temporary + directory, NAME_BYTES, ".onefold-%ld-%d", (long)getpid(), attempt);
    output->descriptor =
        open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (output->descriptor >= 0) return ONEFOLD_OK;
    if (errno != EEXIST) break;
  }
  return fail_errno(output, output->path);
}

onefold_status onefold_output_begin(const onefold_context *context, const char *path,
                                    onefold_output *output) {
  *output = (onefold_output){.context = context, .descriptor = -1};
  onefold_status status = choose_path(path, output);
  if (status == ONEFOLD_OK) status = create(output);
  if (status != ONEFOLD_OK) release(output);
  return status;
}

onefold_status onefold_output_append(onefold_output *output, const void *bytes, size_t size) {
  const unsigned char *from = bytes;
  while (size > 0) {
    const ssize_t written = write(output->descriptor, from, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(output, output->path);
    from += written;
    size -= (size_t)written;
  }
  return ONEFOLD_OK;
}

onefold_status onefold_output_finish(onefold_output *output) {
  onefold_status status = ONEFOLD_OK;
  if (fsync(output->descriptor) != 0) status = fail_errno(output, output->path);
  if (close(output->descriptor) != 0 && status == ONEFOLD_OK)
    status = fail_errno(output, output->path);
  if (status == ONEFOLD_OK && rename(output->temporary, output->path) != 0)
    status = fail_errno(output, output->path);
  if (status != ONEFOLD_OK) unlink(output->temporary);
  release(output);
  return status;
}

void onefold_output_abort(onefold_output *output) {
  if (output->descriptor < 0) return;
  close(output->descriptor);
  unlink(output->temporary);
  release(output);
}
