// SPDX-License-Identifier: BSD-3-Clause
// Reports: names, texts, what is read, groups, scales, and layout.
#include "report/algorithm.h"
#include "report/group.h"
#include "report/place.h"
#include "report/scale.h"
#include "report/text.h"
#include "tests/report_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// -------------------------------------------------------------------- names

static void test_names(void **state) {
  (void)state;
  static const struct {
    const char *text, *subject, *kind, *problem, *word, *part;
    report_role role;
    int threads;
  } names[] = {
      {"conv/ic8ih8oc8kh1/run/threads:2", "conv/ic8ih8oc8kh1", "", "ic8ih8oc8kh1", "run", "",
       REPORT_RUN, 2},
      {"conv/ic8/act:relu/onednn_wino/threads:1", "conv/ic8/act:relu", "", "ic8, act:relu",
       "onednn_wino", "", REPORT_RIVAL, 1},
      {"block/repvgg/ic8/folded/pack/threads:1", "block/repvgg/ic8", "repvgg", "ic8", "folded",
       "pack", REPORT_FOLDED, 1},
      {"net/repvgg-a0/mb1ih224/eager/layer:007/threads:1", "net/repvgg-a0/mb1ih224", "repvgg-a0",
       "mb1ih224", "eager", "layer:007", REPORT_EAGER, 1},
      {"accuracy/conv3x3s1/direct/ic:16", "accuracy/conv3x3s1", "", "conv3x3s1", "direct", "ic:16",
       REPORT_RIVAL, 0},
      {"conv/x/tuned", "conv/x", "", "x", "tuned", "", REPORT_TUNED, 0},
  };
  report_arena arena = {0};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const report_name n = onefold_report_name(&arena, names[i].text);
    assert_non_null(n.suite);
    assert_string_equal(n.subject, names[i].subject);
    assert_string_equal(n.kind, names[i].kind);
    assert_string_equal(n.problem, names[i].problem);
    assert_string_equal(n.word, names[i].word);
    assert_string_equal(n.part, names[i].part);
    assert_int_equal(n.role, names[i].role);
    assert_int_equal(n.threads, names[i].threads);
  }
  char deep[200] = "a";
  for (int i = 0; i < 60; i++) strcat(deep, "/b");
  const char *const none[] = {"", "conv", "conv/x", "threads:1", "conv/x/threads:1", deep};
  for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
    assert_null(onefold_report_name(&arena, none[i]).suite);
  }
  assert_string_equal(onefold_report_rival_title(&arena, "onednn_wino"), "oneDNN");
  assert_string_equal(onefold_report_rival_title(&arena, "new_way"), "new");
  assert_string_equal(onefold_report_rival_way("torch_jit_nhwc"), "jit_nhwc");
  assert_string_equal(onefold_report_rival_way("xnnpack"), "");
  onefold_report_release(&arena);
}

static void test_problems(void **state) {
  (void)state;
  static const struct {
    const char *text, *want;
  } problems[] = {
      {"mb1ic48ih112oc96oh56kh3sh2ph1", "48→96 3×3 s2, 112×112"},
      {"g32mb1ic32ih56oc32oh56kh3ph1", "dw 32 3×3, 56×56"},
      {"g4mb2ic64ih8iw6oc64kh1kw3dh1", "64→64 1×3 d1 g4, 8×6, batch 2"},
      {"mb1ic8ih5oc8oh5kh1, act:silu", "8→8 1×1, 5×5, silu"},
      {"mb1ih224", "224×224"},
      {"mb4ih480iw640", "480×640, batch 4"},
      {"g96mb1ic96ih56oc96oh56kh3ph1:relu6+mb1ic96ih56oc24oh56kh1:relu",
       "dw 96 3×3 relu6 + 96→24 1×1 relu, 56×56"},
      {"mb2ic16ih9iw7oc96kh1+g96mb2ic96ih9iw7oc96kh3sh2ph1, layout:nhwc",
       "16→96 1×1 + dw 96 3×3 s2, 9×7, batch 2, layout:nhwc"},
      {"ic8ih5oc8kh1:relu", "ic8ih5oc8kh1:relu"},
      {"ic8ih5oc8kh1+ic8", "ic8ih5oc8kh1+ic8"},
      {"mb1ih5+mb1ih5", "mb1ih5+mb1ih5"},
      {"ic8ih5oc8kh1+", "ic8ih5oc8kh1+"},
      {"input=1x8x6x5,out_channels=12", "8→12, 6×5"},
      {"input=2x8x6x5,mid_channels=9,out_channels=12,stride=2",
       "8→12 s2, 6×5, batch 2, mid_channels 9"},
      {"input=1x8x6x5,shuffle", "8, 6×5, shuffle"},
      {"input=1x8x6x5x4,out_channels=12", "input=1x8x6x5x4,out_channels=12"},
      {"input=1x8x6,out_channels=12", "input=1x8x6,out_channels=12"},
      {"input=1x8x6x5 ,out_channels=12", "input=1x8x6x5 ,out_channels=12"},
      {"input=,=,,", "input=,=,,"},
      {"input=1x8x6x5,=,,a=", "8, 6×5,  , , a "},
      {"mb", "mb"},
      {"ic8", "ic8"},
      {"", ""},
  };
  report_arena arena = {0};
  for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
    assert_string_equal(onefold_report_problem(&arena, problems[i].text), problems[i].want);
  }
  onefold_report_release(&arena);
}

