// SPDX-License-Identifier: BSD-3-Clause
// XNNPACK's NHWC convolutions, with ReLU and ReLU6 as their clamp; two are two calls.
#include "bench/peers/peer.h"
#include "bench/peers/xnnpack_api.h"

#include <math.h>
#include <pthreadpool.h>
#include <stdlib.h>

typedef struct xnnpack {
  pthreadpool_t threads; // NULL for one
  xnn_operator_t ops[BENCH_PEER_LAYERS];
  float *workspaces[BENCH_PEER_LAYERS];
  size_t count;
  float *between; // of two, in NHWC
  onefold_shape out;
} xnnpack;

static int open_peer(bench_peer_state *peer) {
  const int32_t threads = peer->session->options->threads;
  xnnpack *own = peer->own = calloc(1, sizeof *own);
  if (!own) return onefold_peer_say(peer, 1, "out of memory");
  const enum xnn_status status = xnn_initialize(NULL);
  if (status != xnn_status_success)
    return onefold_peer_say(peer, 1, "xnn_initialize gives %d", (int)status);
  if (threads > 1 && !(own->threads = pthreadpool_create((size_t)threads)))
    return onefold_peer_say(peer, 1, "no pool of %d threads", (int)threads);
  snprintf(peer->about, sizeof peer->about, "XNNPACK in NHWC, %d thread%s", (int)threads,
           threads == 1 ? "" : "s");
  return 0;
}

static void close_peer(bench_peer_state *peer) {
  xnnpack *own = peer->own;
  if (!own) return;
  if (own->threads) pthreadpool_destroy(own->threads);
  xnn_deinitialize();
  free(own);
  peer->own = NULL;
}

static void unmake(bench_peer_state *peer) {
  xnnpack *own = peer->own;
  for (size_t i = 0; i < BENCH_PEER_LAYERS; i++) {
    if (own->ops[i]) xnn_delete_operator(own->ops[i]);
    own->ops[i] = NULL;
    free(own->workspaces[i]);
    own->workspaces[i] = NULL;
  }
  free(own->between);
  own->between = NULL;
  for (size_t i = 0; i < peer->variant_count; i++) {
    free(peer->variants[i].input);
    free(peer->variants[i].output);
  }
  peer->variant_count = 0;
}

/// [O][I/g][K] to [O][K][I/g].
static float *channels_last(const onefold_conv2d_desc *d, const float *weight) {
  const size_t band = (size_t)(d->in_channels / d->groups),
               kernel = (size_t)(d->kernel_h * d->kernel_w);
  float *to = onefold_bench_floats((size_t)d->out_channels * band * kernel);
  for (size_t o = 0; to && o < (size_t)d->out_channels; o++) {
    for (size_t i = 0; i < band; i++) {
      for (size_t k = 0; k < kernel; k++)
        to[(o * kernel + k) * band + i] = weight[(o * band + i) * kernel + k];
    }
  }
  return to;
}

static enum xnn_status make_operator(xnnpack *own, size_t index, const bench_peer_layer *layer,
                                     const float *input, float *output) {
  const onefold_conv2d_desc *d = &layer->desc;
  const float low = d->activation == ONEFOLD_ACT_NONE ? -INFINITY : 0.0f;
  const float high = d->activation == ONEFOLD_ACT_RELU6 ? 6.0f : INFINITY;
  float *weight = channels_last(d, layer->weight);
  if (!weight) return xnn_status_out_of_memory;
  enum xnn_status status =
      onefold_xnnpack_create(d, weight, layer->bias, low, high, &own->ops[index]);
  free(weight);
  if (status != xnn_status_success) return status;
  return onefold_xnnpack_set_up(own->ops[index], layer->in, input, output, own->threads,
                                &own->workspaces[index]);
}

static bench_peer_made accept(bench_peer_state *peer, const onefold_conv2d_desc *d) {
  if (d->activation > ONEFOLD_ACT_RELU6)
    return onefold_peer_say(peer, BENCH_PEER_REFUSED, "no %s in its epilogue",
                            onefold_activation_name(d->activation));
  if (d->pad_top < 0 || d->pad_bottom < 0 || d->pad_left < 0 || d->pad_right < 0)
    return onefold_peer_say(peer, BENCH_PEER_REFUSED, "no negative padding");
  return BENCH_PEER_READY;
}

/// An image in NHWC, with what XNNPACK may read past its end. NULL without memory.
static float *make_image(const bench_peer_state *peer, onefold_shape shape, size_t *floats) {
  *floats = onefold_tensor_elements(peer->session->context, shape, ONEFOLD_NHWC);
  return onefold_bench_floats(*floats + XNN_EXTRA_BYTES / sizeof(float));
}

static bench_peer_made make(bench_peer_state *peer, const bench_peer_problem *problem) {
  xnnpack *own = peer->own;
  const bench_peer_layer *first = &problem->layers[0], *last = first + problem->count - 1;
  for (const bench_peer_layer *l = first; l <= last; l++) {
    const bench_peer_made made = accept(peer, &l->desc);
    if (made != BENCH_PEER_READY) return made;
  }
  size_t floats = 0;
  bench_peer_variant *v = onefold_peer_add(peer, "");
  v->input = make_image(peer, first->in, &v->input_floats);
  v->output = make_image(peer, last->out, &v->output_floats);
  own->between = make_image(peer, first->out, &floats);
  own->count = problem->count;
  own->out = last->out;
  if (!v->input || !v->output || !own->between)
    return onefold_peer_say(peer, BENCH_PEER_FAILED, "no memory");
  onefold_reorder(peer->session->context, first->in, ONEFOLD_NCHW, problem->input, ONEFOLD_NHWC,
                  v->input);
  for (const bench_peer_layer *l = first; l <= last; l++) {
    const enum xnn_status status =
        make_operator(own, (size_t)(l - first), l, l == first ? v->input : own->between,
                      l == last ? v->output : own->between);
    if (status != xnn_status_success)
      return onefold_peer_say(
          peer, status == xnn_status_out_of_memory ? BENCH_PEER_FAILED : BENCH_PEER_REFUSED,
          "XNNPACK's status %d", (int)status);
  }
  return BENCH_PEER_READY;
}

static int call(void *user) {
  const xnnpack *own = user;
  for (size_t i = 0; i < own->count; i++) {
    if (xnn_run_operator(own->ops[i], own->threads) != xnn_status_success) return 1;
  }
  return 0;
}

static double run(bench_peer_state *peer, size_t variant, int64_t count) {
  const double seconds = onefold_peer_time(peer, variant, count, call, peer->own);
  if (seconds < 0) onefold_peer_say(peer, 0, "xnn_run_operator failed");
  return seconds;
}

static int output(bench_peer_state *peer, size_t variant, float *values, size_t count) {
  (void)count;
  const xnnpack *own = peer->own;
  if (onefold_reorder(peer->session->context, own->out, ONEFOLD_NHWC,
                      peer->variants[variant].output, ONEFOLD_NCHW, values) == ONEFOLD_OK)
    return 0;
  return onefold_peer_say(peer, 1, "the result cannot be reordered");
}

const bench_peer onefold_peer_xnnpack = {.chains = 1,
                                         .own_threads = 1,
                                         .open = open_peer,
                                         .close = close_peer,
                                         .make = make,
                                         .unmake = unmake,
                                         .run = run,
                                         .output = output};
