// SPDX-License-Identifier: BSD-3-Clause
// onefold list: the tensors of a checkpoint, and the blocks that can be folded.
#include "cli/blocks.h"
#include "cli/commands.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

typedef struct list_options {
  const char *in;
  int json;
} list_options;

static const struct argp_option argp_options[] = {
    {"json", 'j', NULL, 0, "As JSON", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *text, struct argp_state *state) {
  list_options *o = state->input;
  switch (key) {
  case 'j':
    o->json = 1;
    return 0;
  case ARGP_KEY_ARG:
    if (o->in) argp_error(state, "%s: one checkpoint is expected", text);
    o->in = text;
    return 0;
  case ARGP_KEY_END:
    if (!o->in) argp_error(state, "no checkpoint is given");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static void add_tensor(void *user, const char *name, const char *dtype, const int64_t *dims,
                       int32_t rank) {
  cli_blocks *all = user;
  json_t *shape = json_array();
  int failed = !shape;
  for (int32_t i = 0; i < rank; i++)
    failed |= json_array_append_new(shape, json_integer((json_int_t)dims[i]));
  all->failed |=
      failed | json_array_append_new(all->tensors, json_pack("{s:s, s:s, s:o}", "name", name,
                                                             "dtype", dtype, "shape", shape));
}

static void print_tensors(const json_t *tensors) {
  size_t i, k;
  const json_t *tensor, *size;
  int width = 0;
  json_array_foreach(tensors, i, tensor) {
    const int length = (int)strlen(json_string_value(json_object_get(tensor, "name")));
    if (length > width) width = length;
  }
  json_array_foreach(tensors, i, tensor) {
    printf("%-*s  %-4s  ", width, json_string_value(json_object_get(tensor, "name")),
           json_string_value(json_object_get(tensor, "dtype")));
    json_array_foreach(json_object_get(tensor, "shape"), k, size)
        printf("%s%lld", k ? "x" : "", (long long)json_integer_value(size));
    puts(k ? "" : "scalar");
  }
}

static int print_text(const cli_blocks *all, const char *note) {
  const json_int_t training = onefold_cli_count(all->blocks, "training"),
                   folded = onefold_cli_count(all->blocks, "already folded");
  print_tensors(all->tensors);
  puts("");
  onefold_cli_print_blocks(all->blocks, 0);
  printf("%zu tensors, %lld of them in no block; %lld blocks can be folded\n",
         json_array_size(all->tensors), (long long)all->others, (long long)training);
  if (folded) printf("%lld blocks were folded already\n", (long long)folded);
  if (note) printf("folded by onefold %s\n", note);
  return ONEFOLD_EXIT_OK;
}

static int list(const char *program, const list_options *o, onefold_context *context,
                const onefold_weights *weights) {
  cli_blocks all = {.blocks = json_array(), .tensors = json_array()};
  onefold_checkpoint_options options;
  onefold_checkpoint_options_init(&options);
  options.block = onefold_cli_add_block;
  options.rest = onefold_cli_add_rest;
  options.user = &all;
  onefold_weights_visit(weights, add_tensor, &all);
  const onefold_status status = onefold_checkpoint_visit(context, weights, &options);
  const char *note = onefold_weights_metadata(weights, "onefold");
  int code = ONEFOLD_EXIT_FAILURE;
  if (status != ONEFOLD_OK)
    code = onefold_cli_fail(program, context, status);
  else if (all.failed)
    code = onefold_cli_say(program, ONEFOLD_EXIT_FAILURE, "no memory for the list");
  else if (o->json)
    code = onefold_cli_print_json(
        program,
        json_pack("{s:s, s:s, s:o, s:O, s:O, s:I, s:I, s:I}", "version", onefold_version(), "input",
                  o->in, "onefold", note ? json_string(note) : json_null(), "tensors", all.tensors,
                  "blocks", all.blocks, "training", onefold_cli_count(all.blocks, "training"),
                  "already_folded", onefold_cli_count(all.blocks, "already folded"),
                  "other_tensors", all.others));
  else
    code = print_text(&all, note);
  json_decref(all.tensors);
  json_decref(all.blocks);
  return code;
}

int onefold_cli_list(int argc, char **argv) {
  static const struct argp argp = {
      argp_options,
      parse_option,
      "IN.safetensors",
      "Prints the tensors of a checkpoint, the blocks that onefold fold would fold, and those that "
      "were folded already."
      "\vThe JSON is an object with \"tensors\" (name, dtype, shape) and \"blocks\", as onefold "
      "fold prints them; the state is \"training\", \"already folded\" or \"unknown\". "
      "\"onefold\" is what onefold fold left in the file's metadata, or null.\n\n"
      "Exit codes: 0 done; 1 it could not be done; 2 a bad option.",
      NULL,
      NULL,
      NULL};
  list_options o = {0};
  if (argp_parse(&argp, argc, argv, 0, NULL, &o)) return ONEFOLD_EXIT_FAILURE;
  onefold_context *context = NULL;
  onefold_weights *weights = NULL;
  int code = onefold_cli_open(argv[0], o.in, &context, &weights);
  if (code == ONEFOLD_EXIT_OK) code = list(argv[0], &o, context, weights);
  onefold_weights_close(weights);
  onefold_context_destroy(context);
  return code;
}
