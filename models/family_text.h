// SPDX-License-Identifier: BSD-3-Clause
// The names and shapes of family_list.def as text: "rbr_conv.#.bn", "O 8J K K".
#ifndef ONEFOLD_MODELS_FAMILY_TEXT_H
#define ONEFOLD_MODELS_FAMILY_TEXT_H

#include <stdint.h>

// Bytes of a name with its numbers put in.
#define ONEFOLD_FAMILY_NAME 160

/// One size of a shape: `factor` times the size of a letter, or `factor` where there is none.
typedef struct onefold_family_size {
  int64_t factor;
  char letter; // 'A' to 'Z', or 0
} onefold_family_size;

/// The first size of a shape. Returns the shape behind it, "" after the last.
const char *onefold_family_read_size(const char *shape, onefold_family_size *size);

/// Does a name stand for several, by '#' or '+'? *first is the first of their numbers.
int onefold_family_has_numbers(const char *name, int64_t *first);

/// The first of a name's alternatives, with `number` in the place of '#' or '+'. Returns the
/// alternatives behind it, or NULL after the last.
const char *onefold_family_write_name(const char *name, int64_t number,
                                      char text[ONEFOLD_FAMILY_NAME]);

/// Is the first component of a tensor's name that of a family's name?
int onefold_family_same_component(const char *name, const char *tensor);

#endif
