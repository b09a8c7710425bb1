// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/path_config.h"

#include <algorithm>
#include <optional>

#include "source/base/text.h"
#include "source/http/authority.h"
#include "source/http/path.h"

namespace gatehouse::pipeline {
namespace {

using config::Value;

// `path` with the bytes percent-encoded that no request target holds as they are.
std::string EncodeForTarget(std::string_view path) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f) {
      out.push_back(c);
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 0xF]);
    }
  }
  return out;
}

void WarnOfSurprises(const Value& value, std::string_view path) {
  if (path.find("//") != path.npos) {
    value.Warning("matches only where a listener has path.merge_slashes: false");
  }
  if (path.find("%2F") != path.npos || path.find("%5C") != path.npos) {
    value.Warning("matches only where a listener has path.encoded_slash: keep");
  }
  if (path.ends_with("/*")) {
    value.Warning(
        "\"*\" stands for itself in a path",
        "path_prefix: " + std::string(path.substr(0, std::max<size_t>(1, path.size() - 2))));
  }
}

std::string AsUrlHost(std::string_view host) { return "[" + std::string(host) + "]"; }

}  // namespace

std::string LoadPath(const Value& value, Arena& arena) {
  const std::string path = value.String();
  if (!value.IsScalar()) {
    return path;
  }
  if (!path.starts_with('/')) {
    value.Error("must begin with \"/\"", "/" + path);
    return "/";
  }
  const size_t mark = path.find_first_of("?#");
  if (mark != path.npos) {
    value.Error(path[mark] == '?' ? "is a path and can't hold a query"
                                  : "is a path and can't hold a fragment",
                path.substr(0, mark));
    return path.substr(0, mark);
  }
  const std::string encoded = EncodeForTarget(path);
  const http::PathOptions lenient{.merge_slashes = false,
                                  .encoded_slash = http::EncodedSlash::kKeep};
  const Result<std::string_view> normal = http::NormalisePath(encoded, lenient, arena);
  if (!normal) {
    value.Error(normal.error().message);
    return "/";
  }
  if (*normal != path) {
    value.Error("is not in normal form, in which requests are matched", std::string(*normal));
  }
  WarnOfSurprises(value, *normal);
  return std::string(*normal);
}

std::string LoadHost(const Value& value, bool wildcard, Arena& arena) {
  const std::string text = value.String();
  if (!value.IsScalar() || (wildcard && text == "*")) {
    return text;
  }
  const bool starred = wildcard && text.starts_with("*.");
  const std::string_view host = std::string_view(text).substr(starred ? 2 : 0);
  if (host.find('*') != host.npos) {
    value.Error(wildcard ? "\"*\" can only stand for whole labels at the front, as in *.example.org"
                         : "can't hold \"*\"");
    return {};
  }
  if (std::any_of(host.begin(), host.end(), [](char c) { return c < 0; })) {
    value.Error("is not ASCII: write the host as DNS does, xn--...");
    return {};
  }
  const size_t scheme = host.find("://");
  if (scheme != host.npos) {
    const std::string_view rest = host.substr(scheme + 3);
    value.Error("is a URL, not a host", std::string(rest.substr(0, rest.find('/'))));
    return {};
  }
  if (host.find(':') != host.npos && http::NormaliseHost(AsUrlHost(host), arena)) {
    value.Error("IPv6 addresses stand in brackets", AsUrlHost(host));
    return {};
  }
  const std::optional<std::string_view> normal = http::NormaliseHost(host, arena);
  if (!normal) {
    value.Error("is not a host");
    return {};
  }
  const std::string out = (starred ? "*." : "") + std::string(*normal);
  if (host.rfind(':') != host.npos && host.find(']', host.rfind(':')) == host.npos) {
    value.Error("is matched whatever the port: leave the port out", out);
  }
  return out;
}

}  // namespace gatehouse::pipeline
