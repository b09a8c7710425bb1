// SPDX-License-Identifier: Apache-2.0
// For people who ask why: walks over all routes, so it is never on a request's way.
#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

#include "source/route/linear_match.h"
#include "source/route/route_table.h"

namespace gatehouse::route {
namespace {

constexpr size_t kMaxMismatches = 16;

struct Near {
  const Route* route;
  bool off_host_or_path;
  size_t mismatches;
  size_t shared;  // Bytes that the path asked for and the one wanted begin with in common.

  // Nearest first; std::stable_sort keeps the declared order among equals.
  bool operator<(const Near& other) const {
    return std::tuple(off_host_or_path, mismatches, other.shared) <
           std::tuple(other.off_host_or_path, other.mismatches, shared);
  }
};

size_t SharedPrefix(std::string_view a, std::string_view b) {
  const auto [at, end] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return at - a.begin();
}

std::string InWords(const Route& route, const RequestFacts& request) {
  std::string out;
  for (const Mismatch& one : FindMismatches(route, request, kMaxMismatches, /*in_words=*/true)) {
    out += (out.empty() ? "" : "; ") + one.why;
  }
  return out;
}

}  // namespace

Explanation Explain(const RouteTable& table, const RequestFacts& request, size_t max_near_misses) {
  Explanation out;
  out.chosen = table.Match(request);
  std::vector<Near> near;
  for (const std::shared_ptr<const Route>& route : table.routes()) {
    if (route.get() == out.chosen) {
      break;
    }
    const std::vector<Mismatch> failed =
        FindMismatches(*route, request, kMaxMismatches, /*in_words=*/false);
    const bool off = std::any_of(failed.begin(), failed.end(), [](const Mismatch& one) {
      return one.part == Part::kHost || one.part == Part::kPath;
    });
    if (!off || failed.size() == 1) {
      near.push_back(
          {route.get(), off, failed.size(), SharedPrefix(request.head.path, route->match.path)});
    }
  }
  std::stable_sort(near.begin(), near.end());
  near.resize(std::min(near.size(), max_near_misses));
  for (const Near& one : near) {
    out.near_misses.push_back({one.route, InWords(*one.route, request)});
  }
  return out;
}

}  // namespace gatehouse::route
