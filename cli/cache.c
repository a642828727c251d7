// SPDX-License-Identifier: BSD-3-Clause
// onefold cache: what is in a directory of saved executions, and the removal of what is of no use.
#include "bench/text.h"
#include "cli/blocks.h"
#include "cli/commands.h"
#include "cli/options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct cache_options {
  const char *command, *directory;
  int json, prunes, dry;
  json_t *files;        // NULL without --json
  int64_t count, bytes; // of all files
  int64_t stale_count, stale_bytes;
  int code; // an onefold_exit
} cache_options;

static const struct argp_option json_options[] = {
    {"json", 'j', NULL, 0, "As JSON", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static const struct argp_option prune_options[] = {
    {"json", 'j', NULL, 0, "As JSON", 0},
    {"dry-run", 'n', NULL, 0, "Remove nothing; say what it would be", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *text, struct argp_state *state) {
  cache_options *o = state->input;
  switch (key) {
  case 'j':
    o->json = 1;
    return 0;
  case 'n':
    o->dry = 1;
    return 0;
  case ARGP_KEY_ARG:
    if (o->directory) argp_error(state, "%s: one directory is expected", text);
    o->directory = text;
    return 0;
  case ARGP_KEY_END:
    if (!o->directory) argp_error(state, "no directory is given");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/// One line, or one member of "files".
static void tell(cache_options *o, const onefold_cache_entry *e) {
  if (!o->json) {
    printf("%-24s  %10s  %-5s  %s%s%s\n", e->name, onefold_bench_cell_bytes((double)e->bytes).text,
           e->fits ? "fits" : "stale", e->what, *e->what && *e->reason ? "; " : "", e->reason);
    return;
  }
  json_t *file =
      json_pack("{s:s, s:I, s:b, s:s, s:s}", "name", e->name, "bytes", (json_int_t)e->bytes, "fits",
                (int)e->fits, "what", e->what, "reason", e->reason);
  if (!file || json_array_append_new(o->files, file))
    o->code =
        (int)onefold_cli_say(o->command, ONEFOLD_EXIT_FAILURE, "%s: no memory for JSON", e->name);
}

static int visit(void *user, const onefold_cache_entry *e) {
  cache_options *o = user;
  o->count++;
  o->bytes += e->bytes;
  if (o->prunes && e->fits) return 0;
  if (o->prunes && !o->dry && unlink(e->path) != 0 && errno != ENOENT) {
    o->code =
        (int)onefold_cli_say(o->command, ONEFOLD_EXIT_FAILURE, "%s: %s", e->path, strerror(errno));
    return 0;
  }
  o->stale_count += !e->fits;
  o->stale_bytes += e->fits ? 0 : e->bytes;
  tell(o, e);
  return 0;
}

static int print_end(cache_options *o) {
  if (o->json) {
    json_t *root =
        json_pack("{s:s, s:o, s:I, s:I, s:I, s:I}", "directory", o->directory, "files", o->files,
                  "count", (json_int_t)o->count, "bytes", (json_int_t)o->bytes,
                  o->prunes ? "removed" : "stale", (json_int_t)o->stale_count,
                  o->prunes ? "removed_bytes" : "stale_bytes", (json_int_t)o->stale_bytes);
    if (root && o->prunes) json_object_set_new(root, "dry_run", json_boolean(o->dry));
    return onefold_cli_print_json(o->command, root);
  }
  printf("%s: %lld of %lld files, %lld of %lld bytes, %s\n", o->directory,
         (long long)o->stale_count, (long long)o->count, (long long)o->stale_bytes,
         (long long)o->bytes,
         !o->prunes ? "are stale"
         : o->dry   ? "would be removed"
                    : "removed");
  return ONEFOLD_EXIT_OK;
}

static int run(const struct argp *argp, int argc, char **argv, int prunes) {
  cache_options o = {.command = argv[0], .prunes = prunes};
  onefold_context *context = NULL;
  if (argp_parse(argp, argc, argv, 0, NULL, &o)) return ONEFOLD_EXIT_FAILURE;
  int code = (int)onefold_cli_context(o.command, 1, NULL, ONEFOLD_ACCURACY_STANDARD, &context);
  if (code != ONEFOLD_EXIT_OK) return code;
  if (o.json) o.files = json_array();
  const onefold_status status = onefold_cache_visit(context, o.directory, visit, &o);
  if (status == ONEFOLD_OK) {
    code = print_end(&o);
  } else {
    json_decref(o.files);
    code = (int)onefold_cli_fail(o.command, context, status);
  }
  onefold_context_destroy(context);
  return o.code == ONEFOLD_EXIT_OK ? code : o.code;
}

static int list(int argc, char **argv) {
  static const struct argp argp = {
      json_options,
      parse_option,
      "DIR",
      "Prints the packed networks that --cache=DIR has made: their size, what they are, and "
      "whether "
      "they fit, which is that this library could map them on this machine, or why they do not."
      "\vExit codes: 0 done; 1 it could not be done; 2 a bad option.",
      NULL,
      NULL,
      NULL};
  return run(&argp, argc, argv, 0);
}

static int prune(int argc, char **argv) {
  static const struct argp argp = {
      prune_options,
      parse_option,
      "DIR",
      "Removes the packed networks in DIR that no longer fit: of another version of the library or "
      "another machine, damaged, or never finished. Other files stay."
      "\vExit codes: 0 done; 1 it could not be done; 2 a bad option.",
      NULL,
      NULL,
      NULL};
  return run(&argp, argc, argv, 1);
}

int onefold_cli_cache(int argc, char **argv) {
  static const onefold_command commands[] = {
      {"list", list, "what is in a directory, and what of it fits this library and machine"},
      {"prune", prune, "remove what does not fit"},
      {NULL, NULL, NULL},
  };
  return onefold_cli_dispatch(commands, "Looks after the directories of --cache.", argc, argv);
}
