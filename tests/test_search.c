// SPDX-License-Identifier: BSD-3-Clause
// The tuner's search on a made-up clock with made-up costs: who wins, when it ends, what it spends.
#include "tests/support.h"
#include "tune/search.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64, MOST_TAKEN = 1 << 16 };

/// Costs in nanoseconds, 0 of a candidate that cannot be run.
typedef struct machine {
  double cost[MOST];
  double noise; // of a sample: up to that part more or less
  double drift; // what a second adds to all costs, as a part of them
  int spikes;   // one in so many samples takes ten times as long; 0: none
  double luck;  // the first `lucky` samples of candidate 1 are shorter by that part
  int lucky;
  int64_t stop_at; // samples before the user stops; 0: never
  // What is measured.
  test_rng rng;
  double seconds;
  size_t taken[MOST_TAKEN];
  int64_t count, of[MOST];
  double last_part;
  int calls_after_stop;
  int32_t round, rounds; // the last that began; how many
} machine;

static double now(void *user) {
  return ((machine *)user)->seconds;
}

static double sample(void *user, size_t index) {
  machine *m = user;
  if (m->stop_at && m->count >= m->stop_at) m->calls_after_stop++;
  double ns = m->cost[index] * (1 + m->drift * m->seconds);
  ns *= 1 + m->noise * ((double)test_range(&m->rng, -1000, 1000) / 1000);
  if (m->spikes && test_once_in(&m->rng, m->spikes)) ns *= 10;
  if (index == 1 && m->of[1] < m->lucky) ns *= 1 - m->luck;
  assert_true(m->count < MOST_TAKEN);
  m->taken[m->count++] = index;
  m->of[index]++;
  m->seconds += 100e-6 + ns * 1e-9; // a sample is of many runs
  return ns;
}

static int stopped(void *user) {
  const machine *m = user;
  return m->stop_at && m->count >= m->stop_at;
}

static void advanced(void *user, double part) {
  machine *m = user;
  assert_true(part >= m->last_part && part <= 1);
  m->last_part = part;
}

static void begins(void *user, int32_t round) {
  machine *m = user;
  // The first look, 1, 2, ... and the end game.
  if (m->rounds++ == 0)
    assert_int_equal(round, ONEFOLD_SEARCH_FIRST_LOOK);
  else if (round != ONEFOLD_SEARCH_END_GAME)
    assert_int_equal(round, m->round + 1);
  assert_int_not_equal(m->round, ONEFOLD_SEARCH_END_GAME);
  m->round = round;
}

static const onefold_search_options usual = {
    .budget = 10, .margin = 0.02, .round = 2, .most_samples = 64};

static onefold_search_result run_with(machine *m, size_t count,
                                      const onefold_search_options *options,
                                      onefold_search_entry *entry) {
  const onefold_search_source source = {m, now, sample, stopped, advanced, begins};
  onefold_search_result result;
  onefold_search_run(options, &source, entry, count, &result);
  return result;
}

static onefold_search_result run(machine *m, size_t count) {
  onefold_search_entry entry[MOST];
  const onefold_search_result result = run_with(m, count, &usual, entry);
  onefold_search_free(entry, count);
  return result;
}

/// The default choice costs 1000, the others up to three times that, one of them 900.
static machine crowd(size_t count, size_t best, uint64_t seed) {
  machine m = {.noise = 0.03, .rng = {seed}};
  for (size_t i = 0; i < count; i++) m.cost[i] = 1000 + (double)test_range(&m.rng, 20, 2000);
  m.cost[0] = 1000;
  m.cost[best] = 900;
  return m;
}

static void test_fastest_wins(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    const size_t best = 1 + seed % 39;
    machine m = crowd(40, best, seed);
    test_case("seed %d", (int)seed);
    const onefold_search_result r = run(&m, 40);
    assert_int_equal(r.best, best);
    assert_int_equal(r.end, ONEFOLD_SEARCH_SEPARATED);
    assert_true(fabs(r.default_ns / r.best_ns - 1000.0 / 900) < 0.04);
    assert_true(r.trials >= 5 && r.best_spread > 0 && r.best_spread < 0.06);
    // Far fewer than as many samples of each as of the winner.
    assert_true(r.samples < 40 * m.of[best] && r.samples == m.count);
  }
}

