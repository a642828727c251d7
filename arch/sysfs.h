// SPDX-License-Identifier: BSD-3-Clause
// Lines of files below /sys/devices/system.
#ifndef ONEFOLD_ARCH_SYSFS_H
#define ONEFOLD_ARCH_SYSFS_H

#include <stddef.h>

/// First line of the file whose name `format` makes of two numbers; zero where there is none.
int onefold_sysfs_line(char *line, size_t size, const char *format, int a, int b);

#endif
