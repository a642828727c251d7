// SPDX-License-Identifier: BSD-3-Clause
// Uses the tilings that onefold tune has recorded, and says where a layer's is from.
#include <onefold/onefold.h>
#include <onefold/record.h>

#include <stdio.h>

static void warn(void *user, const char *sentence) {
  (void)user;
  fprintf(stderr, "%s\n", sentence);
}

int main(void) {
  onefold_record *record = NULL;
  onefold_tilings *tilings = NULL;
  onefold_context *context = NULL;
  onefold_conv2d_plan *plan = NULL;
  onefold_context_options options = {.struct_size = sizeof options};
  const onefold_record_options where = {
      .struct_size = sizeof where, .read_only = 1, .warning = warn};

  // Read once; the file is closed before the first layer is planned.
  onefold_status failed = onefold_record_open(&where, &record);
  if (!failed) failed = onefold_record_attach(record, ONEFOLD_IN_PLACE, NULL, &options, &tilings);
  onefold_record_close(record);

  onefold_conv2d_desc layer;
  onefold_conv2d_plan_info info;
  if (!failed) failed = onefold_context_create(&options, &context);
  if (!failed) failed = onefold_conv2d_desc_parse(context, "mb1ic64ih56oc64oh56kh3ph1", &layer);
  if (!failed) failed = onefold_conv2d_plan_create(context, &layer, &plan);
  if (!failed) {
    onefold_conv2d_plan_get_info(plan, &info);
    printf("%s by %s (%s)\n", info.algorithm, info.kernel, info.source);
  }
  onefold_conv2d_plan_destroy(plan);
  onefold_context_destroy(context);
  onefold_tilings_destroy(tilings);
  return failed;
}
