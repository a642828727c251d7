// SPDX-License-Identifier: BSD-3-Clause
// Blocks of a checkpoint as a table: columns as wide as their longest cell.
#include "cli/blocks.h"

#include <stdio.h>
#include <string.h>

#define MAX_CELL 160

typedef void cell_fn(const json_t *block, char text[MAX_CELL]);

static json_int_t whole(const json_t *block, const char *key) {
  return json_integer_value(json_object_get(block, key));
}

static void copy_text(const json_t *block, const char *key, char text[MAX_CELL]) {
  snprintf(text, MAX_CELL, "%s", onefold_cli_text(block, key));
}

static void prefix_cell(const json_t *block, char text[MAX_CELL]) {
  copy_text(block, "prefix", text);
  if (!*text) snprintf(text, MAX_CELL, "(none)");
}

static void family_cell(const json_t *block, char text[MAX_CELL]) {
  copy_text(block, "family", text);
}

static void state_cell(const json_t *block, char text[MAX_CELL]) {
  copy_text(block, "state", text);
}

static void shape_cell(const json_t *block, char text[MAX_CELL]) {
  const json_int_t kernel = whole(block, "kernel"), groups = whole(block, "groups");
  char suffix[32] = "";
  if (groups > 1) snprintf(suffix, sizeof suffix, " g%lld", (long long)groups);
  snprintf(text, MAX_CELL, "%lld->%lld %lldx%lld%s", (long long)whole(block, "in_channels"),
           (long long)whole(block, "out_channels"), (long long)kernel, (long long)kernel, suffix);
  if (!kernel) snprintf(text, MAX_CELL, "-");
}

static void change_cell(const json_t *block, const char *key, char text[MAX_CELL]) {
  const json_t *change = json_object_get(block, key);
  snprintf(text, MAX_CELL, "-");
  if (change)
    snprintf(text, MAX_CELL, "%.0f -> %.0f", json_number_value(json_object_get(change, "before")),
             json_number_value(json_object_get(change, "after")));
}

static void parameters_cell(const json_t *block, char text[MAX_CELL]) {
  change_cell(block, "parameters", text);
}

static void macs_cell(const json_t *block, char text[MAX_CELL]) {
  change_cell(block, "macs_per_pixel", text);
}

static void number_cell(const json_t *value, const char *format, char text[MAX_CELL]) {
  snprintf(text, MAX_CELL, "-");
  if (json_is_number(value))
    snprintf(text, MAX_CELL, format[0] == 'e' ? "%.1e" : "%.1f", json_number_value(value));
}

static void abs_cell(const json_t *block, char text[MAX_CELL]) {
  number_cell(json_object_get(block, "max_abs_error"), "e", text);
}

static void rel_cell(const json_t *block, char text[MAX_CELL]) {
  number_cell(json_object_get(block, "max_rel_error"), "e", text);
}

static void range_cell(const json_t *block, char text[MAX_CELL]) {
  number_cell(json_object_get(json_object_get(block, "channel_weights"), "ratio"), "f", text);
}

/// The columns of `onefold list` stand first.
static const struct column {
  const char *title;
  cell_fn *cell;
  int right; // aligned to the right
} columns[] = {
    {"block", prefix_cell, 0},          {"family", family_cell, 0},
    {"shape", shape_cell, 0},           {"state", state_cell, 0},
    {"parameters", parameters_cell, 1}, {"MACs/pixel", macs_cell, 1},
    {"abs error", abs_cell, 1},         {"rel error", rel_cell, 1},
    {"|w| max/median", range_cell, 1},
};
#define COLUMNS      (sizeof columns / sizeof *columns)
#define LIST_COLUMNS 4

void onefold_cli_print_blocks(const json_t *blocks, int folding) {
  const size_t count = folding ? COLUMNS : LIST_COLUMNS;
  char text[MAX_CELL];
  int widths[COLUMNS];
  size_t i;
  const json_t *block;
  if (!json_array_size(blocks)) return;
  for (size_t c = 0; c < count; c++) {
    widths[c] = (int)strlen(columns[c].title);
    json_array_foreach(blocks, i, block) {
      columns[c].cell(block, text);
      if ((int)strlen(text) > widths[c]) widths[c] = (int)strlen(text);
    }
  }
  for (size_t row = 0; row <= json_array_size(blocks); row++) {
    for (size_t c = 0; c < count; c++) {
      if (row > 0)
        columns[c].cell(json_array_get(blocks, row - 1), text);
      else
        snprintf(text, sizeof text, "%s", columns[c].title);
      const int width = columns[c].right ? widths[c] : c + 1 < count ? -widths[c] : 0;
      printf("%s%*s", c ? "  " : "", width, text);
    }
    puts("");
  }
  json_array_foreach(blocks, i, block) {
    const char *reason = json_string_value(json_object_get(block, "reason"));
    if (!reason || !*reason) continue;
    prefix_cell(block, text);
    printf("%s: %s\n", text, reason);
  }
}
