// SPDX-License-Identifier: BSD-3-Clause
// onefold tune --mpi: the ranks of a job find each other, take their cores, and begin together.
#include "cli/fleet.h"

#include "bench/clock.h"
#include "bench/interrupt.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int say(const fleet *f, onefold_exit code, const char *sentence) {
  return (int)onefold_cli_say(f->tuning->rows.command, code, "%s", sentence);
}

/// The worst onefold_exit of all ranks. All call it.
static int worst_of_all(const fleet *f, int code) {
  const int32_t mine = code;
  onefold_cli_link_gather(&mine, sizeof mine, f->numbers);
  for (int32_t i = 0; i < f->link.size; i++) code = f->numbers[i] > code ? f->numbers[i] : code;
  return code;
}

// ----------------------------------------------------------------------- plan

/// "node" or "node/machine" of --mpi-as.
static void pretend(const char *as, fleet_member *me) {
  const char *slash = strchr(as, '/');
  const size_t length = slash ? (size_t)(slash - as) : strlen(as);
  snprintf(me->node, sizeof me->node, "%.*s", (int)length, as);
  if (slash) snprintf(me->machine, sizeof me->machine, "%s", slash + 1);
}

static void introduce(const fleet *f, fleet_member *me) {
  const cli_tuning *t = f->tuning;
  onefold_machine machine;
  onefold_cores cores = {.struct_size = sizeof cores};
  onefold_context *context = NULL; // has the level
  memset(me, 0, sizeof *me);
  snprintf(me->version, sizeof me->version, "%s", onefold_version());
  if (gethostname(me->node, sizeof me->node - 1)) snprintf(me->node, sizeof me->node, "unknown");
  me->failed = (int32_t)onefold_cli_context(t->rows.command, 1, t->isa, t->accuracy, &context);
  onefold_machine_query(&machine);
  if (context) machine.capped_isa = onefold_context_isa(context);
  onefold_context_destroy(context);
  onefold_machine_fingerprint(&machine, me->machine, sizeof me->machine);
  if (t->mpi_as) pretend(t->mpi_as, me);
  if (onefold_machine_cut(0, 1, &cores) != ONEFOLD_OK)
    me->failed = say(f, ONEFOLD_EXIT_FAILURE, "the affinity mask cannot be read");
  memcpy(me->cpus, cores.cpus, sizeof me->cpus);
  me->packages = cores.packages;
  me->physical = cores.physical;
  me->ranks_per_node = t->ranks_per_node;
}

/// Fills members and seats. All ranks come to the same onefold_exit; rank 0 says why.
static int plan(fleet *f) {
  fleet_member me;
  char why[1024];
  introduce(f, &me);
  onefold_cli_link_gather(&me, sizeof me, f->members);
  for (int32_t rank = 0; rank < f->link.size; rank++) {
    if (f->members[rank].failed) return f->members[rank].failed;
  }
  f->groups = onefold_fleet_plan(f->members, f->link.size, f->members[0].ranks_per_node, f->seats,
                                 why, sizeof why);
  f->seat = &f->seats[f->link.rank];
  f->is_root = f->seat->root == f->link.rank;
  if (f->groups > 0) return ONEFOLD_EXIT_OK;
  return f->link.rank == 0 ? say(f, ONEFOLD_EXIT_USAGE, why) : ONEFOLD_EXIT_USAGE;
}

// ---------------------------------------------------------------------- cores

/// Binds this rank; returns the threads that it can have, or 0 after a sentence.
static int32_t take_cores(const fleet *f) {
  const fleet_seat *seat = f->seat;
  char text[160];
  onefold_cores cores = {.struct_size = sizeof cores};
  onefold_machine machine;
  onefold_status status = onefold_machine_query(&machine); // before: the quota is the node's
  if (status == ONEFOLD_OK) status = onefold_machine_cut(seat->part, seat->parts, &cores);
  if (status == ONEFOLD_OK && seat->parts > 1) status = onefold_machine_bind(&cores);
  if (status != ONEFOLD_OK) {
    snprintf(text, sizeof text, "rank %d cannot be bound to part %d of %d of its cores (%s)",
             (int)f->link.rank, (int)seat->part + 1, (int)seat->parts, onefold_status_name(status));
    say(f, ONEFOLD_EXIT_FAILURE, text);
    return 0;
  }
  const double quota = floor(machine.cpu_quota / seat->neighbours);
  const int32_t allowed = quota >= 1 ? (int32_t)quota : 1;
  return machine.cpu_quota > 0 && allowed < cores.logical ? allowed : cores.logical;
}

