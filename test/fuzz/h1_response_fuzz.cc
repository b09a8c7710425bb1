// SPDX-License-Identifier: Apache-2.0
// Any bytes from an endpoint: the response in them is the same however they arrive; and what it is
// passed on as, read again, is that one response and nothing after it. The first byte chooses the
// request's method.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "source/base/check.h"
#include "source/http/h1/client_codec.h"
#include "source/http/h1/server_codec.h"
#include "test/http/h1/string_sink.h"

namespace gatehouse::http {
namespace {

struct Answer {
  int status = 0;
  std::string data;
  size_t trailers = 0;
  bool whole = false;
  bool reusable = false;

  bool SameAs(const Answer& other) const {
    return status == other.status && data == other.data && trailers == other.trailers &&
           whole == other.whole;
  }
};

// Asks, reads the answer, and passes it on to a client that asked the same.
class Gateway final : public ServerCodec::Events,
                      public ClientCodec::Events,
                      public RequestEvents,
                      public ResponseEvents {
 public:
  explicit Gateway(Method method) {
    server_->OnInput(method == Method::kHead ? "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
                                             : "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  }
  Answer Read(std::string_view bytes, size_t step) {
    for (size_t at = 0; at < bytes.size(); at += step) {
      input_.append(bytes.substr(at, step));
      const auto copy = std::make_unique<char[]>(input_.size());
      input_.copy(copy.get(), input_.size());
      const size_t used = client_->OnInput({copy.get(), input_.size()});
      GATEHOUSE_CHECK(used <= input_.size(), "more was used than there is");
      input_.erase(0, used);
    }
    client_->OnEof();
    return answer_;
  }
  const std::string& passed_on() const { return sink_.bytes(); }

 private:
  RequestEvents& OnStream(ResponseSender& sender) override {
    to_client_ = &sender;
    return *this;
  }
  Arena& StreamArena(RequestEvents&) override { return arena_; }
  void OnStreamDone(RequestEvents&) override { to_client_ = nullptr; }
  void OnStreamDone(bool reusable) override { answer_.reusable = reusable; }
  void OnInputWanted() override {}
  void OnCloseWanted(bool) override {}
  void OnCloseWanted() override {}

  void OnHeaders(RequestHead& head, bool end) override {
    to_endpoint_ = &client_->Start(*this, arena_);
    to_endpoint_->SendHeaders(head, end);
  }
  void OnRefused(RequestHead&, const Error&) override {}
  void OnInformational(ResponseHead& head) override { to_client_->SendInformational(head); }
  void OnHeaders(ResponseHead& head, bool end) override {
    GATEHOUSE_CHECK(answer_.status == 0, "a second answer");
    answer_.status = head.status;
    answer_.whole = end;
    to_client_->SendHeaders(head, end);
  }
  void OnData(std::string_view data, bool end) override {
    answer_.data += data;
    answer_.whole = end;
    to_endpoint_->Consume(data.size());
    to_client_->SendData(data, end);
  }
  void OnTrailers(Headers& trailers) override {
    answer_.trailers = trailers.count();
    answer_.whole = true;
    to_client_->SendTrailers(trailers);
  }
  void OnReset(const Error& error) override {
    GATEHOUSE_CHECK(error.code != ErrorCode::kNone, "reset for no reason");
    GATEHOUSE_CHECK(!answer_.whole, "reset after the end");
    to_client_->Reset(error.code);
  }
  void OnCredit() override {}

  ArenaPool pool_;
  Arena arena_{pool_};
  StringSink sink_;
  StringSink endpoint_sink_;
  std::unique_ptr<ClientCodec> client_ = NewH1ClientCodec(*this, endpoint_sink_, CodecLimits());
  const CodecLimits limits_;
  std::unique_ptr<ServerCodec> server_ = NewH1ServerCodec(*this, sink_, limits_);
  RequestSender* to_endpoint_ = nullptr;
  ResponseSender* to_client_ = nullptr;
  Answer answer_;
  std::string input_;
};

void CheckResponse(std::string_view input) {
  if (input.empty()) {
    return;
  }
  const Method method = (input[0] & 1) == 0 ? Method::kGet : Method::kHead;
  const std::string_view bytes = input.substr(1);
  Gateway gateway(method);
  const Answer whole = gateway.Read(bytes, bytes.size());
  const Answer bytewise = Gateway(method).Read(bytes, 1);
  GATEHOUSE_CHECK(whole.status == bytewise.status, "the pieces change a response");
  GATEHOUSE_CHECK(whole.whole == bytewise.whole, "the pieces change a response's end");
  if (!whole.whole) {
    return;
  }
  GATEHOUSE_CHECK(whole.SameAs(bytewise), "the pieces change a response");
  const Answer again = Gateway(method).Read(gateway.passed_on(), gateway.passed_on().size());
  GATEHOUSE_CHECK(again.SameAs(whole), "what is passed on is not the response that was read");
  GATEHOUSE_CHECK(again.reusable, "something follows the response");
}

}  // namespace
}  // namespace gatehouse::http

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::http::CheckResponse({reinterpret_cast<const char*>(data), size});
  return 0;
}
