// SPDX-License-Identifier: Apache-2.0
// One direction of a stream under test: what arrives, what a single filter does with it, what got
// past. Follows the rules of Action in stream.h, as proxy/ does for whole chains.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <utility>

#include "source/pipeline/filter.h"

namespace gatehouse::pipeline {

class HarnessHalf {
 public:
  struct Item {
    enum class Kind : uint8_t { kHead, kChunk, kTrailers };
    Kind kind = Kind::kHead;
    std::string bytes;
    bool end = false;
    http::Headers* trailers = nullptr;
  };

  HarnessHalf(Stream& stream, const Phases& phases, uint64_t max_buffer, bool request)
      : stream_(stream), phases_(phases), max_buffer_(max_buffer), request_(request) {}

  void Begin(Filter& filter, http::RequestHead& head) { filter_ = &filter, request_head_ = &head; }
  void Begin(Filter& filter, http::ResponseHead& head) {
    filter_ = &filter, response_head_ = &head;
  }

  // Something arrives; it goes on at once unless the filter makes it wait.
  void Push(Item item) {
    received_ += item.bytes.size();
    queue_.push_back(std::move(item));
    Run();
  }
  void Resume() {
    if (wait_ == Wait::kPaused) {
      wait_ = Wait::kNone;
      PassHeld();
      Run();
    }
  }
  void Stop() { wait_ = Wait::kStopped; }

  bool head_passed() const { return head_passed_; }
  bool paused() const { return wait_ == Wait::kPaused; }
  bool collecting() const { return wait_ == Wait::kCollecting; }
  bool ended() const { return ended_; }
  const std::string& passed() const { return passed_; }
  uint64_t received() const { return received_; }

 private:
  enum class Wait : uint8_t { kNone, kPaused, kCollecting, kStopped };

  void Run() {
    while (!queue_.empty() && (wait_ == Wait::kNone || wait_ == Wait::kCollecting)) {
      Item item = std::move(queue_.front());
      queue_.pop_front();
      if (item.kind == Item::Kind::kHead) {
        held_head_ = true;
        content_due_ = !item.end;
        After(CallHead());
      } else if (wait_ == Wait::kCollecting) {
        Collect(std::move(item));
      } else if (item.kind == Item::Kind::kChunk) {
        Deliver(std::move(item.bytes), item.end);
      } else {
        held_end_ = true;
        After(CallTrailers(*item.trailers));
      }
    }
  }

  void Collect(Item item) {
    held_ += item.bytes;
    if (held_.size() > max_buffer_) {
      (void)stream_.ReplyError(ErrorCode::kBodyTooLarge, "more than the filter's max_buffer");
    } else if (item.end || item.kind == Item::Kind::kTrailers) {
      wait_ = Wait::kNone;
      if (item.kind == Item::Kind::kTrailers) {
        queue_.push_front(std::move(item));
      }
      Deliver(std::exchange(held_, {}), true);
    }
  }

  void Deliver(std::string bytes, bool end) {
    std::string_view chunk = bytes;
    const bool wanted = request_ ? phases_.request_body : phases_.response_body;
    const Action action = !wanted    ? Action::kContinue
                          : request_ ? filter_->OnRequestBody(chunk, end, stream_)
                                     : filter_->OnResponseBody(chunk, end, stream_);
    held_ = std::string(chunk);
    held_end_ = end;
    After(end && action == Action::kCollect ? Action::kContinue : action);
  }

  void After(Action action) {
    if (wait_ == Wait::kStopped || action == Action::kReplied) {
      wait_ = Wait::kStopped;
    } else if (action == Action::kContinue) {
      PassHeld();
    } else if (action == Action::kPause) {
      wait_ = Wait::kPaused;
    } else {
      wait_ = Wait::kCollecting;
      if (held_head_ && !content_due_) {
        wait_ = Wait::kNone;
        Deliver({}, true);
      }
    }
  }

  void PassHeld() {
    head_passed_ = head_passed_ || std::exchange(held_head_, false);
    passed_ += std::exchange(held_, {});
    ended_ = ended_ || held_end_ || !content_due_;
  }

  Action CallHead() {
    if (request_) {
      return phases_.request_headers ? filter_->OnRequestHeaders(*request_head_, stream_)
                                     : Action::kContinue;
    }
    return phases_.response_headers ? filter_->OnResponseHeaders(*response_head_, stream_)
                                    : Action::kContinue;
  }
  Action CallTrailers(http::Headers& trailers) {
    if (request_) {
      return phases_.request_trailers ? filter_->OnRequestTrailers(trailers, stream_)
                                      : Action::kContinue;
    }
    return phases_.response_trailers ? filter_->OnResponseTrailers(trailers, stream_)
                                     : Action::kContinue;
  }

  Stream& stream_;
  const Phases phases_;
  const uint64_t max_buffer_;
  const bool request_;
  Filter* filter_ = nullptr;
  http::RequestHead* request_head_ = nullptr;
  http::ResponseHead* response_head_ = nullptr;
  std::deque<Item> queue_;  // Arrived and not yet seen by the filter.
  std::string held_;        // Seen or collected, and not yet passed on.
  bool held_head_ = false;
  bool held_end_ = false;
  bool content_due_ = true;
  Wait wait_ = Wait::kNone;
  bool head_passed_ = false;
  bool ended_ = false;
  std::string passed_;
  uint64_t received_ = 0;
};

}  // namespace gatehouse::pipeline
