// SPDX-License-Identifier: BSD-3-Clause
// OREPA's branches on feature maps against its generated weight: one kernel, written down from
// the six tensors as its authors' code generates it, in double.
#include "fold/pass.h"
#include "tests/block_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/// An OREPA's tensors by the names of its formula, and sizes: I and O channels, T in the middle,
/// of all groups.
typedef struct orepa {
  int64_t in, out, mid, groups, kernel;
  int interleaved;
  float *w0, *a, *f, *u, *v, *l, *d, *p, *vector;
} orepa;

static float *read_tensor(const onefold_weights *weights, const char *name, int64_t d0, int64_t d1,
                          int64_t kernel) {
  const int64_t dims[4] = {d0, d1, kernel, kernel};
  float *values = malloc((size_t)(d0 * d1 * kernel * kernel) * sizeof *values);
  assert_non_null(values);
  test_ok(weights->context, onefold_weights_read(weights, name, dims, 4, values));
  return values;
}

static void read_orepa(orepa *r, const onefold_weights *weights) {
  const int64_t ig = r->in / r->groups, vector_dims[2] = {6, r->out};
  r->w0 = read_tensor(weights, "weight_orepa_origin", r->out, ig, r->kernel);
  r->a = read_tensor(weights, "weight_orepa_avg_conv", r->out, ig, 1);
  r->f = read_tensor(weights, "weight_orepa_pfir_conv", r->out, ig, 1);
  r->u = read_tensor(weights, "weight_orepa_1x1_kxk_idconv1", r->mid, ig, 1);
  r->v = read_tensor(weights, "weight_orepa_1x1_kxk_conv2", r->out, r->mid / r->groups, r->kernel);
  r->l = read_tensor(weights, "weight_orepa_1x1", r->out, ig, 1);
  r->d = read_tensor(weights, "weight_orepa_gconv_dw", 8 * r->in, 1, r->kernel);
  r->p = read_tensor(weights, "weight_orepa_gconv_pw", r->out, 8 * ig, 1);
  r->vector = malloc((size_t)(6 * r->out) * sizeof *r->vector);
  assert_non_null(r->vector);
  test_ok(weights->context, onefold_weights_read(weights, "vector", vector_dims, 2, r->vector));
}

static void free_orepa(orepa *r) {
  float *const tensors[] = {r->w0, r->a, r->f, r->u, r->v, r->l, r->d, r->p, r->vector};
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) free(tensors[i]);
}

static double prior(const orepa *r, int64_t o, int64_t h, int64_t w) {
  const double half = (double)r->out / 2;
  const double pi = acos(-1), K = (double)r->kernel;
  return (double)o < half ? cos(pi * ((double)h + 0.5) * (double)(o + 1) / K)
                          : cos(pi * ((double)w + 0.5) * ((double)(o + 1) - half) / K);
}

static void add_term(double *sum, double *size, double term) {
  *sum += term;
  *size += fabs(term);
}

/// One element of the generated weight, and in *size the absolute values that it is made of.
static double generated(const orepa *r, int64_t o, int64_t j, int64_t h, int64_t w, double *size) {
  const int64_t ig = r->in / r->groups, og = r->out / r->groups, tg = r->mid / r->groups;
  const int64_t c = o / og, taps = r->kernel * r->kernel, at = h * r->kernel + w;
  const int64_t row = r->interleaved ? o % og * r->groups + c : o;
  const int centre = h == r->kernel / 2 && w == r->kernel / 2;
  const double point[5] = {
      (double)r->w0[(o * ig + j) * taps + at],      (double)r->a[o * ig + j] / (double)taps,
      (double)r->f[o * ig + j] * prior(r, o, h, w), 0,
      centre ? (double)r->l[o * ig + j] : 0,
  };
  double sum = 0;
  *size = 0;
  for (int k = 0; k < 5; k++) add_term(&sum, size, (double)r->vector[k * r->out + o] * point[k]);
  for (int64_t q = 0; q < tg; q++) {
    const int64_t t = c * tg + q;
    const double first = (double)r->u[t * ig + j] + (double)(t % ig == j);
    const double second = (double)r->v[(o * tg + q) * taps + at];
    add_term(&sum, size, (double)r->vector[3 * r->out + o] * first * second);
  }
  for (int64_t q = 0; q < 8; q++)
    add_term(&sum, size,
             (double)r->vector[5 * r->out + o] * (double)r->p[row * 8 * ig + 8 * j + q] *
                 (double)r->d[(8 * (c * ig + j) + q) * taps + at]);
  return sum;
}

/// The block without batch norm has the generated weight; W gets it, rounded.
static void check_weight(onefold_context *context, const orepa *r, const onefold_graph *graph,
                         float *weight) {
  onefold_affine *map = onefold_fold_map(context, graph);
  assert_non_null(map);
  assert_null(map->border);
  assert_int_equal(map->groups, r->groups);
  assert_int_equal(map->h.taps, r->kernel);
  size_t k = 0;
  for (int64_t o = 0; o < r->out; o++)
    for (int64_t j = 0; j < r->in / r->groups; j++)
      for (int64_t h = 0; h < r->kernel; h++)
        for (int64_t w = 0; w < r->kernel; w++, k++) {
          double size;
          const double wanted = generated(r, o, j, h, w, &size);
          weight[k] = (float)wanted;
          // The prior and 1/K^2 are float32 in the graph, as is U + E.
          if (!(fabs(map->weight[k] - wanted) <= 0x1p-23 * size + 1e-15))
            test_failed("W[%lld,%lld,%lld,%lld] is %.12g, generated %.12g", (long long)o,
                        (long long)j, (long long)h, (long long)w, map->weight[k], wanted);
        }
  assert_int_equal(onefold_affine_weights(map), k);
  for (int64_t o = 0; o < r->out; o++) assert_true(map->bias[o] == 0);
  onefold_affine_destroy(context, map);
}

