// SPDX-License-Identifier: Apache-2.0
#include "source/server/server.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "source/base/log.h"
#include "source/filters/builtin.h"
#include "source/server/banner.h"

namespace gatehouse::server {
namespace {

// It may wait for workers that have the processor, and they should not wait for it.
constexpr int kScraperNiceness = 10;

void Complain(const std::string& what) {
  const std::string line = "gatehouse: " + what + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

Server::Server(ServerOptions options) : options_(std::move(options)), catalog_(BuiltinFilters()) {}

Server::~Server() {
  // Whoever may call whom goes first: the outside world, then the workers, then what they were
  // served from, whose last files are written on the way.
  signals_.reset();
  config_watch_.reset();
  certificates_.reset();
  admin_.reset();
  scraper_.Stop(event::Background::Queued::kAbandon);  // It looks at workers.
  workers_.clear();
  compiler_.Stop(event::Background::Queued::kAbandon);
  tls_files_.reset();
  served_ = {};
  background_.Stop(event::Background::Queued::kFinish);
  log::Flush();
}

int Server::Run() {
  RaiseFileLimit();
  Listening::Sockets fresh;
  if (!Load()) {
    return kExitCouldNotStart;
  }
  MakeParts();
  if (!BindAll(&fresh)) {
    return kExitCouldNotStart;
  }
  for (const auto& worker : workers_) {
    worker->Start();
  }
  dns_->Follow(served_.snapshot->clusters, kFirstAnswers, [this, fresh] { StartServing(fresh); });
  fresh.clear();
  control_.Run();
  return exit_code_;
}

bool Server::Load() {
  if (!options_.source.path.empty()) {
    // Before the file is read, so that no change is missed.
    config_watch_ = std::make_unique<ConfigWatch>(control_, options_.source.path,
                                                  [this] { Reload("file", nullptr); });
  }
  compile_context_.catalog = &catalog_;
  compile_context_.metrics = &metrics_;
  Compiled compiled = Compile(options_.source, nullptr, 1, compile_context_);
  if (!compiled.error.empty()) {
    Complain(compiled.error);
    return false;
  }
  if (compiled.config.snapshot == nullptr) {
    const std::string text = compiled.config.diagnostics->ToText();
    std::fwrite(text.data(), 1, text.size(), stderr);
    return false;
  }
  served_ = std::move(compiled.config);
  if (config_watch_ != nullptr) {
    config_watch_->Follow(served_.included);
  }
  running_ = served_.runtime;
  running_admin_ = served_.admin.listener.address;
  compile_context_.workers = WorkerCount(served_.runtime);
  const std::string& level = options_.log_level.empty() ? running_.log_level : options_.log_level;
  log::SetLevel(log::ParseLevel(level).value_or(log::Level::kInfo));
  return true;
}

void Server::MakeParts() {
  const uint32_t workers = compile_context_.workers;
  background_.AddThreads(workers - 1);
  worker_context_.background = &background_;
  worker_context_.workers = workers;
  worker_context_.connections = &connections_;
  worker_context_.redis = redis::RedisMetrics::Define(metrics_);
  worker_context_.dns = running_.dns;
  admin_context_.background = &background_;
  for (uint32_t i = 0; i < workers; ++i) {
    workers_.push_back(std::make_unique<WorkerThread>(i, metrics_.AddTable(), worker_context_));
  }
  scraper_.Run([] { setpriority(PRIO_PROCESS, 0, kScraperNiceness); });  // This thread's, on Linux.
  process_metrics_ =
      std::make_unique<ProcessMetrics>(metrics_, metrics_.AddTable(), started_, workers);
  resolver_ = upstream::Resolver::Create(control_, running_.dns);
  dns_ = std::make_unique<DnsUpdates>(control_, *resolver_);
  certificates_ = std::make_unique<CertificateWatch>(control_, background_, control_table_);
  tls_files_ = std::make_unique<TlsFiles>(control_, compiler_);
  reload_ = std::make_unique<Reloader>(
      Reloader::Parts{control_, compiler_, metrics_, control_table_, compile_context_,
                      [this](auto included) { WatchIncluded(std::move(included)); },
                      [this] { NotifyOfReload(nullptr); },
                      [this](const admin::ReloadReport& report) { NotifyOfReload(&report); }},
      options_.source, served_, [this](ServedConfig next, Reloader::Applied done) {
        Apply(std::move(next), std::move(done));
      });
  reload_->RecordStart();
  drain_ = std::make_unique<Drainer>(control_, workers_, listening_,
                                     [this](int exit_code) { End(exit_code); });
  signals_ = std::make_unique<event::Signals>(control_, [this](int signal) { OnSignal(signal); });
}

bool Server::BindAll(Listening::Sockets* fresh) {
  auto bound = listening_.Bind(*served_.snapshot, workers_.size());
  if (!bound) {
    Complain(bound.error().message);
    return false;
  }
  *fresh = std::move(*bound);
  if (!served_.admin.enabled) {
    return true;
  }
  const auto index = static_cast<uint32_t>(workers_.size());
  auto admin = AdminEndpoint::Open(
      served_.admin, {control_, metrics_, control_table_, index, admin_context_, *this});
  if (!admin) {
    Complain(admin.error().message);
    return false;
  }
  admin_ = std::move(*admin);
  admin_->Serve();
  return true;
}

void Server::StartServing(const Listening::Sockets& fresh) {
  if (!drain_->begun()) {
    Publish(fresh, [this] { OnServing(); });
  }
}

void Server::OnServing() {
  serving_ = true;
  notify_.Ready(ServingInWords());
  reload_->Open();
  const std::string text = Banner(served_, {options_.source.name, listening_.Bound(),
                                            admin_ == nullptr ? "" : admin_->address(),
                                            workers_.size(), served_.admin.tls != nullptr});
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
  WarnOfUnseenChanges();
}

void Server::WatchIncluded(std::shared_ptr<const config::IncludedFiles> included) {
  if (config_watch_ != nullptr) {
    config_watch_->Follow(std::move(included));
    WarnOfUnseenChanges();
  }
}

// Null: an attempt begins.
void Server::NotifyOfReload(const admin::ReloadReport* report) const {
  if (drain_->begun()) {
    return;
  }
  if (report == nullptr) {
    notify_.Reloading();
    return;
  }
  std::string status = ServingInWords();
  if (report->outcome == admin::ReloadOutcome::kFailed) {
    status = "reload failed, still " + status + ": " +
             (report->error.empty() ? report->diagnostics->ToText() : report->error);
  }
  notify_.Ready(status);
}

std::string Server::ServingInWords() const {
  const proxy::Snapshot& snapshot = *served_.snapshot;
  return "serving epoch " + std::to_string(snapshot.epoch) + " (" +
         std::to_string(snapshot.listeners.size()) + " listeners, " +
         std::to_string(snapshot.clusters.size()) + " clusters, " +
         std::to_string(snapshot.routes->routes().size()) + " routes)";
}

void Server::WarnOfUnseenChanges() const {
  const std::string trouble = config_watch_ == nullptr ? "" : config_watch_->trouble();
  if (!trouble.empty()) {
    log::Warning("changes of the configuration file may go unseen", {{"reason", trouble}});
  }
}

void Server::OnSignal(int signal) {
  switch (signal) {
    case SIGHUP:
      certificates_->LookNow();
      tls_files_->LoadAll();
      Reload("SIGHUP", nullptr);
      break;
    case SIGTERM:
    case SIGINT:
      if (++terminations_ == 1) {
        BeginDrain(signal == SIGTERM ? "SIGTERM" : "SIGINT");
      } else {
        log::Warning("told to end a second time, not waiting any longer");
        End(kExitForced);
      }
      break;
    case SIGUSR1:
      served_.snapshot->filters->ReopenFiles();
      log::Info("files reopened");
      break;
    case SIGUSR2:
      log::Warning("hot restart is not supported yet");
      break;
    default:
      break;
  }
}

void Server::BeginDrain(std::string_view reason) {
  if (drain_->begun()) {
    return;
  }
  log::Info("told to end", {{"by", reason}});
  notify_.Stopping("draining, by " + std::string(reason));
  reload_->Refuse("the process is draining");
  drain_->Begin(served_.runtime.shutdown_delay, served_.runtime.drain_timeout);
}

void Server::End(int exit_code) {
  if (!drain_->begun()) {
    notify_.Stopping("ending");
  }
  exit_code_ = exit_code;
  control_.Stop();
}

}  // namespace gatehouse::server
