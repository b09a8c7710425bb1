// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "source/filters/auth/password_hash.h"
#include "source/filters/auth/user_table.h"
#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;
using pipeline::HarnessFields;

const std::string kAlice = "alice:$2y$04$nXeInEbEYfPf.pnUPi/iYeVQTEwpa5WeN2N0Ohp42Srt3CZ6wgrgO";
const std::string kBob = "bob:$2y$04$eogL.llZ72rB9FRNmXSBx.kNl7HahGN0zdVjz3Aj4wKfRP/zI7Rti";
// Of the same password as kAlice, with another salt.
const std::string kAliceAgain = "alice:{SHA}c0l2ibF8PmGEFxw55zWMQc95x1A=";

constexpr char kAliceToken[] = "Basic YWxpY2U6d29uZGVybGFuZA==";   // alice:wonderland
constexpr char kWrongToken[] = "Basic YWxpY2U6d29uZGVyd29tYW4=";   // alice:wonderwoman
constexpr char kBobToken[] = "Basic Ym9iOmJ1aWxkZXI=";             // bob:builder
constexpr char kNobodyToken[] = "Basic bm9ib2R5OndvbmRlcmxhbmQ=";  // nobody:wonderland

HarnessFields With(std::string_view token) { return {{"authorization", std::string(token)}}; }

// The status, after as much hashing as it takes; 0 when it was let in.
int StatusFor(FilterHarness& h, std::string_view token) {
  h.Get("/", With(token));
  h.RunBackground();
  EXPECT_EQ(h.forwarded(), h.reply().status == 0);
  EXPECT_FALSE(h.paused());
  return h.reply().status;
}

std::string Subject(FilterHarness& h) {
  const observe::Identity* identity = h.stream().info().identity;
  return identity == nullptr ? "-" : std::string(identity->subject);
}

class UserFile {
 public:
  explicit UserFile(std::string_view text)
      : path(testing::TempDir() + "basic_auth_test_" +
             testing::UnitTest::GetInstance()->current_test_info()->name() + ".htpasswd") {
    Write(text);
  }
  ~UserFile() { std::remove(path.c_str()); }
  void Write(std::string_view text) { std::ofstream(path) << text; }
  std::string Yaml() const { return "file: \"" + path + "\""; }

  const std::string path;
};

std::string Inline(const std::string& more = "") {
  return "{users: [\"" + kAlice + "\", \"" + kBob + "\"]" + (more.empty() ? "" : ", " + more) + "}";
}

TEST(BasicAuthTest, RightAndWrong) {
  FilterHarness h(BasicAuth(), Inline());
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
  EXPECT_EQ(Subject(h), "alice");
  EXPECT_EQ(StatusFor(h, kBobToken), 0);
  EXPECT_EQ(Subject(h), "bob");
  EXPECT_EQ(StatusFor(h, kWrongToken), 401);
  EXPECT_EQ(Subject(h), "-");
  EXPECT_EQ(h.reply().error, ErrorCode::kBadCredentials);
  EXPECT_EQ(h.reply().detail, "the password of \"alice\" is wrong");
  EXPECT_EQ(h.reply().headers,
            (HarnessFields{{"www-authenticate", "Basic realm=\"gatehouse\", charset=\"UTF-8\""}}));
  EXPECT_EQ(h.Counter("accepted"), 2);
  EXPECT_EQ(h.Counter("refused"), 1);
  EXPECT_EQ(h.Counter("hashed"), 3);
}

TEST(BasicAuthTest, WithoutCredentials) {
  FilterHarness h(BasicAuth(), Inline("realm: 'a \"b\\c'"));
  for (const HarnessFields& fields :
       {HarnessFields{}, With("Bearer abc"), With("Basically YTpi"), With("")}) {
    h.Get("/", fields);
    EXPECT_EQ(h.reply().error, ErrorCode::kNoCredentials);
    EXPECT_EQ(
        h.reply().headers,
        (HarnessFields{{"www-authenticate", "Basic realm=\"a \\\"b\\\\c\", charset=\"UTF-8\""}}));
  }
  EXPECT_EQ(h.Counter("no_credentials"), 4);
}

