// SPDX-License-Identifier: Apache-2.0
// One request and its response, from the first byte to the log line. stream.cc reads from top to
// bottom as its life; docs/life_of_a_request.md tells the same story.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "source/base/arena.h"
#include "source/event/deadline.h"
#include "source/event/loop.h"
#include "source/http/codec.h"
#include "source/pipeline/stream.h"
#include "source/proxy/attempt.h"
#include "source/proxy/filter_pass.h"
#include "source/proxy/handler.h"
#include "source/proxy/snapshot.h"
#include "source/proxy/worker.h"

namespace gatehouse::proxy {

class DownstreamConnection;
struct PinnedSnapshot;
class StreamReply;
struct Tunnel;

// On a fallback's answer: why it is one.
inline constexpr std::string_view kFallbackHeader = "x-gatehouse-fallback";

// Worker thread only. Reused: Begin() starts a life, End() closes it.
class Stream final : public http::RequestEvents,
                     public pipeline::Stream,
                     private Attempt::Owner,
                     private observe::HeaderSource,
                     private event::Deadline,
                     private event::Ready {
 public:
  explicit Stream(Worker::Parts& worker);
  ~Stream();

  // For the connection's list of its streams.
  Stream* next = nullptr;
  Stream* previous = nullptr;

  // A request begins on `connection`; its answer goes to `sender`.
  void Begin(DownstreamConnection& connection, http::ResponseSender& sender, PinnedSnapshot& pinned,
             const ListenerPlan& plan);
  // If it is a tunnel: ends it in good order, soon.
  void DrainTunnel();
  // Always and exactly once: the response is complete, or nothing more will come of it.
  void End(bool complete);
  // After End(), when no call is on the stack any more.
  void Recycle();

  // pipeline::Stream
  Arena& arena() override { return arena_; }
  http::RequestHead& request() override { return *head_; }
  http::ResponseHead* response() override { return response_head_; }
  const observe::StreamInfo& info() const override { return info_; }
  MonotonicTime now() const override;
  std::string_view request_id() override;
  pipeline::Action Reply(uint16_t status, std::string_view body, std::string_view content_type,
                         pipeline::ReplyHeaders headers) override;
  pipeline::Action ReplyError(ErrorCode code, std::string_view detail,
                              pipeline::ReplyHeaders headers = {}) override;
  void SetRefusal(ErrorCode code, std::string_view detail) override;
  void Resume() override;
  void SetIdentity(const observe::Identity& identity) override { info_.identity = &identity; }
  void AddVerdict(std::string_view filter, std::string_view verdict) override;
  void SetLimit(const observe::LimitState& limit) override;
  void Count(observe::MetricId id, int64_t amount) override;
  pipeline::Verdict Recall(const void* definition, uint64_t generation) const override;
  void Remember(const void* definition, uint64_t generation, pipeline::Verdict verdict) override;
  pipeline::Services& services() override;
  uint32_t worker() const override;

 private:
  friend class StreamReply;

  // What the request goes to once the filters are through.
  enum class Terminal : uint8_t { kNone, kForward, kHandler, kDiscard };

  // http::RequestEvents
  void OnHeaders(http::RequestHead& head, bool end) override;
  void OnRefused(http::RequestHead& head, const Error& error) override;
  void OnData(std::string_view data, bool end) override;
  void OnTrailers(http::Headers& trailers) override;
  void OnReset(const Error& error) override;
  void OnCredit() override;
  // Attempt::Owner
  void OnUpstreamConnected() override;
  void OnUpstreamInformational(http::ResponseHead& head) override;
  void OnUpstreamHeaders(http::ResponseHead& head, bool end) override;
  void OnUpstreamData(std::string_view data, bool end) override;
  void OnUpstreamTrailers(http::Headers& trailers) override;
  void OnUpstreamFailed(const Error& error) override;
  void OnUpstreamCredit() override;
  // observe::HeaderSource
  std::string_view RequestHeader(std::string_view name) const override;
  std::string_view ResponseHeader(std::string_view name) const override;
  void OnDeadline() override;
  void OnReady() override;

  // The request's way in, in this order.
  void Describe(http::RequestHead& head);
  bool NormaliseTarget();
  bool AnswerMaxForwards();
  void MatchRoute();
  void TellForwarded();
  void UseChain(const pipeline::Chain& chain);
  void RequestPassed();
  void RequestDataPassed(std::string_view chunk, bool end);
  void RequestTrailersPassed(http::Headers& trailers);
  void StartForward(const route::Forward& forward);
  // Circuit breaker (circuit.cc): whether it lets the request go on; else it has been answered.
  bool AskBreaker(upstream::Breaker* breaker, MonotonicTime now);
  void TellBreaker(uint16_t status);
  void TellBreaker(ErrorCode code);
  ErrorCode WhyLate() const;
  // Fallback (fallback.cc): whether the route has one for this, and it is on its way.
  bool FallBack(ErrorCode code);
  // Whether who is refused for this goes on, and to the fallback's cluster in the end.
  bool GoesElsewhere(ErrorCode code);
  bool FallBack(uint16_t status);
  bool FallBack(std::string_view reason);
  bool CanForwardAgain() const;
  bool ForwardFallback(const route::Arm& arm);
  void StartRedirect(const route::Redirect& redirect);
  void StartRespond(const route::Respond& respond);
  void StartHandler();
  void RunHandler();
  void DropHandlerReply();
  void Rewrite(const route::Forward& forward);
  void ReleaseRequestWindow();
  // The response's way out.
  http::ResponseHead& NewResponse(uint16_t status);
  void SendLocal(http::ResponseHead& head, std::string_view body);
  void StartResponse(http::ResponseHead& head, bool end);
  void EndUpstream();
  void ResponsePassed();
  void ResponseDataPassed(std::string_view chunk, bool end);
  void ResponseTrailersPassed(http::Headers& trailers);
  void ReleaseResponseWindow();
  void BeginTunnel();
  void TunnelData(std::string_view data, bool end);
  void TellGoingAway();
  void TellAttempt();
  void Abort(ErrorCode code, std::string_view detail);
  void CountUpstream();
  void Fail(const Error& error);
  void NoteRequestWhole();
  void TellAnswerer();
  void TellDurations();
  void TellStages(MonotonicTime now);
  void CountEnd();
  void CountRoute();
  // Time.
  void ArmDeadline();
  MonotonicTime NextDeadline() const;

  struct RequestSink final : PassSink {
    explicit RequestSink(Stream& stream) : stream(stream) {}
    void HeadPassed() override { stream.RequestPassed(); }
    void DataPassed(std::string_view chunk, bool end) override {
      stream.RequestDataPassed(chunk, end);
    }
    void TrailersPassed(http::Headers& trailers) override {
      stream.RequestTrailersPassed(trailers);
    }
    void CollectingBegan() override;
    void CollectedTooMuch() override;
    Stream& stream;
  };
  struct ResponseSink final : PassSink {
    explicit ResponseSink(Stream& stream) : stream(stream) {}
    void HeadPassed() override { stream.ResponsePassed(); }
    void DataPassed(std::string_view chunk, bool end) override {
      stream.ResponseDataPassed(chunk, end);
    }
    void TrailersPassed(http::Headers& trailers) override {
      stream.ResponseTrailersPassed(trailers);
    }
    void CollectingBegan() override {}
    void CollectedTooMuch() override;
    Stream& stream;
  };

  // The response's content on its way past us.
  struct ResponseSplice final : event::PipeTarget {
    explicit ResponseSplice(Stream& stream) : stream(stream) {}
    event::Socket& pipe_socket() override;
    void OnPiped(size_t bytes) override;
    Stream& stream;
  };

  Worker::Parts& worker_;
  Arena arena_;
  RequestSink request_sink_{*this};
  ResponseSink response_sink_{*this};
  ResponseSplice response_splice_{*this};
  FilterPass<RequestDirection> request_pass_;
  FilterPass<ResponseDirection> response_pass_;
  Attempt attempt_;
  Buffer handler_body_;

  DownstreamConnection* connection_ = nullptr;
  http::ResponseSender* sender_ = nullptr;  // Null once the response is out or nobody wants it.
  PinnedSnapshot* pinned_ = nullptr;
  const ListenerPlan* plan_ = nullptr;
  const route::Route* route_ = nullptr;
  const upstream::Cluster* cluster_ = nullptr;  // Of `pinned_`.
  const pipeline::Chain* chain_ = nullptr;
  FilterList filters_;
  http::RequestHead* head_ = nullptr;
  http::ResponseHead* response_head_ = nullptr;
  std::weak_ptr<StreamReply> handler_reply_;
  observe::StreamInfo info_;
  observe::FilterVerdict* last_verdict_ = nullptr;

  size_t request_unconsumed_ = 0;  // Delivered by the codec, still on its way through.
  size_t response_unconsumed_ = 0;
  MonotonicTime request_activity_{};
  MonotonicTime response_activity_{};
  MonotonicTime upstream_started_{};
  MonotonicTime upstream_connected_{};  // The last time that there was a connection to ask on.
  MonotonicTime upstream_answered_{};   // The head of the response.
  MonotonicTime upstream_ended_{};      // Of the response, or of the wait for it.
  MonotonicTime own_answer_{};          // When the gateway began to answer itself.
  Tunnel* tunnel_ = nullptr;            // After a 101: bytes both ways, past the filters.
  Duration upstream_before_{};          // With another cluster, before a fallback.
  upstream::Breaker::Pass breaker_pass_;
  Terminal terminal_ = Terminal::kNone;
  bool request_whole_ = false;
  bool request_has_content_ = false;
  bool rewritten_ = false;         // What `rewrite` of the route asks for has been done.
  bool elsewhere_ = false;         // Over a limit: the fallback's cluster takes it.
  bool response_started_ = false;  // Its head has been given to the response filters.
  bool response_sent_ = false;     // Its head has been given to the codec.
  bool response_end_ = false;      // No content follows the head.
  bool aborting_ = false;          // The next answer is the gateway's, whoever it waits for.
  bool ended_ = true;
};

}  // namespace gatehouse::proxy
