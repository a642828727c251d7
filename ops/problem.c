// SPDX-License-Identifier: BSD-3-Clause
// A convolution problem as text in benchdnn's short form, both ways:
//   [gG]mbNicCihHiwWocCohHowWkhKkwKshSswSphPpwPdhDdwDn"name"
// and eh, ew, which benchdnn does not have: the pads of the ends where they crop.
#include "ops/context.h"

#include <onefold/conv2d.h>

#include <stdio.h>
#include <string.h>

// Sizes up to here cannot overflow the arithmetic on one axis.
#define LARGEST_SIZE INT64_C(2147483647)
#define LEAST_PAD    (-LARGEST_SIZE)

enum { KEY_G, KEY_MB, KEY_IC, KEY_OC, KEY_AXES };
enum { AXIS_IN, AXIS_OUT, AXIS_KERNEL, AXIS_STRIDE, AXIS_PAD, AXIS_DILATION, AXIS_END, AXIS_COUNT };
enum { KEY_COUNT = KEY_AXES + 2 * AXIS_COUNT };

// After KEY_AXES: the height's keys, then the width's. `lowest` is the
// smallest value; a pad below 0 crops.
static const struct {
  char name[3];
  int64_t lowest;
} keys[KEY_COUNT] = {
    {"g", 1},  {"mb", 1}, {"ic", 1}, {"oc", 1},                                                  //
    {"ih", 1}, {"oh", 1}, {"kh", 1}, {"sh", 1}, {"ph", LEAST_PAD}, {"dh", 0}, {"eh", LEAST_PAD}, //
    {"iw", 1}, {"ow", 1}, {"kw", 1}, {"sw", 1}, {"pw", LEAST_PAD}, {"dw", 0}, {"ew", LEAST_PAD},
};

typedef struct fields {
  int64_t value[KEY_COUNT];
  int given[KEY_COUNT];
} fields;

/// The sizes of one axis. Dilation counts from 0 here.
typedef struct axis {
  int64_t in, out, kernel, stride, pad_begin, pad_end, dilation;
} axis;

static int64_t span(const axis *a) {
  return (a->kernel - 1) * (a->dilation + 1) + 1;
}

/// Output size with `pads` at both ends together, or 0 where the kernel does not fit.
static int64_t output_size(const axis *a, int64_t pads) {
  const int64_t free = a->in + pads - span(a);
  return free < 0 ? 0 : free / a->stride + 1;
}

/// Pads of both ends together of which the outputs need all.
static int64_t pads_needed(const axis *a) {
  return (a->out - 1) * a->stride + span(a) - a->in;
}

/// Would the pads crop the end, were they found from the first and the output size? With any pixels
/// there that no output reads, they would not.
static int end_is_cropped(const axis *a) {
  return pads_needed(a) + a->stride - 1 < a->pad_begin;
}

// ------------------------------------------------------------------------ print

typedef struct writer {
  char *text;
  size_t size, length;
} writer;

static void put(writer *w, const char *name, int64_t value) {
  const size_t left = w->size > w->length ? w->size - w->length : 0;
  const int n = snprintf(left ? w->text + w->length : NULL, left, "%s%lld", name, (long long)value);
  if (n > 0) w->length += (size_t)n;
}

/// A pad is left out where the output is that of no pads at all.
static int pad_is_implied(const axis *a) {
  return a->pad_begin == 0 && (a->pad_end == 0 || (a->out && a->out == output_size(a, 0)));
}

/// The pad of the end is left out where it is that of the beginning, or found from the output size.
static int end_is_implied(const axis *a) {
  return !a->out || a->out == output_size(a, 2 * a->pad_begin) || !end_is_cropped(a);
}

/// One axis of a descriptor; the output size is 0 where the others are not valid.
static axis desc_axis(const onefold_conv2d_desc *d, int width) {
  axis a = {d->in_h, 0, d->kernel_h, d->stride_h, d->pad_top, d->pad_bottom, d->dilation_h};
  if (width) {
    a = (axis){d->in_w, 0, d->kernel_w, d->stride_w, d->pad_left, d->pad_right, d->dilation_w};
  }
  if (a.dilation > INT64_MIN) a.dilation--;
  const int64_t positive[] = {a.in, a.kernel, a.stride, a.dilation + 1};
  for (int i = 0; i < 4; i++) {
    if (positive[i] < 1 || positive[i] > LARGEST_SIZE) return a;
  }
  const int64_t pads[] = {a.pad_begin, a.pad_end};
  for (int i = 0; i < 2; i++) {
    if (pads[i] < -LARGEST_SIZE || pads[i] > LARGEST_SIZE) return a;
  }
  a.out = output_size(&a, a.pad_begin + a.pad_end);
  return a;
}

