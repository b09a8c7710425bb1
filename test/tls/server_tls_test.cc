// SPDX-License-Identifier: Apache-2.0
// What clients are shown, what is spoken with them, and files that change.
#include "source/tls/server_tls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "test/tls/server_files.h"

namespace gatehouse::tls {
namespace {

Made Named(const std::string& name, MadeOf::Key key = MadeOf::Key::kEc) {
  return Make({.common_name = name, .names = "DNS:" + name, .key = key});
}

std::string ShownTo(const ServerTls& server, const std::string& name) {
  return Connection(server, {.name = name}).Shown();
}

TEST(ServerTls, ShowsTheCertificateThatIsAskedFor) {
  ServerFiles files;
  files.Add("a", Named("a.example.com"));
  files.Add("wild", Named("*.example.com"));
  files.Add("b", Named("b.example.com"));
  const auto server = files.Load();
  ASSERT_NE(server, nullptr) << files.problems;
  EXPECT_EQ(files.problems, "");
  EXPECT_EQ(ShownTo(*server, "a.example.com"), "a.example.com");
  EXPECT_EQ(ShownTo(*server, "B.Example.COM"), "b.example.com");
  EXPECT_EQ(ShownTo(*server, "c.example.com"), "*.example.com");
  // One label only, and none of its own.
  EXPECT_EQ(ShownTo(*server, "x.c.example.com"), "a.example.com");
  EXPECT_EQ(ShownTo(*server, "example.com"), "a.example.com");
  EXPECT_EQ(ShownTo(*server, "other.org"), "a.example.com");
  EXPECT_EQ(ShownTo(*server, ""), "a.example.com");
}

TEST(ServerTls, StrictRefusesUnknownNames) {
  ServerFiles files;
  files.Add("a", Named("a.example.com"));
  files.settings.strict_sni = true;
  const auto server = files.Load();
  for (const char* name : {"b.example.com", "", "localhost"}) {
    Connection one(*server, {.name = name});
    EXPECT_FALSE(one.ok()) << name;
    EXPECT_NE(one.client_failure().find("unrecognized name"), std::string::npos)
        << one.client_failure();
  }
  EXPECT_TRUE(Connection(*server, {}).ok());
}

TEST(ServerTls, RsaAndEcSideBySide) {
  ServerFiles files;
  files.Add("first", Named("first.example.com"));
  files.Add("ec", Named("a.example.com"));
  files.Add("rsa", Named("a.example.com", MadeOf::Key::kRsa));
  const auto server = files.Load();
  ASSERT_NE(server, nullptr) << files.problems;
  const auto key_shown_to = [&](const char* algorithms, const char* name) {
    Connection one(*server, {.name = name, .tune = [&](SSL_CTX* context) {
                               SSL_CTX_set1_sigalgs_list(context, algorithms);
                             }});
    X509* const shown = SSL_get0_peer_certificate(one.ssl());
    return shown == nullptr ? 0 : EVP_PKEY_get_base_id(X509_get0_pubkey(shown));
  };
  EXPECT_EQ(key_shown_to("rsa_pss_rsae_sha256", "a.example.com"), EVP_PKEY_RSA);
  EXPECT_EQ(key_shown_to("ecdsa_secp256r1_sha256", "a.example.com"), EVP_PKEY_EC);
  EXPECT_EQ(key_shown_to("rsa_pss_rsae_sha256", "first.example.com"), 0);
}

TEST(ServerTls, TheSameNameAndKeyTwiceIsTold) {
  ServerFiles files;
  files.Add("a", Named("a.example.com"));
  files.Add("b", Named("a.example.com"));
  ASSERT_NE(files.Load(), nullptr);
  EXPECT_TRUE(files.Says("warning cert_file: the certificate in ")) << files.problems;
  EXPECT_TRUE(files.Says("is not shown for \"a.example.com\"")) << files.problems;
}

TEST(ServerTls, TenThousandNames) {
  ServerFiles files;
  const Made key = Named("first.example.com");
  std::vector<std::shared_ptr<const Certificate>> all;
  for (int i = 0; i < 10'000; ++i) {
    auto one = std::make_shared<Certificate>();
    one->facts.names = {"h" + std::to_string(i) + ".example.com"};
    one->key_kind = EVP_PKEY_EC;
    all.push_back(std::move(one));
  }
  const CertificateIndex index(std::move(all), [](const Problem&) {});
  for (int i = 0; i < 10'000; ++i) {
    const auto* set = index.Find("h" + std::to_string(i) + ".example.com");
    ASSERT_NE(set, nullptr);
    ASSERT_EQ(set->front(), index.certificates()[static_cast<size_t>(i)].get());
  }
  EXPECT_EQ(index.Find("h10000.example.com"), nullptr);
  for (const char* odd : {"", ".", "..", "*", "*.example.com", ".example.com"}) {
    EXPECT_EQ(index.Find(odd), nullptr) << odd;
  }
  EXPECT_EQ(index.Find(std::string(5000, 'a')), nullptr);
}

TEST(ServerTls, VersionsAndProtocols) {
  ServerFiles files;
  files.Add("a", Named("a.example.com"));
  files.settings.alpn = {"h2", "http/1.1"};
  auto server = files.Load();
  EXPECT_EQ(Connection(*server, {.tune = OnlyTls12}).Facts()->version, "TLSv1.2");
  EXPECT_EQ(Connection(*server, {}).Facts()->version, "TLSv1.3");
  const auto offered = [&](std::string wire) {
    return [wire](SSL_CTX* context) {
      SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire.data()),
                              static_cast<unsigned>(wire.size()));
    };
  };
  EXPECT_EQ(Connection(*server, {.tune = offered("\x08http/1.1\x02h2")}).Facts()->alpn, "h2");
  EXPECT_EQ(Connection(*server, {.tune = offered("\x08http/1.1")}).Facts()->alpn, "http/1.1");
  EXPECT_EQ(Connection(*server, {}).Facts()->alpn, "");
  Connection none(*server, {.tune = offered("\x03"
                                            "foo")});
  EXPECT_FALSE(none.ok());
  EXPECT_NE(none.client_failure().find("no application protocol"), std::string::npos);
  // TLS 1.1 and suites without forward secrecy, whatever the client's own limits are.
  Connection old(*server, {.tune = [](SSL_CTX* context) {
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
  }});
  EXPECT_FALSE(old.ok());
  Connection weak(*server, {.tune = [](SSL_CTX* context) {
    OnlyTls12(context);
    SSL_CTX_set_cipher_list(context, "AES128-GCM-SHA256:ECDHE-ECDSA-AES128-SHA");
  }});
  EXPECT_FALSE(weak.ok());
  files.settings.min_version = Version::kTls13;
  server = files.Load();
  EXPECT_FALSE(Connection(*server, {.tune = OnlyTls12}).ok());
  files.settings.ciphers = {"TLS_AES_256_GCM_SHA384"};
  server = files.Load();
  EXPECT_EQ(Connection(*server, {}).Facts()->cipher, "TLS_AES_256_GCM_SHA384");
  files.settings.ciphers = {"TLS_NONSENSE"};
  EXPECT_EQ(files.Load(), nullptr);
  EXPECT_TRUE(files.Says("error ciphers: "));
  files.settings.ciphers = {};
  files.settings.groups = {"P-255"};
  EXPECT_EQ(files.Load(), nullptr);
  EXPECT_TRUE(files.Says("error groups: "));
}

