// SPDX-License-Identifier: Apache-2.0
#include "source/route/shadow.h"

#include <re2/re2.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "source/route/regex_prefix.h"
#include "source/route/route_index.h"

namespace gatehouse::route {
namespace {

// Of each host of each route, at most so many earlier routes that share host and path are passed
// over, and at most so many of them compared in full.
constexpr size_t kMaxSeen = 4096;
constexpr size_t kMaxCompared = 64;

// Each Implies: whether `later` only holds where `earlier` does.

bool Implies(const ValueMatch& later, const ValueMatch& earlier) {
  if (later.name != earlier.name) {
    return false;
  }
  if (earlier.kind == ValueMatch::Kind::kPresent) {
    return later.kind != ValueMatch::Kind::kAbsent;
  }
  return later.kind == earlier.kind && later.text == earlier.text;
}

bool Implies(const std::vector<ValueMatch>& later, const std::vector<ValueMatch>& earlier) {
  return std::all_of(earlier.begin(), earlier.end(), [&](const ValueMatch& wanted) {
    return std::any_of(later.begin(), later.end(),
                       [&](const ValueMatch& given) { return Implies(given, wanted); });
  });
}

template <typename T>
bool Implies(const std::vector<T>& later, const std::vector<T>& earlier) {
  const auto known = [&](const T& one) {
    return std::find(earlier.begin(), earlier.end(), one) != earlier.end();
  };
  return earlier.empty() || (!later.empty() && std::all_of(later.begin(), later.end(), known));
}

bool Implies(const std::vector<Cidr>& later, const std::vector<Cidr>& earlier) {
  const auto covered = [&](const Cidr& one) {
    return std::any_of(earlier.begin(), earlier.end(), [&](const Cidr& block) {
      return block.prefix <= one.prefix && block.Contains(one.base);
    });
  };
  return earlier.empty() || (!later.empty() && std::all_of(later.begin(), later.end(), covered));
}

// For routes whose host and path by segments are taken care of.
bool ConditionsImply(const RouteMatch& later, const RouteMatch& earlier) {
  if (earlier.path_kind == PathKind::kRegex &&
      (later.path_kind != PathKind::kRegex ||
       later.path_regex->pattern() != earlier.path_regex->pattern())) {
    return false;
  }
  return (earlier.conditions->scheme.empty() ||
          earlier.conditions->scheme == later.conditions->scheme) &&
         Implies(later.conditions->methods, earlier.conditions->methods) &&
         Implies(later.conditions->listeners, earlier.conditions->listeners) &&
         Implies(later.conditions->client_ip, earlier.conditions->client_ip) &&
         Implies(later.conditions->headers, earlier.conditions->headers) &&
         Implies(later.conditions->query, earlier.conditions->query) &&
         Implies(later.conditions->cookies, earlier.conditions->cookies);
}

class ShadowSearch {
 public:
  explicit ShadowSearch(std::span<const std::shared_ptr<const Route>> routes)
      : routes_(routes), index_(routes) {}

  // The routes that together take all of the one at `position`; empty when something is left.
  std::vector<uint32_t> Takers(uint32_t position) const {
    const RouteMatch& match = routes_[position]->match;
    const std::string literal =
        match.path_kind == PathKind::kRegex ? LiteralPrefix(*match.path_regex) : std::string();
    std::string_view path = match.path;
    if (match.path_kind == PathKind::kAny) {
      path = {};
    } else if (match.path_kind == PathKind::kPrefix) {
      path = CanonicalPrefix(path);
    } else if (match.path_kind == PathKind::kRegex) {
      const size_t slash = literal.rfind('/');
      path = std::string_view(literal).substr(0, slash == literal.npos ? 0 : slash);
    }
    std::vector<uint32_t> out;
    const size_t host_count = std::max<size_t>(1, match.hosts.size());
    for (size_t i = 0; i < host_count; ++i) {
      std::string_view host = match.hosts.empty() ? std::string_view() : match.hosts[i];
      host = host == "*" ? std::string_view() : host;
      const std::optional<uint32_t> taker = Taker(position, host, path);
      if (!taker) {
        return {};
      }
      out.push_back(*taker);
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

 private:
  // The earliest route before `position` that takes all of it at `host`.
  std::optional<uint32_t> Taker(uint32_t position, std::string_view host,
                                std::string_view path) const {
    const RouteMatch& match = routes_[position]->match;
    uint32_t best = position;
    size_t seen = 0;
    size_t compared = 0;
    index_.ForEachList(host, path, [&](CandidateList list, ListKind kind) {
      if (kind == ListKind::kExactPath && match.path_kind != PathKind::kExact) {
        return;
      }
      for (const Candidate candidate : list) {
        if (candidate.position() >= best || ++seen > kMaxSeen) {
          return;
        }
        if (!candidate.conditional() ||
            (++compared <= kMaxCompared &&
             ConditionsImply(match, routes_[candidate.position()]->match))) {
          best = candidate.position();
          return;
        }
      }
    });
    return best < position ? std::optional(best) : std::nullopt;
  }

  std::span<const std::shared_ptr<const Route>> routes_;
  RouteIndex index_;
};

}  // namespace

std::vector<Shadowed> FindShadowed(std::span<const std::shared_ptr<const Route>> routes) {
  const ShadowSearch search(routes);
  std::vector<Shadowed> out;
  for (uint32_t position = 1; position < routes.size(); ++position) {
    std::vector<uint32_t> by = search.Takers(position);
    if (!by.empty()) {
      out.push_back({position, std::move(by)});
    }
  }
  return out;
}

}  // namespace gatehouse::route
