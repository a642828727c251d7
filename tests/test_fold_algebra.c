// SPDX-License-Identifier: BSD-3-Clause
// The algebra of affine maps: composition and its verdicts against brute force in double, sums
// over groups and windows, writing down as a convolution, and published RepVGG numbers.
#include "fold/compose.h"
#include "fold/leaf.h"
#include "models/weights.h"
#include "tests/graph_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static onefold_context *context;

/// What a map's border adds at (u, v) of channel o.
static double border_at(const onefold_affine *f, int64_t o, int64_t u, int64_t v) {
  if (!f->border) return 0;
  const onefold_ring *g = &f->ring;
  const int64_t r = u < g->top                 ? u
                    : u < f->h.out - g->bottom ? g->top
                                               : g->top + 1 + u - (f->h.out - g->bottom);
  const int64_t q = v < g->left               ? v
                    : v < f->w.out - g->right ? g->left
                                              : g->left + 1 + v - (f->w.out - g->right);
  const int64_t cols = g->left + 1 + g->right;
  return f->border[(o * (g->top + 1 + g->bottom) + r) * cols + q];
}

/// y = affine(x), straight from the definition; y [O][out_h][out_w] to be freed. Outside the
/// image x is `extension[c]`, or 0 where that is NULL.
static double *apply(const onefold_affine *f, const double *x, const double *extension) {
  const int64_t ig = f->in_channels / f->groups, og = f->out_channels / f->groups;
  double *y = calloc((size_t)(f->out_channels * f->h.out * f->w.out), sizeof *y);
  assert_non_null(y);
  for (int64_t o = 0; o < f->out_channels; o++)
    for (int64_t u = 0; u < f->h.out; u++)
      for (int64_t v = 0; v < f->w.out; v++) {
        double sum = f->bias[o] + border_at(f, o, u, v);
        for (int64_t j = 0; j < ig; j++)
          for (int64_t a = 0; a < f->h.taps; a++)
            for (int64_t b = 0; b < f->w.taps; b++) {
              const int64_t c = o / og * ig + j;
              const int64_t row = u * f->h.stride + f->h.lo + a * f->h.step;
              const int64_t col = v * f->w.stride + f->w.lo + b * f->w.step;
              const int inside = row >= 0 && row < f->h.in && col >= 0 && col < f->w.in;
              const double value = inside      ? x[(c * f->h.in + row) * f->w.in + col]
                                   : extension ? extension[c]
                                               : 0;
              sum += f->weight[((o * ig + j) * f->h.taps + a) * f->w.taps + b] * value;
            }
        y[(o * f->h.out + u) * f->w.out + v] = sum;
      }
  return y;
}

static double largest_difference(const double *a, const double *b, int64_t count) {
  double largest = 0;
  for (int64_t i = 0; i < count; i++) largest = fmax(largest, fabs(a[i] - b[i]));
  return largest;
}

static double *random_image(test_rng *rng, int64_t count) {
  double *x = malloc((size_t)count * sizeof *x);
  assert_non_null(x);
  for (int64_t i = 0; i < count; i++) x[i] = (double)test_uniform(rng, -1, 1);
  return x;
}

static int64_t outputs(const onefold_affine *f) {
  return f->out_channels * f->h.out * f->w.out;
}

/// A convolution with weights in +-[0.25, 1), so that no tap is near zero. Zero where the
/// image would be empty.
static onefold_affine *random_conv(test_rng *rng, onefold_shape in,
                                   const onefold_graph_conv2d_params *p, int bias) {
  const int64_t h = in.h + p->pad_top + p->pad_bottom - p->dilation_h * (p->kernel_h - 1);
  const int64_t w = in.w + p->pad_left + p->pad_right - p->dilation_w * (p->kernel_w - 1);
  if (h < 1 || w < 1) return NULL;
  const size_t weights = (size_t)(p->out_channels * (in.c / p->groups) * p->kernel_h * p->kernel_w);
  float *values = malloc((weights + (size_t)p->out_channels) * sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < weights + (size_t)p->out_channels; i++)
    values[i] = test_uniform(rng, 0.25f, 1) * (test_once_in(rng, 2) ? -1.0f : 1.0f);
  onefold_affine *f = onefold_affine_conv2d(context, in, p, values, bias ? values + weights : NULL);
  assert_non_null(f);
  free(values);
  return f;
}

