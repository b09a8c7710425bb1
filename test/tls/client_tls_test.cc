// SPDX-License-Identifier: Apache-2.0
// Handshakes in memory: whom a cluster's connections trust, and what they say when they don't.
#include "source/tls/client_tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <string>
#include <vector>

#include "source/tls/client_context.h"
#include "source/tls/spki_pin.h"
#include "test/tls/made_certificates.h"

namespace gatehouse::tls {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr int64_t kDay = 24 * 60 * 60;

struct Wanted {
  std::string common_name = "test";
  std::string names = {};  // "DNS:a.test,IP:127.0.0.1"
  int from_days = -1;      // Relative to now.
  int to_days = 30;
  bool authority = false;
};

// A certificate and its key. Without an issuer it signs itself.
class Pair {
 public:
  explicit Pair(const Wanted& wanted, const Pair* issuer = nullptr)
      : made_(Make({.common_name = wanted.common_name,
                    .names = wanted.names,
                    .authority = wanted.authority,
                    .from = wanted.from_days * kDay,
                    .until = wanted.to_days * kDay,
                    .issuer = issuer == nullptr ? nullptr : &issuer->made_})) {}

  X509* certificate() const { return made_.certificate.get(); }
  EVP_PKEY* key() const { return made_.key.get(); }
  std::string certificate_pem() const { return Pem(made_); }
  std::string key_pem() const { return KeyPem(made_); }
  std::string spki_pin() const {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key(), &der);
    std::array<unsigned char, 32> digest{};
    EVP_Digest(der, static_cast<size_t>(size), digest.data(), nullptr, EVP_sha256(), nullptr);
    OPENSSL_free(der);
    std::array<unsigned char, 64> text{};
    const int length = EVP_EncodeBlock(text.data(), digest.data(), static_cast<int>(digest.size()));
    return {reinterpret_cast<const char*>(text.data()), static_cast<size_t>(length)};
  }
  std::string Revoke(const std::vector<const Pair*>& revoked, int to_days = 30) const {
    std::vector<const Made*> all;
    for (const Pair* one : revoked) {
      all.push_back(&one->made_);
    }
    return CrlPem(made_, all, to_days * kDay);
  }

 private:
  Made made_;
};

struct Outcome {
  bool established = false;  // On both sides.
  std::string failure;       // The client's.
  std::string server_failure;
  bool resumed = false;
  bool server_saw_certificate = false;
  std::string server_name;  // SNI.
  std::string alpn;
};

class ClientTlsTest : public testing::Test {
 protected:
  ClientTlsTest() { settings_.ca_file = ca_file_; }

