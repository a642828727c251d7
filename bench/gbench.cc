// SPDX-License-Identifier: BSD-3-Clause
// The C shim over Google Benchmark: the only C++ file.
#include "bench/gbench.h"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <regex.h>
#include <sstream>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Run = benchmark::BenchmarkReporter::Run;

/// State of one onefold_gbench_run.
struct Batch {
  const onefold_gbench_options *options;
  int begun = 0;
  size_t failed = 0; // one more than the index
};

/// The iterations of a case that is called again and again. Returns whether it gave up.
bool iterate(benchmark::State &state, const onefold_gbench_case &c,
             const onefold_gbench_options &options) {
  bool gave_up = false;
  auto loop = [&] {
    for (auto _ : state) {
      gave_up = c.run(c.user) != 0;
      if (gave_up) break;
    }
  };
  if (options.within) {
    options.within(
        options.user, [](void *arg) { (*static_cast<decltype(loop) *>(arg))(); }, &loop);
  } else {
    loop();
  }
  return gave_up;
}

void run_case(benchmark::State &state, const onefold_gbench_case &c, size_t index, Batch &batch) {
  const auto give_up = [&] {
    batch.failed = index + 1;
    state.SkipWithError("the case gave up");
  };
  if (batch.failed) {
    state.SkipWithError("an earlier case gave up");
    return;
  }
  if (c.label) state.SetLabel(c.label);
  if (batch.options->tick) batch.options->tick(batch.options->user, batch.begun);
  batch.begun++;
  if (!c.once && (c.batch ? c.batch(c.user, 1) < 0 : c.run(c.user) != 0))
    return give_up(); // warm up
  if (c.batch) {
    while (state.KeepRunningBatch(state.max_iterations)) {
      const double seconds = c.batch(c.user, state.max_iterations);
      if (seconds < 0) return give_up();
      state.SetIterationTime(seconds);
    }
  } else if (c.prepare) {
    for (auto _ : state) {
      if (c.prepare(c.user)) return give_up();
      const Clock::time_point start = Clock::now();
      const int status = c.run(c.user);
      state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
      if (status) return give_up();
    }
  } else if (iterate(state, c, *batch.options)) {
    return give_up();
  }
  for (const onefold_gbench_counter &counter : c.counters) {
    if (!counter.name) break;
    state.counters[counter.name] = benchmark::Counter(
        counter.value, counter.per_second ? benchmark::Counter::kIsIterationInvariantRate
                                          : benchmark::Counter::kDefaults);
  }
}

/// A copy of the runs named as the cases are, without what Google Benchmark
/// appends ("/iterations:1/manual_time"), and without counters that JSON cannot
/// hold (the coefficient of variation of zeros).
std::vector<Run> plainly_named(const std::vector<Run> &runs) {
  std::vector<Run> plain = runs;
  for (Run &run : plain) {
    benchmark::BenchmarkName name;
    name.function_name = run.run_name.function_name;
    run.run_name = name;
    for (auto it = run.counters.begin(); it != run.counters.end();) {
      it = std::isfinite(it->second.value) ? std::next(it) : run.counters.erase(it);
    }
  }
  return plain;
}

/// Gathers each case's samples, and keeps all for the JSON.
class Collector : public benchmark::BenchmarkReporter {
public:
  /// `started`: whether the JSON's context has been written.
  Collector(benchmark::JSONReporter *json, bool aggregates_only, bool *started)
      : json_(json), aggregates_only_(aggregates_only), started_(started) {
    SetErrorStream(&quiet_);
  }
  bool ReportContext(const Context &context) override {
    const bool first = !*started_;
    *started_ = true;
    return !json_ || !first || json_->ReportContext(context);
  }
  void ReportRuns(const std::vector<Run> &runs) override {
    std::vector<Run> plain = plainly_named(runs), aggregates;
    for (const Run &run : plain) {
      if (run.run_type == Run::RT_Aggregate) {
        aggregates.push_back(run);
      } else if (!run.error_occurred && run.iterations > 0) {
        samples[run.run_name.function_name].push_back(run.real_accumulated_time /
                                                      static_cast<double>(run.iterations));
      }
    }
    // Repetitions and aggregates come in calls of their own.
    const bool hidden = aggregates_only_ && plain.size() > 1 && aggregates.empty();
    if (json_ && !plain.empty() && !hidden) kept_.push_back(std::move(plain));
  }
  /// Writes the JSON, with the counters that the cases have gained since.
  void write(const onefold_gbench_case *cases, size_t count) {
    std::map<std::string, const onefold_gbench_case *> by_name;
    for (size_t i = 0; i < count; i++) by_name[cases[i].name] = &cases[i];
    for (std::vector<Run> &runs : kept_) {
      for (Run &run : runs) add_counters(*by_name[run.run_name.function_name], run);
      json_->ReportRuns(runs);
    }
  }
  std::map<std::string, std::vector<double>> samples;

private:
  static void add_counters(const onefold_gbench_case &c, Run &run) {
    if (run.run_type == Run::RT_Aggregate && run.aggregate_name != "median") return;
    for (const onefold_gbench_counter &counter : c.counters) {
      if (!counter.name) break;
      if (counter.per_second || run.counters.count(counter.name)) continue;
      if (std::isfinite(counter.value)) run.counters[counter.name] = counter.value;
    }
  }
  std::vector<std::vector<Run>> kept_;
  benchmark::JSONReporter *json_;
  bool aggregates_only_, *started_;
  std::ostringstream quiet_;
};

