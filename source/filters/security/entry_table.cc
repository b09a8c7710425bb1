// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/entry_table.h"

#include <sys/stat.h>

#include <cerrno>
#include <future>
#include <map>
#include <utility>

#include "source/base/log.h"
#include "source/config/document.h"
#include "source/filters/security/entry_file.h"
#include "source/filters/state_file.h"

namespace gatehouse::filters {
namespace {

constexpr uint64_t kMaxFileBytes = 512u << 20;

Cidr BlockOf(AddressNumber number, uint8_t prefix) {
  Cidr out;
  out.prefix = prefix;
  for (size_t i = out.base.bytes.size(); i-- > 0; number >>= 8) {
    out.base.bytes[i] = static_cast<uint8_t>(number);
  }
  return out;
}

// Whether `changes` to the `count` blocks of `trie` would make more of them, and more than that.
// Found out before anything is touched, so that nothing need be undone.
bool WouldGrowPast(uint64_t max_entries, EntryTrie trie, size_t count,
                   std::span<const EntryChange> changes) {
  size_t total = count;
  for (const EntryChange& change : changes) {
    const bool there = trie.Find(change.entry->block) != nullptr;
    if (change.remove) {
      total -= there ? 1 : 0;
      trie = trie.Without(change.entry->block);
    } else {
      total += there ? 0 : 1;
      trie = trie.With(change.entry);
    }
  }
  return total > max_entries && total > count;
}

// The tables of the process by their files.
struct Slot {
  std::weak_ptr<EntryTable> table;
  std::shared_future<void> gone;  // It has been written, and destroyed.
};
Locked<std::map<std::string, Slot>>& Slots() {
  static Locked<std::map<std::string, Slot>> slots;
  return slots;
}

}  // namespace

std::shared_ptr<EntryTable> EntryTable::At(std::string filter, std::string path, bool may_write) {
  if (path.empty()) {
    return std::make_shared<EntryTable>(std::move(filter), std::move(path));
  }
  for (;;) {
    std::shared_ptr<EntryTable> table;
    const std::shared_future<void> going = Slots().With([&](auto& slots) {
      Slot& slot = slots[path];
      table = slot.table.lock();
      if (table != nullptr) {
        return std::shared_future<void>();
      }
      if (slot.gone.valid() && slot.gone.wait_for(Duration::zero()) != std::future_status::ready) {
        return slot.gone;
      }
      if (!may_write) {
        return std::shared_future<void>();
      }
      auto gone = std::make_shared<std::promise<void>>();
      slot.gone = gone->get_future().share();
      table = std::shared_ptr<EntryTable>(new EntryTable(filter, path), [gone](EntryTable* last) {
        delete last;
        gone->set_value();
      });
      table->Restore(true);
      slot.table = table;
      return std::shared_future<void>();
    });
    if (table != nullptr) {
      return table;
    }
    if (!going.valid()) {  // A look that changes nothing.
      table = std::make_shared<EntryTable>(std::move(filter), std::move(path));
      table->Restore(false);
      return table;
    }
    going.wait();
  }
}

EntryTable::~EntryTable() {
  if (unsaved()) {
    Save();
  }
}

EntryTable::End EntryTable::EndOf(const AccessEntry& entry) {
  return {entry.expires, NumberOf(entry.block.base), entry.block.prefix};
}

bool EntryTable::Take(Content& content, const Cidr& block) {
  const AccessEntry* const there = content.trie.Find(block);
  if (there == nullptr) {
    return false;
  }
  content.ends.erase(EndOf(*there));
  content.trie = content.trie.Without(block);
  --content.count;
  return true;
}

void EntryTable::Put(Content& content, const EntryTrie::Entry& entry, EntryOutcome& outcome) {
  if (const AccessEntry* const there = content.trie.Find(entry->block)) {
    content.ends.erase(EndOf(*there));
    ++outcome.replaced;
  } else {
    ++content.count;
    ++outcome.added;
  }
  content.trie = content.trie.With(entry);
  if (entry->HasEnd()) {
    content.ends.insert(EndOf(*entry));
  }
}

size_t EntryTable::TakeExpired(Content& content, MonotonicTime now) {
  size_t taken = 0;
  while (!content.ends.empty() && std::get<0>(*content.ends.begin()) <= now) {
    const auto [expires, number, prefix] = *content.ends.begin();
    Take(content, BlockOf(number, prefix));
    ++taken;
  }
  return taken;
}

void EntryTable::Publish(const Content& content) {
  count_.store(content.count, std::memory_order_relaxed);
  next_end_.store(content.ends.empty() ? MonotonicTime::max() : std::get<0>(*content.ends.begin()));
  edits_.store(content.edits);
  entries_.Publish(std::make_shared<const EntryTrie>(content.trie));
}

void EntryTable::SetTrouble(const std::string& why) {
  trouble_.Publish(why.empty() ? nullptr : std::make_shared<const std::string>(why));
}

void EntryTable::Restore(bool may_write) {
  struct stat status{};
  if (path_.empty() || (stat(path_.c_str(), &status) != 0 && errno == ENOENT)) {
    return;
  }
  const Result<std::string> text = config::ReadFile(path_, kMaxFileBytes);
  Result<EntryTrie> read =
      text ? ReadEntries(*text, MonotonicNow(), WallNow()) : tl::unexpected<Error>(text.error());
  if (!read) {
    log::Warning("entries of a filter are lost: their file can't be used",
                 {{"filter", filter_}, {"file", path_}, {"why", read.error().message}});
    SetTrouble(read.error().message);
    backlog_.Count(Backlog::kStateFailures);
    if (text && may_write) {
      MoveAside(path_);
    }
    return;
  }
  content_.With([&](Content& content) {
    content.trie = *read;
    content.trie.Visit(nullptr, [&](const AccessEntry& entry) {
      ++content.count;
      if (entry.HasEnd()) {
        content.ends.insert(EndOf(entry));
      }
      return true;
    });
    Publish(content);
  });
}

EntryOutcome EntryTable::Change(std::span<const EntryChange> changes, uint64_t max_entries) {
  EntryOutcome outcome;
  size_t expired = 0;
  content_.With([&](Content& content) {
    expired = TakeExpired(content, MonotonicNow());
    outcome.full = content.count + changes.size() > max_entries &&
                   WouldGrowPast(max_entries, content.trie, content.count, changes);
    if (!outcome.full) {
      for (const EntryChange& change : changes) {
        if (!change.remove) {
          Put(content, change.entry, outcome);
        } else if (Take(content, change.entry->block)) {
          ++outcome.removed;
        } else {
          ++outcome.absent;
        }
      }
      content.edits += outcome.added + outcome.replaced + outcome.removed;
    }
    outcome.total = content.count;
    Publish(content);
  });
  backlog_.Count(Backlog::kEntriesExpired, static_cast<int64_t>(expired));
  backlog_.Count(Backlog::kEntriesAdded, static_cast<int64_t>(outcome.added + outcome.replaced));
  backlog_.Count(Backlog::kEntriesRemoved, static_cast<int64_t>(outcome.removed));
  backlog_.Count(Backlog::kEntriesRefused, outcome.full ? static_cast<int64_t>(changes.size()) : 0);
  backlog_.Wake();
  return outcome;
}

void EntryTable::DropExpired(MonotonicTime now) {
  const size_t taken = content_.With([&](Content& content) {
    const size_t count = TakeExpired(content, now);
    if (count > 0) {
      Publish(content);
    }
    return count;
  });
  backlog_.Count(Backlog::kEntriesExpired, static_cast<int64_t>(taken));
}

std::optional<MonotonicTime> EntryTable::NextEnd() const {
  const MonotonicTime end = next_end_.load();
  return end == MonotonicTime::max() ? std::nullopt : std::optional(end);
}

bool EntryTable::Write(Writer& writer, MonotonicTime now) {
  const auto [trie, edits] =
      content_.With([](const Content& content) { return std::pair(content.trie, content.edits); });
  if (edits == saved_.load()) {
    return true;
  }
  const Result<void> written = ReplaceFile(path_, WriteEntries(trie, now, WallNow()));
  writer.last = MonotonicNow();
  writer.waiting = !written;
  if (!written) {
    backlog_.Count(Backlog::kStateFailures);
    if (trouble() != written.error().message) {
      log::Warning("entries of a filter are in force, but not kept",
                   {{"filter", filter_}, {"file", path_}, {"why", written.error().message}});
    }
    SetTrouble(written.error().message);
    return false;
  }
  backlog_.Count(Backlog::kStateWrites);
  SetTrouble("");
  saved_.store(edits);
  return true;
}

bool EntryTable::Save() {
  bool saved = false;
  if (!path_.empty()) {
    writer_.Try([&](Writer& writer) { saved = Write(writer, MonotonicNow()); });
  }
  return saved;
}

EntryTable::Keeping EntryTable::Keep(MonotonicTime now) {
  if (path_.empty()) {
    return {.why = "runtime.state_dir is not set: they last until the process ends"};
  }
  bool kept = false;
  writer_.Try([&](Writer& writer) {
    const bool lately = writer.last && now < *writer.last + kWriteInterval;
    if (!unsaved()) {
      kept = true;
    } else if (writer.waiting || lately) {
      writer.waiting = true;
    } else {
      kept = Write(writer, now);
    }
  });
  backlog_.Wake();
  std::string why = kept ? "" : trouble();
  return {.kept = kept, .pending = !kept && why.empty(), .why = std::move(why)};
}

std::string EntryTable::trouble() const {
  const std::shared_ptr<const std::string> why = trouble_.Get();
  return why == nullptr ? std::string() : *why;
}

}  // namespace gatehouse::filters
