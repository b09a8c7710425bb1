// SPDX-License-Identifier: Apache-2.0
// A connection's streams, and some of those that were, for reuse.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "source/http/h2/stream_state.h"

namespace gatehouse::http {

// Owns streams of type T, which is a StreamState.
template <typename T>
class StreamPool {
 public:
  StreamPool() = default;
  StreamPool(const StreamPool&) = delete;
  StreamPool& operator=(const StreamPool&) = delete;
  ~StreamPool() {
    while (StreamState* const stream = live_.PopFront()) {
      delete static_cast<T*>(stream);
    }
    while (StreamState* const stream = spare_.PopFront()) {
      delete static_cast<T*>(stream);
    }
  }

  // A stream that begins; `args` are for T's constructor where there is none to use again.
  template <typename... Args>
  T& Begin(Args&&... args) {
    StreamState* stream = spare_.PopFront();
    if (stream == nullptr) {
      stream = new T(std::forward<Args>(args)...);
    } else {
      --spare_count_;
      static_cast<T*>(stream)->Renew();
    }
    ++count_;
    live_.PushBack(*stream);
    return static_cast<T&>(*stream);
  }
  // It is over, and on no list of the session's.
  void End(T& stream) {
    live_.Remove(stream);
    --count_;
    if (spare_count_ == kMaxSpare) {
      delete &stream;
      return;
    }
    ++spare_count_;
    spare_.PushBack(stream);
  }

  bool empty() const { return count_ == 0; }
  size_t count() const { return count_; }
  // The oldest; null when there is none.
  T* front() const { return static_cast<T*>(live_.front()); }
  T* next(const T& stream) const { return static_cast<T*>(stream.all.next); }

 private:
  static constexpr size_t kMaxSpare = 8;

  List<StreamState, &StreamState::all> live_;
  List<StreamState, &StreamState::all> spare_;
  size_t count_ = 0;
  size_t spare_count_ = 0;
};

}  // namespace gatehouse::http
