// SPDX-License-Identifier: BSD-3-Clause
// The accuracy classes on every ISA level: the error of every algorithm that a class allows stays
// in its bound, a value that is not finite reaches no further than it may, and the strict class
// sums in one order.
#include "bench/accuracy_case.h"
#include "tests/winograd_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct class {
  onefold_accuracy accuracy;
  double bound;
  int most; // its largest tile
} class;

static const class classes[] = {{ONEFOLD_ACCURACY_STRICT, ONEFOLD_ERROR_STRICT, 0},
                                {ONEFOLD_ACCURACY_STANDARD, ONEFOLD_ERROR_STANDARD, 4},
                                {ONEFOLD_ACCURACY_FAST, ONEFOLD_ERROR_FAST, 6}};
enum { CLASSES = sizeof classes / sizeof classes[0] };

static const char *const algorithms[] = {"",          "direct",    "gather",
                                         "winograd2", "winograd4", "winograd6"};
static const char *const strided[] = {"", "direct", "gather", "polyphase3", "polyphase5"};
enum { ALGORITHMS = sizeof algorithms / sizeof algorithms[0] };

static void force(conv_context *c, const char *algorithm) {
  memset(&c->tiling, 0, sizeof c->tiling);
  c->give_tiling = 1;
  snprintf(c->tiling.algorithm, sizeof c->tiling.algorithm, "%s", algorithm);
}

/// Runs the case by an algorithm of the class and holds it to the class's bound.
static void check_bound(conv_context *c, const class *k, bench_accuracy_case *data,
                        const char *algorithm) {
  bench_accuracy errors;
  char name[32];
  force(c, algorithm);
  winograd_algorithm(c->context, &data->desc, name);
  test_case("%s: %lldx%lld, %s in class %s, %lld channels",
            onefold_isa_name(onefold_context_isa(c->context)), (long long)data->desc.kernel_h,
            (long long)data->desc.kernel_w, name, onefold_accuracy_name(k->accuracy),
            (long long)data->desc.in_channels);
  if (*algorithm) assert_string_equal(name, algorithm);
  test_ok(c->context, onefold_bench_accuracy_run(c->context, data, &errors));
  if (!(errors.relative <= k->bound)) {
    test_failed("relative error %.3g, allowed %.3g", errors.relative, k->bound);
  }
  // The largest of many errors is seldom more than six times the usual one.
  if (!(errors.largest <= 6 * k->bound)) {
    test_failed("largest error %.3g, allowed %.3g", errors.largest, 6 * k->bound);
  }
  const double least = strcmp(algorithm, "winograd6") == 0   ? ONEFOLD_ERROR_STANDARD
                       : strcmp(algorithm, "winograd4") == 0 ? ONEFOLD_ERROR_STANDARD / 4
                                                             : 0.0;
  if (data->desc.in_channels == 512 && !(errors.relative > least)) {
    test_failed("relative error %.3g is below %.3g: the bounds are too wide", errors.relative,
                least);
  }
}

/// Each class by its own choice and by each algorithm that it allows, 3x3 and 5x5. The bounds mean
/// something: F(6) is above that of standard, and F(4) above a quarter of it.
static void test_bounds(void **state) {
  static const int channels[] = {16, 128, 512};
  for (int i = 0; i < 9; i++) {
    const int stride = 1 + i % 3 / 2, side = i % 3 == 1 ? 5 : 3;
    // 5x5 is four times as many products, more than F(6) may have of 512 channels.
    const int in = side == 5 && channels[i / 3] == 512 ? 256 : channels[i / 3];
    const char *const *names = stride == 1 ? algorithms : strided;
    const size_t count = stride == 1 ? ALGORITHMS : sizeof strided / sizeof strided[0];
    bench_accuracy_case data;
    assert_true(onefold_bench_accuracy_make(&data, in, 16, side, stride, (uint64_t)i));
    for (int k = 0; k < CLASSES; k++) {
      conv_context c;
      conv_context_create(&c, test_level(state), 1, classes[k].accuracy);
      for (size_t a = 0; a < count; a++) {
        if (winograd_tile(names[a]) > classes[k].most) continue;
        check_bound(&c, &classes[k], &data, names[a]);
      }
      conv_context_destroy(&c);
    }
    onefold_bench_accuracy_free(&data);
  }
}

