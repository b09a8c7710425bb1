// SPDX-License-Identifier: Apache-2.0
#include "source/server/route_explain.h"

#include <gtest/gtest.h>

#include "test/server/loading.h"

namespace gatehouse::server {
namespace {

constexpr char kConfig[] = R"(listeners:
  - {name: web, address: 127.0.0.1:8080, filters: [log], trusted_proxies: [10.0.0.0/8]}
  - {name: internal, address: 127.0.0.1:8081, path: {encoded_slash: keep}}
filters:
  log: {type: access_log, path: stdout}
  max_body: {max_bytes: 1KiB}
  keys:
    type: api_key
    keys:
      - name: any
        sha256: 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b
  gate:
    type: rbac
    rules:
      - {name: ops, action: allow, groups: [ops], methods: [GET]}
      - {name: v2, action: allow, labels: {version: v2}, claims: {tenant: acme}}
      - {name: local, action: allow, client_ip: [192.0.2.0/24], hosts: [in.test]}
      - {name: trial, action: deny, dry_run: true, identity: {subject: bob}}
      - {name: me, action: allow, identity: {subject: [alice, bob], kind: api_key}}
clusters:
  users:
    endpoints:
      - {address: 10.0.0.1:9000, labels: {version: v1}}
      - {address: 10.0.0.2:9000, labels: {version: v2}}
  names: {endpoints: [users.internal:80]}
routes:
  - name: canary
    match: {host: api.example.com, path_prefix: /users, headers: {x-release: canary}}
    cluster: users
    labels: {version: v2}
  - name: users
    match: {host: api.example.com, path_prefix: /users}
    split: [{cluster: users, labels: {version: v1}, weight: 90}, {cluster: users, weight: 10}]
    rewrite: {strip_prefix: /users, host: users.internal}
    filters: [max_body]
  - {name: nobody, match: {path: /nobody}, cluster: users, labels: {version: v9}}
  - {name: names, match: {path: /names}, cluster: names}
  - {name: moved, match: {path: /old}, redirect: {path: /new, status: 308}}
  - {name: secure, match: {path: /secure}, redirect: {scheme: https}}
  - {name: ping, match: {path: /ping}, respond: {status: 200, body: pong}}
  - {name: office, match: {path: /office, client_ip: [192.0.2.0/24]}, respond: {status: 204}}
  - {name: gated, match: {path_prefix: /gated}, cluster: users, labels: {version: v2}, filters: [keys, gate]}
  - {name: late, match: {path: /late}, cluster: users, filters: [gate, keys]}
  - {name: open, match: {path: /open}, cluster: users, filters: [gate]}
  - {name: inside, match: {path_prefix: /in, listeners: [internal]}, respond: {status: 200}}
)";

// A question about `url` in which only some parts are given.
admin::RouteQuestion About(std::string url, std::vector<std::string> headers = {},
                           std::string client_ip = "", std::string listener = "") {
  return {"GET", std::move(url), std::move(headers), std::move(client_ip), std::move(listener), {}};
}

class RouteExplain : public ::testing::Test {
 protected:
  void SetUp() override {
    loaded_ = loading_.Load(kConfig);
    ASSERT_NE(loaded_->snapshot, nullptr) << loaded_->diagnostics.ToText();
  }
  nlohmann::ordered_json Ask(const admin::RouteQuestion& question) {
    auto answer = ExplainRequest(*loaded_->snapshot, question, "f.yaml");
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    return answer.value_or(nlohmann::ordered_json::object());
  }
  nlohmann::ordered_json Ask(const std::string& url, std::vector<std::string> headers = {}) {
    return Ask(About(url, std::move(headers)));
  }
  std::string Refusal(const admin::RouteQuestion& question) {
    const auto answer = ExplainRequest(*loaded_->snapshot, question, "f.yaml");
    return answer ? "understood" : answer.error().message;
  }

