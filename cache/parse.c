// SPDX-License-Identifier: BSD-3-Clause
// Reading a saved execution: sizes against the file's length, and hashes.
#include "cache/format.h"
#include "cache/hash.h"

#include <stdatomic.h>
#include <string.h>

_Static_assert(sizeof(onefold_cache_header) == ONEFOLD_CACHE_ALIGNMENT, "the header is one line");
_Static_assert(sizeof(onefold_cache_conv) == 96, "entries have no padding");

static int add(size_t *sum, uint64_t size) {
  const size_t whole = onefold_cache_whole(size);
  return (whole || !size) && !__builtin_add_overflow(*sum, whole, sum);
}

size_t onefold_cache_head_bytes(const onefold_cache_header *header) {
  size_t sum = sizeof *header;
  uint64_t table = 0;
  if (__builtin_mul_overflow(header->convs, sizeof(onefold_cache_conv), &table) ||
      !add(&sum, header->key_bytes) || !add(&sum, header->graph_bytes) || !add(&sum, table))
    return 0;
  return sum;
}

uint64_t onefold_cache_head_hash(const unsigned char *bytes, size_t head_bytes) {
  onefold_cache_header header;
  memcpy(&header, bytes, sizeof header);
  header.hash = 0;
  const uint64_t parts[] = {onefold_hash(&header, sizeof header),
                            onefold_hash(bytes + sizeof header, head_bytes - sizeof header)};
  return onefold_hash(parts, sizeof parts);
}

uint64_t onefold_cache_conv_hash(const onefold_cache_conv *conv,
                                 const float *const arrays[ONEFOLD_CACHE_ARRAYS]) {
  uint64_t parts[ONEFOLD_CACHE_ARRAYS];
  for (int i = 0; i < ONEFOLD_CACHE_ARRAYS; i++)
    parts[i] = onefold_hash(arrays[i], onefold_cache_whole(conv->floats[i] * sizeof(float)));
  return onefold_hash(parts, sizeof parts);
}

static onefold_status fail(const onefold_context *context, const char *path, const char *what,
                           uint64_t have, uint64_t want) {
  return onefold_fail(context, ONEFOLD_FORMAT, "%s: %s %llu, not %llu", path, what,
                      (unsigned long long)have, (unsigned long long)want);
}

/// Bytes of the weights of all entries; zero where they do not fit in memory.
static int weight_bytes(const onefold_cache_conv *convs, size_t count, size_t *sum) {
  *sum = 0;
  for (size_t i = 0; i < count; i++)
    for (int k = 0; k < ONEFOLD_CACHE_ARRAYS; k++) {
      uint64_t bytes = 0;
      if (__builtin_mul_overflow(convs[i].floats[k], sizeof(float), &bytes) || !add(sum, bytes))
        return 0;
    }
  return 1;
}

static onefold_status check_header(const onefold_context *context, const char *path,
                                   const unsigned char *bytes, size_t length,
                                   onefold_cache_header *header) {
  if (length < sizeof *header)
    return onefold_fail(context, ONEFOLD_FORMAT, "%s: %zu bytes are too few for a header of %zu",
                        path, length, sizeof *header);
  memcpy(header, bytes, sizeof *header);
  if (memcmp(header->magic, ONEFOLD_CACHE_MAGIC, sizeof header->magic) != 0)
    return onefold_fail(context, ONEFOLD_FORMAT, "%s: not a saved execution", path);
  if (header->order != ONEFOLD_CACHE_ORDER)
    return fail(context, path, "the byte order is", header->order, ONEFOLD_CACHE_ORDER);
  if (header->format != ONEFOLD_CACHE_FORMAT)
    return fail(context, path, "the format is", header->format, ONEFOLD_CACHE_FORMAT);
  if (header->file_bytes != length)
    return fail(context, path, "its bytes are", length, header->file_bytes);
  return ONEFOLD_OK;
}

