// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/filter_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "source/config/document.h"

namespace gatehouse::pipeline {
namespace {

using testing::ElementsAre;

struct Settings {
  std::string word;
};

struct HeadOnly final : Filter {
  explicit HeadOnly(const Settings&) {}
  Action OnRequestHeaders(http::RequestHead&, Stream&) override { return Action::kContinue; }
};
struct EndOnly final : Filter {
  explicit EndOnly(const Settings&) {}
  void OnStreamEnd(const observe::StreamInfo&, Stream&) noexcept override {}
};

// Knows its word, and whether what it read has changed.
class Watched final : public FilterDefinition {
 public:
  explicit Watched(std::string word_in) : FilterDefinition({}, 0), word(std::move(word_in)) {}
  Filter* NewFilter(Stream&) const override { return nullptr; }
  void ReopenFiles() override { ++reopened; }
  bool SourcesUnchanged() const override { return !changed; }

  const std::string word;
  bool changed = false;
  int reopened = 0;
};

Catalog TestCatalog() {
  return Catalog({
      {"head",
       [](config::Object& in, const LoadContext&) {
         return Define<HeadOnly>(Settings{in.String("word", "default", "A word.")});
       },
       "Looks at heads."},
      {"end",
       [](config::Object& in, const LoadContext&) {
         return DefineShared<EndOnly>(Settings{in.RequiredString("word", "A word.")});
       },
       "Looks at the end."},
      {"watched",
       [](config::Object& in, const LoadContext& context) -> std::shared_ptr<FilterDefinition> {
         std::string word = in.String("word", "default", "A word.");
         in.Uint("size", {.def = 1}, "A size.");
         if (context.base != nullptr) {
           word += " over " + static_cast<const Watched*>(context.base)->word;
         }
         return std::make_shared<Watched>(std::move(word));
       },
       "Watches a file."},
      {"caller",
       [](config::Object& in, const LoadContext& context) -> std::shared_ptr<FilterDefinition> {
         const config::Value cluster = in.Get("cluster", "A cluster.");
         if (cluster.present()) {
           ClusterNamed(cluster, context);
         }
         auto made = Define<HeadOnly>(Settings{});
         made->names_caller = in.Bool("names", true, "Whether it says who.");
         return made;
       },
       "Finds out who is calling.",
       {},
       true},
      {"asks",
       [](config::Object&, const LoadContext&) -> std::shared_ptr<FilterDefinition> {
         std::shared_ptr<FilterDefinition> made = Define<HeadOnly>(Settings{});
         made->needs_identity = true;
         return made;
       },
       "Asks who is calling."},
  });
}

// A configuration of nothing but filters, listeners' lists and routes' lists.
struct Loaded {
  explicit Loaded(std::string_view yaml, const Loaded* previous = nullptr, uint32_t workers = 1) {
    document = config::Document::Parse("f.yaml", yaml, config::ProcessEnvironment(), diagnostics);
    root = document->Root();
    LoadContext context;
    context.workers = workers;
    table = std::make_unique<FilterTable>(root.Entries("filters", ""), *catalog, context,
                                          previous == nullptr ? nullptr : previous->table.get());
    listener = root.List("listener", "");
    other = root.List("other", "");
    route = root.List("route", "");
  }

  std::shared_ptr<const Chain> Compile() { return table->Compile(listener, route); }
  std::string Names() {
    std::string names;
    for (const auto& definition : Compile()->definitions()) {
      names += (names.empty() ? "" : " ") + definition->name;
    }
    return names;
  }
  std::string Errors() const { return diagnostics.ToText(); }
  const Watched& Of(std::string_view name) const {
    return static_cast<const Watched&>(*table->definitions().find(name)->second);
  }

