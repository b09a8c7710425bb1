// SPDX-License-Identifier: Apache-2.0
// The jwt filter's keys: from a URL, refreshed, fetched again for a key that a token names; from a
// file.
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "source/filters/auth/jwk_set.h"
#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"
#include "test/filters/auth/made_token.h"

namespace gatehouse::filters {
namespace {

using pipeline::FetchResponse;
using pipeline::FilterHarness;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Public keys and a token for them, as another implementation made them: what is fetched is never a
// secret.
std::string Slurp(const std::string& name) {
  std::ifstream file("test/filters/auth/tokens/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string PublicJwks() { return Slurp("keys.json"); }

// A set without any of those keys.
std::string OtherJwks() {
  return R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"other","x":)"
         R"("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";
}

// Signed with the key "ed".
std::string GoodToken() {
  const std::string all = Slurp("good.json");
  const size_t at = all.find("\"token\": \"", all.find("\"EdDSA\"")) + 10;
  return all.substr(at, all.find('"', at) - at);
}

constexpr char kUrl[] =
    "{issuer: \"https://idp.example.com/\", audiences: [orders], jwks: {url: "
    "\"http://idp.internal:8080/keys?a=b\", refresh: 5m, timeout: 2s, refetch_interval: 10s}}";

FetchResponse Answer(const std::string& body, uint16_t status = 200) { return {status, {}, body}; }

void Send(FilterHarness& h, const std::string& token = GoodToken()) {
  h.Get("/", {{"authorization", "Bearer " + token}});
}

// A harness that has the keys.
void FetchFirst(FilterHarness& h) {
  h.StartUpkeep();
  ASSERT_TRUE(h.AnswerFetch(Answer(PublicJwks())));
  ASSERT_TRUE(h.RunBackground());
}

TEST(JwtKeysTest, FetchedAtTheBeginning) {
  FilterHarness h(Jwt(), kUrl);
  ASSERT_EQ(h.diagnostics(), "");
  h.StartUpkeep();
  ASSERT_EQ(h.fetches().size(), 1U);
  EXPECT_EQ(h.fetches()[0].cluster, "http://idp.internal:8080");
  EXPECT_EQ(h.fetches()[0].host, "idp.internal:8080");
  EXPECT_EQ(h.fetches()[0].target, "/keys?a=b");
  EXPECT_EQ(h.fetches()[0].timeout, seconds(2));
  h.AnswerFetch(Answer(PublicJwks()));
  h.RunBackground();
  Send(h);
  EXPECT_TRUE(h.forwarded()) << h.reply().detail;
  EXPECT_EQ(h.Counter("keys_refreshed"), 1);
}

TEST(JwtKeysTest, RequestsWaitForTheFirstKeys) {
  FilterHarness h(Jwt(), kUrl);
  h.StartUpkeep();
  Send(h);
  EXPECT_TRUE(h.paused());
  h.Advance(seconds(1));
  EXPECT_TRUE(h.paused());
  h.AnswerFetch(Answer(PublicJwks()));
  h.RunBackground();
  h.Advance(milliseconds(50));
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.stream().info().identity->subject, "jane");
}

TEST(JwtKeysTest, ButNotForEver) {
  FilterHarness h(Jwt(), kUrl);
  h.StartUpkeep();
  Send(h);
  for (int i = 0; i < 39; ++i) {
    h.Advance(milliseconds(50));
    EXPECT_TRUE(h.paused());
  }
  h.Advance(milliseconds(50));
  EXPECT_EQ(h.reply().status, 503);
  EXPECT_EQ(h.reply().error, ErrorCode::kAuthUnavailable);
  EXPECT_EQ(h.Counter("unavailable"), 1);
}

TEST(JwtKeysTest, WithoutKeysNobodyGetsIn) {
  FilterHarness h(Jwt(), kUrl);
  h.StartUpkeep();
  Send(h);
  h.AnswerFetch(Fail(ErrorCode::kConnectFailed, ErrorSource::kUpstream, "refused"));
  h.Advance(milliseconds(50));
  EXPECT_EQ(h.reply().status, 503);
  Send(h);  // No need to wait now.
  EXPECT_EQ(h.reply().status, 503);
  EXPECT_EQ(h.Counter("keys_failed"), 1);
  h.Get();
  EXPECT_EQ(h.reply().status, 401);
}

TEST(JwtKeysTest, AFirstFailureIsTriedAgainSoon) {
  FilterHarness h(Jwt(), kUrl);
  h.StartUpkeep();
  for (size_t i = 1; i <= 4; ++i) {
    ASSERT_EQ(h.fetches().size(), i);
    h.AnswerFetch(Fail(ErrorCode::kConnectFailed, ErrorSource::kUpstream, "refused"));
    h.Advance(milliseconds(790 << (i - 1)));
    EXPECT_EQ(h.fetches().size(), i) << "too soon";
    h.Advance(milliseconds(210 << (i - 1)));
  }
  h.AnswerFetch(Answer(PublicJwks()));
  h.RunBackground();
  Send(h);
  EXPECT_TRUE(h.forwarded());
}

TEST(JwtKeysTest, RefreshedNowAndThen) {
  FilterHarness h(Jwt(), kUrl);
  FetchFirst(h);
  h.Advance(seconds(239));
  EXPECT_EQ(h.fetches().size(), 1U);
  h.Advance(seconds(61));
  EXPECT_EQ(h.fetches().size(), 2U);
  h.AnswerFetch(Answer(PublicJwks()));
  h.RunBackground();
  EXPECT_EQ(h.Counter("keys_refreshed"), 2);
}

TEST(JwtKeysTest, KeysThatStayKeepWhatIsRemembered) {
  FilterHarness h(Jwt(), kUrl);
  FetchFirst(h);
  Send(h);
  h.Advance(seconds(300));
  h.AnswerFetch(Answer(PublicJwks()));
  h.RunBackground();
  Send(h);
  EXPECT_EQ(h.Counter("remembered"), 1);
}

// The token was good a moment ago, and its key has been withdrawn.
TEST(JwtKeysTest, KeysThatGoTakeTheirTokensWithThem) {
  FilterHarness h(Jwt(), kUrl);
  FetchFirst(h);
  Send(h);
  EXPECT_TRUE(h.forwarded());
  h.Advance(seconds(300));
  h.AnswerFetch(Answer(OtherJwks()));
  h.RunBackground();
  Send(h);
  EXPECT_TRUE(h.paused());  // The key may come back, as far as this gateway knows.
  h.AnswerFetch(Answer(OtherJwks()));
  h.RunBackground();
  h.Advance(milliseconds(50));
  EXPECT_EQ(h.reply().status, 401);
  EXPECT_EQ(h.reply().detail, "the token is signed with an unknown key");
  EXPECT_EQ(h.Counter("remembered"), 0);
}

TEST(JwtKeysTest, TheLastGoodKeysStay) {
  FilterHarness h(Jwt(), kUrl);
  FetchFirst(h);
  const std::string endless(JwkSet::kMaxTextBytes, ' ');
  for (const FetchResponse& bad :
       {Answer("<html>"), Answer("{\"keys\":[]}"), Answer(PublicJwks(), 500), Answer("", 302),
        Answer(PublicJwks(), 302), Answer("{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"),
        Answer(SecretJwks()), Answer(endless + " ")}) {
    h.Advance(seconds(300));
    ASSERT_TRUE(h.AnswerFetch(bad));
    h.RunBackground();
    Send(h);
    EXPECT_TRUE(h.forwarded()) << bad.body.substr(0, 80);
  }
  h.Advance(seconds(300));
  h.AnswerFetch(Fail(ErrorCode::kResponseTimeout, ErrorSource::kUpstream, "slow"));
  Send(h);
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.Counter("keys_failed"), 9);
  EXPECT_EQ(h.Counter("keys_refreshed"), 1);
  EXPECT_EQ(h.Counter("remembered"), 8);
}

TEST(JwtKeysTest, AnUnknownKeyIsFetched) {
  FilterHarness h(Jwt(), kUrl);
  h.StartUpkeep();
  h.AnswerFetch(Answer(OtherJwks()));
  h.RunBackground();
  Send(h);
  EXPECT_TRUE(h.paused());
  ASSERT_EQ(h.fetches().size(), 2U);
  EXPECT_EQ(h.fetches()[1].target, "/keys?a=b");
  h.AnswerFetch(Answer(PublicJwks()));
  h.RunBackground();
  h.Advance(milliseconds(50));
  EXPECT_TRUE(h.forwarded()) << h.reply().detail;
}

TEST(JwtKeysTest, ButNotForEveryToken) {
  FilterHarness h(Jwt(), kUrl);
  FetchFirst(h);
  const std::string unknown = SignToken("{}", "unknown");
  Send(h, unknown);
  EXPECT_TRUE(h.paused());
  h.AnswerFetch(Answer(PublicJwks()));
  h.RunBackground();
  h.Advance(milliseconds(50));
  EXPECT_EQ(h.reply().status, 401);
  for (int i = 0; i < 5; ++i) {
    Send(h, SignToken("{}", "unknown" + std::to_string(i)));
    EXPECT_EQ(h.reply().status, 401);
  }
  EXPECT_EQ(h.fetches().size(), 2U);
  EXPECT_EQ(h.Counter("unknown_key"), 6);
  h.End();
  h.Advance(seconds(10));
  Send(h, unknown);
  EXPECT_TRUE(h.paused());
  EXPECT_EQ(h.fetches().size(), 3U);
  h.AnswerFetch(Fail(ErrorCode::kConnectFailed, ErrorSource::kUpstream, "refused"));
  h.Advance(milliseconds(50));
  EXPECT_EQ(h.reply().status, 401);
}

// What is bad in another way costs no fetch.
TEST(JwtKeysTest, OnlyAnUnknownKeyIsFetched) {
  FilterHarness h(Jwt(), kUrl);
  FetchFirst(h);
  for (const std::string& bad : {std::string("x"), SignToken("{}", "ed"), SignToken("{}", "rsa")}) {
    Send(h, bad);
    EXPECT_EQ(h.reply().status, 401);
  }
  EXPECT_EQ(h.fetches().size(), 1U);
}

// Whoever asked goes away while the answer is on its way: it counts all the same.
TEST(JwtKeysTest, AClientThatGoesAwayTakesNoKeysAlong) {
  FilterHarness h(Jwt(), kUrl);
  h.StartUpkeep();
  h.AnswerFetch(Answer(OtherJwks()));
  h.RunBackground();
  Send(h, SignToken("{}", "unknown"));
  EXPECT_TRUE(h.paused());
  h.End(ErrorCode::kClientGone);
  ASSERT_TRUE(h.AnswerFetch(Answer(PublicJwks())));
  h.RunBackground();
  Send(h);
  EXPECT_TRUE(h.forwarded()) << h.reply().detail;
  EXPECT_EQ(h.fetches().size(), 2U);
}

TEST(JwtKeysTest, WhoComesMeanwhileWaitsForTheSameFetch) {
  FilterHarness h(Jwt(), kUrl);
  h.StartUpkeep();
  h.AnswerFetch(Answer(OtherJwks()));
  h.RunBackground();
  Send(h, SignToken("{}", "unknown"));
  h.End(ErrorCode::kClientGone);
  h.Advance(milliseconds(100));
  Send(h);
  EXPECT_TRUE(h.paused());
  h.Advance(milliseconds(50));
  EXPECT_TRUE(h.paused());
  EXPECT_EQ(h.fetches().size(), 2U);
  h.AnswerFetch(Answer(PublicJwks()));
  h.RunBackground();
  h.Advance(milliseconds(50));
  EXPECT_TRUE(h.forwarded()) << h.reply().detail;
}

TEST(JwtKeysTest, NobodyWaitsForNewKeysForEver) {
  FilterHarness h(Jwt(), kUrl);
  FetchFirst(h);
  Send(h, SignToken("{}", "unknown"));
  for (int i = 0; i < 39; ++i) {
    h.Advance(milliseconds(50));
    EXPECT_TRUE(h.paused());
  }
  h.Advance(milliseconds(50));
  EXPECT_EQ(h.reply().status, 401);
}

TEST(JwtKeysTest, AFailedFetchAllowsTheNextAfterTheInterval) {
  FilterHarness h(Jwt(), kUrl);
  FetchFirst(h);
  const std::string unknown = SignToken("{}", "unknown");
  for (size_t i = 2; i < 6; ++i) {
    Send(h, unknown);
    EXPECT_EQ(h.fetches().size(), i);
    h.AnswerFetch(Fail(ErrorCode::kConnectFailed, ErrorSource::kUpstream, "refused"));
    h.Advance(milliseconds(50));
    EXPECT_EQ(h.reply().status, 401);
    h.Advance(milliseconds(9900));
    Send(h, unknown);
    EXPECT_EQ(h.reply().status, 401) << "too soon";
    EXPECT_EQ(h.fetches().size(), i);
    h.Advance(milliseconds(50));
  }
  Send(h, unknown);
  h.AnswerFetch(Answer(PublicJwks()));
  h.RunBackground();
  h.Advance(seconds(300));
  EXPECT_EQ(h.fetches().size(), 7U) << "refreshed as ever";
}

// An older answer would replace a newer one.
TEST(JwtKeysTest, OneFetchAtATime) {
  FilterHarness h(Jwt(), kUrl);
  FetchFirst(h);
  h.Advance(seconds(300));
  EXPECT_EQ(h.fetches().size(), 2U);
  Send(h, SignToken("{}", "unknown"));
  EXPECT_TRUE(h.paused());
  EXPECT_EQ(h.fetches().size(), 2U);
  h.AnswerFetch(Answer(PublicJwks()));
  EXPECT_TRUE(h.paused());
  h.RunBackground();
  h.Advance(milliseconds(50));
  EXPECT_EQ(h.reply().status, 401);
}

// A key without a name may be the one that a name means; the signature tells.
TEST(JwtKeysTest, KeysWithoutANameMakeNoNameKnown) {
  const std::string nameless = R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":)"
                               R"("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})";
  FilterHarness h(Jwt(), kUrl);
  h.StartUpkeep();
  h.AnswerFetch(Answer(nameless));
  h.RunBackground();
  Send(h);
  EXPECT_TRUE(h.paused());
  ASSERT_TRUE(h.AnswerFetch(Answer(PublicJwks())));
  h.RunBackground();
  h.Advance(milliseconds(50));
  EXPECT_TRUE(h.forwarded()) << h.reply().detail;
}

