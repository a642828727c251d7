// SPDX-License-Identifier: BSD-3-Clause
// onefold run: one block or network on arrays of .npy files, to be compared with another framework.
#include "cli/run.h"

#include "bench/cached.h"
#include "cli/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// What is made on the way, each part once; all of it is released at the end.
typedef struct run {
  const cli_run_options *options;
  onefold_context *context;
  onefold_tilings *tilings;
  onefold_block_params params;
  onefold_array inputs[MAX_FILES], outputs[MAX_FILES]; // values of outputs by malloc
  onefold_shape shapes[MAX_FILES];                     // of the inputs
  onefold_weights *weights;
  onefold_graph *built;
  onefold_exec *exec;
} run;

static onefold_exit check(const run *r, onefold_status status) {
  return status == ONEFOLD_OK ? ONEFOLD_EXIT_OK
                              : onefold_cli_fail(r->options->command, r->context, status);
}

// ------------------------------------------------------------------- inputs

static onefold_exit read_input(run *r, size_t i) {
  const char *path = r->options->inputs.items[i];
  onefold_array *array = &r->inputs[i];
  const onefold_exit code = check(r, onefold_array_read(r->context, path, array));
  if (code) return code;
  if (array->rank != 3 && array->rank != 4)
    return onefold_cli_say(r->options->command, ONEFOLD_EXIT_USAGE,
                           "%s: %d dimensions; 4 (NCHW) or 3 (CHW) are needed", path,
                           (int)array->rank);
  const int64_t *dims = array->dims + (array->rank - 3);
  r->shapes[i] = (onefold_shape){array->rank == 4 ? array->dims[0] : 1, dims[0], dims[1], dims[2]};
  return ONEFOLD_EXIT_OK;
}

/// Non-zero where the block has a second input, which its typical parameters then have too.
static int has_route(run *r) {
  onefold_block_params typical = r->params;
  typical.route_channels = 0;
  onefold_block_params_set(r->context, &typical, onefold_block_typical(r->options->model));
  return typical.route_channels > 0;
}

static int is_network(const run *r) {
  return onefold_network_summary(r->options->model) != NULL;
}

/// A network has no parameters but the shape of its image.
static onefold_exit read_image(run *r) {
  const cli_run_options *o = r->options;
  if (o->sets.count || *o->prefix)
    return onefold_cli_say(o->command, ONEFOLD_EXIT_USAGE, "--%s: %s is a network, not a block",
                           o->sets.count ? "set" : "prefix", o->model);
  onefold_exit code = ONEFOLD_EXIT_OK;
  for (size_t i = 0; i < o->inputs.count && !code; i++) code = read_input(r, i);
  return code;
}

/// The block's parameters: its defaults, what was set, and the shapes of the inputs.
static onefold_exit read_params(run *r) {
  const cli_run_options *o = r->options;
  if (is_network(r)) return read_image(r);
  onefold_status status = onefold_block_params_init(r->context, o->model, &r->params);
  if (status == ONEFOLD_NOT_FOUND) {
    check(r, status);
    return onefold_cli_say(o->command, ONEFOLD_EXIT_USAGE, "onefold net lists the networks");
  }
  for (size_t i = 0; i < o->sets.count && status == ONEFOLD_OK; i++)
    status = onefold_block_params_set(r->context, &r->params, o->sets.items[i]);
  onefold_exit code = check(r, status);
  for (size_t i = 0; i < o->inputs.count && !code; i++) code = read_input(r, i);
  r->params.prefix = o->prefix;
  r->params.input = r->shapes[0];
  if (o->inputs.count > 1 && has_route(r)) r->params.route_channels = r->shapes[1].c;
  return code;
}

static onefold_status open_weights(run *r) {
  const cli_run_options *o = r->options;
  return o->weights ? onefold_weights_open(r->context, o->weights, &r->weights)
                    : onefold_weights_seeded(r->context, o->seed, &r->weights);
}

// ------------------------------------------------------------------- graphs