TEST(BasicAuthTest, AllowMissing) {
  FilterHarness h(BasicAuth(), Inline("allow_missing: true, header: x-user"));
  h.Get("/", {{"x-user", "alice"}});
  EXPECT_TRUE(h.forwarded());
  EXPECT_EQ(Subject(h), "-");
  EXPECT_EQ(h.RequestField("x-user"), std::nullopt);
  EXPECT_EQ(StatusFor(h, kWrongToken), 401) << "what is there must be right";
}

TEST(BasicAuthTest, WhatCannotBeRead) {
  FilterHarness h(BasicAuth(), Inline());
  EXPECT_EQ(StatusFor(h, "Basic YWxpY2U6d29uZGVybGFuZA"), 401);
  EXPECT_EQ(h.reply().detail, "the Basic credentials are not base64");
  h.Get("/", {{"authorization", kAliceToken}, {"authorization", kAliceToken}});
  EXPECT_EQ(h.reply().error, ErrorCode::kBadCredentials);
  EXPECT_EQ(h.reply().detail, "there are several Authorization fields");
  h.Get("/", {{"authorization", "Bearer x"}, {"authorization", kAliceToken}});
  EXPECT_EQ(h.reply().error, ErrorCode::kBadCredentials);
  EXPECT_EQ(h.Counter("hashed"), 0);
}

TEST(BasicAuthTest, ARightPairIsHashedOnce) {
  FilterHarness h(BasicAuth(), Inline("cache: {ttl: 1m}"));
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
  for (int i = 0; i < 3; ++i) {
    h.Get("/", With(kAliceToken));
    EXPECT_TRUE(h.forwarded()) << "at once";
    EXPECT_EQ(Subject(h), "alice");
  }
  EXPECT_EQ(h.Counter("hashed"), 1);
  EXPECT_EQ(h.Counter("remembered"), 3);
  EXPECT_EQ(h.Counter("accepted"), 4);
  h.Advance(std::chrono::minutes(1));
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
  EXPECT_EQ(h.Counter("hashed"), 2);
}

TEST(BasicAuthTest, AWrongPairIsHashedEachTime) {
  FilterHarness h(BasicAuth(), Inline());
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(StatusFor(h, kWrongToken), 401);
    EXPECT_EQ(h.Counter("hashed"), 1 + i);
  }
}

TEST(BasicAuthTest, NobodyTakesAsLongAsSomebody) {
  FilterHarness h(BasicAuth(), Inline());
  for (int i = 1; i <= 2; ++i) {
    h.Get("/", With(kNobodyToken));
    EXPECT_TRUE(h.paused());
    h.RunBackground();
    EXPECT_EQ(h.reply().status, 401);
    EXPECT_EQ(h.reply().detail, "there is no such user");
    EXPECT_EQ(h.Counter("hashed"), i);
  }
}

// With the password of whoever's hash stands in, too.
TEST(BasicAuthTest, NobodyIsNeverRight) {
  FilterHarness h(BasicAuth(), "users: [\"" + kAlice + "\"]");
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
  EXPECT_EQ(StatusFor(h, kNobodyToken), 401);
  EXPECT_EQ(StatusFor(h, kNobodyToken), 401);
}

// A table without users, as of an empty file, takes everybody for nobody.
TEST(BasicAuthTest, NobodyIsPickedAmongNone) {
  const UserFacts facts;
  const UserTable none({}, facts);
  EXPECT_EQ(none.Find("alice"), nullptr);
  EXPECT_EQ(none.Pick(7).name, "");
  EXPECT_FALSE(PasswordMatches("", none.Pick(7).hash));
}

TEST(BasicAuthTest, NoValueIsNoUser) {
  for (const char* yaml : {"users:", "{users: [null]}", "{file: }", "{users: [], file: }"}) {
    FilterHarness h(BasicAuth(), yaml);
    EXPECT_NE(h.diagnostics(), "") << yaml;
  }
  EXPECT_EQ(FilterHarness(BasicAuth(), "users: null").diagnostics(),
            "filter.yaml:1:1: users: there is no user\n");
}

