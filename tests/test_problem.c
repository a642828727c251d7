// SPDX-License-Identifier: BSD-3-Clause
// The short form of a convolution problem: what it means, that printing and
// parsing are inverse, and what is refused with which words.
#include "ops/conv_problem.h"
#include "tests/conv_support.h"

#include <string.h>

static onefold_context *context_of(void **state) {
  return *state;
}

/// Sizes of one axis as the descriptor has them; dilation counts from 1.
typedef struct axis {
  int64_t in, kernel, stride, pad_low, pad_high, dilation, out;
} axis;

static void check_axis(const char *text, const axis *got, const axis *want) {
  if (memcmp(got, want, sizeof(*got)) == 0) return;
  test_failed("\"%s\": in %lld kernel %lld stride %lld pads %lld,%lld dilation %lld out %lld", text,
              (long long)got->in, (long long)got->kernel, (long long)got->stride,
              (long long)got->pad_low, (long long)got->pad_high, (long long)got->dilation,
              (long long)got->out);
}

static void test_meaning(void **state) {
  static const struct {
    const char *text;
    int64_t groups, batch, ic, oc;
    axis h, w;
  } rows[] = {
      {"mb1ic64ih56oc64oh56kh3ph1", 1, 1, 64, 64, {56, 3, 1, 1, 1, 1, 56}, {56, 3, 1, 1, 1, 1, 56}},
      // Batch 1 and the output size where they are not given; separators and a name.
      {"ic3_ih224_oc64_kh7_sh2_ph3n\"resnet:conv1\"",
       1,
       1,
       3,
       64,
       {224, 7, 2, 3, 3, 1, 112},
       {224, 7, 2, 3, 3, 1, 112}},
      // The high pad is what is left: none here.
      {"ic3ih224oc48oh112kh3sh2ph1",
       1,
       1,
       3,
       48,
       {224, 3, 2, 1, 1, 1, 112},
       {224, 3, 2, 1, 1, 1, 112}},
      {"ic8ih10oc8oh10kh4ph1", 1, 1, 8, 8, {10, 4, 1, 1, 2, 1, 10}, {10, 4, 1, 1, 2, 1, 10}},
      // No pad given: it is found from the output size.
      {"ic8ih10oc8oh10kh3", 1, 1, 8, 8, {10, 3, 1, 1, 1, 1, 10}, {10, 3, 1, 1, 1, 1, 10}},
      // An explicit 0 stays.
      {"ic8ih10oc8oh10kh3ph0", 1, 1, 8, 8, {10, 3, 1, 0, 2, 1, 10}, {10, 3, 1, 0, 2, 1, 10}},
      // Dilation counts from 0.
      {"g32mb2ic32ih28oc32oh28kh3ph2dh1",
       32,
       2,
       32,
       32,
       {28, 3, 1, 2, 2, 2, 28},
       {28, 3, 1, 2, 2, 2, 28}},
      // A width with sizes of its own has nothing of the height's.
      {"ic4ih9iw5oc6oh5ow5kh3kw1sh2ph1", 1, 1, 4, 6, {9, 3, 2, 1, 1, 1, 5}, {5, 1, 1, 0, 0, 1, 5}},
      // No height: one row.
      {"ic16iw50oc16kw3pw1", 1, 1, 16, 16, {1, 1, 1, 0, 0, 1, 1}, {50, 3, 1, 1, 1, 1, 50}},
      // A negative pad crops.
      {"ic4ih9oc6kh1ph-2", 1, 1, 4, 6, {9, 1, 1, -2, -2, 1, 5}, {9, 1, 1, -2, -2, 1, 5}},
      // So does one of the end, where it is said.
      {"ic8ih10oc8oh7kh3ph0eh-1", 1, 1, 8, 8, {10, 3, 1, 0, -1, 1, 7}, {10, 3, 1, 0, -1, 1, 7}},
      {"ic8ih10oc8kh3eh1ph1", 1, 1, 8, 8, {10, 3, 1, 1, 1, 1, 10}, {10, 3, 1, 1, 1, 1, 10}},
      // Pixels that no output reads are no crop.
      {"ic8ih9oc8oh3kh2sh3ph1", 1, 1, 8, 8, {9, 2, 3, 1, -2, 1, 3}, {9, 2, 3, 1, -2, 1, 3}},
  };
  onefold_context *context = context_of(state);
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    onefold_conv2d_desc d;
    onefold_shape out;
    test_case("\"%s\"", rows[i].text);
    test_ok(context, onefold_conv2d_desc_parse(context, rows[i].text, &d));
    test_ok(context, onefold_conv2d_output_shape(context, &d, &out));
    const axis h = {d.in_h, d.kernel_h, d.stride_h, d.pad_top, d.pad_bottom, d.dilation_h, out.h};
    const axis w = {d.in_w, d.kernel_w, d.stride_w, d.pad_left, d.pad_right, d.dilation_w, out.w};
    check_axis(rows[i].text, &h, &rows[i].h);
    check_axis(rows[i].text, &w, &rows[i].w);
    assert_int_equal(d.groups, rows[i].groups);
    assert_int_equal(d.batch, rows[i].batch);
    assert_int_equal(d.in_channels, rows[i].ic);
    assert_int_equal(d.out_channels, rows[i].oc);
    assert_int_equal(d.struct_size, sizeof(d));
    assert_int_equal(d.activation, ONEFOLD_ACT_NONE);
    assert_int_equal(d.in_layout, ONEFOLD_BLOCKED);
  }
}

