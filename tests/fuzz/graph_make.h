// SPDX-License-Identifier: BSD-3-Clause
// A graph from bytes: a sequence of builder calls over every kind of node.
#ifndef ONEFOLD_TESTS_FUZZ_GRAPH_MAKE_H
#define ONEFOLD_TESTS_FUZZ_GRAPH_MAKE_H

#include "tests/fuzz/fuzz.h"
#include "tests/support.h"

enum { FUZZ_NODES = 40, FUZZ_VALUES = 1 << 15, FUZZ_ENDS = 4 };

typedef struct fuzz_graph {
  fuzz_stream *stream;
  onefold_graph *graph;
  test_rng rng;
  int strange;                    // weights may be huge, tiny, infinite or NaN
  int without_stats;              // a batch normalisation has no statistics
  int inputs, outputs;            // declared so far
  onefold_node nodes[FUZZ_NODES]; // results to be read
  int count;
  float values[FUZZ_VALUES]; // weights of the node at hand
} fuzz_graph;

/// Adds the nodes and outputs that the stream tells of, until it ends or a call fails. Most calls
/// are valid; those whose first byte has its high bit set need not be.
void fuzz_graph_make(fuzz_graph *g);

#endif
