// SPDX-License-Identifier: BSD-3-Clause
// What is in a directory of saved executions, and which of it is of use here.
#include "cache/format.h"
#include "cache/key.h"
#include "models/file.h"

#include <onefold/cache.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// Seconds after which nobody writes to a temporary file any more.
#define WRITTEN_WITHIN 3600

typedef struct visit {
  onefold_context *context; // of the caller
  onefold_context *levels[ONEFOLD_ISA_COUNT];
  size_t level_count;
  const char *directory;
  onefold_cache_visit_fn each;
  void *user;
} visit;

/// Contexts of all levels that run here.
static onefold_status make_levels(visit *v) {
  for (int isa = 0; isa < ONEFOLD_ISA_COUNT; isa++) {
    const onefold_context_options options = {
        .struct_size = sizeof options, .threads = 1, .has_max_isa = 1, .max_isa = (onefold_isa)isa};
    onefold_context *made = NULL;
    if (onefold_context_create(&options, &made) != ONEFOLD_OK)
      return onefold_fail(v->context, ONEFOLD_OUT_OF_MEMORY, "no memory for a context");
    if (onefold_context_isa(made) == (onefold_isa)isa)
      v->levels[v->level_count++] = made;
    else
      onefold_context_destroy(made);
  }
  return ONEFOLD_OK;
}

/// Whether a name is that of a file which onefold_exec_cached has made.
static int is_finished(const char *name) {
  return strspn(name, "0123456789abcdef") == 16 && strcmp(name + 16, ".onefold") == 0;
}

/// The same of one that it is making: ".onefold-<process>-<attempt>".
static int is_temporary(const char *name) {
  static const char beginning[] = ".onefold-", digits[] = "0123456789";
  if (strncmp(name, beginning, sizeof beginning - 1) != 0) return 0;
  name += sizeof beginning - 1;
  const size_t process = strspn(name, digits);
  if (!process || name[process] != '-') return 0;
  const size_t attempt = strspn(name + process + 1, digits);
  return attempt && name[process + 1 + attempt] == '\0';
}

static int is_ours(const struct dirent *entry) {
  return is_finished(entry->d_name) || is_temporary(entry->d_name);
}

/// Whether a file begins as those of saved executions do.
static int has_magic(const char *path) {
  char magic[sizeof ONEFOLD_CACHE_MAGIC - 1];
  const int file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (file < 0) return 0;
  const ssize_t got = read(file, magic, sizeof magic);
  close(file);
  return got == (ssize_t)sizeof magic && memcmp(magic, ONEFOLD_CACHE_MAGIC, sizeof magic) == 0;
}

/// A file's bytes may be quoted: what is not of ASCII's visible characters becomes "?".
static void make_plain(char *text) {
  for (; *text; text++) {
    if (*text < ' ' || *text > '~') *text = '?';
  }
}

/// Fills what the file says of itself.
static void look(const visit *v, const char *path, onefold_cache_entry *entry) {
  onefold_mapping mapping;
  onefold_cache_view view;
  onefold_caught caught;
  onefold_catch_begin(v->context, &caught);
  onefold_status status = onefold_file_map(v->context, path, "a saved execution", &mapping);
  if (status == ONEFOLD_OK) {
    status = onefold_cache_parse(v->context, path, mapping.bytes, mapping.length, &view);
    if (status == ONEFOLD_OK) {
      onefold_cache_key_show(view.key, view.key_bytes, entry->what, sizeof entry->what);
      status = onefold_cache_key_fits(v->context, v->levels, v->level_count, path, view.key,
                                      view.key_bytes);
    }
    onefold_file_unmap(&mapping);
  }
  onefold_catch_end(v->context, &caught);
  make_plain(entry->what);
  entry->fits = status == ONEFOLD_OK;
  if (entry->fits) return;
  const char *why = caught.text;
  const size_t length = strlen(path); // "<path>: <why>"
  const int named = strncmp(why, path, length) == 0 && why[length] == ':';
  snprintf(entry->reason, sizeof entry->reason, "%.383s", named ? why + length + 2 : why);
  make_plain(entry->reason);
}

/// Non-zero ends the visit.
static int visit_file(const visit *v, const char *name) {
  char path[4096];
  struct stat is;
  const int length = snprintf(path, sizeof path, "%s/%s", v->directory, name);
  if (length >= (int)sizeof path || lstat(path, &is) != 0 || !S_ISREG(is.st_mode)) return 0;
  onefold_cache_entry entry = {.name = name, .path = path, .bytes = (int64_t)is.st_size};
  if (is_finished(name)) {
    if (!has_magic(path)) return 0;
    look(v, path, &entry);
  } else {
    if (is.st_mtime > time(NULL) - WRITTEN_WITHIN || (is.st_size && !has_magic(path))) return 0;
    snprintf(entry.reason, sizeof entry.reason, "it was never finished");
  }
  return v->each(v->user, &entry);
}

onefold_status onefold_cache_visit(onefold_context *context, const char *directory,
                                   onefold_cache_visit_fn each, void *user) {
  if (!context || !directory || !each)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        !context     ? "context"
                        : !directory ? "directory"
                                     : "visit");
  struct dirent **names = NULL;
  const int count = scandir(directory, &names, is_ours, alphasort);
  if (count < 0)
    return onefold_fail(context, errno == ENOENT ? ONEFOLD_NOT_FOUND : ONEFOLD_IO, "%s: %s",
                        directory, strerror(errno));
  visit v = {.context = context, .directory = directory, .each = each, .user = user};
  const onefold_status status = make_levels(&v);
  int ended = status != ONEFOLD_OK;
  for (int i = 0; i < count; i++) {
    if (!ended) ended = visit_file(&v, names[i]->d_name);
    free(names[i]);
  }
  free(names);
  for (size_t i = 0; i < v.level_count; i++) onefold_context_destroy(v.levels[i]);
  return status;
}
