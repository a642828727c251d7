// SPDX-License-Identifier: BSD-3-Clause
#include "tests/thread_support.h"

#include <pthread.h>
#include <stdatomic.h>

enum { WORKERS = 3, MOST_CALLERS = 8 };

typedef struct loop {
  onefold_task_fn fn;
  void *arg;
  size_t n;
  atomic_size_t next;
} loop;

static void *work(void *arg) {
  loop *l = arg;
  for (size_t i; (i = atomic_fetch_add(&l->next, 1)) < l->n;) l->fn(l->arg, i);
  return NULL;
}

void test_on_threads(void *user, onefold_task_fn fn, void *arg, size_t n) {
  pthread_t thread[WORKERS];
  int started = 0;
  loop l = {fn, arg, n, 0};
  (void)user;
  while (started < WORKERS && pthread_create(&thread[started], NULL, work, &l) == 0) started++;
  work(&l);
  while (started > 0) pthread_join(thread[--started], NULL);
}

void test_run_callers(void *(*body)(void *), void *callers, size_t size, int count) {
  pthread_t thread[MOST_CALLERS];
  assert_true(count <= MOST_CALLERS);
  for (int i = 0; i < count; i++)
    assert_int_equal(pthread_create(&thread[i], NULL, body, (char *)callers + (size_t)i * size), 0);
  const char *wrong = NULL;
  for (int i = 0; i < count; i++) {
    void *result = NULL;
    pthread_join(thread[i], &result);
    if (result) wrong = result;
  }
  if (wrong) test_failed("%s", wrong);
}