static onefold_graph_conv2d_params random_params(test_rng *rng, int64_t out, int64_t groups) {
  const int64_t kernels[] = {1, 1, 2, 3, 3, 5};
  onefold_graph_conv2d_params p = {.out_channels = out, .groups = groups};
  p.kernel_h = test_pick(rng, kernels);
  p.kernel_w = test_pick(rng, kernels);
  p.stride_h = test_range(rng, 1, 3);
  p.stride_w = test_range(rng, 1, 2);
  p.dilation_h = test_range(rng, 1, 2);
  p.dilation_w = test_range(rng, 1, 3);
  p.pad_top = test_range(rng, -1, p.dilation_h * (p.kernel_h - 1));
  p.pad_bottom = test_range(rng, 0, p.dilation_h * (p.kernel_h - 1));
  p.pad_left = test_range(rng, 0, p.dilation_w * (p.kernel_w - 1));
  p.pad_right = test_range(rng, -1, p.dilation_w * (p.kernel_w - 1));
  return p;
}

/// A pad node's map: `pads` around an image of C channels, with value[c].
static onefold_affine *pad_map(const onefold_affine *before, const int64_t pads[4],
                               const float *value) {
  onefold_graph *graph;
  test_ok(context, onefold_graph_create(context, &graph));
  const onefold_shape in = {1, before->out_channels, before->h.out, before->w.out};
  const onefold_pad_params params = {pads[0], pads[1], pads[2], pads[3], value};
  const onefold_node node = onefold_graph_pad(graph, onefold_graph_input(graph, in), &params);
  test_ok(context, onefold_graph_status(graph));
  onefold_affine *map = onefold_leaf_pad(context, graph, &graph->nodes[node]);
  assert_non_null(map);
  onefold_graph_destroy(graph);
  return map;
}

/// Brute force: first, then second, each from its definition, on image x; to be freed.
static double *chain_of(const onefold_affine *const *maps, int count, const double *x) {
  double *y = NULL;
  for (int k = 0; k < count; k++) {
    double *next = apply(maps[k], y ? y : x, NULL);
    free(y);
    y = next;
  }
  return y;
}

/// Counts of a test of verdicts.
typedef struct outcomes {
  int exact, bordered, data;
} outcomes;

/// `second` after `first`, which is the chain maps[0..count-2] with maps[count-1] to come: the
/// verdict is EXACT where one map with a border is the chain, and then that map is returned.
static onefold_affine *check_pair(test_rng *rng, const onefold_affine *first,
                                  const onefold_affine *const *maps, int count, outcomes *seen) {
  const onefold_affine *second = maps[count - 1];
  const onefold_fold_verdict verdict = onefold_affine_compose_verdict(first, second);
  onefold_affine *both = onefold_affine_compose(context, first, second);
  assert_non_null(both);
  double *x = random_image(rng, first->in_channels * first->h.in * first->w.in);
  double *wanted = chain_of(maps, count, x), *composed = apply(both, x, NULL);
  const double difference = largest_difference(wanted, composed, outputs(both));
  if ((verdict == ONEFOLD_FOLD_EXACT) != (difference < 1e-6))
    test_failed("verdict %s, difference %g", onefold_fold_verdict_name(verdict), difference);
  if (verdict == ONEFOLD_FOLD_EXACT && both->border) {
    double *border = both->border;
    both->border = NULL;
    double *plain = apply(both, x, NULL);
    both->border = border;
    if (!(largest_difference(wanted, plain, outputs(both)) > 1e-6))
      test_failed("a border that is not needed");
    free(plain);
  }
  seen->exact += verdict == ONEFOLD_FOLD_EXACT && !both->border;
  seen->bordered += verdict == ONEFOLD_FOLD_EXACT && both->border;
  seen->data += verdict == ONEFOLD_FOLD_INEXACT_DATA;
  free(x);
  free(wanted);
  free(composed);
  if (verdict == ONEFOLD_FOLD_EXACT) return both;
  onefold_affine_destroy(context, both);
  return NULL;
}

