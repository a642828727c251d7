// SPDX-License-Identifier: BSD-3-Clause
// Problem strings of the command line, as descriptors.
#include "bench/problem.h"

#include "bench/image.h"
#include "bench/problem_text.h"

#include <stdlib.h>

/// One of them; what its text does not name is that of the options.
static int parse(onefold_context *context, const bench_options *options,
                 const bench_argument *argument, bench_problem *made) {
  char sentence[512];
  onefold_conv2d_desc *d = &made->desc;
  int says = 0;
  if (onefold_bench_problem_text(context, argument->text, d, &says, sentence, sizeof sentence))
    return onefold_bench_argument_wrong(options, argument, "%s", sentence);
  if (d->residual || d->has_residual_scale || d->has_channel_scale)
    return onefold_bench_argument_wrong(options, argument,
                                        "residuals and scales are not timed, but onefold tune "
                                        "takes them");
  const onefold_layout in = onefold_bench_in_layout(options, d->in_channels);
  const onefold_layout out = onefold_bench_out_layout(options);
  if (!(says & BENCH_SAYS_LAYOUT)) {
    d->in_layout = in;
    d->out_layout = out;
    says |= options->has_layout ? BENCH_SAYS_LAYOUT : 0;
  } else if (!options->has_layout && d->in_layout == in && d->out_layout == out) {
    says &= ~BENCH_SAYS_LAYOUT; // as where nothing is said
  }
  if (!(says & BENCH_SAYS_ACTIVATION) && options->has_activation) {
    d->activation = options->activation;
    says |= BENCH_SAYS_ACTIVATION;
  }
  onefold_bench_problem_print(d, says, made->name, sizeof made->name);
  return ONEFOLD_EXIT_OK;
}

int onefold_bench_problems_parse(const bench_options *options, bench_problems *problems) {
  const size_t given = options->argument_count;
  *problems = (bench_problems){0};
  if (given == 0) {
    fprintf(stderr, "%s: no problem is given, such as mb1ic64ih56oc64kh3ph1\n", options->command);
    return ONEFOLD_EXIT_USAGE;
  }
  problems->items = calloc(given, sizeof *problems->items);
  onefold_context *context = NULL; // holds the sentences
  const onefold_context_options one = {.struct_size = sizeof one, .threads = 1};
  if (!problems->items || onefold_context_create(&one, &context) != ONEFOLD_OK) {
    fprintf(stderr, "%s: out of memory\n", options->command);
    onefold_bench_problems_free(problems);
    return ONEFOLD_EXIT_FAILURE;
  }
  int status = ONEFOLD_EXIT_OK;
  for (size_t i = 0; i < given && !status; i++) {
    status = parse(context, options, &options->arguments[i], &problems->items[problems->count++]);
  }
  onefold_context_destroy(context);
  if (status) onefold_bench_problems_free(problems);
  return status;
}

void onefold_bench_problems_free(bench_problems *problems) {
  free(problems->items);
  *problems = (bench_problems){0};
}
