// SPDX-License-Identifier: Apache-2.0
#include "source/route/load_context.h"

#include <re2/re2.h>

#include "source/base/text.h"

namespace gatehouse::route {

NameLookup::NameLookup(std::string_view kind, const std::vector<std::string>& names)
    : kind_(kind), names_(names) {
  index_.reserve(names.size());
  for (uint32_t i = 0; i < names.size(); ++i) {
    index_.emplace(names[i], i);
  }
}

std::optional<uint32_t> NameLookup::Find(const config::Value& value, std::string_view name) {
  const auto found = index_.find(name);
  if (found != index_.end()) {
    return found->second;
  }
  const std::string_view meant =
      suggestions_++ < kMaxSuggestions ? Nearest(name, names_) : std::string_view();
  value.Error("unknown " + std::string(kind_) + " \"" + std::string(name) + '"',
              std::string(meant));
  return std::nullopt;
}

LoadContext::LoadContext(const RouteNames& names, std::vector<bool>& used_clusters)
    : clusters_("cluster", names.clusters),
      listeners_("listener", names.listeners),
      used_clusters_(used_clusters) {
  used_clusters_.resize(names.clusters.size());
}

std::optional<uint32_t> LoadContext::Cluster(const config::Value& value, std::string_view name) {
  const std::optional<uint32_t> found = clusters_.Find(value, name);
  if (found) {
    used_clusters_[*found] = true;
  }
  return found;
}

std::shared_ptr<const re2::RE2> LoadContext::Regex(const config::Value& value,
                                                   const std::string& pattern) {
  const auto known = regexes_.find(pattern);
  if (known != regexes_.end()) {
    return known->second;
  }
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  options.set_dot_nl(true);
  options.set_never_capture(true);
  options.set_log_errors(false);
  auto regex = std::make_shared<const re2::RE2>(pattern, options);
  if (!regex->ok()) {
    std::string message = "the regular expression is wrong: " + regex->error();
    const size_t at = pattern.find(regex->error_arg());
    if (at != std::string::npos && !regex->error_arg().empty()) {
      message += " at character " + std::to_string(at + 1);
    }
    value.Error(std::move(message));
    return nullptr;
  }
  regexes_.emplace(pattern, regex);
  return regex;
}

}  // namespace gatehouse::route
