// SPDX-License-Identifier: BSD-3-Clause
// YOLOv5l whose backbone's C3s have RepVGG blocks of OREPA and no shortcuts
// (yolov5_C3_REPVGGOREPA): backbone up to row 9, neck from 10.
#define YOLO_ACTIVATION ""
#include "models/network_yolo.h"

#define C3_OREPA(index, from, out, n)                                                              \
  BLOCK(index, from, "c3_orepa", "out_channels=" #out " repeats=" #n " shortcut=0")
#define C3(index, from, out, n)                                                                    \
  BLOCK(index, from, "c3", "out_channels=" #out " repeats=" #n " shortcut=0")
#define SPPF(index, from, out) BLOCK(index, from, "sppf", "out_channels=" #out)

// clang-format off
const onefold_network_row onefold_network_rows_yolov5_c3_repvggorepa[] = {
    FIRST(64, 6, 2, 2),
    CONV(1, 0, 128, 3, 2),
    C3_OREPA(2, 1, 128, 3),
    CONV(3, 2, 256, 3, 2),
    C3_OREPA(4, 3, 256, 6),
    CONV(5, 4, 512, 3, 2),
    C3_OREPA(6, 5, 512, 9),
    CONV(7, 6, 1024, 3, 2),
    C3_OREPA(8, 7, 1024, 3),
    SPPF(9, 8, 1024),
    CONV(10, 9, 512, 1, 1),
    UPSAMPLE(11, 10),
    CONCAT(12, 11, 6),
    C3(13, 12, 512, 3),
    CONV(14, 13, 256, 1, 1),
    UPSAMPLE(15, 14),
    CONCAT(16, 15, 4),
    C3(17, 16, 256, 3),
    CONV(18, 17, 256, 3, 2),
    CONCAT(19, 18, 14),
    C3(20, 19, 512, 3),
    CONV(21, 20, 512, 3, 2),
    CONCAT(22, 21, 10),
    C3(23, 22, 1024, 3),
    OUTPUT(24, 17, 20, 23),
};
// clang-format on
