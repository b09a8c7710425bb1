// SPDX-License-Identifier: Apache-2.0
// The blocks that were entered over the admin endpoint, and the file that keeps them.
//
// They expire by the monotonic clock; the file has the wall clock's time, for the next process.
#pragma once

#include <atomic>
#include <chrono>
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
#include "source/base/log.h"
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

// Any thread, but what says "never waits" no worker's: the others may wait for long changes or for
// the disk. Shared by all definitions of one filter, so that entries outlive reloads.
class EntryTable {
 public:
  // The disk is written at most so often; and again so long after it could not be.
  static constexpr Duration kWriteInterval = std::chrono::seconds(1);
  static constexpr Duration kRetryInterval = std::chrono::seconds(5);

  // The table of the file at `path`, of which there is one in the process: two would write over
  // each other's entries. When nobody has it, it is made, and reads the file. What is damaged is
  // reported, and moved aside when `may_write`. Waits for one that is being written as it goes.
  static std::shared_ptr<EntryTable> At(std::string filter, std::string path, bool may_write);

  // One that nobody else finds. `path`: of the file; empty: none.
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
  // When the next entry expires; nothing when none does. Never waits.
  std::optional<MonotonicTime> NextEnd() const;

  // Whether the entries are on the disk now.
  struct Keeping {
    bool kept = false;
    bool pending = false;  // They will be in a moment.
    std::string why{};     // They are not.
  };
  // Writes them unless that was done a moment ago, or is being done: then the upkeep will. So of
  // many calls one waits for the disk, however slow it is.
  Keeping Keep(MonotonicTime now);
  // Writes what has not been written. False: it can't be, or another thread is writing.
  bool Save();
  // Never waits.
  bool unsaved() const { return !path_.empty() && saved_.load() != edits_.load(); }
  // Why the last attempt to write or read the file failed; empty when it did not. Never waits.
  std::string trouble() const;

  // What follows never waits.
  const Published<EntryTrie>& entries() const { return entries_; }
  size_t size() const { return count_.load(std::memory_order_relaxed); }
  const std::string& filter() const { return filter_; }
  const std::string& path() const { return path_; }
  // For lines that tell of changes.
  log::Repeated& told() { return told_; }
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
    std::optional<MonotonicTime> last;
    bool waiting = false;  // For the upkeep, which alone writes then.
  };

  static End EndOf(const AccessEntry& entry);
  static void Put(Content& content, const EntryTrie::Entry& entry, EntryOutcome& outcome);
  static bool Take(Content& content, const Cidr& block);
  static size_t TakeExpired(Content& content, MonotonicTime now);
  void Publish(const Content& content);
  void SetTrouble(const std::string& why);
  bool Write(Writer& writer, MonotonicTime now);

  const std::string filter_;
  const std::string path_;
  Locked<Content> content_;  // As long as a change takes.
  Locked<Writer> writer_;    // As long as the disk takes.
  // What is known of them without waiting.
  Published<EntryTrie> entries_{std::make_shared<const EntryTrie>()};
  std::atomic<size_t> count_{0};
  std::atomic<MonotonicTime> next_end_{MonotonicTime::max()};
  std::atomic<uint64_t> edits_{0};
  std::atomic<uint64_t> saved_{0};  // The edits that are on the disk.
  Published<std::string> trouble_;  // Null: none.
  Backlog backlog_;
  log::Repeated told_{std::chrono::seconds(1)};
};

}  // namespace gatehouse::filters
