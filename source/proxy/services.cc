// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/services.h"

#include <string>
#include <utility>
#include <vector>

#include "source/base/log.h"
#include "source/event/deadline.h"
#include "source/event/file_watch.h"
#include "source/event/loop.h"
#include "source/event/wakeup.h"
#include "source/proxy/fetch.h"
#include "source/proxy/worker_parts.h"

namespace gatehouse::proxy {
namespace {

class TimerCall final : public pipeline::Pending, private event::Deadline {
 public:
  TimerCall(event::Loop& loop, Duration delay, std::function<void()> done)
      : done_(std::move(done)) {
    loop.deadlines().ArmAfter(*this, delay);
  }

 private:
  void OnDeadline() override { std::exchange(done_, nullptr)(); }
  std::function<void()> done_;
};

// The work can't be taken back once it runs; its end is then told to nobody.
class BackgroundCall final : public pipeline::Pending {
 public:
  explicit BackgroundCall(std::function<void()> done)
      : done_(std::make_shared<std::function<void()>>(std::move(done))) {}
  ~BackgroundCall() override { *done_ = nullptr; }
  std::shared_ptr<std::function<void()>> done() const { return done_; }

 private:
  std::shared_ptr<std::function<void()>> done_;  // Touched on the worker only.
};

// `changed` may end the call.
class WatchCall final : public pipeline::Pending {
 public:
  WatchCall(event::Loop& loop, const std::vector<std::string>& paths,
            const std::function<void()>& changed) {
    for (const std::string& path : paths) {
      watches_.push_back(std::make_unique<event::FileWatch>(loop, path, changed));
      if (const std::string& trouble = watches_.back()->trouble(); !trouble.empty()) {
        log::Warning("changes of a file may go unseen", {{"file", path}, {"why", trouble}});
      }
    }
  }

 private:
  std::vector<std::unique_ptr<event::FileWatch>> watches_;
};

class LoopWaker final : public pipeline::Waker {
 public:
  explicit LoopWaker(std::shared_ptr<event::Wakeup> wakeup) : wakeup_(std::move(wakeup)) {}
  void Wake() const override { wakeup_->Wake(); }

 private:
  const std::shared_ptr<event::Wakeup> wakeup_;
};

class WakeCall final : public pipeline::Pending {
 public:
  explicit WakeCall(std::shared_ptr<event::Wakeup> wakeup) : wakeup_(std::move(wakeup)) {}
  ~WakeCall() override { wakeup_->Close(); }

 private:
  const std::shared_ptr<event::Wakeup> wakeup_;
};

}  // namespace

std::unique_ptr<pipeline::Pending> WorkerServices::Fetch(
    pipeline::FetchRequest request, std::function<void(Result<pipeline::FetchResponse>)> done) {
  return StartFetch(worker_, std::move(request), std::move(done));
}

std::unique_ptr<pipeline::Pending> WorkerServices::Timer(Duration delay,
                                                         std::function<void()> done) {
  return std::make_unique<TimerCall>(worker_.loop, delay, std::move(done));
}

std::unique_ptr<pipeline::Pending> WorkerServices::Background(std::function<void()> work,
                                                              std::function<void()> done) {
  auto call = std::make_unique<BackgroundCall>(std::move(done));
  worker_.context.background->Run(
      [&loop = worker_.loop, work = std::move(work), done = call->done()]() mutable {
        work();
        loop.Post([done = std::move(done)] {
          // It may end the call, which must not destroy what runs.
          if (const auto told = std::exchange(*done, nullptr)) {
            told();
          }
        });
      });
  return call;
}

std::unique_ptr<pipeline::Pending> WorkerServices::Watch(std::vector<std::string> paths,
                                                         std::function<void()> changed) {
  return std::make_unique<WatchCall>(worker_.loop, paths, changed);
}

std::unique_ptr<pipeline::Pending> WorkerServices::Wakeable(
    std::function<void()> woken, std::shared_ptr<const pipeline::Waker>& waker) {
  auto wakeup = std::make_shared<event::Wakeup>(worker_.loop, std::move(woken));
  waker = std::make_shared<LoopWaker>(wakeup);
  return std::make_unique<WakeCall>(std::move(wakeup));
}

std::unique_ptr<pipeline::Pending> WorkerServices::RunScript(
    const pipeline::RedisServer& server, const pipeline::RedisScript& script,
    std::span<const std::string_view> keys, std::span<const std::string_view> arguments,
    std::function<void(Result<pipeline::RedisValue>)> done) {
  return worker_.redis.RunScript(server, script, keys, arguments, std::move(done));
}

void WorkerServices::Count(observe::MetricId id, int64_t amount) {
  worker_.metrics.Add(id, amount);
}

}  // namespace gatehouse::proxy
