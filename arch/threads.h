// SPDX-License-Identifier: BSD-3-Clause
// Parallel loops: the caller's, OpenMP's, or none.
#ifndef ONEFOLD_ARCH_THREADS_H
#define ONEFOLD_ARCH_THREADS_H

#include <stddef.h>

/// Calls fn(arg, i) for i in [0, n) on up to `threads` OpenMP threads, or one
/// after the other where the library was built without OpenMP.
void onefold_threads_openmp(int threads, void (*fn)(void *, size_t), void *arg, size_t n);

/// Calls body(arg) on this thread, while the other threads of a team of `threads` stand by for the
/// loops of onefold_threads_openmp that it calls. A team that stands by already is kept.
void onefold_threads_together(int threads, void (*body)(void *), void *arg);

/// Does a team stand by for the loops of this thread?
int onefold_threads_stand_by(void);

/// Cores among which OpenMP binds its threads, this one included; 0 where it leaves them alone.
int onefold_threads_places(void);

/// Non-zero when the library was built with OpenMP.
int onefold_threads_have_openmp(void);

/// Piece `index` of `pieces` nearly equal pieces of [0, total).
static inline void onefold_split(size_t total, size_t pieces, size_t index, size_t *begin,
                                 size_t *end) {
  if (pieces == 1) { // spares a division
    *begin = 0;
    *end = total;
    return;
  }
  *begin = total / pieces * index + (index < total % pieces ? index : total % pieces);
  *end = *begin + total / pieces + (index < total % pieces);
}

#endif
