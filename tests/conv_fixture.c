// SPDX-License-Identifier: BSD-3-Clause
// A context, a valid convolution and weights packed for it.
#include "tests/conv_fixture.h"

#include <stdlib.h>

int conv_fixture_create(void **state) {
  conv_fixture *f = calloc(1, sizeof(*f));
  if (!f || onefold_context_create(NULL, &f->context) != ONEFOLD_OK) return 1;
  onefold_conv2d_desc *d = &f->desc;
  onefold_conv2d_desc_init(d);
  d->in_channels = 20;
  d->out_channels = 24;
  d->groups = 2;
  d->in_h = 7;
  d->in_w = 9;
  d->kernel_h = d->kernel_w = 3;
  d->pad_top = d->pad_bottom = d->pad_left = d->pad_right = 1;
  d->in_layout = ONEFOLD_NHWC;
  d->out_layout = ONEFOLD_NCHW;
  d->activation = ONEFOLD_ACT_RELU;
  d->residual = ONEFOLD_RESIDUAL_BEFORE_ACTIVATION;
  d->has_residual_scale = d->has_channel_scale = 1;
  const onefold_conv2d_weights weights = {f->weight, f->vector, f->vector};
  *state = f;
  return onefold_conv2d_plan_create(f->context, d, &f->plan) != ONEFOLD_OK ||
         onefold_conv2d_pack(f->plan, &weights, &f->packed) != ONEFOLD_OK;
}

int conv_fixture_destroy(void **state) {
  conv_fixture *f = *state;
  onefold_conv2d_packed_destroy(f->packed);
  onefold_conv2d_plan_destroy(f->plan);
  onefold_context_destroy(f->context);
  free(f);
  return 0;
}
