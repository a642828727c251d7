// SPDX-License-Identifier: BSD-3-Clause
// Hidden channels of squeeze-and-excitations: one rule for each family of models.
#include "ops/context.h"

#include <onefold/models.h>

#include <stdio.h>
#include <string.h>

static int64_t sixteenth(int64_t channels) {
  return channels / 16;
}

static int64_t quarter(int64_t channels) {
  return channels / 4;
}

/// channels/4 to the nearest multiple of 4, at least 4, and one more where that falls more than
/// 10 percent below: 10*hidden < 9*channels/4.
static int64_t quarter_by_4(int64_t channels) {
  int64_t hidden = (channels + 8) / 16 * 4;
  if (hidden < 4) hidden = 4;
  if (10 * (double)hidden < 9 * (double)channels / 4) hidden += 4;
  return hidden;
}

/// SEAttention is given channels/16 where it expects the ratio: 16 for every multiple of 16.
static int64_t ratio_sixteenth(int64_t channels) {
  return channels < 16 ? 0 : channels / (channels / 16);
}

static const struct {
  const char *name;
  int64_t (*hidden)(int64_t channels);
} rules[] = {
    {"repvgg", sixteenth},      {"repvggplus", quarter},          {"mobileone", sixteenth},
    {"repghost", quarter_by_4}, {"seattention", ratio_sixteenth},
};
#define RULE_COUNT (sizeof rules / sizeof *rules)

onefold_status onefold_se_hidden(onefold_context *context, const char *rule, int64_t channels,
                                 int64_t *hidden) {
  if (!rule || !hidden)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL", rule ? "hidden" : "rule");
  if (channels < 1 || channels > INT64_MAX / 2)
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "channels is %lld", (long long)channels);
  char names[128] = "";
  for (size_t i = 0, used = 0; i < RULE_COUNT; i++) {
    if (strcmp(rules[i].name, rule) == 0) {
      *hidden = rules[i].hidden(channels);
      if (*hidden > 0) return ONEFOLD_OK;
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                          "the rule '%s' gives %lld channels no hidden channel", rule,
                          (long long)channels);
    }
    used +=
        (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", rules[i].name);
  }
  return onefold_fail(context, ONEFOLD_NOT_FOUND, "no rule '%s'; there are: %s", rule, names);
}
