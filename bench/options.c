// SPDX-License-Identifier: BSD-3-Clause
// Options of the suites, by argp; Google Benchmark's own pass through.
#include "bench/options.h"

#include "bench/argument.h"
#include "bench/bench.h"
#include "bench/gbench.h"
#include "bench/tilings.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  OPT_ISA = 256,
  OPT_ACCURACY,
  OPT_FORM,
  OPT_COLD,
  OPT_JSON,
  OPT_LAYOUT,
  OPT_ACT,
  OPT_SEED,
  OPT_WEIGHTS,
  OPT_BATCH,
  OPT_PEERS,
  OPT_IMAGES,
  OPT_SIZE,
  OPT_LAYERS,
  OPT_REWRITES,
  OPT_NO_CHECK,
  OPT_RECORD,
  OPT_NO_RECORD,
  OPT_CACHE
};

/// An option of argp and the suites that take it (0: all).
typedef struct suite_option {
  struct argp_option option;
  int takes;
} suite_option;

static const suite_option suite_options[] = {
    {{"threads", 't', "N", 0,
      "Threads to run on (default 1); of all but bench main and accuracy also two numbers, as 1,2, "
      "that are compared",
      0},
     0},
    {{"isa", OPT_ISA, "LEVEL", 0, "Highest ISA level: ref, avx2, avx512 or neon", 0}, 0},
    {{"accuracy", OPT_ACCURACY, "CLASS", 0, "standard (default), strict or fast", 0}, 0},
    {{"cold-cache", OPT_COLD, "WHAT", 0,
      "What is out of the caches before each timed call: none (default), wei (weights), or all", 0},
     0},
    {{"json", OPT_JSON, "FILE", 0,
      "Write Google Benchmark's JSON to FILE, or to the standard output for -", 0},
     0},
    {{"form", OPT_FORM, "FORM", 0,
      "all (default: eager, branches, folded and generated), one of these, or one of the rewrites: "
      "unpaired, paired, siblings, unchained, unmoved, copied, unfused",
      0},
     BENCH_TAKES_FORMS},
    {{"layout", OPT_LAYOUT, "NAME", 0,
      "Layout at both ends: nchw, nhwc or blocked (default: blocked, and nchw for an input of "
      "at most 4 channels)",
      0},
     BENCH_TAKES_PROBLEMS | BENCH_TAKES_NETWORKS},
    {{"act", OPT_ACT, "NAME", 0, "Activation: none, relu, relu6, leaky_relu, silu, ...", 0},
     BENCH_TAKES_PROBLEMS | BENCH_TAKES_PAIRS},
    {{"batch", OPT_BATCH, "FILE", 0, "Also run the problems of FILE, one a line, # comments", 0},
     BENCH_TAKES_PROBLEMS | BENCH_TAKES_PAIRS},
    {{"peers", OPT_PEERS, "LIST", 0,
      "Compare with other libraries, such as onednn,xnnpack,ort,torch, in the same rounds", 0},
     BENCH_TAKES_PROBLEMS | BENCH_TAKES_NETWORKS | BENCH_TAKES_PAIRS},
    {{"batch", OPT_IMAGES, "N", 0, "Images at once (default 1)", 0}, BENCH_TAKES_NETWORKS},
    {{"size", OPT_SIZE, "HxW", 0, "Height and width of the image (default: the network's own)", 0},
     BENCH_TAKES_NETWORKS},
    {{"per-layer", OPT_LAYERS, NULL, 0,
      "Also each layer's share of the run, and each convolution alone with cold weights", 0},
     BENCH_TAKES_NETWORKS},
    {{"rewrites", OPT_REWRITES, NULL, 0,
      "Also the folded form with a rewrite of the graph left out or forced: unpaired, paired, "
      "siblings, unchained, unmoved, copied, unfused",
      0},
     BENCH_TAKES_FORMS},
    {{"cache", OPT_CACHE, "DIR", 0,
      "Also the start of the folded form from its file in DIR, which is made there first", 0},
     BENCH_TAKES_NETWORKS},
    {{"record", OPT_RECORD, "FILE", 0,
      "Plan by the tilings of this record (default: ONEFOLD_RECORD, else onefold/tilings.db in "
      "XDG_CACHE_HOME or ~/.cache)",
      0},
     0},
    {{"no-record", OPT_NO_RECORD, NULL, 0, "Plan by the default choice alone", 0}, 0},
    {{"no-check", OPT_NO_CHECK, NULL, 0, "Do not compare the results", 0}, 0},
    {{"seed", OPT_SEED, "N", 0, "Seed of the generated weights and inputs (default 1)", 0}, 0},
    {{"weights", OPT_WEIGHTS, "FILE", 0,
      "Read the weights from a safetensors file in the training form (stage1.0.rbr_dense...)", 0},
     BENCH_TAKES_WEIGHTS},
};
#define SUITE_OPTIONS (sizeof suite_options / sizeof suite_options[0])

static const char *const cold_names[] = {"none", "wei", "all"};

const char *onefold_bench_cold_name(bench_cold cold) {
  return cold_names[cold];
}

static const char *cold_name(int i) {
  return cold_names[i];
}
/// The forms' keys, and "all".
static const char *form_name(int i) {
  return i < BENCH_FORMS ? onefold_bench_form_key(i) : "all";
}

static void choose_forms(struct argp_state *state, bench_options *o, const char *text) {
  const int form = onefold_argument_word(state, "form", text, BENCH_FORMS + 1, form_name);
  for (int i = 0; i < BENCH_FORMS; i++)
    o->forms[i] = form == BENCH_FORMS ? !onefold_bench_forms[i].rewrite : i == form;
}