// Two streams at once need two harnesses of one definition's keys: the second one here is that of a
// route which overrides the first.
TEST(JwtKeysTest, OverridesShareTheKeys) {
  FilterHarness h(Jwt(), kUrl);
  FetchFirst(h);
  h.Override("require: {scope: admin}");
  Send(h);
  EXPECT_EQ(h.reply().status, 403);
  EXPECT_EQ(h.fetches().size(), 1U);
}

TEST(JwtKeysTest, OverridesWithAnotherAudienceHaveTheirOwn) {
  FilterHarness h(Jwt(), kUrl);
  FetchFirst(h);
  h.Override("audiences: [billing]");
  Send(h);
  EXPECT_TRUE(h.paused());  // For first keys of its own.
}

class KeyFile {
 public:
  explicit KeyFile(std::string_view text) : path(testing::TempDir() + "jwt_keys_test.json") {
    Write(text);
  }
  ~KeyFile() { std::remove(path.c_str()); }
  void Write(std::string_view text) { std::ofstream(path) << text; }
  std::string Settings() const {
    return "{issuer: idp, audiences: [api], jwks: {file: \"" + path + "\"}}";
  }

  const std::string path;
};

TEST(JwtKeysTest, AFileIsReadAgainWhenItChanges) {
  KeyFile file(SecretJwks());
  FilterHarness h(Jwt(), file.Settings());
  ASSERT_EQ(h.diagnostics(), "");
  h.StartUpkeep();
  Send(h, MadeToken());
  EXPECT_TRUE(h.forwarded());
  file.Write(SecretJwks("new", std::string(32, 'n')));
  EXPECT_TRUE(h.FileChanged(file.path));
  EXPECT_TRUE(h.RunBackground());
  Send(h, MadeToken());
  EXPECT_EQ(h.reply().status, 401);
  Send(h, SignToken(R"({"iss":"idp","aud":"api","exp":4102444800,"sub":"jane"})", "new",
                    std::string(32, 'n')));
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.Counter("keys_refreshed"), 1);
  EXPECT_TRUE(h.definition().SourcesUnchanged());
}

