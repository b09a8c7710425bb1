// SPDX-License-Identifier: Apache-2.0
// The users of a basic_auth filter: their password hashes, and who they are once they have logged
// in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "source/filters/auth/htpasswd.h"
#include "source/observe/identity.h"

namespace gatehouse::filters {

// What the configuration says of users, whether they have a password or not.
struct UserFacts {
  std::string filter;  // The filter's name, for identities.
  std::unordered_map<std::string, std::vector<std::string>> groups;  // By user.
  std::unordered_map<std::string, std::vector<std::pair<std::string, std::string>>> attributes;
};

struct User {
  std::string name;
  std::string hash;
  std::vector<std::string_view> groups;
  std::vector<observe::IdentityValue> attributes;
  observe::Identity identity;
};

// Immutable; any thread.
class UserTable {
 public:
  // `facts` outlives the table. Names are unique.
  UserTable(std::vector<HtpasswdEntry> entries, const UserFacts& facts);
  UserTable(const UserTable&) = delete;
  UserTable& operator=(const UserTable&) = delete;

  const User* Find(std::string_view name) const {
    const auto at = by_name_.find(name);
    return at == by_name_.end() ? nullptr : at->second;
  }
  // One of them, always the same for a number; of none, one whom no password fits.
  const User& Pick(uint64_t number) const {
    return users_.empty() ? Nobody() : users_[number % users_.size()];
  }
  size_t size() const { return users_.size(); }

 private:
  static const User& Nobody();

  std::vector<User> users_;
  std::unordered_map<std::string_view, const User*> by_name_;
};

}  // namespace gatehouse::filters
