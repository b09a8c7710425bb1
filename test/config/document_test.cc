// SPDX-License-Identifier: Apache-2.0
// What a text becomes, and what is refused before any loader sees it.
#include "source/config/document.h"

#include <gtest/gtest.h>

#include "test/config/loaded.h"

namespace gatehouse::config {
namespace {

std::string ErrorsOf(std::string_view text, Variables variables = {}) {
  return Loaded(text, std::move(variables)).Errors();
}

std::string Repeat(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) {
    out.append(text);
  }
  return out;
}

TEST(DocumentTest, ReadsScalarsListsAndMappings) {
  const Loaded in("a: 1\nb: [x, 'y', \"z\"]\nc:\n  d: |\n    two\n    lines\n  e: {}\n");
  EXPECT_EQ(in.document->RootValue().Canonical(),
            R"({"a":"1","b":["x","y","z",],"c":{"d":"two\u000alines\u000a","e":{},},})");
  EXPECT_EQ(in.Errors(), "");
}

TEST(DocumentTest, PositionsCountFromOne) {
  const Loaded in("a: 1\nlist:\n  - x\n  - {k: v}\n");
  const Value x = in.Get("list").List()[0];
  EXPECT_EQ(x.position().line, 3u);
  EXPECT_EQ(x.position().column, 5u);
  EXPECT_EQ(x.path(), "list[0]");
  const Value v = in.Get("list").List()[1].Map().Get("k", "");
  EXPECT_EQ(v.position().line, 4u);
  EXPECT_EQ(v.position().column, 9u);
  EXPECT_EQ(v.path(), "list[1].k");
}

TEST(DocumentTest, EmptyTextsAreErrors) {
  for (const char* text : {"", "\n\n", "# only a comment\n", "---\n", "~\n", "--- null\n"}) {
    EXPECT_EQ(ErrorsOf(text), "f.yaml:1:1: empty configuration\n") << text;
  }
  EXPECT_EQ(ErrorsOf("{}"), "");
}

TEST(DocumentTest, OneDocumentOnly) {
  EXPECT_EQ(ErrorsOf("a: 1\n---\nb: 2\n"), "f.yaml:2:1: more than one document in the file\n");
  EXPECT_EQ(ErrorsOf("---\na: 1\n...\n"), "");
}

TEST(DocumentTest, TheRootMustBeAMapping) {
  const Loaded in("- a\n");
  Object root = in.document->Root();
  EXPECT_EQ(root.RequiredString("x", ""), "");
  EXPECT_EQ(in.Errors(), "f.yaml:1:1: expected a mapping, got a list\n");
}

TEST(DocumentTest, RootOfATextThatCannotBeParsedIsAbsent) {
  const Loaded in("a: [");
  EXPECT_FALSE(in.document->RootValue().present());
  EXPECT_FALSE(in.document->Root().present());
  EXPECT_EQ(in.diagnostics.errors(), 1u);
}

TEST(DocumentTest, DuplicateKeysNameBothPlaces) {
  EXPECT_EQ(ErrorsOf("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 4\n"),
            "f.yaml:5:3: b.c: duplicate key, first at line 3\n"
            "f.yaml:6:1: a: duplicate key, first at line 1\n");
  EXPECT_EQ(ErrorsOf("x: 1\n\"x\": 2\n"), "f.yaml:2:1: x: duplicate key, first at line 1\n");
}

TEST(DocumentTest, DuplicateKeysOfALargeMappingAreFound) {
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    text += "k" + std::to_string(i) + ": v\n";
  }
  EXPECT_EQ(ErrorsOf(text + "k3: w\nk999: w\n"),
            "f.yaml:1001:1: k3: duplicate key, first at line 4\n"
            "f.yaml:1002:1: k999: duplicate key, first at line 1000\n");
}

TEST(DocumentTest, KeysMustBeText) {
  EXPECT_EQ(ErrorsOf("? [a]\n: 1\n? {b: c}\n: 2\n: 3\nd: 4\nd: 5\n"),
            "f.yaml:1:3: expected a key, got a list\n"
            "f.yaml:3:3: expected a key, got a mapping\n"
            "f.yaml:5:1: expected a key, got nothing\n"
            "f.yaml:7:1: d: duplicate key, first at line 6\n");
}

