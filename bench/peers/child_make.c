// SPDX-License-Identifier: BSD-3-Clause
// Hands a problem on to a peer in a process of its own: a convolution, or a network (child_net.c).
#include "bench/peers/child.h"

#include <inttypes.h>

bench_peer_made onefold_child_make(bench_peer_state *peer, const bench_peer_problem *p) {
  if (p->network) return onefold_child_make_net(peer, p);
  const bench_peer_layer *l = &p->layers[0];
  const onefold_conv2d_desc *d = &l->desc;
  const int64_t numbers[] = {
      d->batch,      d->in_channels, d->in_h,       d->in_w,     d->out_channels, l->out.h,
      l->out.w,      d->kernel_h,    d->kernel_w,   d->stride_h, d->stride_w,     d->dilation_h,
      d->dilation_w, d->pad_top,     d->pad_bottom, d->pad_left, d->pad_right,    d->groups};
  const int64_t input = l->in.n * l->in.c * l->in.h * l->in.w;
  const int64_t weight = d->out_channels * (d->in_channels / d->groups) * d->kernel_h * d->kernel_w;
  int lost = onefold_child_send_line(peer, "make");
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    lost |= onefold_child_send_line(peer, " %" PRId64, numbers[i]);
  lost |= onefold_child_send_line(peer, " %s %.9g\n", onefold_activation_name(d->activation),
                                  (double)d->activation_param);
  lost |= onefold_child_send_floats(peer, p->input, input) ||
          onefold_child_send_floats(peer, l->weight, weight) ||
          onefold_child_send_floats(peer, l->bias, d->out_channels);
  (void)lost; // the answer says so
  return onefold_child_variants(peer);
}
