// SPDX-License-Identifier: Apache-2.0
#include "source/http/h2/server_codec.h"

#include <array>
#include <string>

#include "source/http/h2/error_codes.h"
#include "source/http/h2/header_block.h"
#include "source/http/h2/session.h"
#include "source/http/h2/stream_pool.h"

namespace gatehouse::http {
namespace {

// How a stream ends whose request is refused, behind the answer: RFC 9113 section 8.1.1.
uint32_t EndCodeOf(const Fault& fault) {
  return fault.code == ErrorCode::kMalformedRequest ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_NO_ERROR;
}

class H2ServerCodec;

// Receives through StreamState, answers through ResponseSender.
struct ServerStream final : StreamState, ResponseSender {
  ServerStream(BufferPool& buffers, H2ServerCodec& codec) : StreamState(buffers), codec(codec) {}

  void SendInformational(const ResponseHead& head) override;
  void SendHeaders(const ResponseHead& head, bool end) override;
  bool TakeBack() override;
  bool sends_raw() const override { return false; }
  void NoteSent(uint64_t) override {}
  void CloseAfterResponse() override;
  void SendData(std::string_view data, bool end) override;
  void SendTrailers(const Headers& trailers) override;
  void Reset(ErrorCode code) override;
  void Consume(size_t bytes) override;

  H2ServerCodec& codec;
  RequestEvents* events = nullptr;
  RequestHead* head = nullptr;           // In the stream's arena.
  const ResponseHead* answer = nullptr;  // Not sent yet.
  bool silent = false;                   // The owner hears no more of the request, and may answer.
  bool answered = false;                 // All of the answer has left, and RST_STREAM is behind it.
  size_t content_left = 0;               // What the windows have held back since `content_since`.
  MonotonicTime content_since{};
};

class H2ServerCodec final : public ServerCodec, private Session::Owner {
 public:
  H2ServerCodec(ServerCodec::Events& events, ByteSink& sink, BufferPool& buffers,
                const CodecLimits& limits, Duration patience);

  size_t OnInput(std::string_view input) override {
    session_.Receive(input);
    return input.size();
  }
  void OnEof() override;
  void OnTransportLost(const Error& error) override;
  void OnSinkDrained() override { session_.Flush(); }
  void OnFlush() override { session_.Flush(); }
  size_t input_room() const override { return session_.stuck() ? 0 : kRead; }
  bool busy() const override { return !streams_.empty(); }
  bool reading_head() const override {
    return session_.heard_anything() && (!session_.settings_received() || block_ != Block::kNone);
  }
  bool OnHeadTimeout() override;
  void Drain() override { session_.Drain(); }
  void OnTick(MonotonicTime now) override;

 private:
  friend struct ServerStream;
  static constexpr size_t kRead = 64 * 1024;
  // The header block that is coming.
  enum class Block : uint8_t { kNone, kHead, kTrailers, kIgnored };

  // Session::Owner
  void OnBlockBegin(int32_t id, StreamState* stream, bool opens) override;
  bool OnField(std::string_view name, std::string_view value, bool never_indexed) override;
  void OnBlockEnd(bool end) override;
  void OnContent(StreamState& stream, std::string_view data, bool end) override;
  void OnPeerSettings() override {}
  void SubmitHead(StreamState& stream) override;
  void OnMessageSent(StreamState& stream) override;
  void OnStreamOver(StreamState& stream) override;
  void OnCredit(StreamState& stream) override;
  void OnFault(PeerFault fault, std::string_view what) override;
  void OnOver(bool lost) override;

  void BeginStream(int32_t id);
  void EndHead(ServerStream& stream, bool end);
  void EndTrailers(ServerStream& stream, bool end);
  void Refuse(ServerStream& stream, const Fault& fault);
  void FailContent(ServerStream& stream, const Fault& fault);
  void End(ServerStream& stream);
  void EndLost(ServerStream& stream, const std::string& message);
  void EndAll(const std::string& message);
  void EndUntaken(MonotonicTime now);

