// SPDX-License-Identifier: Apache-2.0
// Makes requests late, or fail, so that their callers can be seen to cope.
//
//   fault:
//     delay: {duration: 200ms, percentage: 10}
//     abort: {status: 503, percentage: 1}
//     when: {headers: {x-chaos: "on"}}       # only these requests
//     by_header: false                       # requests may ask: x-gatehouse-fault-delay: 250ms
//     max_delay: 10s                         #   for no more than this
//     max_delayed: 1000                      # at once; further ones are not delayed
//
// A delay comes before an abort, and both are drawn on their own. What requests ask for comes
// instead of what is drawn. The worker's timers are coarse: a delay is late by up to 40 ms.
#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "source/base/text.h"
#include "source/config/values.h"
#include "source/filters/builtin.h"
#include "source/pipeline/request_config.h"
#include "source/pipeline/request_values.h"
#include "source/pipeline/services.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::Stream;

constexpr std::string_view kDelayHeader = "x-gatehouse-fault-delay";
constexpr std::string_view kAbortHeader = "x-gatehouse-fault-abort";

struct Faults {
  Duration delay{0};
  double delay_percentage = 0;
  uint16_t status = 0;  // 0: none.
  double abort_percentage = 0;
  bool by_header = false;
  Duration max_delay{0};
  uint32_t max_delayed = 0;
  std::vector<pipeline::ValueMatch> headers;
};

// What one request gets.
struct Drawn {
  Duration delay{0};
  uint16_t status = 0;
};

class FaultDefinition;

class FaultFilter final : public pipeline::Filter {
 public:
  explicit FaultFilter(const FaultDefinition& definition) : definition_(definition) {}
  ~FaultFilter() { Leave(); }
  FaultFilter(const FaultFilter&) = delete;
  FaultFilter& operator=(const FaultFilter&) = delete;

  Action OnRequestHeaders(http::RequestHead& head, Stream& stream) override;
  void OnStreamEnd(const observe::StreamInfo&, Stream&) noexcept override {
    timer_.reset();
    Leave();
  }

 private:
  Action Abort(Stream& stream);
  // It waits no longer, or nobody waits for it.
  void Leave();

  const FaultDefinition& definition_;
  std::unique_ptr<pipeline::Pending> timer_;
  uint16_t status_ = 0;
  bool waits_ = false;
};

class FaultDefinition final : public pipeline::FilterDefinition {
 public:
  FaultDefinition(Faults faults, const pipeline::LoadContext& context)
      : FilterDefinition(pipeline::Phases::Of<FaultFilter>(), 0),
        faults(std::move(faults)),
        delayed(context.Counter("fault", "delayed", "Requests that were made late.")),
        aborted(context.Counter("fault", "aborted", "Requests that were made to fail.")),
        not_delayed(context.Counter("fault", "not_delayed",
                                    "Requests that were not made late, as max_delayed were.")),
        workers_(context.workers) {
    for (size_t i = 0; i < workers_.size(); ++i) {
      workers_[i].random = 0x9E3779B97F4A7C15 * (i + 1) ^ reinterpret_cast<uintptr_t>(this);
    }
  }

  pipeline::Filter* NewFilter(Stream& stream) const override {
    return stream.arena().New<FaultFilter>(*this);
  }
  std::string Explain(const http::RequestHead& head, const observe::StreamInfo&) const override;

  // What the request shall get; takes the fields that asked for it away.
  Drawn Draw(http::RequestHead& head, uint32_t worker) const;

  const Faults faults;
  const observe::MetricId delayed;
  const observe::MetricId aborted;
  const observe::MetricId not_delayed;
  mutable std::atomic<uint32_t> waiting{0};

 private:
  struct alignas(64) PerWorker {
    uint64_t random = 0;
  };

  bool Concerns(const http::RequestHead& head) const;
  Drawn Asked(const http::RequestHead& head) const;
  bool Falls(double percentage, uint32_t worker) const;

  mutable std::vector<PerWorker> workers_;
};

bool FaultDefinition::Concerns(const http::RequestHead& head) const {
  for (const pipeline::ValueMatch& match : faults.headers) {
    if (!pipeline::HeaderMatches(match, head)) {
      return false;
    }
  }
  return true;
}

// What a request asks for that can't be understood is left out.
Drawn FaultDefinition::Asked(const http::RequestHead& head) const {
  Drawn out;
  if (const http::Field* field = head.headers.Find(kDelayHeader)) {
    if (const Result<Duration> delay = config::ParseDuration(field->value)) {
      out.delay = std::min(*delay, faults.max_delay);
    }
  }
  if (const http::Field* field = head.headers.Find(kAbortHeader)) {
    const std::optional<uint64_t> status = ParseUint(field->value);
    out.status = status && *status >= 200 && *status <= 599 ? static_cast<uint16_t>(*status) : 0;
  }
  return out;
}

// xorshift64*: the upper 53 bits as a number below 100.
bool FaultDefinition::Falls(double percentage, uint32_t worker) const {
  if (percentage <= 0 || worker >= workers_.size()) {
    return false;
  }
  uint64_t& random = workers_[worker].random;
  random ^= random >> 12;
  random ^= random << 25;
  random ^= random >> 27;
  const uint64_t draw = (random * 0x2545F4914F6CDD1D) >> 11;
  return static_cast<double>(draw) * (100.0 / 9007199254740992.0) < percentage;
}

