// SPDX-License-Identifier: BSD-3-Clause
// What the name of a row says: SUITE/SUBJECT.../ROLE[/PART]/threads:N.
#ifndef ONEFOLD_REPORT_ROLE_H
#define ONEFOLD_REPORT_ROLE_H

#include "report/arena.h"

typedef enum report_role {
#define ONEFOLD_REPORT_ROLE(name, key, title, about) REPORT_##name,
#include "report/role_list.def"
  REPORT_RIVAL, // any other word: another library, and the way in which it runs
  REPORT_ROLES
} report_role;

typedef struct report_name {
  const char *suite;   // "conv"
  const char *subject; // "conv/mb1ic64ih56oc64oh56kh3ph1/act:relu"
  const char *problem; // its first part behind the suite and, in a block, behind the block's name
  const char *kind;    // the block's or network's name; "" for convolutions
  const char *word;    // the role's: "folded", "onednn_wino"
  const char *part;    // what follows the role: "pack", "layer/stage0"; ""
  report_role role;
  int threads; // 0: unsaid
} report_name;

/// Takes a name apart. Where it has no subject and role, `suite` is NULL.
report_name onefold_report_name(report_arena *arena, const char *text);

const char *onefold_report_role_title(report_role role); // "T0 eager"
const char *onefold_report_role_about(report_role role);

/// Of a rival's word: "oneDNN" of "onednn_wino"; and its way, "wino" or "".
const char *onefold_report_rival_title(report_arena *arena, const char *word);
const char *onefold_report_rival_way(const char *word);

/// "mb1ic48ih56oc96oh28kh3sh2ph1" as "48 → 96, 3×3 s2, 56×56"; what is no such problem as it is.
const char *onefold_report_problem(report_arena *arena, const char *problem);
/// "input=1x64x56x56,out_channels=64,stride=2,repeats=3" of a block as "64→64 s2, 56×56, repeats
/// 3"; what has no such input as it is.
const char *onefold_report_params(report_arena *arena, const char *params);

#endif
