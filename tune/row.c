// SPDX-License-Identifier: BSD-3-Clause
// What a row may hold, and which of two rows is better evidenced.
#include "tune/row.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define REFUSE(...) return (snprintf(reason, size, __VA_ARGS__), reason)

/// A text of a key: ended within its array, not empty, printable, without blanks or quotes.
static int is_word(const char *text, size_t size) {
  const char *end = memchr(text, '\0', size);
  if (!end || end == text) return 0;
  for (const char *c = text; c < end; c++) {
    if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\') return 0;
  }
  return 1;
}

/// The texts of a key, most significant first.
static const struct {
  const char *name;
  size_t offset, size;
} words[] = {
#define WORD(field)                                                                                \
  { #field, offsetof(onefold_record_key, field), sizeof((onefold_record_key *)0)->field }
    WORD(machine), WORD(kind), WORD(problem), WORD(layouts), WORD(epilogue),
#undef WORD
};

const char *onefold_record_key_refuse(onefold_context *context, const onefold_record_key *key,
                                      onefold_conv2d_desc *desc, char *reason, size_t size) {
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    const char *word = (const char *)key + words[i].offset;
    if (!is_word(word, words[i].size))
      REFUSE("%s \"%.*s\" is not a word", words[i].name, (int)words[i].size, word);
  }
  if (key->threads < 1) REFUSE("threads is %d", (int)key->threads);
  if ((unsigned)key->situation >= ONEFOLD_SITUATION_COUNT)
    REFUSE("situation is %d", (int)key->situation);
  if ((unsigned)key->accuracy > ONEFOLD_ACCURACY_FAST) REFUSE("accuracy is %d", (int)key->accuracy);
  if (strcmp(key->kind, ONEFOLD_KIND_CONV2D) != 0) return NULL;

  onefold_conv2d_desc read;
  char text[sizeof key->problem];
  if (onefold_record_key_desc(context, key, &read) != ONEFOLD_OK)
    REFUSE("problem \"%s\", layouts \"%s\", epilogue \"%s\" are no convolution", key->problem,
           key->layouts, key->epilogue);
  onefold_conv2d_desc_print(&read, text, sizeof text);
  if (strcmp(text, key->problem) != 0)
    REFUSE("problem \"%s\" is written \"%s\"", key->problem, text);
  if (desc) *desc = read;
  return NULL;
}

/// "2026-01-31T23:59:59Z"
static int is_date(const char *text) {
  static const char form[] = "0000-00-00T00:00:00Z";
  size_t i = 0;
  for (; form[i]; i++) {
    if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return 0;
  }
  return text[i] == '\0';
}

/// Non-zero when the tiling's text reads back as the same.
static int is_tiling(const onefold_tiling *tiling) {
  char text[512];
  onefold_tiling again;
  if (!memchr(tiling->algorithm, 0, sizeof tiling->algorithm) ||
      !memchr(tiling->kernel, 0, sizeof tiling->kernel))
    return 0;
  return onefold_tiling_print(tiling, text, sizeof text) < sizeof text &&
         onefold_tiling_parse(text, &again) == ONEFOLD_OK;
}

const char *onefold_record_row_refuse(onefold_context *context, const onefold_record_row *row,
                                      onefold_conv2d_desc *desc, char *reason, size_t size) {
  const char *refusal = onefold_record_key_refuse(context, &row->key, desc, reason, size);
  if (refusal) return refusal;
  if (!is_tiling(&row->tiling)) REFUSE("the tiling has a value that cannot be written down");
  if (!isfinite(row->median_ns) || row->median_ns <= 0) REFUSE("median_ns is %g", row->median_ns);
  if (!isfinite(row->spread) || row->spread < 0) REFUSE("spread is %g", row->spread);
  if (!isfinite(row->default_ns) || row->default_ns < 0)
    REFUSE("default_ns is %g", row->default_ns);
  if (row->trials < 1) REFUSE("trials is %lld", (long long)row->trials);
  if (!is_word(row->version, sizeof row->version)) REFUSE("version is not a word");
  if (!memchr(row->date, 0, sizeof row->date) || !is_date(row->date))
    REFUSE("date \"%.*s\" is not as 2026-01-31T23:59:59Z", (int)sizeof row->date, row->date);
  return NULL;
}

onefold_evidence onefold_record_evidence(const onefold_record_row *row, uint64_t kernels) {
  onefold_evidence made = {.present = strcmp(row->version, onefold_version()) == 0 &&
                                      (!kernels || row->kernels == kernels),
                           .error2 = row->trials < ONEFOLD_EVIDENCE_TRIALS
                                         ? INFINITY
                                         : row->spread * row->spread / (double)row->trials};
  memcpy(made.date, row->date, sizeof made.date);
  return made;
}

int onefold_evidence_better(const onefold_evidence *a, const onefold_evidence *b) {
  if (a->present != b->present) return a->present;
  if (a->error2 != b->error2) return a->error2 < b->error2;
  return strcmp(a->date, b->date) > 0;
}
