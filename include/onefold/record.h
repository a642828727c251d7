// SPDX-License-Identifier: BSD-3-Clause
// The record of tilings in an SQLite file, its rows as text, and its way into a
// context. In a library of its own, onefold_tune, which onefold.h leaves out and
// which alone needs SQLite. docs/record.md has the file's schema; tune.h has the
// search that finds rows.
//
// Nothing here ends the process or, but for the lines of onefold_verbose_attach,
// prints. What is worth saying goes to the caller's warning function; a failure
// is a status, and its sentence is kept by the record. A record is used by one
// thread at a time; any number of processes may have the same file open, and
// none loses what another wrote.
#ifndef ONEFOLD_RECORD_H
#define ONEFOLD_RECORD_H

#include <onefold/context.h>
#include <onefold/conv2d.h>
#include <onefold/export.h>
#include <onefold/machine.h>
#include <onefold/status.h>
#include <onefold/types.h>

ONEFOLD_BEGIN

/// How a layer was measured.
typedef enum onefold_situation {
  ONEFOLD_WARM = 0,    // again and again by itself: its weights are in cache
  ONEFOLD_COLD = 1,    // by itself, its weights not in cache
  ONEFOLD_IN_PLACE = 2 // within whole runs of a graph
} onefold_situation;
#define ONEFOLD_SITUATION_COUNT 3

/// "warm", "cold", "in_place"; "?" outside the enum. Thread-safe.
ONEFOLD_API const char *onefold_situation_name(onefold_situation situation);

/// What was measured, and where.
typedef struct onefold_record_key {
  char machine[256]; // onefold_machine_fingerprint, with the context's level
  char kind[16];     // of operator: "conv2d"
  char problem[256]; // onefold_conv2d_desc_print
  char layouts[32];  // of input and output: "nchw:blocked"
  /// Activation, and what else the epilogue has, in this order: "relu", "none+residual_before",
  /// "silu+residual_after+residual_scale+channel_scale".
  char epilogue[80];
  int32_t threads; // onefold_context_threads
  onefold_situation situation;
  onefold_accuracy accuracy;
} onefold_record_key;

/// A key, the best tiling that was found for it, and the evidence.
typedef struct onefold_record_row {
  onefold_record_key key;
  onefold_tiling tiling; // all empty: the default choice was best. `source` is not kept
  double median_ns;      // of one run
  double spread;         // of the runs: interquartile range over median
  double default_ns;     // the default choice's median in the same measurement; 0: not measured
  int64_t trials;        // runs that the median is of
  char version[16];      // onefold_version of the library that measured
  uint64_t kernels;      // onefold_kernel_list_hash of the same
  char date[24];         // "2026-01-31T23:59:59Z"
} onefold_record_row;

/// Fills the key of a convolution in `context` on `machine` (NULL: this one), the version, the
/// kernel list and the date; all else is zero. Errors: those of onefold_conv2d_output_shape
/// (sentence in the context). Thread-safe.
ONEFOLD_API onefold_status onefold_record_row_init(onefold_context *context,
                                                   const onefold_machine *machine,
                                                   const onefold_conv2d_desc *desc,
                                                   onefold_situation situation,
                                                   onefold_record_row *row);

/// The convolution that a key is of. Errors: INVALID_ARGUMENT, and those of
/// onefold_conv2d_desc_parse (sentence in the context). Thread-safe.
ONEFOLD_API onefold_status onefold_record_key_desc(onefold_context *context,
                                                   const onefold_record_key *key,
                                                   onefold_conv2d_desc *desc);

/// The ISA level that a key's machine was held to, or -1 where this version does not know it.
/// Thread-safe.
ONEFOLD_API int onefold_record_key_isa(const onefold_record_key *key);

/// Hash of the names of the kernels that a context dispatches to. Thread-safe.
ONEFOLD_API uint64_t onefold_kernel_list_hash(const onefold_context *context);

/// A tiling as text: "algorithm=winograd4,kernel=...,threads=2", fields that are zero left out.
/// Returns the length that it needs. Thread-safe.
ONEFOLD_API size_t onefold_tiling_print(const onefold_tiling *tiling, char *text, size_t size);

/// Reads that text. Errors: UNSUPPORTED (a field that this version does not have), FORMAT.
/// Thread-safe.
ONEFOLD_API onefold_status onefold_tiling_parse(const char *text, onefold_tiling *tiling);

// ------------------------------------------------------------------- record

typedef struct onefold_record onefold_record;

/// Receives a sentence without a newline.
typedef void (*onefold_warning_fn)(void *user, const char *sentence);

typedef struct onefold_record_options {
  size_t struct_size; // sizeof(onefold_record_options)
  /// NULL: ONEFOLD_RECORD of the environment, else onefold_record_default_path. Empty or
  /// ":memory:": no file; rows live as long as the record.
  const char *path;
  /// For looking up: nothing is moved or written, no record created, and a default file that is not
  /// there is no cause for a warning. (SQLite may leave <path>-shm and an empty <path>-wal.)
  int32_t read_only;
  onefold_warning_fn warning; // may be NULL
  void *warning_user;
} onefold_record_options;

