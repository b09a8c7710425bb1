// SPDX-License-Identifier: Apache-2.0
// Who is let in by an ip_access filter: its lists, countries and entries, and what they come to for
// one address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/ip.h"
#include "source/base/published.h"
#include "source/filters/security/backlog.h"
#include "source/filters/security/cidr_set.h"
#include "source/filters/security/country_db.h"
#include "source/filters/security/entry_table.h"
#include "source/filters/watched_file.h"

namespace gatehouse::filters {

// The blocks of one file.
struct AddressList {
  CidrSet set;
  size_t entries = 0;
};
using ListFile = WatchedFile<AddressList>;
using CountryFile = WatchedFile<CountryDb>;

// The blocks that are written in the configuration, and files with more.
struct AddressLists {
  CidrSet blocks;
  std::vector<std::shared_ptr<ListFile>> files;
};

struct CountryRules {
  std::shared_ptr<CountryFile> database;  // Null: there are no such rules.
  std::vector<CountryCode> deny;
  std::vector<CountryCode> allow;
  bool deny_unknown = false;
};

struct AccessRules {
  AddressLists deny;
  AddressLists allow;
  CountryRules country;
  std::shared_ptr<EntryTable> entries;
  bool allow_only = false;  // Who is in no list of those to be let in is denied.
};

// What decided, and how.
struct AccessVerdict {
  enum class By : uint8_t {
    kEntry,
    kBlocks,     // `deny` or `allow`
    kFile,       // `deny_file`, `allow_file` or one of the like
    kCountry,    // It is in a list, or is not known.
    kNotListed,  // In no list of those to be let in.
    kNothing,    // In no list of those to be denied.
  };
  bool allow = true;
  By by = By::kNothing;
  const AccessEntry* entry = nullptr;
  const std::string* file = nullptr;
  CountryCode country{};
};

// One thread's view of what changes while the gateway runs. What it hands out is valid until the
// next call.
class AccessView {
 public:
  // `rules` outlive the view.
  explicit AccessView(const AccessRules& rules)
      : rules_(rules), deny_(rules.deny.files.size()), allow_(rules.allow.files.size()) {}

  // Differs from all before it whenever any of it has changed.
  static uint64_t Version(const AccessRules& rules);

  // Of several rules, the first that applies: entries that deny, entries that allow, deny lists,
  // allow lists, denied countries, allowed countries.
  AccessVerdict Judge(const IpAddress& address, MonotonicTime now);

 private:
  template <typename T>
  struct Held {
    uint64_t version = UINT64_MAX;
    std::shared_ptr<const T> value;
  };
  template <typename T>
  const T& Newest(Held<T>& held, const Published<T>& source);
  bool JudgeLists(const AddressLists& lists, std::vector<Held<AddressList>>& held,
                  const IpAddress& address, AccessVerdict& verdict);
  bool JudgeCountry(const IpAddress& address, AccessVerdict& verdict);

  const AccessRules& rules_;
  std::vector<Held<AddressList>> deny_;
  std::vector<Held<AddressList>> allow_;
  Held<CountryDb> country_;
  Held<EntryTrie> entries_;
};

// The verdict for people: "denied by lists/deny.txt", "denied by entry 192.0.2.7 (scan)".
std::string Describe(const AccessVerdict& verdict);

}  // namespace gatehouse::filters
