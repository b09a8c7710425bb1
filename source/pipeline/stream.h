// SPDX-License-Identifier: Apache-2.0
// What a filter may see and do of the stream it works for. Implemented by proxy/ and by
// FilterHarness.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>

#include "source/base/arena.h"
#include "source/base/clock.h"
#include "source/http/message/head.h"
#include "source/observe/metrics.h"
#include "source/observe/stream_info.h"

namespace gatehouse::pipeline {

class Services;

// What the pipeline does next.
enum class [[nodiscard]] Action : uint8_t {
  kContinue,  // Go on.
  kPause,     // Deliver nothing more, stop reading, until the filter calls Resume() or Reply().
  kCollect,   // Keep reading; call again with the whole content. Past max_buffer: 413.
  kReplied,   // The stream has its answer. Only Stream::Reply() makes it.
};

// A verdict that depends on the connection only, remembered for its later requests.
enum class Verdict : uint8_t { kUnknown, kAllow, kDeny };

// Header fields of an answer: a list in braces, or an array. Views of what the caller holds.
class ReplyHeaders {
 public:
  using Field = std::pair<std::string_view, std::string_view>;
  ReplyHeaders() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): so that braces can be written.
  ReplyHeaders(std::initializer_list<Field> fields) : fields_(fields.begin(), fields.size()) {}
  explicit ReplyHeaders(std::span<const Field> fields) : fields_(fields) {}
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::span<const Field> fields_;
};

// All calls on the stream's worker. Views handed out live as long as the stream.
class Stream {
 public:
  virtual http::RequestHead& request() = 0;
  // Null until the response's head is there.
  virtual http::ResponseHead* response() = 0;
  virtual const observe::StreamInfo& info() const = 0;
  // Memory that goes with the stream.
  virtual Arena& arena() = 0;
  virtual MonotonicTime now() const = 0;
  // 16 hexadecimal digits, made when first asked for.
  virtual std::string_view request_id() = 0;

  // Answers the stream: no later request filter runs, response filters do. `body` and the header
  // values are copied. REQUIRES: the response's head has not been sent.
  virtual Action Reply(uint16_t status, std::string_view body,
                       std::string_view content_type = "text/plain; charset=utf-8",
                       ReplyHeaders headers = {}) = 0;
  // Answers with the error response of `code` (JSON or text, by Accept). `detail` goes to the log.
  // kContinue when the route sends to another cluster what is refused for this reason: then the
  // request is to go on.
  virtual Action ReplyError(ErrorCode code, std::string_view detail, ReplyHeaders headers = {}) = 0;
  // Says why the Reply() that follows refuses the request: for the log, and for who asks others
  // then (any_of). `detail` is copied; clients are not told.
  virtual void SetRefusal(ErrorCode code, std::string_view detail) = 0;
  // Goes on after kPause, on the worker's next turn. Without effect when the stream was not paused.
  virtual void Resume() = 0;

  // Says who is calling, for what comes after: info().identity. `identity` outlives the stream. A
  // later call replaces it. Called also for who is refused, so that the log can tell.
  virtual void SetIdentity(const observe::Identity& identity) = 0;

  // For the log: what `filter` (its name) made of the stream, be it "allowed". Costs next to
  // nothing when nobody reads it. Views outlive the stream.
  virtual void AddVerdict(std::string_view filter, std::string_view verdict) = 0;
  // Where the caller stands with a limit; the log tells the one with the least left.
  virtual void SetLimit(const observe::LimitState& limit) = 0;

  // Adds to a counter of this worker.
  virtual void Count(observe::MetricId id, int64_t amount = 1) = 0;

  // Remembers a verdict under (`definition`, `generation`) with the connection, so that the same
  // question is answered once a connection. kUnknown when nothing is remembered.
  virtual Verdict Recall(const void* definition, uint64_t generation) const = 0;
  virtual void Remember(const void* definition, uint64_t generation, Verdict verdict) = 0;

  // Work outside the stream: timers, fetches, background threads.
  virtual Services& services() = 0;
  // The index of this worker, from 0: for per-worker state that a definition keeps.
  virtual uint32_t worker() const = 0;

 protected:
  ~Stream() = default;
};

}  // namespace gatehouse::pipeline