size_t onefold_conv2d_desc_print(const onefold_conv2d_desc *desc, char *text, size_t size) {
  writer w = {text, text ? size : 0, 0};

  if (w.size) text[0] = '\0';
  if (!desc) return 0;
  const axis axes[2] = {desc_axis(desc, 0), desc_axis(desc, 1)};
  const int count = memcmp(&axes[0], &axes[1], sizeof(axis)) != 0 ? 2 : 1;

  if (desc->groups != 1) put(&w, "g", desc->groups);
  put(&w, "mb", desc->batch);
  put(&w, "ic", desc->in_channels);
  for (int i = 0; i < count; i++) put(&w, i ? "iw" : "ih", axes[i].in);
  put(&w, "oc", desc->out_channels);
  for (int i = 0; i < count; i++) {
    if (axes[i].out) put(&w, i ? "ow" : "oh", axes[i].out);
  }
  for (int i = 0; i < count; i++) put(&w, i ? "kw" : "kh", axes[i].kernel);
  for (int i = 0; i < count; i++) {
    if (axes[i].stride != 1) put(&w, i ? "sw" : "sh", axes[i].stride);
  }
  for (int i = 0; i < count; i++) {
    if (!pad_is_implied(&axes[i])) put(&w, i ? "pw" : "ph", axes[i].pad_begin);
  }
  for (int i = 0; i < count; i++) {
    if (axes[i].dilation) put(&w, i ? "dw" : "dh", axes[i].dilation);
  }
  for (int i = 0; i < count; i++) {
    if (!end_is_implied(&axes[i])) put(&w, i ? "ew" : "eh", axes[i].pad_end);
  }
  return w.length;
}

// ------------------------------------------------------------------------ parse

static int find_key(const char *s) {
  for (int key = 0; key < KEY_COUNT; key++) {
    const size_t n = strlen(keys[key].name);
    if (strncmp(s, keys[key].name, n) == 0 && (s[n] == '-' || (s[n] >= '0' && s[n] <= '9'))) {
      return key;
    }
  }
  return -1;
}

/// Reads digits with an optional minus. Values past LARGEST_SIZE saturate above it.
static const char *read_number(const char *s, int64_t *value) {
  const int negative = *s == '-';
  int64_t number = 0;
  for (s += negative; *s >= '0' && *s <= '9'; s++) {
    if (number <= LARGEST_SIZE) number = number * 10 + (*s - '0');
  }
  *value = negative ? -number : number;
  return s;
}

/// True at n"..." with nothing after it, and at the end of the text.
static int is_end(const char *s) {
  if (*s == '\0') return 1;
  if (s[0] != 'n' || s[1] != '"') return 0;
  const char *quote = strchr(s + 2, '"');
  return quote && quote[1] == '\0';
}

static onefold_status read_fields(onefold_context *context, const char *text, fields *f) {
  const char *s = text;
  while (!is_end(s)) {
    if (*s == '_') {
      s++;
      continue;
    }
    const int key = find_key(s);
    if (key < 0) {
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                          "problem \"%.80s\": \"%.16s\" at position %zu is not a size of a 2-D "
                          "convolution",
                          text, s, (size_t)(s - text));
    }
    int64_t value;
    const char *end = read_number(s + strlen(keys[key].name), &value);
    const int length = end - s > 32 ? 32 : (int)(end - s);
    if (value < keys[key].lowest || value > LARGEST_SIZE || end[-1] == '-') {
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                          "problem \"%.80s\": \"%.*s\" at position %zu is not from %lld to %lld",
                          text, length, s, (size_t)(s - text), (long long)keys[key].lowest,
                          (long long)LARGEST_SIZE);
    }
    if (f->given[key]) {
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT,
                          "problem \"%.80s\": \"%.*s\" at position %zu gives %s a second time",
                          text, length, s, (size_t)(s - text), keys[key].name);
    }
    f->value[key] = value;
    f->given[key] = 1;
    s = end;
  }
  return ONEFOLD_OK;
}

