// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/htpasswd.h"

#include <unordered_map>

#include "source/base/text.h"
#include "source/filters/field_name.h"

namespace gatehouse::filters {
namespace {

constexpr size_t kMaxNameBytes = 255;

auto Wrong(std::string message) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(message));
}

}  // namespace

Result<HtpasswdEntry> ParseHtpasswdLine(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return Wrong("expected NAME:HASH, and there is no colon");
  }
  const std::string_view name = line.substr(0, colon);
  if (name.empty()) {
    return Wrong("the user's name is empty");
  }
  if (name.size() > kMaxNameBytes) {
    return Wrong("the user's name is longer than " + std::to_string(kMaxNameBytes) + " bytes");
  }
  if (HoldsControls(name) || name.find('\t') != std::string_view::npos) {
    return Wrong("the user's name has control characters");
  }
  const std::string_view hash = line.substr(colon + 1);
  const Result<PasswordScheme> scheme = CheckPasswordHash(hash);
  if (!scheme) {
    return Wrong("user \"" + std::string(name) + "\": " + scheme.error().message);
  }
  return HtpasswdEntry{std::string(name), std::string(hash), *scheme};
}

std::vector<HtpasswdEntry> ParseHtpasswd(
    std::string_view text,
    const std::function<void(uint32_t line, const std::string& message)>& mistake) {
  std::vector<HtpasswdEntry> out;
  std::unordered_map<std::string, uint32_t> lines;
  for (uint32_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    line = TrimOws(line);
    if (line.empty() || line.front() == '#') {
      continue;
    }
    Result<HtpasswdEntry> entry = ParseHtpasswdLine(line);
    if (!entry) {
      mistake(number, entry.error().message);
      continue;
    }
    const auto [at, added] = lines.emplace(entry->name, number);
    if (!added) {
      mistake(number,
              "user \"" + entry->name + "\" has a line already: " + std::to_string(at->second));
      continue;
    }
    entry->line = number;
    out.push_back(*std::move(entry));
  }
  return out;
}

}  // namespace gatehouse::filters
