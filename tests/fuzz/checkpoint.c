// SPDX-License-Identifier: BSD-3-Clause
// Fuzz target: recognising and folding the blocks of a checkpoint. After a byte of options, each
// line "name type 4x4x3x3" becomes a tensor of a safetensors file in memory.
#include "tests/fuzz/fuzz.h"
#include "tests/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_TENSORS = 120, MAX_ELEMENTS = 20000, MAX_HEADER = 1 << 16, MAX_DATA = 1 << 20 };

typedef struct file {
  char header[MAX_HEADER];
  unsigned char data[MAX_DATA];
  size_t header_length, data_length, tensors;
  test_rng rng;
  int strange; // variances may be negative, and numbers not finite
} file;

/// Appends a tensor of a line, where it is one.
static void add_line(file *f, const char *line) {
  static const struct {
    const char *name;
    size_t bytes;
  } types[] = {{"F32", 4}, {"F64", 8}, {"F16", 2}, {"BF16", 2}, {"I64", 8}};
  char name[96], type[8], shape[96] = "";
  int64_t dims[8] = {0};
  int rank = 0;
  size_t count = 1;
  if (f->tensors == MAX_TENSORS ||
      sscanf(line, "%95[0-9A-Za-z_.-] %7s %95[0-9x]", name, type, shape) < 2 ||
      strcmp(name, "__metadata__") == 0) // is no tensor
    return;
  for (const char *s = shape; *s && rank < 8; rank++) {
    dims[rank] = (int64_t)strtoull(s, (char **)&s, 10) & 4095;
    count *= (size_t)dims[rank];
    if (count > MAX_ELEMENTS) return;
    while (*s == 'x') s++;
  }
  size_t kind = 0;
  while (kind < 4 && strcmp(types[kind].name, type) != 0) kind++;
  const size_t bytes = count * types[kind].bytes, begin = f->data_length;
  if (bytes > MAX_DATA - f->data_length || f->header_length + 512 > MAX_HEADER) return;
  for (size_t i = 0; kind == 0 && i < count; i++) {
    // Positive: every tensor may serve as a variance.
    float value = test_uniform(&f->rng, f->strange ? -0.5f : 0.5f, 1.5f);
    if (f->strange && test_once_in(&f->rng, 100)) value = 1e30f * value * 1e30f;
    memcpy(f->data + begin + 4 * i, &value, sizeof value);
  }
  if (kind > 0 && bytes) memset(f->data + begin, 0x3c, bytes);
  char list[256] = "";
  size_t used = 0;
  for (int i = 0; i < rank; i++)
    used += (size_t)snprintf(list + used, sizeof list - used, "%s%lld", i ? "," : "",
                             (long long)dims[i]);
  f->data_length += bytes;
  f->header_length +=
      (size_t)snprintf(f->header + f->header_length, MAX_HEADER - f->header_length,
                       "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                       f->tensors ? "," : "{", name, types[kind].name, list, begin, f->data_length);
  f->tensors++;
}

/// The file's descriptor.
static int write_file(file *f, const uint8_t *text, size_t size) {
  f->header_length = f->data_length = f->tensors = 0;
  f->rng.state = 1;
  while (size > 0) {
    const uint8_t *end = memchr(text, '\n', size);
    const size_t length = end ? (size_t)(end - text) : size;
    char line[256];
    const size_t kept = length < sizeof line ? length : sizeof line - 1;
    memcpy(line, text, kept);
    line[kept] = '\0';
    add_line(f, line);
    text += length + (end != NULL);
    size -= length + (end != NULL);
  }
  if (f->tensors == 0) f->header[f->header_length++] = '{';
  f->header[f->header_length++] = '}';
  const uint64_t length = f->header_length;
  const int descriptor = memfd_create("checkpoint", MFD_CLOEXEC);
  FUZZ_EXPECT(descriptor >= 0 && write(descriptor, &length, 8) == 8 &&
              write(descriptor, f->header, length) == (ssize_t)length &&
              write(descriptor, f->data, f->data_length) == (ssize_t)f->data_length);
  return descriptor;
}

typedef struct seen {
  size_t tensors;
  int visiting;
} seen;

static void see_block(void *user, const onefold_checkpoint_block *block) {
  seen *s = user;
  FUZZ_EXPECT(block->prefix && block->family && block->block && block->reason);
  if (block->state == ONEFOLD_CHECKPOINT_UNKNOWN) FUZZ_EXPECT(*block->reason);
  if (s->visiting) FUZZ_EXPECT(!block->region);
  s->tensors += block->tensors;
}

static void see_rest(void *user, const char *name, const char *dtype, const int64_t *dims,
                     int32_t rank) {
  FUZZ_EXPECT(*name && dtype && dims && rank >= 0);
  ((seen *)user)->tensors++;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
  static file f;
  if (size == 0) return 0;
  f.strange = (bytes[0] & 8) != 0;
  // From the second half on, memory runs out early.
  const unsigned failing = bytes[0] >= 128 && size > 1 ? bytes[1] * 4u + 1 : 0;
  const int descriptor = write_file(&f, bytes + 1, size - 1);
  onefold_context *context = fuzz_context(0, 64 << 20, failing);
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  onefold_weights *weights = NULL;
  const onefold_status opened = onefold_weights_open(context, path, &weights);
  if (opened == ONEFOLD_OK) {
    seen s = {.visiting = 1};
    onefold_checkpoint_options options;
    onefold_checkpoint_options_init(&options);
    options.block = see_block;
    options.rest = see_rest;
    options.user = &s;
    options.check = bytes[0] & 1;
    // Numbers of any size: what is checked here is that it works, not how exact it is.
    options.check_limit = 1e30;
    const onefold_status visited = onefold_checkpoint_visit(context, weights, &options);
    if (!failing) {
      FUZZ_OK(context, visited);
      FUZZ_EXPECT(s.tensors == f.tensors);
    }
    s = (seen){0};
    const onefold_status folded = onefold_checkpoint_fold(context, weights, NULL, &options);
    if (!failing && !f.strange) FUZZ_OK(context, folded);
  } else {
    FUZZ_EXPECT(opened == ONEFOLD_OUT_OF_MEMORY || opened == ONEFOLD_FORMAT);
  }
  onefold_weights_close(weights);
  close(descriptor);
  fuzz_expect_released();
  return 0;
}
