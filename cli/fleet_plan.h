// SPDX-License-Identifier: BSD-3-Clause
// Which rank of a fleet does what: groups of equal machines, ranks that measure, their cores, their
// shares of the problems. A pure function of what the ranks say of themselves, so that each rank
// comes to the same plan.
#ifndef ONEFOLD_CLI_FLEET_PLAN_H
#define ONEFOLD_CLI_FLEET_PLAN_H

#include <onefold/machine.h>

/// What a rank says of itself. The same bytes on every machine of a fleet.
typedef struct fleet_member {
  char version[16];                 // of the library
  char node[256];                   // name of its machine: of these there is one
  char machine[256];                // its fingerprint: machines of one group have the same
  uint64_t cpus[ONEFOLD_CPU_WORDS]; // logical cores that it may use, and their packages
  uint64_t packages;
  int32_t physical;       // cores
  int32_t ranks_per_node; // of its command line; rank 0's counts
  int32_t failed;         // it has said why, and nothing is planned
} fleet_member;

/// What a rank is to do.
typedef struct fleet_seat {
  int32_t group;         // from 0, in the order of their first ranks
  int32_t root;          // the group's first rank that measures, which writes the record
  int32_t measures;      // zero: it idles
  int32_t share, shares; // problems share, share + shares, ... of the group's list are its own
  int32_t part, parts;   // of its own affinity mask, for onefold_machine_cut
  int32_t neighbours;    // ranks that measure on its node, with itself
} fleet_seat;

/// `ranks_per_node` ranks of each node measure, the first ones; 0: one for each package that its
/// ranks may use. Ranks with the same mask share its cores out; masks that have no core in common
/// are kept. Returns the number of groups; 0, and a sentence in `why`, where the ranks have
/// different versions, masks overlap, there are too few cores, or a group has no rank that
/// measures.
int32_t onefold_fleet_plan(const fleet_member *members, int32_t count, int32_t ranks_per_node,
                           fleet_seat *seats, char *why, size_t size);

/// Logical cores as a list, "0-3,8"; what does not fit is left out. Returns `text`.
char *onefold_fleet_cpus(const uint64_t *cpus, char *text, size_t size);

/// The path of a group's record: each "%m" of `path` is the machine's name, such as
/// "amd-zen4-avx512-0f3a9c21": micro-architecture, level and a hash of the fingerprint, of letters,
/// digits, '-' and '_' alone. Returns the length that it needs.
size_t onefold_fleet_path(const char *path, const char *machine, char *text, size_t size);

#endif