static onefold_status build(run *r) {
  const cli_run_options *o = r->options;
  return is_network(r)
             ? onefold_network_build(r->context, o->model, r->shapes[0], r->weights, &r->built)
             : onefold_block_build(r->context, o->model, &r->params, r->weights, &r->built);
}

static void print_region(void *user, const onefold_fold_region *region) {
  (void)user;
  printf("%s: %s: %s; nodes %d -> %d, parameters %lld -> %lld, MACs %.4g -> %.4g%s%s\n",
         region->name, region->kind, onefold_fold_verdict_name(region->verdict),
         (int)region->nodes_before, (int)region->nodes_after, (long long)region->parameters_before,
         (long long)region->parameters_after, region->macs_before, region->macs_after,
         region->reason[0] ? "; " : "", region->reason);
}

/// The graph that is run: an onefold_graph_make_fn of a run.
static onefold_status make_graph(void *user, onefold_context *context, onefold_graph **graph) {
  run *r = user;
  onefold_status status = open_weights(r);
  if (status == ONEFOLD_OK) status = build(r);
  if (status == ONEFOLD_OK)
    status = onefold_bench_form_fold(context, r->built, r->options->form,
                                     r->options->verbose ? print_region : NULL, NULL, graph);
  if (status == ONEFOLD_OK && !*graph) {
    *graph = r->built;
    r->built = NULL;
  }
  return status;
}

// --------------------------------------------------------------- executions

/// What is run, for a cache: all that the graph depends on.
static onefold_exit describe(const run *r, char content[BENCH_CONTENT]) {
  const cli_run_options *o = r->options;
  char what[BENCH_CONTENT - 64];
  size_t used = (size_t)snprintf(what, sizeof what, "%s", o->model);
  for (size_t i = 0; i < o->inputs.count && used < sizeof what; i++) {
    const onefold_shape s = r->shapes[i];
    used += (size_t)snprintf(what + used, sizeof what - used, " %lldx%lldx%lldx%lld",
                             (long long)s.n, (long long)s.c, (long long)s.h, (long long)s.w);
  }
  for (size_t i = 0; i < o->sets.count && used < sizeof what; i++)
    used += (size_t)snprintf(what + used, sizeof what - used, ", %s", o->sets.items[i]);
  if (*o->prefix && used < sizeof what)
    used += (size_t)snprintf(what + used, sizeof what - used, ", at %s", o->prefix);
  if (used >= sizeof what)
    return onefold_cli_say(o->command, ONEFOLD_EXIT_USAGE,
                           "--cache: what is set takes more than %zu characters", sizeof what - 1);
  return check(r, onefold_bench_content(r->context, what, o->form, o->weights, o->seed, content));
}

static onefold_exit prepare(run *r) {
  const cli_run_options *o = r->options;
  if (!is_network(r) && !r->params.out_channels)
    return onefold_cli_say(o->command, ONEFOLD_EXIT_USAGE,
                           "out_channels is not known; --set out_channels=N");
  char content[BENCH_CONTENT] = "";
  const onefold_exit code = o->cache ? describe(r, content) : ONEFOLD_EXIT_OK;
  if (code) return code;
  const onefold_exec_options options =
      onefold_bench_form_options(o->form, ONEFOLD_NCHW, ONEFOLD_NCHW);
  const onefold_cache_options cache = onefold_bench_cache(o->cache, o->command);
  return check(r,
               onefold_exec_cached(r->context, &cache, content, make_graph, r, &options, &r->exec));
}

static size_t count_of(const onefold_exec *exec,
                       onefold_shape (*at)(const onefold_exec *exec, size_t index)) {
  size_t count = 0;
  while (at(exec, count).n) count++;
  return count;
}

static onefold_exit check_files(const run *r, const char *what, size_t files, size_t has) {
  if (files == has) return ONEFOLD_EXIT_OK;
  return onefold_cli_say(r->options->command, ONEFOLD_EXIT_USAGE,
                         "%s has %zu %s%s, --%s is given %zu time%s", r->options->model, has, what,
                         has == 1 ? "" : "s", what, files, files == 1 ? "" : "s");
}

