// SPDX-License-Identifier: BSD-3-Clause
// Parameters of blocks: one table of members, their types and ranges, for setting them by name
// and for checking them.
#include "models/block_params.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum member_type {
  MEMBER_WHOLE, // int64_t
  MEMBER_FLAG,  // int32_t
  MEMBER_REAL,  // double
  MEMBER_FLOAT,
  MEMBER_SHAPE, // onefold_shape, written NxCxHxW
  MEMBER_WORD   // an enum
} member_type;

/// The word of an enum's value; NULL past the last.
typedef const char *word_fn(int32_t value);

typedef struct member {
  const char *name;
  size_t offset;
  member_type type;
  int64_t least, most; // whole numbers and flags; reals have `least` alone
  word_fn *word;
} member;

static const char *activation_word(int32_t value) {
  return value < ONEFOLD_ACT_COUNT ? onefold_activation_name((onefold_activation)value) : NULL;
}

static const char *se_style_word(int32_t value) {
  static const char *const words[] = {"conv", "linear", "hard_sigmoid", NULL};
  return words[value];
}

static const char *row_order_word(int32_t value) {
  static const char *const words[] = {"interleaved", "grouped", NULL};
  return words[value];
}

static const char *prior_word(int32_t value) {
  static const char *const words[] = {"general_k", "seed_3x3_zero", NULL};
  return words[value];
}

static const char *largeconv_order_word(int32_t value) {
  static const char *const words[] = {"correlate", "sequential", NULL};
  return words[value];
}

#define AT(member) #member, offsetof(onefold_block_params, member)
static const member members[] = {
    {AT(input), MEMBER_SHAPE, 1, INT64_MAX, NULL},
    {AT(out_channels), MEMBER_WHOLE, 1, INT64_MAX, NULL},
    {AT(mid_channels), MEMBER_WHOLE, 0, INT64_MAX, NULL},
    {AT(kernel), MEMBER_WHOLE, 1, INT64_MAX, NULL},
    {AT(stride), MEMBER_WHOLE, 1, INT64_MAX, NULL},
    {AT(dilation), MEMBER_WHOLE, 1, INT64_MAX, NULL},
    {AT(groups), MEMBER_WHOLE, 1, INT64_MAX, NULL},
    {AT(padding), MEMBER_WHOLE, -1, INT64_MAX, NULL},
    {AT(repeats), MEMBER_WHOLE, 1, INT64_MAX, NULL},
    {AT(route_channels), MEMBER_WHOLE, 0, INT64_MAX, NULL},
    {AT(expansion), MEMBER_REAL, 0, 0, NULL},
    {AT(identity), MEMBER_FLAG, -1, 1, NULL},
    {AT(shortcut), MEMBER_FLAG, -1, 1, NULL},
    {AT(batch_norm), MEMBER_FLAG, 0, 1, NULL},
    {AT(reparam_bn), MEMBER_FLAG, 0, 1, NULL},
    {AT(reparam_identity), MEMBER_FLAG, 0, 1, NULL},
    {AT(activation), MEMBER_WORD, 0, 0, activation_word},
    {AT(activation_param), MEMBER_FLOAT, INT64_MIN, 0, NULL},
    {AT(bn_epsilon), MEMBER_REAL, 0, 0, NULL},
    {AT(se_hidden), MEMBER_WHOLE, 0, INT64_MAX, NULL},
    {AT(se_style), MEMBER_WORD, 0, 0, se_style_word},
    {AT(orepa_row_order), MEMBER_WORD, 0, 0, row_order_word},
    {AT(orepa_prior), MEMBER_WORD, 0, 0, prior_word},
    {AT(orepa_inner_activation), MEMBER_FLAG, 0, 1, NULL},
    {AT(largeconv_order), MEMBER_WORD, 0, 0, largeconv_order_word},
};
#undef AT
#define MEMBER_COUNT (sizeof members / sizeof *members)

/// Appends to a list "a, b, c" as far as it fits.
static void list_word(char *list, size_t size, const char *word) {
  const size_t used = strlen(list);
  snprintf(list + used, size - used, "%s%s", used ? ", " : "", word);
}

static int32_t word_count(const member *m) {
  int32_t count = 0;
  while (m->word(count)) count++;
  return count;
}

static onefold_status fail_whole(const onefold_context *context, const char *name, int64_t value) {
  return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is %lld", name, (long long)value);
}

static onefold_status check_shape(const onefold_context *context, const member *m,
                                  onefold_shape shape) {
  const int64_t sizes[4] = {shape.n, shape.c, shape.h, shape.w};
  for (int i = 0; i < 4; i++)
    if (sizes[i] < m->least)
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s.%c is %lld", m->name, "nchw"[i],
                          (long long)sizes[i]);
  return ONEFOLD_OK;
}

static onefold_status check_real(const onefold_context *context, const member *m, double value) {
  if (isfinite(value) && value >= (double)m->least) return ONEFOLD_OK;
  return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is %g", m->name, value);
}

static onefold_status check_member(const onefold_context *context, const member *m,
                                   const onefold_block_params *params) {
  const void *at = (const char *)params + m->offset;
  int64_t whole = 0;
  int32_t flag = 0;
  double real = 0;
  float single = 0;
  onefold_shape shape;
  switch (m->type) {
  case MEMBER_SHAPE:
    memcpy(&shape, at, sizeof shape);
    return check_shape(context, m, shape);
  case MEMBER_WHOLE:
    memcpy(&whole, at, sizeof whole);
    return whole < m->least || whole > m->most ? fail_whole(context, m->name, whole) : ONEFOLD_OK;
  case MEMBER_FLAG:
    memcpy(&flag, at, sizeof flag);
    return flag < m->least || flag > m->most ? fail_whole(context, m->name, flag) : ONEFOLD_OK;
  case MEMBER_REAL:
    memcpy(&real, at, sizeof real);
    return check_real(context, m, real);
  case MEMBER_FLOAT:
    memcpy(&single, at, sizeof single);
    return check_real(context, m, (double)single);
  case MEMBER_WORD:
    memcpy(&flag, at, sizeof flag);
    return flag < 0 || flag >= word_count(m) ? fail_whole(context, m->name, flag) : ONEFOLD_OK;
  }
  return ONEFOLD_OK;
}

