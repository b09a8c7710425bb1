// SPDX-License-Identifier: Apache-2.0
// Asks a service of one's own whether a request may pass, before it is forwarded.
//
//   forward_auth:
//     url: http://auth.internal:9000/verify      # or cluster: NAME, path: /verify
//     timeout: 1s
//     on_failure: deny                           # deny, allow
//     upstream_headers: [x-user, x-groups]       # of a 2xx answer, to the request
//     client_headers: [set-cookie]               # of a 2xx answer, to the response
//     identity: {subject: x-user, groups: x-groups}
//     cache: {ttl: 10s}
//
// 2xx lets the request in; 5xx, no answer and a broken one are failures; any other answer goes to
// the client as it is. The question has the request's fields that matter and what a proxy says of
// it, never its content: that waits in the client, held up by flow control.
#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/base/log.h"
#include "source/filters/auth/auth_question.h"
#include "source/filters/auth/auth_verdict.h"
#include "source/filters/auth/forward_auth_config.h"
#include "source/filters/auth/verdict_cache.h"
#include "source/filters/builtin.h"
#include "source/filters/field_name.h"

namespace gatehouse::filters {
namespace {

using pipeline::Action;
using pipeline::Stream;
using Kind = AuthVerdict::Kind;

// Removes fields of these names, and of names that upstreams may take for them.
void Strip(const std::vector<std::string>& names, http::Headers& headers) {
  for (const std::string& name : names) {
    RemoveVariable(headers, name);
  }
}

struct Counters {
  observe::MetricId allowed;
  observe::MetricId denied;
  observe::MetricId failed;
  observe::MetricId failed_open;
  observe::MetricId timeouts;
  observe::MetricId anonymous;
  observe::MetricId asked;
  observe::MetricId asked_microseconds;
  observe::MetricId cached;
  observe::MetricId shared;

  explicit Counters(const pipeline::LoadContext& context)
      : allowed(context.Counter("forward_auth", "allowed", "Requests that the service let in.")),
        denied(context.Counter("forward_auth", "denied",
                               "Requests that the service answered instead of letting them in.")),
        failed(context.Counter("forward_auth", "failed",
                               "Requests about which no verdict was to be had.")),
        failed_open(context.Counter("forward_auth", "failed_open",
                                    "Those of them that were let in nevertheless.")),
        timeouts(context.Counter("forward_auth", "timeouts",
                                 "Those of them for which the answer did not come in time.")),
        anonymous(context.Counter("forward_auth", "anonymous",
                                  "Requests without credentials let in by `allow_missing`.")),
        asked(context.Counter("forward_auth", "asked", "Questions that the service was sent.")),
        asked_microseconds(
            context.Counter("forward_auth", "asked_microseconds", "Time that their answers took.")),
        cached(context.Counter("forward_auth", "cached",
                               "Requests judged by an answer that was kept.")),
        shared(context.Counter("forward_auth", "shared",
                               "Requests that waited for the answer to another's question.")) {}
};

class ForwardAuthDefinition final : public pipeline::FilterDefinition {
 public:
  ForwardAuthDefinition(ForwardAuthConfig config, const pipeline::LoadContext& context)
      : FilterDefinition(
            {.request_headers = true, .response_headers = !config.rules.client_headers.empty()}, 0),
        config_(std::move(config)),
        counters_(context) {
    names_caller = !config_.rules.subject.empty();
    for (const RequestPart& part : config_.credentials) {
      const bool header = part.place == RequestPart::Place::kHeader;
      if (header || part.place == RequestPart::Place::kQuery) {
        secret_places.push_back((header ? "header " : "query ") + part.name + ":");
      }
    }
    if (config_.cache.enabled) {
      workers_.resize(context.workers);
      for (PerWorker& worker : workers_) {
        worker.cache = std::make_unique<VerdictCache>(config_.cache.max_entries);
      }
    }
  }

  pipeline::Filter* NewFilter(Stream& stream) const override {
    return stream.arena().New<Asker>(*this, stream);
  }
  // The client's own credentials stay: another filter may have to read them.
  void StripHeaders(http::RequestHead& head) const override {
    Strip(config_.question.held_back, head.headers);
  }
  void StripTrailers(http::Headers& trailers) const override {
    Strip(config_.rules.upstream_headers, trailers);
  }
  std::string Explain(const http::RequestHead&, const observe::StreamInfo&) const override {
    const pipeline::FetchTarget& target = config_.question.target;
    const bool is_url = target.cluster.find("://") != target.cluster.npos;
    return (is_url ? "asks " : "asks cluster ") + target.cluster + (is_url ? "" : " for ") +
           target.target;
  }

 private:
  struct alignas(64) PerWorker {
    std::unique_ptr<VerdictCache> cache;
    std::string key;  // Of the request at hand.
  };

  // What is done for one stream.
  class Asker final : public pipeline::Filter, private VerdictCache::Waiter {
   public:
    Asker(const ForwardAuthDefinition& definition, Stream& stream)
        : definition_(definition), stream_(stream) {}
    ~Asker() {
      if (waits_in_ != nullptr) {
        waits_in_->Leave(key_, *this);
      }
    }

