// SPDX-License-Identifier: BSD-3-Clause
// How the ranks of a fleet talk: texts from one to another, and what all know. Whoever waits
// sleeps, so that it takes no core from those that measure. By MPI or, in a build without it, not
// at all.
#ifndef ONEFOLD_CLI_LINK_H
#define ONEFOLD_CLI_LINK_H

#include <stddef.h>
#include <stdint.h>

typedef struct cli_link {
  int32_t rank, size;
} cli_link;

/// Joins the ranks that were started together. Returns an onefold_exit after a sentence.
int onefold_cli_link_open(const char *command, cli_link *link);

/// Waits until all ranks close theirs.
void onefold_cli_link_close(void);

/// Ends all ranks at once, where one cannot go on and the others would wait for it.
void onefold_cli_link_abandon(int code);

/// What each rank gives, `size` bytes, in the order of the ranks: all[link->size * size]. All ranks
/// call it.
void onefold_cli_link_gather(const void *mine, size_t size, void *all);

/// Sends a text to another rank, with a tag from 0 to 100.
void onefold_cli_link_send(int32_t to, int tag, const char *text);

/// A text that has come, to be freed: from any rank, with any tag. NULL where there is none yet.
/// Where there is no memory for it the job ends.
char *onefold_cli_link_receive(int32_t *from, int *tag);

/// Sleeps for the time between two looks.
void onefold_cli_link_rest(void);

#endif