  std::shared_ptr<Catalog> catalog = std::make_shared<Catalog>(TestCatalog());
  config::Diagnostics diagnostics;
  std::unique_ptr<config::Document> document;
  config::Object root;
  std::unique_ptr<FilterTable> table;
  std::vector<config::Value> listener, other, route;
};

TEST(FilterTableTest, ListenersFiltersComeBeforeTheRoutes) {
  Loaded c(
      "filters: {a: {type: head}, head: {}, e: {type: end, word: x}}\n"
      "listener: [e]\n"
      "route: [a, head]\n");
  EXPECT_EQ(c.Names(), "e a head");
  EXPECT_EQ(c.Errors(), "");
  const auto chain = c.Compile();
  EXPECT_EQ(chain->definitions()[0]->type, "end");
  EXPECT_TRUE(chain->phases().request_headers);
  EXPECT_TRUE(chain->phases().stream_end);
  EXPECT_FALSE(chain->phases().request_body);
}

TEST(FilterTableTest, EqualListsShareOneChain) {
  Loaded c("filters: {a: {type: head}}\nlistener: [a]\nother: [a]\n");
  EXPECT_EQ(c.table->Compile(c.listener, {}), c.table->Compile(c.other, {}));
  EXPECT_TRUE(c.table->Compile({}, {})->empty());
}

TEST(FilterTableTest, EveryMistakeInTheDefinitionsIsReportedOnce) {
  Loaded c(
      "filters:\n"
      "  a: {type: haed}\n"
      "  unheard_of: {word: x}\n"
      "  b: {type: head, wrod: x}\n"
      "  c: {type: end}\n"
      "  d: 7\n"
      "listener: [a, unheard_of, b, c, d]\n");
  c.Compile();
  c.Compile();
  EXPECT_EQ(
      c.Errors(),
      "f.yaml:2:13: filters.a.type: unknown filter type \"haed\" (did you mean \"head\"?)\n"
      "f.yaml:3:15: filters.unheard_of.type: unknown filter type \"unheard_of\"; `type:` says "
      "which type this filter is\n"
      "f.yaml:4:19: filters.b.wrod: unknown key (did you mean \"word\"?)\n"
      "f.yaml:5:6: filters.c.word: is required\n"
      "f.yaml:6:6: filters.d: expected a mapping, got \"7\"\n");
}

TEST(FilterTableTest, ADefinitionWithMistakesStandsInTheChainAndDoesNothing) {
  Loaded c("filters: {a: {type: end}}\nlistener: [a]\n");
  const auto chain = c.Compile();
  ASSERT_EQ(chain->size(), 1u);
  EXPECT_FALSE(chain->phases().stream_end);
}

TEST(FilterTableTest, EntriesThatMakeNoSense) {
  Loaded c(
      "filters: {a: {type: head}}\n"
      "listener:\n"
      "  - aa\n"
      "  - {skip: a}\n"
      "  - [a]\n"
      "  - {}\n"
      "  - {use: a, skip: a}\n"
      "  - {use: [a]}\n"
      "  - head\n"
      "  - nothing_like_it\n");
  c.Compile();
  c.Compile();
  EXPECT_EQ(
      c.Errors(),
      "f.yaml:3:5: listener[0]: unknown filter \"aa\" (did you mean \"a\"?)\n"
      "f.yaml:4:5: listener[1]: only a route can skip a filter\n"
      "f.yaml:5:5: listener[2]: must be a filter's name, {use: NAME, ...}, {any_of: [NAME, ...]} "
      "or {skip: NAME}\n"
      "f.yaml:6:5: listener[3]: must be a filter's name, {use: NAME, ...}, {any_of: [NAME, ...]} "
      "or {skip: NAME}\n"
      "f.yaml:7:5: listener[4]: must be a filter's name, {use: NAME, ...}, {any_of: [NAME, ...]} "
      "or {skip: NAME}\n"
      "f.yaml:8:11: listener[5].use: must be the name of a filter\n"
      "f.yaml:9:5: listener[6]: unknown filter \"head\": the type exists, but `filters:` does "
      "not define it\n"
      "f.yaml:10:5: listener[7]: unknown filter \"nothing_like_it\": `filters:` does not "
      "define it\n");
}

TEST(FilterTableTest, AFilterIsInAChainOnce) {
  Loaded c(
      "filters: {a: {type: head}, b: {type: head}}\n"
      "listener: [a]\n"
      "route: [b, {use: a, word: x}]\n");
  c.Compile();
  EXPECT_EQ(
      c.Errors(),
      "f.yaml:3:18: route[1].use: filter \"a\" is in this chain already (a listener's filters "
      "precede the route's)\n");
}

TEST(FilterTableTest, RoutesSkipTheListenersFilters) {
  Loaded c(
      "filters: {a: {type: head}, b: {type: head}}\n"
      "listener: [a, b]\n"
      "route: [{skip: a}]\n");
  EXPECT_EQ(c.Names(), "b");
  c.table->WarnUnused();
  EXPECT_EQ(c.Errors(), "");
}

TEST(FilterTableTest, WhatIsSkippedCanBeUsedAgain) {
  Loaded c(
      "filters: {a: {type: watched}}\n"
      "listener: [a]\n"
      "route: [{use: a, word: mine}, {skip: a}]\n");
  EXPECT_EQ(c.Names(), "a");
  EXPECT_EQ(static_cast<const Watched&>(*c.Compile()->definitions()[0]).word, "mine over default");
}

TEST(FilterTableTest, SkippingNeedsAListenerThatHasTheFilter) {
  Loaded c(
      "filters: {a: {type: head}, b: {type: head}}\n"
      "listener: [a]\n"
      "other: [b]\n"
      "route: [{skip: b}, {skip: c}]\n");
  c.table->Compile(c.listener, c.route);
  c.table->WarnUnused();
  EXPECT_EQ(c.Errors(),
            "f.yaml:1:28: warning: filters.b: no listener and no route uses this filter\n"
            "f.yaml:4:16: route[0].skip: nothing to skip: no listener of this route has filter "
            "\"b\"\n"
            "f.yaml:4:27: route[1].skip: unknown filter \"c\" (did you mean \"a\"?)\n");
}

TEST(FilterTableTest, OneListenerWithTheFilterIsEnough) {
  Loaded c(
      "filters: {a: {type: head}, b: {type: head}}\n"
      "listener: [a]\n"
      "other: [b]\n"
      "route: [{skip: b}]\n");
  c.table->Compile(c.listener, c.route);
  c.table->Compile(c.other, c.route);
  c.table->WarnUnused();
  EXPECT_EQ(c.Errors(), "");
}

TEST(FilterTableTest, RequiredFiltersStay) {
  Loaded c("filters: {a: {type: head, required: true}}\nlistener: [a]\nroute: [{skip: a}]\n");
  EXPECT_EQ(c.Names(), "a");
  EXPECT_EQ(c.Errors(),
            "f.yaml:3:16: route[0].skip: filter \"a\" is required: a route can't skip it\n");
}

TEST(FilterTableTest, SkipStandsAlone) {
  Loaded c("filters: {a: {type: head}}\nlistener: [a]\nroute: [{skip: a, word: x}]\n");
  c.Compile();
  EXPECT_EQ(c.Errors(),
            "f.yaml:3:9: route[0]: `skip` stands alone: a filter that is skipped has no other "
            "settings here\n");
}

TEST(FilterTableTest, OverridesReplaceKeysWhole) {
  Loaded c("filters: {a: {type: watched, word: base, size: 2}}\nroute: [{use: a, word: mine}]\n");
  const auto chain = c.Compile();
  EXPECT_EQ(c.Errors(), "");
  const auto& definition = static_cast<const Watched&>(*chain->definitions()[0]);
  EXPECT_EQ(definition.word, "mine over base");
  EXPECT_EQ(definition.name, "a");
  EXPECT_EQ(definition.type, "watched");
}

TEST(FilterTableTest, EqualOverridesAreOneDefinition) {
  Loaded c(
      "filters: {a: {type: watched}}\n"
      "listener: [{use: a, word: x, size: 3}]\n"
      "other: [{size: 3, word: \"x\", use: a}]\n");
  EXPECT_EQ(c.table->Compile(c.listener, {}), c.table->Compile(c.other, {}));
}

TEST(FilterTableTest, UseAloneIsTheDefinitionItself) {
  Loaded c("filters: {a: {type: watched}}\nlistener: [a]\nother: [{use: a}]\n");
  EXPECT_EQ(c.table->Compile(c.listener, {}), c.table->Compile(c.other, {}));
}

TEST(FilterTableTest, MistakesInOverrides) {
  Loaded c(
      "filters: {a: {type: watched, sise: 1}, b: {type: end, word: x}}\n"
      "listener: [{use: a, wrod: x}, {use: b, type: head}]\n");
  c.Compile();
  EXPECT_EQ(
      c.Errors(),
      "f.yaml:1:30: filters.a.sise: unknown key (did you mean \"size\"?)\n"
      "f.yaml:2:21: listener[0].wrod: unknown key (did you mean \"word\"?)\n"
      "f.yaml:2:46: listener[1].type: a filter keeps its type: only its other settings can be "
      "replaced here\n");
}

TEST(FilterTableTest, UnusedDefinitionsAreWarnings) {
  Loaded c("filters: {a: {type: head}, b: {type: head}}\nlistener: [a]\n");
  c.Compile();
  c.table->WarnUnused();
  EXPECT_EQ(c.Errors(),
            "f.yaml:1:28: warning: filters.b: no listener and no route uses this filter\n");
}

TEST(FilterTableTest, AReloadKeepsWhatDidNotChange) {
  const Loaded before("filters: {a: {type: watched, word: x}, b: {type: watched}}\n");
  const Loaded after("filters:\n  b: {type: watched, size: 9}\n  a: {word: x, type: watched}\n",
                     &before);
  EXPECT_EQ(&after.Of("a"), &before.Of("a"));
  EXPECT_NE(&after.Of("b"), &before.Of("b"));
}

TEST(FilterTableTest, AReloadReadsFilesThatChanged) {
  const Loaded before("filters: {a: {type: watched}}\n");
  const_cast<Watched&>(before.Of("a")).changed = true;
  const Loaded after("filters: {a: {type: watched}}\n", &before);
  EXPECT_NE(&after.Of("a"), &before.Of("a"));
}

TEST(FilterTableTest, AReloadWithOtherWorkersStartsAnew) {
  const Loaded before("filters: {a: {type: watched}}\n");
  const Loaded after("filters: {a: {type: watched}}\n", &before, 2);
  EXPECT_NE(&after.Of("a"), &before.Of("a"));
}

TEST(FilterTableTest, AReloadKeepsOverridesOfWhatDidNotChange) {
  const std::string text =
      "filters: {a: {type: watched, word: x}}\nlistener: [{use: a, size: 3}]\n";
  Loaded before(text);
  const auto old_chain = before.Compile();
  Loaded same(text, &before);
  EXPECT_EQ(same.Compile()->definitions()[0], old_chain->definitions()[0]);
  Loaded changed("filters: {a: {type: watched, word: y}}\nlistener: [{use: a, size: 3}]\n",
                 &before);
  EXPECT_NE(changed.Compile()->definitions()[0], old_chain->definitions()[0]);
}

TEST(FilterTableTest, ReopenFilesReachesOverridesToo) {
  Loaded c("filters: {a: {type: watched}}\nlistener: [{use: a, size: 3}]\n");
  const auto chain = c.Compile();
  c.table->ReopenFiles();
  EXPECT_EQ(c.Of("a").reopened, 1);
  EXPECT_EQ(static_cast<const Watched&>(*chain->definitions()[0]).reopened, 1);
}

TEST(FilterTableTest, AnyOfIsOneStepOfTheChain) {
  Loaded c(
      "filters: {a: {type: caller}, b: {type: caller}, h: {type: head}}\n"
      "listener: [h]\n"
      "route: [{any_of: [a, {use: b, cluster: x}]}]\n"
      "other: [{any_of: [a, {use: b, cluster: x}]}]\n");
  EXPECT_EQ(c.Names(), "h any_of");
  EXPECT_EQ(c.Errors(), "");
  const auto chain = c.Compile();
  EXPECT_EQ(chain->definitions()[1]->members().size(), 2u);
  EXPECT_EQ(chain->definitions()[1]->members()[0].get(), c.table->definitions().at("a").get());
  EXPECT_EQ(c.table->Compile(c.listener, c.other), chain);  // Equal lists are one definition.
  c.table->WarnUnused();
  EXPECT_EQ(c.Errors(), "");  // Both are used.
}

TEST(FilterTableTest, RoutesSkipAnAnyOf) {
  Loaded c(
      "filters: {a: {type: caller}, b: {type: caller}}\n"
      "listener: [{any_of: [a, b]}]\n"
      "route: [{skip: any_of}, b]\n");
  EXPECT_EQ(c.Names(), "b");
  EXPECT_EQ(c.Errors(), "");
}

TEST(FilterTableTest, AnAnyOfWithARequiredFilterStays) {
  Loaded c(
      "filters: {a: {type: caller}, b: {type: caller, required: true}}\n"
      "listener: [{any_of: [a, b]}]\n"
      "route: [{skip: any_of}]\n");
  c.Compile();
  EXPECT_EQ(c.Errors(),
            "f.yaml:3:16: route[0].skip: filter \"any_of\" is required: a route can't skip it\n");
}

TEST(FilterTableTest, WhatStandsInAnAnyOfIsNotSkippedAlone) {
  Loaded c(
      "filters: {a: {type: caller}, b: {type: caller}}\n"
      "listener: [{any_of: [a, b]}]\n"
      "route: [{skip: b}]\n");
  c.Compile();
  c.table->WarnUnused();
  EXPECT_EQ(c.Errors(),
            "f.yaml:3:16: route[0].skip: nothing to skip: no listener of this route has filter "
            "\"b\" but in an any_of, which {skip: any_of} takes out\n");
}

TEST(FilterTableTest, MistakesInAnyOf) {
  Loaded c(
      "filters: {a: {type: caller}, h: {type: head}}\n"
      "listener:\n"
      "  - {any_of: [a, h]}\n"
      "  - {any_of: [a, aa]}\n"
      "  - {any_of: []}\n"
      "  - {any_of: [a, a]}\n"
      "  - {any_of: a}\n"
      "  - {any_of: [a], use: a}\n"
      "  - {any_of: [a], cluster: x}\n"
      "  - {any_of: [a, {any_of: [a]}]}\n"
      "  - {any_of: [{skip: a}]}\n"
      "  - {any_of: [{use: a, names: false}]}\n");
  c.Compile();
  EXPECT_EQ(
      c.Errors(),
      "f.yaml:3:18: listener[0].any_of[1]: filter \"h\" is of type \"head\", which does not say "
      "who "
      "is calling: any_of takes filters that do\n"
      "f.yaml:4:18: listener[1].any_of[1]: unknown filter \"aa\" (did you mean \"a\"?)\n"
      "f.yaml:5:14: listener[2].any_of: any_of needs the names of filters that authenticate, such "
      "as [jwt, "
      "api_key]\n"
      "f.yaml:6:18: listener[3].any_of[1]: filter \"a\" is in this list already\n"
      "f.yaml:7:14: listener[4].any_of: expected a list, got \"a\" (did you mean \"[a]\"?)\n"
      "f.yaml:8:5: listener[5]: must be a filter's name, {use: NAME, ...}, {any_of: [NAME, ...]} "
      "or "
      "{skip: NAME}\n"
      "f.yaml:9:5: listener[6]: `any_of` stands alone: settings belong to the filters in its list\n"
      "f.yaml:10:18: listener[7].any_of[1]: any_of takes filters by their names, or as {use: NAME, "
      "...}\n"
      "f.yaml:11:15: listener[8].any_of[0]: any_of takes filters by their names, or as {use: NAME, "
      "...}\n"
      "f.yaml:12:15: listener[9].any_of[0]: filter \"a\" says who may pass, but not who that is: "
      "any_of needs its `identity`\n");
}

// What is taken over from the configuration before is not loaded again, and needs its cluster
// still.
TEST(FilterTableTest, ClustersThatFiltersNameAreToldAgainByAReload) {
  const std::string text =
      "filters: {a: {type: caller, cluster: x}}\nlistener: [{use: a, cluster: y}]\n";
  const auto uses = [](const Loaded& loaded) {
    std::string out;
    for (const LoadedClusterUse& one : loaded.table->cluster_uses()) {
      out.append(one.use.name).append("@").append(one.at.path()).append(" ");
    }
    return out;
  };
  Loaded before(text);
  const auto chain = before.Compile();
  EXPECT_EQ(uses(before), "x@filters.a.cluster y@listener[0].cluster ");
  Loaded after(text, &before);
  EXPECT_EQ(after.Compile()->definitions()[0], chain->definitions()[0]);
  EXPECT_EQ(uses(after), "x@filters.a y@listener[0] ");
}

TEST(LoadContextTest, ManyCountersAreToldApartByALabel) {
  observe::Metrics metrics;
  observe::MetricTable& table = metrics.AddTable();
  std::vector<std::shared_ptr<const observe::MetricBlock>> blocks;
  LoadContext context;
  context.metrics = &metrics;
  context.filter_name = "gate";
  context.metric_blocks = &blocks;
  const std::string_view rules[] = {"zeta", "alpha"};
  const std::vector<observe::MetricId> ids =
      context.Counters("rbac", "decided", "Requests.", "rule", rules);
  ASSERT_EQ(ids.size(), 2u);
  table.Add(ids[0], 3);
  table.Add(ids[1], 5);
  const auto sum = [&](const char* rule) {
    return metrics.Sum("gatehouse_filter_rbac_decided_total", {{"filter", "gate"}, {"rule", rule}});
  };
  EXPECT_EQ(sum("zeta"), 3);
  EXPECT_EQ(sum("alpha"), 5);
  EXPECT_EQ(context.Counters("rbac", "decided", "Requests.", "rule", rules)[1].index, ids[1].index);
  blocks.clear();
  EXPECT_EQ(sum("zeta"), 0);  // Nobody holds them any more.
  context.activate = false;
  EXPECT_EQ(context.Counters("rbac", "decided", "Requests.", "rule", rules)[0].index, 0u);
}

TEST(LoadContextTest, CountersCarryTheFiltersName) {
  observe::Metrics metrics;
  LoadContext context;
  context.metrics = &metrics;
  context.filter_name = "per_ip";
  context.Counter("rate_limit", "limited", "Requests over the limit.");
  EXPECT_NE(
      metrics.Prometheus().find("gatehouse_filter_rate_limit_limited_total{filter=\"per_ip\"} 0"),
      std::string::npos);
}

constexpr char kAsksAndCaller[] = "filters: {asks: {}, caller: {}, other: {type: caller}}\n";

TEST(FilterTableTest, WhoAsksWhoIsCallingStandsBehindWhoFindsOut) {
  const std::string defined = kAsksAndCaller;
  for (const char* chains :
       {"listener: [caller, asks]", "listener: [caller]\nroute: [asks]",
        "listener: [{any_of: [caller, other]}, asks]", "listener: [other, asks, caller]"}) {
    Loaded c(defined + chains + "\n");
    c.Compile();
    EXPECT_EQ(c.Errors(), "") << chains;
  }
  Loaded c(defined + "listener: [asks]\nroute: [caller, other]\nother: []\n");
  c.Compile();
  c.table->Compile(c.listener, {});
  c.Compile();
  EXPECT_EQ(
      c.Errors(),
      "f.yaml:2:12: warning: listener[0]: filter \"asks\" has rules about who is calling, but "
      "filter \"caller\", which finds that out, comes after it\n");
}

TEST(FilterTableTest, ARouteMayDoWithoutTheFilterThatFindsOut) {
  Loaded c(std::string(kAsksAndCaller) + "listener: [caller, asks]\nroute: [{skip: caller}]\n");
  EXPECT_EQ(c.Names(), "asks");
  EXPECT_EQ(c.Errors(), "");
}

TEST(FilterTableTest, NobodyFindsOutWhoIsCalling) {
  Loaded c("filters: {asks: {}}\nlistener: [asks]\n");
  c.Compile();
  EXPECT_EQ(
      c.Errors(),
      "f.yaml:2:12: warning: listener[0]: filter \"asks\" has rules about who is calling, but no "
      "filter finds that out\n");
}

}  // namespace
}  // namespace gatehouse::pipeline