  Loading loading_;
  std::unique_ptr<LoadedConfig> loaded_;
};

TEST_F(RouteExplain, NamesListenerRouteFiltersAndCluster) {
  const auto answer = Ask("http://api.example.com/users/7", {"x-release: canary"});
  EXPECT_EQ(answer["listener"]["name"], "web");
  EXPECT_EQ(answer["route"]["name"], "canary");
  EXPECT_EQ(answer["route"]["at"], "f.yaml:27:5");
  ASSERT_EQ(answer["filters"].size(), 1u);
  EXPECT_EQ(answer["filters"][0]["name"], "log");
  EXPECT_EQ(answer["filters"][0]["type"], "access_log");
  const auto& arm = answer["forward"]["arms"][0];
  EXPECT_EQ(arm["cluster"], "users");
  EXPECT_EQ(arm["labels"]["version"], "v2");
  EXPECT_EQ(arm["endpoints"], 1);
  EXPECT_EQ(arm["of"], 2);
  EXPECT_EQ(answer["forward"]["path"], "/users/7");
  EXPECT_TRUE(answer["near_misses"].empty());
}

TEST_F(RouteExplain, TellsWhatCameNearAndWhatIsRewritten) {
  const auto answer = Ask("http://API.example.com.:80/users/7?a=b");
  EXPECT_EQ(answer["request"]["host"], "api.example.com");
  EXPECT_EQ(answer["route"]["name"], "users");
  EXPECT_EQ(answer["forward"]["path"], "/7");
  EXPECT_EQ(answer["forward"]["host"], "users.internal");
  EXPECT_EQ(answer["forward"]["arms"][0]["percent"], 90.0);
  ASSERT_FALSE(answer["near_misses"].empty());
  EXPECT_EQ(answer["near_misses"][0]["route"], "canary");
  EXPECT_NE(answer["near_misses"][0]["why"].get<std::string>().find("x-release is absent"),
            std::string::npos);
}

TEST_F(RouteExplain, AsTextForPeople) {
  EXPECT_EQ(ExplanationText(Ask("http://api.example.com/users/7?a=b")),
            R"(GET http://api.example.com/users/7?a=b from 127.0.0.1
  listener  web (127.0.0.1:8080)
  route     users (f.yaml:31:5)
  filters   log (access_log), max_body
  cluster   90% users with version=v1 (1 of 2 endpoints)
            10% users (2 endpoints)
  path      /7, rewritten
  host      users.internal
declared before it, and came near:
  canary (f.yaml:27:5): header x-release is absent, wanted "canary"
)");
}

TEST_F(RouteExplain, RedirectsAndAnswers) {
  EXPECT_EQ(Ask("http://x.example/old?a=b")["redirect"]["location"], "/new?a=b");
  EXPECT_EQ(Ask("http://x.example/secure")["redirect"]["location"], "https://x.example/secure");
  EXPECT_EQ(Ask("http://x.example/ping")["respond"]["bytes"], 4);
  EXPECT_EQ(Ask("/secure")["refused"]["status"], 400);
}

TEST_F(RouteExplain, NoRoute) {
  const auto answer = Ask("http://x.example/nothing");
  EXPECT_TRUE(answer["route"].is_null());
  EXPECT_EQ(answer["refused"]["status"], 404);
  EXPECT_EQ(answer["filters"].size(), 1u);
  EXPECT_NE(ExplanationText(answer).find("answer    404: no route matches"), std::string::npos);
}

TEST_F(RouteExplain, PathsAreNormalisedAsOnTheWay) {
  const auto answer = Ask("http://api.example.com/a/..//%75sers/7");
  EXPECT_EQ(answer["route"]["name"], "users");
  EXPECT_EQ(answer["request"]["path"], "/users/7");
  EXPECT_EQ(Ask("http://api.example.com/users/a%2fb")["refused"]["status"], 400);
  EXPECT_EQ(Ask("http://x.example:8081/in/a%2fb")["route"]["name"], "inside");
}

TEST_F(RouteExplain, ListenersByPortAndByName) {
  EXPECT_EQ(Ask("http://x.example:8081/in")["listener"]["name"], "internal");
  EXPECT_TRUE(Ask("http://x.example:8080/in")["route"].is_null());
  EXPECT_EQ(Ask(About("/in", {}, "", "internal"))["route"]["name"], "inside");
  const auto other = Ask("http://x.example:9999/in");
  EXPECT_EQ(other["listener"]["name"], "web");
  EXPECT_NE(other["notes"].dump().find("no listener has port 9999"), std::string::npos);
}

TEST_F(RouteExplain, TheClientIsWhomATrustedProxyNames) {
  admin::RouteQuestion question = About("/office", {"X-Forwarded-For: 192.0.2.7"});
  EXPECT_TRUE(Ask(question)["route"].is_null());
  question.client_ip = "10.1.2.3";
  EXPECT_EQ(Ask(question)["route"]["name"], "office");
  EXPECT_EQ(Ask(question)["request"]["client_ip"], "192.0.2.7");
}

TEST_F(RouteExplain, SaysWhenNoEndpointCanTakeIt) {
  EXPECT_NE(Ask("/nobody")["notes"].dump().find("carries the labels: answered with 503"),
            std::string::npos);
  EXPECT_NE(Ask("/names")["notes"].dump().find("not resolved here"), std::string::npos);
}

TEST_F(RouteExplain, TheHostLineWins) {
  EXPECT_EQ(Ask("http://127.0.0.1:8080/users", {"Host: api.example.com"})["route"]["name"],
            "users");
  EXPECT_EQ(Ask("/users", {"host:api.example.com"})["route"]["name"], "users");
}

TEST_F(RouteExplain, WhatCannotBeUnderstood) {
  EXPECT_EQ(Refusal(About("api.example.com/users")),
            "a URL begins with http://, https:// or /, as in http://api.example.com/users");
  EXPECT_EQ(Refusal(About("ftp://a/")), "a URL begins with http://, https:// or /");
  EXPECT_EQ(Refusal(About("")), "a URL begins with http://, https:// or /");
  EXPECT_EQ(Refusal(About("http://a b/")),
            "a URL has no spaces, control characters or non-ASCII letters: percent-encode them");
  EXPECT_EQ(Refusal(About("http://me@host/")), "\"me@host\" is not a host");
  EXPECT_EQ(Refusal(About("http:///a")), "the URL has no host");
  EXPECT_EQ(Refusal(About("/", {"no colon"})), "a header is 'name: value', got 'no colon'");
  EXPECT_EQ(Refusal(About("/", {}, "me")), "\"me\" is not an IP address");
  EXPECT_EQ(Refusal(About("/", {}, "", "wbe")), "there is no listener \"wbe\"");
  EXPECT_EQ(Refusal({"A B", "/", {}, "", "", {}}), "the method is not one word");
}

TEST_F(RouteExplain, JsonOfBytesThatAreNotUtf8) {
  const auto answer = Ask("http://api.example.com/users", {"x-release: \xff"});
  EXPECT_NE(ExplanationJson(answer).find("\"users\""), std::string::npos);
}

// What the filter `gate` makes of `question`.
std::string Gate(const nlohmann::ordered_json& answer) {
  return answer["filters"].back().value("explanation", "");
}

admin::RouteQuestion By(std::vector<std::string> identity, std::string url = "/gated") {
  admin::RouteQuestion out = About(std::move(url));
  out.identity = std::move(identity);
  return out;
}

TEST_F(RouteExplain, WhatFiltersMakeOfWhoIsCalling) {
  EXPECT_EQ(Gate(Ask(By({"groups=staff, ops"}))),
            "rule \"ops\" allows: method is GET, groups has ops");
  EXPECT_EQ(Gate(Ask(By({"claims.tenant=acme"}))),
            "rule \"v2\" allows: claims.tenant is acme, label version is v2");
  EXPECT_EQ(
      Gate(Ask(By({"subject=bob", "kind=api_key"}))),
      "rule \"trial\" has dry_run and would deny: subject is bob; rule \"me\" allows: subject is "
      "alice or bob, kind is api_key");
  EXPECT_EQ(Gate(Ask(By({"subject=bob"}))).substr(0, 48),
            "rule \"trial\" has dry_run and would deny: subject");
  const auto nobody = Ask("/gated");
  EXPECT_TRUE(nobody["identity"].is_null());
  EXPECT_FALSE(nobody["filters"][0].contains("explanation"));  // access_log has nothing to say.
  EXPECT_EQ(
      Gate(nobody),
      "no rule applies, so it denies; rule \"ops\" would allow if groups has ops (nobody is "
      "authenticated); rule \"v2\" would allow if claims.tenant is acme (nobody is "
      "authenticated); rule \"local\" would allow if host is in.test; rule \"me\" would allow if "
      "subject is alice or bob (nobody is authenticated)");
  admin::RouteQuestion local = About("http://in.test/gated", {}, "192.0.2.7");
  EXPECT_EQ(Gate(Ask(local)),
            "rule \"local\" allows: host is in.test, client_ip is in 192.0.2.0/24");
}

// As in a live gateway, who is calling is known from the filter on that finds it out.
TEST_F(RouteExplain, TheIdentityIsKnownBehindTheFilterThatFindsIt) {
  const auto known = Ask(By({"groups=ops", "subject=ann"}));
  EXPECT_EQ(known["filters"][1]["explanation"], "lets it in, as it is taken to be from \"ann\"");
  EXPECT_EQ(known["notes"].dump().find("finds out who"), std::string::npos);
  const auto late = Ask(By({"groups=ops"}, "/late"));
  EXPECT_EQ(late["filters"][1]["explanation"].get<std::string>().substr(0, 16), "no rule applies,");
  EXPECT_EQ(late["notes"].dump().find("finds out who"), std::string::npos);
  const auto open = Ask(By({"groups=ops"}, "/open"));
  EXPECT_EQ(Gate(open).substr(0, 16), "no rule applies,");
  EXPECT_EQ(open["notes"].back(),
            "no filter of this route finds out who is calling: to all of them it is nobody");
}

TEST_F(RouteExplain, TheIdentityIsInTheAnswer) {
  const auto answer = Ask(By({"subject=alice", "groups=a,b", "groups=c", "claims.r=1", "claims.r=2",
                              "claims.u=https://x/?a=b", "attributes.plan=gold", "filter=keys"}));
  EXPECT_EQ(answer["identity"], nlohmann::ordered_json::parse(R"({"subject": "alice", "kind": "jwt",
      "filter": "keys", "groups": ["a", "b", "c"],
      "claims": {"r": ["1", "2"], "u": ["https://x/?a=b"]}, "attributes": {"plan": ["gold"]}})"));
  const std::string text = ExplanationText(answer);
  EXPECT_NE(text.find("  identity  alice (jwt), groups: a, b, c\n"
                      "  filters   log (access_log), keys (api_key), gate (rbac)\n"
                      "            keys: lets it in, as it is taken to be from \"alice\"\n"
                      "            gate: no rule applies"),
            std::string::npos)
      << text;
}

TEST_F(RouteExplain, IdentitiesThatCannotBe) {
  EXPECT_EQ(Refusal(By({"alice"})),
            "an identity is made of FIELD=VALUE, such as subject=alice, got \"alice\"");
  EXPECT_EQ(Refusal(By({"user=alice"})),
            "identity: expected subject, kind, filter, groups, claims.NAME or attributes.NAME, got "
            "\"user\"");
  EXPECT_EQ(Refusal(By({"subject="})), "a subject is not empty");
  EXPECT_EQ(Refusal(By({"kind=token"})),
            "\"token\" is not a kind; one of: jwt, basic, api_key, forward_auth, "
            "client_certificate");
}

}  // namespace
}  // namespace gatehouse::server
