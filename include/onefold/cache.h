// SPDX-License-Identifier: BSD-3-Clause
// Executions that are ready to run, saved as files and mapped back: a second start reads no
// checkpoint, folds nothing and packs nothing.
//
// A file holds the packed weights of one execution and what its steps are planned from. It is for
// one content (a text that the caller gives), one set of options, one accuracy class, one kind of
// machine (ISA level, cache sizes) and one version of the library; whatever differs, or is damaged,
// is refused with a sentence, and never run. Files are written beside their place and renamed, so
// that processes that start together each find a whole file or none.
//
// A file must not be changed in place while it is mapped; to remove or to replace it is no harm.
#ifndef ONEFOLD_CACHE_H
#define ONEFOLD_CACHE_H

#include <onefold/context.h>
#include <onefold/exec.h>
#include <onefold/export.h>
#include <onefold/status.h>

#include <stdint.h>

ONEFOLD_BEGIN

typedef struct onefold_cache_options {
  size_t struct_size;    // sizeof(onefold_cache_options)
  const char *directory; // where the files are; its last part is made where it is missing
  /// Non-zero: what a mapped file holds of weights is not read for its checksum, so that only
  /// those pages are read that a run reads. A flipped bit then is a wrong result.
  int32_t unchecked;
  /// Receives a sentence where a file is left aside, or cannot be written; NULL: nobody. From the
  /// thread that calls.
  void (*note)(void *user, const char *sentence);
  void *note_user;
} onefold_cache_options;

/// Makes the graph of an execution, folded and all; called where no file has it. On failure a
/// sentence is in the context, and nothing is left behind.
typedef onefold_status (*onefold_graph_make_fn)(void *user, onefold_context *context,
                                                onefold_graph **graph);

/// The execution of a graph, packed and ready to run: mapped from the directory where a file is for
/// it, else from the graph that `make` gives, and then written there for the next start.
///
/// `content` says what the graph and its weights are, in as many words as it takes to tell them
/// from others: "repvgg-a0 1x3x224x224 folded", with onefold_file_hash of the checkpoint. The
/// options (NULL: the defaults), the accuracy class, the machine and the library's version are
/// added to it. `cache` NULL, or a directory that is NULL or "": nothing is read or written.
///
/// What goes wrong with the files is no error: it is noted, and the work is done afresh. Errors:
/// INVALID_ARGUMENT, those of `make`, onefold_exec_create and onefold_exec_pack. Thread-safe, also
/// between processes; each makes what it does not find. onefold_exec_get_info's mapped_bytes tells
/// which it was.
ONEFOLD_API onefold_status onefold_exec_cached(onefold_context *context,
                                               const onefold_cache_options *cache,
                                               const char *content, onefold_graph_make_fn make,
                                               void *user, const onefold_exec_options *options,
                                               onefold_exec **exec);

/// Writes a packed execution to a file. Errors: INVALID_ARGUMENT (also where it is not packed), IO,
/// OUT_OF_MEMORY; what was at the path is then as it was. Thread-safe; not while the execution is
/// packed or destroyed.
ONEFOLD_API onefold_status onefold_exec_save(const onefold_exec *exec, const char *path,
                                             const char *content);

/// Maps an execution that was saved with the same content and options, ready to run; its packed
/// weights stay in the file's pages, which processes share. `unchecked` as above. Errors:
/// INVALID_ARGUMENT; NOT_FOUND where there is no file; IO; FORMAT where it is damaged, cut short or
/// something else; REFUSED where it is for another content, execution, machine or version, or where
/// this context plans another way than when it was packed; OUT_OF_MEMORY. Thread-safe.
ONEFOLD_API onefold_status onefold_exec_map(onefold_context *context, const char *path,
                                            const char *content,
                                            const onefold_exec_options *options, int32_t unchecked,
                                            onefold_exec **exec);

/// A file of a directory of saved executions.
typedef struct onefold_cache_entry {
  const char *name, *path; // in the directory, and with it
  int64_t bytes;
  int32_t fits; // non-zero: it is of this library and of this machine, at any level
  // Of ASCII's visible characters alone.
  char reason[384]; // why it does not fit, a sentence; "" where it does
  char what[384];   // "avx512, standard: <content>"; "" where that cannot be read
} onefold_cache_entry;

/// Non-zero ends the visit. The file may be removed.
typedef int (*onefold_cache_visit_fn)(void *user, const onefold_cache_entry *entry);

/// Calls `visit` with each file that onefold_exec_cached has made in a directory, in the order of
/// their names, and with what processes left that were killed while they wrote, an hour before at
/// least: regular files, by name and by content; no other is looked at. Weights are not read, so
/// that a file which fits may still be damaged. Errors: INVALID_ARGUMENT, NOT_FOUND (there is no
/// such directory), IO, OUT_OF_MEMORY. Thread-safe.
ONEFOLD_API onefold_status onefold_cache_visit(onefold_context *context, const char *directory,
                                               onefold_cache_visit_fn visit, void *user);

/// A hash of a file's bytes and length, for `content`: at the speed of memory, and no protection
/// against somebody who wants two files to have the same. Errors: INVALID_ARGUMENT, IO,
/// OUT_OF_MEMORY. Thread-safe.
ONEFOLD_API onefold_status onefold_file_hash(onefold_context *context, const char *path,
                                             uint64_t *hash);

ONEFOLD_END

#endif
