// SPDX-License-Identifier: BSD-3-Clause
// onefold fold: a training checkpoint becomes the deploy form's.
#include "cli/blocks.h"
#include "cli/commands.h"
#include "cli/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct fold_options {
  const char *in, *out;
  int json, dry;
  onefold_checkpoint_options checkpoint;
} fold_options;

static const struct argp_option argp_options[] = {
    {"output", 'o', "OUT.safetensors", 0, "Where the result goes; IN itself is allowed", 0},
    {"json", 'j', NULL, 0, "Report as JSON", 0},
    {"check", 'c', "LIMIT", OPTION_ARG_OPTIONAL,
     "Run both forms of each block on random data; write nothing where they differ by more than "
     "LIMIT of the largest value (default 1e-4)",
     0},
    {"eps", 'e', "X", 0, "Epsilon of every batch normalisation (default: the family's)", 0},
    {"dry-run", 'n', NULL, 0, "Fold and report, but write nothing", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static double parse_number(struct argp_state *state, const char *option, const char *text) {
  char *end = NULL;
  const double value = strtod(text, &end);
  if (end == text || *end || !isfinite(value) || value < 0)
    argp_error(state, "--%s=%s: not a number from 0 on", option, text);
  return value;
}

static error_t parse_option(int key, char *text, struct argp_state *state) {
  fold_options *o = state->input;
  switch (key) {
  case 'o':
    o->out = text;
    return 0;
  case 'j':
    o->json = 1;
    return 0;
  case 'c':
    o->checkpoint.check = 1;
    if (text) o->checkpoint.check_limit = parse_number(state, "check", text);
    return 0;
  case 'e':
    o->checkpoint.bn_epsilon = parse_number(state, "eps", text);
    return 0;
  case 'n':
    o->dry = 1;
    return 0;
  case ARGP_KEY_ARG:
    if (o->in) argp_error(state, "%s: one checkpoint is expected", text);
    o->in = text;
    return 0;
  case ARGP_KEY_END:
    if (!o->in) argp_error(state, "no checkpoint is given");
    if (!o->out && !o->dry) argp_error(state, "where to? -o OUT.safetensors, or --dry-run");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static int print_json(const char *program, const fold_options *o, const cli_blocks *all,
                      int wrote) {
  json_t *root =
      json_pack("{s:s, s:s, s:o, s:O, s:I, s:I, s:I, s:I, s:I, s:o}", "version", onefold_version(),
                "input", o->in, "output", wrote ? json_string(o->out) : json_null(), "blocks",
                all->blocks, "folded", onefold_cli_count(all->blocks, "folded"), "not_folded",
                onefold_cli_count(all->blocks, "not folded"), "unknown",
                onefold_cli_count(all->blocks, "unknown"), "already_folded",
                onefold_cli_count(all->blocks, "already folded"), "other_tensors", all->others,
                "warnings", onefold_cli_warnings(all->blocks));
  return onefold_cli_print_json(program, root);
}

static int print_text(const char *program, const fold_options *o, const cli_blocks *all,
                      int wrote) {
  const json_int_t folded = onefold_cli_count(all->blocks, "folded"),
                   before = onefold_cli_count(all->blocks, "already folded"),
                   kept = (json_int_t)json_array_size(all->blocks) - folded - before;
  onefold_cli_print_blocks(all->blocks, 1);
  printf("%lld of %zu blocks folded; %lld other tensors copied\n", (long long)folded,
         json_array_size(all->blocks), (long long)all->others);
  const json_int_t widened = onefold_cli_widened(all->blocks);
  if (widened)
    printf("%lld folded blocks were of another type and are F32 now\n", (long long)widened);
  if (before) printf("%lld blocks were folded already\n", (long long)before);
  if (kept) printf("%lld blocks stay in their training form\n", (long long)kept);
  if (!json_array_size(all->blocks)) puts("no block of a known family was found");
  printf("%s\n", wrote ? o->out : "nothing was written");
  fflush(stdout);
  json_t *warnings = onefold_cli_warnings(all->blocks);
  size_t i;
  const json_t *warning;
  json_array_foreach(warnings, i, warning)
      fprintf(stderr, "%s: warning: %s\n", program, json_string_value(warning));
  json_decref(warnings);
  return ONEFOLD_EXIT_OK;
}

static int fold(const char *program, const fold_options *o, onefold_context *context,
                const onefold_weights *weights) {
  cli_blocks all = {.blocks = json_array()};
  onefold_checkpoint_options options = o->checkpoint;
  options.block = onefold_cli_add_block;
  options.rest = onefold_cli_add_rest;
  options.user = &all;
  const onefold_status status =
      onefold_checkpoint_fold(context, weights, o->dry ? NULL : o->out, &options);
  const int refused = status == ONEFOLD_REFUSED; // by --check
  int code = ONEFOLD_EXIT_FAILURE;
  if (status != ONEFOLD_OK) code = onefold_cli_fail(program, context, status);
  if (all.failed)
    code = onefold_cli_say(program, ONEFOLD_EXIT_FAILURE, "no memory for the report");
  else if (status == ONEFOLD_OK || refused)
    code = (o->json ? print_json : print_text)(program, o, &all, !refused && !o->dry);
  if (code == ONEFOLD_EXIT_OK && refused) code = ONEFOLD_EXIT_WRONG;
  json_decref(all.blocks);
  return code;
}

int onefold_cli_fold(int argc, char **argv) {
  static const struct argp argp = {
      argp_options,
      parse_option,
      "IN.safetensors",
      "Folds the re-parameterised blocks of a checkpoint and copies all other tensors. The result "
      "has the names that the family's own deploy form loads."
      "\vThe JSON is an object with \"blocks\", an array in the order of the file. A block has "
      "prefix, family, block, state (\"folded\", \"not folded\", \"already folded\" or "
      "\"unknown\"), reason, in_channels, out_channels, kernel, groups, bn_epsilon, "
      "family_epsilon, least_variance, tensors, dtype and note; where it was folded also "
      "parameters and "
      "macs_per_pixel (before, after), max_abs_error, max_rel_error (null without --check) and "
      "channel_weights: of the largest |w| of each output channel the largest, the median and "
      "their ratio.\n\n"
      "Exit codes: 0 done; 1 it could not be done; 2 a bad option; 3 a block differs by more than "
      "LIMIT, nothing was written.",
      NULL,
      NULL,
      NULL};
  fold_options o = {0};
  onefold_checkpoint_options_init(&o.checkpoint);
  if (argp_parse(&argp, argc, argv, 0, NULL, &o)) return ONEFOLD_EXIT_FAILURE;
  onefold_context *context = NULL;
  onefold_weights *weights = NULL;
  int code = onefold_cli_open(argv[0], o.in, &context, &weights);
  if (code == ONEFOLD_EXIT_OK) code = fold(argv[0], &o, context, weights);
  onefold_weights_close(weights);
  onefold_context_destroy(context);
  return code;
}
