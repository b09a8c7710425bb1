// SPDX-License-Identifier: Apache-2.0
// Getters: what they return, and the sentence when they can't.
#include "source/config/object.h"

#include <gtest/gtest.h>

#include <utility>

#include "test/config/loaded.h"

namespace gatehouse::config {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

enum class Policy { kRoundRobin, kLeastRequest };

TEST(ObjectTest, GettersReadWhatIsThere) {
  const Loaded in(
      "s: text\nu: 7\nn: 0.25\nt: 1m30s\nz: 64KiB\nb: true\nl: [a, b]\nm: {y: 2, x: 1}\n"
      "e: least_request\nc: {k: v}\n");
  Object root = in.document->Root();
  EXPECT_EQ(root.String("s", "", ""), "text");
  EXPECT_EQ(root.Uint("u", {}, ""), 7u);
  EXPECT_EQ(root.Number("n", {}, ""), 0.25);
  EXPECT_EQ(root.Time("t", {}, ""), seconds(90));
  EXPECT_EQ(root.Size("z", {}, ""), 65536u);
  EXPECT_TRUE(root.Bool("b", false, ""));
  EXPECT_EQ(root.Strings("l", ""), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(root.StringMap("m", ""),
            (std::vector<std::pair<std::string, std::string>>{{"y", "2"}, {"x", "1"}}));
  EXPECT_EQ(
      root.Enum<Policy>(
          "e", {{"round_robin", Policy::kRoundRobin}, {"least_request", Policy::kLeastRequest}},
          Policy::kRoundRobin, ""),
      Policy::kLeastRequest);
  EXPECT_EQ(root.Child("c", "").RequiredString("k", ""), "v");
  root = Object();
  EXPECT_EQ(in.Errors(), "");
}

TEST(ObjectTest, AbsentKeysGiveDefaultsWithoutErrors) {
  const Loaded in("{}");
  Object root = in.document->Root();
  EXPECT_EQ(root.String("s", "d", ""), "d");
  EXPECT_EQ(root.Uint("u", {.def = 7, .min = 10}, ""), 7u);
  EXPECT_EQ(root.Time("t", {.def = seconds(5)}, ""), seconds(5));
  EXPECT_TRUE(root.Bool("b", true, ""));
  EXPECT_TRUE(root.Strings("l", "").empty());
  EXPECT_TRUE(root.Entries("m", "").empty());
  Object child = root.Child("c", "");
  EXPECT_FALSE(child.present());
  EXPECT_EQ(child.Child("d", "").Size("z", {.def = 3}, ""), 3u);
  EXPECT_FALSE(root.Get("x", "").present());
  EXPECT_EQ(in.Errors(), "");
}

TEST(ObjectTest, ADefaultObjectAndValueAreHarmless) {
  Object none;
  EXPECT_FALSE(none.present());
  EXPECT_EQ(none.RequiredString("a", ""), "");
  none.Error("a", "wrong");
  none.Error("wrong");
  none.NotSupportedYet({"a"});
  EXPECT_EQ(none.Child("b", "").Uint("c", {.def = 2}, ""), 2u);
  const Value value;
  value.Error("wrong");
  EXPECT_EQ(value.Canonical(), "");
  EXPECT_FALSE(value.Map().present());
}

TEST(ObjectTest, UnknownKeysAreReportedWithTheNearestKnownOne) {
  const Loaded in("listeners: []\nclustrs: {}\nzzz: 1\n");
  {
    Object root = in.document->Root();
    root.List("listeners", "");
    root.Entries("clusters", "");
    root.Child("runtime", "");
    EXPECT_EQ(in.Errors(), "");
  }
  EXPECT_EQ(in.Errors(),
            "f.yaml:2:1: clustrs: unknown key (did you mean \"clusters\"?)\n"
            "f.yaml:3:1: zzz: unknown key\n");
}

TEST(ObjectTest, AKeyThatIsThereIsNoSuggestion) {
  const Loaded in("host: a\nhosts: [b]\n");
  in.document->Root().String("host", "", "");
  EXPECT_EQ(in.Errors(), "f.yaml:2:1: hosts: unknown key\n");
}

TEST(ObjectTest, UnknownKeysAreReportedOnceWhenObjectsMove) {
  const Loaded in("a: {x: 1}\n");
  {
    Object root = in.document->Root();
    Object child = root.Child("a", "");
    Object moved = std::move(child);
    Object assigned;
    assigned = std::move(moved);
    EXPECT_EQ(in.Errors(), "");
    assigned = Object();  // The last owner lets go.
    EXPECT_EQ(in.Errors(), "f.yaml:1:5: a.x: unknown key\n");
  }
  EXPECT_EQ(in.diagnostics.errors(), 1u);
}

TEST(ObjectTest, UncheckedObjectsReportNoUnknownKeys) {
  const Loaded in("a: 1\n");
  in.document->Root().Unchecked();
  EXPECT_EQ(in.Errors(), "");
}

TEST(ObjectTest, ManyUnknownKeysOfALargeMapping) {
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text += "k" + std::to_string(i) + ": v\n";
  }
  const Loaded in(text);
  in.document->Root().String("k150", "", "");
  EXPECT_EQ(in.diagnostics.errors(), 199u);
}

TEST(ObjectTest, WrongKinds) {
  const Loaded in("m: [1]\nl: {a: 1}\ns: [x]\nt: {}\ne: 1\n");
  Object root = in.document->Root();
  EXPECT_TRUE(root.Child("m", "").present());
  EXPECT_TRUE(root.List("l", "").empty());
  EXPECT_EQ(root.String("s", "d", ""), "d");
  EXPECT_EQ(root.Time("t", {.def = seconds(1)}, ""), seconds(1));
  EXPECT_TRUE(root.Strings("e", "").empty());
  EXPECT_EQ(in.Errors(),
            "f.yaml:1:4: m: expected a mapping, got a list\n"
            "f.yaml:2:4: l: expected a list, got a mapping\n"
            "f.yaml:3:4: s: expected a single value, got a list\n"
            "f.yaml:4:4: t: expected a duration such as 250ms or 5s, got a mapping\n"
            "f.yaml:5:4: e: expected a list, got \"1\" (did you mean \"[1]\"?)\n");
}

TEST(ObjectTest, WhatWasWrittenAsSomethingElseCausesNoFurtherErrors) {
  const Loaded in("tls: on\n");
  Object tls = in.document->Root().Child("tls", "");
  tls.RequiredString("cert_file", "");
  tls.Child("client_auth", "").RequiredString("ca_file", "");
  tls.Error("needs a certificate");
  EXPECT_EQ(in.Errors(), "f.yaml:1:6: tls: expected a mapping, got \"on\"\n");
}

TEST(ObjectTest, NumbersAndTheirLimits) {
  const Loaded in(
      "a: 0\nb: 99\nc: -1\nd: 5s\ne: 1.5\nf: 0\ng: nan\nh: \"\"\ni: 18446744073709551616\n");
  Object root = in.Root();
  EXPECT_EQ(root.Uint("a", {.def = 9, .min = 1, .max = 65535}, ""), 9u);
  root.Uint("b", {.max = 10}, "");
  root.Uint("c", {}, "");
  root.Uint("d", {}, "");
  root.Uint("e", {}, "");
  root.Number("f", {.min = 0.5}, "");
  root.Number("g", {}, "");
  root.Uint("h", {}, "");
  root.Uint("i", {}, "");
  EXPECT_EQ(root.Number("c", {}, ""), -1);
  EXPECT_EQ(root.Number("f", {.def = 1, .min = 0, .max = 1}, ""), 0);
  EXPECT_EQ(in.Errors(),
            "f.yaml:1:4: a: must be between 1 and 65535, got 0\n"
            "f.yaml:2:4: b: must be at most 10, got 99\n"
            "f.yaml:3:4: c: expected a whole number, got \"-1\"\n"
            "f.yaml:4:4: d: expected a whole number, got \"5s\"\n"
            "f.yaml:5:4: e: expected a whole number, got \"1.5\"\n"
            "f.yaml:6:4: f: must be at least 0.5, got 0\n"
            "f.yaml:7:4: g: expected a number, got \"nan\"\n"
            "f.yaml:8:4: h: expected a whole number, got \"\"\n"
            "f.yaml:9:4: i: expected a whole number, got \"18446744073709551616\"\n");
}

TEST(ObjectTest, DurationsAndSizesNeedUnits) {
  const Loaded in("a: 5\nb: 64\nc: 64KB\nd: 1ms\ne: 1GiB\n");
  Object root = in.Root();
  root.Time("a", {}, "");
  root.Size("b", {}, "");
  root.Size("c", {}, "");
  root.Time("d", {.min = milliseconds(10), .max = std::chrono::hours(1)}, "");
  root.Size("e", {.max = 1 << 20}, "");
  EXPECT_EQ(in.Errors(),
            "f.yaml:1:4: a: expected a duration such as 250ms or 5s, got \"5\"; a unit is missing "
            "(did you mean \"5s\"?)\n"
            "f.yaml:2:4: b: expected a size such as 64KiB or 1MiB, got \"64\"; a unit is missing "
            "(did you mean \"64B\"?)\n"
            "f.yaml:3:4: c: expected a size such as 64KiB or 1MiB, got \"64KB\" (did you mean "
            "\"64KiB\"?)\n"
            "f.yaml:4:4: d: must be between 10ms and 1h, got 1ms\n"
            "f.yaml:5:4: e: must be at most 1MiB, got 1GiB\n");
}

TEST(ObjectTest, BooleansAreTrueAndFalseOnly) {
  const Loaded in("a: on\nb: No\nc: True\nd: maybe\ne: false\nf:\n");
  Object root = in.Root();
  EXPECT_TRUE(root.Bool("a", true, ""));
  root.Bool("b", false, "");
  root.Bool("c", false, "");
  root.Bool("d", false, "");
  EXPECT_FALSE(root.Bool("e", true, ""));
  EXPECT_TRUE(root.Bool("f", true, ""));
  EXPECT_EQ(in.Errors(),
            "f.yaml:1:4: a: expected true or false, got \"on\" (did you mean \"true\"?)\n"
            "f.yaml:2:4: b: expected true or false, got \"No\" (did you mean \"false\"?)\n"
            "f.yaml:3:4: c: expected true or false, got \"True\" (did you mean \"true\"?)\n"
            "f.yaml:4:4: d: expected true or false, got \"maybe\"\n"
            "f.yaml:6:1: f: has no value\n");
}

TEST(ObjectTest, EnumsNameTheirChoices) {
  const Loaded in("policy: lest_request\nother: [a]\n");
  Object root = in.Root();
  const auto read = [&](std::string_view key) {
    return root.Enum<Policy>(
        key, {{"round_robin", Policy::kRoundRobin}, {"least_request", Policy::kLeastRequest}},
        Policy::kRoundRobin, "");
  };
  EXPECT_EQ(read("policy"), Policy::kRoundRobin);
  read("other");
  EXPECT_EQ(in.Errors(),
            "f.yaml:1:9: policy: unknown value \"lest_request\"; one of: round_robin, "
            "least_request (did you mean \"least_request\"?)\n"
            "f.yaml:2:8: other: expected one of round_robin, least_request, got a list\n");
}

TEST(ObjectTest, RequiredStrings) {
  const Loaded in("listeners:\n  - name: ''\n  -\n    x: 1\n");
  for (const Value& value : in.Get("listeners").List()) {
    Object listener = value.Map();
    listener.Unchecked();
    listener.RequiredString("name", "");
    listener.Child("tls", "");
  }
  EXPECT_EQ(in.Errors(),
            "f.yaml:2:11: listeners[0].name: must not be empty\n"
            "f.yaml:4:5: listeners[1].name: is required\n");
}

TEST(ObjectTest, WhatAnAbsentMappingRequiresIsBlamedOnTheOneAround) {
  const Loaded in("a:\n  b: 1\n");
  Object a = in.Root().Child("a", "");
  a.Unchecked();
  a.Child("c", "").Child("d", "").RequiredString("e", "");
  EXPECT_EQ(in.Errors(), "f.yaml:1:1: a.c.d.e: is required\n");
}

TEST(ObjectTest, EmptyListsAndMappingsMayBeLeftBlank) {
  const Loaded in("filters:\nclusters:\ntls:\n");
  Object root = in.document->Root();
  EXPECT_TRUE(root.List("filters", "").empty());
  EXPECT_TRUE(root.Entries("clusters", "").empty());
  EXPECT_TRUE(root.Child("tls", "").present());
  EXPECT_EQ(in.Errors(), "");
}

TEST(ObjectTest, NotSupportedYet) {
  const Loaded in("oidc: {a: 1}\nwaf: x\n");
  {
    Object root = in.document->Root();
    root.NotSupportedYet({"oidc", "cache"});
    root.String("waf", "", "");
  }
  EXPECT_EQ(in.Errors(), "f.yaml:1:1: oidc: not supported yet\n");
}

TEST(ObjectTest, ErrorsOfLoadersStandAtTheValueOrTheMapping) {
  const Loaded in("a:\n  b: 1\n  c:\n    - x\n");
  Object a = in.Root().Child("a", "");
  a.Unchecked();
  a.Error("b", "is taken", "2");
  a.Error("c", "is too short");
  a.Warning("d", "is absent");
  a.Error("makes no sense");
  EXPECT_EQ(in.Errors(),
            "f.yaml:1:1: warning: a.d: is absent\n"
            "f.yaml:1:1: a: makes no sense\n"
            "f.yaml:2:6: a.b: is taken (did you mean \"2\"?)\n"
            "f.yaml:3:3: a.c: is too short\n");
}

TEST(ObjectTest, EntriesAreBlamedAtTheirKeys) {
  const Loaded in("clusters:\n  users: {x: 1}\n  \"a b\": 5\n");
  for (const auto& [name, value] : in.Get("clusters").Entries()) {
    value.Warning("nobody uses it");
    value.Map().Unchecked();
  }
  EXPECT_EQ(in.Errors(),
            "f.yaml:2:3: warning: clusters.users: nobody uses it\n"
            "f.yaml:3:3: warning: clusters[\"a b\"]: nobody uses it\n"
            "f.yaml:3:10: clusters[\"a b\"]: expected a mapping, got \"5\"\n");
}

TEST(ObjectTest, LongTextIsCutInErrors) {
  const Loaded in("a: " + std::string(500, 'x') + "\n");
  in.Root().Uint("a", {}, "");
  EXPECT_EQ(in.Errors(),
            "f.yaml:1:4: a: expected a whole number, got \"" + std::string(80, 'x') + "...\"\n");
}

class OverlayTest : public testing::Test {
 protected:
  // The definition `jwt` with the keys of the route's use of it.
  static Object Overlaid(const Loaded& in) {
    return Object::Overlay(in.Get("jwt"), in.Get("use"), {"use"});
  }
};

TEST_F(OverlayTest, KeysReplaceThoseOfTheBaseWhole) {
  const Loaded in(
      "jwt: {issuer: i, require: {scope: read, role: x}}\nuse: {use: jwt, require: {scope: w}}\n");
  {
    Object jwt = Overlaid(in);
    EXPECT_EQ(jwt.String("issuer", "", ""), "i");
    EXPECT_EQ(jwt.StringMap("require", ""),
              (std::vector<std::pair<std::string, std::string>>{{"scope", "w"}}));
    EXPECT_FALSE(jwt.Has("use"));
    EXPECT_EQ(jwt.path(), "use");
  }
  EXPECT_EQ(in.Errors(), "");
}

TEST_F(OverlayTest, UnknownKeysOfTheBaseAreNotReportedAgain) {
  const Loaded in("jwt: {isuer: i}\nuse: {use: jwt, requir: {}}\n");
  {
    Object jwt = Overlaid(in);
    jwt.String("issuer", "", "");
    jwt.Child("require", "");
  }
  EXPECT_EQ(in.Errors(), "f.yaml:2:17: use.requir: unknown key (did you mean \"require\"?)\n");
}

TEST_F(OverlayTest, MistakesKeepTheirOwnPlace) {
  const Loaded in("jwt: {leeway: 5, ttl: 6}\nuse: {ttl: 7}\n");
  Object jwt = Overlaid(in);
  jwt.Uint("leeway", {.max = 1}, "");
  jwt.Uint("ttl", {.max = 1}, "");
  jwt.Error("leeway", "is odd");
  EXPECT_EQ(in.Errors(),
            "f.yaml:1:15: jwt.leeway: must be at most 1, got 5\n"
            "f.yaml:1:15: jwt.leeway: is odd\n"
            "f.yaml:2:12: use.ttl: must be at most 1, got 7\n");
}

TEST_F(OverlayTest, EitherSideMayBeMissing) {
  const Loaded in("jwt: {a: 1}\nempty:\n");
  EXPECT_EQ(Object::Overlay(in.Get("jwt"), in.Get("nope")).String("a", "", ""), "1");
  EXPECT_EQ(Object::Overlay(in.Get("jwt"), in.Get("empty")).String("a", "", ""), "1");
  EXPECT_EQ(Object::Overlay(in.Get("nope"), in.Get("jwt")).String("a", "", ""), "1");
  EXPECT_EQ(in.Errors(), "");
}

}  // namespace
}  // namespace gatehouse::config