onefold_status onefold_cache_parse(const onefold_context *context, const char *path,
                                   const unsigned char *bytes, size_t length,
                                   onefold_cache_view *view) {
  onefold_cache_header header = {.convs = 0};
  const onefold_status status = check_header(context, path, bytes, length, &header);
  if (status != ONEFOLD_OK) return status;
  const size_t head = onefold_cache_head_bytes(&header);
  if (head == 0 || head > length)
    return onefold_fail(context, ONEFOLD_FORMAT,
                        "%s: a key of %llu bytes, a graph of %llu and %llu entries do not fit",
                        path, (unsigned long long)header.key_bytes,
                        (unsigned long long)header.graph_bytes, (unsigned long long)header.convs);
  if (onefold_cache_head_hash(bytes, head) != header.hash)
    return onefold_fail(context, ONEFOLD_FORMAT, "%s: the checksum of its first %zu bytes is wrong",
                        path, head);
  const size_t key = sizeof header, graph = key + onefold_cache_whole(header.key_bytes);
  const size_t table = graph + onefold_cache_whole(header.graph_bytes);
  *view = (onefold_cache_view){.bytes = bytes,
                               .key = (const char *)bytes + key,
                               .key_bytes = (size_t)header.key_bytes,
                               .graph = bytes + graph,
                               .graph_bytes = (size_t)header.graph_bytes,
                               .convs = (const onefold_cache_conv *)(const void *)(bytes + table),
                               .count = (size_t)header.convs,
                               .weights = head};
  if (!view->key_bytes || view->key[view->key_bytes - 1] != '\0')
    return onefold_fail(context, ONEFOLD_FORMAT, "%s: its key does not end", path);
  size_t weights;
  if (!weight_bytes(view->convs, view->count, &weights) || weights != length - head)
    return onefold_fail(context, ONEFOLD_FORMAT, "%s: %zu bytes of weights are not what it says",
                        path, length - head);
  return ONEFOLD_OK;
}

void onefold_cache_arrays(const onefold_cache_view *view, size_t index, size_t *at,
                          const float *arrays[ONEFOLD_CACHE_ARRAYS]) {
  for (int k = 0; k < ONEFOLD_CACHE_ARRAYS; k++) {
    const uint64_t floats = view->convs[index].floats[k];
    arrays[k] = floats ? (const float *)(const void *)(view->bytes + *at) : NULL;
    *at += onefold_cache_whole(floats * sizeof(float));
  }
}

// ------------------------------------------------------------ checksums

typedef struct check {
  const onefold_cache_view *view;
  size_t pieces;
  atomic_size_t wrong; // entries before it are not, as far as is known; count: none is
} check;

static void check_piece(void *arg, size_t index) {
  check *c = arg;
  size_t begin, end, at = c->view->weights;
  onefold_split(c->view->count, c->pieces, index, &begin, &end);
  for (size_t i = 0; i < end; i++) {
    const float *arrays[ONEFOLD_CACHE_ARRAYS];
    onefold_cache_arrays(c->view, i, &at, arrays);
    if (i >= begin && onefold_cache_conv_hash(&c->view->convs[i], arrays) != c->view->convs[i].hash)
      atomic_store(&c->wrong, i);
  }
}

onefold_status onefold_cache_check(const onefold_context *context, const char *path,
                                   const onefold_cache_view *view) {
  check c = {.view = view, .pieces = (size_t)onefold_context_threads(context)};
  if (c.pieces > view->count) c.pieces = view->count;
  atomic_init(&c.wrong, view->count);
  onefold_parallel(context, check_piece, &c, c.pieces);
  const size_t wrong = atomic_load(&c.wrong);
  if (wrong == view->count) return ONEFOLD_OK;
  return onefold_fail(context, ONEFOLD_FORMAT, "%s: the checksum of weights %zu of %zu is wrong",
                      path, wrong + 1, view->count);
}
