// SPDX-License-Identifier: BSD-3-Clause
// A record in memory, and what a context finds in it.
#ifndef ONEFOLD_TESTS_TILINGS_FIXTURE_H
#define ONEFOLD_TESTS_TILINGS_FIXTURE_H

#include "tests/record_support.h"

/// Two threads of level ref: what rows are written with, and attached to.
onefold_context_options tilings_options(void);

/// A record in memory, and a context that writes its rows.
typedef struct tilings_fixture {
  onefold_record *record;
  onefold_context *context;
} tilings_fixture;
tilings_fixture tilings_create(void);
void tilings_destroy(tilings_fixture *f);

void tilings_put(tilings_fixture *f, const onefold_record_row *row);
/// Puts a row whose tiling has that number of threads, by which it is known again.
void tilings_put_row(tilings_fixture *f, const char *problem, onefold_situation situation,
                     int mark);

onefold_tilings *tilings_attach(tilings_fixture *f, onefold_situation situation);
/// The mark of the row that is found, 0: none; and where it is from.
int tilings_find(tilings_fixture *f, onefold_tilings *tilings, const char *problem,
                 char source[160]);
/// Attaches, and fails unless that row is found.
void tilings_expect(tilings_fixture *f, onefold_situation situation, const char *problem, int mark,
                    const char *source);

#endif
