// SPDX-License-Identifier: BSD-3-Clause
// What the benchmarks run once more on fewer threads is compared with what they ran before: the
// same results pass, and others are the session's failure.
#include "bench/conv.h"
#include "bench/forms.h"
#include "bench/pair.h"
#include "tests/support.h"

/// A session on two threads and on one, for the problem.
typedef struct fixture {
  bench_session session;
  bench_options options;
  bench_argument argument;
} fixture;

static void set_up(fixture *f, const char *problem) {
  *f = (fixture){.options = {.command = "test", .threads = 2, .fewer = 1, .check = 1},
                 .argument.text = problem};
  f->options.arguments = &f->argument;
  f->options.argument_count = 1;
  f->options.forms[BENCH_FOLDED] = 1;
  f->session = (bench_session){.options = &f->options, .out = stdout};
  const onefold_context_options two = {.struct_size = sizeof two, .threads = 2};
  const onefold_context_options one = {.struct_size = sizeof one, .threads = 1};
  assert_int_equal(onefold_context_create(&two, &f->session.context), ONEFOLD_OK);
  assert_int_equal(onefold_context_create(&one, &f->session.fewer), ONEFOLD_OK);
}

static void tear_down(fixture *f) {
  onefold_context_destroy(f->session.fewer);
  onefold_context_destroy(f->session.context);
}

static onefold_exit expected(int wrong) {
  return wrong ? ONEFOLD_EXIT_WRONG : ONEFOLD_EXIT_OK;
}

static void test_conv(void **state) {
  (void)state;
  for (int wrong = 0; wrong < 2; wrong++) {
    fixture f;
    bench_problems problems;
    bench_conv conv;
    bench_conv_again again;
    set_up(&f, "ic17ih9oc33kh3ph1");
    assert_int_equal(onefold_bench_problems_parse(&f.options, &problems), 0);
    assert_int_equal(onefold_bench_conv_make(&f.session, &problems.items[0], &conv), 0);
    assert_int_equal(f.session.status, ONEFOLD_EXIT_OK);
    conv.plain_out[33 * 81 - 1] += (float)wrong;
    assert_int_equal(onefold_bench_conv_again_make(&conv, &again), 0);
    assert_int_equal(f.session.status, expected(wrong));
    onefold_bench_conv_again_destroy(&again);
    onefold_bench_conv_destroy(&conv);
    onefold_bench_problems_free(&problems);
    tear_down(&f);
  }
}

static void test_pair(void **state) {
  (void)state;
  for (int wrong = 0; wrong < 2; wrong++) {
    fixture f;
    bench_pair_problems problems;
    bench_pair pair;
    bench_pair_again again;
    set_up(&f, "g17ic17ih9oc17kh3ph1+ic17ih9oc33kh1");
    assert_int_equal(onefold_bench_pair_problems_parse(&f.options, &problems), 0);
    assert_int_equal(onefold_bench_pair_make(&f.session, &problems.items[0], &pair), 0);
    assert_int_equal(f.session.status, ONEFOLD_EXIT_OK);
    pair.plain_out[33 * 81 - 1] += (float)wrong;
    assert_int_equal(onefold_bench_pair_again_make(&pair, &again), 0);
    assert_int_equal(f.session.status, expected(wrong));
    onefold_exec_info info;
    onefold_exec_get_info(again.exec, &info);
    assert_int_equal(info.steps, 1); // it is one operator there, too
    onefold_bench_pair_again_destroy(&again);
    onefold_bench_pair_destroy(&pair);
    onefold_bench_pair_problems_free(&problems);
    tear_down(&f);
  }
}

static void test_block(void **state) {
  (void)state;
  for (int wrong = 0; wrong < 2; wrong++) {
    fixture f;
    onefold_weights *weights = NULL;
    bench_model_spec spec = {.block = "repvgg", .problem = "a block"};
    bench_model model;
    bench_model_again again;
    float plain[24 * 49];
    set_up(&f, "");
    assert_int_equal(onefold_weights_seeded(f.session.context, 1, &weights), ONEFOLD_OK);
    assert_int_equal(onefold_block_params_init(f.session.context, "repvgg", &spec.params),
                     ONEFOLD_OK);
    spec.params.input = (onefold_shape){1, 8, 7, 7};
    spec.params.out_channels = 24;
    spec.weights = weights;
    assert_int_equal(onefold_bench_model_make(&f.session, &spec, &model), 0);
    assert_int_equal(onefold_bench_model_plain_floats(&model), sizeof plain / sizeof plain[0]);
    assert_int_equal(onefold_bench_model_plain(&model, model.forms[BENCH_FOLDED].outputs, plain),
                     ONEFOLD_OK);
    plain[24 * 49 - 1] += (float)wrong;
    assert_int_equal(onefold_bench_model_again_make(&model, plain, &again), 0);
    assert_int_equal(f.session.status, expected(wrong));
    onefold_bench_model_again_destroy(&again);
    onefold_bench_model_destroy(&model);
    onefold_weights_close(weights);
    tear_down(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_conv), cmocka_unit_test(test_pair),
                                     cmocka_unit_test(test_block)};
  return cmocka_run_group_tests_name("again", tests, NULL, NULL);
}
