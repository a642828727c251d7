// SPDX-License-Identifier: BSD-3-Clause
// Problems as rows are named: benchdnn's form, and what follows it.
#include "bench/problem_text.h"

#include <stdio.h>
#include <string.h>

#define MOST_TEXT 512

static const struct {
  const char *name;
  onefold_residual residual;
  int residual_scale, channel_scale;
} extras[] = {
    {"residual_before", ONEFOLD_RESIDUAL_BEFORE_ACTIVATION, 0, 0},
    {"residual_after", ONEFOLD_RESIDUAL_AFTER_ACTIVATION, 0, 0},
    {"residual_scale", ONEFOLD_RESIDUAL_NONE, 1, 0},
    {"channel_scale", ONEFOLD_RESIDUAL_NONE, 0, 1},
};
#define EXTRAS (sizeof extras / sizeof extras[0])

static int read_extra(const char *name, onefold_conv2d_desc *desc) {
  size_t i = 0;
  while (i < EXTRAS && strcmp(extras[i].name, name) != 0) i++;
  if (i == EXTRAS) return 0;
  if (extras[i].residual) desc->residual = extras[i].residual;
  desc->has_residual_scale |= extras[i].residual_scale;
  desc->has_channel_scale |= extras[i].channel_scale;
  return 1;
}

static int read_layout(const char *name, onefold_layout *layout) {
  for (int i = 0; i <= ONEFOLD_BLOCKED; i++) {
    if (strcmp(onefold_layout_name((onefold_layout)i), name) != 0) continue;
    *layout = (onefold_layout)i;
    return 1;
  }
  return 0;
}

/// "relu6+residual_after".
static int read_epilogue(char *text, onefold_conv2d_desc *desc) {
  const char *name = strsep(&text, "+");
  int i = 0;
  while (i < ONEFOLD_ACT_COUNT && strcmp(onefold_activation_name((onefold_activation)i), name) != 0)
    i++;
  if (i == ONEFOLD_ACT_COUNT) return 0;
  desc->activation = (onefold_activation)i;
  while ((name = strsep(&text, "+"))) {
    if (!read_extra(name, desc)) return 0;
  }
  return 1;
}

/// A word between slashes. Zero where it is none of those that are known.
static int read_word(char *word, onefold_conv2d_desc *desc, int *says) {
  char *value = word;
  const char *key = strsep(&value, ":");
  if (!value) return 0;
  if (strcmp(key, "act") == 0) {
    *says |= BENCH_SAYS_ACTIVATION;
    return read_epilogue(value, desc);
  }
  *says |= BENCH_SAYS_LAYOUT;
  const char *in = strcmp(key, "layout") == 0 ? value : key;
  return read_layout(in, &desc->in_layout) && read_layout(value, &desc->out_layout);
}

/// Where benchdnn's form ends, whose name may have slashes between its quotes.
static size_t problem_length(const char *text) {
  size_t length = 0;
  for (int quoted = 0; text[length] && (quoted || text[length] != '/'); length++)
    quoted ^= text[length] == '"';
  return length;
}

int onefold_bench_problem_text(onefold_context *context, const char *text,
                               onefold_conv2d_desc *desc, int *says, char *sentence, size_t size) {
  char copy[MOST_TEXT], word[MOST_TEXT];
  const size_t length = problem_length(text);
  if (strlen(text) >= sizeof copy) {
    snprintf(sentence, size, "a problem has at most %d characters", MOST_TEXT - 1);
    return 1;
  }
  strcpy(copy, text);
  char *rest = text[length] ? copy + length + 1 : NULL;
  copy[length] = '\0';
  if (onefold_conv2d_desc_parse(context, copy, desc) != ONEFOLD_OK) {
    onefold_context_last_error(context, sentence, size);
    return 1;
  }
  for (const char *next; (next = strsep(&rest, "/"));) {
    strcpy(word, next);
    if (read_word(word, desc, says)) continue;
    snprintf(sentence, size,
             "\"%.64s\" is not act:ACTIVATION, layout:LAYOUT or two layouts as nchw:blocked", next);
    return 1;
  }
  onefold_shape out;
  if (onefold_conv2d_output_shape(context, desc, &out) == ONEFOLD_OK) return 0;
  onefold_context_last_error(context, sentence, size);
  return 1;
}

static void append(char *text, size_t size, const char *what) {
  const size_t used = strlen(text);
  snprintf(text + used, size - used, "%s", what);
}

void onefold_bench_problem_print(const onefold_conv2d_desc *desc, int says, char *text,
                                 size_t size) {
  onefold_conv2d_desc_print(desc, text, size);
  if (says & BENCH_SAYS_ACTIVATION) {
    append(text, size, "/act:");
    append(text, size, onefold_activation_name(desc->activation));
    for (size_t i = 0; i < EXTRAS; i++) {
      const int has = (extras[i].residual && desc->residual == extras[i].residual) ||
                      (extras[i].residual_scale && desc->has_residual_scale) ||
                      (extras[i].channel_scale && desc->has_channel_scale);
      if (has) append(text, size, "+");
      if (has) append(text, size, extras[i].name);
    }
  }
  if (says & BENCH_SAYS_LAYOUT) {
    const int same = desc->in_layout == desc->out_layout;
    append(text, size, same ? "/layout:" : "/");
    append(text, size, onefold_layout_name(desc->in_layout));
    append(text, size, same ? "" : ":");
    append(text, size, same ? "" : onefold_layout_name(desc->out_layout));
  }
}
