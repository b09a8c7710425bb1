// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/limit_key.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "test/config/loaded.h"

namespace gatehouse::filters {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

class LimitKeyTest : public testing::Test {
 protected:
  LimitKeyTest() { info_.client = *ParseIp("192.0.2.1"); }
  void Load(const std::string& yaml) {
    loaded_ = std::make_unique<config::Loaded>(yaml);
    config::Object in = loaded_->document->Root();
    key_ = LimitKey::Load(in);
  }
  std::string Errors() const { return loaded_->Errors(); }

  // What a request with these fields counts by.
  std::string Of(const Fields& fields) {
    http::RequestHead& head = *arena_.New<http::RequestHead>(arena_);
    for (const auto& [name, value] : fields) {
      head.headers.Add(arena_.Copy(name), arena_.Copy(value));
    }
    const std::string out = key_.Spelled(head, info_);
    EXPECT_EQ(key_.Hash(secret_, head, info_), key_.Hash(secret_, head, info_));
    const bool fresh = spelled_.insert(out).second;
    EXPECT_EQ(hashes_.insert(key_.Hash(secret_, head, info_)).second, fresh);
    return out;
  }
  std::string Describe(const Fields& fields = {}) {
    http::RequestHead& head = *arena_.New<http::RequestHead>(arena_);
    for (const auto& [name, value] : fields) {
      head.headers.Add(arena_.Copy(name), arena_.Copy(value));
    }
    return key_.Describe(head, info_);
  }
  std::string From(std::string_view address) {
    info_.client = *ParseIp(address);
    return Of({});
  }

