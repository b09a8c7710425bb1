// SPDX-License-Identifier: Apache-2.0
// One worker's way to one Redis server: a connection that is made when it is needed, the calls on
// it, and what happens while the server is away.
//
// Calls of one turn of the loop leave in one write, behind AUTH and SELECT on a fresh connection. A
// server that does not answer at all for the timeout, or that can't be reached, is away: its calls
// fail, and further ones fail at once, until a probe (AUTH, SELECT, PING) finds it back; probes
// come one at a time, 50 ms to 2 s apart. A connection that worked and is closed is only made anew.
// One that answers more slowly than it is asked is asked less (CallWindow).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/buffer.h"
#include "source/event/deadline.h"
#include "source/event/loop.h"
#include "source/event/socket.h"
#include "source/observe/metric_table.h"
#include "source/pipeline/services.h"
#include "source/proxy/redis/call.h"
#include "source/proxy/redis/call_window.h"
#include "source/proxy/redis/redis_metrics.h"
#include "source/proxy/redis/reply_reader.h"
#include "source/proxy/redis/server_address.h"
#include "source/upstream/dns/host_watch.h"

namespace gatehouse::redis {

// What links use of their worker, which outlives them.
struct LinkContext {
  event::Loop& loop;
  BufferPool& buffers;
  upstream::Resolver& resolver;
  observe::MetricTable& table;
  const RedisMetrics& metrics;
};

// Loop thread only.
class Link final : private event::Socket::Handler, private event::Ready, private event::Deadline {
 public:
  static constexpr size_t kMaxCalls = 10'000;           // Not answered yet, of one link.
  static constexpr size_t kMaxBytes = 8 * 1024 * 1024;  // Of their commands.
  static constexpr Duration kUnused = std::chrono::minutes(1);
  static constexpr Duration kFirstPause = std::chrono::milliseconds(50);
  static constexpr Duration kLongestPause = std::chrono::seconds(2);

  class Owner {
   public:
    // Nobody has asked for anything for kUnused. The owner forgets it (DeleteLater).
    virtual void OnUnused(Link& link) = 0;

   protected:
    ~Owner() = default;
  };

  Link(const LinkContext& context, const pipeline::RedisServer& server, Owner& owner);
  ~Link();

  // As Services::RunScript().
  std::unique_ptr<pipeline::Pending> Run(const pipeline::RedisScript& script,
                                         std::span<const std::string_view> keys,
                                         std::span<const std::string_view> arguments,
                                         Call::Done done);
  const pipeline::RedisServer& server() const { return server_; }

 private:
  enum class State : uint8_t { kClosed, kResolving, kConnecting, kOpen, kAway };
  using Calls = std::deque<std::unique_ptr<Call>>;

  void OnSocketEvent() override;
  void QueueSocketEvent() override;
  void OnSocketDrained() override {}
  void OnReady() override;
  void OnDeadline() override;

  // --- The connection
  void Connect();
  void Greet();
  // Ends it, and all that waits for it fails. It is away from then on, unless it worked and was
  // merely closed.
  void Lose(Trouble trouble, const std::string& why);
  // Ends it; the calls on it fail.
  void Drop(Trouble trouble, const std::string& why);
  void GoAway(const std::string& why);
  void ComeBack();
  // As ServerAddress tells it.
  void OnAddress();

  // --- Calls out, answers in
  void Say(Call::Kind kind, std::initializer_list<std::string_view> command,
           const pipeline::RedisScript* script = nullptr);
  void SendCalls();
  void ReadAnswers();
  // At most `room` of what has been read. True: more has to be read first.
  bool TakeAnswers(int& room);
  void OnAnswer(std::unique_ptr<Call> call, const Reply& reply);
  void OnScriptAnswer(std::unique_ptr<Call> call, const Reply& reply);
  void OnScriptError(std::unique_ptr<Call> call, std::string_view text);
  // After NOSCRIPT, if anybody still wants it.
  void Repeat(std::unique_ptr<Call> call);
  void FailSoon(std::unique_ptr<Call> call, Trouble trouble, std::string why);
  void TellFailed();
  void Finish(std::unique_ptr<Call> call);

  // --- Time
  bool waits() const {
    return state_ == State::kResolving || state_ == State::kConnecting || !sent_.empty();
  }
  void FailLate();
  // Calls are late though the server answers: it is asked less, and what waits for nothing goes.
  void FallBehind();
  void NoteCalm();
  // While something is waited for: sees to it that OnDeadline() comes in time.
  void Watch();
  std::string About(std::string_view what) const;

  const LinkContext& context_;
  const pipeline::RedisServer server_;
  Owner& owner_;
  const std::string name_;
  ServerAddress address_;
  event::Socket socket_;
  std::unique_ptr<ReplyReader> reader_;  // Of the connection.
  CallStore store_;
  Calls unsent_;
  Calls sent_;    // Their answers come in this order.
  Calls failed_;  // To be told.
  CallWindow window_;
  size_t calls_ = 0;
  size_t bytes_ = 0;
  std::vector<const pipeline::RedisScript*> loading_;
  std::string load_trouble_;  // Why the server would not load a script.

  State state_ = State::kClosed;
  bool away_ = false;     // Known not to answer, until a probe's answer comes.
  bool works_ = false;    // This connection has given an answer that is no error.
  bool refuses_ = false;  // The latest answer to a script was an error.
  bool read_again_ = false;
  bool watched_ = false;  // The deadline is set for what is waited for.
  std::string why_away_;
  Duration pause_ = kFirstPause;
  MonotonicTime away_since_;
  MonotonicTime waiting_since_;  // For a sign of the server.
  MonotonicTime connected_at_;
  MonotonicTime last_used_;
  std::minstd_rand random_;
};

}  // namespace gatehouse::redis
