// SPDX-License-Identifier: BSD-3-Clause
// What the commands share: contexts, and failures as sentences and exit codes.
#ifndef ONEFOLD_CLI_OPTIONS_H
#define ONEFOLD_CLI_OPTIONS_H

#include "bench/argument.h"
#include "bench/bench.h"
#include "bench/form.h"
#include "bench/tilings.h"

#include <onefold/onefold.h>
#include <onefold/record.h>

/// A context of `threads` (0: the usable cores) at exactly `isa`, or at the best level where
/// `isa` is NULL, of an accuracy class. On failure a sentence has been written. Returns an
/// onefold_exit.
onefold_exit onefold_cli_context(const char *command, int32_t threads, const onefold_isa *isa,
                                 onefold_accuracy accuracy, onefold_context **context);

/// A context of all these options, max_isa being the very level. The same else.
onefold_exit onefold_cli_create(const char *command, const onefold_context_options *options,
                                onefold_context **context);

/// The form that the text of --form names; leaves by argp_error where it is none.
int onefold_cli_form(struct argp_state *state, const char *text);
#define ONEFOLD_CLI_FORMS "eager, branches or folded (default)"

/// The same, planning by a record (see onefold_bench_tilings_attach), rows of the situation first.
onefold_exit onefold_cli_tuned_context(const char *command, int32_t threads, const onefold_isa *isa,
                                       onefold_accuracy accuracy, const char *record,
                                       onefold_situation situation, onefold_context **context,
                                       onefold_tilings **tilings);

/// Options of commands that plan by a record, whose input is its path: NULL, the default one; "",
/// none.
extern const struct argp onefold_cli_record_argp;

/// Writes "<command>: <sentence>".
onefold_exit onefold_cli_say(const char *command, onefold_exit code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// Writes the sentence of the context's last failure, whose status is given. Values that are
/// wrong are bad usage, all else is a failure.
onefold_exit onefold_cli_fail(const char *command, const onefold_context *context,
                              onefold_status status);

#endif