/// A convolution of the generated weight and the block's batch norm give what the branches give.
static void check_generated_form(onefold_context *context, const onefold_graph *graph,
                                 const onefold_block_params *p, const float *weight,
                                 test_rng *rng) {
  onefold_graph *one;
  test_ok(context, onefold_graph_create(context, &one));
  onefold_graph_conv2d_params conv =
      onefold_graph_conv2d_square(p->out_channels, p->kernel, p->stride, p->groups);
  conv.dilation_h = conv.dilation_w = p->dilation;
  conv.pad_top = conv.pad_bottom = conv.pad_left = conv.pad_right = p->dilation * (p->kernel / 2);
  onefold_node node = onefold_graph_input(one, p->input);
  node = onefold_graph_conv2d(one, node, &conv, weight, NULL);
  const onefold_graph_node *last = &graph->nodes[graph->outputs[0]];
  assert_int_equal(last->kind, ONEFOLD_NODE_BATCH_NORM);
  node = onefold_graph_batch_norm(one, node, &last->as.batch_norm);
  test_ok(context, onefold_graph_output(one, node));
  const float *const *x = graph_random_inputs(rng, graph);
  graph_result y = graph_reference(graph, x, 0);
  float **z = graph_run(context, one, (graph_form){1, ONEFOLD_NCHW, ONEFOLD_NCHW}, x);
  graph_expect(&y, z[0], 2);
  free(z);
  graph_result_free(&y);
  free((void *)x);
  onefold_graph_destroy(one);
}

static void test_generated_weight(void **state) {
  onefold_context *context = test_context(test_level(state), 1);
  test_rng rng = {71};
  static const struct {
    orepa sizes;
    int64_t stride, dilation;
  } cases[] = {
      {{.in = 6, .out = 10, .mid = 6, .groups = 1, .kernel = 3, .interleaved = 1}, 1, 1},
      {{.in = 6, .out = 7, .mid = 6, .groups = 1, .kernel = 3, .interleaved = 0}, 2, 1},
      {{.in = 8, .out = 12, .mid = 8, .groups = 2, .kernel = 3, .interleaved = 1}, 1, 2},
      {{.in = 8, .out = 12, .mid = 8, .groups = 2, .kernel = 3, .interleaved = 0}, 2, 1},
      {{.in = 8, .out = 12, .mid = 8, .groups = 4, .kernel = 5, .interleaved = 1}, 1, 1},
      {{.in = 16, .out = 24, .mid = 32, .groups = 8, .kernel = 3, .interleaved = 1}, 2, 1},
      {{.in = 8, .out = 8, .mid = 16, .groups = 8, .kernel = 3, .interleaved = 1}, 1, 1},
      {{.in = 6, .out = 5, .mid = 12, .groups = 1, .kernel = 7, .interleaved = 1}, 1, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    orepa r = cases[i].sizes;
    char text[256];
    snprintf(text, sizeof text,
             "input=2x%lldx9x8 out_channels=%lld groups=%lld kernel=%lld stride=%lld dilation=%lld "
             "orepa_row_order=%s activation=none mid_channels=%lld",
             (long long)r.in, (long long)r.out, (long long)r.groups, (long long)r.kernel,
             (long long)cases[i].stride, (long long)cases[i].dilation,
             r.interleaved ? "interleaved" : "grouped",
             (long long)(r.mid == 12 ? 12 : 0)); // 0: the block's rule
    test_case("%s", text);
    onefold_weights *weights;
    onefold_graph *bare, *graph;
    test_ok(context, onefold_weights_seeded(context, 60 + i, &weights));
    onefold_block_params p = block_params(context, "orepa", text);
    test_ok(context, onefold_block_build(context, "orepa", &p, weights, &graph));
    p.batch_norm = 0;
    test_ok(context, onefold_block_build(context, "orepa", &p, weights, &bare));
    read_orepa(&r, weights);
    float *weight =
        malloc((size_t)(r.out * r.in / r.groups * r.kernel * r.kernel) * sizeof *weight);
    assert_non_null(weight);
    check_weight(context, &r, bare, weight);
    check_generated_form(context, graph, &p, weight, &rng);
    graph_check_random(context, graph, &rng);
    free(weight);
    free_orepa(&r);
    onefold_graph_destroy(bare);
    onefold_graph_destroy(graph);
    onefold_weights_close(weights);
  }
  onefold_context_destroy(context);
}

int main(void) {
  if (test_isa_missing()) return 1;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_generated_weight)};
  return test_every_level("orepa_formula", tests, sizeof tests / sizeof *tests);
}
