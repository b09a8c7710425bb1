// SPDX-License-Identifier: Apache-2.0
// How much is asked of a server that answers, but not as fast as it is asked.
//
// Answers come in the order of calls, and a call that nobody waits for any more still takes its
// turn. So a queue that takes longer than the timeout makes every call late, for nothing. After a
// late one, no more calls are let in than the server answers within half the timeout, as its latest
// answers have shown; that ends when for a while none was late and none was turned away.
#pragma once

#include <chrono>
#include <cstddef>

#include "source/base/clock.h"

namespace gatehouse::redis {

// Loop thread only.
class CallWindow {
 public:
  static constexpr Duration kCalm = std::chrono::seconds(1);

  explicit CallWindow(Duration timeout) : timeout_(timeout) {}

  // An answer came `after` its call was sent behind `ahead` others.
  void OnAnswer(size_t ahead, Duration after);
  // A call was not answered in time, though the server does answer.
  void OnLate(MonotonicTime now);
  // Whether one more may be asked while `under_way` are. False is remembered.
  bool Admits(size_t under_way, MonotonicTime now);
  // Whether a call behind `under_way` others would probably be late.
  bool Overfull(size_t under_way) const;

  // Whether calls are turned away. Until Calm() at least.
  bool narrow() const { return narrow_; }
  // True once: it is over.
  bool Calm(MonotonicTime now);

 private:
  const Duration timeout_;
  bool narrow_ = false;
  double size_ = 1;  // Calls.
  MonotonicTime trouble_;
};

}  // namespace gatehouse::redis
