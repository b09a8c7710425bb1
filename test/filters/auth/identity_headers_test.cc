// SPDX-License-Identifier: Apache-2.0
#include "source/filters/auth/identity_headers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "source/config/document.h"

namespace gatehouse::filters {
namespace {

class IdentityHeadersTest : public testing::Test {
 protected:
  // "name=value|..." of what is left.
  std::string Fields() {
    std::string out;
    head.headers.ForEach([&](const http::Field& field) {
      out.append(out.empty() ? "" : "|").append(field.name).append("=").append(field.value);
    });
    return out;
  }
  bool Add(const std::string& name, std::string_view field) {
    return headers.Add(name, *observe::IdentityField::Parse(field), at);
  }

  config::Diagnostics diagnostics;
  std::unique_ptr<config::Document> document =
      config::Document::Parse("f.yaml", "a: b", config::ProcessEnvironment(), diagnostics);
  config::Value at = document->RootValue();
  ArenaPool pool;
  Arena arena{pool};
  http::RequestHead head{arena};
  IdentityHeaders headers;
};

TEST_F(IdentityHeadersTest, WhatClientsSendNeverPasses) {
  EXPECT_TRUE(Add("X-User", "subject"));
  EXPECT_TRUE(Add("x-user-groups", "groups"));
  for (const std::string_view name :
       {"x-user", "X-USER", "x_user", "X_User-Groups", "x-user_groups", "x-user-group", "xuser"}) {
    head.headers.Add(name, "forged");
  }
  head.headers.Add("x-user", "again");
  headers.Strip(head.headers);
  EXPECT_EQ(Fields(), "x-user-group=forged|xuser=forged");
}

TEST_F(IdentityHeadersTest, SeveralValuesAndNone) {
  Add("x-user", "subject");
  Add("x-groups", "groups");
  Add("x-plan", "attributes.plan");
  Add("x-tier", "attributes.tier");
  const std::vector<std::string_view> groups = {"admins", "staff", "everybody"};
  const std::vector<observe::IdentityValue> attributes = {{"plan", "gold"}};
  headers.Set({.filter = "f", .subject = "alice", .groups = groups, .attributes = attributes}, head,
              arena);
  EXPECT_EQ(Fields(), "x-user=alice|x-groups=admins,staff,everybody|x-plan=gold");
}

TEST_F(IdentityHeadersTest, WhatNoFieldCanHoldIsLeftOut) {
  Add("x-user", "subject");
  Add("x-groups", "groups");
  const std::vector<std::string_view> groups = {"a", "b\r\nx-admin: 1", "c"};
  headers.Set({.filter = "f", .subject = "al\nice", .groups = groups}, head, arena);
  EXPECT_EQ(Fields(), "x-groups=a,c");
}

TEST_F(IdentityHeadersTest, Mistakes) {
  EXPECT_TRUE(Add("x-user", "subject"));
  EXPECT_FALSE(Add("X-User", "kind"));
  EXPECT_FALSE(Add("host", "subject"));
  EXPECT_FALSE(Add("", "subject"));
  EXPECT_EQ(diagnostics.ToText(),
            "f.yaml:1:1: the field \"x-user\" is set from something else already\n"
            "f.yaml:1:1: \"host\" names where the request goes: a route's `rewrite` changes it\n"
            "f.yaml:1:1: \"\" is not the name of a header field\n");
}

}  // namespace
}  // namespace gatehouse::filters
