// SPDX-License-Identifier: BSD-3-Clause
// Ours against the peers of the options: timed in the same rounds, checked against each other.
#ifndef ONEFOLD_BENCH_COMPARE_H
#define ONEFOLD_BENCH_COMPARE_H

#include "bench/peers/peer.h"

#define BENCH_NAME 480 // longest "SUITE/PROBLEM/...", with its end

/// Ratios seen so far.
typedef struct bench_mean {
  double log_sum, lowest;
  size_t count;
  char lowest_name[BENCH_NAME];
} bench_mean;

/// Our memory by that of a peer, where it is most.
typedef struct bench_most {
  double ratio;
  char name[BENCH_NAME];
} bench_most;

#define BENCH_BESIDES 2 // other ways of ours, at most: a suite's own, and that on fewer threads

/// Another way of ours in the same rounds.
typedef struct bench_beside {
  const char *name;  // of its column and in counters
  const char *about; // sentences for the table's head
  int chosen;        // a column has what is chosen where nothing is said
  double large;      // flops from which on problems have a mean of their own; 0: one for all
} bench_beside;

/// Runs on the options' fewer threads, as another way.
typedef struct bench_fewer {
  bench_cell name, about;
  bench_beside beside;
} bench_fewer;

/// The peers of a session, and what has been seen so far.
typedef struct bench_peers {
  bench_session *session;
  int width;                                  // of the table's first column
  const bench_beside *besides[BENCH_BESIDES]; // our other ways
  size_t beside_count;
  bench_fewer fewer;
  bench_peer_state states[BENCH_PEERS]; // of the i-th peer of the options
  size_t open;
  bench_mean best;                    // of ratio_best_peer
  bench_mean means[BENCH_BESIDES][2]; // of their times by ours: of all or the large, of the others
  bench_most memory[2];               // of ratio_memory_peer: without and with transformed weights
} bench_peers;

/// One of the peers in one problem.
typedef struct bench_peer_result {
  bench_peer_made made;
  bench_stat stats[BENCH_PEER_VARIANTS];
  double errors[BENCH_PEER_VARIANTS]; // against ours; negative: unchecked
  int best;                           // the variant of the lowest median, -1: none was timed
} bench_peer_result;

/// Whether ours is compared with peers, or with itself on fewer threads.
int onefold_bench_compares(const bench_options *options);

/// Refuses what can be refused before anything runs: peers that were not built in or cannot run
/// pairs, caches that cannot be emptied, comparisons without the folded form. Returns an
/// onefold_exit after a sentence.
int onefold_bench_compare_allow(const bench_options *options);

/// Opens the peers and prints the table's head, with a first column of `width`, and some for each
/// of our other ways: that on fewer threads, where the options have it, whose problems from `large`
/// flops on have a mean of their own (0: one for all), behind `own`, which must outlive them; NULL:
/// there is none. Close in any case.
int onefold_bench_peers_open(bench_peers *peers, bench_session *session, int width, double large,
                             const bench_beside *own);
/// Prints the geometric means, too.
void onefold_bench_peers_close(bench_peers *peers);

/// Our side of a comparison.
typedef struct bench_ours {
  const char *name;          // "SUITE/PROBLEM"
  onefold_gbench_case timed; // with its counters
  // Our other ways, in the places of peers->besides, and with their `chosen` what that is.
  onefold_gbench_case besides[BENCH_BESIDES];
  const char *chosen;
  const float *output; // NCHW, one result after the other; NULL: they are not compared
  size_t floats;       // of it
  double flops;        // of direct arithmetic
  double bytes;        // of packed weights and workspace
  int transformed;     // weights are those of Winograd
  int repetitions;
  /// Others of ours that are timed in the same rounds.
  const onefold_gbench_case *others;
  bench_stat *const *other_stats;
  size_t other_count;
} bench_ours;

/// Runs and checks every peer, times all with `ours`, and prints a row. Counters of ours:
/// peer_NAME_ns of each peer, ratio_best_peer and ratio_memory_peer; BESIDE_ns and ratio_BESIDE of
/// our other ways.
/// Fills *stat. Returns an onefold_exit.
int onefold_bench_compare(bench_peers *peers, const bench_peer_problem *problem, bench_ours *ours,
                          bench_stat *stat);

/// What has been seen (compare_means.c); `name` is "SUITE/PROBLEM".
void onefold_bench_mean_add(bench_mean *mean, double ratio, const char *name);
void onefold_bench_most_add(bench_most *most, double ratio, const char *name);
void onefold_bench_compare_means(const bench_peers *peers);

/// The table (compare_table.c).
void onefold_bench_compare_head(const bench_peers *peers);
void onefold_bench_compare_row(const bench_peers *peers, const bench_ours *ours, bench_stat stat,
                               const bench_stat *besides, const bench_peer_result *results);
/// Whether an algorithm's weights are those of Winograd.
int onefold_bench_transforms(const char *algorithm);
/// The least that the fastest way of a peer takes, of those that tell; 0: none does.
double onefold_bench_compare_bytes(const bench_peers *peers, const bench_peer_result *results);
/// Index of the peer with the lowest median, or -1.
int onefold_bench_compare_best(const bench_peers *peers, const bench_peer_result *results);

#endif
