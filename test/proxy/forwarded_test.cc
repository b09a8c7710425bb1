// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/forwarded.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::proxy {
namespace {

class ForwardedTest : public testing::Test {
 protected:
  ForwardedTest() {
    settings_.trusted_proxies.push_back(*ParseCidr("10.0.0.0/8"));
    head_.authority = "api.example.com";
  }

  std::string ClientOf(std::string_view peer) {
    return ClientBehind(settings_, *ParseIp(peer), head_.headers).ToString();
  }
  void Apply(bool trusted) {
    ApplyForwarded(settings_,
                   {"192.0.2.1", "198.51.100.7", "http", "0123", "1.1 gatehouse", trusted}, head_);
  }
  std::string All(std::string_view name) {
    std::string out;
    head_.headers.ForEach([&](const http::Field& field) {
      if (http::LookUpName(field.name) == http::LookUpName(name)) {
        out += (out.empty() ? "" : "|") + std::string(field.value);
      }
    });
    return out;
  }

  ArenaPool pool_;
  Arena arena_{pool_};
  http::RequestHead head_{arena_};
  ListenerSettings settings_;
};

TEST_F(ForwardedTest, TheClientIsTheLastAddressThatNoTrustedProxyHas) {
  head_.headers.Add("X-Forwarded-For", "203.0.113.9, 198.51.100.7, 10.1.1.1");
  EXPECT_EQ(ClientOf("10.0.0.1"), "198.51.100.7");
}

TEST_F(ForwardedTest, SeveralLinesAreOneList) {
  head_.headers.Add("X-Forwarded-For", "203.0.113.9");
  head_.headers.Add("X-Forwarded-For", "10.1.1.1 , 10.2.2.2");
  EXPECT_EQ(ClientOf("10.0.0.1"), "203.0.113.9");
}

TEST_F(ForwardedTest, ManyLinesDoNotHideTheLast) {
  for (int i = 0; i < 40; ++i) {
    head_.headers.Add("X-Forwarded-For", "8.8.8.8");
  }
  head_.headers.Add("X-Forwarded-For", "198.51.100.7");
  EXPECT_EQ(ClientOf("10.0.0.1"), "198.51.100.7");
}

TEST_F(ForwardedTest, JunkEndsTheWalk) {
  head_.headers.Add("X-Forwarded-For", "203.0.113.9, junk, 10.1.1.1");
  EXPECT_EQ(ClientOf("10.0.0.1"), "10.1.1.1");
}

TEST_F(ForwardedTest, PortsAndBracketsAreRead) {
  head_.headers.Add("X-Forwarded-For", "[2001:db8::1]:4711, 10.1.1.1:80");
  EXPECT_EQ(ClientOf("10.0.0.1"), "2001:db8::1");
}

TEST_F(ForwardedTest, WithoutTheFieldThePeerIsTheClient) {
  EXPECT_EQ(ClientOf("10.0.0.1"), "10.0.0.1");
}

TEST_F(ForwardedTest, ThePeerIsAppendedToOneLine) {
  head_.headers.Add("X-Forwarded-For", "1.1.1.1");
  head_.headers.Add("x-forwarded-for", "2.2.2.2");
  Apply(false);
  EXPECT_EQ(All("x-forwarded-for"), "1.1.1.1, 2.2.2.2, 192.0.2.1");
}

TEST_F(ForwardedTest, AnUntrustedPeerCantClaimSchemeOrHost) {
  head_.headers.Add("X-Forwarded-Proto", "https");
  head_.headers.Add("X-Forwarded-Host", "evil.example");
  Apply(false);
  EXPECT_EQ(All("x-forwarded-proto"), "http");
  EXPECT_EQ(All("x-forwarded-host"), "api.example.com");
}

TEST_F(ForwardedTest, ATrustedPeersSchemeAndHostStay) {
  head_.headers.Add("X-Forwarded-Proto", "https");
  head_.headers.Add("X-Forwarded-Host", "www.example.com");
  Apply(true);
  EXPECT_EQ(All("x-forwarded-proto"), "https");
  EXPECT_EQ(All("x-forwarded-host"), "www.example.com");
}

TEST_F(ForwardedTest, ReplaceForgetsWhatCame) {
  settings_.forwarded = ForwardedMode::kReplace;
  head_.headers.Add("X-Forwarded-For", "1.1.1.1");
  head_.headers.Add("X-Forwarded-Host", "www.example.com");
  Apply(true);
  EXPECT_EQ(All("x-forwarded-for"), "192.0.2.1");
  EXPECT_EQ(All("x-forwarded-host"), "api.example.com");
}

TEST_F(ForwardedTest, OffLeavesTheHeadAlone) {
  settings_.forwarded = ForwardedMode::kOff;
  Apply(false);
  EXPECT_EQ(head_.headers.count(), 0u);
}

TEST_F(ForwardedTest, ViaIsAppended) {
  head_.headers.Add("Via", "1.0 fred");
  Apply(false);
  EXPECT_EQ(All("via"), "1.0 fred, 1.1 gatehouse");
}

TEST_F(ForwardedTest, RealIpAndRequestIdAreSetOnlyWhereAskedFor) {
  Apply(false);
  EXPECT_EQ(All("x-real-ip"), "");
  settings_.forward_real_ip = settings_.forward_request_id = true;
  head_.headers.Add("X-Real-IP", "6.6.6.6");
  head_.headers.Add("X-Request-Id", "mine");
  Apply(false);
  EXPECT_EQ(All("x-real-ip"), "198.51.100.7");
  EXPECT_EQ(All("x-request-id"), "0123");
}

}  // namespace
}  // namespace gatehouse::proxy
