// SPDX-License-Identifier: BSD-3-Clause
// The cores that this process may use: affinity mask less the cgroup quota.
#ifndef ONEFOLD_ARCH_CORES_H
#define ONEFOLD_ARCH_CORES_H

/// Cores in the affinity mask of this process, at least 1.
int onefold_cores_allowed(void);

/// CPU limit of this process's cgroup (v2 cpu.max, v1 cfs_quota/period; the
/// tightest of it and its ancestors), in cores; 0 when there is none. `root`
/// is prefixed to /proc and /sys for tests ("" for the machine).
double onefold_cores_quota(const char *root);

/// min(allowed, ceil(quota)), at least 1. Where OpenMP has bound this thread to a place of its own
/// (OMP_PROC_BIND), the cores of all its threads are allowed.
int onefold_cores_usable(void);

/// The same where the quota is known.
int onefold_cores_within(double quota);

#endif
