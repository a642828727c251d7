// SPDX-License-Identifier: BSD-3-Clause
// onefold tune --mpi with two ranks: shares and groups, records, cores, kills and mistakes. Names
// of machines are made up by --mpi-as, so that this one stands for several.
#include "tests/cli_child.h"
#include "tests/cli_support.h"
#include "tests/record_support.h"

#include <onefold/machine.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROBLEMS "ic16ih9oc16oh9kh3ph1 ic16ih9oc32oh9kh1 ic8ih5oc8oh5kh1 ic16ih5oc8oh5kh1"

static void test_mistakes(void **state) {
  (void)state;
  static const test_mistake mistakes[] = {
      {"tune --ranks-per-node=2 ic8oc8ih4kh1", 2, "--ranks-per-node=2: of --mpi alone"},
      {"tune --mpi --ranks-per-node=0 ic8oc8ih4kh1", 2, "--ranks-per-node=0"},
      {"tune --mpi --ranks-per-node=two ic8oc8ih4kh1", 2, "--ranks-per-node=two"},
#ifndef ONEFOLD_TEST_MPI
      {"tune --mpi ic8oc8ih4kh1", 1, "this onefold was built without MPI"},
#endif
  };
  test_expect_mistakes(mistakes, sizeof mistakes / sizeof mistakes[0]);
}

#ifdef ONEFOLD_TEST_MPIEXEC

/// Runs rank 0 with the first arguments and rank 1 with the second, both on the cores of this test.
/// Open MPI itself leaks, from modules that are no longer there when leaks are reported.
static test_run launch(const char *first, const char *second) {
  char *line = NULL;
  assert_true(
      asprintf(
          &line,
          "LSAN_OPTIONS=detect_leaks=0 '%s' -np 1 '%s' tune --mpi %s : -np 1 '%s' tune --mpi %s",
          ONEFOLD_TEST_MPIEXEC, ONEFOLD_PROGRAM, first, ONEFOLD_PROGRAM, second) > 0);
  const test_run run = test_command(line);
  free(line);
  return run;
}

/// The same, which succeeds; its JSON, an array of groups.
static json_t *groups_of(const char *first, const char *second) {
  test_run r = launch(first, second);
  test_exits(&r, first, 0);
  json_t *root = json_loads(r.out, 0, NULL);
  if (!json_is_array(root)) fail_msg("%s: no array, but %s", first, r.out);
  test_run_free(&r);
  return root;
}

static void fails(const char *first, const char *second, int code, const char *says) {
  test_run r = launch(first, second);
  test_exits(&r, first, code);
  if (!strstr(r.err, says)) fail_msg("onefold %s: no \"%s\" in:\n%s", first, says, r.err);
  test_run_free(&r);
}

/// A group has the machine, and both times of so many problems.
static void expect_results(const json_t *group, size_t problems) {
  const json_t *rows = json_object_get(group, "benchmarks"), *row;
  size_t i, of_default = 0;
  assert_int_equal(json_array_size(rows), 2 * problems);
  json_array_foreach(rows, i, row) {
    const char *name = json_string_value(json_object_get(row, "run_name"));
    assert_int_equal(strncmp(name, "tune/mb1ic", 10), 0);
    of_default += strstr(name, "/default/threads:") != NULL;
    assert_true(test_number(row, "real_time") > 0);
  }
  assert_int_equal(of_default, problems);
  assert_true(test_fact(group, "onefold_cpu")[0] && test_fact(group, "onefold_peak_gflops")[0]);
}

/// onefold report shows what rank 0 wrote.
static void expect_report(const json_t *root, const char *words) {
  char arguments[512];
  char *path = test_path();
  assert_int_equal(json_dump_file(root, path, 0), 0);
  snprintf(arguments, sizeof arguments, "report --md %s", path);
  test_expect_words(arguments, words);
  test_path_free(path);
}

