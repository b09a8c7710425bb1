// SPDX-License-Identifier: Apache-2.0
// A connection's bytes, however they come.
#include "source/tls/layer.h"

#include <gtest/gtest.h>

#include <random>

#include "test/tls/server_files.h"

namespace gatehouse::tls {
namespace {

using State = event::SocketLayer::State;

class LayerTest : public ::testing::TestWithParam<bool> {
 protected:
  LayerTest() {
    files_.Add("a", Make({.common_name = "a", .names = "DNS:a.example.com"}));
    server_ = files_.Load();
  }
  Connection::Client Client() const { return {.tune = GetParam() ? OnlyTls12 : OnlyTls13}; }
  // What a client's SSL_write(`plain`) puts on the wire.
  static std::string Sealed(Connection& connection, const std::string& plain) {
    size_t written = 0;
    EXPECT_EQ(SSL_write_ex(connection.ssl(), plain.data(), plain.size(), &written), 1);
    return connection.TakeClientBytes();
  }
  ServerFiles files_;
  std::shared_ptr<ServerTls> server_;
};

TEST_P(LayerTest, ByteByByte) {
  Connection one(*server_, Client());
  ASSERT_TRUE(one.ok());
  std::string wire = Sealed(one, "hello");
  wire += Sealed(one, "world");
  for (const char byte : wire) {
    one.ToServer({&byte, 1});
  }
  EXPECT_EQ(one.opened(), "helloworld");
}

TEST_P(LayerTest, MoreThanFits) {
  Connection one(*server_, Client());
  const std::string large(100'000, 'x');
  one.ToServer(Sealed(one, large));
  while (one.state() == State::kMore) {
    one.ToServer({});
  }
  EXPECT_EQ(one.opened(), large);
}

TEST_P(LayerTest, SealsWhateverSize) {
  Connection one(*server_, Client());
  for (const size_t size :
       {size_t{1}, size_t{16383}, size_t{16384}, size_t{16385}, size_t{65536}}) {
    const std::string plain(size, 'y');
    Buffer out(one.pool());
    ASSERT_TRUE(one.layer().Seal(plain, out));
    one.ToClient(out.view());
    std::string got(size, '\0');
    size_t at = 0;
    while (at < size) {
      size_t bytes = 0;
      ASSERT_EQ(SSL_read_ex(one.ssl(), got.data() + at, size - at, &bytes), 1);
      at += bytes;
    }
    EXPECT_EQ(got, plain);
  }
}

TEST_P(LayerTest, TheEndIsTold) {
  Connection one(*server_, Client());
  SSL_shutdown(one.ssl());
  one.ToServer(one.TakeClientBytes());
  EXPECT_EQ(one.state(), State::kEnd);
  Buffer out(one.pool());
  one.layer().Finish(out);
  one.ToClient(out.view());
  char byte = 0;
  size_t got = 0;
  EXPECT_EQ(SSL_read_ex(one.ssl(), &byte, 1, &got), 0);
  EXPECT_EQ(SSL_get_shutdown(one.ssl()) & SSL_RECEIVED_SHUTDOWN, SSL_RECEIVED_SHUTDOWN);
}

TEST_P(LayerTest, DamagedRecordsEndIt) {
  for (const size_t at : {size_t{0}, size_t{1}, size_t{3}, size_t{6}, size_t{12}}) {
    Connection one(*server_, Client());
    std::string wire = Sealed(one, "hello, this is a record");
    wire[at] = static_cast<char>(wire[at] ^ 0x40);
    one.ToServer(wire);
    one.ToServer(std::string(17'000, '\0'));
    EXPECT_EQ(one.state(), State::kFailed) << at;
    EXPECT_FALSE(one.layer().failure().empty()) << at;
    EXPECT_EQ(one.opened(), "") << at;
    // And it stays so.
    one.ToServer(Sealed(one, "more"));
    EXPECT_EQ(one.state(), State::kFailed);
    Buffer out(one.pool());
    EXPECT_FALSE(one.layer().Seal("x", out));
  }
}

TEST_P(LayerTest, RecordsAreNotTakenTwiceOrOutOfOrder) {
  Connection one(*server_, Client());
  const std::string first = Sealed(one, "first");
  const std::string second = Sealed(one, "second");
  one.ToServer(second);
  EXPECT_EQ(one.state(), State::kFailed);
  Connection other(*server_, Client());
  const std::string record = Sealed(other, "again");
  other.ToServer(record);
  other.ToServer(record);
  EXPECT_EQ(other.opened(), "again");
  EXPECT_EQ(other.state(), State::kFailed);
}

TEST_P(LayerTest, ClearTextAfterTheHandshakeEndsIt) {
  Connection one(*server_, Client());
  one.ToServer(std::string("\x17\x03\x03\x00\x05hello", 10));
  EXPECT_EQ(one.state(), State::kFailed);
}

// TLS 1.3's KeyUpdate, both ways and many of them.
TEST_P(LayerTest, KeysChange) {
  if (GetParam()) {
    return;
  }
  Connection one(*server_, Client());
  for (int i = 0; i < 20; ++i) {
    SSL_key_update(one.ssl(), i % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
    one.ToServer(Sealed(one, "x"));
    Buffer out(one.pool());
    ASSERT_TRUE(one.layer().Seal("answer", out));
    one.ToClient(out.view());
    char got[16];
    size_t bytes = 0;
    ASSERT_EQ(SSL_read_ex(one.ssl(), got, sizeof got, &bytes), 1) << i;
    EXPECT_EQ(std::string(got, bytes), "answer");
  }
  EXPECT_EQ(one.opened(), std::string(20, 'x'));
}

TEST_P(LayerTest, HandshakesAreNotBegunAnew) {
  if (!GetParam()) {
    return;
  }
  Connection one(*server_, Client());
  SSL_renegotiate(one.ssl());
  SSL_do_handshake(one.ssl());
  one.ToServer(one.TakeClientBytes());
  EXPECT_NE(one.state(), State::kMore);
  EXPECT_EQ(one.Facts()->version, "TLSv1.2");
}

// Whatever comes: no crash, no endless loop, and little kept.
TEST_P(LayerTest, JunkInPlaceOfAHandshake) {
  std::mt19937 random(GetParam() ? 1 : 2);
  std::string hello;
  {
    Connection one(*server_, Client());
    SslPtr ssl(SSL_new(SSL_get_SSL_CTX(one.ssl())));
    BIO* const out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), out);
    SSL_set_connect_state(ssl.get());
    SSL_do_handshake(ssl.get());
    char* data = nullptr;
    hello.assign(data, static_cast<size_t>(BIO_get_mem_data(out, &data)));
    hello.assign(data, static_cast<size_t>(BIO_get_mem_data(out, &data)));
  }
  for (int i = 0; i < 2000; ++i) {
    std::string wire = hello;
    const size_t changes = 1 + random() % 4;
    for (size_t k = 0; k < changes; ++k) {
      wire[random() % wire.size()] = static_cast<char>(random());
    }
    wire.resize(i % 3 == 0 ? random() % (wire.size() + 1) : wire.size());
    BufferPool pool;
    const auto layer = server_->NewLayer(pool);
    Buffer out(pool);
    char into[512];
    for (int turn = 0; turn < 4; ++turn) {
      const auto opened = layer->Open(turn == 0 ? wire : std::string(), into, sizeof into, out);
      ASSERT_EQ(opened.bytes, 0u);
      ASSERT_FALSE(layer->established());
    }
    ASSERT_LT(out.size(), 16u * 1024);
  }
}

TEST_P(LayerTest, ACutOffHandshakeWaits) {
  Connection one(*server_, Client());
  BufferPool pool;
  const auto layer = server_->NewLayer(pool);
  Buffer out(pool);
  char into[16];
  EXPECT_EQ(layer->Open(std::string("\x16\x03\x01", 3), into, sizeof into, out).state,
            State::kHungry);
  layer->Finish(out);
  EXPECT_TRUE(out.empty());
}

INSTANTIATE_TEST_SUITE_P(Versions, LayerTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls12" : "Tls13"; });

}  // namespace
}  // namespace gatehouse::tls
