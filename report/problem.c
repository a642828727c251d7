// SPDX-License-Identifier: BSD-3-Clause
// benchdnn's problem strings, and pairs of them, as people write them.
#include "report/role.h"

#include <stdlib.h>
#include <string.h>

enum { GROUPS, BATCH, IN, OUT, IH, IW, KH, KW, SH, SW, DH, IGNORED, FIELDS };

static const struct {
  const char *key;
  int field;
} keys[] = {
    {"mb", BATCH},   {"ic", IN},      {"oc", OUT},     {"ih", IH},    {"iw", IW}, {"oh", IGNORED},
    {"ow", IGNORED}, {"kh", KH},      {"kw", KW},      {"sh", SH},    {"sw", SW}, {"dh", DH},
    {"dw", IGNORED}, {"ph", IGNORED}, {"pw", IGNORED}, {"g", GROUPS},
};

/// Reads "mb1ic64ih56..." up to the end or one of ",:+". Zero where it is something else.
static int parse(const char *text, long *values, const char **rest) {
  while (*text && !strchr(",:+", *text)) {
    size_t k = 0;
    while (k < sizeof keys / sizeof keys[0] &&
           strncmp(text, keys[k].key, strlen(keys[k].key)) != 0) {
      k++;
    }
    if (k == sizeof keys / sizeof keys[0]) return 0;
    char *end = NULL;
    text += strlen(keys[k].key);
    if (*text < '0' || *text > '9') return 0;
    values[keys[k].field] = strtol(text, &end, 10);
    text = end;
  }
  *rest = text;
  if (!values[IW]) values[IW] = values[IH];
  return values[IH] > 0 && (values[IN] > 0) == (values[OUT] > 0);
}

/// "dw 32 3×3 s2" of a convolution.
static const char *layer_text(report_arena *arena, const long *v) {
  const long kh = v[KH] ? v[KH] : 1, kw = v[KW] ? v[KW] : kh;
  const int depthwise = v[GROUPS] > 1 && v[GROUPS] == v[IN] && v[IN] == v[OUT];
  const char *text = depthwise ? onefold_report_format(arena, "dw %ld", v[IN])
                               : onefold_report_format(arena, "%ld→%ld", v[IN], v[OUT]);
  text = onefold_report_format(arena, "%s %ld×%ld", text, kh, kw);
  if (v[SH] > 1) text = onefold_report_format(arena, "%s s%ld", text, v[SH]);
  if (v[DH] > 0) text = onefold_report_format(arena, "%s d%ld", text, v[DH]);
  if (v[GROUPS] > 1 && !depthwise) text = onefold_report_format(arena, "%s g%ld", text, v[GROUPS]);
  return text;
}

/// "56×56", and how many images where they are several.
static const char *image_text(report_arena *arena, const long *v) {
  const char *text = onefold_report_format(arena, "%ld×%ld", v[IH], v[IW]);
  return v[BATCH] > 1 ? onefold_report_format(arena, "%s, batch %ld", text, v[BATCH]) : text;
}

#define NO_VALUES                                                                                  \
  { [GROUPS] = 1, [BATCH] = 1 }

/// "dw 96 3×3 relu6 + 96→24 1×1, 56×56" of "PROBLEM[:ACTIVATION]+PROBLEM[:ACTIVATION]", where
/// `first` and `rest` are of the first; NULL where it is something else.
static const char *pair_text(report_arena *arena, const long *first, const char *rest) {
  const char *text = layer_text(arena, first);
  if (*rest == ':') {
    const int length = (int)strcspn(rest, "+");
    text = onefold_report_format(arena, "%s %.*s", text, length - 1, rest + 1);
    rest += length;
  }
  long second[FIELDS] = NO_VALUES;
  if (*rest != '+' || !parse(rest + 1, second, &rest) || !second[IN]) return NULL;
  text = onefold_report_format(arena, "%s + %s", text, layer_text(arena, second));
  if (*rest == ':') {
    const int length = (int)strcspn(rest, ",");
    text = onefold_report_format(arena, "%s %.*s", text, length - 1, rest + 1);
    rest += length;
  }
  text = onefold_report_format(arena, "%s, %s", text, image_text(arena, first));
  return *rest == ',' ? onefold_report_format(arena, "%s%s", text, rest) : text;
}

const char *onefold_report_problem(report_arena *arena, const char *problem) {
  long v[FIELDS] = NO_VALUES;
  const char *rest = NULL;
  if (!parse(problem, v, &rest)) return onefold_report_params(arena, problem);
  if (v[IN] == 0)
    return *rest == ':' || *rest == '+' ? problem : image_text(arena, v); // a network's
  if (*rest == ':' || *rest == '+') {
    const char *pair = pair_text(arena, v, rest);
    return pair ? pair : problem;
  }
  const char *text =
      onefold_report_format(arena, "%s, %s", layer_text(arena, v), image_text(arena, v));
  if (strncmp(rest, ", act:", 6) == 0)
    rest += 6;
  else if (*rest == ',')
    rest += 2;
  return *rest ? onefold_report_format(arena, "%s, %s", text, rest) : text;
}
