// SPDX-License-Identifier: Apache-2.0
// A limit that all gateways share: who has used how much is kept in Redis, and a script there
// decides.
//
// One key holds one theoretical arrival time, in Redis' own time: the clocks of gateways differ.
// It expires when it is in the past, so keys that rest take no memory.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "source/base/error.h"
#include "source/filters/traffic/limit.h"
#include "source/pipeline/services.h"

namespace gatehouse::filters {

// Immutable: any thread.
class RedisLimiter {
 public:
  // Redis' keys begin with `prefix`: limits that have it in common share their counts. Where keys
  // are asked for at several rates, `longest_debt` is how long the burst of any of these takes to
  // come back, at most: what owes more than that was made by another limit or another clock.
  RedisLimiter(pipeline::RedisServer server, std::string prefix, Duration longest_debt = {})
      : server_(std::move(server)), prefix_(std::move(prefix)), longest_debt_(longest_debt) {}

  // Asks whether `cost` more may pass for `key`, any bytes of any length, and takes it if so. A
  // cost of 0 only looks; one above the burst is always refused. `done` is called on the worker of
  // `services`, never from inside; an Error (ErrorCode::kIo) means that nobody knows.
  std::unique_ptr<pipeline::Pending> Ask(pipeline::Services& services, std::string_view key,
                                         const LimitRate& rate, uint64_t cost,
                                         std::function<void(Result<LimitDecision>)> done) const;

  // What Redis knows `key` by: the prefix and 40 hexadecimal digits of its SHA-256. It is as long
  // for each key, tells nobody the key, and holds no brace: on a Redis Cluster it has one slot.
  std::string RedisKey(std::string_view key) const;
  const pipeline::RedisServer& server() const { return server_; }

  // The script: KEYS[1], and as arguments what it costs and what may be owed at most, each as
  // microseconds and millionths of one; then the microseconds that may be owed at any rate. It
  // answers three integers: 1 or 0, and what is owed.
  static const pipeline::RedisScript& Script();

 private:
  const pipeline::RedisServer server_;
  const std::string prefix_;
  const Duration longest_debt_;
};

}  // namespace gatehouse::filters
