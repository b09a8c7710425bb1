// SPDX-License-Identifier: Apache-2.0
// What filters may ask for besides their stream, on this worker.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/pipeline/services.h"
#include "source/proxy/worker.h"

namespace gatehouse::proxy {

// Worker thread only.
class WorkerServices final : public pipeline::Services {
 public:
  explicit WorkerServices(Worker::Parts& worker) : worker_(worker) {}

  std::unique_ptr<pipeline::Pending> Fetch(
      pipeline::FetchRequest request,
      std::function<void(Result<pipeline::FetchResponse>)> done) override;
  std::unique_ptr<pipeline::Pending> Timer(Duration delay, std::function<void()> done) override;
  std::unique_ptr<pipeline::Pending> Background(std::function<void()> work,
                                                std::function<void()> done) override;
  std::unique_ptr<pipeline::Pending> Watch(std::vector<std::string> paths,
                                           std::function<void()> changed) override;
  std::unique_ptr<pipeline::Pending> Wakeable(
      std::function<void()> woken, std::shared_ptr<const pipeline::Waker>& waker) override;
  std::unique_ptr<pipeline::Pending> RunScript(
      const pipeline::RedisServer& server, const pipeline::RedisScript& script,
      std::span<const std::string_view> keys, std::span<const std::string_view> arguments,
      std::function<void(Result<pipeline::RedisValue>)> done) override;
  void Count(observe::MetricId id, int64_t amount) override;

 private:
  Worker::Parts& worker_;
};

}  // namespace gatehouse::proxy
