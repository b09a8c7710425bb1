// SPDX-License-Identifier: Apache-2.0
#include "source/route/route_index.h"

#include <string>
#include <utility>

#include "source/base/check.h"
#include "source/route/conditions.h"
#include "source/route/regex_prefix.h"

namespace gatehouse::route {

RouteIndex::RouteIndex(std::span<const std::shared_ptr<const Route>> routes) {
  GATEHOUSE_CHECK(routes.size() < kPathBit, "too many routes for their positions");
  std::vector<Entry> entries;
  entries.reserve(routes.size());
  for (uint32_t position = 0; position < routes.size(); ++position) {
    const Route& route = *routes[position];
    const Candidate candidate(position, HasConditions(route.match));
    const ListKind kind =
        route.match.path_kind == PathKind::kExact ? ListKind::kExactPath : ListKind::kSubtree;
    const std::string_view path = IndexedPath(route.match);
    const auto add = [&](uint32_t host_node) {
      entries.push_back({ListOf(AddPath(host_node, path), kind), candidate});
    };
    if (route.match.hosts.empty()) {
      add(AddHost("*"));
    }
    for (const std::string& host : route.match.hosts) {
      add(AddHost(host));
    }
  }
  FillLists(entries);
}

uint32_t RouteIndex::AddHost(std::string_view host) {
  if (host == "*") {
    has_any_host_ = true;
    return kAnyHost;
  }
  if (!host.starts_with("*.")) {
    has_exact_hosts_ = true;
    return edges_.FindOrAdd(kExactHosts, host);
  }
  has_wildcard_hosts_ = true;
  std::string_view left = host.substr(1);  // ".example.org": each label has its dot before it.
  uint32_t node = kWildcardHosts;
  while (!left.empty()) {
    const size_t dot = left.rfind('.');
    node = edges_.FindOrAdd(node, left.substr(dot + 1));
    left = left.substr(0, dot);
  }
  return node;
}

// The segments that every path of `match` begins with, in bytes that outlive the edges.
std::string_view RouteIndex::IndexedPath(const RouteMatch& match) {
  switch (match.path_kind) {
    case PathKind::kAny:
      break;
    case PathKind::kExact:
      return match.path;
    case PathKind::kPrefix:
      return CanonicalPrefix(match.path);
    case PathKind::kRegex: {
      std::string literal = LiteralPrefix(*match.path_regex);
      // The last segment may go on after the literal.
      literal.resize(literal.rfind('/') == std::string::npos ? 0 : literal.rfind('/'));
      return literal.empty() ? std::string_view() : literals_.emplace_front(std::move(literal));
    }
  }
  return {};
}

uint32_t RouteIndex::AddPath(uint32_t host_node, std::string_view path) {
  uint32_t node = host_node;
  uint32_t from = host_node | kPathBit;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = SegmentEnd(path, begin);
    node = edges_.FindOrAdd(from, path.substr(begin, end - begin));
    from = node;
    begin = end;
  }
  return node;
}

// A counting sort: entries come by position, so each list ends up ascending.
void RouteIndex::FillLists(const std::vector<Entry>& entries) {
  list_begin_.assign(size_t{edges_.node_count()} * 2 + 1, 0);
  for (const Entry& entry : entries) {
    ++list_begin_[entry.list + 1];
  }
  for (size_t i = 1; i < list_begin_.size(); ++i) {
    list_begin_[i] += list_begin_[i - 1];
  }
  candidates_.resize(entries.size());
  std::vector<uint32_t> next(list_begin_.begin(), list_begin_.end() - 1);
  for (const Entry& entry : entries) {
    candidates_[next[entry.list]++] = entry.candidate;
  }
}

}  // namespace gatehouse::route