TEST(ServerTls, CipherSuitesAreNamedOneByOne) {
  ServerFiles files;
  files.Add("a", Named("a.example.com"));
  const std::pair<const char*, const char*> refused[] = {
      {"ALL:@SECLEVEL=0", "error ciphers: \"ALL:@SECLEVEL=0\" is no cipher suite"},
      {"HIGH", "\"HIGH\" is no cipher suite"},
      {"ECDHE-ECDSA-AES128-GCM-SHA25", "(did you mean \"ECDHE-ECDSA-AES128-GCM-SHA256\"?)"},
      {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
       "(did you mean \"ECDHE-ECDSA-AES128-GCM-SHA256\"?)"},
      {"TLS_AES_128_GCM_SHA25", "(did you mean \"TLS_AES_128_GCM_SHA256\"?)"},
      {"ECDHE-ECDSA-NULL-SHA", "\"ECDHE-ECDSA-NULL-SHA\" does not encrypt"},
      {"ADH-AES128-SHA", "\"ADH-AES128-SHA\" is anonymous"},
      {"PSK-AES128-CBC-SHA", "needs something else than certificates"},
      {"RSA-PSK-AES128-CBC-SHA", "needs a secret"},
      {"EXP-RC4-MD5", "\"EXP-RC4-MD5\" is no cipher suite"},
      {"", "\"\" is no cipher suite"},
  };
  for (const auto& [name, what] : refused) {
    files.settings.ciphers = {"ECDHE-ECDSA-AES128-GCM-SHA256", name};
    EXPECT_EQ(files.Load(), nullptr) << name;
    EXPECT_TRUE(files.Says(what)) << name << "\n" << files.problems;
  }
  files.settings.ciphers = {"ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_AES_128_CCM_SHA256"};
  EXPECT_NE(files.Load(), nullptr);
  EXPECT_EQ(files.problems, "");
}

