// SPDX-License-Identifier: BSD-3-Clause
// Affine maps: making, scaling, adding, and writing them down as a convolution.
#include "fold/affine.h"

#include "graph/graph.h"

size_t onefold_affine_weights(const onefold_affine *affine) {
  return (size_t)affine->out_channels * (size_t)(affine->in_channels / affine->groups) *
         (size_t)affine->h.taps * (size_t)affine->w.taps;
}

size_t onefold_affine_border(const onefold_affine *affine) {
  return (size_t)(affine->out_channels * onefold_ring_rows(&affine->ring) *
                  onefold_ring_cols(&affine->ring));
}

/// onefold_affine_create with weights by one of the two ways to allocate.
static onefold_affine *create(const onefold_context *context, const onefold_affine *like,
                              void *(*way)(const onefold_context *context, size_t size)) {
  const size_t outputs = (size_t)like->out_channels;
  size_t bytes = 0, border = 0;
  onefold_affine *affine = NULL;
  const int fits = onefold_mul(outputs, (size_t)(like->in_channels / like->groups), &bytes) &&
                   onefold_mul(bytes, (size_t)like->h.taps, &bytes) &&
                   onefold_mul(bytes, (size_t)like->w.taps, &bytes) &&
                   onefold_mul(bytes, sizeof(double), &bytes) && bytes <= PTRDIFF_MAX &&
                   onefold_mul(outputs, (size_t)onefold_ring_rows(&like->ring), &border) &&
                   onefold_mul(border, (size_t)onefold_ring_cols(&like->ring), &border) &&
                   onefold_mul(border, sizeof(double), &border) && border <= PTRDIFF_MAX;
  if (fits && (affine = onefold_allocate(context, sizeof *affine))) {
    *affine = *like;
    const int has_border = !onefold_ring_is_empty(&like->ring);
    affine->border = NULL;
    affine->weight = way(context, bytes);
    affine->bias = onefold_allocate(context, outputs * sizeof(double));
    if (has_border) affine->border = onefold_allocate(context, border);
    if (affine->weight && affine->bias && (affine->border || !has_border)) return affine;
    onefold_affine_destroy(context, affine);
  }
  onefold_fail(context, ONEFOLD_OUT_OF_MEMORY, "no memory to fold %lld x %lld channels",
               (long long)like->out_channels, (long long)like->in_channels);
  return NULL;
}

onefold_affine *onefold_affine_create(const onefold_context *context, const onefold_affine *like) {
  return create(context, like, onefold_allocate);
}

void onefold_affine_destroy(const onefold_context *context, onefold_affine *affine) {
  if (!affine) return;
  onefold_release(context, affine->weight);
  onefold_release(context, affine->bias);
  onefold_release(context, affine->border);
  onefold_release(context, affine);
}

onefold_affine *onefold_affine_scale(const onefold_context *context, onefold_shape shape,
                                     const double *scale, const double *shift) {
  const onefold_affine geometry = {
      .in_channels = shape.c,
      .out_channels = shape.c,
      .groups = shape.c,
      .h = {.in = shape.h, .out = shape.h, .stride = 1, .taps = 1},
      .w = {.in = shape.w, .out = shape.w, .stride = 1, .taps = 1},
  };
  onefold_affine *affine = onefold_affine_create(context, &geometry);
  for (int64_t c = 0; affine && c < shape.c; c++) {
    affine->weight[c] = scale ? scale[c] : 1;
    affine->bias[c] = shift ? shift[c] : 0;
  }
  return affine;
}

static onefold_axis conv_axis(int64_t in, int64_t kernel, int64_t stride, int64_t dilation,
                              int64_t pad_before, int64_t pad_after) {
  return (onefold_axis){
      .in = in,
      .out = (in + pad_before + pad_after - dilation * (kernel - 1) - 1) / stride + 1,
      .stride = stride,
      .lo = -pad_before,
      .step = kernel > 1 ? dilation : 0,
      .taps = kernel,
  };
}

