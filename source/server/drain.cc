// SPDX-License-Identifier: Apache-2.0
#include "source/server/drain.h"

#include <atomic>
#include <memory>
#include <utility>

#include "source/base/log.h"
#include "source/config/values.h"

namespace gatehouse::server {

void Drainer::Begin(Duration delay, Duration timeout) {
  if (begun()) {
    return;
  }
  timeout_ = timeout;
  log::Info("draining", {{"shutdown_delay", config::FormatDuration(delay)},
                         {"drain_timeout", config::FormatDuration(timeout)},
                         {"connections", Connections()}});
  phase_ = Phase::kDelay;
  if (delay > Duration::zero()) {
    control_.deadlines().ArmAfter(*this, delay);
  } else {
    CloseListeners();
  }
}

void Drainer::OnDeadline() {
  if (phase_ == Phase::kDelay) {
    CloseListeners();
  } else if (phase_ == Phase::kDraining) {
    TimeOut();
  }
}

void Drainer::CloseListeners() {
  phase_ = Phase::kDraining;
  control_.deadlines().ArmAfter(*this, timeout_ + 2 * kHandshakeGrace);
  listening_.GiveUpAll([this] { DrainWorkers(); });
}

void Drainer::DrainWorkers() {
  auto left = std::make_shared<std::atomic<size_t>>(workers_.size());
  for (const auto& worker : workers_) {
    worker->Post([this, left](proxy::Worker& self) {
      self.Drain([this, left] {
        if (left->fetch_sub(1, std::memory_order_acq_rel) == 1) {
          control_.Post([this] {
            if (phase_ == Phase::kDraining) {
              log::Info("drained");
              End(kExitOk);
            }
          });
        }
      });
    });
  }
}

void Drainer::TimeOut() {
  log::Warning("drain timed out, closing what is left", {{"connections", Connections()}});
  End(kExitDrainTimedOut);
}

void Drainer::End(int exit_code) {
  phase_ = Phase::kEnded;
  Disarm();
  end_(exit_code);
}

uint64_t Drainer::Connections() const {
  uint64_t sum = 0;
  for (const auto& worker : workers_) {
    sum += worker->worker().connections();
  }
  return sum;
}

}  // namespace gatehouse::server
