// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/flat_json.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::filters {
namespace {

// "name=value" of all values, in order.
std::string Flat(FlatJson& json, std::string_view text) {
  if (!json.Parse(text)) {
    return "refused: " + std::string(json.why());
  }
  std::string out;
  for (const FlatJson::Value& value : json.values()) {
    out.append(out.empty() ? "" : " ").append(value.name).append("=").append(value.value);
  }
  return out;
}

TEST(FlatJsonTest, PlainValuesAsTheyAreWritten) {
  FlatJson json;
  EXPECT_EQ(Flat(json, R"({"a":"x","b":7,"c":-7,"d":1.50,"e":1e3,"f":true,"g":false,"h":null})"),
            "a=x b=7 c=-7 d=1.50 e=1e3 f=true g=false");
  EXPECT_EQ(Flat(json, R"({"a":123456789012345678901234567890})"),
            "a=123456789012345678901234567890");
  EXPECT_EQ(Flat(json, R"({"a":"\u00e9\n\"\u0000"})"), std::string("a=\xc3\xa9\n\"\0", 7));
  EXPECT_EQ(Flat(json, "{}"), "");
}

TEST(FlatJsonTest, ElementsOfListsHaveTheListsName) {
  FlatJson json;
  EXPECT_EQ(Flat(json, R"({"a":["x","y",[1,[2]]],"b":[]})"), "a=x a=y a=1 a=2");
  EXPECT_TRUE(json.values()[0].top && json.values()[0].listed);
  EXPECT_FALSE(json.values()[2].top);
  EXPECT_EQ(json.Find("a")->kind, JsonKind::kList);
  EXPECT_EQ(json.Find("b")->kind, JsonKind::kList);
  EXPECT_EQ(json.Find("c"), nullptr);
}

TEST(FlatJsonTest, WhatIsNestedHasItsPathForAName) {
  FlatJson json;
  EXPECT_EQ(Flat(json, R"({"realm_access":{"roles":["a","b"],"x":{"y":1}},"z":2})"),
            "realm_access.roles=a realm_access.roles=b realm_access.x.y=1 z=2");
  EXPECT_FALSE(json.values()[0].top);
  EXPECT_EQ(Flat(json, R"({"a":[{"b":1},{"b":2,"c":3}]})"), "a.b=1 a.b=2 a.c=3");
  EXPECT_EQ(json.Find("a.b"), nullptr);
}

TEST(FlatJsonTest, AMemberThatIsCalledLikeAPathWins) {
  FlatJson json;
  EXPECT_EQ(Flat(json, R"({"a":{"b":"nested","c":1},"a.b":"plain"})"), "a.c=1 a.b=plain");
  EXPECT_EQ(Flat(json, R"({"a.b":"plain","a":{"b":"nested"}})"), "a.b=plain");
  EXPECT_EQ(Flat(json, R"({"a.b":[],"a":{"b":"nested"}})"), "");
}

TEST(FlatJsonTest, NamesThatComeTwice) {
  FlatJson json;
  for (const char* text : {R"({"a":1,"a":2})", R"({"a":1,"\u0061":2})", R"({"x":{"a":1,"a":2}})",
                           R"({"x":[{"a":1,"b":1,"a":2}]})", R"({"a":{},"b":1,"a":[]})"}) {
    EXPECT_EQ(Flat(json, text), "refused: has a name twice") << text;
  }
  // In different objects they are different ones.
  EXPECT_EQ(Flat(json, R"({"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]})"), "a=1 b.a=2 c.a=3 c.a=4");
}

TEST(FlatJsonTest, Depth) {
  const auto nested = [](size_t depth) {
    return "{\"a\":" + std::string(depth - 1, '[') + "1" + std::string(depth - 1, ']') + "}";
  };
  FlatJson json;
  EXPECT_EQ(Flat(json, nested(FlatJson::kMaxDepth)), "a=1");
  EXPECT_EQ(Flat(json, nested(FlatJson::kMaxDepth + 1)), "refused: is nested too deeply");
  EXPECT_EQ(Flat(json, "{\"a\":" + std::string(50'000, '[')), "refused: is nested too deeply");
}

TEST(FlatJsonTest, HowMuchThereMayBe) {
  FlatJson json;
  std::string list = "{\"a\":[1";
  for (size_t i = 1; i < FlatJson::kMaxValues; ++i) {
    list += ",1";
  }
  EXPECT_TRUE(json.Parse(list + "]}"));
  EXPECT_FALSE(json.Parse(list + ",1]}"));
  EXPECT_EQ(json.why(), "has too many values");
  // A long name on the way to many values is not repeated without end.
  std::string repeated = "{\"" + std::string(4000, 'x') + "\":{";
  for (int i = 0; i < 500; ++i) {
    repeated.append(i == 0 ? "\"" : ",\"").append(std::to_string(i)).append("\":1");
  }
  EXPECT_FALSE(json.Parse(repeated + "}}"));
  EXPECT_EQ(json.why(), "is too large");
  EXPECT_FALSE(json.Parse("{\"a\":\"" + std::string(FlatJson::kMaxTextBytes, 'x') + "\"}"));
}

TEST(FlatJsonTest, NothingButOneObject) {
  FlatJson json;
  for (const std::string& text :
       {std::string(), std::string("[]"), std::string("\"a\""), std::string("1"),
        std::string("null"), std::string("{} {}"), std::string("{"), std::string("{\"a\":1,}"),
        std::string("{'a':1}"), std::string("{\"a\":01}"), std::string("{\"a\":NaN}"),
        std::string("{\"a\":1e999}"), std::string("{\"a\":\"\xff\"}"),
        std::string("{\"a\":\"\xed\xa0\x80\"}"), std::string("{\"a\":1}\0", 8),
        std::string("{\"a\":\"\0\"}", 9), std::string("\xef\xbb\xbf{}"),
        std::string("{\"a\":\"\n\"}"), std::string("{/**/}")}) {
    EXPECT_FALSE(json.Parse(text)) << text;
    EXPECT_NE(json.why(), "");
  }
  EXPECT_TRUE(json.Parse(" {\n} \t\r\n"));
}

TEST(FlatJsonTest, NothingIsLeftOfTheTextBefore) {
  FlatJson json;
  EXPECT_FALSE(json.Parse(R"({"a":1,"b":{"c":2)"));
  EXPECT_EQ(Flat(json, R"({"c":3})"), "c=3");
  EXPECT_EQ(json.members().size(), 1U);
}

}  // namespace
}  // namespace gatehouse::filters