Drawn FaultDefinition::Draw(http::RequestHead& head, uint32_t worker) const {
  Drawn out;
  const bool concerned = Concerns(head);
  if (faults.by_header) {
    out = concerned ? Asked(head) : out;
    head.headers.Remove(kDelayHeader);
    head.headers.Remove(kAbortHeader);
  }
  if (!concerned || out.delay > Duration(0) || out.status != 0) {
    return out;
  }
  out.delay = Falls(faults.delay_percentage, worker) ? faults.delay : Duration(0);
  out.status = Falls(faults.abort_percentage, worker) ? faults.status : uint16_t{0};
  return out;
}

std::string FaultDefinition::Explain(const http::RequestHead& head,
                                     const observe::StreamInfo&) const {
  if (!Concerns(head)) {
    return "leaves it alone: `when` does not hold";
  }
  const auto share = [](double percentage) {
    std::string text = std::to_string(percentage);
    text.erase(text.find_last_not_of('0') + 1);
    text.erase(text.find_last_not_of('.') + 1);
    return text + " % of such requests";
  };
  const Drawn asked = faults.by_header ? Asked(head) : Drawn{};
  const bool ask = asked.delay > Duration(0) || asked.status != 0;
  const Duration delay = ask ? asked.delay : faults.delay;
  const uint16_t status = ask ? asked.status : faults.status;
  std::string out;
  if (delay > Duration(0) && (ask || faults.delay_percentage > 0)) {
    out = "delays " + (ask ? "this request" : share(faults.delay_percentage)) + " by " +
          config::FormatDuration(delay);
  }
  if (status != 0 && (ask || faults.abort_percentage > 0)) {
    out += (out.empty() ? "answers " : ", then answers ") +
           (ask ? "this request" : share(faults.abort_percentage)) + " with " +
           std::to_string(status);
  }
  return out.empty() ? "leaves it alone" : out;
}

Action FaultFilter::OnRequestHeaders(http::RequestHead& head, Stream& stream) {
  const Drawn fault = definition_.Draw(head, stream.worker());
  status_ = fault.status;
  if (fault.delay > Duration(0)) {
    if (definition_.waiting.fetch_add(1, std::memory_order_relaxed) >=
        definition_.faults.max_delayed) {
      definition_.waiting.fetch_sub(1, std::memory_order_relaxed);
      stream.Count(definition_.not_delayed);
    } else {
      waits_ = true;
      stream.Count(definition_.delayed);
      stream.AddVerdict(definition_.name, "delayed");
      timer_ = stream.services().Timer(fault.delay, [this, &stream] {
        Leave();
        if (status_ == 0 || Abort(stream) != Action::kReplied) {
          stream.Resume();
        }
      });
      return Action::kPause;
    }
  }
  return status_ == 0 ? Action::kContinue : Abort(stream);
}

Action FaultFilter::Abort(Stream& stream) {
  stream.Count(definition_.aborted);
  stream.AddVerdict(definition_.name, "aborted");
  stream.SetRefusal(ErrorCode::kFaultInjected,
                    stream.arena().Concat(std::string_view(definition_.name), " makes it fail"));
  return stream.Reply(status_, "a fault that was asked for (fault_injected)\n",
                      "text/plain; charset=utf-8", {{"x-gatehouse-error", "fault_injected"}});
}

void FaultFilter::Leave() {
  if (std::exchange(waits_, false)) {
    definition_.waiting.fetch_sub(1, std::memory_order_relaxed);
  }
}

double LoadPercentage(config::Object& in) {
  return in.Number("percentage", {100, 0, 100}, "Of the requests, from 0 to 100.");
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  constexpr Duration kMax = std::chrono::hours(1);
  constexpr Duration kMin = std::chrono::milliseconds(1);
  Faults out;
  {
    config::Object delay = in.Child("delay", "Requests that are made late.");
    out.delay = delay.Time("duration", {std::chrono::milliseconds(100), kMin, kMax},
                           "How long they wait before they go on.");
    out.delay_percentage = LoadPercentage(delay);
  }
  {
    config::Object abort = in.Child("abort", "Requests that are answered with an error.");
    out.status =
        static_cast<uint16_t>(abort.Uint("status", {503, 200, 599}, "The status of the answer."));
    out.abort_percentage = LoadPercentage(abort);
  }
  out.delay_percentage = in.Has("delay") ? out.delay_percentage : 0;
  out.abort_percentage = in.Has("abort") ? out.abort_percentage : 0;
  {
    config::Object when = in.Child("when", "Which requests; without it, all.");
    pipeline::RegexCache regexes;
    pipeline::LoadHeaderMatches(when, regexes, out.headers);
  }
  out.by_header = in.Bool("by_header", false,
                          "Whether requests may ask for a fault of their own, by the header fields "
                          "x-gatehouse-fault-delay (250ms) and x-gatehouse-fault-abort (503).");
  out.max_delay = in.Time("max_delay", {std::chrono::seconds(10), kMin, kMax},
                          "The longest delay that a request may ask for.");
  out.max_delayed = static_cast<uint32_t>(
      in.Uint("max_delayed", {1000, 1, 1'000'000},
              "How many requests may be waiting at once; further ones are not delayed."));
  if (!in.Has("delay") && !in.Has("abort") && !out.by_header) {
    in.Error("needs `delay`, `abort` or `by_header`");
  }
  return std::make_shared<FaultDefinition>(std::move(out), context);
}

}  // namespace

pipeline::FilterType Fault() {
  return {"fault",
          Load,
          "Makes requests late, or fail, for tests.",
          {"delay: {duration: 200ms, percentage: 10}, abort: {status: 503, percentage: 1}, when: "
           "{headers: {x-chaos: \"on\"}}, by_header: false, max_delay: 10s, max_delayed: 1000"}};
}

}  // namespace gatehouse::filters
