// SPDX-License-Identifier: BSD-3-Clause
// Random numbers, ISA levels and comparisons for the test programs.
#include "tests/support.h"

#include "arch/isa.h"
#include "kernels/kernel.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t test_random(test_rng *rng) {
  uint64_t x = rng->state += UINT64_C(0x9E3779B97F4A7C15);
  x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
  return x ^ x >> 31;
}

int64_t test_range(test_rng *rng, int64_t low, int64_t high) {
  return low + (int64_t)(test_random(rng) % (uint64_t)(high - low + 1));
}

float test_uniform(test_rng *rng, float low, float high) {
  return low + (high - low) * (float)(test_random(rng) >> 40) * 0x1p-24f;
}

int test_once_in(test_rng *rng, int n) {
  return test_range(rng, 1, n) == 1;
}

void test_fill_integers(test_rng *rng, float *values, size_t n, int limit) {
  for (size_t i = 0; i < n; i++) values[i] = (float)test_range(rng, -limit, limit);
}

void test_fill_uniform(test_rng *rng, float *values, size_t n) {
  for (size_t i = 0; i < n; i++) values[i] = test_uniform(rng, -1.0f, 1.0f);
}

int test_scaled(int count) {
  const char *text = getenv("ONEFOLD_TEST_SCALE");
  const double scale = text ? atof(text) : TEST_ASAN || TEST_TSAN ? 0.2 : 1.0;
  const double scaled = count * scale;
  return scaled < 1.0 ? 1 : (int)scaled;
}

static int isa_built(onefold_isa isa) {
  size_t count = 0;
  const onefold_kernel *rows = onefold_kernel_rows(&count);
  for (size_t i = 0; i < count; i++) {
    if (rows[i].isa == isa) return 1;
  }
  return 0;
}

int test_isa_runs(onefold_isa isa) {
  const uint32_t needed = onefold_isa_features(isa);
  const char *unknown = NULL;
  return isa_built(isa) && (onefold_cpu_features() & needed) == needed &&
         onefold_isa_cap_environment(isa, &unknown) == isa;
}

int test_isa_levels(onefold_isa levels[ONEFOLD_ISA_COUNT]) {
  int count = 0;
  for (int isa = 0; isa < ONEFOLD_ISA_COUNT; isa++) {
    if (test_isa_runs((onefold_isa)isa)) levels[count++] = (onefold_isa)isa;
  }
  return count;
}

int test_isa_missing(void) {
  const char *required = getenv("ONEFOLD_REQUIRE_ISA");
  int missing = 0;
  for (int i = 0; i < ONEFOLD_ISA_COUNT; i++) {
    const onefold_isa isa = (onefold_isa)i;
    if (isa_built(isa) && !test_isa_runs(isa)) printf("SKIP isa %s\n", onefold_isa_name(isa));
  }
  char *copy = strdup(required ? required : "");
  char *rest = NULL;
  for (char *name = strtok_r(copy, " ,", &rest); name; name = strtok_r(NULL, " ,", &rest)) {
    onefold_isa isa;
    if (!onefold_isa_parse(name, &isa) || !test_isa_runs(isa)) {
      fprintf(stderr, "FAILED: ONEFOLD_REQUIRE_ISA names %s, which does not run here\n", name);
      missing = 1;
    }
  }
  free(copy);
  fflush(stdout);
  return missing;
}

int test_every_level(const char *group, const struct CMUnitTest *tests, size_t count) {
  onefold_isa levels[ONEFOLD_ISA_COUNT];
  const size_t total = count * (size_t)test_isa_levels(levels);
  struct CMUnitTest *list = calloc(total, sizeof(*list));
  char(*names)[96] = calloc(total, sizeof(*names));
  if (!list || !names) abort();
  for (size_t i = 0; i < total; i++) {
    const onefold_isa isa = levels[i / count];
    list[i] = tests[i % count];
    snprintf(names[i], sizeof(names[i]), "%s__%s", list[i].name, onefold_isa_name(isa));
    list[i].name = names[i];
    list[i].initial_state = (void *)(intptr_t)isa;
  }
  const int failures = _cmocka_run_group_tests(group, list, total, NULL, NULL);
  free(list);
  free(names);
  return failures;
}

onefold_context *test_context(onefold_isa isa, int threads) {
  onefold_context_options options;
  memset(&options, 0, sizeof(options));
  options.struct_size = sizeof(options);
  options.threads = threads;
  options.max_isa = isa;
  options.has_max_isa = 1;
  onefold_context *context = NULL;
  test_ok(NULL, onefold_context_create(&options, &context));
  assert_int_equal(onefold_context_isa(context), isa);
  return context;
}

// What is being tested; static, because a signal handler prints it.
static struct {
  char text[512];
  void (*next[2])(int); // cmocka's handlers
} current;

static void report_signal(int number) {
  static const char died[] = "died in: ";
  ssize_t written = write(STDERR_FILENO, died, sizeof(died) - 1);
  written += write(STDERR_FILENO, current.text, strlen(current.text));
  written += write(STDERR_FILENO, "\n", 1);
  void (*next)(int) = current.next[number == SIGBUS];
  if (written > 0 && next != SIG_DFL && next != SIG_IGN && next) next(number);
  _exit(1);
}

void test_case(const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(current.text, sizeof(current.text), format, args);
  va_end(args);
  const int signals[] = {SIGSEGV, SIGBUS};
  for (int i = 0; i < 2; i++) {
    void (*old)(int) = signal(signals[i], report_signal);
    if (old != report_signal) current.next[i] = old;
  }
}

void test_failed(const char *format, ...) {
  char text[1024];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  print_error("FAILED: %s%s%s\n", current.text, current.text[0] ? ": " : "", text);
  current.text[0] = '\0';
  fail();
  abort();
}

size_t test_first_difference(const float *a, const float *b, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (a[i] != b[i] && !(isnan(a[i]) && isnan(b[i]))) return i;
  }
  return n;
}

size_t test_count(const char *text, const char *word) {
  size_t count = 0;
  while ((text = strstr(text, word))) {
    count++;
    text += strlen(word);
  }
  return count;
}

static void last_error(onefold_context *context, char *text, size_t size) {
  text[0] = '\0';
  if (context) onefold_context_last_error(context, text, size);
}

void test_expect(onefold_context *context, onefold_status got, onefold_status want,
                 const char *file, int line) {
  char text[512];
  if (got == want) return;
  last_error(context, text, sizeof(text));
  test_failed("%s:%d: \"%s\" instead of \"%s\": %s", file, line, onefold_status_name(got),
              onefold_status_name(want), text);
}

void test_error_says(onefold_context *context, const char *part, const char *file, int line) {
  char text[512];
  last_error(context, text, sizeof(text));
  if (!strstr(text, part)) {
    test_failed("%s:%d: the sentence \"%s\" does not contain \"%s\"", file, line, text, part);
  }
}
