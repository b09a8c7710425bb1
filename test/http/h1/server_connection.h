// SPDX-License-Identifier: Apache-2.0
// A connection around a server codec as a test sees it: it buffers what the codec leaves, records
// every event, and answers as it is told.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "source/http/h1/server_codec.h"
#include "test/http/h1/string_sink.h"

namespace gatehouse::http {

class ServerConnection : private ServerCodec::Events {
  ArenaPool pool_;  // Outlives the requests.

 public:
  // One stream and what became of it.
  struct Request : RequestEvents {
    Request(ServerConnection& connection, ArenaPool& pool, ResponseSender& sender)
        : connection(connection), arena(pool), sender(sender) {}

    void OnHeaders(RequestHead& received, bool at_end) override {
      head = &received;
      ended = at_end;
      if (connection.on_headers) {
        connection.on_headers(*this);
      }
    }
    void OnRefused(RequestHead& received, const Error& why) override {
      head = &received;
      refused = why;
    }
    void OnData(std::string_view data, bool at_end) override {
      body.append(data);
      ++pieces;
      ended = at_end;
      if (connection.consume) {
        sender.Consume(data.size());
      }
      if (connection.on_data) {
        connection.on_data(*this);
      }
    }
    void OnTrailers(Headers& received) override {
      trailers = &received;
      ended = true;
    }
    void OnReset(const Error& why) override { reset = why; }
    void OnCredit() override { ++credits; }

    ServerConnection& connection;
    Arena arena;
    ResponseSender& sender;
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

  explicit ServerConnection(const CodecLimits& limits = {})
      : limits_(limits), codec_(NewH1ServerCodec(*this, sink_, limits_)) {}

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

  // Answers the latest request with `body`, declared by its length.
  void Answer(std::string_view body) {
    Request& request = latest();
    ResponseHead head(request.arena);
    head.framing = Framing::kLength;
    head.content_length = body.size();
    request.sender.SendHeaders(head, body.empty());
    if (!body.empty()) {
      request.sender.SendData(body, true);
    }
  }

  ServerCodec& codec() { return *codec_; }
  Request& latest() { return *requests.back(); }
  const std::string& left_over() const { return input_; }
  std::string TakeOutput() { return sink_.Take(); }

  std::vector<std::unique_ptr<Request>> requests;
  std::function<void(Request&)> on_headers;
  std::function<void(Request&)> on_data;
  bool consume = true;
  int inputs_wanted = 0;
  int closes = 0;
  bool abrupt = false;

 private:
  void Feed() {
    // A copy of its own, so that a sanitizer sees reads past its end and after its time.
    const std::string input = input_;
    input_.erase(0, codec_->OnInput(input));
  }
  RequestEvents& OnStream(ResponseSender& sender) override {
    requests.push_back(std::make_unique<Request>(*this, pool_, sender));
    return latest();
  }
  Arena& StreamArena(RequestEvents& stream) override { return static_cast<Request&>(stream).arena; }
  void OnStreamDone(RequestEvents& stream) override { static_cast<Request&>(stream).done = true; }
  void OnInputWanted() override {
    ++inputs_wanted;
    if (!input_.empty()) {
      Feed();
    }
  }
  void OnCloseWanted(bool is_abrupt) override {
    ++closes;
    abrupt = is_abrupt;
  }

  StringSink sink_;
  std::string input_;
  const CodecLimits limits_;
  std::unique_ptr<ServerCodec> codec_;
};

}  // namespace gatehouse::http
