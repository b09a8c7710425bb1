// SPDX-License-Identifier: Apache-2.0
#include "source/upstream/balance/balancer.h"

#include <algorithm>
#include <limits>

namespace gatehouse::upstream {
namespace {

constexpr size_t kNone = std::numeric_limits<size_t>::max();

bool Usable(const Endpoint& endpoint, std::span<const uint32_t> tried) {
  return std::find(tried.begin(), tried.end(), endpoint.slot) == tried.end();
}

bool Avoided(const Endpoint& endpoint, std::span<const SlotLoad> loads, MonotonicTime now) {
  return endpoint.slot < loads.size() && loads[endpoint.slot].avoid_until > now;
}

}  // namespace

void Balancer::Use(std::shared_ptr<const EndpointSet> set) {
  if (set == set_) {
    return;
  }
  set_ = std::move(set);
  subsets_.clear();
  all_ = Build({});
  if (!all_.schedule.empty()) {
    all_.cursor = Random() % all_.schedule.size();
  }
}

Balancer::Subset Balancer::Build(const LabelSet& labels) {
  Subset out;
  out.labels = labels;
  std::vector<uint32_t> weights;
  for (const std::shared_ptr<const Endpoint>& endpoint : set_->endpoints) {
    if (endpoint->weight > 0 && Carries(*endpoint, labels)) {
      out.members.push_back(&endpoint);
      weights.push_back(endpoint->weight);
    }
  }
  out.schedule = WeightedSchedule(weights);
  return out;
}

Balancer::Subset& Balancer::SubsetFor(const LabelSet& labels) {
  if (labels.empty()) {
    return all_;
  }
  const auto found = std::find_if(subsets_.begin(), subsets_.end(),
                                  [&](const Subset& subset) { return subset.labels == labels; });
  if (found != subsets_.end()) {
    subsets_.splice(subsets_.begin(), subsets_, found);
    return subsets_.front();
  }
  if (subsets_.size() >= kMaxSubsets) {
    subsets_.pop_back();
  }
  subsets_.push_front(Build(labels));
  return subsets_.front();
}

std::shared_ptr<const Endpoint> Balancer::Pick(const LabelSet& labels, Tried tried, Loads loads,
                                               MonotonicTime now) {
  if (set_ == nullptr) {
    return nullptr;
  }
  Subset& subset = SubsetFor(labels);
  if (subset.schedule.empty()) {
    return nullptr;
  }
  const size_t at = policy_ == BalancePolicy::kLeastRequest
                        ? LeastRequest(subset, tried, loads, now)
                        : RoundRobin(subset, tried, loads, now);
  return at == kNone ? nullptr : *subset.members[at];
}

size_t Balancer::RoundRobin(Subset& subset, Tried tried, Loads loads, MonotonicTime now) {
  size_t fallback = kNone;
  for (size_t step = 0; step < subset.schedule.size(); ++step) {
    const size_t at = subset.schedule[subset.cursor];
    subset.cursor = subset.cursor + 1 == subset.schedule.size() ? 0 : subset.cursor + 1;
    const Endpoint& endpoint = **subset.members[at];
    if (!Usable(endpoint, tried)) {
      continue;
    }
    if (!Avoided(endpoint, loads, now)) {
      return at;
    }
    fallback = fallback == kNone ? at : fallback;
  }
  return fallback;
}

// The power of two choices: of two drawn by weight, the one with fewer requests under way.
size_t Balancer::LeastRequest(Subset& subset, Tried tried, Loads loads, MonotonicTime now) {
  constexpr int kDraws = 8;
  size_t best = kNone;
  uint32_t best_load = std::numeric_limits<uint32_t>::max();
  int seen = 0;
  for (int draw = 0; draw < kDraws && seen < 2; ++draw) {
    const size_t at = subset.schedule[Random() % subset.schedule.size()];
    const Endpoint& endpoint = **subset.members[at];
    if (!Usable(endpoint, tried) || Avoided(endpoint, loads, now) ||
        (at == best && subset.members.size() > 1)) {
      continue;
    }
    ++seen;
    const uint32_t load = endpoint.slot < loads.size() ? loads[endpoint.slot].in_flight : 0;
    if (load < best_load) {
      best = at;
      best_load = load;
    }
  }
  return best != kNone ? best : RoundRobin(subset, tried, loads, now);
}

// xorshift64*: fast, and good enough to spread load.
uint64_t Balancer::Random() {
  random_ ^= random_ >> 12;
  random_ ^= random_ << 25;
  random_ ^= random_ >> 27;
  return random_ * 0x2545F4914F6CDD1D;
}

}  // namespace gatehouse::upstream
