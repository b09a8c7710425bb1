// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "source/filters/auth/key_set.h"
#include "source/filters/auth/timestamp.h"
#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;
using pipeline::HarnessFields;

// `printf %s key-of-acme | sha256sum`, and so on.
const std::string kAcme = "689febd264f8b977e29c0fdb75f839eb248ba07d1561b14f2b95f42756943245";
const std::string kSecond = "f397f260a275cc4d42e7965c556167bf3f068aed491d35a8f5b38c8c2db96bb0";
const std::string kOld = "762c08fc17a1cc5f00d248f8b50f2f2f4d17ff2934ac31e64deacb3f5bb3f2ec";

std::string Key(const std::string& name, const std::string& digest, const std::string& more = "") {
  return "{name: " + name + ", sha256: " + digest + (more.empty() ? "" : ", " + more) + "}";
}
std::string Keys(const std::string& more = "") {
  return "{keys: [" + Key("acme", kAcme) + ", " + Key("globex", kSecond) + "]" +
         (more.empty() ? "" : ", " + more) + "}";
}

int StatusFor(FilterHarness& h, const HarnessFields& fields, std::string_view target = "/") {
  h.Get(target, fields);
  EXPECT_EQ(h.forwarded(), h.reply().status == 0);
  return h.reply().status;
}
HarnessFields With(std::string_view key) { return {{"x-api-key", std::string(key)}}; }

std::string Subject(FilterHarness& h) {
  const observe::Identity* identity = h.stream().info().identity;
  return identity == nullptr ? "-" : std::string(identity->subject);
}

class KeyFile {
 public:
  explicit KeyFile(std::string_view text)
      : path(testing::TempDir() + "api_key_test_" +
             testing::UnitTest::GetInstance()->current_test_info()->name() + ".yaml") {
    Write(text);
  }
  ~KeyFile() { std::remove(path.c_str()); }
  void Write(std::string_view text) { std::ofstream(path) << text; }
  std::string Yaml() const { return "file: \"" + path + "\""; }

  const std::string path;
};

TEST(ApiKeyTest, RightAndWrong) {
  FilterHarness h(ApiKey(), Keys());
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(StatusFor(h, With("key-of-acme")), 0);
  EXPECT_EQ(Subject(h), "acme");
  EXPECT_EQ(StatusFor(h, With("second-key")), 0);
  EXPECT_EQ(Subject(h), "globex");
  for (const std::string& wrong : {std::string("key-of-acm"), std::string("key-of-acme "),
                                   std::string(), std::string("Key-of-acme"), kAcme}) {
    EXPECT_EQ(StatusFor(h, With(wrong)), 401) << wrong;
    EXPECT_EQ(h.reply().error, ErrorCode::kBadCredentials);
    EXPECT_EQ(h.reply().detail, "the API key is nobody's");
    EXPECT_EQ(Subject(h), "-");
  }
  EXPECT_EQ(h.reply().headers, (HarnessFields{{"www-authenticate", "ApiKey realm=\"gatehouse\""}}));
  EXPECT_EQ(StatusFor(h, {}), 401);
  EXPECT_EQ(h.reply().error, ErrorCode::kNoCredentials);
  EXPECT_EQ(StatusFor(h, {{"x-api-key", "key-of-acme"}, {"x-api-key", "key-of-acme"}}), 401);
  EXPECT_EQ(h.reply().detail, "there are several API keys in one place");
  EXPECT_EQ(h.Counter("accepted"), 2);
  EXPECT_EQ(h.Counter("refused"), 6);
  EXPECT_EQ(h.Counter("no_key"), 1);
}

TEST(ApiKeyTest, AllowMissing) {
  FilterHarness h(ApiKey(), Keys("allow_missing: true, header: x-consumer"));
  EXPECT_EQ(StatusFor(h, {{"x-consumer", "acme"}}), 0);
  EXPECT_EQ(Subject(h), "-");
  EXPECT_EQ(h.RequestField("x-consumer"), std::nullopt);
  EXPECT_EQ(StatusFor(h, With("wrong")), 401);
}

