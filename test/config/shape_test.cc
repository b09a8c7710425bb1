// SPDX-License-Identifier: Apache-2.0
// What getters note of themselves.
#include "source/config/shape.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

#include "test/config/loaded.h"

namespace gatehouse::config {
namespace {

using Kind = ScalarShape::Kind;
using std::chrono::seconds;

// Runs `load` over the root of `yaml`, and returns what it asked for.
template <typename Load>
Shape Recorded(std::string_view yaml, Load load) {
  Loaded loaded(yaml);
  Shape out;
  {
    Object root = loaded.document->Root();
    root.Record(out);
    load(root);
    root.Unchecked();
  }
  return out;
}

const KeyShape& Key(const Shape& shape, std::string_view name) {
  static const KeyShape kNone;
  const KeyShape* found = shape.forms.empty() ? nullptr : shape.forms.front().second->Find(name);
  EXPECT_NE(found, nullptr) << name;
  return found == nullptr ? kNone : *found;
}

const ScalarShape& Only(const KeyShape& key) {
  static const ScalarShape kNone;
  EXPECT_EQ(key.shape.scalars.size(), 1u) << key.name;
  return key.shape.scalars.empty() ? kNone : key.shape.scalars.front();
}

TEST(Shape, HoldsKindDefaultAndLimitsOfEachGetter) {
  enum class Colour { kRed, kBlue };
  const Shape shape = Recorded("{}", [](Object& in) {
    in.String("text", "abc", "A text.");
    in.Bool("flag", true, "");
    in.Uint("count", {.def = 3, .min = 1, .max = 9}, "");
    in.Number("ratio", {.def = 0.5, .min = 0, .max = 1}, "");
    in.Time("wait", {.def = seconds(90), .max = seconds(7200)}, "");
    in.Size("bytes", {.def = 2048, .min = 1024}, "");
    in.Enum<Colour>("colour", {{"red", Colour::kRed}, {"blue", Colour::kBlue}}, Colour::kBlue, "");
  });
  const KeyShape& text = Key(shape, "text");
  EXPECT_EQ(text.help, "A text.");
  EXPECT_FALSE(text.required);
  EXPECT_EQ(Only(text).kind, Kind::kText);
  EXPECT_EQ(Only(text).def, "abc");
  EXPECT_EQ(Only(Key(shape, "flag")).kind, Kind::kBool);
  EXPECT_EQ(Only(Key(shape, "flag")).def, "true");
  const ScalarShape& count = Only(Key(shape, "count"));
  EXPECT_EQ(count.kind, Kind::kUint);
  EXPECT_EQ(count.def + "/" + count.min + "/" + count.max, "3/1/9");
  const ScalarShape& ratio = Only(Key(shape, "ratio"));
  EXPECT_EQ(ratio.kind, Kind::kNumber);
  EXPECT_EQ(ratio.def + "/" + ratio.min + "/" + ratio.max, "0.5/0/1");
  const ScalarShape& wait = Only(Key(shape, "wait"));
  EXPECT_EQ(wait.kind, Kind::kDuration);
  EXPECT_EQ(wait.def + "/" + wait.min + "/" + wait.max, "90s//2h");
  const ScalarShape& bytes = Only(Key(shape, "bytes"));
  EXPECT_EQ(bytes.kind, Kind::kSize);
  EXPECT_EQ(bytes.def + "/" + bytes.min + "/" + bytes.max, "2KiB/1KiB/");
  const ScalarShape& colour = Only(Key(shape, "colour"));
  EXPECT_EQ(colour.kind, Kind::kWords);
  EXPECT_EQ(colour.def, "blue");
  EXPECT_EQ(colour.words, (std::vector<std::string>{"red", "blue"}));
}

TEST(Shape, ADefaultThatIsNotAllowedIsNone) {
  const Shape shape = Recorded("{}", [](Object& in) {
    in.Uint("port", {.def = 0, .min = 1, .max = 65535}, "");
    in.Enum<std::string_view>("scheme", {{"http", "http"}}, "", "");
  });
  EXPECT_EQ(Only(Key(shape, "port")).def, "");
  EXPECT_EQ(Only(Key(shape, "scheme")).def, "");
}

TEST(Shape, KnowsRequiredKeys) {
  const Shape shape = Recorded("{}", [](Object& in) {
    in.RequiredString("name", "");
    in.Get("address", About("Where.").Required().Type("address").Default("x").Example("y"));
  });
  EXPECT_TRUE(Key(shape, "name").required);
  const KeyShape& address = Key(shape, "address");
  EXPECT_TRUE(address.required);
  EXPECT_EQ(address.help + address.type + address.def + address.example, "Where.addressxy");
}

TEST(Shape, WalksMappingsThatAreAbsent) {
  const Shape shape = Recorded("{}", [](Object& in) {
    Object limits = in.Child("limits", "");
    limits.Child("inner", "").Bool("deep", false, "");
  });
  const KeyShape& inner = Key(Key(shape, "limits").shape, "inner");
  EXPECT_EQ(Only(Key(inner.shape, "deep")).kind, Kind::kBool);
}

TEST(Shape, HoldsWhatIsInListsAndUnderChosenKeys) {
  const Shape shape =
      Recorded("{list: [a, {b: 1}], map: {x: {y: 1}}, texts: [a], pairs: {a: b}}", [](Object& in) {
        for (const Value& value : in.List("list", "")) {
          if (value.IsMap()) {
            value.Map().Uint("b", {}, "");
          } else {
            value.String();
          }
        }
        for (const auto& [name, value] : in.Entries("map", "")) {
          value.Map().Uint("y", {}, "");
        }
        in.Strings("texts", "");
        in.StringMap("pairs", "");
      });
  const Shape& element = *Key(shape, "list").shape.elements;
  EXPECT_EQ(element.scalars.size(), 1u);
  EXPECT_EQ(Only(Key(element, "b")).kind, Kind::kUint);
  EXPECT_EQ(Only(Key(*Key(shape, "map").shape.entries, "y")).kind, Kind::kUint);
  EXPECT_EQ(Key(shape, "texts").shape.elements->scalars.size(), 1u);
  EXPECT_EQ(Key(shape, "pairs").shape.entries->scalars.size(), 1u);
}

TEST(Shape, OneValueMayBeOfSeveralKinds) {
  const Shape shape = Recorded("{workers: 4, workers2: auto}", [](Object& in) {
    const Value workers = in.Get("workers", "");
    EXPECT_FALSE(workers.Is("auto"));
    EXPECT_EQ(workers.Uint({.min = 1}), 4u);
    EXPECT_TRUE(in.Get("workers2", "").Is("auto"));
  });
  const Shape& workers = Key(shape, "workers").shape;
  ASSERT_EQ(workers.scalars.size(), 2u);
  EXPECT_EQ(workers.scalars[0].words, std::vector<std::string>{"auto"});
  EXPECT_EQ(workers.scalars[1].kind, Kind::kUint);
}

TEST(Shape, TellsFormsAndVariantsApart) {
  const Shape shape = Recorded("{a: [{use: x}, {skip: y}], f: {type: t}}", [](Object& in) {
    for (const Value& value : in.List("a", "")) {
      Object one = value.Map(value.HasKey("skip") ? "skip" : "");
      one.Get(value.HasKey("skip") ? "skip" : "use", "").String();
    }
    Object f = in.Child("f", "");
    f.String("type", "", "");
    f.Variant("type", "t", "What t is.");
    f.Bool("own", false, "");
  });
  const Shape& element = *Key(shape, "a").shape.elements;
  ASSERT_EQ(element.forms.size(), 2u);
  EXPECT_EQ(element.forms[1].first, "skip");
  EXPECT_NE(element.forms[0].second->Find("use"), nullptr);
  EXPECT_EQ(element.forms[0].second->Find("skip"), nullptr);
  const Fields& f = *Key(shape, "f").shape.forms.front().second;
  EXPECT_EQ(f.variant_key, "type");
  EXPECT_EQ(f.Find("own"), nullptr);
  ASSERT_EQ(f.variants.size(), 1u);
  EXPECT_EQ(f.variants[0].help, "What t is.");
  EXPECT_NE(f.variants[0].fields->Find("own"), nullptr);
}

TEST(Shape, PlannedKeysAreNotInIt) {
  const Shape shape = Recorded("{later: 1}", [](Object& in) {
    in.NotSupportedYet({"later", "much_later"});
    in.Bool("now", false, "");
  });
  EXPECT_EQ(shape.forms.front().second->keys.size(), 1u);
}

TEST(Shape, TakesExamplesFromTheText) {
  const Shape shape = Recorded(
      R"({a: [x, "y z"], b: {k: [1], "l": "${V:-v}"}, c: ")" + std::string(200, 'x') + "\"}",
      [](Object& in) {
        in.Strings("a", "");
        in.Entries("b", "");
        in.String("c", "", "");
      });
  EXPECT_EQ(Key(shape, "a").example, R"([x, "y z"])");
  EXPECT_EQ(Key(shape, "b").example, R"({k: [1], l: "v"})");
  EXPECT_EQ(Key(shape, "c").example, "");
}

TEST(Shape, AskingAgainChangesNothing) {
  const Shape shape = Recorded("{a: 1}", [](Object& in) {
    in.Uint("a", {.def = 1}, "First.");
    in.Uint("a", {.def = 2}, "Second.");
  });
  EXPECT_EQ(shape.forms.front().second->keys.size(), 1u);
  EXPECT_EQ(Key(shape, "a").help, "First.");
  EXPECT_EQ(Only(Key(shape, "a")).def, "1");
}

}  // namespace
}  // namespace gatehouse::config
