// SPDX-License-Identifier: Apache-2.0
// How routes and filters ask for requests. test/route/conditions_test.cc has every kind of value
// and spelling; here is what filters rely on without a route.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "source/config/document.h"
#include "source/pipeline/host_path.h"
#include "source/pipeline/request_config.h"
#include "source/pipeline/request_values.h"
#include "source/pipeline/value_config.h"

namespace gatehouse::pipeline {
namespace {

TEST(HostPathTest, Hosts) {
  EXPECT_TRUE(HostFits("a.example.org", "a.example.org"));
  EXPECT_FALSE(HostFits("a.example.org", "b.a.example.org"));
  EXPECT_TRUE(HostFits("*.example.org", "b.a.example.org"));
  EXPECT_FALSE(HostFits("*.example.org", "example.org"));
  EXPECT_FALSE(HostFits("*.example.org", ".example.org"));
  EXPECT_TRUE(HostFits("*", ""));
  EXPECT_FALSE(HostFits("", ""));
}

TEST(HostPathTest, PathsBySegment) {
  EXPECT_EQ(CanonicalPrefix("/users//"), "/users");
  EXPECT_TRUE(IsUnder("/users", "/users"));
  EXPECT_TRUE(IsUnder("/users/7", "/users"));
  EXPECT_FALSE(IsUnder("/users2", "/users"));
  EXPECT_TRUE(IsUnder("/any", CanonicalPrefix("/")));
}

// A request that asks for `query` with these fields.
struct Asked {
  explicit Asked(std::string_view query) : head(arena) { head.query = query; }
  Asked& With(std::string_view name, std::string_view value) {
    head.headers.Add(name, value);
    return *this;
  }
  ArenaPool pool;
  Arena arena{pool};
  http::RequestHead head;
};

using Values = std::vector<std::string>;

TEST(RequestValuesTest, EveryOccurrenceIsSeenInOrder) {
  Asked asked("key=a&KEY=b&k%65y=c%2Bd&key");
  asked.With("x-key", "1").With("cookie", "key=\"e\"; other=f").With("X-Key", "2");
  asked.With("cookie", "key=g");
  Values query;
  Values headers;
  Values cookies;
  const auto into = [](Values& out) {
    return [&out](std::string_view value) {
      out.emplace_back(value);
      return true;
    };
  };
  QueryDecoder decoder(asked.arena);
  ForEachQueryValue(asked.head.query, "key", decoder, into(query));
  ForEachHeaderValue(asked.head.headers, "x-key", into(headers));
  ForEachCookieValue(asked.head.headers, "key", into(cookies));
  EXPECT_EQ(query, (Values{"a", "c+d", ""}));
  EXPECT_EQ(headers, (Values{"1", "2"}));
  EXPECT_EQ(cookies, (Values{"e", "g"}));
}

class Loaded {
 public:
  explicit Loaded(std::string_view text)
      : document_(
            config::Document::Parse("f.yaml", text, config::ProcessEnvironment(), diagnostics_)) {}
  config::Object Root() { return document_->Root(); }
  std::string Errors() const { return diagnostics_.ToText(); }

 private:
  config::Diagnostics diagnostics_;
  std::unique_ptr<config::Document> document_;
};

TEST(RequestConfigTest, ExpressionsAreCompiledOnce) {
  Loaded loaded("headers: {a: {regex: x+}, b: {regex: x+}, c: {regex: '('}}");
  RegexCache regexes;
  std::vector<ValueMatch> out;
  {
    config::Object root = loaded.Root();
    LoadHeaderMatches(root, regexes, out);
  }
  ASSERT_EQ(out.size(), 3u);
  EXPECT_EQ(out[0].regex, out[1].regex);
  EXPECT_TRUE(out[0].Matches("xx"));
  EXPECT_FALSE(out[0].Matches("xxy"));
  EXPECT_FALSE(out[0].Matches(std::nullopt));
  EXPECT_EQ(loaded.Errors(),
            "f.yaml:1:54: headers.c.regex: the regular expression is wrong: missing ): ( at "
            "character 1\n");
}

TEST(RequestConfigTest, WhatIsWrittenMustHoldSomething) {
  Loaded loaded("{hosts: [], methods: [get], client_ip: [10.0.0.0/33]}");
  std::vector<std::string> hosts;
  std::vector<std::string> methods;
  std::vector<Cidr> blocks;
  {
    ArenaPool pool;
    Arena arena(pool);
    config::Object root = loaded.Root();
    LoadHosts(root, arena, hosts);
    LoadMethods(root, methods);
    LoadClientIp(root, blocks);
  }
  EXPECT_EQ(
      loaded.Errors(),
      "f.yaml:1:9: hosts: is empty; leave it out to match all\n"
      "f.yaml:1:23: methods[0]: methods are case-sensitive, and \"get\" is none that clients "
      "send (did you mean \"GET\"?)\n"
      "f.yaml:1:41: client_ip[0]: \"10.0.0.0/33\" has a prefix length that is not between 0 and "
      "32\n");
}

}  // namespace
}  // namespace gatehouse::pipeline