onefold_affine *onefold_affine_conv2d(const onefold_context *context, onefold_shape in,
                                      const onefold_graph_conv2d_params *p, const float *weight,
                                      const float *bias) {
  const onefold_affine geometry = {
      .in_channels = in.c,
      .out_channels = p->out_channels,
      .groups = p->groups,
      .h = conv_axis(in.h, p->kernel_h, p->stride_h, p->dilation_h, p->pad_top, p->pad_bottom),
      .w = conv_axis(in.w, p->kernel_w, p->stride_w, p->dilation_w, p->pad_left, p->pad_right),
  };
  onefold_affine *affine = create(context, &geometry, onefold_allocate_unset);
  if (!affine) return NULL;
  const size_t count = onefold_affine_weights(affine);
  for (size_t i = 0; i < count; i++) affine->weight[i] = (double)weight[i];
  for (int64_t o = 0; bias && o < p->out_channels; o++) affine->bias[o] = (double)bias[o];
  return affine;
}

void onefold_affine_apply_scale(onefold_affine *affine, const double *scale, const double *shift) {
  const size_t row = onefold_affine_weights(affine) / (size_t)affine->out_channels;
  for (int64_t o = 0; o < affine->out_channels; o++) {
    double *weight = affine->weight + (size_t)o * row;
    for (size_t i = 0; i < row; i++) weight[i] *= scale[o];
    affine->bias[o] = affine->bias[o] * scale[o] + shift[o];
  }
  const size_t classes =
      affine->border ? onefold_affine_border(affine) / (size_t)affine->out_channels : 0;
  for (int64_t o = 0; o < affine->out_channels; o++)
    for (size_t i = 0; i < classes; i++) affine->border[(size_t)o * classes + i] *= scale[o];
}

/// Smallest window on one lattice that holds both.
static void unite(onefold_axis *a, const onefold_axis *b) {
  const int64_t lo = a->lo < b->lo ? a->lo : b->lo;
  const int64_t hi_a = onefold_axis_hi(a), hi_b = onefold_axis_hi(b);
  const int64_t hi = hi_a > hi_b ? hi_a : hi_b;
  a->step = onefold_gcd(onefold_gcd(a->step, b->step), a->lo - b->lo);
  a->lo = lo;
  a->taps = a->step ? (hi - lo) / a->step + 1 : 1;
}

static int same_grid(const onefold_axis *a, const onefold_axis *b) {
  return a->in == b->in && a->out == b->out && a->stride == b->stride;
}

/// Windows and rings of all terms; zero where their images do not agree.
static int unite_terms(const onefold_affine *const *terms, size_t count, onefold_affine *geometry) {
  *geometry = *terms[0];
  geometry->weight = geometry->bias = geometry->border = NULL;
  for (size_t i = 1; i < count; i++) {
    const onefold_affine *t = terms[i];
    if (t->in_channels != geometry->in_channels || !same_grid(&t->h, &geometry->h) ||
        !same_grid(&t->w, &geometry->w))
      return 0;
    geometry->groups = onefold_gcd(geometry->groups, t->groups);
    unite(&geometry->h, &t->h);
    unite(&geometry->w, &t->w);
    onefold_ring_unite(&geometry->ring, &t->ring, t->h.out, t->w.out);
  }
  return 1;
}

int onefold_affine_sum_geometry(const onefold_affine *const *terms, size_t count,
                                onefold_affine *geometry) {
  for (size_t i = 1; i < count; i++)
    if (terms[i]->out_channels != terms[0]->out_channels) return 0;
  return unite_terms(terms, count, geometry);
}

int onefold_affine_concat_geometry(const onefold_affine *const *terms, size_t count,
                                   onefold_affine *geometry) {
  if (!unite_terms(terms, count, geometry)) return 0;
  geometry->groups = 1;
  geometry->out_channels = 0;
  for (size_t i = 0; i < count; i++) geometry->out_channels += terms[i]->out_channels;
  return 1;
}

/// Index of the tap of `axis` at the offset of tap `tap` of `part`.
static int64_t tap_index(const onefold_axis *axis, const onefold_axis *part, int64_t tap) {
  return axis->step ? (part->lo + tap * part->step - axis->lo) / axis->step : 0;
}

void onefold_affine_accumulate_border(onefold_affine *whole, const onefold_affine *term,
                                      int64_t first) {
  if (!term->border) return;
  const onefold_ring *to = &whole->ring, *from = &term->ring;
  const int64_t rows = onefold_ring_rows(to), cols = onefold_ring_cols(to);
  const int64_t term_rows = onefold_ring_rows(from), term_cols = onefold_ring_cols(from);
  for (int64_t r = 0; r < rows; r++)
    for (int64_t q = 0; q < cols; q++) {
      const int64_t u = onefold_ring_position(r, whole->h.out, to->top, to->bottom);
      const int64_t v = onefold_ring_position(q, whole->w.out, to->left, to->right);
      if (u < 0 || v < 0) continue;
      const int64_t row = onefold_border_class(u, term->h.out, from->top, from->bottom);
      const int64_t col = onefold_border_class(v, term->w.out, from->left, from->right);
      for (int64_t o = 0; o < term->out_channels; o++)
        whole->border[((first + o) * rows + r) * cols + q] +=
            term->border[(o * term_rows + row) * term_cols + col];
    }
}

