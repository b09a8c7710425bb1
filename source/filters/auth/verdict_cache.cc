// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/verdict_cache.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "source/base/check.h"

namespace gatehouse::filters {

VerdictCache::VerdictCache(size_t max_entries)
    : ways_(std::min(max_entries, kWays)), sets_(max_entries / std::max<size_t>(ways_, 1)) {
  GATEHOUSE_CHECK(max_entries > 0, "a cache keeps something");
}

size_t VerdictCache::FirstPlace(std::string_view key) const {
  return std::hash<std::string_view>()(key) % sets_ * ways_;
}

const VerdictCache::Verdict* VerdictCache::Find(std::string_view key, MonotonicTime now) const {
  if (kept_.empty()) {
    return nullptr;
  }
  const Kept* const first = &kept_[FirstPlace(key)];
  const Kept* const found =
      std::find_if(first, first + ways_, [&](const Kept& kept) { return kept.key == key; });
  const bool good = found != first + ways_ && found->verdict != nullptr && now < found->until;
  return good ? &found->verdict : nullptr;
}

void VerdictCache::Keep(std::string_view key, Verdict verdict, MonotonicTime now, Duration ttl) {
  if (ttl <= Duration::zero() || key.size() + verdict->bytes() > kMaxEntryBytes) {
    return;
  }
  if (kept_.empty()) {
    kept_.resize(sets_ * ways_);
  }
  Kept* const first = &kept_[FirstPlace(key)];
  Kept* place =
      std::find_if(first, first + ways_, [&](const Kept& kept) { return kept.key == key; });
  if (place == first + ways_) {
    // Free places have never been valid: they come first.
    place = std::min_element(first, first + ways_, [](const Kept& one, const Kept& other) {
      return one.until < other.until;
    });
  }
  *place = {std::string(key), std::move(verdict), now + ttl};
}

bool VerdictCache::Wait(std::string_view key, Waiter& waiter) {
  const auto at = questions_.find(key);
  if (at == questions_.end()) {
    return false;
  }
  at->second.waiters.push_back(&waiter);
  return true;
}

void VerdictCache::Ask(std::string_view key, Waiter& waiter, pipeline::Services& services,
                       pipeline::FetchRequest request,
                       std::function<Verdict(Result<pipeline::FetchResponse>)> judge) {
  const auto [at, added] = questions_.try_emplace(std::string(key));
  GATEHOUSE_CHECK(added, "a question is asked once at a time");
  at->second.waiters.push_back(&waiter);
  at->second.call = services.Fetch(
      std::move(request),
      // A copy of the key: the question is gone when it is told.
      [this, key = at->first, judge = std::move(judge)](Result<pipeline::FetchResponse> answer) {
        const Verdict verdict = judge(std::move(answer));
        Tell(std::string(key), verdict);
      });
}

// Waiters may leave, and ask again, while they are told.
void VerdictCache::Tell(const std::string& key, const Verdict& verdict) {
  const auto at = questions_.find(key);
  GATEHOUSE_CHECK(at != questions_.end(), "an answer without a question");
  const std::unique_ptr<pipeline::Pending> call = std::move(at->second.call);
  bool first = true;
  while (!at->second.waiters.empty()) {
    Waiter* const waiter = at->second.waiters.front();
    at->second.waiters.pop_front();
    waiter->OnVerdict(verdict, std::exchange(first, false));
  }
  questions_.erase(at);
}

void VerdictCache::Leave(std::string_view key, Waiter& waiter) {
  const auto at = questions_.find(key);
  if (at == questions_.end()) {
    return;
  }
  std::erase(at->second.waiters, &waiter);
  if (at->second.waiters.empty() && at->second.call != nullptr) {
    questions_.erase(at);
  }
}

}  // namespace gatehouse::filters
