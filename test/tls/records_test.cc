// SPDX-License-Identifier: Apache-2.0
// A server's connection that has left OpenSSL, against OpenSSL's own client, and against a client
// that seals what OpenSSL never would.
#include "source/tls/records.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>

#include "source/tls/layer.h"
#include "test/tls/made_certificates.h"

namespace gatehouse::tls {
namespace {

using State = event::SocketLayer::State;
using ContextPtr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

constexpr uint8_t kAlert = 21;
constexpr uint8_t kHandshake = 22;
constexpr uint8_t kData = 23;

// Both ends of a connection: the server with our records, the client with OpenSSL's.
class Connection {
 public:
  explicit Connection(const char* suite = "TLS_AES_128_GCM_SHA256", int version = TLS1_3_VERSION,
                      SSL_SESSION* session = nullptr, std::string_view early = {}) {
    static const Made* const kPair = new Made(Make({}));
    server_context_.reset(SSL_CTX_new(TLS_server_method()));
    SSL_CTX_use_certificate(server_context_.get(), kPair->certificate.get());
    SSL_CTX_use_PrivateKey(server_context_.get(), kPair->key.get());
    SSL_CTX_set_session_cache_mode(server_context_.get(), SSL_SESS_CACHE_OFF);
    // So that a session of one context can be resumed with the next.
    unsigned char keys[80] = {7};
    SSL_CTX_set_tlsext_ticket_keys(server_context_.get(), keys, sizeof(keys));
    Layer::KeepSecrets(server_context_.get());
    client_context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_max_proto_version(client_context_.get(), version);
    SSL_CTX_set_ciphersuites(client_context_.get(), suite);
    SSL_CTX_set_keylog_callback(client_context_.get(), &Connection::NoteSecret);
    SslPtr server(SSL_new(server_context_.get()));
    SSL_set_accept_state(server.get());
    SslPtr client(SSL_new(client_context_.get()));
    SSL_set_connect_state(client.get());
    SSL_set_app_data(client.get(), this);
    if (session != nullptr) {
      SSL_set_session(client.get(), session);
    }
    server_ = std::make_unique<Layer>(std::move(server), buffers_);
    client_ = std::make_unique<Layer>(std::move(client), buffers_);
    Shake(early);
  }

  // `early`: content that comes in one piece with the client's last words.
  void Shake(std::string_view early) {
    (void)client_->Open({}, nullptr, 0, to_server_);
    for (int i = 0; i < 10 && !(client_->established() && server_->established()); ++i) {
      Deliver(*server_, to_server_, to_client_);
      Deliver(*client_, to_client_, to_server_);
      if (client_->established()) {
        ASSERT_TRUE(client_->Seal(std::exchange(early, {}), to_server_));
      }
    }
    ASSERT_TRUE(server_->established());
    EXPECT_EQ(SSL_version(server_->ssl()), SSL_version(client_->ssl()));
    server_->LeaveOpenSsl();
  }

  bool left() const { return server_->ssl() == nullptr; }
  Layer& server() { return *server_; }
  SSL* client() { return client_->ssl(); }
  const std::string& client_failure() const { return client_->failure(); }

