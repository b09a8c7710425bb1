// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/redis_store_config.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "source/base/text.h"
#include "source/config/values.h"

namespace gatehouse::filters {
namespace {

using config::About;

constexpr std::string_view kForm =
    "expected redis://HOST:PORT, redis://USER:PASSWORD@HOST:PORT/DATABASE or unix:///PATH";
constexpr std::string_view kUnixScheme = "unix";
constexpr uint16_t kDefaultPort = 6379;

tl::unexpected<Error> Refuse(std::string_view why) {
  return Fail(ErrorCode::kInvalidConfig, ErrorSource::kConfig, std::string(why));
}

struct Parts {
  std::string_view scheme;
  std::string_view user_info;
  bool has_user_info = false;
  std::string_view host_port;
  std::string_view path;   // With its slash; may be empty.
  std::string_view query;  // Without the question mark.
};

Result<Parts> Split(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos) {
    return Refuse(std::string("is not a URL; ").append(kForm));
  }
  Parts out;
  out.scheme = url.substr(0, scheme);
  std::string_view rest = url.substr(scheme + 3);
  const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, end);
  rest.remove_prefix(end);
  if (rest.find('@') != rest.npos) {
    return Refuse(
        "has a \"/\", \"?\" or \"#\" before its \"@\": in a user or a password they are "
        "written %2F, %3F and %23, an \"@\" %40");
  }
  if (rest.find('#') != rest.npos) {
    return Refuse("has a \"#\", which means nothing here");
  }
  if (const size_t at = authority.rfind('@'); at != authority.npos) {
    out.has_user_info = true;
    out.user_info = authority.substr(0, at);
    authority.remove_prefix(at + 1);
  }
  out.host_port = authority;
  const size_t question = rest.find('?');
  out.path = rest.substr(0, question);
  out.query = question == rest.npos ? std::string_view() : rest.substr(question + 1);
  return out;
}

Result<std::string> PercentDecoded(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return Refuse(
          "has a \"%\" in its user or password that no two hexadecimal digits follow; "
          "the sign itself is written %25");
    }
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

Result<void> ReadUser(std::string_view user_info, pipeline::RedisServer& server) {
  const size_t colon = user_info.find(':');
  if (colon == user_info.npos) {
    return Refuse(
        "has a user or a password, but not both: a password alone is written "
        "redis://:PASSWORD@HOST");
  }
  Result<std::string> user = PercentDecoded(user_info.substr(0, colon));
  Result<std::string> password = PercentDecoded(user_info.substr(colon + 1));
  if (!user || !password) {
    return tl::unexpected<Error>(user ? password.error() : user.error());
  }
  if (password->empty()) {
    return Refuse("has an empty password");
  }
  server.username = std::move(*user);
  server.password = std::move(*password);
  return {};
}

Result<uint32_t> ReadDatabase(std::string_view text) {
  const std::optional<uint64_t> value = ParseUint(text);
  if (!value || *value > uint64_t{std::numeric_limits<int32_t>::max()}) {
    return Refuse("names a database that is not a number, as in redis://HOST:PORT/1");
  }
  return static_cast<uint32_t>(*value);
}

Result<void> ReadHost(const Parts& parts, pipeline::RedisServer& server) {
  const std::string_view text = parts.host_port;
  if (text.empty() || text.starts_with(':')) {
    return Refuse("names no host");
  }
  const size_t colon = text.rfind(':');
  const bool has_port = colon != text.npos && text.find(']', colon) == text.npos;
  if (has_port && !ParseUint(text.substr(colon + 1))) {
    return Refuse("has a port that is not a number");  // It may be a password without its host.
  }
  const Result<config::Address> address = config::ParseAddress(
      has_port ? std::string(text) : std::string(text) + ":" + std::to_string(kDefaultPort));
  if (!address) {
    return tl::unexpected<Error>(address.error());
  }
  if (address->kind == config::Address::Kind::kUnix || address->port == 0) {
    return Refuse(address->port == 0 ? "has port 0" : "names no host");
  }
  server.host = address->host;
  server.port = address->port;
  if (!parts.query.empty()) {
    return Refuse("has a query; a database is written redis://HOST:PORT/DATABASE");
  }
  if (parts.path.size() > 1) {
    const Result<uint32_t> database = ReadDatabase(parts.path.substr(1));
    if (!database) {
      return tl::unexpected<Error>(database.error());
    }
    server.database = *database;
  }
  return {};
}

