// SPDX-License-Identifier: BSD-3-Clause
// The context: threads, allocator, ISA cap, accuracy class, source of tilings
// and the last error. Nothing in the library is global and nothing is read at
// load time; a process may hold several contexts.
#ifndef ONEFOLD_CONTEXT_H
#define ONEFOLD_CONTEXT_H

#include <onefold/export.h>
#include <onefold/status.h>
#include <onefold/types.h>

ONEFOLD_BEGIN

#define ONEFOLD_VERSION_MAJOR 0
#define ONEFOLD_VERSION_MINOR 1
#define ONEFOLD_VERSION_PATCH 0

/// "0.1.0": the version of the library in use, not of the header. Thread-safe.
ONEFOLD_API const char *onefold_version(void);

typedef struct onefold_context onefold_context;

/// A piece of parallel work: called once for each index in [0, n).
typedef void (*onefold_task_fn)(void *arg, size_t index);

/// Runs fn(arg, i) for every i in [0, n), in any order and on any thread, and
/// returns when all have returned. Called from several threads at once where these use one context
/// at once.
typedef void (*onefold_parallel_for_fn)(void *user, onefold_task_fn fn, void *arg, size_t n);

/// How a layer is to be computed; see onefold_tiling_fn. A field that is zero
/// or empty is left to the default choice.
typedef struct onefold_tiling {
  char algorithm[32]; // "direct", "pointwise", "depthwise", "grouped", ...
  char kernel[64];    // a name from kernel_list.def; used wherever its blocks fit
  int32_t block_in;   // input-channel blocks that are summed before the next row
  int32_t threads;    // tasks that the layer is cut into
  int32_t piece;      // output pixels (1x1) or tiles (Winograd) that are worked on at a time
  int32_t parts;      // tasks that share the output channels of a piece
  int32_t ahead;      // is what comes next asked for ahead: 1 no, 2 yes
  int32_t pair;       // in a graph: one step with the convolution after it, 1 no, 2 yes
  int32_t order;      // tasks are cut along: 1 channel blocks, 2 rows of all channels
  char source[160];   // where it comes from, for those who ask the plan; empty: "caller"
} onefold_tiling;

/// A field of onefold_tiling that is a choice: all but `source`.
typedef struct onefold_tiling_field {
  const char *name;
  size_t offset, size; // bytes of a text; 0: an int32_t from 0 on
} onefold_tiling_field;

/// The table of fields, and their number. Thread-safe.
ONEFOLD_API const onefold_tiling_field *onefold_tiling_fields(size_t *count);

struct onefold_conv2d_desc;

/// Asked once per plan. Returns non-zero when it filled `tiling`. A tiling
/// whose algorithm does not apply is left aside, and so is a field whose value
/// the algorithm cannot have; onefold_conv2d_explain says which and why.
typedef int (*onefold_tiling_fn)(void *user, const struct onefold_conv2d_desc *desc,
                                 onefold_tiling *tiling);

/// Receives a problem and what its plan chose, from the thread that plans.
typedef void (*onefold_planned_fn)(void *user, onefold_context *context,
                                   const struct onefold_conv2d_desc *desc,
                                   const onefold_tiling *tiling);

typedef struct onefold_context_options {
  size_t struct_size; // sizeof(onefold_context_options)

  /// Tasks to cut work into. 0: the cores that this process may use (affinity
  /// mask less the cgroup's CPU quota). 1: no threads. At most 4096.
  int32_t threads;
  /// Runs the tasks. NULL: OpenMP where the library was built with it, else
  /// one after the other. Must stay callable as long as the context is used.
  onefold_parallel_for_fn parallel_for;
  void *parallel_user;

  /// Memory for plans, packed weights and arenas, `alignment` a power of two.
  /// Both or neither. May be called from any thread that creates objects.
  void *(*allocate)(void *user, size_t size, size_t alignment);
  void (*release)(void *user, void *pointer);
  void *allocator_user;

  /// The highest level to use, capped by the CPU and by ONEFOLD_MAX_ISA in
  /// the environment. Ignored unless `has_max_isa`.
  onefold_isa max_isa;
  int32_t has_max_isa;

  onefold_accuracy accuracy;

  onefold_tiling_fn tiling;
  void *tiling_user;

  /// Told of each problem that is planned; NULL: nobody. onefold_verbose_attach
  /// of tune.h sets one that writes lines of text.
  onefold_planned_fn planned;
  void *planned_user;
} onefold_context_options;

/// Creates a context. `options` may be NULL for the defaults; those of a shorter
/// struct_size, up to any field from `tiling` on, have defaults behind it. Errors, without a
/// sentence: INVALID_ARGUMENT, OUT_OF_MEMORY, UNSUPPORTED (no lock can be made). Thread-safe.
ONEFOLD_API onefold_status onefold_context_create(const onefold_context_options *options,
                                                  onefold_context **context);

/// Destroys a context. Everything made with it must be gone. NULL is allowed.
ONEFOLD_API void onefold_context_destroy(onefold_context *context);

/// The ISA level in use, the channel block c of ONEFOLD_BLOCKED, the number of
/// tasks that work is cut into, and the accuracy class. Thread-safe.
ONEFOLD_API onefold_isa onefold_context_isa(const onefold_context *context);
ONEFOLD_API int32_t onefold_context_block(const onefold_context *context);
ONEFOLD_API int32_t onefold_context_threads(const onefold_context *context);
ONEFOLD_API onefold_accuracy onefold_context_accuracy(const onefold_context *context);

/// Calls body(arg) on this thread, and until it returns OpenMP's threads wait awake for the tasks
/// of what it runs with this context: a run then starts them in a few hundred nanoseconds, where
/// OpenMP takes some microseconds. For those who run convolution after convolution themselves;
/// onefold_exec_run does it for its layers. Only body(arg) where the context has one thread, the
/// caller's parallel_for, or more threads than cores that this process may use. Inside another it
/// changes nothing. Thread-safe; each caller's team is its own.
ONEFOLD_API void onefold_context_together(const onefold_context *context, void (*body)(void *),
                                          void *arg);

/// Copies the sentence of the last failed call with this context to `text`
/// (at most `size` bytes, always terminated) and returns its status.
/// ONEFOLD_OK when nothing failed, and "", or that ONEFOLD_MAX_ISA is no level and was left
/// aside. Thread-safe; with several threads on one context, the last failure of any of them.
ONEFOLD_API onefold_status onefold_context_last_error(const onefold_context *context, char *text,
                                                      size_t size);

/// Number of float elements of a tensor in `layout` with this context's
/// block, or 0 where a size is not positive or the product overflows.
ONEFOLD_API size_t onefold_tensor_elements(const onefold_context *context, onefold_shape shape,
                                           onefold_layout layout);

/// Walks the kernels that this context dispatches to: calls `visit` with the
/// operator ("conv_s1"), the kernel's name and its ISA level. Thread-safe.
typedef void (*onefold_kernel_visit_fn)(void *user, const char *op, const char *kernel,
                                        onefold_isa isa);
ONEFOLD_API void onefold_context_visit_kernels(const onefold_context *context,
                                               onefold_kernel_visit_fn visit, void *user);

ONEFOLD_END

#endif
