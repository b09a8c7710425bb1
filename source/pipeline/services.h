// SPDX-License-Identifier: Apache-2.0
// Work outside the stream, as filters ask for it. Implemented by proxy/ and server/, injected.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/observe/metric_table.h"

namespace gatehouse::pipeline {

// A call under way. Destroying it cancels the call: its callback is not called any more. Streams
// own theirs, so none outlives its stream.
class Pending {
 public:
  virtual ~Pending() = default;
};

// Wakes what a worker does beside all streams. Any thread; those who hold it may outlive that
// worker.
class Waker {
 public:
  virtual ~Waker() = default;
  // Several before `woken` runs are one; none once the call has been destroyed.
  virtual void Wake() const = 0;
};

struct FetchRequest {
  std::string cluster{};
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  Duration timeout = std::chrono::seconds(5);
  uint64_t max_response_bytes = 1 << 20;
  // Host of the request; empty: the cluster's name.
  std::string host{};
};

struct FetchResponse {
  uint16_t status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

// A Redis server, and as whom to speak to it. Equal ones share a connection of the worker's.
struct RedisServer {
  std::string host;         // An IP address or a hostname; or
  std::string unix_path{};  // a socket's path.
  uint16_t port = 6379;
  std::string username{};  // Empty: Redis' default user.
  std::string password{};  // Empty: no AUTH.
  uint32_t database = 0;
  // How long one call may take, connecting included.
  Duration timeout = std::chrono::milliseconds(100);
  friend auto operator<=>(const RedisServer&, const RedisServer&) = default;
};

// A Lua script that runs inside Redis. Outlives the calls that use it.
struct RedisScript {
  std::string text;
  std::string digest;  // SHA-1 of the text, 40 hexadecimal digits, as EVALSHA takes it.
};

// An answer of Redis, as a view that is gone after the callback. Errors are Errors instead.
struct RedisValue {
  enum class Kind : uint8_t { kNil, kInteger, kText, kArray };
  Kind kind = Kind::kNil;
  int64_t integer = 0;
  std::string_view text{};
  std::span<const RedisValue> elements{};
};

// The services of one worker. Callbacks run on that worker, never inside the call that asked.
class Services {
 public:
  // An HTTP request through a cluster.
  virtual std::unique_ptr<Pending> Fetch(FetchRequest request,
                                         std::function<void(Result<FetchResponse>)> done) = 0;
  // Calls `done` after `delay`; coarse (the worker's tick, about 50 ms).
  virtual std::unique_ptr<Pending> Timer(Duration delay, std::function<void()> done) = 0;
  // Runs `work` on the background pool, then `done` here.
  virtual std::unique_ptr<Pending> Background(std::function<void()> work,
                                              std::function<void()> done) = 0;
  // Calls `changed` whenever one of the files may have changed, however it was changed, also when
  // it is gone; a burst is told once.
  virtual std::unique_ptr<Pending> Watch(std::vector<std::string> paths,
                                         std::function<void()> changed) = 0;
  // Calls `woken` here whenever `waker`, which is set, is told to wake by any thread.
  virtual std::unique_ptr<Pending> Wakeable(std::function<void()> woken,
                                            std::shared_ptr<const Waker>& waker) = 0;
  // Runs `script` at `server`, in one round trip; calls of one loop turn travel together. Fails
  // (ErrorCode::kIo, with a sentence for operators) when the server can't be reached, answers with
  // an error, or does not in time; at once while it is known to be away. Never waits.
  virtual std::unique_ptr<Pending> RunScript(const RedisServer& server, const RedisScript& script,
                                             std::span<const std::string_view> keys,
                                             std::span<const std::string_view> arguments,
                                             std::function<void(Result<RedisValue>)> done) = 0;
  // Adds to a counter of this worker, for what is done beside all streams.
  virtual void Count(observe::MetricId id, int64_t amount = 1) = 0;

 protected:
  ~Services() = default;
};

}  // namespace gatehouse::pipeline
