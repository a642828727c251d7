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
//   run VARIANT COUNT                 ok SECONDS    of COUNT calls in all
//   output VARIANT                    ok FLOATS, the floats as NCHW
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

int onefold_child_open(bench_peer_state *peer, const bench_child_script *script);
void onefold_child_close(bench_peer_state *peer);
bench_peer_made onefold_child_make(bench_peer_state *peer, const bench_peer_problem *problem);
void onefold_child_unmake(bench_peer_state *peer);
double onefold_child_run(bench_peer_state *peer, size_t variant, int64_t count);
int onefold_child_output(bench_peer_state *peer, size_t variant, float *values, size_t count);

#endif
