// SPDX-License-Identifier: Apache-2.0
// Any bytes from a client: the requests in them are the same however they arrive; and what a
// request is forwarded as, read again, is that one request and no other.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "source/base/check.h"
#include "source/http/h1/client_codec.h"
#include "source/http/h1/server_codec.h"
#include "test/http/h1/string_sink.h"

namespace gatehouse::http {
namespace {

struct Message {
  std::string line;  // Method, target, host.
  std::string data;
  size_t trailers = 0;
  bool whole = false;
  std::string forwarded;

  // Whether it is the same request; how it was forwarded may differ in its chunks.
  bool SameAs(const Message& other) const {
    return line == other.line && data == other.data && trailers == other.trailers &&
           whole == other.whole;
  }
};

// Reads requests, answers each at once when it is whole, and forwards it meanwhile.
class Gateway final : public ServerCodec::Events,
                      public ClientCodec::Events,
                      public RequestEvents,
                      public ResponseEvents {
 public:
  std::vector<Message> Read(std::string_view bytes, size_t step) {
    for (size_t at = 0; at < bytes.size() && !closed_; at += step) {
      input_.append(bytes.substr(at, step));
      const auto copy = std::make_unique<char[]>(input_.size());
      input_.copy(copy.get(), input_.size());
      const size_t used = server_->OnInput({copy.get(), input_.size()});
      GATEHOUSE_CHECK(used <= input_.size(), "more was used than there is");
      input_.erase(0, used);
    }
    server_->OnEof();
    return std::move(messages_);
  }

 private:
  Message& message() { return messages_.back(); }

  RequestEvents& OnStream(ResponseSender& sender) override {
    to_client_ = &sender;
    return *this;
  }
  Arena& StreamArena(RequestEvents&) override { return arena_; }
  void OnStreamDone(RequestEvents&) override {}
  void OnStreamDone(bool) override {}
  void OnInputWanted() override {}
  void OnCloseWanted(bool) override { closed_ = true; }
  void OnCloseWanted() override {}

  void OnHeaders(RequestHead& head, bool end) override {
    messages_.push_back({});
    message().line = std::string(head.method_name) + " " + std::string(head.target) + " " +
                     std::string(head.host);
    client_ = NewH1ClientCodec(*this, to_endpoint_, CodecLimits());
    to_endpoint_codec_ = &client_->Start(*this, arena_);
    to_endpoint_codec_->SendHeaders(head, end);
    if (end) {
      Finish();
    }
  }
  void OnRefused(RequestHead&, const Error& error) override {
    GATEHOUSE_CHECK(error.code != ErrorCode::kNone, "refused for no reason");
    Answer();
  }
  void OnData(std::string_view data, bool end) override {
    message().data += data;
    to_client_->Consume(data.size());
    to_endpoint_codec_->SendData(data, end);
    if (end) {
      Finish();
    }
  }
  void OnTrailers(Headers& trailers) override {
    message().trailers = trailers.count();
    to_endpoint_codec_->SendTrailers(trailers);
    Finish();
  }
  void OnReset(const Error& error) override {
    if (error.code != ErrorCode::kClientGone) {
      Answer();
    }
  }
  void OnCredit() override {}
  void OnInformational(ResponseHead&) override {}
  void OnHeaders(ResponseHead&, bool) override {}

  void Finish() {
    message().whole = true;
    message().forwarded = to_endpoint_.Take();
    Answer();
  }
  void Answer() {
    ResponseHead head(arena_);
    head.framing = Framing::kLength;
    to_client_->SendHeaders(head, true);
    sink_.Take();
  }

  ArenaPool pool_;
  Arena arena_{pool_};
  StringSink sink_;
  StringSink to_endpoint_;
  const CodecLimits limits_;
  std::unique_ptr<ServerCodec> server_ = NewH1ServerCodec(*this, sink_, limits_);
  std::unique_ptr<ClientCodec> client_;
  RequestSender* to_endpoint_codec_ = nullptr;
  ResponseSender* to_client_ = nullptr;
  std::vector<Message> messages_;
  std::string input_;
  bool closed_ = false;
};

void CheckRequests(std::string_view bytes) {
  const std::vector<Message> whole = Gateway().Read(bytes, bytes.size());
  const std::vector<Message> bytewise = Gateway().Read(bytes, 1);
  GATEHOUSE_CHECK(whole.size() == bytewise.size(), "the pieces change the number of requests");
  for (size_t i = 0; i < whole.size(); ++i) {
    GATEHOUSE_CHECK(whole[i].whole == bytewise[i].whole, "the pieces change a request's end");
    if (!whole[i].whole) {
      continue;
    }
    GATEHOUSE_CHECK(whole[i].SameAs(bytewise[i]), "the pieces change a request");
    const std::string& forwarded = whole[i].forwarded;
    const std::vector<Message> again = Gateway().Read(forwarded, forwarded.size());
    const bool has_host = !whole[i].line.ends_with(' ');  // HTTP/1.0 may come without.
    GATEHOUSE_CHECK(!has_host || (again.size() == 1 && again.front().SameAs(whole[i])),
                    "what is forwarded is not the request that was read");
  }
}

}  // namespace
}  // namespace gatehouse::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::http::CheckRequests({reinterpret_cast<const char*>(data), size});
  return 0;
}