/// Names with commas between them; what is named again is taken once.
static void choose_peers(struct argp_state *state, bench_options *o, const char *text) {
  char name[32];
  for (const char *rest = text;; rest++) {
    const size_t length = strcspn(rest, ",");
    snprintf(name, sizeof name, "%.*s", (int)length, rest);
    const int peer =
        onefold_argument_word(state, "peers", name, BENCH_PEERS, onefold_bench_peer_name);
    int known = 0;
    for (int i = 0; i < o->peer_count; i++) known |= o->peers[i] == peer;
    if (!known) o->peers[o->peer_count++] = peer;
    rest += length;
    if (!*rest) return;
  }
}

static error_t parse_option(int key, char *text, struct argp_state *state) {
  bench_options *o = state->input;
  switch (key) {
  case 't':
    if (o->takes & BENCH_TAKES_FEWER) {
      onefold_argument_two(state, "threads", text, ONEFOLD_MAX_THREADS, &o->fewer, &o->threads);
    } else {
      o->threads = (int32_t)onefold_argument_number(state, "threads", text, 1, ONEFOLD_MAX_THREADS);
    }
    return 0;
  case OPT_ISA:
    o->has_isa = 1;
    o->isa = (onefold_isa)onefold_argument_isa(state, text);
    return 0;
  case OPT_ACCURACY:
    o->accuracy = (onefold_accuracy)onefold_argument_accuracy(state, text);
    return 0;
  case OPT_FORM:
    choose_forms(state, o, text);
    return 0;
  case OPT_COLD:
    o->cold = (bench_cold)onefold_argument_word(state, "cold-cache", text, 3, cold_name);
    return 0;
  case OPT_JSON:
    o->json = text;
    return 0;
  case OPT_LAYOUT:
    o->has_layout = 1;
    o->layout = (onefold_layout)onefold_argument_layout(state, text);
    return 0;
  case OPT_ACT:
    o->has_activation = 1;
    o->activation = (onefold_activation)onefold_argument_activation(state, text);
    return 0;
  case OPT_SEED:
    o->seed = onefold_argument_number(state, "seed", text, 0, UINT64_MAX);
    return 0;
  case OPT_WEIGHTS:
    o->weights = text;
    return 0;
  case OPT_BATCH:
    if (onefold_bench_batch_read(o, text))
      argp_failure(state, ONEFOLD_EXIT_FAILURE, errno, "%s", text);
    return 0;
  case OPT_IMAGES:
    o->images = (int64_t)onefold_argument_number(state, "batch", text, 1, INT32_MAX);
    return 0;
  case OPT_SIZE:
    onefold_argument_size(state, "size", text, &o->height, &o->width);
    return 0;
  case OPT_LAYERS:
    o->layers = 1;
    return 0;
  case OPT_REWRITES:
    o->rewrites = 1;
    return 0;
  case OPT_PEERS:
    choose_peers(state, o, text);
    return 0;
  case OPT_RECORD:
    o->record = onefold_bench_tilings_option(state, text);
    return 0;
  case OPT_NO_RECORD:
    o->record = "";
    return 0;
  case OPT_CACHE:
    o->cache = text;
    return 0;
  case OPT_NO_CHECK:
    o->check = 0;
    return 0;
  case ARGP_KEY_ARG:
    if (!(o->takes & (BENCH_TAKES_PROBLEMS | BENCH_TAKES_NETWORKS | BENCH_TAKES_PAIRS)))
      argp_error(state, "%s: no argument is expected", text);
    return onefold_bench_argument_add(o, (bench_argument){.text = text});
  case ARGP_KEY_END:
    for (int i = 0; i < BENCH_FORMS; i++)
      o->forms[i] |= o->rewrites && onefold_bench_forms[i].rewrite;
    return onefold_bench_batches_add(o);
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

int onefold_bench_options_parse(bench_options *options, int argc, char **argv, int takes,
                                const char *arguments, const char *doc) {
  *options =
      (bench_options){.command = argv[0], .takes = takes, .threads = 1, .seed = 1, .check = 1};
  for (int i = 0; i < BENCH_FORMS; i++) options->forms[i] = !onefold_bench_forms[i].rewrite;
  options->flags = calloc((size_t)argc, sizeof *options->flags);
  char **own = calloc((size_t)argc + 1, sizeof *own);
  struct argp_option *taken = calloc(SUITE_OPTIONS + 1, sizeof *taken);
  int status = ENOMEM;
  if (options->flags && own && taken) {
    int own_count = 0;
    for (int i = 0; i < argc; i++) {
      if (onefold_gbench_is_flag(argv[i])) {
        options->flags[options->flag_count++] = argv[i];
      } else {
        own[own_count++] = argv[i];
      }
    }
    size_t n = 0;
    for (size_t i = 0; i < SUITE_OPTIONS; i++) {
      if (!suite_options[i].takes || (suite_options[i].takes & takes)) {
        taken[n++] = suite_options[i].option;
      }
    }
    const struct argp argp = {taken, parse_option, arguments, doc, NULL, NULL, NULL};
    status = argp_parse(&argp, own_count, own, 0, NULL, options);
  }
  free(taken);
  free(own);
  if (!status) return ONEFOLD_EXIT_OK;
  fprintf(stderr, "%s: %s\n", options->command, strerror(status));
  onefold_bench_options_free(options);
  return ONEFOLD_EXIT_FAILURE;
}

void onefold_bench_options_free(bench_options *options) {
  free(options->arguments);
  free(options->flags);
  for (size_t i = 0; i < options->batch_count; i++) free(options->batches[i].text);
  free(options->batches);
}