/// Random chains of two convolutions, every third with padding by constants between them.
static void test_verdicts(void **state) {
  (void)state;
  test_rng rng = {21};
  outcomes seen = {0};
  for (int i = 0; i < 2000;) {
    const onefold_shape in = {1, 4, test_range(&rng, 3, 12), test_range(&rng, 3, 12)};
    const int64_t groups[] = {1, 2, 4};
    const int bias = test_once_in(&rng, 2), padded = test_once_in(&rng, 3);
    onefold_graph_conv2d_params p = random_params(&rng, 4, test_pick(&rng, groups));
    onefold_graph_conv2d_params q = random_params(&rng, 4, test_pick(&rng, groups));
    onefold_affine *maps[3] = {random_conv(&rng, in, &p, bias)}, *joined = NULL, *all = NULL;
    if (!maps[0]) continue;
    test_case("chain %d: %lldx%lld, %lldx%lld s%lld,%lld then %lldx%lld s%lld,%lld bias %d pad %d",
              i, (long long)in.h, (long long)in.w, (long long)p.kernel_h, (long long)p.kernel_w,
              (long long)p.stride_h, (long long)p.stride_w, (long long)q.kernel_h,
              (long long)q.kernel_w, (long long)q.stride_h, (long long)q.stride_w, bias, padded);
    int count = 1;
    if (padded) {
      // The constant is what the map before gives for zeros, or is not.
      float value[4];
      for (int c = 0; c < 4; c++)
        value[c] = (float)maps[0]->bias[c] + (test_once_in(&rng, 6) ? 1.0f : 0.0f);
      const int64_t pads[4] = {test_range(&rng, 0, 2), test_range(&rng, 0, 2),
                               test_range(&rng, 0, 2), test_range(&rng, 0, 2)};
      maps[count++] = pad_map(maps[0], pads, value);
      joined = check_pair(&rng, maps[0], (const onefold_affine *const *)maps, count, &seen);
    }
    const onefold_affine *first = padded ? joined : maps[0];
    if (first)
      maps[count] = random_conv(&rng, (onefold_shape){1, 4, first->h.out, first->w.out}, &q, 1);
    if (first && maps[count])
      all = check_pair(&rng, first, (const onefold_affine *const *)maps, ++count, &seen);
    i += count > 1;
    for (int k = 0; k < count; k++) onefold_affine_destroy(context, maps[k]);
    onefold_affine_destroy(context, joined);
    onefold_affine_destroy(context, all);
  }
  assert_true(seen.exact > 200);
  assert_true(seen.bordered > 100);
  assert_true(seen.data > 200);
}

/// Where a composition is inexact by data, it is the chain in the clean region all the same: at
/// the outputs whose windows lie inside the middle image.
static void test_clean_region(void **state) {
  (void)state;
  test_rng rng = {27};
  int seen = 0;
  for (int i = 0; i < 300; i++) {
    const onefold_shape in = {1, 4, test_range(&rng, 5, 12), test_range(&rng, 5, 12)};
    const onefold_graph_conv2d_params p = random_params(&rng, 4, 1), q = random_params(&rng, 4, 2);
    onefold_affine *maps[2] = {random_conv(&rng, in, &p, 1), NULL};
    if (maps[0])
      maps[1] = random_conv(&rng, (onefold_shape){1, 4, maps[0]->h.out, maps[0]->w.out}, &q, 1);
    if (maps[1] && onefold_affine_compose_verdict(maps[0], maps[1]) == ONEFOLD_FOLD_INEXACT_DATA) {
      onefold_affine *both = onefold_affine_compose(context, maps[0], maps[1]);
      double *x = random_image(&rng, in.c * in.h * in.w);
      double *wanted = chain_of((const onefold_affine *const *)maps, 2, x);
      double *got = apply(both, x, NULL);
      const onefold_axis *h = &maps[1]->h, *w = &maps[1]->w;
      for (int64_t k = 0; k < outputs(both); k++) {
        const int64_t u = k / w->out % h->out, v = k % w->out;
        if (h->stride * u + h->lo < 0 || h->stride * u + onefold_axis_hi(h) >= h->in ||
            w->stride * v + w->lo < 0 || w->stride * v + onefold_axis_hi(w) >= w->in)
          continue;
        seen++;
        if (!(fabs(wanted[k] - got[k]) < 1e-9))
          test_failed("chain %d: output %lld of the clean region is off", i, (long long)k);
      }
      free(x);
      free(wanted);
      free(got);
      onefold_affine_destroy(context, both);
    }
    onefold_affine_destroy(context, maps[0]);
    onefold_affine_destroy(context, maps[1]);
  }
  assert_true(seen > 1000);
}

