// SPDX-License-Identifier: Apache-2.0
// Random routes and requests over alphabets so small that they overlap and collide all the time.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <re2/re2.h>

#include "source/route/route.h"
#include "test/route/request.h"

namespace gatehouse::route {

class RandomRoutes {
 public:
  explicit RandomRoutes(uint64_t seed) : engine_(seed) {
    for (const char* pattern : {"/a/[ab]+", "/a/b.*", "/(a|b)/.*", ".*", "/a", "/a|/b/.*",
                                "/a\\.b/.+", "/ab?/.*", "/a+/b", "/a/b/[^/]*", "(?i)/A/.*",
                                "^/b/(a|/)$", "/b\\x2fa.*", "\\Q/a/b\\E", "/a/{2}b", "[/]a/b"}) {
      patterns_.push_back(std::make_shared<const re2::RE2>(pattern));
    }
  }

  std::vector<std::shared_ptr<const Route>> Table(size_t max_routes) {
    std::vector<std::shared_ptr<const Route>> out(Below(max_routes) + 1);
    for (uint32_t i = 0; i < out.size(); ++i) {
      auto route = std::make_shared<Route>();
      route->name = std::to_string(i);
      route->index = i;
      FillHostAndPath(route->match);
      if (OneIn(2)) {
        FillConditions(route->match);
      }
      out[i] = std::move(route);
    }
    return out;
  }

  void Fill(Request& request) {
    if (OneIn(3)) {
      request.Method(Pick({"GET", "POST"}));
    }
    if (OneIn(3)) {
      request.Scheme("https");
    }
    for (int i = static_cast<int>(Below(3)); i > 0; --i) {
      request.Header(Pick({"x-a", "X-B"}), Value());
    }
    for (int i = static_cast<int>(Below(3)); i > 0; --i) {
      request.Header("cookie", std::string(Pick({"a", "b"})) + "=" + Value() + "; b=" + Value());
    }
    request.Listener(Below(2)).Client(Pick({"10.0.0.1", "10.0.1.1", "::1"}));
  }

  std::string Target() {
    std::string out = OneIn(40) ? "*" : Path();
    if (OneIn(2)) {
      out += "?" + std::string(Pick({"a", "b", "%61", ""})) + std::string(Pick({"=", "=", ""})) +
             Value();
      out += OneIn(2) ? "&a=" + Value() : "";
    }
    return out;
  }

  std::string Host() {
    std::string out;
    for (int i = static_cast<int>(Below(4)); i > 0; --i) {
      out += std::string(Pick({"a", "b"})) + (i > 1 ? "." : "");
    }
    return out;
  }

  // Not always a sound one: codecs refuse "." in front, the table need not rely on it.
  std::string RequestHost() { return (OneIn(20) ? "." : "") + Host(); }

  std::string Path() {
    std::string out;
    for (int i = static_cast<int>(Below(4)); i > 0; --i) {
      out += "/" + std::string(Pick({"a", "b", "ab", "a.b", "", "aa"}));
    }
    return out.empty() ? "/" : out;
  }

  const std::vector<std::shared_ptr<const re2::RE2>>& patterns() const { return patterns_; }
  uint32_t Below(size_t n) { return static_cast<uint32_t>(engine_() % n); }
  bool OneIn(uint32_t n) { return Below(n) == 0; }

 private:
  std::string_view Pick(std::initializer_list<std::string_view> choices) {
    return *(choices.begin() + Below(choices.size()));
  }
  std::string Value() { return std::string(Pick({"a", "b", "ab", "%61", "+", ""})); }

  void FillHostAndPath(RouteMatch& out) {
    for (int i = static_cast<int>(Below(3)); i > 0; --i) {
      const std::string host = Host();
      out.hosts.push_back(host.empty() ? "*" : OneIn(3) ? "*." + host : host);
    }
    out.path_kind = static_cast<PathKind>(Below(4));
    if (out.path_kind == PathKind::kRegex) {
      out.path_regex = patterns_[Below(patterns_.size())];
    } else if (out.path_kind != PathKind::kAny) {
      out.path = Path();
    }
  }

  ValueMatch RandomValueMatch(std::string_view name) {
    ValueMatch out;
    out.name = name;
    out.kind = static_cast<ValueMatch::Kind>(Below(7));
    out.text = Pick({"a", "b", "ab", " "});
    if (out.kind == ValueMatch::Kind::kRegex) {
      out.text = "[ab]*";
      out.regex = value_pattern_;
    }
    return out;
  }

  void FillConditions(RouteMatch& out) {
    if (OneIn(4)) {
      out.conditions.Edit().methods.emplace_back(Pick({"GET", "POST"}));
    }
    if (OneIn(4)) {
      out.conditions.Edit().headers.push_back(RandomValueMatch(Pick({"x-a", "x-b"})));
    }
    if (OneIn(4)) {
      out.conditions.Edit().query.push_back(RandomValueMatch(Pick({"a", "b"})));
    }
    if (OneIn(4)) {
      out.conditions.Edit().cookies.push_back(RandomValueMatch(Pick({"a", "b"})));
    }
    if (OneIn(6)) {
      out.conditions.Edit().client_ip.push_back(
          *ParseCidr(Pick({"10.0.0.0/8", "10.0.1.0/24", "::/1"})));
    }
    if (OneIn(6)) {
      out.conditions.Edit().scheme = Pick({"http", "https"});
    }
    if (OneIn(6)) {
      out.conditions.Edit().listeners.push_back(Below(2));
    }
  }

  std::mt19937_64 engine_;
  std::vector<std::shared_ptr<const re2::RE2>> patterns_;
  std::shared_ptr<const re2::RE2> value_pattern_ = std::make_shared<const re2::RE2>("[ab]*");
};

}  // namespace gatehouse::route