  // What the server makes of what has come, `piece` bytes at a time, with room for `room`.
  std::string ServerReads(size_t piece = SIZE_MAX, size_t room = 64 * 1024) {
    const std::string wire(to_server_.view());
    to_server_.Release();
    std::string out;
    std::string into(room, '\0');
    size_t at = 0;
    do {
      const std::string_view next = std::string_view(wire).substr(at, piece);
      at += next.size();
      auto opened = server_->Open(next, into.data(), room, to_client_);
      out.append(into, 0, opened.bytes);
      while (opened.state == State::kMore) {
        opened = server_->Open({}, into.data(), room, to_client_);
        out.append(into, 0, opened.bytes);
      }
      state_ = opened.state;
    } while (at < wire.size() && state_ == State::kHungry);
    return out;
  }
  std::string ClientReads() {
    std::string out;
    std::string into(64 * 1024, '\0');
    const std::string wire(to_client_.view());
    to_client_.Release();
    auto opened = client_->Open(wire, into.data(), into.size(), to_server_);
    out.append(into, 0, opened.bytes);
    while (opened.state == State::kMore) {
      opened = client_->Open({}, into.data(), into.size(), to_server_);
      out.append(into, 0, opened.bytes);
    }
    client_state_ = opened.state;
    return out;
  }
  void ClientWrites(std::string_view text) { ASSERT_TRUE(client_->Seal(text, to_server_)); }
  void ServerWrites(std::string_view text) { ASSERT_TRUE(server_->Seal(text, to_client_)); }
  // As the client, whatever it would say to that: a record of `type`, with `padding` zeros.
  std::string Sealed(uint8_t type, std::string_view content, size_t padding = 0) {
    if (keys_ == nullptr) {
      keys_ = std::make_unique<TrafficKeys>(*FindSuite(0x1301), TrafficKeys::Use::kSeal,
                                            client_secret_, 0);
    }
    std::string plain(content);
    if (padding > 0) {
      plain.push_back(static_cast<char>(type));
      plain.append(padding - 1, '\0');
      type = 0;
    }
    const size_t size = plain.size() + 1 + TrafficKeys::kTag;
    std::string record = {kData, 3, 3, static_cast<char>(size >> 8), static_cast<char>(size)};
    record.resize(5 + size);
    EXPECT_TRUE(keys_->Seal(record.substr(0, 5), plain, type, record.data() + 5));
    return record;
  }
  TrafficKeys& keys() { return *keys_; }
  void ToServer(std::string_view wire) { to_server_.Append(wire); }
  Buffer& to_server() { return to_server_; }
  Buffer& to_client() { return to_client_; }
  State state() const { return state_; }
  State client_state() const { return client_state_; }

