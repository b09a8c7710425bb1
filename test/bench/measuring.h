// SPDX-License-Identifier: Apache-2.0
// What rows of filters_bench are made of.
#pragma once

#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace gatehouse {

// Calls of operator new so far. filters_bench.cc counts them.
uint64_t Allocations();

// Nanoseconds of this thread's CPU.
inline int64_t CpuNow() {
  timespec ts;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
  return ts.tv_sec * 1'000'000'000 + ts.tv_nsec;
}

// Nanoseconds per call, the best of many rounds: what the work costs, not what disturbs it.
template <typename Work>
double Measure(int calls, Work work) {
  constexpr int kRounds = 20;
  double best = 1e9;
  for (int round = 0; round < kRounds; ++round) {
    const int64_t begin = CpuNow();
    for (int i = 0; i < calls / kRounds; ++i) {
      work(i);
    }
    best = std::min(best, static_cast<double>(CpuNow() - begin) * kRounds / calls);
  }
  return best;
}

inline void Print(const char* what, double value, const char* unit = "ns") {
  std::printf("%-56s %8.1f %s\n", what, value, unit);
}

// Rows of filters that have a file of their own. `memory`: also those that take minutes.
void BenchJwt(bool memory);
void BenchIpLists();
void BenchTraffic();
void BenchBreaker();

}  // namespace gatehouse
