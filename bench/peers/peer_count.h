// SPDX-License-Identifier: BSD-3-Clause
// How many peers there are, and their names, for the options.
#ifndef ONEFOLD_BENCH_PEERS_PEER_COUNT_H
#define ONEFOLD_BENCH_PEERS_PEER_COUNT_H

enum {
#define ONEFOLD_BENCH_PEER(name, built, package) BENCH_PEER_##name,
#include "bench/peers/peer_list.def"
  BENCH_PEERS
};

const char *onefold_bench_peer_name(int peer); // "onednn", ...

#endif