  ServerCodec::Events& events_;
  BufferPool& buffers_;
  const CodecLimits& limits_;
  const Duration patience_;
  Session session_;
  RequestBlock request_block_;
  TrailerBlock trailer_block_;
  StreamPool<ServerStream> streams_;
  ServerStream* block_stream_ = nullptr;  // Whose header block it is.
  Headers* trailers_ = nullptr;           // In its arena.
  Block block_ = Block::kNone;
};

// ---- What the owner of a stream asks for ----

void ServerStream::SendInformational(const ResponseHead& head) {
  const bool informational = head.status >= 100 && head.status <= 199 && head.status != 101;
  if (!over && !head_queued && informational) {
    codec.session_.SendInformational(*this, codec.session_.fields().Informational(head));
  }
}

void ServerStream::SendHeaders(const ResponseHead& head, bool end) {
  if (!over && !head_queued) {
    answer = &head;
    // RFC 9110, 6.4.1: no content, whatever the owner says behind it.
    end_queued =
        end || this->head->method == Method::kHead || head.status == 204 || head.status == 304;
    codec.session_.QueueHead(*this);
  }
}

bool ServerStream::TakeBack() { return codec.session_.TakeBackHead(*this); }

void ServerStream::CloseAfterResponse() { codec.session_.Drain(); }

void ServerStream::SendData(std::string_view data, bool end) {
  if (!over && head_queued && !end_queued) {
    codec.session_.SendData(*this, data, end);
  }
}

void ServerStream::SendTrailers(const Headers& trailers) {
  if (!over && head_queued && !end_queued) {
    codec.session_.SendTrailers(*this, trailers);
  }
}

void ServerStream::Reset(ErrorCode code) {
  codec.session_.Reset(*this, ResetCodeOf(code));
  codec.End(*this);
}

void ServerStream::Consume(size_t bytes) { codec.session_.Consume(*this, bytes); }

// ---- The connection ----

H2ServerCodec::H2ServerCodec(ServerCodec::Events& events, ByteSink& sink, BufferPool& buffers,
                             const CodecLimits& limits, Duration patience)
    : events_(events),
      buffers_(buffers),
      limits_(limits),
      patience_(patience),
      session_(FrameGuard::Side::kServer, *this, sink, limits),
      request_block_(limits),
      trailer_block_(limits) {
  // The first is put right on its way out: Session::Write().
  const std::array<nghttp2_settings_entry, 5> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.http2.max_streams * 2 + 100},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.http2.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.max_header_bytes},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  }};
  session_.Announce(std::span(settings).first(limits.websocket ? 5 : 4),
                    limits.http2.connection_window);
}

void H2ServerCodec::OnEof() {
  if (session_.over()) {
    return;
  }
  OnTransportLost({ErrorCode::kClientGone, ErrorSource::kDownstream,
                   "the client closed the connection before its request was answered"});
  events_.OnCloseWanted(false);
}

void H2ServerCodec::OnTransportLost(const Error& error) {
  session_.Stop();
  EndAll(error.message);
}

bool H2ServerCodec::OnHeadTimeout() {
  if (!session_.heard_anything()) {
    return false;
  }
  session_.Terminate(session_.settings_received() ? NGHTTP2_NO_ERROR : NGHTTP2_SETTINGS_TIMEOUT,
                     PeerFault::kProtocol, "the preface was not whole in time");
  session_.Flush();
  return true;
}

void H2ServerCodec::OnFault(PeerFault fault, std::string_view what) {
  events_.OnPeerFault(fault, what);
}

void H2ServerCodec::OnOver(bool lost) {
  EndAll(lost ? "the client does not answer any more" : "the connection has ended");
  events_.OnCloseWanted(lost);
}

void H2ServerCodec::EndAll(const std::string& message) {
  block_ = Block::kNone;
  while (ServerStream* const stream = streams_.front()) {
    session_.Forget(*stream);
    EndLost(*stream, message);
  }
}

