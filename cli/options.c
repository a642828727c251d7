// SPDX-License-Identifier: BSD-3-Clause
// Contexts of commands, and failures as sentences and exit codes.
#include "cli/options.h"

#include <stdarg.h>
#include <stdio.h>

onefold_exit onefold_cli_context(const char *command, int32_t threads, const onefold_isa *isa,
                                 onefold_accuracy accuracy, onefold_context **context) {
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = threads,
                                           .has_max_isa = isa != NULL,
                                           .max_isa = isa ? *isa : ONEFOLD_ISA_REF,
                                           .accuracy = accuracy};
  const onefold_status status = onefold_context_create(&options, context);
  if (status != ONEFOLD_OK)
    return onefold_cli_say(command, ONEFOLD_EXIT_FAILURE, "no context: %s",
                           onefold_status_name(status));
  if (!isa || onefold_context_isa(*context) == *isa) return ONEFOLD_EXIT_OK;
  onefold_context_destroy(*context);
  *context = NULL;
  return onefold_cli_say(command, ONEFOLD_EXIT_FAILURE, "--isa=%s does not run on this machine",
                         onefold_isa_name(*isa));
}

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