/// Two machines of one fingerprint share the list, which rank 1 does not have, and rank 0 records
/// it all; what is recorded is not shared out again.
static void test_one_group(void **state) {
  (void)state;
  json_t *root = groups_of("--mpi-as=a --json --per-shape=80ms " PROBLEMS,
                           "--mpi-as=b --json --per-shape=80ms --batch=/nonexistent/list");
  assert_int_equal(json_array_size(root), 1);
  const json_t *group = json_array_get(root, 0);
  test_expect_number(group, "tuned", 4);
  test_expect_number(group, "left", 0);
  const json_t *shapes = json_object_get(group, "shapes");
  int of[2] = {0};
  for (size_t i = 0; i < json_array_size(shapes); i++)
    of[test_number(json_array_get(shapes, i), "rank") > 0]++;
  assert_int_equal(of[0], 2);
  assert_int_equal(of[1], 2);
  const json_t *ranks = json_object_get(group, "ranks");
  assert_int_equal(json_array_size(ranks), 2);
  for (size_t i = 0; i < 2; i++) {
    const json_t *rank = json_array_get(ranks, i);
    test_expect_number(rank, "tuned", 2);
    assert_string_equal(json_string_value(json_object_get(rank, "node")),
                        test_number(rank, "rank") > 0 ? "b" : "a");
  }
  expect_results(group, 4); // of both ranks
  expect_report(root, "geometric mean of 4");
  json_decref(root);
  test_expect_words("tune show --here", "4 rows of ");

  root = groups_of("--mpi-as=a --json --per-shape=80ms ic8ih6oc8oh6kh1 " PROBLEMS,
                   "--mpi-as=b --json --per-shape=80ms");
  group = json_array_get(root, 0);
  test_expect_number(group, "tuned", 1);
  test_expect_number(group, "recorded_before", 4);
  expect_results(group, 5);
  json_decref(root);
  test_expect_words("tune show", "5 rows of ");
}

/// Ranks tune the problems of a log for its threads, class and level; the first must fit on their
/// cores.
static void test_log(void **state) {
  const test_place *place = *state;
  char log[256], first[512];
  snprintf(log, sizeof log, "%s/plans.log", place->directory);
  FILE *file = fopen(log, "w");
  assert_non_null(file);
  for (int i = 5; i < 7; i++)
    fprintf(file,
            "onefold plan conv2d mb1ic8ih%doc8oh%dkh1 blocked:blocked none threads:1 strict "
            "isa:ref\n",
            i, i);
  assert_int_equal(fclose(file), 0);
  snprintf(first, sizeof first, "--mpi-as=a --json --per-shape=50ms --from=%s", log);
  json_t *root = groups_of(first, "--mpi-as=b --json --per-shape=50ms");
  test_expect_number(json_array_get(root, 0), "tuned", 2);
  json_decref(root);
  test_expect_words("tune show --here --threads=1 --accuracy=strict", "2 rows of ");
  test_expect_words("tune export", ",ref,l1d=");

  file = fopen(log, "w");
  assert_non_null(file);
  fprintf(file, "onefold plan conv2d mb1ic8ih5oc8oh5kh1 blocked:blocked none threads:4000 fast\n");
  assert_int_equal(fclose(file), 0);
  fails(first, "--mpi-as=b --json", 2, "a log has a problem of 4000 threads, and ranks have ");
}