  ArenaPool pool_;
  Arena arena_{pool_};
  observe::StreamInfo info_;
  const SipKey secret_ = SipKey::Random();
  LimitKey key_;
  std::unique_ptr<config::Loaded> loaded_;
  std::set<std::string> spelled_;
  std::set<uint64_t> hashes_;
};

TEST_F(LimitKeyTest, ClientsByTheirAddress) {
  Load("{}");
  EXPECT_NE(From("192.0.2.1"), From("192.0.2.2"));
  EXPECT_EQ(From("2001:db8::1"), From("2001:db8::ffff:ffff:ffff:ffff")) << "one /64";
  EXPECT_NE(From("2001:db8::1"), From("2001:db8:0:1::1"));
  From("2001:db8:0:1::1");
  EXPECT_EQ(Describe(), "client_ip 2001:db8:0:1::/64");
  Load("ipv6_prefix: 128");
  EXPECT_NE(From("2001:db8::1"), From("2001:db8::2"));
  Load("ipv6_prefix: 52");
  EXPECT_EQ(From("2001:db8::1"), From("2001:db8:0:fff::1"));
  EXPECT_NE(From("2001:db8::1"), From("2001:db8:0:1fff::1"));
  EXPECT_NE(From("192.0.2.1"), From("192.0.2.2")) << "whatever is said of IPv6";
}

TEST_F(LimitKeyTest, PartsDontRunTogether) {
  Load("key: [{header: x-a}, {header: x-b}]");
  const auto of = [&](const char* a, const char* b) { return Of({{"x-a", a}, {"x-b", b}}); };
  EXPECT_NE(of("a", "bc"), of("ab", "c"));
  EXPECT_NE(of("abc", ""), of("", "abc"));
  EXPECT_NE(of("a", "b"), of("b", "a"));
  EXPECT_EQ(of("a", "b"), of("a", "b"));
}

TEST_F(LimitKeyTest, AllValuesOfAFieldCount) {
  Load("key: {header: X-Tenant}");
  const std::string two = Of({{"x-tenant", "a"}, {"x-other", "z"}, {"X-TENANT", "b"}});
  EXPECT_NE(two, Of({{"x-tenant", "a"}}));
  EXPECT_NE(two, Of({{"x-tenant", "ab"}}));
  EXPECT_NE(two, Of({{"x-tenant", "b"}, {"x-tenant", "a"}}));
  EXPECT_EQ(two, Of({{"x-tenant", "a"}, {"x-tenant", "b"}}));
  EXPECT_EQ(Describe({{"x-tenant", "secret"}}), "{header: x-tenant}");
}

TEST_F(LimitKeyTest, WhatIsAbsentIsTheClient) {
  Load("key: {header: x-tenant}");
  const std::string absent = Of({});
  EXPECT_EQ(absent, Of({{"x-tenant", ""}}));
  info_.client = *ParseIp("192.0.2.2");
  EXPECT_NE(absent, Of({}));
  EXPECT_EQ(Describe(), "{header: x-tenant} is absent, so client_ip 192.0.2.2");
  // No value looks like it.
  const std::string bytes(reinterpret_cast<const char*>(info_.client.bytes.data()), 16);
  EXPECT_NE(Of({}), Of({{"x-tenant", bytes}}));
  EXPECT_NE(Of({}), Of({{"x-tenant", "192.0.2.2"}}));
  EXPECT_NE(Of({}), Of({{"x-tenant", Of({})}}));
}

TEST_F(LimitKeyTest, Cookies) {
  Load("key: {cookie: session}");
  EXPECT_EQ(Of({{"cookie", "a=1; session=x; b=2"}}), Of({{"cookie", "session=\"x\""}}));
  EXPECT_EQ(Of({{"cookie", "a=1"}, {"cookie", "session=x"}}), Of({{"cookie", "session=x"}}));
  EXPECT_NE(Of({{"cookie", "session=x"}}), Of({{"cookie", "session=y"}}));
  EXPECT_NE(Of({{"cookie", "session=x"}}), Of({{"cookie", "Session=x"}}));
  EXPECT_EQ(Of({{"cookie", "sessions=x"}}), Of({}));
  EXPECT_EQ(Of({{"cookie", "session=x; session=1"}}), Of({{"cookie", "session=x"}}))
      << "who adds one has no other key";
  EXPECT_EQ(Of({{"cookie", "session=x"}, {"cookie", "session=2"}}), Of({{"cookie", "session=x"}}));
  EXPECT_EQ(Of({{"cookie", "session=; session=2"}}), Of({}));
}

TEST_F(LimitKeyTest, WhoIsCalling) {
  Load("key: claims.sub");
  EXPECT_TRUE(key_.OfIdentity());
  const observe::IdentityValue ann[] = {{"sub", "ann"}};
  const observe::IdentityValue bob[] = {{"sub", "bob"}};
  observe::Identity identity{.filter = "jwt", .subject = "ann", .claims = ann};
  const std::string nobody = Of({});
  EXPECT_EQ(Describe(), "claims.sub is absent, so client_ip 192.0.2.1");
  EXPECT_EQ(key_.Explain(*arena_.New<http::RequestHead>(arena_), info_),
            "claims.sub of who is calling, or client_ip 192.0.2.1 if that is nobody");
  info_.identity = &identity;
  const std::string by_claim = Of({});
  EXPECT_NE(by_claim, nobody);
  EXPECT_EQ(Describe(), "claims.sub ann");
  identity.claims = bob;
  EXPECT_NE(Of({}), by_claim);
  Load("key: [consumer, route]");
  EXPECT_TRUE(key_.OfIdentity());
  info_.route = "orders";
  EXPECT_EQ(Describe(), "subject ann, route orders");
  const std::string orders = Of({});
  info_.route = "users";
  EXPECT_NE(Of({}), orders);
  Load("key: [listener, client_ip]");
  EXPECT_FALSE(key_.OfIdentity());
}

TEST_F(LimitKeyTest, LongValues) {
  Load("key: {header: x-tenant}");
  const std::string big(65'536, 'a');
  EXPECT_NE(Of({{"x-tenant", big}}), Of({{"x-tenant", big + "a"}}));
  EXPECT_NE(Of({{"x-tenant", big + "a"}}), Of({{"x-tenant", big + "b"}}));
}

TEST_F(LimitKeyTest, Mistakes) {
  Load("{key: client-ip, ipv6_prefix: 129}");
  EXPECT_EQ(Errors(),
            "f.yaml:1:7: key: expected client_ip, route, listener, consumer, claims.NAME, "
            "attributes.NAME, {header: NAME}, {cookie: NAME} or a list of these, got "
            "\"client-ip\" (did you mean \"client_ip\"?)\n"
            "f.yaml:1:31: ipv6_prefix: must be between 1 and 128, got 129\n");
  Load("key: []");
  EXPECT_EQ(Errors(),
            "f.yaml:1:6: key: needs at least one part; leave it out to count by client_ip\n");
  Load(
      "key: [route, {header: \"a b\"}, {cookie: \"\"}, {header: a, cookie: b}, {}, route, {hader: "
      "x}]");
  EXPECT_EQ(Errors(),
            "f.yaml:1:23: key[1].header: \"a b\" is not the name of a header field\n"
            "f.yaml:1:40: key[2].cookie: \"\" is not the name of a cookie\n"
            "f.yaml:1:45: key[3]: `header` and `cookie` are two parts: write a list of both\n"
            "f.yaml:1:69: key[4]: expected {header: NAME} or {cookie: NAME}\n"
            "f.yaml:1:73: key[5]: is given twice\n"
            "f.yaml:1:80: key[6]: expected {header: NAME} or {cookie: NAME}\n"
            "f.yaml:1:81: key[6].hader: unknown key (did you mean \"header\"?)\n");
}

}  // namespace
}  // namespace gatehouse::filters
