// SPDX-License-Identifier: Apache-2.0
// Tokens that another implementation made (make_tokens.py): good ones of every algorithm get in,
// broken ones of every shape don't, and are told why.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "source/filters/builtin.h"
#include "source/pipeline/filter_harness.h"

namespace gatehouse::filters {
namespace {

using pipeline::FilterHarness;

constexpr char kTokens[] = "test/filters/auth/tokens/";

nlohmann::json Read(const std::string& name) {
  std::ifstream file(kTokens + name);
  EXPECT_TRUE(file) << name;
  return nlohmann::json::parse(file);
}

std::string Settings(std::string_view more) {
  return "{issuer: \"https://idp.example.com/\", audiences: [orders], jwks: {file: " +
         std::string(kTokens) + "keys.json}, " + std::string(more) + "}";
}

constexpr char kAll[] =
    "algorithms: [HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, "
    "ES512, EdDSA]";

void Send(FilterHarness& h, const nlohmann::json& one) {
  h.Get("/", {{"authorization", "Bearer " + one["token"].get<std::string>()}});
}

TEST(JwtTokensTest, GoodOnesOfEveryAlgorithmGetIn) {
  FilterHarness h(filters::Jwt(), Settings(kAll));
  ASSERT_EQ(h.diagnostics(), "");
  const auto good = Read("good.json");
  ASSERT_GE(good.size(), 26U);
  for (int round = 0; round < 2; ++round) {
    for (const auto& one : good) {
      Send(h, one);
      EXPECT_TRUE(h.forwarded()) << one["name"] << ": " << h.reply().detail;
    }
  }
  EXPECT_EQ(h.Counter("verified"), static_cast<int64_t>(good.size()));
  EXPECT_EQ(h.Counter("remembered"), static_cast<int64_t>(good.size()));
}

TEST(JwtTokensTest, BrokenOnesAreRefusedAndToldWhy) {
  FilterHarness h(filters::Jwt(), Settings(kAll));
  const auto broken = Read("broken.json");
  ASSERT_GE(broken.size(), 200U);
  int64_t good = 0;
  for (const auto& one : broken) {
    Send(h, one);
    const std::string why = one["why"].get<std::string>();
    EXPECT_EQ(h.reply().status, 401) << one["name"];
    EXPECT_EQ(h.reply().error, ErrorCode::kBadCredentials) << one["name"];
    EXPECT_EQ(h.reply().detail, "the token " + why) << one["name"];
    ASSERT_EQ(h.reply().headers.size(), 1U) << one["name"];
    EXPECT_EQ(
        h.reply().headers[0].second,
        "Bearer realm=\"gatehouse\", error=\"invalid_token\", error_description=\"the token " +
            why + "\"")
        << one["name"];
    EXPECT_EQ(h.stream().info().identity, nullptr) << one["name"];
    good += why == "has expired" || why == "is not valid yet" ? 1 : 0;
  }
  EXPECT_EQ(h.Counter("refused"), static_cast<int64_t>(broken.size()));
  EXPECT_EQ(h.Counter("verified"), good);
}

// What the filter decides by the key must not be undone by what the token says.
TEST(JwtTokensTest, WithoutAlgorithmsSecretsBesidePublicKeysAreNotUsed) {
  FilterHarness h(filters::Jwt(), Settings(""));
  EXPECT_NE(h.diagnostics().find("it is a secret among public keys"), std::string::npos);
  for (const auto& one : Read("good.json")) {
    Send(h, one);
    const std::string name = one["name"].get<std::string>();
    const bool is_public = name[0] == 'R' || name[0] == 'P' || name.starts_with("ES") ||
                           name.starts_with("Ed") || name.starts_with("a key");
    EXPECT_EQ(h.forwarded(), is_public) << name << ": " << h.reply().detail;
  }
}

TEST(JwtTokensTest, OnlyTheAlgorithmsThatAreListed) {
  for (const auto& wanted : {"HS512", "RS384", "PS512", "ES384", "EdDSA"}) {
    FilterHarness h(filters::Jwt(), Settings("algorithms: [" + std::string(wanted) + "]"));
    for (const auto& one : Read("good.json")) {
      Send(h, one);
      const std::string name = one["name"].get<std::string>();
      EXPECT_EQ(h.forwarded(), name.starts_with(wanted)) << wanted << ": " << name;
    }
  }
}

}  // namespace
}  // namespace gatehouse::filters