static void test_printed(void **state) {
  static const char *const same[] = {
      "mb1ic64ih56oc64oh56kh3ph1",        "g96mb1ic96ih28oc96oh28kh3ph1",
      "mb3ic3ih224oc48oh112kh3sh2ph1",    "mb1ic3ih17iw9oc48oh9ow9kh3kw3sh2ph1pw1",
      "mb1ic8ih10oc8oh10kh3ph0",          "mb1ic8ih12oc8oh8kh3dh1",
      "mb1ic8ih1iw50oc8oh1ow50kh1kw3pw1", "mb2147483647ic1ih1oc1oh1kh1",
      "mb1ic64ih56oc64oh28kh3ph1eh-27",   "mb1ic8ih10iw10oc8oh7ow8kh3kw3ph0eh-1",
  };
  onefold_context *context = context_of(state);
  for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
    char text[200];
    onefold_conv2d_desc d;
    test_ok(context, onefold_conv2d_desc_parse(context, same[i], &d));
    assert_int_equal(onefold_conv2d_desc_print(&d, text, sizeof(text)), strlen(same[i]));
    assert_string_equal(text, same[i]);
  }
}

/// The same outputs from the same inputs; a high pad that no tap reads may differ.
static int equivalent(const onefold_conv2d_desc *a, const onefold_conv2d_desc *b) {
  onefold_conv2d_desc same = *b;
  same.pad_bottom = a->pad_bottom;
  same.pad_right = a->pad_right;
  return memcmp(a, &same, sizeof(same)) == 0;
}

static void test_round_trip(void **state) {
  onefold_context *context = context_of(state);
  const int cases = test_scaled(20000);
  for (int i = 0; i < cases; i++) {
    test_rng rng = {(uint64_t)i};
    onefold_conv2d_desc d, parsed;
    onefold_shape out, shape;
    char text[200], again[200];
    conv_draw(&rng, 1e9, &d, &out);
    d.in_layout = d.out_layout = ONEFOLD_BLOCKED;
    assert_true(onefold_conv2d_desc_print(&d, text, sizeof(text)) < sizeof(text));
    test_case("case %d: \"%s\"", i, text);
    test_ok(context, onefold_conv2d_desc_parse(context, text, &parsed));
    test_ok(context, onefold_conv2d_output_shape(context, &parsed, &shape));
    assert_memory_equal(&shape, &out, sizeof(out));
    if (!equivalent(&d, &parsed)) test_failed("parses to another problem");
    onefold_conv2d_desc_print(&parsed, again, sizeof(again));
    assert_string_equal(again, text);
  }
}

