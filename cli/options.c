// SPDX-License-Identifier: BSD-3-Clause
// Contexts of commands, and failures as sentences and exit codes.
#include "cli/options.h"

#include <stdarg.h>
#include <stdio.h>

static onefold_context_options options_of(int32_t threads, const onefold_isa *isa,
                                          onefold_accuracy accuracy) {
  return (onefold_context_options){.struct_size = sizeof(onefold_context_options),
                                   .threads = threads,
                                   .has_max_isa = isa != NULL,
                                   .max_isa = isa ? *isa : ONEFOLD_ISA_REF,
                                   .accuracy = accuracy};
}

onefold_exit onefold_cli_create(const char *command, const onefold_context_options *options,
                                onefold_context **context) {
  const onefold_status status = onefold_context_create(options, context);
  if (status != ONEFOLD_OK)
    return onefold_cli_say(command, ONEFOLD_EXIT_FAILURE, "no context: %s",
                           onefold_status_name(status));
  if (!options->has_max_isa || onefold_context_isa(*context) == options->max_isa)
    return ONEFOLD_EXIT_OK;
  onefold_context_destroy(*context);
  *context = NULL;
  return onefold_cli_say(command, ONEFOLD_EXIT_FAILURE, "--isa=%s does not run on this machine",
                         onefold_isa_name(options->max_isa));
}

onefold_exit onefold_cli_context(const char *command, int32_t threads, const onefold_isa *isa,
                                 onefold_accuracy accuracy, onefold_context **context) {
  const onefold_context_options options = options_of(threads, isa, accuracy);
  return onefold_cli_create(command, &options, context);
}

onefold_exit onefold_cli_tuned_context(const char *command, int32_t threads, const onefold_isa *isa,
                                       onefold_accuracy accuracy, const char *record,
                                       onefold_situation situation, onefold_context **context,
                                       onefold_tilings **tilings) {
  onefold_context_options options = options_of(threads, isa, accuracy);
  onefold_bench_tilings_attach(command, record, situation, &options, tilings, NULL, 0);
  const onefold_exit code = onefold_cli_create(command, &options, context);
  if (code != ONEFOLD_EXIT_OK) onefold_bench_tilings_free(tilings);
  return code;
}

enum { OPT_RECORD = 0x500, OPT_NO_RECORD };

static const struct argp_option record_options[] = {
    {"record", OPT_RECORD, "FILE", 0,
     "Plan by the tilings of this record (default: ONEFOLD_RECORD, else onefold/tilings.db in "
     "XDG_CACHE_HOME or ~/.cache)",
     0},
    {"no-record", OPT_NO_RECORD, NULL, 0, "Plan by the default choice alone", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

static error_t parse_record(int key, char *text, struct argp_state *state) {
  const char **record = state->input;
  if (key != OPT_RECORD && key != OPT_NO_RECORD) return ARGP_ERR_UNKNOWN;
  *record = key == OPT_RECORD ? onefold_bench_tilings_option(state, text) : "";
  return 0;
}

const struct argp onefold_cli_record_argp = {record_options, parse_record, NULL, NULL,
                                             NULL,           NULL,         NULL};

/// The generated form, the last, is none of a graph.
int onefold_cli_form(struct argp_state *state, const char *text) {
  return onefold_argument_word(state, "form", text, BENCH_GENERATED, onefold_bench_form_key);
}

onefold_exit onefold_cli_say(const char *command, onefold_exit code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s: ", command);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  return code;
}

onefold_exit onefold_cli_fail(const char *command, const onefold_context *context,
                              onefold_status status) {
  char sentence[1024] = "";
  onefold_context_last_error(context, sentence, sizeof sentence);
  const int usage = status == ONEFOLD_INVALID_ARGUMENT || status == ONEFOLD_SHAPE_MISMATCH ||
                    status == ONEFOLD_OVERFLOW;
  return onefold_cli_say(command, usage ? ONEFOLD_EXIT_USAGE : ONEFOLD_EXIT_FAILURE, "%s (%s)",
                         sentence[0] ? sentence : "no reason was given",
                         onefold_status_name(status));
}
