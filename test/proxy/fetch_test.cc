// SPDX-License-Identifier: Apache-2.0
// Requests of the gateway's own, by a real worker, to an endpoint that is a thread of this test.
#include "source/proxy/fetch.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "source/filters/builtin.h"
#include "source/proxy/worker_parts.h"
#include "source/server/config_loader.h"
#include "test/event/loop_wait.h"
#include "test/event/socket_pair.h"

namespace gatehouse::proxy {
namespace {

using pipeline::FetchRequest;
using pipeline::FetchResponse;

// Takes one connection, reads until the request ends with `until`, answers, and waits for the end.
// With several answers, it takes a connection for each: one that is kept closes as the next request
// arrives.
class Endpoint {
 public:
  Endpoint(std::string until, std::string answer)
      : Endpoint(std::move(until), std::vector<std::string>{std::move(answer)}) {}
  Endpoint(std::string until, std::vector<std::string> answers)
      : thread_([this, until = std::move(until), answers = std::move(answers)] {
          for (size_t i = 0; i < answers.size(); ++i) {
            Serve(until, answers[i], i + 1 < answers.size());
          }
        }) {}
  ~Endpoint() { Join(); }

  static constexpr std::string_view kReset = "reset";  // Instead of an answer.

  uint16_t port() const { return listener_.address.port(); }
  int connections() const { return connections_; }
  // What was received, once the connection has ended.
  const std::string& Join() {
    if (thread_.joinable()) {
      thread_.join();
    }
    return received_;
  }

