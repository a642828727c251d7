// SPDX-License-Identifier: BSD-3-Clause
// Values of options: numbers and words, or the end by argp_error.
#ifndef ONEFOLD_BENCH_ARGUMENT_H
#define ONEFOLD_BENCH_ARGUMENT_H

#include <argp.h>
#include <stdint.h>

#define ONEFOLD_MAX_THREADS 4096

/// A number from low to high; leaves by argp_error where the text is none.
uint64_t onefold_argument_number(struct argp_state *state, const char *option, const char *text,
                                 uint64_t low, uint64_t high);

/// One number from 1 to `high`, with *less = 0, or two with a comma between, in either order;
/// leaves by argp_error where the text is neither.
void onefold_argument_two(struct argp_state *state, const char *option, const char *text,
                          int32_t high, int32_t *less, int32_t *more);

/// Index of a word among name(0) .. name(count - 1); leaves by argp_error, which lists them,
/// where it is none of them.
int onefold_argument_word(struct argp_state *state, const char *option, const char *text, int count,
                          const char *(*name)(int));

/// Sizes of an image: "480x640", height first, or "224" for both.
void onefold_argument_size(struct argp_state *state, const char *option, const char *text,
                           int64_t *height, int64_t *width);

/// The onefold_isa that the text of --isa names, the onefold_accuracy of --accuracy, the
/// onefold_layout of --layout and the onefold_activation of --act.
int onefold_argument_isa(struct argp_state *state, const char *text);
int onefold_argument_accuracy(struct argp_state *state, const char *text);
int onefold_argument_layout(struct argp_state *state, const char *text);
int onefold_argument_activation(struct argp_state *state, const char *text);

#endif
