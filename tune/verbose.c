// SPDX-License-Identifier: BSD-3-Clause
// Planned problems as lines of a log, both ways.
#include "tune/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGINNING "onefold plan conv2d "
#define THREADS   "threads:"
#define LEVEL     "isa:"

size_t onefold_verbose_print(onefold_context *context, const onefold_conv2d_desc *desc,
                             const onefold_tiling *tiling, char *text, size_t size) {
  onefold_record_row row;
  char chosen[512];
  const onefold_machine nowhere = {0};
  if (text && size) text[0] = '\0';
  if (!tiling || onefold_record_row_init(context, &nowhere, desc, ONEFOLD_WARM, &row) != ONEFOLD_OK)
    return 0;
  onefold_tiling_print(tiling, chosen, sizeof chosen);
  const int length = snprintf(
      text, text ? size : 0, BEGINNING "%s %s %s " THREADS "%d %s " LEVEL "%s %s from %.*s",
      row.key.problem, row.key.layouts, row.key.epilogue, (int)row.key.threads,
      onefold_accuracy_name(row.key.accuracy), onefold_isa_name(onefold_context_isa(context)),
      *chosen ? chosen : "-", (int)sizeof tiling->source, tiling->source);
  return length > 0 ? (size_t)length : 0;
}

/// Copies the next word to `word`; NULL where there is none, or it is too long.
static const char *next_word(const char *at, char *word, size_t size) {
  at += strspn(at, " ");
  const size_t length = strcspn(at, " \t\r\n");
  if (length == 0 || length >= size) return NULL;
  memcpy(word, at, length);
  word[length] = '\0';
  return at + length;
}

/// The words of the problem; `*rest` is what follows them.
static onefold_status parse_problem(onefold_context *context, const char *text,
                                    onefold_conv2d_desc *desc, onefold_record_key *key,
                                    const char **rest) {
  if (!context || !text || !desc || !key) return ONEFOLD_INVALID_ARGUMENT;
  const char *at = strstr(text, BEGINNING);
  if (!at) return ONEFOLD_NOT_FOUND;
  memset(key, 0, sizeof *key);
  snprintf(key->kind, sizeof key->kind, ONEFOLD_KIND_CONV2D);
  at = next_word(at + strlen(BEGINNING), key->problem, sizeof key->problem);
  if (at) at = next_word(at, key->layouts, sizeof key->layouts);
  if (at) at = next_word(at, key->epilogue, sizeof key->epilogue);
  if (!at) return ONEFOLD_FORMAT;
  *rest = at;
  const onefold_status status = onefold_record_key_desc(context, key, desc);
  return status == ONEFOLD_INVALID_ARGUMENT ? ONEFOLD_FORMAT : status;
}

onefold_status onefold_verbose_parse(onefold_context *context, const char *text,
                                     onefold_conv2d_desc *desc) {
  onefold_record_key key;
  const char *rest;
  return parse_problem(context, text, desc, &key, &rest);
}

/// The level of a word "isa:avx2"; a line of a version that wrote none has another word there, or
/// none. Zero where the level is unknown.
static int parse_level(const char *at, onefold_isa *isa) {
  char word[32];
  const size_t name = strlen(LEVEL);
  at += strspn(at, " ");
  if (strncmp(at, LEVEL, name) != 0) return 1;
  if (!next_word(at, word, sizeof word)) return 0;
  for (int i = 0; i < ONEFOLD_ISA_COUNT; i++) {
    *isa = (onefold_isa)i;
    if (strcmp(word + name, onefold_isa_name(*isa)) == 0) return 1;
  }
  return 0;
}

onefold_status onefold_verbose_parse_key(onefold_context *context, const char *text,
                                         onefold_conv2d_desc *desc, onefold_record_key *key,
                                         onefold_isa *isa) {
  onefold_conv2d_desc parsed;
  onefold_record_key made;
  const char *at;
  char threads[32], accuracy[32];
  if (!desc || !key || !isa) return ONEFOLD_INVALID_ARGUMENT;
  const onefold_status status = parse_problem(context, text, &parsed, &made, &at);
  if (status != ONEFOLD_OK) return status;
  onefold_isa level = onefold_context_isa(context);
  at = next_word(at, threads, sizeof threads);
  if (at) at = next_word(at, accuracy, sizeof accuracy);
  if (!at || !parse_level(at, &level)) return ONEFOLD_FORMAT;
  char *end = threads;
  const size_t name = strlen(THREADS);
  const long count = strncmp(threads, THREADS, name) ? 0 : strtol(threads + name, &end, 10);
  const int class = onefold_accuracy_parse(accuracy);
  if (count < 1 || count > INT32_MAX || *end || class < 0) return ONEFOLD_FORMAT;
  made.threads = (int32_t)count;
  made.accuracy = (onefold_accuracy) class;
  *desc = parsed;
  *key = made;
  *isa = level;
  return ONEFOLD_OK;
}

static void write_line(void *user, onefold_context *context, const onefold_conv2d_desc *desc,
                       const onefold_tiling *tiling) {
  char text[1536];
  (void)user;
  if (onefold_verbose_print(context, desc, tiling, text, sizeof text) > 0)
    fprintf(stderr, "%s\n", text);
}

int onefold_verbose_attach(onefold_context_options *options) {
  const char *asked = getenv("ONEFOLD_VERBOSE");
  if (!options || !asked || !*asked || strcmp(asked, "0") == 0) return 0;
  options->planned = write_line;
  return 1;
}
