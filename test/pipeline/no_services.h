// SPDX-License-Identifier: Apache-2.0
// Services that do nothing: for tests to take, or to do one of them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/pipeline/services.h"

namespace gatehouse::pipeline {

class NoServices : public Services {
 public:
  std::unique_ptr<Pending> Fetch(FetchRequest,
                                 std::function<void(Result<FetchResponse>)>) override {
    return nullptr;
  }
  std::unique_ptr<Pending> Timer(Duration, std::function<void()>) override { return nullptr; }
  std::unique_ptr<Pending> Background(std::function<void()>, std::function<void()>) override {
    return nullptr;
  }
  std::unique_ptr<Pending> Watch(std::vector<std::string>, std::function<void()>) override {
    return nullptr;
  }
  std::unique_ptr<Pending> Wakeable(std::function<void()>, std::shared_ptr<const Waker>&) override {
    return nullptr;
  }
  std::unique_ptr<Pending> RunScript(const RedisServer&, const RedisScript&,
                                     std::span<const std::string_view>,
                                     std::span<const std::string_view>,
                                     std::function<void(Result<RedisValue>)>) override {
    return nullptr;
  }
  void Count(observe::MetricId, int64_t) override {}
};

}  // namespace gatehouse::pipeline
