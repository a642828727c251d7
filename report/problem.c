// SPDX-License-Identifier: BSD-3-Clause
// benchdnn's problem strings as people write them.
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

/// Reads "mb1ic64ih56..." up to the end or a comma. Zero where it is something else.
static int parse(const char *text, long *values, const char **rest) {
  while (*text && *text != ',') {
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
  return values[IH] > 0 && (values[IN] > 0) == (values[OUT] > 0);
}

const char *onefold_report_problem(report_arena *arena, const char *problem) {
  long v[FIELDS] = {[GROUPS] = 1, [BATCH] = 1};
  const char *rest = NULL;
  if (!parse(problem, v, &rest)) return problem;
  const long iw = v[IW] ? v[IW] : v[IH], kh = v[KH] ? v[KH] : 1, kw = v[KW] ? v[KW] : kh;
  const int depthwise = v[GROUPS] > 1 && v[GROUPS] == v[IN] && v[IN] == v[OUT];
  const char *text = "";
  if (v[IN] == 0) { // the input of a network
    text = onefold_report_format(arena, "%ld×%ld", v[IH], iw);
    return v[BATCH] > 1 ? onefold_report_format(arena, "%s, batch %ld", text, v[BATCH]) : text;
  }
  text = depthwise ? onefold_report_format(arena, "dw %ld", v[IN])
                   : onefold_report_format(arena, "%ld→%ld", v[IN], v[OUT]);
  text = onefold_report_format(arena, "%s %ld×%ld", text, kh, kw);
  if (v[SH] > 1) text = onefold_report_format(arena, "%s s%ld", text, v[SH]);
  if (v[DH] > 0) text = onefold_report_format(arena, "%s d%ld", text, v[DH]);
  if (v[GROUPS] > 1 && !depthwise) text = onefold_report_format(arena, "%s g%ld", text, v[GROUPS]);
  text = onefold_report_format(arena, "%s, %ld×%ld", text, v[IH], iw);
  if (v[BATCH] > 1) text = onefold_report_format(arena, "%s, batch %ld", text, v[BATCH]);
  if (strncmp(rest, ", act:", 6) == 0)
    rest += 6;
  else if (*rest == ',')
    rest += 2;
  return *rest ? onefold_report_format(arena, "%s, %s", text, rest) : text;
}
