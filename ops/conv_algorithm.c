// SPDX-License-Identifier: BSD-3-Clause
// The algorithms, and the tasks of one.
#include "ops/conv_algorithm.h"

const onefold_conv_algorithm *const onefold_conv_algorithms[] = {
    &onefold_conv_depthwise,   &onefold_conv_grouped,    &onefold_conv_plain,
    &onefold_conv_pointwise,   &onefold_conv_gather,     &onefold_conv_winograd_6,
    &onefold_conv_winograd_4,  &onefold_conv_winograd_2, &onefold_conv_polyphase_5,
    &onefold_conv_polyphase_3, &onefold_conv_direct,
};
const size_t onefold_conv_algorithm_count =
    sizeof onefold_conv_algorithms / sizeof onefold_conv_algorithms[0];

int32_t onefold_conv_default_tasks(const onefold_conv_algorithm *algorithm,
                                   const onefold_dispatch *dispatch,
                                   const onefold_conv_problem *problem, int32_t threads) {
  if (threads <= 1) return 1;
  const double least = problem->among ? ONEFOLD_AMONG_CYCLES : ONEFOLD_HANDOVER_CYCLES;
  const double most = algorithm->estimate(dispatch, problem, 1, NULL) / least;
  return threads <= most ? threads : most < 1 ? 1 : (int32_t)most;
}
