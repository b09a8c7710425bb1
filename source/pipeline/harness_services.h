// SPDX-License-Identifier: Apache-2.0
// The services of a stream under test: calls wait until the test answers them.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/pipeline/services.h"

namespace gatehouse::pipeline {

class HarnessServices final : public Services {
 public:
  // `now` and `tables` outlive the services.
  HarnessServices(const MonotonicTime& now, const std::vector<observe::MetricTable*>& tables)
      : now_(now), tables_(tables) {}

  std::unique_ptr<Pending> Fetch(FetchRequest request,
                                 std::function<void(Result<FetchResponse>)> done) override {
    fetches_.push_back(std::move(request));
    auto job = std::make_shared<Job>();
    job->answered = std::move(done);
    return Add(waiting_fetches_, std::move(job));
  }
  std::unique_ptr<Pending> Timer(Duration delay, std::function<void()> done) override {
    auto job = std::make_shared<Job>();
    job->due = now_ + delay;
    job->done = std::move(done);
    return Add(timers_, std::move(job));
  }
  std::unique_ptr<Pending> Background(std::function<void()> work,
                                      std::function<void()> done) override {
    auto job = std::make_shared<Job>();
    job->work = std::move(work);
    job->done = std::move(done);
    return Add(background_, std::move(job));
  }

  std::unique_ptr<Pending> Watch(std::vector<std::string> paths,
                                 std::function<void()> changed) override {
    auto job = std::make_shared<Job>();
    job->paths = std::move(paths);
    job->done = std::move(changed);
    return Add(watches_, std::move(job));
  }

  // Wake() calls `woken` at once.
  std::unique_ptr<Pending> Wakeable(std::function<void()> woken,
                                    std::shared_ptr<const Waker>& waker) override {
    auto job = std::make_shared<Job>();
    job->done = std::move(woken);
    waker = std::make_shared<JobWaker>(job);
    return std::make_unique<PendingJob>(std::move(job));
  }

  // A call of RunScript(), with copies of what was given.
  struct ScriptCall {
    RedisServer server;
    std::string digest;
    std::vector<std::string> keys;
    std::vector<std::string> arguments;
  };
  std::unique_ptr<Pending> RunScript(const RedisServer& server, const RedisScript& script,
                                     std::span<const std::string_view> keys,
                                     std::span<const std::string_view> arguments,
                                     std::function<void(Result<RedisValue>)> done) override {
    scripts_.push_back(
        {server, script.digest, {keys.begin(), keys.end()}, {arguments.begin(), arguments.end()}});
    auto job = std::make_shared<Job>();
    job->scripted = std::move(done);
    return Add(waiting_scripts_, std::move(job));
  }
  const std::vector<ScriptCall>& scripts() const { return scripts_; }
  // Answers the oldest script that waits; false when none does.
  bool AnswerScript(Result<RedisValue> value) {
    const auto job = Take(waiting_scripts_, [](const Job&) { return true; });
    if (job != nullptr) {
      job->scripted(std::move(value));
    }
    return job != nullptr;
  }

  void Count(observe::MetricId id, int64_t amount) override { tables_[0]->Add(id, amount); }

  const std::vector<FetchRequest>& fetches() const { return fetches_; }

  // Answers the oldest fetch that waits; false when none does.
  bool Answer(Result<FetchResponse> response) {
    const auto job = Take(waiting_fetches_, [](const Job&) { return true; });
    if (job != nullptr) {
      job->answered(std::move(response));
    }
    return job != nullptr;
  }
  void FireTimers() {
    while (const auto job = Take(timers_, [&](const Job& timer) { return timer.due <= now_; })) {
      job->done();
    }
  }
  // Tells those who watch `path`; false when nobody does.
  bool TellChanged(const std::string& path) {
    std::erase_if(watches_, [](const auto& job) { return job->cancelled; });
    bool any = false;
    for (const auto& job : Jobs(watches_)) {
      if (std::find(job->paths.begin(), job->paths.end(), path) != job->paths.end()) {
        any = true;
        job->done();
      }
    }
    return any;
  }
  // Runs what waits; false when nothing does.
  bool RunBackground() {
    bool any = false;
    while (const auto job = Take(background_, [](const Job&) { return true; })) {
      any = true;
      job->work();
      if (!job->cancelled) {
        job->done();
      }
    }
    return any;
  }

 private:
  struct Job {
    MonotonicTime due{};
    std::function<void()> work;
    std::function<void()> done;
    std::function<void(Result<FetchResponse>)> answered;
    std::function<void(Result<RedisValue>)> scripted;
    std::vector<std::string> paths;
    bool cancelled = false;
  };
  using Jobs = std::deque<std::shared_ptr<Job>>;

  class PendingJob final : public Pending {
   public:
    explicit PendingJob(std::shared_ptr<Job> job) : job_(std::move(job)) {}
    ~PendingJob() override { job_->cancelled = true; }

   private:
    std::shared_ptr<Job> job_;
  };

  class JobWaker final : public Waker {
   public:
    explicit JobWaker(std::shared_ptr<Job> job) : job_(std::move(job)) {}
    void Wake() const override {
      if (!job_->cancelled) {
        job_->done();
      }
    }

   private:
    std::shared_ptr<Job> job_;
  };

  static std::unique_ptr<Pending> Add(Jobs& jobs, std::shared_ptr<Job> job) {
    jobs.push_back(job);
    return std::make_unique<PendingJob>(std::move(job));
  }
  // The first job that satisfies `wanted`, taken out; null when there is none.
  template <typename Wanted>
  static std::shared_ptr<Job> Take(Jobs& jobs, Wanted wanted) {
    std::erase_if(jobs, [](const auto& job) { return job->cancelled; });
    const auto at =
        std::find_if(jobs.begin(), jobs.end(), [&](const auto& job) { return wanted(*job); });
    if (at == jobs.end()) {
      return nullptr;
    }
    std::shared_ptr<Job> job = *at;
    jobs.erase(at);
    return job;
  }

  const MonotonicTime& now_;
  const std::vector<observe::MetricTable*>& tables_;
  std::vector<FetchRequest> fetches_;
  std::vector<ScriptCall> scripts_;
  Jobs waiting_fetches_;
  Jobs waiting_scripts_;
  Jobs timers_;
  Jobs background_;
  Jobs watches_;
};

}  // namespace gatehouse::pipeline