/// The counters of a row whose iterations take so many seconds.
benchmark::UserCounters counters_of(const onefold_gbench_case &row, double seconds) {
  benchmark::UserCounters counters;
  for (const onefold_gbench_counter &counter : row.counters) {
    if (!counter.name) break;
    const double value = counter.per_second ? counter.value / seconds : counter.value;
    if (std::isfinite(value)) counters[counter.name] = value;
  }
  return counters;
}

/// What Google Benchmark would report of a case with that repetition.
Run run_of(const onefold_gbench_case &row, double seconds, size_t index, size_t count) {
  Run run;
  run.run_name.function_name = row.name;
  run.family_index = run.per_family_instance_index = 0;
  if (row.label) run.report_label = row.label;
  run.repetition_index = static_cast<int64_t>(index);
  run.repetitions = static_cast<int64_t>(count);
  run.time_unit = benchmark::kMicrosecond;
  run.real_accumulated_time = run.cpu_accumulated_time = seconds;
  run.counters = counters_of(row, seconds);
  return run;
}

Run median_of(const onefold_gbench_case &row, std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  const size_t count = seconds.size();
  const double median = (seconds[(count - 1) / 2] + seconds[count / 2]) / 2;
  Run run = run_of(row, median, 0, count);
  run.run_type = Run::RT_Aggregate;
  run.aggregate_name = "median";
  run.repetition_index = Run::no_repetition_index;
  return run;
}

bool take(const std::string &flag, const char *name, std::string *value) {
  const std::string prefix = std::string("--benchmark_") + name;
  if (flag == prefix) {
    *value = "true";
    return true;
  }
  if (flag.compare(0, prefix.size() + 1, prefix + "=") != 0) return false;
  *value = flag.substr(prefix.size() + 1);
  return true;
}

bool truth(const std::string &value) {
  return value != "false" && value != "0" && value != "no";
}

} // namespace

struct onefold_gbench {
  bool listing = false, aggregates_only = false, has_min_time = false, has_repetitions = false;
  bool started = false;
  // Google Benchmark would match its own longer names, not the cases'.
  bool has_filter = false, negative = false;
  regex_t filter;
  std::vector<std::string> passed; // Google Benchmark keeps a pointer into it
  std::string path, part; // written to `part`, which takes the path when it is whole; "": directly
  std::ofstream file;
  std::unique_ptr<benchmark::JSONReporter> json;

  bool set_filter(const std::string &text) {
    if (has_filter) regfree(&filter);
    negative = !text.empty() && text[0] == '-';
    has_filter = !text.empty() && text != "all";
    if (has_filter && regcomp(&filter, text.c_str() + negative, REG_EXTENDED | REG_NOSUB)) {
      has_filter = false;
      return false;
    }
    return true;
  }
  bool wants(const char *name) const {
    return !has_filter || (regexec(&filter, name, 0, nullptr, 0) == 0) != negative;
  }
  /// A file beside that of the path, or that itself where it is no plain file or there can be none
  /// beside it.
  void open_file() {
    struct stat old = {};
    const bool exists = lstat(path.c_str(), &old) == 0;
    if (!exists || S_ISREG(old.st_mode)) {
      part = path + "." + std::to_string(getpid()) + ".part";
      file.open(part);
      if (file && exists) static_cast<void>(chmod(part.c_str(), old.st_mode & 07777));
      if (file) return;
      part.clear();
      file.clear();
    }
    file.open(path);
  }
  /// Whether what was written is there; nothing is where nothing has run.
  bool close_file() {
    file.close();
    if (part.empty()) return bool(file);
    if (started && file && std::rename(part.c_str(), path.c_str()) == 0) return true;
    unlink(part.c_str());
    return !started;
  }
  ~onefold_gbench() {
    if (has_filter) regfree(&filter);
  }
};

int onefold_gbench_is_flag(const char *argument) {
  return std::strncmp(argument, "--benchmark_", 12) == 0;
}

