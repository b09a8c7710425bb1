// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/client_codec.h"

#include <algorithm>
#include <utility>

#include "source/base/check.h"
#include "source/http/h1/body_reader.h"
#include "source/http/h1/body_writer.h"
#include "source/http/h1/field_parser.h"
#include "source/http/h1/head_scanner.h"
#include "source/http/h1/head_writer.h"
#include "source/http/h1/response_parser.h"
#include "source/http/message/connection_options.h"
#include "source/http/message/framing.h"
#include "source/http/receive_window.h"
#include "source/http/websocket/handshake.h"

namespace gatehouse::http {
namespace {

class H1ClientCodec final : public ClientCodec, private RequestSender {
 public:
  H1ClientCodec(ClientCodec::Events& events, ByteSink& sink, const CodecLimits& limits)
      : events_(events), sink_(sink), limits_(limits) {}

  RequestSender& Start(ResponseEvents& events, Arena& arena) override;
  bool CanStart() const override {
    return stream_ == nullptr && input_ == Input::kNothingDue && !eof_;
  }
  size_t OnInput(std::string_view input) override;
  void OnEof() override;
  void OnTransportLost(const Error& error) override;
  void OnSinkDrained() override;
  size_t input_room() const override;
  uint64_t raw_input() const override { return input_ == Input::kBody ? reader_.raw() : 0; }
  void NoteReceived(uint64_t bytes, bool more_follows) override;
  bool response_started() const override { return response_started_; }

 private:
  // What the next input byte belongs to.
  enum class Input : uint8_t {
    kNothingDue,  // To nothing: no answer is due, or it is over.
    kHead,
    kBody,
    kTunnel,  // To whoever the protocol was switched for.
    kStopped,
  };

  bool wants_input() const { return input_room() > 0; }
  // Reading.
  size_t ReadHead(std::string_view input);
  void TakeHead(std::string_view bytes, bool more_follows);
  void TakeInformational(ResponseHead& head);
  void BeginTunnel(ResponseHead& head);
  size_t ReadTunnel(std::string_view input);
  bool IsReusableAfter(const ResponseHead& head, const ConnectionOptions& options) const;
  size_t ReadBody(std::string_view input);
  void DeliverTrailers(std::string_view section);
  // Ending.
  void EndResponse();
  void FinishStream();
  void FinishIfWhole();
  void Break(const Error& error);
  bool EndStream(const Error& error);
  void Malformed(const char* reason);
  void EndOfInput();

  // RequestSender.
  void SendHeaders(const RequestHead& head, bool end) override;
  void SendData(std::string_view data, bool end) override;
  void SendTrailers(const Headers& trailers) override;
  void Reset(ErrorCode code) override;
  void Consume(size_t bytes) override;
  void EndRequest();
  std::string_view SetWebSocketKey(const Headers& headers);