/// Two machines with fingerprints of their own: both tune all, and each first rank writes a record.
static void test_two_groups(void **state) {
  const test_place *place = *state;
  char first[512], second[512], merge[1024];
  snprintf(first, sizeof first,
           "--mpi-as=a/one,avx2,x --record %s/%%m.db --json --per-shape=80ms " PROBLEMS,
           place->directory);
  snprintf(second, sizeof second,
           "--mpi-as=b/two,neon,y --record %s/%%m.db --json --per-shape=80ms " PROBLEMS,
           place->directory);
  json_t *root = groups_of(first, second);
  const char *paths[2];
  assert_int_equal(json_array_size(root), 2);
  for (size_t i = 0; i < 2; i++) {
    const json_t *group = json_array_get(root, i);
    const int number = (int)test_number(group, "group");
    assert_in_range(number, 1, 2);
    paths[number - 1] = json_string_value(json_object_get(group, "record"));
    test_expect_number(group, "tuned", 4);
    assert_int_equal(json_array_size(json_object_get(group, "ranks")), 1);
    expect_results(group, 4);
  }
  assert_non_null(strstr(paths[0], "/one-avx2-"));
  assert_non_null(strstr(paths[1], "/two-neon-"));
  assert_int_equal(test_place_files(place, ".db"), 2);
  for (int i = 0; i < 2; i++) {
    snprintf(merge, sizeof merge, "tune show --record %s", paths[i]);
    test_expect_words(merge, "4 rows of ");
  }
  snprintf(merge, sizeof merge, "tune merge %s %s %s", place->path, paths[0], paths[1]);
  test_expect_words(merge, ": ");
  test_expect_words("tune show", "4 rows of "); // the keys of both are this machine's
  json_decref(root);

  test_run r = launch("--mpi-as=a/one --per-shape=50ms ic8ih5oc8oh5kh1",
                      "--mpi-as=b/two --per-shape=50ms ic8ih5oc8oh5kh1");
  test_exits(&r, "without %m", 0);
  assert_non_null(strstr(r.err, "2 groups write one file where they see the same disk"));
  assert_non_null(strstr(r.out, "group 2: 1 ranks measure on 1 machines of two\n"));
  test_run_free(&r);
}

/// Non-zero where all cores of a list, "0-3,8", are among these.
static int within(const char *list, const onefold_cores *cores) {
  for (const char *at = list; *at;) {
    char *end;
    const long first = strtol(at, &end, 10), last = *end == '-' ? strtol(end + 1, &end, 10) : first;
    for (long cpu = first; cpu <= last; cpu++) {
      if (!(cores->cpus[cpu / 64] >> cpu % 64 & 1)) return 0;
    }
    if (end == at) return 0;
    at = *end ? end + 1 : end;
  }
  return *list != '\0';
}

/// Two ranks of this machine: each on its part of this test's cores, or one of them idle.
static void test_one_node(void **state) {
  (void)state;
  onefold_cores mine = {.struct_size = sizeof mine};
  static const char both[] = "--ranks-per-node=2 --json --per-shape=50ms " PROBLEMS;
  assert_int_equal(onefold_machine_cut(0, 1, &mine), ONEFOLD_OK);
  if (mine.physical < 2) {
    fails(both, both, 2, "2 ranks would measure on 1 cores of ");
  } else {
    json_t *root = groups_of(both, both);
    const json_t *group = json_array_get(root, 0), *ranks = json_object_get(group, "ranks");
    test_expect_number(group, "tuned", 4);
    assert_int_equal(json_array_size(ranks), 2);
    for (size_t i = 0; i < 2; i++) {
      const json_t *rank = json_array_get(ranks, i);
      const char *cores = json_string_value(json_object_get(rank, "cores"));
      assert_int_equal(onefold_machine_cut((int32_t)test_number(rank, "rank"), 2, &mine),
                       ONEFOLD_OK);
      if (!within(cores, &mine)) fail_msg("rank %d of 2 is on %s", (int)i, cores);
    }
    json_decref(root);
  }
  static const char one[] = "--ranks-per-node=1 --again --threads=1 --per-shape=50ms " PROBLEMS;
  test_run r = launch(one, one);
  test_exits(&r, one, 0);
  assert_non_null(strstr(r.out, "group 1: 1 ranks measure on 1 machines of "));
  assert_non_null(strstr(r.out, "\n1 ranks idle\n"));
  assert_non_null(strstr(r.out, ": 4 of 4 tuned\n"));
  test_run_free(&r);
}

