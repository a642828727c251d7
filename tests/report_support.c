// SPDX-License-Identifier: BSD-3-Clause
// What the tests of reports share: results as JSON, documents as text, and well-formed XML.
#include "tests/report_support.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void test_json_begin(test_json *json, const char *cpu) {
  *json = (test_json){0};
  json->out = open_memstream(&json->text, &json->size);
  assert_non_null(json->out);
  fprintf(
      json->out,
      "{\"context\": {\"date\": \"2026-01-01\", \"caches\": [{\"type\": \"Data\", \"level\": 1, "
      "\"size\": 32768}], \"onefold_version\": \"0\", \"onefold_isa\": \"avx2\", "
      "\"onefold_threads\": \"1\", \"onefold_cold_cache\": \"none\", \"onefold_noisy\": \"false\"");
  if (cpu[0]) {
    fprintf(json->out,
            ", \"onefold_cpu\": \"%s\", \"onefold_core_gflops\": \"100\", \"onefold_peak_gflops\": "
            "\"100\", \"onefold_l2_read_gbs\": \"80\", \"onefold_l3_read_gbs\": \"40\", "
            "\"onefold_dram_read_gbs\": \"20\"",
            cpu);
  }
  fputs("}, \"benchmarks\": [", json->out);
}

void test_json_row(test_json *json, const char *name, const char *label, const char *counters,
                   const double *times, size_t count) {
  for (size_t i = 0; i < count; i++) {
    fprintf(json->out,
            "%s{\"name\": \"%s\", \"run_name\": \"%s\", \"run_type\": \"iteration\", \"label\": "
            "\"%s\", \"real_time\": %.17g, \"time_unit\": \"us\"%s}\n",
            json->rows++ ? "," : "", name, name, label, times[i], counters);
  }
}

char *test_json_end(test_json *json) {
  fputs("]}", json->out);
  assert_int_equal(fclose(json->out), 0);
  return json->text;
}

void test_report_parse(report_data *data, const char *path, const char *text) {
  if (onefold_report_parse(data, path, text, strlen(text))) fail_msg("%s", data->sentence);
}

report_document test_report_build(report_data *data, const char *text) {
  report_document document;
  test_report_parse(data, "results.json", text);
  assert_int_equal(onefold_report_build(data, &document), 0);
  return document;
}

const report_row *test_report_row(const report_data *data, const char *name) {
  for (size_t i = 0; i < data->row_count; i++) {
    if (strcmp(data->rows[i].text, name) == 0) return &data->rows[i];
  }
  fail_msg("no row %s", name);
  return NULL;
}

char *test_report_everything(const char *odd) {
  static const double slow[] = {300, 310, 305, 302, 299}, fast[] = {200, 201, 199, 200, 202};
  static const char work[] = ", \"flops\": 2e7, \"bytes\": 1e6, \"percent_peak\": 90, "
                             "\"max_error\": 1e-6";
  test_json json;
  test_json_begin(&json, odd[0] ? odd : "cpu");
  char name[512], label[512];
  static const char *const forms[] = {"eager", "branches", "folded"};
  for (int i = 0; i < 3; i++) {
    const double *times = i == 2 ? fast : slow;
    snprintf(name, sizeof name, "net/repvgg-a0%s/mb1ih224/%s/threads:1", odd, forms[i]);
    test_json_row(&json, name, "", work, times, 5);
    for (int k = 3; k > 0; k--) { // as interleaved repetitions leave them
      snprintf(name, sizeof name, "net/repvgg-a0%s/mb1ih224/%s/layer:%03d/threads:1", odd, forms[i],
               k);
      snprintf(label, sizeof label, "stage%d%s; conv; mb1ic64ih56oc64kh3ph1; winograd4; k; default",
               k, odd);
      test_json_row(&json, name, label, work, times, 5);
    }
    snprintf(name, sizeof name, "block/repvgg/mb1ic8ih7oc8kh3ph1%s/%s/threads:1", odd, forms[i]);
    test_json_row(&json, name, odd, work, times, 5);
    snprintf(name, sizeof name, "net/repvgg-a0%s/mb1ih224/%s/alone:001/x/threads:1", odd, forms[i]);
    test_json_row(&json, name, "direct", work, times, 5);
  }
  test_json_row(&json, "net/repvgg-a0/mb1ih224/ort/threads:1", "", "", slow, 5);
  snprintf(name, sizeof name, "conv/mb1ic64ih56oc64oh56kh3ph1%s/run/threads:1", odd);
  test_json_row(&json, name, "winograd4", work, fast, 5);
  snprintf(name, sizeof name, "conv/mb1ic64ih56oc64oh56kh3ph1%s/onednn_wino/threads:1", odd);
  test_json_row(&json, name, "", ", \"max_error\": 2e-6", slow, 5);
  static const struct {
    const char *word, *counters;
    const double *times;
  } ways[] = {{"separate", work, slow},
              {"fused", ", \"flops\": 2e7, \"bytes\": 1e6, \"chosen\": 0", fast},
              {"onednn_calls", "", slow},
              {"onednn_fused", "", fast}};
  for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
    snprintf(name, sizeof name, "pair/g96ic96ih56oc96kh3ph1:relu6+ic96ih56oc24kh1%s/%s/threads:1",
             odd, ways[i].word);
    test_json_row(&json, name, "", ways[i].counters, ways[i].times, 5);
  }
  snprintf(name, sizeof name, "conv/ic8ih8oc8kh1%s/default/threads:1", odd);
  test_json_row(&json, name, "direct", work, slow, 5);
  snprintf(name, sizeof name, "conv/ic8ih8oc8kh1%s/tuned/threads:1", odd);
  test_json_row(&json, name, "pointwise", work, fast, 5);
  for (int channels = 16; channels < 128; channels *= 2) {
    fprintf(json.out,
            ",{\"name\": \"accuracy/conv3x3s1/winograd2%s/ic:%d\", \"relative_error\": %de-8, "
            "\"largest_error\": 1e-6}",
            odd, channels, channels);
  }
  return test_json_end(&json);
}

