// SPDX-License-Identifier: Apache-2.0
#include "source/server/yaml_writer.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "source/config/document.h"

namespace gatehouse::server {
namespace {

std::string ReadBack(const std::string& yaml) {
  config::Diagnostics diagnostics;
  const config::Environment none = [](std::string_view) { return std::optional<std::string>(); };
  const auto document = config::Document::Parse("y.yaml", yaml, none, diagnostics);
  EXPECT_EQ(diagnostics.ToText(), "") << yaml;
  config::Object root = document->Root();
  root.Unchecked();
  return root.String("k", "absent", "help");
}

TEST(YamlWriter, ScalarsReadAsWhatTheyWere) {
  const std::vector<std::string> all = {
      "",      "plain", "10.0.0.1:80", ":8080",  "[::]:80",
      "a: b",  "a #b",  "#a",          "- a",    "-",
      "---",   "...",   "null",        "Null",   "~",
      "true",  "{a}",   "[a]",         "a,b",    "*a",
      "&a",    "!a",    "%A%",         "@a",     "`a`",
      "'a'",   "\"a\"", "a\\b",        "a\nb\n", "\ta",
      "a\tb",  " a ",   "${A}",        "$${A}",  "$$${A}",
      "${",    "$",     "a$b",         "é",      "\x01",
      "\x7f",  "=",     "<<",          "a:",     ":",
      "a:b",   "1.10",  "0x10",        "*.a.b",  "http://a/b?c=d&e",
      "|",     ">",     "?",           "? a",    "a\r\nb",
      "日本語"};
  for (const std::string& text : all) {
    EXPECT_EQ(ReadBack("k: " + YamlScalar(text) + "\n"), text);
    EXPECT_EQ(ReadBack("{k: " + YamlScalar(text) + "}\n"), text);
    EXPECT_EQ(ReadBack("{k: " + YamlScalar(text) + ", l: m}\n"), text);
  }
}

TEST(YamlWriter, ShortLeavesStandInOneLine) {
  std::string out;
  AppendYaml(out, {{"a", {{"b", "c"}, {"d", "e"}}}, {"f", Tree::array({"g", "h"})}});
  EXPECT_EQ(out, "a: {b: c, d: e}\nf: [g, h]\n");
}

TEST(YamlWriter, LongOnesAreBlocks) {
  const std::string word(60, 'x');
  std::string out;
  AppendYaml(out, {{"a", Tree::array({word, word})}});
  EXPECT_EQ(out, "a:\n  - " + word + "\n  - " + word + "\n");
}

TEST(YamlWriter, ListsOfMappingsStartAtTheDash) {
  std::string out;
  const Tree inner = {{"b", {{"c", {{"d", "e"}, {"f", "g"}}}, {"h", Tree::array({"i", "j"})}}},
                      {"k", "l"}};
  AppendYaml(out, {{"a", Tree::array({inner})}});
  EXPECT_EQ(out, "a:\n  - b:\n      c: {d: e, f: g}\n      h: [i, j]\n    k: l\n");
}

TEST(YamlWriter, NothingIsSpeltOut) {
  std::string out;
  AppendYaml(out, {{"a", Tree::object()}, {"b", Tree::array()}, {"c", nullptr}});
  EXPECT_EQ(out, "a: {}\nb: []\nc: null\n");
}

}  // namespace
}  // namespace gatehouse::server
