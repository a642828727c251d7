// SPDX-License-Identifier: BSD-3-Clause
// Reading the names and shapes of family_list.def.
#include "models/family_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char digits[] = "0123456789";

const char *onefold_family_read_size(const char *shape, onefold_family_size *size) {
  char *end;
  const int64_t number = strtol(shape, &end, 10);
  size->factor = end > shape ? number : 1;
  size->letter = *end >= 'A' && *end <= 'Z' ? *end : 0;
  if (size->letter) end++;
  return end + strspn(end, " ");
}

int onefold_family_has_numbers(const char *name, int64_t *first) {
  *first = strchr(name, '+') ? 1 : 0;
  return strpbrk(name, "#+") != NULL;
}

const char *onefold_family_write_name(const char *name, int64_t number,
                                      char text[ONEFOLD_FAMILY_NAME]) {
  enum { LONGEST_NUMBER = 24 };
  size_t used = 0;
  for (; *name && *name != '|' && used < ONEFOLD_FAMILY_NAME - LONGEST_NUMBER; name++) {
    if (*name == '#' || *name == '+')
      used += (size_t)snprintf(text + used, LONGEST_NUMBER, "%lld", (long long)number);
    else
      text[used++] = *name;
  }
  text[used] = '\0';
  return *name == '|' ? name + 1 : NULL;
}

int onefold_family_same_component(const char *name, const char *tensor) {
  for (; *name && *name != '.' && *name != '|'; name++) {
    const int is_number = *name == '#' || *name == '+';
    const size_t same = is_number ? strspn(tensor, digits) : *name == *tensor;
    if (same == 0) return 0;
    tensor += same;
  }
  return !*tensor || *tensor == '.';
}
