// SPDX-License-Identifier: BSD-3-Clause
// Successive halving over candidates that can be timed. What takes the time is the caller's, so
// that the search runs as well on a made-up clock.
#ifndef ONEFOLD_TUNE_SEARCH_H
#define ONEFOLD_TUNE_SEARCH_H

#include <stddef.h>
#include <stdint.h>

/// Rounds are counted from 1; before them is the first look, after them the end game.
enum { ONEFOLD_SEARCH_FIRST_LOOK = 0, ONEFOLD_SEARCH_END_GAME = -1 };

/// Where samples come from.
typedef struct onefold_search_source {
  void *user;
  double (*now)(void *user);                     // seconds
  double (*sample)(void *user, size_t index);    // nanoseconds of one run; 0 where it cannot be run
  int (*stopped)(void *user);                    // non-zero: the user wants the end
  void (*advanced)(void *user, double fraction); // of the budget; may be NULL
  void (*begins)(void *user, int32_t round);     // what samples are taken for; may be NULL
} onefold_search_source;

typedef struct onefold_search_options {
  double budget;        // seconds in all; INFINITY: none
  double margin;        // a gain that is no larger is none
  int32_t round;        // samples of each in the first round; then twice as many
  int32_t most_samples; // of each in the end game
  int32_t exhaustive;   // non-zero: no half goes, only what is slower beyond the noise
} onefold_search_options;

/// What became of a candidate.
typedef enum onefold_search_fate {
  ONEFOLD_FATE_UNTIMED, // the budget or the user ended before its turn
  ONEFOLD_FATE_FAILED,  // it could not be run
  ONEFOLD_FATE_HALVED,  // others were faster in its last round
  ONEFOLD_FATE_SECOND,  // in the last round, but not its fastest
  ONEFOLD_FATE_NO_GAIN, // the fastest, but not by enough over the default choice
  ONEFOLD_FATE_BEST
} onefold_search_fate;

/// A candidate's samples. Entry 0 is the default choice, which is in every round.
typedef struct onefold_search_entry {
  onefold_search_fate fate;
  int32_t rounds;
  double *sample; // nanoseconds, in the order of time
  int32_t count, capacity;
  double median, spread; // of them; spread: interquartile range over median
} onefold_search_entry;

/// Why a search ended.
typedef enum onefold_search_end {
  ONEFOLD_SEARCH_SEPARATED, // the leader is ahead of all others beyond the noise
  ONEFOLD_SEARCH_EXHAUSTED, // they cannot be told apart by as many samples as are allowed
  ONEFOLD_SEARCH_BUDGET,
  ONEFOLD_SEARCH_STOPPED, // by the user: there is no result
  ONEFOLD_SEARCH_FAILED   // the default choice cannot be run, or no memory
} onefold_search_end;

typedef struct onefold_search_result {
  onefold_search_end end;
  size_t best; // 0: the default choice
  int no_gain; // not for want of evidence: the leader gains no more than the margin, or all failed
  // Of the end game alone, in which the leader and the default choice took turns.
  double best_ns, default_ns, best_spread;
  int32_t trials;  // of each
  int64_t samples; // of all candidates
  double seconds;
} onefold_search_result;

/// Times the candidates and tells the best. entry[count] is cleared first and released by
/// onefold_search_free.
void onefold_search_run(const onefold_search_options *options, const onefold_search_source *source,
                        onefold_search_entry *entry, size_t count, onefold_search_result *result);
void onefold_search_free(onefold_search_entry *entry, size_t count);

/// Sorts the values. *spread may be NULL.
double onefold_search_median(double *value, int32_t count, double *spread);

/// Twice the standard error of a median, relative to it.
double onefold_search_noise(double spread, int32_t count);

#endif
