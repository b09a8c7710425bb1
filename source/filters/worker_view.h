// SPDX-License-Identifier: Apache-2.0
// The newest of something that is published, as the streams of one worker use it: each keeps what
// it has seen, at the cost of an ordinary integer.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "source/base/published.h"

namespace gatehouse::filters {

// One worker's. Outlives the pins.
template <typename T>
class WorkerView {
 public:
  // Holds a value while it exists.
  class Pin {
   public:
    Pin() = default;
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;
    ~Pin() { Release(); }

    const T* get() const { return held_ == nullptr ? nullptr : held_->value.get(); }
    const T& operator*() const { return *held_->value; }
    const T* operator->() const { return held_->value.get(); }

   private:
    friend class WorkerView;
    void Release() {
      if (held_ != nullptr && --held_->users == 0) {
        delete held_;
      }
    }
    typename WorkerView::Held* held_ = nullptr;
  };

  WorkerView() = default;
  WorkerView(const WorkerView&) = delete;
  WorkerView& operator=(const WorkerView&) = delete;
  ~WorkerView() { Let(newest_); }

  // `pin` holds the newest value from now on; there must be one.
  void Newest(const Published<T>& source, Pin& pin) {
    if (const uint64_t version = source.version(); version != version_) [[unlikely]] {
      version_ = version;
      Let(std::exchange(newest_, new Held{source.Get(), 1}));
    }
    ++newest_->users;
    pin.Release();
    pin.held_ = newest_;
  }

 private:
  struct Held {
    std::shared_ptr<const T> value;
    uint32_t users = 0;  // Pins, and this view while it is the newest.
  };
  static void Let(Held* held) {
    if (held != nullptr && --held->users == 0) {
      delete held;
    }
  }

  uint64_t version_ = UINT64_MAX;
  Held* newest_ = nullptr;
};

}  // namespace gatehouse::filters
