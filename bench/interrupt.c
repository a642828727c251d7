// SPDX-License-Identifier: BSD-3-Clause
// SIGINT and SIGTERM as a flag.
#include "bench/interrupt.h"

#include <signal.h>

static volatile sig_atomic_t interrupted;

static void interrupt(int signal) {
  (void)signal;
  interrupted = 1;
}

void onefold_bench_catch_interrupt(void) {
  struct sigaction action = {.sa_handler = interrupt, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
}

int onefold_bench_interrupted(void) {
  return interrupted != 0;
}
