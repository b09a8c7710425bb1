// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/access_state.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "source/observe/value_text.h"

namespace gatehouse::filters {
namespace {

using Json = nlohmann::ordered_json;

std::string Text(WallTime time) {
  observe::ClockText clock;
  std::array<char, observe::kMaxValueText> text{};
  char* const end = clock.WriteRfc3339(text.data(), time);
  return {text.data(), end};
}

// Null: all is well.
Json TroubleOf(const std::shared_ptr<const FileTrouble>& trouble) {
  if (trouble == nullptr) {
    return nullptr;
  }
  Json first = Json::array();
  for (const config::Diagnostic& one : trouble->first) {
    first.push_back(Json{{"line", one.position.line}, {"message", one.message}});
  }
  return Json{
      {"since", Text(trouble->when)}, {"errors", trouble->errors}, {"first", std::move(first)}};
}

void AddLists(Json& out, const AddressLists& lists, std::string_view action) {
  for (const auto& file : lists.files) {
    const std::shared_ptr<const AddressList> list = file->value().Get();
    out.push_back(Json{{"file", file->path()},
                       {"action", action},
                       {"entries", list->entries},
                       {"bytes", list->set.bytes()},
                       {"read", Text(file->read())},
                       {"trouble", TroubleOf(file->trouble())}});
  }
}

Json CountryState(const CountryRules& rules) {
  if (rules.database == nullptr) {
    return nullptr;
  }
  const std::shared_ptr<const CountryDb> database = rules.database->value().Get();
  return Json{{"database", rules.database->path()},
              {"type", database->type()},
              {"built", Text(database->built())},
              {"read", Text(rules.database->read())},
              {"trouble", TroubleOf(rules.database->trouble())}};
}

}  // namespace

std::string AccessState(const AccessConfig& config) {
  Json lists = Json::array();
  AddLists(lists, config.rules.deny, "deny");
  AddLists(lists, config.rules.allow, "allow");
  const EntryTable& entries = *config.rules.entries;
  const std::string trouble = entries.trouble();
  const Json out{
      {"dry_run", config.dry_run},
      {"lists", std::move(lists)},
      {"country", CountryState(config.rules.country)},
      {"entries",
       {{"count", entries.size()},
        {"max", config.max_entries},
        {"file", entries.path().empty() ? Json() : Json(entries.path())},
        {"kept", !entries.path().empty() && !entries.unsaved()},
        {"trouble", trouble.empty() ? Json() : Json(trouble)}}},
  };
  return out.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace gatehouse::filters
