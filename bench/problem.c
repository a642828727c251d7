// SPDX-License-Identifier: BSD-3-Clause
// Problem strings of the command line, as descriptors.
#include "bench/problem.h"

#include "bench/image.h"
#include "bench/problem_text.h"

#include <stdlib.h>

/// One of them; what its text does not name is that of the options.
static int parse(onefold_context *context, const bench_options *options,
                 const bench_argument *argument, void *item) {
  bench_problem *made = item;
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
  void *items = NULL;
  const int status =
      onefold_bench_arguments_parse(options, "problem", "mb1ic64ih56oc64kh3ph1",
                                    sizeof(bench_problem), parse, &items, &problems->count);
  problems->items = items;
  return status;
}

void onefold_bench_problems_free(bench_problems *problems) {
  free(problems->items);
  *problems = (bench_problems){0};
}
