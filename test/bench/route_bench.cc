// SPDX-License-Identifier: Apache-2.0
// What finding a route costs: nanoseconds a match for the first and the last 64 routes of tables of
// several sizes, bytes a route of the index and of the routes, milliseconds to build.
//
// usage: route_bench [MATCHES]        (per figure; 3,000,000 by default)
#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "source/base/clock.h"
#include "source/base/text.h"
#include "source/route/route_table.h"
#include "source/route/shadow.h"

namespace gatehouse::route {
namespace {

constexpr uint64_t kDefaultMatches = 3'000'000;
constexpr int kRepeats = 15;  // The fastest counts: the rest is the machine's.

using Routes = std::vector<std::shared_ptr<const Route>>;

size_t BytesInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

double MillisecondsSince(MonotonicTime start) {
  return std::chrono::duration<double, std::milli>(MonotonicNow() - start).count();
}

std::string Number(const char* before, size_t i, const char* after) {
  char text[64];
  std::snprintf(text, sizeof(text), "%s%05zu%s", before, i, after);
  return text;
}

std::shared_ptr<const Route> MakeRoute(size_t index, std::string host, std::string prefix) {
  auto route = std::make_shared<Route>();
  route->index = static_cast<uint32_t>(index);
  route->name = Number("r", index, "");
  route->match.hosts = {std::move(host)};
  route->match.path_kind = PathKind::kPrefix;
  route->match.path = std::move(prefix);
  std::get<Forward>(route->action).arms.resize(1);
  return route;
}

Routes ManyHosts(size_t count) {
  Routes out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back(MakeRoute(out.size(), Number("h", i, ".example.com"), "/"));
  }
  return out;
}

Routes ManyPrefixes(size_t count) {
  Routes out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back(MakeRoute(out.size(), "api.example.com", Number("/service", i, "/v1")));
  }
  return out;
}

// Half of each, as in the scale row of PERFORMANCE.md.
Routes Mixed(size_t count) {
  Routes out;
  for (size_t i = 0; i < count / 2; ++i) {
    out.push_back(MakeRoute(out.size(), Number("h", i, ".example.com"), "/"));
    out.push_back(MakeRoute(out.size(), "api.example.com", Number("/service", i, "/v1")));
  }
  return out;
}

// Some routes and, for each, a request that takes it. Several, since where a single key comes to
// lie in a hash table is luck.
class Probe {
 public:
  static constexpr size_t kMaxRoutes = 64;

  Probe(const RouteTable& table, std::span<const std::shared_ptr<const Route>> routes)
      : table_(table) {
    for (const std::shared_ptr<const Route>& route : routes) {
      const RouteMatch& match = route->match;
      auto& head = *heads_.emplace_back(std::make_unique<http::RequestHead>(arena_));
      head.method_name = "GET";
      head.scheme = "http";
      head.host = match.hosts[0];
      head.path = match.path == "/" ? "/index.html" : arena_.Concat(match.path, "/users/42");
      head.target = head.path;
      wanted_.push_back(route.get());
    }
  }

  // Nanoseconds a match, the fastest run so far.
  double best() const { return best_; }

  void Run(uint64_t matches) {
    uint64_t hits = 0;
    const uint64_t rounds = matches / heads_.size() + 1;
    const MonotonicTime start = MonotonicNow();
    for (uint64_t round = 0; round < rounds; ++round) {
      for (size_t i = 0; i < heads_.size(); ++i) {
        hits += table_.Match({*heads_[i], 0, {}}) == wanted_[i] ? 1 : 0;
      }
    }
    const uint64_t done = rounds * heads_.size();
    best_ = std::min(best_, MillisecondsSince(start) * 1e6 / static_cast<double>(done));
    if (hits != done) {
      std::printf("wrong route\n");
    }
  }

 private:
  const RouteTable& table_;
  ArenaPool pool_;
  Arena arena_{pool_};
  std::vector<std::unique_ptr<http::RequestHead>> heads_;
  std::vector<const Route*> wanted_;
  double best_ = 1e18;
};

void Report(const char* name, Routes (*make)(size_t), size_t count, uint64_t matches) {
  malloc_trim(0);
  const size_t before_routes = BytesInUse();
  Routes routes = make(count);
  const size_t before_index = BytesInUse();
  const Routes kept = routes;
  const size_t of_kept = BytesInUse() - before_index;
  const MonotonicTime start = MonotonicNow();
  const RouteTable table(std::move(routes));
  const double build_ms = MillisecondsSince(start);
  const size_t after = BytesInUse();
  const MonotonicTime shadow_start = MonotonicNow();
  const size_t shadowed = FindShadowed(kept).size();
  const double shadow_ms = MillisecondsSince(shadow_start);
  const size_t probed = std::min(kept.size(), Probe::kMaxRoutes);
  Probe first(table, std::span(kept).first(probed));
  Probe last(table, std::span(kept).last(probed));
  // In turns: the machine's moods hit both.
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    first.Run(matches / kRepeats);
    last.Run(matches / kRepeats);
  }
  std::printf(
      "%-9s %6zu  first %6.1f ns  last %6.1f ns  ratio %.3f  index %5.0f B/route  "
      "routes %5.0f B/route  build %6.2f ms  shadow check %6.2f ms%s\n",
      name, kept.size(), first.best(), last.best(), last.best() / first.best(),
      static_cast<double>(after - before_index - of_kept) / static_cast<double>(count),
      static_cast<double>(before_index - before_routes) / static_cast<double>(count), build_ms,
      shadow_ms, shadowed == 0 ? "" : "  (some shadowed)");
}

int Run(int argc, char** argv) {
  const uint64_t matches = argc > 1 ? ParseUint(argv[1]).value_or(0) : kDefaultMatches;
  if (matches < kRepeats) {
    std::fprintf(stderr, "usage: route_bench [MATCHES]\n");
    return 2;
  }
  for (const size_t count : {size_t{1}, size_t{100}, size_t{10'000}, size_t{20'000}}) {
    Report("hosts", ManyHosts, count, matches);
    Report("prefixes", ManyPrefixes, count, matches);
    if (count > 1) {
      Report("mixed", Mixed, count, matches);
    }
  }
  return 0;
}

}  // namespace
}  // namespace gatehouse::route

int main(int argc, char** argv) { return gatehouse::route::Run(argc, argv); }
