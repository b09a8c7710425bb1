// SPDX-License-Identifier: Apache-2.0
#include "source/config/expand.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "source/base/text.h"
#include "source/config/characters.h"
#include "source/config/wording.h"

namespace gatehouse::config {
namespace {

tl::unexpected<Error> Malformed(std::string message) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(message));
}

bool IsVariableName(std::string_view name) {
  const auto letter = [](char c) { return c == '_' || (ToLower(c) >= 'a' && ToLower(c) <= 'z'); };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || IsDigit(c); });
}

// Appends the value of one reference, `NAME` or `NAME:-default`, to `out`.
std::optional<Error> AppendReference(std::string_view reference, const Environment& environment,
                                     Expansion& out) {
  const size_t colon = reference.find(":-");
  const std::string_view name = reference.substr(0, colon);
  const auto fail = [](std::string message) { return Malformed(std::move(message)).value(); };
  if (!IsVariableName(name)) {
    return fail(Quoted("${" + std::string(reference) + "}") +
                " is not ${NAME} or ${NAME:-default}; write $${ for a literal ${");
  }
  const std::optional<std::string> value = environment ? environment(name) : std::nullopt;
  if (value && (!value->empty() || colon == reference.npos)) {
    if (FindBadCharacter(*value)) {
      return fail("environment variable " + std::string(name) +
                  " holds control characters or is not UTF-8");
    }
    out.text.append(*value);
    out.from_environment = true;
    return std::nullopt;
  }
  if (colon == reference.npos) {
    return fail("environment variable " + std::string(name) +
                " is not set, and no default is given");
  }
  out.text.append(reference.substr(colon + 2));
  return std::nullopt;
}

}  // namespace

Result<Expansion> Expand(std::string_view text, const Environment& environment) {
  Expansion out;
  size_t at = 0;
  while (at < text.size()) {
    if (text.substr(at).starts_with("$${")) {
      out.text.append("${");
      at += 3;
      continue;
    }
    if (!text.substr(at).starts_with("${")) {
      out.text.push_back(text[at++]);
      continue;
    }
    const size_t close = text.find('}', at);
    if (close == text.npos) {
      return Malformed("\"${\" without its \"}\"; write $${ for a literal ${");
    }
    const std::string_view reference = text.substr(at + 2, close - at - 2);
    if (NeedsExpansion(reference)) {
      return Malformed("a default can't hold another ${...}");
    }
    if (std::optional<Error> error = AppendReference(reference, environment, out)) {
      return tl::unexpected<Error>(std::move(*error));
    }
    at = close + 1;
  }
  return out;
}

}  // namespace gatehouse::config
