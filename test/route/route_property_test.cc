// SPDX-License-Identifier: Apache-2.0
// What must hold for all tables and requests: tried on 100,000 random ones. GATEHOUSE_ROUTE_ROUNDS
// sets another number, for builds that are slower.
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>
#include <re2/re2.h>

#include "source/base/text.h"
#include "source/route/regex_prefix.h"
#include "source/route/route_table.h"
#include "source/route/shadow.h"
#include "test/route/random_routes.h"

namespace gatehouse::route {
namespace {

constexpr uint64_t kSeed = 20240611;
constexpr size_t kMaxRoutes = 12;
constexpr int kRequestsPerTable = 4;

size_t Rounds() {
  const char* set = std::getenv("GATEHOUSE_ROUTE_ROUNDS");
  const std::optional<uint64_t> rounds = set == nullptr ? std::nullopt : ParseUint(set);
#ifdef GATEHOUSE_SANITIZED
  return rounds.value_or(10'000);
#else
  return rounds.value_or(100'000);
#endif
}

const Route* FirstLinearly(const RouteTable& table, const RequestFacts& request) {
  for (const std::shared_ptr<const Route>& route : table.routes()) {
    if (MatchesLinearly(*route, request, nullptr)) {
      return route.get();
    }
  }
  return nullptr;
}

std::string NameOf(const Route* route) { return route == nullptr ? "none" : route->name; }

TEST(RouteProperty, TheIndexEqualsTheLinearMatcher) {
  RandomRoutes random(kSeed);
  size_t found = 0;
  size_t not_first = 0;
  const size_t rounds = Rounds();
  for (size_t round = 0; round < rounds; ++round) {
    const RouteTable table(random.Table(kMaxRoutes));
    for (int i = 0; i < kRequestsPerTable; ++i) {
      Request request(random.Target(), random.RequestHost());
      random.Fill(request);
      const Route* expected = FirstLinearly(table, request.Facts());
      const Route* actual = table.Match(request.Facts());
      ASSERT_EQ(NameOf(expected), NameOf(actual))
          << "round " << round << ": " << request.head().host << request.head().target;
      found += expected != nullptr ? 1 : 0;
      not_first += expected != nullptr && expected->index > 0 ? 1 : 0;
    }
  }
  // The generator is of no use if requests rarely match, or always the first route.
  EXPECT_GT(found, rounds * kRequestsPerTable / 4);
  EXPECT_GT(not_first, rounds * kRequestsPerTable / 8);
}

TEST(RouteProperty, AShadowedRouteIsNeverChosen) {
  RandomRoutes random(kSeed + 1);
  size_t shadowed = 0;
  for (size_t round = 0; round < Rounds() / 4; ++round) {
    const RouteTable table(random.Table(kMaxRoutes));
    std::vector<bool> is_shadowed(table.routes().size());
    for (const Shadowed& one : FindShadowed(table.routes())) {
      is_shadowed[one.position] = true;
      ++shadowed;
    }
    for (int i = 0; i < 2 * kRequestsPerTable; ++i) {
      Request request(random.Target(), random.RequestHost());
      random.Fill(request);
      const Route* chosen = table.Match(request.Facts());
      ASSERT_TRUE(chosen == nullptr || !is_shadowed[chosen->index])
          << "round " << round << ": " << request.head().host << request.head().target;
    }
  }
  EXPECT_GT(shadowed, Rounds() / 8);
}

TEST(RouteProperty, TheExplanationChoosesWhatTheTableDoesAndKnowsWhyNot) {
  RandomRoutes random(kSeed + 2);
  for (size_t round = 0; round < Rounds() / 10; ++round) {
    const RouteTable table(random.Table(kMaxRoutes));
    Request request(random.Target(), random.RequestHost());
    random.Fill(request);
    const Explanation explanation = Explain(table, request.Facts());
    ASSERT_EQ(explanation.chosen, table.Match(request.Facts()));
    for (const Explanation::NearMiss& miss : explanation.near_misses) {
      ASSERT_FALSE(miss.why.empty());
      ASSERT_FALSE(MatchesLinearly(*miss.route, request.Facts(), nullptr));
      if (explanation.chosen != nullptr) {
        ASSERT_LT(miss.route->index, explanation.chosen->index);
      }
    }
  }
}

TEST(RouteProperty, EveryMatchOfAnExpressionBeginsWithItsLiteral) {
  RandomRoutes random(kSeed + 3);
  static constexpr std::string_view kPieces[] = {
      "/", "a", "b", "\\.", ".",   "*",   "+",   "?",  "|",    "(",     ")",    "[",
      "]", "^", "$", "{2}", "\\Q", "\\E", "\\d", "[^", "(?i)", "{0,1}", "\\x61"};
  size_t with_literal = 0;
  for (size_t round = 0; round < Rounds(); ++round) {
    std::string pattern = random.OneIn(2) ? "/a" : "";
    for (uint32_t i = random.Below(8); i > 0; --i) {
      pattern += kPieces[random.Below(std::size(kPieces))];
    }
    re2::RE2::Options options;
    options.set_log_errors(false);
    const re2::RE2 regex(pattern, options);
    if (!regex.ok()) {
      continue;
    }
    const std::string literal = LiteralPrefix(regex);
    with_literal += literal.empty() ? 0 : 1;
    for (int i = 0; i < 8; ++i) {
      std::string text = literal.substr(0, random.Below(literal.size() + 1));
      for (uint32_t k = random.Below(4); k > 0; --k) {
        text += "/ab.1A"[random.Below(6)];
      }
      if (re2::RE2::FullMatch(text, regex)) {
        ASSERT_TRUE(text.starts_with(literal)) << pattern << " matches " << text;
      }
    }
  }
  EXPECT_GT(with_literal, Rounds() / 10);
}

}  // namespace
}  // namespace gatehouse::route
