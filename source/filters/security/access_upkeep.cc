// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/access_upkeep.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace gatehouse::filters {
namespace {

using pipeline::Pending;

// No entry is let go sooner than that after another: requests look at the time themselves.
constexpr Duration kEndInterval = std::chrono::seconds(1);

// Counts, frees, writes: whatever the backlog has.
class EntriesUpkeep {
 public:
  EntriesUpkeep(std::shared_ptr<EntryTable> table, const AccessUpkeepCounters& counters,
                pipeline::Services& services)
      : table_(std::move(table)), counters_(counters), services_(services) {
    std::shared_ptr<const pipeline::Waker> waker;
    wakeable_ = services_.Wakeable([this] { OnWoken(); }, waker);
    table_->backlog().SetWaker(std::move(waker));
    OnWoken();
  }
  ~EntriesUpkeep() { table_->backlog().SetWaker(nullptr); }

 private:
  void OnWoken() {
    for (size_t i = 0; i < counters_.tallies.size(); ++i) {
      if (const int64_t amount = table_->backlog().Take(static_cast<Backlog::Tally>(i))) {
        services_.Count(counters_.tallies[i], amount);
      }
    }
    if (freeing_ == nullptr) {
      FreeThings();
    }
    if (saving_ == nullptr && save_timer_ == nullptr && table_->unsaved()) {
      const Duration wait =
          table_->trouble().empty() ? EntryTable::kWriteInterval : EntryTable::kRetryInterval;
      save_timer_ = services_.Timer(wait, [this] { Save(); });
    }
    AwaitEnd();
  }

  void FreeThings() {
    std::vector<std::shared_ptr<const void>> things = table_->backlog().TakeThings();
    if (!things.empty()) {
      freeing_ = services_.Background([things = std::move(things)]() mutable { things.clear(); },
                                      [this] {
                                        freeing_ = nullptr;
                                        OnWoken();
                                      });
    }
  }

  void Save() {
    saving_ = services_.Background([table = table_] { (void)table->Save(); },
                                   [this] {
                                     saving_ = nullptr;
                                     OnWoken();
                                   });
    save_timer_ = nullptr;
  }

  // For the entry that expires first, which may be a new one.
  void AwaitEnd() {
    const std::optional<MonotonicTime> end = table_->NextEnd();
    if (dropping_ != nullptr || !end || (end_timer_ != nullptr && *end >= due_)) {
      return;
    }
    due_ = *end;
    end_timer_ = services_.Timer(std::max<Duration>(*end - MonotonicNow(), kEndInterval),
                                 [this] { DropExpired(); });
  }
  void DropExpired() {
    dropping_ = services_.Background([table = table_] { table->DropExpired(MonotonicNow()); },
                                     [this] {
                                       dropping_ = nullptr;
                                       OnWoken();
                                     });
    end_timer_ = nullptr;
  }

  const std::shared_ptr<EntryTable> table_;
  const AccessUpkeepCounters& counters_;
  pipeline::Services& services_;
  std::unique_ptr<Pending> wakeable_;
  std::unique_ptr<Pending> freeing_;
  std::unique_ptr<Pending> save_timer_;
  std::unique_ptr<Pending> saving_;
  std::unique_ptr<Pending> end_timer_;
  std::unique_ptr<Pending> dropping_;
  MonotonicTime due_{};  // When what end_timer_ waits for expires.
};

class AccessUpkeep final : public pipeline::Upkeep {
 public:
  AccessUpkeep(const AccessConfig& config, const AccessUpkeepCounters& counters,
               pipeline::Services& services) {
    const std::shared_ptr<EntryTable>& table = config.rules.entries;
    if (config.owns_entries) {
      entries_ = std::make_unique<EntriesUpkeep>(table, counters, services);
    }
    const auto watch = [&](const auto& file) {
      files_.push_back(KeepFile(
          services, file->path(),
          [file, table] {
            const bool used = file->Reload();
            table->backlog().Wake();  // For the lines that it counted.
            return used;
          },
          !file->Seen(), counters.files_failed, counters.files_read));
    };
    std::for_each(config.own_files.begin(), config.own_files.end(), watch);
    if (config.own_database != nullptr) {
      watch(config.own_database);
    }
  }

 private:
  std::unique_ptr<EntriesUpkeep> entries_;
  std::vector<std::unique_ptr<pipeline::Upkeep>> files_;
};

}  // namespace

std::unique_ptr<pipeline::Upkeep> StartAccessUpkeep(const AccessConfig& config,
                                                    const AccessUpkeepCounters& counters,
                                                    pipeline::Services& services) {
  return std::make_unique<AccessUpkeep>(config, counters, services);
}

}  // namespace gatehouse::filters
