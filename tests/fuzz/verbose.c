// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: a line of a log of plans. What is read is a problem that can be planned for as many
// threads, at that level and in that class, and its own line reads back as the same.
#include "tests/fuzz/fuzz.h"

#include <onefold/record.h>

#include <stdlib.h>
#include <string.h>

/// Reads the line that this context writes of the problem.
static void read_back(onefold_context *context, const onefold_conv2d_desc *desc,
                      const onefold_record_key *key) {
  char problem[512], line[2048];
  const onefold_tiling tiling = {.source = "default"};
  onefold_conv2d_desc again, plain;
  onefold_record_key other;
  onefold_isa isa;
  // A key has room for no longer one.
  if (onefold_conv2d_desc_print(desc, problem, sizeof problem) >= sizeof key->problem) return;
  FUZZ_EXPECT(onefold_verbose_print(context, desc, &tiling, line, sizeof line) == strlen(line));
  FUZZ_OK(context, onefold_verbose_parse_key(context, line, &again, &other, &isa));
  FUZZ_OK(context, onefold_verbose_parse(context, line, &plain));
  FUZZ_EXPECT(again.in_layout == plain.in_layout && again.activation == plain.activation);
  FUZZ_EXPECT(strcmp(other.problem, problem) == 0);
  FUZZ_EXPECT(strcmp(other.layouts, key->layouts) == 0);
  FUZZ_EXPECT(strcmp(other.epilogue, key->epilogue) == 0);
  FUZZ_EXPECT(other.threads == onefold_context_threads(context));
  FUZZ_EXPECT(other.accuracy == onefold_context_accuracy(context));
  FUZZ_EXPECT(isa == onefold_context_isa(context));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  onefold_context *context = fuzz_text_context(bytes, size);
  char *text = fuzz_text(bytes, size);

  onefold_conv2d_desc desc;
  onefold_record_key key;
  onefold_isa isa;
  const onefold_status status = onefold_verbose_parse_key(context, text, &desc, &key, &isa);
  free(text);
  FUZZ_EXPECT(status == ONEFOLD_OK || status == ONEFOLD_NOT_FOUND || status == ONEFOLD_FORMAT ||
              status == ONEFOLD_SHAPE_MISMATCH || status == ONEFOLD_OVERFLOW);
  if (status == ONEFOLD_OK) {
    onefold_shape out;
    FUZZ_OK(context, onefold_conv2d_output_shape(context, &desc, &out));
    FUZZ_EXPECT(key.threads >= 1 && key.machine[0] == '\0' && key.situation == ONEFOLD_WARM);
    FUZZ_EXPECT((unsigned)key.accuracy <= ONEFOLD_ACCURACY_FAST);
    FUZZ_EXPECT((unsigned)isa < ONEFOLD_ISA_COUNT);
    read_back(context, &desc, &key);
  }
  fuzz_expect_released();
  return 0;
}
