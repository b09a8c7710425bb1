// SPDX-License-Identifier: Apache-2.0
#include "source/filters/traffic/redis_store_config.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "test/config/loaded.h"

namespace gatehouse::filters {
namespace {

using std::chrono::milliseconds;

pipeline::RedisServer Parsed(std::string_view url) {
  const auto server = ParseRedisUrl(url);
  EXPECT_TRUE(server.has_value()) << url << ": " << server.error().message;
  return server.value_or(pipeline::RedisServer{});
}
std::string Refusal(std::string_view url) {
  const auto server = ParseRedisUrl(url);
  return server ? "" : server.error().message;
}

std::optional<RedisStore> Load(const config::Loaded& loaded) {
  auto in = loaded.document->Root();
  return LoadRedisStore(in, "per_user");
}
std::string Errors(const std::string& yaml) {
  config::Loaded loaded(yaml);
  Load(loaded);
  return loaded.Errors();
}

TEST(RedisStoreConfigTest, HostPortDatabase) {
  EXPECT_EQ(Parsed("redis://10.0.0.1"), (pipeline::RedisServer{.host = "10.0.0.1", .port = 6379}));
  EXPECT_EQ(Parsed("redis://redis.internal:6380/"),
            (pipeline::RedisServer{.host = "redis.internal", .port = 6380}));
  EXPECT_EQ(Parsed("redis://[::1]/3"), (pipeline::RedisServer{.host = "::1", .database = 3}));
  EXPECT_EQ(Parsed("redis://[::1]:7000/15"),
            (pipeline::RedisServer{.host = "::1", .port = 7000, .database = 15}));
}

TEST(RedisStoreConfigTest, UserAndPassword) {
  EXPECT_EQ(Parsed("redis://:p%40ss%2Fw%25@h"),
            (pipeline::RedisServer{.host = "h", .password = "p@ss/w%"}));
  EXPECT_EQ(
      Parsed("redis://gate%3ahouse:a:b@h:1/2"),
      (pipeline::RedisServer{
          .host = "h", .port = 1, .username = "gate:house", .password = "a:b", .database = 2}));
  EXPECT_EQ(Parsed("redis://u:p@q@h").password, "p@q") << "the last @ is the one";
}

TEST(RedisStoreConfigTest, UnixSockets) {
  EXPECT_EQ(Parsed("unix:///run/redis.sock"),
            (pipeline::RedisServer{.host = "", .unix_path = "/run/redis.sock"}));
  EXPECT_EQ(Parsed("unix://u:p@/run/redis.sock?db=4"),
            (pipeline::RedisServer{.host = "",
                                   .unix_path = "/run/redis.sock",
                                   .username = "u",
                                   .password = "p",
                                   .database = 4}));
}

TEST(RedisStoreConfigTest, WhatIsWrongIsSaidWithoutPasswords) {
  for (const char* url :
       {"redis://:hunter2@", "redis://u:hunter2", "redis://:hunter2", "redis://u:hun/hunter2@h",
        "redis://:hunter2%zz@h", "redis://:hunter2@h:port", "redis://:hunter2@h/one",
        "redis://:hunter2@h?x=1", "redis://hunter2@h", "http://u:hunter2@h", "rediss://:hunter2@h",
        "unix://:hunter2@h/x", "unix://:hunter2@/x?password=hunter2", "u:hunter2@h:1",
        "redis://:hunter2#@h"}) {
    EXPECT_NE(Refusal(url), "") << url;
    EXPECT_EQ(Refusal(url).find("hunter2"), std::string::npos) << Refusal(url);
    const std::string errors = Errors("store: '" + std::string(url) + "'");
    EXPECT_EQ(errors.find("hunter2"), std::string::npos) << errors;
    EXPECT_NE(errors, "");
  }
}

TEST(RedisStoreConfigTest, OddUrls) {
  EXPECT_EQ(Refusal("rediss://h"), "TLS to Redis (rediss://) is not supported yet");
  EXPECT_EQ(Refusal("redis://"), "names no host");
  EXPECT_EQ(Refusal("redis://h:0"), "has port 0");
  EXPECT_EQ(Refusal("redis://u:@h"), "has an empty password");
  EXPECT_NE(Refusal("redis://h/99999999999"), "");
  EXPECT_NE(Refusal("redis://h/-1"), "");
  EXPECT_NE(Refusal("redis://h:65536"), "");
  EXPECT_NE(Refusal("redis://::1"), "");
  EXPECT_NE(Refusal("redis://unix:/x"), "");
  EXPECT_NE(Refusal("unix://"), "");
  EXPECT_NE(Refusal("unix:///x?db=a"), "");
  EXPECT_NE(Refusal("redis://[::1"), "");
  EXPECT_NE(Refusal(""), "");
  EXPECT_NE(Refusal("redis://u:%4@h"), "") << "half a character";
}

TEST(RedisStoreConfigTest, Suggestions) {
  EXPECT_NE(Errors("store: '127.0.0.1:6379'").find("(did you mean \"redis://127.0.0.1:6379\"?)"),
            std::string::npos);
  EXPECT_NE(Errors("store: 'Redis://h'").find("\"redis://h\""), std::string::npos);
  EXPECT_NE(Errors("store: 'tcp://h:1'").find("\"redis://h:1\""), std::string::npos);
  EXPECT_NE(Errors("store: '/run/r.sock'").find("\"unix:///run/r.sock\""), std::string::npos);
  EXPECT_NE(Errors("store: 'unix:/run/r.sock'").find("\"unix:///run/r.sock\""), std::string::npos);
}

TEST(RedisStoreConfigTest, Settings) {
  const config::Loaded plain("store: 'redis://h'");
  const auto store = Load(plain);
  ASSERT_TRUE(store) << plain.Errors();
  EXPECT_EQ(store->server.timeout, milliseconds(100));
  EXPECT_EQ(store->prefix, "gatehouse:limit:per_user:");
  const config::Loaded full("{store: 'redis://h', store_timeout: 20ms, store_prefix: 'x:'}");
  const auto changed = Load(full);
  ASSERT_TRUE(changed) << full.Errors();
  EXPECT_EQ(changed->server.timeout, milliseconds(20));
  EXPECT_EQ(changed->prefix, "x:");
}

TEST(RedisStoreConfigTest, WithoutAStore) {
  EXPECT_EQ(Errors("{}"), "");
  EXPECT_NE(Errors("store_timeout: 5ms").find("store_timeout"), std::string::npos);
  EXPECT_NE(Errors("{store: 'redis://h', store_prefix: 'a b'}"), "");
  EXPECT_NE(Errors("{store: 'redis://h', store_timeout: 0ms}"), "");
  EXPECT_NE(Errors("store: [a]"), "");
}

}  // namespace
}  // namespace gatehouse::filters
