// SPDX-License-Identifier: Apache-2.0
#include "source/server/effective.h"

#include <gtest/gtest.h>

#include "test/server/loading.h"

namespace gatehouse::server {
namespace {

std::string Effective(Loading& loading, const std::string& text) {
  const auto loaded = loading.Load(text);
  EXPECT_EQ(loaded->diagnostics.ToText(), "");
  return loaded->effective;
}

bool Contains(const std::string& text, const std::string& what) {
  return text.find(what) != text.npos;
}

TEST(Effective, WritesAllDefaultsOut) {
  Loading loading;
  EXPECT_EQ(Effective(loading, R"(
listeners: [{name: web, address: ":8080"}]
clusters: {users: {endpoints: [10.0.0.1:9000, {address: 10.0.0.2:9000}]}}
routes:
  - {cluster: users, match: {path: /a}}
  - {split: [{cluster: users}], match: {path: /b}}
  - {redirect: {path: /b}, match: {path: /c}}
  - respond: {body: "a\n"}
)"),
            R"(version: 1
runtime:
  workers: auto
  drain_timeout: 30s
  shutdown_delay: 0s
  state_dir: ""
  log_level: info
  limits: {max_connections: 0, max_accepts_per_turn: 64}
  dns: {servers: [], timeout: 2s, min_ttl: 1s, max_ttl: 5m}
listeners:
  - name: web
    address: ":8080"
    protocols: [http/1.1, h2]
    proxy_protocol: false
    trusted_proxies: []
    forwarded: {mode: append, real_ip: false, request_id: false}
    upgrades: []
    path: {merge_slashes: true, encoded_slash: reject}
    limits:
      max_connections: 20000
      max_header_bytes: 64KiB
      max_headers: 100
      max_streams: 128
      max_requests_per_connection: 0
    timeouts: {request_headers: 10s, request_body_idle: 30s, idle: 75s, tunnel_idle: 1h}
    filters: []
filters: {}
clusters:
  users:
    endpoints:
      - 10.0.0.1:9000
      - {address: 10.0.0.2:9000, weight: 1}
    balance: {policy: round_robin}
    limits: {max_connections: 1024, max_pending: 1024, max_requests: 4096, max_streams: 100}
    timeouts: {connect: 5s, idle: 1m}
    protocol: auto
routes:
  - cluster: users
    match: {path: /a}
    timeouts: {response_headers: 1m, idle: 1m, total: 0s}
    filters: []
  - split:
      - {cluster: users, weight: 1}
    match: {path: /b}
    timeouts: {response_headers: 1m, idle: 1m, total: 0s}
    filters: []
  - redirect: {path: /b, status: 302, strip_query: false}
    match: {path: /c}
  - respond: {body: "a\n", status: 200}
)");
}

// One configuration with every key, so that a default that is not what loaders take shows up.
constexpr char kEverything[] = R"(
version: 1
admin:
runtime: {workers: 2, log_level: debug, state_dir: "a b", dns: {min_ttl: 2s}}
listeners:
  - &web
    name: web
    address: "[::1]:8080"
    trusted_proxies: [10.0.0.0/8, "::1"]
    forwarded: {mode: "off"}
    path: {encoded_slash: keep}
    limits: {max_header_bytes: 1KiB}
    timeouts:
    upgrades: [websocket]
    filters: [log, {use: edit, request: {set: {x-a: "100%%"}}}]
  - {<<: *web, name: local, address: "unix:/tmp/a b.sock"}
filters:
  log: {type: access_log, template: "%METHOD% \"%PATH%\"\t$${x}"}
  edit: {type: headers, request: {set: {x-a: "%CLIENT_IP%", x-b: "# no comment: at all"}}}
clusters:
  users:
    endpoints: [{address: "10.0.0.1:9000", labels: {version: "1.10", empty: "", zone: a}}]
    balance: {policy: least_request}
  names: {discovery: {dns: "users.internal:80"}, protocol: http1}
routes:
  - name: "null"
    match:
      hosts: [a.example.com, "*.example.org"]
      path_regex: "/[a-z]+\\.(png|jpg)$"
      methods: [GET]
      headers: {x-a: "yes", x-b: {present: false}, x-c: {regex: ".*"}}
      query: {a: "~", b: "- c"}
      cookies: {d: "é\u0001\"'"}
      client_ip: [10.0.0.0/8]
      scheme: http
      listeners: [web]
    split: [{cluster: users, labels: {zone: a}, weight: 3}, {cluster: names}]
    rewrite: {prefix: /v2, headers: {set: {x-d: "a, b"}, remove: [x-e]}}
    timeouts: {total: 1m30s}
    filters: [{skip: log}]
  - {match: {path: /r}, redirect: {scheme: https, port: 8443, status: 308}}
  - {match: {path: /s}, respond: {status: 503, body: "a\nb\n", headers: {x-f: "{g}"}}}
  - {cluster: users}
)";

TEST(Effective, LoadsAgainToTheSame) {
  Loading loading;
  const auto first = loading.Load(kEverything);
  ASSERT_NE(first->snapshot, nullptr) << first->diagnostics.ToText();
  const auto again = loading.Load(first->effective);
  ASSERT_NE(again->snapshot, nullptr) << again->diagnostics.ToText() << first->effective;
  EXPECT_EQ(again->effective, first->effective);
  const proxy::Snapshot& a = *first->snapshot;
  const proxy::Snapshot& b = *again->snapshot;
  ASSERT_EQ(a.clusters.size(), b.clusters.size());
  for (size_t i = 0; i < a.clusters.size(); ++i) {
    EXPECT_EQ(a.clusters[i]->settings(), b.clusters[i]->settings());
  }
  ASSERT_EQ(a.listeners.size(), b.listeners.size());
  for (size_t i = 0; i < a.listeners.size(); ++i) {
    const proxy::ListenerSettings& x = *a.listeners[i].settings;
    const proxy::ListenerSettings& y = *b.listeners[i].settings;
    EXPECT_EQ(x.address, y.address);
    EXPECT_EQ(x.forwarded, y.forwarded);
    EXPECT_EQ(x.trusted_proxies.size(), y.trusted_proxies.size());
    EXPECT_EQ(x.encoded_slash, y.encoded_slash);
    EXPECT_EQ(x.merge_slashes, y.merge_slashes);
    EXPECT_EQ(x.max_connections, y.max_connections);
    EXPECT_EQ(x.codec.max_header_bytes, y.codec.max_header_bytes);
    EXPECT_EQ(x.idle_timeout, y.idle_timeout);
    EXPECT_EQ(x.tunnel_idle_timeout, y.tunnel_idle_timeout);
    EXPECT_EQ(x.request_headers_timeout, y.request_headers_timeout);
    EXPECT_EQ(x.codec.websocket, y.codec.websocket);
  }
  ASSERT_EQ(a.routes->routes().size(), b.routes->routes().size());
  for (size_t i = 0; i < a.routes->routes().size(); ++i) {
    EXPECT_EQ(a.routes->routes()[i]->timeouts.total, b.routes->routes()[i]->timeouts.total);
    EXPECT_EQ(a.routes->routes()[i]->timeouts.idle, b.routes->routes()[i]->timeouts.idle);
  }
  EXPECT_EQ(a.routes->routes()[0]->match.conditions->cookies[0].text, "é\x01\"'");
  EXPECT_EQ(b.routes->routes()[0]->match.conditions->cookies[0].text, "é\x01\"'");
  EXPECT_TRUE(again->admin.enabled);
}

TEST(Effective, LeavesSecretsOut) {
  Loading loading;
  loading.variables = {{"T", "s3cret"}, {"HOST", "10.0.0.9"}};
  const std::string text = Effective(loading, R"(
admin: {tokens: {read: ["${T}", "${NONE:-}"], write: [written-down, other]}}
listeners: [{name: web, address: ":8080", filters: [edit]}]
filters:
  edit:
    type: headers
    request: {set: {authorization: "Bearer ${T}", x-api-key: "${T}", x-host: "${HOST}", x-key: k}}
clusters: {users: {endpoints: ["${HOST}:9000"]}}
routes:
  - cluster: users
    match: {headers: {x-token: "${T}", x-from: "redis://me:pass@host:6379/0"}}
)");
  EXPECT_FALSE(Contains(text, "s3cret")) << text;
  EXPECT_FALSE(Contains(text, "written-down")) << text;
  EXPECT_FALSE(Contains(text, ":pass@")) << text;
  EXPECT_TRUE(Contains(text, "tokens: {read: [\"***\"], write: [\"***\"]}")) << text;
  EXPECT_TRUE(Contains(text, "authorization: \"***\"")) << text;
  EXPECT_TRUE(Contains(text, "x-host: 10.0.0.9")) << text;
  EXPECT_TRUE(Contains(text, "x-key: k")) << text;
  EXPECT_TRUE(Contains(text, "redis://me:***@host:6379/0")) << text;
  EXPECT_EQ(Effective(loading, text), text);
}

TEST(Effective, LeavesOutWhatStandsForPasswordsAndKeys) {
  Loading loading;
  const std::string hash = "$2y$04$nXeInEbEYfPf.pnUPi/iYeVQTEwpa5WeN2N0Ohp42Srt3CZ6wgrgO";
  const std::string digest = "689febd264f8b977e29c0fdb75f839eb248ba07d1561b14f2b95f42756943245";
  const std::string text = Effective(loading, R"(
listeners: [{name: web, address: ":8080", filters: [staff, {use: keys, keys: [{name: b, sha256: )" +
                                                  digest + R"(}]}]}]
filters:
  staff: {type: basic_auth, users: ["alice:)" + hash +
                                                  R"("]}
  keys: {type: api_key, keys: [{name: acme, sha256: )" +
                                                  digest + R"(}]}
routes:
  - {match: {path: /}, respond: {}, filters: [{skip: staff}]}
  - {respond: {}, filters: [{skip: keys}]}
)");
  EXPECT_FALSE(Contains(text, hash)) << text;
  EXPECT_FALSE(Contains(text, "689febd264f8")) << text;
  EXPECT_TRUE(Contains(text, "alice:***")) << text;
  EXPECT_TRUE(Contains(text, "{name: acme, sha256: \"***\"}")) << text;
  EXPECT_TRUE(Contains(text, "{name: b, sha256: \"***\"}")) << text;
}

TEST(Effective, QueriesOfWhatIsFetchedAreLeftOut) {
  Loading loading;
  const std::string out = Effective(loading, R"(
listeners: [{name: web, address: ":8080", filters: [a, b]}]
filters:
  a: {type: jwt, issuer: i, audiences: [a], jwks: {url: "http://127.0.0.1:1/keys?token=s3cret"}}
  b: {type: forward_auth, url: "http://127.0.0.1:1/verify?a=s3cret&b"}
routes: [{respond: {body: x}}]
)");
  EXPECT_FALSE(Contains(out, "s3cret")) << out;
  EXPECT_TRUE(Contains(out, "http://127.0.0.1:1/keys?***")) << out;
  EXPECT_TRUE(Contains(out, "http://127.0.0.1:1/verify?***")) << out;
  EXPECT_EQ(Effective(loading, out), out);
  // Loading refuses those with users; nobody may see them all the same.
  const auto nothing = [](std::string_view) { return std::optional<std::string>(); };
  const std::string user = EffectiveConfig(
      "filters: {a: {jwks: {url: \"http://me:s3cret@idp/keys\"}}, b: {url: \"s3cret@idp\"}}",
      nothing);
  EXPECT_FALSE(Contains(user, "s3cret")) << user;
  EXPECT_TRUE(Contains(user, "http://***@idp/keys")) << user;
}

TEST(Effective, WithoutTokensNoneAreMadeUp) {
  Loading loading;
  const std::string text = Effective(loading, R"(
admin: {tokens: {write: ["${NONE:-}"]}}
listeners: [{name: web, address: ":8080"}]
routes: [{respond: {}}]
)");
  EXPECT_TRUE(Contains(text, "tokens: {write: [], read: []}")) << text;
}

TEST(Effective, OfTheTextIsTheSame) {
  Loading loading;
  const auto nothing = [](std::string_view) { return std::optional<std::string>(); };
  EXPECT_EQ(EffectiveConfig(kEverything, nothing), Effective(loading, kEverything));
}

TEST(Effective, IsNotMadeOfAConfigurationWithMistakes) {
  Loading loading;
  EXPECT_EQ(loading.Load("listeners: []\n")->effective, "");
}

TEST(Effective, SecretsOfKeysAreLeftOutWhereverTheyComeFrom) {
  Loading loading;
  const std::string secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";
  const std::string out = Effective(loading, R"(
listeners: [{name: web, address: ":8080", filters: [a, b]}]
filters:
  a: {type: jwt, issuer: i, audiences: [a], jwks: {inline: {keys: [{kid: one, kty: oct, k: )" +
                                                 secret + R"(}]}}}
  b: {type: jwt, issuer: i, audiences: [a], jwks: {inline: '{"keys":[{"kty":"oct","k":")" +
                                                 secret + R"("}]}'}}
routes: [{respond: {body: x}}]
)");
  EXPECT_FALSE(Contains(out, secret)) << out;
  EXPECT_TRUE(Contains(out, "kid: one")) << out;
  EXPECT_TRUE(Contains(out, "inline: \"***\"")) << out;
}

}  // namespace
}  // namespace gatehouse::server
