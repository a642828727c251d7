// SPDX-License-Identifier: BSD-3-Clause
// What of a comparison can be refused before anything runs.
#include "bench/compare.h"

int onefold_bench_compares(const bench_options *o) {
  return o->peer_count || o->fewer;
}

int onefold_bench_compare_allow(const bench_options *o) {
  if ((o->takes & BENCH_TAKES_FORMS) && onefold_bench_compares(o) && !o->forms[BENCH_FOLDED]) {
    fprintf(stderr, "%s: %s compared with the folded form, which --form leaves out\n", o->command,
            o->peer_count ? "--peers: they are" : "--threads: that on fewer is");
    return ONEFOLD_EXIT_USAGE;
  }
  for (int i = 0; i < o->peer_count; i++) {
    const bench_peer_entry *e = &onefold_bench_peers[o->peers[i]];
    if (!e->peer) {
      fprintf(stderr, "%s: --peers=%s: it is not built in; install %s and configure again\n",
              o->command, e->name, e->package);
      return ONEFOLD_EXIT_FAILURE;
    }
    if ((o->takes & BENCH_TAKES_PAIRS) && !e->peer->chains) {
      fprintf(stderr, "%s: --peers=%s: it runs single convolutions only\n", o->command, e->name);
      return ONEFOLD_EXIT_USAGE;
    }
    if (e->peer->own_process && o->cold != BENCH_COLD_NONE) {
      fprintf(stderr,
              "%s: --peers=%s: it runs in a process of its own, whose caches --cold-cache=%s "
              "cannot empty\n",
              o->command, e->name, onefold_bench_cold_name(o->cold));
      return ONEFOLD_EXIT_USAGE;
    }
  }
  return ONEFOLD_EXIT_OK;
}
