// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/access_rules.h"

#include <algorithm>

namespace gatehouse::filters {
namespace {

bool Holds(const std::vector<CountryCode>& codes, const CountryCode& code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

}  // namespace

uint64_t AccessView::Version(const AccessRules& rules) {
  uint64_t sum = rules.entries->entries().version();
  for (const auto& file : rules.deny.files) {
    sum += file->value().version();
  }
  for (const auto& file : rules.allow.files) {
    sum += file->value().version();
  }
  return rules.country.database == nullptr ? sum : sum + rules.country.database->value().version();
}

template <typename T>
const T& AccessView::Newest(Held<T>& held, const Published<T>& source) {
  if (const uint64_t version = source.version(); version != held.version) [[unlikely]] {
    held.version = version;
    rules_.entries->backlog().Free(std::exchange(held.value, source.Get()));
  }
  return *held.value;
}

bool AccessView::JudgeLists(const AddressLists& lists, std::vector<Held<AddressList>>& held,
                            const IpAddress& address, AccessVerdict& verdict) {
  if (lists.blocks.Contains(address)) {
    verdict.by = AccessVerdict::By::kBlocks;
    return true;
  }
  for (size_t i = 0; i < lists.files.size(); ++i) {
    const ListFile& file = *lists.files[i];
    if (Newest(held[i], file.value()).set.Contains(address)) {
      verdict.by = AccessVerdict::By::kFile;
      verdict.file = &file.path();
      return true;
    }
  }
  return false;
}

// Whether there is something to say of where it is.
bool AccessView::JudgeCountry(const IpAddress& address, AccessVerdict& verdict) {
  const CountryRules& rules = rules_.country;
  verdict.country = Newest(country_, rules.database->value()).Find(address);
  verdict.by = AccessVerdict::By::kCountry;
  const bool known = verdict.country != CountryCode{};
  if (known ? Holds(rules.deny, verdict.country) : rules.deny_unknown) {
    verdict.allow = false;
    return true;
  }
  return known ? Holds(rules.allow, verdict.country) : !rules.allow.empty();
}

AccessVerdict AccessView::Judge(const IpAddress& address, MonotonicTime now) {
  using By = AccessVerdict::By;
  AccessVerdict verdict;
  if (const EntryTrie& entries = Newest(entries_, rules_.entries->entries()); !entries.empty()) {
    verdict.entry = entries.Decide(address, now);
    if (verdict.entry != nullptr) {
      verdict.by = By::kEntry;
      verdict.allow = verdict.entry->allow;
      return verdict;
    }
  }
  if (JudgeLists(rules_.deny, deny_, address, verdict)) {
    verdict.allow = false;
    return verdict;
  }
  if (JudgeLists(rules_.allow, allow_, address, verdict)) {
    return verdict;
  }
  if (rules_.country.database != nullptr && JudgeCountry(address, verdict)) {
    return verdict;
  }
  verdict.allow = !rules_.allow_only;
  verdict.by = rules_.allow_only ? By::kNotListed : By::kNothing;
  return verdict;
}

std::string Describe(const AccessVerdict& verdict) {
  using By = AccessVerdict::By;
  const std::string did = verdict.allow ? "allowed" : "denied";
  switch (verdict.by) {
    case By::kEntry: {
      const std::string& reason = verdict.entry->reason;
      return did + " by entry " + BlockText(verdict.entry->block) +
             (reason.empty() ? "" : " (" + reason + ")");
    }
    case By::kBlocks:
      return did + (verdict.allow ? " by allow" : " by deny");
    case By::kFile:
      return did + " by " + *verdict.file;
    case By::kCountry:
      return verdict.country == CountryCode{}
                 ? did + ": its country is not known"
                 : did + " by country " +
                       std::string(verdict.country.data(), verdict.country.size());
    case By::kNotListed:
      return "denied: it is in no list of those to be let in";
    case By::kNothing:
      break;
  }
  return "allowed";
}

}  // namespace gatehouse::filters
