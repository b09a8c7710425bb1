// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/client_codec.h"

#include <array>
#include <string>
#include <utility>

#include "source/base/check.h"
#include "source/http/h2/error_codes.h"
#include "source/http/h2/header_block.h"
#include "source/http/h2/session.h"
#include "source/http/h2/stream_pool.h"
#include "source/http/message/framing.h"
#include "source/http/receive_window.h"

namespace gatehouse::http {
namespace {

// What streams may hold together: their own windows are what counts, so that those whose content
// nobody takes never stop the others.
constexpr uint32_t kConnectionWindow = 1U << 30;

Error Lost(std::string message) {
  return {ErrorCode::kUpstreamReset, ErrorSource::kUpstream, std::move(message)};
}

Error Unprocessed(std::string message) {
  return {ErrorCode::kUpstreamUnprocessed, ErrorSource::kUpstream, std::move(message)};
}

class H2ClientCodec;

// Receives through StreamState, asks through RequestSender.
struct ClientStream final : StreamState, RequestSender {
  ClientStream(BufferPool& buffers, H2ClientCodec& codec) : StreamState(buffers), codec(codec) {}

  void SendHeaders(const RequestHead& head, bool end) override;
  bool response_started() const override { return started; }
  void SendData(std::string_view data, bool end) override;
  void SendTrailers(const Headers& trailers) override;
  void Reset(ErrorCode code) override;
  void Consume(size_t bytes) override;

  H2ClientCodec& codec;
  ResponseEvents* events = nullptr;  // Null once the owner has had its last event.
  Arena* arena = nullptr;
  const RequestHead* request = nullptr;  // In it.
  ResponseHead* head = nullptr;          // The one that is coming, or has come last.
  ReceiveWindow window;
  uint32_t informational = 0;
  bool started = false;
  bool answered = false;  // The final head has come.
};

class H2ClientCodec final : public ClientCodec, private Session::Owner {
 public:
  H2ClientCodec(ClientCodec::Events& events, ByteSink& sink, BufferPool& buffers,
                const CodecLimits& limits, std::string_view scheme);

