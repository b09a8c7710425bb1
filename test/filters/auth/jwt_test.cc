// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"
#include "test/filters/auth/made_token.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;
using pipeline::HarnessFields;
using std::chrono::seconds;

// When streams under test happen: 2026-03-01T08:15:30Z.
constexpr int64_t kNow = 1772352930;

std::string Settings(std::string_view more = {}) {
  return "{issuer: idp, audiences: [api], jwks: {inline: '" + SecretJwks() + "'}" +
         (more.empty() ? "" : ", ") + std::string(more) + "}";
}

// The status that a token is answered with; 0: it got in.
int StatusFor(FilterHarness& h, const std::string& token, HarnessFields fields = {}) {
  fields.emplace_back("authorization", "Bearer " + token);
  h.Get("/", fields);
  EXPECT_EQ(h.forwarded(), h.reply().status == 0);
  return h.reply().status;
}

std::string Challenge(FilterHarness& h) {
  return h.reply().headers.size() == 1 && h.reply().headers[0].first == "www-authenticate"
             ? h.reply().headers[0].second
             : "none";
}

TEST(JwtTest, SaysWhoIsCalling) {
  FilterHarness h(Jwt(), "{type: jwt, " + Settings().substr(1), {.name = "login"});
  ASSERT_EQ(h.diagnostics(), "");
  EXPECT_EQ(StatusFor(h, MadeToken(R"(,"groups":["a","b"],"n":{"m":[1,true]})")), 0);
  const observe::Identity* identity = h.stream().info().identity;
  ASSERT_NE(identity, nullptr);
  EXPECT_EQ(identity->kind, observe::IdentityKind::kJwt);
  EXPECT_EQ(identity->filter, "login");
  EXPECT_EQ(identity->subject, "jane");
  EXPECT_TRUE(identity->InGroup("b"));
  EXPECT_FALSE(identity->InGroup("c"));
  EXPECT_EQ(observe::IdentityField::Parse("claims.n.m")->First(identity), "1");
  EXPECT_EQ(observe::IdentityField::Parse("claims.iss")->First(identity), "idp");
}

TEST(JwtTest, AVerifiedTokenIsRemembered) {
  FilterHarness h(Jwt(), Settings());
  const std::string token = MadeToken();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(StatusFor(h, token), 0);
    EXPECT_EQ(h.stream().info().identity->subject, "jane");
  }
  EXPECT_EQ(h.Counter("verified"), 1);
  EXPECT_EQ(h.Counter("remembered"), 2);
}

TEST(JwtTest, WithoutAToken) {
  FilterHarness h(Jwt(), Settings("realm: shop"));
  for (const HarnessFields& fields :
       {HarnessFields{}, HarnessFields{{"authorization", "Basic amFuZTp4"}},
        HarnessFields{{"authorization", "Bearerx"}}, HarnessFields{{"authorization", ""}},
        HarnessFields{{"x-token", MadeToken()}}, HarnessFields{{"cookie", "a=" + MadeToken()}}}) {
    h.Get("/?access_token=x", fields);
    EXPECT_EQ(h.reply().status, 401);
    EXPECT_EQ(h.reply().error, ErrorCode::kNoCredentials);
    EXPECT_EQ(Challenge(h), "Bearer realm=\"shop\"");
  }
  EXPECT_EQ(h.Counter("no_token"), 6);
}

TEST(JwtTest, RequestsWithoutATokenMayBeLetIn) {
  FilterHarness h(Jwt(), Settings("allow_missing: true"));
  h.Get();
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.stream().info().identity, nullptr);
  EXPECT_EQ(StatusFor(h, "bad"), 401);
}

// RFC 6750 section 3.1: invalid_request.
TEST(JwtTest, SeveralTokensAreNone) {
  FilterHarness h(Jwt(), Settings());
  const std::string token = "Bearer " + MadeToken();
  for (const HarnessFields& fields :
       {HarnessFields{{"authorization", token}, {"authorization", token}},
        HarnessFields{{"authorization", "Basic eDp5"}, {"authorization", token}},
        HarnessFields{{"authorization", token}, {"authorization", "Basic eDp5"}}}) {
    h.Get("/", fields);
    EXPECT_EQ(h.reply().status, 400);
    EXPECT_EQ(Challenge(h),
              "Bearer realm=\"gatehouse\", error=\"invalid_request\", error_description=\"there is "
              "more than one token\"");
  }
}

