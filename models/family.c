// SPDX-License-Identifier: BSD-3-Clause
// Fitting a family at a place in a checkpoint: its tensors one after the other, each giving the
// sizes that are not known yet and agreeing with those that are.
#include "models/family.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Bytes of a key with its numbers put in.
#define MAX_KEY 160

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
  int32_t number;
  onefold_match *match;
  const onefold_family_key *key; // the one in hand
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

static const onefold_tensor *find(const fitting *f, const char *name, const char *suffix) {
  const onefold_tensor *tensor = onefold_scan_find(f->scan, f->match->prefix, name, suffix);
  const int32_t owner = tensor ? f->scan->owner[tensor - f->scan->file->tensors] : -1;
  return owner < 0 || owner == f->number ? tensor : NULL;
}

/// Gives the size of a letter, or compares it.
static int bind(onefold_match *match, char letter, int64_t factor, int64_t size) {
  int64_t *known = &match->sizes[(unsigned char)letter];
  if (*known > 0) return size % factor == 0 && size / factor == *known;
  if (size <= 0 || size % factor != 0) return 0;
  *known = size / factor;
  return 1;
}

/// "64x8Ix3x3": what a tensor should be as far as it is known.
static void print_wanted(const onefold_match *match, const char *shape, char *text, size_t size) {
  size_t used = 0;
  text[0] = '\0';
  for (const char *s = shape; *s && used < size; s += strspn(s, " ")) {
    char *end;
    const int64_t number = strtol(s, &end, 10), known = *end >= 'A' ? match->sizes[(int)*end] : 0;
    const int letter = *end >= 'A' ? *end : 0;
    const char *separator = used ? "x" : "";
    int n;
    if (!letter || known > 0)
      n = snprintf(text + used, size - used, "%s%lld", separator,
                   (long long)(letter ? known * (end > s ? number : 1) : number));
    else
      n = snprintf(text + used, size - used, "%s%.*s%c", separator, (int)(end - s), s, letter);
    used += n > 0 ? (size_t)n : 0;
    s = letter ? end + 1 : end;
  }
}

static void own(const fitting *f, const onefold_tensor *tensor) {
  if (f->key->need == ONEFOLD_KEY_BESIDE) return;
  f->scan->owner[tensor - f->scan->file->tensors] = f->number;
}

/// Takes a tensor of the key's shape.
static int take(fitting *f, const onefold_tensor *tensor) {
  const char *shape = f->key->shape;
  if (!tensor->dtype || !tensor->dtype->convert)
    return refuse(f, "'%s' has the element type %.16s; F32, F16, BF16 and F64 are read",
                  tensor->name, tensor->dtype_name);
  int32_t rank = 0;
  int fits = 1;
  for (const char *s = shape; *s && fits; s += strspn(s, " "), rank++) {
    char *end;
    const int64_t number = strtol(s, &end, 10), size = rank < tensor->rank ? tensor->dims[rank] : 0;
    if (*end >= 'A')
      fits = bind(f->match, *end, end > s ? number : 1, size);
    else
      fits = number == size;
    s = *end >= 'A' ? end + 1 : end;
  }
  own(f, tensor);
  if (fits && rank == tensor->rank) return 1;
  char has[176], wanted[176];
  onefold_weights_print_shape(tensor->dims, tensor->rank, has, sizeof has);
  print_wanted(f->match, shape, wanted, sizeof wanted);
  return refuse(f, "'%s' is %s, %s is needed", tensor->name, has, wanted);
}

static int fit_tensor(fitting *f, const char *name, const char *suffix, const char *without) {
  const onefold_tensor *tensor = find(f, name, suffix);
  if (tensor) return take(f, tensor);
  return refuse(f, "'%s%s%s' is missing%s", f->match->prefix, name, suffix, without);
}

#define NORM_TENSORS 4
static const char *const norm_suffixes[NORM_TENSORS] = {".weight", ".bias", ".running_mean",
                                                        ".running_var"};

static int fit_norm(fitting *f, const char *name) {
  const onefold_tensor *counter = find(f, name, ".num_batches_tracked");
  if (counter) own(f, counter);
  for (int i = 0; i < NORM_TENSORS; i++)
    if (!fit_tensor(f, name, norm_suffixes[i], i < 2 ? "" : ": batch norm without statistics"))
      return 0;
  return 1;
}

/// Whether any tensor of the key is there.
static int is_there(const fitting *f, const char *name) {
  if (!f->key->norm) return find(f, name, "") != NULL;
  for (int i = 0; i < NORM_TENSORS; i++)
    if (find(f, name, norm_suffixes[i])) return 1;
  return 0;
}

/// The key with `number` in place of '#' and '+'; of "a|b" the one that is there, else b.
static void put_number(const fitting *f, int64_t number, char name[MAX_KEY]) {
  const char *s = f->key->name, *bar;
  do {
    size_t used = 0;
    bar = NULL;
    for (; *s && !bar && used < MAX_KEY - 24; s++) {
      if (*s == '|')
        bar = s;
      else if (*s == '#' || *s == '+')
        used += (size_t)snprintf(name + used, MAX_KEY - used, "%lld", (long long)number);
      else
        name[used++] = *s;
    }
    name[used] = '\0';
  } while (bar && !is_there(f, name));
}

static int fit_one(fitting *f, const char *name) {
  const onefold_key_need need = f->key->need;
  if (!is_there(f, name)) {
    if (need == ONEFOLD_KEY_IDENTITY || need == ONEFOLD_KEY_BUFFER) return 1;
  } else if (need == ONEFOLD_KEY_IDENTITY) {
    f->match->identity = 1;
  }
  return f->key->norm ? fit_norm(f, name) : fit_tensor(f, name, "", "");
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

static int fit_key(fitting *f, const onefold_family_key *key) {
  onefold_match *m = f->match;
  f->key = key;
  if (key->need == ONEFOLD_KEY_WIDE || key->need == ONEFOLD_KEY_DENSE) {
    if (!derive(f)) return 0;
    if (key->need == ONEFOLD_KEY_WIDE && m->sizes['K'] == 1) return 1;
    if (key->need == ONEFOLD_KEY_DENSE && m->groups >= m->sizes['O']) return 1;
  }
  char name[MAX_KEY];
  int64_t number = strchr(key->name, '+') ? 1 : 0;
  put_number(f, number, name);
  if (!strpbrk(key->name, "#+")) return fit_one(f, name);
  do {
    if (!fit_one(f, name)) return 0;
    put_number(f, ++number, name);
  } while (m->repeats ? number < m->repeats : is_there(f, name));
  m->repeats = number;
  return 1;
}

/// Whether the first component of a tensor's name is that of a key.
static int same_component(const char *key, const char *name) {
  for (;; key++) {
    if (!*key || *key == '.' || *key == '|') return !*name || *name == '.';
    if (*key == '#' || *key == '+') {
      if (!strspn(name, "0123456789")) return 0;
      name += strspn(name, "0123456789");
    } else if (*key != *name++) {
      return 0;
    }
  }
}

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
    for (const onefold_family_key *key = f->match->family->keys; key->name && *owner < 0; key++) {
      if (key->need == ONEFOLD_KEY_BESIDE || !same_component(key->name, tensor->name + length))
        continue;
      *owner = f->number;
      stranger = tensor;
    }
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
  fitting f = {scan, number, match, match->family->keys};
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