void H2ServerCodec::End(ServerStream& stream) {
  if (block_stream_ == &stream) {
    block_stream_ = nullptr;
    block_ = Block::kIgnored;
  }
  streams_.End(stream);
}

void H2ServerCodec::EndLost(ServerStream& stream, const std::string& message) {
  RequestEvents* const events = stream.events;
  End(stream);
  events->OnReset({ErrorCode::kClientGone, ErrorSource::kDownstream, message});
}

void H2ServerCodec::OnTick(MonotonicTime now) {
  session_.OnTick(now);
  if (patience_ > Duration{} && !session_.ending()) {
    EndUntaken(now);
  }
}

// Nobody else waits for the client to take what is here to its end. Restarts its walk when a stream
// goes: others may have gone with it.
void H2ServerCodec::EndUntaken(MonotonicTime now) {
  for (ServerStream* stream = streams_.front(); stream != nullptr;) {
    const bool whole = stream->end_queued && !stream->over;
    const size_t left = whole && !session_.HasWindow(*stream) ? stream->content.size() : 0;
    if (left != stream->content_left) {
      stream->content_left = left;
      stream->content_since = now;
    } else if (left > 0 && now - stream->content_since >= patience_) {
      session_.Reset(*stream, NGHTTP2_CANCEL);
      EndLost(*stream, "the client did not take the answer in time");
      stream = streams_.front();
      continue;
    }
    stream = streams_.next(*stream);
  }
}

// ---- Requests ----

void H2ServerCodec::OnBlockBegin(int32_t id, StreamState* stream, bool opens) {
  block_ = Block::kIgnored;
  block_stream_ = static_cast<ServerStream*>(stream);
  if (opens && streams_.count() >= limits_.http2.max_streams) {
    session_.Refuse(id, NGHTTP2_REFUSED_STREAM);
  } else if (opens) {
    BeginStream(id);
  } else if (stream != nullptr && !stream->input_ended && !block_stream_->silent) {
    Arena& arena = events_.StreamArena(*block_stream_->events);
    trailers_ = arena.New<Headers>(arena);
    trailer_block_.Begin(*trailers_, FieldOrigin::kRequest);
    block_ = Block::kTrailers;
  }
}

void H2ServerCodec::BeginStream(int32_t id) {
  ServerStream& stream = streams_.Begin(buffers_, *this);
  stream.head = nullptr;
  stream.answer = nullptr;
  stream.silent = stream.answered = false;
  stream.content_left = 0;
  session_.Attach(stream, id);
  stream.events = &events_.OnStream(stream);
  Arena& arena = events_.StreamArena(*stream.events);
  stream.head = arena.New<RequestHead>(arena);
  request_block_.Begin(*stream.head);
  block_stream_ = &stream;
  block_ = Block::kHead;
}

bool H2ServerCodec::OnField(std::string_view name, std::string_view value, bool never_indexed) {
  switch (block_) {
    case Block::kHead:
      request_block_.Add(name, value, never_indexed);
      return !request_block_.is_excessive();
    case Block::kTrailers:
      trailer_block_.Add(name, value, never_indexed);
      return !trailer_block_.is_excessive();
    case Block::kNone:
    case Block::kIgnored:
      break;
  }
  return true;
}

void H2ServerCodec::OnBlockEnd(bool end) {
  const Block block = std::exchange(block_, Block::kNone);
  ServerStream* const stream = std::exchange(block_stream_, nullptr);
  if (stream == nullptr) {
    return;
  }
  if (block == Block::kHead) {
    EndHead(*stream, end);
  } else if (block == Block::kTrailers) {
    EndTrailers(*stream, end);
  } else if (end) {
    stream->input_ended = true;
  }
}

