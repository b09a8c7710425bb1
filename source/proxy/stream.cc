// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/stream.h"

#include <algorithm>
#include <string>

#include "source/base/text.h"
#include "source/http/path.h"
#include "source/proxy/downstream_connection.h"
#include "source/proxy/error_response.h"
#include "source/proxy/forwarded.h"
#include "source/proxy/worker_parts.h"

namespace gatehouse::proxy {
namespace {

std::string_view ProtocolName(http::Version version) {
  switch (version) {
    case http::Version::kHttp10:
      return "HTTP/1.0";
    case http::Version::kHttp11:
      break;
    case http::Version::kHttp2:
      return "HTTP/2";
  }
  return "HTTP/1.1";
}

// RFC 9110 section 7.6.3: the version in which it was received.
std::string_view ViaOf(http::Version version) {
  switch (version) {
    case http::Version::kHttp10:
      return "1.0 gatehouse";
    case http::Version::kHttp11:
      break;
    case http::Version::kHttp2:
      return "2.0 gatehouse";
  }
  return "1.1 gatehouse";
}

}  // namespace

Stream::Stream(Worker::Parts& worker)
    : worker_(worker),
      arena_(worker.arenas),
      request_pass_(worker.buffers, *this, request_sink_),
      response_pass_(worker.buffers, *this, response_sink_),
      attempt_(worker.buffers, arena_, *this),
      handler_body_(worker.buffers) {}

Stream::~Stream() = default;

// ---- Its beginning ----

void Stream::Begin(DownstreamConnection& connection, http::ResponseSender& sender,
                   PinnedSnapshot& pinned, const ListenerPlan& plan) {
  connection_ = &connection;
  sender_ = &sender;
  pinned_ = &pinned;
  plan_ = &plan;
  ++pinned.streams;
  info_ = {};
  info_.headers = this;
  info_.started = worker_.loop.now();
  info_.start = worker_.WallAt(info_.started);
  route_ = nullptr;
  head_ = nullptr;
  response_head_ = nullptr;
  request_unconsumed_ = response_unconsumed_ = 0;
  terminal_ = Terminal::kNone;
  request_whole_ = request_has_content_ = response_started_ = response_sent_ = false;
  rewritten_ = elsewhere_ = false;
  response_end_ = ended_ = aborting_ = false;
  tunnel_ = nullptr;
  last_verdict_ = nullptr;
  worker_.metrics.Add(plan.metrics[ListenerMetric::kRequests]);
}

void Stream::OnHeaders(http::RequestHead& head, bool end) {
  // What follows a request for an upgrade is not its content.
  end = end || !head.upgrade.empty();
  request_whole_ = false;
  request_has_content_ = !end;
  if (end) {
    NoteRequestWhole();
  }
  Describe(head);
  if (!NormaliseTarget()) {
    UseChain(*plan_->no_route);
    (void)ReplyError(ErrorCode::kMalformedPath, "the path can't be normalised");
    return;
  }
  MatchRoute();
  TellForwarded();
  request_pass_.PassHead(head, end);
  if (!ended_ && !request_whole_) {
    ArmDeadline();
  }
}

// The codec would not take it: it is answered and logged like any other.
void Stream::OnRefused(http::RequestHead& head, const Error& error) {
  NoteRequestWhole();
  Describe(head);
  UseChain(*plan_->no_route);
  worker_.metrics.Add(plan_->metrics[ListenerMetric::kMalformed]);
  (void)ReplyError(error.code, error.message);
}

void Stream::Describe(http::RequestHead& head) {
  head_ = &head;
  info_.method = head.method_name;
  info_.target = head.target;
  info_.path = head.path;
  info_.host = head.host;
  // The connection's, whatever an absolute target claims.
  head.scheme = connection_->tls() == nullptr ? "http" : "https";
  info_.tls = connection_->tls();
  info_.protocol = ProtocolName(head.version);
  info_.listener = plan_->settings->name;
  info_.peer = info_.client = connection_->peer();
  info_.peer_port = connection_->peer_port();
  request_activity_ = response_activity_ = worker_.loop.now();
  if (connection_->trusted()) {
    info_.client = ClientBehind(*plan_->settings, info_.peer, head.headers);
    info_.client_is_peer = info_.client == info_.peer;
    const std::string_view proto = head.headers.Value(http::Known::kXForwardedProto);
    head.scheme = EqualsIgnoreCase(proto, "https")  ? "https"
                  : EqualsIgnoreCase(proto, "http") ? "http"
                                                    : head.scheme;
  } else {
    // Says who a client is, to upstreams that believe it.
    head.headers.Remove("x-forwarded-client-cert");
  }
  info_.scheme = head.scheme;
}

bool Stream::NormaliseTarget() {
  const ListenerSettings& settings = *plan_->settings;
  const http::PathOptions options{settings.merge_slashes,
                                  settings.encoded_slash == EncodedSlash::kKeep
                                      ? http::EncodedSlash::kKeep
                                      : http::EncodedSlash::kReject};
  const Result<std::string_view> path = http::NormalisePath(head_->path, options, arena_);
  if (!path) {
    return false;
  }
  if (path->data() != head_->path.data() || path->size() != head_->path.size()) {
    const bool query = head_->target.size() > head_->path.size();
    head_->target = query ? arena_.Concat(*path, "?", head_->query) : *path;
    head_->path = head_->target.substr(0, path->size());
    info_.path = head_->path;
  }
  return true;
}

// OPTIONS with Max-Forwards: the last hop it names answers itself (RFC 9110 section 7.6.2).
bool Stream::AnswerMaxForwards() {
  if (head_->method != http::Method::kOptions) {
    return false;
  }
  const http::Field* field = head_->headers.Find(http::Known::kMaxForwards);
  const std::optional<uint64_t> hops = field == nullptr ? std::nullopt : ParseUint(field->value);
  if (!hops) {
    return false;
  }
  if (*hops == 0) {
    (void)Reply(200, "", "text/plain; charset=utf-8",
                {{"allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"}});
    return true;
  }
  std::string less;
  AppendUint(less, *hops - 1);
  head_->headers.Set(http::Known::kMaxForwards, arena_.Copy(less));
  return false;
}

void Stream::MatchRoute() {
  const Snapshot& snapshot = *pinned_->snapshot;
  if (snapshot.routes != nullptr) {
    const auto listener = static_cast<uint32_t>(plan_ - snapshot.listeners.data());
    route_ = snapshot.routes->Match({*head_, listener, info_.client});
  }
  const pipeline::Chain* chain = plan_->no_route;
  if (route_ != nullptr) {
    info_.route = route_->name;
    const route::Forward* forward = route_->forward();
    info_.labels = forward == nullptr ? nullptr : &forward->labels();
    worker_.metrics.Add(snapshot.route_metrics[route_->index][RouteMetric::kRequests]);
    chain = plan_->chains[route_->index];
  }
  UseChain(*chain);
}

void Stream::UseChain(const pipeline::Chain& chain) {
  chain_ = &chain;
  filters_ = {};
  if (!chain.empty()) {
    auto* filters =
        static_cast<pipeline::Filter**>(arena_.Allocate(chain.size() * sizeof(pipeline::Filter*)));
    size_t count = 0;
    for (const auto& definition : chain.definitions()) {
      filters[count++] = definition->NewFilter(*this);
    }
    filters_ = {filters, count};
  }
  request_pass_.Begin(chain, filters_);
  response_pass_.Begin(chain, filters_);
}

// Before the filters, so that they can change what is told.
void Stream::TellForwarded() {
  const ListenerSettings& settings = *plan_->settings;
  ForwardedFacts facts;
  facts.peer = connection_->peer_text();
  facts.client = info_.client_is_peer ? facts.peer : arena_.Copy(info_.client.ToString());
  facts.scheme = info_.scheme;
  facts.request_id = settings.forward_request_id ? request_id() : std::string_view();
  facts.via = ViaOf(head_->version);
  facts.trusted = connection_->trusted();
  ApplyForwarded(settings, facts, *head_);
}

// ---- The request's content ----

void Stream::OnData(std::string_view data, bool end) {
  request_activity_ = worker_.loop.now();
  if (end) {
    NoteRequestWhole();
  }
  request_unconsumed_ += data.size();
  info_.request_bytes += data.size();
  if (terminal_ == Terminal::kDiscard) {
    ReleaseRequestWindow();
    return;
  }
  if (tunnel_ != nullptr) {
    attempt_.SendData(data, end);
    return;
  }
  request_pass_.PassData(data, end);
  // What is collected is bounded by the collector; what is gone is gone.
  if (!ended_ && (request_pass_.collecting() || terminal_ == Terminal::kDiscard ||
                  terminal_ == Terminal::kHandler)) {
    ReleaseRequestWindow();
  }
  if (!ended_) {
    ArmDeadline();  // Whose turn it is may have changed, and with it what is due first.
  }
}

void Stream::OnTrailers(http::Headers& trailers) {
  NoteRequestWhole();
  if (terminal_ != Terminal::kDiscard) {
    request_pass_.PassTrailers(trailers);
  }
  if (!ended_) {
    ArmDeadline();
  }
}

void Stream::RequestSink::CollectingBegan() {
  // Nobody behind the collecting filter will ask the client to go on.
  if (stream.head_->expects_continue && stream.sender_ != nullptr) {
    http::ResponseHead& head = *stream.arena_.New<http::ResponseHead>(stream.arena_);
    head.status = 100;
    stream.sender_->SendInformational(head);
    stream.head_->expects_continue = false;
    stream.head_->headers.Remove(http::Known::kExpect);
  }
}

void Stream::RequestSink::CollectedTooMuch() {
  (void)stream.ReplyError(ErrorCode::kBodyTooLarge, "a filter's max_buffer was reached");
}

void Stream::ReleaseRequestWindow() {
  if (sender_ != nullptr && request_unconsumed_ > 0) {
    const size_t bytes = std::exchange(request_unconsumed_, 0);
    sender_->Consume(bytes);
  }
}

void Stream::OnUpstreamCredit() {
  request_activity_ = worker_.loop.now();
  if (!request_pass_.paused()) {
    ReleaseRequestWindow();
    ArmDeadline();
  }
}

// ---- The response ----

void Stream::OnUpstreamConnected() { upstream_connected_ = worker_.loop.now(); }

void Stream::OnUpstreamInformational(http::ResponseHead& head) {
  response_activity_ = worker_.loop.now();
  // A 100 that the client did not ask for would only confuse it.
  const bool wanted = head.status != 100 || head_->expects_continue;
  if (wanted && sender_ != nullptr && !response_started_) {
    sender_->SendInformational(head);
  }
}

void Stream::OnUpstreamHeaders(http::ResponseHead& head, bool end) {
  info_.upstream_status = head.status;
  upstream_answered_ = worker_.loop.now();
  TellBreaker(head.status);
  if (FallBack(head.status)) {
    return;
  }
  if (!info_.fallback.empty()) {
    head.headers.Set(kFallbackHeader, info_.fallback);
  }
  // RFC 9110 section 6.6.1: who has a clock adds what the origin left out.
  if (!head.headers.Has(http::Known::kDate) && head.status >= 200) {
    head.headers.Add("date", arena_.Copy(worker_.Date()));
  }
  TellAttempt();
  if (end) {
    EndUpstream();
  }
  StartResponse(head, end);
  if (!ended_) {
    ArmDeadline();  // `idle` may be shorter than what was left of `response_headers`.
  }
}

void Stream::StartResponse(http::ResponseHead& head, bool end) {
  response_activity_ = worker_.loop.now();
  response_head_ = &head;
  response_started_ = true;
  response_end_ = end;
  response_pass_.PassHead(head, end);
}

void Stream::ResponsePassed() {
  if (sender_ == nullptr) {
    return;
  }
  response_sent_ = true;
  info_.status = response_head_->status;
  // The codec may end the stream inside this call.
  sender_->SendHeaders(*response_head_, response_end_);
  if (sender_ != nullptr && response_head_->status == 101) {
    BeginTunnel();
    return;
  }
  // Content that no filter looks at, framed alike on both sides, need not come up to us.
  if (sender_ != nullptr && !response_end_ && sender_->sends_raw() && connection_->sends_raw() &&
      !response_pass_.wants_body()) {
    attempt_.SpliceTo(response_splice_);
  }
}

event::Socket& Stream::ResponseSplice::pipe_socket() { return stream.connection_->socket(); }

void Stream::ResponseSplice::OnPiped(size_t bytes) {
  stream.response_activity_ = stream.worker_.loop.now();
  stream.info_.response_bytes += bytes;
  stream.Count(stream.plan_->metrics[ListenerMetric::kSentBytes], static_cast<int64_t>(bytes));
  stream.sender_->NoteSent(bytes);
}

void Stream::OnUpstreamData(std::string_view data, bool end) {
  response_activity_ = worker_.loop.now();
  response_unconsumed_ += data.size();
  if (end) {
    EndUpstream();
  }
  if (tunnel_ != nullptr) {
    TunnelData(data, end);
    return;
  }
  response_pass_.PassData(data, end);
  if (!ended_ && response_pass_.collecting()) {
    ReleaseResponseWindow();
  }
}

// Its response is whole.
void Stream::EndUpstream() {
  upstream_ended_ = worker_.loop.now();
  breaker_pass_.Finish(upstream_ended_);
}

void Stream::ResponseDataPassed(std::string_view chunk, bool end) {
  if (sender_ == nullptr) {
    return;
  }
  info_.response_bytes += chunk.size();
  sender_->SendData(chunk, end);
}

void Stream::OnUpstreamTrailers(http::Headers& trailers) {
  EndUpstream();
  response_pass_.PassTrailers(trailers);
}

void Stream::ResponseTrailersPassed(http::Headers& trailers) {
  if (sender_ != nullptr) {
    sender_->SendTrailers(trailers);
  }
}

void Stream::ResponseSink::CollectedTooMuch() {
  stream.Abort(ErrorCode::kMalformedResponse, "the response is larger than a filter's max_buffer");
}

// The client has taken what was sent.
void Stream::OnCredit() {
  response_activity_ = worker_.loop.now();
  if (attempt_.splice_blocked()) {
    attempt_.ContinueSplice();
  }
  if (!response_pass_.paused()) {
    ReleaseResponseWindow();
  }
}

void Stream::ReleaseResponseWindow() {
  if (response_unconsumed_ > 0) {
    attempt_.Consume(std::exchange(response_unconsumed_, 0));
  }
}

// ---- What can go wrong ----

void Stream::OnReset(const Error& error) {
  info_.error = error.code;
  info_.error_detail = arena_.Copy(error.message);
  NoteRequestWhole();
  if (error.code == ErrorCode::kClientGone || response_sent_) {
    sender_ = nullptr;
    End(false);
    return;
  }
  worker_.metrics.Add(plan_->metrics[ListenerMetric::kMalformed]);
  aborting_ = true;
  (void)ReplyError(error.code, error.message);
}

void Stream::OnUpstreamFailed(const Error& error) {
  TellAttempt();
  TellBreaker(error.code);
  upstream_ended_ = worker_.loop.now();
  Fail(error);
}

// Response filters may ask where the answer came from.
void Stream::TellAttempt() {
  info_.attempts = attempt_.attempts();
  if (attempt_.endpoint() != nullptr) {
    info_.endpoint = attempt_.endpoint()->name;
  }
}

void Stream::Fail(const Error& error) { Abort(error.code, error.message); }

// An answer if none has begun; else the client must see that what it has is not whole.
void Stream::Abort(ErrorCode code, std::string_view detail) {
  if (ended_) {
    return;
  }
  // A response that is found wrong before any of it has left gives way to one that says so.
  if (sender_ != nullptr && (!response_sent_ || sender_->TakeBack())) {
    response_sent_ = false;
    info_.response_bytes = 0;
    aborting_ = true;
    (void)ReplyError(code, detail);
    return;
  }
  info_.error = code;
  info_.error_detail = arena_.Copy(detail);
  if (sender_ != nullptr) {
    std::exchange(sender_, nullptr)->Reset(code);
  }
  End(false);
}

// ---- Its end ----

void Stream::End(bool complete) {
  if (ended_) {
    return;
  }
  ended_ = true;
  Disarm();
  sender_ = nullptr;
  info_.complete = complete;
  TellAttempt();
  TellDurations();
  attempt_.Cancel();
  breaker_pass_.End();
  DropHandlerReply();
  request_pass_.Stop();
  response_pass_.Stop();
  CountEnd();
  for (size_t i = filters_.size(); i-- > 0;) {
    if (chain_->definitions()[i]->phases().stream_end) {
      filters_[i]->OnStreamEnd(info_, *this);
    }
  }
  connection_->OnStreamEnded(*this);
  worker_.RecycleLater(*this);
}

void Stream::Recycle() {
  event::Ready::Unlink();
  filters_ = {};
  handler_body_.Release();
  upstream_started_ = upstream_connected_ = upstream_answered_ = upstream_ended_ = {};
  own_answer_ = {};
  upstream_before_ = {};
  cluster_ = nullptr;
  attempt_.Forget();
  arena_.Reset();
  if (pinned_ != nullptr) {
    worker_.Unpin(*std::exchange(pinned_, nullptr));
  }
}

}  // namespace gatehouse::proxy
