// SPDX-License-Identifier: BSD-3-Clause
// The file of a saved execution:
//
//   header             64 bytes
//   key                texts, each ended by a NUL: what the file is for (cache/key.h)
//   graph              what the steps are planned from (graph/bytes.h)
//   table              an entry for each convolution, in the order of the steps
//   weights            of each entry: its weights, its bias, its residual scale
//
// Each part begins at a multiple of 64 bytes and is followed by zeros up to one. Numbers are as the
// machine has them. Every size is checked against the file's length before it is used, and every
// byte belongs to a hash.
#ifndef ONEFOLD_CACHE_FORMAT_H
#define ONEFOLD_CACHE_FORMAT_H

#include "ops/conv_pack.h"

#include <onefold/exec.h>

#define ONEFOLD_CACHE_MAGIC     "onefold\n"
#define ONEFOLD_CACHE_ORDER     UINT32_C(0x01020304)
#define ONEFOLD_CACHE_FORMAT    1 // of what this file says
#define ONEFOLD_CACHE_ALIGNMENT 64

typedef struct onefold_cache_header {
  char magic[8];
  uint32_t order, format;
  uint64_t file_bytes, key_bytes, graph_bytes, convs;
  uint64_t hash; // of all before the weights, with 0 in this place
  uint64_t unused;
} onefold_cache_header;

enum { ONEFOLD_CACHE_WEIGHT, ONEFOLD_CACHE_BIAS, ONEFOLD_CACHE_SCALE, ONEFOLD_CACHE_ARRAYS };

typedef struct onefold_cache_conv {
  onefold_pack_key key;
  uint64_t floats[ONEFOLD_CACHE_ARRAYS]; // 0: there is no such array
  uint64_t hash;                         // of the arrays' hashes, one after the other
} onefold_cache_conv;

/// A file whose sizes have been checked.
typedef struct onefold_cache_view {
  const unsigned char *bytes;
  const char *key; // ends with a NUL
  size_t key_bytes;
  const unsigned char *graph;
  size_t graph_bytes;
  const onefold_cache_conv *convs;
  size_t count;
  size_t weights; // bytes before those of the first entry
} onefold_cache_view;

/// `size` up to a multiple of the alignment; 0 where it does not fit.
static inline size_t onefold_cache_whole(uint64_t size) {
  const uint64_t more = ONEFOLD_CACHE_ALIGNMENT - 1;
  return size > (uint64_t)PTRDIFF_MAX - more ? 0 : (size_t)((size + more) & ~more);
}

/// Bytes of all before the weights; 0 where the header's sizes do not fit in memory.
size_t onefold_cache_head_bytes(const onefold_cache_header *header);
/// What header->hash should be; head_bytes lie at `bytes`.
uint64_t onefold_cache_head_hash(const unsigned char *bytes, size_t head_bytes);
/// What an entry's hash should be; 0 in floats: the array is not read.
uint64_t onefold_cache_conv_hash(const onefold_cache_conv *conv,
                                 const float *const arrays[ONEFOLD_CACHE_ARRAYS]);

/// Checks all but the weights. `bytes` are aligned as the parts are. Errors: FORMAT.
onefold_status onefold_cache_parse(const onefold_context *context, const char *path,
                                   const unsigned char *bytes, size_t length,
                                   onefold_cache_view *view);

/// Where the arrays of entry `index` are, the one before at `*at`: NULL for one that is not there.
/// *at moves on; begins with view->weights.
void onefold_cache_arrays(const onefold_cache_view *view, size_t index, size_t *at,
                          const float *arrays[ONEFOLD_CACHE_ARRAYS]);

/// Checks the hash of every entry by the context's means. Errors: FORMAT.
onefold_status onefold_cache_check(const onefold_context *context, const char *path,
                                   const onefold_cache_view *view);

/// Makes the execution; its weights stay in the view's bytes. Errors: FORMAT, REFUSED,
/// OUT_OF_MEMORY and what onefold_exec_create has.
onefold_status onefold_cache_restore(onefold_context *context, const char *path,
                                     const onefold_cache_view *view,
                                     const onefold_exec_options *options, onefold_exec **exec);

#endif
