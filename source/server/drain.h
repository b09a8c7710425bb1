// SPDX-License-Identifier: Apache-2.0
// The orderly end: readiness fails, then listeners close, then what is under way is finished.
//
//   runtime: {shutdown_delay: 0s, drain_timeout: 30s}
//
//   Begin ──shutdown_delay──▶ listeners close ──▶ workers drain ──▶ end (exit code 0)
//                                                 └─drain_timeout─▶ end (exit code 3)
#pragma once

#include <cstdint>
#include <functional>

#include "source/base/clock.h"
#include "source/event/deadline.h"
#include "source/event/loop.h"
#include "source/server/listening.h"
#include "source/server/worker_thread.h"

namespace gatehouse::server {

// Exit codes of a process that had started.
inline constexpr int kExitOk = 0;
inline constexpr int kExitForced = 2;
inline constexpr int kExitDrainTimedOut = 3;

// Control thread.
class Drainer final : private event::Deadline {
 public:
  // `end` is called once, with the exit code, when there is nothing left to wait for.
  Drainer(event::Loop& control, const WorkerThreads& workers, Listening& listening,
          std::function<void(int)> end)
      : control_(control), workers_(workers), listening_(listening), end_(std::move(end)) {}

  // `delay`: for load balancers to notice before connections are refused. A second call does
  // nothing.
  void Begin(Duration delay, Duration timeout);
  bool begun() const { return phase_ != Phase::kNotBegun; }

 private:
  enum class Phase : uint8_t { kNotBegun, kDelay, kDraining, kEnded };

  void OnDeadline() override;
  void CloseListeners();
  void DrainWorkers();
  void TimeOut();
  void End(int exit_code);
  uint64_t Connections() const;

  event::Loop& control_;
  const WorkerThreads& workers_;
  Listening& listening_;
  const std::function<void(int)> end_;
  Phase phase_ = Phase::kNotBegun;
  Duration timeout_{};
};

}  // namespace gatehouse::server
