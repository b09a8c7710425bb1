// SPDX-License-Identifier: Apache-2.0
// One direction of a message through the filters of a chain: in order for requests, in reverse for
// responses. What a filter makes wait, waits here.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "source/base/buffer.h"
#include "source/pipeline/chain.h"

namespace gatehouse::proxy {

// What becomes of the message behind the last filter. Implemented by Stream, once per direction.
// Any of these may end the stream; a FilterPass makes no further call after Stop().
class PassSink {
 public:
  virtual void HeadPassed() = 0;
  virtual void DataPassed(std::string_view chunk, bool end) = 0;
  virtual void TrailersPassed(http::Headers& trailers) = 0;
  // A filter collects content: the peer must be told to go on, if it waits for that.
  virtual void CollectingBegan() = 0;
  // What a filter collects is past its max_buffer.
  virtual void CollectedTooMuch() = 0;

 protected:
  ~PassSink() = default;
};

using FilterList = std::span<pipeline::Filter* const>;

// The two directions differ in order and in the methods they call, not in what an Action means.
struct RequestDirection {
  using Head = http::RequestHead;
  static size_t At(size_t step, size_t) { return step; }
  static bool WantsHead(const pipeline::Phases& phases) { return phases.request_headers; }
  static bool WantsBody(const pipeline::Phases& phases) { return phases.request_body; }
  static bool WantsTrailers(const pipeline::Phases& phases) { return phases.request_trailers; }
  static pipeline::Action OnHead(pipeline::Filter& filter, Head& head, pipeline::Stream& stream) {
    return filter.OnRequestHeaders(head, stream);
  }
  static pipeline::Action OnBody(pipeline::Filter& filter, std::string_view& chunk, bool end,
                                 pipeline::Stream& stream) {
    return filter.OnRequestBody(chunk, end, stream);
  }
  static pipeline::Action OnTrailers(pipeline::Filter& filter, http::Headers& trailers,
                                     pipeline::Stream& stream) {
    return filter.OnRequestTrailers(trailers, stream);
  }
};

struct ResponseDirection {
  using Head = http::ResponseHead;
  static size_t At(size_t step, size_t size) { return size - 1 - step; }
  static bool WantsHead(const pipeline::Phases& phases) { return phases.response_headers; }
  static bool WantsBody(const pipeline::Phases& phases) { return phases.response_body; }
  static bool WantsTrailers(const pipeline::Phases& phases) { return phases.response_trailers; }
  static pipeline::Action OnHead(pipeline::Filter& filter, Head& head, pipeline::Stream& stream) {
    return filter.OnResponseHeaders(head, stream);
  }
  static pipeline::Action OnBody(pipeline::Filter& filter, std::string_view& chunk, bool end,
                                 pipeline::Stream& stream) {
    return filter.OnResponseBody(chunk, end, stream);
  }
  static pipeline::Action OnTrailers(pipeline::Filter& filter, http::Headers& trailers,
                                     pipeline::Stream& stream) {
    return filter.OnResponseTrailers(trailers, stream);
  }
};

// Worker thread only. Reused from stream to stream: Begin() starts anew.
template <typename Direction>
class FilterPass {
 public:
  using Head = typename Direction::Head;

  FilterPass(BufferPool& buffers, pipeline::Stream& stream, PassSink& sink)
      : stream_(stream), sink_(sink), collected_(buffers), arrived_(buffers) {}

  void Begin(const pipeline::Chain& chain, FilterList filters) {
    chain_ = &chain;
    filters_ = filters;
    head_ = nullptr;
    calling_ = nullptr;
    trailers_ = nullptr;
    step_ = collected_step_ = 0;
    wait_ = Wait::kNone;
    phase_ = Phase::kHead;
    ended_ = end_due_ = false;
    collected_.Release();
    arrived_.Release();
  }
  // Makes no further call to filters or sink.
  void Stop() {
    wait_ = Wait::kStopped;
    collected_.Release();
    arrived_.Release();
  }