    Action OnRequestHeaders(http::RequestHead& head, Stream&) override;
    Action OnResponseHeaders(http::ResponseHead& head, Stream&) override;

   private:
    Action AskOnce(PerWorker& worker, http::RequestHead& head);
    pipeline::FetchRequest Question(http::RequestHead& head);
    // The verdict on a stream that waits.
    void OnVerdict(VerdictCache::Verdict verdict, bool first) override;
    void Answered(VerdictCache::Verdict verdict);
    Action Settle(VerdictCache::Verdict verdict);
    Action Allow();
    Action Deny();
    Action Fail();
    Action PassUnknown(observe::MetricId counter, std::string_view verdict);
    bool HasCredentials();
    const ForwardAuthConfig& config() const { return definition_.config_; }
    const Counters& counters() const { return definition_.counters_; }

    const ForwardAuthDefinition& definition_;
    Stream& stream_;
    std::unique_ptr<pipeline::Pending> call_;
    VerdictCache* waits_in_ = nullptr;  // Under key_.
    std::string_view key_;
    MonotonicTime began_{};
    VerdictCache::Verdict verdict_;  // What the stream's fields and identity point into.
  };

  VerdictCache::Verdict Judge(Result<pipeline::FetchResponse> answer) const {
    return JudgeAnswer(config_.rules, name, std::move(answer));
  }
  std::string_view Detail(Stream& stream, std::string_view what) const {
    return stream.arena().Concat(std::string_view(name), ": ", what);
  }