  // A server's context; `chain`: the leaf first.
  static std::shared_ptr<SSL_CTX> Server(const Pair& leaf, const Pair* above = nullptr) {
    std::shared_ptr<SSL_CTX> out(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    SSL_CTX_use_certificate(out.get(), leaf.certificate());
    SSL_CTX_use_PrivateKey(out.get(), leaf.key());
    if (above != nullptr) {
      SSL_CTX_add1_chain_cert(out.get(), above->certificate());
    }
    return out;
  }

  static void Run(Layer& client, Layer& server, Outcome& out, BufferPool& pool) {
    Buffer to_server(pool);
    Buffer to_client(pool);
    std::array<char, 1024> plain{};
    client.Open({}, plain.data(), plain.size(), to_server);
    for (int turns = 0; turns < 20; ++turns) {
      const std::string sent(to_server.view());
      to_server.Consume(sent.size());
      server.Open(sent, plain.data(), plain.size(), to_client);
      if (server.established()) {
        server.Open({}, plain.data(), plain.size(), to_client);
      }
      const std::string answered(to_client.view());
      to_client.Consume(answered.size());
      client.Open(answered, plain.data(), plain.size(), to_server);
      if (client.established()) {
        client.Open({}, plain.data(), plain.size(), to_server);  // The tickets.
      }
    }
    out.established = client.established() && server.established() && client.failure().empty() &&
                      server.failure().empty();
    out.failure = client.failure();
    out.server_failure = server.failure();
  }

  Outcome Connect(const std::shared_ptr<SSL_CTX>& server, ClientTls& tls) {
    SslPtr ssl(SSL_new(server.get()));
    SSL_set_accept_state(ssl.get());
    Layer accepts(std::move(ssl), pool_);
    const std::unique_ptr<Layer> connects = tls.NewLayer(pool_, peer_, alpn_, sessions_);
    Outcome out;
    Run(*connects, accepts, out, pool_);
    out.resumed = SSL_session_reused(connects->ssl()) == 1;
    out.server_saw_certificate = SSL_get0_peer_certificate(accepts.ssl()) != nullptr;
    const char* name = SSL_get_servername(accepts.ssl(), TLSEXT_NAMETYPE_host_name);
    out.server_name = name == nullptr ? "" : name;
    out.alpn = connects->alpn();
    return out;
  }

  // One connection, with the files as they are.
  Outcome Connect(const std::shared_ptr<SSL_CTX>& server) {
    ClientTls tls(settings_);
    EXPECT_TRUE(tls.Load());
    return Connect(server, tls);
  }

  std::string ProblemsOfLoad() const {
    std::string problems;
    const auto made = ClientContext::Make(settings_, 1, [&](const Problem& one) {
      problems += std::string(one.key) + ": " + one.message + "\n";
    });
    EXPECT_EQ(made != nullptr, problems.empty());
    return problems;
  }

  // Writes a file and returns its path.
  std::string FileOf(const std::string& name, const std::string& text) const {
    return folder_.Write(name, text);
  }

  const Folder folder_;
  BufferPool pool_;
  ClientSessions sessions_;
  const Pair ca_{{.common_name = "Test CA", .authority = true}};
  const Pair leaf_{{.common_name = "leaf", .names = "DNS:a.test,IP:10.0.0.3"}, &ca_};
  const std::string ca_file_ = FileOf("ca.pem", ca_.certificate_pem());
  ClientSettings settings_;
  ClientTls::Peer peer_{.name = "10.0.0.3:443", .hostname = "a.test", .ip = *ParseIp("10.0.0.3")};
  std::string_view alpn_ = kAlpnAny;
};

TEST_F(ClientTlsTest, TrustsTheRightCertificateAndSendsTheName) {
  const Outcome out = Connect(Server(leaf_));
  EXPECT_TRUE(out.established) << out.failure << out.server_failure;
  EXPECT_EQ(out.server_name, "a.test");
}

TEST_F(ClientTlsTest, DotAtTheEndIsNotPartOfTheName) {
  peer_.hostname = "a.test.";
  const Outcome out = Connect(Server(leaf_));
  EXPECT_TRUE(out.established) << out.failure;
  EXPECT_EQ(out.server_name, "a.test");
}

TEST_F(ClientTlsTest, NameOfAnother) {
  peer_.hostname = "b.test";
  const Outcome out = Connect(Server(leaf_));
  EXPECT_FALSE(out.established);
  EXPECT_EQ(out.failure, "the certificate is for a.test, 10.0.0.3, not b.test");
  // What the endpoint is told has no words of ours.
  EXPECT_THAT(out.server_failure, HasSubstr("bad certificate"));
}

TEST_F(ClientTlsTest, ServerNameReplacesTheEndpointsOwn) {
  settings_.server_name = "a.test";
  peer_.hostname = "b.test";
  const Outcome out = Connect(Server(leaf_));
  EXPECT_TRUE(out.established) << out.failure;
  EXPECT_EQ(out.server_name, "a.test");
}

TEST_F(ClientTlsTest, AddressesAreVerifiedAndNeverSent) {
  peer_.hostname = {};
  Outcome out = Connect(Server(leaf_));
  EXPECT_TRUE(out.established) << out.failure;
  EXPECT_EQ(out.server_name, "");
  peer_.ip = *ParseIp("10.0.0.4");
  out = Connect(Server(leaf_));
  EXPECT_EQ(out.failure, "the certificate is for a.test, 10.0.0.3, not 10.0.0.4");
  // In a server_name too.
  settings_.server_name = "10.0.0.3";
  out = Connect(Server(leaf_));
  EXPECT_TRUE(out.established) << out.failure;
  EXPECT_EQ(out.server_name, "");
}

TEST_F(ClientTlsTest, AddressInADnsNameIsNoAddress) {
  const Pair odd({.names = "DNS:10.0.0.3"}, &ca_);
  peer_.hostname = {};
  EXPECT_FALSE(Connect(Server(odd)).established);
}

TEST_F(ClientTlsTest, WildcardsStandForOneWholeLabel) {
  const Pair wild({.names = "DNS:*.b.test"}, &ca_);
  peer_.hostname = "x.b.test";
  EXPECT_TRUE(Connect(Server(wild)).established);
  for (const char* name : {"b.test", "x.y.b.test"}) {
    peer_.hostname = name;
    EXPECT_FALSE(Connect(Server(wild)).established) << name;
  }
  const Pair partial({.names = "DNS:x*.b.test"}, &ca_);
  peer_.hostname = "xy.b.test";
  EXPECT_FALSE(Connect(Server(partial)).established);
}

TEST_F(ClientTlsTest, CommonNameIsNoName) {
  const Pair old({.common_name = "a.test"}, &ca_);
  const Outcome out = Connect(Server(old));
  EXPECT_EQ(out.failure,
            "the certificate has no subject alternative name, so it is not for a.test");
}

TEST_F(ClientTlsTest, NothingToVerifyAgainstIsAFailure) {
  peer_ = {.name = "unix:/run/a.sock", .hostname = {}, .ip = {}};
  const Outcome out = Connect(Server(leaf_));
  EXPECT_EQ(out.failure, "there is no name that the certificate could be for: set server_name");
}

TEST_F(ClientTlsTest, Expired) {
  const Pair old({.names = "DNS:a.test", .from_days = -20, .to_days = -3}, &ca_);
  EXPECT_THAT(Connect(Server(old)).failure, StartsWith("the certificate expired on 20"));
  const Pair early({.names = "DNS:a.test", .from_days = 3}, &ca_);
  EXPECT_THAT(Connect(Server(early)).failure, StartsWith("the certificate is not valid before 20"));
}

TEST_F(ClientTlsTest, SelfSigned) {
  const Pair own({.names = "DNS:a.test"});
  EXPECT_EQ(Connect(Server(own)).failure,
            "the certificate is self-signed, and not in ca_file " + ca_file_);
  settings_.ca_file = FileOf("own.pem", own.certificate_pem());
  EXPECT_TRUE(Connect(Server(own)).established);
}

TEST_F(ClientTlsTest, IssuerUnknown) {
  const Pair other({.common_name = "Other CA", .authority = true});
  const Pair theirs({.names = "DNS:a.test"}, &other);
  EXPECT_EQ(Connect(Server(theirs)).failure,
            "the issuer \"CN=Other CA\" is not known (ca_file " + ca_file_ + ")");
  EXPECT_EQ(Connect(Server(theirs, &other)).failure,
            "the issuer \"CN=Other CA\" is not known (ca_file " + ca_file_ + ")");
  settings_.ca_file.clear();
  EXPECT_THAT(Connect(Server(theirs)).failure, HasSubstr("is not known (to the system;"));
}

TEST_F(ClientTlsTest, ChainsOfTwo) {
  const Pair middle({.common_name = "Middle", .authority = true}, &ca_);
  const Pair deep({.names = "DNS:a.test"}, &middle);
  EXPECT_TRUE(Connect(Server(deep, &middle)).established);
  EXPECT_FALSE(Connect(Server(deep)).established);  // Nobody looks for what was not sent.
}

TEST_F(ClientTlsTest, LeafThatActsAsAnIssuer) {
  const Pair below({.names = "DNS:a.test"}, &leaf_);
  EXPECT_FALSE(Connect(Server(below, &leaf_)).established);
}

TEST_F(ClientTlsTest, WithoutVerificationAnythingGoes) {
  settings_ = {};
  settings_.verify = false;
  peer_.hostname = "b.test";
  const Pair own({.names = "DNS:a.test", .from_days = -20, .to_days = -3});
  EXPECT_TRUE(Connect(Server(own)).established);
}

TEST_F(ClientTlsTest, PinsHoldForTheVerifiedChain) {
  settings_.pins = {*ParseSpkiPin(leaf_.spki_pin())};
  EXPECT_TRUE(Connect(Server(leaf_)).established);
  settings_.pins = {*ParseSpkiPin("sha256//" + ca_.spki_pin())};
  EXPECT_TRUE(Connect(Server(leaf_)).established);
  const Pair other({.names = "DNS:a.test"});
  settings_.pins = {*ParseSpkiPin(other.spki_pin())};
  EXPECT_EQ(Connect(Server(leaf_)).failure, "the certificate has none of the keys of pinned_spki");
}

TEST_F(ClientTlsTest, UnverifiedChainIsPinnedByItsLeafAlone) {
  settings_ = {};
  settings_.verify = false;
  const Pair wanted({.names = "DNS:a.test"});
  settings_.pins = {*ParseSpkiPin(wanted.spki_pin())};
  EXPECT_TRUE(Connect(Server(wanted)).established);
  // Anybody can send a certificate whose key is somebody else's, behind their own.
  const Pair impostor({.names = "DNS:a.test"});
  EXPECT_FALSE(Connect(Server(impostor, &wanted)).established);
}

TEST_F(ClientTlsTest, PinIsNoVerification) {
  settings_.pins = {*ParseSpkiPin(leaf_.spki_pin())};
  peer_.hostname = "b.test";
  EXPECT_FALSE(Connect(Server(leaf_)).established);
}

TEST(ParseSpkiPin, TakesWhatCurlTakes) {
  const std::string pin = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  ASSERT_TRUE(ParseSpkiPin(pin));
  EXPECT_EQ(ParseSpkiPin(pin), ParseSpkiPin("sha256//" + pin));
  EXPECT_EQ((*ParseSpkiPin(pin))[0], 0xe3);
  for (const char* bad : {"", "sha256//", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
                          "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
                          "sha1//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
                          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}) {
    EXPECT_FALSE(ParseSpkiPin(bad)) << bad;
  }
}

TEST_F(ClientTlsTest, Revoked) {
  settings_.crl_file = FileOf("list.pem", ca_.Revoke({}));
  EXPECT_TRUE(Connect(Server(leaf_)).established);
  settings_.crl_file = FileOf("list.pem", ca_.Revoke({&leaf_}));
  EXPECT_EQ(Connect(Server(leaf_)).failure,
            "the certificate has been revoked (crl_file " + settings_.crl_file + ")");
  settings_.crl_file = FileOf("list.pem", ca_.Revoke({}, -1));
  EXPECT_THAT(Connect(Server(leaf_)).failure, HasSubstr("is out of date"));
  const Pair other({.common_name = "Other CA", .authority = true});
  settings_.crl_file = FileOf("list.pem", other.Revoke({}));
  EXPECT_THAT(Connect(Server(leaf_)).failure, HasSubstr("has no list of \"CN=Test CA\""));
}

TEST_F(ClientTlsTest, AuthoritiesBetweenCanBeRevokedToo) {
  const Pair between({.common_name = "Between", .authority = true}, &ca_);
  const Pair leaf({.common_name = "leaf", .names = "DNS:a.test"}, &between);
  settings_.server_name = "a.test";
  settings_.crl_file = FileOf("list.pem", ca_.Revoke({}) + between.Revoke({}));
  EXPECT_TRUE(Connect(Server(leaf, &between)).established);
  settings_.crl_file = FileOf("list.pem", ca_.Revoke({&between}) + between.Revoke({}));
  EXPECT_THAT(Connect(Server(leaf, &between)).failure,
              HasSubstr("the certificate of its issuer \"CN=Between\" has been revoked"));
  settings_.crl_file = FileOf("list.pem", between.Revoke({}));
  EXPECT_THAT(Connect(Server(leaf, &between)).failure, HasSubstr("has no list of \"CN=Test CA\""));
}

TEST_F(ClientTlsTest, ShowsItsOwnCertificateWhenAsked) {
  const std::shared_ptr<SSL_CTX> server = Server(leaf_);
  SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(server.get()), ca_.certificate());
  Outcome out = Connect(server);
  EXPECT_FALSE(out.established);
  EXPECT_THAT(out.failure, HasSubstr("certificate required"));
  const Pair own({.common_name = "gateway"}, &ca_);
  settings_.cert_file = FileOf("gateway.crt", own.certificate_pem());
  settings_.key_file = FileOf("gateway.key", own.key_pem());
  out = Connect(server);
  EXPECT_TRUE(out.established) << out.failure << out.server_failure;
  EXPECT_TRUE(out.server_saw_certificate);
  // Who does not ask is not told.
  EXPECT_FALSE(Connect(Server(leaf_)).server_saw_certificate);
}

