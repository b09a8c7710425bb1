// SPDX-License-Identifier: Apache-2.0
// The schema and the reference page of small shapes, and that what the repository keeps of them is
// what this build makes. How other programs understand the schema: test/api/schema_test.py.
#include "source/server/json_schema.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "source/config/document.h"
#include "source/filters/builtin.h"
#include "source/server/config_reference.h"
#include "source/server/config_shape.h"

namespace gatehouse::server {
namespace {

using Json = nlohmann::json;

template <typename Load>
config::Shape Recorded(std::string_view yaml, Load load) {
  config::Diagnostics diagnostics;
  const auto document = config::Document::Parse(
      "f.yaml", yaml, [](std::string_view) { return std::nullopt; }, diagnostics);
  config::Shape out;
  config::Object root = document->Root();
  root.Unchecked();
  root.Record(out);
  load(root);
  return out;
}

template <typename Load>
Json Properties(std::string_view yaml, Load load) {
  return Json::parse(JsonSchema(Recorded(yaml, load)))["properties"];
}

TEST(JsonSchema, SaysTheKindOfEachKey) {
  const Json keys = Properties("{list: [a], map: {a: b}}", [](config::Object& in) {
    in.Uint("count", {.def = 2, .min = 1, .max = 9}, "How many.");
    in.Time("wait", {}, "How long.");
    in.Bool("flag", true, "Whether.");
    in.Strings("list", "Texts.");
    in.StringMap("map", "Pairs.");
    in.Child("inner", "More.").RequiredString("name", "Its name.");
  });
  EXPECT_EQ(keys["count"]["anyOf"][0], Json({{"type", "integer"}, {"minimum", 1}, {"maximum", 9}}));
  EXPECT_EQ(keys["count"]["default"], 2);
  EXPECT_EQ(keys["count"]["description"], "How many.\n\nDefault: `2`. Limits: 1 to 9.");
  EXPECT_EQ(keys["wait"]["type"], "string");
  EXPECT_EQ(keys["flag"]["default"], true);
  EXPECT_EQ(keys["list"]["type"], Json({"array", "null"}));
  EXPECT_EQ(keys["list"]["items"]["type"][0], "string");
  EXPECT_EQ(keys["map"]["additionalProperties"]["type"][0], "string");
  EXPECT_EQ(keys["inner"]["additionalProperties"], false);
  EXPECT_EQ(keys["inner"]["required"], Json({"name"}));
}

TEST(JsonSchema, OneOrTheOtherKind) {
  const Json keys = Properties("{list: [a, {b: c}]}", [](config::Object& in) {
    for (const config::Value& value : in.List("list", "Both.")) {
      value.IsMap() ? static_cast<void>(value.Map().String("b", "", "B.")) : void(value.String());
    }
  });
  const Json& any = keys["list"]["items"]["anyOf"];
  ASSERT_EQ(any.size(), 2u);
  EXPECT_EQ(any[0]["type"][0], "string");
  EXPECT_EQ(any[1]["type"], "object");
}

TEST(ConfigReference, HasARowForEachKeyAndASectionForEachMapping) {
  const std::string page = ConfigReference(Recorded("{}", [](config::Object& in) {
    in.Child("limits", "What it may take.")
        .Size("bytes", {.def = 1024, .max = 4096}, config::About("One | two.").Example("2KiB"));
  }));
  EXPECT_NE(page.find("| `limits` | mapping: [limits](#limits) |"), page.npos) << page;
  EXPECT_NE(page.find("\n## limits\n\nWhat it may take.\n\n| key |"), page.npos) << page;
  EXPECT_NE(page.find("| `bytes` | size | `1KiB` | `B` `KiB` `MiB` `GiB`; up to `4KiB` | `2KiB` | "
                      "One \\| two. |"),
            page.npos)
      << page;
}

// The name of the file, and what it should hold.
void ExpectKept(const char* path, const std::string& made) {
  const auto kept = config::ReadSource(path);
  ASSERT_TRUE(kept.has_value()) << path;
  EXPECT_TRUE(*kept == made) << path << " is not what the loaders say: run tools/generate";
}

TEST(Generated, TheSchemaIsCurrent) {
  ExpectKept("api/gatehouse.schema.json", JsonSchema(ShapeOfConfig(BuiltinFilters())));
}

TEST(Generated, TheReferencePageIsCurrent) {
  ExpectKept("docs/config.md", ConfigReference(ShapeOfConfig(BuiltinFilters())));
}

}  // namespace
}  // namespace gatehouse::server
