// SPDX-License-Identifier: BSD-3-Clause
// How far apart the cores of a context's threads are.
#ifndef ONEFOLD_OPS_HANDOVER_H
#define ONEFOLD_OPS_HANDOVER_H

#include <onefold/context.h>

/// Nanoseconds for a cache line to go from thread 0 to the thread that is farthest from it: half of
/// a round trip. 0 with one thread, or where threads do not run side by side.
double onefold_handover_ns(const onefold_context *context);

#endif