static void test_short_buffers(void **state) {
  static const char want[] = "mb1ic64ih56oc64oh56kh3ph1";
  onefold_conv2d_desc d;
  test_ok(context_of(state), onefold_conv2d_desc_parse(context_of(state), want, &d));
  for (size_t size = 1; size <= sizeof(want) + 2; size++) {
    char text[40];
    memset(text, '#', sizeof(text));
    assert_int_equal(onefold_conv2d_desc_print(&d, text, size), sizeof(want) - 1);
    const size_t kept = size < sizeof(want) ? size - 1 : sizeof(want) - 1;
    assert_int_equal(strlen(text), kept);
    assert_memory_equal(text, want, kept);
    assert_int_equal(text[size < sizeof(want) ? size : sizeof(want)], '#');
  }
  assert_int_equal(onefold_conv2d_desc_print(&d, NULL, 0), sizeof(want) - 1);
  assert_int_equal(onefold_conv2d_desc_print(NULL, NULL, 0), 0);
}

/// Any descriptor can be printed, however wrong.
static void test_print_garbage(void **state) {
  static const int64_t values[] = {0, 1, -1, 3, INT64_MAX, INT64_MIN, INT32_MAX, INT64_C(1) << 62};
  (void)state;
  const int cases = test_scaled(20000);
  for (int i = 0; i < cases; i++) {
    test_rng rng = {(uint64_t)i};
    onefold_conv2d_desc d;
    char text[512];
    onefold_conv2d_desc_init(&d);
    int64_t *const fields[] = {&d.batch,      &d.in_channels, &d.in_h,     &d.in_w,
                               &d.kernel_h,   &d.kernel_w,    &d.stride_h, &d.stride_w,
                               &d.dilation_h, &d.dilation_w,  &d.pad_top,  &d.pad_bottom,
                               &d.pad_left,   &d.pad_right,   &d.groups,   &d.out_channels};
    for (int j = 0; j < 16; j++) *fields[j] = test_pick(&rng, values);
    const size_t length = onefold_conv2d_desc_print(&d, text, sizeof(text));
    assert_int_equal(strlen(text), length);
    assert_memory_equal(strstr(text, "mb"), "mb", 2);
  }
}

