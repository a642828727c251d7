// SPDX-License-Identifier: BSD-3-Clause
// What the commands share: values of options, and failures as sentences and exit codes.
#ifndef ONEFOLD_CLI_OPTIONS_H
#define ONEFOLD_CLI_OPTIONS_H

#include "bench/bench.h"

#include <onefold/onefold.h>

#include <argp.h>

#define ONEFOLD_CLI_MAX_THREADS 4096

/// A number from low to high; leaves by argp_error where the text is none.
uint64_t onefold_cli_number(struct argp_state *state, const char *option, const char *text,
                            uint64_t low, uint64_t high);

/// Index of a word among name(0) .. name(count - 1); leaves by argp_error, which lists them,
/// where it is none of them.
int onefold_cli_word(struct argp_state *state, const char *option, const char *text, int count,
                     const char *(*name)(int));

/// An ISA level.
onefold_isa onefold_cli_isa(struct argp_state *state, const char *text);

/// A context of `threads` (0: the usable cores) at exactly `isa`, or at the best level where
/// `isa` is NULL. On failure a sentence has been written. Returns an onefold_exit.
onefold_exit onefold_cli_context(const char *command, int32_t threads, const onefold_isa *isa,
                                 onefold_context **context);

/// Writes "<command>: <sentence>".
onefold_exit onefold_cli_say(const char *command, onefold_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// Writes the sentence of the context's last failure, whose status is given. Values that are
/// wrong are bad usage, all else is a failure.
onefold_exit onefold_cli_fail(const char *command, const onefold_context *context,
                              onefold_status status);

#endif
