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

// What can fail comes first. Between the steps the control loop goes on.
void Server::Apply(ServedConfig next, Reloader::Applied done) {
  auto bound = listening_.Bind(*next.snapshot, workers_.size());
  if (!bound) {
    Dispose(std::move(next.snapshot));
    done(tl::unexpected(bound.error()));
    return;
  }
  const Listening::Sockets fresh = std::move(*bound);
  const std::shared_ptr<proxy::Snapshot> snapshot = next.snapshot;
  const auto publish = [this, next = std::move(next), fresh, done] {
    if (drain_->begun()) {
      done(Fail(ErrorCode::kDraining, ErrorSource::kInternal, "the process is draining"));
      return;
    }
    Adopt(next);
    Publish(fresh, [done] { done({}); });
  };
  dns_->Follow(snapshot->clusters, kFirstAnswers,
               [this, snapshot, fresh, publish] { listening_.Prepare(*snapshot, fresh, publish); });
}

void Server::Adopt(ServedConfig next) {
  next.restart_required = RestartRequired(next);
  if (next.runtime.log_level != served_.runtime.log_level && options_.log_level.empty()) {
    log::SetLevel(log::ParseLevel(next.runtime.log_level).value_or(log::Level::kInfo));
  }
  if (admin_ != nullptr) {
    admin_->SetTokens(next.admin);
  }
  std::erase_if(old_epochs_, [](const auto& epoch) { return epoch.expired(); });
  old_epochs_.emplace_back(served_.snapshot);
  Dispose(std::move(served_.snapshot));
  served_ = std::move(next);
}

void Server::Publish(const Listening::Sockets& fresh, std::function<void()> done) {
  listening_.Switch(served_.snapshot, fresh, std::move(done));
  dns_->Keep(served_.snapshot->clusters);
  certificates_->Follow(AllListeners());
  tls_files_->Follow(ClusterTlsFiles(*served_.snapshot));
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
  check(admin_ == nullptr || next.admin.listener.tls == admin_->plan().settings->tls, "admin.tls");
  return out;
}

// The admin endpoint's too, which keeps what it has begun with.
std::vector<const proxy::ListenerPlan*> Server::AllListeners() const {
  std::vector<const proxy::ListenerPlan*> out;
  for (const proxy::ListenerPlan& plan : served_.snapshot->listeners) {
    out.push_back(&plan);
  }
  if (admin_ != nullptr) {
    out.push_back(&admin_->plan());
  }
  return out;
}

// Freeing a million routes takes a while.
void Server::Dispose(std::shared_ptr<const proxy::Snapshot> snapshot) {
  background_.Run([snapshot = std::move(snapshot)]() mutable { snapshot.reset(); });
}

}  // namespace gatehouse::server
