// SPDX-License-Identifier: Apache-2.0
// Any frames from an endpoint, in answer to five requests: each gets its events in order, and an
// end or a reset, and none behind that.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "source/base/buffer.h"
#include "source/base/check.h"
#include "source/http/h2/client_codec.h"
#include "test/http/h1/string_sink.h"

namespace gatehouse::http {
namespace {

struct Sink final : StringSink {
  void WantFlush() override { flush_wanted = true; }
  bool flush_wanted = false;
};

struct Response final : ResponseEvents {
  explicit Response(ArenaPool& pool) : arena(pool), request(arena) {}

  void OnInformational(ResponseHead& head) override {
    GATEHOUSE_CHECK(!over && !begun && head.status < 200 && head.status != 101,
                    "not informational");
  }
  void OnHeaders(ResponseHead& head, bool end) override {
    GATEHOUSE_CHECK(!over && !begun && (head.status >= 200 || head.status == 101), "a second head");
    GATEHOUSE_CHECK(head.status != 101 || !request.upgrade.empty(), "an upgrade nobody wanted");
    begun = true;
    length =
        head.framing == Framing::kLength && request.method != Method::kHead && head.status != 304
            ? static_cast<int64_t>(head.content_length)
            : -1;
    Take(0, end);
  }
  void OnData(std::string_view data, bool end) override {
    GATEHOUSE_CHECK(!over && begun, "content without a head");
    if (!end) {
      sender->Consume(data.size());
    }
    Take(data.size(), end);
  }
  void OnTrailers(Headers&) override {
    GATEHOUSE_CHECK(!over && begun, "trailers without a head");
    Take(0, true);
  }
  void OnReset(const Error& error) override {
    GATEHOUSE_CHECK(!reset && error.code != ErrorCode::kNone, "reset twice");
    // Behind a whole response this says that the request has no way to go any more.
    GATEHOUSE_CHECK(!over || !request_whole, "reset behind the end");
    over = reset = true;
  }
  void OnCredit() override {}
  void Take(size_t bytes, bool end) {
    content += static_cast<int64_t>(bytes);
    GATEHOUSE_CHECK(length < 0 || content <= length, "more content than there may be");
    GATEHOUSE_CHECK(!end || length < 0 || content == length, "less content than there must be");
    over = end;
  }

  Arena arena;
  RequestHead request;
  RequestSender* sender = nullptr;
  int64_t length = -1;
  int64_t content = 0;
  bool begun = false;
  bool over = false;
  bool reset = false;
  bool request_whole = true;
};

class Endpoint final : private ClientCodec::Events {
 public:
  Endpoint() {
    Flush();
    Ask(0, "GET", Method::kGet, true);
    Ask(1, "HEAD", Method::kHead, true);
    Ask(2, "POST", Method::kPost, false);
    Ask(3, "GET", Method::kGet, true);
    Ask(4, "PUT", Method::kPut, true);
    Flush();
  }

  void Read(std::string_view frames, size_t step) {
    for (size_t at = 0; at < frames.size() && !closed_; at += step) {
      input_.append(frames.substr(at, step));
      const auto copy = std::make_unique<char[]>(input_.size());
      input_.copy(copy.get(), input_.size());
      const size_t used = codec_->OnInput({copy.get(), input_.size()});
      GATEHOUSE_CHECK(used <= input_.size(), "more was used than there is");
      input_.erase(0, used);
      Flush();
    }
    codec_->OnTransportLost({ErrorCode::kUpstreamReset, ErrorSource::kUpstream, "the end"});
    for (const auto& response : responses_) {
      GATEHOUSE_CHECK(response == nullptr || response->over, "a stream outlives its connection");
    }
  }

 private:
  void Ask(size_t i, std::string_view name, Method method, bool end) {
    if (!codec_->CanStart()) {
      return;
    }
    responses_[i] = std::make_unique<Response>(arenas_);
    Response& response = *responses_[i];
    response.request.method_name = name;
    response.request.method = method;
    response.request.target = "/t";
    response.request.authority = "a.test";
    response.request.framing = end ? Framing::kNone : Framing::kChunked;
    response.request_whole = end;
    response.sender = &codec_->Start(response, response.arena);
    response.sender->SendHeaders(response.request, end);
    if (!end) {
      response.sender->SendData("content", false);
    }
  }
  void Flush() {
    while (sink_.flush_wanted) {
      sink_.flush_wanted = false;
      codec_->OnFlush();
    }
    sink_.Take();
  }
  void OnStreamDone(bool) override {}
  void OnInputWanted() override {}
  void OnCloseWanted() override { closed_ = true; }

  ArenaPool arenas_;
  BufferPool buffers_;
  Sink sink_;
  const CodecLimits limits_;
  std::array<std::unique_ptr<Response>, 5> responses_;
  std::string input_;
  bool closed_ = false;
  std::unique_ptr<ClientCodec> codec_ = NewH2ClientCodec(*this, sink_, buffers_, limits_);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view frames(reinterpret_cast<const char*>(data), size);
  Endpoint().Read(frames, std::max<size_t>(size, 1));
  Endpoint().Read(frames, 7);
  return 0;
}

}  // namespace gatehouse::http
