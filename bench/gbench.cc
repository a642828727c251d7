// SPDX-License-Identifier: BSD-3-Clause
// Runs cases by Google Benchmark and writes its JSON: the only C++ file.
#include "bench/gbench_runs.h"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
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

} // namespace

struct onefold_gbench_runs {
  const onefold_gbench_flags *flags;
  bool started = false;
  std::ofstream file;
  std::unique_ptr<benchmark::JSONReporter> json;
};

const char *onefold_gbench_runs_flags(const onefold_gbench_flags *flags) {
  std::vector<char *> argv; // it takes those that it knows out
  for (int i = 0; i < flags->passed_count; i++)
    argv.push_back(const_cast<char *>(flags->passed[i]));
  int argc = flags->passed_count;
  argv.push_back(nullptr);
  benchmark::Initialize(&argc, argv.data());
  return argc > 1 ? argv[1] : nullptr;
}

onefold_gbench_runs *onefold_gbench_runs_open(const onefold_gbench_flags *flags, const char *path) {
  auto runs = std::make_unique<onefold_gbench_runs>();
  runs->flags = flags;
  if (!path) return runs.release();
  const bool to_stdout = std::string(path) == "-";
  if (!to_stdout) runs->file.open(path);
  if (!runs->file) return nullptr;
  runs->json = std::make_unique<benchmark::JSONReporter>();
  runs->json->SetOutputStream(to_stdout ? &std::cout : &runs->file);
  return runs.release();
}

void onefold_gbench_runs_context(onefold_gbench_runs *runs, const char *key, const char *value) {
  if (runs->json) benchmark::AddCustomContext(key, value);
}

size_t onefold_gbench_runs_time(onefold_gbench_runs *runs, const onefold_gbench_case *cases,
                                size_t count, const onefold_gbench_options *options) {
  Batch batch;
  batch.options = options;
  size_t wanted = 0;
  benchmark::ClearRegisteredBenchmarks();
  for (size_t i = 0; i < count; i++) {
    const onefold_gbench_case &c = cases[i];
    if (!onefold_gbench_wants(runs->flags, c.name)) continue;
    wanted++;
    auto *registered = benchmark::RegisterBenchmark(
        c.name, [&c, i, &batch](benchmark::State &state) { run_case(state, c, i, batch); });
    registered->Unit(benchmark::kMicrosecond);
    c.prepare || c.batch ? registered->UseManualTime() : registered->UseRealTime();
    if (c.once) registered->Iterations(1);
    if (!c.once && !runs->flags->has_min_time) registered->MinTime(options->min_time);
    if (!runs->flags->has_repetitions) registered->Repetitions(options->repetitions);
  }
  Collector collector(runs->json.get(), runs->flags->aggregates_only, &runs->started);
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

void onefold_gbench_runs_add_row(onefold_gbench_runs *runs, const onefold_gbench_case *row,
                                 const double *seconds, size_t count) {
  const bool first = !runs->started;
  runs->started = true;
  if (!runs->json) return;
  if (first) runs->json->ReportContext(benchmark::BenchmarkReporter::Context());
  std::vector<Run> rows;
  for (size_t i = 0; i < count && !runs->flags->aggregates_only; i++)
    rows.push_back(run_of(*row, seconds[i], i, count));
  rows.push_back(median_of(*row, std::vector<double>(seconds, seconds + count)));
  runs->json->ReportRuns(rows);
}

int onefold_gbench_runs_begun(const onefold_gbench_runs *runs) {
  return runs->started;
}

int onefold_gbench_runs_close(onefold_gbench_runs *runs) {
  int status = 0;
  if (runs->json && runs->started) {
    runs->json->Finalize();
    std::ostream &out = runs->json->GetOutputStream();
    out.flush();
    status = out ? 0 : -1;
  }
  if (runs->file.is_open()) {
    runs->file.close();
    if (!runs->file) status = -1;
  }
  benchmark::Shutdown();
  delete runs;
  return status;
}
