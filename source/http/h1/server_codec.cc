// SPDX-License-Identifier: Apache-2.0
#include "source/http/h1/server_codec.h"

#include <algorithm>
#include <string>

#include "source/http/h1/body_reader.h"
#include "source/http/h1/body_writer.h"
#include "source/http/h1/field_parser.h"
#include "source/http/h1/head_scanner.h"
#include "source/http/h1/head_writer.h"
#include "source/http/h1/request_parser.h"
#include "source/http/message/connection_options.h"
#include "source/http/message/framing.h"
#include "source/http/websocket/handshake.h"

namespace gatehouse::http {
namespace {

// Empty lines before a request line (RFC 9112 section 2.2 asks for one), in one connection's idle
// time.
constexpr uint8_t kMaxEmptyLines = 4;

class H1ServerCodec final : public ServerCodec, private ResponseSender {
 public:
  H1ServerCodec(ServerCodec::Events& events, ByteSink& sink, const CodecLimits& limits)
      : events_(events), sink_(sink), limits_(limits) {}

  size_t OnInput(std::string_view input) override;
  void OnEof() override;
  void OnTransportLost(const Error& error) override;
  void OnSinkDrained() override;
  size_t input_room() const override;
  bool busy() const override { return stream_ != nullptr || head_begun_; }
  bool reading_head() const override { return head_begun_; }
  bool OnHeadTimeout() override;
  void Drain() override;

 private:
  // What the next input byte belongs to.
  enum class Input : uint8_t {
    kHead,
    kBody,
    kWhole,    // To the next request: not before this one's response is out.
    kTunnel,   // To whoever the protocol was switched for.
    kStopped,  // To nothing.
  };
  // How far the response is.
  enum class Output : uint8_t { kNothing, kBody };

  bool wants_input() const { return input_room() > 0; }
  // Reading.
  size_t ReadHead(std::string_view input);
  size_t SkipEmptyLine(std::string_view input);
  size_t WaitForHead(std::string_view input, size_t scanned);
  void BeginStream();
  void TakeRequest(std::string_view bytes);
  void RefuseRequest(std::string_view bytes, const Fault& fault);
  void Refuse(const Fault& fault);
  size_t ReadBody(std::string_view input);
  size_t ReadTunnel(std::string_view input);
  void BeginTunnel(const ResponseHead& head);
  void DeliverTrailers(std::string_view section);
  void FailContent(const Fault& fault);
  // Ending.
  void FinishStream();
  RequestEvents* ForgetStream();
  void EndOfInput();
  // Whether the client has sent all it will, and none of it is left.
  bool IsLastRequest() const { return eof_ && !input_held_back_ && !in_input_; }

  // ResponseSender.
  void SendInformational(const ResponseHead& head) override;
  void SendHeaders(const ResponseHead& head, bool end) override;
  void SendData(std::string_view data, bool end) override;
  void SendTrailers(const Headers& trailers) override;
  void Reset(ErrorCode code) override;
  void Consume(size_t bytes) override;
  bool sends_raw() const override;
  void NoteSent(uint64_t bytes) override { writer_.Skip(bytes); }
  void CloseAfterResponse() override { close_ = true; }
  bool TakeBack() override;

