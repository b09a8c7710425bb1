// SPDX-License-Identifier: Apache-2.0
// The blocks that were entered over the admin endpoint, and the file that keeps them.
//
// They expire by the monotonic clock; the file has the wall clock's time, for the next process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>

#include "source/base/clock.h"
#include "source/base/error.h"
#include "source/base/locked.h"
#include "source/base/published.h"
#include "source/filters/security/backlog.h"
#include "source/filters/security/entry_trie.h"

namespace gatehouse::filters {

// One entry to be made, or removed.
struct EntryChange {
  bool remove = false;
  std::shared_ptr<const AccessEntry> entry;  // Of one to be removed, the block counts.
};

struct EntryOutcome {
  bool full = false;  // Nothing was changed: there would be too many.
  size_t added = 0;
  size_t replaced = 0;
  size_t removed = 0;
  size_t absent = 0;  // Were to be removed, and are not there.
  size_t total = 0;
};

// Any thread, but no worker's. Shared by all definitions of one filter, so that entries outlive
// reloads.
class EntryTable {
 public:
  // The disk is written at most so often; and again so long after it could not be.
  static constexpr Duration kWriteInterval = std::chrono::seconds(1);
  static constexpr Duration kRetryInterval = std::chrono::seconds(5);

  // `path`: of the file; empty: none.
  EntryTable(std::string filter, std::string path)
      : filter_(std::move(filter)), path_(std::move(path)) {}
  // Writes what has not been written.
  ~EntryTable();
  EntryTable(const EntryTable&) = delete;
  EntryTable& operator=(const EntryTable&) = delete;

  // Reads the file, if there is one. What is damaged is reported, and moved aside when `may_write`.
  void Restore(bool may_write);

  // All of `changes`, or none. Expired entries give way before it is full.
  EntryOutcome Change(std::span<const EntryChange> changes, uint64_t max_entries);
  void DropExpired(MonotonicTime now);
  // When the next entry expires; nothing when none does.
  std::optional<MonotonicTime> NextEnd() const;

  // Whether the entries are on the disk now.
  struct Keeping {
    bool kept = false;
    bool pending = false;  // They will be in a moment.
    std::string why{};     // They are not.
  };
  // Writes them unless that was done a moment ago; then the upkeep will.
  Keeping Keep(MonotonicTime now);
  // Writes what has not been written. False: it can't be.
  bool Save();
  bool unsaved() const;
  // Why the last attempt to write or read the file failed; empty when it did not.
  std::string trouble() const;

  const Published<EntryTrie>& entries() const { return entries_; }
  size_t size() const {
    return content_.With([](const Content& content) { return content.count; });
  }
  const std::string& path() const { return path_; }
  Backlog& backlog() { return backlog_; }

 private:
  using End = std::tuple<MonotonicTime, AddressNumber, uint8_t>;
  struct Content {
    EntryTrie trie;
    size_t count = 0;
    std::set<End> ends;  // Of those that have one.
    uint64_t edits = 0;
  };
  struct Writer {
    uint64_t saved = 0;  // The edits that are on the disk.
    std::optional<MonotonicTime> last;
    bool waiting = false;  // For the upkeep, which alone writes then.
    std::string trouble;
  };

  static End EndOf(const AccessEntry& entry);
  static void Put(Content& content, const EntryTrie::Entry& entry, EntryOutcome& outcome);
  static bool Take(Content& content, const Cidr& block);
  static size_t TakeExpired(Content& content, MonotonicTime now);
  void Publish(Content& content);
  bool Write(Writer& writer, MonotonicTime now);

  const std::string filter_;
  const std::string path_;
  Locked<Content> content_;
  Published<EntryTrie> entries_{std::make_shared<const EntryTrie>()};
  Locked<Writer> writer_;
  Backlog backlog_;
};

}  // namespace gatehouse::filters