TEST(JwtTest, SchemesAreSpeltInAnyCase) {
  FilterHarness h(Jwt(), Settings());
  for (const char* scheme : {"bearer ", "BEARER ", "Bearer   "}) {
    h.Get("/", {{"authorization", scheme + MadeToken()}});
    EXPECT_TRUE(h.forwarded()) << scheme;
  }
  EXPECT_EQ(StatusFor(h, ""), 401);
  EXPECT_EQ(h.reply().error, ErrorCode::kBadCredentials);
}

TEST(JwtTest, TokensFromOtherPlaces) {
  FilterHarness h(Jwt(), Settings("from: [{header: x-token}, {cookie: t}, {query: token}]"));
  ASSERT_EQ(h.diagnostics(), "");
  const std::string token = MadeToken();
  h.Get("/", {{"x-token", token}});
  EXPECT_TRUE(h.forwarded());
  h.Get("/", {{"cookie", "a=b; t=" + token}});
  EXPECT_TRUE(h.forwarded());
  h.Get("/?a=b&token=" + token);
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(StatusFor(h, token), 401);
  // The first place that has one counts, be it bad.
  h.Get("/?token=" + token, {{"x-token", "bad"}});
  EXPECT_EQ(h.reply().status, 401);
}

TEST(JwtTest, TheUpstreamNeedNotGetTheToken) {
  const std::string token = MadeToken();
  FilterHarness kept(Jwt(), Settings());
  EXPECT_EQ(StatusFor(kept, token), 0);
  EXPECT_TRUE(kept.RequestField("authorization"));
  FilterHarness h(Jwt(), Settings("forward: false, from: [{header: authorization, prefix: \"Bearer "
                                  "\"}, {cookie: t}, {query: token}]"));
  EXPECT_EQ(StatusFor(h, token, {{"cookie", "a=b; t=x"}}), 0);
  EXPECT_FALSE(h.RequestField("authorization"));
  EXPECT_EQ(h.RequestField("cookie"), "a=b");
  h.Get("/x?a=b&token=" + token + "&c=d");
  EXPECT_EQ(h.request().target, "/x?a=b&c=d");
  EXPECT_EQ(h.stream().info().identity->subject, "jane");
}

// What was not verified is not handed on beside what was.
TEST(JwtTest, TheUpstreamGetsTheVerifiedTokenOnly) {
  const std::string token = MadeToken();
  FilterHarness h(Jwt(),
                  Settings("from: [{header: authorization, prefix: \"Bearer \"}, {cookie: t}, "
                           "{query: token}]"));
  EXPECT_EQ(StatusFor(h, token, {{"cookie", "a=b; t=forged"}}), 0);
  EXPECT_EQ(h.RequestField("authorization"), "Bearer " + token);
  EXPECT_EQ(h.RequestField("cookie"), "a=b");
  h.Get("/x?a=b&token=" + token);
  EXPECT_EQ(h.request().target, "/x?a=b&token=" + token);
}

TEST(JwtTest, ExpiryCountsAtEveryRequest) {
  FilterHarness h(Jwt(), Settings("clock_skew: 10s"));
  const auto token = [](const std::string& more) {
    return SignToken(R"({"iss":"idp","aud":"api","sub":"jane",)" + more + "}");
  };
  const std::string soon = token("\"exp\":" + std::to_string(kNow + 5));
  EXPECT_EQ(StatusFor(h, soon), 0);
  h.End();
  h.Advance(seconds(14));
  EXPECT_EQ(StatusFor(h, soon), 0);
  h.End();
  h.Advance(seconds(1));
  EXPECT_EQ(StatusFor(h, soon), 401);
  EXPECT_EQ(h.reply().detail, "the token has expired");
  EXPECT_EQ(h.stream().info().identity, nullptr);
  EXPECT_EQ(h.Counter("remembered"), 2);
  const std::string later = token("\"exp\":4102444800,\"nbf\":" + std::to_string(kNow + 15 + 12));
  EXPECT_EQ(StatusFor(h, later), 401);
  EXPECT_EQ(h.reply().detail, "the token is not valid yet");
  h.End();
  h.Advance(seconds(2));
  EXPECT_EQ(StatusFor(h, later), 0);
  EXPECT_EQ(h.Counter("remembered"), 3);
}

