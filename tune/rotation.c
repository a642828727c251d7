// SPDX-License-Identifier: BSD-3-Clause
// The layers of a graph that are tuned where they run, as a source of tilings for its plans, and
// how long a tuning of them goes on.
#include "tune/in_place.h"
#include "tune/search.h"
#include "tune/workload.h"

#include <stdlib.h>
#include <string.h>

onefold_layer *onefold_rotation_find(const onefold_rotation *rotation,
                                     const onefold_conv2d_desc *desc) {
  onefold_index_problem about;
  if (!onefold_index_describe(rotation->context, desc, &about)) return NULL;
  for (size_t i = 0; i < rotation->count; i++) {
    if (memcmp(&rotation->layer[i].about, &about, sizeof about) == 0) return &rotation->layer[i];
  }
  return NULL;
}

static int give(void *user, const onefold_conv2d_desc *desc, onefold_tiling *tiling) {
  const onefold_layer *layer = onefold_rotation_find(user, desc);
  if (!layer || (!layer->current && !layer->pairing.choice)) return 0;
  *tiling = layer->current ? layer->current->tiling : (onefold_tiling){.threads = 0};
  tiling->pair = layer->pairing.choice;
  return 1;
}

void onefold_rotation_forget(onefold_rotation *rotation) {
  for (size_t i = 0; i < rotation->count; i++) free(rotation->layer[i].contender);
  free(rotation->layer);
  rotation->layer = NULL;
  rotation->count = 0;
}

onefold_status onefold_rotation_create(onefold_context_options *options,
                                       onefold_rotation **rotation) {
  if (!options || !rotation) return ONEFOLD_INVALID_ARGUMENT;
  *rotation = NULL;
  onefold_rotation *made = calloc(1, sizeof *made);
  if (!made) return ONEFOLD_OUT_OF_MEMORY;
  onefold_context_options plain = *options;
  plain.tiling = NULL;
  plain.planned = NULL;
  const onefold_status status = onefold_context_create(&plain, &made->context);
  if (status != ONEFOLD_OK) {
    free(made);
    return status;
  }
  options->tiling = give;
  options->tiling_user = made;
  *rotation = made;
  return ONEFOLD_OK;
}

void onefold_rotation_destroy(onefold_rotation *rotation) {
  if (!rotation) return;
  onefold_rotation_forget(rotation);
  onefold_context_destroy(rotation->context);
  free(rotation);
}

onefold_status onefold_rotation_add(onefold_in_place *t, const onefold_conv2d_desc *desc,
                                    onefold_layer **layer) {
  onefold_rotation *rotation = t->rotation;
  onefold_index_problem about;
  *layer = onefold_rotation_find(rotation, desc);
  if (*layer || !onefold_index_describe(rotation->context, desc, &about)) return ONEFOLD_OK;
  onefold_layer *grown = realloc(rotation->layer, (rotation->count + 1) * sizeof *grown);
  if (!grown) return ONEFOLD_OUT_OF_MEMORY;
  rotation->layer = grown;
  onefold_layer *made = &grown[rotation->count];
  memset(made, 0, sizeof *made);
  made->about = about;
  made->desc = *desc;
  const onefold_status status =
      onefold_record_row_init(t->context, NULL, desc, ONEFOLD_IN_PLACE, &made->row);
  if (status != ONEFOLD_OK) return status;
  rotation->count++;
  *layer = made;
  return ONEFOLD_OK;
}

double onefold_turns_ratio(const double *other, const double *base, int32_t turns, double *spread) {
  double ratio[ONEFOLD_MOST_TURNS];
  int32_t count = 0;
  for (int32_t i = 0; i < turns; i++) {
    if (base[i] > 0 && other[i] > 0) ratio[count++] = other[i] / base[i];
  }
  return count < 3 ? 0 : onefold_search_median(ratio, count, spread);
}

int onefold_in_place_goes_on(const onefold_in_place *t, double part) {
  const double used = (onefold_clock_now() - t->start) / t->budget;
  if (t->options->advanced) t->options->advanced(t->options->user, used < 1 ? used : 1);
  if (!t->ending && t->options->stopped && t->options->stopped(t->options->user)) return 0;
  return used < part;
}
