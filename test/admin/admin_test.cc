// SPDX-License-Identifier: Apache-2.0
#include "source/admin/admin.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "source/admin/endpoints.h"
#include "source/base/log.h"
#include "test/admin/fake_server.h"

namespace gatehouse::admin {
namespace {

class AdminTest : public testing::Test {
 protected:
  std::shared_ptr<FakeAnswer> Get(const std::string& target) {
    return Ask(admin_, {.method = "GET", .target = target});
  }
  std::shared_ptr<FakeAnswer> Post(const std::string& target, const std::string& body = "") {
    return Ask(admin_, {.method = "POST", .target = target, .body = body});
  }

  FakeServer server_;
  Admin admin_{server_};
};

TEST_F(AdminTest, TheIndexNamesEveryPage) {
  const auto answer = Get("/");
  EXPECT_EQ(answer->response.status, 200);
  EXPECT_EQ(answer->response.content_type, "text/plain; charset=utf-8");
  for (const Endpoint& endpoint : Endpoints()) {
    EXPECT_NE(answer->response.body.find(endpoint.path), std::string::npos) << endpoint.path;
  }
}

TEST_F(AdminTest, ReadinessFollowsTheState) {
  EXPECT_EQ(Get("/healthz")->response.body, "ok\n");
  EXPECT_EQ(Get("/readyz")->response.status, 200);
  server_.state = ServerState::kDraining;
  EXPECT_EQ(Get("/readyz")->response.status, 503);
  EXPECT_EQ(Get("/readyz")->response.body, "draining\n");
  EXPECT_EQ(Get("/healthz")->response.status, 200);
  server_.state = ServerState::kStarting;
  EXPECT_EQ(Get("/readyz")->response.body, "starting\n");
}

TEST_F(AdminTest, HeadWorksWhereGetDoes) {
  const auto answer = Ask(admin_, {.method = "HEAD", .target = "/healthz"});
  EXPECT_EQ(answer->response.status, 200);
}

TEST_F(AdminTest, WhatIsNotThereIs404AndWrongMethodsAre405) {
  const auto missing = Get("/nothing");
  EXPECT_EQ(missing->response.status, 404);
  EXPECT_EQ(missing->json()["error"], "not_found");

  const auto reload = Get("/reload");
  EXPECT_EQ(reload->response.status, 405);
  EXPECT_EQ(reload->Header("allow"), "POST");
  EXPECT_EQ(reload->json()["error"], "method_not_allowed");
  EXPECT_EQ(Post("/healthz")->Header("allow"), "GET, HEAD");
  const auto logging = Ask(admin_, {.method = "DELETE", .target = "/logging"});
  EXPECT_EQ(logging->response.status, 405);
  EXPECT_EQ(logging->Header("allow"), "GET, HEAD, POST");
  EXPECT_TRUE(server_.reloads.empty());
}

TEST_F(AdminTest, AnswersAreNotToBeKept) {
  for (const char* target : {"/", "/healthz", "/nothing", "/server"}) {
    EXPECT_EQ(Get(target)->Header("cache-control"), "no-store") << target;
    EXPECT_EQ(Get(target)->Header("x-content-type-options"), "nosniff") << target;
  }
}

TEST_F(AdminTest, ProbesNeedNoTokenAndNothingElseDoesWithout) {
  admin_.SetAccess(Access(*config::ParseAddress("127.0.0.1:9901"), {"r"}, {"w"}));
  EXPECT_EQ(Get("/healthz")->response.status, 200);
  EXPECT_EQ(Get("/readyz")->response.status, 200);
  EXPECT_EQ(Post("/healthz")->response.status, 401);
  for (const Endpoint& endpoint : Endpoints()) {
    if (!endpoint.open) {
      const std::string method = endpoint.verb == Verb::kGet ? "GET" : "POST";
      const auto answer = Ask(admin_, {.method = method, .target = std::string(endpoint.path)});
      EXPECT_EQ(answer->response.status, 401) << endpoint.path;
      EXPECT_EQ(answer->Header("www-authenticate"), "Bearer realm=\"gatehouse admin\"");
    }
  }
  EXPECT_EQ(Get("/nothing")->response.status, 401);
  EXPECT_EQ(server_.drains + server_.quits, 0);
  EXPECT_TRUE(server_.reloads.empty());
}

TEST_F(AdminTest, ServerSaysWhatRuns) {
  server_.status.epoch = 7;
  server_.status.source = "gatehouse.yaml";
  const auto json = Get("/server")->json();
  EXPECT_EQ(json["version"], "1.2.3");
  EXPECT_EQ(json["state"], "serving");
  EXPECT_EQ(json["epoch"], 7);
  EXPECT_EQ(json["connections"], 7);
  EXPECT_EQ(json["streams"], 3);
  EXPECT_EQ(json["workers"].size(), 2u);
}

TEST_F(AdminTest, MetricsInBothFormats) {
  observe::MetricTable& table = server_.metrics.AddTable();
  table.Add(server_.metrics.Counter("gatehouse_a_total", "a"), 3);
  table.Add(server_.metrics.Counter("gatehouse_b_total", "b"), 4);
  const auto text = Get("/metrics");
  EXPECT_EQ(text->response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_NE(text->response.body.find("gatehouse_a_total 3\n"), std::string::npos);
  const auto json = Get("/stats?filter=_b_")->json();
  EXPECT_EQ(json, (nlohmann::json{{"gatehouse_b_total", 4}}));
}

TEST_F(AdminTest, ReloadAnswersWhenItIsDone) {
  const auto answer = Post("/reload");
  ASSERT_EQ(server_.reloads.size(), 1u);
  EXPECT_EQ(server_.reloads[0].first, "admin");
  EXPECT_EQ(answer->answered, 0);
  ReloadReport report = server_.status.last;
  report.epoch = 2;
  server_.reloads[0].second(report);
  EXPECT_EQ(answer->answered, 1);
  EXPECT_EQ(answer->response.status, 200);
  EXPECT_EQ(answer->json()["result"], "loaded");
  EXPECT_EQ(answer->json()["epoch"], 2);
}

TEST_F(AdminTest, AFailedReloadSaysWhatIsWrong) {
  const auto answer = Post("/reload");
  auto diagnostics = std::make_shared<config::Diagnostics>();
  diagnostics->AddFile("gatehouse.yaml");
  diagnostics->Error({0, 4, 9}, "routes[1].cluster", "there is no cluster \"user\"", "users");
  server_.reloads.at(0).second({.outcome = ReloadOutcome::kFailed,
                                .at = WallTime(std::chrono::milliseconds(1)),
                                .epoch = 1,
                                .trigger = "admin",
                                .error = "",
                                .diagnostics = diagnostics,
                                .restart_required = {"admin.address"}});
  EXPECT_EQ(answer->response.status, 422);
  const auto json = answer->json();
  EXPECT_EQ(json["result"], "failed");
  EXPECT_EQ(json["at"], "1970-01-01T00:00:00.001Z");
  EXPECT_EQ(json["errors"], 1);
  EXPECT_EQ(json["restart_required"][0], "admin.address");
  const auto& one = json["diagnostics"][0];
  EXPECT_EQ(one["file"], "gatehouse.yaml");
  EXPECT_EQ(one["line"], 4);
  EXPECT_EQ(one["column"], 9);
  EXPECT_EQ(one["path"], "routes[1].cluster");
  EXPECT_EQ(one["suggestion"], "users");
  EXPECT_EQ(one["severity"], "error");
}

TEST_F(AdminTest, ConfigStatusShowsTheLastAttempt) {
  server_.status.epoch = 3;
  server_.status.hash = "abc";
  server_.status.loaded = 3;
  server_.status.failed = 1;
  server_.status.last.outcome = ReloadOutcome::kFailed;
  server_.status.last.error = "can't read gatehouse.yaml: No such file or directory";
  const auto json = Get("/config/status")->json();
  EXPECT_EQ(json["epoch"], 3);
  EXPECT_EQ(json["loaded_at"], nullptr);
  EXPECT_EQ(json["attempts"]["failed"], 1);
  EXPECT_EQ(json["last"]["result"], "failed");
  EXPECT_EQ(json["last"]["error"], server_.status.last.error);
  EXPECT_EQ(Get("/config")->response.content_type, "text/yaml; charset=utf-8");
  EXPECT_EQ(Get("/config")->response.body, "version: 1\n");
}

TEST_F(AdminTest, ValidatesTheBody) {
  EXPECT_EQ(Post("/config/validate", "version: 1\n")->response.status, 200);
  const auto bad = Post("/config/validate", "bad: 1\n");
  EXPECT_EQ(bad->response.status, 422);
  EXPECT_EQ(bad->json()["valid"], false);
  EXPECT_EQ(bad->json()["diagnostics"][0]["line"], 3);
}

TEST_F(AdminTest, TheRouteTesterGetsTheWholeQuestion) {
  const auto answer =
      Get("/route?method=POST&url=http%3A%2F%2Fh%2Fp&header=a:1&header=b:+2&client_ip=10.0.0.1"
          "&identity=subject%3Da&identity=groups=b,c");
  EXPECT_EQ(answer->json()["route"], "users");
  EXPECT_EQ(server_.asked.method, "POST");
  EXPECT_EQ(server_.asked.url, "http://h/p");
  EXPECT_EQ(server_.asked.headers, (std::vector<std::string>{"a:1", "b: 2"}));
  EXPECT_EQ(server_.asked.client_ip, "10.0.0.1");
  EXPECT_EQ(server_.asked.identity, (std::vector<std::string>{"subject=a", "groups=b,c"}));
  EXPECT_EQ(Get("/route")->response.status, 400);
  EXPECT_EQ(Get("/route?url=nonsense")->json()["message"], "not a URL");
}

TEST_F(AdminTest, ChangesTheLogLevel) {
  EXPECT_EQ(Post("/logging?level=warning")->json()["level"], "warning");
  EXPECT_EQ(log::CurrentLevel(), log::Level::kWarning);
  EXPECT_EQ(Get("/logging")->json()["level"], "warning");
  EXPECT_EQ(Post("/logging?level=loud")->response.status, 400);
  EXPECT_EQ(Post("/logging")->response.status, 400);
  EXPECT_EQ(log::CurrentLevel(), log::Level::kWarning);
  log::SetLevel(log::Level::kInfo);
}

TEST_F(AdminTest, DrainAndQuitAreAnsweredBeforeTheyHappen) {
  EXPECT_EQ(Post("/drain")->response.status, 202);
  EXPECT_EQ(server_.drains, 1);
  EXPECT_EQ(Post("/quit")->response.status, 202);
  EXPECT_EQ(server_.quits, 1);
}

}  // namespace
}  // namespace gatehouse::admin