TEST_F(ClientTlsTest, FilesThatCanNotBeUsed) {
  const Pair own({.common_name = "gateway"}, &ca_);
  const Pair other({.common_name = "other"}, &ca_);
  const Pair old({.common_name = "old", .from_days = -9, .to_days = -3}, &ca_);
  settings_.cert_file = FileOf("gateway.crt", own.certificate_pem());
  settings_.key_file = FileOf("other.key", other.key_pem());
  EXPECT_THAT(ProblemsOfLoad(), StartsWith("key_file: "));
  settings_.cert_file = FileOf("old.crt", old.certificate_pem());
  settings_.key_file = FileOf("old.key", old.key_pem());
  EXPECT_THAT(ProblemsOfLoad(), HasSubstr("expired"));
  settings_ = {};
  settings_.ca_file = FileOf("empty.pem", "");
  EXPECT_THAT(ProblemsOfLoad(), StartsWith("ca_file: "));
  settings_.ca_file = "/nonexistent/ca.pem";
  EXPECT_THAT(ProblemsOfLoad(), HasSubstr("/nonexistent/ca.pem"));
  settings_.ca_file = ca_file_;
  settings_.crl_file = ca_file_;
  EXPECT_THAT(ProblemsOfLoad(), StartsWith("crl_file: "));
  settings_.crl_file.clear();
  settings_.ciphers = {"ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_NONSENSE"};
  EXPECT_THAT(ProblemsOfLoad(), StartsWith("ciphers: \"TLS_NONSENSE\" is no cipher suite"));
}