TEST(DocumentTest, AnEmptyValueIsBlamedOnItsKeyOrDash) {
  const Loaded in("a:\n\n# why\nlist:\n  - \n  # x - y\n  - x\n  -\nz: {q: }\n");
  EXPECT_EQ(in.Get("a").String(), "");
  EXPECT_EQ(in.Get("z").Map().String("q", "def", ""), "def");
  EXPECT_EQ(in.Get("list").Strings(), std::vector<std::string>{"x"});
  EXPECT_EQ(in.Errors(),
            "f.yaml:1:1: a: has no value\n"
            "f.yaml:5:3: list[0]: has no value\n"
            "f.yaml:8:3: list[2]: has no value\n"
            "f.yaml:9:5: z.q: has no value\n");
}

TEST(DocumentTest, AnAliasHasItsOwnPosition) {
  const Loaded in("a: &x five\nb: *x\n");
  EXPECT_EQ(in.Get("b").Uint(), 0u);
  EXPECT_EQ(in.Errors(), "f.yaml:2:4: b: expected a whole number, got \"five\"\n");
}

TEST(DocumentTest, AliasesShareWhatTheyStandFor) {
  const Loaded in("a: &x {k: [1, 2]}\nb: *x\nc: [*x, *x]\n");
  EXPECT_EQ(in.Get("b").Canonical(), in.Get("a").Canonical());
  EXPECT_EQ(in.Get("c").List()[1].Map().Get("k", "").List()[0].path(), "c[1].k[0]");
  EXPECT_EQ(in.Errors(), "");
}

TEST(DocumentTest, AliasesThatCannotBeAreErrors) {
  EXPECT_EQ(ErrorsOf("a: &x [1, *x]\n"), "f.yaml:1:11: a[1]: an alias inside what it stands for\n");
  EXPECT_EQ(ErrorsOf("a: *nope\n"),
            "f.yaml:1:4: not valid YAML: an alias of an anchor that is not defined\n");
}

TEST(DocumentTest, MergeKeys) {
  const Loaded in(
      "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\n"
      "x: {<<: *one, b: own}\ny:\n  c: own\n  <<: [*one, *two]\nz: {\"<<\": *one}\n");
  EXPECT_EQ(in.Get("x").Canonical(), R"({"a":"1","b":"own",})");
  EXPECT_EQ(in.Get("y").Canonical(), R"({"a":"1","b":"1","c":"own",})");
  EXPECT_EQ(in.Get("z").Canonical(), R"({"<<":{"a":"1","b":"1",},})");
  EXPECT_EQ(in.Errors(), "");
}

TEST(DocumentTest, MergeKeysTakeMappingsOnly) {
  EXPECT_EQ(ErrorsOf("a:\n  - <<: 1\n  - {<<: [{b: 2}, x], <<: {}}\n"),
            "f.yaml:2:9: a[0].<<: expected a mapping or a list of mappings to merge\n"
            "f.yaml:3:19: a[1].<<: expected a mapping or a list of mappings to merge\n"
            "f.yaml:3:23: a[1].<<: duplicate key, first at line 3\n");
}

TEST(DocumentTest, AnAliasBombIsAnErrorAndCostsNothing) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + alias;
    text += Repeat(", " + alias, 8) + "]\n";
  }
  EXPECT_EQ(
      ErrorsOf(text),
      "f.yaml:7:35: a6[5]: more than 4000000 values, those that aliases stand for included\n");
}

TEST(DocumentTest, TextBehindAliasesIsLimited) {
  DocumentLimits limits;
  limits.max_bytes = 3000;
  const Loaded in("a: &a " + std::string(1000, 'x') + "\nb: [*a, *a, *a]\n", {}, limits);
  EXPECT_EQ(in.Errors(),
            "f.yaml:2:9: b[1]: more than 3000 bytes of text, that of aliases and variables "
            "included\n");
}

