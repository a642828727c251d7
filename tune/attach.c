// SPDX-License-Identifier: BSD-3-Clause
// Reads the rows that fit a context into an index.
#include "tune/index.h"
#include "tune/record.h"
#include "tune/row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// What the reading of rows needs.
typedef struct reader {
  onefold_tilings *tilings;
  char machine[sizeof((onefold_record_key *)0)->machine];
  const char **kernel; // [kernels], sorted: the names of the context's
  size_t kernels;
  uint64_t present; // onefold_kernel_list_hash of the context
  int failed;       // no memory
} reader;

static void count_kernel(void *user, const char *op, const char *kernel, onefold_isa isa) {
  (void)op, (void)kernel, (void)isa;
  ++*(size_t *)user;
}

static void add_kernel(void *user, const char *op, const char *kernel, onefold_isa isa) {
  reader *r = user;
  (void)op, (void)isa;
  r->kernel[r->kernels++] = kernel;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/// Zero where there is no memory.
static int list_kernels(reader *r) {
  size_t count = 0;
  onefold_context_visit_kernels(r->tilings->context, count_kernel, &count);
  r->kernel = malloc((count + 1) * sizeof *r->kernel);
  if (!r->kernel) return 0;
  onefold_context_visit_kernels(r->tilings->context, add_kernel, r);
  qsort(r->kernel, r->kernels, sizeof *r->kernel, by_name);
  return 1;
}

static int has_kernel(const reader *r, const char *kernel) {
  return !*kernel || bsearch(&kernel, r->kernel, r->kernels, sizeof *r->kernel, by_name);
}

static int grow(onefold_tilings *t) {
  if (t->count < t->capacity) return 1;
  const size_t capacity = t->capacity ? 2 * t->capacity : 256;
  onefold_index_entry *entry = realloc(t->entry, capacity * sizeof *entry);
  if (!entry) return 0;
  t->entry = entry;
  t->capacity = capacity;
  return 1;
}

/// Non-zero ends the reading.
static int add(void *user, const onefold_record_row *row) {
  reader *r = user;
  onefold_tilings *t = r->tilings;
  onefold_conv2d_desc desc;
  char reason[512];
  if (!grow(t)) return r->failed = 1;
  onefold_index_entry *entry = &t->entry[t->count];
  if (!row || onefold_record_row_refuse(t->context, row, &desc, reason, sizeof reason) ||
      !has_kernel(r, row->tiling.kernel) ||
      !onefold_index_describe(t->context, &desc, &entry->problem)) {
    t->skipped++;
    return 0;
  }
  memcpy(entry->tiling, &row->tiling, sizeof entry->tiling);
  snprintf(entry->text, sizeof entry->text, "%.100s", row->key.problem);
  entry->this_machine = strcmp(row->key.machine, r->machine) == 0;
  entry->situation = (unsigned char)row->key.situation;
  entry->place = (uint32_t)t->count++;
  entry->evidence = onefold_record_evidence(row, r->present);
  memcpy(entry->version, row->version, sizeof entry->version);
  entry->kernels = row->kernels;
  return 0;
}

static int by_problem(const void *a, const void *b) {
  const onefold_index_entry *x = a, *y = b;
  const int order = memcmp(x->problem.form, y->problem.form, sizeof x->problem.form);
  return order ? order : (x->place > y->place) - (x->place < y->place);
}

/// Bounds of the machines with the cores of `machine`: its text up to the second comma, and that
/// with the next character in the comma's place.
static void bounds(const char *machine, char *first, char *end, size_t size) {
  const char *comma = strchr(machine, ',');
  if (comma) comma = strchr(comma + 1, ',');
  const int length = comma ? (int)(comma - machine) : (int)strlen(machine);
  snprintf(first, size, "%.*s,", length, machine);
  snprintf(end, size, "%.*s%c", length, machine, ',' + 1);
}

static onefold_status read_rows(onefold_record *record, onefold_tilings *t,
                                const onefold_machine *machine) {
  reader r = {.tilings = t};
  onefold_machine here;
  if (machine)
    here = *machine;
  else
    onefold_machine_query(&here);
  here.capped_isa = onefold_context_isa(t->context);
  onefold_machine_fingerprint(&here, r.machine, sizeof r.machine);
  char first[sizeof r.machine + 8], end[sizeof r.machine + 8];
  bounds(r.machine, first, end, sizeof first);
  const onefold_store_part part = {.first = first,
                                   .end = end,
                                   .kind = ONEFOLD_KIND_CONV2D,
                                   .threads = onefold_context_threads(t->context),
                                   .accuracy = onefold_context_accuracy(t->context)};
  r.present = onefold_kernel_list_hash(t->context);
  r.failed = !list_kernels(&r);
  const onefold_status status =
      r.failed ? ONEFOLD_OK : onefold_store_visit(record->store, &part, add, &r);
  free(r.kernel);
  if (r.failed) return onefold_record_fail(record, ONEFOLD_OUT_OF_MEMORY, "no memory for the rows");
  if (status == ONEFOLD_OK && t->count) qsort(t->entry, t->count, sizeof *t->entry, by_problem);
  return onefold_record_stored(record, status);
}

onefold_status onefold_record_attach(onefold_record *record, onefold_situation situation,
                                     const onefold_machine *machine,
                                     onefold_context_options *options, onefold_tilings **tilings) {
  if (tilings) *tilings = NULL;
  if (!record) return ONEFOLD_INVALID_ARGUMENT;
  if (!options || options->struct_size != sizeof *options || !tilings ||
      (unsigned)situation >= ONEFOLD_SITUATION_COUNT)
    return onefold_record_fail(record, ONEFOLD_INVALID_ARGUMENT, "%s",
                               !options   ? "the options are NULL"
                               : !tilings ? "the tilings are NULL"
                                          : "the situation or the options' struct_size is none");
  onefold_tilings *made = calloc(1, sizeof *made);
  if (!made) return onefold_record_fail(record, ONEFOLD_OUT_OF_MEMORY, "no memory for tilings");
  made->situation = situation;
  const onefold_context_options plain = {.struct_size = sizeof plain,
                                         .threads = options->threads,
                                         .max_isa = options->max_isa,
                                         .has_max_isa = options->has_max_isa,
                                         .accuracy = options->accuracy};
  onefold_status status = onefold_context_create(&plain, &made->context);
  if (status != ONEFOLD_OK)
    onefold_record_fail(record, status, "no context can be created with these options");
  else
    status = read_rows(record, made, machine);
  if (status != ONEFOLD_OK) {
    onefold_tilings_destroy(made);
    return status;
  }
  options->tiling = onefold_tilings_find;
  options->tiling_user = made;
  *tilings = made;
  return ONEFOLD_OK;
}

void onefold_tilings_destroy(onefold_tilings *tilings) {
  if (!tilings) return;
  onefold_context_destroy(tilings->context);
  free(tilings->entry);
  free(tilings);
}

void onefold_tilings_count(const onefold_tilings *tilings, int64_t *rows, int64_t *skipped) {
  if (rows) *rows = tilings ? (int64_t)tilings->count : 0;
  if (skipped) *skipped = tilings ? tilings->skipped : 0;
}
