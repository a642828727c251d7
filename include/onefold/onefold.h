// SPDX-License-Identifier: BSD-3-Clause
// All of the core library. The tuner, a library of its own, has record.h and tune.h.
#ifndef ONEFOLD_ONEFOLD_H
#define ONEFOLD_ONEFOLD_H

#include <onefold/cache.h>
#include <onefold/checkpoint.h>
#include <onefold/context.h>
#include <onefold/conv2d.h>
#include <onefold/elementwise.h>
#include <onefold/exec.h>
#include <onefold/fold.h>
#include <onefold/graph.h>
#include <onefold/machine.h>
#include <onefold/models.h>
#include <onefold/networks.h>
#include <onefold/peak.h>
#include <onefold/pool.h>
#include <onefold/status.h>
#include <onefold/types.h>

#endif
