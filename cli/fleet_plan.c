// SPDX-License-Identifier: BSD-3-Clause
// Groups, cores and shares of the ranks of a fleet.
#include "cli/fleet_plan.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { NODE_SHOWN = 48, CPUS_SHOWN = 96 };

/// The ranks, what becomes of them, and why it cannot be.
typedef struct planning {
  const fleet_member *members;
  fleet_seat *seats;
  int32_t count;
  char *why;
  size_t size;
} planning;

__attribute__((format(printf, 2, 3))) static int refuse(const planning *p, const char *format,
                                                        ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(p->why, p->size, format, arguments);
  va_end(arguments);
  return 0;
}

static int same_node(const planning *p, int32_t a, int32_t b) {
  return strcmp(p->members[a].node, p->members[b].node) == 0;
}

static int same_cpus(const planning *p, int32_t a, int32_t b) {
  return memcmp(p->members[a].cpus, p->members[b].cpus, sizeof p->members[a].cpus) == 0;
}

static int overlap(const planning *p, int32_t a, int32_t b) {
  uint64_t common = 0;
  for (int i = 0; i < ONEFOLD_CPU_WORDS; i++)
    common |= p->members[a].cpus[i] & p->members[b].cpus[i];
  return common != 0;
}

static int32_t bits(uint64_t word) {
  int32_t n = 0;
  for (; word; word &= word - 1) n++;
  return n;
}

/// Which rank of its node each is, and whether it measures.
static void choose_ranks(const planning *p, int32_t ranks_per_node) {
  for (int32_t rank = 0; rank < p->count; rank++) {
    uint64_t packages = 0;
    int32_t before = 0;
    for (int32_t other = 0; other < p->count; other++) {
      if (!same_node(p, rank, other)) continue;
      packages |= p->members[other].packages;
      before += other < rank;
    }
    const int32_t wanted = ranks_per_node > 0 ? ranks_per_node : bits(packages);
    p->seats[rank] = (fleet_seat){.measures = before < wanted};
  }
}

/// Groups in the order of their first ranks, their roots, and each rank's share. Returns how many
/// groups; 0 where one has no rank that measures.
static int32_t make_groups(const planning *p) {
  int32_t groups = 0;
  for (int32_t rank = 0; rank < p->count; rank++) {
    fleet_seat *seat = &p->seats[rank];
    const char *machine = p->members[rank].machine;
    int32_t first = 0, root = 0;
    while (strcmp(p->members[first].machine, machine) != 0) first++;
    while (root < p->count &&
           !(p->seats[root].measures && strcmp(p->members[root].machine, machine) == 0))
      root++;
    if (root == p->count)
      return refuse(p,
                    "no rank measures on machines such as rank %" PRId32 "'s (%s on %.*s): give "
                    "more --ranks-per-node",
                    rank, machine, NODE_SHOWN, p->members[rank].node);
    seat->root = root;
    seat->group = first == rank ? groups++ : p->seats[first].group;
    if (seat->measures) seat->share = p->seats[root].shares++; // counted at the root
  }
  for (int32_t rank = 0; rank < p->count; rank++)
    p->seats[rank].shares = p->seats[p->seats[rank].root].shares;
  return groups;
}

/// The part that a rank has of its mask.
static int share_cores(const planning *p, int32_t rank) {
  fleet_seat *seat = &p->seats[rank];
  const fleet_member *m = &p->members[rank];
  char mine[CPUS_SHOWN], theirs[CPUS_SHOWN];
  for (int32_t other = 0; other < p->count; other++) {
    if (!p->seats[other].measures || !same_node(p, rank, other)) continue;
    seat->neighbours++;
    if (same_cpus(p, rank, other)) {
      seat->part += other < rank;
      seat->parts++;
    } else if (overlap(p, rank, other)) {
      return refuse(p,
                    "ranks %" PRId32 " and %" PRId32 " on %.*s may use the cores %s and %s, which "
                    "are neither the same nor apart; start them unbound (mpirun --bind-to none, "
                    "srun --cpu-bind=none)",
                    rank, other, NODE_SHOWN, m->node,
                    onefold_fleet_cpus(m->cpus, mine, sizeof mine),
                    onefold_fleet_cpus(p->members[other].cpus, theirs, sizeof theirs));
    }
  }
  if (seat->parts <= m->physical) return 1;
  return refuse(p,
                "%" PRId32 " ranks would measure on %" PRId32 " cores of %.*s (%s): give "
                "--ranks-per-node=%" PRId32 " at most",
                seat->parts, m->physical, NODE_SHOWN, m->node,
                onefold_fleet_cpus(m->cpus, mine, sizeof mine), m->physical);
}

int32_t onefold_fleet_plan(const fleet_member *members, int32_t count, int32_t ranks_per_node,
                           fleet_seat *seats, char *why, size_t size) {
  const planning p = {members, seats, count, why, size};
  for (int32_t rank = 1; rank < count; rank++) {
    if (strcmp(members[rank].version, members[0].version) != 0)
      return refuse(&p, "rank %" PRId32 " on %.*s runs onefold %s, rank 0 runs %s", rank,
                    NODE_SHOWN, members[rank].node, members[rank].version, members[0].version);
  }
  choose_ranks(&p, ranks_per_node);
  const int32_t groups = make_groups(&p);
  for (int32_t rank = 0; rank < count && groups > 0; rank++) {
    if (seats[rank].measures && !share_cores(&p, rank)) return 0;
  }
  return groups;
}

char *onefold_fleet_cpus(const uint64_t *cpus, char *text, size_t size) {
  enum { CPUS = 64 * ONEFOLD_CPU_WORDS };
  size_t used = 0;
  if (size) text[0] = '\0';
  for (int cpu = 0; cpu < CPUS; cpu++) {
    if (!(cpus[cpu / 64] >> cpu % 64 & 1)) continue;
    int last = cpu;
    while (last + 1 < CPUS && (cpus[(last + 1) / 64] >> (last + 1) % 64 & 1)) last++;
    char range[32];
    snprintf(range, sizeof range, last > cpu ? "%s%d-%d" : "%s%d", used ? "," : "", cpu, last);
    if (used + strlen(range) + sizeof ",..." > size) {
      snprintf(text + used, size - used, ",...");
      break;
    }
    used += (size_t)snprintf(text + used, size - used, "%s", range);
    cpu = last;
  }
  return text;
}

/// "amd-zen4-avx512-0f3a9c21"
static void name_machine(const char *machine, char *text, size_t size) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325); // FNV-1a
  for (const char *c = machine; *c; c++)
    hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
  size_t words = strcspn(machine, ",");
  if (machine[words]) words += 1 + strcspn(machine + words + 1, ",");
  snprintf(text, size, "%.*s-%08" PRIx32, (int)(words < 64 ? words : 64), machine,
           (uint32_t)(hash ^ hash >> 32));
  for (char *c = text; *c; c++) {
    if (!isalnum((unsigned char)*c) && *c != '_') *c = '-';
  }
}

size_t onefold_fleet_path(const char *path, const char *machine, char *text, size_t size) {
  char name[96];
  size_t length = 0;
  name_machine(machine, name, sizeof name);
  for (const char *c = path; *c;) {
    const int is_name = c[0] == '%' && c[1] == 'm';
    const char *piece = is_name ? name : c;
    const size_t n = is_name ? strlen(name) : 1;
    for (size_t i = 0; i < n; i++, length++) {
      if (length + 1 < size) text[length] = piece[i];
    }
    c += is_name ? 2 : 1;
  }
  if (size) text[length < size ? length : size - 1] = '\0';
  return length;
}
