// SPDX-License-Identifier: Apache-2.0
#include "source/filters/security/origin_set.h"

#include <algorithm>
#include <utility>

#include "source/base/text.h"
#include "source/pipeline/value_config.h"

namespace gatehouse::filters {
namespace {

constexpr std::string_view kAnyLabels = "*.";
constexpr std::string_view kSchemeEnd = "://";

bool IsHostCharacter(char c) {
  return (c >= 'a' && c <= 'z') || IsDigit(c) || c == '-' || c == '.' || c == '_';
}

bool IsHost(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return std::all_of(host.begin() + 1, host.end() - 1,
                       [](char c) { return HexDigit(c) >= 0 || c == ':' || c == '.'; });
  }
  return !host.empty() && host.front() != '.' && host.find("..") == host.npos &&
         std::all_of(host.begin(), host.end(), IsHostCharacter);
}

bool IsScheme(std::string_view scheme) {
  return !scheme.empty() && std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || IsDigit(c) || c == '+' || c == '-' || c == '.';
  });
}

bool IsPort(std::string_view digits) {
  const auto port = ParseUint(digits);
  return port && *port >= 1 && *port <= 65535 && digits.front() != '0';
}

// Where the port's colon stands; not inside an IPv6 address.
size_t PortColon(std::string_view authority) {
  const size_t bracket = authority.find(']');
  return authority.find(':', bracket == authority.npos ? 0 : bracket);
}

tl::unexpected<Error> Wrong(std::string message) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::move(message));
}

}  // namespace

bool OriginSet::Pattern::Matches(std::string_view origin) const {
  if (!origin.starts_with(scheme)) {
    return false;
  }
  std::string_view name = origin.substr(scheme.size());
  const size_t colon = std::min(PortColon(name), name.size());
  const std::string_view sent_port = name.substr(colon);
  name = name.substr(0, colon);
  if (any_port ? !sent_port.empty() && !IsPort(sent_port.substr(1)) : sent_port != port) {
    return false;
  }
  if (!labels) {
    return name == host;
  }
  return name.size() > host.size() && name.ends_with(host) &&
         IsHost(name.substr(0, name.size() - host.size()));
}

Result<OriginSet::Pattern> OriginSet::Parse(std::string_view text, std::string& suggestion) const {
  const std::string lower = Lowercase(text);
  const std::string quoted = "\"" + std::string(text) + "\" ";
  const size_t scheme_end = lower.find(kSchemeEnd);
  if (scheme_end == lower.npos || !IsScheme(std::string_view(lower).substr(0, scheme_end))) {
    suggestion = text.find('/') == text.npos && IsHost(lower) ? "https://" + lower : "";
    return Wrong(quoted + "is not an origin: those are like https://app.example.com");
  }
  Pattern out;
  out.scheme = lower.substr(0, scheme_end + kSchemeEnd.size());
  std::string_view authority = std::string_view(lower).substr(out.scheme.size());
  if (const size_t slash = authority.find('/'); slash != authority.npos) {
    suggestion = out.scheme + std::string(authority.substr(0, slash));
    return Wrong(quoted + "has a path: an origin ends with its host and port");
  }
  out.labels = authority.starts_with(kAnyLabels);
  authority.remove_prefix(out.labels ? 1 : 0);
  const size_t colon = std::min(PortColon(authority), authority.size());
  out.host = authority.substr(0, colon);
  out.port = authority.substr(colon);
  out.any_port = out.port == ":*";
  if (!IsHost(std::string_view(out.host).substr(out.labels ? 1 : 0))) {
    return Wrong(quoted +
                 "has no host that an origin can have; \"*.\" stands for labels at its "
                 "beginning only");
  }
  if (!out.port.empty() && !out.any_port && !IsPort(std::string_view(out.port).substr(1))) {
    return Wrong(quoted + "has a port that is none");
  }
  if ((out.scheme == "https://" && out.port == ":443") ||
      (out.scheme == "http://" && out.port == ":80")) {
    out.port.clear();  // Browsers leave it out.
  }
  return out;
}

void OriginSet::Add(Pattern pattern) {
  if (pattern.labels || pattern.any_port) {
    patterns_.push_back(std::move(pattern));
    return;
  }
  std::string origin = pattern.scheme + pattern.host + pattern.port;
  const auto at = std::lower_bound(exact_.begin(), exact_.end(), origin);
  if (at == exact_.end() || *at != origin) {
    exact_.insert(at, std::move(origin));
  }
}

void OriginSet::Load(const config::Value& value, pipeline::RegexCache& regexes) {
  if (value.IsMap()) {
    config::Object in = value.Map();
    const config::Value text = in.Get(
        "regex", config::About("RE2 expression that the whole origin must match.").Required());
    pipeline::ValueMatch match;
    match.kind = pipeline::ValueMatch::Kind::kRegex;
    match.text = text.String();
    match.regex = text.present() ? regexes.Regex(text, match.text) : nullptr;
    if (match.regex != nullptr) {
      regexes_.push_back(std::move(match));
    } else if (!text.present()) {
      value.Error("expected an origin, or {regex: ...}");
    }
    return;
  }
  const std::string text = value.String();
  if (!value.IsScalar()) {
    return;
  }
  if (text == "*") {
    any_ = true;
  } else if (text == "null") {
    exact_.insert(std::lower_bound(exact_.begin(), exact_.end(), text), text);
  } else {
    std::string suggestion;
    if (Result<Pattern> pattern = Parse(text, suggestion)) {
      Add(*std::move(pattern));
    } else {
      value.Error(pattern.error().message, suggestion);
    }
  }
}

bool OriginSet::Contains(std::string_view origin) const {
  return any_ || std::binary_search(exact_.begin(), exact_.end(), origin, std::less<>()) ||
         std::any_of(patterns_.begin(), patterns_.end(),
                     [&](const Pattern& pattern) { return pattern.Matches(origin); }) ||
         std::any_of(regexes_.begin(), regexes_.end(),
                     [&](const auto& regex) { return regex.Matches(origin); });
}

}  // namespace gatehouse::filters
