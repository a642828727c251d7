// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: a pair of problems on the command line. What is taken is a depthwise and a pointwise
// convolution that fit each other, and its text is taken again as the same.
#include "bench/pair_problem.h"

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Mistakes are sentences, of which a fuzzer would write millions.
static int parse(const char *text, bench_pair_problems *pairs) {
  bench_options options = {.command = "fuzz", .argument_count = 1};
  bench_argument arguments[] = {{.text = text}};
  static FILE *nowhere;
  FILE *const usual = stderr;
  options.arguments = arguments;
  if (!nowhere) nowhere = fopen("/dev/null", "we");
  FUZZ_EXPECT(nowhere);
  stderr = nowhere;
  const int status = onefold_bench_pair_problems_parse(&options, pairs);
  stderr = usual;
  return status;
}

static int is_depthwise(const onefold_conv2d_desc *d) {
  return d->groups == d->in_channels && d->groups == d->out_channels;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  char *text = fuzz_text(bytes, size);
  bench_pair_problems once, twice;
  const int status = parse(text, &once);
  free(text);
  FUZZ_EXPECT(status == ONEFOLD_EXIT_OK || status == ONEFOLD_EXIT_USAGE);
  if (status == ONEFOLD_EXIT_OK) {
    bench_pair_problem *pair = &once.items[0];
    FUZZ_EXPECT(once.count == 1);
    FUZZ_EXPECT(is_depthwise(&pair->descs[0]) || is_depthwise(&pair->descs[1]));
    // Sizes of many digits are cut in the text.
    char first[512], second[512];
    const size_t lengths[] = {onefold_conv2d_desc_print(&pair->descs[0], first, sizeof first),
                              onefold_conv2d_desc_print(&pair->descs[1], second, sizeof second)};
    if (lengths[0] < 160 && lengths[1] < 160) {
      FUZZ_EXPECT(strstr(pair->text, first) && strstr(pair->text, second));
      FUZZ_EXPECT(parse(pair->text, &twice) == ONEFOLD_EXIT_OK);
      FUZZ_EXPECT(strcmp(twice.items[0].text, pair->text) == 0);
      onefold_bench_pair_problems_free(&twice);
    }
    onefold_bench_pair_problems_free(&once);
  }
  return 0;
}
