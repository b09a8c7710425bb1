// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using observe::PeerCertificate;
using pipeline::FilterHarness;
using pipeline::HarnessFields;

PeerCertificate Orders() {
  return {.subject = "CN=orders,O=Example",
          .common_name = "orders",
          .issuer = "CN=Clients,O=Example",
          .serial = "01f3",
          .fingerprint = "ab12",
          .dns_names = {"orders.example.org", "orders"},
          .uris = {"spiffe://example.org/ns/prod/sa/orders"},
          .emails = {}};
}

// A filter whose connection has shown `peer`, or nothing.
class ClientCertificateTest : public testing::Test {
 protected:
  FilterHarness& Load(const std::string& yaml) {
    h_ = std::make_unique<FilterHarness>(ClientCertificate(), yaml);
    EXPECT_EQ(h_->diagnostics(), "");
    h_->facts().tls = &tls_;
    return *h_;
  }
  void Show(PeerCertificate peer) {
    tls_.peer = std::make_unique<const PeerCertificate>(std::move(peer));
  }
  // The subject of whom the request is let in as; "-" for nobody, "!CODE" when it is refused.
  std::string Get(const HarnessFields& fields = {}) {
    h_->Get("/", fields);
    if (!h_->forwarded()) {
      return "!" + std::string(ErrorName(h_->reply().error));
    }
    const observe::Identity* identity = h_->stream().info().identity;
    return identity == nullptr ? "-" : std::string(identity->subject);
  }

  observe::TlsFacts tls_;
  std::unique_ptr<FilterHarness> h_;
};

TEST_F(ClientCertificateTest, SaysWhoItIs) {
  FilterHarness& h = Load("{}");
  Show(Orders());
  EXPECT_EQ(Get(), "spiffe://example.org/ns/prod/sa/orders");
  const observe::Identity& identity = *h.stream().info().identity;
  EXPECT_EQ(identity.kind, observe::IdentityKind::kClientCertificate);
  EXPECT_EQ(identity.filter, "client_certificate");
  const auto claim = [&](const std::string& name) {
    return observe::IdentityField::Parse("claims." + name)->First(&identity);
  };
  EXPECT_EQ(claim("common_name"), "orders");
  EXPECT_EQ(claim("issuer"), "CN=Clients,O=Example");
  EXPECT_EQ(claim("serial"), "01f3");
  EXPECT_EQ(claim("fingerprint"), "ab12");
  EXPECT_EQ(claim("dns"), "orders.example.org");
  EXPECT_EQ(claim("email"), "");
  EXPECT_EQ(h.Counter("accepted"), 1);
}

TEST_F(ClientCertificateTest, SubjectIsTheFirstThatThereIs) {
  Show(Orders());
  for (const auto& [from, subject] : {std::pair{"[dns]", "orders.example.org"},
                                      {"[email, common_name]", "orders"},
                                      {"[subject, dns]", "CN=orders,O=Example"},
                                      {"serial", "01f3"},
                                      {"[email]", "ab12"}}) {  // A name there must be.
    Load("{subject_from: " + std::string(from) + "}");
    EXPECT_EQ(Get(), subject) << from;
  }
}

TEST_F(ClientCertificateTest, WithoutACertificate) {
  FilterHarness& h = Load("{realm: \"partners\"}");
  EXPECT_EQ(Get(), "!no_credentials");  // TLS without one.
  EXPECT_EQ(h.reply().status, 401);
  EXPECT_EQ(h.reply().headers,
            (HarnessFields{{"www-authenticate", "ClientCertificate realm=\"partners\""}}));
  h.facts().tls = nullptr;  // In the clear.
  EXPECT_EQ(Get(), "!no_credentials");
  EXPECT_EQ(h.Counter("no_certificate"), 2);
  Load("{allow_missing: true, header: x-client}");
  EXPECT_EQ(Get({{"X-Client", "root"}}), "-");
  EXPECT_EQ(h_->RequestField("x-client"), std::nullopt);
}

TEST_F(ClientCertificateTest, AllowsWhatFits) {
  Show(Orders());
  const std::string uri = "spiffe://example.org/ns/prod/sa/orders";
  for (const char* fits :
       {"{common_name: orders}", "{subject: {contains: O=Example}}",
        "{issuer: {regex: \"CN=Clients,.*\"}}", "{serial: \"01:F3\"}", "{fingerprint: AB12}",
        "{dns: orders}", "{dns: {suffix: .Example.ORG}}",
        "{uri: {prefix: \"spiffe://example.org/ns/prod/\"}}", "{email: {present: false}}",
        "{common_name: orders, dns: {present: true}}"}) {
    Load("{allow: [{common_name: other}, " + std::string(fits) + "]}");
    EXPECT_EQ(Get(), uri) << fits;
  }
  for (const char* other : {"{common_name: Orders}", "{common_name: order}", "{dns: example.org}",
                            "{email: \"\"}", "{email: {regex: .*}}", "{uri: {present: false}}",
                            "{common_name: orders, dns: billing}", "{serial: \"1f3\"}"}) {
    FilterHarness& h = Load("{allow: [" + std::string(other) + "]}");
    EXPECT_EQ(Get(), "!not_permitted") << other;
    EXPECT_EQ(h.reply().status, 403);
    EXPECT_EQ(h.reply().detail, "no rule of `allow` fits the certificate of \"" + uri + "\"");
    EXPECT_EQ(h.Counter("refused"), 1);
    // The log can tell who it was.
    EXPECT_EQ(h.stream().info().identity->subject, uri);
  }
}

