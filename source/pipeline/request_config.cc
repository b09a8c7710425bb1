// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/request_config.h"

#include <algorithm>
#include <utility>

#include "source/base/text.h"
#include "source/pipeline/path_config.h"
#include "source/pipeline/value_config.h"

namespace gatehouse::pipeline {
namespace {

using config::About;
using config::Object;
using config::Value;

void LoadPairs(const std::vector<std::pair<std::string, Value>>& entries, RegexCache& regexes,
               std::vector<ValueMatch>& out) {
  for (const auto& [name, value] : entries) {
    if (name.empty()) {
      value.Error("the name is empty");
    }
    out.push_back(LoadValueMatch(name, value, regexes));
  }
}

}  // namespace

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    const char lower = ToLower(c);
    return (lower >= 'a' && lower <= 'z') || IsDigit(c) ||
           (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
  });
}

std::vector<Value> NotEmptyList(Object& in, std::string_view key, const About& about) {
  const Value value = in.Get(key, about);
  std::vector<Value> out = value.List();
  if (value.IsNull() || (value.IsList() && out.empty())) {
    value.Error("is empty; leave it out to match all");
  }
  return out;
}

void LoadHosts(Object& in, Arena& arena, std::vector<std::string>& out) {
  const Value one = in.Get(
      "host",
      About("Host asked for, whatever the port; `*.example.org` is every name below that one.")
          .Type("host"));
  std::vector<Value> values = NotEmptyList(
      in, "hosts",
      About("Hosts asked for, any of them; `*.` stands for one or more labels in front.")
          .Type("host"));
  if (one.present()) {
    if (in.Has("hosts")) {
      in.Error("hosts", "can't stand beside \"host\"");
    }
    values.insert(values.begin(), one);
  }
  bool any_host = false;
  for (const Value& value : values) {
    std::string host = LoadHost(value, /*wildcard=*/true, arena);
    any_host = any_host || host == "*";
    if (std::find(out.begin(), out.end(), host) != out.end()) {
      value.Warning("the host " + host + " is listed twice");
    } else if (!host.empty()) {
      out.push_back(std::move(host));
    }
  }
  if (any_host) {
    out.clear();
  }
  out.shrink_to_fit();
}

void LoadMethods(Object& in, std::vector<std::string>& out) {
  static constexpr std::string_view kStandard[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                   "CONNECT", "OPTIONS", "TRACE", "PATCH"};
  for (const Value& value :
       NotEmptyList(in, "methods",
                    About("Methods, any of them; case counts, and GET doesn't imply HEAD.")
                        .Type("method"))) {
    std::string method = value.String();
    if (!value.IsScalar()) {
      continue;
    }
    std::string upper = method;
    std::transform(upper.begin(), upper.end(), upper.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    const bool standard =
        std::find(std::begin(kStandard), std::end(kStandard), method) != std::end(kStandard);
    const bool meant =
        std::find(std::begin(kStandard), std::end(kStandard), upper) != std::end(kStandard);
    if (!IsToken(method)) {
      value.Error("\"" + method + "\" is not a method");
    } else if (!standard && meant) {
      value.Error("methods are case-sensitive, and \"" + method + "\" is none that clients send",
                  upper);
    } else if (const std::string_view near = Nearest(method, kStandard);
               !standard && !near.empty()) {
      value.Warning("\"" + method + "\" is not a standard method", std::string(near));
    }
    out.push_back(std::move(method));
  }
  out.shrink_to_fit();
}

void LoadHeaderMatches(Object& in, RegexCache& regexes, std::vector<ValueMatch>& out) {
  for (const auto& [name, value] : in.Entries(
           "headers",
           "Headers by name, all of them: a value or a test; any line of the name may hold it.")) {
    if (!IsToken(name)) {
      value.Error("\"" + name + "\" is not a header name");
      continue;
    }
    std::string lower = Lowercase(name);
    if (lower == "host") {
      value.Error("hosts are matched with match.host, which knows case, ports and HTTP/2");
    }
    if (std::any_of(out.begin(), out.end(), [&](const auto& one) { return one.name == lower; })) {
      value.Error("the header " + lower + " is tested twice");
    }
    out.push_back(LoadValueMatch(std::move(lower), value, regexes));
  }
}

void LoadQueryMatches(Object& in, RegexCache& regexes, std::vector<ValueMatch>& out) {
  LoadPairs(
      in.Entries("query", "Query parameters by name, decoded, all of them: a value or a test."),
      regexes, out);
}

void LoadCookieMatches(Object& in, RegexCache& regexes, std::vector<ValueMatch>& out) {
  LoadPairs(in.Entries("cookies", "Cookies by name, all of them: a value or a test."), regexes,
            out);
}

void LoadClientIp(Object& in, std::vector<Cidr>& out) {
  for (const Value& value : NotEmptyList(
           in, "client_ip",
           About("Addresses and blocks that the client is in, any of them.").Type("CIDR block"))) {
    const std::string text = value.String();
    if (!value.IsScalar()) {
      continue;
    }
    Result<Cidr> block = ParseCidr(text);
    if (block) {
      out.push_back(*block);
    } else {
      value.Error(block.error().message);
    }
  }
  out.shrink_to_fit();
}

}  // namespace gatehouse::pipeline
