// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/entry_table.h"

#include <sys/stat.h>

#include <cerrno>
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

}  // namespace

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

void EntryTable::Publish(Content& content) {
  entries_.Publish(std::make_shared<const EntryTrie>(content.trie));
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
    writer_.With([&](Writer& writer) { writer.trouble = read.error().message; });
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
  return content_.With([](const Content& content) {
    return content.ends.empty() ? std::optional<MonotonicTime>()
                                : std::get<0>(*content.ends.begin());
  });
}

bool EntryTable::Write(Writer& writer, MonotonicTime now) {
  const auto [trie, edits] =
      content_.With([](const Content& content) { return std::pair(content.trie, content.edits); });
  if (edits == writer.saved) {
    return true;
  }
  const Result<void> written = ReplaceFile(path_, WriteEntries(trie, now, WallNow()));
  writer.last = MonotonicNow();
  writer.waiting = !written;
  if (!written) {
    backlog_.Count(Backlog::kStateFailures);
    if (writer.trouble != written.error().message) {
      log::Warning("entries of a filter are in force, but not kept",
                   {{"filter", filter_}, {"file", path_}, {"why", written.error().message}});
    }
    writer.trouble = written.error().message;
    return false;
  }
  backlog_.Count(Backlog::kStateWrites);
  writer.trouble.clear();
  writer.saved = edits;
  return true;
}

bool EntryTable::Save() {
  if (path_.empty()) {
    return false;
  }
  return writer_.With([&](Writer& writer) { return Write(writer, MonotonicNow()); });
}

EntryTable::Keeping EntryTable::Keep(MonotonicTime now) {
  if (path_.empty()) {
    return {.why = "runtime.state_dir is not set: they last until the process ends"};
  }
  Keeping out = writer_.With([&](Writer& writer) -> Keeping {
    const uint64_t edits = content_.With([](const Content& content) { return content.edits; });
    if (edits == writer.saved) {
      return {.kept = true};
    }
    if (writer.waiting || (writer.last && now < *writer.last + kWriteInterval)) {
      writer.waiting = true;
      return writer.trouble.empty()
                 ? Keeping{.pending = true, .why = "they are written within a second or two"}
                 : Keeping{.why = writer.trouble};
    }
    const bool kept = Write(writer, now);
    return {.kept = kept, .why = kept ? "" : writer.trouble};
  });
  backlog_.Wake();
  return out;
}

bool EntryTable::unsaved() const {
  return !path_.empty() && writer_.With([this](const Writer& writer) {
    return writer.saved != content_.With([](const Content& content) { return content.edits; });
  });
}

std::string EntryTable::trouble() const {
  return writer_.With([](const Writer& writer) { return writer.trouble; });
}

}  // namespace gatehouse::filters