/// 3x3 stride 2 before 3x3: the low side never leaks, the high side depends on the parity.
static void test_stride_parity(void **state) {
  (void)state;
  test_rng rng = {22};
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(1, 3, 2, 1);
  const onefold_graph_conv2d_params q = onefold_graph_conv2d_square(1, 3, 1, 1);
  for (int64_t size = 7; size <= 8; size++) {
    const onefold_shape in = {1, 1, size, size};
    onefold_affine *first = random_conv(&rng, in, &p, 0);
    onefold_affine *second =
        random_conv(&rng, (onefold_shape){1, 1, first->h.out, first->w.out}, &q, 0);
    assert_int_equal(onefold_affine_compose_verdict(first, second),
                     size == 7 ? ONEFOLD_FOLD_EXACT : ONEFOLD_FOLD_INEXACT_DATA);
    onefold_affine_destroy(context, first);
    onefold_affine_destroy(context, second);
  }
}

/// Sums of convolutions of random windows and groups, and an identity.
static void test_sums(void **state) {
  (void)state;
  test_rng rng = {23};
  const onefold_shape in = {1, 12, 9, 8};
  const int64_t groups[] = {1, 2, 3, 4, 6, 12};
  for (int i = 0; i < 200; i++) {
    onefold_affine *terms[4];
    const int count = (int)test_range(&rng, 2, 4);
    int64_t expected = 12;
    double *x = random_image(&rng, in.c * in.h * in.w);
    double *wanted = NULL;
    for (int k = 0; k < count; k++) {
      onefold_graph_conv2d_params p = onefold_graph_conv2d_square(
          12, 2 * test_range(&rng, 0, 2) + 1, 1, test_pick(&rng, groups));
      p.dilation_h = p.dilation_w = test_range(&rng, 1, 2);
      p.pad_top = p.pad_bottom = p.dilation_h * (p.kernel_h / 2);
      p.pad_left = p.pad_right = p.pad_top;
      terms[k] = k == 0 && test_once_in(&rng, 2) ? onefold_affine_scale(context, in, NULL, NULL)
                                                 : random_conv(&rng, in, &p, 1);
      int64_t a = expected, b = terms[k]->groups;
      while (b) {
        const int64_t r = a % b;
        a = b;
        b = r;
      }
      expected = a;
      double *y = apply(terms[k], x, NULL);
      if (wanted)
        for (int64_t e = 0; e < outputs(terms[k]); e++) wanted[e] += y[e];
      if (wanted)
        free(y);
      else
        wanted = y;
    }
    onefold_affine geometry;
    assert_true(onefold_affine_sum_geometry((const onefold_affine *const *)terms, (size_t)count,
                                            &geometry));
    assert_int_equal(geometry.groups, expected);
    onefold_affine *sum = onefold_affine_create(context, &geometry);
    for (int k = 0; k < count; k++) onefold_affine_accumulate(sum, terms[k], 0);
    double *got = apply(sum, x, NULL);
    assert_true(largest_difference(wanted, got, outputs(sum)) < 1e-10);
    for (int k = 0; k < count; k++) onefold_affine_destroy(context, terms[k]);
    onefold_affine_destroy(context, sum);
    free(got);
    free(wanted);
    free(x);
  }
}

