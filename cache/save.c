// SPDX-License-Identifier: BSD-3-Clause
// Writing an execution to a file.
#include "cache/format.h"
#include "cache/hash.h"
#include "cache/key.h"
#include "graph/exec.h"
#include "models/file.h"

#include <onefold/cache.h>

#include <string.h>

/// The packed arrays of a convolution. Blocks from the context are whole multiples of the
/// alignment and zero past what was asked for, and so are those of a mapped file: they are written
/// as they are.
static void arrays_of(const onefold_step_conv2d *conv, const float *arrays[ONEFOLD_CACHE_ARRAYS],
                      onefold_cache_conv *entry) {
  const onefold_conv2d_packed *p = conv->packed;
  const size_t channels = (size_t)(conv->plan->problem.out_blocks * conv->plan->problem.v);
  arrays[ONEFOLD_CACHE_WEIGHT] = p->weight;
  arrays[ONEFOLD_CACHE_BIAS] = p->bias;
  arrays[ONEFOLD_CACHE_SCALE] = p->residual_scale;
  *entry = (onefold_cache_conv){.key = p->key,
                                .floats = {conv->plan->packed_floats, p->bias ? channels : 0,
                                           p->residual_scale ? channels : 0}};
}

// Bytes that are written at once, at multiples of this: a huge page, which the page cache of some
// file systems then has in one piece, and maps as one.
#define PIECE ((size_t)2 << 20)

/// What is written, and the bytes of all before the weights.
typedef struct saving {
  const onefold_exec *exec;
  onefold_step_conv2d **convs;
  size_t count;
  unsigned char *head;
  size_t head_bytes;
} saving;

static void fill_head(saving *s, const onefold_cache_key *key, onefold_cache_header *header) {
  unsigned char *to = s->head + sizeof *header;
  memcpy(to, key->text, key->bytes);
  to += onefold_cache_whole(key->bytes);
  memcpy(to, s->exec->graph, s->exec->graph_bytes);
  to += onefold_cache_whole(s->exec->graph_bytes);
  header->file_bytes = s->head_bytes;
  for (size_t i = 0; i < s->count; i++) {
    const float *arrays[ONEFOLD_CACHE_ARRAYS];
    onefold_cache_conv entry;
    arrays_of(s->convs[i], arrays, &entry);
    entry.hash = onefold_cache_conv_hash(&entry, arrays);
    memcpy(to + i * sizeof entry, &entry, sizeof entry);
    for (int k = 0; k < ONEFOLD_CACHE_ARRAYS; k++)
      header->file_bytes += onefold_cache_whole(entry.floats[k] * sizeof(float));
  }
  memcpy(s->head, header, sizeof *header);
  header->hash = onefold_cache_head_hash(s->head, s->head_bytes);
  memcpy(s->head, header, sizeof *header);
}

static onefold_status make_head(saving *s, const onefold_cache_key *key) {
  const onefold_context *context = s->exec->context;
  const size_t most = ONEFOLD_STEP_CONVS * (size_t)s->exec->step_count;
  s->convs = onefold_allocate(context, most * sizeof *s->convs);
  if (!s->convs) return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to save");
  s->count = onefold_exec_convs(s->exec, s->convs);
  onefold_cache_header header = {.magic = ONEFOLD_CACHE_MAGIC,
                                 .order = ONEFOLD_CACHE_ORDER,
                                 .format = ONEFOLD_CACHE_FORMAT,
                                 .key_bytes = key->bytes,
                                 .graph_bytes = s->exec->graph_bytes,
                                 .convs = s->count};
  s->head_bytes = onefold_cache_head_bytes(&header);
  s->head = onefold_allocate(context, s->head_bytes);
  if (!s->head) return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to save");
  fill_head(s, key, &header);
  return ONEFOLD_OK;
}

/// A file, and what of it is not a whole piece yet.
typedef struct writer {
  onefold_output output;
  unsigned char *piece;
  size_t used;
  onefold_status status;
} writer;

static void put(writer *w, const void *bytes, size_t size) {
  const unsigned char *from = bytes;
  while (size && w->status == ONEFOLD_OK) {
    const size_t left = PIECE - w->used, taken = size < left ? size : left;
    memcpy(w->piece + w->used, from, taken);
    w->used += taken;
    from += taken;
    size -= taken;
    if (w->used < PIECE) continue;
    w->status = onefold_output_append(&w->output, w->piece, PIECE);
    w->used = 0;
  }
}

static void put_all(const saving *s, writer *w) {
  put(w, s->head, s->head_bytes);
  for (size_t i = 0; i < s->count; i++) {
    const float *arrays[ONEFOLD_CACHE_ARRAYS];
    onefold_cache_conv entry;
    arrays_of(s->convs[i], arrays, &entry);
    for (int k = 0; k < ONEFOLD_CACHE_ARRAYS; k++)
      put(w, arrays[k], onefold_cache_whole(entry.floats[k] * sizeof(float)));
  }
  if (w->status == ONEFOLD_OK) w->status = onefold_output_append(&w->output, w->piece, w->used);
}

static onefold_status write_all(const saving *s, const char *path) {
  const onefold_context *context = s->exec->context;
  writer w = {.piece = onefold_allocate(context, PIECE)};
  if (!w.piece) return onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to save");
  w.status = onefold_output_begin(context, path, &w.output);
  if (w.status == ONEFOLD_OK) {
    put_all(s, &w);
    if (w.status == ONEFOLD_OK)
      w.status = onefold_output_finish(&w.output);
    else
      onefold_output_abort(&w.output);
  }
  onefold_release(context, w.piece);
  return w.status;
}

onefold_status onefold_exec_save(const onefold_exec *exec, const char *path, const char *content) {
  if (!exec) return ONEFOLD_INVALID_ARGUMENT;
  const onefold_context *context = exec->context;
  if (!path) return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "the path is NULL");
  if (!exec->packed)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "onefold_exec_pack was not called");
  onefold_cache_key key;
  onefold_status status = onefold_cache_key_make(context, content, &exec->options, &key);
  if (status != ONEFOLD_OK) return status;
  saving s = {.exec = exec};
  status = make_head(&s, &key);
  if (status == ONEFOLD_OK) status = write_all(&s, path);
  onefold_release(context, s.head);
  onefold_release(context, s.convs);
  onefold_release(context, key.text);
  return status;
}
