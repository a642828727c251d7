// SPDX-License-Identifier: BSD-3-Clause
// The tuner's record in a program's contexts.
#ifndef ONEFOLD_BENCH_TILINGS_H
#define ONEFOLD_BENCH_TILINGS_H

#include <onefold/record.h>

#include <argp.h>

/// The value of --record; leaves by argp_error where the program has no tuner.
const char *onefold_bench_tilings_option(struct argp_state *state, const char *text);

/// Has contexts with these options plan by a record, where the program has a tuner: NULL, that of
/// ONEFOLD_RECORD or the default one, of which a warning after "<command>: " is all that can fail;
/// "": none. Warns of rows that are skipped, too. The tilings, NULL where there are none, outlive
/// the context. Where ONEFOLD_VERBOSE asks for it, plans are logged; without a tuner that is warned
/// of. `about` (may be NULL) becomes "12 rows of FILE", of those that fit the context, or "none".
void onefold_bench_tilings_attach(const char *command, const char *record,
                                  onefold_situation situation, onefold_context_options *options,
                                  onefold_tilings **tilings, char *about, size_t size);
void onefold_bench_tilings_free(onefold_tilings **tilings);

#endif
