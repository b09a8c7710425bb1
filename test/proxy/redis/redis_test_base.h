// SPDX-License-Identifier: Apache-2.0
// A worker's Redis clients, and what came of the calls that a test made.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/proxy/redis/clients.h"
#include "test/event/loop_wait.h"
#include "test/proxy/redis/fake_redis.h"

namespace gatehouse::redis {

class RedisTest : public testing::Test {
 protected:
  using Command = FakeRedis::Command;

  // How one call ended: "[1,2]", "text", "nil", or the error's sentence.
  struct Outcome {
    bool ended = false;
    bool ok = false;
    std::string text;
  };

  static std::string Text(const pipeline::RedisValue& value) {
    using Kind = pipeline::RedisValue::Kind;
    if (value.kind != Kind::kArray) {
      return value.kind == Kind::kInteger ? std::to_string(value.integer)
             : value.kind == Kind::kNil   ? "nil"
                                          : std::string(value.text);
    }
    std::string out = "[";
    for (const pipeline::RedisValue& element : value.elements) {
      out += (out.size() > 1 ? "," : "") + Text(element);
    }
    return out + "]";
  }

  void Start(FakeRedis::Answer answer) {
    fake_ = std::make_unique<FakeRedis>(loop_, std::move(answer), server_.port);
    server_.port = fake_->port();
  }
  // Asks; the outcome is filled in later.
  Outcome& Ask(const std::string& key = "k", const std::string& argument = "a") {
    Outcome& outcome = outcomes_.emplace_back();
    const std::string_view keys[] = {key};
    const std::string_view arguments[] = {argument};
    inside_ = true;
    pending_.push_back(
        clients_->RunScript(server_, script_, keys, arguments, [this, &outcome](auto value) {
          EXPECT_FALSE(outcome.ended) << "told twice";
          EXPECT_FALSE(inside_) << "told from inside the call";
          outcome = {true, value.has_value(), value ? Text(*value) : value.error().message};
          wait_.Done();
        }));
    inside_ = false;
    return outcome;
  }
  Outcome Ended(const std::string& key = "k") {
    Outcome& outcome = Ask(key);
    EXPECT_TRUE(wait_.Run());
    EXPECT_TRUE(outcome.ended);
    return outcome;
  }
  int64_t Sum(const std::string& name, const observe::Labels& labels = {}) const {
    return metrics_.Sum("gatehouse_redis_" + name, labels);
  }
  int64_t Errors(const std::string& kind) const { return Sum("errors_total", {{"kind", kind}}); }
  // Asks again and again until Redis answers. False: it did not within the limit.
  bool ComesBack() {
    const auto limit = MonotonicNow() + std::chrono::seconds(20);
    while (MonotonicNow() < limit) {
      if (Ended().ok) {
        return true;
      }
      wait_.RunFor(std::chrono::milliseconds(10));
    }
    return false;
  }

  observe::Metrics metrics_;
  event::Loop loop_{"redis"};
  event::LoopWait wait_{loop_};
  BufferPool buffers_;
  observe::MetricTable& table_ = metrics_.AddTable();
  const RedisMetrics ids_ = RedisMetrics::Define(metrics_);
  std::unique_ptr<Clients> clients_ =
      std::make_unique<Clients>(loop_, buffers_, table_, ids_, upstream::ResolverSettings());
  pipeline::RedisServer server_{
      .host = "127.0.0.1", .port = 0, .timeout = std::chrono::milliseconds(100)};
  const pipeline::RedisScript script_{"return 1", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"};
  std::unique_ptr<FakeRedis> fake_;
  std::deque<Outcome> outcomes_;
  std::vector<std::unique_ptr<pipeline::Pending>> pending_;
  bool inside_ = false;
};

}  // namespace gatehouse::redis
