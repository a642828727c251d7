// SPDX-License-Identifier: BSD-3-Clause
// Ranks of an MPI job. The only user of MPI. An error of MPI ends the job, as is MPI's default.
#include "bench/bench.h"
#include "cli/link.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int onefold_cli_link_open(const char *command, cli_link *link) {
  int level, rank, size;
  (void)command;
  // Threads of the library do not call MPI.
  MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  *link = (cli_link){.rank = rank, .size = size};
  return ONEFOLD_EXIT_OK;
}

void onefold_cli_link_rest(void) {
  const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
  nanosleep(&pause, NULL);
}

/// MPI_Wait alone would spin until then.
static void rest_until_done(MPI_Request request) {
  int done = 0;
  for (;;) {
    MPI_Request_get_status(request, &done, MPI_STATUS_IGNORE);
    if (done) return;
    onefold_cli_link_rest();
  }
}

void onefold_cli_link_close(void) {
  MPI_Request request;
  const int here = 1;
  int all; // a sum is a barrier, and one that clang's checker of requests knows
  MPI_Iallreduce(&here, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD, &request);
  rest_until_done(request);
  MPI_Wait(&request, MPI_STATUS_IGNORE);
  MPI_Finalize();
}

void onefold_cli_link_abandon(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
}

void onefold_cli_link_gather(const void *mine, size_t size, void *all) {
  MPI_Request request;
  MPI_Iallgather(mine, (int)size, MPI_BYTE, all, (int)size, MPI_BYTE, MPI_COMM_WORLD, &request);
  rest_until_done(request);
  MPI_Wait(&request, MPI_STATUS_IGNORE);
}

void onefold_cli_link_send(int32_t to, int tag, const char *text) {
  MPI_Request request;
  MPI_Isend(text, (int)strlen(text), MPI_CHAR, to, tag, MPI_COMM_WORLD, &request);
  rest_until_done(request);
  MPI_Wait(&request, MPI_STATUS_IGNORE);
}

char *onefold_cli_link_receive(int32_t *from, int *tag) {
  MPI_Status status;
  MPI_Message message;
  int there = 0, length = 0;
  MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &message, &status);
  if (!there) return NULL;
  MPI_Get_count(&status, MPI_CHAR, &length);
  char *text = malloc((size_t)length + 1);
  if (!text) {
    onefold_cli_link_abandon(ONEFOLD_EXIT_FAILURE);
    return NULL;
  }
  MPI_Mrecv(text, length, MPI_CHAR, &message, &status);
  text[length] = '\0';
  *from = status.MPI_SOURCE;
  *tag = status.MPI_TAG;
  return text;
}