static void test_sum_refuses_other_grids(void **state) {
  (void)state;
  test_rng rng = {24};
  const onefold_shape in = {1, 4, 8, 8};
  onefold_graph_conv2d_params p = onefold_graph_conv2d_square(4, 3, 2, 1);
  onefold_graph_conv2d_params q = onefold_graph_conv2d_square(4, 3, 1, 1);
  onefold_affine *a = random_conv(&rng, in, &p, 0), *b = random_conv(&rng, in, &q, 0);
  onefold_affine geometry;
  assert_false(onefold_affine_sum_geometry((const onefold_affine *const[]){a, b}, 2, &geometry));
  onefold_affine_destroy(context, a);
  onefold_affine_destroy(context, b);
}

/// A convolution of joined inputs is the sum of its columns' convolutions of the parts.
static void test_columns(void **state) {
  (void)state;
  test_rng rng = {28};
  const int64_t sizes[3] = {3, 1, 4}, h = 6, w = 7;
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(5, 3, 2, 1);
  onefold_affine *whole = random_conv(&rng, (onefold_shape){1, 8, h, w}, &p, 1);
  double *x = random_image(&rng, 8 * h * w);
  double *wanted = apply(whole, x, NULL), *sum = NULL;
  int64_t begin = 0;
  for (int k = 0; k < 3; k++) {
    onefold_affine *part = onefold_affine_columns(context, whole, begin, sizes[k]);
    assert_non_null(part);
    assert_int_equal(part->in_channels, sizes[k]);
    double *y = apply(part, x + begin * h * w, NULL);
    for (int64_t i = 0; sum && i < outputs(whole); i++) sum[i] += y[i];
    if (sum)
      free(y);
    else
      sum = y;
    begin += sizes[k];
    onefold_affine_destroy(context, part);
  }
  assert_true(largest_difference(wanted, sum, outputs(whole)) < 1e-12);
  free(x);
  free(wanted);
  free(sum);
  onefold_affine_destroy(context, whole);
}

/// A map becomes a convolution and back: same map, same geometry, tightest dilation.
static void test_to_conv2d(void **state) {
  (void)state;
  test_rng rng = {25};
  for (int i = 0; i < 500;) {
    const onefold_shape in = {1, 4, test_range(&rng, 3, 12), test_range(&rng, 3, 12)};
    const onefold_graph_conv2d_params p = random_params(&rng, 6, 2);
    onefold_affine *f = random_conv(&rng, in, &p, 1);
    if (!f) continue;
    const size_t count = onefold_affine_weights(f);
    float weight[6 * 2 * 25], bias[6];
    onefold_graph_conv2d_params q;
    onefold_ring outside;
    assert_true(onefold_affine_to_conv2d(f, &q, &outside));
    assert_true(onefold_ring_is_empty(&outside));
    for (size_t k = 0; k < count; k++) weight[k] = (float)f->weight[k];
    for (int k = 0; k < 6; k++) bias[k] = (float)f->bias[k];
    assert_int_equal(q.kernel_h, p.kernel_h);
    assert_int_equal(q.pad_top, p.pad_top);
    assert_int_equal(q.dilation_w, p.kernel_w > 1 ? p.dilation_w : 1);
    onefold_affine *g = onefold_affine_conv2d(context, in, &q, weight, bias);
    assert_int_equal(g->h.out, f->h.out);
    assert_int_equal(g->w.out, f->w.out);
    assert_memory_equal(f->weight, g->weight, count * sizeof *f->weight);
    assert_memory_equal(f->bias, g->bias, 6 * sizeof *f->bias);
    onefold_affine_destroy(context, f);
    onefold_affine_destroy(context, g);
    i++;
  }
}

/// Zero padding that is symmetric in the source stays so where a stride leaves a choice.
static void test_symmetric_padding(void **state) {
  (void)state;
  test_rng rng = {26};
  const onefold_graph_conv2d_params p = onefold_graph_conv2d_square(2, 3, 2, 1);
  onefold_affine *f = random_conv(&rng, (onefold_shape){1, 2, 8, 9}, &p, 0);
  onefold_graph_conv2d_params q;
  onefold_ring outside;
  assert_true(onefold_affine_to_conv2d(f, &q, &outside));
  assert_memory_equal(&p, &q, sizeof p);
  onefold_affine_destroy(context, f);
}