TEST(ServerTls, CipherSuitesThatNobodyCanUseAreTold) {
  ServerFiles files;
  files.Add("a", Named("a.example.com"));
  files.settings.ciphers = {"TLS_AES_128_GCM_SHA256"};
  files.settings.max_version = Version::kTls12;
  EXPECT_NE(files.Load(), nullptr);
  EXPECT_TRUE(files.Says("warning ciphers: TLS_AES_128_GCM_SHA256 is of TLS 1.3, which max_"))
      << files.problems;
  for (const char* rsa : {"ECDHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256"}) {
    files.settings.ciphers = {rsa};
    EXPECT_EQ(files.Load(), nullptr);
    EXPECT_TRUE(files.Says("error ciphers: none is for the key of a certificate: EC P-256"))
        << files.problems;
  }
  files.settings.max_version = Version::kTls13;
  EXPECT_NE(files.Load(), nullptr);
  EXPECT_TRUE(files.Says("it is not shown with TLS 1.2")) << files.problems;
  files.settings.min_version = Version::kTls13;
  EXPECT_NE(files.Load(), nullptr);
  EXPECT_TRUE(files.Says("is of TLS 1.2, which min_version leaves out")) << files.problems;
}

TEST(ServerTls, AFileThatCantBeReadHidesNoOtherMistake) {
  ServerFiles files;
  files.settings.certificates.push_back({files.folder.Path("none.crt"), ""});
  files.settings.ciphers = {"NONSENSE"};
  files.settings.groups = {"P-255"};
  EXPECT_EQ(files.Load(), nullptr);
  EXPECT_TRUE(files.Says("error cert_file: ")) << files.problems;
  EXPECT_FALSE(files.Says("error key_file: ")) << files.problems;
  EXPECT_TRUE(files.Says("error ciphers: ")) << files.problems;
  EXPECT_TRUE(files.Says("error groups: ")) << files.problems;
}

TEST(ServerTls, SaysWhatIsWrongWithFilesAllAtOnce) {
  ServerFiles files;
  files.Add("expired", Make({.common_name = "x", .from = -7200, .until = -60}));
  files.Add("weak", Make({.common_name = "y", .key = MadeOf::Key::kWeakRsa}));
  files.Add("soon", Make({.common_name = "soon", .until = 3 * 24 * 3600 + 60}));
  files.Add("later", Make({.common_name = "later", .from = 3600}));
  const Made one = Named("one");
  const Made other = Named("other");
  files.settings.certificates.push_back(
      {files.folder.Write("1.crt", Pem(one)), files.folder.Write("2.key", KeyPem(other))});
  files.settings.certificates.push_back(
      {files.folder.Path("none.crt"), files.folder.Path("none.key")});
  files.settings.certificates.push_back(
      {files.folder.Write("junk.crt", "junk"), files.folder.Write("junk.key", "junk")});
  files.settings.certificates.push_back({files.folder.Write("locked.crt", Pem(one)),
                                         files.folder.Write("locked.key", KeyPem(one, "secret"))});
  const Made ca = Make({.common_name = "ca", .authority = true});
  files.settings.certificates.push_back({files.folder.Write("order.crt", Pem(one) + Pem(ca)),
                                         files.folder.Write("order.key", KeyPem(one))});
  EXPECT_EQ(files.Load(), nullptr);
  for (const char* what :
       {"error cert_file: the certificate in ", "expired at ", "has a weak key, RSA 1024",
        "warning cert_file: the certificate in ", "expires in 3 days", "is not valid before ",
        "error key_file: is not the key of the certificate in ", "none.crt\": No such file",
        "none.key\": No such file", "junk.crt has no certificate in PEM form",
        "junk.key has no private key in PEM form",
        "locked.key is protected by a passphrase: give it as key_passphrase", "is out of order"}) {
    EXPECT_TRUE(files.Says(what)) << what << "\n" << files.problems;
  }
  files.settings.certificates = {files.settings.certificates[7]};
  files.settings.certificates[0].key_passphrase = "wrong";
  EXPECT_EQ(files.Load(), nullptr);
  EXPECT_TRUE(files.Says("can't be opened with this key_passphrase"));
  files.settings.certificates[0].key_passphrase = "secret";
  EXPECT_NE(files.Load(), nullptr);
}