// -------------------------------------------------------------------- texts

static char *written(void (*put)(FILE *out, const char *text), const char *text) {
  char *got = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&got, &size);
  assert_non_null(out);
  put(out, text);
  assert_int_equal(fclose(out), 0);
  return got;
}

static void test_escapes(void **state) {
  (void)state;
  static const struct {
    void (*put)(FILE *out, const char *text);
    const char *text, *want;
  } cases[] = {
      {onefold_report_put_xml, "<b a=\"1\" c='&'>", "&lt;b a=&quot;1&quot; c=&#39;&amp;&#39;&gt;"},
      {onefold_report_put_xml, "3×3 → µs", "3×3 → µs"},
      {onefold_report_put_xml, "\x01|\x7f|\xff|\xc3", "�|�|�|�"},
      {onefold_report_put_xml,
       "\xe2\x80\xae"
       "x",
       "�x"},                                                         // turns the direction of text
      {onefold_report_put_xml, "\xed\xa0\x80\xf4\x90\x80\x80", "��"}, // surrogate, past the end
      {onefold_report_put_xml, "\xc0\xaf\xe0\x80\xaf", "���"},        // overlong
      {onefold_report_put_markdown, "a|b_c*<i>\n`d`", "a\\|b\\_c\\*&lt;i\\> \\`d\\`"},
      {onefold_report_put_plain, "a\x1b[2Jb\nµ", "a?[2Jb?µ"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char *got = written(cases[i].put, cases[i].text);
    assert_string_equal(got, cases[i].want);
    free(got);
  }
}

static void test_numbers(void **state) {
  (void)state;
  assert_string_equal(onefold_report_time(1.234e-9).text, "1.23 ns");
  assert_string_equal(onefold_report_time(999.6e-6).text, "1.00 ms");
  assert_string_equal(onefold_report_time(12.34e-6).text, "12.3 µs");
  assert_string_equal(onefold_report_time(0.1234).text, "123 ms");
  assert_string_equal(onefold_report_times(1.184).text, "1.18×");
  assert_string_equal(onefold_report_times(9.996).text, "10.0×");
  assert_string_equal(onefold_report_times(121.4).text, "121×");
  assert_string_equal(onefold_report_percent(99.96).text, "100 %");
  assert_string_equal(onefold_report_bytes(1536).text, "1.50 KiB");
  assert_string_equal(onefold_report_bytes(0).text, "0 B");
  assert_string_equal(onefold_report_error(2.14e-7).text, "2.1e-07");
  assert_string_equal(onefold_report_number(2000).text, "2000");
  assert_string_equal(onefold_report_number(0.25).text, "0.25");
}

// ------------------------------------------------------------------ reading

static void test_rows(void **state) {
  (void)state;
  static const double times[] = {30, 10, 20, 40};
  test_json json;
  test_json_begin(&json, "cpu");
  test_json_row(&json, "conv/ic8ih8oc8kh1/run/threads:2", "direct",
                ", \"flops\": 4e6, \"bytes\": 1e6", times, 4);
  fprintf(json.out, ",{\"name\": \"x_mean\", \"run_name\": \"conv/ic8ih8oc8kh1/run/threads:2\", "
                    "\"run_type\": \"aggregate\", \"aggregate_name\": \"median\", "
                    "\"real_time\": 77, \"time_unit\": \"us\"}");
  fprintf(json.out, ",{\"name\": \"y_median\", \"run_name\": \"conv/y/run/threads:1\", "
                    "\"run_type\": \"aggregate\", \"aggregate_name\": \"median\", "
                    "\"real_time\": 5, \"time_unit\": \"ms\"}");
  fprintf(json.out, ",{\"name\": \"y_cv\", \"run_name\": \"conv/y/run/threads:1\", "
                    "\"run_type\": \"aggregate\", \"aggregate_name\": \"cv\", "
                    "\"real_time\": -1, \"time_unit\": \"us\"}");
  fprintf(json.out, ",{\"name\": \"conv/failed/run\", \"error_occurred\": true}");
  char *text = test_json_end(&json);
  report_data data = {0};
  test_report_parse(&data, "some/file.json", text);
  assert_int_equal(data.row_count, 2);
  const report_row *row = test_report_row(&data, "conv/ic8ih8oc8kh1/run/threads:2");
  assert_int_equal(row->count, 4); // the median that the file has is not a repetition
  assert_true(fabs(row->median - 25e-6) < 1e-12 && fabs(row->low - 17.5e-6) < 1e-12);
  assert_true(fabs(row->high - 32.5e-6) < 1e-12 && row->samples[0] < row->samples[3]);
  assert_true(fabs(onefold_report_gflops(row) - 160) < 1e-9);
  assert_true(onefold_report_intensity(row) == 4);
  assert_true(isnan(row->counters[REPORT_MAX_ERROR]));
  assert_string_equal(row->algorithm, "direct");
  row = test_report_row(&data, "conv/y/run/threads:1"); // where there is nothing but the median
  assert_int_equal(row->count, 1);
  assert_true(row->median == 5e-3 && isnan(onefold_report_gflops(row)));
  const report_file *file = data.files[0];
  assert_true(file->peak_gflops == 100 && file->dram_gbs == 20 && file->threads == 1);
  assert_string_equal(onefold_report_fact(file, "cpu"), "cpu");
  assert_string_equal(onefold_report_fact(file, "nothing"), "");
  onefold_report_data_release(&data);
  free(text);
}

static void test_labels(void **state) {
  (void)state;
  char *text = test_report_everything("");
  report_data data = {0};
  test_report_parse(&data, "f", text);
  const report_row *row =
      test_report_row(&data, "net/repvgg-a0/mb1ih224/folded/layer:002/threads:1");
  assert_string_equal(row->place, "stage2");
  assert_string_equal(row->operation, "conv");
  assert_string_equal(row->layer_problem, "mb1ic64ih56oc64kh3ph1");
  assert_string_equal(row->algorithm, "winograd4");
  assert_int_equal(onefold_report_algorithm(row), REPORT_WINOGRAD);
  assert_true(onefold_report_is_layer(row));
  row = test_report_row(&data, "net/repvgg-a0/mb1ih224/folded/threads:1");
  assert_false(onefold_report_is_layer(row));
  const report_groups nets = onefold_report_group(&data, "net");
  assert_int_equal(nets.count, 1);
  assert_int_equal(nets.items[0].layer_count, 9); // in the order of the runs, not of the file
  for (size_t i = 0; i < 9; i++) {
    const char *const places[] = {"stage1", "stage2", "stage3"};
    assert_string_equal(nets.items[0].layers[i]->place, places[i / 3]);
  }
  row = test_report_row(&data, "conv/ic8ih8oc8kh1/tuned/threads:1");
  assert_int_equal(onefold_report_algorithm(row), REPORT_POINTWISE);
  onefold_report_data_release(&data);
  free(text);
}

/// What is no file of results: each is refused with a sentence that says where and what.
static void test_malformed(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } bad[] = {
      {"", "line 1"},
      {"{\"benchmarks\": [", "line 1"},
      {"[]", "not a JSON object"},
      {"{\"benchmarks\": [], \"benchmarks\": []}", "duplicate"},
      {"{}", "no array \"benchmarks\""},
      {"{\"benchmarks\": 3}", "no array \"benchmarks\""},
      {"{\"context\": 3, \"benchmarks\": []}", "\"context\" is not an object"},
      {"{\"benchmarks\": [3]}", "entry 0 of \"benchmarks\": not an object"},
      {"{\"benchmarks\": [{}]}", "entry 0 of \"benchmarks\": no name"},
      {"{\"benchmarks\": [{\"name\": \"\"}]}", "no name"},
      {"{\"benchmarks\": [{\"name\": 7}]}", "no name"},
      {"{\"benchmarks\": [{\"name\": \"a\", \"real_time\": -1, \"time_unit\": \"us\"}]}",
       "no time from 1e-12 to 1e9 seconds"},
      {"{\"benchmarks\": [{\"name\": \"a\", \"real_time\": 1e300, \"time_unit\": \"us\"}]}",
       "no time from 1e-12 to 1e9 seconds"},
      {"{\"benchmarks\": [{\"name\": \"a\", \"real_time\": 1, \"time_unit\": \"weeks\"}]}",
       "no time from 1e-12 to 1e9 seconds"},
      {"{\"benchmarks\": [{\"name\": \"a\", \"real_time\": \"1\", \"time_unit\": \"us\"}]}",
       "no time from 1e-12 to 1e9 seconds"},
      {"{\"benchmarks\": [{\"name\": \"a\\u0000b\"}]}", "line 1"},
      {"\xff", "line 1"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    report_data data = {0};
    assert_int_not_equal(onefold_report_parse(&data, "some.json", bad[i].text, strlen(bad[i].text)),
                         0);
    if (strncmp(data.sentence, "some.json: ", 11) != 0 || !strstr(data.sentence, bad[i].says)) {
      fail_msg("\"%s\" for %s", data.sentence, bad[i].text);
    }
    onefold_report_data_release(&data);
  }
  char *deep = malloc(200001), *name = NULL;
  assert_non_null(deep);
  memset(deep, '[', 200000);
  deep[200000] = 0;
  report_data data = {0};
  assert_int_not_equal(onefold_report_parse(&data, "deep", deep, 200000), 0);
  assert_int_not_equal(onefold_report_read(&data, "/nonexistent/x.json"), 0);
  assert_non_null(strstr(data.sentence, "/nonexistent/x.json: No such file"));
  memset(deep, 'n', 5000);
  deep[5000] = 0;
  assert_true(asprintf(&name, "{\"benchmarks\": [{\"name\": \"%s\"}]}", deep) > 0);
  assert_int_not_equal(onefold_report_parse(&data, "long", name, strlen(name)), 0);
  assert_non_null(strstr(data.sentence, "more than 1000 characters"));
  onefold_report_data_release(&data);
  free(name);
  free(deep);
}

static void test_groups(void **state) {
  (void)state;
  static const double five[] = {5}, four[] = {4}, three[] = {3}, two[] = {2};
  test_json json;
  test_json_begin(&json, "cpu");
  test_json_row(&json, "conv/ic8ih8oc8kh1/run/threads:1", "direct", "", four, 1);
  test_json_row(&json, "conv/ic9ih8oc8kh1/run/threads:1", "direct", "", two, 1);
  test_json_row(&json, "conv/ic8ih8oc8kh1/onednn_wino/threads:1", "", "", five, 1);
  test_json_row(&json, "conv/ic8ih8oc8kh1/onednn_direct/threads:1", "", "", three, 1);
  test_json_row(&json, "conv/ic8ih8oc8kh1/xnnpack/threads:1", "", "", two, 1);
  test_json_row(&json, "conv/ic8ih8oc8kh1/run/threads:2", "direct", "", two, 1);
  test_json_row(&json, "conv/ic8ih8oc8kh1/pack/threads:1", "", "", two, 1);
  char *text = test_json_end(&json);
  report_data data = {0};
  test_report_parse(&data, "one", text);
  test_report_parse(&data, "two", text);
  const report_groups groups = onefold_report_group(&data, "conv");
  assert_int_equal(groups.count, 6); // three of each file
  const report_group *g = &groups.items[0];
  assert_string_equal(g->title, "8→8 1×1, 8×8");
  assert_int_equal(g->threads, 1);
  assert_true(onefold_report_ours(g)->median == 4e-6);
  assert_int_equal(g->rival_count, 2);
  assert_string_equal(g->rivals[0].title, "XNNPACK");                // the fastest first
  assert_string_equal(g->rivals[1].row->name.word, "onednn_direct"); // the best of its ways
  assert_string_equal(groups.items[1].title, "9→8 1×1, 8×8");
  assert_int_equal(groups.items[2].threads, 2);
  assert_ptr_equal(groups.items[3].file, data.files[1]);
  assert_false(onefold_report_same_setting(&data, &groups));
  assert_string_equal(onefold_report_setting(&data, g->file, 2), "avx2, 2 threads");
  assert_int_equal(onefold_report_group(&data, "net").count, 0);
  onefold_report_data_release(&data);
  free(text);
}

/// Forms of one file and rivals of another stand together, unless the machines differ.
static void test_join(void **state) {
  (void)state;
  for (int same = 0; same < 2; same++) {
    test_json forms, rivals;
    test_json_begin(&forms, "cpu");
    test_json_begin(&rivals, same ? "cpu" : "another");
    test_json_two_runs(&forms, &rivals);
    char *texts[] = {test_json_end(&forms), test_json_end(&rivals)};
    report_data data = {0};
    test_report_parse(&data, "forms", texts[0]);
    test_report_parse(&data, "rivals", texts[1]);
    report_groups groups = onefold_report_group(&data, "net");
    assert_int_equal(groups.count, 2);
    onefold_report_join(&data, &groups);
    assert_int_equal(groups.count, same ? 1 : 2);
    const report_group *g = &groups.items[0];
    assert_int_equal(g->rival_count, same);
    if (same) {
      assert_true(g->rivals[0].row->median == 9e-6 && g->rivals[0].ours->median == 3e-6);
      assert_true(g->roles[REPORT_EAGER]->median == 4e-6);
      assert_true(onefold_report_ours(g)->median == 2e-6);
    }
    onefold_report_data_release(&data);
    free(texts[0]);
    free(texts[1]);
  }
}

// ------------------------------------------------------------------- scales

static void test_scales(void **state) {
  (void)state;
  double ticks[REPORT_TICKS];
  for (double high = 1e-9; high < 1e9; high *= 1.7) {
    const report_scale bars = onefold_report_scale_bars(high, 10, 210);
    assert_true(bars.low == 0 && bars.high >= high * (1 - 1e-9) && bars.high <= 1.2 * high);
    assert_true(onefold_report_at(&bars, 0) == 10);
    assert_true(fabs(onefold_report_at(&bars, bars.high) - 210) < 1e-9);
    size_t n = onefold_report_ticks(&bars, 40, ticks);
    assert_in_range(n, 2, 6);
    assert_true(ticks[0] == 0 && !signbit(ticks[0]));
    const report_scale plane = onefold_report_scale_log(high, 300 * high, 200, 0);
    assert_true(plane.low <= high * (1 + 1e-9) && plane.high >= 300 * high * (1 - 1e-9));
    assert_true(plane.low > high / 3 && plane.high < 900 * high);
    n = onefold_report_ticks(&plane, 10, ticks);
    assert_in_range(n, 7, REPORT_TICKS);
    for (size_t i = 1; i < n; i++) {
      const double apart =
          onefold_report_at(&plane, ticks[i - 1]) - onefold_report_at(&plane, ticks[i]);
      assert_true(apart >= 10 * (1 - 1e-9)); // upwards, and apart
    }
  }
  const double nothing[] = {0, -1, NAN, INFINITY};
  for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
    const report_scale s = onefold_report_scale_bars(nothing[i], 0, 100);
    assert_true(s.high == 1);
  }
  const report_scale wide = onefold_report_scale_log(1e-300, 1e300, 0, 100);
  assert_in_range(onefold_report_ticks(&wide, 1, ticks), 1, REPORT_TICKS);
}

