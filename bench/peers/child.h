// SPDX-License-Identifier: BSD-3-Clause
// Peers that are a script in another language: a child process, asked over a socket that is its
// standard input and, for the answers, its file descriptor 3. A request is a line of text; floats
// follow it as they lie in memory.
//
//   open THREADS                      ok ABOUT
//   make mb ic ih iw oc oh ow kh kw   ok NAME...    one name per variant, "-" for none
//        sh sw dh dw pt pb pl pr g
//        ACTIVATION PARAMETER,
//        input NCHW, weight, bias
//   net NODES OUTPUTS,                ok NAME...
//        a line for each node, one with
//        the outputs' numbers, the input
//        NCHW, the nodes' arrays in turn
//   run VARIANT COUNT                 ok SECONDS    of COUNT calls in all
//   output VARIANT                    ok FLOATS, the floats as NCHW
//
// A node's line is its kind, the numbers of the nodes that it reads after how many they are, its
// result's shape, and:
//   conv            kh kw sh sw dh dw pt pb pl pr g BIAS; arrays: weight, and bias where BIAS is 1
//   activation      NAME PARAMETER
//   max_pool        kh kw sh sw pt pb pl pr
//   upsample        FACTOR
//   slice           BEGIN
//   squeeze_excite  HIDDEN GATE; arrays: W1, b1, W2, b2
//   input, sum, concat, global_pool   nothing
//
// Any answer may be "refused SENTENCE" or "error SENTENCE" instead. The end of its input ends it.
#ifndef ONEFOLD_BENCH_PEERS_CHILD_H
#define ONEFOLD_BENCH_PEERS_CHILD_H

#include "bench/peers/peer.h"

/// What to start: PROGRAM FLAG TEXT. `script` is the text, `program_variable` names an environment
/// variable that overrides `program`.
typedef struct bench_child_script {
  const char *program, *program_variable, *flag;
  const char *script;
} bench_child_script;

/// For child_make.c and child_net.c: a line, floats, and the names that follow "ok".
int onefold_child_send_line(bench_peer_state *peer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int onefold_child_send_floats(bench_peer_state *peer, const float *values, int64_t count);
bench_peer_made onefold_child_variants(bench_peer_state *peer);

/// Hands on a network, or refuses it.
bench_peer_made onefold_child_make_net(bench_peer_state *peer, const bench_peer_problem *problem);

int onefold_child_open(bench_peer_state *peer, const bench_child_script *script);
void onefold_child_close(bench_peer_state *peer);
bench_peer_made onefold_child_make(bench_peer_state *peer, const bench_peer_problem *problem);
void onefold_child_unmake(bench_peer_state *peer);
double onefold_child_run(bench_peer_state *peer, size_t variant, int64_t count);
int onefold_child_output(bench_peer_state *peer, size_t variant, float *values, size_t count);

#endif