TEST_F(ClientCertificateTest, TheRuleThatFitsSaysMore) {
  Show(Orders());
  FilterHarness& h = Load(
      "{allow: [{dns: x, groups: [no]}, {dns: orders, groups: [prod, staff], attributes: {plan: "
      "gold}}, {uri: {present: true}, groups: [late]}], header: x-client, claims_to_headers: {dns: "
      "x-dns}, attributes_to_headers: {plan: x-plan}}");
  Get({{"x-client", "root"}, {"X_Plan", "platinum"}});
  const observe::Identity& identity = *h.stream().info().identity;
  EXPECT_TRUE(identity.InGroup("prod"));
  EXPECT_TRUE(identity.InGroup("staff"));
  EXPECT_FALSE(identity.InGroup("late"));
  EXPECT_EQ(h.RequestField("x-client"), "spiffe://example.org/ns/prod/sa/orders");
  EXPECT_EQ(h.RequestField("x-dns"), "orders.example.org,orders");
  EXPECT_EQ(h.RequestField("x-plan"), "gold");
  EXPECT_EQ(h.RequestField("x_plan"), std::nullopt);
}

TEST_F(ClientCertificateTest, ForwardsAsEnvoyDoes) {
  PeerCertificate peer = Orders();
  peer.subject = "CN=a \"b\",O=Example";
  Show(peer);
  FilterHarness& h = Load("{forward: true}");
  Get({{"x-forwarded-client-cert", "Hash=spoofed"}});
  EXPECT_EQ(h.RequestField("x-forwarded-client-cert"),
            "Hash=ab12;Subject=\"CN=a \\\"b\\\",O=Example\";"
            "URI=spiffe://example.org/ns/prod/sa/orders;DNS=orders.example.org;DNS=orders");
}

TEST_F(ClientCertificateTest, ForwardedNamesCanNotForgeOthers) {
  PeerCertificate peer = Orders();
  peer.uris = {"a:b;URI=spiffe://admin", "c:d,Hash=1\r\nx: y"};
  Show(peer);
  FilterHarness& h = Load("{forward: true}");
  Get();
  EXPECT_EQ(h.RequestField("x-forwarded-client-cert"),
            "Hash=ab12;Subject=\"CN=orders,O=Example\";URI=\"a:b;URI=spiffe://admin\";"
            "URI=\"c:d,Hash=1??x: y\";DNS=orders.example.org;DNS=orders");
}

TEST_F(ClientCertificateTest, NobodyElseSetsTheForwardedField) {
  Show(Orders());
  FilterHarness& h = Load("{}");
  Get({{"X-Forwarded-Client-Cert", "Hash=1"}, {"x_forwarded_client_cert", "Hash=1"}});
  EXPECT_EQ(h.RequestField("x-forwarded-client-cert"), std::nullopt);
  EXPECT_EQ(h.RequestField("x_forwarded_client_cert"), std::nullopt);
}

TEST_F(ClientCertificateTest, Explains) {
  FilterHarness& h = Load("{allow: [{dns: orders}]}");
  h.Get("/");
  const auto explain = [&] { return h.definition().Explain(h.request(), h.facts()); };
  EXPECT_EQ(explain(), "refuses it: there is no client certificate");
  Show(Orders());
  EXPECT_EQ(explain(),
            "lets it in: the certificate is that of \"spiffe://example.org/ns/prod/sa/orders\"");
  // As the route tester imagines it.
  h.facts().tls = nullptr;
  const observe::IdentityValue claims[] = {{"dns", "billing"}};
  observe::Identity made_up{.kind = observe::IdentityKind::kClientCertificate,
                            .filter = {},
                            .subject = "somebody",
                            .claims = claims};
  h.facts().identity = &made_up;
  EXPECT_EQ(explain(), "refuses it: no rule of `allow` fits the certificate of \"billing\"");
  made_up.kind = observe::IdentityKind::kJwt;
  EXPECT_EQ(explain(), "refuses it: there is no client certificate");
}

}  // namespace
}  // namespace gatehouse::filters