TEST(JwtTest, TokensThatNeverExpire) {
  const std::string token = SignToken(R"({"iss":"idp","aud":"api","sub":"jane"})");
  FilterHarness strict(Jwt(), Settings());
  EXPECT_EQ(StatusFor(strict, token), 401);
  FilterHarness h(Jwt(), Settings("require_exp: false"));
  EXPECT_EQ(StatusFor(h, token), 0);
  EXPECT_EQ(StatusFor(h, SignToken(R"({"iss":"idp","aud":"api","sub":"jane","exp":1})")), 401);
}

TEST(JwtTest, RequiredScopes) {
  FilterHarness h(Jwt(), Settings("require: {scope: \"read write\"}"));
  EXPECT_EQ(StatusFor(h, MadeToken(R"(,"scope":"write x read")")), 0);
  EXPECT_EQ(StatusFor(h, MadeToken(R"(,"scp":["read","write"])")), 0);
  for (const char* lacking :
       {"", R"(,"scope":"read")", R"(,"scope":"readwrite")", R"(,"scope":"read,write")",
        R"(,"x":{"scope":"read write"})", R"(,"scope":["read write2"])", R"(,"scope":7)"}) {
    EXPECT_EQ(StatusFor(h, MadeToken(lacking)), 403) << lacking;
    EXPECT_EQ(h.reply().error, ErrorCode::kNotPermitted);
    EXPECT_EQ(Challenge(h),
              "Bearer realm=\"gatehouse\", error=\"insufficient_scope\", scope=\"read write\"");
    // The log can tell who it was.
    EXPECT_EQ(h.stream().info().identity->subject, "jane");
  }
  EXPECT_EQ(h.Counter("missing_scope"), 7);
}

// Whoever forgot what to require did not mean nothing.
TEST(JwtTest, ARequirementWithoutValueIsAMistake) {
  for (const char* missing :
       {"require:", "require: {claims: }", "require: {scope: }", "require: {scopes: }",
        "require: {scopes: {all: []}}", "require: {claims: {tenant: }}",
        "require: {claims: {t: {any: []}}}"}) {
    EXPECT_NE(FilterHarness(Jwt(), Settings(missing)).diagnostics(), "") << missing;
  }
  EXPECT_EQ(FilterHarness(Jwt(), Settings("require: {}")).diagnostics(), "");
}

TEST(JwtTest, AllOrAnyOfScopesAndClaims) {
  FilterHarness h(Jwt(),
                  Settings("require: {scopes: {all: [a], any: [b, c]}, claims: {tenant: "
                           "acme, n.roles: {any: [x, y]}, flags: {all: [\"1\", \"true\"]}}}"));
  ASSERT_EQ(h.diagnostics(), "");
  const auto with = [](const std::string& scope, const std::string& claims) {
    return MadeToken(",\"scope\":\"" + scope + "\"," + claims);
  };
  const std::string good = R"("tenant":"acme","n":{"roles":["z","y"]},"flags":[true,1])";
  EXPECT_EQ(StatusFor(h, with("a b", good)), 0);
  EXPECT_EQ(StatusFor(h, with("c a", good)), 0);
  EXPECT_EQ(StatusFor(h, with("a", good)), 403);
  EXPECT_EQ(StatusFor(h, with("b c", good)), 403);
  for (const char* bad : {R"("tenant":"acme2","n":{"roles":["y"]},"flags":[true,1])",
                          R"("tenant":"acme","n":{"roles":["z"]},"flags":[true,1])",
                          R"("tenant":"acme","roles":["y"],"flags":[true,1])",
                          R"("tenant":"acme","n":{"roles":["y"]},"flags":[1])",
                          R"("n":{"roles":["y"]},"flags":[true,1])"}) {
    EXPECT_EQ(StatusFor(h, with("a b", bad)), 403) << bad;
  }
  EXPECT_EQ(Challenge(h),
            "Bearer realm=\"gatehouse\", error=\"insufficient_scope\", scope=\"a b c\"");
}