/// The pads of an axis that has its other sizes: as given, else those that give the output size,
/// which crop nothing: a stride that was forgotten would look the same.
static onefold_status read_pads(onefold_context *context, const char *text, const fields *f,
                                int first, axis *a) {
  const int64_t *value = f->value + first;
  const int *given = f->given + first;
  const char *name = keys[first + AXIS_OUT].name;

  a->pad_begin = value[AXIS_PAD];
  a->pad_end = given[AXIS_END] ? value[AXIS_END] : a->pad_begin;
  a->out = output_size(a, a->pad_begin + a->pad_end);
  if (!given[AXIS_OUT] || value[AXIS_OUT] == a->out) return ONEFOLD_OK;
  if (given[AXIS_END]) {
    return onefold_fail(context, ONEFOLD_SHAPE_MISMATCH,
                        "problem \"%.80s\": %s%lld, but pads of %lld and %lld make it %lld", text,
                        name, (long long)value[AXIS_OUT], (long long)a->pad_begin,
                        (long long)a->pad_end, (long long)a->out);
  }
  const int64_t without = a->out, most = span(a) - 1;
  a->out = value[AXIS_OUT];
  const int64_t all = pads_needed(a);
  if (!given[AXIS_PAD]) a->pad_begin = all > 0 ? all / 2 : 0;
  a->pad_end = all - a->pad_begin;
  if (a->pad_begin > most || a->pad_end > most) {
    return onefold_fail(context, ONEFOLD_SHAPE_MISMATCH,
                        "problem \"%.80s\": %s%lld would need pads of %lld and %lld, the kernel "
                        "allows %lld",
                        text, name, (long long)a->out, (long long)a->pad_begin,
                        (long long)a->pad_end, (long long)most);
  }
  if (end_is_cropped(a)) {
    return onefold_fail(
        context, ONEFOLD_SHAPE_MISMATCH,
        "problem \"%.80s\": %s%lld would crop the image, which makes %s%lld; %s%lld "
        "says so where it is meant",
        text, name, (long long)a->out, name, (long long)without, keys[first + AXIS_END].name,
        (long long)a->pad_end);
  }
  return ONEFOLD_OK;
}

/// The sizes of an axis: as given, else stride 1, dilation 0. `first` is the axis' first key.
static onefold_status read_axis(onefold_context *context, const char *text, const fields *f,
                                int first, axis *a) {
  const int64_t *value = f->value + first;
  const int *given = f->given + first;

  for (int i = 0; i < 2; i++) {
    const int key = i ? AXIS_KERNEL : AXIS_IN;
    if (!given[key]) {
      return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "problem \"%.80s\" has no %s", text,
                          keys[first + key].name);
    }
  }
  a->in = value[AXIS_IN];
  a->kernel = value[AXIS_KERNEL];
  a->stride = given[AXIS_STRIDE] ? value[AXIS_STRIDE] : 1;
  a->dilation = value[AXIS_DILATION];
  return read_pads(context, text, f, first, a);
}

static int axis_is_given(const fields *f, int first) {
  for (int i = 0; i < AXIS_COUNT; i++) {
    if (f->given[first + i]) return 1;
  }
  return 0;
}

onefold_status onefold_conv2d_desc_parse(onefold_context *context, const char *text,
                                         onefold_conv2d_desc *desc) {
  fields f;
  axis axes[2];
  onefold_conv2d_desc d;
  onefold_shape out;
  onefold_status status;

  if (!text || !desc) {
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "%s is NULL", text ? "desc" : "text");
  }
  memset(&f, 0, sizeof(f));
  status = read_fields(context, text, &f);
  if (status != ONEFOLD_OK) return status;
  if (!f.given[KEY_IC] || !f.given[KEY_OC]) {
    return onefold_fail(context, ONEFOLD_INVALID_ARGUMENT, "problem \"%.80s\" has no %s", text,
                        f.given[KEY_IC] ? "oc" : "ic");
  }
  // Width absent: as the height. Height absent: one row.
  const int has_height = axis_is_given(&f, KEY_AXES);
  const int has_width = axis_is_given(&f, KEY_AXES + AXIS_COUNT);
  axes[0] = (axis){1, 1, 1, 1, 0, 0, 0};
  if (has_height || !has_width) {
    status = read_axis(context, text, &f, KEY_AXES, &axes[0]);
    if (status != ONEFOLD_OK) return status;
  }
  axes[1] = axes[0];
  if (has_width) {
    status = read_axis(context, text, &f, KEY_AXES + AXIS_COUNT, &axes[1]);
    if (status != ONEFOLD_OK) return status;
  }

  onefold_conv2d_desc_init(&d);
  d.groups = f.given[KEY_G] ? f.value[KEY_G] : 1;
  d.batch = f.given[KEY_MB] ? f.value[KEY_MB] : 1;
  d.in_channels = f.value[KEY_IC];
  d.out_channels = f.value[KEY_OC];
  d.in_h = axes[0].in;
  d.in_w = axes[1].in;
  d.kernel_h = axes[0].kernel;
  d.kernel_w = axes[1].kernel;
  d.stride_h = axes[0].stride;
  d.stride_w = axes[1].stride;
  d.dilation_h = axes[0].dilation + 1;
  d.dilation_w = axes[1].dilation + 1;
  d.pad_top = axes[0].pad_begin;
  d.pad_bottom = axes[0].pad_end;
  d.pad_left = axes[1].pad_begin;
  d.pad_right = axes[1].pad_end;
  status = onefold_conv2d_output_shape(context, &d, &out);
  if (status == ONEFOLD_OK) *desc = d;
  return status;
}
