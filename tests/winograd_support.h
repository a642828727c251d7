// SPDX-License-Identifier: BSD-3-Clause
// Random problems that a Winograd algorithm takes, and what its result may differ by.
#ifndef ONEFOLD_TESTS_WINOGRAD_SUPPORT_H
#define ONEFOLD_TESTS_WINOGRAD_SUPPORT_H

#include "tests/conv_support.h"

/// The tile m whose points an algorithm uses: of "winograd2", "winograd4" and "winograd6" and, of
/// stride 2, m - 1 of "polyphase3" and "polyphase5"; 0 of any other name.
int winograd_tile(const char *algorithm);

/// A random 3x3 problem of stride 1, for blocks of v channels: groups fill their blocks.
void winograd_draw(test_rng *rng, int v, double max_macs, onefold_conv2d_desc *desc);

/// A random problem that the algorithm takes: kernels of up to 15x15 and, of stride 1 or 2, what it
/// has. But for 3x3 of stride 1, source channels fill their blocks.
void winograd_draw_for(test_rng *rng, int v, const char *algorithm, double max_macs,
                       onefold_conv2d_desc *desc);

/// Widens the bounds of a case to those of tile m; 0 leaves them. An output's error depends on its
/// whole tile, so that it is bounded by the channel's largest weights and the images' largest
/// pixels. On integers F(2) stays exact.
void winograd_widen(conv_case *c, int m);

/// A context's plan for a case: the algorithm's name.
void winograd_algorithm(const onefold_context *context, const onefold_conv2d_desc *desc,
                        char name[32]);

#endif