 private:
  // False when nothing comes in time: the test then fails instead of hanging.
  static bool Readable(int fd) {
    pollfd wanted{fd, POLLIN, 0};
    return poll(&wanted, 1, 10'000) == 1;
  }
  void Serve(const std::string& until, const std::string& answer, bool close_at_next) {
    if (!Readable(listener_.fd)) {
      return;
    }
    const int fd = accept(listener_.fd, nullptr, nullptr);
    ++connections_;
    bool answered = false;
    char bytes[4096];
    ssize_t count = 0;
    while (Readable(fd) && (count = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
      received_.append(bytes, static_cast<size_t>(count));
      if (answered && close_at_next) {
        break;
      }
      if (!answered && answer == kReset) {
        const linger at_once{1, 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        break;
      }
      if (!answered && received_.ends_with(until)) {
        answered = true;
        EXPECT_EQ(send(fd, answer.data(), answer.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(answer.size()));
      }
    }
    close(fd);
  }

  event::TcpListener listener_;
  std::string received_;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

class FetchTest : public testing::Test {
 protected:
  // A worker with the cluster `up`: `cluster` is the text of its settings.
  void Start(const std::string& cluster) {
    server::LoadRequest request;
    request.name = "fetch.yaml";
    request.text = "listeners: [{name: web, address: \"127.0.0.1:0\"}]\nclusters: {up: {" +
                   cluster + "}}\nroutes: [{match: {path: /}, cluster: up}]\n";
    request.catalog = &catalog_;
    request.metrics = &metrics_;
    request.workers = 1;
    request.next_cluster_id = &next_cluster_id_;
    request.next_listener_id = &next_listener_id_;
    const auto loaded = server::LoadConfig(request);
    ASSERT_NE(loaded->snapshot, nullptr) << loaded->diagnostics.ToText();
    context_.background = &background_;
    worker_ = std::make_unique<Worker>(0, loop_, metrics_.AddTable(), context_);
    worker_->SetSnapshot(loaded->snapshot);
  }
  void StartAt(uint16_t port) { Start("endpoints: [\"127.0.0.1:" + std::to_string(port) + "\"]"); }

  void Ask(FetchRequest request) {
    const int calls_before = calls_;
    pending_ = StartFetch(worker_->parts(), std::move(request), [this](auto result) {
      ++calls_;
      result_ = std::move(result);
      pending_.reset();  // As filters may.
      wait_.Done();
    });
    EXPECT_EQ(calls_, calls_before) << "called from inside the call that asked";
  }
  // The answer; there must be one.
  FetchResponse Answer(FetchRequest request) {
    Ask(std::move(request));
    EXPECT_TRUE(wait_.Run());
    EXPECT_TRUE(result_ && result_->has_value())
        << (result_ ? result_->error().message : "nothing");
    return result_ && result_->has_value() ? **result_ : FetchResponse{};
  }
  // Why there is none.
  ErrorCode Failure(FetchRequest request) {
    Ask(std::move(request));
    EXPECT_TRUE(wait_.Run());
    EXPECT_TRUE(result_ && !result_->has_value());
    return result_ && !result_->has_value() ? result_->error().code : ErrorCode::kNone;
  }
  // Closes the worker's connections, so that endpoints end.
  void Stop() {
    pending_.reset();
    worker_.reset();
  }

  const pipeline::Catalog catalog_ = BuiltinFilters();
  observe::Metrics metrics_;
  event::Loop loop_{"fetch"};
  event::LoopWait wait_{loop_};
  event::Background background_;
  WorkerContext context_;
  uint32_t next_cluster_id_ = 0;
  uint32_t next_listener_id_ = 0;
  std::unique_ptr<Worker> worker_;
  std::unique_ptr<pipeline::Pending> pending_;
  std::optional<Result<FetchResponse>> result_;
  int calls_ = 0;
};

TEST_F(FetchTest, AsksAndAnswers) {
  Endpoint endpoint("\r\n\r\n",
                    "HTTP/1.1 203 X\r\nx-a: 1\r\nX-A: 2\r\ncontent-length: 5\r\n\r\nhello");
  StartAt(endpoint.port());
  FetchRequest request{.cluster = "up", .target = "/keys?x=1"};
  request.headers = {{"accept", "application/json"}};
  const FetchResponse answer = Answer(request);
  EXPECT_EQ(answer.status, 203);
  EXPECT_EQ(answer.body, "hello");
  int seen = 0;
  for (const auto& [name, value] : answer.headers) {
    seen += name == "x-a" && value == "1" ? 1 : name == "X-A" && value == "2" ? 10 : 0;
  }
  EXPECT_EQ(seen, 11);
  Stop();
  const std::string& sent = endpoint.Join();
  EXPECT_TRUE(sent.starts_with("GET /keys?x=1 HTTP/1.1\r\n")) << sent;
  EXPECT_NE(sent.find("host: up\r\n"), sent.npos) << sent;
  EXPECT_NE(sent.find("accept: application/json\r\n"), sent.npos) << sent;
  EXPECT_EQ(sent.find("Content-Length"), sent.npos) << sent;
}

TEST_F(FetchTest, SendsContentAndAHostOfItsOwn) {
  Endpoint endpoint("a=b", "HTTP/1.1 204 No Content\r\n\r\n");
  StartAt(endpoint.port());
  FetchRequest request{.cluster = "up", .method = "POST", .target = "/token"};
  request.headers = {{"host", "login.example"}};
  request.body = "a=b";
  const FetchResponse answer = Answer(request);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
  Stop();
  const std::string& sent = endpoint.Join();
  EXPECT_TRUE(sent.starts_with("POST /token HTTP/1.1\r\n")) << sent;
  EXPECT_NE(sent.find("host: login.example\r\n"), sent.npos) << sent;
  EXPECT_EQ(sent.find("host: up"), sent.npos) << sent;
  EXPECT_NE(sent.find("Content-Length: 3\r\n"), sent.npos) << sent;
  EXPECT_TRUE(sent.ends_with("\r\n\r\na=b")) << sent;
}

// RFC 9110 section 8.6: a method that means content says that there is none.
TEST_F(FetchTest, SaysThatThereIsNoContent) {
  Endpoint endpoint("\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n");
  StartAt(endpoint.port());
  EXPECT_EQ(Answer({.cluster = "up", .method = "POST"}).status, 204);
  Stop();
  EXPECT_NE(endpoint.Join().find("Content-Length: 0\r\n"), std::string::npos);
}

TEST_F(FetchTest, ReadsChunksAndTrailersAndPassesOver1xx) {
  Endpoint endpoint(
      "\r\n\r\n",
      "HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
      "transfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nx-t: 1\r\n\r\n");
  StartAt(endpoint.port());
  const FetchResponse answer = Answer({.cluster = "up"});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "onetwo");
  Stop();
}

TEST_F(FetchTest, AnotherFetchUsesTheConnectionAgain) {
  Endpoint endpoint("\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
  StartAt(endpoint.port());
  EXPECT_EQ(Answer({.cluster = "up"}).body, "ok");
  // The endpoint answers once only: that this request arrives on the same connection is the point.
  Ask({.cluster = "up", .target = "/again", .timeout = std::chrono::milliseconds(200)});
  EXPECT_TRUE(wait_.Run());
  Stop();
  EXPECT_NE(endpoint.Join().find("GET /again "), std::string::npos);
}

// RFC 9110 section 9.2.2: what may be sent twice is sent again on a new connection, once.
TEST_F(FetchTest, AConnectionThatDiedSinceItWasUsed) {
  const std::string ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  Endpoint endpoint("\r\n\r\n", {ok, ok});
  StartAt(endpoint.port());
  EXPECT_EQ(Answer({.cluster = "up"}).body, "ok");
  EXPECT_EQ(Answer({.cluster = "up", .target = "/again"}).body, "ok");
  Stop();
  endpoint.Join();
  EXPECT_EQ(endpoint.connections(), 2);
}

TEST_F(FetchTest, WhatMayNotBeSentTwiceIsNot) {
  const std::string ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  Endpoint endpoint("\r\n\r\n", {ok, ok});
  StartAt(endpoint.port());
  EXPECT_EQ(Answer({.cluster = "up"}).body, "ok");
  EXPECT_EQ(Failure({.cluster = "up", .method = "POST", .target = "/again"}),
            ErrorCode::kUpstreamReset);
  EXPECT_EQ(Answer({.cluster = "up"}).body, "ok") << "the next one has a connection of its own";
  Stop();
}

TEST_F(FetchTest, AConnectionThatIsReset) {
  Endpoint endpoint("\r\n\r\n", std::string(Endpoint::kReset));
  StartAt(endpoint.port());
  EXPECT_EQ(Failure({.cluster = "up"}), ErrorCode::kUpstreamReset);
  endpoint.Join();
  EXPECT_EQ(endpoint.connections(), 1) << "a new connection is not tried again";
}

TEST_F(FetchTest, RedirectsAreNotFollowed) {
  Endpoint endpoint("\r\n\r\n",
                    "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n");
  StartAt(endpoint.port());
  const FetchResponse answer = Answer({.cluster = "up"});
  EXPECT_EQ(answer.status, 302);
  Stop();
  EXPECT_EQ(endpoint.Join().find("elsewhere"), std::string::npos);
}

// The answer to HEAD has no content, whatever its length says (RFC 9112 section 6.3).
TEST_F(FetchTest, Head) {
  Endpoint endpoint("\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5000000\r\n\r\n");
  StartAt(endpoint.port());
  const FetchResponse answer =
      Answer({.cluster = "up", .method = "HEAD", .max_response_bytes = 10});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "");
  Stop();
  EXPECT_TRUE(endpoint.Join().starts_with("HEAD / HTTP/1.1\r\n"));
}

TEST_F(FetchTest, AChunkedAnswerThatIsTooLarge) {
  Endpoint endpoint("\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n400\r\n" +
                                    std::string(1024, 'x') + "\r\n400\r\n" +
                                    std::string(1024, 'x') + "\r\n");
  StartAt(endpoint.port());
  EXPECT_EQ(Failure({.cluster = "up", .max_response_bytes = 1500}), ErrorCode::kMalformedResponse);
  endpoint.Join();
}

TEST_F(FetchTest, AnAnswerUntilTheConnectionEnds) {
  Endpoint endpoint("\r\n\r\n", "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhalf");
  StartAt(endpoint.port());
  EXPECT_EQ(Failure({.cluster = "up", .timeout = std::chrono::milliseconds(150)}),
            ErrorCode::kResponseTimeout);
}

TEST_F(FetchTest, AnUnknownCluster) {
  StartAt(1);
  EXPECT_EQ(Failure({.cluster = "other"}), ErrorCode::kNoEndpoint);
  EXPECT_NE(result_->error().message.find("other"), std::string::npos);
}

TEST_F(FetchTest, AnEndpointThatRefuses) {
  uint16_t port = 0;
  {
    const event::TcpListener closed;
    port = closed.address.port();
  }
  StartAt(port);
  EXPECT_EQ(Failure({.cluster = "up"}), ErrorCode::kConnectFailed);
}

TEST_F(FetchTest, AnAnswerThatIsTooLarge) {
  const std::string body(1001, 'x');
  Endpoint endpoint("\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n" + body);
  StartAt(endpoint.port());
  EXPECT_EQ(Failure({.cluster = "up", .max_response_bytes = 1000}), ErrorCode::kMalformedResponse);
  endpoint.Join();  // The connection is not kept: what is left of the answer is of no use.
}

TEST_F(FetchTest, AnAnswerThatIsJustSmallEnough) {
  const std::string body(1000, 'x');
  Endpoint endpoint("\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + body);
  StartAt(endpoint.port());
  EXPECT_EQ(Answer({.cluster = "up", .max_response_bytes = 1000}).body, body);
  Stop();
}

TEST_F(FetchTest, AMalformedAnswer) {
  Endpoint endpoint("\r\n\r\n", "nonsense\r\n\r\n");
  StartAt(endpoint.port());
  EXPECT_EQ(Failure({.cluster = "up"}), ErrorCode::kMalformedResponse);
}

TEST_F(FetchTest, NoWholeAnswerInTime) {
  Endpoint endpoint("\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
  StartAt(endpoint.port());
  EXPECT_EQ(Failure({.cluster = "up", .timeout = std::chrono::milliseconds(150)}),
            ErrorCode::kResponseTimeout);
  endpoint.Join();  // The connection is closed.
}

TEST_F(FetchTest, TheClustersLimitOfRequests) {
  Endpoint endpoint("\r\n\r\n", "");
  Start("endpoints: [\"127.0.0.1:" + std::to_string(endpoint.port()) +
        "\"], limits: {max_requests: 1}");
  int first_calls = 0;
  auto first = StartFetch(worker_->parts(), {.cluster = "up"}, [&](auto) { ++first_calls; });
  EXPECT_EQ(Failure({.cluster = "up"}), ErrorCode::kOverloaded);
  EXPECT_EQ(first_calls, 0);
  // The place is free again when the first is over.
  first.reset();
  Ask({.cluster = "up", .timeout = std::chrono::milliseconds(100)});
  EXPECT_TRUE(wait_.Run());
  EXPECT_NE(result_->error().code, ErrorCode::kOverloaded);
}

TEST_F(FetchTest, DestroyedBeforeTheAnswer) {
  Endpoint endpoint("\r\n\r\n", "");
  StartAt(endpoint.port());
  Ask({.cluster = "up"});
  wait_.RunFor(std::chrono::milliseconds(50));
  pending_.reset();
  endpoint.Join();  // The connection is closed with it.
  wait_.RunFor(std::chrono::milliseconds(50));
  EXPECT_EQ(calls_, 0);
}

TEST_F(FetchTest, DestroyedInTheMiddleOfAnAnswer) {
  Endpoint endpoint("\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
  StartAt(endpoint.port());
  Ask({.cluster = "up"});
  wait_.RunFor(std::chrono::milliseconds(50));
  pending_.reset();
  endpoint.Join();
  wait_.RunFor(std::chrono::milliseconds(50));
  EXPECT_EQ(calls_, 0);
}

TEST_F(FetchTest, DestroyedBeforeItBegan) {
  StartAt(1);
  Ask({.cluster = "up"});
  pending_.reset();
  wait_.RunFor(std::chrono::milliseconds(50));
  EXPECT_EQ(calls_, 0);
}

TEST_F(FetchTest, DestroyedBetweenTheAnswerAndTheCallback) {
  StartAt(1);
  Ask({.cluster = "other"});
  // The failure is known after one turn, and told in the next.
  event::TestReady destroy([&] {
    pending_.reset();
    wait_.Done();
  });
  loop_.Queue(destroy);
  EXPECT_TRUE(wait_.Run());
  wait_.RunFor(std::chrono::milliseconds(50));
  EXPECT_EQ(calls_, 0);
}

}  // namespace
}  // namespace gatehouse::proxy