TEST(ServerTls, StaplesWhatIsValid) {
  ServerFiles files;
  const Made ca = Make({.common_name = "ca", .authority = true});
  const Made one = Make({.common_name = "a", .names = "DNS:a.example.com", .issuer = &ca});
  const std::string der = OcspDer(one, ca);
  files.settings.certificates.push_back({files.folder.Write("a.crt", Pem(one) + Pem(ca)),
                                         files.folder.Write("a.key", KeyPem(one)), "",
                                         files.folder.Write("a.ocsp", der)});
  auto server = files.Load();
  ASSERT_NE(server, nullptr) << files.problems;
  EXPECT_EQ(Connection(*server, {.wants_status = true}).Staple(), der);
  EXPECT_EQ(Connection(*server, {.tune = OnlyTls12, .wants_status = true}).Staple(), der);
  EXPECT_EQ(Connection(*server, {}).Staple(), "");
  // A bad one that comes later leaves what is there; one that has run out is not shown.
  files.folder.Write("a.ocsp", "junk");
  EXPECT_EQ(Reload(*server), 1u);
  EXPECT_EQ(Connection(*server, {.wants_status = true}).Staple(), der);
  files.folder.Write("a.ocsp", OcspDer(one, ca, true, -7200, -60));
  EXPECT_EQ(Reload(*server), 1u);
  EXPECT_EQ(Connection(*server, {.wants_status = true}).Staple(), "");
  files.folder.Write("a.ocsp", OcspDer(one, ca, false));
  EXPECT_EQ(Reload(*server), 1u);
  EXPECT_EQ(Connection(*server, {.wants_status = true}).Staple(), "");
  // Each time it is told, as long as it lasts, and only once.
  std::shared_ptr<const ServerTlsState> state;
  EXPECT_NE(server->state()->files[0].trouble.find("does not say that the certificate is good"),
            std::string::npos);
  EXPECT_EQ(Reload(*server), 0u);
  files.folder.Write("a.ocsp", "junk");
  const auto news = Reload(*server, state);
  ASSERT_EQ(news.size(), 1u);
  EXPECT_TRUE(news[0].used);
  EXPECT_NE(news[0].files->trouble.find("is no OCSP response"), std::string::npos);
  files.folder.Write("a.ocsp", der);
  EXPECT_EQ(Reload(*server), 1u);
  EXPECT_EQ(server->state()->files[0].trouble, "");
  // At the start it is an error: of another certificate, or of another issuer.
  const Made other = Make({.common_name = "ca", .authority = true});
  for (const std::string& bad : {OcspDer(ca, ca), OcspDer(one, other), std::string("junk")}) {
    files.folder.Write("a.ocsp", bad);
    EXPECT_EQ(files.Load(), nullptr) << files.problems;
    EXPECT_TRUE(files.Says("error ocsp_file: ")) << files.problems;
  }
}

