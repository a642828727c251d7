// SPDX-License-Identifier: BSD-3-Clause
// Tuning in place by made-up times: which candidates are left, which rows come early, and what is
// taken when all run together.
#include "tests/support.h"
#include "tune/in_place.h"

#include <string.h>

enum { CANDIDATES = 4 };

/// Layers of one step each with the same candidates, and the last row that came of each.
typedef struct fixture {
  onefold_in_place about;
  onefold_rotation rotation;
  onefold_layer layer[2];
  onefold_contender contender[2][CANDIDATES];
  onefold_tune_options options;
  onefold_tune_result result;
  onefold_record_row row[2];
  int early, final;
} fixture;

static void keep(void *user, const onefold_record_row *row, size_t steps, int is_final) {
  fixture *f = user;
  assert_int_equal(steps, 1);
  assert_true(row->key.problem[0] == '0' || row->key.problem[0] == '1');
  f->row[row->key.problem[0] - '0'] = *row;
  f->early += !is_final;
  f->final += is_final;
}

static void create(fixture *f) {
  memset(f, 0, sizeof *f);
  f->options.user = f;
  f->rotation = (onefold_rotation){.layer = f->layer, .count = 2};
  f->about = (onefold_in_place){
      .rotation = &f->rotation, .options = &f->options, .result = &f->result, .put = keep};
  for (int i = 0; i < 2; i++) {
    f->layer[i].contender = f->contender[i];
    f->layer[i].count = CANDIDATES;
    f->layer[i].steps = 1;
    f->layer[i].row.key.problem[0] = (char)('0' + i);
    for (int k = 0; k < CANDIDATES; k++) f->contender[i][k].tiling.threads = 1 + k;
  }
}

/// Turns of which the layer's other times are `ratio` of its base's, give or take `noise`.
static void time_layer(onefold_layer *layer, double ratio, double noise, int32_t turns) {
  for (int32_t i = 0; i < turns; i++) {
    layer->base[i] = 1e-3;
    layer->other[i] = 1e-3 * (ratio + noise * (i % 3 - 1));
  }
}

static void race(fixture *f, int contender, double ratio, double noise, int32_t turns) {
  onefold_layer *layer = &f->layer[0];
  layer->current = &f->contender[0][contender];
  time_layer(layer, ratio, noise, turns);
  onefold_layer_count_turns(layer, turns);
}

static void test_halving(void **state) {
  (void)state;
  fixture f;
  create(&f);
  onefold_layer *layer = &f.layer[0];
  assert_null(onefold_layer_leader(layer));
  static const double ratios[CANDIDATES] = {0.95, 0.9, 0.92, 0.85};
  for (int i = 0; i < CANDIDATES; i++) race(&f, i, ratios[i], 0.2, 7);
  onefold_layer_cull(&f.options, layer);
  assert_int_equal(onefold_layer_left(layer), 2); // the slower half is gone, the rest is noise
  assert_ptr_equal(onefold_layer_leader(layer), &f.contender[0][3]);
  assert_ptr_equal(onefold_layer_nth(layer, 0), &f.contender[0][1]);
  assert_ptr_equal(onefold_layer_nth(layer, 1), &f.contender[0][3]);
  assert_ptr_equal(onefold_layer_nth(layer, 2), &f.contender[0][1]);
  assert_true(onefold_layer_is_open(&f.options, layer));
  race(&f, 1, 0.8, 0.2, 40);
  race(&f, 3, 0.85, 0.2, 40);
  onefold_layer_cull(&f.options, layer);
  assert_int_equal(onefold_layer_left(layer), 1);
  assert_ptr_equal(onefold_layer_leader(layer), &f.contender[0][1]);
  while (onefold_layer_is_open(&f.options, layer) && f.contender[0][1].turns < ONEFOLD_MOST_RATIOS)
    race(&f, 1, 0.8, 0.2, 40);
  assert_in_range(f.contender[0][1].turns, 41, ONEFOLD_MOST_RATIOS - 1); // told by more turns
}

/// Who gains less than the margin, or nothing that is told from it however many turns there are.
static void test_no_gain(void **state) {
  (void)state;
  fixture f;
  create(&f);
  onefold_layer *layer = &f.layer[0];
  for (int i = 0; i < CANDIDATES; i++) race(&f, i, 0.99 + 0.01 * i, 0.001, 7);
  onefold_layer_cull(&f.options, layer);
  assert_int_equal(onefold_layer_left(layer), 0);
  assert_null(onefold_layer_leader(layer));
  assert_null(onefold_layer_nth(layer, 5));
  assert_false(onefold_layer_is_open(&f.options, layer));

  create(&f);
  race(&f, 2, 0.95, 0.5, 7);
  onefold_layer_cull(&f.options, layer); // the others could not be run
  assert_int_equal(onefold_layer_left(layer), 1);
  while (onefold_layer_is_open(&f.options, layer)) race(&f, 2, 0.95, 3, 50);
  assert_int_equal(f.contender[0][2].turns, ONEFOLD_MOST_RATIOS);
}

