// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/redis/call.h"

#include <utility>

#include "source/base/text.h"

namespace gatehouse::redis {
namespace {

void AppendHead(std::string& out, char kind, size_t size) {
  out.push_back(kind);
  AppendUint(out, size);
  out.append("\r\n");
}

void AppendPart(std::string& out, std::string_view part) {
  AppendHead(out, '$', part.size());
  out.append(part).append("\r\n");
}

}  // namespace

Call::~Call() {
  if (ticket != nullptr) {
    ticket->call_ = nullptr;
  }
}

void Call::Tell(Result<pipeline::RedisValue> result) {
  if (ticket != nullptr) {
    std::exchange(ticket, nullptr)->call_ = nullptr;
  }
  if (const Done told = std::exchange(done, nullptr)) {
    told(std::move(result));
  }
}

Ticket::~Ticket() {
  if (call_ != nullptr) {
    call_->ticket = nullptr;
    call_->done = nullptr;
  }
}

std::unique_ptr<Call> CallStore::Take() {
  if (idle_.empty()) {
    return std::make_unique<Call>();
  }
  std::unique_ptr<Call> out = std::move(idle_.back());
  idle_.pop_back();
  return out;
}

void CallStore::Give(std::unique_ptr<Call> call) {
  if (idle_.size() >= kKept || call->command.capacity() > kKeptBytes || call->wanted()) {
    return;
  }
  call->kind = Call::Kind::kScript;
  call->repeated = false;
  call->command.clear();
  call->error.clear();
  idle_.push_back(std::move(call));
}

void AppendCommand(std::string& out, std::initializer_list<std::string_view> parts) {
  AppendHead(out, '*', parts.size());
  for (const std::string_view part : parts) {
    AppendPart(out, part);
  }
}

void AppendScriptCall(std::string& out, const pipeline::RedisScript& script,
                      std::span<const std::string_view> keys,
                      std::span<const std::string_view> arguments) {
  constexpr size_t kOwnParts = 3;
  AppendHead(out, '*', kOwnParts + keys.size() + arguments.size());
  AppendPart(out, "EVALSHA");
  AppendPart(out, script.digest);
  AppendPart(out, std::to_string(keys.size()));
  for (const auto& parts : {keys, arguments}) {
    for (const std::string_view part : parts) {
      AppendPart(out, part);
    }
  }
}

}  // namespace gatehouse::redis
