// SPDX-License-Identifier: BSD-3-Clause
// The machine's part of a report's header.
#ifndef ONEFOLD_BENCH_HEADER_H
#define ONEFOLD_BENCH_HEADER_H

#include "bench/session.h"

/// Whether the machine is noisy: its load, and the *spread of the FMA loop.
int onefold_bench_is_noisy(const onefold_machine *machine, const onefold_peak *peak,
                           double *spread);

/// Prints it, adds it to the JSON's context, and warns when the machine is noisy.
void onefold_bench_header(bench_session *session);

#endif
