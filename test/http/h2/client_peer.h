// SPDX-License-Identifier: Apache-2.0
// A connection around a client codec of HTTP/2, as a test sees it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/http/h2/client_codec.h"
#include "test/http/h2/frame_reader.h"
#include "test/http/h2/frames.h"
#include "test/http/h2/turn_sink.h"

namespace gatehouse::http {

class ClientPeer : private ClientCodec::Events {
  ArenaPool pool_;  // Outlives the exchanges.
  BufferPool buffers_;

 public:
  struct Exchange : ResponseEvents {
    explicit Exchange(ClientPeer& peer) : peer(peer), arena(peer.pool_) {}

    void OnInformational(ResponseHead& received) override {
      informational.push_back(received.status);
    }
    void OnHeaders(ResponseHead& received, bool at_end) override {
      head = &received;
      Ended(at_end);
    }
    void OnData(std::string_view data, bool at_end) override {
      body.append(data);
      if (peer.consume) {
        sender->Consume(data.size());
      }
      if (peer.on_data) {
        peer.on_data(*this);
      }
      Ended(at_end);
    }
    void OnTrailers(Headers& received) override {
      trailers = &received;
      Ended(true);
    }
    void OnReset(const Error& why) override {
      reset = why;
      started_at_reset = sender != nullptr && sender->response_started();
      sender = nullptr;
    }
    void OnCredit() override { ++credits; }
    void Ended(bool at_end) {
      ended = at_end;
      if (ended && whole) {
        sender = nullptr;
      }
    }
    void SendData(std::string_view data, bool end) {
      whole = end;
      sender->SendData(data, end);
    }

    ClientPeer& peer;
    Arena arena;
    RequestSender* sender = nullptr;
    ResponseHead* head = nullptr;
    Headers* trailers = nullptr;
    std::vector<uint16_t> informational;
    std::string body;
    int credits = 0;
    bool whole = false;  // The request.
    bool ended = false;
    bool started_at_reset = false;
    Error reset{ErrorCode::kNone, {}, {}};
  };

  explicit ClientPeer(const CodecLimits& limits = {})
      : codec_(NewH2ClientCodec(*this, sink, buffers_, limits)) {}

  Exchange& Request(Method method = Method::kGet, bool end = true) {
    exchanges.push_back(std::make_unique<Exchange>(*this));
    Exchange& exchange = latest();
    auto& head = *exchange.arena.New<RequestHead>(exchange.arena);
    head.method = method;
    head.method_name = method == Method::kPost ? "POST" : method == Method::kHead ? "HEAD" : "GET";
    head.scheme = "http";
    head.authority = head.host = "a.test";
    head.target = head.path = "/t";
    head.framing = end ? Framing::kNone : Framing::kChunked;
    head.upgrade = upgrade;
    exchange.whole = end;
    exchange.sender = &codec_->Start(exchange, exchange.arena);
    exchange.sender->SendHeaders(head, end);
    return exchange;
  }

  void Receive(std::string_view bytes) {
    const std::string own(bytes);
    EXPECT_EQ(codec_->OnInput(own), own.size());
  }
  void ReceiveByteByByte(std::string_view bytes) {
    for (const char c : bytes) {
      Receive({&c, 1});
    }
  }
  std::vector<ReadFrame> Flush() { return reader_.Read(FlushBytes()); }
  std::string FlushBytes() {
    while (std::exchange(sink.flush_wanted, false)) {
      codec_->OnFlush();
    }
    return sink.Take();
  }
  std::string Said() { return Summary(Flush()); }
  void Begin(std::string_view settings = SettingsFrame()) {
    (void)Flush();
    Receive(std::string(settings) + SettingsAck());
    (void)Flush();
  }

  ClientCodec& codec() { return *codec_; }
  Exchange& latest() { return *exchanges.back(); }

  TurnSink sink;
  std::vector<std::unique_ptr<Exchange>> exchanges;
  std::function<void(Exchange&)> on_data;
  std::function<void()> on_stream_done;
  std::string upgrade;
  bool consume = true;
  int done = 0;
  int capacity_changes = 0;
  int closes = 0;

 private:
  void OnStreamDone(bool) override {
    ++done;
    if (on_stream_done) {
      on_stream_done();
    }
  }
  void OnCapacityChanged() override { ++capacity_changes; }
  void OnInputWanted() override {}
  void OnCloseWanted() override { ++closes; }

  FrameReader reader_;
  std::unique_ptr<ClientCodec> codec_;
};

inline std::string OkBlock(std::string_view more = {}) {
  return Literal(":status", "200") + std::string(more);
}

}  // namespace gatehouse::http
