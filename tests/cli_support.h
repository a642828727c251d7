// SPDX-License-Identifier: BSD-3-Clause
// Runs the built program and keeps what it wrote.
#ifndef ONEFOLD_TESTS_CLI_SUPPORT_H
#define ONEFOLD_TESTS_CLI_SUPPORT_H

#include "tests/support.h"

#include <jansson.h>

typedef struct test_run {
  int code; // exit code; 128 + the signal that ended it
  char *out, *err;
} test_run;

/// Runs the program with the arguments, which are separated by blanks.
test_run test_program(const char *arguments);
/// Runs a line of the shell.
test_run test_command(const char *line);
void test_run_free(test_run *run);

/// Fails unless the exit code is `code`, showing the standard error.
void test_exits(const test_run *run, const char *arguments, int code);

/// Arguments that are a mistake: their exit code, and words of the sentence that names it.
typedef struct test_mistake {
  const char *arguments;
  int code;
  const char *says;
} test_mistake;

/// Fails unless the program ends with the code, and says so on the standard error.
void test_expect_mistake(const char *arguments, int code, const char *says);
void test_expect_mistakes(const test_mistake *mistakes, size_t count);

/// Fails unless the program ends with 0 and writes the words on the standard output.
void test_expect_words(const char *arguments, const char *words);

/// Fails unless `text` has the words.
void test_has_words(const char *text, const char *words);

/// Google Benchmark's flags of a short run with three repetitions.
#define TEST_QUICK "--benchmark_min_time=0.001 --benchmark_repetitions=3 "

/// A temporary file's path, removed by test_path_free.
char *test_path(void);
void test_path_free(char *path);

/// The entry of that name in a Google Benchmark report, or NULL.
const json_t *test_entry(const json_t *report, const char *name);
/// How many entries have it.
int test_entries(const json_t *report, const char *name);

/// The median of a row that has three repetitions, whose time and counters are numbers.
const json_t *test_row_of_report(const json_t *report, const char *name,
                                 const char *const *counters);

/// Counters of rows, ended by NULL: of the form that others are compared with, of what is compared
/// with it, of copies, and of what is paid once.
extern const char *const test_first_counters[];
extern const char *const test_work_counters[];
extern const char *const test_copy_counters[];
extern const char *const test_none_counters[];

/// Runs, and parses the standard output as JSON.
json_t *test_report(const char *arguments);
/// The same of a run, which is freed.
json_t *test_report_of(test_run *run, const char *arguments);

/// Runs `onefold bench SUITE` with a peer; where that is not here, says so and skips.
test_run test_peer_run(const char *suite, const char *peer, const char *arguments);
/// Its report, of repetitions that are few and short.
json_t *test_peer_report(const char *suite, const char *peer, const char *arguments);

/// The number of that name; fails where there is none.
double test_number(const json_t *object, const char *key);
/// Fails unless it is `want`.
void test_expect_number(const json_t *object, const char *key, double want);

/// A text of a report's context; "" where there is none.
const char *test_fact(const json_t *report, const char *key);

#endif
