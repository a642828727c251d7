// SPDX-License-Identifier: BSD-3-Clause
// CPU quotas read from small trees that look like /proc and /sys.
#include "arch/cores.h"
#include "tests/support.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/// Lines of mountinfo: cgroup version 2 with its top, and version 1's cpu.
#define MOUNT_V2(top) "25 23 0:30 " top " /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"
#define MOUNT_CPUSET  "33 30 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
#define MOUNT_V1(top)                                                                              \
  "34 30 0:32 " top " /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
#define MOUNT_UNIFIED "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

#define V2 "/sys/fs/cgroup"
#define V1 "/sys/fs/cgroup/cpu,cpuacct"

typedef struct fake_file {
  const char *path, *content;
} fake_file;

typedef struct fake_tree {
  const char *name;
  fake_file files[12];
  double quota;
} fake_tree;

#define PROC(cgroup, mounts)                                                                       \
  {"/proc/self/cgroup", cgroup}, {                                                                 \
    "/proc/self/mountinfo", mounts                                                                 \
  }

static const fake_tree trees[] = {
    {"nothing at all", {{NULL, NULL}}, 0},
    {"v2 without a limit", {PROC("0::/a\n", MOUNT_V2("/")), {V2 "/a/cpu.max", "max 100000\n"}}, 0},
    {"v2 limit", {PROC("0::/a\n", MOUNT_V2("/")), {V2 "/a/cpu.max", "150000 100000\n"}}, 1.5},
    {"v2 at the top of a namespace",
     {PROC("0::/\n", MOUNT_V2("/")), {V2 "/cpu.max", "50000 100000\n"}},
     0.5},
    {"v2, the parent is tighter",
     {PROC("0::/a/b/c\n", MOUNT_V2("/")),
      {V2 "/a/cpu.max", "200000 100000\n"},
      {V2 "/a/b/cpu.max", "max 100000\n"},
      {V2 "/a/b/c/cpu.max", "400000 100000\n"}},
     2},
    {"v2, the child is tighter",
     {PROC("0::/a/b\n", MOUNT_V2("/")),
      {V2 "/a/cpu.max", "800000 100000\n"},
      {V2 "/a/b/cpu.max", "30000 10000\n"}},
     3},
    {"v2, another process's limit",
     {PROC("0::/a\n", MOUNT_V2("/")),
      {V2 "/a/cpu.max", "max 100000\n"},
      {V2 "/b/cpu.max", "100000 100000\n"},
      {V2 "/a/c/cpu.max", "100000 100000\n"}},
     0},
    {"v2 in a container that sees the host's path",
     {PROC("0::/docker/1234\n", MOUNT_V2("/docker/1234")), {V2 "/cpu.max", "250000 100000\n"}},
     2.5},
    {"v2, a path outside what is mounted",
     {PROC("0::/../other\n", MOUNT_V2("/")), {V2 "/cpu.max", "100000 100000\n"}},
     1},
    {"v2, a name that begins as the mounted one",
     {PROC("0::/docker/12345\n", MOUNT_V2("/docker/1234")),
      {V2 "/cpu.max", "700000 100000\n"},
      {V2 "5/cpu.max", "100000 100000\n"}},
     7},
    {"v1 without a limit",
     {PROC("3:cpu,cpuacct:/a\n", MOUNT_V1("/")),
      {V1 "/a/cpu.cfs_quota_us", "-1\n"},
      {V1 "/a/cpu.cfs_period_us", "100000\n"}},
     0},
    {"v1 limit",
     {PROC("4:cpuset:/x\n3:cpuacct,cpu:/a\n", MOUNT_CPUSET MOUNT_V1("/")),
      {V1 "/a/cpu.cfs_quota_us", "125000\n"},
      {V1 "/a/cpu.cfs_period_us", "50000\n"}},
     2.5},
    {"v1, the parent is tighter",
     {PROC("3:cpu,cpuacct:/a/b\n", MOUNT_V1("/")),
      {V1 "/a/cpu.cfs_quota_us", "100000\n"},
      {V1 "/a/cpu.cfs_period_us", "100000\n"},
      {V1 "/a/b/cpu.cfs_quota_us", "300000\n"},
      {V1 "/a/b/cpu.cfs_period_us", "100000\n"}},
     1},
    {"v1 in a container that sees the host's path",
     {PROC("3:cpu,cpuacct:/docker/1\n", MOUNT_V1("/docker/1")),
      {V1 "/cpu.cfs_quota_us", "600000\n"},
      {V1 "/cpu.cfs_period_us", "100000\n"}},
     6},
    {"v1's cpu beside an empty v2",
     {PROC("3:cpu,cpuacct:/a\n0::/b\n", MOUNT_V1("/") MOUNT_UNIFIED),
      {V1 "/a/cpu.cfs_quota_us", "200000\n"},
      {V1 "/a/cpu.cfs_period_us", "100000\n"}},
     2},
    {"cpuset is not cpu",
     {PROC("4:cpuset:/a\n", MOUNT_CPUSET MOUNT_V1("/")),
      {V1 "/a/cpu.cfs_quota_us", "100000\n"},
      {V1 "/a/cpu.cfs_period_us", "100000\n"}},
     0},
    {"v1 without its period",
     {PROC("3:cpu,cpuacct:/a\n", MOUNT_V1("/")), {V1 "/a/cpu.cfs_quota_us", "100000\n"}},
     0},
    {"not mounted", {PROC("0::/a\n", MOUNT_CPUSET), {V2 "/a/cpu.max", "100000 100000\n"}}, 0},
    {"one number", {PROC("0::/a\n", MOUNT_V2("/")), {V2 "/a/cpu.max", "100000\n"}}, 0},
    {"words", {PROC("0::/a\n", MOUNT_V2("/")), {V2 "/a/cpu.max", "plenty of it\n"}}, 0},
    {"empty", {PROC("0::/a\n", MOUNT_V2("/")), {V2 "/a/cpu.max", ""}}, 0},
    {"no period", {PROC("0::/a\n", MOUNT_V2("/")), {V2 "/a/cpu.max", "100000 0\n"}}, 0},
    {"negative", {PROC("0::/a\n", MOUNT_V2("/")), {V2 "/a/cpu.max", "-5 100000\n"}}, 0},
    {"not finite", {PROC("0::/a\n", MOUNT_V2("/")), {V2 "/a/cpu.max", "inf nan\n"}}, 0},
    {"lines without fields",
     {PROC("\n:\nnonsense\n0:\n0::/a", "\n - \nx\n1 2 3\n" MOUNT_V2("/")),
      {V2 "/a/cpu.max", "100000 50000\n"}},
     2},
};

