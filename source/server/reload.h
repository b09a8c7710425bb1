// SPDX-License-Identifier: Apache-2.0
// Reloading: one way for a changed file, SIGHUP, `gatehouse reload` and POST /reload.
//
// read ─▶ diagnose ─▶ compile ─▶ apply ─▶ report, whole or not at all. Reading and compiling happen
// on a background thread. Requests that come meanwhile share one more attempt after this one, so
// that each is answered by an attempt that began after it was made.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/admin/server_view.h"
#include "source/base/error.h"
#include "source/event/background.h"
#include "source/event/loop.h"
#include "source/observe/metrics.h"
#include "source/server/compile.h"

namespace gatehouse::server {

// Control thread.
class Reloader {
 public:
  using Done = std::function<void(const admin::ReloadReport&)>;
  // Nothing, or why nothing changed.
  using Applied = std::function<void(Result<void>)>;

  struct Parts {
    event::Loop& control;
    event::Background& compiler;  // One thread.
    observe::Metrics& metrics;
    observe::MetricTable& table;  // The control thread's.
    CompileContext& context;      // Used on the compiler's thread.
    // Told what was included, after each attempt that could read the text. May be null.
    std::function<void(std::shared_ptr<const config::IncludedFiles>)> read = {};
    // Told when an attempt begins, and what came of it. May be null.
    std::function<void()> began = {};
    std::function<void(const admin::ReloadReport&)> ended = {};
  };

  // `served` is what Apply() replaces; `apply` makes a configuration the served one, and then or
  // when it can't calls back, once.
  Reloader(const Parts& parts, ConfigSource source, const ServedConfig& served,
           std::function<void(ServedConfig next, Applied done)> apply);

  // `served` is what the process starts with. Attempts wait until Open().
  void RecordStart();
  void Open();

  // Loads anew. `done` may be null.
  void Request(std::string_view trigger, Done done);

  // No attempt begins any more: requests fail with `reason`.
  void Refuse(std::string reason);

  const admin::ConfigStatus& status() const { return status_; }

 private:
  void Begin();
  void OnCompiled(Compiled compiled);
  void Finish(admin::ReloadReport report);
  void Record(admin::ReloadReport report);
  // Of an attempt that succeeded, and of one that did not.
  admin::ReloadReport Succeeded(admin::ReloadOutcome outcome) const;
  admin::ReloadReport Failed(std::string error) const;

  Parts parts_;
  const ConfigSource source_;
  const ServedConfig& served_;
  const std::function<void(ServedConfig, Applied)> apply_;
  observe::MetricId loaded_, unchanged_, failed_, last_success_, epoch_, loaded_at_;

  admin::ConfigStatus status_;
  bool open_ = false;
  std::string refused_;
  std::string trigger_;        // Of the attempt under way.
  std::vector<Done> waiting_;  // For the attempt under way.
  std::string next_trigger_;   // Of the next attempt; empty when none is wanted.
  std::vector<Done> next_waiting_;
};

}  // namespace gatehouse::server