  ServerCodec::Events& events_;
  ByteSink& sink_;
  const CodecLimits& limits_;
  RequestEvents* stream_ = nullptr;
  RequestHead* head_ = nullptr;   // Of stream_, in its arena.
  BodyReader* reader_ = nullptr;  // Of a request with content, in the stream's arena.
  BodyWriter writer_;
  uint32_t response_at_ = 0;  // As MarkOutput(): where the final response begins.
  uint32_t outstanding_ = 0;  // Bytes delivered and not consumed: at most the window.
  uint32_t scanned_ = 0;      // Of a head that is not whole.
  uint8_t empty_lines_ = 0;
  Input input_ = Input::kHead;
  Output output_ = Output::kNothing;
  bool head_begun_ : 1 = false;
  bool line_checked_ : 1 = false;  // The request line of a head that is not whole.
  bool close_ : 1 = false;         // After the current or next response.
  bool silent_ : 1 = false;        // The owner has had its last event.
  bool eof_ : 1 = false;
  bool input_held_back_ : 1 = false;  // The last OnInput() left bytes that are not of use yet.
  bool in_input_ : 1 = false;
};

size_t H1ServerCodec::OnInput(std::string_view input) {
  in_input_ = true;
  size_t used = 0;
  while (used < input.size() && wants_input()) {
    const std::string_view rest = input.substr(used);
    const size_t taken = input_ == Input::kHead   ? ReadHead(rest)
                         : input_ == Input::kBody ? ReadBody(rest)
                                                  : ReadTunnel(rest);
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

size_t H1ServerCodec::input_room() const {
  const size_t window = limits_.window_bytes - std::min(outstanding_, limits_.window_bytes);
  switch (input_) {
    case Input::kHead:
      return kHeadRead;
    case Input::kBody:
      return reader_->Room(window);
    case Input::kTunnel:
      return window;
    case Input::kWhole:
    case Input::kStopped:
      break;
  }
  return 0;
}

size_t H1ServerCodec::ReadHead(std::string_view input) {
  if (scanned_ == 0 && (input.front() == '\r' || input.front() == '\n')) {
    return SkipEmptyLine(input);
  }
  const HeadScan scan = ScanHead(input, scanned_);
  if (scan.outcome == HeadScan::Outcome::kIncomplete) {
    return WaitForHead(input, scan.at);
  }
  if (scan.outcome == HeadScan::Outcome::kBadByte) {
    RefuseRequest(input.substr(0, scan.at),
                  {ErrorCode::kMalformedRequest,
                   "the head has a control character or a line not ended by CRLF"});
    return input.size();
  }
  if (scan.at > limits_.max_header_bytes) {
    RefuseRequest(input, TooLargeFault(input, limits_));
    return input.size();
  }
  TakeRequest(input.substr(0, scan.at));
  return scan.at;
}

size_t H1ServerCodec::SkipEmptyLine(std::string_view input) {
  if (input == "\r") {
    head_begun_ = true;
    return 0;
  }
  if (!input.starts_with("\r\n") || ++empty_lines_ > kMaxEmptyLines) {
    RefuseRequest({}, {ErrorCode::kMalformedRequest, "no request line"});
    return input.size();
  }
  head_begun_ = false;
  return 2;
}

// The head is not whole. Refuses at once what will not become a request anyway.
size_t H1ServerCodec::WaitForHead(std::string_view input, size_t scanned) {
  head_begun_ = true;
  scanned_ = static_cast<uint32_t>(scanned);
  Fault fault;
  if (input.size() > limits_.max_header_bytes) {
    fault = TooLargeFault(input, limits_);
  } else if (!line_checked_) {
    const size_t line_end = input.find("\r\n");
    line_checked_ = line_end != std::string_view::npos;
    RequestLine line;
    fault = line_checked_ ? ParseRequestLine(input.substr(0, line_end), line) : Fault();
  }
  if (!fault) {
    return 0;
  }
  RefuseRequest(input, fault);
  return input.size();
}

void H1ServerCodec::BeginStream() {
  head_begun_ = false;
  line_checked_ = false;
  scanned_ = 0;
  empty_lines_ = 0;
  outstanding_ = 0;
  output_ = Output::kNothing;
  silent_ = false;
  stream_ = &events_.OnStream(*this);
  Arena& arena = events_.StreamArena(*stream_);
  head_ = arena.New<RequestHead>(arena);
}

void H1ServerCodec::TakeRequest(std::string_view bytes) {
  BeginStream();
  Fault fault = ParseRequestHead(bytes, limits_, *head_);
  const ConnectionOptions options = head_->headers.Has(Known::kConnection)
                                        ? ReadConnectionOptions(head_->headers)
                                        : ConnectionOptions();
  if (!fault && options.too_many) {
    fault = {ErrorCode::kMalformedRequest, "too many connection options"};
  }
  if (fault) {
    Refuse(fault);
    return;
  }
  // RFC 9112 section 9.3. A client that asks for WebSocket may go on in it without waiting for an
  // answer; should the answer be no, that must not be read as requests.
  close_ = close_ || options.close || (head_->version == Version::kHttp10 && !options.keep_alive) ||
           AsksForProtocol(head_->headers, "websocket");
  const bool end = head_->framing == Framing::kNone ||
                   (head_->framing == Framing::kLength && head_->content_length == 0);
  input_ = end ? Input::kWhole : Input::kBody;
  if (!end) {
    reader_ = head_->headers.arena().New<BodyReader>();
    reader_->Begin(head_->framing, head_->content_length);
  }
  if (limits_.websocket && IsWebSocketRequest(*head_)) {
    head_->upgrade = "websocket";
  }
  stream_->OnHeaders(*head_, end && head_->upgrade.empty());
}

void H1ServerCodec::RefuseRequest(std::string_view bytes, const Fault& fault) {
  BeginStream();
  FillFromRequestLine(bytes, *head_);
  Refuse(fault);
}

// The owner may still answer; nothing more is read.
void H1ServerCodec::Refuse(const Fault& fault) {
  input_ = Input::kStopped;
  close_ = true;
  silent_ = true;
  stream_->OnRefused(*head_, fault.ToError(ErrorSource::kDownstream));
}

size_t H1ServerCodec::ReadBody(std::string_view input) {
  const BodyReader::Piece piece = reader_->Next(input, limits_.window_bytes - outstanding_);
  if (piece.fault != nullptr) {
    FailContent({ErrorCode::kMalformedRequest, piece.fault});
  } else if (piece.trailers.size() > limits_.max_header_bytes ||
             (piece.used == 0 && input.size() > limits_.max_header_bytes)) {
    FailContent({ErrorCode::kHeadersTooLarge, "the trailer section is too large"});
  } else if (!piece.trailers.empty()) {
    DeliverTrailers(piece.trailers);
  } else if (!piece.data.empty() || piece.end) {
    outstanding_ += static_cast<uint32_t>(piece.data.size());
    if (piece.end) {
      input_ = Input::kWhole;
    }
    stream_->OnData(piece.data, piece.end);
  }
  return piece.used;
}

size_t H1ServerCodec::ReadTunnel(std::string_view input) {
  const std::string_view data = input.substr(0, limits_.window_bytes - outstanding_);
  outstanding_ += static_cast<uint32_t>(data.size());
  stream_->OnData(data, false);
  return data.size();
}

void H1ServerCodec::BeginTunnel(const ResponseHead& head) {
  output_ = Output::kBody;
  std::string accept;
  if (!HasWebSocketAccept(head.headers)) {
    // The endpoint spoke HTTP/2.
    accept = "Sec-WebSocket-Accept: " + WebSocketAccept(WebSocketKey(head_->headers)) + "\r\n";
  }
  WriteResponseHead(head, {}, ConnectionField::kWebSocket, sink_, accept);
  writer_.Begin(Framing::kUntilClose, 0);
  input_ = Input::kTunnel;
  if (!in_input_) {
    events_.OnInputWanted();
  }
}

void H1ServerCodec::DeliverTrailers(std::string_view section) {
  Arena& arena = head_->headers.arena();
  auto* trailers = arena.New<Headers>(arena);
  if (const Fault fault =
          ParseTrailers(section, FieldOrigin::kRequest, limits_.max_headers, *trailers)) {
    FailContent(fault);
    return;
  }
  input_ = Input::kWhole;
  if (trailers->count() == 0) {
    stream_->OnData({}, true);
  } else {
    stream_->OnTrailers(*trailers);
  }
}

void H1ServerCodec::FailContent(const Fault& fault) {
  const Error error = fault.ToError(ErrorSource::kDownstream);
  input_ = Input::kStopped;
  close_ = true;
  if (output_ == Output::kNothing) {
    silent_ = true;
    stream_->OnReset(error);
    return;
  }
  ForgetStream()->OnReset(error);
  events_.OnCloseWanted(true);
}

void H1ServerCodec::FinishStream() {
  const bool truncated = writer_.is_short();
  const bool close = close_ || truncated || input_ != Input::kWhole || IsLastRequest();
  input_ = close ? Input::kStopped : Input::kHead;
  events_.OnStreamDone(*ForgetStream());
  if (close) {
    events_.OnCloseWanted(false);
  } else if (!in_input_) {
    events_.OnInputWanted();
  }
}

RequestEvents* H1ServerCodec::ForgetStream() {
  RequestEvents* stream = stream_;
  stream_ = nullptr;
  head_ = nullptr;
  outstanding_ = 0;
  return stream;
}

void H1ServerCodec::OnEof() {
  eof_ = true;
  if (!input_held_back_) {
    EndOfInput();
  }
}

void H1ServerCodec::EndOfInput() {
  if (input_ == Input::kBody) {
    input_ = Input::kStopped;
    ForgetStream()->OnReset({ErrorCode::kClientGone, ErrorSource::kDownstream,
                             "the client stopped sending before its request was whole"});
    events_.OnCloseWanted(false);
  } else if (input_ == Input::kTunnel) {
    input_ = Input::kWhole;
    stream_->OnData({}, true);
  } else if (input_ == Input::kHead) {
    input_ = Input::kStopped;
    head_begun_ = false;
    events_.OnCloseWanted(false);
  }
}

void H1ServerCodec::OnTransportLost(const Error& error) {
  input_ = Input::kStopped;
  head_begun_ = false;
  if (stream_ == nullptr) {
    return;
  }
  const bool silent = silent_;
  RequestEvents* stream = ForgetStream();
  if (!silent) {
    stream->OnReset({ErrorCode::kClientGone, ErrorSource::kDownstream, error.message});
  }
}

void H1ServerCodec::OnSinkDrained() {
  if (stream_ != nullptr && output_ == Output::kBody && !silent_) {
    stream_->OnCredit();
  }
}

bool H1ServerCodec::OnHeadTimeout() {
  if (!head_begun_) {
    return false;
  }
  RefuseRequest({}, {ErrorCode::kRequestTimeout, "the head was not whole in time"});
  return true;
}

void H1ServerCodec::Drain() {
  close_ = true;
  if (stream_ == nullptr && !head_begun_ && input_ != Input::kStopped) {
    input_ = Input::kStopped;
    events_.OnCloseWanted(false);
  }
}

void H1ServerCodec::SendInformational(const ResponseHead& head) {
  // HTTP/1.0 has no 1xx (RFC 9110 section 15.2); 101 is not ours to give.
  if (stream_ == nullptr || output_ != Output::kNothing || head_->version == Version::kHttp10 ||
      head.status < 100 || head.status > 199 || head.status == 101) {
    return;
  }
  WriteResponseHead(head, {}, ConnectionField::kNone, sink_);
}

void H1ServerCodec::SendHeaders(const ResponseHead& head, bool end) {
  if (stream_ == nullptr || output_ != Output::kNothing) {
    return;
  }
  if (head.status == 101 && !head_->upgrade.empty()) {
    BeginTunnel(head);
    return;
  }
  output_ = Output::kBody;
  response_at_ = sink_.MarkOutput();
  const FramingField framing = FramingOf(head, *head_, end);
  close_ = close_ || input_ != Input::kWhole || IsLastRequest() ||
           framing.framing == Framing::kUntilClose;
  const ConnectionField connection = close_ ? ConnectionField::kClose
                                     : head_->version == Version::kHttp10
                                         ? ConnectionField::kKeepAlive
                                         : ConnectionField::kNone;
  WriteResponseHead(head, framing, connection, sink_);
  const bool content = MayHaveContent(head_->method, head.status);
  writer_.Begin(content ? framing.framing : Framing::kNone, framing.content_length);
  if (end) {
    FinishStream();
  }
}

void H1ServerCodec::SendData(std::string_view data, bool end) {
  if (stream_ == nullptr || output_ != Output::kBody) {
    return;
  }
  writer_.Write(data, end, sink_);
  if (end) {
    FinishStream();
  }
}

void H1ServerCodec::SendTrailers(const Headers& trailers) {
  if (stream_ == nullptr || output_ != Output::kBody) {
    return;
  }
  // HTTP/1.0 clients never get the chunked coding, so nothing of them is lost on others.
  writer_.WriteTrailers(trailers, sink_);
  FinishStream();
}

bool H1ServerCodec::TakeBack() {
  if (stream_ == nullptr || output_ != Output::kBody || input_ == Input::kTunnel ||
      !sink_.CutBack(response_at_)) {
    return false;
  }
  output_ = Output::kNothing;
  return true;
}

bool H1ServerCodec::sends_raw() const {
  return stream_ != nullptr && output_ == Output::kBody && writer_.is_raw();
}

// What is missing shows in the framing, so that a FIN will do, which lets what was sent before
// arrive. Content that ends with the connection would seem whole.
void H1ServerCodec::Reset(ErrorCode code) {
  if (stream_ == nullptr) {
    return;
  }
  const bool abrupt = output_ == Output::kBody && writer_.ends_at_close();
  input_ = Input::kStopped;
  ForgetStream();
  events_.OnCloseWanted(abrupt);
}

void H1ServerCodec::Consume(size_t bytes) {
  const bool wanted = wants_input();
  outstanding_ -= static_cast<uint32_t>(std::min<size_t>(bytes, outstanding_));
  if (!wanted && wants_input() && !in_input_) {
    events_.OnInputWanted();
  }
}

}  // namespace

std::unique_ptr<ServerCodec> NewH1ServerCodec(ServerCodec::Events& events, ByteSink& sink,
                                              const CodecLimits& limits) {
  return std::make_unique<H1ServerCodec>(events, sink, limits);
}

}  // namespace gatehouse::http