// --------------------------------------------------------------- containment

/// A case whose pixel `row`, `column` of one channel and image is `value`.
static void poison(conv_case *c, float value, int64_t image, int64_t channel, int64_t row,
                   int64_t column) {
  c->has_nan = 1;
  c->x[((image * c->in.c + channel) * c->in.h + row) * c->in.w + column] = value;
}

/// Pixels from the window of output o along an axis to the pixel `at`; 0 where that is in it.
static int64_t beyond(int64_t o, int64_t stride, int64_t pad, int64_t side, int64_t at) {
  const int64_t first = o * stride - pad, last = first + side - 1;
  return at < first ? first - at : at > last ? at - last : 0;
}

/// Checks a result: what reads the value is not finite, what is near may be anything, all else is
/// right. `c` expects the result without the value. docs/accuracy.md says how near, of tile m.
static void check_poisoned(const conv_case *c, const float *result, int m, int64_t image,
                           int64_t channel, int64_t row, int64_t column) {
  const onefold_conv2d_desc *d = &c->desc;
  const int64_t group = channel / (c->in.c / d->groups), side = d->kernel_h;
  const int small = side == 3 && d->stride_h == 1;
  const int64_t near = m == 0 ? 0 : small ? m - 1 : (m + 1) * d->stride_h;
  size_t i = 0;
  for (int64_t n = 0; n < c->out.n; n++) {
    for (int64_t o = 0; o < c->out.c; o++) {
      for (int64_t y = 0; y < c->out.h; y++) {
        for (int64_t x = 0; x < c->out.w; x++, i++) {
          const int64_t down = beyond(y, d->stride_h, d->pad_top, side, row);
          const int64_t along = beyond(x, d->stride_w, d->pad_left, side, column);
          const int64_t far = down > along ? down : along;
          const int same = n == image && o / (c->out.c / d->groups) == group;
          if (same && far == 0) {
            if (isfinite(result[i]))
              test_failed("output %lld,%lld,%lld,%lld does not show it", (long long)n, (long long)o,
                          (long long)y, (long long)x);
          } else if (!same || far > near) {
            if (!(fabs((double)result[i] - c->want[i]) <= c->bound[i])) {
              test_failed("output %lld,%lld,%lld,%lld is %g, not %g within %.3g", (long long)n,
                          (long long)o, (long long)y, (long long)x, (double)result[i], c->want[i],
                          c->bound[i]);
            }
          }
        }
      }
    }
  }
}

static void test_not_finite(void **state) {
  static const float values[] = {NAN, INFINITY, -INFINITY};
  static const char *const forced[] = {"direct",    "winograd2",  "winograd4",
                                       "winograd6", "polyphase3", "polyphase5"};
  conv_buffers buffers;
  conv_buffers_create(&buffers, 1 << 22);
  const int cases = test_scaled(180);
  for (int i = 0; i < cases; i++) {
    conv_context context;
    test_rng rng = {UINT64_C(31000) + (uint64_t)i};
    const char *algorithm = forced[i % (int)(sizeof forced / sizeof forced[0])];
    const int m = winograd_tile(algorithm);
    conv_context_create(&context, test_level(state), 1 + i % 3, ONEFOLD_ACCURACY_FAST);
    force(&context, algorithm);
    onefold_conv2d_desc desc;
    conv_case c;
    char text[384];
    winograd_draw_for(&rng, onefold_context_block(context.context), algorithm, 1e6, &desc);
    conv_case_make(&c, &rng, &desc, 0);
    winograd_widen(&c, m);
    const int64_t image = test_range(&rng, 0, c.in.n - 1),
                  channel = test_range(&rng, 0, c.in.c - 1);
    const int64_t row = test_range(&rng, 0, c.in.h - 1), column = test_range(&rng, 0, c.in.w - 1);
    const float value = values[i / 6 % 3];
    poison(&c, value, image, channel, row, column);
    conv_describe(&desc, text, sizeof text);
    test_case("%s case %d: %s by %s, %g in image %lld channel %lld at %lld,%lld",
              onefold_isa_name(test_level(state)), i, text, algorithm, (double)value,
              (long long)image, (long long)channel, (long long)row, (long long)column);
    onefold_conv2d_plan *plan = NULL;
    onefold_conv2d_packed *packed = NULL;
    const onefold_conv2d_weights weights = {c.weight, c.bias, NULL};
    float *result = malloc((size_t)(c.out.n * c.out.c * c.out.h * c.out.w) * sizeof(float));
    assert_non_null(result);
    test_ok(context.context, onefold_conv2d_plan_create(context.context, &desc, &plan));
    test_ok(context.context, onefold_conv2d_pack(plan, &weights, &packed));
    conv_run(context.context, plan, packed, &c, &buffers, CONV_ENDS_AT_GUARD, 0, result);
    check_poisoned(&c, result, m, image, channel, row, column);
    free(result);
    onefold_conv2d_packed_destroy(packed);
    onefold_conv2d_plan_destroy(plan);
    conv_case_destroy(&c);
    conv_context_destroy(&context);
  }
  conv_buffers_destroy(&buffers);
}