 private:
  static void NoteSecret(const SSL* ssl, const char* line) {
    const std::string text(line);
    if (text.rfind("CLIENT_TRAFFIC_SECRET_0", 0) == 0) {
      auto& self = *static_cast<Connection*>(SSL_get_app_data(ssl));
      const std::string digits = text.substr(text.rfind(' ') + 1);
      self.client_secret_.clear();
      for (size_t i = 0; i < digits.size(); i += 2) {
        self.client_secret_.push_back(
            static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
      }
    }
  }
  static void Deliver(Layer& to, Buffer& wire, Buffer& out) {
    const std::string bytes(wire.view());
    wire.Release();
    (void)to.Open(bytes, nullptr, 0, out);
  }

  BufferPool buffers_;
  ContextPtr server_context_{nullptr, SSL_CTX_free};
  ContextPtr client_context_{nullptr, SSL_CTX_free};
  Buffer to_server_{buffers_};
  Buffer to_client_{buffers_};
  std::unique_ptr<Layer> server_;
  std::unique_ptr<Layer> client_;
  std::string client_secret_;
  std::unique_ptr<TrafficKeys> keys_;
  State state_ = State::kHungry;
  State client_state_ = State::kHungry;
};

std::string Text(size_t size) {
  std::string out(size, '\0');
  for (size_t i = 0; i < size; ++i) {
    out[i] = static_cast<char>('a' + i * 7 % 26);
  }
  return out;
}

TEST(RecordsTest, EverySuiteBothWays) {
  for (const char* suite :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    SCOPED_TRACE(suite);
    Connection connection(suite);
    ASSERT_TRUE(connection.left());
    for (const size_t size : {1, 15, 16, 17, 100, 16383, 16384, 16385, 50000}) {
      connection.ClientWrites(Text(size));
      EXPECT_EQ(connection.ServerReads(), Text(size));
      connection.ServerWrites(Text(size));
      EXPECT_EQ(connection.ClientReads(), Text(size));
    }
    EXPECT_EQ(connection.state(), State::kHungry);
  }
}

TEST(RecordsTest, InPiecesAndWithLittleRoom) {
  for (const size_t piece : {1, 4, 5, 6, 21, 1000}) {
    for (const size_t room : {1, 7, 4096, 20000}) {
      Connection connection;
      connection.ClientWrites(Text(3000));
      connection.ClientWrites(Text(17000));
      EXPECT_EQ(connection.ServerReads(piece, room), Text(3000) + Text(17000))
          << piece << ' ' << room;
    }
  }
}

TEST(RecordsTest, WhatCameWithTheHandshakesEnd) {
  Connection connection("TLS_AES_128_GCM_SHA256", TLS1_3_VERSION, nullptr, "first");
  ASSERT_TRUE(connection.left());
  EXPECT_EQ(connection.ServerReads(), "first");
}

TEST(RecordsTest, AResumedSession) {
  Connection first;
  (void)first.ClientReads();  // The tickets.
  SSL_SESSION* const session = SSL_get1_session(first.client());
  ASSERT_EQ(SSL_SESSION_is_resumable(session), 1);
  Connection second("TLS_AES_128_GCM_SHA256", TLS1_3_VERSION, session);
  SSL_SESSION_free(session);
  EXPECT_EQ(SSL_session_reused(second.client()), 1);
  ASSERT_TRUE(second.left());
  second.ServerWrites("behind the ticket");
  EXPECT_EQ(second.ClientReads(), "behind the ticket");
  second.ClientWrites("and back");
  EXPECT_EQ(second.ServerReads(), "and back");
}

TEST(RecordsTest, OfTls12ItStaysWithOpenSsl) {
  Connection connection("TLS_AES_128_GCM_SHA256", TLS1_2_VERSION);
  EXPECT_FALSE(connection.left());
  connection.ClientWrites("hello");
  EXPECT_EQ(connection.ServerReads(), "hello");
  connection.ServerWrites("hello");
  EXPECT_EQ(connection.ClientReads(), "hello");
}

TEST(RecordsTest, KeyUpdates) {
  Connection connection;
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(SSL_key_update(connection.client(),
                             i % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED),
              1);
    connection.ClientWrites("after an update");
    EXPECT_EQ(connection.ServerReads(), "after an update");
    connection.ServerWrites("with new keys");
    EXPECT_EQ(connection.ClientReads(), "with new keys");
    ASSERT_NE(connection.client_state(), State::kFailed);
  }
}

TEST(RecordsTest, TheEndInGoodOrder) {
  Connection connection;
  connection.ServerWrites("last");
  connection.server().Finish(connection.to_client());
  EXPECT_EQ(connection.ClientReads(), "last");
  EXPECT_EQ(connection.client_state(), State::kEnd);
}

TEST(RecordsTest, CloseNotifyIsTheEnd) {
  Connection connection;
  connection.ToServer(connection.Sealed(kData, "last"));
  connection.ToServer(connection.Sealed(kAlert, std::string_view("\1\0", 2)));
  EXPECT_EQ(connection.ServerReads(), "last");
  EXPECT_EQ(connection.state(), State::kEnd);
}

TEST(RecordsTest, Padding) {
  Connection connection;
  connection.ToServer(connection.Sealed(kData, "padded", 300));
  connection.ToServer(connection.Sealed(kData, std::string_view("zeros\0\0", 7), 1));
  EXPECT_EQ(connection.ServerReads(), std::string("paddedzeros\0\0", 13));
}

// Fails with that alert, whose level is "fatal", and says nothing more.
void ExpectFailure(Connection& connection, uint8_t alert) {
  EXPECT_EQ(connection.ServerReads(), "");
  EXPECT_EQ(connection.state(), State::kFailed);
  EXPECT_FALSE(connection.server().failure().empty());
  (void)connection.ClientReads();
  EXPECT_EQ(connection.client_state(), State::kFailed);
  const std::string_view known = alert == 10   ? "unexpected message"
                                 : alert == 20 ? "bad record mac"
                                 : alert == 22 ? "record overflow"
                                 : alert == 47 ? "illegal parameter"
                                               : "decode error";
  EXPECT_NE(connection.client_failure().find(known), std::string::npos)
      << connection.client_failure();
  Buffer more(connection.to_client().pool());
  EXPECT_FALSE(connection.server().Seal("more", more));
  EXPECT_TRUE(more.empty());
}

TEST(RecordsTest, WhatThePeerHasNotSealed) {
  for (const size_t at : {5, 6, 20, 30}) {
    Connection connection;
    std::string record = connection.Sealed(kData, "a record with content");
    record[at] ^= 1;
    connection.ToServer(record);
    ExpectFailure(connection, 20);
  }
  Connection replayed;
  const std::string record = replayed.Sealed(kData, "once");
  replayed.ToServer(record);
  EXPECT_EQ(replayed.ServerReads(), "once");
  replayed.ToServer(record);
  ExpectFailure(replayed, 20);
}

TEST(RecordsTest, RecordsThatBreakTheRules) {
  struct Case {
    const char* what;
    std::string_view wire;
    uint8_t alert;
  };
  const Case cases[] = {
      {"an alert in the clear", std::string_view("\x15\3\3\0\2\1\0", 7), 10},
      {"change_cipher_spec", std::string_view("\x14\3\3\0\1\1", 6), 10},
      {"too long", std::string_view("\x17\3\3\x41\1", 5), 22},
      {"no tag", std::string_view("\x17\3\3\0\1x", 6), 20},
      {"plain HTTP", "GET / HTTP/1.1\r\n\r\n", 10},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    Connection connection;
    connection.ToServer(one.wire);
    ExpectFailure(connection, one.alert);
  }
}

TEST(RecordsTest, ContentThatBreaksTheRules) {
  struct Case {
    const char* what;
    uint8_t type;
    std::string content;
    uint8_t alert;
  };
  const Case cases[] = {
      {"no type", 0, std::string(10, '\0'), 10},
      {"an unknown type", 99, "x", 10},
      {"change_cipher_spec", 20, "\1", 10},
      {"more than 16 KiB", kData, std::string(16 * 1024 + 1, 'x'), 22},
      {"half an alert", kAlert, "\2", 50},
      {"an empty handshake record", kHandshake, "", 10},
      {"a Finished", kHandshake, std::string("\x14\0\0\x20", 4), 10},
      {"a ClientHello", kHandshake, std::string("\1\0\0\1x", 5), 10},
      {"two messages in a record", kHandshake, std::string("\x18\0\0\1\0\x18", 6), 10},
      {"a long KeyUpdate", kHandshake, std::string("\x18\0\0\2\0", 5), 50},
      {"an unknown KeyUpdate", kHandshake, std::string("\x18\0\0\1\2", 5), 47},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.what);
    Connection connection;
    connection.ToServer(connection.Sealed(one.type, one.content));
    ExpectFailure(connection, one.alert);
  }
}

TEST(RecordsTest, PaddingCountsToo) {
  Connection connection;
  connection.ToServer(connection.Sealed(kData, std::string(16 * 1024 - 1, 'x'), 1));
  EXPECT_EQ(connection.ServerReads(), std::string(16 * 1024 - 1, 'x'));
  connection.ToServer(connection.Sealed(kData, std::string(16 * 1024, 'x'), 1));
  ExpectFailure(connection, 22);
}

TEST(RecordsTest, AFatalAlertIsNotAnswered) {
  Connection connection;
  connection.to_client().Release();
  connection.ToServer(connection.Sealed(kAlert, "\2\50"));
  EXPECT_EQ(connection.ServerReads(), "");
  EXPECT_EQ(connection.state(), State::kFailed);
  connection.server().Finish(connection.to_client());
  EXPECT_TRUE(connection.to_client().empty());
}

TEST(RecordsTest, AKeyUpdateInPieces) {
  Connection connection;
  const std::string update("\x18\0\0\1\0", 5);
  for (const char c : update) {
    connection.ToServer(connection.Sealed(kHandshake, {&c, 1}));
  }
  ASSERT_TRUE(connection.keys().Update());
  connection.ToServer(connection.Sealed(kData, "new keys"));
  EXPECT_EQ(connection.ServerReads(), "new keys");
  connection.ToServer(connection.Sealed(kHandshake, "\x18"));
  connection.ToServer(connection.Sealed(kData, "in between"));
  ExpectFailure(connection, 10);
}

// A client that asks for new keys again and again, and reads nothing: one answer, when there is
// something to say.
TEST(RecordsTest, KeyUpdatesAmongContent) {
  Connection connection;
  connection.to_client().Release();
  for (int i = 0; i < 1000; ++i) {
    connection.ToServer(connection.Sealed(kHandshake, std::string_view("\x18\0\0\1\1", 5)));
    ASSERT_TRUE(connection.keys().Update());
    connection.ToServer(connection.Sealed(kData, "x"));
  }
  EXPECT_EQ(connection.ServerReads(), std::string(1000, 'x'));
  EXPECT_TRUE(connection.to_client().empty());
  connection.ServerWrites("answer");
  EXPECT_LT(connection.to_client().size(), 100u);
  EXPECT_EQ(connection.ClientReads(), "answer");
}

TEST(RecordsTest, FloodsOfNothing) {
  Connection empty;
  for (int i = 0; i < 40; ++i) {
    empty.ToServer(empty.Sealed(kData, ""));
  }
  ExpectFailure(empty, 10);
  Connection updates;
  for (int i = 0; i < 40; ++i) {
    updates.ToServer(updates.Sealed(kHandshake, std::string_view("\x18\0\0\1\1", 5)));
    ASSERT_TRUE(updates.keys().Update());
  }
  (void)updates.ServerReads();
  EXPECT_EQ(updates.state(), State::kFailed);
  EXPECT_LT(updates.to_client().size(), 4096u);
}

}  // namespace
}  // namespace gatehouse::tls