/// Labels touch neither each other nor what was there.
static void test_places(void **state) {
  (void)state;
  report_places *places = calloc(1, sizeof *places);
  assert_non_null(places);
  places->all = (report_box){0, 0, 300, 200};
  report_svg svg;
  onefold_report_svg_begin(&svg, 300);
  int placed = 0;
  for (int i = 0; i < 200; i++) {
    const double x = 20 + (i * 37) % 260, y = 20 + (i * 53) % 160;
    placed += onefold_report_label(&svg, places, x, y, 4, REPORT_TICK, "a label");
  }
  assert_in_range(placed, 10, 100); // many, and not all
  assert_int_equal(places->count, (size_t)placed);
  for (size_t i = 0; i < places->count; i++) {
    const report_box *a = &places->taken[i];
    assert_true(a->left >= 0 && a->right <= 300 && a->top >= 0 && a->bottom <= 200);
    for (size_t j = 0; j < i; j++) {
      const report_box *b = &places->taken[j];
      assert_true(a->left >= b->right || b->left >= a->right || a->top >= b->bottom ||
                  b->top >= a->bottom);
    }
  }
  const size_t before = places->count;
  assert_false(onefold_report_take_turned(places, places->taken[0].left, places->taken[0].bottom,
                                          -45, REPORT_TICK, "x"));
  assert_int_equal(places->count, before);
  const report_svg_frame frame = {"id", "v", "t", "a", 1};
  FILE *out = fopen("/dev/null", "w");
  assert_non_null(out);
  assert_int_equal(onefold_report_svg_end(&svg, &frame, out), 0);
  fclose(out);
  free(places);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),     cmocka_unit_test(test_problems),
      cmocka_unit_test(test_escapes),   cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_rows),      cmocka_unit_test(test_labels),
      cmocka_unit_test(test_malformed), cmocka_unit_test(test_groups),
      cmocka_unit_test(test_join),      cmocka_unit_test(test_scales),
      cmocka_unit_test(test_places),
  };
  return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
