// SPDX-License-Identifier: Apache-2.0
// Rows of filters_bench: what limits cost.
#include <memory>
#include <string>

#include "source/base/check.h"
#include "source/filters/builtin.h"
#include "source/filters/traffic/gcra_table.h"
#include "source/pipeline/filter_harness.h"
#include "test/bench/measuring.h"
#include "test/bench/quiet_stream.h"

namespace gatehouse {
namespace {

using pipeline::Action;
using pipeline::FilterHarness;

// One request a microsecond, from `clients` in turn.
void BenchRateLimit(const char* what, uint32_t clients, const std::string& yaml) {
  FilterHarness h(filters::RateLimit(), yaml);
  h.Get("/users/7", {{"host", "api.example.com"}, {"x-tenant", "acme"}, {"accept", "*/*"}});
  QuietStream stream(h);
  pipeline::Filter* filter = h.definition().NewFilter(stream);
  MonotonicTime now{std::chrono::hours(1)};
  uint32_t client = 0;
  const auto one = [&](int) {
    stream.ComeFrom(client);
    client = client + 1 == clients ? 0 : client + 1;
    stream.ItIs(now += std::chrono::microseconds(1));
    const Action action = filter->OnRequestHeaders(stream.request(), stream);
    GATEHOUSE_CHECK(action == Action::kContinue, "it passes");
  };
  for (uint32_t i = 0; i < clients; ++i) {
    one(0);
  }
  const uint64_t before = Allocations();
  const double ns = Measure(2'000'000, one);
  const uint64_t made = Allocations() - before;
  Print(what, ns);
  Print("  of its allocations", static_cast<double>(made), "");
}

void BenchRefused() {
  FilterHarness h(filters::RateLimit(), "rate: 1/h");
  h.Get();
  QuietStream stream(h);
  pipeline::Filter* filter = h.definition().NewFilter(stream);
  Print("rate_limit, a request refused, without its answer",
        Measure(20'000, [&](int) { (void)filter->OnRequestHeaders(stream.request(), stream); }));
}

void BenchTable() {
  filters::GcraTable table(100'000);
  const filters::Pace pace({1'000'000, std::chrono::seconds(1), 1'000'000}, 1);
  MonotonicTime now{std::chrono::hours(1)};
  volatile bool sink = false;
  Print("rate_limit table alone, one key", Measure(2'000'000, [&](int) {
          now += std::chrono::microseconds(1);
          sink = table.Take(0x9e3779b97f4a7c15, pace, now).decision.allowed;
        }));
  const filters::Pace slow({1, std::chrono::hours(1), 10}, 1);
  uint64_t key = 0;
  Print("rate_limit table alone, new keys that push others out", Measure(2'000'000, [&](int) {
          sink = table.Take(key += 0x9e3779b97f4a7c15, slow, now).decision.allowed;
        }));
}

void BenchConcurrency() {
  FilterHarness h(filters::Concurrency(), "max: 100");
  double ns = 0;
  uint64_t before = 0;
  for (int round = 0; round < 3; ++round) {  // In the last one the arena's chunks are there.
    h.Get();
    QuietStream stream(h);
    before = Allocations();
    ns = Measure(20'000, [&](int) {
      pipeline::Filter* filter = h.definition().NewFilter(stream);
      const Action action = filter->OnRequestHeaders(stream.request(), stream);
      GATEHOUSE_CHECK(action == Action::kContinue, "it passes");
      filter->OnStreamEnd(stream.info(), stream);
    });
  }
  const uint64_t made = Allocations() - before;
  Print("concurrency, a request in and out", ns);
  Print("  of its allocations", static_cast<double>(made), "");
}

}  // namespace

void BenchTraffic() {
  BenchRateLimit("rate_limit, one key", 1, "{rate: 2000000/s}");
  BenchRateLimit("rate_limit, 100,000 keys in turn", 100'000, "{rate: 2000000/s}");
  BenchRateLimit("rate_limit, a header as key", 1, "{rate: 2000000/s, key: {header: x-tenant}}");
  BenchRefused();
  BenchTable();
  BenchConcurrency();
}

}  // namespace gatehouse