int onefold_gbench_open(const char *const *flags, size_t flag_count, const char *json,
                        onefold_gbench **session, char *error, size_t error_size) {
  *session = nullptr;
  auto made = std::make_unique<onefold_gbench>();
  if (json) made->path = json;
  made->passed = {"onefold", "--benchmark_enable_random_interleaving=true"};
  std::string value;
  for (size_t i = 0; i < flag_count; i++) {
    const std::string flag = flags[i];
    if (take(flag, "out", &made->path)) continue;
    if (take(flag, "out_format", &value) || take(flag, "format", &value)) {
      const bool to_file = flag.compare(0, 15, "--benchmark_out") == 0;
      if (value != "json" && (to_file || value != "console")) {
        std::snprintf(error, error_size, "%s: only json is written", flags[i]);
        return ONEFOLD_GBENCH_BAD_FLAG;
      }
      if (!to_file && value == "json") made->path = "-";
    } else if (take(flag, "filter", &value)) {
      if (!made->set_filter(value)) {
        std::snprintf(error, error_size, "%s: not a regular expression", flags[i]);
        return ONEFOLD_GBENCH_BAD_FLAG;
      }
    } else if (take(flag, "list_tests", &value)) {
      made->listing = truth(value);
    } else if (take(flag, "report_aggregates_only", &value) ||
               take(flag, "display_aggregates_only", &value)) {
      made->aggregates_only = truth(value);
    } else {
      made->has_min_time |= take(flag, "min_time", &value);
      made->has_repetitions |= take(flag, "repetitions", &value);
      made->passed.push_back(flag);
    }
  }
  std::vector<char *> argv;
  for (std::string &argument : made->passed) argv.push_back(&argument[0]);
  int argc = static_cast<int>(argv.size());
  argv.push_back(nullptr);
  benchmark::Initialize(&argc, argv.data());
  if (argc > 1) {
    std::snprintf(error, error_size, "%s: not a flag of Google Benchmark, or a bad value", argv[1]);
    return ONEFOLD_GBENCH_BAD_FLAG;
  }
  if (!made->path.empty() && !made->listing) {
    if (made->path != "-") made->open_file();
    if (made->path != "-" && !made->file) {
      std::snprintf(error, error_size, "%s: %s", made->path.c_str(), std::strerror(errno));
      return ONEFOLD_GBENCH_BAD_FILE;
    }
    made->json = std::make_unique<benchmark::JSONReporter>();
    made->json->SetOutputStream(made->path == "-" ? &std::cout : &made->file);
  }
  *session = made.release();
  return ONEFOLD_GBENCH_OPEN;
}

int onefold_gbench_is_listing(const onefold_gbench *session) {
  return session->listing;
}

int onefold_gbench_owns_stdout(const onefold_gbench *session) {
  return session->path == "-";
}

void onefold_gbench_context(onefold_gbench *session, const char *key, const char *value) {
  if (session->json) benchmark::AddCustomContext(key, value);
}

size_t onefold_gbench_run(onefold_gbench *session, const onefold_gbench_case *cases, size_t count,
                          const onefold_gbench_options *options) {
  if (session->listing) {
    for (size_t i = 0; i < count; i++) {
      if (session->wants(cases[i].name)) std::cout << cases[i].name << "\n";
    }
    return 0;
  }
  Batch batch;
  batch.options = options;
  size_t wanted = 0;
  benchmark::ClearRegisteredBenchmarks();
  for (size_t i = 0; i < count; i++) {
    const onefold_gbench_case &c = cases[i];
    if (!session->wants(c.name)) continue;
    wanted++;
    auto *registered = benchmark::RegisterBenchmark(
        c.name, [&c, i, &batch](benchmark::State &state) { run_case(state, c, i, batch); });
    registered->Unit(benchmark::kMicrosecond);
    c.prepare || c.batch ? registered->UseManualTime() : registered->UseRealTime();
    if (c.once) registered->Iterations(1);
    if (!c.once && !session->has_min_time) registered->MinTime(options->min_time);
    if (!session->has_repetitions) registered->Repetitions(options->repetitions);
  }
  Collector collector(session->json.get(), session->aggregates_only, &session->started);
  if (wanted) benchmark::RunSpecifiedBenchmarks(&collector, "all");
  benchmark::ClearRegisteredBenchmarks();
  for (size_t i = 0; i < count && options->done && !batch.failed; i++) {
    std::vector<double> &seconds = collector.samples[cases[i].name];
    std::sort(seconds.begin(), seconds.end());
    if (!seconds.empty()) options->done(options->user, i, seconds.data(), seconds.size());
  }
  if (options->finish && !batch.failed) options->finish(options->user);
  collector.write(cases, count);
  return batch.failed;
}

void onefold_gbench_add_row(onefold_gbench *session, const onefold_gbench_case *row,
                            const double *seconds, size_t count) {
  if (!count || !session->wants(row->name)) return;
  if (session->listing) {
    std::cout << row->name << "\n";
    return;
  }
  const bool first = !session->started;
  session->started = true;
  if (!session->json) return;
  if (first) session->json->ReportContext(benchmark::BenchmarkReporter::Context());
  std::vector<Run> runs;
  for (size_t i = 0; i < count && !session->aggregates_only; i++)
    runs.push_back(run_of(*row, seconds[i], i, count));
  runs.push_back(median_of(*row, std::vector<double>(seconds, seconds + count)));
  session->json->ReportRuns(runs);
}

int onefold_gbench_has_run(const onefold_gbench *session) {
  return session->started;
}

int onefold_gbench_close(onefold_gbench *session) {
  int status = 0;
  if (session->json && session->started) {
    session->json->Finalize();
    std::ostream &out = session->json->GetOutputStream();
    out.flush();
    status = out ? 0 : -1;
  }
  if (session->file.is_open() && !session->close_file()) status = -1;
  benchmark::Shutdown();
  delete session;
  return status;
}
