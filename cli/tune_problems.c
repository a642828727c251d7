// SPDX-License-Identifier: BSD-3-Clause
// Problems to tune: of the command line, of a list, and of a log.
#include "bench/image.h"
#include "bench/problem_text.h"
#include "cli/tuning.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int same(const cli_problem *p, const cli_problem *q) {
  const onefold_conv2d_desc *a = &p->desc, *b = &q->desc;
  const int64_t x[] = {a->batch,
                       a->in_channels,
                       a->in_h,
                       a->in_w,
                       a->out_channels,
                       a->kernel_h,
                       a->kernel_w,
                       a->stride_h,
                       a->stride_w,
                       a->dilation_h,
                       a->dilation_w,
                       a->pad_top,
                       a->pad_bottom,
                       a->pad_left,
                       a->pad_right,
                       a->groups,
                       a->in_layout,
                       a->out_layout,
                       a->activation,
                       a->residual,
                       a->has_residual_scale,
                       a->has_channel_scale,
                       p->threads,
                       p->accuracy,
                       p->isa};
  const int64_t y[] = {b->batch,
                       b->in_channels,
                       b->in_h,
                       b->in_w,
                       b->out_channels,
                       b->kernel_h,
                       b->kernel_w,
                       b->stride_h,
                       b->stride_w,
                       b->dilation_h,
                       b->dilation_w,
                       b->pad_top,
                       b->pad_bottom,
                       b->pad_left,
                       b->pad_right,
                       b->groups,
                       b->in_layout,
                       b->out_layout,
                       b->activation,
                       b->residual,
                       b->has_residual_scale,
                       b->has_channel_scale,
                       q->threads,
                       q->accuracy,
                       q->isa};
  return memcmp(x, y, sizeof x) == 0;
}

/// Adds a problem unless it is there, and its lists; zero where there is no memory.
static int add(cli_problems *p, const cli_problem *problem) {
  size_t i = 0;
  while (i < p->count && !same(&p->one[i], problem)) i++;
  if (i == p->capacity) {
    const size_t wanted = p->capacity ? 2 * p->capacity : 64;
    cli_problem *grown = realloc(p->one, wanted * sizeof *grown);
    if (!grown) return 0;
    p->one = grown;
    p->capacity = wanted;
  }
  if (i == p->count) p->one[p->count++] = *problem;
  p->one[i].lists |= problem->lists;
  return 1;
}

/// Of these lists, in the tuning's own context.
static cli_problem problem_of(const cli_tuning *t, uint32_t lists) {
  return (cli_problem){.threads = onefold_context_threads(t->context),
                       .accuracy = onefold_context_accuracy(t->context),
                       .isa = onefold_context_isa(t->context),
                       .lists = lists};
}

/// Adds a problem string, with the layouts and activation of the options where it names none.
/// `path`, `number`: the line of a list that it is; NULL: of the command line.
static int add_text(const cli_tuning *t, cli_problems *p, const char *text, uint32_t lists,
                    const char *path, size_t number) {
  cli_problem problem = problem_of(t, lists);
  onefold_conv2d_desc *desc = &problem.desc;
  char sentence[512], place[320] = "";
  int says = 0;
  if (path) snprintf(place, sizeof place, "%.256s:%zu: ", path, number);
  if (onefold_bench_problem_text(t->context, text, desc, &says, sentence, sizeof sentence))
    return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_USAGE, "%s%s: %s", place, text,
                                sentence);
  if (!(says & BENCH_SAYS_LAYOUT)) {
    desc->in_layout = desc->out_layout = t->has_layout ? t->layout : ONEFOLD_BLOCKED;
    if (!t->has_layout && desc->in_channels <= ONEFOLD_IMAGE_CHANNELS)
      desc->in_layout = ONEFOLD_NCHW;
  }
  if (!(says & BENCH_SAYS_ACTIVATION)) desc->activation = t->activation;
  if (add(p, &problem)) return ONEFOLD_EXIT_OK;
  return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_FAILURE, "no memory");
}

