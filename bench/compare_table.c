// SPDX-License-Identifier: BSD-3-Clause
// The table of ours and the peers: a row for each problem.
#include "bench/compare.h"

#include <string.h>

static size_t columns(const bench_peers *peers, bench_column *made) {
  const bench_options *o = peers->session->options;
  size_t n = 0;
  made[n++] = (bench_column){"problem", -peers->width};
  made[n++] = (bench_column){"ours", 8};
  made[n++] = (bench_column){"GFLOP/s", 7};
  for (size_t i = 0; i < peers->beside_count; i++) {
    const bench_beside *b = peers->besides[i];
    const int width = (int)strlen(b->name);
    made[n++] = (bench_column){b->name, width < 9 ? 9 : width};
    made[n++] = (bench_column){"by ours", 7};
    if (b->chosen) made[n++] = (bench_column){"chosen", 6};
  }
  for (size_t i = 0; i < peers->open; i++)
    made[n++] = (bench_column){onefold_bench_peers[o->peers[i]].name, 15};
  if (peers->open) {
    made[n++] = (bench_column){"best / ours", 11};
    made[n++] = (bench_column){"error", 8};
  }
  made[n++] = (bench_column){"memory", 15};
  return n;
}

void onefold_bench_compare_head(const bench_peers *peers) {
  bench_column made[BENCH_COLUMNS];
  const size_t n = columns(peers, made);
  FILE *out = peers->session->out;
  fputs("\nMedians of rounds in which all sides are timed in turn.\n", out);
  for (size_t i = 0; i < peers->beside_count; i++) fprintf(out, "%s\n", peers->besides[i]->about);
  if (peers->open)
    fputs("best / ours: the best peer's median by ours, above 1 where we are faster; error: the\n"
          "largest of the peers' results against ours, of the largest value; in brackets why a\n"
          "peer does not run a problem.\n",
          out);
  fprintf(out, "memory: our packed weights and workspace%s.\n\n",
          peers->open ? ", and how many times those of the peers that tell" : "");
  onefold_bench_table_head(peers->session->out, made, n);
}

int onefold_bench_compare_best(const bench_peers *peers, const bench_peer_result *results) {
  int best = -1;
  for (size_t i = 0; i < peers->open; i++) {
    const bench_peer_result *r = &results[i];
    if (r->best < 0) continue;
    if (best < 0 || r->stats[r->best].median < results[best].stats[results[best].best].median)
      best = (int)i;
  }
  return best;
}

static bench_cell peer_cell(const bench_peer_state *state, const bench_peer_result *r) {
  if (r->best < 0) return onefold_bench_cell("-");
  const bench_cell time = onefold_bench_cell_time(r->stats[r->best]);
  const char *way = state->variants[r->best].name;
  return onefold_bench_cell("%s%s%s", time.text, way[0] ? " " : "", way);
}

double onefold_bench_compare_bytes(const bench_peers *peers, const bench_peer_result *results) {
  double least = 0.0;
  for (size_t i = 0; i < peers->open; i++) {
    if (results[i].best < 0) continue;
    const double bytes = peers->states[i].variants[results[i].best].bytes;
    if (bytes > 0 && (least == 0.0 || bytes < least)) least = bytes;
  }
  return least;
}

static bench_cell memory_cell(const bench_peers *peers, const bench_ours *ours,
                              const bench_peer_result *results) {
  const double least = onefold_bench_compare_bytes(peers, results);
  const bench_cell own = onefold_bench_cell_bytes(ours->bytes);
  return least > 0 ? onefold_bench_cell("%s %.2fx", own.text, ours->bytes / least) : own;
}

void onefold_bench_compare_row(const bench_peers *peers, const bench_ours *ours, bench_stat stat,
                               const bench_stat *besides, const bench_peer_result *results) {
  FILE *out = peers->session->out;
  bench_column made[BENCH_COLUMNS];
  bench_cell cells[BENCH_COLUMNS];
  size_t n = 0;
  cells[n++] = onefold_bench_cell("%s", strchr(ours->name, '/') + 1);
  cells[n++] = onefold_bench_cell_time(stat);
  cells[n++] = stat.count ? onefold_bench_cell("%.0f", 1e-9 * ours->flops / stat.median)
                          : onefold_bench_cell("-");
  for (size_t i = 0; i < peers->beside_count; i++) {
    cells[n++] = onefold_bench_cell_time(besides[i]);
    cells[n++] = onefold_bench_cell_ratio(besides[i], stat);
    if (peers->besides[i]->chosen) cells[n++] = onefold_bench_cell("%s", ours->chosen);
  }
  double error = -1.0;
  for (size_t i = 0; i < peers->open; i++) {
    cells[n++] = peer_cell(&peers->states[i], &results[i]);
    for (size_t j = 0; j < peers->states[i].variant_count; j++) {
      if (results[i].errors[j] > error) error = results[i].errors[j];
    }
  }
  const int best = onefold_bench_compare_best(peers, results);
  if (peers->open) {
    cells[n++] = best < 0 ? onefold_bench_cell("-")
                          : onefold_bench_cell_ratio(results[best].stats[results[best].best], stat);
    cells[n++] = error >= 0 ? onefold_bench_cell("%.0e", error) : onefold_bench_cell("-");
  }
  cells[n++] = memory_cell(peers, ours, results);
  onefold_bench_table_row(out, made, columns(peers, made), cells);
  for (size_t i = 0; i < peers->open; i++) {
    if (results[i].made != BENCH_PEER_REFUSED) continue;
    fprintf(out, "  [%s: %s]\n", onefold_bench_peers[peers->session->options->peers[i]].name,
            peers->states[i].sentence);
  }
  fflush(out);
}
