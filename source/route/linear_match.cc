// SPDX-License-Identifier: Apache-2.0
#include "source/route/linear_match.h"

#include <re2/re2.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "source/base/text.h"
#include "source/pipeline/host_path.h"
#include "source/pipeline/request_values.h"
#include "source/route/route_table.h"

namespace gatehouse::route {
namespace {

using pipeline::ForEachCookieValue;
using pipeline::ForEachHeaderValue;
using pipeline::ForEachQueryValue;
using pipeline::HostFits;

constexpr size_t kMaxNamed = 8;    // Elements of a list that a sentence spells out.
constexpr size_t kMaxShown = 128;  // Bytes of a value that a sentence shows.

std::string Shown(std::string_view text) {
  std::string out(text.substr(0, kMaxShown));
  return text.size() > kMaxShown ? out + "..." : out;
}

std::string Quoted(std::string_view text) { return '"' + Shown(text) + '"'; }

// "GET or POST"
std::string AnyOf(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < names.size() && i < kMaxNamed; ++i) {
    out += i == 0 ? "" : i + 1 == names.size() ? " or " : ", ";
    out += names[i];
  }
  return names.size() > kMaxNamed ? out + " and others" : out;
}

// `path` below `prefix`, whose trailing slashes don't count.
bool PathUnder(std::string_view path, std::string_view prefix) {
  while (prefix.ends_with('/')) {
    prefix.remove_suffix(1);
  }
  return path == prefix || prefix.empty() ||
         (path.size() > prefix.size() && path.starts_with(prefix) && path[prefix.size()] == '/');
}

bool PathFits(const RouteMatch& match, std::string_view path) {
  switch (match.path_kind) {
    case PathKind::kAny:
      return true;
    case PathKind::kExact:
      return path == match.path;
    case PathKind::kPrefix:
      return PathUnder(path, match.path);
    case PathKind::kRegex:
      return re2::RE2::FullMatch({path.data(), path.size()}, *match.path_regex);
  }
  return false;
}

std::string WhyNotHost(const RouteMatch& match, std::string_view host) {
  if (host.empty()) {
    return "the request has no host, wanted " + AnyOf(match.hosts);
  }
  std::string out = "host " + Shown(host) + ", wanted " + AnyOf(match.hosts);
  for (const std::string& wanted : match.hosts) {
    if (wanted.starts_with("*.") && host == std::string_view(wanted).substr(2)) {
      return out + " (the star stands for one or more labels)";
    }
  }
  return out;
}

std::string WhyNotPath(const RouteMatch& match, std::string_view path) {
  const std::string shown = "path " + Shown(path);
  const std::string_view wanted = match.path;
  if (match.path_kind == PathKind::kRegex) {
    return shown + " does not match the regex " + match.path_regex->pattern();
  }
  const std::string_view under = path.substr(0, wanted.size());
  if (match.path_kind == PathKind::kPrefix) {
    const std::string out = shown + " is not under " + match.path;
    return under == wanted                   ? out + " (prefixes match whole segments)"
           : EqualsIgnoreCase(under, wanted) ? out + " (case counts)"
                                             : out;
  }
  const std::string out = shown + ", wanted exactly " + match.path;
  if (EqualsIgnoreCase(path, wanted)) {
    return out + " (case counts)";
  }
  const bool slash_only = path.size() == wanted.size() + 1 ? path.ends_with('/') && under == wanted
                          : path.size() + 1 == wanted.size()
                              ? wanted.ends_with('/') && wanted.starts_with(path)
                              : false;
  return slash_only ? out + " (a slash at the end counts)" : out;
}

std::string Wanted(const ValueMatch& match) {
  switch (match.kind) {
    case ValueMatch::Kind::kExact:
      return Quoted(match.text);
    case ValueMatch::Kind::kPrefix:
      return "a value that begins with " + Quoted(match.text);
    case ValueMatch::Kind::kSuffix:
      return "a value that ends with " + Quoted(match.text);
    case ValueMatch::Kind::kContains:
      return "a value that contains " + Quoted(match.text);
    case ValueMatch::Kind::kRegex:
      return "a match of the regex " + match.regex->pattern();
    case ValueMatch::Kind::kPresent:
      return "any value";
    case ValueMatch::Kind::kAbsent:
      return "none";
  }
  return {};
}

// "header x-release is absent, wanted \"canary\""
template <typename ForEach>
std::string WhyNotValue(std::string_view what, const ValueMatch& match, ForEach for_each) {
  std::string out = std::string(what) + " " + match.name;
  size_t count = 0;
  std::string first;
  for_each([&](std::string_view value) {
    if (count++ == 0) {
      first = value;
    }
    return true;
  });
  if (count == 0) {
    return out + " is absent, wanted " + Wanted(match);
  }
  out += " is " + Quoted(first);
  if (count > 1) {
    out += " (and " + std::to_string(count - 1) + " more)";
  }
  out += ", wanted " + Wanted(match);
  return match.kind == ValueMatch::Kind::kExact && EqualsIgnoreCase(first, match.text)
             ? out + " (case counts)"
             : out;
}

// One walk over the parts of a match, gathering what fails.
class PartTester {
 public:
  PartTester(const RouteMatch& match, const RequestFacts& request, size_t max, bool in_words)
      : match_(match),
        request_(request),
        head_(request.head),
        max_(max),
        in_words_(in_words),
        decoder_(request.head.headers.arena()) {}

