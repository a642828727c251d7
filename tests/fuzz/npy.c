// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: the .npy reader. What is read fills the file to its last byte, and its header,
// written again, reads as the same shape.
#include "models/npy.h"

#include "models/dtype.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

static void expect_same_header(onefold_context *context, const onefold_npy *npy) {
  char header[ONEFOLD_NPY_HEADER];
  const size_t length = onefold_npy_header(npy->dims, npy->rank, header);
  FUZZ_EXPECT(length <= sizeof header && length % 64 == 0);
  const size_t data = npy->count * sizeof(float);
  unsigned char *bytes = malloc(length + data);
  FUZZ_EXPECT(bytes);
  memcpy(bytes, header, length);
  if (data) memcpy(bytes + length, npy->data, data);
  onefold_npy again;
  FUZZ_OK(context, onefold_npy_parse(context, "again", bytes, length + data, &again));
  FUZZ_EXPECT(again.rank == npy->rank && again.count == npy->count);
  FUZZ_EXPECT(memcmp(again.dims, npy->dims, sizeof again.dims) == 0);
  FUZZ_EXPECT(again.data == bytes + length);
  free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  onefold_context *context = fuzz_context(0, 1 << 20, 0);
  onefold_npy npy;
  const onefold_status status = onefold_npy_parse(context, "input", bytes, size, &npy);
  if (status != ONEFOLD_OK) {
    FUZZ_EXPECT(status == ONEFOLD_FORMAT || status == ONEFOLD_UNSUPPORTED);
    fuzz_expect_released();
    return 0;
  }
  FUZZ_EXPECT(npy.data + npy.count * sizeof(float) == bytes + size);
  float *values = malloc(npy.count * sizeof *values + 1);
  FUZZ_EXPECT(values);
  onefold_dtype_find("F32")->convert(npy.data, npy.count, values);
  free(values);
  expect_same_header(context, &npy);
  fuzz_expect_released();
  return 0;
}
