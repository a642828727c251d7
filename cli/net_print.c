// SPDX-License-Identifier: BSD-3-Clause
// A planned network: a line for each step, and totals; or the same as JSON.
#include "bench/text.h"
#include "cli/blocks.h"
#include "cli/net.h"

#include <stdio.h>
#include <string.h>

typedef struct totals {
  double macs, packed, moved;
  size_t workspace; // the largest
} totals;

static onefold_shape input_shape(const cli_net *net) {
  return onefold_graph_shape(net->built, onefold_graph_input_at(net->built, 0));
}

static size_t step_count(const cli_net *net, onefold_exec_info *info) {
  onefold_exec_get_info(net->exec, info);
  return info->steps;
}

static void add_up(const onefold_exec_step *step, totals *sum) {
  sum->macs += step->macs;
  sum->packed += (double)step->packed_bytes;
  sum->moved += (double)(step->read_bytes + step->written_bytes);
  if (step->workspace_bytes > sum->workspace) sum->workspace = step->workspace_bytes;
}

// ------------------------------------------------------------------ as text

static const bench_column columns[] = {{"#", 4},           {"operator", -13}, {"name", -40},
                                       {"in", -13},        {"out", -13},      {"convolution", -28},
                                       {"MACs", 8},        {"weights", 9},    {"moves", 9},
                                       {"algorithm", -11}, {"kernel", -26},   {"tiling", -40},
                                       {"from", -8}};
#define COLUMNS (sizeof columns / sizeof *columns)
enum { NUMBER, OPERATOR, NAME, IN, OUT, CONV, MACS, WEIGHTS, MOVES };
enum { ALGORITHM = MOVES + 1, KERNEL, TILING, FROM };

static bench_cell shape_cell(onefold_shape s) {
  return onefold_bench_cell("%lldx%lldx%lld", (long long)s.c, (long long)s.h, (long long)s.w);
}

static bench_cell macs_cell(double macs) {
  return macs > 0 ? onefold_bench_cell("%.2f M", macs * 1e-6) : onefold_bench_cell("%s", "");
}

static bench_cell bytes_cell(double bytes) {
  return bytes > 0 ? onefold_bench_cell_bytes(bytes) : onefold_bench_cell("%s", "");
}

/// "3x3 s2 g4 +residual +relu"
static bench_cell conv_cell(const onefold_conv2d_desc *d) {
  char stride[24] = "", groups[24] = "";
  if (d->stride_h != 1 || d->stride_w != 1)
    snprintf(stride, sizeof stride, " s%lld", (long long)d->stride_h);
  if (d->groups > 1) snprintf(groups, sizeof groups, " g%lld", (long long)d->groups);
  const int act = d->activation != ONEFOLD_ACT_NONE;
  return onefold_bench_cell("%lldx%lld%s%s%s%s%s", (long long)d->kernel_h, (long long)d->kernel_w,
                            stride, groups, d->residual != ONEFOLD_RESIDUAL_NONE ? " +res" : "",
                            act ? " +" : "", act ? onefold_activation_name(d->activation) : "");
}

/// Without what all kernels' names begin with.
static const char *short_kernel(const char *kernel) {
  static const char prefix[] = "onefold_uk_";
  const size_t length = sizeof prefix - 1;
  return strncmp(kernel, prefix, length) == 0 ? kernel + length : kernel;
}

/// "block_in=4,threads=2": what a plan chose beside the algorithm and the kernel.
static void print_tiling(const onefold_tiling *tiling, char *text, size_t size) {
  size_t count = 0, used = 0;
  const onefold_tiling_field *fields = onefold_tiling_fields(&count);
  text[0] = '\0';
  for (size_t i = 0; i < count && used < size; i++) {
    int32_t number = 0;
    if (fields[i].size == 0)
      memcpy(&number, (const char *)tiling + fields[i].offset, sizeof number);
    if (number)
      used += (size_t)snprintf(text + used, size - used, "%s%s=%d", used ? "," : "", fields[i].name,
                               (int)number);
  }
}

static void fill_conv(const onefold_exec_conv *conv, bench_cell *cells) {
  cells[CONV] = conv_cell(&conv->desc);
  cells[ALGORITHM] = onefold_bench_cell("%s", conv->plan.algorithm);
  cells[KERNEL] = onefold_bench_cell("%s", short_kernel(conv->plan.kernel));
  print_tiling(&conv->tiling, cells[TILING].text, sizeof cells[TILING].text);
  cells[FROM] = onefold_bench_cell("%s", conv->plan.source);
}

/// A line, and one more for the second convolution of a pair.
static void print_step(size_t index, const onefold_exec_step *step) {
  bench_cell cells[COLUMNS] = {{{0}}};
  cells[NUMBER] = onefold_bench_cell("%zu", index);
  cells[OPERATOR] = onefold_bench_cell("%s", step->op);
  cells[NAME] = onefold_bench_cell("%.40s", step->name);
  cells[IN] = shape_cell(step->in);
  cells[OUT] = shape_cell(step->out);
  cells[MACS] = macs_cell(step->macs);
  cells[WEIGHTS] = bytes_cell((double)step->packed_bytes);
  cells[MOVES] = bytes_cell((double)(step->read_bytes + step->written_bytes));
  if (step->conv_count) fill_conv(&step->convs[0], cells);
  onefold_bench_table_row(stdout, columns, COLUMNS, cells);
  for (size_t i = 1; i < step->conv_count; i++) {
    memset(cells, 0, sizeof cells);
    fill_conv(&step->convs[i], cells);
    onefold_bench_table_row(stdout, columns, COLUMNS, cells);
  }
}