TEST(ApiKeyTest, WhatTheUpstreamGets) {
  FilterHarness h(ApiKey(), "{keys: [" + Key("acme", kAcme, "attributes: {plan: gold}") + ", " +
                                Key("globex", kSecond) +
                                "], header: x-consumer, attributes_to_headers: {plan: x-plan}}");
  EXPECT_EQ(h.diagnostics(), "");
  StatusFor(h, {{"x-api-key", "key-of-acme"}, {"x-consumer", "root"}, {"X-Plan", "platinum"}});
  EXPECT_EQ(h.RequestField("x-consumer"), "acme");
  EXPECT_EQ(h.RequestField("x-plan"), "gold");
  EXPECT_EQ(h.RequestField("x-api-key"), std::nullopt);
  StatusFor(h, {{"x-api-key", "second-key"}, {"x_plan", "platinum"}});
  EXPECT_EQ(h.RequestField("x-plan"), std::nullopt);
  EXPECT_EQ(h.RequestField("x_plan"), std::nullopt);
  h.request().headers.Add("x-plan", "platinum");
  h.definition().StripHeaders(h.request());
  EXPECT_EQ(h.RequestField("x-plan"), std::nullopt);
}

TEST(ApiKeyTest, EveryPlace) {
  const std::string places =
      "from: [{header: authorization, prefix: \"ApiKey \"}, {query: api_key}, {cookie: key}]";
  FilterHarness h(ApiKey(), Keys(places));
  EXPECT_EQ(StatusFor(h, {{"authorization", "apikey key-of-acme"}}), 0);
  EXPECT_EQ(h.RequestField("authorization"), std::nullopt);
  EXPECT_EQ(StatusFor(h, {}, "/p?a=%2f&api_key=key%2dof-acme&b"), 0);
  EXPECT_EQ(h.request().target, "/p?a=%2f&b");
  EXPECT_EQ(StatusFor(h, {{"cookie", "a=1; key=key-of-acme; b=2"}}), 0);
  EXPECT_EQ(h.RequestField("cookie"), "a=1; b=2");
  // What is not looked at still does not go upstream.
  EXPECT_EQ(
      StatusFor(h, {{"authorization", "ApiKey key-of-acme"}, {"cookie", "key=x"}}, "/?api_key=y"),
      0);
  EXPECT_EQ(h.request().target, "/");
  EXPECT_EQ(h.RequestField("cookie"), std::nullopt);
  EXPECT_EQ(StatusFor(h, With("key-of-acme")), 401);
  FilterHarness forwards(ApiKey(), Keys(places + ", forward: true"));
  EXPECT_EQ(StatusFor(forwards, {{"cookie", "a=1; key=key-of-acme"}}, "/?x"), 0);
  EXPECT_EQ(forwards.RequestField("cookie"), "a=1; key=key-of-acme");
}

// The harness's clock shows 2026-03-01T08:15:30.125Z.
TEST(ApiKeyTest, KeysExpire) {
  FilterHarness h(ApiKey(), "keys: [" + Key("acme", kAcme, "expires: 2026-03-01T08:15:30Z") + ", " +
                                Key("acme", kSecond, "expires: 2026-03-01T10:15:31+02:00") + "]");
  EXPECT_EQ(h.diagnostics(), "");
  EXPECT_EQ(StatusFor(h, With("key-of-acme")), 401);
  EXPECT_EQ(h.reply().detail, "the API key of \"acme\" has expired");
  EXPECT_EQ(h.Counter("expired"), 1);
  EXPECT_EQ(StatusFor(h, With("second-key")), 0);
  h.Advance(std::chrono::seconds(1));
  EXPECT_EQ(StatusFor(h, With("second-key")), 401);
}

TEST(ApiKeyTest, GroupsAndRotation) {
  FilterHarness h(ApiKey(), "keys: [" + Key("acme", kAcme, "groups: [partners, beta]") + ", " +
                                Key("acme", kSecond, "groups: [partners]") + "]");
  EXPECT_EQ(StatusFor(h, With("key-of-acme")), 0);
  EXPECT_TRUE(h.stream().info().identity->InGroup("beta"));
  EXPECT_EQ(h.stream().info().identity->kind, observe::IdentityKind::kApiKey);
  EXPECT_EQ(h.stream().info().identity->filter, "api_key");
  EXPECT_EQ(StatusFor(h, With("second-key")), 0);
  EXPECT_EQ(Subject(h), "acme");
  EXPECT_FALSE(h.stream().info().identity->InGroup("beta"));
}