// ------------------------------------------------- published numbers of RepVGG blocks

/// Values in the order in which tensors are asked for: a 32-bit LCG; a variance is 0.5 + |z|.
static float next_value(uint32_t *s) {
  *s = *s * 1664525u + 1013904223u;
  return (float)(*s >> 8) / 0x1p23f - 1;
}

static onefold_status read_lcg(const onefold_weights *weights, const char *name,
                               const int64_t *dims, int32_t rank, size_t count, float *values) {
  (void)dims, (void)rank;
  const int variance = strstr(name, "running_var") != NULL;
  for (size_t i = 0; i < count; i++) {
    const float z = next_value(weights->state);
    values[i] = variance ? 0.5f + fabsf(z) : z;
  }
  return ONEFOLD_OK;
}

static void keep_state(onefold_weights *weights) {
  (void)weights;
}

static const onefold_weights_type lcg_type = {.read = read_lcg, .close = keep_state};

static double plain_sum(const double *v, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += v[i];
  return sum;
}

static double sum_of_seven(const double *v, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) sum += v[i] * (double)(i % 7 + 1);
  return sum;
}

static void expect_near(const char *what, double got, double wanted, double tolerance) {
  if (!(fabs(got - wanted) <= tolerance * fmax(1, fabs(wanted))))
    test_failed("%s is %.10g, published %.10g", what, got, wanted);
}

/// The block's one map in double, by the steps of a fold.
static onefold_affine *fold_in_double(const onefold_graph *graph) {
  onefold_affine *branches[3];
  const onefold_graph_node *sum = graph_only(graph, ONEFOLD_NODE_SUM);
  for (int32_t k = 0; k < sum->input_count; k++) {
    const onefold_graph_node *bn = &graph->nodes[sum->inputs[k]];
    const onefold_graph_node *conv = &graph->nodes[bn->inputs[0]];
    const onefold_shape in = graph->nodes[0].shape;
    branches[k] = conv->kind == ONEFOLD_NODE_CONV2D
                      ? onefold_affine_conv2d(context, in, &conv->as.conv2d.params,
                                              conv->as.conv2d.weight, conv->as.conv2d.bias)
                      : onefold_affine_scale(context, in, NULL, NULL);
    double scale[8], shift[8];
    onefold_leaf_batch_norm_vectors(bn, scale, shift);
    onefold_affine_apply_scale(branches[k], scale, shift);
  }
  onefold_affine geometry;
  assert_true(onefold_affine_sum_geometry((const onefold_affine *const *)branches,
                                          (size_t)sum->input_count, &geometry));
  onefold_affine *map = onefold_affine_create(context, &geometry);
  for (int32_t k = 0; k < sum->input_count; k++) {
    onefold_affine_accumulate(map, branches[k], 0);
    onefold_affine_destroy(context, branches[k]);
  }
  return map;
}

