// SPDX-License-Identifier: Apache-2.0
// Many streams on a connection: who shares it, when there is another, and what becomes of those who
// wait when things go wrong. The endpoint is real bytes on a socket, and says what the test says.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "source/base/ip.h"
#include "source/upstream/pool/cluster_pool.h"
#include "test/upstream/pool/scripted_server.h"

namespace gatehouse::upstream {
namespace {

constexpr uint16_t kMaxConcurrentStreams = 3;  // RFC 9113 section 6.5.2.
constexpr uint16_t kEnableConnectProtocol = 8;
constexpr uint32_t kRefusedStream = 7;

// A request without content: waits for a connection, asks, and notes what came of it.
class Request final : public Waiter, private http::ResponseEvents {
 public:
  Request(ArenaPool& arenas, ClusterPool& pool) : arena_(arenas), pool_(pool), head_(arena_) {
    head_.method = http::Method::kGet;
    head_.method_name = "GET";
    head_.target = head_.path = "/";
    head_.scheme = "http";
    head_.authority = head_.host = "a.test";
    head_.headers.Add("host", "a.test");
  }
  ~Request() { Cancel(); }

  void Begin(const Wanted& wanted = {}) {
    endpoint_ = pool_.Pick({}, {});
    ASSERT_NE(endpoint_, nullptr);
    if (wanted.upgrade) {
      head_.upgrade = "websocket";
    }
    if (Connection* got = pool_.Acquire(endpoint_, *this, wanted)) {
      OnConnection(*got);
    }
  }
  void Cancel() {
    if (sender != nullptr) {
      std::exchange(sender, nullptr)->Reset(ErrorCode::kClientGone);
    } else if (connection == nullptr && failure == ErrorCode::kNone) {
      pool_.Cancel(*this);
    }
  }

  http::RequestSender* sender = nullptr;  // While it is under way.
  Connection* connection = nullptr;       // The one that it was sent on.
  uint16_t status = 0;
  bool ended = false;
  ErrorCode failure = ErrorCode::kNone;  // No connection.
  ErrorCode reset = ErrorCode::kNone;
  std::function<void()> on_failure;

 private:
  void OnConnection(Connection& got) override {
    connection = &got;
    sender = &got.Start(*this, arena_);
    sender->SendHeaders(head_, head_.upgrade.empty());
  }
  void OnNoConnection(const Error& error) override {
    failure = error.code;
    if (on_failure) {
      on_failure();
    }
  }
  void OnInformational(http::ResponseHead&) override {}
  void OnHeaders(http::ResponseHead& head, bool end) override {
    status = head.status;
    End(end);
  }
  void OnData(std::string_view data, bool end) override {
    sender->Consume(data.size());
    End(end);
  }
  void OnTrailers(http::Headers&) override { End(true); }
  void OnReset(const Error& error) override {
    reset = error.code;
    sender = nullptr;
  }
  void OnCredit() override {}
  void End(bool end) {
    ended = end;
    if (end) {
      sender = nullptr;
    }
  }

  Arena arena_;
  ClusterPool& pool_;
  http::RequestHead head_;
  std::shared_ptr<const Endpoint> endpoint_;
};

class Http2PoolTest : public testing::Test {
 protected:
  Http2PoolTest() : table_(metrics_.AddTable()) {
    settings_.name = "users";
    settings_.protocol = Protocol::kHttp2;
    settings_.endpoints = {{"127.0.0.1", server_.port(), false, false, 1, {}}};
  }
  ~Http2PoolTest() override {
    requests_.clear();
    pool_.reset();
    Turn();
  }

  ClusterPool& pool() {
    if (pool_ == nullptr) {
      cluster_ = std::make_shared<Cluster>(0, settings_, nullptr);
      pool_ = std::make_unique<ClusterPool>(io_, cluster_, 1);
    }
    return *pool_;
  }
  Request& Begin(const Wanted& wanted = {}) {
    requests_.push_back(std::make_unique<Request>(arenas_, pool()));
    requests_.back()->Begin(wanted);
    return *requests_.back();
  }
  std::vector<Request*> BeginMany(size_t count) {
    std::vector<Request*> out;
    for (size_t i = 0; i < count; ++i) {
      out.push_back(&Begin());
    }
    return out;
  }
  void Turn() {
    loop_.Stop();
    loop_.Run();
    server_.Poll();
  }
  // Lets both ends work until `done`, for five seconds at most.
  bool Until(const std::function<bool()>& done) {
    const MonotonicTime give_up = MonotonicNow() + std::chrono::seconds(5);
    while (!done()) {
      if (MonotonicNow() > give_up) {
        return false;
      }
      Turn();
    }
    return true;
  }
  // What is on its way arrives.
  void Settle() {
    const MonotonicTime until = MonotonicNow() + std::chrono::milliseconds(60);
    while (MonotonicNow() < until) {
      Turn();
    }
  }
  // The endpoint's `i`th connection, with as many requests on it.
  bool HasRequests(size_t i, size_t count) {
    return Until([&] { return server_.peers() > i && server_.peer(i).requests().size() >= count; });
  }
  // A connection that is there and has heard the endpoint's SETTINGS.
  ScriptedPeer& Warm(uint16_t setting = 0, uint32_t value = 0) {
    Request& first = Begin();
    EXPECT_TRUE(HasRequests(0, 1));
    server_.peer(0).SendSettings(setting, value);
    server_.peer(0).Respond(1);
    EXPECT_TRUE(Until([&] { return first.ended; }));
    return server_.peer(0);
  }

