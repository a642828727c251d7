// SPDX-License-Identifier: BSD-3-Clause
// Opens a record: a file, or memory where none can be had.
#include "tune/path.h"
#include "tune/record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void warn(const onefold_record *record, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void warn(const onefold_record *record, const char *format, ...) {
  char sentence[1024];
  va_list arguments;
  if (!record->warning) return;
  va_start(arguments, format);
  vsnprintf(sentence, sizeof sentence, format, arguments);
  va_end(arguments);
  record->warning(record->warning_user, sentence);
}

static char *default_path(void) {
  const size_t length = onefold_record_default_path(NULL, 0);
  char *path = length ? malloc(length + 1) : NULL;
  if (path) onefold_record_default_path(path, length + 1);
  return path;
}

/// Opens the file to write, and moves what is damaged aside. One process at a time: who had the
/// damaged file open while another moves it would take the journals of the new one for its own.
static onefold_status open_to_write(onefold_record *record, const onefold_store_options *options,
                                    char *why, size_t size) {
  char aside[4096];
  const int lock = onefold_path_lock(options->path);
  onefold_status status = onefold_store_open(options, &record->store, why, size);
  if (status == ONEFOLD_FORMAT &&
      onefold_path_move_aside(options->path, aside, sizeof aside) == 0) {
    warn(record, "%s; it is now %s, and a new record is begun", why, aside);
    status = onefold_store_open(options, &record->store, why, size);
  }
  onefold_path_unlock(lock);
  return status;
}

/// Opens record->path, or says why not. Only memory that is lacking is no cause for a warning.
static onefold_status open_file(onefold_record *record, int is_default) {
  char why[640] = "";
  const onefold_store_options options = {.path = record->path, .read_only = record->read_only};
  onefold_status status = ONEFOLD_IO;
  if (onefold_path_look(record->path) == ONEFOLD_PATH_OTHER) {
    snprintf(why, sizeof why, "%s is no file", record->path);
  } else {
    if (is_default && !record->read_only) onefold_path_make_directories(record->path);
    status = record->read_only ? onefold_store_open(&options, &record->store, why, sizeof why)
                               : open_to_write(record, &options, why, sizeof why);
  }
  if (status == ONEFOLD_OUT_OF_MEMORY) return status;
  if (status == ONEFOLD_OK && *why) warn(record, "%s", why);
  if (status != ONEFOLD_OK && !(status == ONEFOLD_NOT_FOUND && is_default))
    warn(record, record->read_only ? "%s; no tilings are read" : "%s; tilings are not kept", why);
  return status;
}

/// The path that the options and the environment name, on the heap; "" for memory.
static char *choose_path(const onefold_record_options *options, int *is_default) {
  const char *path = options->path;
  *is_default = 0;
  if (!path) path = getenv("ONEFOLD_RECORD");
  if (path) return strdup(strcmp(path, ONEFOLD_STORE_MEMORY) == 0 ? "" : path);
  *is_default = 1;
  return default_path();
}

onefold_status onefold_record_open(const onefold_record_options *options, onefold_record **record) {
  onefold_record_options chosen = {.struct_size = sizeof chosen};
  if (!record) return ONEFOLD_INVALID_ARGUMENT;
  *record = NULL;
  if (options) {
    if (options->struct_size != sizeof chosen) return ONEFOLD_INVALID_ARGUMENT;
    chosen = *options;
  }
  onefold_record *made = calloc(1, sizeof *made);
  if (!made) return ONEFOLD_OUT_OF_MEMORY;
  made->read_only = chosen.read_only;
  made->warning = chosen.warning;
  made->warning_user = chosen.warning_user;
  onefold_status status = ONEFOLD_OK;
  int is_default = 0;
  made->path = choose_path(&chosen, &is_default);
  if (!made->path) {
    warn(made, "neither XDG_CACHE_HOME nor HOME is set; there is no record of tilings");
    made->path = strdup("");
  }
  if (!made->path) status = ONEFOLD_OUT_OF_MEMORY;
  if (status == ONEFOLD_OK && *made->path) {
    status = open_file(made, is_default);
    if (status != ONEFOLD_OK && status != ONEFOLD_OUT_OF_MEMORY) {
      made->path[0] = '\0';
      status = ONEFOLD_OK;
    }
  }
  if (status == ONEFOLD_OK && !made->store) {
    char why[640];
    const onefold_store_options memory = {.path = ONEFOLD_STORE_MEMORY};
    if (onefold_store_open(&memory, &made->store, why, sizeof why) != ONEFOLD_OK)
      status = ONEFOLD_OUT_OF_MEMORY;
  }
  if (status != ONEFOLD_OK) {
    onefold_record_close(made);
    return status;
  }
  *record = made;
  return ONEFOLD_OK;
}

void onefold_record_close(onefold_record *record) {
  if (!record) return;
  onefold_store_close(record->store);
  onefold_context_destroy(record->context);
  free(record->path);
  free(record);
}

const char *onefold_record_path(const onefold_record *record) {
  return record ? record->path : "";
}
