// SPDX-License-Identifier: BSD-3-Clause
// onefold tune import, merge and prune: what changes many rows.
#include "cli/blocks.h"
#include "cli/tune.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct change {
  cli_tune_options rows;
  int children; // of the argp, each with `rows` as its input
  onefold_record_policy policy;
  int all, dry;
  char **files;
  int count; // of files
} change;

enum { OPT_REPLACE = 0x300, OPT_ALL };

static error_t parse_option(int key, char *text, struct argp_state *state) {
  change *c = state->input;
  (void)text;
  switch (key) {
  case ARGP_KEY_INIT:
    for (int i = 0; i < c->children; i++) state->child_inputs[i] = &c->rows;
    return 0;
  case OPT_REPLACE:
    c->policy = ONEFOLD_RECORD_REPLACE;
    return 0;
  case OPT_ALL:
    c->all = 1;
    return 0;
  case 'n':
    c->dry = 1;
    return 0;
  case ARGP_KEY_ARGS:
    c->files = state->argv + state->next;
    c->count = state->argc - state->next;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/// Reads the options; what is wrong ends the program.
static void read_options(const struct argp *argp, int argc, char **argv, change *c) {
  *c = (change){.policy = ONEFOLD_RECORD_BETTER};
  while (argp->children[c->children].argp) c->children++;
  onefold_cli_tune_init(&c->rows, argv[0]);
  argp_parse(argp, argc, argv, 0, NULL, c);
}

#define END_OF_OPTIONS                                                                             \
  { NULL, 0, NULL, 0, NULL, 0 }
static const struct argp_option replace_options[] = {
    {"replace", OPT_REPLACE, NULL, 0,
     "The new row stays, whatever its evidence (default: that of this version and its kernels, "
     "else that with the smaller standard error, else the newer)",
     0},
    END_OF_OPTIONS,
};
#define CHILD(name)                                                                                \
  { &onefold_cli_tune_##name##_argp, 0, NULL, 0 }
static const struct argp_child import_children[] = {CHILD(record), CHILD(json), {0}};
static const struct argp_child merge_children[] = {CHILD(json), {0}};
static const struct argp_child prune_children[] = {CHILD(record), CHILD(json), CHILD(rows), {0}};

// ------------------------------------------------------------------- import

/// All of a file, or of the standard input for "-"; NULL, and errno, where it cannot be read.
static char *read_all(const char *path, size_t *length) {
  FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
  char *text = NULL;
  size_t capacity = 0, used = 0;
  if (!file) return NULL;
  for (;;) {
    if (used == capacity) {
      char *more = realloc(text, capacity = 2 * capacity + 65536);
      if (!more) break;
      text = more;
    }
    const size_t n = fread(text + used, 1, capacity - used, file);
    used += n;
    if (n == 0) break;
  }
  const int failed = ferror(file) || !feof(file);
  const int code = errno;
  if (file != stdin) fclose(file);
  if (failed) {
    free(text);
    errno = code ? code : ENOMEM;
    return NULL;
  }
  *length = used;
  return text;
}

int onefold_cli_tune_import(int argc, char **argv) {
  static const struct argp argp = {
      replace_options,
      parse_option,
      "FILE",
      "Adds the rows of FILE (- for the standard input), as onefold tune export writes them: all, "
      "or none where one is wrong."
      "\vExit codes: 0 done; 1 it could not be done, or a line is wrong; 2 a bad option.",
      import_children,
      NULL,
      NULL};
  change c;
  size_t length = 0;
  onefold_record *record = NULL;
  onefold_record_counts counts;
  read_options(&argp, argc, argv, &c);
  if (c.count != 1)
    return onefold_cli_say(argv[0], ONEFOLD_EXIT_USAGE, "one file is expected, or -");
  char *text = read_all(c.files[0], &length);
  if (!text)
    return onefold_cli_say(argv[0], ONEFOLD_EXIT_FAILURE, "%s: %s", c.files[0], strerror(errno));
  int code = onefold_cli_tune_open(&c.rows, NULL, 0, &record);
  if (code == ONEFOLD_EXIT_OK) {
    const onefold_status status = onefold_record_import(record, text, length, c.policy, &counts);
    code = status == ONEFOLD_OK ? onefold_cli_tune_counted(&c.rows, record, &counts)
                                : onefold_cli_tune_fail(&c.rows, record, status);
  }
  onefold_record_close(record);
  free(text);
  return code;
}

// -------------------------------------------------------------------- merge

/// Adds one record to another.
static int merge_file(const change *c, onefold_record *into, const char *path,
                      onefold_record_counts *sum) {
  onefold_record *from = NULL;
  onefold_record_counts counts;
  const int code = onefold_cli_tune_open(&c->rows, path, 1, &from);
  if (code != ONEFOLD_EXIT_OK) return code;
  const onefold_status status = onefold_record_merge(into, from, c->policy, &counts);
  onefold_record_close(from);
  if (status != ONEFOLD_OK) return onefold_cli_tune_fail(&c->rows, into, status);
  sum->written += counts.written;
  sum->kept += counts.kept;
  sum->skipped += counts.skipped;
  return ONEFOLD_EXIT_OK;
}

int onefold_cli_tune_merge(int argc, char **argv) {
  static const struct argp argp = {replace_options,
                                   parse_option,
                                   "INTO FROM...",
                                   "Adds the rows of the records FROM to the record INTO. Of two "
                                   "rows of one key, that of this version and its kernels stays, "
                                   "else that with the smaller standard error, else the newer."
                                   "\vExit codes: 0 done; 1 it could not be done; 2 a bad option.",
                                   merge_children,
                                   NULL,
                                   NULL};
  change c;
  onefold_record *into = NULL;
  onefold_record_counts sum = {0};
  read_options(&argp, argc, argv, &c);
  if (c.count < 2)
    return onefold_cli_say(argv[0], ONEFOLD_EXIT_USAGE,
                           "two records at least: the one to add to, and what to add");
  int code = onefold_cli_tune_open(&c.rows, c.files[0], 0, &into);
  for (int i = 1; i < c.count && code == ONEFOLD_EXIT_OK; i++)
    code = merge_file(&c, into, c.files[i], &sum);
  if (code == ONEFOLD_EXIT_OK) code = onefold_cli_tune_counted(&c.rows, into, &sum);
  onefold_record_close(into);
  return code;
}

// -------------------------------------------------------------------- prune

static int is_meant(void *user, const onefold_record_row *row) {
  return onefold_cli_tune_means(user, row);
}

static int count_meant(void *user, const onefold_record_row *row) {
  change *c = user;
  c->count += onefold_cli_tune_means(&c->rows, row);
  return 0;
}

int onefold_cli_tune_prune(int argc, char **argv) {
  static const struct argp_option options[] = {
      {"all", OPT_ALL, NULL, 0, "All rows", 0},
      {"dry-run", 'n', NULL, 0, "Remove nothing; say how many it would be", 0},
      END_OF_OPTIONS,
  };
  static const struct argp argp = {options,
                                   parse_option,
                                   NULL,
                                   "Removes the rows that all the options given choose."
                                   "\v  onefold tune prune --elsewhere --older-than 90\n\n"
                                   "removes those of other machines that are older than 90 days. "
                                   "Exit codes: 0 done; 1 it could not be done; 2 a bad option.",
                                   prune_children,
                                   NULL,
                                   NULL};
  change c;
  onefold_record *record = NULL;
  int64_t removed = 0;
  read_options(&argp, argc, argv, &c);
  if (c.count)
    return onefold_cli_say(argv[0], ONEFOLD_EXIT_USAGE, "%s: no argument is expected", c.files[0]);
  if (c.all == onefold_cli_tune_chooses(&c.rows))
    return onefold_cli_say(argv[0], ONEFOLD_EXIT_USAGE,
                           c.all ? "--all, or options that choose rows; not both"
                                 : "which rows? --all, or options that choose them");
  onefold_cli_tune_ready(&c.rows);
  int code = onefold_cli_tune_open(&c.rows, NULL, c.dry, &record);
  if (code != ONEFOLD_EXIT_OK) return code;
  onefold_status status;
  if (c.dry) {
    status = onefold_record_visit(record, count_meant, &c, NULL);
    removed = c.count;
  } else {
    status = onefold_record_prune(record, is_meant, &c.rows, &removed);
  }
  if (status != ONEFOLD_OK)
    code = onefold_cli_tune_fail(&c.rows, record, status);
  else if (c.rows.json)
    code = onefold_cli_print_json(argv[0], json_pack("{s:s, s:I, s:b}", "record",
                                                     onefold_record_path(record), "removed",
                                                     (json_int_t)removed, "dry_run", c.dry));
  else
    printf("%s: %lld rows %s\n", onefold_record_path(record), (long long)removed,
           c.dry ? "would be removed" : "removed");
  onefold_record_close(record);
  return code;
}
