// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/entry_requests.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "source/base/arena.h"
#include "source/base/log.h"
#include "source/base/text.h"
#include "source/config/values.h"
#include "source/observe/value_text.h"
#include "source/pipeline/request_values.h"

namespace gatehouse::filters {
namespace {

using Json = nlohmann::ordered_json;

constexpr Duration kShortestTtl = std::chrono::seconds(1);
constexpr Duration kLongestTtl = std::chrono::hours(24 * 3660);
constexpr size_t kMistakesTold = 20;
constexpr size_t kChangesTold = 5;
constexpr uint64_t kDefaultPage = 100;
constexpr uint64_t kLargestPage = 10'000;

pipeline::AdminReply Reply(const Json& json, uint16_t status = 200) {
  return {status, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"};
}

pipeline::AdminReply Refuse(uint16_t status, std::string_view error, std::string_view message) {
  return Reply(Json{{"error", error}, {"message", message}}, status);
}

bool IsPlainText(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const size_t length = Utf8SequenceLength(text, i);
    if (length == 0 || byte < 0x20 || byte == 0x7f) {
      return false;
    }
    i += length;
  }
  return true;
}

// Reads one request; what is wrong with it is kept, up to a bound.
class ChangeReader {
 public:
  ChangeReader(MonotonicTime now, WallTime wall) : now_(now), wall_(wall) {}

  Result<std::vector<EntryChange>> Read(std::string_view text) {
    const Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded()) {
      Wrong("", "the body is not JSON");
    } else if (!json.is_object()) {
      Wrong("", "the body must be an object: {\"entries\": [...]}, or one entry");
    } else if (const auto entries = json.find("entries"); entries == json.end()) {
      ReadOne(json, "");
    } else if (!entries->is_array() || json.size() != 1) {
      Wrong("entries", "must be a list, and stand alone");
    } else {
      for (size_t i = 0; i < entries->size(); ++i) {
        ReadOne((*entries)[i], "entries[" + std::to_string(i) + "]");
      }
    }
    if (count_ > kMistakesTold) {
      mistakes_ += "and " + std::to_string(count_ - kMistakesTold) + " more";
    } else if (count_ > 0) {
      mistakes_.pop_back();
    }
    if (count_ > 0) {
      return Fail(ErrorCode::kInvalidConfig, ErrorSource::kDownstream, std::move(mistakes_));
    }
    return std::move(changes_);
  }

 private:
  void Wrong(const std::string& where, std::string_view what) {
    if (++count_ <= kMistakesTold) {
      mistakes_ += where + (where.empty() ? "" : ": ");
      mistakes_.append(what).append("\n");
    }
  }

  void ReadOne(const Json& json, const std::string& where) {
    if (!json.is_object()) {
      return Wrong(where, "must be an object with a \"cidr\"");
    }
    const std::string prefix = where.empty() ? "" : where + ".";
    auto entry = std::make_shared<AccessEntry>();
    entry->added = wall_;
    EntryChange change;
    const size_t wrong_before = count_;
    bool has_block = false;
    for (const auto& [key, value] : json.items()) {
      const std::string at = prefix + key.substr(0, 40);
      if (key == "cidr") {
        has_block = true;
        ReadBlock(value, at, *entry);
      } else if (key == "action") {
        ReadAction(value, at, *entry);
      } else if (key == "ttl") {
        ReadTtl(value, at, *entry);
      } else if (key == "reason") {
        ReadReason(value, at, *entry);
      } else if (key == "remove" && value.is_boolean()) {
        change.remove = value.get<bool>();
      } else {
        Wrong(at, key == "remove" ? "must be true or false"
                                  : "unknown key; there are cidr, action, ttl, reason, remove");
      }
    }
    if (!has_block) {
      Wrong(where, "needs a \"cidr\", such as \"192.0.2.7\" or \"192.0.2.0/24\"");
    }
    if (count_ == wrong_before) {
      change.entry = std::move(entry);
      changes_.push_back(std::move(change));
    }
  }

  void ReadBlock(const Json& value, const std::string& at, AccessEntry& entry) {
    if (!value.is_string() || value.get_ref<const std::string&>().size() > 64) {
      return Wrong(at, "must be a text, such as \"192.0.2.0/24\"");
    }
    const Result<Cidr> block = ParseCidr(value.get_ref<const std::string&>());
    if (!block) {
      return Wrong(at, block.error().message);
    }
    entry.block = *block;
  }

  void ReadAction(const Json& value, const std::string& at, AccessEntry& entry) {
    if (value != "allow" && value != "deny") {
      return Wrong(at, "must be \"allow\" or \"deny\"");
    }
    entry.allow = value == "allow";
  }

  void ReadTtl(const Json& value, const std::string& at, AccessEntry& entry) {
    if (value.is_null()) {
      return;  // It never ends, as without one.
    }
    if (!value.is_string() || value.get_ref<const std::string&>().size() > 64) {
      return Wrong(at, "must be a duration in quotes, such as \"10m\"");
    }
    const Result<Duration> ttl = config::ParseDuration(value.get_ref<const std::string&>());
    if (!ttl) {
      return Wrong(at, ttl.error().message);
    }
    if (*ttl < kShortestTtl || *ttl > kLongestTtl) {
      return Wrong(at, "must be between 1s and " + config::FormatDuration(kLongestTtl));
    }
    entry.expires = now_ + *ttl;
  }

