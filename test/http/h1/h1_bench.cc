// SPDX-License-Identifier: Apache-2.0
// Nanoseconds of what every request pays in http/: run by hand, on a quiet CPU, compiled with -O2.
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <limits>

#include "source/base/buffer.h"
#include "source/base/clock.h"
#include "source/http/h1/client_codec.h"
#include "source/http/h1/head_scanner.h"
#include "source/http/h1/request_parser.h"
#include "source/http/h1/server_codec.h"
#include "source/http/path.h"

namespace gatehouse::http {
namespace {

constexpr std::string_view kRequest =
    "GET /api/v1/users/1234567/orders?limit=20 HTTP/1.1\r\n"
    "Host: api.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101\r\n"
    "Accept: application/json\r\n"
    "Accept-Encoding: gzip, br\r\n"
    "Accept-Language: en-GB,en;q=0.7\r\n"
    "Referer: https://www.example.com/start\r\n"
    "X-Tenant: 0123456789abcdef\r\n"
    "Connection: keep-alive\r\n"
    "\r\n";
constexpr std::string_view kSmallRequest =
    "GET /plain HTTP/1.1\r\n"
    "Host: 127.0.0.1:8080\r\n"
    "User-Agent: bench\r\n"
    "\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Server: nginx\r\n"
    "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 10\r\n"
    "Connection: keep-alive\r\n"
    "\r\n"
    "0123456789";

// The best of many runs, since only the fastest was not disturbed.
template <typename Body>
void Measure(const char* what, Body body) {
  constexpr int kRounds = 5'000;
  double best = std::numeric_limits<double>::max();
  for (int run = 0; run < 400; ++run) {
    const MonotonicTime start = MonotonicNow();
    for (int i = 0; i < kRounds; ++i) {
      body();
    }
    const Duration taken = MonotonicNow() - start;
    best = std::min(best, static_cast<double>(taken.count()) / kRounds);
  }
  std::printf("%-52s %7.1f ns\n", what, best);
}

template <typename T>
void KeepResult(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

class BufferSink : public ByteSink {
 public:
  void Write(std::string_view bytes) override { buffer_.Append(bytes); }
  char* Reserve(size_t bytes) override { return buffer_.Reserve(bytes); }
  void Commit(size_t bytes) override { buffer_.Commit(bytes); }
  void Drop() { buffer_.Consume(buffer_.size()); }

 private:
  BufferPool pool_;
  Buffer buffer_{pool_};
};

// A server connection and a client connection back to back: what a gateway does between its reads
// and writes.
class Relay : public ServerCodec::Events,
              public ClientCodec::Events,
              public RequestEvents,
              public ResponseEvents {
 public:
  void Request(std::string_view bytes) { server_->OnInput(bytes); }
  void Response() { client_->OnInput(kResponse); }
  void Drop() {
    to_client_.Drop();
    to_endpoint_.Drop();
  }

 private:
  RequestEvents& OnStream(ResponseSender& sender) override {
    to_answer_ = &sender;
    return *this;
  }
  Arena& StreamArena(RequestEvents&) override { return arena_; }
  void OnStreamDone(RequestEvents&) override { arena_.Reset(); }
  void OnStreamDone(bool) override {}
  void OnInputWanted() override {}
  void OnCloseWanted(bool) override { std::puts("unexpected close"); }
  void OnCloseWanted() override { std::puts("unexpected close"); }

  void OnHeaders(RequestHead& head, bool end) override {
    client_->Start(*this, arena_).SendHeaders(head, end);
  }
  void OnRefused(RequestHead&, const Error& error) override { std::puts(error.message.c_str()); }
  void OnInformational(ResponseHead&) override {}
  void OnHeaders(ResponseHead& head, bool end) override { to_answer_->SendHeaders(head, end); }
  void OnData(std::string_view data, bool end) override { to_answer_->SendData(data, end); }
  void OnTrailers(Headers&) override {}
  void OnReset(const Error& error) override { std::puts(error.message.c_str()); }
  void OnCredit() override {}

  ArenaPool pool_;
  Arena arena_{pool_};
  BufferSink to_client_;
  BufferSink to_endpoint_;
  ResponseSender* to_answer_ = nullptr;
  const CodecLimits limits_;
  std::unique_ptr<ServerCodec> server_ = NewH1ServerCodec(*this, to_client_, limits_);
  std::unique_ptr<ClientCodec> client_ = NewH1ClientCodec(*this, to_endpoint_, {});
};

void Run() {
  std::printf("request head: %zu bytes, response head: %zu bytes\n", kRequest.size(),
              kResponse.size() - 10);
  Measure("LookUpName x 8", [] {
    for (const std::string_view name : {"Host", "User-Agent", "Accept", "Accept-Encoding",
                                        "Accept-Language", "Referer", "X-Tenant", "Connection"}) {
      KeepResult(LookUpName(name));
    }
  });
  Measure("ScanHead", [] { KeepResult(ScanHead(kRequest, 0)); });
  ArenaPool pool;
  Arena arena(pool);
  Measure("ParseRequestHead, arena included", [&] {
    auto* head = arena.New<RequestHead>(arena);
    KeepResult(ParseRequestHead(kRequest, {}, *head));
    arena.Reset();
  });
  Measure("NormalisePath, nothing to do, 30 bytes",
          [&] { KeepResult(NormalisePath("/api/v1/users/1234567/orders/x", {}, arena)); });
  Relay relay;
  Measure("request in, parsed, written; response likewise", [&] {
    relay.Request(kRequest);
    relay.Response();
    relay.Drop();
  });
  Measure("the same with a request of two fields", [&] {
    relay.Request(kSmallRequest);
    relay.Response();
    relay.Drop();
  });
}

}  // namespace
}  // namespace gatehouse::http

int main() { gatehouse::http::Run(); }
