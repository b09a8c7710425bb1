// SPDX-License-Identifier: Apache-2.0
// `when:` of the access_log filter: a condition, or a list of which any must hold.
//
//   when: {status: [5xx, 429], min_duration: 1s, routes: [users]}
//   when: [{errors: true}, {sample: 0.01}]
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "source/base/text.h"
#include "source/filters/observe/log_settings.h"

namespace gatehouse::filters {
namespace {

using config::About;
using config::Object;
using config::Value;
using observe::LogCondition;

// One text, or a list of them.
std::vector<Value> OneOrMore(const Value& value) {
  if (!value.present()) {
    return {};
  }
  if (!value.IsList()) {
    return {value};
  }
  std::vector<Value> out = value.List();
  if (out.empty()) {
    value.Error("is empty; leave it out to ask for nothing");
  }
  return out;
}

std::vector<std::string> LoadNames(const Value& value) {
  std::vector<std::string> out;
  for (const Value& one : OneOrMore(value)) {
    out.push_back(one.String());
    if (one.IsScalar() && out.back().empty()) {
      one.Error("the name is empty");
    }
  }
  return out;
}

void LoadStatuses(const Value& value, LogCondition& out) {
  for (const Value& one : OneOrMore(value)) {
    const std::string text = one.String();
    if (!out.status) {
      out.status.emplace();
    }
    if (one.IsScalar() && !observe::AddStatuses(text, *out.status)) {
      one.Error("\"" + text + "\" is no status: write 404, 5xx, 400-499, or 0 for no answer");
    }
  }
}

std::vector<std::string> LoadMethods(const Value& value) {
  std::vector<std::string> out;
  for (const Value& one : OneOrMore(value)) {
    const std::string text = one.String();
    const bool capital =
        std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
    if (one.IsScalar() && (text.empty() || !capital)) {
      std::string meant;
      for (const char c : text) {
        meant.push_back(c >= 'a' && c <= 'z' ? static_cast<char>(c - 0x20) : c);
      }
      one.Error("a method is written in capitals", meant);
    }
    out.push_back(text);
  }
  return out;
}

void LoadSample(Object& in, LogCondition& out) {
  const double share = in.Number(
      "sample", {.def = 1, .min = 0, .max = 1},
      "Which share of the requests for which the rest holds, chosen at random: 0.01 is 1 in 100.");
  if (share < 1) {
    out.sample = static_cast<uint64_t>(std::ldexp(share, 64));
  }
}

LogCondition LoadCondition(const Value& value, bool inside_not);

void LoadNot(const Value& value, LogCondition& out) {
  if (!value.present()) {
    return;
  }
  for (const Value& one : value.IsList() ? value.List() : std::vector{value}) {
    out.none_of.push_back(LoadCondition(one, true));
  }
}

LogCondition LoadCondition(const Value& value, bool inside_not) {
  LogCondition out;
  Object in = value.Map();
  if (value.IsMap() && value.size() == 0) {
    value.Error("asks for nothing; leave it out to log every request");
  }
  LoadStatuses(in.Get("status", About("The status sent: 404, 5xx, 400-499, or 0 for no answer; one "
                                      "or a list.")
                                    .Type("status")),
               out);
  out.min_duration = in.Time("min_duration", {.def = Duration(0)}, "It took at least so long.");
  out.routes = LoadNames(in.Get("routes", About("Names of routes; one or a list.").Type("name")));
  out.listeners =
      LoadNames(in.Get("listeners", About("Names of listeners; one or a list.").Type("name")));
  out.methods = LoadMethods(in.Get("methods", About("Methods; one or a list.").Type("method")));
  const Value errors =
      in.Get("errors",
             "Whether something went wrong: %ERROR% has a value, the status is 500 or more, or "
             "the response did not leave whole.");
  if (errors.present()) {
    out.errors = errors.Bool();
  }
  if (!inside_not) {
    LoadNot(in.Get("not", "Conditions like these, none of which may hold; one or a list."), out);
  }
  LoadSample(in, out);
  return out;
}

}  // namespace

observe::LogConditions LoadLogConditions(const Value& value) {
  std::vector<LogCondition> out;
  if (value.IsList()) {
    for (const Value& one : value.List()) {
      out.push_back(LoadCondition(one, false));
    }
    if (out.empty()) {
      value.Error("is empty; leave it out to log every request");
    }
  } else if (value.present()) {
    out.push_back(LoadCondition(value, false));
  }
  return observe::LogConditions(std::move(out));
}

}  // namespace gatehouse::filters
