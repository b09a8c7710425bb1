// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/jwk_set.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "test/filters/auth/made_token.h"

namespace gatehouse::filters {
namespace {

using nlohmann::json;

std::string AllKeys() {
  std::ifstream file("test/filters/auth/tokens/keys.json");
  return {std::istreambuf_iterator<char>(file), {}};
}

JwkSet::Rules All() { return {JwsAlgorithms::All(), true}; }

// The key of that name, changed.
json Key(const std::string& kid, const json& changes = json::object()) {
  json all = json::parse(AllKeys());
  for (json& key : all["keys"]) {
    if (key["kid"] == kid) {
      key.merge_patch(changes);
      return key;
    }
  }
  ADD_FAILURE() << kid;
  return {};
}

// Why a set of this one key can't be used; "" when it can.
std::string Trouble(const json& key, JwkSet::Rules rules = All()) {
  const auto set = JwkSet::Parse(json{{"keys", {key}}}.dump(), rules);
  return set ? "" : set.error().message;
}

constexpr char kNone[] = "it has no usable key: ";

TEST(JwkSetTest, KeysOfEveryType) {
  const auto set = JwkSet::Parse(AllKeys(), All());
  ASSERT_TRUE(set) << set.error().message;
  EXPECT_EQ((*set)->keys().size(), 9U);
  EXPECT_TRUE((*set)->passed_over().empty());
  for (const Jwk& key : (*set)->keys()) {
    EXPECT_EQ(key.secret().empty(), !key.id().starts_with("hs")) << key.id();
    EXPECT_EQ(key.algorithms().Has(JwsAlgorithm::kRs256), key.id().starts_with("rsa"));
    EXPECT_EQ(key.algorithms().Has(JwsAlgorithm::kPs512), key.id() == "rsa");
    EXPECT_EQ(key.algorithms().Has(JwsAlgorithm::kEs256), key.id() == "ec256");
    EXPECT_EQ(key.algorithms().Has(JwsAlgorithm::kEs512), key.id() == "ec521");
    EXPECT_EQ(key.algorithms().Has(JwsAlgorithm::kEdDsa), key.id() == "ed");
    EXPECT_EQ(key.algorithms().Has(JwsAlgorithm::kHs512), key.id() == "hs512");
  }
}

TEST(JwkSetTest, TextsThatAreNoJwks) {
  const auto trouble = [](std::string text) { return JwkSet::Parse(text, All()).error().message; };
  EXPECT_EQ(trouble(""), "it is not valid JSON (line 1)");
  EXPECT_EQ(trouble("<html>\n"), "it is not valid JSON (line 1)");
  EXPECT_EQ(trouble("{\"keys\":[],\n\"keys\":[]}"), "it is not valid JSON (line 2)");
  EXPECT_EQ(trouble("[]"), "it is not a JWKS: an object with a list called `keys`");
  EXPECT_EQ(trouble("{}"), "it is not a JWKS: an object with a list called `keys`");
  EXPECT_EQ(trouble("{\"keys\":{}}"), "it is not a JWKS: an object with a list called `keys`");
  EXPECT_EQ(trouble("{\"keys\":[]}"), "it has no keys");
  EXPECT_EQ(trouble("{\"keys\":[7]}"), std::string(kNone) + "key 1: it is not an object");
  EXPECT_EQ(trouble(std::string(JwkSet::kMaxTextBytes + 1, ' ')), "it has more than 256 KiB");
  std::string many = "{\"keys\":[{}";
  for (size_t i = 0; i < JwkSet::kMaxKeys; ++i) {
    many += ",{}";
  }
  EXPECT_EQ(trouble(many + "]}"), "it has 101 keys; at most 100 are read");
}

TEST(JwkSetTest, ABadKeyIsPassedOver) {
  json keys = json::parse(AllKeys());
  keys["keys"][0]["use"] = "enc";
  keys["keys"].push_back({{"kty", "quantum"}});
  const auto set = JwkSet::Parse(keys.dump(), All());
  ASSERT_TRUE(set);
  EXPECT_EQ((*set)->keys().size(), 8U);
  EXPECT_EQ(
      (*set)->passed_over(),
      (std::vector<std::string>{"key 1 (\"rsa\"): its `use` is not \"sig\"",
                                "key 10: its `kty` \"quantum\" is not one of oct, RSA, EC, OKP"}));
}

TEST(JwkSetTest, WhatKeysAreFor) {
  EXPECT_EQ(Trouble(Key("ec256", {{"use", "sig"}})), "");
  EXPECT_EQ(Trouble(Key("ec256", {{"key_ops", {"sign", "verify"}}})), "");
  EXPECT_EQ(Trouble(Key("ec256", {{"key_ops", {"encrypt"}}})),
            std::string(kNone) + "key 1 (\"ec256\"): its `key_ops` have no \"verify\"");
  EXPECT_NE(Trouble(Key("ec256", {{"use", 7}})), "");
  EXPECT_NE(Trouble(Key("ec256", {{"kid", 7}})), "");
  EXPECT_EQ(Trouble(Key("ec256", {{"alg", "ES256"}})), "");
  EXPECT_EQ(
      Trouble(Key("ec256", {{"alg", "ES384"}})),
      std::string(kNone) +
          "key 1 (\"ec256\"): its `alg` ES384 does not go with its type, its curve or its size");
  EXPECT_NE(Trouble(Key("ec256", {{"alg", "HS256"}})), "");
  EXPECT_NE(Trouble(Key("rsa", {{"alg", "RSA-OAEP"}})), "");
  EXPECT_NE(Trouble(Key("rsa", {{"alg", "none"}})), "");
  EXPECT_NE(Trouble(Key("hs256", {{"alg", "HS512"}})), "");
}

TEST(JwkSetTest, KeysThatAreNoneOrTooSmall) {
  const auto trouble = [](const json& key) {
    const std::string all = Trouble(key);
    return all.substr(std::min(all.size(), all.rfind(": ") + 2));
  };
  EXPECT_EQ(trouble(Key("rsa", {{"n", std::string(342, 'A')}})),
            "it has 0 bits; RSA keys need 2048 to 8192");
  EXPECT_EQ(trouble(Key("rsa", {{"n", std::string(344, '_')}})), "");
  EXPECT_EQ(trouble(Key("rsa", {{"n", std::string(172, 'x')}})),
            "it has 1032 bits; RSA keys need 2048 to 8192");
  EXPECT_EQ(trouble(Key("rsa", {{"n", "a b"}})), "its `n` or its `e` is not base64url");
  EXPECT_EQ(trouble(Key("rsa", {{"n", nullptr}})), "it has 0 bits; RSA keys need 2048 to 8192");
  for (const char* exponent : {"AQ", "Ag", "", "AAAA", "AQAA", "AQAAAAAAAAAAAAAB"}) {
    EXPECT_EQ(trouble(Key("rsa", {{"e", exponent}})), "its `e` is not a public exponent")
        << exponent;
  }
  EXPECT_NE(trouble(Key("ec256", {{"crv", "P-384"}})), "");
  EXPECT_NE(trouble(Key("ec256", {{"crv", "secp256k1"}})), "");
  EXPECT_NE(trouble(Key("ec256", {{"x", "AAAA"}})), "");
  EXPECT_NE(trouble(Key("ec256", {{"y", nullptr}})), "");
  EXPECT_NE(trouble(Key("ed", {{"crv", "Ed448"}})), "");
  EXPECT_NE(trouble(Key("ed", {{"crv", "X25519"}})), "");
  EXPECT_NE(trouble(Key("ed", {{"x", "AAAA"}})), "");
  EXPECT_EQ(trouble(Key("hs256", {{"k", EncodeBase64Url("short")}})),
            "it has 5 bytes; HS256 needs 32, HS384 48, HS512 64");
  EXPECT_NE(trouble(Key("hs256", {{"k", ""}})), "");
  EXPECT_NE(trouble(Key("hs256", {{"k", "a+b/"}})), "");
  // A certificate's key is not taken for one that is missing, nor one from elsewhere.
  EXPECT_NE(trouble(Key("rsa", {{"n", nullptr}, {"e", nullptr}, {"x5u", "http://127.0.0.1:1/"}})),
            "");
}

TEST(JwkSetTest, SecretsWhereTheyAreNotExpected) {
  const std::string keys = AllKeys();
  EXPECT_EQ((*JwkSet::Parse(keys, {std::nullopt, true}))->keys().size(), 6U);
  EXPECT_EQ((*JwkSet::Parse(keys, {std::nullopt, true}))->passed_over().size(), 3U);
  EXPECT_EQ((*JwkSet::Parse(keys, {JwsAlgorithms::All(), false}))->keys().size(), 6U);
  EXPECT_EQ(Trouble(Key("hs256"), {std::nullopt, true}), "");
  EXPECT_NE(Trouble(Key("hs256"), {std::nullopt, false}), "");
}

TEST(JwkSetTest, FindsByNameAndAlgorithm) {
  const auto set = *JwkSet::Parse(AllKeys(), All());
  const auto find = [&](JwsAlgorithm algorithm, std::optional<std::string_view> id) {
    const JwkSet::Match match = set->Find(algorithm, id);
    std::string out = match.id_known ? "" : "unknown";
    for (const size_t key : match.keys) {
      out.append(out.empty() ? "" : " ").append(set->keys()[key].id());
    }
    return out;
  };
  EXPECT_EQ(find(JwsAlgorithm::kRs256, "rsa"), "rsa");
  EXPECT_EQ(find(JwsAlgorithm::kRs256, std::nullopt), "rsa rsa-rs256");
  EXPECT_EQ(find(JwsAlgorithm::kPs256, std::nullopt), "rsa");
  EXPECT_EQ(find(JwsAlgorithm::kHs256, "rsa"), "");
  EXPECT_EQ(find(JwsAlgorithm::kRs256, "RSA"), "unknown");
  EXPECT_EQ(find(JwsAlgorithm::kRs256, ""), "unknown");
  const auto nameless =
      *JwkSet::Parse(json{{"keys", {Key("ed", {{"kid", nullptr}})}}}.dump(), All());
  for (const char* id : {"whatever", ""}) {
    EXPECT_EQ(nameless->Find(JwsAlgorithm::kEdDsa, id).keys.size(), 1U);
    EXPECT_FALSE(nameless->Find(JwsAlgorithm::kEdDsa, id).id_known);
  }
  EXPECT_TRUE(nameless->Find(JwsAlgorithm::kEdDsa, std::nullopt).id_known);
}

}  // namespace
}  // namespace gatehouse::filters
