// SPDX-License-Identifier: BSD-3-Clause
// The words of reports: names and problems taken apart, escapes, and numbers with units.
#include "report/text.h"
#include "tests/report_support.h"

#include <stdlib.h>
#include <string.h>

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_problems),
      cmocka_unit_test(test_escapes),
      cmocka_unit_test(test_numbers),
  };
  return cmocka_run_group_tests_name("report_text", tests, NULL, NULL);
}
