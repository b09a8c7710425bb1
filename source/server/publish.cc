// SPDX-License-Identifier: Apache-2.0
// From one served configuration to the next: whole, or not at all.
#include <utility>

#include "source/base/log.h"
#include "source/server/server.h"

namespace gatehouse::server {
namespace {

bool SameResolver(const upstream::ResolverSettings& a, const upstream::ResolverSettings& b) {
  return a.servers == b.servers && a.timeout == b.timeout && a.min_ttl == b.min_ttl &&
         a.max_ttl == b.max_ttl && a.retry == b.retry;
}

}  // namespace

void Server::Apply(ServedConfig next, Reloader::Applied done) {
  // What can fail comes first.
  auto fresh = listening_.Bind(*next.snapshot, workers_.size());
  if (!fresh) {
    Dispose(std::move(next.snapshot));
    done(tl::unexpected(fresh.error()));
    return;
  }
  const auto clusters = next.snapshot->clusters;
  dns_->Follow(
      clusters, kFirstAnswers,
      [this, next = std::move(next), fresh = std::move(*fresh), done = std::move(done)] {
        if (drain_->begun()) {
          done(Fail(ErrorCode::kDraining, ErrorSource::kInternal, "the process is draining"));
          return;
        }
        Adopt(next);
        Publish(fresh);
        done({});
      });
}

void Server::Adopt(ServedConfig next) {
  next.restart_required = RestartRequired(next);
  if (next.runtime.log_level != served_.runtime.log_level && options_.log_level.empty()) {
    log::SetLevel(log::ParseLevel(next.runtime.log_level).value_or(log::Level::kInfo));
  }
  if (admin_ != nullptr) {
    admin_->SetTokens(next.admin);
  }
  Dispose(std::move(served_.snapshot));
  served_ = std::move(next);
}

void Server::Publish(Listening::Sockets fresh) {
  for (const auto& worker : workers_) {
    worker->Post([snapshot = std::shared_ptr<const proxy::Snapshot>(served_.snapshot)](
                     proxy::Worker& self) { self.SetSnapshot(snapshot); });
  }
  listening_.Switch(*served_.snapshot, std::move(fresh));
  dns_->Keep(served_.snapshot->clusters);
}

std::vector<std::string> Server::RestartRequired(const ServedConfig& next) const {
  std::vector<std::string> out;
  const auto check = [&](bool same, const char* key) {
    if (!same) {
      out.emplace_back(key);
    }
  };
  check(WorkerCount(next.runtime) == workers_.size(), "runtime.workers");
  check(next.runtime.state_dir == running_.state_dir, "runtime.state_dir");
  check(SameResolver(next.runtime.dns, running_.dns), "runtime.dns");
  check(next.admin.enabled == (admin_ != nullptr) &&
            (admin_ == nullptr || next.admin.listener.address == running_admin_),
        "admin.address");
  return out;
}

// Freeing a million routes takes a while.
void Server::Dispose(std::shared_ptr<const proxy::Snapshot> snapshot) {
  background_.Run([snapshot = std::move(snapshot)]() mutable { snapshot.reset(); });
}

}  // namespace gatehouse::server
