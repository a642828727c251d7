// SPDX-License-Identifier: BSD-3-Clause
// A program that was built without MPI: there are no ranks.
#include "cli/link.h"
#include "cli/options.h"

int onefold_cli_link_open(const char *command, cli_link *link) {
  *link = (cli_link){.rank = 0, .size = 1};
  return (int)onefold_cli_say(command, ONEFOLD_EXIT_FAILURE,
                              "--mpi: this onefold was built without MPI (ONEFOLD_MPI)");
}

void onefold_cli_link_close(void) {
}

void onefold_cli_link_abandon(int code) {
  (void)code;
}

void onefold_cli_link_gather(const void *mine, size_t size, void *all) {
  (void)mine;
  (void)size;
  (void)all;
}

void onefold_cli_link_send(int32_t to, int tag, const char *text) {
  (void)to;
  (void)tag;
  (void)text;
}

char *onefold_cli_link_receive(int32_t *from, int *tag) {
  (void)from;
  (void)tag;
  return NULL;
}

void onefold_cli_link_rest(void) {
}
