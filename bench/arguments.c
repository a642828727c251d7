// SPDX-License-Identifier: BSD-3-Clause
// The arguments of a suite: those of the command line, and the lines of files.
#include "bench/bench.h"
#include "bench/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int onefold_bench_argument_add(bench_options *o, bench_argument argument) {
  bench_argument *grown = realloc(o->arguments, (o->argument_count + 1) * sizeof *grown);
  if (!grown) return ENOMEM;
  grown[o->argument_count++] = argument;
  o->arguments = grown;
  return 0;
}

/// Whole content of a file, terminated; NULL with errno.
static char *slurp(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) return NULL;
  char *text = NULL;
  size_t capacity = 0;
  const ssize_t got = getdelim(&text, &capacity, '\0', file);
  const int failed = got < 0 && ferror(file) ? errno : 0;
  fclose(file);
  if (got >= 0) return text;
  free(text);
  errno = failed;
  return failed ? NULL : calloc(1, 1); // an empty file
}

int onefold_bench_batch_read(bench_options *o, const char *path) {
  bench_batch *grown = realloc(o->batches, (o->batch_count + 1) * sizeof *grown);
  if (!grown) return errno;
  o->batches = grown;
  char *text = slurp(path);
  if (!text) return errno;
  o->batches[o->batch_count++] = (bench_batch){.path = path, .text = text};
  return 0;
}

int onefold_bench_batches_add(bench_options *o) {
  int status = 0;
  for (size_t i = 0; i < o->batch_count; i++) {
    size_t number = 0;
    for (char *rest = o->batches[i].text, *line; !status && (line = strsep(&rest, "\n"));) {
      number++;
      line[strcspn(line, "#\r")] = '\0';
      line += strspn(line, " \t");
      line[strcspn(line, " \t")] = '\0';
      if (*line)
        status = onefold_bench_argument_add(
            o, (bench_argument){.text = line, .file = o->batches[i].path, .line = number});
    }
  }
  return status;
}

int onefold_bench_argument_wrong(const bench_options *options, const bench_argument *argument,
                                 const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "%s: ", options->command);
  if (argument->file) fprintf(stderr, "%s:%zu: ", argument->file, argument->line);
  fprintf(stderr, "%s: ", argument->text);
  vfprintf(stderr, format, args);
  fputc('\n', stderr);
  va_end(args);
  return ONEFOLD_EXIT_USAGE;
}

int onefold_bench_arguments_parse(const bench_options *options, const char *what,
                                  const char *example, size_t size, bench_argument_fn *parse,
                                  void **items, size_t *count) {
  const size_t given = options->argument_count;
  *items = NULL;
  *count = 0;
  if (given == 0) {
    fprintf(stderr, "%s: no %s is given, such as %s\n", options->command, what, example);
    return ONEFOLD_EXIT_USAGE;
  }
  char *made = calloc(given, size);
  onefold_context *context = NULL;
  const onefold_context_options one = {.struct_size = sizeof one, .threads = 1};
  if (!made || onefold_context_create(&one, &context) != ONEFOLD_OK) {
    fprintf(stderr, "%s: out of memory\n", options->command);
    free(made);
    return ONEFOLD_EXIT_FAILURE;
  }
  int status = ONEFOLD_EXIT_OK;
  for (size_t i = 0; i < given && !status; i++)
    status = parse(context, options, &options->arguments[i], made + i * size);
  onefold_context_destroy(context);
  if (status) {
    free(made);
    return status;
  }
  *items = made;
  *count = given;
  return ONEFOLD_EXIT_OK;
}