static void test_margin(void **state) {
  (void)state;
  static const struct {
    double cost;
    size_t best;
  } cases[] = {{985, 0}, {1000, 0}, {1100, 0}, {950, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    machine m = {.cost = {1000, cases[i].cost, 2500}, .noise = 0.005, .rng = {7}};
    onefold_search_entry entry[MOST];
    test_case("cost %g", cases[i].cost);
    const onefold_search_result r = run_with(&m, 3, &usual, entry);
    assert_int_equal(r.best, cases[i].best);
    assert_int_equal(entry[1].fate, cases[i].best ? ONEFOLD_FATE_BEST : ONEFOLD_FATE_NO_GAIN);
    assert_int_equal(entry[0].fate, cases[i].best ? ONEFOLD_FATE_SECOND : ONEFOLD_FATE_BEST);
    assert_int_equal(entry[2].fate, ONEFOLD_FATE_HALVED);
    if (!cases[i].best) assert_true(r.best_ns == r.default_ns);
    assert_int_equal(r.no_gain, !cases[i].best); // by so little noise it is shown
    onefold_search_free(entry, 3);
  }
}

/// A gain that is above the margin, but within the noise of as many samples as are allowed.
static void test_gain_within_noise(void **state) {
  (void)state;
  int wins = 0, shown = 0;
  for (uint64_t seed = 0; seed < 40; seed++) {
    machine m = {.cost = {1000, 1000, 1000, 1000}, .noise = 0.4, .rng = {seed}};
    const onefold_search_result r = run(&m, 4);
    wins += r.best != 0;
    shown += r.no_gain; // nor is the contrary
    assert_true(m.of[1] <= 4 * usual.most_samples);
  }
  test_case("%d wins, %d shown to be none", wins, shown);
  assert_true(wins <= 6 && shown <= 6); // of equals: a few by chance
}

/// Everything gets slower all the time; turns keep the comparison fair.
static void test_drift(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    machine m = crowd(30, 7, seed);
    m.drift = 3; // of the costs, in each second
    test_case("seed %d", (int)seed);
    assert_int_equal(run(&m, 30).best, 7);
    machine equal = {.noise = 0.02, .drift = 3, .rng = {seed}};
    for (int i = 0; i < 10; i++) equal.cost[i] = 1000;
    assert_int_equal(run(&equal, 10).best, 0);
  }
}

static void test_disturbed_samples(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 30; seed++) {
    machine m = crowd(30, 11, seed);
    m.cost[11] = 800;
    m.spikes = 10;
    test_case("seed %d", (int)seed);
    assert_int_equal(run(&m, 30).best, 11);
  }
}

/// Samples of the rounds do not count in the end game.
static void test_luck_is_lost(void **state) {
  (void)state;
  machine m = {.cost = {1000, 1000}, .noise = 0.01, .luck = 0.3, .lucky = 5, .rng = {3}};
  const onefold_search_result r = run(&m, 2);
  assert_true(m.of[1] > 5);
  assert_int_equal(r.best, 0);
}

static void test_budget(void **state) {
  (void)state;
  int alone = 0;
  for (int ms = 0; ms <= 400; ms = ms * 3 / 2 + 1) {
    machine m = crowd(60, 50, 5);
    onefold_search_options options = usual;
    onefold_search_entry entry[MOST];
    options.budget = ms ? ms * 1e-3 : 1e-6;
    test_case("%d ms", ms);
    const onefold_search_result r = run_with(&m, 60, &options, entry);
    // The fewest samples of the end game are taken in any case.
    assert_true(r.seconds <= options.budget + 12 * 110e-6);
    assert_true(r.trials >= 5);
    int untimed = 0;
    for (int i = 0; i < 60; i++) untimed += entry[i].fate == ONEFOLD_FATE_UNTIMED;
    if (ms <= 10) assert_true(untimed > 0 && r.best != 50);
    if (untimed == 59) assert_false(r.no_gain); // nothing is known of the others
    alone += untimed == 59;
    if (ms >= 100) assert_true(untimed == 0 && r.best == 50);
    onefold_search_free(entry, 60);
  }
  assert_true(alone > 0);
}

/// Between two samples of a candidate in a round all others that are left have one.
static void test_turns(void **state) {
  (void)state;
  machine m = {.noise = 0.01, .rng = {9}};
  for (int i = 0; i < 8; i++) m.cost[i] = 1000;
  m.stop_at = 8 + 2 * 8;
  run(&m, 8);
  for (int turn = 0; turn < 3; turn++) {
    int seen[8] = {0};
    for (int i = 0; i < 8; i++) seen[m.taken[turn * 8 + i]]++;
    for (int i = 0; i < 8; i++) assert_int_equal(seen[i], 1);
  }
  assert_int_not_equal(m.taken[8], m.taken[16]); // nobody is always the first
}

static void test_stop(void **state) {
  (void)state;
  machine whole = crowd(30, 3, 2);
  run(&whole, 30);
  assert_int_equal(whole.round, ONEFOLD_SEARCH_END_GAME);
  for (int64_t at = 1; at < whole.count; at += 7) {
    machine m = crowd(30, 3, 2);
    m.stop_at = at;
    const onefold_search_result r = run(&m, 30);
    assert_int_equal(r.end, ONEFOLD_SEARCH_STOPPED);
    assert_true(m.calls_after_stop <= 2);
  }
}

