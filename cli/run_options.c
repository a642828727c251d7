// SPDX-License-Identifier: BSD-3-Clause
// Options of onefold run, by argp.
#include "bench/cached.h"
#include "cli/run.h"

#include <errno.h>
#include <string.h>

enum { OPT_FORM = 256, OPT_ISA, OPT_ACCURACY, OPT_PREFIX, OPT_SET, OPT_SEED, OPT_CACHE };

static const struct argp_option argp_options[] = {
    {"model", 'm', "NAME", 0,
     "A block or a network: repvgg, repvgg-a0, ... (another name lists the blocks)", 0},
    {"weights", 'w', "FILE", 0, "Its weights: a safetensors file in the training form", 0},
    {"seed", OPT_SEED, "N", 0, "Generated weights instead of a file", 0},
    {"prefix", OPT_PREFIX, "TEXT", 0, "What the names of its weights begin with: stage1.0.", 0},
    {"set", OPT_SET, "NAME=VALUE...", 0,
     "Parameters of the block: \"out_channels=64 stride=2\"; may be given again", 0},
    {"input", 'i', "FILE", 0,
     "A .npy file of float32: NCHW, or CHW for one image; again for a second input", 0},
    {"output", 'o', "FILE", 0, "The result as a .npy file, NCHW; again for further results", 0},
    {"form", OPT_FORM, "FORM", 0, ONEFOLD_CLI_FORMS, 0},
    {"threads", 't', "N", 0, "Threads to run on (default: the usable cores)", 0},
    {"isa", OPT_ISA, "LEVEL", 0, "ISA level: ref, avx2, avx512 or neon (default: the best)", 0},
    {"accuracy", OPT_ACCURACY, "CLASS", 0, "standard (default), strict or fast", 0},
    {"cache", OPT_CACHE, "DIR", 0, BENCH_CACHE_DOC, 0},
    {"verbose", 'v', NULL, 0, "Print what was folded and the steps that are run", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static void add_text(struct argp_state *state, cli_texts *list, size_t most, const char *option,
                     const char *text) {
  if (list->count == most) argp_error(state, "--%s: more than %zu", option, most);
  list->items[list->count++] = text;
}

static void check_complete(struct argp_state *state, const cli_run_options *o) {
  if (!o->model) argp_error(state, "--model is missing");
  if (!o->weights && !o->has_seed) argp_error(state, "--weights or --seed is missing");
  if (o->weights && o->has_seed) argp_error(state, "--weights and --seed exclude each other");
  if (!o->inputs.count) argp_error(state, "--input is missing");
  if (!o->outputs.count) argp_error(state, "--output is missing");
}

static error_t parse_option(int key, char *text, struct argp_state *state) {
  cli_run_options *o = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &o->record;
    return 0;
  case 'm':
    o->model = text;
    return 0;
  case 'w':
    o->weights = text;
    return 0;
  case OPT_SEED:
    o->has_seed = 1;
    o->seed = onefold_argument_number(state, "seed", text, 0, UINT64_MAX);
    return 0;
  case OPT_PREFIX:
    o->prefix = text;
    return 0;
  case OPT_SET:
    add_text(state, &o->sets, MAX_SETS, "set", text);
    return 0;
  case 'i':
    add_text(state, &o->inputs, MAX_FILES, "input", text);
    return 0;
  case 'o':
    add_text(state, &o->outputs, MAX_FILES, "output", text);
    return 0;
  case OPT_FORM:
    o->form = onefold_cli_form(state, text);
    return 0;
  case 't':
    o->threads = (int32_t)onefold_argument_number(state, "threads", text, 1, ONEFOLD_MAX_THREADS);
    return 0;
  case OPT_ISA:
    o->has_isa = 1;
    o->isa = (onefold_isa)onefold_argument_isa(state, text);
    return 0;
  case OPT_ACCURACY:
    o->accuracy = (onefold_accuracy)onefold_argument_accuracy(state, text);
    return 0;
  case OPT_CACHE:
    o->cache = text;
    return 0;
  case 'v':
    o->verbose = 1;
    return 0;
  case ARGP_KEY_ARG:
    argp_error(state, "%s: no argument is expected", text);
    return EINVAL;
  case ARGP_KEY_END:
    check_complete(state, o);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

onefold_exit onefold_cli_run_parse(int argc, char **argv, cli_run_options *options) {
  static const struct argp_child children[] = {{&onefold_cli_record_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      argp_options,
      parse_option,
      NULL,
      "Runs a block or a network on arrays in .npy files, in its training form, as branches or "
      "folded."
      "\vThe input's shape is that of its file. Nothing is printed unless --verbose is given.\n\n"
      "Exit codes: 0 done; 1 it could not be done; 2 a bad option or value.",
      children,
      NULL,
      NULL};
  *options = (cli_run_options){.command = argv[0], .prefix = "", .form = BENCH_FOLDED};
  return argp_parse(&argp, argc, argv, 0, NULL, options) ? ONEFOLD_EXIT_FAILURE : ONEFOLD_EXIT_OK;
}