  void ReadReason(const Json& value, const std::string& at, AccessEntry& entry) {
    if (!value.is_string() || value.get_ref<const std::string&>().size() > kMaxReasonBytes ||
        !IsPlainText(value.get_ref<const std::string&>())) {
      return Wrong(at, "must be a text of one line and at most " + std::to_string(kMaxReasonBytes) +
                           " bytes");
    }
    entry.reason = value.get<std::string>();
  }

  const MonotonicTime now_;
  const WallTime wall_;
  std::vector<EntryChange> changes_;
  std::string mistakes_;  // A line each.
  size_t count_ = 0;
};

Json JsonOf(const AccessEntry& entry, MonotonicTime now) {
  observe::ClockText clock;
  std::array<char, observe::kMaxValueText> added{};
  char* const end = clock.WriteRfc3339(added.data(), entry.added);
  Json out{{"cidr", BlockText(entry.block)}, {"action", entry.allow ? "allow" : "deny"}};
  if (entry.HasEnd()) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(entry.expires - now);
    out["ttl_left"] = config::FormatDuration(left);
  } else {
    out["ttl_left"] = nullptr;
  }
  out["reason"] = entry.reason;
  out["added"] = std::string(added.data(), end);
  return out;
}

std::string Parameter(std::string_view query, std::string_view name) {
  ArenaPool pool;
  Arena arena(pool);
  pipeline::QueryDecoder decoder(arena);
  std::string out;
  pipeline::ForEachQueryValue(query, name, decoder, [&](std::string_view value) {
    out = value;
    return false;
  });
  return out;
}

// A line a second at most, whatever comes: what was done to the first few blocks of one request,
// and how many requests before it were not told.
void Tell(EntryTable& table, const std::vector<EntryChange>& changes) {
  const std::optional<uint64_t> held = table.told().Admit(MonotonicNow());
  if (!held || changes.empty()) {
    return;
  }
  std::string blocks;
  for (size_t i = 0; i < std::min(changes.size(), kChangesTold); ++i) {
    const AccessEntry& entry = *changes[i].entry;
    blocks.append(i == 0 ? "" : ", ")
        .append(changes[i].remove ? "remove "
                : entry.allow     ? "allow "
                                  : "deny ");
    blocks.append(BlockText(entry.block));
    blocks.append(entry.reason.empty() ? "" : " (" + entry.reason + ")");
  }
  log::Info("entries of a filter were changed", {{"filter", table.filter()},
                                                 {"changes", changes.size()},
                                                 {"first", blocks},
                                                 {"requests_held_back", *held}});
}

}  // namespace

Result<std::vector<EntryChange>> ParseEntryChanges(std::string_view json, MonotonicTime now,
                                                   WallTime wall) {
  return ChangeReader(now, wall).Read(json);
}

pipeline::AdminReply ChangeEntries(EntryTable& table, uint64_t max_entries, std::string_view body) {
  const Result<std::vector<EntryChange>> changes =
      ParseEntryChanges(body, MonotonicNow(), WallNow());
  if (!changes) {
    return Refuse(400, "invalid_entries", changes.error().message);
  }
  const EntryOutcome outcome = table.Change(*changes, max_entries);
  if (outcome.full) {
    return Refuse(507, "too_many_entries",
                  "there are " + std::to_string(outcome.total) + " entries, and max_entries is " +
                      std::to_string(max_entries) +
                      ": nothing was changed; remove some, or raise max_entries");
  }
  Tell(table, *changes);
  const EntryTable::Keeping keeping = table.Keep(MonotonicNow());
  Json out{{"added", outcome.added},   {"replaced", outcome.replaced}, {"removed", outcome.removed},
           {"absent", outcome.absent}, {"entries", outcome.total},     {"kept", keeping.kept}};
  if (keeping.pending) {
    out["pending"] = true;
    out["message"] = "in force, and about to be written";
  } else if (!keeping.why.empty()) {
    out["message"] = "in force, not kept: " + keeping.why;
  }
  return Reply(out);
}

pipeline::AdminReply ListEntries(const EntryTable& table, std::string_view query) {
  const std::string after = Parameter(query, "after");
  const std::string limit_text = Parameter(query, "limit");
  std::optional<Cidr> from;
  if (!after.empty()) {
    const Result<Cidr> block = ParseCidr(after);
    if (!block) {
      return Refuse(400, "invalid_parameter", "after: " + block.error().message);
    }
    from = *block;
  }
  const std::optional<uint64_t> limit = limit_text.empty() ? kDefaultPage : ParseUint(limit_text);
  if (!limit || *limit == 0 || *limit > kLargestPage) {
    return Refuse(400, "invalid_parameter",
                  "limit: must be a number between 1 and " + std::to_string(kLargestPage));
  }
  const MonotonicTime now = MonotonicNow();
  Json entries = Json::array();
  Json next;
  table.entries().Get()->Visit(from ? &*from : nullptr, [&](const AccessEntry& entry) {
    if (now >= entry.expires) {
      return true;
    }
    if (entries.size() == *limit) {
      next = entries.back()["cidr"];
      return false;
    }
    entries.push_back(JsonOf(entry, now));
    return true;
  });
  return Reply(Json{{"entries", std::move(entries)}, {"next", std::move(next)}});
}

}  // namespace gatehouse::filters
