// SPDX-License-Identifier: BSD-3-Clause
// What a comparison says at its end: geometric means, lowest ratios, most memory.
#include "bench/compare.h"

#include <math.h>
#include <string.h>

void onefold_bench_mean_add(bench_mean *mean, double ratio, const char *name) {
  if (!mean->count++ || ratio < mean->lowest) {
    mean->lowest = ratio;
    snprintf(mean->lowest_name, sizeof mean->lowest_name, "%s", strchr(name, '/') + 1);
  }
  mean->log_sum += log(ratio);
}

/// `which`: words behind the number of problems.
static void print_mean(const bench_peers *peers, const char *what, const char *which,
                       const bench_mean *mean) {
  if (!mean->count) return;
  fprintf(peers->session->out,
          "\n%s / ours, geometric mean over %zu problem%s%s: %.3f; lowest %.3f at %s\n", what,
          mean->count, mean->count == 1 ? "" : "s", which, exp(mean->log_sum / (double)mean->count),
          mean->lowest, mean->lowest_name);
}

static void print_beside(const bench_peers *peers, const bench_beside *b, const bench_mean *means) {
  const bench_cell large = onefold_bench_cell(" of %.0f MFLOP and more", 1e-6 * b->large);
  print_mean(peers, b->name, b->large > 0 ? large.text : "", &means[0]);
  print_mean(peers, b->name, " of less", &means[1]);
}

static void print_most(const bench_peers *peers) {
  static const char *const kinds[] = {"direct", "Winograd"};
  int lines = 0;
  for (int i = 0; i < 2; i++) {
    const bench_most *most = &peers->memory[i];
    if (most->ratio == 0) continue;
    fprintf(peers->session->out, "%sour memory / peer's, %s: at most %.2f, at %s\n",
            lines++ ? "" : "\n", kinds[i], most->ratio, most->name);
  }
}

void onefold_bench_most_add(bench_most *most, double ratio, const char *name) {
  if (ratio <= most->ratio) return;
  most->ratio = ratio;
  snprintf(most->name, sizeof most->name, "%s", strchr(name, '/') + 1);
}

void onefold_bench_compare_means(const bench_peers *peers) {
  for (size_t i = 0; i < peers->beside_count; i++)
    print_beside(peers, peers->besides[i], peers->means[i]);
  print_mean(peers, "best peer", "", &peers->best);
  print_most(peers);
}