  std::vector<Mismatch> Run() && {
    TestHostAndPath();
    if (!Full()) {
      TestMethod();
    }
    if (!Full()) {
      TestValues();
    }
    if (!Full()) {
      TestOrigin();
    }
    if (out_.size() > max_) {
      out_.resize(max_);
    }
    return std::move(out_);
  }

 private:
  bool Full() const { return out_.size() >= max_; }

  template <typename Say>
  void Require(Part part, bool holds, Say say) {
    if (!holds) {
      out_.push_back({part, in_words_ ? say() : std::string()});
    }
  }

  void TestHostAndPath() {
    Require(Part::kHost,
            match_.hosts.empty() ||
                std::any_of(match_.hosts.begin(), match_.hosts.end(),
                            [&](const std::string& host) { return HostFits(host, head_.host); }),
            [&] { return WhyNotHost(match_, head_.host); });
    Require(Part::kPath, PathFits(match_, head_.path),
            [&] { return WhyNotPath(match_, head_.path); });
  }

  void TestMethod() {
    const auto same = [&](const std::string& method) { return method == head_.method_name; };
    const auto alike = [&](const std::string& method) {
      return EqualsIgnoreCase(method, head_.method_name);
    };
    const std::vector<std::string>& all = match_.conditions->methods;
    Require(Part::kMethod, all.empty() || std::any_of(all.begin(), all.end(), same), [&] {
      return "method " + Shown(head_.method_name) + ", wanted " + AnyOf(all) +
             (std::any_of(all.begin(), all.end(), alike) ? " (case counts)" : "");
    });
  }

  void TestValues() {
    for (const ValueMatch& one : match_.conditions->headers) {
      Require(Part::kHeader, pipeline::HeaderMatches(one, head_), [&] {
        return WhyNotValue("header", one,
                           [&](auto visit) { ForEachHeaderValue(head_.headers, one.name, visit); });
      });
    }
    for (const ValueMatch& one : match_.conditions->query) {
      Require(Part::kQuery, pipeline::QueryMatches(one, head_, decoder_), [&] {
        return WhyNotValue("query parameter", one, [&](auto visit) {
          ForEachQueryValue(head_.query, one.name, decoder_, visit);
        });
      });
    }
    for (const ValueMatch& one : match_.conditions->cookies) {
      Require(Part::kCookie, pipeline::CookieMatches(one, head_), [&] {
        return WhyNotValue("cookie", one,
                           [&](auto visit) { ForEachCookieValue(head_.headers, one.name, visit); });
      });
    }
  }

  void TestOrigin() {
    const std::vector<Cidr>& blocks = match_.conditions->client_ip;
    Require(Part::kClientIp,
            blocks.empty() ||
                std::any_of(blocks.begin(), blocks.end(),
                            [&](const Cidr& one) { return one.Contains(request_.client); }),
            [&] { return "client " + request_.client.ToString() + " is in none of client_ip"; });
    Require(Part::kScheme,
            match_.conditions->scheme.empty() || match_.conditions->scheme == head_.scheme, [&] {
              return "scheme " + Shown(head_.scheme) + ", wanted " + match_.conditions->scheme;
            });
    const std::vector<uint32_t>& all = match_.conditions->listeners;
    Require(Part::kListener,
            all.empty() || std::find(all.begin(), all.end(), request_.listener) != all.end(),
            [] { return std::string("the request came to a listener that is not in listeners"); });
  }

  const RouteMatch& match_;
  const RequestFacts& request_;
  const http::RequestHead& head_;
  const size_t max_;
  const bool in_words_;
  pipeline::QueryDecoder decoder_;
  std::vector<Mismatch> out_;
};

}  // namespace

std::vector<Mismatch> FindMismatches(const Route& route, const RequestFacts& request, size_t max,
                                     bool in_words) {
  return PartTester(route.match, request, max, in_words).Run();
}

bool MatchesLinearly(const Route& route, const RequestFacts& request, std::string* why) {
  std::vector<Mismatch> mismatches = FindMismatches(route, request, 1, why != nullptr);
  if (!mismatches.empty() && why != nullptr) {
    *why = std::move(mismatches.front().why);
  }
  return mismatches.empty();
}

}  // namespace gatehouse::route
