// SPDX-License-Identifier: BSD-3-Clause
// The CPU's name and numbers from the first processor of /proc/cpuinfo.
#include "arch/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Arm's implementer codes (MIDR_EL1).
static const struct {
  long code;
  const char *name;
} implementers[] = {
    {0x41, "ARM"}, {0x43, "Cavium"},   {0x46, "Fujitsu"}, {0x48, "HiSilicon"}, {0x4e, "NVIDIA"},
    {0x50, "APM"}, {0x51, "Qualcomm"}, {0x61, "Apple"},   {0x6d, "Microsoft"}, {0xc0, "Ampere"},
};

static void set_text(char *field, size_t size, const char *value) {
  snprintf(field, size, "%s", value);
}

static void set_field(onefold_machine *machine, const char *key, const char *value) {
  const int32_t number = (int32_t)strtol(value, NULL, 0);
  if (!strcmp(key, "model name")) set_text(machine->cpu, sizeof machine->cpu, value);
  if (!strcmp(key, "vendor_id")) set_text(machine->vendor, sizeof machine->vendor, value);
  if (!strcmp(key, "cpu family") || !strcmp(key, "CPU implementer")) machine->family = number;
  if (!strcmp(key, "model") || !strcmp(key, "CPU part")) machine->model = number;
  if (!strcmp(key, "stepping") || !strcmp(key, "CPU revision")) machine->stepping = number;
  if (strcmp(key, "CPU implementer") != 0) return;
  for (size_t i = 0; i < sizeof implementers / sizeof implementers[0]; i++) {
    if (implementers[i].code == number) {
      set_text(machine->vendor, sizeof machine->vendor, implementers[i].name);
    }
  }
}

void onefold_cpuinfo_read(onefold_machine *machine) {
  FILE *file = fopen("/proc/cpuinfo", "re");
  if (!file) return;
  char line[8192];
  // "key<tabs>: value", and an empty line after each processor
  while (fgets(line, sizeof line, file) && line[0] != '\n') {
    line[strcspn(line, "\n")] = '\0';
    char *colon = strchr(line, ':');
    if (!colon) continue;
    const char *value = colon + 1 + strspn(colon + 1, " ");
    while (colon > line && (colon[-1] == '\t' || colon[-1] == ' ')) colon--;
    *colon = '\0';
    set_field(machine, line, value);
  }
  fclose(file);
}