static void test_early_rows(void **state) {
  (void)state;
  fixture f;
  create(&f);
  onefold_layer *layer = &f.layer[0];
  race(&f, 0, 0.9, 0.5, 7);
  onefold_layer_announce(&f.about, layer, 7);
  assert_int_equal(f.early, 0); // within the noise
  race(&f, 1, 0.8, 0.01, 7);
  onefold_layer_announce(&f.about, layer, 7);
  assert_int_equal(f.early, 1);
  assert_int_equal(f.row[0].tiling.threads, 2);
  assert_true(f.row[0].default_ns > 0.99e6 && f.row[0].default_ns < 1.01e6);
  assert_true(f.row[0].median_ns > 0.79e6 && f.row[0].median_ns < 0.81e6);
  assert_int_equal(f.row[0].trials, 7);
  race(&f, 2, 0.9, 0.01, 7);
  onefold_layer_announce(&f.about, layer, 7);
  assert_int_equal(f.early, 1); // nothing new
  race(&f, 1, 1.2, 0.01, 20);
  race(&f, 2, 1.2, 0.01, 20);
  onefold_layer_announce(&f.about, layer, 20);
  assert_int_equal(f.early, 2); // it was luck: the default choice
  assert_int_equal(f.row[0].tiling.threads, 0);
  assert_true(f.row[0].median_ns == f.row[0].default_ns);
  onefold_layer_announce(&f.about, layer, 20);
  assert_int_equal(f.early, 2);
  assert_int_equal(f.final, 0);
}

/// The end game: the first layer gains, the second does not; whole runs take so much of theirs by
/// default.
static void end(fixture *f, double whole, double noise) {
  create(f);
  for (int i = 0; i < 2; i++) {
    f->layer[i].best = &f->contender[i][1];
    time_layer(&f->layer[i], i ? 1.1 : 0.8, 0.01, 41);
  }
  for (int32_t i = 0; i < 41; i++) {
    f->about.by_default[i] = 1;
    f->about.tried[i] = whole + noise * (i % 3 - 1);
  }
}

static void test_end(void **state) {
  (void)state;
  fixture f;
  static const struct {
    double whole, noise;
    int is_slower, is_unclear;
  } cases[] = {{0.9, 0.01, 0, 0}, {1.05, 0.01, 1, 0}, {1.05, 0.5, 0, 1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    end(&f, cases[i].whole, cases[i].noise);
    assert_int_equal(onefold_in_place_is_slower(&f.about, 41), cases[i].is_slower);
    assert_int_equal(onefold_in_place_is_unclear(&f.about, 41), cases[i].is_unclear);
    assert_int_equal(onefold_in_place_leave_out(&f.about, 41), 1);
    assert_non_null(f.layer[0].best);
    assert_null(f.layer[1].best);
    onefold_in_place_settle(&f.about, 41);
    assert_int_equal(f.final, 2);
    assert_int_equal(f.result.dropped, cases[i].is_slower);
    assert_int_equal(f.row[0].tiling.threads, cases[i].is_slower ? 0 : 2);
    assert_int_equal(f.row[0].median_ns < f.row[0].default_ns, !cases[i].is_slower);
    assert_int_equal(f.row[1].tiling.threads, 0);
    assert_true(f.row[1].median_ns == f.row[1].default_ns);
    assert_int_equal(f.result.finished, 1);
    assert_int_equal(f.result.row.trials, 41);
  }
}

/// Of a pair that is slower within whole runs the default is kept, too.
static void test_pair(void **state) {
  (void)state;
  fixture f;
  for (int is_slower = 0; is_slower < 2; is_slower++) {
    end(&f, is_slower ? 1.1 : 0.9, 0.01);
    f.layer[1].best = NULL;
    f.layer[1].steps = 0;
    f.layer[1].pairing = (onefold_pairing){
        .steps = 1, .choice = 2, .default_ns = 2000, .ns = 1500, .spread = 0.01, .turns = 15};
    onefold_layer_announce(&f.about, &f.layer[1], 0);
    assert_int_equal(f.early, 1);
    assert_int_equal(f.row[1].tiling.pair, 2);
    onefold_in_place_settle(&f.about, 41);
    assert_int_equal(f.result.dropped, is_slower ? 2 : 0);
    assert_int_equal(f.row[1].tiling.pair, is_slower ? 0 : 2);
    assert_true(f.row[1].default_ns == 2000 && f.row[1].median_ns == (is_slower ? 2000 : 1500));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_halving),    cmocka_unit_test(test_no_gain),
      cmocka_unit_test(test_early_rows), cmocka_unit_test(test_end),
      cmocka_unit_test(test_pair),
  };
  return cmocka_run_group_tests_name("tune rounds", tests, NULL, NULL);
}