TEST(JwtTest, ClaimsToHeaders) {
  FilterHarness h(Jwt(), Settings("claims_to_headers: {sub: x-user, groups: x-groups, n.m: x-m, "
                                  "absent: x-absent, evil: x-evil}"));
  ASSERT_EQ(h.diagnostics(), "");
  const HarnessFields forged = {{"x-user", "root"},  {"X-Groups", "wheel"}, {"x-m", "0"},
                                {"x-absent", "yes"}, {"x-user", "again"},   {"x-evil", "1"},
                                {"x_user", "root"},  {"x-other", "kept"}};
  EXPECT_EQ(StatusFor(h, MadeToken(R"(,"groups":["a","b"],"n":{"m":7},"evil":"a\r\nx-user: root")"),
                      forged),
            0);
  EXPECT_EQ(h.RequestField("x-user"), "jane");
  EXPECT_EQ(h.RequestField("x-groups"), "a,b");
  EXPECT_EQ(h.RequestField("x-m"), "7");
  EXPECT_FALSE(h.RequestField("x-absent"));
  EXPECT_FALSE(h.RequestField("x-evil"));
  EXPECT_FALSE(h.RequestField("x_user"));
  EXPECT_EQ(h.RequestField("x-other"), "kept");
}

TEST(JwtTest, ForgedHeadersGoWhoeverIsCalling) {
  FilterHarness h(Jwt(), Settings("claims_to_headers: {sub: x-user}, allow_missing: true"));
  h.Get("/", {{"x-user", "root"}});
  EXPECT_TRUE(h.forwarded());
  EXPECT_FALSE(h.RequestField("x-user"));
  h.request().headers.Add("x-user", "root");
  h.definition().StripHeaders(h.request());
  EXPECT_FALSE(h.RequestField("x-user"));
}

TEST(JwtTest, SubjectAndGroupsFromOtherClaims) {
  FilterHarness h(Jwt(), Settings("subject_claim: user.id, groups_claim: realm_access.roles"));
  EXPECT_EQ(StatusFor(h, MadeToken(R"(,"user":{"id":7},"realm_access":{"roles":["admin"]})")), 0);
  EXPECT_EQ(h.stream().info().identity->subject, "7");
  EXPECT_TRUE(h.stream().info().identity->InGroup("admin"));
  EXPECT_EQ(StatusFor(h, MadeToken()), 401);
  EXPECT_EQ(StatusFor(h, MadeToken(R"(,"user":[{"id":7},{"id":8}])")), 401);
}

TEST(JwtTest, LongTokensAreRefusedUnread) {
  FilterHarness h(Jwt(), Settings("max_token_bytes: 256B"));
  const std::string token = MadeToken();
  EXPECT_EQ(StatusFor(h, token), 0);
  EXPECT_EQ(StatusFor(h, MadeToken(",\"pad\":\"" + std::string(200, 'x') + "\"")), 401);
  EXPECT_EQ(h.reply().detail, "the token is too long");
}

// --- What is remembered for one is not good for another
// -------------------------------------------

TEST(JwtTest, ARouteThatAsksForMore) {
  FilterHarness h(Jwt(), Settings());
  const std::string token = MadeToken(R"(,"scope":"read")");
  EXPECT_EQ(StatusFor(h, token), 0);
  h.End();
  h.Override("require: {scope: write}");
  EXPECT_EQ(StatusFor(h, token), 403);
  // Verified once for both: what differs is asked every time.
  EXPECT_EQ(h.Counter("verified"), 1);
  EXPECT_EQ(h.Counter("remembered"), 1);
}

TEST(JwtTest, ARouteForAnotherAudience) {
  for (const char* other :
       {"audiences: [admin]", "issuer: other",
        "algorithms: [HS512], jwks: {inline: '{\"keys\":[{"
        "\"kty\":\"oct\",\"k\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWYwMTIzNDU2Nzg5YWJjZGVmM"
        "DEyMzQ1Njc4OWFiY2RlZg\"}]}'}",
        "subject_claim: email", "max_token_bytes: 64B"}) {
    FilterHarness h(Jwt(), Settings());
    const std::string token = MadeToken();
    EXPECT_EQ(StatusFor(h, token), 0);
    h.End();
    h.Override(other);
    ASSERT_EQ(h.diagnostics(), "");
    EXPECT_EQ(StatusFor(h, token), 401) << other;
    EXPECT_EQ(h.Counter("remembered"), 0) << other;
  }
}

