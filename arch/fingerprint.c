// SPDX-License-Identifier: BSD-3-Clause
// A machine as one line: what the speed of a layer depends on and a reboot does not change.
#include "arch/fingerprint.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/// Name of the micro-architecture, or its numbers; letters, digits, '-' and '_' alone.
static void name_cores(const onefold_machine *machine, char *text, size_t size) {
  const char *name = onefold_microarchitecture(machine);
  if (name) {
    snprintf(text, size, "%s", name);
    return;
  }
  snprintf(text, size, "%.15s-%" PRId32 "-%" PRId32,
           machine->vendor[0] ? machine->vendor : "unknown", machine->family, machine->model);
  for (char *c = text; *c; c++) {
    if (!isalnum((unsigned char)*c) && *c != '-') *c = '_';
  }
}

size_t onefold_machine_fingerprint(const onefold_machine *machine, char *text, size_t size) {
  if (text && size) text[0] = '\0';
  if (!machine) return 0;
  const onefold_machine *m = machine;
  char cores[48];
  name_cores(m, cores, sizeof cores);
  const int n = snprintf(
      text, text ? size : 0,
      "%s,%s,l1d=%" PRId64 ",l2=%" PRId64 ":%" PRId32 ",l3=%" PRId64 ":%" PRId32 ",cores=%" PRId32
      ",threads=%" PRId32 ",packages=%" PRId32 ",numa=%" PRId32,
      cores, onefold_isa_name(m->capped_isa), m->l1d_bytes, m->l2_bytes, m->l2_cores, m->l3_bytes,
      m->l3_cores, m->physical_cores, m->logical_cores, m->packages, m->numa_nodes);
  return n > 0 ? (size_t)n : 0;
}

uint64_t onefold_machine_hash(const onefold_machine *machine) {
  char text[256];
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  onefold_machine_fingerprint(machine, text, sizeof text);
  for (const char *c = text; *c; c++) {
    hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
  }
  return hash;
}
