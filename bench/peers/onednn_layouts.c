// SPDX-License-Identifier: BSD-3-Clause
// oneDNN's layouts that are in use, each once.
#include "bench/peers/onednn_api.h"

#include <stdlib.h>

static onednn_layout *kept;
static size_t kept_count;

onednn_layout onefold_onednn_keep(onednn_layout layout) {
  if (!layout) return NULL;
  for (size_t i = 0; i < kept_count; i++) {
    if (dnnl_memory_desc_equal(kept[i], layout)) return kept[i];
  }
  onednn_layout *more = realloc(kept, (kept_count + 1) * sizeof(onednn_layout));
  if (!more) return NULL;
  kept = more;
  kept[kept_count] = onefold_onednn_layout_copy(layout);
  return kept[kept_count] ? kept[kept_count++] : NULL;
}

void onefold_onednn_forget(void) {
  for (size_t i = 0; i < kept_count; i++) onefold_onednn_layout_free(kept[i]);
  free(kept);
  kept = NULL;
  kept_count = 0;
}
