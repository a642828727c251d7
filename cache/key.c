// SPDX-License-Identifier: BSD-3-Clause
// The parts of a key, in the order in which they stand.
#include "cache/key.h"

#include <stdio.h>
#include <string.h>

// To be raised with every change of what packing writes, or of what onefold_graph_write does.
#define PACKING 3

static const char *const part_names[] = {"library", "machine", "accuracy class", "options",
                                         "content"};
enum { LIBRARY, MACHINE, ACCURACY, OPTIONS, CONTENT, PARTS };
_Static_assert(sizeof part_names / sizeof *part_names == PARTS, "every part has a name");

typedef char part[160];

static void print_library(part text) {
  snprintf(text, sizeof(part), "%s, packing %d", onefold_version(), PACKING);
}

/// What the choice of algorithms depends on, and with them the packing.
static void print_machine(const onefold_context *context, part text) {
  const onefold_dispatch *d = onefold_context_dispatch(context);
  snprintf(text, sizeof(part), "%s, blocks of %d, fma %d, l1d %zu, l2 %zu, l3 %zu",
           onefold_isa_name(d->isa), (int)d->v, (int)d->fma_rate, d->l1d_bytes, d->l2_bytes,
           d->l3_bytes);
}

onefold_status onefold_cache_key_make(const onefold_context *context, const char *content,
                                      const onefold_exec_options *options, onefold_cache_key *key) {
  if (!content) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "the content is NULL");
  part parts[CONTENT];
  print_library(parts[LIBRARY]);
  print_machine(context, parts[MACHINE]);
  snprintf(parts[ACCURACY], sizeof *parts, "%s",
           onefold_accuracy_name(onefold_context_accuracy(context)));
  snprintf(parts[OPTIONS], sizeof *parts, "%s to %s, fused %d, pairs %d%s",
           onefold_layout_name(options->in_layout), onefold_layout_name(options->out_layout),
           options->fuse_epilogues != 0, (int)options->pairs,
           options->copies_parts ? ", parts copied" : "");
  const char *texts[PARTS] = {parts[LIBRARY], parts[MACHINE], parts[ACCURACY], parts[OPTIONS],
                              content};
  size_t bytes = 0;
  for (int i = 0; i < PARTS; i++) bytes += strlen(texts[i]) + 1;
  *key = (onefold_cache_key){onefold_allocate(context, bytes), bytes};
  if (!key->text) return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory for a key");
  char *to = key->text;
  for (int i = 0; i < PARTS; i++) {
    const size_t length = strlen(texts[i]) + 1;
    memcpy(to, texts[i], length);
    to += length;
  }
  return ONEFOLD_OK;
}

onefold_status onefold_cache_key_compare(const onefold_context *context, const char *path,
                                         const char *have, size_t have_bytes,
                                         const onefold_cache_key *key) {
  const char *want = key->text, *const end = have + have_bytes;
  for (int i = 0; i < PARTS; i++) {
    const char *is = have < end ? have : "";
    if (strcmp(is, want) != 0)
      return onefold_fail(context, ONEFOLD_REFUSED, "%s: its %s is '%.150s', not '%.150s'", path,
                          part_names[i], is, want);
    want += strlen(want) + 1;
    have += strlen(is) + 1;
  }
  if (have_bytes != key->bytes)
    return onefold_fail(context, ONEFOLD_REFUSED, "%s: its key has %zu bytes, not %zu", path,
                        have_bytes, key->bytes);
  return ONEFOLD_OK;
}

/// A part of a key that ends with a NUL; "" where it has not as many.
static const char *part_of(const char *have, size_t have_bytes, int index) {
  const char *const end = have + have_bytes;
  for (; index > 0 && have < end; index--) have += strlen(have) + 1;
  return have < end ? have : "";
}

onefold_status onefold_cache_key_fits(const onefold_context *context,
                                      onefold_context *const *levels, size_t count,
                                      const char *path, const char *have, size_t have_bytes) {
  const char *library = part_of(have, have_bytes, LIBRARY);
  const char *machine = part_of(have, have_bytes, MACHINE);
  part here;
  print_library(here);
  if (strcmp(library, here) != 0)
    return onefold_fail(context, ONEFOLD_REFUSED, "%s: its %s is '%.150s', not '%.150s'", path,
                        part_names[LIBRARY], library, here);
  for (size_t i = 0; i < count; i++) {
    print_machine(levels[i], here);
    if (strcmp(machine, here) == 0) return ONEFOLD_OK;
  }
  return onefold_fail(context, ONEFOLD_REFUSED, "%s: its %s is '%.150s', which this one is not",
                      path, part_names[MACHINE], machine);
}

void onefold_cache_key_show(const char *have, size_t have_bytes, char *text, size_t size) {
  const char *machine = part_of(have, have_bytes, MACHINE);
  snprintf(text, size, "%.*s, %.40s: %.300s", (int)strcspn(machine, ","), machine,
           part_of(have, have_bytes, ACCURACY), part_of(have, have_bytes, CONTENT));
}
