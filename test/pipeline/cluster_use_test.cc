// SPDX-License-Identifier: Apache-2.0
#include "source/pipeline/cluster_use.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "source/config/document.h"
#include "source/pipeline/catalog.h"

namespace gatehouse::pipeline {
namespace {

struct Read {
  explicit Read(const std::string& text) {
    const auto document =
        config::Document::Parse("f.yaml", "at: " + text, config::ProcessEnvironment(), diagnostics);
    LoadContext context;
    context.cluster_uses = &uses;
    config::Object root = document->Root();
    target = ClusterOfUrl(root.Get("at", "A URL."), context);
  }
  std::string Endpoint() const {
    return uses.empty() || !uses[0].use.endpoint ? "" : uses[0].use.endpoint->ToString();
  }

  config::Diagnostics diagnostics;
  std::vector<LoadedClusterUse> uses;
  FetchTarget target;
};

TEST(ClusterUseTest, AUrlIsAClusterAHostAndATarget) {
  const Read plain("http://IdP.example.com:8080/keys?a=b");
  EXPECT_EQ(plain.diagnostics.ToText(), "");
  EXPECT_EQ(plain.target.cluster, "http://idp.example.com:8080");
  EXPECT_EQ(plain.target.host, "IdP.example.com:8080");
  EXPECT_EQ(plain.target.target, "/keys?a=b");
  EXPECT_EQ(plain.Endpoint(), "IdP.example.com:8080");

  const Read short_one("http://10.0.0.1");
  EXPECT_EQ(short_one.target.host, "10.0.0.1");
  EXPECT_EQ(short_one.target.target, "/");
  EXPECT_EQ(short_one.Endpoint(), "10.0.0.1:80");

  const Read query("http://idp?x");
  EXPECT_EQ(query.target.target, "/?x");
  EXPECT_EQ(Read("'http://[2001:DB8::1]:81/k'").Endpoint(), "[2001:db8::1]:81");
  EXPECT_EQ(Read("'http://[::1]/k'").Endpoint(), "[::1]:80");
}

TEST(ClusterUseTest, HttpsIsAClusterWithTls) {
  const Read read("https://IdP.example.com/keys");
  EXPECT_EQ(read.diagnostics.ToText(), "");
  EXPECT_EQ(read.target.cluster, "https://idp.example.com");
  EXPECT_EQ(read.target.host, "IdP.example.com");
  EXPECT_EQ(read.Endpoint(), "IdP.example.com:443");
  EXPECT_EQ(Read("'https://[::1]:8443/k'").Endpoint(), "[::1]:8443");
}

TEST(ClusterUseTest, WhatIsNoUrlIsAnError) {
  for (const char* wrong :
       {"idp:8080/keys", "ftp://idp/", "'http://'", "'https://'", "'https://idp:0/'", "httpss://a/",
        "'http://:80/'", "'http:///keys'", "'http://idp:0/'", "'http://idp:99999/'",
        "'http://user:pw@idp/'", "'http://idp/a b'", "'http://idp/#frag'", "'http://idp#frag'",
        "'http://unix:/tmp/s'", "'http://id p/'"}) {
    const Read read(wrong);
    EXPECT_EQ(read.diagnostics.errors(), 1u) << wrong;
    EXPECT_TRUE(read.uses.empty()) << wrong;
  }
  EXPECT_EQ(Read("[a]").diagnostics.errors(), 1u);
}

TEST(ClusterUseTest, ErrorsDoNotShowSecrets) {
  constexpr char kWhat[] = "f.yaml:1:5: at: must be a URL such as https://idp.example.com/keys";
  for (const char* url :
       {"'http://user:hunter2@idp/'", "user:hunter2@idp", "'http://idp/ hunter2@'"}) {
    EXPECT_EQ(Read(url).diagnostics.ToText(),
              std::string(kWhat) + ", without a user or a password\n");
  }
  EXPECT_EQ(Read("'http://idp:0/keys?token=hunter2'").diagnostics.ToText(),
            std::string(kWhat) + ", got \"http://idp:0/keys?***\"\n");
  EXPECT_EQ(Read("idp/keys").diagnostics.ToText(), std::string(kWhat) + ", got \"idp/keys\"\n");
}

}  // namespace
}  // namespace gatehouse::pipeline
