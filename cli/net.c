// SPDX-License-Identifier: BSD-3-Clause
// onefold net: the networks that there are, and the layers of one with how each is run.
#include "cli/net.h"

#include "bench/cached.h"
#include "cli/commands.h"

#include <stdio.h>
#include <string.h>

typedef struct net_options {
  cli_net net;
  const char *weights, *cache, *record; // record NULL: the default
  onefold_shape input;                  // 0: the network's own
  int32_t threads;
  int has_isa, json;
  onefold_isa isa;
  uint64_t seed;
} net_options;

enum { OPT_FORM = 256, OPT_ISA, OPT_ACCURACY, OPT_SEED, OPT_BATCH, OPT_SIZE, OPT_CACHE };

static const struct argp_option argp_options[] = {
    {"form", OPT_FORM, "FORM", 0, ONEFOLD_CLI_FORMS, 0},
    {"size", OPT_SIZE, "HxW", 0, "Height and width of the image (default: the network's own)", 0},
    {"batch", OPT_BATCH, "N", 0, "Images at once (default 1)", 0},
    {"threads", 't', "N", 0, "Threads to plan for (default: the usable cores)", 0},
    {"isa", OPT_ISA, "LEVEL", 0, "ISA level: ref, avx2, avx512 or neon (default: the best)", 0},
    {"accuracy", OPT_ACCURACY, "CLASS", 0, "standard (default), strict or fast", 0},
    {"weights", 'w', "FILE", 0,
     "A safetensors file in the training form (default: generated weights)", 0},
    {"seed", OPT_SEED, "N", 0, "Seed of generated weights (default 1)", 0},
    {"cache", OPT_CACHE, "DIR", 0,
     "Also pack the weights and keep them in a file of DIR, for onefold run --cache=DIR", 0},
    {"json", 'j', NULL, 0, "As JSON", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *text, struct argp_state *state) {
  net_options *o = state->input;
  switch (key) {
  case ARGP_KEY_INIT:
    state->child_inputs[0] = &o->record;
    return 0;
  case OPT_FORM:
    o->net.form = onefold_cli_form(state, text);
    return 0;
  case OPT_SIZE:
    onefold_argument_size(state, "size", text, &o->input.h, &o->input.w);
    return 0;
  case OPT_BATCH:
    o->input.n = (int64_t)onefold_argument_number(state, "batch", text, 1, INT32_MAX);
    return 0;
  case 't':
    o->threads = (int32_t)onefold_argument_number(state, "threads", text, 1, ONEFOLD_MAX_THREADS);
    return 0;
  case OPT_ISA:
    o->has_isa = 1;
    o->isa = (onefold_isa)onefold_argument_isa(state, text);
    return 0;
  case OPT_ACCURACY:
    o->net.accuracy = (onefold_accuracy)onefold_argument_accuracy(state, text);
    return 0;
  case 'w':
    o->weights = text;
    return 0;
  case OPT_SEED:
    o->seed = onefold_argument_number(state, "seed", text, 0, UINT64_MAX);
    return 0;
  case OPT_CACHE:
    o->cache = text;
    return 0;
  case 'j':
    o->json = 1;
    return 0;
  case ARGP_KEY_ARG:
    if (o->net.name) argp_error(state, "%s: one network is expected", text);
    o->net.name = text;
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/// Without a name: the networks that there are.
static int list(void) {
  const char *name;
  for (size_t i = 0; (name = onefold_network_name(i)); i++)
    printf("%-22s  %s\n", name, onefold_network_summary(name));
  return ONEFOLD_EXIT_OK;
}

/// Builds, folds and plans.
static onefold_status prepare(const net_options *o, cli_net *net) {
  onefold_weights *weights = NULL;
  onefold_status status = o->weights ? onefold_weights_open(net->context, o->weights, &weights)
                                     : onefold_weights_seeded(net->context, o->seed, &weights);
  if (status == ONEFOLD_OK)
    status = onefold_network_build(net->context, net->name, o->input, weights, &net->built);
  onefold_weights_close(weights);
  if (status == ONEFOLD_OK)
    status = onefold_bench_form_fold(net->context, net->built, net->form, NULL, NULL, &net->folded);
  const onefold_exec_options options =
      onefold_bench_form_options(net->form, ONEFOLD_NCHW, ONEFOLD_NCHW);
  if (status == ONEFOLD_OK)
    status = onefold_exec_create(net->context, net->folded ? net->folded : net->built, &options,
                                 &net->exec);
  return status;
}

/// Leaves the network's file in the cache, if it is not there.
static onefold_status fill_cache(const net_options *o, const cli_net *net) {
  bench_source source = {.network = net->name,
                         .input =
                             onefold_graph_shape(net->built, onefold_graph_input_at(net->built, 0)),
                         .form = net->form,
                         .weights = o->weights,
                         .seed = o->seed};
  const onefold_exec_options options =
      onefold_bench_form_options(net->form, ONEFOLD_NCHW, ONEFOLD_NCHW);
  const onefold_cache_options cache = onefold_bench_cache(o->cache, net->command);
  char content[BENCH_CONTENT];
  onefold_exec *exec = NULL;
  onefold_status status = onefold_bench_source_content(net->context, &source, content);
  if (status == ONEFOLD_OK)
    status = onefold_exec_cached(net->context, &cache, content, onefold_bench_source_make, &source,
                                 &options, &exec);
  onefold_exec_destroy(exec);
  return status;
}

static int show(const net_options *o) {
  cli_net net = o->net;
  int code =
      onefold_cli_tuned_context(net.command, o->threads, o->has_isa ? &o->isa : NULL, net.accuracy,
                                o->record, ONEFOLD_IN_PLACE, &net.context, &net.tilings);
  if (!code) {
    onefold_status status = prepare(o, &net);
    if (status == ONEFOLD_OK && o->cache) status = fill_cache(o, &net);
    if (status != ONEFOLD_OK) code = (int)onefold_cli_fail(net.command, net.context, status);
    if (status == ONEFOLD_NOT_FOUND && !onefold_network_summary(net.name))
      code = ONEFOLD_EXIT_USAGE;
  }
  if (!code) code = (o->json ? onefold_cli_net_print_json : onefold_cli_net_print)(&net);
  onefold_exec_destroy(net.exec);
  onefold_graph_destroy(net.folded);
  onefold_graph_destroy(net.built);
  onefold_context_destroy(net.context);
  onefold_bench_tilings_free(&net.tilings);
  return code;
}

int onefold_cli_net(int argc, char **argv) {
  static const struct argp_child children[] = {{&onefold_cli_record_argp, 0, NULL, 0}, {0}};
  static const struct argp argp = {
      argp_options,
      parse_option,
      "[NAME]",
      "Prints the layers of a network with their shapes, multiply-adds and bytes, the algorithm "
      "and tiling chosen for each and where the choice came from, and totals. Nothing is run. "
      "Without NAME, lists the networks."
      "\vBytes are of the packed weights, and of the tensors that a layer reads and writes. The "
      "JSON is an object with the network's totals and \"steps\", an array in the order of a "
      "run.\n\n"
      "Exit codes: 0 done; 1 it could not be done; 2 a bad option or value.",
      children,
      NULL,
      NULL};
  net_options o = {.net = {.command = argv[0], .form = BENCH_FOLDED}, .seed = 1};
  if (argp_parse(&argp, argc, argv, 0, NULL, &o)) return ONEFOLD_EXIT_FAILURE;
  return o.net.name ? show(&o) : list();
}
