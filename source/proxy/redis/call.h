// SPDX-License-Identifier: Apache-2.0
// What is said to Redis, and who waits for the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/pipeline/services.h"

namespace gatehouse::redis {

class Ticket;

// One command, from when it is asked for until its answer has come, or will not. What is answered
// in order is kept in order: calls whose caller has left stay.
struct Call {
  using Done = std::function<void(Result<pipeline::RedisValue>)>;
  enum class Kind : uint8_t { kScript, kAuth, kSelect, kPing, kLoad };

  Call() = default;
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;
  // Whether anybody waits.
  bool wanted() const { return done != nullptr; }
  // Tells the caller, who may do anything but destroy this.
  void Tell(Result<pipeline::RedisValue> result);

  Kind kind = Kind::kScript;
  bool repeated = false;  // After NOSCRIPT.
  const pipeline::RedisScript* script = nullptr;
  std::string command;  // As it is sent.
  Done done;
  Ticket* ticket = nullptr;
  MonotonicTime began;
  MonotonicTime sent;
  size_t ahead = 0;   // How many answers were waited for when it was sent.
  std::string error;  // Of one that has failed and whose caller does not know yet.
};

// The caller's end of a call.
class Ticket final : public pipeline::Pending {
 public:
  explicit Ticket(Call& call) : call_(&call) { call.ticket = this; }
  ~Ticket() override;

 private:
  friend struct Call;
  Call* call_;  // Null: over.
};

// Calls that are over, with their memory, for the next ones.
class CallStore {
 public:
  std::unique_ptr<Call> Take();
  void Give(std::unique_ptr<Call> call);

 private:
  static constexpr size_t kKept = 1024;
  static constexpr size_t kKeptBytes = 1024;  // Of one's command.
  std::vector<std::unique_ptr<Call>> idle_;
};

// Appends the command that consists of `parts` (RESP 2: an array of bulk strings).
void AppendCommand(std::string& out, std::initializer_list<std::string_view> parts);
// EVALSHA digest numkeys keys... arguments...
void AppendScriptCall(std::string& out, const pipeline::RedisScript& script,
                      std::span<const std::string_view> keys,
                      std::span<const std::string_view> arguments);

}  // namespace gatehouse::redis
