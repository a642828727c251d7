// SPDX-License-Identifier: BSD-3-Clause
// The CPU quota of this process's cgroups. /proc/self/cgroup says which cgroup
// of each hierarchy, /proc/self/mountinfo where a hierarchy can be read and
// which of its cgroups is the top of what is mounted there.
#include "arch/cores.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Where the `cpu` controller's files of one hierarchy are.
typedef struct hierarchy {
  int version;               // 1 or 2
  char mount[PATH_MAX];      // mount point, root prefixed
  char mount_root[PATH_MAX]; // cgroup that is visible there
  char cgroup[PATH_MAX];     // of this process
} hierarchy;

static FILE *open_under(const char *root, const char *path) {
  char full[2 * PATH_MAX];
  const int length = snprintf(full, sizeof full, "%s%s", root, path);
  return length > 0 && (size_t)length < sizeof full ? fopen(full, "re") : NULL;
}

/// The first two numbers of a file; returns how many there are. "max" is none.
static int read_numbers(const char *directory, const char *name, double *a, double *b) {
  char path[2 * PATH_MAX];
  if (snprintf(path, sizeof path, "%s/%s", directory, name) >= (int)sizeof path) return 0;
  FILE *file = fopen(path, "re");
  if (!file) return 0;
  char line[128];
  const int found = fgets(line, sizeof line, file) != NULL;
  fclose(file);
  if (!found) return 0;
  char *end_a, *end_b;
  *a = strtod(line, &end_a);
  *b = strtod(end_a, &end_b);
  return (end_a > line) + (end_b > end_a);
}

/// Cores that one cgroup allows; 0 for no limit or content that makes no sense.
static double limit_of(int version, const char *directory) {
  double quota = 0, period = 0, unused;
  const int complete =
      version == 2 ? read_numbers(directory, "cpu.max", &quota, &period) == 2
                   : read_numbers(directory, "cpu.cfs_quota_us", &quota, &unused) >= 1 &&
                         read_numbers(directory, "cpu.cfs_period_us", &period, &unused) >= 1;
  return complete && quota > 0 && quota <= INT_MAX && period > 0 && period <= INT_MAX
             ? quota / period
             : 0;
}

static double tighter(double a, double b) {
  return a == 0 || (b != 0 && b < a) ? b : a;
}

/// Non-zero when the comma-separated `list` holds `word`.
static int list_has(const char *list, const char *word) {
  const size_t length = strlen(word);
  for (const char *at = list; at; at = strchr(at, ',')) {
    if (*at == ',') at++;
    if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0')) return 1;
  }
  return 0;
}

/// Fills mount and mount_root for the hierarchy's version; zero when it is not mounted.
static int find_mount(const char *root, hierarchy *h) {
  FILE *file = open_under(root, "/proc/self/mountinfo");
  if (!file) return 0;
  char line[4 * PATH_MAX], mount_root[PATH_MAX], mount[PATH_MAX], type[64], options[PATH_MAX];
  int found = 0;
  while (!found && fgets(line, sizeof line, file)) {
    // id parent major:minor root mount-point options... - type source super-options
    const char *tail = strstr(line, " - ");
    if (!tail || strncmp(tail, " - cgroup", strlen(" - cgroup")) != 0) continue;
    if (sscanf(line, "%*s %*s %*s %4095s %4095s", mount_root, mount) != 2) continue;
    const int fields = sscanf(tail, " - %63s %*s %4095s", type, options);
    found = h->version == 2
                ? fields >= 1 && strcmp(type, "cgroup2") == 0
                : fields == 2 && strcmp(type, "cgroup") == 0 && list_has(options, "cpu");
  }
  fclose(file);
  if (!found) return 0;
  strcpy(h->mount_root, mount_root);
  return snprintf(h->mount, sizeof h->mount, "%s%s", root, mount) < (int)sizeof h->mount;
}

/// The cgroup relative to what is mounted: "" for the top or for a cgroup that cannot be seen.
static const char *visible_path(const hierarchy *h) {
  const size_t length = strcmp(h->mount_root, "/") == 0 ? 0 : strlen(h->mount_root);
  if (strncmp(h->cgroup, h->mount_root, length) != 0) return "";
  const char *path = h->cgroup + length;
  return *path == '/' && !strstr(path, "/..") ? path : "";
}

/// The tightest limit of the process's cgroup and its ancestors.
static double limit_of_path(const hierarchy *h) {
  char directory[2 * PATH_MAX];
  const size_t top = strlen(h->mount);
  snprintf(directory, sizeof directory, "%s%s", h->mount, visible_path(h));
  double limit = 0;
  for (;;) {
    limit = tighter(limit, limit_of(h->version, directory));
    char *slash = strrchr(directory, '/');
    if (!slash || slash < directory + top) return limit;
    *slash = '\0';
  }
}

double onefold_cores_quota(const char *root) {
  FILE *file = open_under(root, "/proc/self/cgroup");
  if (!file) return 0;
  double limit = 0;
  char line[2 * PATH_MAX];
  hierarchy *h = malloc(sizeof *h);
  while (h && fgets(line, sizeof line, file)) {
    // id:controllers:cgroup, with no controllers for version 2
    line[strcspn(line, "\n")] = '\0';
    char *controllers = strchr(line, ':');
    char *cgroup = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!cgroup || strlen(cgroup + 1) >= sizeof h->cgroup) continue;
    *cgroup++ = '\0';
    controllers++;
    if (*controllers && !list_has(controllers, "cpu")) continue;
    h->version = *controllers ? 1 : 2;
    strcpy(h->cgroup, cgroup);
    if (find_mount(root, h)) limit = tighter(limit, limit_of_path(h));
  }
  free(h);
  fclose(file);
  return limit;
}
