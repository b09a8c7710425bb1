// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/user_table.h"

namespace gatehouse::filters {

UserTable::UserTable(std::vector<HtpasswdEntry> entries, const UserFacts& facts)
    : users_(entries.size()) {
  by_name_.reserve(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    User& user = users_[i];
    user.name = std::move(entries[i].name);
    user.hash = std::move(entries[i].hash);
    if (const auto groups = facts.groups.find(user.name); groups != facts.groups.end()) {
      user.groups.assign(groups->second.begin(), groups->second.end());
    }
    if (const auto known = facts.attributes.find(user.name); known != facts.attributes.end()) {
      for (const auto& [name, value] : known->second) {
        user.attributes.push_back({name, value});
      }
    }
    user.identity = {.kind = observe::IdentityKind::kBasic,
                     .filter = facts.filter,
                     .subject = user.name,
                     .groups = user.groups,
                     .attributes = user.attributes};
    by_name_.emplace(user.name, &user);
  }
}

const User& UserTable::Nobody() {
  // A hash of the right form, that takes as long to compare with as others do.
  static const User* const nobody = [] {
    auto* const user = new User;
    user->hash = "$2y$10$" + std::string(53, '.');
    return user;
  }();
  return *nobody;
}

}  // namespace gatehouse::filters
