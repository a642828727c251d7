// SPDX-License-Identifier: BSD-3-Clause
// Rows of YOLO's networks, by their index in the original's list of layers, which the names of
// their weights have: model.<index>.* Define YOLO_ACTIVATION, a text that ends the parameters of
// every block, before including.
#ifndef ONEFOLD_MODELS_NETWORK_YOLO_H
#define ONEFOLD_MODELS_NETWORK_YOLO_H

#include "models/network.h"

#define NAME "model.#."
#define ROW(index, m, p, ...)                                                                      \
  [index] = {.module = m, .name = NAME, .params = p, .from = (const int16_t[]){__VA_ARGS__, -1}}
#define BLOCK(index, from, module, params) ROW(index, module, params YOLO_ACTIVATION, from)

/// Conv: output channels, kernel, stride. The first reads the image.
#define CONV_PARAMS(out, k, s)       "out_channels=" #out " kernel=" #k " stride=" #s
#define CONV(index, from, out, k, s) BLOCK(index, from, "conv", CONV_PARAMS(out, k, s))
#define FIRST(out, k, s, pad)                                                                      \
  [0] = ONEFOLD_NETWORK_ROW("conv", NAME, CONV_PARAMS(out, k, s) " padding=" #pad YOLO_ACTIVATION)

#define REPCONV(index, from, out) BLOCK(index, from, "repconv", "out_channels=" #out)
#define SPPCSPC(index, from, out) BLOCK(index, from, "sppcspc", "out_channels=" #out)
#define CONCAT(index, ...)        ROW(index, "concat", "", __VA_ARGS__)
#define UPSAMPLE(index, from)     ROW(index, "upsample", "", from)
/// MP: a max pooling that halves the image; SP: one that keeps its size.
#define MP(index, from)    ROW(index, "max_pool", "kernel=2 stride=2", from)
#define SP(index, from, k) ROW(index, "max_pool", "kernel=" #k, from)
/// What the Detect layer reads.
#define OUTPUT(index, ...) ROW(index, "output", "", __VA_ARGS__)

#endif
