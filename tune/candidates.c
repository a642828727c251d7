// SPDX-License-Identifier: BSD-3-Clause
// Collects the candidates, estimates them in nanoseconds by what the machine reaches, and prunes.
#include "tune/candidates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Estimates from which on candidates are pruned: of the least of their algorithm, and algorithms,
/// of the least of all.
#define PRUNED           1.4
#define ALGORITHM_PRUNED 2.5
// GFLOP/s of a thread where no peak is known.
#define SOME_GFLOPS 100.0

/// Rates that turn cycles and bytes into nanoseconds.
typedef struct rates {
  double cycle_ns, byte_ns; // byte_ns: of weights that are in no cache; 0: they are
} rates;

static rates rates_of(const onefold_context *context, const onefold_tune_options *o) {
  const double threads = onefold_context_threads(context);
  const double gflops = o->peak ? o->peak->threads_gflops / threads : SOME_GFLOPS;
  const double flops_per_cycle = 4.0 * onefold_context_block(context);
  const double dram = o->peak ? o->peak->dram.read_gbs : 0;
  return (rates){flops_per_cycle / gflops,
                 o->situation == ONEFOLD_WARM || !(dram > 0) ? 0 : 1 / dram};
}

static onefold_candidate *add(onefold_candidates *c) {
  if (c->count == c->capacity) {
    const size_t wanted = c->capacity ? 2 * c->capacity : 256;
    onefold_candidate *grown = realloc(c->one, wanted * sizeof *grown);
    if (!grown) return NULL;
    c->one = grown;
    c->capacity = wanted;
  }
  onefold_candidate *made = &c->one[c->count++];
  memset(made, 0, sizeof *made);
  return made;
}

typedef struct collecting {
  onefold_candidates *candidates;
  double cycle_ns;
  int failed;
} collecting;

static int collect(void *user, const onefold_conv2d_candidate *candidate) {
  collecting *to = user;
  onefold_candidate *made = add(to->candidates);
  if (!made) return to->failed = 1;
  made->about.tiling = candidate->tiling;
  made->about.estimate_ns = candidate->cycles * to->cycle_ns;
  made->about.fate = candidate->refusal ? ONEFOLD_TUNE_REFUSED : ONEFOLD_TUNE_PRUNED;
  if (candidate->refusal)
    snprintf(made->about.reason, sizeof made->about.reason, "%s", candidate->refusal);
  return 0;
}

static int is_refused(const onefold_candidate *c) {
  return c->about.fate == ONEFOLD_TUNE_REFUSED;
}

static size_t fields_set(const onefold_tiling *tiling) {
  size_t count = 0, set = 0;
  const onefold_tiling_field *fields = onefold_tiling_fields(&count);
  for (size_t i = 0; i < count; i++) {
    int32_t number = 0;
    const char *at = (const char *)tiling + fields[i].offset;
    if (!fields[i].size) memcpy(&number, at, sizeof number);
    set += fields[i].size ? *at != 0 : number != 0;
  }
  return set;
}

/// By estimate, the simpler of two first; refused ones last.
static int compare(const void *a, const void *b) {
  const onefold_candidate *x = a, *y = b;
  if (is_refused(x) != is_refused(y)) return is_refused(x) ? 1 : -1;
  if (is_refused(x)) return strcmp(x->about.tiling.algorithm, y->about.tiling.algorithm);
  const double p = x->about.estimate_ns, q = y->about.estimate_ns;
  if (p < q || p > q) return p < q ? -1 : 1;
  const size_t f = fields_set(&x->about.tiling), g = fields_set(&y->about.tiling);
  if (f != g) return f < g ? -1 : 1;
  return memcmp(&x->about.tiling, &y->about.tiling, sizeof x->about.tiling);
}

/// Candidates of an algorithm that are timed already.
static int32_t timed_of(const onefold_candidates *c, const char *algorithm) {
  int32_t count = 0;
  for (size_t i = 0; i < c->timed_count; i++)
    count += strcmp(c->one[c->timed[i]].chosen.algorithm, algorithm) == 0;
  return count;
}

/// A timed candidate that has come to the same plan, or count.
static size_t same_as(const onefold_candidates *c, const onefold_tiling *chosen) {
  for (size_t i = 0; i < c->timed_count; i++) {
    if (memcmp(&c->one[c->timed[i]].chosen, chosen, sizeof *chosen) == 0) return c->timed[i];
  }
  return c->count;
}

