// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: the safetensors reader, from a file in memory by the public functions: every tensor
// that the file names can be found, and is read or refused.
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct visit {
  onefold_context *context;
  const onefold_weights *weights;
  size_t size; // of the file
} visit;

static void read_tensor(void *user, const char *name, const char *dtype, const int64_t *dims,
                        int32_t rank) {
  const visit *v = user;
  int64_t found[8];
  int32_t found_rank = -1;
  FUZZ_EXPECT(*name && dtype);
  FUZZ_OK(v->context, onefold_weights_shape(v->weights, name, found, &found_rank));
  FUZZ_EXPECT(found_rank == rank && rank >= 0 && rank <= 8);
  FUZZ_EXPECT(memcmp(found, dims, (size_t)rank * sizeof *dims) == 0);
  // An element of a type that can be read takes two bytes of the file or more; the number of
  // elements of other types is not bounded by it.
  size_t count = 1;
  for (int32_t i = 0; i < rank; i++)
    if (__builtin_mul_overflow(count, (size_t)dims[i], &count)) return;
  if (count > v->size) return;
  float *values = malloc(count * sizeof *values + 1);
  FUZZ_EXPECT(values);
  const onefold_status status = onefold_weights_read(v->weights, name, dims, rank, values);
  FUZZ_EXPECT(status == ONEFOLD_OK || status == ONEFOLD_UNSUPPORTED ||
              status == ONEFOLD_INVALID_ARGUMENT);
  free(values);
  const int64_t wrong[] = {-1, 1, 3};
  FUZZ_EXPECT(onefold_weights_read(v->weights, name, wrong, 3, NULL) != ONEFOLD_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  onefold_context *context = fuzz_context(0, (64 << 10) + 64 * size, 0);
  const int file = memfd_create("input", MFD_CLOEXEC);
  FUZZ_EXPECT(file >= 0 && write(file, bytes, size) == (ssize_t)size);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", file);
  onefold_weights *weights = NULL;
  const onefold_status status = onefold_weights_open(context, path, &weights);
  if (status == ONEFOLD_OK) {
    visit v = {context, weights, size};
    onefold_weights_visit(weights, read_tensor, &v);
    onefold_weights_metadata(weights, "format");
    int64_t dims[8];
    int32_t rank;
    onefold_weights_shape(weights, "no such tensor", dims, &rank);
  } else {
    FUZZ_EXPECT(!weights && (status == ONEFOLD_FORMAT || status == ONEFOLD_UNSUPPORTED));
  }
  onefold_weights_close(weights);
  close(file);
  fuzz_expect_released();
  return 0;
}
