// SPDX-License-Identifier: BSD-3-Clause
// Blocks of a checkpoint as JSON: one object per block, null for what is not known.
#include "cli/blocks.h"

#include "cli/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Below so many epsilons, a variance says that epsilon changes the result.
#define NEAR_EPSILON 100

static json_t *number(double value) {
  return isfinite(value) ? json_real(value) : json_null();
}

static json_t *measured(double value) {
  return value >= 0 ? number(value) : json_null();
}

static const char *state_name(const onefold_checkpoint_block *block) {
  switch (block->state) {
  case ONEFOLD_CHECKPOINT_FOLDED:
    return "already folded";
  case ONEFOLD_CHECKPOINT_UNKNOWN:
    return "unknown";
  case ONEFOLD_CHECKPOINT_TRAINING:
    break;
  }
  return block->region ? "folded" : *block->reason ? "not folded" : "training";
}

static int by_value(const void *a, const void *b) {
  const float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/// The largest |w| of each channel: the largest of them, the median, and their ratio.
static json_t *weight_range(const onefold_fold_region *region) {
  const size_t count = (size_t)region->channels;
  float *largest = count ? malloc(count * sizeof *largest) : NULL;
  if (!largest) return json_null();
  for (size_t i = 0; i < count; i++)
    largest[i] = fmaxf(fabsf(region->channel_min[i]), fabsf(region->channel_max[i]));
  qsort(largest, count, sizeof *largest, by_value);
  const double most = (double)largest[count - 1], median = (double)largest[count / 2];
  free(largest);
  return json_pack("{s:o, s:o, s:o}", "largest", number(most), "median", number(median), "ratio",
                   number(median > 0 ? most / median : INFINITY));
}

static json_t *change(double before, double after) {
  return json_pack("{s:o, s:o}", "before", number(before), "after", number(after));
}

void onefold_cli_add_block(void *user, const onefold_checkpoint_block *block) {
  cli_blocks *all = user;
  json_t *object = json_pack(
      "{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:o, s:I, s:s, s:s}", "prefix",
      block->prefix, "family", block->family, "block", block->block, "state", state_name(block),
      "reason", block->reason, "in_channels", (json_int_t)block->in_channels, "out_channels",
      (json_int_t)block->out_channels, "kernel", (json_int_t)block->kernel, "groups",
      (json_int_t)block->groups, "bn_epsilon", block->bn_epsilon, "family_epsilon",
      block->family_epsilon, "least_variance", number(block->least_variance), "tensors",
      (json_int_t)block->tensors, "dtype", block->dtype, "note", block->note);
  const onefold_fold_region *region = block->region;
  int failed = !object;
  if (object && region) {
    json_t *more =
        json_pack("{s:o, s:o, s:o, s:o, s:o}", "parameters",
                  json_pack("{s:I, s:I}", "before", (json_int_t)region->parameters_before, "after",
                            (json_int_t)region->parameters_after),
                  "macs_per_pixel", change(region->macs_before, region->macs_after),
                  "max_abs_error", measured(region->max_abs_error), "max_rel_error",
                  measured(region->max_rel_error), "channel_weights", weight_range(region));
    failed |= !more || json_object_update(object, more);
    json_decref(more);
  }
  all->failed |= failed || json_array_append(all->blocks, object);
  json_decref(object);
}

void onefold_cli_add_rest(void *user, const char *name, const char *dtype, const int64_t *dims,
                          int32_t rank) {
  (void)name;
  (void)dtype;
  (void)dims;
  (void)rank;
  ((cli_blocks *)user)->others++;
}

const char *onefold_cli_text(const json_t *object, const char *key) {
  const char *text = json_string_value(json_object_get(object, key));
  return text ? text : "";
}

json_int_t onefold_cli_widened(const json_t *blocks) {
  json_int_t count = 0;
  size_t i;
  const json_t *block;
  json_array_foreach(blocks, i, block) count +=
      strcmp(onefold_cli_text(block, "state"), "folded") == 0 &&
      strcmp(onefold_cli_text(block, "dtype"), "F32") != 0;
  return count;
}

json_int_t onefold_cli_count(const json_t *blocks, const char *state) {
  json_int_t count = 0;
  size_t i;
  const json_t *block;
  json_array_foreach(blocks, i, block) count +=
      strcmp(onefold_cli_text(block, "state"), state) == 0;
  return count;
}

// ------------------------------------------------------------------- warnings

/// What the blocks of one family that fold have in common.
typedef struct family {
  const char *name, *note, *worst; // prefix of the block with the least variance
  double used, own, least;
  int blocks, near;
} family;

static family summarise(const json_t *blocks, const char *name) {
  family f = {.name = name, .note = "", .worst = "", .least = INFINITY};
  size_t i;
  const json_t *block;
  json_array_foreach(blocks, i, block) {
    const char *state = onefold_cli_text(block, "state");
    if (strcmp(onefold_cli_text(block, "family"), name) != 0 ||
        (strcmp(state, "folded") != 0 && strcmp(state, "training") != 0))
      continue;
    f.blocks++;
    f.note = onefold_cli_text(block, "note");
    f.used = json_number_value(json_object_get(block, "bn_epsilon"));
    f.own = json_number_value(json_object_get(block, "family_epsilon"));
    const json_t *variance = json_object_get(block, "least_variance");
    if (!json_is_number(variance)) continue;
    const double least = json_number_value(variance);
    f.near += least < NEAR_EPSILON * f.used;
    if (least >= f.least) continue;
    f.least = least;
    f.worst = onefold_cli_text(block, "prefix");
  }
  return f;
}

static void warn_family(const family *f, json_t *warnings) {
  if (*f->note)
    json_array_append_new(warnings,
                          json_sprintf("%d blocks of %s: %s", f->blocks, f->name, f->note));
  if (f->used != f->own)
    json_array_append_new(warnings,
                          json_sprintf("%d blocks of %s: epsilon %g in place of the family's %g",
                                       f->blocks, f->name, f->used, f->own));
  else if (f->own > 2e-5)
    json_array_append_new(
        warnings, json_sprintf("%d blocks of %s: epsilon %g, as its authors train; a network that "
                               "was trained with another, such as PyTorch's 1e-05, needs --eps",
                               f->blocks, f->name, f->own));
  if (f->near)
    json_array_append_new(
        warnings, json_sprintf("%d blocks of %s have a variance below %d times epsilon %g (%g in "
                               "'%s'): a wrong epsilon changes them noticeably",
                               f->near, f->name, NEAR_EPSILON, f->used, f->least, f->worst));
}

json_t *onefold_cli_warnings(const json_t *blocks) {
  json_t *warnings = json_array();
  size_t i, k;
  const json_t *block;
  json_array_foreach(blocks, i, block) {
    const char *name = onefold_cli_text(block, "family");
    for (k = 0; k < i; k++)
      if (strcmp(onefold_cli_text(json_array_get(blocks, k), "family"), name) == 0) break;
    if (k < i) continue;
    const family f = summarise(blocks, name);
    if (f.blocks) warn_family(&f, warnings);
  }
  return warnings;
}

// -------------------------------------------------------------- in common

int onefold_cli_open(const char *program, const char *path, onefold_context **context,
                     onefold_weights **weights) {
  const int code = onefold_cli_context(program, 0, NULL, ONEFOLD_ACCURACY_STANDARD, context);
  if (code != ONEFOLD_EXIT_OK) return code;
  const onefold_status status = onefold_weights_open(*context, path, weights);
  return status == ONEFOLD_OK ? ONEFOLD_EXIT_OK : (int)onefold_cli_fail(program, *context, status);
}

int onefold_cli_print_json(const char *program, json_t *root) {
  const int failed =
      !root || json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) || puts("") < 0;
  json_decref(root);
  if (!failed) return ONEFOLD_EXIT_OK;
  return onefold_cli_say(program, ONEFOLD_EXIT_FAILURE, "the JSON could not be written");
}
