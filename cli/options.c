// SPDX-License-Identifier: BSD-3-Clause
// Values of options, and failures as sentences and exit codes.
#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t onefold_cli_number(struct argp_state *state, const char *option, const char *text,
                            uint64_t low, uint64_t high) {
  char *end = NULL;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 10);
  if (errno || end == text || *end || text[0] == '-' || value < low || value > high)
    argp_error(state, "--%s=%s: not a number from %llu to %llu", option, text,
               (unsigned long long)low, (unsigned long long)high);
  return value;
}

int onefold_cli_word(struct argp_state *state, const char *option, const char *text, int count,
                     const char *(*name)(int)) {
  char known[256] = "";
  for (int i = 0; i < count; i++) {
    if (strcmp(name(i), text) == 0) return i;
    const size_t used = strlen(known);
    snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", name(i));
  }
  argp_error(state, "--%s=%s: not one of %s", option, text, known);
  return 0;
}

static const char *isa_name(int i) {
  return onefold_isa_name((onefold_isa)i);
}

onefold_isa onefold_cli_isa(struct argp_state *state, const char *text) {
  return (onefold_isa)onefold_cli_word(state, "isa", text, ONEFOLD_ISA_COUNT, isa_name);
}

onefold_exit onefold_cli_context(const char *command, int32_t threads, const onefold_isa *isa,
                                 onefold_context **context) {
  const onefold_context_options options = {.struct_size = sizeof options,
                                           .threads = threads,
                                           .has_max_isa = isa != NULL,
                                           .max_isa = isa ? *isa : ONEFOLD_ISA_REF};
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
