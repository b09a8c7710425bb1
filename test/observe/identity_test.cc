// SPDX-License-Identifier: Apache-2.0
#include "source/observe/identity.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gatehouse::observe {
namespace {

constexpr std::string_view kGroups[] = {"admins", "ops"};
constexpr IdentityValue kClaims[] = {{"tenant", "acme"}, {"roles", "r"}, {"roles", "w"}};
constexpr IdentityValue kAttributes[] = {{"plan", "gold"}};
constexpr Identity kAlice{IdentityKind::kApiKey, "keys", "alice", kGroups, kClaims, kAttributes};

std::string All(std::string_view field) {
  std::string out;
  IdentityField::Parse(field)->ForEach(kAlice, [&](std::string_view value) {
    out.append(value).append(";");
    return true;
  });
  return out;
}

TEST(IdentityTest, FieldsNameItsParts) {
  EXPECT_EQ(All("subject"), "alice;");
  EXPECT_EQ(All("kind"), "api_key;");
  EXPECT_EQ(All("filter"), "keys;");
  EXPECT_EQ(All("groups"), "admins;ops;");
  EXPECT_EQ(All("claims.tenant"), "acme;");
  EXPECT_EQ(All("claims.roles"), "r;w;");
  EXPECT_EQ(All("attributes.plan"), "gold;");
  EXPECT_EQ(All("attributes.tenant"), "");
  EXPECT_EQ(All("claims.plan"), "");
}

TEST(IdentityTest, TheFirstValueOrNone) {
  EXPECT_EQ(IdentityField::Parse("groups")->First(&kAlice), "admins");
  EXPECT_EQ(IdentityField::Parse("claims.roles")->First(&kAlice), "r");
  EXPECT_EQ(IdentityField::Parse("claims.none")->First(&kAlice), "");
  EXPECT_EQ(IdentityField::Parse("subject")->First(nullptr), "");
}

TEST(IdentityTest, OtherWordsAreErrors) {
  for (const char* wrong : {"", "sub", "claims", "claims.", "attributes.", "group", "Subject"}) {
    EXPECT_FALSE(IdentityField::Parse(wrong)) << wrong;
  }
  EXPECT_EQ(IdentityField::Parse("sub").error().message,
            "expected subject, kind, filter, groups, claims.NAME or attributes.NAME, got \"sub\"");
}

TEST(IdentityTest, Groups) {
  EXPECT_TRUE(kAlice.InGroup("ops"));
  EXPECT_FALSE(kAlice.InGroup("op"));
  EXPECT_EQ(KindName(IdentityKind::kClientCertificate), "client_certificate");
}

}  // namespace
}  // namespace gatehouse::observe
