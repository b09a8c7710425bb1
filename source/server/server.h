// SPDX-License-Identifier: Apache-2.0
// The process: everything that runs around the workers.
//
// The control loop runs on the calling thread: signals, file changes, DNS, publishing, the admin
// endpoint. Workers get what they serve by message and share nothing of this.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/admin/server_view.h"
#include "source/event/background.h"
#include "source/event/loop.h"
#include "source/event/signals.h"
#include "source/observe/metrics.h"
#include "source/pipeline/catalog.h"
#include "source/proxy/worker.h"
#include "source/server/admin_endpoint.h"
#include "source/server/certificate_watch.h"
#include "source/server/compile.h"
#include "source/server/config_watch.h"
#include "source/server/dns_updates.h"
#include "source/server/drain.h"
#include "source/server/listening.h"
#include "source/server/process_metrics.h"
#include "source/server/reload.h"
#include "source/server/systemd_notify.h"
#include "source/server/tls_files.h"
#include "source/server/worker_thread.h"
#include "source/upstream/dns/host_watch.h"

namespace gatehouse::server {

inline constexpr int kExitCouldNotStart = 1;

struct ServerOptions {
  ConfigSource source;
  std::string log_level;  // Overrides runtime.log_level when not empty.
};

// One per process: it takes the process's signals. REQUIRES: Signals::Block() was called before any
// thread was started.
class Server final : private admin::ServerView {
 public:
  explicit Server(ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until it is told to end. What keeps it from starting goes to standard error, addresses
  // and counts to standard output. Returns the exit code.
  int Run();

 private:
  // First requests should not fail for want of addresses, nor wait for a dead resolver.
  static constexpr Duration kFirstAnswers = std::chrono::seconds(1);
  // And one more for each worker but the first: filters may keep one busy for each worker.
  static constexpr size_t kBackgroundThreads = 2;

  // Starting: server.cc. False, and why on standard error, when it can't be done.
  bool Load();
  void MakeParts();
  bool BindAll(Listening::Sockets* fresh);
  void StartServing(const Listening::Sockets& fresh);
  void OnServing();
  void WarnOfUnseenChanges() const;
  void NotifyOfReload(const admin::ReloadReport* report) const;
  std::string ServingInWords() const;
  void WatchIncluded(std::shared_ptr<const config::IncludedFiles> included);

  // Publishing: publish.cc.
  void Apply(ServedConfig next, Reloader::Applied done);
  void Adopt(ServedConfig next);
  void Publish(const Listening::Sockets& fresh, std::function<void()> done);
  std::vector<const proxy::ListenerPlan*> AllListeners() const;
  std::vector<std::string> RestartRequired(const ServedConfig& next) const;
  void Dispose(std::shared_ptr<const proxy::Snapshot> snapshot);

  // Steering: server.cc.
  void OnSignal(int signal);
  void BeginDrain(std::string_view reason);
  void End(int exit_code);

  // admin::ServerView: view.cc.
  admin::ServerState State() const override;
  admin::ServerFacts Facts() const override;
  std::shared_ptr<const proxy::Snapshot> Snapshot() const override { return served_.snapshot; }
  std::vector<admin::BoundListener> Listeners() const override { return listening_.Bound(); }
  std::vector<admin::ResolvedHost> Hosts(const upstream::Cluster& cluster) const override;
  const admin::ConfigStatus& Status() const override { return reload_->status(); }
  std::string EffectiveConfig() const override { return served_.effective->Unpack(); }
  int64_t Sum(observe::MetricId id) const override { return metrics_.Sum(id); }
  void Answer(std::function<proxy::HandlerResponse()> work,
              std::shared_ptr<proxy::HandlerReply> reply) override;
  void AnswerFromMetrics(std::function<proxy::HandlerResponse(const observe::Metrics&)> work,
                         std::shared_ptr<proxy::HandlerReply> reply) override;
  void Reload(std::string_view trigger,
              std::function<void(const admin::ReloadReport&)> done) override;
  void Validate(std::string text, std::function<void(const config::Diagnostics&)> done) override;
  Result<std::string> ExplainRoute(const proxy::Snapshot& snapshot,
                                   const admin::RouteQuestion& question) const override;
  void Drain() override { BeginDrain("admin"); }
  void Quit() override;

  const ServerOptions options_;
  const WallTime started_ = WallNow();
  const MonotonicTime started_monotonic_ = MonotonicNow();
  const pipeline::Catalog catalog_;
  observe::Metrics metrics_;
  observe::MetricTable& control_table_ = metrics_.AddTable();
  event::Loop control_{"control"};
  event::Background background_{kBackgroundThreads};
  // Also the only thread that names metrics while others run.
  event::Background compiler_{1, "compiler"};
  // Puts metrics into words: behind no reload, and before no request.
  event::Background scraper_{1, "scraper"};
  CompileContext compile_context_;

  ServedConfig served_;
  std::vector<std::weak_ptr<const proxy::Snapshot>> old_epochs_;  // Some streams may be left.
  RuntimeSettings running_;  // As started with: what can't change live.
  config::Address running_admin_;
  upstream::SharedLimit connections_;  // Of clients, over all listeners.
  proxy::WorkerContext worker_context_;
  proxy::WorkerContext admin_context_;
  Listening listening_{control_, workers_};
  WorkerThreads workers_;
  std::unique_ptr<upstream::Resolver> resolver_;
  std::unique_ptr<DnsUpdates> dns_;
  std::unique_ptr<TlsFiles> tls_files_;
  std::unique_ptr<ProcessMetrics> process_metrics_;
  std::unique_ptr<CertificateWatch> certificates_;
  std::unique_ptr<AdminEndpoint> admin_;
  std::unique_ptr<Reloader> reload_;
  std::unique_ptr<Drainer> drain_;
  std::unique_ptr<ConfigWatch> config_watch_;
  std::unique_ptr<event::Signals> signals_;
  const SystemdNotify notify_{std::getenv("NOTIFY_SOCKET")};
  bool serving_ = false;
  int terminations_ = 0;
  int exit_code_ = kExitOk;
};

}  // namespace gatehouse::server