static void test_refused(void **state) {
  static const struct {
    const char *text;
    onefold_status status;
    const char *part; // of the sentence
  } rows[] = {
      {"", ONEFOLD_INVALID_ARGUMENT, "no ic"},
      {"n\"nothing else\"", ONEFOLD_INVALID_ARGUMENT, "no ic"},
      {"ic8ih10kh3", ONEFOLD_INVALID_ARGUMENT, "no oc"},
      {"ic8oc8", ONEFOLD_INVALID_ARGUMENT, "no ih"},
      {"ic8oc8ih10", ONEFOLD_INVALID_ARGUMENT, "no kh"},
      {"ic8oc8ih10kh3kw3", ONEFOLD_INVALID_ARGUMENT, "no iw"},
      {"ic8oc8ih10kh3iw4", ONEFOLD_INVALID_ARGUMENT, "no kw"},
      {"ic8oc8ih10kh3x", ONEFOLD_INVALID_ARGUMENT, "\"x\" at position 13"},
      {"ic8 oc8ih10kh3", ONEFOLD_INVALID_ARGUMENT, "at position 3"},
      {"conv", ONEFOLD_INVALID_ARGUMENT, "\"conv\" at position 0"},
      {"ic", ONEFOLD_INVALID_ARGUMENT, "\"ic\" at position 0"},
      {"icoc8", ONEFOLD_INVALID_ARGUMENT, "\"icoc8\" at position 0"},
      {"8ic8", ONEFOLD_INVALID_ARGUMENT, "\"8ic8\" at position 0"},
      {"IC8OC8", ONEFOLD_INVALID_ARGUMENT, "\"IC8OC8\""},
      {"ic8oc8id4ih10kd3kh3", ONEFOLD_INVALID_ARGUMENT, "\"id4ih10kd3kh3\" at position 6"},
      {"ic8oc8ih10kh3n\"open", ONEFOLD_INVALID_ARGUMENT, "\"n\"open\" at position 13"},
      {"ic8oc8ih10kh3n\"a\"ph1", ONEFOLD_INVALID_ARGUMENT, "at position 13"},
      {"ic8oc8ih10kh3ic9", ONEFOLD_INVALID_ARGUMENT, "\"ic9\" at position 13"},
      {"ic0oc8ih10kh3", ONEFOLD_INVALID_ARGUMENT, "\"ic0\" at position 0"},
      {"g0ic8oc8ih10kh3", ONEFOLD_INVALID_ARGUMENT, "\"g0\""},
      {"mb0ic8oc8ih10kh3", ONEFOLD_INVALID_ARGUMENT, "\"mb0\""},
      {"ic-8oc8ih10kh3", ONEFOLD_INVALID_ARGUMENT, "\"ic-8\""},
      {"ic8oc8ih10kh3sh0", ONEFOLD_INVALID_ARGUMENT, "\"sh0\""},
      {"ic8oc8ih10kh3dh-1", ONEFOLD_INVALID_ARGUMENT, "\"dh-1\""},
      {"ic8oc8ih10kh3ph-", ONEFOLD_INVALID_ARGUMENT, "\"ph-\""},
      {"ic2147483648oc8ih10kh3", ONEFOLD_INVALID_ARGUMENT, "\"ic2147483648\""},
      {"ic8oc8ih99999999999999999999999999kh3", ONEFOLD_INVALID_ARGUMENT, "ih999999999999"},
      {"ic8oc8ih10kh3ph-99999999999999999999", ONEFOLD_INVALID_ARGUMENT, "ph-9999"},
      {"g3ic8oc9ih10kh3", ONEFOLD_SHAPE_MISMATCH, "groups is 3"},
      {"g4ic8oc9ih10kh3", ONEFOLD_SHAPE_MISMATCH, "groups is 4"},
      {"ic8oc8ih10oh99kh3ph1", ONEFOLD_SHAPE_MISMATCH, "oh99"},
      {"ic8oc8ih10oh99kh3", ONEFOLD_SHAPE_MISMATCH, "oh99"},
      // The stride is forgotten.
      {"mb1ic64ih56oc64oh28kh3ph1", ONEFOLD_SHAPE_MISMATCH, "oh28 would crop"},
      {"mb1ic64ih56oc64oh28kh3", ONEFOLD_SHAPE_MISMATCH, "oh28 would crop"},
      {"ic8ih10iw10oc8oh10ow9kh3kw3ph1pw1ew2", ONEFOLD_SHAPE_MISMATCH, "ow9, but pads of 1 and 2"},
      {"ic8oc8ih2kh3", ONEFOLD_SHAPE_MISMATCH, "empty"},
      {"ic8oc8ih10kh3ph3", ONEFOLD_INVALID_ARGUMENT, "padding is 3"},
      {"mb2147483647ic2147483647oc2147483647ih2147483647kh1", ONEFOLD_OVERFLOW, "2147483647"},
      {"ic1oc1ih10kh2147483647dh2147483646", ONEFOLD_OVERFLOW, "2147483647"},
      {"ic1oc1ih1oh2147483647kh2147483647sh2147483647dh2147483647", ONEFOLD_OVERFLOW,
       "dilation_h is 2147483648"},
  };
  onefold_context *context = context_of(state);
  for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
    onefold_conv2d_desc d, before;
    memset(&d, 0x5A, sizeof(d));
    before = d;
    test_case("\"%s\"", rows[i].text);
    test_fails(context, onefold_conv2d_desc_parse(context, rows[i].text, &d), rows[i].status);
    test_says(context, rows[i].part);
    assert_memory_equal(&d, &before, sizeof(d));
  }
  onefold_conv2d_desc d;
  test_fails(context, onefold_conv2d_desc_parse(context, NULL, &d), ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "text is NULL");
  test_fails(context, onefold_conv2d_desc_parse(context, "ic1oc1ih1kh1", NULL),
             ONEFOLD_INVALID_ARGUMENT);
  test_says(context, "desc is NULL");
}

