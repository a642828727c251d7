// SPDX-License-Identifier: BSD-3-Clause
// The machine's part of a report's header.
#ifndef ONEFOLD_BENCH_HEADER_H
#define ONEFOLD_BENCH_HEADER_H

#include "bench/session.h"

/// Prints it, adds it to the JSON's context, and warns when the machine is noisy.
void onefold_bench_header(bench_session *session);

#endif