TEST_F(ClientTlsTest, WhatTurnsBadLeavesWhatWasLoaded) {
  settings_.ca_file = FileOf("swapped.pem", ca_.certificate_pem());
  ClientTls tls(settings_);
  ASSERT_TRUE(tls.Load());
  FileOf("swapped.pem", "nothing");
  EXPECT_FALSE(tls.Load());
  EXPECT_TRUE(Connect(Server(leaf_), tls).established);
}

TEST_F(ClientTlsTest, TrustsNobodyBeforeItIsLoaded) {
  ClientTls tls(settings_);
  EXPECT_FALSE(Connect(Server(leaf_), tls).established);
}

TEST_F(ClientTlsTest, AgreesOnAProtocol) {
  const std::shared_ptr<SSL_CTX> server = Server(leaf_);
  SSL_CTX_set_alpn_select_cb(
      server.get(),
      [](SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
         unsigned in_size, void*) {
        const std::string_view ours = kAlpnAny;
        unsigned char* chosen = nullptr;
        const int found = SSL_select_next_proto(&chosen, size,
                                                reinterpret_cast<const unsigned char*>(ours.data()),
                                                static_cast<unsigned>(ours.size()), in, in_size);
        *out = chosen;
        return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
      },
      nullptr);
  EXPECT_EQ(Connect(server).alpn, "h2");
  alpn_ = kAlpnHttp1;
  EXPECT_EQ(Connect(server).alpn, "http/1.1");
  EXPECT_EQ(Connect(Server(leaf_)).alpn, "");
}