Result<void> ReadPath(const Parts& parts, pipeline::RedisServer& server) {
  if (!parts.host_port.empty()) {
    return Refuse("needs three slashes, as in unix:///run/redis.sock");
  }
  const Result<config::Address> address =
      config::ParseAddress(std::string(kUnixScheme) + ":" + std::string(parts.path));
  if (!address) {
    return tl::unexpected<Error>(address.error());
  }
  server.unix_path = address->host;
  if (!parts.query.empty()) {
    constexpr std::string_view kDatabase = "db=";
    if (!parts.query.starts_with(kDatabase)) {
      return Refuse("has a query; only ?db=NUMBER may stand there");
    }
    const Result<uint32_t> database = ReadDatabase(parts.query.substr(kDatabase.size()));
    if (!database) {
      return tl::unexpected<Error>(database.error());
    }
    server.database = *database;
  }
  return {};
}

// The URL that was probably meant; empty when there is none, or when it may hold a password.
std::string SuggestUrl(std::string_view text) {
  if (text.find('@') != text.npos) {
    return {};
  }
  const size_t scheme = text.find("://");
  if (scheme == text.npos) {
    return text.starts_with("unix:/")   ? "unix://" + std::string(text.substr(5))
           : text.starts_with('/')      ? "unix://" + std::string(text)
           : config::ParseAddress(text) ? "redis://" + std::string(text)
                                        : "";
  }
  static constexpr std::string_view kSchemes[] = {"redis", kUnixScheme};
  const std::string lower = Lowercase(text.substr(0, scheme));
  const std::string_view nearest = lower == "tcp" ? "redis" : Nearest(lower, kSchemes);
  return nearest.empty() || nearest == text.substr(0, scheme)
             ? ""
             : std::string(nearest) + std::string(text.substr(scheme));
}

}  // namespace

Result<pipeline::RedisServer> ParseRedisUrl(std::string_view url) {
  const Result<Parts> parts = Split(url);
  if (!parts) {
    return tl::unexpected<Error>(parts.error());
  }
  if (parts->scheme == "rediss") {
    return Refuse("TLS to Redis (rediss://) is not supported yet");
  }
  const bool is_unix = parts->scheme == kUnixScheme;
  if (!is_unix && parts->scheme != "redis") {
    return Refuse(std::string("has another scheme than redis or unix; ").append(kForm));
  }
  pipeline::RedisServer out;
  Result<void> read = parts->has_user_info ? ReadUser(parts->user_info, out) : Result<void>();
  if (read) {
    read = is_unix ? ReadPath(*parts, out) : ReadHost(*parts, out);
  }
  if (!read) {
    return tl::unexpected<Error>(read.error());
  }
  return out;
}

std::optional<RedisStore> LoadRedisStore(config::Object& in, std::string_view name) {
  constexpr size_t kMaxPrefix = 256;
  constexpr config::Bounds<Duration> kTimeout{
      std::chrono::milliseconds(100), std::chrono::milliseconds(1), std::chrono::minutes(1)};
  const config::Value url =
      in.Get("store", About("The Redis that keeps the counts for all gateways: "
                            "redis://USER:PASSWORD@HOST:PORT/DATABASE, or unix:///PATH. Without "
                            "it, this process counts for itself.")
                          .Type("URL")
                          .Example("\"redis://127.0.0.1:6379\""));
  const Duration timeout =
      in.Time("store_timeout", kTimeout,
              "How long a decision of `store` may take, connecting included; then "
              "`on_store_failure` decides.");
  std::string prefix = in.String(
      "store_prefix", "gatehouse:limit:" + std::string(name) + ":",
      About("What the keys in `store` begin with: gateways and filters that have it in common "
            "share their counts.")
          .Default("\"gatehouse:limit:NAME:\""));
  const bool plain = std::all_of(prefix.begin(), prefix.end(),
                                 [](unsigned char c) { return c > 0x20 && c != 0x7f; });
  if (prefix.empty() || prefix.size() > kMaxPrefix || !plain) {
    in.Error("store_prefix", "must be 1 to 256 bytes without spaces and control characters");
  }
  if (!url.present()) {
    for (const std::string_view key : {"store_timeout", "store_prefix"}) {
      if (in.Has(key)) {
        in.Error(key, "says something about `store`, which is not there");
      }
    }
    return std::nullopt;
  }
  const std::string text = url.String();
  Result<pipeline::RedisServer> server = ParseRedisUrl(text);
  if (!server) {
    if (url.IsScalar()) {  // Else it was reported.
      url.Error(server.error().message, SuggestUrl(text));
    }
    return std::nullopt;
  }
  server->timeout = timeout;
  return RedisStore{std::move(*server), std::move(prefix)};
}

}  // namespace gatehouse::filters
