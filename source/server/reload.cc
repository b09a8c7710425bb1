// SPDX-License-Identifier: Apache-2.0
#include "source/server/reload.h"

#include <chrono>
#include <utility>

#include "source/base/log.h"

namespace gatehouse::server {
namespace {

// Of one attempt; the others are in /config/status.
constexpr size_t kMaxLoggedDiagnostics = 20;

void LogDiagnostics(const config::Diagnostics& diagnostics) {
  size_t logged = 0;
  for (const config::Diagnostic& one : diagnostics.Sorted()) {
    if (one.severity != config::Severity::kError) {
      continue;
    }
    if (++logged > kMaxLoggedDiagnostics) {
      log::Error("more configuration errors", {{"see", "/config/status"}});
      return;
    }
    log::Error("configuration error", {{"at", diagnostics.Line(one)}});
  }
}

void LogFailed(const admin::ReloadReport& report) {
  const std::string mistakes = std::to_string(report.diagnostics->errors()) +
                               (report.diagnostics->errors() == 1 ? " mistake" : " mistakes");
  log::Error("reload failed, nothing changed",
             {{"trigger", report.trigger},
              {"serving_epoch", report.epoch},
              {"reason", report.error.empty() ? mistakes : report.error}});
  LogDiagnostics(*report.diagnostics);
}

void LogLoaded(const admin::ReloadReport& report, const ServedConfig& served) {
  if (report.trigger == "start") {
    return;  // What is printed says it.
  }
  const proxy::Snapshot& snapshot = *served.snapshot;
  log::Info("configuration loaded", {{"trigger", report.trigger},
                                     {"epoch", report.epoch},
                                     {"listeners", snapshot.listeners.size()},
                                     {"routes", snapshot.routes->routes().size()},
                                     {"clusters", snapshot.clusters.size()},
                                     {"filters", snapshot.filters->definitions().size()},
                                     {"warnings", report.diagnostics->warnings()}});
  for (const std::string& key : report.restart_required) {
    log::Warning("a change takes effect with the next start only", {{"key", key}});
  }
}

}  // namespace

Reloader::Reloader(const Parts& parts, ConfigSource source, const ServedConfig& served,
                   std::function<void(ServedConfig, Applied)> apply)
    : parts_(parts), source_(std::move(source)), served_(served), apply_(std::move(apply)) {
  observe::Metrics& metrics = parts_.metrics;
  const auto attempts = [&](const char* result) {
    return metrics.Counter("gatehouse_config_reloads_total",
                           "Attempts to load the configuration, by their result.",
                           {{"result", result}});
  };
  loaded_ = attempts("loaded");
  unchanged_ = attempts("unchanged");
  failed_ = attempts("failed");
  last_success_ = metrics.Gauge("gatehouse_config_last_reload_success",
                                "1 when the latest attempt to load the configuration succeeded.");
  epoch_ = metrics.Gauge("gatehouse_config_epoch", "The number of the configuration served.");
  loaded_at_ = metrics.Gauge("gatehouse_config_loaded_timestamp_seconds",
                             "When the configuration served was loaded.");
  status_.source = source_.name;
  status_.last.diagnostics = std::make_shared<config::Diagnostics>();
}

void Reloader::RecordStart() {
  trigger_ = "start";
  Record(Succeeded(admin::ReloadOutcome::kLoaded));
}

void Reloader::Request(std::string_view trigger, Done done) {
  if (done) {
    next_waiting_.push_back(std::move(done));
  }
  next_trigger_ = trigger;
  if (open_ && !status_.reloading) {
    Begin();
  }
}

void Reloader::Open() {
  open_ = true;
  if (!next_trigger_.empty() && !status_.reloading) {
    Begin();
  }
}

void Reloader::Refuse(std::string reason) {
  refused_ = std::move(reason);
  Open();
}

void Reloader::Begin() {
  status_.reloading = true;
  trigger_ = std::exchange(next_trigger_, {});
  waiting_ = std::exchange(next_waiting_, {});
  if (parts_.began) {
    parts_.began();
  }
  if (!refused_.empty()) {
    Finish(Failed(refused_));
    return;
  }
  if (source_.path.empty()) {
    Finish(Failed("the configuration came from " + source_.name + ", which can't be read again"));
    return;
  }
  const bool queued = parts_.compiler.Run([this, served = served_] {
    auto compiled = std::make_shared<Compiled>(
        Compile(source_, &served, served.snapshot->epoch + 1, parts_.context));
    parts_.control.Post([this, compiled] { OnCompiled(std::move(*compiled)); });
  });
  if (!queued) {
    Finish(Failed("the process is ending"));
  }
}

void Reloader::OnCompiled(Compiled compiled) {
  if (!refused_.empty()) {
    Finish(Failed(refused_));
    return;
  }
  if (parts_.read && compiled.read) {
    parts_.read(compiled.unchanged ? served_.included : compiled.config.included);
  }
  if (compiled.unchanged) {
    Finish(Succeeded(admin::ReloadOutcome::kUnchanged));
    return;
  }
  if (compiled.config.snapshot == nullptr) {
    admin::ReloadReport report = Failed(std::move(compiled.error));
    report.diagnostics = std::move(compiled.config.diagnostics);
    Finish(std::move(report));
    return;
  }
  apply_(std::move(compiled.config), [this](const Result<void>& applied) {
    Finish(applied ? Succeeded(admin::ReloadOutcome::kLoaded) : Failed(applied.error().message));
  });
}

void Reloader::Finish(admin::ReloadReport report) {
  Record(std::move(report));
  if (parts_.ended) {
    parts_.ended(status_.last);
  }
  const std::vector<Done> waiting = std::exchange(waiting_, {});
  status_.reloading = false;
  if (!next_trigger_.empty()) {
    Begin();
  }
  // Copied: the calls may ask for another attempt.
  const admin::ReloadReport last = status_.last;
  for (const Done& done : waiting) {
    done(last);
  }
}

void Reloader::Record(admin::ReloadReport report) {
  const bool ok = report.outcome != admin::ReloadOutcome::kFailed;
  switch (report.outcome) {
    case admin::ReloadOutcome::kLoaded:
      ++status_.loaded;
      parts_.table.Add(loaded_);
      status_.epoch = report.epoch;
      status_.loaded_at = report.at;
      status_.hash = served_.hash;
      LogLoaded(report, served_);
      break;
    case admin::ReloadOutcome::kUnchanged:
      ++status_.unchanged;
      parts_.table.Add(unchanged_);
      log::Info("configuration unchanged", {{"trigger", report.trigger}, {"epoch", report.epoch}});
      break;
    case admin::ReloadOutcome::kFailed:
      ++status_.failed;
      parts_.table.Add(failed_);
      LogFailed(report);
      break;
  }
  parts_.table.Set(last_success_, ok ? 1 : 0);
  parts_.table.Set(epoch_, static_cast<int64_t>(status_.epoch));
  parts_.table.Set(loaded_at_, std::chrono::duration_cast<std::chrono::seconds>(
                                   status_.loaded_at.time_since_epoch())
                                   .count());
  status_.last = std::move(report);
}

admin::ReloadReport Reloader::Succeeded(admin::ReloadOutcome outcome) const {
  return {.outcome = outcome,
          .at = WallNow(),
          .epoch = served_.snapshot->epoch,
          .trigger = trigger_,
          .error = "",
          .diagnostics = served_.diagnostics,
          .restart_required = served_.restart_required};
}

admin::ReloadReport Reloader::Failed(std::string error) const {
  return {.outcome = admin::ReloadOutcome::kFailed,
          .at = WallNow(),
          .epoch = served_.snapshot->epoch,
          .trigger = trigger_,
          .error = std::move(error),
          .diagnostics = std::make_shared<config::Diagnostics>(),
          .restart_required = served_.restart_required};
}

}  // namespace gatehouse::server