TEST_F(ClientTlsTest, WhatIsNotTls) {
  ClientTls tls(settings_);
  ASSERT_TRUE(tls.Load());
  const std::unique_ptr<Layer> layer = tls.NewLayer(pool_, peer_, alpn_, sessions_);
  Buffer out(pool_);
  std::array<char, 64> plain{};
  layer->Open({}, plain.data(), plain.size(), out);
  layer->Open("HTTP/1.1 400 Bad Request\r\n\r\n", plain.data(), plain.size(), out);
  EXPECT_EQ(layer->failure(), "what it says is not TLS");
}

class Resumption : public ClientTlsTest, public testing::WithParamInterface<int> {
 protected:
  Resumption() {
    server_ = Server(leaf_);
    SSL_CTX_set_max_proto_version(server_.get(), GetParam());
    static constexpr std::array<unsigned char, 1> kId = {1};
    SSL_CTX_set_session_id_context(server_.get(), kId.data(), kId.size());
  }
  std::unique_ptr<ClientTls> NewTls() {
    auto out = std::make_unique<ClientTls>(settings_);
    EXPECT_TRUE(out->Load());
    return out;
  }
  std::shared_ptr<SSL_CTX> server_;
};

TEST_P(Resumption, SecondConnectionResumes) {
  const auto tls = NewTls();
  EXPECT_FALSE(Connect(server_, *tls).resumed);
  EXPECT_GT(sessions_.size(), 0U);
  const Outcome second = Connect(server_, *tls);
  EXPECT_TRUE(second.resumed);
  EXPECT_TRUE(second.established);
}