/// Rank 1's row is recorded while rank 0 is still at its first problem, and a kill does not lose
/// it.
static void test_kill(void **state) {
  (void)state;
  char line[512];
  test_child child = test_child_start((const char *const[]){ONEFOLD_TEST_MPIEXEC,
                                                            "-np",
                                                            "1",
                                                            ONEFOLD_PROGRAM,
                                                            "tune",
                                                            "--mpi",
                                                            "--mpi-as=a",
                                                            "--threads=1",
                                                            "--isa=ref",
                                                            "--budget=120s",
                                                            "ic64ih56oc64oh56kh3ph1",
                                                            "ic4ih4oc4oh4kh1",
                                                            ":",
                                                            "-np",
                                                            "1",
                                                            ONEFOLD_PROGRAM,
                                                            "tune",
                                                            "--mpi",
                                                            "--mpi-as=b",
                                                            "--threads=1",
                                                            "--isa=ref",
                                                            "--budget=120s",
                                                            NULL});
  test_child_read(&child, "  mb1ic4ih4oc4oh4kh1/nchw:blocked ", line);
  assert_memory_equal(line, "    1     1  ", 13);
  test_expect_words("tune show", "1 rows of ");
  assert_int_equal(kill(child.id, SIGTERM), 0);
  assert_int_not_equal(test_child_end(&child, line), 0);
  test_expect_words("tune show", "1 rows of ");
}

static void test_mistakes_of_ranks(void **state) {
  (void)state;
  static const struct {
    const char *first, *second;
    int code;
    const char *says;
  } mistakes[] = {
      {"--mpi-as=a", "--mpi-as=b", 2, "no problem is given"},
      {"--mpi-as=a nonsense", "--mpi-as=b nonsense", 2, "nonsense"},
      {"--mpi-as=a --threads=4000 ic8oc8ih4kh1", "--mpi-as=b --threads=4000 ic8oc8ih4kh1", 2,
       "--threads=4000: rank 0 on a has "},
      {"--mpi-as=a/x ic8oc8ih4kh1 --batch -", "--mpi-as=b/y ic8oc8ih4kh1 --batch -", 2,
       "-: rank 0 has the standard input"},
      {"--mpi-as=a ic8oc8ih4kh1", "--mpi-as=b --threads=3999", 2,
       "--threads=3999: rank 1 on b has "},
      {"--mpi-as=a --record /nonexistent/x.db ic8oc8ih4kh1", "--mpi-as=b", 1,
       "no record to write to"},
      // One that fails does not leave the other waiting.
      {"--mpi-as=a ic8oc8ih4kh1", "--mpi-as=b --isa=nonsense", 2, "--isa=nonsense"},
      {"--mpi-as=a/x ic8oc8ih4kh1", "--mpi-as=b/y ic8oc8ih4kh1 --batch=/nonexistent/list", 1,
       "/nonexistent/list"},
  };
  for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++)
    fails(mistakes[i].first, mistakes[i].second, mistakes[i].code, mistakes[i].says);
}

#endif

int main(void) {
  // Open MPI: as root too, two ranks on one core too, and no binding but the program's own, as
  // mpirun's leaves the affinity mask that it has.
  setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 1);
  setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 1);
  setenv("OMPI_MCA_rmaps_base_oversubscribe", "1", 1);
  setenv("OMPI_MCA_mpi_yield_when_idle", "1", 1);
  setenv("OMPI_MCA_hwloc_base_binding_policy", "none", 1);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_mistakes, test_record_here, test_record_gone),
#ifdef ONEFOLD_TEST_MPIEXEC
      cmocka_unit_test_setup_teardown(test_one_group, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_log, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_two_groups, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_one_node, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_kill, test_record_here, test_record_gone),
      cmocka_unit_test_setup_teardown(test_mistakes_of_ranks, test_record_here, test_record_gone),
#endif
  };
  return cmocka_run_group_tests_name("onefold tune --mpi", tests, NULL, NULL);
}