static int same_shape(onefold_shape a, onefold_shape b) {
  return a.n == b.n && a.c == b.c && a.h == b.h && a.w == b.w;
}

/// The files against what the execution reads and writes.
static onefold_exit check_shapes(run *r) {
  const cli_run_options *o = r->options;
  onefold_exit code =
      check_files(r, "input", o->inputs.count, count_of(r->exec, onefold_exec_input_shape));
  if (!code)
    code = check_files(r, "output", o->outputs.count, count_of(r->exec, onefold_exec_output_shape));
  for (size_t i = 0; i < o->inputs.count && !code; i++) {
    const onefold_shape s = onefold_exec_input_shape(r->exec, i);
    if (same_shape(s, r->shapes[i])) continue;
    code =
        onefold_cli_say(o->command, ONEFOLD_EXIT_USAGE,
                        "%s: input %zu of %s is %lldx%lldx%lldx%lld", o->inputs.items[i], i + 1,
                        o->model, (long long)s.n, (long long)s.c, (long long)s.h, (long long)s.w);
  }
  return code;
}

// ------------------------------------------------------------------ running

static void print_step(void *user, const char *text) {
  (void)user;
  puts(text);
}

/// Room for the results.
static onefold_exit make_outputs(run *r) {
  for (size_t i = 0; i < r->options->outputs.count; i++) {
    const onefold_shape s = onefold_exec_output_shape(r->exec, i);
    const size_t count = onefold_tensor_elements(r->context, s, ONEFOLD_NCHW);
    r->outputs[i] = (onefold_array){.dims = {s.n, s.c, s.h, s.w}, .rank = 4};
    r->outputs[i].values = calloc(count, sizeof *r->outputs[i].values);
    if (!r->outputs[i].values)
      return onefold_cli_say(r->options->command, ONEFOLD_EXIT_FAILURE,
                             "no memory for a result of %zu elements", count);
  }
  return ONEFOLD_EXIT_OK;
}

static onefold_exit execute(run *r) {
  const float *inputs[MAX_FILES];
  float *outputs[MAX_FILES];
  for (size_t i = 0; i < MAX_FILES; i++) {
    inputs[i] = r->inputs[i].values;
    outputs[i] = r->outputs[i].values;
  }
  if (r->options->verbose) onefold_exec_describe(r->exec, print_step, NULL);
  return check(r, onefold_exec_run(r->exec, inputs, outputs));
}

static onefold_exit write_outputs(const run *r) {
  onefold_exit code = ONEFOLD_EXIT_OK;
  for (size_t i = 0; i < r->options->outputs.count && !code; i++)
    code = check(r, onefold_array_write(r->context, r->options->outputs.items[i], &r->outputs[i]));
  return code;
}

static void release(run *r) {
  onefold_exec_destroy(r->exec);
  onefold_graph_destroy(r->built);
  onefold_weights_close(r->weights);
  for (size_t i = 0; i < MAX_FILES; i++) {
    if (r->context) onefold_array_release(r->context, &r->inputs[i]);
    free(r->outputs[i].values);
  }
  onefold_context_destroy(r->context);
  onefold_bench_tilings_free(&r->tilings);
}

int onefold_cli_run(int argc, char **argv) {
  cli_run_options o;
  onefold_exit code = onefold_cli_run_parse(argc, argv, &o);
  if (code) return code;
  run r = {.options = &o};
  code = onefold_cli_tuned_context(o.command, o.threads, o.has_isa ? &o.isa : NULL, o.accuracy,
                                   o.record, ONEFOLD_IN_PLACE, &r.context, &r.tilings);
  static onefold_exit (*const stages[])(run * r) = {read_params, prepare, check_shapes,
                                                    make_outputs, execute};
  for (size_t i = 0; i < sizeof stages / sizeof stages[0] && !code; i++) code = stages[i](&r);
  if (!code) code = write_outputs(&r);
  release(&r);
  return code;
}