  ClientCodec::Events& events_;
  ByteSink& sink_;
  const CodecLimits limits_;
  ResponseEvents* stream_ = nullptr;
  Arena* arena_ = nullptr;  // For stream_'s heads.
  BodyReader reader_;
  BodyWriter writer_;
  ReceiveWindow window_;
  size_t outstanding_ = 0;  // Delivered and not consumed.
  uint32_t scanned_ = 0;    // Of a head that is not whole.
  uint32_t informational_ = 0;
  std::string_view websocket_key_;  // In the stream's arena; of a request for an upgrade.
  Method method_ = Method::kGet;
  Input input_ = Input::kNothingDue;
  bool head_sent_ = false;
  bool request_whole_ = false;
  bool response_started_ = false;
  bool response_whole_ = false;
  bool reusable_ = false;  // As far as the response's head and what follows it tell.
  bool eof_ = false;
  bool input_held_back_ = false;  // The last OnInput() left bytes that are not of use yet.
  bool in_input_ = false;
};

RequestSender& H1ClientCodec::Start(ResponseEvents& events, Arena& arena) {
  GATEHOUSE_CHECK(CanStart(), "a request is started on a connection that can't take one");
  stream_ = &events;
  arena_ = &arena;
  window_ = ReceiveWindow(limits_.window_bytes);
  outstanding_ = 0;
  scanned_ = 0;
  informational_ = 0;
  websocket_key_ = {};
  head_sent_ = false;
  request_whole_ = false;
  response_started_ = false;
  response_whole_ = false;
  return *this;
}

size_t H1ClientCodec::OnInput(std::string_view input) {
  in_input_ = true;
  size_t used = 0;
  while (used < input.size() && wants_input()) {
    const std::string_view rest = input.substr(used);
    size_t taken = 0;
    if (input_ == Input::kNothingDue) {
      // Bytes nobody asked for must never become the answer to the next request.
      Break({ErrorCode::kUpstreamReset, ErrorSource::kUpstream,
             "the endpoint sent bytes that answer nothing"});
    } else {
      response_started_ = true;
      taken = input_ == Input::kHead   ? ReadHead(rest)
              : input_ == Input::kBody ? ReadBody(rest)
                                       : ReadTunnel(rest);
    }
    if (taken == 0) {
      break;
    }
    used += taken;
  }
  in_input_ = false;
  if (input_ == Input::kStopped) {
    return input.size();
  }
  input_held_back_ = used < input.size() && !wants_input();
  if (eof_ && !input_held_back_) {
    EndOfInput();
  }
  return used;
}

size_t H1ClientCodec::input_room() const {
  const size_t window = window_.bytes() - outstanding_;
  switch (input_) {
    case Input::kNothingDue:
    case Input::kHead:
      return kHeadRead;
    case Input::kBody:
      return reader_.Room(window);
    case Input::kTunnel:
      return window;
    case Input::kStopped:
      break;
  }
  return 0;
}

void H1ClientCodec::NoteReceived(uint64_t bytes, bool more_follows) {
  if (reader_.Skip(bytes)) {
    reusable_ = reusable_ && !more_follows;
    EndResponse();
    stream_->OnData({}, true);
    FinishIfWhole();
  }
}

size_t H1ClientCodec::ReadHead(std::string_view input) {
  const HeadScan scan = ScanHead(input, scanned_);
  if (scan.outcome == HeadScan::Outcome::kBadByte) {
    Malformed("the head has a control character or a line not ended by CRLF");
    return 0;
  }
  const bool whole = scan.outcome == HeadScan::Outcome::kWhole;
  if ((whole ? scan.at : input.size()) > limits_.max_header_bytes) {
    Malformed("the response's head is larger than the limit allows");
    return 0;
  }
  if (!whole) {
    constexpr std::string_view kBeginning = "HTTP/1.";
    if (!kBeginning.starts_with(input.substr(0, kBeginning.size()))) {
      Malformed("the endpoint does not speak HTTP/1");
    }
    scanned_ = static_cast<uint32_t>(scan.at);
    return 0;
  }
  scanned_ = 0;
  TakeHead(input.substr(0, scan.at), scan.at < input.size());
  return scan.at;
}

void H1ClientCodec::TakeHead(std::string_view bytes, bool more_follows) {
  ResponseHead& head = *arena_->New<ResponseHead>(*arena_);
  if (const Fault fault = ParseResponseHead(bytes, method_, limits_, head)) {
    Malformed(fault.reason);
    return;
  }
  if (head.status < 200) {
    TakeInformational(head);
    return;
  }
  const ConnectionOptions options = head.headers.Has(Known::kConnection)
                                        ? ReadConnectionOptions(head.headers)
                                        : ConnectionOptions();
  if (options.too_many) {
    Malformed("too many connection options");
    return;
  }
  const bool end = !MayHaveContent(method_, head.status) ||
                   (head.framing == Framing::kLength && head.content_length == 0);
  reusable_ = IsReusableAfter(head, options) && !(end && more_follows);
  if (end) {
    EndResponse();
  } else {
    input_ = Input::kBody;
    reader_.Begin(head.framing, head.content_length);
  }
  stream_->OnHeaders(head, end);
  FinishIfWhole();
}

void H1ClientCodec::TakeInformational(ResponseHead& head) {
  if (head.status == 101 && !websocket_key_.empty() && AcceptsWebSocket(websocket_key_, head)) {
    BeginTunnel(head);
  } else if (head.status == 101) {
    Malformed("the endpoint switches protocols and was not asked to, or not as it was asked to");
  } else if (++informational_ > limits_.max_informational) {
    Malformed("more 1xx responses than the limit allows");
  } else {
    stream_->OnInformational(head);
  }
}

void H1ClientCodec::BeginTunnel(ResponseHead& head) {
  input_ = Input::kTunnel;
  reusable_ = false;
  writer_.Begin(Framing::kUntilClose, 0);
  stream_->OnHeaders(head, false);
}

size_t H1ClientCodec::ReadTunnel(std::string_view input) {
  const std::string_view data = input.substr(0, window_.bytes() - outstanding_);
  outstanding_ += data.size();
  stream_->OnData(data, false);
  return data.size();
}

// RFC 9112 section 9.3.
bool H1ClientCodec::IsReusableAfter(const ResponseHead& head,
                                    const ConnectionOptions& options) const {
  return !options.close && (head.minor_version == 1 || options.keep_alive) &&
         head.framing != Framing::kUntilClose;
}

size_t H1ClientCodec::ReadBody(std::string_view input) {
  const BodyReader::Piece piece = reader_.Next(input, window_.bytes() - outstanding_);
  if (piece.fault != nullptr) {
    Malformed(piece.fault);
    return 0;
  }
  if (piece.trailers.size() > limits_.max_header_bytes ||
      (piece.used == 0 && input.size() > limits_.max_header_bytes)) {
    Malformed("the trailer section is larger than the limit allows");
    return 0;
  }
  if (piece.end || !piece.trailers.empty()) {
    reusable_ = reusable_ && piece.used == input.size();
  }
  if (!piece.trailers.empty()) {
    DeliverTrailers(piece.trailers);
  } else if (!piece.data.empty() || piece.end) {
    outstanding_ += piece.data.size();
    if (piece.end) {
      EndResponse();
    }
    stream_->OnData(piece.data, piece.end);
    FinishIfWhole();
  }
  return piece.used;
}

void H1ClientCodec::DeliverTrailers(std::string_view section) {
  auto* trailers = arena_->New<Headers>(*arena_);
  if (const Fault fault =
          ParseTrailers(section, FieldOrigin::kResponse, limits_.max_headers, *trailers)) {
    Malformed(fault.reason);
    return;
  }
  EndResponse();
  if (trailers->count() == 0) {
    stream_->OnData({}, true);
  } else {
    stream_->OnTrailers(*trailers);
  }
  FinishIfWhole();
}

// Before the owner hears of it, since it may end the stream when it does.
void H1ClientCodec::EndResponse() {
  response_whole_ = true;
  input_ = Input::kNothingDue;
  // What is still sent of the request can't be told from the next one by an endpoint that has
  // stopped listening.
  reusable_ = reusable_ && request_whole_;
}

void H1ClientCodec::FinishIfWhole() {
  if (stream_ != nullptr && response_whole_ && request_whole_) {
    FinishStream();
  }
}

void H1ClientCodec::FinishStream() {
  stream_ = nullptr;
  outstanding_ = 0;
  response_started_ = false;
  const bool reusable = reusable_ && !eof_ && input_ != Input::kStopped;
  input_ = reusable ? Input::kNothingDue : Input::kStopped;
  events_.OnStreamDone(reusable);
}

// The connection is of no more use. Says so once: to the pool, or with the end of the stream whose
// answer was whole and whose request was not.
void H1ClientCodec::Break(const Error& error) {
  if (!EndStream(error)) {
    events_.OnCloseWanted();
  }
}

// Ends the stream, if there is one, with the connection. Whether OnStreamDone() was called.
bool H1ClientCodec::EndStream(const Error& error) {
  input_ = Input::kStopped;
  if (stream_ == nullptr) {
    return false;
  }
  if (response_whole_) {
    std::exchange(stream_, nullptr)->OnReset(error);  // The rest of its request goes nowhere.
    FinishStream();
    return true;
  }
  ResponseEvents* stream = stream_;
  stream_ = nullptr;
  outstanding_ = 0;
  stream->OnReset(error);
  return false;
}

void H1ClientCodec::Malformed(const char* reason) {
  Break({ErrorCode::kMalformedResponse, ErrorSource::kUpstream, reason});
}

void H1ClientCodec::OnEof() {
  eof_ = true;
  if (!input_held_back_) {
    EndOfInput();
  }
}

void H1ClientCodec::EndOfInput() {
  if (input_ == Input::kStopped) {
    return;
  }
  if (input_ == Input::kTunnel || (input_ == Input::kBody && reader_.ends_at_close())) {
    EndResponse();
    stream_->OnData({}, true);
    FinishIfWhole();
    return;
  }
  if (stream_ != nullptr && response_whole_) {
    return;  // An early answer; the owner still ends or resets its request.
  }
  Break({ErrorCode::kUpstreamReset, ErrorSource::kUpstream,
         response_started_ ? "the endpoint closed the connection before its response was whole"
                           : "the endpoint closed the connection before it answered"});
}

void H1ClientCodec::OnTransportLost(const Error& error) {
  EndStream({ErrorCode::kUpstreamReset, ErrorSource::kUpstream, error.message});
}

void H1ClientCodec::OnSinkDrained() {
  if (stream_ != nullptr && head_sent_ && !request_whole_) {
    stream_->OnCredit();
  }
}

void H1ClientCodec::SendHeaders(const RequestHead& head, bool end) {
  if (stream_ == nullptr || head_sent_) {
    return;
  }
  head_sent_ = true;
  method_ = head.method;
  input_ = Input::kHead;
  FramingField framing{head.framing, head.content_length};
  if (framing.framing == Framing::kUntilClose || (framing.framing == Framing::kNone && !end)) {
    framing.framing = Framing::kChunked;
  }
  std::string_view key_line;
  if (!head.upgrade.empty()) {
    key_line = SetWebSocketKey(head.headers);
    framing = {};
  }
  WriteRequestHead(head, framing, sink_, key_line);
  writer_.Begin(framing.framing, framing.content_length);
  if (end) {
    writer_.Write({}, true, sink_);
    EndRequest();
  }
}

// The client's own key, or one of ours for a client that spoke HTTP/2; the line to be added for it.
std::string_view H1ClientCodec::SetWebSocketKey(const Headers& headers) {
  constexpr std::string_view kField = "Sec-WebSocket-Key: ";
  websocket_key_ = WebSocketKey(headers);
  if (!websocket_key_.empty()) {
    return {};
  }
  const std::string_view line = arena_->Concat(kField, NewWebSocketKey(), "\r\n");
  websocket_key_ = line.substr(kField.size(), line.size() - kField.size() - 2);
  return line;
}

void H1ClientCodec::SendData(std::string_view data, bool end) {
  if (stream_ == nullptr || !head_sent_ || request_whole_) {
    return;
  }
  writer_.Write(data, end, sink_);
  if (end) {
    if (input_ == Input::kTunnel) {
      sink_.Finish();
    }
    EndRequest();
  }
}

void H1ClientCodec::SendTrailers(const Headers& trailers) {
  if (stream_ == nullptr || !head_sent_ || request_whole_) {
    return;
  }
  writer_.WriteTrailers(trailers, sink_);
  EndRequest();
}

void H1ClientCodec::EndRequest() {
  if (writer_.is_short()) {
    Break({ErrorCode::kInternal, ErrorSource::kInternal,
           "the request ended before its declared length"});
    return;
  }
  request_whole_ = true;
  FinishIfWhole();
}

void H1ClientCodec::Reset(ErrorCode code) {
  if (stream_ == nullptr) {
    return;
  }
  stream_ = nullptr;
  outstanding_ = 0;
  input_ = Input::kStopped;
  events_.OnCloseWanted();
}

void H1ClientCodec::Consume(size_t bytes) {
  const bool wanted = wants_input();
  const size_t taken = std::min(bytes, outstanding_);
  outstanding_ -= taken;
  window_.Take(taken, outstanding_);
  if (!wanted && wants_input() && !in_input_) {
    events_.OnInputWanted();
  }
}

}  // namespace

std::unique_ptr<ClientCodec> NewH1ClientCodec(ClientCodec::Events& events, ByteSink& sink,
                                              const CodecLimits& limits) {
  return std::make_unique<H1ClientCodec>(events, sink, limits);
}

}  // namespace gatehouse::http