void H2ServerCodec::EndHead(ServerStream& stream, bool end) {
  RequestHead& head = *stream.head;
  stream.input_ended = end;
  if (const Fault fault = request_block_.Finish(end)) {
    Refuse(stream, fault);
    return;
  }
  stream.counted.Begin(head.framing, head.content_length);
  if (const char* const reason = stream.counted.Take(0, end)) {
    Refuse(stream, {ErrorCode::kMalformedRequest, reason});
    return;
  }
  stream.events->OnHeaders(head, end);
}

void H2ServerCodec::Refuse(ServerStream& stream, const Fault& fault) {
  stream.silent = true;
  stream.end_code = EndCodeOf(fault);
  stream.events->OnRefused(*stream.head, fault.ToError(ErrorSource::kDownstream));
}

void H2ServerCodec::OnContent(StreamState& state, std::string_view data, bool end) {
  auto& stream = static_cast<ServerStream&>(state);
  stream.input_ended = end;
  if (stream.silent) {
    session_.Consume(stream, data.size());
    return;
  }
  if (const char* const reason = stream.counted.Take(data.size(), end)) {
    FailContent(stream, {ErrorCode::kMalformedRequest, reason});
    return;
  }
  if (end || !data.empty()) {
    stream.events->OnData(data, end);
  }
}

void H2ServerCodec::EndTrailers(ServerStream& stream, bool end) {
  Fault fault = trailer_block_.Finish(end);
  if (const char* const reason = stream.counted.Take(0, true); reason != nullptr && !fault) {
    fault = {ErrorCode::kMalformedRequest, reason};
  }
  stream.input_ended = end;
  if (fault) {
    FailContent(stream, fault);
  } else if (trailers_->count() == 0) {
    stream.events->OnData({}, true);
  } else {
    stream.events->OnTrailers(*trailers_);
  }
}

// An answer that has not begun may still come; one that has is cut short.
void H2ServerCodec::FailContent(ServerStream& stream, const Fault& fault) {
  const Error error = fault.ToError(ErrorSource::kDownstream);
  if (!stream.head_queued) {
    stream.silent = true;
    stream.end_code = EndCodeOf(fault);
    session_.Consume(stream, stream.unconsumed);
    stream.events->OnReset(error);
    return;
  }
  RequestEvents* const events = stream.events;
  session_.Reset(stream, NGHTTP2_PROTOCOL_ERROR);
  End(stream);
  events->OnReset(error);
}

// ---- Responses ----

void H2ServerCodec::SubmitHead(StreamState& state) {
  auto& stream = static_cast<ServerStream&>(state);
  const bool end = stream.end_queued && stream.content.empty() && stream.trailers == nullptr;
  session_.SendHead(stream, session_.fields().Response(*stream.answer, *stream.head, end));
}

// What still comes of a request whose answer is out is of no use (RFC 9113 section 8.1).
void H2ServerCodec::OnMessageSent(StreamState& stream) {
  if (stream.end_code != 0 || !stream.input_ended) {
    static_cast<ServerStream&>(stream).answered = true;
    session_.ResetLater(stream, stream.end_code);
  }
}

void H2ServerCodec::OnStreamOver(StreamState& state) {
  auto& stream = static_cast<ServerStream&>(state);
  session_.Forget(stream);
  const bool whole = stream.end_sent || stream.answered;
  if (!whole) {
    EndLost(stream, stream.code == NGHTTP2_CANCEL ? "the client has cancelled its request"
                                                  : "the stream was reset");
    return;
  }
  RequestEvents& events = *stream.events;
  End(stream);
  events_.OnStreamDone(events);
}

void H2ServerCodec::OnCredit(StreamState& state) {
  auto& stream = static_cast<ServerStream&>(state);
  if (!stream.silent) {
    stream.events->OnCredit();
  }
}

}  // namespace

std::unique_ptr<ServerCodec> NewH2ServerCodec(ServerCodec::Events& events, ByteSink& sink,
                                              BufferPool& buffers, const CodecLimits& limits,
                                              Duration patience) {
  return std::make_unique<H2ServerCodec>(events, sink, buffers, limits, patience);
}

}  // namespace gatehouse::http
