// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/redis/call_window.h"

#include <algorithm>
#include <chrono>

namespace gatehouse::redis {

void CallWindow::OnAnswer(size_t ahead, Duration after) {
  const Duration spent = std::max<Duration>(after, std::chrono::microseconds(1));
  const double fitting = static_cast<double>(ahead + 1) * static_cast<double>(timeout_.count()) /
                         (2 * static_cast<double>(spent.count()));
  // Answers that come in one read look slower the earlier they were asked for.
  constexpr double kWeight = 0.125;
  size_ = narrow_ ? size_ + (fitting - size_) * kWeight : fitting;
}

void CallWindow::OnLate(MonotonicTime now) {
  narrow_ = true;
  trouble_ = now;
}

bool CallWindow::Admits(size_t under_way, MonotonicTime now) {
  if (!narrow_ || under_way == 0 || static_cast<double>(under_way) < size_) {
    return true;
  }
  trouble_ = now;
  return false;
}

bool CallWindow::Overfull(size_t under_way) const {
  constexpr double kFew = 8;  // Not worth a connection.
  return narrow_ && static_cast<double>(under_way) > 2 * size_ + kFew;
}

bool CallWindow::Calm(MonotonicTime now) {
  if (!narrow_ || now - trouble_ < kCalm) {
    return false;
  }
  narrow_ = false;
  return true;
}

}  // namespace gatehouse::redis