TEST(JwtTest, ARouteWithOtherKeys) {
  FilterHarness h(Jwt(), Settings());
  const std::string token = MadeToken();
  EXPECT_EQ(StatusFor(h, token), 0);
  h.End();
  h.Override("jwks: {inline: '" + SecretJwks("k", std::string(32, 'x')) + "'}");
  EXPECT_EQ(StatusFor(h, token), 401);
  EXPECT_EQ(h.reply().detail, "the token has a bad signature");
}

TEST(JwtTest, AReloadKeepsWhatIsRemembered) {
  FilterHarness h(Jwt(), Settings());
  const std::string token = MadeToken();
  EXPECT_EQ(StatusFor(h, token), 0);
  h.End();
  EXPECT_TRUE(h.Reload(Settings("")));
  EXPECT_EQ(StatusFor(h, token), 0);
  EXPECT_EQ(h.Counter("remembered"), 1);
  h.End();
  EXPECT_FALSE(h.Reload(Settings("realm: x")));
}

TEST(JwtTest, EachWorkerRemembersItsOwn) {
  FilterHarness h(Jwt(), Settings(), {.workers = 2});
  const std::string token = MadeToken();
  for (const uint32_t worker : {0U, 1U, 0U, 1U}) {
    h.OnWorker(worker);
    EXPECT_EQ(StatusFor(h, token), 0);
  }
  EXPECT_EQ(h.Counter("verified"), 2);
  EXPECT_EQ(h.Counter("remembered"), 2);
}

TEST(JwtTest, ManyTokensStayWithinTheCache) {
  FilterHarness h(Jwt(), Settings("cache: {max_bytes: 64KiB}"));
  for (int i = 0; i < 2000; ++i) {
    EXPECT_EQ(StatusFor(h, MadeToken("", "u" + std::to_string(i))), 0);
  }
  EXPECT_EQ(StatusFor(h, MadeToken("", "u1999")), 0);
  EXPECT_EQ(h.Counter("remembered"), 1);
  EXPECT_EQ(StatusFor(h, MadeToken("", "u0")), 0);
  EXPECT_EQ(h.Counter("remembered"), 1);
}

TEST(JwtTest, AHeaderThatATokenIsReadFromTellsTheUpstreamNothingElse) {
  constexpr char kError[] =
      "is where a token is read from: it can't tell the upstream something else";
  for (const char* more :
       {"claims_to_headers: {sub: Authorization}",
        "from: [{cookie: x-user}, {header: X-Token}], claims_to_headers: {sub: x-token}"}) {
    FilterHarness h(Jwt(), Settings(more));
    EXPECT_NE(h.diagnostics().find(kError), std::string::npos) << h.diagnostics();
  }
  FilterHarness other(Jwt(),
                      Settings("from: [{cookie: x-user}], claims_to_headers: {sub: x-user}"));
  EXPECT_EQ(other.diagnostics(), "");
}

TEST(JwtTest, NoValueIsAMistake) {
  const auto said = [](const std::string& settings) {
    return FilterHarness(Jwt(), settings).diagnostics();
  };
  for (const char* key : {"from", "algorithms", "realm"}) {
    const std::string says = said(Settings(std::string(key) + ": null"));
    EXPECT_NE(says.find(std::string(key) + ": "), std::string::npos) << key;
  }
  const std::string jwks = "jwks: {inline: '" + SecretJwks() + "'}}";
  EXPECT_NE(said("{issuer: idp, audiences: null, " + jwks).find("audiences: needs at least one"),
            std::string::npos);
  EXPECT_NE(said("{issuer: idp, audiences: [null], " + jwks).find("audiences: needs at least one"),
            std::string::npos);
  EXPECT_NE(said("{issuer: idp, audiences: [api], jwks: {url: null}}"), "");
}

TEST(JwtTest, KeysAsYaml) {
  FilterHarness h(Jwt(),
                  "{issuer: idp, audiences: [api], jwks: {inline: {keys: [{kty: oct, kid: k, "
                  "k: " +
                      EncodeBase64Url(kTestSecret) + "}]}}}");
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(StatusFor(h, MadeToken()), 0);
}

}  // namespace
}  // namespace gatehouse::filters
