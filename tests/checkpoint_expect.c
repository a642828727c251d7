// SPDX-License-Identifier: BSD-3-Clause
// Folding checkpoints in tests: callbacks, files, and what is expected of the result.
#include "models/safetensors.h"
#include "tests/checkpoint_support.h"
#include "tests/graph_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void see_block(void *user, const onefold_checkpoint_block *block) {
  test_seen *s = user;
  s->blocks++;
  s->block = *block;
  snprintf(s->prefix, sizeof s->prefix, "%s", block->prefix);
  snprintf(s->family, sizeof s->family, "%s", block->family);
  snprintf(s->reason, sizeof s->reason, "%s", block->reason);
  if (!block->region) return;
  s->regions++;
  s->region = *block->region;
}

static void see_rest(void *user, const char *name, const char *dtype, const int64_t *dims,
                     int32_t rank) {
  (void)name, (void)dtype, (void)dims, (void)rank;
  ((test_seen *)user)->rest++;
}

onefold_checkpoint_options test_options_for(test_seen *s) {
  onefold_checkpoint_options options;
  onefold_checkpoint_options_init(&options);
  *s = (test_seen){0};
  options.block = see_block;
  options.rest = see_rest;
  options.user = s;
  return options;
}

test_place *test_place_make(void) {
  test_place *p = calloc(1, sizeof *p);
  assert_non_null(p);
  p->context = test_context(ONEFOLD_ISA_REF, 1);
  test_directory_make(&p->directory);
  test_file(&p->directory, "in.safetensors", p->in);
  test_file(&p->directory, "out.safetensors", p->out);
  test_file(&p->directory, "again.safetensors", p->again);
  return p;
}

void test_place_remove(test_place *p) {
  test_checkpoint_clear(&p->checkpoint);
  test_directory_remove(&p->directory);
  onefold_context_destroy(p->context);
  free(p);
}

void test_checkpoint_others(test_checkpoint *checkpoint) {
  static const unsigned char bytes[64] = {1, 2, 3, 4, 5, 6, 7};
  test_checkpoint_add(checkpoint, "linear.weight", "F32", (const int64_t[]){2, 3}, 2, bytes, 24);
  test_checkpoint_add(checkpoint, "head.conv.weight", "F16", (const int64_t[]){7}, 1, bytes, 14);
  test_checkpoint_add(checkpoint, "anchors", "I64", (const int64_t[]){3}, 1, bytes, 24);
  test_checkpoint_add(checkpoint, "odd", "U8", (const int64_t[]){5}, 1, bytes, 5);
  test_checkpoint_add(checkpoint, "strange", "F8_E4M3", (const int64_t[]){3}, 1, bytes, 3);
  test_checkpoint_add(checkpoint, "empty", "F32", (const int64_t[]){0, 4}, 2, bytes, 0);
}

onefold_weights *test_place_open(test_place *p, const char *path) {
  onefold_weights *weights;
  test_ok(p->context, onefold_weights_open(p->context, path, &weights));
  return weights;
}

void test_expect_same_file(const onefold_weights *a, const onefold_weights *b) {
  const onefold_safetensors *x = onefold_weights_file(a), *y = onefold_weights_file(b);
  assert_int_equal(x->length, y->length);
  assert_memory_equal(x->bytes, y->bytes, x->length);
}

/// The last convolution of the block as it folds with its true parameters.
static onefold_graph *fold_directly(test_place *p, const test_family *c, const char *prefix,
                                    double epsilon, const onefold_graph_node **conv) {
  onefold_block_params params;
  onefold_graph *graph, *folded;
  test_ok(p->context, onefold_block_params_init(p->context, c->block, &params));
  test_ok(p->context, onefold_block_params_set(p->context, &params, c->params));
  params.prefix = prefix;
  params.activation = ONEFOLD_ACT_RELU;
  if (epsilon >= 0) params.bn_epsilon = epsilon;
  onefold_weights *weights = test_place_open(p, p->in);
  test_ok(p->context, onefold_block_build(p->context, c->block, &params, weights, &graph));
  onefold_fold_options options;
  onefold_fold_options_init(&options);
  options.force = 1;
  test_ok(p->context, onefold_fold(p->context, graph, &options, &folded));
  *conv = NULL;
  for (onefold_node i = 0; i < folded->node_count; i++)
    if (folded->nodes[i].kind == ONEFOLD_NODE_CONV2D) *conv = &folded->nodes[i];
  assert_non_null(*conv);
  onefold_graph_destroy(graph);
  onefold_weights_close(weights);
  return folded;
}

static void expect_tensor(test_place *p, const onefold_weights *weights, const char *name,
                          const int64_t *dims, int32_t rank, const float *want) {
  size_t count = 1;
  for (int32_t i = 0; i < rank; i++) count *= (size_t)dims[i];
  float *got = malloc(count * sizeof *got);
  assert_non_null(got);
  test_ok(p->context, onefold_weights_read(weights, name, dims, rank, got));
  assert_string_equal(onefold_safetensors_find(onefold_weights_file(weights), name)->dtype_name,
                      "F32");
  const size_t different = test_first_difference(got, want, count);
  if (different < count)
    test_failed("%s[%zu] is %g, not %g", name, different, (double)got[different],
                (double)want[different]);
  free(got);
}

/// The deploy form's tensors against folding the block alone.
void test_expect_deploy(test_place *p, const test_family *c, const char *prefix, double epsilon,
                        const onefold_weights *out) {
  const onefold_graph_node *conv;
  onefold_graph *graph = fold_directly(p, c, prefix, epsilon, &conv);
  const int64_t dims[4] = {c->out, c->in / c->groups, c->kernel, c->kernel};
  char name[160];
  snprintf(name, sizeof name, "%s%s.weight", prefix, c->deploy);
  expect_tensor(p, out, name, dims, 4, conv->as.conv2d.weight);
  snprintf(name, sizeof name, "%s%s.bias", prefix, c->deploy);
  expect_tensor(p, out, name, dims, 1, conv->as.conv2d.bias);
  onefold_graph_destroy(graph);
}

int test_count_copied(const onefold_weights *in, const onefold_weights *out) {
  const onefold_safetensors *from = onefold_weights_file(in), *to = onefold_weights_file(out);
  int copied = 0;
  for (size_t i = 0; i < to->count; i++) {
    const onefold_tensor *t = &to->tensors[i], *s = onefold_safetensors_find(from, t->name);
    if (t->dtype) assert_int_equal(t->begin % t->dtype->bytes, 0);
    if (!s) continue;
    copied++;
    assert_string_equal(s->dtype_name, t->dtype_name);
    assert_int_equal(s->rank, t->rank);
    assert_memory_equal(s->dims, t->dims, sizeof s->dims);
    assert_int_equal(s->end - s->begin, t->end - t->begin);
    assert_memory_equal(onefold_safetensors_bytes(from, s), onefold_safetensors_bytes(to, t),
                        s->end - s->begin);
  }
  return copied;
}

void test_count_states(void *user, const onefold_checkpoint_block *block) {
  ((int *)user)[block->state]++;
}
