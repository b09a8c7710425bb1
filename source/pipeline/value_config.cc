// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/value_config.h"

#include <utility>

namespace gatehouse::pipeline {
namespace {

using config::Object;
using config::Value;
using Kind = ValueMatch::Kind;

struct Test {
  std::string_view key;
  Kind kind;
  std::string_view help;
};
constexpr Test kTests[] = {
    {"prefix", Kind::kPrefix, "What the value begins with."},
    {"suffix", Kind::kSuffix, "What the value ends with."},
    {"contains", Kind::kContains, "What appears anywhere in the value."},
    {"regex", Kind::kRegex, "RE2 expression that the whole value must match."},
};

void LoadTest(const Test& test, const Value& value, RegexCache& regexes, ValueMatch& out) {
  std::string text = value.String();
  if (!value.IsScalar()) {
    return;
  }
  if (text.empty()) {
    value.Error("must not be empty; use present: true to ask for any value");
    return;
  }
  if (test.kind == Kind::kRegex) {
    out.regex = regexes.Regex(value, text);
    if (!out.regex) {
      return;
    }
  }
  out.kind = test.kind;
  out.text = std::move(text);
}

}  // namespace

void LoadValueTest(Object& in, std::string_view& first, RegexCache& regexes, ValueMatch& out) {
  const auto only = [&](std::string_view key) {
    if (!first.empty()) {
      in.Error(key, "can't stand beside \"" + std::string(first) + "\": a value has one test");
    }
    first = key;
  };
  for (const Test& test : kTests) {
    const Value found = in.Get(test.key, test.help);
    if (found.present()) {
      only(test.key);
      LoadTest(test, found, regexes, out);
    }
  }
  const bool present = in.Bool("present", true, "Whether the name appears, whatever its value.");
  if (in.Has("present")) {
    only("present");
    out.kind = present ? Kind::kPresent : Kind::kAbsent;
  }
}

ValueMatch LoadValueMatch(std::string name, const Value& value, RegexCache& regexes) {
  ValueMatch out;
  out.name = std::move(name);
  if (!value.IsMap()) {
    out.text = value.String();
    return out;
  }
  out.kind = Kind::kPresent;
  Object in = value.Map();
  std::string_view first;
  LoadValueTest(in, first, regexes, out);
  if (first.empty()) {
    value.Error("expected a value, or one of prefix, suffix, contains, regex, present");
  }
  return out;
}

}  // namespace gatehouse::pipeline