onefold_status onefold_block_params_check(const onefold_context *context,
                                          const onefold_block_params *params) {
  if (params->struct_size != sizeof *params)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                        "struct_size of onefold_block_params is %zu, not %zu", params->struct_size,
                        sizeof *params);
  for (size_t i = 0; i < MEMBER_COUNT; i++) {
    const onefold_status status = check_member(context, &members[i], params);
    if (status != ONEFOLD_OK) return status;
  }
  return ONEFOLD_OK;
}

/// A whole number up to `*text`'s next byte that is no digit; zero where there is none.
static int parse_whole(const char **text, int64_t *value) {
  char *end;
  errno = 0;
  *value = strtoll(*text, &end, 10);
  const int good = errno == 0 && end != *text && **text != ' ';
  *text = end;
  return good;
}

static int parse_shape(const char **text, onefold_shape *shape) {
  int64_t *const sizes[4] = {&shape->n, &shape->c, &shape->h, &shape->w};
  for (int i = 0; i < 4; i++) {
    if (i && *(*text)++ != 'x') return 0;
    if (!parse_whole(text, sizes[i])) return 0;
  }
  return 1;
}

static int parse_real(const char **text, double *value) {
  char *end;
  *value = strtod(*text, &end);
  const int good = end != *text;
  *text = end;
  return good;
}

static int parse_word(const member *m, const char **text, int32_t *value) {
  for (*value = 0; m->word(*value); ++*value)
    if (strcmp(m->word(*value), *text) == 0) {
      *text += strlen(*text);
      return 1;
    }
  return 0;
}

/// Stores the value that `text` spells, to its end; zero where it spells none.
static int parse_member(const member *m, const char *text, onefold_block_params *params) {
  void *at = (char *)params + m->offset;
  int64_t whole = 0;
  int32_t flag = 0;
  double real = 0;
  onefold_shape shape;
  int good = 0;
  switch (m->type) {
  case MEMBER_SHAPE:
    if ((good = parse_shape(&text, &shape))) memcpy(at, &shape, sizeof shape);
    break;
  case MEMBER_WHOLE:
    if ((good = parse_whole(&text, &whole))) memcpy(at, &whole, sizeof whole);
    break;
  case MEMBER_FLAG:
    good = parse_whole(&text, &whole) && whole >= INT32_MIN && whole <= INT32_MAX;
    flag = good ? (int32_t)whole : 0;
    if (good) memcpy(at, &flag, sizeof flag);
    break;
  case MEMBER_REAL:
    if ((good = parse_real(&text, &real))) memcpy(at, &real, sizeof real);
    break;
  case MEMBER_FLOAT:
    if ((good = parse_real(&text, &real))) memcpy(at, &(float){(float)real}, sizeof(float));
    break;
  case MEMBER_WORD:
    if ((good = parse_word(m, &text, &flag))) memcpy(at, &flag, sizeof flag);
    break;
  }
  return good && *text == '\0';
}

static onefold_status fail_value(const onefold_context *context, const member *m,
                                 const char *value) {
  char words[160] = "";
  for (int32_t i = 0; m->type == MEMBER_WORD && m->word(i); i++)
    list_word(words, sizeof words, m->word(i));
  const char *const wanted[] = {
      [MEMBER_WHOLE] = "a whole number", [MEMBER_FLAG] = "a whole number",
      [MEMBER_REAL] = "a number",        [MEMBER_FLOAT] = "a number",
      [MEMBER_SHAPE] = "NxCxHxW",        [MEMBER_WORD] = words,
  };
  return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is '%s', not %s%s", m->name, value,
                      m->type == MEMBER_WORD ? "one of " : "", wanted[m->type]);
}

static onefold_status set_one(const onefold_context *context, onefold_block_params *params,
                              char *token) {
  char *equals = strchr(token, '=');
  if (!equals)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "'%s' is not name=value", token);
  *equals = '\0';
  for (size_t i = 0; i < MEMBER_COUNT; i++) {
    if (strcmp(members[i].name, token) != 0) continue;
    if (!parse_member(&members[i], equals + 1, params))
      return fail_value(context, &members[i], equals + 1);
    return check_member(context, &members[i], params);
  }
  char names[512] = "";
  for (size_t i = 0; i < MEMBER_COUNT; i++) list_word(names, sizeof names, members[i].name);
  return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                      "blocks have no parameter '%s'; there are: %s", token, names);
}

onefold_status onefold_block_params_set(onefold_context *context, onefold_block_params *params,
                                        const char *text) {
  if (!params || !text)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL",
                        params ? "text" : "params");
  onefold_block_params changed = *params;
  while (*(text += strspn(text, " "))) {
    char token[96];
    const size_t length = strcspn(text, " ");
    if (length >= sizeof token)
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "'%.40s...' is longer than %zu bytes",
                          text, sizeof token - 1);
    memcpy(token, text, length);
    token[length] = '\0';
    text += length;
    const onefold_status status = set_one(context, &changed, token);
    if (status != ONEFOLD_OK) return status;
  }
  *params = changed;
  return ONEFOLD_OK;
}
