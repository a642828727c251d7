// SPDX-License-Identifier: BSD-3-Clause
// Options that the suites share.
#ifndef ONEFOLD_BENCH_OPTIONS_H
#define ONEFOLD_BENCH_OPTIONS_H

#include "bench/form.h"
#include "bench/peers/peer_count.h"

#include <onefold/context.h>
#include <onefold/types.h>

#include <stddef.h>
#include <stdint.h>

/// What is thrown out of the caches before each timed call.
typedef enum bench_cold { BENCH_COLD_NONE, BENCH_COLD_WEIGHTS, BENCH_COLD_ALL } bench_cold;

/// An argument that is no option. Texts are in argv, or in those of batch files, which live until
/// onefold_bench_options_free.
typedef struct bench_argument {
  const char *text;
  const char *file; // whose line it is; NULL: of the command line
  size_t line;
} bench_argument;

/// A file of arguments.
typedef struct bench_batch {
  const char *path;
  char *text;
} bench_batch;

typedef struct bench_options {
  const char *command; // "onefold bench conv"
  int takes;           // below
  int32_t threads;
  int32_t fewer; // that are timed beside them; 0: none
  int32_t has_isa;
  onefold_isa isa;
  onefold_accuracy accuracy;
  bench_cold cold;
  int peers[BENCH_PEERS]; // that are compared with, in the order asked for
  int peer_count;
  int forms[BENCH_FORMS];        // which of onefold_bench_forms
  int32_t rewrites;              // all that are rewrites, too
  int32_t layers;                // layer by layer, too
  int64_t images, height, width; // of networks; 0: the network's own
  int32_t has_layout;            // else blocked, with thin inputs as NCHW
  onefold_layout layout;
  int32_t has_activation; // else what the block or "none" for a convolution
  onefold_activation activation;
  uint64_t seed;
  const char *weights, *json; // paths or NULL
  const char *record;         // the same; "": no record is read
  const char *cache;          // a directory or NULL
  int32_t check;              // compare with the reference kernels
  bench_argument *arguments;
  bench_batch *batches;
  const char **flags; // Google Benchmark's, in argv
  size_t argument_count, batch_count, flag_count;
} bench_options;

/// Which options a suite takes, as bits.
enum {
  BENCH_TAKES_PROBLEMS = 1, // names or problems as arguments or in files
  BENCH_TAKES_FORMS = 2,
  BENCH_TAKES_WEIGHTS = 4,
  BENCH_TAKES_NETWORKS = 8, // names as arguments
  BENCH_TAKES_PAIRS = 16,   // problems that are pairs, in blocked layouts
  BENCH_TAKES_FEWER = 32    // two numbers of threads
};

/// Parses; on a mistake writes a sentence and exits with ONEFOLD_EXIT_USAGE,
/// as on --help with ONEFOLD_EXIT_OK. Returns an onefold_exit.
int onefold_bench_options_parse(bench_options *options, int argc, char **argv, int takes,
                                const char *arguments, const char *doc);
void onefold_bench_options_free(bench_options *options);

/// Adds an argument. Returns an errno, 0 where it is done.
int onefold_bench_argument_add(bench_options *options, bench_argument argument);
/// Keeps the content of a file of arguments. Returns an errno, which is set.
int onefold_bench_batch_read(bench_options *options, const char *path);
/// Adds the lines of these files behind the arguments, of which the first may be what they are of.
/// Returns an errno.
int onefold_bench_batches_add(bench_options *options);

/// Makes an item of an argument. The context is for problems, and holds the sentences. Returns an
/// onefold_exit after a sentence.
typedef int bench_argument_fn(onefold_context *context, const bench_options *options,
                              const bench_argument *argument, void *item);

/// Makes items of `size` bytes, to be freed, of all arguments; there must be one: `what` and an
/// `example` are for the sentence that says so. Returns an onefold_exit after a sentence.
int onefold_bench_arguments_parse(const bench_options *options, const char *what,
                                  const char *example, size_t size, bench_argument_fn *parse,
                                  void **items, size_t *count);

/// Says what is wrong with an argument, after the line where it stands. Returns ONEFOLD_EXIT_USAGE.
int onefold_bench_argument_wrong(const bench_options *options, const bench_argument *argument,
                                 const char *format, ...) __attribute__((format(printf, 3, 4)));

const char *onefold_bench_cold_name(bench_cold cold); // "none", "wei", "all"

#endif