  RequestSender& Start(ResponseEvents& events, Arena& arena) override;
  bool CanStart() const override { return streams_.count() < max_streams(); }
  uint32_t max_streams() const override;
  bool CanUpgrade() const override {
    return session_.peer_setting(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
  }
  void OnFlush() override { session_.Flush(); }
  void OnTick(MonotonicTime now) override { session_.OnTick(now); }
  size_t OnInput(std::string_view input) override {
    session_.Receive(input);
    return input.size();
  }
  void OnEof() override;
  void OnTransportLost(const Error& error) override;
  void OnSinkDrained() override { session_.Flush(); }
  size_t input_room() const override { return session_.stuck() ? 0 : kRead; }
  uint64_t raw_input() const override { return 0; }
  void NoteReceived(uint64_t, bool) override {}

 private:
  friend struct ClientStream;
  static constexpr size_t kRead = 64 * 1024;
  // The header block that is coming.
  enum class Block : uint8_t { kNone, kHead, kTrailers };

  // Session::Owner
  void OnBlockBegin(int32_t id, StreamState* stream, bool opens) override;
  bool OnField(std::string_view name, std::string_view value, bool never_indexed) override;
  void OnBlockEnd(bool end) override;
  void OnContent(StreamState& stream, std::string_view data, bool end) override;
  void OnPeerSettings() override { events_.OnCapacityChanged(); }
  void OnGoaway() override;
  void SubmitHead(StreamState& stream) override;
  bool CanSubmit() const override;
  void OnMessageSent(StreamState&) override {}
  void OnStreamOver(StreamState& stream) override;
  void OnCredit(StreamState& stream) override;
  void OnFault(PeerFault, std::string_view what) override { fault_ = what; }
  void OnOver(bool lost) override;

  void EndHead(ClientStream& stream, bool end);
  void TakeInformational(ClientStream& stream);
  void EndTrailers(ClientStream& stream, bool end);
  template <typename Tell>
  void TellEnd(ClientStream& stream, Tell tell);
  void Malformed(ClientStream& stream, const char* reason);
  void End(ClientStream& stream);
  void Fail(ClientStream& stream, const Error& error);
  void FailUnsent(const std::string& message);
  void FailAll(const std::string& message);

  ClientCodec::Events& events_;
  BufferPool& buffers_;
  const CodecLimits limits_;
  const std::string_view scheme_;
  Session session_;
  ResponseBlock response_block_;
  TrailerBlock trailer_block_;
  StreamPool<ClientStream> streams_;
  ClientStream* block_stream_ = nullptr;  // Whose header block it is.
  Headers* trailers_ = nullptr;           // In its arena.
  std::string fault_;                     // What the endpoint has done.
  uint32_t submitted_ = 0;                // Streams that nghttp2 has.
  Block block_ = Block::kNone;
  bool goaway_ = false;
};

// ---- What the owner of a stream asks for ----

void ClientStream::SendHeaders(const RequestHead& head, bool end) {
  if (!over && !head_queued) {
    request = &head;
    end_queued = end;
    codec.session_.QueueHead(*this);
  }
}

void ClientStream::SendData(std::string_view data, bool end) {
  if (!over && head_queued && !end_queued) {
    codec.session_.SendData(*this, data, end);
  }
}

void ClientStream::SendTrailers(const Headers& trailers) {
  if (!over && head_queued && !end_queued) {
    codec.session_.SendTrailers(*this, trailers);
  }
}

void ClientStream::Reset(ErrorCode code) {
  if (events == nullptr) {
    return;  // It is on its way out by itself.
  }
  H2ClientCodec& connection = codec;
  connection.session_.Reset(*this, ResetCodeOf(code));
  connection.End(*this);
  connection.events_.OnStreamDone(!connection.session_.ending());
}

void ClientStream::Consume(size_t bytes) {
  codec.session_.Consume(*this, bytes);
  if (window.Take(bytes, unconsumed) && !input_ended && !over) {
    codec.session_.GrowWindow(*this, window.bytes());
  }
}

// ---- The connection ----

H2ClientCodec::H2ClientCodec(ClientCodec::Events& events, ByteSink& sink, BufferPool& buffers,
                             const CodecLimits& limits, std::string_view scheme)
    : events_(events),
      buffers_(buffers),
      limits_(limits),
      scheme_(scheme),
      session_(FrameGuard::Side::kClient, *this, sink, limits_),
      response_block_(limits_),
      trailer_block_(limits_) {
  const std::array<nghttp2_settings_entry, 3> settings = {{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, ReceiveWindow::kFirst},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.max_header_bytes},
  }};
  session_.Announce(settings, kConnectionWindow);
}

uint32_t H2ClientCodec::max_streams() const {
  return goaway_ || session_.ending() || !session_.can_request()
             ? 0
             : session_.peer_setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

RequestSender& H2ClientCodec::Start(ResponseEvents& events, Arena& arena) {
  GATEHOUSE_CHECK(CanStart(), "a request is started on a connection that can't take one");
  ClientStream& stream = streams_.Begin(buffers_, *this);
  stream.events = &events;
  stream.arena = &arena;
  stream.request = nullptr;
  stream.head = nullptr;
  stream.window = {};
  stream.informational = 0;
  stream.started = stream.answered = false;
  return stream;
}

void H2ClientCodec::OnEof() {
  if (!session_.over()) {
    session_.Stop();
    FailAll("the endpoint closed the connection");
    events_.OnCloseWanted();
  }
}

void H2ClientCodec::OnTransportLost(const Error& error) {
  session_.Stop();
  FailAll(error.message);
}

void H2ClientCodec::OnOver(bool lost) {
  FailAll(lost             ? "the endpoint does not answer any more"
          : fault_.empty() ? "the endpoint has ended the connection"
                           : fault_);
  events_.OnCloseWanted();
}

void H2ClientCodec::OnGoaway() {
  goaway_ = true;
  FailUnsent("the endpoint takes no further requests on this connection");
  events_.OnCapacityChanged();
}

void H2ClientCodec::FailUnsent(const std::string& message) {
  for (ClientStream* stream = streams_.front(); stream != nullptr;) {
    ClientStream* const next = streams_.next(*stream);
    if (stream->head_queued && !stream->head_sent) {
      Fail(*stream, Unprocessed(message));
      events_.OnStreamDone(!session_.ending());
      stream = streams_.front();  // Others may have gone with it.
    } else {
      stream = next;
    }
  }
}

void H2ClientCodec::FailAll(const std::string& message) {
  block_ = Block::kNone;
  while (ClientStream* const stream = streams_.front()) {
    const bool sent = stream->head_sent;
    Fail(*stream, sent ? Lost(message) : Unprocessed(message));
  }
}

void H2ClientCodec::Fail(ClientStream& stream, const Error& error) {
  session_.Forget(stream);
  // The owner may ask the stream while it is told, and Reset() it.
  if (ResponseEvents* const events = std::exchange(stream.events, nullptr)) {
    events->OnReset(error);
  }
  End(stream);
}

void H2ClientCodec::End(ClientStream& stream) {
  if (block_stream_ == &stream) {
    block_stream_ = nullptr;
    block_ = Block::kNone;
  }
  submitted_ -= stream.head_sent ? 1 : 0;
  streams_.End(stream);
}

// ---- Requests ----

void H2ClientCodec::SubmitHead(StreamState& state) {
  auto& stream = static_cast<ClientStream&>(state);
  if (session_.SendRequest(stream, session_.fields().Request(*stream.request, scheme_))) {
    ++submitted_;
  } else {
    goaway_ = true;  // No identifiers are left.
    session_.TellLater(stream, NGHTTP2_REFUSED_STREAM);
  }
}

bool H2ClientCodec::CanSubmit() const {
  return submitted_ < session_.peer_setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

void H2ClientCodec::OnCredit(StreamState& state) {
  if (ResponseEvents* const events = static_cast<ClientStream&>(state).events) {
    events->OnCredit();
  }
}

// ---- Responses ----

void H2ClientCodec::OnBlockBegin(int32_t, StreamState* state, bool) {
  auto* const stream = static_cast<ClientStream*>(state);
  block_ = Block::kNone;
  block_stream_ = stream;
  if (stream == nullptr || stream->input_ended) {
    block_stream_ = nullptr;
  } else if (stream->answered) {
    trailers_ = stream->arena->New<Headers>(*stream->arena);
    trailer_block_.Begin(*trailers_, FieldOrigin::kResponse);
    block_ = Block::kTrailers;
  } else {
    stream->started = true;
    stream->head = stream->arena->New<ResponseHead>(*stream->arena);
    response_block_.Begin(*stream->head, stream->request->method,
                          !stream->request->upgrade.empty());
    block_ = Block::kHead;
  }
}

bool H2ClientCodec::OnField(std::string_view name, std::string_view value, bool never_indexed) {
  switch (block_) {
    case Block::kHead:
      response_block_.Add(name, value, never_indexed);
      return !response_block_.is_excessive();
    case Block::kTrailers:
      trailer_block_.Add(name, value, never_indexed);
      return !trailer_block_.is_excessive();
    case Block::kNone:
      break;
  }
  return true;
}

void H2ClientCodec::OnBlockEnd(bool end) {
  const Block block = std::exchange(block_, Block::kNone);
  ClientStream* const stream = std::exchange(block_stream_, nullptr);
  if (stream == nullptr) {
    return;
  }
  if (block == Block::kHead) {
    EndHead(*stream, end);
  } else if (block == Block::kTrailers) {
    EndTrailers(*stream, end);
  }
}

void H2ClientCodec::EndHead(ClientStream& stream, bool end) {
  if (const Fault fault = response_block_.Finish(end)) {
    Malformed(stream, fault.reason);
    return;
  }
  ResponseHead& head = *stream.head;
  const bool tunnel = head.status == 101;
  if (head.status < 200 && !tunnel) {
    if (end) {
      Malformed(stream, "a 1xx response ends the stream");
    } else {
      TakeInformational(stream);
    }
    return;
  }
  stream.answered = true;
  stream.counted.Begin(head.framing, head.content_length,
                       !tunnel && !MayHaveContent(stream.request->method, head.status));
  if (const char* const reason = stream.counted.Take(0, end)) {
    Malformed(stream, reason);
  } else if (end) {
    TellEnd(stream, [&head](ResponseEvents& events) { events.OnHeaders(head, true); });
  } else {
    stream.events->OnHeaders(head, false);
  }
}

void H2ClientCodec::TakeInformational(ClientStream& stream) {
  if (++stream.informational > limits_.max_informational) {
    Malformed(stream, "more 1xx responses than the limit allows");
  } else {
    stream.events->OnInformational(*stream.head);
  }
}

void H2ClientCodec::OnContent(StreamState& state, std::string_view data, bool end) {
  auto& stream = static_cast<ClientStream&>(state);
  if (!stream.answered) {
    Malformed(stream, "content comes before the head");
  } else if (const char* const reason = stream.counted.Take(data.size(), end)) {
    Malformed(stream, reason);
  } else if (end) {
    TellEnd(stream, [data](ResponseEvents& events) { events.OnData(data, true); });
  } else if (!data.empty()) {
    stream.events->OnData(data, false);
  }
}

void H2ClientCodec::EndTrailers(ClientStream& stream, bool end) {
  const Fault fault = trailer_block_.Finish(end);
  const char* const reason = fault ? fault.reason : stream.counted.Take(0, true);
  if (reason != nullptr) {
    Malformed(stream, reason);
  } else if (trailers_->count() == 0) {
    TellEnd(stream, [](ResponseEvents& events) { events.OnData({}, true); });
  } else {
    TellEnd(stream,
            [trailers = trailers_](ResponseEvents& events) { events.OnTrailers(*trailers); });
  }
}

// The response is whole. So is its request as a rule, and then the owner goes with this event; an
// endpoint that has answered before it had all of the request does not get the rest.
template <typename Tell>
void H2ClientCodec::TellEnd(ClientStream& stream, Tell tell) {
  stream.input_ended = true;
  if (!stream.end_queued) {
    tell(*stream.events);
    return;
  }
  ResponseEvents& events = *std::exchange(stream.events, nullptr);
  const bool cut = !stream.end_sent;
  if (cut) {
    session_.Reset(stream, NGHTTP2_CANCEL);
  }
  tell(events);
  if (cut) {
    End(stream);
    events_.OnStreamDone(!session_.ending());
  }
}

void H2ClientCodec::Malformed(ClientStream& stream, const char* reason) {
  session_.Reset(stream, NGHTTP2_PROTOCOL_ERROR);
  Fail(stream, {ErrorCode::kMalformedResponse, ErrorSource::kUpstream, reason});
  events_.OnStreamDone(!session_.ending());
}

// Both messages are whole, or the stream has been reset. An owner that is still there had its
// response and went on with its request: its sender goes now.
void H2ClientCodec::OnStreamOver(StreamState& state) {
  auto& stream = static_cast<ClientStream&>(state);
  const bool refused = stream.code == NGHTTP2_REFUSED_STREAM && !stream.started;
  Fail(stream, refused ? Unprocessed("the endpoint refused the stream")
                       : Lost(std::string("the endpoint reset the stream: ") +
                              nghttp2_http2_strerror(stream.code)));
  events_.OnStreamDone(!session_.ending());
}

}  // namespace

std::unique_ptr<ClientCodec> NewH2ClientCodec(ClientCodec::Events& events, ByteSink& sink,
                                              BufferPool& buffers, const CodecLimits& limits,
                                              std::string_view scheme) {
  return std::make_unique<H2ClientCodec>(events, sink, buffers, limits, scheme);
}

}  // namespace gatehouse::http
