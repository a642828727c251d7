// SPDX-License-Identifier: BSD-3-Clause
// Planned problems as lines of a log, both ways.
#include <onefold/tune.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEGINNING "onefold plan conv2d "

size_t onefold_verbose_print(onefold_context *context, const onefold_conv2d_desc *desc,
                             const onefold_tiling *tiling, char *text, size_t size) {
  onefold_record_row row;
  char chosen[512];
  const onefold_machine nowhere = {0};
  if (text && size) text[0] = '\0';
  if (!tiling || onefold_record_row_init(context, &nowhere, desc, ONEFOLD_WARM, &row) != ONEFOLD_OK)
    return 0;
  onefold_tiling_print(tiling, chosen, sizeof chosen);
  const int length =
      snprintf(text, text ? size : 0, BEGINNING "%s %s %s threads:%d %s %s from %.*s",
               row.key.problem, row.key.layouts, row.key.epilogue, (int)row.key.threads,
               onefold_accuracy_name(row.key.accuracy), *chosen ? chosen : "-",
               (int)sizeof tiling->source, tiling->source);
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

onefold_status onefold_verbose_parse(onefold_context *context, const char *text,
                                     onefold_conv2d_desc *desc) {
  if (!context || !text || !desc) return ONEFOLD_INVALID_ARGUMENT;
  const char *at = strstr(text, BEGINNING);
  if (!at) return ONEFOLD_NOT_FOUND;
  onefold_record_key key;
  memset(&key, 0, sizeof key);
  snprintf(key.kind, sizeof key.kind, "conv2d");
  at = next_word(at + strlen(BEGINNING), key.problem, sizeof key.problem);
  if (at) at = next_word(at, key.layouts, sizeof key.layouts);
  if (at) at = next_word(at, key.epilogue, sizeof key.epilogue);
  if (!at) return ONEFOLD_FORMAT;
  const onefold_status status = onefold_record_key_desc(context, &key, desc);
  return status == ONEFOLD_INVALID_ARGUMENT ? ONEFOLD_FORMAT : status;
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
