// SPDX-License-Identifier: BSD-3-Clause
// The forms of a block or network as a table, and what folding did.
#include "bench/forms.h"
#include "bench/timed.h"

void onefold_bench_model_print(const bench_model *model, const char *name,
                               const bench_stat *steps) {
  bench_session *session = model->session;
  const bench_stat *folded = &model->forms[BENCH_FOLDED].stat;
  fprintf(session->out, "\n%s  (%s in, %s out)\n", name,
          onefold_layout_name(model->inputs[0].layout),
          onefold_layout_name(model->outputs[0].layout));
  onefold_bench_rows_head(session);
  for (int i = 0; i < BENCH_FORMS; i++) {
    const bench_form *form = &model->forms[i];
    if (!form->ready) continue;
    onefold_bench_rows_add(session, onefold_bench_forms[i].title, &form->stat, form->flops,
                           form->bytes, i != BENCH_FOLDED && folded->count ? folded : NULL,
                           form->max_error);
  }
  for (int i = 0; i < BENCH_STEPS; i++) {
    onefold_bench_rows_add(session, onefold_bench_step_key(i), &steps[i], 0, 0, NULL, -1.0);
  }
  for (int i = 0; i < BENCH_FORMS; i++) {
    const bench_form *form = &model->forms[i];
    if (!form->ready) continue;
    fprintf(session->out, "%-12s  %zu operator%s, weights %s, arena %s",
            onefold_bench_forms[i].title, form->info.steps, form->info.steps == 1 ? "" : "s",
            onefold_bench_cell_bytes((double)form->info.packed_bytes).text,
            onefold_bench_cell_bytes((double)form->info.arena_bytes).text);
    if (form->info.tensor_bytes)
      fprintf(session->out, " at its peak, its tensors one by one %s",
              onefold_bench_cell_bytes((double)form->info.tensor_bytes).text);
    fputc('\n', session->out);
  }
  fflush(session->out);
}

void onefold_bench_model_print_regions(const bench_model *model) {
  FILE *out = model->session->out;
  size_t exact = 0;
  for (size_t i = 0; i < model->region_count; i++) {
    exact += model->regions[i].verdict == ONEFOLD_FOLD_EXACT;
  }
  if (!model->region_count) return;
  fprintf(out, "folded exactly: %zu of %zu part%s\n", exact, model->region_count,
          model->region_count == 1 ? "" : "s");
  for (size_t i = 0; i < model->region_count; i++) {
    const bench_region *r = &model->regions[i];
    if (model->is_network && r->verdict == ONEFOLD_FOLD_EXACT) continue;
    fprintf(out, "  %-28s %-13s %-24s %9.4g -> %9.4g multiply-adds%s%s\n", r->name, r->kind,
            onefold_fold_verdict_name(r->verdict), r->macs_before, r->macs_after,
            r->reason[0] ? "; " : "", r->reason);
  }
}