/// $XDG_CACHE_HOME/onefold/tilings.db, by default ~/.cache/onefold/tilings.db. Returns the length
/// that it needs; 0 where neither is known. Thread-safe as far as getenv is.
ONEFOLD_API size_t onefold_record_default_path(char *text, size_t size);

/// Opens a record; `options` may be NULL. A file that is damaged or no record is renamed to
/// <path>.damaged-<date> and a new one begun; where no file can be had (missing or read-only
/// directory, a newer schema), the record lives in memory. Both give one warning and no failure.
/// With read_only such a file is left alone, and the record is empty. Only the default path's
/// directories are created.
/// Errors: INVALID_ARGUMENT, OUT_OF_MEMORY. Thread-safe.
ONEFOLD_API onefold_status onefold_record_open(const onefold_record_options *options,
                                               onefold_record **record);

/// NULL is allowed.
ONEFOLD_API void onefold_record_close(onefold_record *record);

/// The file, or "" where the record lives in memory; valid as long as the record is.
ONEFOLD_API const char *onefold_record_path(const onefold_record *record);

/// Copies the sentence of the last failed call with this record (at most `size` bytes, always
/// terminated) and returns its status.
ONEFOLD_API onefold_status onefold_record_last_error(const onefold_record *record, char *text,
                                                     size_t size);

/// What happens to a row whose key is there already. The better evidenced of two is that of this
/// version and its kernels, else that with the smaller standard error of its median (spread over
/// the root of the trials; of fewer than five trials none is known), else the later.
typedef enum onefold_record_policy {
  ONEFOLD_RECORD_REPLACE = 0, // the new one stays
  ONEFOLD_RECORD_BETTER = 1   // the better evidenced stays
} onefold_record_policy;

/// Writes a row, its real numbers rounded to nine digits; when it returns, a kill of the process
/// does not lose it. `written` (may be NULL) is zero where the policy kept the old row. Errors:
/// INVALID_ARGUMENT (a field that no row can have), UNSUPPORTED (opened read-only), IO (a full
/// disk, a lock that stays taken for ten seconds), FORMAT (the file is damaged), OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_record_put(onefold_record *record, const onefold_record_row *row,
                                              onefold_record_policy policy, int *written);

/// Errors: NOT_FOUND, INVALID_ARGUMENT, IO, FORMAT, OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_record_get(onefold_record *record, const onefold_record_key *key,
                                              onefold_record_row *row);

/// Errors: NOT_FOUND and those of onefold_record_put.
ONEFOLD_API onefold_status onefold_record_delete(onefold_record *record,
                                                 const onefold_record_key *key);

/// Non-zero ends the visit.
typedef int (*onefold_record_visit_fn)(void *user, const onefold_record_row *row);

/// Calls `visit` with every row that this version understands, in the order of machine, kind,
/// problem, layouts, epilogue, threads, situation, accuracy; `visit` must not use the record.
/// `skipped` (may be NULL) counts the others. Errors: INVALID_ARGUMENT, IO, FORMAT, OUT_OF_MEMORY.
ONEFOLD_API onefold_status onefold_record_visit(onefold_record *record,
                                                onefold_record_visit_fn visit, void *user,
                                                int64_t *skipped);

/// Removes the rows for which `drop` returns non-zero, in one change, and counts them in `removed`
/// (may be NULL). Rows that this version does not understand stay. Errors: those of
/// onefold_record_put.
ONEFOLD_API onefold_status onefold_record_prune(onefold_record *record,
                                                onefold_record_visit_fn drop, void *user,
                                                int64_t *removed);

/// What became of rows: written; not written, as the record's own was kept; left out, as this
/// version does not understand them.
typedef struct onefold_record_counts {
  int64_t written, kept, skipped;
} onefold_record_counts;

/// Adds the rows of another record, in one change. `counts` may be NULL. Errors: those of
/// onefold_record_put; the sentence is this record's.
ONEFOLD_API onefold_status onefold_record_merge(onefold_record *record, onefold_record *from,
                                                onefold_record_policy policy,
                                                onefold_record_counts *counts);

// --------------------------------------------------------------------- text

/// A row as a JSON object on one line, its members in a fixed order and numbers with nine digits.
/// Returns the length that it needs, 0 where there is no memory. Thread-safe.
ONEFOLD_API size_t onefold_record_row_print(const onefold_record_row *row, char *text, size_t size);

/// Calls `line` with each row as onefold_record_row_print writes it, in the order of a visit: two
/// exports can be compared line by line. `skipped` as in onefold_record_visit. Errors: those of a
/// visit.
ONEFOLD_API onefold_status onefold_record_export(onefold_record *record, onefold_line_fn line,
                                                 void *user, int64_t *skipped);

