// SPDX-License-Identifier: Apache-2.0
#include "source/admin/access.h"

#include <gtest/gtest.h>

#include "test/admin/fake_server.h"

namespace gatehouse::admin {
namespace {

config::Address At(std::string_view text) { return *config::ParseAddress(text); }

// The status that stands against the request, 0 when it may pass.
int Refused(const Access& access, const FakeRequest& request, bool mutation) {
  ArenaPool pool;
  Arena arena(pool);
  http::RequestHead head(arena);
  FillHead(request, head);
  const std::optional<Refusal> refusal = access.Check(head, mutation);
  return refusal ? refusal->status : 0;
}

FakeRequest WithToken(const std::string& token) {
  FakeRequest request;
  request.headers = {{"authorization", "Bearer " + token}};
  return request;
}

FakeRequest WithOrigin(const std::string& origin) {
  FakeRequest request;
  request.headers = {{"Origin", origin}};
  return request;
}

TEST(Access, WithoutTokensEverybodyMayDoEverything) {
  const Access access(At("127.0.0.1:9901"), {"", ""}, {""});
  EXPECT_EQ(Refused(access, {}, false), 0);
  EXPECT_EQ(Refused(access, {}, true), 0);
}

TEST(Access, WriteTokensMayReadAndReadTokensMayNotWrite) {
  const Access access(At("127.0.0.1:9901"), {"reader", "other"}, {"writer"});
  EXPECT_EQ(Refused(access, {}, false), 401);
  EXPECT_EQ(Refused(access, {}, true), 401);
  EXPECT_EQ(Refused(access, WithToken("wrong!"), false), 401);
  EXPECT_EQ(Refused(access, WithToken(""), false), 401);
  EXPECT_EQ(Refused(access, WithToken("reader"), false), 0);
  EXPECT_EQ(Refused(access, WithToken("other"), false), 0);
  EXPECT_EQ(Refused(access, WithToken("reader"), true), 403);
  EXPECT_EQ(Refused(access, WithToken("writer"), false), 0);
  EXPECT_EQ(Refused(access, WithToken("writer"), true), 0);

  FakeRequest basic;
  basic.headers = {{"authorization", "Basic writer"}};
  EXPECT_EQ(Refused(access, basic, false), 401);
  basic.headers = {{"authorization", "bearer   writer "}};
  EXPECT_EQ(Refused(access, basic, false), 0);
}

TEST(Access, OnlyReadTokensMeansNobodyMayWrite) {
  const Access access(At("127.0.0.1:9901"), {"reader"}, {});
  EXPECT_EQ(Refused(access, WithToken("reader"), true), 403);
  const Access writers(At("127.0.0.1:9901"), {}, {"writer"});
  EXPECT_EQ(Refused(writers, {}, false), 401);
}

TEST(Access, OnLoopbackMutationsMustBeMeantForIt) {
  const Access access(At("127.0.0.1:9901"), {}, {});
  const auto with_host = [](const std::string& host) {
    FakeRequest request;
    request.host = host;
    return request;
  };
  for (const char* host : {"127.0.0.1:9901", "localhost:9901", "[::1]:9901", "127.0.0.2:1"}) {
    EXPECT_EQ(Refused(access, with_host(host), true), 0) << host;
  }
  for (const char* host : {"evil.example:9901", "10.0.0.1:9901", "127.0.0.1.evil.example:9901",
                           "localhost.evil.example:9901", "[::2]:9901", ":9901"}) {
    EXPECT_EQ(Refused(access, with_host(host), true), 403) << host;
    EXPECT_EQ(Refused(access, with_host(host), false), 0) << host;
  }
  const Access outside(At("10.0.0.1:9901"), {}, {});
  EXPECT_EQ(Refused(outside, with_host("gateway.internal:9901"), true), 0);
}

TEST(Access, MutationsOfOtherOriginsAreRefused) {
  const Access access(At("127.0.0.1:9901"), {}, {});
  EXPECT_EQ(Refused(access, WithOrigin("http://127.0.0.1:9901"), true), 0);
  for (const char* origin : {"http://127.0.0.1:8080", "http://evil.example", "null", "",
                             "http://127.0.0.1:9901.evil.example", "file://127.0.0.1:9901"}) {
    EXPECT_EQ(Refused(access, WithOrigin(origin), true), 403) << origin;
    EXPECT_EQ(Refused(access, WithOrigin(origin), false), 0) << origin;
  }
  FakeRequest default_port = WithOrigin("http://localhost");
  default_port.host = "localhost:80";
  EXPECT_EQ(Refused(access, default_port, true), 0);
}

TEST(Access, ComparesWhole) {
  EXPECT_TRUE(EqualInConstantTime("", ""));
  EXPECT_TRUE(EqualInConstantTime("abc", "abc"));
  EXPECT_FALSE(EqualInConstantTime("abc", "abd"));
  EXPECT_FALSE(EqualInConstantTime("abcabc", "abc"));
  EXPECT_FALSE(EqualInConstantTime("abc", "abcabc"));
  EXPECT_FALSE(EqualInConstantTime("abc", ""));
  EXPECT_FALSE(EqualInConstantTime("", "abc"));
}

}  // namespace
}  // namespace gatehouse::admin
