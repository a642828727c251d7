// SPDX-License-Identifier: BSD-3-Clause
// Peers that are a script in another language: the process, and the requests.
#include "bench/peers/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Other threads of a library spin for a while after a call, on the cores that the child needs.
#define SETTLE_NANOSECONDS 5000000

#define ANSWERS 3 // the child's file descriptor for them

typedef struct child {
  pid_t pid;
  int socket; // -1 once the child is gone
  char program[256];
} child;

static int send_all(child *c, const void *data, size_t bytes) {
  const char *from = data;
  while (bytes > 0) {
    const ssize_t sent = send(c->socket, from, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return -1;
    from += sent;
    bytes -= (size_t)sent;
  }
  return 0;
}

static int receive_all(child *c, void *data, size_t bytes) {
  char *to = data;
  while (bytes > 0) {
    const ssize_t got = recv(c->socket, to, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return -1;
    to += got;
    bytes -= (size_t)got;
  }
  return 0;
}

/// Reads an answer: what follows "ok " goes to `text`, a refusal or an error to the sentence.
static bench_peer_made answer(bench_peer_state *peer, char *text, size_t size) {
  child *c = peer->own;
  char line[512];
  size_t length = 0;
  for (;; length++) {
    if (length + 1 == sizeof line || receive_all(c, &line[length], 1)) {
      peer->session->broken = 1;
      return onefold_peer_say(peer, BENCH_PEER_FAILED, "%s ended or gave no answer", c->program);
    }
    if (line[length] == '\n') break;
  }
  line[length] = '\0';
  const char *space = strchr(line, ' ');
  const char *rest = space ? space + 1 : "";
  if (strncmp(line, "ok", 2) == 0) {
    snprintf(text, size, "%s", rest);
    return BENCH_PEER_READY;
  }
  const int refused = strncmp(line, "refused", 7) == 0;
  return onefold_peer_say(peer, refused ? BENCH_PEER_REFUSED : BENCH_PEER_FAILED, "%s", rest);
}

/// In the child: becomes the script.
static void become(const bench_child_script *script, const char *program, int socket,
                   const bench_options *options) {
  char threads[16];
  setpgid(0, 0); // a terminal's SIGINT is for us alone, which ends when its problem is done
  snprintf(threads, sizeof threads, "%d", (int)options->threads);
  setenv("OMP_NUM_THREADS", threads, 1);
  if (options->has_isa && options->isa == ONEFOLD_ISA_AVX2) {
    setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 1);
    setenv("ATEN_CPU_CAPABILITY", "avx2", 1);
  }
  dup2(socket, STDIN_FILENO);
  dup2(socket, ANSWERS);
  fcntl(ANSWERS, F_SETFD, 0);         // where it is that descriptor already
  dup2(STDERR_FILENO, STDOUT_FILENO); // where libraries may write
  execlp(program, program, script->flag, script->script, (char *)NULL);
  static const char format[] = "error %s cannot be started: %s\n";
  dprintf(ANSWERS, format, program, strerror(errno));
  _exit(127);
}

int onefold_child_open(bench_peer_state *peer, const bench_child_script *script) {
  child *c = peer->own = calloc(1, sizeof *c);
  if (!c) return onefold_peer_say(peer, 1, "out of memory");
  c->socket = -1;
  const char *chosen = getenv(script->program_variable);
  const char *program = chosen && *chosen ? chosen : script->program;
  snprintf(c->program, sizeof c->program, "%s", program);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
    return onefold_peer_say(peer, 1, "no socket: %s", strerror(errno));
  c->pid = fork();
  if (c->pid == 0) become(script, program, ends[1], peer->session->options);
  close(ends[1]);
  c->socket = ends[0];
  if (c->pid < 0) return onefold_peer_say(peer, 1, "no process: %s", strerror(errno));
  // Without effect once it is gone.
  onefold_child_send_line(peer, "open %d\n", (int)peer->session->options->threads);
  return answer(peer, peer->about, sizeof peer->about) != BENCH_PEER_READY;
}

void onefold_child_close(bench_peer_state *peer) {
  child *c = peer->own;
  if (!c) return;
  if (c->socket >= 0) close(c->socket);
  if (c->pid > 0) {
    while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR) continue;
  }
  free(c);
  peer->own = NULL;
}

int onefold_child_send_line(bench_peer_state *peer, const char *format, ...) {
  char line[512];
  va_list args;
  va_start(args, format);
  const int length = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  return send_all(peer->own, line, (size_t)length);
}

int onefold_child_send_floats(bench_peer_state *peer, const float *values, int64_t count) {
  return send_all(peer->own, values, (size_t)count * sizeof *values);
}

bench_peer_made onefold_child_variants(bench_peer_state *peer) {
  char names[512];
  const bench_peer_made made = answer(peer, names, sizeof names);
  if (made != BENCH_PEER_READY) return made;
  for (char *rest = names, *name;
       peer->variant_count < BENCH_PEER_VARIANTS && (name = strsep(&rest, " "));) {
    onefold_peer_add(peer, strcmp(name, "-") == 0 ? "" : name);
  }
  return BENCH_PEER_READY;
}

void onefold_child_unmake(bench_peer_state *peer) {
  peer->variant_count = 0; // the next problem takes the place of this one
}

double onefold_child_run(bench_peer_state *peer, size_t variant, int64_t count) {
  nanosleep(&(const struct timespec){.tv_nsec = SETTLE_NANOSECONDS}, NULL);
  onefold_child_send_line(peer, "run %zu %" PRId64 "\n", variant, count);
  char text[512];
  return answer(peer, text, sizeof text) == BENCH_PEER_READY ? strtod(text, NULL) : -1.0;
}

int onefold_child_output(bench_peer_state *peer, size_t variant, float *values, size_t count) {
  child *c = peer->own;
  onefold_child_send_line(peer, "output %zu\n", variant);
  char text[512];
  if (answer(peer, text, sizeof text) != BENCH_PEER_READY) return 1;
  const size_t floats = (size_t)strtoull(text, NULL, 10);
  peer->session->broken |= floats != count; // what follows cannot be read
  if (floats != count)
    return onefold_peer_say(peer, 1, "its result has %zu values, not %zu", floats, count);
  if (!receive_all(c, values, count * sizeof(float))) return 0;
  peer->session->broken = 1;
  return onefold_peer_say(peer, 1, "%s ended", c->program);
}