/// Writes root/path and the directories above it.
static void put(const char *root, const fake_file *file) {
  char path[512];
  snprintf(path, sizeof path, "%s%s", root, file->path);
  for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
    *slash = '\0';
    mkdir(path, 0700);
  }
  FILE *out = fopen(path, "we");
  assert_non_null(out);
  assert_true(fputs(file->content, out) >= 0);
  assert_int_equal(fclose(out), 0);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info, (void)kind, (void)where;
  return remove(path);
}

static void test_trees(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof trees / sizeof trees[0]; i++) {
    char root[] = "onefold-cgroup-XXXXXX";
    assert_non_null(mkdtemp(root));
    for (const fake_file *file = trees[i].files; file->path; file++) put(root, file);
    const double quota = onefold_cores_quota(root);
    assert_int_equal(nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
    if (quota != trees[i].quota) {
      fail_msg("%s: %g cores, not %g", trees[i].name, quota, trees[i].quota);
    }
  }
}

static void test_this_machine(void **state) {
  (void)state;
  const double quota = onefold_cores_quota("");
  const int allowed = onefold_cores_allowed(), usable = onefold_cores_usable();
  assert_true(quota >= 0);
  assert_in_range(usable, 1, allowed);
  if (quota == 0) assert_int_equal(usable, allowed);
  if (quota > 0) assert_true(usable == allowed || (usable >= quota && usable < quota + 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_trees),
      cmocka_unit_test(test_this_machine),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