char *test_report_page(const report_document *document) {
  char *text = NULL;
  size_t size = 0;
  const report_output output = {open_memstream(&text, &size), "0", 0};
  assert_non_null(output.out);
  assert_int_equal(onefold_report_page(document, &output), 0);
  assert_int_equal(fclose(output.out), 0);
  return text;
}

char *test_report_markdown(const report_document *document) {
  char *text = NULL;
  size_t size = 0;
  const report_output output = {open_memstream(&text, &size), "0", 0};
  assert_non_null(output.out);
  onefold_report_markdown(document, &output);
  assert_int_equal(fclose(output.out), 0);
  return text;
}

// ---------------------------------------------------------------------- XML

#define MOST_DEPTH 64

static size_t name_length(const char *at) {
  size_t n = 0;
  while (isalnum((unsigned char)at[n]) || strchr("-_:", at[n] ? at[n] : ' ')) n++;
  return n;
}

/// Behind "&...;".
static const char *skip_entity(const char *at) {
  static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (strncmp(at, known[i], strlen(known[i])) == 0) return at + strlen(known[i]);
  }
  fail_msg("a bare & at: %.60s", at);
  return NULL;
}

/// Behind the attributes of a tag, at ">" or "/>".
static const char *skip_attributes(const char *at) {
  for (;;) {
    at += strspn(at, " \n");
    if (*at == '>' || *at == '/') return at;
    const size_t length = name_length(at);
    if (!length || strncmp(at + length, "=\"", 2) != 0) fail_msg("no attribute at: %.60s", at);
    at += length + 2;
    while (*at && *at != '"') {
      if (*at == '<') fail_msg("< in an attribute: %.60s", at);
      at = *at == '&' ? skip_entity(at) : at + 1;
    }
    if (*at != '"') fail_msg("an attribute does not end");
    at++;
  }
}

void test_expect_xml(const char *text) {
  const char *open[MOST_DEPTH];
  size_t lengths[MOST_DEPTH], depth = 0, elements = 0;
  for (const char *at = text; *at; at++) {
    if ((unsigned char)*at < ' ' && *at != '\n') fail_msg("a control character: %.20s", at);
  }
  const char *at = text;
  if (strncmp(at, "<?", 2) == 0 || strncmp(at, "<!", 2) == 0) at = strchr(at, '>') + 2;
  while (*at) {
    if (*at == '&') {
      at = skip_entity(at);
    } else if (strncmp(at, "</", 2) == 0) {
      const size_t length = name_length(at + 2);
      if (!depth || length != lengths[depth - 1] || strncmp(at + 2, open[depth - 1], length) != 0) {
        fail_msg("%.*s ends as %.*s", depth ? (int)lengths[depth - 1] : 0,
                 depth ? open[depth - 1] : "", (int)length + 2, at);
      }
      depth--;
      at += 2 + length;
      assert_int_equal(*at++, '>');
    } else if (*at == '<') {
      const size_t length = name_length(at + 1);
      if (!length) fail_msg("no element at: %.60s", at);
      if (depth == 0 && elements) fail_msg("a second root: %.60s", at);
      if (depth == MOST_DEPTH) fail_msg("too deep");
      elements++;
      open[depth] = at + 1;
      lengths[depth++] = length;
      at = skip_attributes(at + 1 + length);
      if (*at == '/') {
        depth--;
        at++;
      }
      assert_int_equal(*at++, '>');
    } else {
      if (depth == 0 && !isspace((unsigned char)*at)) fail_msg("text outside: %.60s", at);
      at++;
    }
  }
  assert_int_equal(depth, 0);
  assert_true(elements > 0);
}

void test_json_two_runs(test_json *forms, test_json *rivals) {
  static const double two[] = {2}, three[] = {3}, four[] = {4}, nine[] = {9};
  test_json_row(forms, "net/a/mb1ih224/eager/threads:1", "", "", four, 1);
  test_json_row(forms, "net/a/mb1ih224/folded/threads:1", "", "", two, 1);
  test_json_row(rivals, "net/a/mb1ih224/folded/threads:1", "", "", three, 1);
  test_json_row(rivals, "net/a/mb1ih224/ort/threads:1", "", "", nine, 1);
}