static void test_failures(void **state) {
  (void)state;
  machine m = crowd(20, 4, 8);
  onefold_search_entry entry[MOST];
  m.cost[2] = m.cost[9] = 0;
  const onefold_search_result r = run_with(&m, 20, &usual, entry);
  assert_int_equal(r.best, 4);
  assert_int_equal(entry[2].fate, ONEFOLD_FATE_FAILED);
  assert_int_equal(entry[9].fate, ONEFOLD_FATE_FAILED);
  assert_int_equal(m.of[9], 1);
  onefold_search_free(entry, 20);

  machine none = {.cost = {0, 1000}, .rng = {1}};
  assert_int_equal(run(&none, 2).end, ONEFOLD_SEARCH_FAILED);
  machine failing = {.cost = {1000, 0}, .noise = 0.01, .rng = {1}};
  assert_true(run(&failing, 2).no_gain);
  machine alone = {.cost = {1000}, .noise = 0.01, .rng = {1}};
  const onefold_search_result only = run(&alone, 1);
  assert_int_equal(only.best, 0);
  assert_true(only.trials == 11 && only.best_ns == only.default_ns && only.no_gain);
}

/// No half goes for being the slower one: of equals all are sampled to the end, and one that is
/// faster by less than a halving would see is found, whatever the time that it takes.
static void test_exhaustive(void **state) {
  (void)state;
  const onefold_search_options options = {
      .budget = INFINITY, .margin = 1e-6, .round = 4, .most_samples = 64, .exhaustive = 1};
  onefold_search_entry entry[MOST];
  machine equal = {.noise = 0.02, .rng = {5}};
  for (int i = 0; i < 20; i++) equal.cost[i] = 1000;
  const onefold_search_result r = run_with(&equal, 20, &options, entry);
  assert_int_equal(r.end, ONEFOLD_SEARCH_EXHAUSTED);
  int whole = 0;
  for (int i = 1; i < 20; i++) whole += entry[i].count >= 1 + 4 + 8 + 16 + 32 + 64;
  assert_true(whole >= 15);
  onefold_search_free(entry, 20);
  int leads = 0, halved = 0;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    machine m = {.noise = 0.03, .rng = {seed}}, n = m;
    for (int i = 0; i < 40; i++) m.cost[i] = 1000;
    m.cost[9] = 985;
    memcpy(n.cost, m.cost, sizeof n.cost);
    run_with(&m, 40, &options, entry);
    leads += entry[9].fate == ONEFOLD_FATE_BEST || entry[9].fate == ONEFOLD_FATE_NO_GAIN;
    onefold_search_free(entry, 40);
    run_with(&n, 40, &usual, entry);
    halved += entry[9].fate == ONEFOLD_FATE_HALVED;
    onefold_search_free(entry, 40);
  }
  test_case("%d of 20 found, halving loses %d", leads, halved);
  assert_true(leads >= 18 && halved > 0);
}

static void test_same_again(void **state) {
  (void)state;
  machine a = crowd(40, 5, 77), b = crowd(40, 5, 77);
  const onefold_search_result x = run(&a, 40), y = run(&b, 40);
  assert_true(x.best == y.best && x.samples == y.samples && x.trials == y.trials);
  assert_true(x.seconds == y.seconds && x.best_ns == y.best_ns && x.default_ns == y.default_ns);
  assert_memory_equal(a.taken, b.taken, sizeof a.taken);
}

static void test_statistics(void **state) {
  (void)state;
  double values[] = {5, 1, 4, 2, 3}, spread = -1;
  assert_true(onefold_search_median(values, 5, &spread) == 3);
  assert_true(fabs(spread - 2.0 / 3) < 1e-12);
  double even[] = {4, 1, 2, 3};
  assert_true(onefold_search_median(even, 4, NULL) == 2.5);
  assert_true(onefold_search_median(NULL, 0, &spread) == 0 && spread == 0);
  assert_true(isinf(onefold_search_noise(0.1, 0)));
  assert_true(fabs(onefold_search_noise(0.135, 100) - 0.025) < 1e-12);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fastest_wins),
      cmocka_unit_test(test_margin),
      cmocka_unit_test(test_gain_within_noise),
      cmocka_unit_test(test_drift),
      cmocka_unit_test(test_disturbed_samples),
      cmocka_unit_test(test_luck_is_lost),
      cmocka_unit_test(test_budget),
      cmocka_unit_test(test_turns),
      cmocka_unit_test(test_stop),
      cmocka_unit_test(test_failures),
      cmocka_unit_test(test_exhaustive),
      cmocka_unit_test(test_same_again),
      cmocka_unit_test(test_statistics),
  };
  return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