/// Plans the candidate, and has it timed unless its plan is there. ONEFOLD_OK where it is not.
static onefold_status consider(onefold_context *context, const onefold_conv2d_desc *desc,
                               onefold_candidates *c, size_t index, const rates *r) {
  onefold_candidate *one = &c->one[index];
  const onefold_status status = onefold_conv2d_plan_create_tiled(
      context, desc, index ? &one->about.tiling : NULL, &one->plan);
  if (status != ONEFOLD_OK) return status;
  onefold_conv2d_plan_get_tiling(one->plan, &one->chosen);
  memset(one->chosen.source, 0, sizeof one->chosen.source);
  onefold_conv2d_plan_info info;
  onefold_conv2d_plan_get_info(one->plan, &info);
  const double fetch = (double)info.packed_bytes * r->byte_ns;
  if (one->about.estimate_ns < fetch) one->about.estimate_ns = fetch;
  if (index == 0) one->about.tiling = one->chosen;
  const size_t same = same_as(c, &one->chosen);
  if (same < c->count) {
    one->about.fate = ONEFOLD_TUNE_SAME;
    snprintf(one->about.reason, sizeof one->about.reason, "as candidate %zu", same);
    onefold_conv2d_plan_destroy(one->plan);
    one->plan = NULL;
    return ONEFOLD_OK;
  }
  one->about.fate = ONEFOLD_TUNE_UNTIMED;
  c->timed[c->timed_count++] = index;
  return ONEFOLD_OK;
}

/// The least estimate of an algorithm, which comes first in the order of estimates.
static double least_of(const onefold_candidates *c, const char *algorithm) {
  size_t i = 1;
  while (strcmp(c->one[i].about.tiling.algorithm, algorithm) != 0) i++;
  return c->one[i].about.estimate_ns;
}

/// NULL, or why the candidate is not timed.
static const char *prune(const onefold_candidates *c, const onefold_candidate *one, size_t most,
                         char *reason, size_t size) {
  const char *algorithm = one->about.tiling.algorithm;
  // No algorithm has all places.
  if (c->timed_count >= most || (size_t)timed_of(c, algorithm) >= most - most / 4)
    return "enough have a smaller estimate";
  const double own = least_of(c, algorithm), least = c->one[1].about.estimate_ns;
  const int far = own > ALGORITHM_PRUNED * least;
  if (!far && one->about.estimate_ns <= PRUNED * own) return NULL;
  snprintf(reason, size, "estimated at %.1f times the least%s",
           one->about.estimate_ns / (far ? least : own), far ? "" : " of its algorithm");
  return reason;
}

static onefold_status choose(onefold_context *context, const onefold_conv2d_desc *desc,
                             const onefold_tune_options *o, onefold_candidates *c, const rates *r) {
  const size_t most = o->candidates > 0 ? (size_t)o->candidates : 48;
  const int prunes = !o->only && !o->exhaustive;
  char reason[sizeof c->one->about.reason];
  c->timed = calloc(c->count, sizeof *c->timed);
  if (!c->timed) return ONEFOLD_OUT_OF_MEMORY;
  onefold_status status = consider(context, desc, c, 0, r);
  for (size_t i = 1; i < c->count && status == ONEFOLD_OK; i++) {
    onefold_candidate *one = &c->one[i];
    if (is_refused(one)) continue;
    const char *why = prunes ? prune(c, one, most, reason, sizeof reason) : NULL;
    if (why) snprintf(one->about.reason, sizeof one->about.reason, "%s", why);
    if (!why) status = consider(context, desc, c, i, r);
  }
  return status;
}

/// The estimate of the default choice is that of its algorithm alone.
static void estimate_default(onefold_candidates *c) {
  for (size_t i = 1; i < c->count; i++) {
    const onefold_tune_candidate *about = &c->one[i].about;
    if (is_refused(&c->one[i]) || fields_set(&about->tiling) != 1) continue;
    if (strcmp(about->tiling.algorithm, c->one[0].chosen.algorithm) == 0 &&
        c->one[0].about.estimate_ns < about->estimate_ns)
      c->one[0].about.estimate_ns = about->estimate_ns;
  }
}

onefold_status onefold_candidates_make(onefold_context *context, const onefold_conv2d_desc *desc,
                                       const onefold_tune_options *options,
                                       onefold_candidates *candidates) {
  memset(candidates, 0, sizeof *candidates);
  const rates r = rates_of(context, options);
  collecting to = {candidates, r.cycle_ns, 0};
  if (!add(candidates)) return ONEFOLD_OUT_OF_MEMORY;
  candidates->one[0].about.is_default = 1;
  onefold_status status = ONEFOLD_OK;
  if (options->only)
    collect(&to, &(onefold_conv2d_candidate){.tiling = *options->only});
  else
    status = onefold_conv2d_candidates(context, desc, options->peak, collect, &to);
  if (status == ONEFOLD_OK && to.failed) status = ONEFOLD_OUT_OF_MEMORY;
  if (status != ONEFOLD_OK) return status;
  qsort(candidates->one + 1, candidates->count - 1, sizeof *candidates->one, compare);
  status = choose(context, desc, options, candidates, &r);
  if (status == ONEFOLD_OK) estimate_default(candidates);
  return status;
}

void onefold_candidates_destroy(onefold_candidates *candidates) {
  for (size_t i = 0; i < candidates->count; i++)
    onefold_conv2d_plan_destroy(candidates->one[i].plan);
  free(candidates->one);
  free(candidates->timed);
}
