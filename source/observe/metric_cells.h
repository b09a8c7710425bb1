// SPDX-License-Identifier: Apache-2.0
// Which cells of the tables are whose. What goes gives its cells back, for what comes.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <vector>

namespace gatehouse::observe {

class MetricCells {
 public:
  // Below it, ids that nobody defined count.
  static constexpr uint32_t kNobodys = 512;

  MetricCells() = default;
  ~MetricCells();
  MetricCells(const MetricCells&) = delete;
  MetricCells& operator=(const MetricCells&) = delete;

  // The first of `count` consecutive cells, all in one chunk of a table; 0 when there are no more.
  // They may hold what was counted before. One thread at a time.
  uint32_t Take(uint32_t count);
  // Nobody writes them any more. Any thread.
  void GiveBack(uint32_t first, uint32_t count);

 private:
  struct Returned {
    uint32_t first;
    uint32_t count;
    Returned* next;
  };
  void TakeReturned();

  // A stack that anyone pushes to and the thread that takes cells empties at once.
  std::atomic<Returned*> returned_{nullptr};
  std::map<uint32_t, std::vector<uint32_t>> free_;  // By count.
  uint32_t next_ = kNobodys;
};

}  // namespace gatehouse::observe
