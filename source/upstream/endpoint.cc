// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/endpoint.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>

namespace gatehouse::upstream {
namespace {

constexpr uint64_t kMaxSchedule = 4096;
constexpr uint64_t kScheduleShare = 4;  // Entries per endpoint that are always allowed.

// How often each endpoint appears: in lowest terms, and scaled down when that is too long.
std::vector<uint64_t> Occurrences(const std::vector<uint32_t>& weights) {
  std::vector<uint64_t> counts(weights.begin(), weights.end());
  const uint64_t divisor = std::reduce(counts.begin(), counts.end(), uint64_t{0},
                                       [](uint64_t a, uint64_t b) { return std::gcd(a, b); });
  if (divisor == 0) {
    return counts;
  }
  uint64_t sum = 0;
  uint64_t members = 0;
  for (uint64_t& count : counts) {
    count /= divisor;
    sum += count;
    members += count > 0 ? 1 : 0;
  }
  const uint64_t limit = std::max(kMaxSchedule, kScheduleShare * members);
  if (sum <= limit) {
    return counts;
  }
  // Rounding, and raising to one what would vanish, add less than one entry each.
  const uint64_t target = limit - members;
  for (uint64_t& count : counts) {
    if (count > 0) {
      count = std::max<uint64_t>(1, (count * target + sum / 2) / sum);
    }
  }
  return counts;
}

// Endpoints that appear equally often: they take turns, in the order declared.
struct Peers {
  int64_t count = 0;
  std::vector<uint32_t> indices;
  size_t next = 0;
  int64_t rounds = 0;
};

std::vector<Peers> GroupByCount(const std::vector<uint64_t>& counts) {
  std::map<uint64_t, std::vector<uint32_t>> groups;
  for (uint32_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) {
      groups[counts[i]].push_back(i);
    }
  }
  std::vector<Peers> out;
  for (auto& [count, indices] : groups) {
    out.push_back({static_cast<int64_t>(count), std::move(indices)});
  }
  return out;
}

}  // namespace

bool Carries(const Endpoint& endpoint, const LabelSet& wanted) {
  return std::includes(endpoint.labels.begin(), endpoint.labels.end(), wanted.begin(),
                       wanted.end());
}

// Smooth weighted round robin, as in nginx: at each step everybody earns its weight, the richest is
// picked and pays the total. Of equal weights the one picked least often is the richest, so that
// it suffices to compare groups: there are few, however many endpoints.
std::vector<uint32_t> WeightedSchedule(const std::vector<uint32_t>& weights) {
  const std::vector<uint64_t> counts = Occurrences(weights);
  std::vector<Peers> groups = GroupByCount(counts);
  const auto total = static_cast<int64_t>(std::reduce(counts.begin(), counts.end(), uint64_t{0}));
  std::vector<uint32_t> schedule;
  schedule.reserve(static_cast<size_t>(total));
  for (int64_t step = 1; step <= total; ++step) {
    Peers* richest = nullptr;
    int64_t most = 0;
    for (Peers& peers : groups) {
      const int64_t credit = peers.count * step - total * peers.rounds;
      if (richest == nullptr || credit > most ||
          (credit == most && peers.indices[peers.next] < richest->indices[richest->next])) {
        richest = &peers;
        most = credit;
      }
    }
    schedule.push_back(richest->indices[richest->next]);
    if (++richest->next == richest->indices.size()) {
      richest->next = 0;
      ++richest->rounds;
    }
  }
  return schedule;
}

}  // namespace gatehouse::upstream
