// SPDX-License-Identifier: BSD-3-Clause
// PyTorch, by torch.py.
#include "bench/peers/child.h"

static const char script[] = {
#include "bench/peers/torch.py.h"
};

static int open_peer(bench_peer_state *peer) {
  return onefold_child_open(peer, &(const bench_child_script){.program = "python3",
                                                              .program_variable = "ONEFOLD_PYTHON",
                                                              .flag = "-c",
                                                              .script = script});
}

const bench_peer onefold_peer_torch = {.own_process = 1,
                                       .networks = 1,
                                       .holds_isa = 1,
                                       .open = open_peer,
                                       .close = onefold_child_close,
                                       .make = onefold_child_make,
                                       .unmake = onefold_child_unmake,
                                       .run = onefold_child_run,
                                       .output = onefold_child_output};
