// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/upkeep.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "source/config/document.h"
#include "test/pipeline/no_services.h"

namespace gatehouse::proxy {
namespace {

// What has begun (+) and ended (-), by the filters' words.
std::string* events = nullptr;

class Kept final : public pipeline::Upkeep {
 public:
  explicit Kept(std::string word) : word_(std::move(word)) { events->append("+" + word_ + " "); }
  ~Kept() override { events->append("-" + word_ + " "); }

 private:
  const std::string word_;
};

class Keeper final : public pipeline::FilterDefinition {
 public:
  explicit Keeper(std::string word) : FilterDefinition({}, 0), word_(std::move(word)) {}
  pipeline::Filter* NewFilter(pipeline::Stream&) const override { return nullptr; }
  std::unique_ptr<pipeline::Upkeep> StartUpkeep(pipeline::Services&) const override {
    return word_ == "idle" ? nullptr : std::make_unique<Kept>(word_);
  }

 private:
  const std::string word_;
};

// One configuration after another, as reloads load them.
class UpkeepTest : public testing::Test {
 protected:
  UpkeepTest() { events = &told; }

  // The filters that there are now, by name and word; and what the route changes of the first.
  std::string Follow(const std::string& filters, const std::string& route = "[]") {
    documents.push_back(
        config::Document::Parse("f.yaml", "filters: {" + filters + "}\nroute: " + route + "\n",
                                config::ProcessEnvironment(), diagnostics));
    config::Object root = documents.back()->Root();
    tables.push_back(std::make_unique<pipeline::FilterTable>(
        root.Entries("filters", ""), catalog, pipeline::LoadContext(),
        tables.empty() ? nullptr : tables.back().get()));
    chains.push_back(tables.back()->Compile({}, root.List("route", "")));
    set.Follow(tables.back().get());
    return std::exchange(told, "");
  }

  const pipeline::Catalog catalog{
      {{"keeper",
        [](config::Object& in,
           const pipeline::LoadContext&) -> std::shared_ptr<pipeline::FilterDefinition> {
          return std::make_shared<Keeper>(in.String("word", "idle", "Its word."));
        },
        "Keeps something up."}}};
  std::string told;
  config::Diagnostics diagnostics;
  std::vector<std::unique_ptr<config::Document>> documents;
  std::vector<std::unique_ptr<pipeline::FilterTable>> tables;
  std::vector<std::shared_ptr<const pipeline::Chain>> chains;
  pipeline::NoServices services;
  UpkeepSet set{services};
};

TEST_F(UpkeepTest, BeginsWithADefinitionAndEndsWithIt) {
  EXPECT_EQ(Follow("a: {type: keeper, word: one}, b: {type: keeper}"), "+one ");
  EXPECT_EQ(Follow("a: {type: keeper, word: one}, b: {type: keeper}"), "");  // The same object.
  EXPECT_EQ(Follow("a: {type: keeper, word: two}"), "-one +two ");
  EXPECT_EQ(Follow(""), "-two ");
}

TEST_F(UpkeepTest, WhatARouteChangesHasItsOwn) {
  const std::string both = Follow("a: {type: keeper, word: one}", "[{use: a, word: two}]");
  EXPECT_TRUE(both == "+one +two " || both == "+two +one ") << both;  // Their order is by chance.
  EXPECT_EQ(Follow("a: {type: keeper, word: one}"), "-two ");
}

TEST_F(UpkeepTest, AConfigurationWithoutFiltersEndsAll) {
  EXPECT_EQ(Follow("a: {type: keeper, word: one}"), "+one ");
  set.Follow(nullptr);
  EXPECT_EQ(told, "-one ");
}

}  // namespace
}  // namespace gatehouse::proxy
