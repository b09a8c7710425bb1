// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/credential_source.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "source/config/document.h"

namespace gatehouse::filters {
namespace {

using Place = CredentialSource::Place;
using State = Credential::State;
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

// A request with a target and fields.
struct Request {
  Request(std::string_view target, const Fields& fields) : head(arena) {
    head.target = target;
    const size_t mark = target.find('?');
    head.path = target.substr(0, mark);
    head.query = mark == target.npos ? std::string_view() : target.substr(mark + 1);
    for (const auto& [name, value] : fields) {
      head.headers.Add(name, value);
    }
  }
  // What is there, as "one:VALUE", "none" or "ambiguous".
  std::string Find(const CredentialSources& sources) {
    const Credential found = sources.Find(head, arena);
    switch (found.state) {
      case State::kNone:
        return "none";
      case State::kOne:
        return "one:" + std::string(found.value);
      case State::kAmbiguous:
        return "ambiguous";
    }
    return "";
  }
  std::string Left(const CredentialSources& sources) {
    sources.Remove(head, arena);
    std::string out(head.target);
    head.headers.ForEach([&](const http::Field& field) {
      out.append("|").append(field.name).append("=").append(field.value);
    });
    return out;
  }

  ArenaPool pool;
  Arena arena{pool};
  http::RequestHead head;
};

std::string Find(const CredentialSource& source, std::string_view target,
                 const Fields& fields = {}) {
  return Request(target, fields).Find(CredentialSources({source}));
}
std::string Left(const CredentialSource& source, std::string_view target,
                 const Fields& fields = {}) {
  return Request(target, fields).Left(CredentialSources({source}));
}

const CredentialSource kKey{Place::kHeader, "x-api-key"};
const CredentialSource kBearer{Place::kHeader, "authorization", "Bearer "};
const CredentialSource kQuery{Place::kQuery, "api_key"};
const CredentialSource kCookie{Place::kCookie, "key"};

TEST(CredentialSourceTest, Headers) {
  EXPECT_EQ(Find(kKey, "/"), "none");
  EXPECT_EQ(Find(kKey, "/", {{"X-Api-Key", "abc"}}), "one:abc");
  EXPECT_EQ(Find(kKey, "/", {{"x-api-key", ""}}), "one:");
  EXPECT_EQ(Find(kKey, "/", {{"x-api-keys", "abc"}}), "none");
}

TEST(CredentialSourceTest, AHeaderTwiceIsAmbiguous) {
  EXPECT_EQ(Find(kKey, "/", {{"x-api-key", "abc"}, {"x-api-key", "abc"}}), "ambiguous");
  EXPECT_EQ(Find(kBearer, "/", {{"authorization", "Bearer a"}, {"authorization", "Basic b"}}),
            "ambiguous");
  EXPECT_EQ(Find(kBearer, "/", {{"authorization", "Basic b"}, {"authorization", "Bearer a"}}),
            "ambiguous");
  EXPECT_EQ(Find(kBearer, "/", {{"authorization", "Basic a"}, {"authorization", "Basic b"}}),
            "none");
}

TEST(CredentialSourceTest, Prefixes) {
  const auto find = [](std::string_view value) {
    return Find(kBearer, "/", {{"authorization", value}});
  };
  EXPECT_EQ(find("Bearer abc"), "one:abc");
  EXPECT_EQ(find("bEARER   abc"), "one:abc");
  EXPECT_EQ(find("Bearer"), "one:");
  EXPECT_EQ(find("Bearerabc"), "none");
  EXPECT_EQ(find("Bea"), "none");
  EXPECT_EQ(find("Basic abc"), "none");
  EXPECT_EQ(find("Bearer a b"), "one:a b");
  const CredentialSource glued{Place::kHeader, "x-key", "key-"};
  EXPECT_EQ(Find(glued, "/", {{"x-key", "KEY-7"}}), "one:7");
}

TEST(CredentialSourceTest, Queries) {
  EXPECT_EQ(Find(kQuery, "/"), "none");
  EXPECT_EQ(Find(kQuery, "/?a=1&api_key=abc&b=2"), "one:abc");
  EXPECT_EQ(Find(kQuery, "/?api%5fkey=a%2Bb+c"), "one:a+b c");
  EXPECT_EQ(Find(kQuery, "/?api_key"), "one:");
  EXPECT_EQ(Find(kQuery, "/?xapi_key=abc"), "none");
  EXPECT_EQ(Find(kQuery, "/?api_key=a&api%5fkey=b"), "ambiguous");
  // Longer than the decoder's own buffer.
  const std::string longer(3000, 'x');
  EXPECT_EQ(Find(kQuery, "/?api_key=%41" + longer), "one:A" + longer);
}

TEST(CredentialSourceTest, Cookies) {
  EXPECT_EQ(Find(kCookie, "/", {{"cookie", "a=1; key=abc; b=2"}}), "one:abc");
  EXPECT_EQ(Find(kCookie, "/", {{"cookie", "a=1"}, {"cookie", "key=\"abc\""}}), "one:abc");
  EXPECT_EQ(Find(kCookie, "/", {{"cookie", "Key=abc; mykey=d"}}), "none");
  EXPECT_EQ(Find(kCookie, "/", {{"cookie", "key=a"}, {"cookie", "key=b"}}), "ambiguous");
}

TEST(CredentialSourceTest, TheFirstPlaceThatHasOneCounts) {
  const CredentialSources sources({kKey, kBearer, kQuery});
  Request both("/?api_key=q", {{"authorization", "Bearer b"}});
  EXPECT_EQ(both.Find(sources), "one:b");
  EXPECT_EQ(sources.Find(both.head, both.arena).source, &sources.sources()[1]);
  EXPECT_EQ(Request("/?api_key=q", {{"authorization", "Basic b"}}).Find(sources), "one:q");
}

TEST(CredentialSourceTest, RemovingHeaders) {
  EXPECT_EQ(Left(kKey, "/", {{"a", "1"}, {"X-API-Key", "k"}, {"b", "2"}}), "/|a=1|b=2");
  EXPECT_EQ(Left(kBearer, "/", {{"authorization", "Bearer k"}}), "/");
  EXPECT_EQ(Left(kBearer, "/", {{"authorization", "Basic k"}}), "/|authorization=Basic k");
}

TEST(CredentialSourceTest, RemovingTouchesNothingElseOfTheQuery) {
  EXPECT_EQ(Left(kQuery, "/p?api_key=k"), "/p");
  EXPECT_EQ(Left(kQuery, "/p?api_key=k&a=1"), "/p?a=1");
  EXPECT_EQ(Left(kQuery, "/p?a=1&api_key=k"), "/p?a=1");
  EXPECT_EQ(Left(kQuery, "/p?a=%2f+&&api%5Fkey=k&;b=%zz&"), "/p?a=%2f+&&;b=%zz&");
  EXPECT_EQ(Left(kQuery, "/p?api_key=k&api_key=l&a"), "/p?a");
  EXPECT_EQ(Left(kQuery, "/p?"), "/p?");
  EXPECT_EQ(Left(kQuery, "/p?a=1&"), "/p?a=1&");
  Request request("/p?x=1&api_key=k&y=2", {});
  CredentialSources({kQuery}).Remove(request.head, request.arena);
  EXPECT_EQ(request.head.path, "/p");
  EXPECT_EQ(request.head.query, "x=1&y=2");
  EXPECT_EQ(request.head.path.data(), request.head.target.data());
}

TEST(CredentialSourceTest, WhatIsVerifiedStays) {
  const CredentialSources sources({kBearer, kKey, kCookie});
  Request request("/", {{"authorization", "Bearer a"}, {"x-api-key", "b"}, {"cookie", "key=c"}});
  sources.Remove(request.head, request.arena, &sources.sources()[1]);
  EXPECT_EQ(request.head.headers.Find("authorization"), nullptr);
  EXPECT_NE(request.head.headers.Find("x-api-key"), nullptr);
  EXPECT_EQ(request.head.headers.Find("cookie"), nullptr);
  EXPECT_EQ(sources.PlaceNames(), (std::vector<std::string>{"header authorization:bearer ",
                                                            "header x-api-key:", "cookie key:"}));
}

TEST(CredentialSourceTest, RemovingTouchesNoOtherCookie) {
  EXPECT_EQ(Left(kCookie, "/", {{"cookie", "a=1; key=k; b=\"2\""}}), "/|cookie=a=1; b=\"2\"");
  EXPECT_EQ(Left(kCookie, "/", {{"cookie", "key=k; b=2"}}), "/|cookie=b=2");
  EXPECT_EQ(Left(kCookie, "/", {{"cookie", "key=k"}, {"x", "y"}}), "/|x=y");
  EXPECT_EQ(Left(kCookie, "/", {{"cookie", "a=1 ;b"}, {"cookie", "c=3;key=k"}}),
            "/|cookie=a=1 ;b|cookie=c=3");
  EXPECT_EQ(Left(kCookie, "/", {{"cookie", "a=1;"}}), "/|cookie=a=1;");
}

// What loading `yaml` says; then its sources in `out`.
std::string Load(std::string_view yaml, CredentialSources* out = nullptr) {
  config::Diagnostics diagnostics;
  const auto document =
      config::Document::Parse("f.yaml", yaml, config::ProcessEnvironment(), diagnostics);
  {
    config::Object root = document->Root();
    const CredentialSources sources = LoadCredentialSources(root, "from", {kKey});
    if (out != nullptr) {
      *out = sources;
    }
  }
  return diagnostics.ToText();
}

TEST(CredentialSourceTest, Loading) {
  CredentialSources sources;
  EXPECT_EQ(Load("a: 1", &sources), "f.yaml:1:1: a: unknown key\n");
  EXPECT_EQ(sources.sources(), std::vector{kKey});
  EXPECT_EQ(Load("from: [{header: X-Api-Key}, {header: authorization, prefix: \"Bearer \"}, "
                 "{query: api_key}, {cookie: key}]",
                 &sources),
            "");
  EXPECT_EQ(sources.sources(), (std::vector{kKey, kBearer, kQuery, kCookie}));
}

TEST(CredentialSourceTest, Mistakes) {
  EXPECT_EQ(Load("from: []"), "f.yaml:1:7: from: needs at least one place\n");
  EXPECT_EQ(Load("from: null"), "f.yaml:1:1: from: needs at least one place\n");
  EXPECT_EQ(Load("from: [null]"), "f.yaml:1:8: from[0]: expected one of header, query, cookie\n");
  EXPECT_EQ(Load("from:\n- {header: \"a b\"}\n- {header: host}\n- {header: cookie}\n- {}\n- x\n"),
            "f.yaml:2:12: from[0].header: \"a b\" is not the name of a header field\n"
            "f.yaml:3:12: from[1].header: \"host\" names where the request goes: a route's "
            "`rewrite` changes it\n"
            "f.yaml:4:12: from[2].header: holds all cookies; `cookie: NAME` reads one\n"
            "f.yaml:5:3: from[3]: expected one of header, query, cookie\n"
            "f.yaml:6:3: from[4]: expected a mapping, got \"x\"\n");
  EXPECT_EQ(Load("from:\n- {header: a, query: b}\n- {query: a, prefix: b}\n- {cookie: \"a=b\"}\n"
                 "- {query: \"\"}\n- {header: a, prefix: \"\\n\"}\n- {header: b}\n- {header: B}\n"),
            "f.yaml:2:22: from[0].query: can't stand beside \"header\": each place is one\n"
            "f.yaml:3:22: from[1].prefix: only a header's value has a prefix\n"
            "f.yaml:4:12: from[2].cookie: \"a=b\" is not the name of a cookie\n"
            "f.yaml:5:11: from[3].query: is empty; a query parameter has a name\n"
            "f.yaml:6:23: from[4].prefix: has control characters, which headers can't hold\n"
            "f.yaml:8:3: from[6]: is given twice\n");
}

}  // namespace
}  // namespace gatehouse::filters