TEST(JwtKeysTest, AFileThatTurnsBadChangesNothing) {
  KeyFile file(SecretJwks());
  FilterHarness h(Jwt(), file.Settings());
  h.StartUpkeep();
  for (const char* bad : {"", "garbage", "{\"keys\":[]}"}) {
    file.Write(bad);
    h.FileChanged(file.path);
    h.RunBackground();
    Send(h, MadeToken());
    EXPECT_TRUE(h.forwarded()) << bad;
  }
  std::remove(file.path.c_str());
  h.FileChanged(file.path);
  h.RunBackground();
  Send(h, MadeToken());
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(h.Counter("keys_failed"), 4);
  EXPECT_EQ(h.Counter("verified"), 1);
}

TEST(JwtKeysTest, AChangeThatNobodySawMakesAReloadReadTheFile) {
  KeyFile file(SecretJwks());
  FilterHarness h(Jwt(), file.Settings());
  EXPECT_TRUE(h.definition().SourcesUnchanged());
  file.Write(SecretJwks("new"));
  EXPECT_FALSE(h.definition().SourcesUnchanged());
  EXPECT_FALSE(h.Reload(file.Settings()));
  EXPECT_TRUE(h.definition().SourcesUnchanged());
}

}  // namespace
}  // namespace gatehouse::filters
