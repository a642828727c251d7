// SPDX-License-Identifier: BSD-3-Clause
// The parallel loop of contexts whose caller brings none.
#include "arch/threads.h"

#ifdef _OPENMP

void onefold_threads_openmp(int threads, void (*fn)(void *, size_t), void *arg, size_t n) {
  if (threads < 1) threads = 1;
  if ((size_t)threads > n) threads = (int)(n > 0 ? n : 1);
#pragma omp parallel for num_threads(threads) schedule(static)
  for (size_t i = 0; i < n; i++) fn(arg, i);
}

int onefold_threads_have_openmp(void) {
  return 1;
}

#else

void onefold_threads_openmp(int threads, void (*fn)(void *, size_t), void *arg, size_t n) {
  (void)threads;
  for (size_t i = 0; i < n; i++) fn(arg, i);
}

int onefold_threads_have_openmp(void) {
  return 0;
}

#endif
