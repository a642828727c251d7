// SPDX-License-Identifier: BSD-3-Clause
// Problem strings of the command line, as descriptors.
#include "bench/problem.h"

#include <stdlib.h>

int onefold_bench_problem_parse(onefold_context *context, const bench_options *options,
                                const char *text, onefold_conv2d_desc *desc) {
  onefold_conv2d_desc_init(desc);
  const onefold_status status = onefold_conv2d_desc_parse(context, text, desc);
  if (status == ONEFOLD_OK) return ONEFOLD_EXIT_OK;
  char sentence[512];
  onefold_context_last_error(context, sentence, sizeof sentence);
  fprintf(stderr, "%s: %s: %s\n", options->command, text, sentence);
  return ONEFOLD_EXIT_USAGE;
}

int onefold_bench_problems_parse(const bench_options *options, bench_problems *problems) {
  const size_t given = options->argument_count;
  *problems = (bench_problems){0};
  if (given == 0) {
    fprintf(stderr, "%s: no problem is given, such as mb1ic64ih56oc64kh3ph1\n", options->command);
    return ONEFOLD_EXIT_USAGE;
  }
  problems->descs = calloc(given, sizeof *problems->descs);
  onefold_context *context = NULL; // holds the sentences
  const onefold_context_options one = {.struct_size = sizeof one, .threads = 1};
  if (!problems->descs || onefold_context_create(&one, &context) != ONEFOLD_OK) {
    fprintf(stderr, "%s: out of memory\n", options->command);
    onefold_bench_problems_free(problems);
    return ONEFOLD_EXIT_FAILURE;
  }
  int status = ONEFOLD_EXIT_OK;
  for (size_t i = 0; i < given && !status; i++) {
    status = onefold_bench_problem_parse(context, options, options->arguments[i],
                                         &problems->descs[problems->count++]);
  }
  onefold_context_destroy(context);
  if (status) onefold_bench_problems_free(problems);
  return status;
}

void onefold_bench_problems_free(bench_problems *problems) {
  free(problems->descs);
  *problems = (bench_problems){0};
}
