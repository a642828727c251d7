// SPDX-License-Identifier: BSD-3-Clause
// Rows of a record, each checked on its way in and out.
#include "tune/record.h"

#include "tune/row.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

onefold_status onefold_record_fail(onefold_record *record, onefold_status status,
                                   const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  record->error = status;
  vsnprintf(record->sentence, sizeof record->sentence, format, arguments);
  va_end(arguments);
  return status;
}

onefold_status onefold_record_stored(onefold_record *record, onefold_status status) {
  if (status == ONEFOLD_OK) return status;
  return onefold_record_fail(record, status, "%s",
                             status == ONEFOLD_NOT_FOUND ? "the record has no such row"
                                                         : onefold_store_sentence(record->store));
}

onefold_status onefold_record_last_error(const onefold_record *record, char *text, size_t size) {
  if (text && size) text[0] = '\0';
  if (!record) return ONEFOLD_INVALID_ARGUMENT;
  if (text && size) snprintf(text, size, "%s", record->sentence);
  return record->error;
}

onefold_status onefold_record_ready(onefold_record *record) {
  static const onefold_context_options options = {.struct_size = sizeof options, .threads = 1};
  if (record->context) return ONEFOLD_OK;
  const onefold_status status = onefold_context_create(&options, &record->context);
  return status == ONEFOLD_OK ? status : onefold_record_fail(record, status, "no context");
}

static onefold_status check_writable(onefold_record *record) {
  if (!record->read_only) return ONEFOLD_OK;
  return onefold_record_fail(record, ONEFOLD_UNSUPPORTED, "the record was opened to be read only");
}

static onefold_status check_key(onefold_record *record, const onefold_record_key *key) {
  char reason[512];
  if (!key) return onefold_record_fail(record, ONEFOLD_INVALID_ARGUMENT, "the key is NULL");
  const onefold_status status = onefold_record_ready(record);
  if (status != ONEFOLD_OK) return status;
  const char *refusal =
      onefold_record_key_refuse(record->context, key, NULL, reason, sizeof reason);
  if (!refusal) return ONEFOLD_OK;
  return onefold_record_fail(record, ONEFOLD_INVALID_ARGUMENT, "%s", refusal);
}

/// The present kernels of a key's level, 0 where they are not known.
static uint64_t kernels_of(onefold_record *record, const onefold_record_key *key) {
  const int isa = onefold_record_key_isa(key);
  if (isa < 0) return 0;
  if (!record->has_kernels[isa]) record->kernels[isa] = onefold_kernels_at((onefold_isa)isa);
  record->has_kernels[isa] = 1;
  return record->kernels[isa];
}

onefold_status onefold_record_put(onefold_record *record, const onefold_record_row *row,
                                  onefold_record_policy policy, int *written) {
  char reason[512];
  int changed = 0;
  if (written) *written = 0;
  if (!record) return ONEFOLD_INVALID_ARGUMENT;
  if (!row || (unsigned)policy > ONEFOLD_RECORD_BETTER)
    return onefold_record_fail(record, ONEFOLD_INVALID_ARGUMENT, "%s",
                               row ? "the policy is none" : "the row is NULL");
  onefold_status status = check_writable(record);
  if (status == ONEFOLD_OK) status = onefold_record_ready(record);
  if (status != ONEFOLD_OK) return status;
  const char *refusal =
      onefold_record_row_refuse(record->context, row, NULL, reason, sizeof reason);
  if (refusal) return onefold_record_fail(record, ONEFOLD_INVALID_ARGUMENT, "%s", refusal);
  onefold_record_row rounded = *row;
  rounded.median_ns = onefold_record_round(row->median_ns);
  rounded.spread = onefold_record_round(row->spread);
  rounded.default_ns = onefold_record_round(row->default_ns);
  const uint64_t kernels = policy == ONEFOLD_RECORD_BETTER ? kernels_of(record, &row->key) : 0;
  status = onefold_store_put(record->store, &rounded, policy, kernels, &changed);
  if (written) *written = status == ONEFOLD_OK && changed != 0;
  return onefold_record_stored(record, status);
}

onefold_status onefold_record_delete(onefold_record *record, const onefold_record_key *key) {
  if (!record) return ONEFOLD_INVALID_ARGUMENT;
  onefold_status status = check_writable(record);
  if (status == ONEFOLD_OK) status = check_key(record, key);
  if (status != ONEFOLD_OK) return status;
  return onefold_record_stored(record, onefold_store_delete(record->store, key));
}

/// Rows on their way to a visitor.
typedef struct visit_state {
  onefold_record *record;
  onefold_record_visit_fn visit;
  void *user;
  int64_t skipped, visited;
} visit_state;

static int pass_on(void *user, const onefold_record_row *row) {
  visit_state *state = user;
  char reason[512];
  if (!row || onefold_record_row_refuse(state->record->context, row, NULL, reason, sizeof reason)) {
    state->skipped++;
    return 0;
  }
  state->visited++;
  return state->visit(state->user, row);
}

onefold_status onefold_record_visit(onefold_record *record, onefold_record_visit_fn visit,
                                    void *user, int64_t *skipped) {
  if (skipped) *skipped = 0;
  if (!record) return ONEFOLD_INVALID_ARGUMENT;
  if (!visit)
    return onefold_record_fail(record, ONEFOLD_INVALID_ARGUMENT, "the visiting function is NULL");
  static const onefold_store_part all = {.first = "", .end = "\x7f"};
  visit_state state = {.record = record, .visit = visit, .user = user};
  onefold_status status = onefold_record_ready(record);
  if (status != ONEFOLD_OK) return status;
  status = onefold_store_visit(record->store, &all, pass_on, &state);
  if (skipped) *skipped = state.skipped;
  return onefold_record_stored(record, status);
}

static int take(void *user, const onefold_record_row *row) {
  *(onefold_record_row *)user = *row;
  return 1;
}

onefold_status onefold_record_get(onefold_record *record, const onefold_record_key *key,
                                  onefold_record_row *row) {
  if (!record) return ONEFOLD_INVALID_ARGUMENT;
  if (!row) return onefold_record_fail(record, ONEFOLD_INVALID_ARGUMENT, "the row is NULL");
  onefold_status status = check_key(record, key);
  if (status != ONEFOLD_OK) return status;
  visit_state state = {.record = record, .visit = take, .user = row};
  status = onefold_store_get(record->store, key, pass_on, &state);
  if (status == ONEFOLD_OK && !state.visited) status = ONEFOLD_NOT_FOUND;
  return onefold_record_stored(record, status);
}