enum { IN = 60, OUT = 16, WIDTH = 3 };

/// A 1x1 convolution of `width` pixels, NHWC, that are all the same.
static void run_pixels(onefold_context *context, int64_t width, const float *pixel,
                       const float *weight, float *result) {
  onefold_conv2d_desc desc;
  onefold_conv2d_desc_init(&desc);
  desc.in_channels = IN;
  desc.out_channels = OUT;
  desc.in_h = desc.kernel_h = desc.kernel_w = 1;
  desc.in_w = width;
  desc.in_layout = desc.out_layout = ONEFOLD_NHWC;
  float x[WIDTH * IN];
  for (int64_t i = 0; i < width * IN; i++) x[i] = pixel[i % IN];
  onefold_conv2d_plan *plan = NULL;
  onefold_conv2d_packed *packed = NULL;
  onefold_conv2d_plan_info info;
  const onefold_conv2d_weights weights = {.weight = weight};
  test_ok(context, onefold_conv2d_plan_create(context, &desc, &plan));
  test_ok(context, onefold_conv2d_pack(plan, &weights, &packed));
  onefold_conv2d_plan_get_info(plan, &info);
  void *workspace = aligned_alloc(64, (info.workspace_bytes + 63) / 64 * 64 + 64);
  assert_non_null(workspace);
  const onefold_conv2d_buffers buffers = {.input = x, .output = result, .workspace = workspace};
  test_ok(context, onefold_conv2d_run(plan, packed, &buffers));
  free(workspace);
  onefold_conv2d_packed_destroy(packed);
  onefold_conv2d_plan_destroy(plan);
}

/// In class strict a pixel has the same bits alone and among others: its sum is in one order.
static void test_one_pixel(void **state) {
  onefold_context_options options = {.struct_size = sizeof options, .threads = 1};
  options.has_max_isa = 1;
  options.max_isa = test_level(state);
  options.accuracy = ONEFOLD_ACCURACY_STRICT;
  onefold_context *context = NULL;
  test_ok(NULL, onefold_context_create(&options, &context));
  test_rng rng = {UINT64_C(5)};
  float pixel[IN], weight[OUT * IN], alone[OUT], among[WIDTH * OUT];
  test_fill_uniform(&rng, pixel, IN);
  test_fill_uniform(&rng, weight, OUT * IN);
  run_pixels(context, 1, pixel, weight, alone);
  run_pixels(context, WIDTH, pixel, weight, among);
  for (int p = 0; p < WIDTH; p++) assert_memory_equal(among + p * OUT, alone, sizeof alone);
  onefold_context_destroy(context);
}

int main(void) {
  static const struct CMUnitTest each[] = {
      cmocka_unit_test(test_bounds),
      cmocka_unit_test(test_not_finite),
      cmocka_unit_test(test_one_pixel),
  };
  if (test_isa_missing()) return 1;
  return test_every_level("accuracy classes", each, sizeof(each) / sizeof(*each)) != 0;
}
