// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/identity_headers.h"

#include <algorithm>
#include <utility>

#include "source/base/text.h"
#include "source/filters/field_name.h"

namespace gatehouse::filters {

bool IdentityHeaders::Add(const std::string& name, observe::IdentityField field,
                          const config::Value& at) {
  std::string checked = CheckedFieldName(name, at);
  if (checked.empty()) {
    return false;
  }
  if (Has(checked)) {
    at.Error("the field \"" + checked + "\" is set from something else already");
    return false;
  }
  entries_.push_back({std::move(checked), std::move(field)});
  return true;
}

bool IdentityHeaders::Has(std::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return entry.name == name; });
}

void IdentityHeaders::Strip(http::Headers& fields) const {
  for (const Entry& entry : entries_) {
    RemoveVariable(fields, entry.name);
  }
}

void IdentityHeaders::Set(const observe::Identity& identity, http::RequestHead& head,
                          Arena& arena) const {
  for (const Entry& entry : entries_) {
    std::string_view joined;
    entry.field.ForEach(identity, [&](std::string_view value) {
      if (!HoldsControls(value)) {
        joined = joined.empty() ? value : arena.Concat(joined, ",", value);
      }
      return true;
    });
    if (!joined.empty()) {
      head.headers.Add(entry.name, joined);
    }
  }
}

}  // namespace gatehouse::filters