void onefold_affine_accumulate(onefold_affine *whole, const onefold_affine *term, int64_t first) {
  const int64_t whole_ig = whole->in_channels / whole->groups;
  const int64_t whole_og = whole->out_channels / whole->groups;
  const int64_t ig = term->in_channels / term->groups, og = term->out_channels / term->groups;
  const double *source = term->weight;
  for (int64_t o = 0; o < term->out_channels; o++) {
    const int64_t to = first + o;
    whole->bias[to] += term->bias[o];
    const int64_t column = o / og * ig - to / whole_og * whole_ig;
    for (int64_t j = 0; j < ig; j++)
      for (int64_t a = 0; a < term->h.taps; a++) {
        const int64_t row =
            ((to * whole_ig + column + j) * whole->h.taps + tap_index(&whole->h, &term->h, a)) *
            whole->w.taps;
        for (int64_t b = 0; b < term->w.taps; b++)
          whole->weight[row + tap_index(&whole->w, &term->w, b)] += *source++;
      }
  }
  onefold_affine_accumulate_border(whole, term, first);
}

/// Outputs at both ends whose windows lie outside the image; the others as an axis.
static onefold_axis crop_outside(const onefold_axis *axis, int64_t *before, int64_t *after) {
  const int64_t hi = onefold_axis_hi(axis);
  *before = *after = 0;
  while (*before < axis->out && *before * axis->stride + hi < 0) ++*before;
  while (*after < axis->out - *before &&
         (axis->out - 1 - *after) * axis->stride + axis->lo >= axis->in)
    ++*after;
  onefold_axis inner = *axis;
  inner.lo += *before * axis->stride;
  inner.out -= *before + *after;
  return inner;
}

double onefold_affine_macs(const onefold_affine *affine) {
  const int64_t inputs = affine->in_channels / affine->groups;
  int64_t before, after;
  const onefold_axis h = crop_outside(&affine->h, &before, &after);
  const onefold_axis w = crop_outside(&affine->w, &before, &after);
  return (double)affine->out_channels * (double)inputs * (double)h.taps * (double)w.taps *
         (double)h.out * (double)w.out;
}

static int is_point(const onefold_axis *axis) {
  return axis->taps == 1 && axis->lo == 0 && axis->stride == 1 && axis->in == axis->out;
}

int onefold_affine_is_scale(const onefold_affine *affine, onefold_ring *outside) {
  const onefold_axis h = crop_outside(&affine->h, &outside->top, &outside->bottom);
  const onefold_axis w = crop_outside(&affine->w, &outside->left, &outside->right);
  return onefold_affine_is_per_channel(affine) && is_point(&h) && is_point(&w);
}

/// Padding that reads the window.
static void axis_padding(const onefold_axis *axis, int64_t *before, int64_t *after) {
  *before = -axis->lo;
  const int64_t least = (axis->out - 1) * axis->stride + onefold_axis_hi(axis) - (axis->in - 1);
  *after = *before >= least && *before - least < axis->stride ? *before : least;
}

int onefold_affine_to_conv2d(const onefold_affine *affine, onefold_graph_conv2d_params *params,
                             onefold_ring *outside) {
  const onefold_axis h = crop_outside(&affine->h, &outside->top, &outside->bottom);
  const onefold_axis w = crop_outside(&affine->w, &outside->left, &outside->right);
  *params = (onefold_graph_conv2d_params){
      .out_channels = affine->out_channels,
      .kernel_h = h.taps,
      .kernel_w = w.taps,
      .stride_h = h.stride,
      .stride_w = w.stride,
      .dilation_h = h.step ? h.step : 1,
      .dilation_w = w.step ? w.step : 1,
      .groups = affine->groups,
  };
  axis_padding(&h, &params->pad_top, &params->pad_bottom);
  axis_padding(&w, &params->pad_left, &params->pad_right);
  return h.out > 0 && w.out > 0;
}