/// Damaged texts are refused with a sentence, or are problems that print again.
static void test_damaged(void **state) {
  static const char alphabet[] = "gmbicohwkspdn_\"-0123456789 x";
  onefold_context *context = context_of(state);
  int refused = 0;
  const int cases = test_scaled(50000);
  for (int i = 0; i < cases; i++) {
    test_rng rng = {UINT64_C(4242) + (uint64_t)i};
    onefold_conv2d_desc d;
    onefold_shape out;
    char text[200], sentence[512];
    conv_draw(&rng, 1e9, &d, &out);
    const size_t length = onefold_conv2d_desc_print(&d, text, sizeof(text));
    for (int64_t j = test_range(&rng, 1, 3); j > 0; j--) {
      text[test_range(&rng, 0, (int64_t)length - 1)] =
          alphabet[test_range(&rng, 0, (int64_t)sizeof(alphabet) - 2)];
    }
    test_case("case %d: \"%s\"", i, text);
    if (onefold_conv2d_desc_parse(context, text, &d) == ONEFOLD_OK) {
      onefold_conv2d_desc_print(&d, text, sizeof(text));
      test_ok(context, onefold_conv2d_desc_parse(context, text, &d));
    } else {
      onefold_context_last_error(context, sentence, sizeof(sentence));
      assert_true(strlen(sentence) > 10);
      refused++;
    }
  }
  assert_true(refused > cases / 4 && refused < cases);
}

static void no_line(void *user, const char *line) {
  (void)user, (void)line;
}

/// Which taps lie inside is the same seen from the output rows and from the taps, whose number is
/// what an estimate takes: the last problem has a thousand million rows.
static void test_rows_inside(void **state) {
  onefold_context *context = context_of(state);
  onefold_conv2d_desc d;
  for (int i = 0; i < test_scaled(2000); i++) {
    test_rng rng = {(uint64_t)i};
    onefold_shape out;
    conv_draw(&rng, 1e9, &d, &out);
    int64_t by_row = 0, by_tap = 0, first = 0, end = 0;
    for (int64_t row = 0; row < out.h; row++) by_row += onefold_conv_rows_inside(&d, row, &first);
    for (int64_t tap = 0; tap < d.kernel_h; tap++) {
      onefold_conv_outputs_inside(tap * d.dilation_h - d.pad_top, d.in_h, d.stride_h, out.h, &first,
                                  &end);
      assert_true(first >= 0 && end >= first && end <= out.h);
      by_tap += end - first;
    }
    assert_int_equal(by_row, by_tap);
  }
  test_ok(context, onefold_conv2d_desc_parse(context, "ic1ih2147483647iw1oc1kh3kw1sh2", &d));
  test_ok(context, onefold_conv2d_explain(context, &d, no_line, NULL));
}

static int create(void **state) {
  return onefold_context_create(NULL, (onefold_context **)state) != ONEFOLD_OK;
}

static int destroy(void **state) {
  onefold_context_destroy(*state);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_meaning),       cmocka_unit_test(test_printed),
      cmocka_unit_test(test_round_trip),    cmocka_unit_test(test_short_buffers),
      cmocka_unit_test(test_print_garbage), cmocka_unit_test(test_refused),
      cmocka_unit_test(test_damaged),       cmocka_unit_test(test_rows_inside),
  };
  return cmocka_run_group_tests(tests, create, destroy) != 0;
}
