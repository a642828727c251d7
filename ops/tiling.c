// SPDX-License-Identifier: BSD-3-Clause
// The fields of a tiling: what reads, writes and searches tilings goes over this table.
#include <onefold/context.h>

#include <stddef.h>

#define TEXT(field)                                                                                \
  { #field, offsetof(onefold_tiling, field), sizeof((onefold_tiling *)0)->field }
#define NUMBER(field)                                                                              \
  { #field, offsetof(onefold_tiling, field), 0 }
static const onefold_tiling_field fields[] = {
    TEXT(algorithm), TEXT(kernel),  NUMBER(block_in), NUMBER(threads), NUMBER(piece),
    NUMBER(parts),   NUMBER(ahead), NUMBER(pair),     NUMBER(order),
};

const onefold_tiling_field *onefold_tiling_fields(size_t *count) {
  if (count) *count = sizeof fields / sizeof fields[0];
  return fields;
}