static void test_published_repvgg(void **state) {
  (void)state;
  const struct {
    uint32_t seed;
    onefold_shape in;
    int64_t out, groups, stride;
    double epsilon;
    double sum_w, seven_w, first_w, last_w, sum_b, first_b, sum_y, seven_y, first_y, last_y;
  } rows[] = {
      {1,
       {1, 4, 7, 6},
       4,
       1,
       1,
       1e-5,
       0.05850059727,
       -3.301874646,
       -0.08419683697,
       0.01883095841,
       1.593034869,
       1.820287275,
       65.21188954,
       281.9831047,
       1.404924298,
       2.149970033},
      {2,
       {1, 4, 7, 6},
       4,
       2,
       1,
       1e-5,
       3.765985867,
       19.50448163,
       0.472899404,
       -0.622631384,
       1.78236863,
       0.07829745027,
       79.50240681,
       352.8308792,
       -0.7305725427,
       3.583226724},
      {3,
       {1, 4, 7, 6},
       4,
       4,
       1,
       1e-3,
       -1.386431971,
       -4.809708539,
       0.3177881946,
       0.2133034126,
       1.734952385,
       -0.9932800924,
       67.56035588,
       251.6363546,
       -0.3160580447,
       2.280396386},
      {4,
       {1, 4, 8, 7},
       8,
       2,
       2,
       1e-5,
       1.976267412,
       -0.4660127258,
       0.1184260763,
       -0.5919746007,
       -0.8910079079,
       -0.6442072912,
       -29.67006395,
       -139.8875991,
       -0.5626660711,
       -1.954808791},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    test_case("RV%zu", i + 1);
    uint32_t lcg = rows[i].seed;
    const onefold_weights weights = {&lcg_type, context, &lcg};
    onefold_block_params p;
    test_ok(context, onefold_block_params_init(context, "repvgg", &p));
    p.input = rows[i].in;
    p.out_channels = rows[i].out;
    p.groups = rows[i].groups;
    p.stride = rows[i].stride;
    p.bn_epsilon = rows[i].epsilon;
    p.activation = ONEFOLD_ACT_NONE;
    onefold_graph *graph;
    test_ok(context, onefold_block_build(context, "repvgg", &p, &weights, &graph));
    const int64_t pixels = p.input.c * p.input.h * p.input.w;
    float x[256];
    double wide[256];
    for (int64_t k = 0; k < pixels; k++) wide[k] = (double)(x[k] = next_value(&lcg));

    onefold_affine *map = fold_in_double(graph);
    const size_t count = onefold_affine_weights(map), pads = (size_t)outputs(map);
    double *y = apply(map, wide, NULL);
    expect_near("sum of W", plain_sum(map->weight, count), rows[i].sum_w, 1e-9);
    expect_near("sum7 of W", sum_of_seven(map->weight, count), rows[i].seven_w, 1e-9);
    expect_near("first W", map->weight[0], rows[i].first_w, 1e-9);
    expect_near("last W", map->weight[count - 1], rows[i].last_w, 1e-9);
    expect_near("sum of b", plain_sum(map->bias, (size_t)rows[i].out), rows[i].sum_b, 1e-9);
    expect_near("first b", map->bias[0], rows[i].first_b, 1e-9);
    expect_near("sum of y", plain_sum(y, pads), rows[i].sum_y, 1e-9);
    expect_near("sum7 of y", sum_of_seven(y, pads), rows[i].seven_y, 1e-9);
    expect_near("first y", y[0], rows[i].first_y, 1e-9);
    expect_near("last y", y[pads - 1], rows[i].last_y, 1e-9);
    free(y);

    // What the fold of the graph stores is this map, rounded once.
    onefold_graph *folded = graph_fold(context, graph, NULL);
    const onefold_graph_node *conv = graph_only(folded, ONEFOLD_NODE_CONV2D);
    for (size_t k = 0; k < count; k++)
      assert_true(conv->as.conv2d.weight[k] == (float)map->weight[k]);
    for (int64_t o = 0; o < rows[i].out; o++)
      assert_true(conv->as.conv2d.bias[o] == (float)map->bias[o]);
    graph_check_forms_of(context, graph, x);
    onefold_affine_destroy(context, map);
    onefold_graph_destroy(folded);
    onefold_graph_destroy(graph);
  }
}

static void test_generator(void **state) {
  (void)state;
  uint32_t s = 1;
  const double wanted[4] = {-0.52708899974823, -0.26145875453949, 0.00848400592804,
                            0.40976643562317};
  for (int i = 0; i < 4; i++) expect_near("value", (double)next_value(&s), wanted[i], 1e-13);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_verdicts),
      cmocka_unit_test(test_clean_region),
      cmocka_unit_test(test_stride_parity),
      cmocka_unit_test(test_sums),
      cmocka_unit_test(test_sum_refuses_other_grids),
      cmocka_unit_test(test_columns),
      cmocka_unit_test(test_to_conv2d),
      cmocka_unit_test(test_symmetric_padding),
      cmocka_unit_test(test_published_repvgg),
      cmocka_unit_test(test_generator),
  };
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  context = test_context(levels[test_isa_levels(levels) - 1], 1);
  const int failed = cmocka_run_group_tests_name("fold_algebra", tests, NULL, NULL);
  onefold_context_destroy(context);
  return failed;
}