TEST(BasicAuthTest, WithoutMemory) {
  for (const char* cache : {"cache: {ttl: 0s}", "cache: {max_entries: 0}"}) {
    FilterHarness h(BasicAuth(), Inline(cache));
    EXPECT_EQ(StatusFor(h, kAliceToken), 0);
    EXPECT_EQ(StatusFor(h, kAliceToken), 0);
    EXPECT_EQ(h.Counter("hashed"), 2);
  }
}

TEST(BasicAuthTest, WhatTheUpstreamGets) {
  FilterHarness h(BasicAuth(), Inline("header: X-User"));
  h.Get("/", {{"authorization", kAliceToken}, {"X_User", "root"}, {"x-user", "root"}});
  h.RunBackground();
  EXPECT_EQ(h.RequestField("x-user"), "alice");
  EXPECT_EQ(h.RequestField("x_user"), std::nullopt);
  EXPECT_EQ(h.RequestField("authorization"), std::nullopt);
  h.Get("/", With(kAliceToken));
  EXPECT_EQ(h.RequestField("x-user"), "alice");
  EXPECT_EQ(h.RequestField("authorization"), std::nullopt);
  FilterHarness forwards(BasicAuth(), Inline("forward: true"));
  EXPECT_EQ(StatusFor(forwards, kAliceToken), 0);
  EXPECT_EQ(forwards.RequestField("authorization"), kAliceToken);
}

TEST(BasicAuthTest, StripHeaders) {
  FilterHarness h(BasicAuth(), Inline("header: x-user"));
  h.Get("/", {{"x-user", "root"}});
  h.request().headers.Add("X-User", "root");
  h.definition().StripHeaders(h.request());
  EXPECT_EQ(h.RequestField("x-user"), std::nullopt);
}

TEST(BasicAuthTest, GroupsAndAttributes) {
  FilterHarness h(
      BasicAuth(),
      Inline("groups: {admins: [alice, bob], staff: [alice]}, attributes: {alice: {plan: gold}}"),
      {.name = "staff_login"});
  EXPECT_EQ(h.diagnostics(),
            "filter.yaml:1:1: type: unknown filter type \"staff_login\"; `type:` "
            "says which type this filter is\n");
  FilterHarness named(
      BasicAuth(),
      "{type: basic_auth, " +
          Inline(
              "groups: {admins: [alice, bob], staff: [alice]}, attributes: {alice: {plan: gold}}")
              .substr(1),
      {.name = "staff_login"});
  EXPECT_EQ(named.diagnostics(), "");
  EXPECT_EQ(StatusFor(named, kAliceToken), 0);
  const observe::Identity& alice = *named.stream().info().identity;
  EXPECT_EQ(alice.kind, observe::IdentityKind::kBasic);
  EXPECT_EQ(alice.filter, "staff_login");
  EXPECT_TRUE(alice.InGroup("admins") && alice.InGroup("staff"));
  ASSERT_EQ(alice.attributes.size(), 1U);
  EXPECT_EQ(alice.attributes[0].name, "plan");
  EXPECT_EQ(alice.attributes[0].value, "gold");
  EXPECT_EQ(StatusFor(named, kBobToken), 0);
  EXPECT_FALSE(named.stream().info().identity->InGroup("staff"));
}

TEST(BasicAuthTest, TheFileIsReadAgainWhenItChanges) {
  UserFile file(kAlice + "\n" + kBob + "\n");
  FilterHarness h(BasicAuth(), file.Yaml());
  ASSERT_EQ(h.diagnostics(), "");
  h.StartUpkeep();
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
  EXPECT_EQ(StatusFor(h, kBobToken), 0);
  file.Write(kBob + "\n");
  EXPECT_TRUE(h.FileChanged(file.path));
  h.RunBackground();
  EXPECT_EQ(StatusFor(h, kAliceToken), 401) << "also who was remembered";
  h.Get("/", With(kBobToken));
  EXPECT_TRUE(h.forwarded()) << "whose line is the same stays remembered";
  EXPECT_TRUE(h.definition().SourcesUnchanged());
}