TEST_P(Resumption, OfOneEndpointAndNameOnly) {
  const auto tls = NewTls();
  Connect(server_, *tls);
  peer_.name = "10.0.0.9:443";
  EXPECT_FALSE(Connect(server_, *tls).resumed);
  peer_.name = "10.0.0.3:443";
  peer_.hostname = {};
  EXPECT_FALSE(Connect(server_, *tls).resumed);
}

// Another may be trusted now, and what was resumed would never be looked at again.
TEST_P(Resumption, NotAfterFilesWereLoadedAnew) {
  const auto tls = NewTls();
  Connect(server_, *tls);
  ASSERT_TRUE(tls->Load());
  EXPECT_FALSE(Connect(server_, *tls).resumed);
  EXPECT_TRUE(Connect(server_, *tls).resumed);
}

TEST_P(Resumption, FailedHandshakesLeaveNothing) {
  peer_.hostname = "b.test";
  const auto tls = NewTls();
  EXPECT_FALSE(Connect(server_, *tls).established);
  EXPECT_EQ(sessions_.size(), 0U);
}

TEST_P(Resumption, IsBounded) {
  const auto tls = NewTls();
  for (int i = 0; i < 20; ++i) {
    sessions_.Take("none", 1, 0);
    Connect(server_, *tls);
  }
  EXPECT_LE(sessions_.size(), ClientSessions::kMaxPerEndpoint);
  std::string name;
  for (int i = 0; i < 300; ++i) {
    name = "10.0.1." + std::to_string(i) + ":443";
    peer_.name = name;
    Connect(server_, *tls);
  }
  EXPECT_LE(sessions_.size(), ClientSessions::kMax);
  EXPECT_TRUE(Connect(server_, *tls).resumed);
}

INSTANTIATE_TEST_SUITE_P(Versions, Resumption, testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_2_VERSION ? std::string("Tls12")
                                                                  : std::string("Tls13");
                         });

TEST_F(ClientTlsTest, TicketOfTls13IsUsedOnce) {
  const std::shared_ptr<SSL_CTX> server = Server(leaf_);
  SSL_CTX_set_num_tickets(server.get(), 2);
  ClientTls tls(settings_);
  ASSERT_TRUE(tls.Load());
  Connect(server, tls);
  ASSERT_EQ(sessions_.size(), 2U);
  const std::string key = "10.0.0.3:443 a.test";
  const SslSessionPtr first = sessions_.Take(key, 1, 0);
  const SslSessionPtr second = sessions_.Take(key, 1, 0);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_NE(first.get(), second.get());
  EXPECT_EQ(sessions_.Take(key, 1, 0), nullptr);
}

TEST_F(ClientTlsTest, SessionsAreForgottenInTime) {
  ClientTls tls(settings_);
  ASSERT_TRUE(tls.Load());
  Connect(Server(leaf_), tls);
  ASSERT_GT(sessions_.size(), 0U);
  EXPECT_EQ(sessions_.Take("10.0.0.3:443 a.test", 1, std::time(nullptr) + 7201), nullptr);
  EXPECT_EQ(sessions_.size(), 0U);
}

}  // namespace
}  // namespace gatehouse::tls
