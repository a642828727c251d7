// SPDX-License-Identifier: BSD-3-Clause
// The dispatch table: kernel_list.def as an array, and the rows of one level.
#include "kernels/declare.h"

#include <string.h>

#define ROW(op_, isa_, v_, p_, q_, variant_, name_)                                                \
  {#name_, ONEFOLD_OP_##op_, ONEFOLD_ISA_##isa_, v_, p_, q_, variant_, (void (*)(void))name_},

// Operators and levels as the list writes them, in the enums' spelling.
#define OP_conv_s1           CONV_S1
#define OP_conv_s2           CONV_S2
#define OP_conv_sn           CONV_SN
#define OP_plain_s1          PLAIN_S1
#define OP_plain_s2          PLAIN_S2
#define OP_plain_sn          PLAIN_SN
#define OP_depthwise_s1      DEPTHWISE_S1
#define OP_depthwise_s2      DEPTHWISE_S2
#define OP_depthwise_sn      DEPTHWISE_SN
#define OP_grouped_s1        GROUPED_S1
#define OP_grouped_s2        GROUPED_S2
#define OP_grouped_sn        GROUPED_SN
#define OP_winograd_in       WINOGRAD_IN
#define OP_winograd_out      WINOGRAD_OUT
#define OP_polyphase_out     POLYPHASE_OUT
#define OP_pool_max          POOL_MAX
#define OP_pool_mean         POOL_MEAN
#define OP_add               ADD
#define OP_scale_shift       SCALE_SHIFT
#define OP_to_blocked        TO_BLOCKED
#define OP_from_blocked      FROM_BLOCKED
#define OP_rows_to_blocked   ROWS_TO_BLOCKED
#define OP_rows_from_blocked ROWS_FROM_BLOCKED
#define OP_peak_fma          PEAK_FMA
#define OP_peak_read         PEAK_READ
#define OP_peak_copy         PEAK_COPY
#define ACT_relu             ONEFOLD_ACT_RELU
#define ACT_relu6            ONEFOLD_ACT_RELU6
#define ACT_leaky_relu       ONEFOLD_ACT_LEAKY_RELU
#define ACT_silu             ONEFOLD_ACT_SILU
#define ACT_hard_swish       ONEFOLD_ACT_HARD_SWISH
#define ACT_hard_sigmoid     ONEFOLD_ACT_HARD_SIGMOID
#define ACT_sigmoid          ONEFOLD_ACT_SIGMOID
#define ISA_ref              REF
#define ISA_avx2             AVX2
#define ISA_avx512           AVX512
#define ISA_neon             NEON
#define WIDTH_ref            0
#define WIDTH_avx2           8
#define WIDTH_avx512         16
#define WIDTH_neon           4
#define EXPAND_ROW(...)      ROW(__VA_ARGS__)

static const onefold_kernel rows[] = {
#define ONEFOLD_CONV(op, isa, p, q, s, cb)                                                         \
  EXPAND_ROW(OP_##op, ISA_##isa, WIDTH_##isa, p, q, 0, onefold_uk_##op##_f32_##p##x##q##__##isa)
#define ONEFOLD_POINTWISE(isa, p, q)                                                               \
  EXPAND_ROW(POINTWISE, ISA_##isa, WIDTH_##isa, p, q, 0,                                           \
             onefold_uk_pointwise_f32_##p##x##q##__##isa)
#define ONEFOLD_DEPTHWISE(op, isa, p, r, s)                                                        \
  EXPAND_ROW(OP_##op, ISA_##isa, WIDTH_##isa, p, r, 0, onefold_uk_##op##_f32_##p##x##r##__##isa)
#define ONEFOLD_GROUPED(op, isa, p, r, s)                                                          \
  EXPAND_ROW(OP_##op, ISA_##isa, WIDTH_##isa, p, r, 0, onefold_uk_##op##_f32_##p##x##r##__##isa)
#define ONEFOLD_WINOGRAD(op, isa, m)                                                               \
  EXPAND_ROW(OP_##op, ISA_##isa, WIDTH_##isa, 0, 0, m, onefold_uk_##op##_f32_##m##x##m##__##isa)
#define ONEFOLD_POOL(op, isa, max)                                                                 \
  EXPAND_ROW(OP_##op, ISA_##isa, WIDTH_##isa, 0, 0, 0, onefold_uk_##op##_f32__##isa)
#define ONEFOLD_MEAN(isa)                                                                          \
  EXPAND_ROW(MEAN, ISA_##isa, WIDTH_##isa, 0, 0, 0, onefold_uk_mean_f32__##isa)
#define ONEFOLD_ELEMENTWISE(op, isa)                                                               \
  EXPAND_ROW(OP_##op, ISA_##isa, WIDTH_##isa, 0, 0, 0, onefold_uk_##op##_f32__##isa)
#define ONEFOLD_ACT(act, isa)                                                                      \
  EXPAND_ROW(ACT, ISA_##isa, WIDTH_##isa, 0, 0, ACT_##act, onefold_uk_act_##act##_f32__##isa)
#define ONEFOLD_REORDER(op, isa)                                                                   \
  EXPAND_ROW(OP_##op, ISA_##isa, WIDTH_##isa, 0, 0, 0, onefold_uk_##op##_f32__##isa)
#define ONEFOLD_PEAK(op, isa)                                                                      \
  EXPAND_ROW(OP_##op, ISA_##isa, WIDTH_##isa, 0, 0, 0, onefold_uk_##op##_f32__##isa)
#define ONEFOLD_LIST_BUILD
#include "kernels/kernel_list.def"
};

const onefold_kernel *onefold_kernel_rows(size_t *count) {
  *count = sizeof rows / sizeof rows[0];
  return rows;
}

const char *onefold_op_name(onefold_op op) {
  static const char *const names[ONEFOLD_OP_COUNT] = {
      "conv_s1",           "conv_s2",      "conv_sn",      "plain_s1",
      "plain_s2",          "plain_sn",     "pointwise",    "depthwise_s1",
      "depthwise_s2",      "depthwise_sn", "grouped_s1",   "grouped_s2",
      "grouped_sn",        "winograd_in",  "winograd_out", "polyphase_out",
      "pool_max",          "pool_mean",    "mean",         "add",
      "scale_shift",       "to_blocked",   "from_blocked", "rows_to_blocked",
      "rows_from_blocked", "act",          "peak_fma",     "peak_read",
      "peak_copy"};
  return (unsigned)op < ONEFOLD_OP_COUNT ? names[op] : "?";
}

/// Channel block of a level; ref takes any and uses 8.
static int32_t level_width(onefold_isa isa) {
  static const int32_t width[ONEFOLD_ISA_COUNT] = {8, WIDTH_avx2, WIDTH_avx512, WIDTH_neon};
  return width[isa];
}

static const char *malformed(const onefold_kernel *row) {
  if (row->pixels < 0 || row->pixels > ONEFOLD_MAX_TILE_PIXELS) return "tile has too many pixels";
  if (row->q < 0 || row->q > ONEFOLD_MAX_TILE_BLOCKS) return "tile has too many output blocks";
  if ((row->pixels == 0) != (row->q == 0)) return "tile has pixels without blocks";
  if (row->v > ONEFOLD_MAX_VECTOR) return "vector is too wide";
  return NULL;
}

const char *onefold_dispatch_build(onefold_isa isa, onefold_dispatch *dispatch) {
  memset(dispatch, 0, sizeof *dispatch);
  dispatch->isa = isa;
  dispatch->v = level_width(isa);
  dispatch->fma_rate = 2;
  dispatch->l1d_bytes = (size_t)32 << 10;
  dispatch->l2_bytes = (size_t)512 << 10;
  dispatch->l3_bytes = (size_t)16 << 20;
  dispatch->l2_rate = 48;
  dispatch->l3_rate = 12;
  dispatch->dram_rate = 10;
  // The level's own rows first; reference rows serve the operators that it has none for.
  const onefold_isa order[2] = {isa, ONEFOLD_ISA_REF};
  for (int pass = 0; pass < (isa == ONEFOLD_ISA_REF ? 1 : 2); pass++) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
      const onefold_kernel *row = &rows[i];
      if (row->isa != order[pass]) continue;
      const char *fault = malformed(row);
      if (fault) return fault;
      if (row->op == ONEFOLD_OP_ACT && dispatch->act[row->variant]) continue;
      const int32_t count = dispatch->ops[row->op].count;
      if (pass == 1 && row->op != ONEFOLD_OP_ACT && count > 0) {
        if (dispatch->ops[row->op].row[0]->isa != ONEFOLD_ISA_REF) continue;
      }
      if (count == ONEFOLD_MAX_ROWS) return "more rows for one operator than ONEFOLD_MAX_ROWS";
      dispatch->ops[row->op].row[count] = row;
      dispatch->ops[row->op].count = count + 1;
      if (row->op == ONEFOLD_OP_ACT) dispatch->act[row->variant] = (onefold_act_fn *)row->fn;
    }
  }
  return NULL;
}

const onefold_kernel *onefold_dispatch_find(const onefold_dispatch *dispatch, const char *name) {
  for (int op = 0; op < ONEFOLD_OP_COUNT; op++) {
    for (int32_t i = 0; i < dispatch->ops[op].count; i++) {
      if (strcmp(dispatch->ops[op].row[i]->name, name) == 0) return dispatch->ops[op].row[i];
    }
  }
  return NULL;
}
