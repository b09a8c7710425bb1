// SPDX-License-Identifier: Apache-2.0
// How many limits one core of ours has decided by a Redis on another: RedisLimiter and the client
// behind it, without HTTP. tools/redis_bench starts both and pins them; by hand:
//
//   redis_bench redis://127.0.0.1:6379 [SECONDS] [CALLS IN FLIGHT]
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "source/base/buffer.h"
#include "source/event/deadline.h"
#include "source/event/loop.h"
#include "source/filters/traffic/redis_limiter.h"
#include "source/filters/traffic/redis_store_config.h"
#include "source/observe/metrics.h"
#include "source/proxy/redis/clients.h"
#include "test/pipeline/no_services.h"

namespace gatehouse {
namespace {

constexpr int kKeys = 10'000;

class ClientServices final : public pipeline::NoServices {
 public:
  explicit ClientServices(redis::Clients& clients) : clients_(clients) {}
  std::unique_ptr<pipeline::Pending> RunScript(
      const pipeline::RedisServer& server, const pipeline::RedisScript& script,
      std::span<const std::string_view> keys, std::span<const std::string_view> arguments,
      std::function<void(Result<pipeline::RedisValue>)> done) override {
    return clients_.RunScript(server, script, keys, arguments, std::move(done));
  }

 private:
  redis::Clients& clients_;
};

double CpuSeconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// Keeps so many questions under way, each with its own place: an answer asks the next one.
class Run final : private event::Deadline {
 public:
  Run(pipeline::RedisServer server, Duration length, size_t in_flight)
      : limiter_(std::move(server), "bench:"), length_(length), places_(in_flight) {
    for (int i = 0; i < kKeys; ++i) {
      keys_.push_back("client:" + std::to_string(i));
    }
  }

  int Go() {
    loop_.UpdateNow();
    began_ = MonotonicNow();
    cpu_ = CpuSeconds();
    loop_.deadlines().ArmAfter(*this, length_);
    for (size_t i = 0; i < places_.size(); ++i) {
      Ask(i);
    }
    loop_.Run();
    return Report();
  }

 private:
  void OnDeadline() override {
    seconds_ = std::chrono::duration<double>(MonotonicNow() - began_).count();
    cpu_ = CpuSeconds() - cpu_;
    stopped_ = true;
    loop_.Stop();
  }

  void Ask(size_t place) {
    const std::string& key = keys_[next_++ % keys_.size()];
    places_[place] = limiter_.Ask(
        services_, key, {100, std::chrono::seconds(1), 1000}, 1,
        [this, place, asked = MonotonicNow()](const Result<filters::LimitDecision>& decision) {
          ++(decision ? decided_ : failed_);
          if (!decision && failed_ == 1) {
            std::fprintf(stderr, "%s\n", decision.error().message.c_str());
          }
          if (decided_ % 16 == 0) {
            samples_.push_back(MonotonicNow() - asked);
          }
          if (!stopped_) {
            Ask(place);
          }
        });
  }

  int Report() {
    std::sort(samples_.begin(), samples_.end());
    const auto at = [&](double part) {
      return samples_.empty() ? 0.0
                              : static_cast<double>(
                                    samples_[static_cast<size_t>(
                                                 part * static_cast<double>(samples_.size() - 1))]
                                        .count()) *
                                    1e-3;
    };
    const auto decided = static_cast<double>(decided_);
    std::printf(
        "%zu in flight: %.0f decisions/s, %.2f us of our CPU each, p50 %.0f us, p99 %.0f "
        "us, %llu failed\n",
        places_.size(), decided / seconds_, cpu_ / decided * 1e6, at(0.5), at(0.99),
        static_cast<unsigned long long>(failed_));  // NOLINT: printf's type.
    return failed_ == 0 && decided_ > 0 ? 0 : 1;
  }

  observe::Metrics metrics_;
  event::Loop loop_{"bench"};
  BufferPool buffers_;
  redis::Clients clients_{loop_, buffers_, metrics_.AddTable(),
                          redis::RedisMetrics::Define(metrics_), upstream::ResolverSettings()};
  ClientServices services_{clients_};
  const filters::RedisLimiter limiter_;
  const Duration length_;
  std::vector<std::unique_ptr<pipeline::Pending>> places_;
  std::vector<std::string> keys_;
  std::vector<Duration> samples_;
  size_t next_ = 0;
  uint64_t decided_ = 0;
  uint64_t failed_ = 0;
  MonotonicTime began_;
  double cpu_ = 0;
  double seconds_ = 1;
  bool stopped_ = false;
};

int Main(int argc, char** argv) {
  auto server = filters::ParseRedisUrl(argc > 1 ? argv[1] : "redis://127.0.0.1:6379");
  if (!server) {
    std::fprintf(stderr, "the URL %s\n", server.error().message.c_str());
    return 2;
  }
  server->timeout = std::chrono::seconds(1);
  const int seconds = argc > 2 ? std::atoi(argv[2]) : 5;
  const int in_flight = argc > 3 ? std::atoi(argv[3]) : 256;
  return Run(std::move(*server), std::chrono::seconds(std::max(seconds, 1)),
             static_cast<size_t>(std::max(in_flight, 1)))
      .Go();
}

}  // namespace
}  // namespace gatehouse

int main(int argc, char** argv) { return gatehouse::Main(argc, argv); }
