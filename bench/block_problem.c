// SPDX-License-Identifier: BSD-3-Clause
// Blocks and their problems on the command line, as parameters.
#include "bench/block_problem.h"

#include <stdlib.h>
#include <string.h>

typedef struct parser {
  const bench_options *options;
  onefold_context *context; // holds the sentences
  bench_block_problems *problems;
} parser;

/// The name of the block that `text` is, or NULL.
static const char *known_block(const char *text) {
  const char *name;
  for (size_t i = 0; (name = onefold_block_name(i)); i++) {
    if (strcmp(name, text) == 0) return name;
  }
  return NULL;
}

static void print_blocks(const bench_options *options) {
  fprintf(stderr, "%s: the blocks are", options->command);
  const char *name;
  for (size_t i = 0; (name = onefold_block_name(i)); i++) fprintf(stderr, " %s", name);
  fputc('\n', stderr);
}

/// What the context says is wrong.
static int fail(const parser *p, const bench_argument *argument) {
  char sentence[512];
  onefold_context_last_error(p->context, sentence, sizeof sentence);
  return onefold_bench_argument_wrong(p->options, argument, "%s", sentence);
}

/// benchdnn's form says what the block's largest convolution is.
static int parse_convolution(const parser *p, const bench_argument *argument,
                             bench_block_problem *problem) {
  onefold_conv2d_desc d;
  onefold_conv2d_desc_init(&d);
  if (onefold_conv2d_desc_parse(p->context, argument->text, &d) != ONEFOLD_OK)
    return fail(p, argument);
  const int64_t pad = d.dilation_h * (d.kernel_h - 1) / 2;
  if (d.kernel_h != d.kernel_w || d.stride_h != d.stride_w || d.dilation_h != d.dilation_w ||
      d.kernel_h % 2 == 0 || d.pad_top != pad || d.pad_bottom != pad || d.pad_left != pad ||
      d.pad_right != pad) {
    return onefold_bench_argument_wrong(
        p->options, argument,
        "a block has a square odd kernel, one stride, one dilation and padding of "
        "dilation*(kernel-1)/2 = %lld",
        (long long)pad);
  }
  onefold_block_params *params = &problem->params;
  params->input = (onefold_shape){d.batch, d.in_channels, d.in_h, d.in_w};
  params->out_channels = d.out_channels;
  params->kernel = d.kernel_h;
  params->stride = d.stride_h;
  params->dilation = d.dilation_h;
  params->groups = d.groups;
  onefold_conv2d_desc_print(&d, problem->text, sizeof problem->text);
  return ONEFOLD_EXIT_OK;
}

/// "stride=2,groups=4": for the library, words are separated by spaces.
static int parse_parameters(const parser *p, const bench_argument *argument,
                            onefold_block_params *params) {
  char words[512];
  snprintf(words, sizeof words, "%s", argument->text);
  for (char *c = words; *c; c++) {
    if (*c == ',') *c = ' ';
  }
  if (onefold_block_params_set(p->context, params, words) == ONEFOLD_OK) return ONEFOLD_EXIT_OK;
  return fail(p, argument);
}

/// One block at one problem; NULL: where it is typically used.
static int add(const parser *p, const char *block, const bench_argument *argument) {
  bench_block_problem *problem = &p->problems->items[p->problems->count++];
  problem->block = block;
  const bench_argument typical = {.text = onefold_block_typical(block)};
  if (onefold_block_params_init(p->context, block, &problem->params) != ONEFOLD_OK) {
    fail(p, &(bench_argument){.text = block});
    return ONEFOLD_EXIT_FAILURE;
  }
  const int status = parse_parameters(p, &typical, &problem->params);
  if (status) return status;
  if (argument && !strchr(argument->text, '=')) return parse_convolution(p, argument, problem);
  snprintf(problem->text, sizeof problem->text, "%s", (argument ? argument : &typical)->text);
  for (char *c = problem->text; *c; c++) {
    if (*c == ' ') *c = ',';
  }
  return argument ? parse_parameters(p, argument, &problem->params) : ONEFOLD_EXIT_OK;
}

static int add_all(const parser *p, const char *block) {
  const size_t first = block ? 1 : 0, given = p->options->argument_count - first;
  int status = ONEFOLD_EXIT_OK;
  if (!block) block = "repvgg";
  if (given == 0) status = add(p, block, NULL);
  for (size_t i = 0; i < given && !status; i++) {
    status = add(p, block, &p->options->arguments[first + i]);
  }
  return status;
}

int onefold_bench_block_problems_parse(const bench_options *options,
                                       bench_block_problems *problems) {
  *problems = (bench_block_problems){0};
  parser p = {.options = options, .problems = problems};
  const char *word = options->argument_count ? options->arguments[0].text : "";
  const char *block = known_block(word);
  const int all = strcmp(word, "all") == 0;
  size_t blocks = 0;
  while (onefold_block_name(blocks)) blocks++;
  problems->items = calloc(options->argument_count + blocks + 1, sizeof *problems->items);
  const onefold_context_options one = {.struct_size = sizeof one, .threads = 1};
  if (!problems->items || onefold_context_create(&one, &p.context) != ONEFOLD_OK) {
    fprintf(stderr, "%s: out of memory\n", options->command);
    onefold_bench_block_problems_free(problems);
    return ONEFOLD_EXIT_FAILURE;
  }
  int status = ONEFOLD_EXIT_OK;
  if (all && options->argument_count > 1) {
    status = onefold_bench_argument_wrong(options, &options->arguments[1],
                                          "all blocks are measured where each is typically used");
  }
  for (size_t i = 0; i < blocks && all && !status; i++) {
    status = add(&p, onefold_block_name(i), NULL);
  }
  if (!all) status = add_all(&p, block);
  if (status == ONEFOLD_EXIT_USAGE && !block && !all) print_blocks(options);
  onefold_context_destroy(p.context);
  if (status) onefold_bench_block_problems_free(problems);
  return status;
}

void onefold_bench_block_problems_free(bench_block_problems *problems) {
  free(problems->items);
  *problems = (bench_block_problems){0};
}
