// SPDX-License-Identifier: BSD-3-Clause
// The list of peers, and what they share.
#include "bench/peers/peer.h"

#include <stdarg.h>

#define ONEFOLD_BENCH_PEER(name, built, package) extern const bench_peer onefold_peer_##name;
#include "bench/peers/peer_list.def"

#define REFERENCE_0(name)       NULL
#define REFERENCE_1(name)       &onefold_peer_##name
#define REFERENCE_(built, name) REFERENCE_##built(name)
#define REFERENCE(built, name)  REFERENCE_(built, name)

const bench_peer_entry onefold_bench_peers[BENCH_PEERS] = {
#define ONEFOLD_BENCH_PEER(name, built, package)                                                   \
  {#name, "peer_" #name "_ns", "peer_" #name "_bytes", package, REFERENCE(built, name)},
#include "bench/peers/peer_list.def"
};

const char *onefold_bench_peer_name(int peer) {
  return onefold_bench_peers[peer].name;
}

int onefold_peer_say(bench_peer_state *peer, int status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(peer->sentence, sizeof peer->sentence, format, args);
  va_end(args);
  return status;
}

bench_peer_variant *onefold_peer_add(bench_peer_state *peer, const char *name) {
  bench_peer_variant *variant = &peer->variants[peer->variant_count++];
  *variant = (bench_peer_variant){0};
  snprintf(variant->name, sizeof variant->name, "%s", name);
  return variant;
}