TEST(BasicAuthTest, AChangedPasswordCountsAtOnce) {
  UserFile file(kAlice + "\n");
  FilterHarness h(BasicAuth(), file.Yaml());
  h.StartUpkeep();
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
  file.Write("alice" + kBob.substr(3) + "\n");  // Now it is "builder".
  h.FileChanged(file.path);
  h.RunBackground();
  EXPECT_EQ(StatusFor(h, kAliceToken), 401);
  EXPECT_EQ(StatusFor(h, "Basic YWxpY2U6YnVpbGRlcg=="), 0);
}

TEST(BasicAuthTest, AFileThatTurnsBadChangesNothing) {
  UserFile file(kAlice + "\n");
  FilterHarness h(BasicAuth(), file.Yaml());
  h.StartUpkeep();
  for (const char* bad : {"alice:hunter2\n", "", "bob:$2y$04$short\n"}) {
    file.Write(bad);
    h.FileChanged(file.path);
    h.RunBackground();
    EXPECT_EQ(StatusFor(h, kAliceToken), 0);
    EXPECT_FALSE(h.definition().SourcesUnchanged()) << "a reload must say so";
  }
  EXPECT_EQ(std::remove(file.path.c_str()), 0);
  h.FileChanged(file.path);
  h.RunBackground();
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
  EXPECT_EQ(h.Counter("file_failed"), 4);
  file.Write(kBob + "\n");
  h.FileChanged(file.path);
  h.RunBackground();
  EXPECT_EQ(StatusFor(h, kAliceToken), 401);
}

TEST(BasicAuthTest, AStreamKeepsWhatItHasSeen) {
  UserFile file(kAlice + "\n");
  FilterHarness h(BasicAuth(), file.Yaml());
  h.StartUpkeep();
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
  file.Write(kBob + "\n");
  h.FileChanged(file.path);
  h.RunBackground();
  EXPECT_EQ(Subject(h), "alice");  // ASan would see it go.
}

TEST(BasicAuthTest, WhatChangedBeforeTheWatchBegan) {
  UserFile file(kAlice + "\n");
  FilterHarness h(BasicAuth(), file.Yaml());
  file.Write(kBob + "\n");
  h.StartUpkeep();
  h.RunBackground();
  EXPECT_EQ(StatusFor(h, kAliceToken), 401);
}

TEST(BasicAuthTest, AReloadKeepsWhatIsTheSame) {
  UserFile file(kAlice + "\n");
  FilterHarness h(BasicAuth(), file.Yaml());
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
  EXPECT_TRUE(h.Reload(file.Yaml()));
  h.Get("/", With(kAliceToken));
  EXPECT_TRUE(h.forwarded());
  file.Write(kBob + "\n");
  EXPECT_FALSE(h.Reload(file.Yaml()));
}

// Whoever may pass here may not there.
TEST(BasicAuthTest, AnOverrideHasItsOwnUsersAndMemory) {
  FilterHarness h(BasicAuth(), "users: [\"" + kAlice + "\"]");
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
  h.Override("users: [\"" + kBob + "\"]");
  EXPECT_EQ(StatusFor(h, kAliceToken), 401);
  EXPECT_EQ(StatusFor(h, kBobToken), 0);
}

TEST(BasicAuthTest, AStreamThatGoesAwayWhileItsPasswordIsHashed) {
  FilterHarness h(BasicAuth(), Inline());
  h.Get("/", With(kAliceToken));
  EXPECT_TRUE(h.paused());
  h.End();
  h.RunBackground();
  EXPECT_EQ(StatusFor(h, kAliceToken), 0);
}