  // The head; `end`: no content follows.
  void PassHead(Head& head, bool end) {
    head_ = &head;
    ended_ = end;
    WalkHead();
  }
  void PassData(std::string_view chunk, bool end) {
    ended_ = ended_ || end;
    if (wait_ == Wait::kPaused) {
      arrived_.Append(chunk);
      end_due_ = end_due_ || end;
    } else if (wait_ != Wait::kStopped) {
      WalkData(0, chunk, end);
    }
  }
  void PassTrailers(http::Headers& trailers) {
    trailers_ = &trailers;
    ended_ = true;
    if (wait_ == Wait::kCollecting) {
      FinishCollecting();
    } else if (wait_ == Wait::kNone) {
      WalkTrailers();
    }
  }

  // The chain it began with goes away; `chain` is equal and stays.
  void KeepTo(const pipeline::Chain& chain) { chain_ = &chain; }

  // Goes on behind the filter that paused.
  void Resume() {
    if (wait_ == Wait::kPaused) {
      wait_ = Wait::kNone;
      ++step_;
      Continue();
    }
  }

  // Whether a filter looks at content.
  bool wants_body() const {
    for (const auto& definition : chain_->definitions()) {
      if (Direction::WantsBody(definition->phases())) {
        return true;
      }
    }
    return false;
  }
  bool paused() const { return wait_ == Wait::kPaused; }
  bool collecting() const { return wait_ == Wait::kCollecting; }
  bool stopped() const { return wait_ == Wait::kStopped; }
  // The filter that is being called; null outside of calls.
  const pipeline::FilterDefinition* calling() const { return calling_; }
  // The filter that the message waits for; null: it does not wait.
  const pipeline::FilterDefinition* awaited() const {
    return paused() ? &definition(step_) : nullptr;
  }
  bool head_passed() const { return phase_ != Phase::kHead; }

 private:
  enum class Wait : uint8_t { kNone, kPaused, kCollecting, kStopped };
  enum class Phase : uint8_t { kHead, kData, kTrailers };

  size_t size() const { return filters_.size(); }
  pipeline::Filter& filter(size_t step) { return *filters_[Direction::At(step, size())]; }
  const pipeline::FilterDefinition& definition(size_t step) const {
    return *chain_->definitions()[Direction::At(step, size())];
  }
  // Whether the walk goes on behind a filter that answered `action`; else it waits or is over.
  bool GoesOn(pipeline::Action action, size_t step) {
    if (action == pipeline::Action::kPause && wait_ == Wait::kNone) {
      wait_ = Wait::kPaused;
      step_ = step;
    }
    return action != pipeline::Action::kReplied && wait_ == Wait::kNone;
  }

  // From where a filter made the message wait: the rest of the head, then what has gathered.
  void Continue() {
    if (phase_ == Phase::kHead && !WalkHead()) {
      return;
    }
    if (phase_ == Phase::kData && collected_step_ > 0) {
      Buffer content(collected_.pool());
      std::swap(content, collected_);
      WalkData(std::exchange(collected_step_, 0), content.view(), end_due_ && arrived_.empty());
    }
    if (wait_ == Wait::kNone && phase_ == Phase::kData && (!arrived_.empty() || end_due_)) {
      Buffer content(arrived_.pool());
      std::swap(content, arrived_);
      WalkData(0, content.view(), end_due_);
    }
    if (wait_ == Wait::kNone && trailers_ != nullptr) {
      WalkTrailers();
    }
  }

  // Whether the head got past the last filter.
  bool WalkHead() {
    for (; step_ < size(); ++step_) {
      if (!Direction::WantsHead(definition(step_).phases())) {
        continue;
      }
      calling_ = &definition(step_);
      const pipeline::Action action = Direction::OnHead(filter(step_), *head_, stream_);
      calling_ = nullptr;
      if (action == pipeline::Action::kCollect && wait_ == Wait::kNone) {
        BeginCollecting(step_);
        return false;
      }
      if (!GoesOn(action, step_)) {
        return false;
      }
    }
    phase_ = Phase::kData;
    sink_.HeadPassed();
    return wait_ == Wait::kNone;
  }

  void BeginCollecting(size_t step) {
    step_ = step;
    wait_ = Wait::kCollecting;
    if (ended_) {
      FinishCollecting();
    } else {
      sink_.CollectingBegan();
    }
  }

