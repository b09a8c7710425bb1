// SPDX-License-Identifier: Apache-2.0
#include "source/observe/secrets.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace gatehouse::observe {
namespace {

std::string Shown(std::string_view url) {
  std::string room;
  return std::string(Secrets().WithoutParameters(url, room));
}

std::string Shown(const Secrets& secrets, std::string_view url) {
  std::string room;
  return std::string(secrets.WithoutParameters(url, room));
}

TEST(SecretsTest, ValuesOfSecretParametersAreHidden) {
  EXPECT_EQ(Shown("/cb?code=abc&page=2"), "/cb?code=***&page=2");
  EXPECT_EQ(Shown("/a?page=2&access_token=abc"), "/a?page=2&access_token=***");
  for (const char* name : {"access_token",
                           "refresh_token",
                           "id_token",
                           "token",
                           "api_key",
                           "apikey",
                           "apiKey",
                           "API-KEY",
                           "key",
                           "password",
                           "passwd",
                           "pwd",
                           "secret",
                           "client_secret",
                           "signature",
                           "sig",
                           "code",
                           "jwt",
                           "session",
                           "X-Amz-Signature",
                           "X-Amz-Security-Token",
                           "SAMLResponse",
                           "hmac",
                           "tokens",
                           "token1",
                           "api_key_v2",
                           "passwords[]",
                           "db_pass",
                           "user_pwd",
                           "passcode",
                           "credentials",
                           "creds",
                           "authkey",
                           "connect.sid",
                           "sessid",
                           "session_key",
                           "pin",
                           "bearer",
                           "totp",
                           "otpcode",
                           "device_code",
                           "auth_code",
                           "code_verifier",
                           "oauth_verifier",
                           "license_key",
                           "sharedkey",
                           "encryption_key"}) {
    const std::string begin = std::string("/x?a=1&") + name + "=";
    EXPECT_EQ(Shown(begin + "s3cret&b=2"), begin + "***&b=2");
  }
}

TEST(SecretsTest, OtherTextStaysAsItIs) {
  for (const char* url : {"",
                          "/",
                          "/a/b",
                          "/token=1/key=2",
                          "/a?",
                          "/a?page=2&sort=name",
                          "/a?monkey=1&codec=x",
                          "/a?token",
                          "/a?token&b=1",
                          "/a?token=&b=1",
                          "/a?=abc",
                          "/a?&&&",
                          "/a?zipcode=3",
                          "/a?%",
                          "/a?%2",
                          "/a?%zz=1",
                          "/a?%25",
                          "http://a.test:80/x?y=1",
                          "/a;v=1/b;w",
                          "/a?mail=a@b.test",
                          "/@a/b",
                          "/a?next=http://[2001:db8::1]:80/@a",
                          "/caf%C3%A9/token=1",
                          "a.test:443"}) {
    std::string room;
    const std::string_view text = url;
    EXPECT_EQ(Secrets().WithoutParameters(text, room).data(), text.data()) << url;
    EXPECT_EQ(Shown(url), url);
  }
}

TEST(SecretsTest, HoweverTheNameIsWritten) {
  EXPECT_EQ(Shown("/a?acc%65ss_token=s3cret"), "/a?acc%65ss_token=***");
  EXPECT_EQ(Shown("/a?acc%2565ss_token=s3cret"), "/a?acc%2565ss_token=***");
  EXPECT_EQ(Shown("/a?token%00=s3cret"), "/a?token%00=***");
  EXPECT_EQ(Shown("/a?+token+=s3cret"), "/a?+token+=***");
  EXPECT_EQ(Shown("/a?user[password]=s3cret"), "/a?user[password]=***");
  EXPECT_EQ(Shown("/a?user%5Bpassword%5D=s3cret"), "/a?user%5Bpassword%5D=***");
  EXPECT_EQ(Shown("/a?password[0]=s3cret"), "/a?password[0]=***");
  EXPECT_EQ(Shown("/a?user.password=s3cret"), "/a?user.password=***");
  EXPECT_EQ(Shown("/a?token%3Ds3cret&b=1"), "/a?token%3D***&b=1");
  // Nobody knows what it stands for.
  EXPECT_EQ(Shown("/a?" + std::string(200, 'x') + "=s3cret"),
            "/a?" + std::string(200, 'x') + "=***");
}

TEST(SecretsTest, WhereverTheParameterStands) {
  EXPECT_EQ(Shown("/a?b=1;token=s3cret"), "/a?b=1;token=***");
  EXPECT_EQ(Shown("/a?token=s3;cret&b=1"), "/a?token=***&b=1");
  EXPECT_EQ(Shown("/a?token=s3?cret#x&b=1"), "/a?token=***&b=1");
  EXPECT_EQ(Shown("/a?token=one&token=two"), "/a?token=***&token=***");
  EXPECT_EQ(Shown("http://a/cb#access_token=s3cret&x=1"), "http://a/cb#access_token=***&x=1");
  EXPECT_EQ(Shown("/go?to=/cb?token=s3cret"), "/go?to=/cb?token=***");
  EXPECT_EQ(Shown("/go?to=%2Fcb%3Ftoken%3Ds3cret%26page%3D2&x=1"),
            "/go?to=%2Fcb%3Ftoken%3D***%26page%3D2&x=1");
  EXPECT_EQ(Shown("/go?to=%252Fcb%253Ftoken%253Ds3cret&x=1"),
            "/go?to=%252Fcb%253Ftoken%253D***&x=1");
  EXPECT_EQ(Shown("/a?token=s3=cret=="), "/a?token=***");
}

TEST(SecretsTest, PasswordsBeforeTheHost) {
  EXPECT_EQ(Shown("https://bob:s3cret@a.test/x"), "https://***@a.test/x");
  EXPECT_EQ(Shown("https://bob:s3@cret@a.test/x?token=t"), "https://***@a.test/x?token=***");
  EXPECT_EQ(Shown("https://a.test:80/x@y"), "https://a.test:80/x@y");
  EXPECT_EQ(Shown("https://s3cret@a.test/x"), "https://***@a.test/x");
  EXPECT_EQ(Shown("//bob:s3cret@a.test/x"), "//***@a.test/x");
  EXPECT_EQ(Shown("https:/\\bob:s3cret@a.test/x"), "https:/\\***@a.test/x");
  EXPECT_EQ(Shown("https:/bob:s3cret@a.test/x"), "https:/***@a.test/x");
  EXPECT_EQ(Shown("https://bob:s3/cret@a.test/x"), "https://***@a.test/x");
  EXPECT_EQ(Shown("https://bob:a?s3cret@a.test/x"), "https://***@a.test/x");
  EXPECT_EQ(Shown("https://bob:s3%2Fcret@a.test/x?b=1"), "https://***@a.test/x?b=1");
  EXPECT_EQ(Shown("https%3A//bob:s3cret@a.test/"), "https%3A//***@a.test/");
  EXPECT_EQ(Shown("bob:s3cret@a.test:443"), "***@a.test:443");
  EXPECT_EQ(Shown("/http://bob:s3cret@a.test/x"), "/http://***@a.test/x");
  EXPECT_EQ(Shown("/a?next=https://bob:s3cret@a.test/&b=a@b"), "/a?next=https://***@a.test/&b=a@b");
  EXPECT_EQ(Shown("/a?next=https%3A%2F%2Fbob%3As3cret%40a.test%2F&b=1"),
            "/a?next=https%3A%2F%2F***%40a.test%2F&b=1");
  EXPECT_EQ(Shown("/a?next=https%253A%252F%252Fbob%253As3cret%2540a.test"),
            "/a?next=https%253A%252F%252F***%2540a.test");
}

TEST(SecretsTest, ParametersOfPaths) {
  EXPECT_EQ(Shown("/a;jsessionid=s3cret"), "/a;jsessionid=***");
  EXPECT_EQ(Shown("/a;jsessionid=s3/cret?b=1"), "/a;jsessionid=***?b=1");
  EXPECT_EQ(Shown("/a;v=1;token=s3cret#x"), "/a;v=1;token=***#x");
  EXPECT_EQ(Shown("/a%3Btoken%3Ds3cret"), "/a%3Btoken%3D***");
  EXPECT_EQ(Shown("/a%3Ftoken=s3cret"), "/a%3Ftoken=***");
  EXPECT_EQ(Shown("https://a.test/;jsessionid=s3cret?token=t"),
            "https://a.test/;jsessionid=***?token=***");
}

// Text made to be looked at again and again.
TEST(SecretsTest, NoTextTakesLong) {
  std::string slow = "/a?";
  while (slow.size() < Secrets::kMaxBytes) {
    slow += "//:a/";
  }
  std::string room;
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    (void)Secrets().WithoutParameters(slow, room);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
}

TEST(SecretsTest, LongTextsAreCutFirst) {
  const std::string url = "/a?b=" + std::string(10'000, 'b') + "&token=s3cret";
  EXPECT_EQ(Shown(url), url.substr(0, Secrets::kMaxBytes));
  // One that begins before the cut is hidden to its end.
  const std::string late = "/a?token=" + std::string(10'000, 's');
  EXPECT_EQ(Shown(late), "/a?token=***");
}

TEST(SecretsTest, FurtherNames) {
  Secrets secrets;
  EXPECT_EQ(Shown(secrets, "/a?invite=x&b=1"), "/a?invite=x&b=1");
  secrets.HideParameter("invite");
  secrets.HideParameter("in-vite");
  secrets.HideParameter("voucher_no");
  EXPECT_EQ(Shown(secrets, "/a?Invite=x&voucherNo=1&b=1"), "/a?Invite=***&voucherNo=***&b=1");
  EXPECT_FALSE(secrets.HideParameter(""));
  EXPECT_FALSE(secrets.HideParameter("_"));
}

TEST(SecretsTest, FurtherNamesBeyondAscii) {
  Secrets secrets;
  EXPECT_TRUE(secrets.HideParameter("пароль"));
  EXPECT_TRUE(secrets.HideParameter("clé1"));
  EXPECT_EQ(Shown(secrets, "/a?пароль=x&u[пароль]=x&cl%C3%A91=x"),
            "/a?пароль=***&u[пароль]=***&cl%C3%A91=***");
  EXPECT_EQ(Shown(secrets, "/a?%D0%BF%D0%B0%D1%80%D0%BE%D0%BB%D1%8C=x&b=1"),
            "/a?%D0%BF%D0%B0%D1%80%D0%BE%D0%BB%D1%8C=***&b=1");
  EXPECT_EQ(Shown(secrets, "/a?cl1=x&имя=1&1=2"), "/a?cl1=x&имя=1&1=2");
}

TEST(SecretsTest, HeadersByTheirNames) {
  Secrets secrets;
  for (const char* name :
       {"authorization", "Proxy-Authorization", "cookie", "set-cookie", "x-api-key", "X-Auth-Token",
        "x-csrf-token", "x-amz-security-token", "X-Key", "x-session", "x-session-id", "x-auth-key",
        "x-csrf", "Cf-Access-Jwt-Assertion", "X-Forwarded-Client-Cert", "Sec-WebSocket-Protocol"}) {
    EXPECT_TRUE(secrets.Header(name)) << name;
  }
  for (const char* name : {"user-agent", "x-request-id", "sec-websocket-key", "idempotency-key"}) {
    EXPECT_FALSE(secrets.Header(name)) << name;
  }
  const std::atomic<bool>& own = secrets.Header("x-own");
  EXPECT_FALSE(own);
  secrets.HideHeader("X-Own");
  EXPECT_TRUE(own);
}

TEST(SecretsTest, FieldsThatHoldUrls) {
  for (const char* name : {"Referer", "location", "Link", "Origin", "Destination", "HX-Current-URL",
                           "X-Forwarded-Url", "x-envoy-original-path"}) {
    EXPECT_TRUE(Secrets::HoldsUrl(name)) << name;
  }
  EXPECT_FALSE(Secrets::HoldsUrl("user-agent"));
}

TEST(SecretsTest, TheSchemeIsLeftWhenItIsOne) {
  std::string room;
  EXPECT_EQ(Secrets::HiddenValue("Bearer abc", room), "Bearer ***");
  EXPECT_EQ(Secrets::HiddenValue("basic YTpi", room), "basic ***");
  EXPECT_EQ(Secrets::HiddenValue("s3cret word", room), "***");
  EXPECT_EQ(Secrets::HiddenValue("Bearer", room), "***");
  EXPECT_EQ(Secrets::HiddenValue("a=s3cret; b=c", room), "***");
  EXPECT_EQ(Secrets::HiddenValue("", room), "");
}

}  // namespace
}  // namespace gatehouse::observe