/// Adds the rows of an export, `length` bytes of text: all of them, or on failure none. Empty lines
/// are allowed; rows with tilings of a newer version are skipped. `counts` may be NULL. Errors:
/// FORMAT (the sentence names the line and the value), and those of onefold_record_put.
ONEFOLD_API onefold_status onefold_record_import(onefold_record *record, const char *text,
                                                 size_t length, onefold_record_policy policy,
                                                 onefold_record_counts *counts);

// -------------------------------------------------------------- verbose log

/// A planned problem as a line: "onefold plan conv2d <problem> <layouts> <epilogue> threads:2
/// standard isa:avx512 <tiling> from <source>". Returns the length that it needs, 0 where there is
/// no convolution. Thread-safe.
ONEFOLD_API size_t onefold_verbose_print(onefold_context *context, const onefold_conv2d_desc *desc,
                                         const onefold_tiling *tiling, char *text, size_t size);

/// Reads such a line, wherever in `text` it begins. Errors: NOT_FOUND (there is none), FORMAT, and
/// those of onefold_conv2d_desc_parse. Thread-safe.
ONEFOLD_API onefold_status onefold_verbose_parse(onefold_context *context, const char *text,
                                                 onefold_conv2d_desc *desc);

/// The same, with the threads, the accuracy class and the ISA level of the context that planned: a
/// row that is to be found there is tuned in a context of these. Lines of before there was a level
/// in them give that of `context`. Of `key` the machine is empty and the situation is WARM, as the
/// line does not tell them. Errors: those of onefold_verbose_parse. Thread-safe.
ONEFOLD_API onefold_status onefold_verbose_parse_key(onefold_context *context, const char *text,
                                                     onefold_conv2d_desc *desc,
                                                     onefold_record_key *key, onefold_isa *isa);

/// Where ONEFOLD_VERBOSE of the environment is set, and not to 0: sets options->planned to write
/// such lines to the standard error. Returns non-zero where it did. Thread-safe as far as getenv
/// is.
ONEFOLD_API int onefold_verbose_attach(onefold_context_options *options);

// ------------------------------------------------------------------ look-up

/// The rows of a record that fit a context, in memory, by problem. Immutable: any number of
/// threads and contexts may use it at once, and the record may be closed or written to.
typedef struct onefold_tilings onefold_tilings;

/// Reads the rows for contexts with these options on `machine` (NULL: this one), and sets
/// options->tiling and tiling_user; the index must live as long as the context that is created
/// with them. Rows measured in `situation` come first; between the others, cold and in_place are
/// taken for each other before warm. A row that names a kernel that this context has not is
/// skipped. Errors: INVALID_ARGUMENT, IO, FORMAT, OUT_OF_MEMORY; options are then left alone.
ONEFOLD_API onefold_status onefold_record_attach(onefold_record *record,
                                                 onefold_situation situation,
                                                 const onefold_machine *machine,
                                                 onefold_context_options *options,
                                                 onefold_tilings **tilings);

/// NULL is allowed.
ONEFOLD_API void onefold_tilings_destroy(onefold_tilings *tilings);

/// Rows that were read, and rows of this micro-architecture, threads and accuracy class that were
/// skipped. Thread-safe.
ONEFOLD_API void onefold_tilings_count(const onefold_tilings *tilings, int64_t *rows,
                                       int64_t *skipped);

/// The onefold_tiling_fn of an index. The first of these that there is, which `source` names:
///   "record"                              this problem on this machine
///   "record: same micro-architecture"     this problem on another machine with the same cores
///   "record: nearest mb1ic64ih56..."      the nearest problem: of the same kernel, stride,
///       dilation, low pads, groups (or also depthwise) and layouts, any epilogue, batch, channels,
///       heights and widths within a factor of two each; the least sum of |log2 of their ratios|
/// and ", measured warm" or the like where that is not the situation asked for. Returns zero where
/// there is none. Takes no lock, allocates nothing, calls no SQL. Thread-safe.
ONEFOLD_API int onefold_tilings_find(void *tilings, const onefold_conv2d_desc *desc,
                                     onefold_tiling *tiling);

/// Where in the order of onefold_tilings_find a row stands.
typedef enum onefold_tilings_rung {
  ONEFOLD_RUNG_EXACT = 0,      // this problem on this machine
  ONEFOLD_RUNG_SAME_CORES = 1, // this problem on another machine with the same cores
  ONEFOLD_RUNG_NEAREST = 2     // the nearest problem
} onefold_tilings_rung;

/// The row that onefold_tilings_find takes, and who measured it.
typedef struct onefold_tilings_answer {
  onefold_tilings_rung rung;
  int32_t this_machine;        // zero: measured on another one with the same cores
  onefold_situation situation; // in which it was measured
  char problem[104];           // the row's, of which no more than 100 characters are kept
  char version[16];            // of the library that measured
  uint64_t kernels;            // onefold_kernel_list_hash of the same
} onefold_tilings_answer;

/// What onefold_tilings_find would take. Returns zero where there is none. Thread-safe.
ONEFOLD_API int onefold_tilings_explain(const onefold_tilings *tilings,
                                        const onefold_conv2d_desc *desc,
                                        onefold_tilings_answer *taken);

ONEFOLD_END

#endif