  // `chunk` has passed the filters before `step`.
  void WalkData(size_t step, std::string_view chunk, bool end) {
    // While the head waits for a collecting filter, only those before it are concerned.
    for (; step < size(); ++step) {
      if (wait_ == Wait::kCollecting && step == step_) {
        Collect(chunk, end);
        return;
      }
      if (!Direction::WantsBody(definition(step).phases())) {
        continue;
      }
      calling_ = &definition(step);
      const pipeline::Action action = Direction::OnBody(filter(step), chunk, end, stream_);
      calling_ = nullptr;
      if (action == pipeline::Action::kPause && wait_ == Wait::kNone) {
        KeepFor(step + 1, chunk, end);
      }
      if (action == pipeline::Action::kCollect && wait_ == Wait::kNone && !end) {
        step_ = step;
        wait_ = Wait::kCollecting;
        Collect(chunk, false);
        return;
      }
      if (action == pipeline::Action::kReplied || wait_ == Wait::kStopped ||
          action == pipeline::Action::kPause) {
        wait_ = action == pipeline::Action::kPause && wait_ == Wait::kNone ? Wait::kPaused : wait_;
        return;
      }
    }
    end_due_ = end_due_ && !end;
    sink_.DataPassed(chunk, end);
  }

  void KeepFor(size_t step, std::string_view chunk, bool end) {
    step_ = step - 1;
    collected_step_ = step;
    end_due_ = end_due_ || end;
    collected_.Append(chunk);
  }

  void Collect(std::string_view chunk, bool end) {
    if (collected_.size() + chunk.size() > definition(step_).max_buffer()) {
      sink_.CollectedTooMuch();
      return;
    }
    collected_.Append(chunk);
    if (end) {
      FinishCollecting();
    }
  }

  // The content is whole: the filter gets it, then the head goes on (if it waited), then the
  // content.
  void FinishCollecting() {
    Buffer content(collected_.pool());
    std::swap(content, collected_);
    std::string_view whole = content.view();
    wait_ = Wait::kNone;
    calling_ = &definition(step_);
    const pipeline::Action action = Direction::OnBody(filter(step_), whole, true, stream_);
    calling_ = nullptr;
    if (action == pipeline::Action::kReplied || wait_ == Wait::kStopped) {
      return;
    }
    // A request without content has none after its head either.
    const bool content_follows = phase_ != Phase::kHead || !whole.empty();
    collected_.Append(whole);
    collected_step_ = content_follows ? step_ + 1 : 0;
    end_due_ = content_follows && trailers_ == nullptr;
    wait_ = Wait::kPaused;
    if (action != pipeline::Action::kPause) {
      Resume();
    }
  }

  void WalkTrailers() {
    if (phase_ != Phase::kTrailers) {
      phase_ = Phase::kTrailers;
      step_ = 0;
    }
    for (; step_ < size(); ++step_) {
      if (!Direction::WantsTrailers(definition(step_).phases())) {
        continue;
      }
      calling_ = &definition(step_);
      const pipeline::Action action = Direction::OnTrailers(filter(step_), *trailers_, stream_);
      calling_ = nullptr;
      if (!GoesOn(action, step_)) {
        return;
      }
    }
    sink_.TrailersPassed(*trailers_);
  }

  pipeline::Stream& stream_;
  PassSink& sink_;
  const pipeline::Chain* chain_ = nullptr;
  FilterList filters_;
  Head* head_ = nullptr;
  const pipeline::FilterDefinition* calling_ = nullptr;
  http::Headers* trailers_ = nullptr;
  size_t step_ = 0;            // Next filter for the head or trailers; the one that waits.
  size_t collected_step_ = 0;  // Where what was collected goes on; 0: nothing was.
  Wait wait_ = Wait::kNone;
  Phase phase_ = Phase::kHead;
  bool ended_ = false;    // The whole message has arrived.
  bool end_due_ = false;  // Its end has arrived and not yet passed.
  Buffer collected_;      // Seen by the filters before collected_step_.
  Buffer arrived_;        // Came while paused; no filter has seen it.
};

}  // namespace gatehouse::proxy