TEST(DocumentTest, DepthIsLimitedAlsoThroughAliases) {
  EXPECT_EQ(ErrorsOf("a: " + Repeat("[", 63) + Repeat("]", 63)), "");
  EXPECT_NE(ErrorsOf("a: " + Repeat("[", 64) + Repeat("]", 64)).find("nested deeper than 64"),
            std::string::npos);
  std::string chain = "a0: &a0 [x]\n";
  for (int i = 1; i < 70; ++i) {
    chain += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) +
             "]\n";
  }
  EXPECT_NE(ErrorsOf(chain).find("a63[0]: aliases nest deeper than 64 levels"), std::string::npos);
}

TEST(DocumentTest, BracketsWithoutEndAreAnErrorNotACrash) {
  for (const char* opener : {"[", "{a: ", "[? ", "[a: ", "- ", "? "}) {
    const Loaded in(Repeat(opener, 100'000));
    EXPECT_EQ(in.diagnostics.errors(), 1u) << opener;
  }
}

TEST(DocumentTest, NodesAndBytesAreLimited) {
  DocumentLimits limits;
  limits.max_nodes = 5;
  EXPECT_EQ(Loaded("[1, 2, 3, 4]", {}, limits).Errors(), "");
  EXPECT_EQ(Loaded("- 1\n- 2\n- 3\n- 4\n- 5\n", {}, limits).diagnostics.errors(), 1u);
  limits.max_bytes = 3;
  EXPECT_EQ(Loaded("a: 1", {}, limits).Errors(), "f.yaml: larger than 3 bytes\n");
}

TEST(DocumentTest, OnlyUtf8TextIsRead) {
  EXPECT_EQ(ErrorsOf("a: 1\nb: \xff\n"), "f.yaml:2:4: a byte that is not UTF-8\n");
  EXPECT_EQ(ErrorsOf("a: \xed\xa0\x80\n"), "f.yaml:1:4: a byte that is not UTF-8\n");
  EXPECT_EQ(ErrorsOf(std::string_view("a: \0\n", 5)),
            "f.yaml:1:4: a NUL character: this is not a text file\n");
  EXPECT_EQ(ErrorsOf("a: b\rc: d\n"), "f.yaml:1:5: a carriage return without a line feed\n");
  EXPECT_EQ(ErrorsOf("a: b\x04"),
            "f.yaml:1:5: a control character; write it as an escape in double quotes\n");
  EXPECT_EQ(ErrorsOf("a: \"x\\0y\"\n"), "f.yaml:1:4: a: a NUL character\n");
  EXPECT_EQ(Loaded("\xef\xbb\xbf"
                   "a: \xc3\xa9\r\nb: 1\r\n")
                .document->RootValue()
                .Canonical(),
            "{\"a\":\"\xc3\xa9\",\"b\":\"1\",}");
}

TEST(DocumentTest, SyntaxErrorsSayWhatToDo) {
  EXPECT_EQ(ErrorsOf("a: \"open\nb: 1\n"),
            "f.yaml:1:4: not valid YAML: a quote that is not closed\n");
  EXPECT_EQ(ErrorsOf("a: &x 'it''s\n"), "f.yaml:1:4: not valid YAML: a quote that is not closed\n");
  EXPECT_EQ(ErrorsOf("a: 'it''s'\n"), "");
  EXPECT_EQ(ErrorsOf("a: {store: ${X}}\n"),
            "f.yaml:1:13: not valid YAML: quote a value that contains ${...} inside { } or [ ]\n");
  EXPECT_EQ(ErrorsOf("a: [::]:8080\n"),
            "f.yaml:1:8: not valid YAML: quote an IPv6 address, as in \"[::]:8080\"\n");
  EXPECT_EQ(ErrorsOf("a:\n\tb: 1\n"),
            "f.yaml:2:3: not valid YAML: tabs can't indent YAML; use spaces\n");
  EXPECT_EQ(
      ErrorsOf("a: b: c\n"),
      "f.yaml:1:5: not valid YAML: \":\" where no value can start: check the indentation, and "
      "quote a text that contains \": \"\n");
  EXPECT_EQ(ErrorsOf("a: !!binary x\n"),
            "f.yaml:1:4: the tag \"tag:yaml.org,2002:binary\" means nothing here\n");
}

TEST(DocumentTest, VariablesAreExpandedInValues) {
  const Loaded in(
      "a: ${HOST}:${PORT:-80}\nb: '${EMPTY:-none}'\nc: \"$${HOST} $HOST $$\"\n${HOST}: key\n"
      "d: ${UNSET:-}\n",
      {{"HOST", "example.com"}, {"EMPTY", ""}});
  EXPECT_EQ(in.Get("a").String(), "example.com:80");
  EXPECT_EQ(in.Get("b").String(), "none");
  EXPECT_EQ(in.Get("c").String(), "${HOST} $HOST $$");
  EXPECT_EQ(in.Get("${HOST}").String(), "key");
  EXPECT_EQ(in.Get("d").String(), "");
  EXPECT_TRUE(in.Get("a").FromEnvironment());
  EXPECT_FALSE(in.Get("b").FromEnvironment());
  EXPECT_TRUE(in.document->RootValue().FromEnvironment());
  EXPECT_EQ(in.Errors(), "");
}

TEST(DocumentTest, ExpandedTextIsNeverReadAsYaml) {
  const Loaded in("a: ${X}\nb: ${N}\n", {{"X", "[1, {b: 2}]\nc: ${Y}"}, {"N", "null"}});
  EXPECT_EQ(in.Get("a").String(), "[1, {b: 2}]\nc: ${Y}");
  EXPECT_EQ(in.Get("b").String(), "null");
  EXPECT_EQ(in.Errors(), "");
}

TEST(DocumentTest, VariablesThatCannotBeExpandedAreReportedOnce) {
  const Loaded in("a: [1, \"${PORT}\"]\nb: ${open\nc: ${9}\nd: ${A-b}\ne: ${A:-${B}}\nf: ${BAD}\n",
                  {{"A", "1"}, {"BAD", "\xff"}});
  EXPECT_EQ(in.Get("a").List()[1].Uint({.def = 7}), 7u);
  in.Get("a").List()[1].Error("is taken");
  EXPECT_EQ(in.Errors(),
            "f.yaml:1:8: a[1]: environment variable PORT is not set, and no default is given\n"
            "f.yaml:2:4: b: \"${\" without its \"}\"; write $${ for a literal ${\n"
            "f.yaml:3:4: c: \"${9}\" is not ${NAME} or ${NAME:-default}; write $${ for a literal "
            "${\n"
            "f.yaml:4:4: d: \"${A-b}\" is not ${NAME} or ${NAME:-default}; write $${ for a literal "
            "${\n"
            "f.yaml:5:4: e: a default can't hold another ${...}\n"
            "f.yaml:6:4: f: environment variable BAD holds control characters or is not UTF-8\n");
}

TEST(DocumentTest, CanonicalFormIgnoresLayoutAndOrder) {
  const Loaded one("a: {x: 1, y: [2, '3']}\n");
  const Loaded two("# other\na:\n  y:\n    - 2\n    - 3\n  \"x\": 1\n");
  EXPECT_EQ(one.document->RootValue().Canonical(), two.document->RootValue().Canonical());
  const Loaded three("a: {x: 1, y: [2, 3, ~]}\n");
  EXPECT_NE(one.document->RootValue().Canonical(), three.document->RootValue().Canonical());
  EXPECT_NE(Loaded("a: ~").document->RootValue().Canonical(),
            Loaded("a: ''").document->RootValue().Canonical());
}

TEST(DocumentTest, TwoFilesOfOneLoadKeepTheirNames) {
  Diagnostics diagnostics;
  const auto one = Document::Parse("one.yaml", "a: b\n", {}, diagnostics);
  const auto two = Document::Parse("two.yaml", "a: c\n", {}, diagnostics);
  two->Root().Uint("a", {}, "");
  one->Root().Uint("a", {}, "");
  EXPECT_EQ(diagnostics.ToText(),
            "one.yaml:1:4: a: expected a whole number, got \"b\"\n"
            "two.yaml:1:4: a: expected a whole number, got \"c\"\n");
}

}  // namespace
}  // namespace gatehouse::config
