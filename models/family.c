// SPDX-License-Identifier: BSD-3-Clause
// Fitting a family at a place in a checkpoint: its tensors one after the other, each giving the
// sizes that are not known yet and agreeing with those that are.
#include "models/family.h"

#include "models/family_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TENSOR(need, name, shape)  {name, shape, ONEFOLD_KEY_##need, 0},
#define NORM(need, name, channels) {name, channels, ONEFOLD_KEY_##need, 1},
#define ONEFOLD_FAMILY(name, block, kernel, marks, deploy, deploy_shape, note, ...)                \
  {name,   #block,                                                                                 \
   kernel, marks,                                                                                  \
   deploy, deploy_shape,                                                                           \
   note,   (const onefold_family_key[]){__VA_ARGS__{NULL, NULL, ONEFOLD_KEY_ALWAYS, 0}}},
static const onefold_family families[] = {
#include "models/family_list.def"
};

const onefold_family *onefold_family_at(size_t index) {
  return index < sizeof families / sizeof *families ? &families[index] : NULL;
}

/// One attempt to fit a family.
typedef struct fitting {
  const onefold_scan *scan;
  int32_t number; // of the match
  onefold_match *match;
} fitting;

__attribute__((format(printf, 2, 3))) static int refuse(fitting *f, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(f->match->reason, sizeof f->match->reason, format, arguments);
  va_end(arguments);
  return 0;
}

const onefold_tensor *onefold_scan_find(const onefold_scan *scan, const char *prefix,
                                        const char *name, const char *suffix) {
  char text[1024];
  const int length = snprintf(text, sizeof text, "%s%s%s", prefix, name, suffix);
  if (length < 0 || (size_t)length >= sizeof text) return NULL;
  return onefold_safetensors_find(scan->file, text);
}

/// A tensor of the block's prefix, unless it is another block's.
static const onefold_tensor *find(const fitting *f, const char *name, const char *suffix) {
  const onefold_tensor *tensor = onefold_scan_find(f->scan, f->match->prefix, name, suffix);
  const int32_t owner = tensor ? f->scan->owner[tensor - f->scan->file->tensors] : -1;
  return owner < 0 || owner == f->number ? tensor : NULL;
}

// ------------------------------------------------------------------------ shapes

/// Is that the size? A letter without a size gets this one.
static int bind(onefold_match *match, onefold_family_size wanted, int64_t size) {
  if (!wanted.letter) return size == wanted.factor;
  int64_t *known = &match->sizes[(unsigned char)wanted.letter];
  if (size <= 0 || size % wanted.factor != 0) return 0;
  if (*known == 0) *known = size / wanted.factor;
  return size / wanted.factor == *known;
}

static int bind_shape(onefold_match *match, const char *shape, const onefold_tensor *tensor) {
  int32_t rank = 0;
  for (; *shape; rank++) {
    onefold_family_size wanted;
    shape = onefold_family_read_size(shape, &wanted);
    if (!bind(match, wanted, rank < tensor->rank ? tensor->dims[rank] : 0)) return 0;
  }
  return rank == tensor->rank;
}

/// "64x8Ix3x3": what a tensor should be as far as it is known.
static void print_wanted(const onefold_match *match, const char *shape, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  while (*shape && used < size) {
    onefold_family_size wanted;
    const char *next = onefold_family_read_size(shape, &wanted);
    const int64_t known = wanted.letter ? match->sizes[(unsigned char)wanted.letter] : 1;
    const char *separator = used ? "x" : "";
    const int n = known > 0 ? snprintf(text + used, size - used, "%s%lld", separator,
                                       (long long)known * wanted.factor)
                            : snprintf(text + used, size - used, "%s%.*s", separator,
                                       (int)strcspn(shape, " "), shape);
    used += n > 0 ? (size_t)n : 0;
    shape = next;
  }
}

// ----------------------------------------------------------------------- tensors

static void own(const fitting *f, const onefold_family_key *key, const onefold_tensor *tensor) {
  if (key->need == ONEFOLD_KEY_BESIDE) return;
  f->scan->owner[tensor - f->scan->file->tensors] = f->number;
}

