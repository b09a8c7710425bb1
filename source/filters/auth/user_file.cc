// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/user_file.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gatehouse::filters {
namespace {

// Of `users`; what is wrong is reported there.
std::vector<HtpasswdEntry> LoadInlineUsers(config::Object& in, bool has_file) {
  const config::Value users =
      in.Get("users",
             config::About("Users as lines of an htpasswd file, NAME:HASH.").Type("htpasswd line"));
  std::vector<HtpasswdEntry> out;
  for (const config::Value& value : users.List()) {
    Result<HtpasswdEntry> entry = ParseHtpasswdLine(value.String());
    if (!value.IsScalar()) {
      continue;
    }
    if (!entry) {
      value.Error(entry.error().message);
    } else if (std::any_of(out.begin(), out.end(),
                           [&](const auto& other) { return other.name == entry->name; })) {
      value.Error("user \"" + entry->name + "\" is given twice");
    } else {
      out.push_back(*std::move(entry));
    }
  }
  if (!has_file && !users.present()) {
    in.Error("needs `file` or `users`");
  } else if (users.IsNull() || (!has_file && users.IsList() && users.size() == 0)) {
    users.Error("there is no user");
  }
  return out;
}

std::shared_ptr<UserFacts> LoadFacts(config::Object& in, std::string_view filter) {
  auto facts = std::make_shared<UserFacts>();
  facts->filter = filter;
  for (const auto& [group, members] :
       in.Entries("groups", "Groups with the names of the users in them.")) {
    for (const std::string& user : members.Strings()) {
      facts->groups[user].push_back(group);
    }
  }
  for (const auto& [user, attributes] :
       in.Entries("attributes", "What else there is to know of users, by their names.")) {
    for (const auto& [name, value] : attributes.Entries()) {
      facts->attributes[user].emplace_back(name, value.String());
    }
  }
  return facts;
}

// The users of `inline_users` and of the file's text.
std::shared_ptr<const UserTable> MakeTable(const std::vector<HtpasswdEntry>& inline_users,
                                           const UserFacts& facts, std::string_view text,
                                           const std::string& path,
                                           config::Diagnostics& diagnostics) {
  std::vector<HtpasswdEntry> all = inline_users;
  if (!path.empty()) {
    const uint32_t file = diagnostics.AddFile(path);
    const auto mistake = [&](uint32_t line, const std::string& message) {
      diagnostics.Error({file, line, 1}, {}, message);
    };
    const size_t errors = diagnostics.errors();
    for (HtpasswdEntry& entry : ParseHtpasswd(text, mistake)) {
      const bool twice =
          std::any_of(inline_users.begin(), inline_users.end(),
                      [&](const HtpasswdEntry& other) { return other.name == entry.name; });
      if (twice) {
        mistake(entry.line, "user \"" + entry.name + "\" is among `users` already");
        continue;
      }
      if (entry.scheme == PasswordScheme::kSha1) {
        diagnostics.Warning({file, entry.line, 1}, {},
                            "user \"" + entry.name +
                                "\" has a {SHA} hash: it can be guessed at "
                                "billions a second; `htpasswd -B` makes a better one");
      }
      all.push_back(std::move(entry));
    }
    if (all.empty() && diagnostics.errors() == errors) {
      mistake(1, "there is no user in this file");
    }
  }
  return std::make_shared<UserTable>(std::move(all), facts);
}

std::shared_ptr<UserFile> LoadFile(config::Object& in,
                                   const std::shared_ptr<const UserFacts>& facts) {
  const config::Value file =
      in.Get("file", config::About("htpasswd file, watched: a change counts at once.")
                         .Type("path")
                         .Example("users.htpasswd"));
  std::string path = file.present() ? file.String() : std::string();
  if (file.IsScalar() && (path.empty() || path == "-")) {
    file.Error("must name a file");
    path.clear();
  }
  auto users = std::make_shared<UserFile>(
      facts->filter, path,
      [inline_users = LoadInlineUsers(in, file.present()), facts](
          std::string_view text, const std::string& from, config::Diagnostics& diagnostics) {
        return MakeTable(inline_users, *facts, text, from, diagnostics);
      });
  users->Load(in.diagnostics(), [&](const std::string& message) { file.Error(message); });
  return users;
}

// A name that is nobody's is probably misspelt; somebody may yet come to have it.
template <typename ByUser>
void WarnOfStrangers(const config::Object& in, std::string_view key, const ByUser& by_user,
                     const UserTable& users) {
  for (const auto& [user, facts] : by_user) {
    if (users.Find(user) == nullptr) {
      in.Warning(key, "there is no user \"" + user + "\" now");
    }
  }
}

}  // namespace

LoadedUsers LoadUsers(config::Object& in, std::string_view filter) {
  const std::shared_ptr<const UserFacts> facts = LoadFacts(in, filter);
  std::shared_ptr<UserFile> file = LoadFile(in, facts);
  const std::shared_ptr<const UserTable> table = file->value().Get();
  WarnOfStrangers(in, "groups", facts->groups, *table);
  WarnOfStrangers(in, "attributes", facts->attributes, *table);
  return {facts, std::move(file)};
}

}  // namespace gatehouse::filters
