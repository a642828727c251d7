// SPDX-License-Identifier: BSD-3-Clause
// What tuning gains over the default choice, over lists of problems.
#ifndef ONEFOLD_CLI_TUNE_GAINS_H
#define ONEFOLD_CLI_TUNE_GAINS_H

#include "cli/tuning.h"

typedef struct cli_gain {
  double gain; // time of the default choice over that of the fastest
  double default_ns, median_ns;
  uint32_t lists;
  onefold_record_key key;
} cli_gain;

typedef struct cli_gains {
  cli_gain *one; // [count]
  size_t count, capacity;
} cli_gains;

/// Adds the gain of a row whose problem is of these lists, where the row tells it. Zero where there
/// is no memory.
int onefold_cli_gains_add(cli_gains *gains, const onefold_record_row *row, uint32_t lists);
void onefold_cli_gains_free(cli_gains *gains);

/// A table with a line for each of the lists, where there are several, and one for all problems;
/// nothing where there are none. `what` is its title.
void onefold_cli_gains_print(cli_gains *gains, const char *what, const cli_list *lists,
                             size_t count);

/// The same as an array; NULL without memory.
json_t *onefold_cli_gains_json(cli_gains *gains, const cli_list *lists, size_t count);

#endif
