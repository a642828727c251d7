// SPDX-License-Identifier: BSD-3-Clause
// onefold report: results as a page, as charts and as tables, and two of them compared.
#include "cli/commands.h"
#include "cli/options.h"
#include "report/compare.h"
#include "report/output.h"
#include "report/sections.h"
#include "report/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPT_SVG = 256, OPT_MD, OPT_COMPARE, OPT_TITLE, OPT_ALL };

static const struct argp_option argp_options[] = {
    {"output", 'o', "FILE.html", 0,
     "Write one page that needs nothing else; - is the standard output", 0},
    {"svg", OPT_SVG, "DIR", 0, "Write each chart as a file of its own", 0},
    {"md", OPT_MD, NULL, 0, "Print tables in Markdown, as without --output and --svg", 0},
    {"all", OPT_ALL, NULL, 0,
     "With --md: every row, also of tables of which the rows that matter most are printed", 0},
    {"compare", OPT_COMPARE, NULL, 0, "Compare two files: OLD.json NEW.json", 0},
    {"title", OPT_TITLE, "TEXT", 0, "The page's heading", 0},
    {NULL, 0, NULL, 0, NULL, 0},
};

typedef struct report_options {
  const char **paths;
  size_t count;
  const char *output, *svg, *title;
  int md, all, compare;
} report_options;

static int prints_tables(const report_options *o) {
  return o->md || (!o->output && !o->svg);
}

static error_t parse_option(int key, char *text, struct argp_state *state) {
  report_options *o = state->input;
  switch (key) {
  case 'o':
    o->output = text;
    return 0;
  case OPT_SVG:
    o->svg = text;
    return 0;
  case OPT_MD:
    o->md = 1;
    return 0;
  case OPT_ALL:
    o->all = 1;
    return 0;
  case OPT_COMPARE:
    o->compare = 1;
    return 0;
  case OPT_TITLE:
    o->title = text;
    return 0;
  case ARGP_KEY_ARG:
    o->paths[o->count++] = text;
    return 0;
  case ARGP_KEY_END:
    if (!o->count)
      argp_error(state, "no file is given; onefold bench SUITE --json FILE writes one");
    if (o->compare && o->count != 2)
      argp_error(state, "--compare: two files are expected, not %zu", o->count);
    if (o->all && !prints_tables(o)) argp_error(state, "--all: of --md alone");
    return 0;
  default:
    return ARGP_ERR_UNKNOWN;
  }
}

/// Writes a sentence that may quote a file's bytes.
static int say(const char *program, const char *sentence) {
  fprintf(stderr, "%s: ", program);
  onefold_report_put_plain(stderr, sentence);
  fputc('\n', stderr);
  return ONEFOLD_EXIT_FAILURE;
}

static int write_page(const char *program, const report_options *o, const report_document *d) {
  const int to_stdout = strcmp(o->output, "-") == 0;
  FILE *out = to_stdout ? stdout : fopen(o->output, "w");
  if (!out)
    return onefold_cli_say(program, ONEFOLD_EXIT_FAILURE, "%s: %s", o->output, strerror(errno));
  const report_output output = {out, onefold_version(), 0};
  int failed = onefold_report_page(d, &output);
  if (to_stdout ? fflush(out) : fclose(out)) failed = 1;
  if (failed)
    return onefold_cli_say(program, ONEFOLD_EXIT_FAILURE, "%s: it could not be written", o->output);
  return ONEFOLD_EXIT_OK;
}

static int write_all(const char *program, const report_options *o, const report_document *d) {
  int status = o->output ? write_page(program, o, d) : ONEFOLD_EXIT_OK;
  if (!status && o->svg) {
    char sentence[512];
    size_t written = 0;
    if (onefold_report_charts(d, o->svg, sentence, sizeof sentence, &written))
      return say(program, sentence);
    if (!written) return onefold_cli_say(program, ONEFOLD_EXIT_FAILURE, "no chart has data");
  }
  if (!status && prints_tables(o)) {
    const report_output output = {stdout, onefold_version(), o->all};
    onefold_report_markdown(d, &output);
    if (fflush(stdout)) status = say(program, "the tables could not be written");
  }
  return status;
}

static int report(const char *program, const report_options *o) {
  report_data data = {0};
  report_document document;
  int status = ONEFOLD_EXIT_OK;
  for (size_t i = 0; i < o->count && !status; i++) {
    if (onefold_report_read(&data, o->paths[i])) status = say(program, data.sentence);
  }
  if (!status && !data.row_count) status = say(program, "the files have no results");
  if (!status && o->compare && onefold_report_build_comparison(&data, &document))
    status = say(program, data.sentence);
  if (!status && !o->compare && onefold_report_build(&data, &document))
    status = say(program, "out of memory");
  if (!status && o->title) document.title = o->title;
  if (!status) status = write_all(program, o, &document);
  onefold_report_data_release(&data);
  return status;
}

int onefold_cli_report(int argc, char **argv) {
  static const struct argp argp = {
      argp_options,
      parse_option,
      "RESULTS.json...",
      "Shows what onefold bench --json and onefold tune --json wrote: networks and blocks in every "
      "form, convolutions against other libraries, the roofline, where the time goes, what tuning "
      "brings, and errors."
      "\vSee docs/report.md.\n\n"
      "Exit codes: 0 done; 1 a file cannot be read, is malformed, or cannot be written; 2 a bad "
      "option.",
      NULL,
      NULL,
      NULL};
  report_options o = {.paths = calloc((size_t)argc + 1, sizeof *o.paths)};
  if (!o.paths) return onefold_cli_say(argv[0], ONEFOLD_EXIT_FAILURE, "out of memory");
  int status = argp_parse(&argp, argc, argv, 0, NULL, &o) ? ONEFOLD_EXIT_FAILURE : 0;
  if (!status) status = report(argv[0], &o);
  free(o.paths);
  return status;
}