  observe::Metrics metrics_;
  observe::MetricTable& table_;
  event::Loop loop_{"test"};
  BufferPool buffers_;
  ArenaPool arenas_;
  char scratch_[65536];
  event::PipePool pipes_;
  IoContext io_{loop_, buffers_, pipes_, scratch_, table_};
  ScriptedServer server_;
  ClusterSettings settings_;
  std::shared_ptr<Cluster> cluster_;
  std::unique_ptr<ClusterPool> pool_;
  std::vector<std::unique_ptr<Request>> requests_;
};

TEST_F(Http2PoolTest, WaitersShareTheConnectionThatIsBeingOpened) {
  const std::vector<Request*> all = BeginMany(5);
  ASSERT_TRUE(HasRequests(0, 5));
  EXPECT_EQ(cluster_->connections.used(), 1u);
  server_.peer(0).SendSettings();
  for (const uint32_t stream : server_.peer(0).requests()) {
    server_.peer(0).Respond(stream);
  }
  ASSERT_TRUE(Until([&] { return all.back()->ended; }));
  for (const Request* one : all) {
    EXPECT_EQ(one->status, 200);
  }
  EXPECT_EQ(server_.peers(), 1u);
}

TEST_F(Http2PoolTest, AFullConnectionIsFollowedByASecond) {
  settings_.max_streams = 3;
  BeginMany(5);
  ASSERT_TRUE(HasRequests(0, 3));
  ASSERT_TRUE(HasRequests(1, 2));
  Settle();
  EXPECT_EQ(server_.peers(), 2u);
  EXPECT_EQ(server_.peer(0).requests().size(), 3u);
  // The one that has room is filled first.
  Begin();
  ASSERT_TRUE(HasRequests(1, 3));
  EXPECT_EQ(server_.peers(), 2u);
}

TEST_F(Http2PoolTest, TheEndpointsLimitHolds) {
  ScriptedPeer& peer = Warm(kMaxConcurrentStreams, 2);
  BeginMany(3);
  ASSERT_TRUE(HasRequests(1, 1));
  EXPECT_EQ(peer.requests().size(), 3u);  // With the first.
  // What it allowed before is what the next is expected to allow.
  BeginMany(2);
  ASSERT_TRUE(HasRequests(2, 1));
  EXPECT_EQ(server_.peer(1).requests().size(), 2u);
}

TEST_F(Http2PoolTest, OurOwnLimitHoldsOnAConnectionThatAllowsMore) {
  settings_.max_streams = 2;
  ScriptedPeer& peer = Warm(kMaxConcurrentStreams, 50);
  BeginMany(3);
  ASSERT_TRUE(HasRequests(1, 1));
  EXPECT_EQ(peer.requests().size(), 3u);  // With the first.
}

TEST_F(Http2PoolTest, NoMoreWaitForAConnectionThanTheLastOneAllowed) {
  Warm(kMaxConcurrentStreams, 2);
  BeginMany(6);
  ASSERT_TRUE(HasRequests(1, 2));
  ASSERT_TRUE(HasRequests(2, 2));
  Settle();
  EXPECT_EQ(server_.peers(), 3u);
}

TEST_F(Http2PoolTest, OneStreamAtATime) {
  settings_.max_connections = 1;
  ScriptedPeer& peer = Warm(kMaxConcurrentStreams, 1);
  Request& second = Begin();
  Request& third = Begin();
  ASSERT_TRUE(HasRequests(0, 2));
  Settle();
  EXPECT_EQ(peer.requests().size(), 2u);
  EXPECT_EQ(third.connection, nullptr);
  peer.Respond(3);
  ASSERT_TRUE(HasRequests(0, 3));
  peer.Respond(5);
  ASSERT_TRUE(Until([&] { return third.ended; }));
  EXPECT_TRUE(second.ended);
  EXPECT_EQ(server_.peers(), 1u);
}

TEST_F(Http2PoolTest, AConnectionThatFailsIsToldToAllWhoWaitForIt) {
  server_.StopListening();
  std::vector<Request*> all = BeginMany(3);
  // One of them drops another in its call.
  all[0]->on_failure = [&] { all[2]->Cancel(); };
  ASSERT_TRUE(Until([&] { return all[1]->failure != ErrorCode::kNone; }));
  EXPECT_EQ(all[0]->failure, ErrorCode::kConnectFailed);
  EXPECT_EQ(all[2]->failure, ErrorCode::kNone);
  EXPECT_EQ(cluster_->connections.used(), 0u);
}

TEST_F(Http2PoolTest, WhoGivesUpWhileConnectingLeavesTheOthersAlone) {
  std::vector<Request*> all = BeginMany(3);
  all[0]->Cancel();
  all[2]->Cancel();
  ASSERT_TRUE(HasRequests(0, 1));
  Settle();
  EXPECT_EQ(server_.peer(0).requests().size(), 1u);
  EXPECT_NE(all[1]->connection, nullptr);
}

TEST_F(Http2PoolTest, AConnectionThatNobodyWaitsForAnyMoreIsKept) {
  Begin().Cancel();
  Settle();
  ASSERT_EQ(server_.peers(), 1u);
  server_.peer(0).SendSettings();
  Settle();
  Begin();
  ASSERT_TRUE(HasRequests(0, 1));
  EXPECT_EQ(server_.peers(), 1u);
}

TEST_F(Http2PoolTest, ResettingAStreamLeavesTheOthersAlone) {
  std::vector<Request*> all = BeginMany(2);
  ASSERT_TRUE(HasRequests(0, 2));
  server_.peer(0).SendSettings();
  all[0]->Cancel();
  server_.peer(0).Respond(3, "hello");
  ASSERT_TRUE(Until([&] { return all[1]->ended; }));
  EXPECT_TRUE(server_.peer(0).open());
  EXPECT_EQ(all[1]->connection->streams(), 0u);
}

TEST_F(Http2PoolTest, AfterGoawayNothingStartsAndWhatIsUnderWayEnds) {
  std::vector<Request*> all = BeginMany(2);
  ASSERT_TRUE(HasRequests(0, 2));
  ScriptedPeer& peer = server_.peer(0);
  peer.SendSettings();
  peer.Goaway(1);
  ASSERT_TRUE(Until([&] { return all[1]->reset != ErrorCode::kNone; }));
  EXPECT_EQ(all[1]->reset, ErrorCode::kUpstreamUnprocessed);
  Begin();
  ASSERT_TRUE(HasRequests(1, 1));
  EXPECT_EQ(peer.requests().size(), 2u);
  peer.Respond(1);
  ASSERT_TRUE(Until([&] { return all[0]->ended; }));
  EXPECT_EQ(all[0]->status, 200);
  ASSERT_TRUE(Until([&] { return !peer.open(); }));  // With its last stream.
  EXPECT_EQ(cluster_->connections.used(), 1u);
}

TEST_F(Http2PoolTest, GoawayOnAnIdleConnectionClosesIt) {
  ScriptedPeer& peer = Warm();
  peer.Goaway(1);
  ASSERT_TRUE(Until([&] { return !peer.open(); }));
  EXPECT_EQ(cluster_->connections.used(), 0u);
}

TEST_F(Http2PoolTest, ARefusedStreamIsToldApart) {
  ScriptedPeer& peer = Warm();
  Request& refused = Begin();
  Request& other = Begin();
  ASSERT_TRUE(HasRequests(0, 3));
  peer.Reset(3, kRefusedStream);
  ASSERT_TRUE(Until([&] { return refused.reset != ErrorCode::kNone; }));
  EXPECT_EQ(refused.reset, ErrorCode::kUpstreamUnprocessed);
  EXPECT_EQ(other.reset, ErrorCode::kNone);
  // Sent again, it goes elsewhere.
  Begin({.except = refused.connection});
  ASSERT_TRUE(HasRequests(1, 1));
}

TEST_F(Http2PoolTest, ALostConnectionIsToldToAllOnIt) {
  std::vector<Request*> all = BeginMany(3);
  ASSERT_TRUE(HasRequests(0, 3));
  server_.peer(0).SendSettings();
  server_.peer(0).Respond(1);
  ASSERT_TRUE(Until([&] { return all[0]->ended; }));
  server_.peer(0).Close();
  ASSERT_TRUE(Until([&] { return all[2]->reset != ErrorCode::kNone; }));
  EXPECT_EQ(all[1]->reset, ErrorCode::kUpstreamReset);
  EXPECT_EQ(all[0]->reset, ErrorCode::kNone);
  EXPECT_EQ(cluster_->connections.used(), 0u);
}

TEST_F(Http2PoolTest, ARetiredPoolIsGoneWithItsLastStream) {
  Request& slow = Begin();
  ASSERT_TRUE(HasRequests(0, 1));
  server_.peer(0).SendSettings();
  int told = 0;
  pool().Retire([&] { ++told; });
  Settle();
  EXPECT_TRUE(server_.peer(0).open());
  EXPECT_EQ(told, 0);
  server_.peer(0).Respond(1);
  ASSERT_TRUE(Until([&] { return told > 0; }));
  EXPECT_TRUE(slow.ended);
  EXPECT_TRUE(pool().unused());
}

TEST_F(Http2PoolTest, AnEndpointThatLeavesGetsNoMoreAndFinishesWhatItHas) {
  settings_.endpoints[0] = {"users.test", server_.port(), false, true, 1, {}};
  (void)pool();
  cluster_->SetEndpoints({{*ParseIp("127.0.0.1")}});
  Request& slow = Begin();
  ASSERT_TRUE(HasRequests(0, 1));
  server_.peer(0).SendSettings();
  Settle();
  cluster_->SetEndpoints({{*ParseIp("127.0.0.2")}});
  ASSERT_NE(pool().Pick({}, {}), nullptr);
  server_.peer(0).Respond(1);
  ASSERT_TRUE(Until([&] { return slow.ended; }));
  ASSERT_TRUE(Until([&] { return !server_.peer(0).open(); }));
  EXPECT_EQ(cluster_->connections.used(), 0u);
}

TEST_F(Http2PoolTest, AnUpgradeWaitsForTheWordOfTheEndpoint) {
  Request& upgrade = Begin({.upgrade = true});
  Request& plain = Begin();
  ASSERT_TRUE(HasRequests(0, 1));
  EXPECT_NE(plain.connection, nullptr);
  EXPECT_EQ(upgrade.connection, nullptr);
  server_.peer(0).SendSettings(kEnableConnectProtocol, 1);
  ASSERT_TRUE(HasRequests(0, 2));
  EXPECT_NE(upgrade.connection, nullptr);
  EXPECT_EQ(server_.peers(), 1u);
}

TEST_F(Http2PoolTest, AnUpgradeThatCannotBeIsRefused) {
  Request& first = Begin({.upgrade = true});
  ASSERT_TRUE(Until([&] { return server_.peers() == 1; }));
  server_.peer(0).SendSettings();
  ASSERT_TRUE(Until([&] { return first.failure != ErrorCode::kNone; }));
  EXPECT_EQ(first.failure, ErrorCode::kNoEndpoint);
  // It is known now: no further connection, and no word inside Acquire().
  Request& second = Begin({.upgrade = true});
  EXPECT_EQ(second.failure, ErrorCode::kNone);
  ASSERT_TRUE(Until([&] { return second.failure != ErrorCode::kNone; }));
  EXPECT_EQ(server_.peers(), 1u);
  Begin();
  ASSERT_TRUE(HasRequests(0, 1));
}

TEST_F(Http2PoolTest, AnUpgradeDoesNotWaitForSettingsForever) {
  settings_.connect_timeout = std::chrono::milliseconds(50);
  Request& upgrade = Begin({.upgrade = true});
  ASSERT_TRUE(Until([&] { return upgrade.failure != ErrorCode::kNone; }));
  EXPECT_EQ(upgrade.failure, ErrorCode::kNoEndpoint);
}

TEST_F(Http2PoolTest, AnIdleConnectionIsClosedInTime) {
  settings_.idle_timeout = std::chrono::milliseconds(50);
  ScriptedPeer& peer = Warm();
  ASSERT_TRUE(Until([&] { return !peer.open(); }));
  EXPECT_EQ(cluster_->connections.used(), 0u);
}

TEST_F(Http2PoolTest, AConnectionWithStreamsIsNotIdle) {
  settings_.idle_timeout = std::chrono::milliseconds(50);
  Warm();
  Begin();
  ASSERT_TRUE(HasRequests(0, 2));
  Settle();
  Settle();
  EXPECT_TRUE(server_.peer(0).open());
}

TEST_F(Http2PoolTest, AnotherEndpointsConnectionGivesWayOnlyWhenItIsIdle) {
  settings_.max_connections = 1;
  settings_.connect_timeout = std::chrono::milliseconds(300);
  ScriptedServer other;
  settings_.endpoints.push_back({"127.0.0.1", other.port(), false, false, 1, {}});
  // Round robin: the second request is for the other endpoint.
  Begin();
  Request& second = Begin();
  ASSERT_TRUE(Until([&] {
    other.Poll();
    return server_.peers() + other.peers() == 1;
  }));
  Settle();
  other.Poll();
  EXPECT_EQ(server_.peers() + other.peers(), 1u);
  ASSERT_TRUE(Until([&] { return second.failure != ErrorCode::kNone; }));
  EXPECT_EQ(second.failure, ErrorCode::kOverloaded);
}

}  // namespace
}  // namespace gatehouse::upstream
