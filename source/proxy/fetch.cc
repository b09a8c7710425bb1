// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/fetch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "source/event/deadline.h"
#include "source/event/loop.h"
#include "source/proxy/attempt.h"
#include "source/proxy/worker_parts.h"

namespace gatehouse::proxy {
namespace {

using pipeline::FetchRequest;
using pipeline::FetchResponse;

class FetchCall final : public pipeline::Pending,
                        private Attempt::Owner,
                        private event::Deadline,
                        private event::Ready {
 public:
  FetchCall(Worker::Parts& worker, FetchRequest request,
            std::function<void(Result<FetchResponse>)> done)
      : worker_(worker),
        request_(std::move(request)),
        done_(std::move(done)),
        arena_(worker.arenas),
        attempt_(worker.buffers, arena_, *this),
        head_(arena_),
        result_(FetchResponse{}) {
    worker_.loop.Queue(*this);  // Nothing happens inside the caller's call.
  }
  ~FetchCall() override { attempt_.Cancel(); }

 private:
  void OnReady() override {
    if (finished_) {
      std::exchange(done_, nullptr)(std::move(result_));
      return;
    }
    const auto& clusters = worker_.current->snapshot->clusters;
    const auto at = std::find_if(clusters.begin(), clusters.end(), [&](const auto& cluster) {
      return cluster->name() == request_.cluster;
    });
    if (at == clusters.end()) {
      Finish(
          Fail(ErrorCode::kNoEndpoint, ErrorSource::kInternal, "no cluster " + request_.cluster));
      return;
    }
    if (!AskBreaker(static_cast<size_t>(at - clusters.begin()))) {
      return;
    }
    upstream::ClusterPool& pool = worker_.PoolFor(*at, *worker_.current);
    if (!pool.BeginRequest()) {
      Finish(Fail(ErrorCode::kOverloaded, ErrorSource::kUpstream,
                  "max_requests of " + request_.cluster + " reached"));
      return;
    }
    worker_.loop.deadlines().ArmAfter(*this, request_.timeout);
    DescribeRequest();
    attempt_.Begin(pool, labels_, head_, request_.body.empty());
    if (!finished_ && !request_.body.empty()) {
      attempt_.SendData(request_.body, true);
    }
  }

  // The cluster's circuit breaker, as requests without labels do.
  bool AskBreaker(size_t cluster) {
    const Snapshot& snapshot = *worker_.current->snapshot;
    const uint32_t number =
        cluster < snapshot.cluster_breakers.size() ? snapshot.cluster_breakers[cluster] : 0;
    if (number == 0) {
      return true;
    }
    breaker_ = snapshot.breakers[number - 1];
    started_ = worker_.loop.now();
    upstream::BreakerState state;
    if (breaker_->Admit(worker_.index, started_, breaker_pass_, state)) {
      return true;
    }
    Finish(Fail(ErrorCode::kCircuitOpen, ErrorSource::kUpstream,
                "the circuit of " + request_.cluster + " is " + std::string(StateName(state))));
    return false;
  }
  void TellBreaker(upstream::Verdict verdict) {
    const MonotonicTime now = worker_.loop.now();
    const Duration slow_after = breaker_->settings().slow_after;
    breaker_pass_.Report(worker_.index, now, verdict,
                         slow_after > Duration(0) && now - started_ >= slow_after);
  }

  void DescribeRequest() {
    head_.method_name = request_.method;
    head_.method = http::ParseMethod(request_.method);
    head_.target = request_.target;
    head_.authority = request_.host.empty() ? request_.cluster : request_.host;
    // A method that means content says so when there is none (RFC 9110 section 8.6).
    const bool content = !request_.body.empty() || head_.method == http::Method::kPost ||
                         head_.method == http::Method::kPut || head_.method == http::Method::kPatch;
    head_.framing = content ? http::Framing::kLength : http::Framing::kNone;
    head_.content_length = request_.body.size();
    const auto is_host = [](const auto& header) { return header.first == "host"; };
    if (std::none_of(request_.headers.begin(), request_.headers.end(), is_host)) {
      head_.headers.Add("host", head_.authority);
    }
    for (const auto& [name, value] : request_.headers) {
      head_.headers.Add(name, value);
    }
  }

  void OnUpstreamConnected() override {}
  void OnUpstreamInformational(http::ResponseHead&) override {}
  void OnUpstreamHeaders(http::ResponseHead& head, bool end) override {
    if (breaker_pass_.pending()) {
      TellBreaker(breaker_->settings().failures.Of(head.status));
    }
    result_->status = head.status;
    head.headers.ForEach(
        [&](const http::Field& field) { result_->headers.emplace_back(field.name, field.value); });
    if (end) {
      Finish(std::move(result_));
    }
  }
  void OnUpstreamData(std::string_view data, bool end) override {
    attempt_.Consume(data.size());
    if (result_->body.size() + data.size() > request_.max_response_bytes) {
      Finish(Fail(ErrorCode::kMalformedResponse, ErrorSource::kUpstream,
                  "the answer is larger than allowed"));
      return;
    }
    result_->body.append(data);
    if (end) {
      Finish(std::move(result_));
    }
  }
  void OnUpstreamTrailers(http::Headers&) override { Finish(std::move(result_)); }
  void OnUpstreamFailed(const Error& error) override {
    if (breaker_pass_.open()) {
      TellBreaker(breaker_->settings().failures.Of(error.code));
    }
    Finish(tl::unexpected<Error>(error));
  }
  void OnUpstreamCredit() override {}
  void OnDeadline() override {
    if (breaker_pass_.open()) {
      TellBreaker(breaker_->settings().failures.Of(ErrorCode::kResponseTimeout));
    }
    Finish(Fail(ErrorCode::kResponseTimeout, ErrorSource::kUpstream,
                "no whole answer from " + request_.cluster + " in time"));
  }

  // The owner may destroy us in its callback: that comes from the loop, with nothing on the stack.
  void Finish(Result<FetchResponse> result) {
    if (!finished_) {
      finished_ = true;
      Disarm();
      attempt_.Cancel();
      breaker_pass_.End();
      result_ = std::move(result);
      worker_.loop.Queue(*this);
    }
  }

  Worker::Parts& worker_;
  FetchRequest request_;
  std::function<void(Result<FetchResponse>)> done_;
  Arena arena_;
  Attempt attempt_;
  http::RequestHead head_;
  const upstream::LabelSet labels_;
  std::shared_ptr<upstream::Breaker> breaker_;
  upstream::Breaker::Pass breaker_pass_;  // Of `breaker_`, which goes after it.
  MonotonicTime started_{};
  Result<FetchResponse> result_;
  bool finished_ = false;
};

}  // namespace

std::unique_ptr<pipeline::Pending> StartFetch(Worker::Parts& worker, FetchRequest request,
                                              std::function<void(Result<FetchResponse>)> done) {
  return std::make_unique<FetchCall>(worker, std::move(request), std::move(done));
}

}  // namespace gatehouse::proxy
