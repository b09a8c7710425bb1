// SPDX-License-Identifier: Apache-2.0
// What a circuit breaker costs a request.
#include "source/upstream/breaker/breaker.h"
#include "test/bench/measuring.h"

namespace gatehouse {

void BenchBreaker() {
  using upstream::Breaker;
  constexpr int kCalls = 20'000'000;
  constexpr Duration kApart = std::chrono::microseconds(1);
  upstream::BreakerSettings settings;
  settings.enabled = true;
  Breaker breaker("users", {}, settings, 2, nullptr, nullptr);
  MonotonicTime now(std::chrono::hours(1));
  const uint64_t before = Allocations();
  Print("circuit breaker, closed: asked and told", Measure(kCalls, [&](int) {
          now += kApart;
          Breaker::Pass pass;
          upstream::BreakerState state;
          if (breaker.Admit(0, now, pass, state)) {
            pass.Report(0, now, upstream::Verdict::kGood, false);
          }
        }));
  Print("circuit breaker, closed: allocations", static_cast<double>(Allocations() - before), "");
  breaker.Command(upstream::BreakerCommand::kOpen, Duration(0), now);
  Print("circuit breaker, open: turns away", Measure(kCalls, [&](int) {
          now += kApart;
          Breaker::Pass pass;
          upstream::BreakerState state;
          (void)breaker.Admit(0, now, pass, state);
        }));
}

}  // namespace gatehouse
