// SPDX-License-Identifier: BSD-3-Clause
// The key of a convolution, both ways.
#include "tune/row.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/// What an epilogue may have beside its activation, in the order of the text.
enum { RESIDUAL_BEFORE, RESIDUAL_AFTER, RESIDUAL_SCALE, CHANNEL_SCALE, EXTRA_COUNT };
static const char *const extra_names[EXTRA_COUNT] = {"residual_before", "residual_after",
                                                     "residual_scale", "channel_scale"};

const char *onefold_situation_name(onefold_situation situation) {
  static const char *const names[ONEFOLD_SITUATION_COUNT] = {"warm", "cold", "in_place"};
  return (unsigned)situation < ONEFOLD_SITUATION_COUNT ? names[situation] : "?";
}

int onefold_situation_parse(const char *name) {
  for (int i = 0; i < ONEFOLD_SITUATION_COUNT; i++) {
    if (strcmp(onefold_situation_name((onefold_situation)i), name) == 0) return i;
  }
  return -1;
}

int onefold_accuracy_parse(const char *name) {
  for (int i = 0; i <= ONEFOLD_ACCURACY_FAST; i++) {
    if (strcmp(onefold_accuracy_name((onefold_accuracy)i), name) == 0) return i;
  }
  return -1;
}

static void print_epilogue(const onefold_conv2d_desc *desc, char *text, size_t size) {
  const int has[EXTRA_COUNT] = {
      [RESIDUAL_BEFORE] = desc->residual == ONEFOLD_RESIDUAL_BEFORE_ACTIVATION,
      [RESIDUAL_AFTER] = desc->residual == ONEFOLD_RESIDUAL_AFTER_ACTIVATION,
      [RESIDUAL_SCALE] = desc->has_residual_scale != 0,
      [CHANNEL_SCALE] = desc->has_channel_scale != 0,
  };
  size_t length = (size_t)snprintf(text, size, "%s", onefold_activation_name(desc->activation));
  for (int i = 0; i < EXTRA_COUNT && length < size; i++) {
    if (has[i]) length += (size_t)snprintf(text + length, size - length, "+%s", extra_names[i]);
  }
}

/// Index of the `length` characters at `text` among name(0) .. name(count - 1), or -1.
static int find(const char *text, size_t length, int count, const char *(*name)(int)) {
  for (int i = 0; i < count; i++) {
    if (strlen(name(i)) == length && memcmp(name(i), text, length) == 0) return i;
  }
  return -1;
}

static const char *activation_name(int i) {
  return onefold_activation_name((onefold_activation)i);
}

static const char *layout_name(int i) {
  return onefold_layout_name((onefold_layout)i);
}

static const char *extra_name(int i) {
  return extra_names[i];
}

/// Zero where the text is no epilogue; print_epilogue tells whether it is in its one order.
static int parse_epilogue(const char *text, onefold_conv2d_desc *desc) {
  size_t length = strcspn(text, "+");
  const int activation = find(text, length, ONEFOLD_ACT_COUNT, activation_name);
  if (activation < 0) return 0;
  desc->activation = (onefold_activation)activation;
  for (const char *at = text + length; *at; at += length) {
    at++;
    length = strcspn(at, "+");
    const int extra = find(at, length, EXTRA_COUNT, extra_name);
    if (extra < 0) return 0;
    if (extra == RESIDUAL_BEFORE) desc->residual = ONEFOLD_RESIDUAL_BEFORE_ACTIVATION;
    if (extra == RESIDUAL_AFTER) desc->residual = ONEFOLD_RESIDUAL_AFTER_ACTIVATION;
    if (extra == RESIDUAL_SCALE) desc->has_residual_scale = 1;
    if (extra == CHANNEL_SCALE) desc->has_channel_scale = 1;
  }
  char again[sizeof((onefold_record_key *)0)->epilogue];
  print_epilogue(desc, again, sizeof again);
  return strcmp(again, text) == 0;
}

static int parse_layouts(const char *text, onefold_conv2d_desc *desc) {
  const size_t length = strcspn(text, ":");
  if (!text[length]) return 0;
  const char *out_text = text + length + 1;
  const int in = find(text, length, 3, layout_name);
  const int out = find(out_text, strlen(out_text), 3, layout_name);
  if (in < 0 || out < 0) return 0;
  desc->in_layout = (onefold_layout)in;
  desc->out_layout = (onefold_layout)out;
  return 1;
}

onefold_status onefold_record_key_desc(onefold_context *context, const onefold_record_key *key,
                                       onefold_conv2d_desc *desc) {
  if (!context || !key || !desc) return ONEFOLD_INVALID_ARGUMENT;
  if (strcmp(key->kind, ONEFOLD_KIND_CONV2D) != 0) return ONEFOLD_INVALID_ARGUMENT;
  onefold_conv2d_desc made;
  const onefold_status status = onefold_conv2d_desc_parse(context, key->problem, &made);
  if (status != ONEFOLD_OK) return status;
  if (!parse_layouts(key->layouts, &made) || !parse_epilogue(key->epilogue, &made))
    return ONEFOLD_INVALID_ARGUMENT;
  onefold_shape out;
  const onefold_status fits = onefold_conv2d_output_shape(context, &made, &out);
  if (fits == ONEFOLD_OK) *desc = made;
  return fits;
}

int onefold_record_key_isa(const onefold_record_key *key) {
  const char *level = key ? strchr(key->machine, ',') : NULL;
  for (int i = 0; level && i < ONEFOLD_ISA_COUNT; i++) {
    const char *name = onefold_isa_name((onefold_isa)i);
    const size_t length = strlen(name);
    if (strncmp(level + 1, name, length) == 0 && level[1 + length] == ',') return i;
  }
  return -1;
}

onefold_status onefold_record_row_init(onefold_context *context, const onefold_machine *machine,
                                       const onefold_conv2d_desc *desc, onefold_situation situation,
                                       onefold_record_row *row) {
  if (!context || !row || (unsigned)situation >= ONEFOLD_SITUATION_COUNT)
    return ONEFOLD_INVALID_ARGUMENT;
  onefold_shape out;
  const onefold_status status = onefold_conv2d_output_shape(context, desc, &out);
  if (status != ONEFOLD_OK) return status;
  onefold_machine here;
  if (machine)
    here = *machine;
  else
    onefold_machine_query(&here);
  here.capped_isa = onefold_context_isa(context);

  memset(row, 0, sizeof *row);
  onefold_record_key *key = &row->key;
  onefold_machine_fingerprint(&here, key->machine, sizeof key->machine);
  snprintf(key->kind, sizeof key->kind, "%s", ONEFOLD_KIND_CONV2D);
  onefold_conv2d_desc_print(desc, key->problem, sizeof key->problem);
  snprintf(key->layouts, sizeof key->layouts, "%s:%s", onefold_layout_name(desc->in_layout),
           onefold_layout_name(desc->out_layout));
  print_epilogue(desc, key->epilogue, sizeof key->epilogue);
  key->threads = onefold_context_threads(context);
  key->situation = situation;
  key->accuracy = onefold_context_accuracy(context);
  snprintf(row->version, sizeof row->version, "%s", onefold_version());
  row->kernels = onefold_kernel_list_hash(context);
  struct tm parts;
  const time_t now = time(NULL);
  gmtime_r(&now, &parts);
  strftime(row->date, sizeof row->date, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return ONEFOLD_OK;
}
