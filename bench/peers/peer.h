// SPDX-License-Identifier: BSD-3-Clause
// A peer: another library that runs the same convolutions, in this process or in one of its own.
// One row in peer_list.def each.
#ifndef ONEFOLD_BENCH_PEERS_PEER_H
#define ONEFOLD_BENCH_PEERS_PEER_H

#include "bench/peers/peer_count.h"
#include "bench/session.h"

#define BENCH_PEER_VARIANTS 8 // ways of one peer to run a problem, at most

/// A convolution with bias and activation.
typedef struct bench_peer_layer {
  onefold_conv2d_desc desc; // a peer takes the layouts that it likes best
  onefold_shape in, out;
  const float *weight, *bias; // [O][I/g][K_h][K_w], [O]
} bench_peer_layer;

#define BENCH_PEER_LAYERS 2 // at most

/// What every peer gets: convolutions of which each reads what the one before it gives, or a
/// network.
typedef struct bench_peer_problem {
  bench_peer_layer layers[BENCH_PEER_LAYERS];
  size_t count;
  const onefold_graph *network; // folded, of one input; NULL: the layers
  const float *input;           // NCHW; this, weights and biases outlive the problem
} bench_peer_problem;

typedef struct bench_peer_variant {
  char name[24];         // "wino"; "" where there is only one
  double bytes;          // of packed weights and workspace; 0: unknown
  float *input, *output; // in the peer's layouts, for onefold_peer_time; NULL: out of reach
  size_t input_floats, output_floats;
} bench_peer_variant;

/// An open peer.
typedef struct bench_peer_state {
  bench_session *session;
  int own_threads;    // the peer's
  char about[160];    // which library and version, threads and ISA
  char sentence[320]; // why the last call failed or refused
  bench_peer_variant variants[BENCH_PEER_VARIANTS];
  size_t variant_count; // of the problem that is made
  void *own;
} bench_peer_state;

/// What `make` returns. A refusal is of this problem alone.
typedef enum bench_peer_made {
  BENCH_PEER_READY,
  BENCH_PEER_REFUSED,
  BENCH_PEER_FAILED
} bench_peer_made;

typedef struct bench_peer {
  int own_process; // whose caches --cold-cache cannot empty
  int own_threads; // in this process, which are not OpenMP's
  int holds_isa;   // keeps to --isa=avx2
  int networks;    // runs these, too
  int chains;      // runs more than one convolution
  /// Loads or starts the library for the threads and ISA of the options. Zero, or a sentence.
  /// `close` follows in both cases.
  int (*open)(bench_peer_state *peer);
  void (*close)(bench_peer_state *peer);
  /// Fills the variants, ready to run. `unmake` follows in every case.
  bench_peer_made (*make)(bench_peer_state *peer, const bench_peer_problem *problem);
  void (*unmake)(bench_peer_state *peer);
  /// Seconds of `count` calls in all; negative after a sentence.
  double (*run)(bench_peer_state *peer, size_t variant, int64_t count);
  /// The variant's results, after a run, one after the other as NCHW. Zero, or a sentence.
  int (*output)(bench_peer_state *peer, size_t variant, float *values, size_t count);
} bench_peer;

/// The peers by their place in the list.
typedef struct bench_peer_entry {
  const char *name, *counter, *bytes_counter; // "onednn", "peer_onednn_ns", "peer_onednn_bytes"
  const char *package;                        // what it needs, as Debian calls it
  const bench_peer *peer;                     // NULL: that was not there at build time
} bench_peer_entry;
extern const bench_peer_entry onefold_bench_peers[BENCH_PEERS];

/// Writes peer->sentence; returns `status`, for `return` to the caller.
int onefold_peer_say(bench_peer_state *peer, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// Adds a variant and returns it; there must be room.
bench_peer_variant *onefold_peer_add(bench_peer_state *peer, const char *name);

/// For peers in this process: `count` calls of `call`, each after emptying the caches where the
/// options say so. Seconds in all, without the emptying; negative when a call returns non-zero.
double onefold_peer_time(bench_peer_state *peer, size_t variant, int64_t count,
                         int (*call)(void *user), void *user);

#endif
