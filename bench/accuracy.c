// SPDX-License-Identifier: BSD-3-Clause
// onefold bench accuracy: the errors of each algorithm for 3x3 layers, against sums in double.
#include "bench/accuracy_case.h"
#include "bench/argument.h"
#include "bench/bench.h"

#include <onefold/onefold.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
  const char *name;
  int stride;
} algorithms[] = {{"direct", 1},    {"winograd2", 1},  {"winograd4", 1},
                  {"winograd6", 1}, {"polyphase3", 2}, {"polyphase5", 2}};
static const int channels[] = {16, 32, 64, 128, 256, 512};
enum {
  ALGORITHMS = sizeof algorithms / sizeof algorithms[0],
  COUNTS = sizeof channels / sizeof channels[0],
  OUT_CHANNELS = 32
};

typedef struct accuracy_options {
  const char *json; // path or NULL
  int has_isa;
  onefold_isa isa;
  uint64_t seed;
} accuracy_options;

enum { OPT_ISA = 256, OPT_SEED, OPT_JSON };

static const struct argp_option argp_options[] = {
    {"isa", OPT_ISA, "LEVEL", 0, "ISA level: ref, avx2, avx512 or neon (default: the best)", 0},
    {"seed", OPT_SEED, "N", 0, "Seed of the values (default 1)", 0},
    {"json", OPT_JSON, "FILE", 0, "Write the errors to FILE, as the other suites' JSON has rows",
     0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_option(int key, char *text, struct argp_state *state) {
  accuracy_options *o = state->input;
  switch (key) {
  case OPT_ISA:
    o->has_isa = 1;
    o->isa = (onefold_isa)onefold_argument_isa(state, text);
    return 0;
  case OPT_SEED:
    o->seed = onefold_argument_number(state, "seed", text, 0, UINT64_MAX);
    return 0;
  case OPT_JSON:
    o->json = text;
    return 0;
  case ARGP_KEY_ARG:
    argp_error(state, "%s: no argument is expected", text);
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

static int give_algorithm(void *user, const struct onefold_conv2d_desc *desc,
                          onefold_tiling *tiling) {
  (void)desc;
  memset(tiling, 0, sizeof *tiling);
  snprintf(tiling->algorithm, sizeof tiling->algorithm, "%s", *(const char *const *)user);
  return 1;
}

typedef bench_accuracy error_table[COUNTS][ALGORITHMS];

/// A line of the table for each number of channels: relative errors, then largest ones.
static onefold_status print_table(onefold_context *context, const char **algorithm, uint64_t seed,
                                  error_table table) {
  onefold_status status = ONEFOLD_OK;
  printf("%-8s", "channels");
  for (int k = 0; k < ALGORITHMS; k++) printf(" %20s", algorithms[k].name);
  printf("\n");
  for (int i = 0; i < COUNTS && status == ONEFOLD_OK; i++) {
    bench_accuracy_case cases[2]; // by stride
    int made = 1;
    for (int s = 0; s < 2; s++) {
      made &= onefold_bench_accuracy_make(&cases[s], channels[i], OUT_CHANNELS, 3, 1 + s, seed);
    }
    if (!made) status = ONEFOLD_OUT_OF_MEMORY;
    printf("%-8d", channels[i]);
    for (int k = 0; k < ALGORITHMS && status == ONEFOLD_OK; k++) {
      bench_accuracy *errors = &table[i][k];
      *algorithm = algorithms[k].name;
      status = onefold_bench_accuracy_run(context, &cases[algorithms[k].stride - 1], errors);
      if (status == ONEFOLD_OK) printf("    %8.2e %8.2e", errors->relative, errors->largest);
    }
    printf("\n");
    for (int s = 0; s < 2; s++) onefold_bench_accuracy_free(&cases[s]);
  }
  return status;
}

/// Rows without times, named accuracy/conv3x3sSTRIDE/ALGORITHM/ic:CHANNELS. Zero, or errno is set.
static int write_json(const char *path, const onefold_context *context, error_table table) {
  FILE *out = fopen(path, "w");
  if (!out) return -1;
  fprintf(
      out,
      "{\n  \"context\": {\n    \"onefold_version\": \"%s\",\n    \"onefold_isa\": \"%s\"\n  },\n"
      "  \"benchmarks\": [",
      onefold_version(), onefold_isa_name(onefold_context_isa(context)));
  const char *separator = "\n";
  for (int i = 0; i < COUNTS; i++) {
    for (int k = 0; k < ALGORITHMS; k++) {
      fprintf(out,
              "%s    {\"name\": \"accuracy/conv3x3s%d/%s/ic:%d\", \"run_type\": \"iteration\", "
              "\"relative_error\": %.6e, \"largest_error\": %.6e}",
              separator, algorithms[k].stride, algorithms[k].name, channels[i],
              table[i][k].relative, table[i][k].largest);
      separator = ",\n";
    }
  }
  fputs("\n  ]\n}\n", out);
  const int failed = ferror(out);
  return fclose(out) || failed ? -1 : 0;
}

int onefold_bench_accuracy(int argc, char **argv) {
  static const struct argp argp = {
      argp_options,
      parse_option,
      NULL,
      "Prints the errors of 3x3 layers by each algorithm, against sums in double."
      "\vOf each algorithm the relative error of all values (L2), and the largest error relative "
      "to the largest value; for inputs as a ReLU leaves them and weights of mean 0.",
      NULL,
      NULL,
      NULL};
  accuracy_options o = {.seed = 1};
  if (argp_parse(&argp, argc, argv, 0, NULL, &o)) return ONEFOLD_EXIT_FAILURE;
  const char *algorithm = NULL;
  error_table table = {{{0}}};
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = 1,
                                           .has_max_isa = o.has_isa,
                                           .max_isa = o.isa,
                                           .accuracy = ONEFOLD_ACCURACY_FAST,
                                           .tiling = give_algorithm,
                                           .tiling_user = &algorithm};
  onefold_context *context = NULL;
  onefold_status status = onefold_context_create(&options, &context);
  if (status == ONEFOLD_OK && o.has_isa && onefold_context_isa(context) != o.isa) {
    fprintf(stderr, "%s: --isa=%s does not run on this machine\n", argv[0],
            onefold_isa_name(o.isa));
    onefold_context_destroy(context);
    return ONEFOLD_EXIT_FAILURE;
  }
  if (status == ONEFOLD_OK) {
    printf("3x3, 28x28 pixels, %s: relative L2 error, largest error of the largest value\n",
           onefold_isa_name(onefold_context_isa(context)));
    status = print_table(context, &algorithm, o.seed, table);
  }
  const int unwritten =
      status == ONEFOLD_OK && o.json && write_json(o.json, context, table) ? errno : 0;
  onefold_context_destroy(context);
  if (unwritten) {
    fprintf(stderr, "%s: %s: %s\n", argv[0], o.json, strerror(unwritten));
    return ONEFOLD_EXIT_FAILURE;
  }
  if (status == ONEFOLD_OK) return ONEFOLD_EXIT_OK;
  fprintf(stderr, "%s: %s\n", argv[0], onefold_status_name(status));
  return ONEFOLD_EXIT_FAILURE;
}