static void print_graph(const char *what, const onefold_graph *graph) {
  const onefold_graph_totals t = onefold_graph_count(graph);
  printf("  %-12s %lld nodes, %lld parameters, %.0f multiply-adds\n", what, (long long)t.nodes,
         (long long)t.parameters, t.macs);
}

static void print_head(const cli_net *net) {
  const onefold_shape in = input_shape(net);
  const int threads = (int)onefold_context_threads(net->context);
  printf("%s: %s\n", net->name, onefold_network_summary(net->name));
  printf("  %-12s %lldx%lldx%lldx%lld; %s, %s, %d thread%s\n", "input", (long long)in.n,
         (long long)in.c, (long long)in.h, (long long)in.w,
         onefold_isa_name(onefold_context_isa(net->context)), onefold_accuracy_name(net->accuracy),
         threads, threads == 1 ? "" : "s");
  print_graph("training", net->built);
  if (net->folded) print_graph(onefold_bench_forms[net->form].key, net->folded);
  puts("");
}

int onefold_cli_net_print(const cli_net *net) {
  onefold_exec_info info;
  onefold_exec_step step;
  totals sum = {0};
  const size_t count = step_count(net, &info);
  print_head(net);
  onefold_bench_table_head(stdout, columns, COLUMNS);
  for (size_t i = 0; i < count && onefold_exec_get_step(net->exec, i, &step) == ONEFOLD_OK; i++) {
    print_step(i + 1, &step);
    add_up(&step, &sum);
  }
  bench_cell cells[COLUMNS] = {{{0}}};
  cells[OPERATOR] = onefold_bench_cell("%s", "total");
  cells[MACS] = macs_cell(sum.macs);
  cells[WEIGHTS] = bytes_cell(sum.packed);
  cells[MOVES] = bytes_cell(sum.moved);
  onefold_bench_table_row(stdout, columns, COLUMNS, cells);
  printf("\narena %s at its peak; its tensors one by one take %s, the largest workspace %s\n",
         onefold_bench_cell_bytes((double)info.arena_bytes).text,
         onefold_bench_cell_bytes((double)info.tensor_bytes).text,
         onefold_bench_cell_bytes((double)sum.workspace).text);
  return ONEFOLD_EXIT_OK;
}

// ------------------------------------------------------------------ as JSON

static json_t *shape_json(onefold_shape s) {
  return json_pack("[I, I, I, I]", (json_int_t)s.n, (json_int_t)s.c, (json_int_t)s.h,
                   (json_int_t)s.w);
}

static json_t *conv_json(const onefold_exec_conv *conv) {
  char problem[160], tiling[160];
  onefold_conv2d_desc_print(&conv->desc, problem, sizeof problem);
  print_tiling(&conv->tiling, tiling, sizeof tiling);
  return json_pack("{s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:f, s:I}", "problem", problem,
                   "activation", onefold_activation_name(conv->desc.activation), "residual",
                   conv->desc.residual != ONEFOLD_RESIDUAL_NONE, "algorithm", conv->plan.algorithm,
                   "kernel", conv->plan.kernel, "tiling", tiling, "source", conv->plan.source,
                   "macs", conv->plan.macs, "packed_bytes", (json_int_t)conv->plan.packed_bytes);
}

static json_t *step_json(const onefold_exec_step *step) {
  json_t *convs = json_array();
  for (size_t i = 0; i < step->conv_count; i++)
    json_array_append_new(convs, conv_json(&step->convs[i]));
  return json_pack("{s:s, s:s, s:o, s:o, s:f, s:I, s:I, s:I, s:I, s:o}", "name", step->name,
                   "operator", step->op, "in", shape_json(step->in), "out", shape_json(step->out),
                   "macs", step->macs, "packed_bytes", (json_int_t)step->packed_bytes, "read_bytes",
                   (json_int_t)step->read_bytes, "written_bytes", (json_int_t)step->written_bytes,
                   "workspace_bytes", (json_int_t)step->workspace_bytes, "convs", convs);
}

static json_t *graph_json(const onefold_graph *graph) {
  const onefold_graph_totals t = onefold_graph_count(graph);
  return json_pack("{s:I, s:I, s:f}", "nodes", (json_int_t)t.nodes, "parameters",
                   (json_int_t)t.parameters, "macs", t.macs);
}

int onefold_cli_net_print_json(const cli_net *net) {
  onefold_exec_info info;
  onefold_exec_step step;
  const size_t count = step_count(net, &info);
  json_t *steps = json_array();
  for (size_t i = 0; i < count && onefold_exec_get_step(net->exec, i, &step) == ONEFOLD_OK; i++)
    json_array_append_new(steps, step_json(&step));
  return onefold_cli_print_json(
      net->command,
      json_pack("{s:s, s:s, s:s, s:o, s:s, s:s, s:i, s:o, s:o, s:I, s:I, s:I, s:o}", "version",
                onefold_version(), "network", net->name, "form", onefold_bench_forms[net->form].key,
                "input", shape_json(input_shape(net)), "isa",
                onefold_isa_name(onefold_context_isa(net->context)), "accuracy",
                onefold_accuracy_name(net->accuracy), "threads",
                (int)onefold_context_threads(net->context), "training", graph_json(net->built),
                "runs", graph_json(net->folded ? net->folded : net->built), "packed_bytes",
                (json_int_t)info.packed_bytes, "arena_bytes", (json_int_t)info.arena_bytes,
                "tensor_bytes", (json_int_t)info.tensor_bytes, "steps", steps));
}