TEST(ApiKeyTest, TheFileIsReadAgainWhenItChanges) {
  KeyFile file("- " + Key("acme", kAcme) + "\n");
  FilterHarness h(ApiKey(), "{keys: [" + Key("globex", kSecond) + "], " + file.Yaml() + "}");
  ASSERT_EQ(h.diagnostics(), "");
  h.StartUpkeep();
  EXPECT_EQ(StatusFor(h, With("key-of-acme")), 0);
  EXPECT_EQ(StatusFor(h, With("second-key")), 0);
  file.Write("- " + Key("initech", kOld) + "\n");
  h.FileChanged(file.path);
  h.RunBackground();
  EXPECT_EQ(Subject(h), "globex") << "what a stream has seen stays";
  EXPECT_EQ(StatusFor(h, With("key-of-acme")), 401);
  EXPECT_EQ(StatusFor(h, With("old-key")), 0);
  EXPECT_EQ(StatusFor(h, With("second-key")), 0);
  EXPECT_TRUE(h.definition().SourcesUnchanged());
  file.Write("- {name: x}\n");
  h.FileChanged(file.path);
  h.RunBackground();
  EXPECT_EQ(StatusFor(h, With("old-key")), 0);
  EXPECT_EQ(h.Counter("file_failed"), 1);
  EXPECT_FALSE(h.definition().SourcesUnchanged());
}

TEST(ApiKeyTest, AnOverrideHasItsOwnKeys) {
  FilterHarness h(ApiKey(), "keys: [" + Key("acme", kAcme) + "]");
  EXPECT_EQ(StatusFor(h, With("key-of-acme")), 0);
  h.Override("keys: [" + Key("globex", kSecond) + "]");
  EXPECT_EQ(StatusFor(h, With("key-of-acme")), 401);
  EXPECT_EQ(StatusFor(h, With("second-key")), 0);
}

TEST(ApiKeyTest, Explains) {
  FilterHarness h(ApiKey(), "{forward: true, keys: [" + Key("acme", kAcme) + ", " +
                                Key("globex", kOld, "expires: 2026-01-01T00:00:00Z") + "]}");
  const auto says = [&](const HarnessFields& fields) {
    h.Get("/", fields);
    return h.definition().Explain(h.request(), h.stream().info());
  };
  EXPECT_EQ(says({}), "refuses it: there is no API key");
  EXPECT_EQ(says(With("x")), "refuses it: the API key is nobody's");
  EXPECT_EQ(says(With("key-of-acme")), "lets it in: the API key is that of \"acme\"");
  EXPECT_EQ(says(With("old-key")), "refuses it: the API key of \"globex\" has expired");
}

TEST(ApiKeyTest, Mistakes) {
  const auto said = [](const std::string& yaml) {
    return FilterHarness(ApiKey(), yaml).diagnostics();
  };
  EXPECT_EQ(said("realm: x"), "filter.yaml:1:1: needs `keys` or `file`\n");
  for (const char* none : {"keys: []", "keys: null", "{file: /dev/null, keys: null}"}) {
    EXPECT_NE(said(none).find("keys: there is no key\n"), std::string::npos) << none;
  }
  EXPECT_EQ(said("keys: [null]"),
            "filter.yaml:1:8: keys[0]: needs `sha256`\n"
            "filter.yaml:1:8: keys[0]: needs `name`\n");
  EXPECT_EQ(said("file: null"), "filter.yaml:1:1: file: has no value\n");
  EXPECT_EQ(
      said("keys:\n- {name: acme, key: hunter2}\n- {name: \"\", sha256: " + kAcme +
           "}\n- {sha256: " + kAcme + "}\n- {name: x, sha256: abc, expires: tomorrow}\n- x\n" +
           "- {name: x, sha256: \"" + kOld.substr(1) + "g\"}\n- {}\n"),
      "filter.yaml:2:21: keys[0].key: keys are not kept in clear text: `sha256` takes what "
      "`printf %s KEY | sha256sum` prints\n"
      "filter.yaml:3:10: keys[1].name: is empty; a key is somebody's\n"
      "filter.yaml:4:3: keys[2]: needs `name`\n"
      "filter.yaml:4:12: keys[2].sha256: this key is listed already\n"
      "filter.yaml:5:21: keys[3].sha256: expected 64 hexadecimal digits: `printf %s KEY | "
      "sha256sum` makes them\n"
      "filter.yaml:5:35: keys[3].expires: expected a time such as 2027-01-01T00:00:00Z, got "
      "\"tomorrow\"\n"
      "filter.yaml:6:3: keys[4]: expected a mapping, got \"x\"\n"
      "filter.yaml:7:21: keys[5].sha256: expected 64 hexadecimal digits: `printf %s KEY | "
      "sha256sum` makes them\n"
      "filter.yaml:8:3: keys[6]: needs `sha256`\n"
      "filter.yaml:8:3: keys[6]: needs `name`\n");
  EXPECT_EQ(
      said("{keys: [" + Key("acme", kAcme) +
           "], from: [{header: x-plan}],\nheader: X-Plan,\nattributes_to_headers: {plan: "
           "x-tier, tier: X-Tier}}"),
      "filter.yaml:2:9: header: is where a key is read from: it can't tell the upstream "
      "something else\n"
      "filter.yaml:3:39: attributes_to_headers.tier: the field \"x-tier\" is set from something "
      "else already\n");
}