  const ForwardAuthConfig config_;
  const Counters counters_;
  mutable std::vector<PerWorker> workers_;
  mutable log::Repeated complaints_;
};

Action ForwardAuthDefinition::Asker::OnRequestHeaders(http::RequestHead& head, Stream&) {
  if (config().allow_missing && !HasCredentials()) {
    return PassUnknown(counters().anonymous, "no credentials");
  }
  began_ = stream_.now();
  if (stream_.worker() < definition_.workers_.size()) {
    PerWorker& worker = definition_.workers_[stream_.worker()];
    if (config().cache.key.Make(head, stream_.info(), stream_.arena(), worker.key)) {
      return AskOnce(worker, head);
    }
  }
  call_ = stream_.services().Fetch(Question(head), [this](Result<pipeline::FetchResponse> answer) {
    const std::unique_ptr<pipeline::Pending> call = std::move(call_);
    OnVerdict(definition_.Judge(std::move(answer)), true);
  });
  return Action::kPause;
}

// Unless the answer is known, or somebody is asking just now.
Action ForwardAuthDefinition::Asker::AskOnce(PerWorker& worker, http::RequestHead& head) {
  if (const auto* kept = worker.cache->Find(worker.key, stream_.now())) {
    stream_.Count(counters().cached);
    return Settle(*kept);
  }
  key_ = stream_.arena().Copy(worker.key);
  waits_in_ = worker.cache.get();
  if (worker.cache->Wait(key_, *this)) {
    stream_.Count(counters().shared);
    return Action::kPause;
  }
  // The question may outlive this stream, but not the definition.
  worker.cache->Ask(key_, *this, stream_.services(), Question(head),
                    [&definition = definition_](Result<pipeline::FetchResponse> answer) {
                      return definition.Judge(std::move(answer));
                    });
  return Action::kPause;
}

pipeline::FetchRequest ForwardAuthDefinition::Asker::Question(http::RequestHead& head) {
  stream_.Count(counters().asked);
  return config().question.About(head, stream_.info());
}

void ForwardAuthDefinition::Asker::OnVerdict(VerdictCache::Verdict verdict, bool first) {
  VerdictCache* const cache = std::exchange(waits_in_, nullptr);
  if (first) {
    stream_.Count(
        counters().asked_microseconds,
        std::chrono::duration_cast<std::chrono::microseconds>(stream_.now() - began_).count());
  }
  if (first && cache != nullptr) {
    const Duration ttl = config().cache.TtlOf(*verdict);
    cache->Keep(key_, verdict, stream_.now(), ttl);
  }
  if (Settle(std::move(verdict)) == Action::kContinue) {
    stream_.Resume();
  }
}

Action ForwardAuthDefinition::Asker::Settle(VerdictCache::Verdict verdict) {
  verdict_ = std::move(verdict);
  switch (verdict_->kind) {
    case Kind::kAllow:
      return Allow();
    case Kind::kDeny:
      return Deny();
    case Kind::kFail:
      return Fail();
  }
  return Fail();
}

Action ForwardAuthDefinition::Asker::Allow() {
  http::Headers& headers = stream_.request().headers;
  Strip(config().rules.upstream_headers, headers);
  for (const auto& [name, value] : verdict_->upstream_fields) {
    if (!headers.Add(name, value)) {
      return stream_.ReplyError(ErrorCode::kHeadersTooLarge, "no room for upstream_headers");
    }
  }
  if (verdict_->identity) {
    stream_.SetIdentity(*verdict_->identity);
  }
  stream_.Count(counters().allowed);
  stream_.AddVerdict(definition_.name, "allowed");
  return Action::kContinue;
}

Action ForwardAuthDefinition::Asker::Deny() {
  stream_.Count(counters().denied);
  stream_.AddVerdict(definition_.name, "denied");
  const uint16_t status = verdict_->status;
  ErrorCode code = ErrorCode::kNotPermitted;
  if (status == 401 || status < 400) {  // A redirect leads to where one logs in.
    code = HasCredentials() ? ErrorCode::kBadCredentials : ErrorCode::kNoCredentials;
  }
  char digits[3] = {static_cast<char>('0' + status / 100),
                    static_cast<char>('0' + status / 10 % 10),
                    static_cast<char>('0' + status % 10)};
  const std::string_view what =
      stream_.arena().Concat("the service answered ", std::string_view(digits, sizeof(digits)));
  stream_.SetRefusal(code, definition_.Detail(stream_, what));
  auto fields =
      stream_.arena().NewArray<pipeline::ReplyHeaders::Field>(verdict_->client_fields.size());
  std::copy(verdict_->client_fields.begin(), verdict_->client_fields.end(), fields.begin());
  return stream_.Reply(
      status, verdict_->body,
      verdict_->content_type.empty() ? "text/plain; charset=utf-8" : verdict_->content_type,
      pipeline::ReplyHeaders(std::span<const pipeline::ReplyHeaders::Field>(fields)));
}

Action ForwardAuthDefinition::Asker::Fail() {
  const Error& failure = verdict_->failure;
  stream_.Count(counters().failed);
  if (failure.code == ErrorCode::kResponseTimeout || failure.code == ErrorCode::kConnectTimeout) {
    stream_.Count(counters().timeouts);
  }
  if (!config().allow_on_failure) {
    stream_.AddVerdict(definition_.name, "unavailable");
    return stream_.ReplyError(ErrorCode::kAuthUnavailable,
                              definition_.Detail(stream_, failure.message));
  }
  if (const auto held_back = definition_.complaints_.Admit(stream_.now())) {
    log::Warning("requests are let in without authentication",
                 {{"filter", definition_.name}, {"why", failure.message}, {"like", *held_back}});
  }
  return PassUnknown(counters().failed_open, "let in without an answer");
}

// Nobody vouches for what the client says of itself.
Action ForwardAuthDefinition::Asker::PassUnknown(observe::MetricId counter,
                                                 std::string_view verdict) {
  stream_.AddVerdict(definition_.name, verdict);
  Strip(config().rules.upstream_headers, stream_.request().headers);
  stream_.Count(counter);
  return Action::kContinue;
}

bool ForwardAuthDefinition::Asker::HasCredentials() {
  const auto is_in = [this](const RequestPart& part) {
    return part.IsIn(stream_.request(), stream_.arena());
  };
  return std::any_of(config().credentials.begin(), config().credentials.end(), is_in);
}

Action ForwardAuthDefinition::Asker::OnResponseHeaders(http::ResponseHead& head, Stream&) {
  if (verdict_ == nullptr || verdict_->kind != Kind::kAllow) {
    return Action::kContinue;
  }
  constexpr std::string_view kSetCookie = "set-cookie";  // Each is of its own.
  for (const auto& [name, value] : verdict_->client_fields) {
    if (name != kSetCookie) {
      head.headers.Remove(name);
    }
  }
  for (const auto& [name, value] : verdict_->client_fields) {
    head.headers.Add(name, value);
  }
  return Action::kContinue;
}

std::shared_ptr<pipeline::FilterDefinition> Load(config::Object& in,
                                                 const pipeline::LoadContext& context) {
  return std::make_shared<ForwardAuthDefinition>(LoadForwardAuth(in, context), context);
}

}  // namespace

pipeline::FilterType ForwardAuth() {
  return {.name = "forward_auth",
          .load = Load,
          .help = "Asks a service whether the request may pass.",
          .examples = {"cluster: auth, path: /verify, method: GET, timeout: 1s, on_failure: deny, "
                       "max_response_bytes: 64KiB, allow_missing: false, "
                       "request_headers: [authorization, cookie], credentials: [authorization, "
                       "\"cookie:session\"], upstream_headers: [x-user, x-groups, x-email], "
                       "client_headers: [set-cookie], denied_headers: [\"*\"], challenge: Bearer, "
                       "identity: {subject: x-user, groups: x-groups, claims: {email: x-email}}, "
                       "cache: {ttl: 10s, deny_ttl: 1s, key: [authorization, \"cookie:session\"], "
                       "per: [method, host, path, query], max_entries: 10000}",
                       "url: \"http://auth.internal:9000/verify\", identity: {subject: x-user}"},
          .authenticates = true};
}

}  // namespace gatehouse::filters
