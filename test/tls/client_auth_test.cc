// SPDX-License-Identifier: Apache-2.0
// Clients that show certificates, and sessions that are resumed.
#include <gtest/gtest.h>

#include "test/tls/server_files.h"

namespace gatehouse::tls {
namespace {

struct Authority {
  Made ca = Make({.common_name = "ca", .authority = true});
  Made good = Make({.common_name = "good",
                    .names = "DNS:good.internal,URI:spiffe://c/ns/a/sa/b,email:good@example.com",
                    .issuer = &ca});
  Made expired = Make({.common_name = "expired", .from = -7200, .until = -60, .issuer = &ca});
  Made other_ca = Make({.common_name = "ca", .authority = true});
  Made foreign = Make({.common_name = "good", .issuer = &other_ca});
};

class ClientAuth : public ::testing::TestWithParam<bool> {
 protected:
  ClientAuth() { files_.Add("a", Make({.common_name = "a", .names = "DNS:a.example.com"})); }
  Connection::Client Showing(const Made* certificate, SSL_SESSION* session = nullptr) const {
    return {
        .tune = GetParam() ? OnlyTls12 : OnlyTls13, .certificate = certificate, .session = session};
  }
  ServerFiles files_;
  Authority authority_;
};

TEST_P(ClientAuth, Require) {
  files_.AskClients(ClientAuthMode::kRequire, authority_.ca);
  const auto server = files_.Load();
  ASSERT_NE(server, nullptr) << files_.problems;
  Connection good(*server, Showing(&authority_.good));
  ASSERT_TRUE(good.ok()) << good.client_failure();
  const auto facts = good.Facts();
  ASSERT_NE(facts->peer, nullptr);
  EXPECT_EQ(facts->peer->subject, "CN=good");
  EXPECT_EQ(facts->peer->common_name, "good");
  EXPECT_EQ(facts->peer->issuer, "CN=ca");
  EXPECT_EQ(facts->peer->dns_names, std::vector<std::string>{"good.internal"});
  EXPECT_EQ(facts->peer->uris, std::vector<std::string>{"spiffe://c/ns/a/sa/b"});
  EXPECT_EQ(facts->peer->emails, std::vector<std::string>{"good@example.com"});
  EXPECT_EQ(facts->peer->fingerprint.size(), 64u);
  EXPECT_FALSE(facts->peer->serial.empty());
  EXPECT_GT(facts->peer->not_after, 0);
  const Made stranger_ca = Make({.common_name = "stranger", .authority = true});
  const Made stranger = Make({.common_name = "odd", .issuer = &stranger_ca});
  struct Refused {
    const Made* certificate;
    const char* alert;
    const char* why;  // For operators.
  };
  const Refused refused[] = {
      // RFC 8446 section 6.2: certificate_required; before there was handshake_failure.
      {nullptr, GetParam() ? "handshake failure" : "certificate required",
       "peer did not return a certificate"},
      {&authority_.expired, "certificate expired",
       "client certificate \"CN=expired\": the certificate expired on 20"},
      // Whose signature does not fit the authority of the same name.
      {&authority_.foreign, "alert", "client certificate \"CN=good\": the certificate can't be"},
      {&stranger, "unknown ca",
       "client certificate \"CN=odd\": the issuer \"CN=stranger\" is not known (ca_file "},
  };
  for (const auto& [certificate, alert, why] : refused) {
    Connection one(*server, Showing(certificate));
    EXPECT_FALSE(one.ok());
    EXPECT_NE(one.client_failure().find(alert), std::string::npos) << one.client_failure();
    EXPECT_NE(one.layer().failure().find(why), std::string::npos) << one.layer().failure();
  }
}

TEST_P(ClientAuth, Request) {
  files_.AskClients(ClientAuthMode::kRequest, authority_.ca);
  const auto server = files_.Load();
  Connection none(*server, Showing(nullptr));
  EXPECT_TRUE(none.ok()) << none.client_failure();
  EXPECT_EQ(none.Facts()->peer, nullptr);
  Connection good(*server, Showing(&authority_.good));
  EXPECT_TRUE(good.ok());
  EXPECT_NE(good.Facts()->peer, nullptr);
  EXPECT_FALSE(Connection(*server, Showing(&authority_.foreign)).ok());
  EXPECT_FALSE(Connection(*server, Showing(&authority_.expired)).ok());
}

TEST_P(ClientAuth, NoneAsksForNothing) {
  const auto server = files_.Load();
  Connection one(*server, Showing(&authority_.good));
  EXPECT_TRUE(one.ok());
  EXPECT_EQ(one.Facts()->peer, nullptr);
}

TEST_P(ClientAuth, RevokedOnesAreRefused) {
  const Made revoked = Make({.common_name = "revoked", .issuer = &authority_.ca});
  files_.AskClients(ClientAuthMode::kRequire, authority_.ca, CrlPem(authority_.ca, {&revoked}));
  const auto server = files_.Load();
  ASSERT_NE(server, nullptr) << files_.problems;
  EXPECT_TRUE(Connection(*server, Showing(&authority_.good)).ok());
  Connection one(*server, Showing(&revoked));
  EXPECT_FALSE(one.ok());
  EXPECT_NE(one.client_failure().find("certificate revoked"), std::string::npos)
      << one.client_failure();
  EXPECT_NE(one.layer().failure().find("\"CN=revoked\": the certificate has been revoked"),
            std::string::npos)
      << one.layer().failure();
}

TEST_P(ClientAuth, SessionsKeepWhoWasVerified) {
  files_.AskClients(ClientAuthMode::kRequire, authority_.ca, CrlPem(authority_.ca, {}));
  const auto server = files_.Load();
  Connection first(*server, Showing(&authority_.good));
  ASSERT_NE(first.session(), nullptr);
  EXPECT_EQ(first.tickets(), 1);
  Connection again(*server, Showing(nullptr, first.session()));
  EXPECT_TRUE(again.ok());
  EXPECT_TRUE(again.resumed());
  EXPECT_TRUE(again.Facts()->resumed);
  if (!GetParam()) {
    EXPECT_EQ(again.tickets(), 1);  // Of TLS 1.3: the one for the next time.
  }
  ASSERT_NE(again.Facts()->peer, nullptr);
  EXPECT_EQ(again.Facts()->peer->common_name, "good");
  // Revoked meanwhile: an old ticket does not help.
  files_.folder.Write("clients.crl", CrlPem(authority_.ca, {&authority_.good}));
  EXPECT_EQ(Reload(*server), 1u);
  EXPECT_FALSE(Connection(*server, Showing(&authority_.good, first.session())).ok());
  EXPECT_FALSE(Connection(*server, Showing(nullptr, first.session())).ok());
}

TEST_P(ClientAuth, SessionsOfOtherAuthoritiesAreNotResumed) {
  auto server = files_.Load();
  Connection open(*server, Showing(nullptr));
  ASSERT_NE(open.session(), nullptr);
  // Now certificates are asked for: the tickets of before, with the same keys, don't count.
  files_.AskClients(ClientAuthMode::kRequire, authority_.ca);
  server = files_.Load(server.get());
  EXPECT_FALSE(Connection(*server, Showing(nullptr, open.session())).ok());
  Connection good(*server, Showing(&authority_.good, open.session()));
  EXPECT_TRUE(good.ok());
  EXPECT_FALSE(good.resumed());
  files_.folder.Write("clients.crt", Pem(authority_.other_ca));
  EXPECT_EQ(Reload(*server), 1u);
  EXPECT_FALSE(Connection(*server, Showing(&authority_.good, good.session())).ok());
}

TEST_P(ClientAuth, NotLongerThanTheCertificateIsValid) {
  const Made brief = Make({.common_name = "brief", .until = 1, .issuer = &authority_.ca});
  files_.AskClients(ClientAuthMode::kRequest, authority_.ca);
  const auto server = files_.Load();
  Connection first(*server, Showing(&brief));
  ASSERT_TRUE(first.ok());
  const auto resumed = [&] {
    return Connection(*server, Showing(nullptr, first.session())).resumed();
  };
  const MonotonicTime deadline = MonotonicNow() + std::chrono::seconds(20);
  while (resumed() && MonotonicNow() < deadline) {
  }
  EXPECT_FALSE(resumed());
}

TEST_P(ClientAuth, NobodyIsLetInByAListThatHasRunOut) {
  files_.AskClients(ClientAuthMode::kRequire, authority_.ca, CrlPem(authority_.ca, {}, 2));
  const auto server = files_.Load();
  ASSERT_NE(server, nullptr) << files_.problems;
  Connection first(*server, Showing(&authority_.good));
  ASSERT_TRUE(first.ok()) << first.client_failure();
  const auto resumes = [&] {
    return Connection(*server, Showing(&authority_.good, first.session())).ok();
  };
  EXPECT_EQ(Reload(*server), 0u);
  const MonotonicTime deadline = MonotonicNow() + std::chrono::seconds(20);
  while (resumes() && MonotonicNow() < deadline) {
  }
  Connection late(*server, Showing(&authority_.good, first.session()));
  EXPECT_FALSE(late.ok());
  EXPECT_NE(late.layer().failure().find("is out of date"), std::string::npos)
      << late.layer().failure();
  // It is told, although no file has changed, and once.
  EXPECT_TRUE(server->ListsRanOut(WallNow()));
  std::shared_ptr<const ServerTlsState> state;
  const auto news = Reload(*server, state);
  ASSERT_EQ(news.size(), 1u);
  EXPECT_FALSE(news[0].used);
  EXPECT_NE(server->state()->trust_files.trouble.find("ran out at"), std::string::npos);
  EXPECT_FALSE(server->ListsRanOut(WallNow()));
  EXPECT_EQ(Reload(*server), 0u);
  files_.folder.Write("clients.crl", CrlPem(authority_.ca, {}));
  EXPECT_EQ(Reload(*server), 1u);
  EXPECT_EQ(server->state()->trust_files.trouble, "");
  EXPECT_TRUE(Connection(*server, Showing(&authority_.good)).ok());
}

TEST_P(ClientAuth, FilesThatCantBeUsed) {
  files_.AskClients(ClientAuthMode::kRequire, authority_.ca, CrlPem(authority_.ca, {}, -60));
  EXPECT_EQ(files_.Load(), nullptr);
  EXPECT_TRUE(files_.Says("error client_auth.crl_file: the revocation list of \"CN=ca\""))
      << files_.problems;
  files_.folder.Write("clients.crl", CrlPem(Make({.common_name = "x", .authority = true}), {}));
  EXPECT_NE(files_.Load(), nullptr);
  EXPECT_TRUE(files_.Says("has no list of \"CN=ca\"")) << files_.problems;
  files_.folder.Write("clients.crt", "junk");
  EXPECT_EQ(files_.Load(), nullptr);
  EXPECT_TRUE(files_.Says("error client_auth.ca_file: ")) << files_.problems;
}

TEST_P(ClientAuth, TicketsOverRotations) {
  const auto server = files_.Load();
  const auto other = files_.Load();
  Connection first(*server, Showing(nullptr));
  const auto resumed = [&](const ServerTls& at) {
    return Connection(at, Showing(nullptr, first.session())).resumed();
  };
  EXPECT_TRUE(resumed(*server));
  EXPECT_FALSE(resumed(*other));
  EXPECT_TRUE(resumed(*files_.Load(server.get())));  // The next configuration has the keys.
  server->RotateTickets();
  EXPECT_TRUE(resumed(*server));
  server->RotateTickets();
  EXPECT_TRUE(resumed(*server));
  server->RotateTickets();
  EXPECT_FALSE(resumed(*server));
}

TEST_P(ClientAuth, TicketKeysOfFiles) {
  const std::string one(80, 'a');
  const std::string two(48, 'b');
  files_.settings.tickets.key_files = {files_.folder.Write("1", one),
                                       files_.folder.Write("2", two)};
  const auto server = files_.Load();
  ASSERT_NE(server, nullptr) << files_.problems;
  Connection first(*server, Showing(nullptr));
  const auto elsewhere = files_.Load();  // Another gateway, with the same files.
  EXPECT_TRUE(Connection(*elsewhere, Showing(nullptr, first.session())).resumed());
  files_.folder.Write("1", two);
  files_.folder.Write("2", one);
  EXPECT_EQ(Reload(*elsewhere), 1u);
  EXPECT_TRUE(Connection(*elsewhere, Showing(nullptr, first.session())).resumed());
  Connection second(*elsewhere, Showing(nullptr));
  EXPECT_TRUE(Connection(*server, Showing(nullptr, second.session())).resumed());
  files_.folder.Write("1", std::string(80, 'c'));
  files_.folder.Write("2", std::string(80, 'd'));
  EXPECT_EQ(Reload(*elsewhere), 1u);
  EXPECT_FALSE(Connection(*elsewhere, Showing(nullptr, first.session())).resumed());
  files_.folder.Write("1", "short");
  EXPECT_EQ(files_.Load(), nullptr);
  EXPECT_TRUE(files_.Says("error tickets.key_files: ")) << files_.problems;
  files_.settings.tickets = {.enabled = false};
  Connection none(*files_.Load(), Showing(nullptr));
  EXPECT_TRUE(none.ok());
  EXPECT_EQ(none.tickets() == 0 || SSL_SESSION_has_ticket(none.session()) == 0, true);
}

TEST_P(ClientAuth, TicketKeysOverReloadsOfTheConfiguration) {
  files_.settings.tickets.key_files = {files_.folder.Write("1", std::string(80, 'a'))};
  const auto server = files_.Load();
  ASSERT_NE(server, nullptr) << files_.problems;
  Connection first(*server, Showing(nullptr));
  const auto resumed = [&](const ServerTls& at) {
    return Connection(at, Showing(nullptr, first.session())).resumed();
  };
  // Whether the next configuration is accepted is not known yet.
  files_.folder.Write("1", std::string(80, 'b'));
  const auto next = files_.Load(server.get());
  ASSERT_NE(next, nullptr) << files_.problems;
  EXPECT_TRUE(resumed(*server));
  EXPECT_TRUE(next->HasNews());
  EXPECT_EQ(Reload(*next), 1u);
  EXPECT_FALSE(resumed(*next));
  // A bad file stops nothing else.
  Connection second(*next, Showing(nullptr));
  files_.folder.Write("1", "junk");
  files_.settings.strict_sni = true;
  const auto last = files_.Load(next.get());
  ASSERT_NE(last, nullptr) << files_.problems;
  EXPECT_TRUE(files_.Says("warning tickets.key_files: ")) << files_.problems;
  EXPECT_TRUE(files_.Says("what was read before stays in use")) << files_.problems;
  EXPECT_NE(last->state()->ticket_files.trouble, "");
  EXPECT_TRUE(Connection(*last, Showing(nullptr, second.session())).resumed());
  // Other files are no concern of what was before.
  files_.settings.tickets.key_files = {files_.folder.Write("2", "junk")};
  EXPECT_EQ(files_.Load(last.get()), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Versions, ClientAuth, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Tls12" : "Tls13"; });

}  // namespace
}  // namespace gatehouse::tls