TEST(ApiKeyTest, MistakesInTheFile) {
  KeyFile file("- " + Key("acme", kAcme) +
               "\n- {name: x, key: hunter2}\n-  {name: y, sha256: " + kSecond + "}\n");
  const auto said = [&](const std::string& yaml) {
    std::string out = FilterHarness(ApiKey(), yaml).diagnostics();
    for (size_t at = out.find(file.path); at != out.npos; at = out.find(file.path)) {
      out.replace(at, file.path.size(), "FILE");
    }
    return out;
  };
  EXPECT_EQ(
      said("{keys: [" + Key("globex", kSecond) + "], " + file.Yaml() + "}"),
      "FILE:2:18: [1].key: keys are not kept in clear text: `sha256` takes what `printf %s KEY "
      "| sha256sum` prints\n"
      "FILE:3:22: [2].sha256: this key is listed already\n");
  file.Write("");
  EXPECT_EQ(said(file.Yaml()), "FILE:1:1: there is no key in this file\n");
  file.Write("[]");
  EXPECT_EQ(said(file.Yaml()), "FILE:1:1: there is no key in this file\n");
  file.Write("acme: x\n");
  EXPECT_EQ(said(file.Yaml()), "FILE:1:1: expected a list, got a mapping\n");
  file.Write("- " + Key("\"${HOME}\"", kAcme) + "\n");
  EXPECT_EQ(said(file.Yaml()),
            "FILE:1:10: [0].name: environment variable HOME is not set, and no default is given\n");
}

TEST(KeySetTest, ManyKeys) {
  std::vector<KeyEntry> entries;
  Sha256 sha;
  for (int i = 0; i < 10'000; ++i) {
    KeyEntry entry;
    entry.name = "consumer-" + std::to_string(i);
    entry.digest = sha.Add(std::to_string(i)).Finish();
    entries.push_back(std::move(entry));
  }
  const KeySet set(entries, "api_key");
  for (int i = 0; i < 20'000; ++i) {
    const gatehouse::filters::Key* key = set.Find(sha.Add(std::to_string(i)).Finish());
    ASSERT_EQ(key != nullptr, i < 10'000) << i;
    if (key != nullptr) {
      EXPECT_EQ(key->identity.subject, "consumer-" + std::to_string(i));
    }
  }
  EXPECT_EQ(KeySet({}, "api_key").Find({}), nullptr);
}

TEST(TimestampTest, Rfc3339) {
  const auto seconds = [](std::string_view text) {
    const Result<WallTime> time = ParseTimestamp(text);
    return time ? std::chrono::duration_cast<std::chrono::seconds>(time->time_since_epoch()).count()
                : -1;
  };
  EXPECT_EQ(seconds("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(seconds("2027-01-01T00:00:00Z"), 1798761600);
  EXPECT_EQ(seconds("2027-01-01T02:00:00+02:00"), 1798761600);
  EXPECT_EQ(seconds("2026-12-31T18:30:00-05:30"), 1798761600);
  EXPECT_EQ(seconds("2028-02-29T12:34:56Z"), 1835440496);
  for (const std::string_view wrong :
       {"", "2027-01-01", "2027-01-01T00:00:00", "2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z",
        "2027-01-01T24:00:00Z", "2027-01-01T00:60:00Z", "2027-01-01 00:00:00Z",
        "2027-01-01T00:00:00z ", "2027-01-01T00:00:00+2:00", "+027-01-01T00:00:00Z",
        "9999-01-01T00:00:00Z", "2027-01-01T00:00:00Zx"}) {
    EXPECT_EQ(seconds(wrong), -1) << wrong;
  }
  EXPECT_EQ(ParseTimestamp("tomorrow").error().message,
            "expected a time such as 2027-01-01T00:00:00Z, got \"tomorrow\"");
}

}  // namespace
}  // namespace gatehouse::filters
