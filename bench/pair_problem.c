// SPDX-License-Identifier: BSD-3-Clause
// Pairs on the command line, as descriptors.
#include "bench/pair_problem.h"

#include <stdlib.h>
#include <string.h>

#define EXAMPLE "g96ic96ih56oc96kh3ph1:relu6+ic96ih56oc24kh1"

static int find_activation(const char *name, onefold_activation *found) {
  for (int i = 0; i < ONEFOLD_ACT_COUNT; i++) {
    if (strcmp(name, onefold_activation_name((onefold_activation)i)) != 0) continue;
    *found = (onefold_activation)i;
    return 1;
  }
  return 0;
}

/// "PROBLEM[:ACTIVATION]"; without one, the activation of the options.
static int parse_half(onefold_context *context, const bench_options *options,
                      const bench_argument *argument, char *text, onefold_conv2d_desc *desc) {
  char sentence[512];
  char *colon = strchr(text, ':');
  if (colon) *colon = '\0';
  if (onefold_conv2d_desc_parse(context, text, desc) != ONEFOLD_OK) {
    onefold_context_last_error(context, sentence, sizeof sentence);
    return onefold_bench_argument_wrong(options, argument, "%s", sentence);
  }
  if (options->has_activation) desc->activation = options->activation;
  if (colon && !find_activation(colon + 1, &desc->activation))
    return onefold_bench_argument_wrong(options, argument, "%s is no activation, such as relu6",
                                        colon + 1);
  return ONEFOLD_EXIT_OK;
}

static int is_depthwise(const onefold_conv2d_desc *d) {
  return d->groups == d->in_channels && d->groups == d->out_channels;
}

static int is_pointwise(const onefold_conv2d_desc *d) {
  return d->groups == 1 && d->kernel_h == 1 && d->kernel_w == 1 && d->stride_h == 1 &&
         d->stride_w == 1 && !d->pad_top && !d->pad_bottom && !d->pad_left && !d->pad_right;
}

/// The sentence that refuses the pair, or NULL.
static const char *refuse(onefold_context *context, const onefold_conv2d_desc *descs) {
  const onefold_conv2d_desc *a = &descs[0], *b = &descs[1];
  onefold_shape out = {0};
  if (!(is_depthwise(a) && is_pointwise(b)) && !(is_pointwise(a) && is_depthwise(b)))
    return "it is not a depthwise and a pointwise convolution";
  if (onefold_conv2d_output_shape(context, a, &out) != ONEFOLD_OK || out.n != b->batch ||
      out.c != b->in_channels || out.h != b->in_h || out.w != b->in_w)
    return "the second does not read the shape that the first gives";
  return NULL;
}

static void print(bench_pair_problem *made) {
  size_t used = 0;
  for (int i = 0; i < 2; i++) {
    const onefold_activation act = made->descs[i].activation;
    char problem[160];
    onefold_conv2d_desc_print(&made->descs[i], problem, sizeof problem);
    used += (size_t)snprintf(made->text + used, sizeof made->text - used, "%s%s%s%s", i ? "+" : "",
                             problem, act ? ":" : "", act ? onefold_activation_name(act) : "");
  }
}

static int parse(onefold_context *context, const bench_options *options,
                 const bench_argument *argument, void *item) {
  bench_pair_problem *made = item;
  char *first = strdup(argument->text), *plus = first ? strchr(first, '+') : NULL;
  int status = ONEFOLD_EXIT_OK;
  if (!first) {
    status = onefold_bench_argument_wrong(options, argument, "out of memory");
  } else if (!plus) {
    status = onefold_bench_argument_wrong(
        options, argument, "a pair is two problems with + between, such as " EXAMPLE);
  } else {
    *plus = '\0';
    status = parse_half(context, options, argument, first, &made->descs[0]);
    if (!status) status = parse_half(context, options, argument, plus + 1, &made->descs[1]);
  }
  free(first);
  if (status) return status;
  print(made);
  const char *reason = refuse(context, made->descs);
  return reason ? onefold_bench_argument_wrong(options, argument, "%s", reason) : ONEFOLD_EXIT_OK;
}

int onefold_bench_pair_problems_parse(const bench_options *options, bench_pair_problems *problems) {
  void *items = NULL;
  const int status = onefold_bench_arguments_parse(
      options, "pair", EXAMPLE, sizeof(bench_pair_problem), parse, &items, &problems->count);
  problems->items = items;
  return status;
}

void onefold_bench_pair_problems_free(bench_pair_problems *problems) {
  free(problems->items);
  *problems = (bench_pair_problems){0};
}