/// A line of a list: up to a '#', without blanks at its ends; NULL where nothing is left.
static char *strip(char *line) {
  line[strcspn(line, "#\r\n")] = '\0';
  line += strspn(line, " \t");
  size_t length = strlen(line);
  while (length > 0 && strchr(" \t", line[length - 1])) line[--length] = '\0';
  return length ? line : NULL;
}

/// Whether contexts can be of a level; none is made where a problem is of it already.
static int runs(const cli_problems *p, onefold_isa isa) {
  const onefold_context_options options = {
      .struct_size = sizeof options, .threads = 1, .has_max_isa = 1, .max_isa = isa};
  onefold_context *context = NULL;
  for (size_t i = 0; i < p->count; i++) {
    if (p->one[i].isa == isa) return 1;
  }
  const int made = onefold_context_create(&options, &context) == ONEFOLD_OK &&
                   onefold_context_isa(context) == isa;
  onefold_context_destroy(context);
  return made;
}

/// A line of a log: a problem in the context that planned it, but for what the options name. Lines
/// that are about something else are passed over.
static int add_logged(const cli_tuning *t, cli_problems *p, const char *path, size_t number,
                      const char *line, uint32_t lists) {
  cli_problem problem = problem_of(t, lists);
  onefold_record_key key;
  onefold_isa isa;
  const onefold_status status =
      onefold_verbose_parse_key(t->context, line, &problem.desc, &key, &isa);
  if (status == ONEFOLD_OK && !t->has_threads) problem.threads = key.threads;
  if (status == ONEFOLD_OK && !t->has_accuracy) problem.accuracy = key.accuracy;
  if (status == ONEFOLD_OK && !t->isa) problem.isa = isa;
  if (status == ONEFOLD_OK && problem.isa != onefold_context_isa(t->context) &&
      !runs(p, problem.isa))
    return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_FAILURE,
                                "%s:%zu: isa:%s does not run here; --isa names another "
                                "level for what the log has",
                                path, number, onefold_isa_name(problem.isa));
  if (status == ONEFOLD_NOT_FOUND || (status == ONEFOLD_OK && add(p, &problem)))
    return ONEFOLD_EXIT_OK;
  return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_FAILURE,
                              "%s:%zu: not a line that ONEFOLD_VERBOSE=1 writes (%s)", path, number,
                              onefold_status_name(status));
}

static int read_list(const cli_tuning *t, cli_problems *p, size_t index) {
  const char *path = t->lists[index].path;
  const int is_log = t->lists[index].is_log;
  const uint32_t lists = UINT32_C(1) << index;
  FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
  if (!file)
    return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_FAILURE, "%s: %s", path,
                                strerror(errno));
  char *line = NULL;
  size_t size = 0, number = 0;
  int code = ONEFOLD_EXIT_OK;
  while (code == ONEFOLD_EXIT_OK && getline(&line, &size, file) >= 0) {
    number++;
    const char *text = is_log ? line : strip(line);
    if (is_log)
      code = add_logged(t, p, path, number, text, lists);
    else if (text)
      code = add_text(t, p, text, lists, path, number);
  }
  const int failed = ferror(file);
  free(line);
  if (file != stdin) fclose(file);
  if (failed && code == ONEFOLD_EXIT_OK)
    return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_FAILURE, "%s: it cannot be read",
                                path);
  return code;
}

int onefold_cli_problems_read(const cli_tuning *t, cli_problems *p) {
  *p = (cli_problems){0};
  int code = ONEFOLD_EXIT_OK;
  for (size_t i = 0; i < t->problem_count && code == ONEFOLD_EXIT_OK; i++)
    code = add_text(t, p, t->problems[i], 0, NULL, 0);
  for (size_t i = 0; i < t->list_count && code == ONEFOLD_EXIT_OK; i++) code = read_list(t, p, i);
  if (code == ONEFOLD_EXIT_OK && p->count == 0)
    return (int)onefold_cli_say(t->rows.command, ONEFOLD_EXIT_USAGE,
                                "no problem is given, such as mb1ic64ih56oc64kh3ph1");
  return code;
}

void onefold_cli_problems_free(cli_problems *p) {
  free(p->one);
  *p = (cli_problems){0};
}
