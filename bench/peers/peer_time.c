// SPDX-License-Identifier: BSD-3-Clause
// The clock of peers, and what they wait for before it starts.
#include "bench/clock.h"
#include "bench/peers/peer.h"

#include <time.h>

#define SETTLE_NANOSECONDS 5000000

/// The caches are emptied by OpenMP's threads, which then spin for a few milliseconds on the cores
/// that those of the peer need: until they sleep.
static void settle(const bench_peer_state *peer) {
  const struct timespec spell = {.tv_nsec = SETTLE_NANOSECONDS};
  if (peer->own_threads && peer->session->options->threads > 1) nanosleep(&spell, NULL);
}

double onefold_peer_time(bench_peer_state *peer, size_t variant, int64_t count,
                         int (*call)(void *user), void *user) {
  const bench_peer_variant *v = &peer->variants[variant];
  if (peer->session->options->cold == BENCH_COLD_NONE) {
    const double start = onefold_bench_now();
    for (int64_t i = 0; i < count; i++) {
      if (call(user)) return -1.0;
    }
    return onefold_bench_now() - start;
  }
  double seconds = 0.0;
  for (int64_t i = 0; i < count; i++) {
    onefold_bench_session_chill(peer->session, peer->session->options->cold, v->input,
                                v->input_floats, v->output, v->output_floats);
    settle(peer);
    const double start = onefold_bench_now();
    if (call(user)) return -1.0;
    seconds += onefold_bench_now() - start;
  }
  return seconds;
}