/// Cores, and the threads that the ranks of a group measure with: those of --threads, or as many as
/// its smallest rank can have. Returns an onefold_exit after a sentence.
static int settle(fleet *f) {
  cli_tuning *t = f->tuning;
  char text[400];
  const int32_t mine = f->seat->measures ? take_cores(f) : INT32_MAX;
  int32_t least = mine;
  onefold_cli_link_gather(&mine, sizeof mine, f->numbers);
  for (int32_t rank = 0; rank < f->link.size; rank++) {
    const int32_t other = f->numbers[rank];
    if (f->seats[rank].root == f->seat->root && other < least) least = other;
  }
  if (mine == 0) return ONEFOLD_EXIT_FAILURE;
  if (t->threads == 0) t->threads = least;
  if (t->threads <= mine) return ONEFOLD_EXIT_OK;
  snprintf(text, sizeof text,
           "--threads=%" PRId32 ": rank %" PRId32 " on %s has %" PRId32
           " cores; less --ranks-per-node give each more",
           t->threads, f->link.rank, f->members[f->link.rank].node, mine);
  return say(f, ONEFOLD_EXIT_USAGE, text);
}

// ------------------------------------------------------------------------ run

/// Nodes of a group on which ranks measure.
static int32_t count_nodes(const fleet *f, int32_t group) {
  int32_t nodes = 0;
  for (int32_t rank = 0; rank < f->link.size; rank++) {
    if (!f->seats[rank].measures || f->seats[rank].group != group) continue;
    int32_t first = 0;
    while (!f->seats[first].measures || f->seats[first].group != group ||
           strcmp(f->members[first].node, f->members[rank].node) != 0)
      first++;
    nodes += first == rank;
  }
  return nodes;
}

/// What the groups are, from rank 0.
static void print_head(const fleet *f) {
  const cli_tuning *t = f->tuning;
  int32_t idle = 0;
  if (f->groups > 1 && !(t->rows.record && strstr(t->rows.record, "%m")))
    onefold_cli_say(t->rows.command, ONEFOLD_EXIT_OK,
                    "warning: %d groups write one file where they see the same disk; --record "
                    "with %%m in its name gives each its own",
                    (int)f->groups);
  if (t->rows.json) return;
  for (int32_t rank = 0; rank < f->link.size; rank++) idle += !f->seats[rank].measures;
  for (int32_t group = 0; group < f->groups; group++) {
    int32_t rank = 0;
    while (f->seats[rank].group != group) rank++;
    printf("group %d: %d ranks measure on %d machines of %s\n", (int)group + 1,
           (int)f->seats[rank].shares, (int)count_nodes(f, group), f->members[rank].machine);
  }
  printf("%d ranks idle\n\n", (int)idle);
  fflush(stdout);
}

/// Its share of the problems, when the root has sent it.
static char *wait_for_share(void) {
  int32_t from;
  int tag;
  char *text;
  while ((text = onefold_cli_link_receive(&from, &tag)) == NULL) onefold_cli_link_rest();
  return text;
}

/// All ranks are ready. Returns an onefold_exit.
static int run(fleet *f) {
  const double start = onefold_bench_now();
  if (f->link.rank == 0) print_head(f);
  if (!f->seat->measures) return ONEFOLD_EXIT_OK;
  char *share = f->is_root ? onefold_cli_fleet_root_share(f) : wait_for_share();
  onefold_cli_fleet_rank(f, share ? share : "");
  const int has_share = share != NULL;
  free(share);
  const int code = f->is_root ? onefold_cli_fleet_root_end(f, start) : ONEFOLD_EXIT_OK;
  if (!has_share) return say(f, ONEFOLD_EXIT_FAILURE, "no memory");
  return code == ONEFOLD_EXIT_OK && onefold_bench_interrupted() ? ONEFOLD_EXIT_FAILURE : code;
}

/// The way to `run`, on which no rank goes on alone: what all need is gathered after each step,
/// also from those that failed. Returns an onefold_exit, the same for all.
static int prepare(fleet *f) {
  int code = plan(f);
  if (code != ONEFOLD_EXIT_OK) return code;
  code = settle(f);
  if (code == ONEFOLD_EXIT_OK && f->seat->measures) code = onefold_cli_tuning_open(f->tuning);
  if (code == ONEFOLD_EXIT_OK && f->is_root) code = onefold_cli_fleet_root_open(f);
  return worst_of_all(f, code);
}

int onefold_cli_fleet_run(cli_tuning *tuning) {
  fleet f = {.tuning = tuning};
  int code = onefold_cli_link_open(tuning->rows.command, &f.link);
  if (code != ONEFOLD_EXIT_OK) return code;
  onefold_bench_catch_interrupt();
  const size_t size = (size_t)f.link.size;
  f.members = calloc(size, sizeof *f.members);
  f.seats = calloc(size, sizeof *f.seats);
  f.numbers = calloc(size, sizeof *f.numbers);
  if (f.members && f.seats && f.numbers) {
    code = prepare(&f);
    if (code == ONEFOLD_EXIT_OK) code = run(&f);
  } else {
    code = say(&f, ONEFOLD_EXIT_FAILURE, "no memory");
    onefold_cli_link_abandon(code);
  }
  onefold_cli_fleet_root_close(&f);
  onefold_cli_tuning_close(tuning);
  free(f.members);
  free(f.seats);
  free(f.numbers);
  onefold_cli_link_close();
  return code;
}
