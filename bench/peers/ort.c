// SPDX-License-Identifier: BSD-3-Clause
// ONNX Runtime, by ort.js.
#include "bench/peers/child.h"

static const char script[] = {
#include "bench/peers/ort.js.h"
};

static int open_peer(bench_peer_state *peer) {
  return onefold_child_open(peer, &(const bench_child_script){.program = "node",
                                                              .program_variable = "ONEFOLD_NODE",
                                                              .flag = "-e",
                                                              .script = script});
}

const bench_peer onefold_peer_ort = {.own_process = 1,
                                     .networks = 1,
                                     .open = open_peer,
                                     .close = onefold_child_close,
                                     .make = onefold_child_make,
                                     .unmake = onefold_child_unmake,
                                     .run = onefold_child_run,
                                     .output = onefold_child_output};