/// Takes a tensor of the key's shape. One of another shape is the block's too, but does not fit.
static int take(fitting *f, const onefold_family_key *key, const onefold_tensor *tensor) {
  if (!tensor->dtype || !tensor->dtype->convert)
    return refuse(f, "'%s' has the element type %.16s; F32, F16, BF16 and F64 are read",
                  tensor->name, tensor->dtype_name);
  const int fits = bind_shape(f->match, key->shape, tensor);
  own(f, key, tensor);
  if (fits) return 1;
  char has[176], wanted[176];
  onefold_weights_print_shape(tensor->dims, tensor->rank, has, sizeof has);
  print_wanted(f->match, key->shape, wanted, sizeof wanted);
  return refuse(f, "'%s' is %s, %s is needed", tensor->name, has, wanted);
}

/// A key is the tensors <name><suffix>: one without a suffix, or those of a batch norm.
typedef struct key_tensors {
  const char *suffix[4];
  int count;
} key_tensors;

static const key_tensors *tensors_of(const onefold_family_key *key) {
  static const key_tensors one = {{""}, 1};
  static const key_tensors norm = {{".weight", ".bias", ".running_mean", ".running_var"}, 4};
  return key->norm ? &norm : &one;
}

/// Is any tensor of the key there?
static int is_there(const fitting *f, const onefold_family_key *key, const char *name) {
  const key_tensors *tensors = tensors_of(key);
  for (int i = 0; i < tensors->count; i++)
    if (find(f, name, tensors->suffix[i])) return 1;
  return 0;
}

/// Takes all tensors of the key, of a batch norm its counter too.
static int take_all(fitting *f, const onefold_family_key *key, const char *name) {
  const key_tensors *tensors = tensors_of(key);
  const onefold_tensor *counter = key->norm ? find(f, name, ".num_batches_tracked") : NULL;
  if (counter) own(f, key, counter);
  for (int i = 0; i < tensors->count; i++) {
    const onefold_tensor *tensor = find(f, name, tensors->suffix[i]);
    if (!tensor)
      return refuse(f, "'%s%s%s' is missing%s", f->match->prefix, name, tensors->suffix[i],
                    i < 2 ? "" : ": batch norm without statistics");
    if (!take(f, key, tensor)) return 0;
  }
  return 1;
}

// -------------------------------------------------------------------------- keys

/// The name of a key with a number: of several alternatives the one that is there, or the last.
static void choose_name(const fitting *f, const onefold_family_key *key, int64_t number,
                        char name[ONEFOLD_FAMILY_NAME]) {
  const char *rest = key->name;
  do rest = onefold_family_write_name(rest, number, name);
  while (rest && !is_there(f, key, name));
}

static int fit_name(fitting *f, const onefold_family_key *key, const char *name) {
  const int optional = key->need == ONEFOLD_KEY_IDENTITY || key->need == ONEFOLD_KEY_BUFFER;
  if (optional && !is_there(f, key, name)) return 1;
  if (key->need == ONEFOLD_KEY_IDENTITY) f->match->identity = 1;
  return take_all(f, key, name);
}

/// The first key with numbers tells how many there are, and all others have as many.
static int fit_numbers(fitting *f, const onefold_family_key *key, int64_t number) {
  char name[ONEFOLD_FAMILY_NAME];
  onefold_match *m = f->match;
  choose_name(f, key, number, name);
  do {
    if (!fit_name(f, key, name)) return 0;
    choose_name(f, key, ++number, name);
  } while (m->repeats ? number < m->repeats : is_there(f, key, name));
  m->repeats = number;
  return 1;
}

/// Groups and input channels. Where no tensor tells, one group: the kernel of a sum of parallel
/// branches does not depend on it.
static int derive(fitting *f) {
  onefold_match *m = f->match;
  int64_t *sizes = m->sizes;
  if (m->identity || !sizes['J']) sizes['I'] = sizes['O'];
  if (!sizes['J']) sizes['J'] = 1;
  if (!sizes['K']) { // the tensors of '+' and the one before them are a stack of 3x3
    sizes['K'] = 2 * m->repeats + 1;
    m->repeats = 0;
  }
  if (sizes['U'])
    m->groups = sizes['T'] / sizes['U'];
  else
    m->groups = sizes['I'] ? sizes['I'] / sizes['J'] : 1;
  if (!sizes['I'] && m->groups < INT64_MAX / sizes['J']) sizes['I'] = m->groups * sizes['J'];
  if (m->groups > 0 && m->groups <= sizes['I'] && sizes['I'] / m->groups == sizes['J'] &&
      sizes['I'] % m->groups == 0 && sizes['O'] % m->groups == 0 &&
      (!sizes['U'] || sizes['T'] % m->groups == 0))
    return 1;
  return refuse(f,
                "groups of %lld of %lld input channels and %lld output channels do not go together",
                (long long)sizes['J'], (long long)sizes['I'], (long long)sizes['O']);
}

