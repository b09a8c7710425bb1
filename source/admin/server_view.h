// SPDX-License-Identifier: Apache-2.0
// What the admin endpoint sees of the process it speaks for, and may ask of it. Implemented by
// server/, and by a fake in tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/config/diagnostics.h"
#include "source/observe/metrics.h"
#include "source/proxy/handler.h"
#include "source/proxy/snapshot.h"

namespace gatehouse::admin {

enum class ServerState : uint8_t { kStarting, kServing, kDraining };

struct ServerFacts {
  struct Worker {
    uint32_t connections = 0;
    uint32_t streams = 0;
  };
  std::string version;
  WallTime started{};
  Duration uptime{};
  std::vector<Worker> workers;  // Approximate.
  // Configurations that streams still use, the one served now included.
  size_t epochs_in_use = 1;
};

// One listening address, as it is bound now.
struct BoundListener {
  uint32_t id = 0;      // ListenerPlan::id
  std::string address;  // With the real port, when 0 was asked for.
  size_t sockets = 0;
};

// A hostname among a cluster's endpoints.
struct ResolvedHost {
  std::string hostname;
  std::vector<std::string> addresses;
  std::string error;  // Why the latest question failed; empty when it did not.
};

enum class ReloadOutcome : uint8_t { kLoaded, kUnchanged, kFailed };

// One attempt to load the configuration, and what came of it.
struct ReloadReport {
  ReloadOutcome outcome = ReloadOutcome::kLoaded;
  WallTime at{};
  uint64_t epoch = 0;   // Served after it.
  std::string trigger;  // "start", "file", "SIGHUP", "admin"
  std::string error;    // What failed besides the text itself (reading, binding); or empty.
  std::shared_ptr<const config::Diagnostics> diagnostics;  // Never null.
  // Changes that are in the file and take effect with the next start only.
  std::vector<std::string> restart_required;
};

struct ConfigStatus {
  std::string source;  // The path, "<stdin>", "<command line>".
  uint64_t epoch = 0;
  WallTime loaded_at{};
  std::string hash;  // Of the text that is served.
  bool reloading = false;
  uint64_t loaded = 0;  // Attempts by outcome; the start counts.
  uint64_t unchanged = 0;
  uint64_t failed = 0;
  ReloadReport last;
};

// A made-up request, for the route tester.
struct RouteQuestion {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers;   // "name: value"
  std::string client_ip;              // Empty: 127.0.0.1.
  std::string listener;               // Empty: the first that the URL fits.
  std::vector<std::string> identity;  // "claims.tenant=acme"; none: nobody is authenticated.
};

// Control thread, unless said.
class ServerView {
 public:
  // Never waits.
  virtual ServerState State() const = 0;
  virtual ServerFacts Facts() const = 0;
  // What is served now.
  virtual std::shared_ptr<const proxy::Snapshot> Snapshot() const = 0;
  virtual std::vector<BoundListener> Listeners() const = 0;
  virtual std::vector<ResolvedHost> Hosts(const upstream::Cluster& cluster) const = 0;
  virtual const ConfigStatus& Status() const = 0;
  // YAML, with defaults, secrets redacted.
  virtual std::string EffectiveConfig() const = 0;
  // Any thread.
  virtual int64_t Sum(observe::MetricId id) const = 0;

  // Sends what `work` returns; it runs off the loops.
  virtual void Answer(std::function<proxy::HandlerResponse()> work,
                      std::shared_ptr<proxy::HandlerReply> reply) = 0;
  // The same, with all metrics, those of the process as they are now.
  virtual void AnswerFromMetrics(
      std::function<proxy::HandlerResponse(const observe::Metrics&)> work,
      std::shared_ptr<proxy::HandlerReply> reply) = 0;

  // Loads the configuration anew; concurrent calls may share one attempt. `done` is always called.
  virtual void Reload(std::string_view trigger, std::function<void(const ReloadReport&)> done) = 0;
  // Checks a text as if it were the configuration; nothing changes.
  virtual void Validate(std::string text, std::function<void(const config::Diagnostics&)> done) = 0;
  // JSON: which route of `snapshot` would take the request, and why. An error when the question
  // can't be understood. Any thread.
  virtual Result<std::string> ExplainRoute(const proxy::Snapshot& snapshot,
                                           const RouteQuestion& question) const = 0;

  // Finishes what is under way, then ends the process.
  virtual void Drain() = 0;
  // Ends the process, after what was answered has left.
  virtual void Quit() = 0;

 protected:
  ~ServerView() = default;
};

}  // namespace gatehouse::admin
