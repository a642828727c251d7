// SPDX-License-Identifier: BSD-3-Clause
// Files of results: their rows and labels, what is refused, and groups of rows.
#include "report/algorithm.h"
#include "report/group.h"
#include "tests/report_support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/// Each object of an array is a file of its own.
static void test_array(void **state) {
  (void)state;
  static const double times[] = {30, 10, 20};
  test_json one, other;
  test_json_begin(&one, "one");
  test_json_row(&one, "tune/ic8ih8oc8kh1/tuned/threads:1", "", "", times, 3);
  test_json_begin(&other, "other");
  test_json_row(&other, "tune/ic8ih8oc8kh1/tuned/threads:1", "", "", times, 2);
  char *texts[] = {test_json_end(&one), test_json_end(&other)}, *both = NULL;
  assert_true(asprintf(&both, "[%s, %s]", texts[0], texts[1]) > 0);
  report_data data = {0};
  test_report_parse(&data, "fleet.json", both);
  assert_int_equal(data.file_count, 2);
  assert_int_equal(data.row_count, 2);
  for (size_t i = 0; i < 2; i++) {
    assert_string_equal(data.files[i]->path, "fleet.json");
    assert_string_equal(onefold_report_fact(data.files[i], "cpu"), i ? "other" : "one");
    assert_ptr_equal(data.rows[i].file, data.files[i]);
    assert_int_equal(data.rows[i].count, 3 - i);
  }
  onefold_report_data_release(&data);
  for (int i = 0; i < 2; i++) free(texts[i]);
  free(both);
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
      {"3", "line 1"},
      {"[]", "an array of no results"},
      {"[[]]", "not a JSON object"},
      {"[{\"benchmarks\": []}, {}]", "no array \"benchmarks\""},
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_rows),      cmocka_unit_test(test_labels), cmocka_unit_test(test_array),
      cmocka_unit_test(test_malformed), cmocka_unit_test(test_groups), cmocka_unit_test(test_join),
  };
  return cmocka_run_group_tests_name("report_read", tests, NULL, NULL);
}
