// SPDX-License-Identifier: Apache-2.0
// A connection to an endpoint around a client codec as a test sees it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/http/h1/client_codec.h"
#include "test/http/h1/string_sink.h"

namespace gatehouse::http {

class ClientConnection : private ClientCodec::Events {
  ArenaPool pool_;  // Outlives the streams.

 public:
  // One stream and what became of it.
  struct Response : ResponseEvents {
    Response(ClientConnection& connection, ArenaPool& pool) : connection(connection), arena(pool) {}

    void OnInformational(ResponseHead& received) override {
      informational.push_back(received.status);
    }
    void OnHeaders(ResponseHead& received, bool at_end) override {
      head = &received;
      ended = at_end;
      Notify();
    }
    void OnData(std::string_view data, bool at_end) override {
      body.append(data);
      ended = at_end;
      if (connection.consume) {
        sender->Consume(data.size());
      }
      Notify();
    }
    void OnTrailers(Headers& received) override {
      trailers = &received;
      ended = true;
    }
    void OnReset(const Error& why) override {
      EXPECT_EQ(reset.code, ErrorCode::kNone) << "reset twice";
      reset = why;
    }
    void OnCredit() override { ++credits; }
    void Notify() {
      if (connection.on_event) {
        connection.on_event(*this);
      }
    }

    ClientConnection& connection;
    Arena arena;
    RequestSender* sender = nullptr;
    ResponseHead* head = nullptr;
    Headers* trailers = nullptr;
    std::vector<int> informational;
    std::string body;
    int credits = 0;
    bool ended = false;
    bool done = false;
    bool reusable = false;
    Error reset{ErrorCode::kNone, {}, {}};
  };

  explicit ClientConnection(const CodecLimits& limits = {})
      : codec_(NewH1ClientCodec(*this, sink_, limits)) {}

  // Starts a stream without sending anything.
  Response& Start() {
    streams_.push_back(std::make_unique<Response>(*this, pool_));
    latest().sender = &codec_->Start(latest(), latest().arena);
    return latest();
  }
  // Starts a stream and sends a head; `end` without content.
  Response& Request(Method method = Method::kGet, bool end = true, Framing framing = Framing::kNone,
                    uint64_t length = 0) {
    Response& stream = Start();
    auto* head = stream.arena.New<RequestHead>(stream.arena);
    head->method = method;
    head->method_name = method == Method::kHead ? "HEAD" : end ? "GET" : "POST";
    head->target = "/t";
    head->authority = "a.test";
    head->framing = framing;
    head->content_length = length;
    stream.sender->SendHeaders(*head, end);
    return stream;
  }

  // Feeds `bytes` after what was left over.
  void Receive(std::string_view bytes) {
    input_.append(bytes);
    Feed();
  }
  void ReceiveByteByByte(std::string_view bytes) {
    for (const char c : bytes) {
      Receive({&c, 1});
    }
  }

  ClientCodec& codec() { return *codec_; }
  Response& latest() { return *streams_.back(); }
  const std::string& left_over() const { return input_; }
  std::string TakeOutput() { return sink_.Take(); }

  std::function<void(Response&)> on_event;  // OnHeaders and OnData.
  bool consume = true;
  int inputs_wanted = 0;
  int closes = 0;

 private:
  void Feed() {
    // A copy of its own, so that a sanitizer sees reads past its end and after its time.
    const std::string input = input_;
    input_.erase(0, codec_->OnInput(input));
  }
  void OnStreamDone(bool reusable) override {
    Response& response = latest();
    EXPECT_FALSE(response.done);
    response.done = true;
    response.reusable = reusable;
  }
  void OnInputWanted() override {
    ++inputs_wanted;
    Feed();
  }
  void OnCloseWanted() override { ++closes; }

  std::vector<std::unique_ptr<Response>> streams_;
  StringSink sink_;
  std::string input_;
  std::unique_ptr<ClientCodec> codec_;
};

}  // namespace gatehouse::http