TEST(BasicAuthTest, Explains) {
  FilterHarness h(BasicAuth(), Inline());
  const auto says = [&](const HarnessFields& fields) {
    h.Get("/", fields);
    return h.definition().Explain(h.request(), h.stream().info());
  };
  EXPECT_EQ(says({}), "refuses it: there are no Basic credentials");
  EXPECT_EQ(says(With("Basic YTpiYh==")), "refuses it: the Basic credentials are not base64");
  EXPECT_EQ(says(With(kNobodyToken)), "refuses it: there is no such user");
  EXPECT_EQ(says(With(kWrongToken)), "asks whether the password of \"alice\" is right");
  h.Get("/", {{"authorization", kAliceToken}, {"authorization", kAliceToken}});
  EXPECT_EQ(h.definition().Explain(h.request(), h.stream().info()),
            "refuses it: there are several Authorization fields");
}

TEST(BasicAuthTest, Mistakes) {
  const auto said = [](const std::string& yaml) {
    return FilterHarness(BasicAuth(), yaml).diagnostics();
  };
  EXPECT_EQ(said("realm: x"), "filter.yaml:1:1: needs `file` or `users`\n");
  EXPECT_EQ(said("users: []"), "filter.yaml:1:8: users: there is no user\n");
  EXPECT_EQ(said("file: \"\""), "filter.yaml:1:7: file: must name a file\n");
  EXPECT_EQ(
      said("file: /nonexistent/users"),
      "filter.yaml:1:7: file: can't read \"/nonexistent/users\": No such file or directory\n");
  EXPECT_EQ(said("users:\n- \"" + kAlice + "\"\n- \"" + kAlice + "\"\n- eve:$2y$15$\n- 7\n"),
            "filter.yaml:3:3: users[1]: user \"alice\" is given twice\n"
            "filter.yaml:4:3: users[2]: user \"eve\": the bcrypt hash is malformed\n"
            "filter.yaml:5:3: users[3]: expected NAME:HASH, and there is no colon\n");
  EXPECT_EQ(said("users: [\"" + kAlice +
                 "\"]\nrealm: \"a\\nb\"\nheader: host\ngroups: {admins: [alcie]}" +
                 "\nattributes: {bob: {plan: x}}\ncache: {ttl: 25h, size: 1}\nmax_pending: 0\n"),
            "filter.yaml:2:8: realm: has control characters, which headers can't hold\n"
            "filter.yaml:3:9: header: \"host\" names where the request goes: a route's `rewrite` "
            "changes it\n"
            "filter.yaml:4:9: warning: groups: there is no user \"alcie\" now\n"
            "filter.yaml:5:13: warning: attributes: there is no user \"bob\" now\n"
            "filter.yaml:6:14: cache.ttl: must be at most 24h, got 25h\n"
            "filter.yaml:6:19: cache.size: unknown key\n"
            "filter.yaml:7:14: max_pending: must be between 1 and 100000, got 0\n");
}

TEST(BasicAuthTest, MistakesInTheFile) {
  UserFile file("# staff\nalice:hunter2\n" + kBob + "\nbob:" + kBob.substr(4) + "\n\n:\n" +
                kAliceAgain + "\nc" + kAliceAgain + "\n");
  std::string said =
      FilterHarness(BasicAuth(), "{users: [\"" + kAlice + "\"], " + file.Yaml() + "}")
          .diagnostics();
  for (size_t at = said.find(file.path); at != said.npos; at = said.find(file.path)) {
    said.replace(at, file.path.size(), "FILE");
  }
  EXPECT_EQ(
      said,
      "FILE:2:1: user \"alice\": this is not a password hash of bcrypt, apr1, {SHA}, $5$ or "
      "$6$ but a password in clear text, crypt(3)'s DES or another scheme; `htpasswd -B` makes "
      "one\n"
      "FILE:4:1: user \"bob\" has a line already: 3\n"
      "FILE:6:1: the user's name is empty\n"
      "FILE:7:1: user \"alice\" is among `users` already\n"
      "FILE:8:1: warning: user \"calice\" has a {SHA} hash: it can be guessed at billions a "
      "second; `htpasswd -B` makes a better one\n");
}

}  // namespace
}  // namespace gatehouse::filters