/// Does a block of these sizes do without the key? Zero for keys that do not ask for sizes.
static int does_without(const onefold_match *match, const onefold_family_key *key) {
  return (key->need == ONEFOLD_KEY_WIDE && match->sizes['K'] == 1) ||
         (key->need == ONEFOLD_KEY_DENSE && match->groups >= match->sizes['O']);
}

static int fit_key(fitting *f, const onefold_family_key *key) {
  const int by_sizes = key->need == ONEFOLD_KEY_WIDE || key->need == ONEFOLD_KEY_DENSE;
  if (by_sizes && !derive(f)) return 0;
  if (by_sizes && does_without(f->match, key)) return 1;
  int64_t first;
  if (onefold_family_has_numbers(key->name, &first)) return fit_numbers(f, key, first);
  char name[ONEFOLD_FAMILY_NAME];
  choose_name(f, key, first, name);
  return fit_name(f, key, name);
}

// -------------------------------------------------------------------- neighbours

/// Number in file->by_name of the first name that is not before the prefix.
static size_t first_with_prefix(const onefold_safetensors *file, const char *prefix) {
  size_t low = 0, high = file->count;
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (strcmp(file->by_name[middle]->name, prefix) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/// Does a name, behind the prefix, begin as that of one of the block's tensors?
static int begins_as_key(const onefold_family *family, const char *name) {
  for (const onefold_family_key *key = family->keys; key->name; key++)
    if (key->need != ONEFOLD_KEY_BESIDE && onefold_family_same_component(key->name, name)) return 1;
  return 0;
}

/// Takes what stands beside the block's tensors without being one of them, such as the bias of a
/// convolution; folding would lose it. Returns one of these, or NULL.
static const onefold_tensor *take_strangers(fitting *f) {
  const onefold_safetensors *file = f->scan->file;
  const char *prefix = f->match->prefix;
  const size_t length = strlen(prefix);
  const onefold_tensor *stranger = NULL;
  for (size_t i = first_with_prefix(file, prefix);
       i < file->count && strncmp(file->by_name[i]->name, prefix, length) == 0; i++) {
    const onefold_tensor *tensor = file->by_name[i];
    int32_t *owner = &f->scan->owner[tensor - file->tensors];
    if (*owner >= 0 || !begins_as_key(f->match->family, tensor->name + length)) continue;
    *owner = f->number;
    stranger = tensor;
  }
  return stranger;
}

/// The names that the result will have must be free.
static int check_deploy(fitting *f) {
  static const char *const suffixes[] = {".weight", ".bias"};
  for (int i = 0; i < 2; i++) {
    const onefold_tensor *tensor =
        onefold_scan_find(f->scan, f->match->prefix, f->match->family->deploy, suffixes[i]);
    if (tensor) return refuse(f, "'%s' of the deploy form is there too", tensor->name);
  }
  return 1;
}

int onefold_family_fit(const onefold_scan *scan, int32_t number, onefold_match *match) {
  fitting f = {scan, number, match};
  match->sizes['K'] = match->family->kernel;
  int fits = 1;
  size_t count = 0;
  for (const onefold_family_key *key = match->family->keys; key->name && fits; key++) {
    fits = fit_key(&f, key);
    count += (size_t)fits;
  }
  if (count < match->family->marks) {
    for (size_t i = 0; i < scan->file->count; i++)
      if (scan->owner[i] == number) scan->owner[i] = -1;
    return 0;
  }
  fits = fits && derive(&f) && check_deploy(&f);
  const onefold_tensor *stranger = take_strangers(&f);
  if (fits && stranger) fits = refuse(&f, "'%s' is no part of such a block", stranger->name);
  match->state = fits ? ONEFOLD_CHECKPOINT_TRAINING : ONEFOLD_CHECKPOINT_UNKNOWN;
  return 1;
}