TEST(ServerTls, FilesThatChangeAreSwappedIn) {
  ServerFiles files;
  const Made first = Named("first");
  const Made second = Named("second");
  files.Add("a", first);
  files.Add("b", Named("b.example.com"));
  const auto server = files.Load();
  Connection before(*server, {});
  EXPECT_FALSE(server->HasNews());
  // Half of a pair: nothing changes, and it is told once.
  files.folder.Write("a.crt", Pem(second));
  EXPECT_TRUE(server->HasNews());
  std::shared_ptr<const ServerTlsState> state;
  auto news = Reload(*server, state);
  ASSERT_EQ(news.size(), 1u);
  EXPECT_FALSE(news[0].used);
  EXPECT_EQ(news[0].certificate, 0u);
  EXPECT_NE(news[0].files->trouble.find("is not the key of"), std::string::npos);
  EXPECT_EQ(ShownTo(*server, ""), "first");
  EXPECT_EQ(Reload(*server), 0u);
  EXPECT_FALSE(server->state()->files[0].trouble.empty());
  // The other half.
  files.folder.Write("a.key", KeyPem(second));
  news = Reload(*server, state);
  ASSERT_EQ(news.size(), 1u);
  EXPECT_TRUE(news[0].used);
  EXPECT_EQ(ShownTo(*server, ""), "second");
  EXPECT_EQ(ShownTo(*server, "b.example.com"), "b.example.com");
  EXPECT_TRUE(server->state()->files[0].trouble.empty());
  const Made later = Make({.common_name = "second", .names = "DNS:second", .from = 3600});
  files.folder.Write("a.crt", Pem(later));
  files.folder.Write("a.key", KeyPem(later));
  news = Reload(*server, state);
  ASSERT_EQ(news.size(), 1u);
  EXPECT_NE(news[0].warnings.find("is not valid before"), std::string::npos) << news[0].warnings;
  // One that has expired is refused; the one in use stays. The other is still followed.
  const Made expired = Make({.common_name = "expired", .from = -7200, .until = -60});
  files.folder.Write("a.crt", Pem(expired));
  files.folder.Write("a.key", KeyPem(expired));
  const Made other = Make({.common_name = "other", .names = "DNS:b.example.com"});
  files.folder.Write("b.crt", Pem(other));
  files.folder.Write("b.key", KeyPem(other));
  EXPECT_EQ(Reload(*server), 2u);
  EXPECT_EQ(ShownTo(*server, ""), "second");
  EXPECT_EQ(ShownTo(*server, "b.example.com"), "other");
  // A file that is gone.
  std::filesystem::remove(files.folder.Path("b.key"));
  EXPECT_EQ(Reload(*server), 1u);
  EXPECT_EQ(ShownTo(*server, "b.example.com"), "other");
  // What was there before goes with the last connection that has it.
  EXPECT_TRUE(server->HasRetired());
  server->FreeRetired();
  EXPECT_TRUE(server->HasRetired());
  EXPECT_EQ(before.Shown(), "first");
}

TEST(ServerTls, AConfigurationReloadKeepsWhatHasTurnedBad) {
  ServerFiles files;
  files.Add("a", Named("first"));
  const auto server = files.Load();
  files.folder.Write("a.crt", "junk");
  const auto again = files.Load(server.get());
  ASSERT_NE(again, nullptr) << files.problems;
  EXPECT_TRUE(files.Says("warning cert_file: ")) << files.problems;
  EXPECT_TRUE(files.Says("what was read before stays in use")) << files.problems;
  EXPECT_EQ(ShownTo(*again, ""), "first");
  EXPECT_FALSE(again->state()->files[0].trouble.empty());
  EXPECT_EQ(files.Load(), nullptr);
}

TEST(ServerTls, SwapsDuringHandshakes) {
  ServerFiles files;
  const Made one = Named("one");
  const Made two = Named("two");
  files.Add("a", one);
  const auto server = files.Load();
  std::atomic<bool> over{false};
  std::atomic<int> made{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 2; ++i) {
    clients.emplace_back([&] {
      while (!over.load()) {
        Connection connection(*server, {});
        const std::string shown = connection.Shown();
        failed += !connection.ok() || (shown != "one" && shown != "two");
        ++made;
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    const Made& next = i % 2 == 0 ? two : one;
    files.folder.Write("a.crt", Pem(next));
    Reload(*server);
    files.folder.Write("a.key", KeyPem(next));
    Reload(*server);
    server->FreeRetired();
    EXPECT_EQ(server->state()->certificates[0]->facts.subject, i % 2 == 0 ? "CN=two" : "CN=one");
  }
  over = true;
  for (std::thread& client : clients) {
    client.join();
  }
  EXPECT_GT(made.load(), 0);
  EXPECT_EQ(failed.load(), 0);
}

TEST(ServerTls, PlainHttpIsAnsweredInPlainHttp) {
  ServerFiles files;
  files.Add("a", Named("a.example.com"));
  const auto server = files.Load();
  BufferPool pool;
  const auto layer = server->NewLayer(pool);
  Buffer out(pool);
  char into[256];
  const auto opened = layer->Open("GET / HTTP/1.1\r\nhost: a\r\n\r\n", into, sizeof into, out);
  EXPECT_EQ(opened.state, event::SocketLayer::State::kFailed);
  EXPECT_TRUE(out.view().starts_with("HTTP/1.1 400 Bad Request\r\n")) << out.view();
  EXPECT_NE(out.view().find("HTTPS"), std::string_view::npos);
  const size_t body = out.view().find("\r\n\r\n") + 4;
  EXPECT_NE(out.view().find("content-length: " + std::to_string(out.view().size() - body)),
            std::string_view::npos);
}

}  // namespace
}  // namespace gatehouse::tls
