// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/services.h"

#include <string>
#include <utility>

#include "source/event/deadline.h"
#include "source/event/loop.h"
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
          if (*done) {
            (*done)();
          }
        });
      });
  return call;
}

}  // namespace gatehouse::proxy
