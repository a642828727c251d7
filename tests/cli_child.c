// SPDX-License-Identifier: BSD-3-Clause
// Starts programs beside the test and ends them.
#include "tests/cli_child.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINE = 512 };

test_child test_child_start(const char *const *arguments) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  const pid_t id = fork();
  assert_true(id >= 0);
  if (id == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execv(arguments[0], (char *const *)arguments);
    _exit(99);
  }
  close(ends[1]);
  const test_child child = {.id = id, .out = fdopen(ends[0], "r")};
  assert_non_null(child.out);
  return child;
}

void test_child_read(test_child *child, const char *words, char line[LINE]) {
  do {
    if (!fgets(line, LINE, child->out)) fail_msg("no line has \"%s\"", words);
  } while (!strstr(line, words));
}

static int code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int test_child_ended(const test_child *child, int *code) {
  int status = 0;
  const pid_t ended = waitpid(child->id, &status, WNOHANG);
  assert_true(ended == 0 || ended == child->id);
  if (ended) *code = code_of(status);
  return ended != 0;
}

int test_child_end(test_child *child, char line[LINE]) {
  int status = 0;
  while (fgets(line, LINE, child->out)) continue;
  fclose(child->out);
  assert_int_equal(waitpid(child->id, &status, 0), child->id);
  return code_of(status);
}
