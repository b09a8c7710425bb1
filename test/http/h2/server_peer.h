// SPDX-License-Identifier: Apache-2.0
// A connection around a server codec of HTTP/2, as a test sees it: it records every event, and
// answers as it is told.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/http/h2/server_codec.h"
#include "test/http/h2/frame_reader.h"
#include "test/http/h2/frames.h"
#include "test/http/h2/turn_sink.h"

namespace gatehouse::http {

class ServerPeer : private ServerCodec::Events {
  ArenaPool pool_;  // Outlives the requests.
  BufferPool buffers_;

 public:
  struct Request : RequestEvents {
    Request(ServerPeer& peer, ResponseSender& sender)
        : peer(peer), arena(peer.pool_), sender(&sender) {}

    void OnHeaders(RequestHead& received, bool at_end) override {
      head = &received;
      ended = at_end;
      if (peer.on_headers) {
        peer.on_headers(*this);
      }
    }
    void OnRefused(RequestHead& received, const Error& why) override {
      head = &received;
      refused = why;
      if (peer.on_refused) {
        peer.on_refused(*this);
      }
    }
    void OnData(std::string_view data, bool at_end) override {
      body.append(data);
      ++pieces;
      ended = at_end;
      if (peer.consume) {
        sender->Consume(data.size());
      }
      if (peer.on_data) {
        peer.on_data(*this);
      }
    }
    void OnTrailers(Headers& received) override {
      trailers = &received;
      ended = true;
    }
    void OnReset(const Error& why) override {
      reset = why;
      if (why.code == ErrorCode::kClientGone) {
        sender = nullptr;
      }
      if (peer.on_reset) {
        peer.on_reset(*this);
      }
    }
    void OnCredit() override {
      ++credits;
      if (peer.on_credit) {
        peer.on_credit(*this);
      }
    }

    ResponseHead& NewHead(uint16_t status = 200, Framing framing = Framing::kChunked,
                          uint64_t length = 0) {
      auto& answer = *arena.New<ResponseHead>(arena);
      answer.status = status;
      answer.framing = framing;
      answer.content_length = length;
      return answer;
    }
    void Answer(std::string_view content, uint16_t status = 200) {
      sender->SendHeaders(NewHead(status, Framing::kLength, content.size()), content.empty());
      if (!content.empty()) {
        sender->SendData(content, true);
      }
    }

    ServerPeer& peer;
    Arena arena;
    ResponseSender* sender;
    RequestHead* head = nullptr;
    Headers* trailers = nullptr;
    std::string body;
    int pieces = 0;
    int credits = 0;
    bool ended = false;
    bool done = false;
    Error refused{ErrorCode::kNone, {}, {}};
    Error reset{ErrorCode::kNone, {}, {}};
  };

  explicit ServerPeer(const CodecLimits& limits = {})
      : limits_(limits), codec_(NewH2ServerCodec(*this, sink, buffers_, limits_)) {}

  void Receive(std::string_view bytes) {
    const std::string own(bytes);  // So that a sanitizer sees reads past its end.
    EXPECT_EQ(codec_->OnInput(own), own.size());
  }
  void ReceiveByteByByte(std::string_view bytes) {
    for (const char c : bytes) {
      Receive({&c, 1});
    }
  }
  // The loop's turn ends: what was said since.
  std::vector<ReadFrame> Flush() { return reader_.Read(FlushBytes()); }
  std::string FlushBytes() {
    while (std::exchange(sink.flush_wanted, false)) {
      codec_->OnFlush();
    }
    return sink.Take();
  }
  std::string Said() { return Summary(Flush()); }
  // The client's preface and SETTINGS, and ours; what we say for that is forgotten.
  void Begin(std::string_view settings = SettingsFrame()) {
    Receive(std::string(kPreface) + std::string(settings) + SettingsAck());
    (void)Flush();
  }

  ServerCodec& codec() { return *codec_; }
  Request& latest() { return *requests.back(); }

  TurnSink sink;
  std::vector<std::unique_ptr<Request>> requests;
  std::function<void(Request&)> on_headers;
  std::function<void(Request&)> on_data;
  std::function<void(Request&)> on_reset;
  std::function<void(Request&)> on_refused;
  std::function<void(Request&)> on_credit;
  std::string fault;
  bool abuse = false;
  bool consume = true;
  int closes = 0;
  bool abrupt = false;

 private:
  RequestEvents& OnStream(ResponseSender& sender) override {
    requests.push_back(std::make_unique<Request>(*this, sender));
    return latest();
  }
  Arena& StreamArena(RequestEvents& stream) override { return static_cast<Request&>(stream).arena; }
  void OnStreamDone(RequestEvents& stream) override {
    static_cast<Request&>(stream).done = true;
    static_cast<Request&>(stream).sender = nullptr;
    static_cast<Request&>(stream).arena.Reset();  // Nothing of it may be used any more.
  }
  void OnInputWanted() override {}
  void OnCloseWanted(bool is_abrupt) override {
    ++closes;
    abrupt = is_abrupt;
  }
  void OnPeerFault(PeerFault kind, std::string_view what) override {
    abuse = kind == PeerFault::kAbuse;
    fault = what;
  }

  FrameReader reader_;
  const CodecLimits limits_;
  std::unique_ptr<ServerCodec> codec_;
};

}  // namespace gatehouse::http
