// SPDX-License-Identifier: Apache-2.0
// Where the routes lie by host and path: which of them a request could mean.
//
// Every host of every route is a node: exact hosts by one hash step, wildcard hosts by their labels
// from the right ("*.example.org" is org, example). Below each such node hangs a tree of path
// segments. A node has two lists of candidates: those that take every path from there on (prefixes,
// paths of any kind, regular expressions filed under their literal segments) and those that take
// exactly this path. A request meets all lists on its way, and the earliest declared route that
// holds in full wins, whichever list it is in.
#pragma once

#include <cstdint>
#include <forward_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "source/pipeline/host_path.h"
#include "source/route/edge_table.h"
#include "source/route/route.h"

namespace gatehouse::route {

// A route in a list: its position in the table, and whether more than host and path is to be
// tested.
class Candidate {
 public:
  Candidate() = default;
  Candidate(uint32_t position, bool conditional) : bits_(position << 1 | (conditional ? 1 : 0)) {}
  uint32_t position() const { return bits_ >> 1; }
  bool conditional() const { return (bits_ & 1) != 0; }

 private:
  uint32_t bits_ = 0;
};

using CandidateList = std::span<const Candidate>;  // Ascending by position.

enum class ListKind : uint8_t { kSubtree, kExactPath };

using pipeline::CanonicalPrefix;
using pipeline::IsUnder;

// The end of the segment that begins at `begin`. Segments carry their slash: "/a/" is "/a" and "/".
inline size_t SegmentEnd(std::string_view path, size_t begin) {
  const size_t slash = path.find('/', begin + 1);
  return slash == std::string_view::npos ? path.size() : slash;
}

// Immutable; any thread. The routes must outlive it.
class RouteIndex {
 public:
  explicit RouteIndex(std::span<const std::shared_ptr<const Route>> routes);

  // Calls visit(CandidateList, ListKind) for each list that host and path lead to. A wildcard host
  // stands for itself: it meets the lists that take every host it stands for.
  template <typename Visit>
  void ForEachList(std::string_view host, std::string_view path, Visit visit) const {
    if (!host.empty()) {
      if (has_exact_hosts_) {
        const uint32_t node = edges_.Find(kExactHosts, host);
        if (node != EdgeTable::kNone) {
          WalkPath(node, path, visit);
        }
      }
      if (has_wildcard_hosts_) {
        WalkWildcards(host, path, visit);
      }
    }
    if (has_any_host_) {
      WalkPath(kAnyHost, path, visit);
    }
  }

 private:
  enum : uint32_t { kAnyHost, kExactHosts, kWildcardHosts, kFirstNode };
  // Tells the first path segment below a host from a label of a longer host.
  static constexpr uint32_t kPathBit = 1u << 31;

  struct Entry {  // While building.
    uint32_t list;
    Candidate candidate;
  };

  static uint32_t ListOf(uint32_t node, ListKind kind) {
    return node * 2 + static_cast<uint32_t>(kind);
  }
  uint32_t AddHost(std::string_view host);
  uint32_t AddPath(uint32_t host_node, std::string_view path);
  std::string_view IndexedPath(const RouteMatch& match);
  void FillLists(const std::vector<Entry>& entries);

  template <typename Visit>
  void VisitList(uint32_t node, ListKind kind, Visit& visit) const {
    const uint32_t list = ListOf(node, kind);
    const uint32_t begin = list_begin_[list];
    const uint32_t end = list_begin_[list + 1];
    if (begin != end) {
      visit(CandidateList(candidates_.data() + begin, end - begin), kind);
    }
  }

  template <typename Visit>
  void WalkPath(uint32_t node, std::string_view path, Visit& visit) const {
    VisitList(node, ListKind::kSubtree, visit);
    uint32_t from = node | kPathBit;
    for (size_t begin = 0; begin < path.size();) {
      const size_t end = SegmentEnd(path, begin);
      node = edges_.Find(from, path.substr(begin, end - begin));
      if (node == EdgeTable::kNone) {
        return;
      }
      VisitList(node, ListKind::kSubtree, visit);
      from = node;
      begin = end;
    }
    VisitList(node, ListKind::kExactPath, visit);
  }

  template <typename Visit>
  void WalkWildcards(std::string_view host, std::string_view path, Visit& visit) const {
    uint32_t node = kWildcardHosts;
    size_t end = host.size();
    while (true) {
      const size_t dot = host.substr(0, end).rfind('.');
      if (dot == std::string_view::npos || dot == 0) {
        return;  // Nothing is left for the star to stand for.
      }
      node = edges_.Find(node, host.substr(dot + 1, end - dot - 1));
      if (node == EdgeTable::kNone) {
        return;
      }
      WalkPath(node, path, visit);
      end = dot;
    }
  }

  EdgeTable edges_{kFirstNode};
  std::forward_list<std::string> literals_;  // Of regular expressions; edges keep views of them.
  std::vector<uint32_t> list_begin_;         // By ListOf(); one more at the end.
  std::vector<Candidate> candidates_;
  bool has_any_host_ = false;
  bool has_exact_hosts_ = false;
  bool has_wildcard_hosts_ = false;
};

}  // namespace gatehouse::route
