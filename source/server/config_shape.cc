// SPDX-License-Identifier: Apache-2.0
#include "source/server/config_shape.h"

#include <optional>
#include <string_view>

#include "source/server/config_loader.h"

namespace gatehouse::server {
namespace {

constexpr std::string_view kProcess = R"(version: 1
include: [gatehouse.d/*.yaml]
admin:
  address: 127.0.0.1:9901
  tokens: {read: ["${ADMIN_READ_TOKEN:-}"], write: ["${ADMIN_WRITE_TOKEN:-}"]}
  insecure: false
runtime:
  workers: 4
  drain_timeout: 1m
  shutdown_delay: 5s
  state_dir: data
  log_level: warning
  limits: {max_connections: 50000, max_accepts_per_turn: 16}
  dns: {servers: [10.0.0.2, "10.0.0.3:5353"], timeout: 500ms, min_ttl: 5s, max_ttl: 1m}
listeners:
  - name: web
    address: 0.0.0.0:8080
    protocols: [http/1.1, h2]
    tls:
      certificates:
        - {cert_file: /dev/null, key_file: /dev/null, key_passphrase: "", ocsp_file: /dev/null}
      strict_sni: true
      min_version: "1.2"
      max_version: "1.3"
      ciphers: [ECDHE-ECDSA-AES128-GCM-SHA256, TLS_AES_128_GCM_SHA256]
      groups: [X25519, P-256]
      client_auth:
        mode: require
        ca_file: /dev/null
        crl_file: /dev/null
        verify_depth: 2
      tickets: {rotate_every: 6h, key_files: [/dev/null]}
    proxy_protocol: false
    trusted_proxies: [10.0.0.0/8]
    forwarded: {mode: replace, real_ip: true, request_id: true}
    upgrades: [websocket]
    path: {merge_slashes: false, encoded_slash: keep}
    limits:
      max_connections: 5000
      max_header_bytes: 32KiB
      max_headers: 64
      max_streams: 256
      max_requests_per_connection: 100000
    timeouts: {request_headers: 5s, request_body_idle: 15s, idle: 2m, tunnel_idle: 30m}
)";

constexpr std::string_view kClusters = R"(clusters:
  users:
    endpoints:
      - 10.0.0.4:9001
      - {address: "users.internal:9001", weight: 2, labels: {version: v2}}
      - {address: "users-old.internal:9001", labels: {version: v1}}
    balance: {policy: least_request}
    limits: {max_connections: 256, max_pending: 64, max_requests: 512, max_streams: 50}
    timeouts: {connect: 1s, idle: 55s}
    protocol: http1
    tls:
      ca_file: /dev/null
      server_name: users.internal
      verify: true
      pinned_spki: ["sha256//47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="]
      crl_file: /dev/null
      cert_file: /dev/null
      key_file: /dev/null
      min_version: "1.2"
      max_version: "1.3"
      ciphers: [ECDHE-ECDSA-AES128-GCM-SHA256, TLS_AES_128_GCM_SHA256]
    circuit_breaker:
      error_ratio: 0.5
      error_count: 1000
      slow_after: 2s
      slow_ratio: 0.8
      min_requests: 50
      window: 30s
      open_for: 5s
      max_open_for: 2m
      jitter: 0.1
      half_open_requests: 5
      trial_timeout: 10s
      scope: labels
      errors: [5xx, connect_failure, timeout, reset, malformed, 429]
  orders:
    discovery: {dns: "orders.internal:9002"}
  auth:
    endpoints: [10.0.0.5:9003]
)";

constexpr std::string_view kRoutes = R"(routes:
  - match: {path: /healthz}
    respond:
      status: 200
      body: "ok\n"
      content_type: text/plain
      headers: {cache-control: no-store}
  - match: {path: /down}
    respond: {status: 503, body_file: /dev/null}
  - match: {path_prefix: /v1}
    redirect: {prefix: /v2, status: 308}
  - match: {path: /old}
    redirect: {scheme: https, host: www.example.com, port: 8443, path: /new, strip_query: true}
  - match: {path_regex: "/[a-z]+/[0-9]+\\.png"}
    cluster: orders
    rewrite: {path: /image}
  - name: users
    match:
      hosts: [api.example.com, "*.example.org"]
      path_prefix: /users
      methods: [GET, HEAD]
      headers:
        x-release: canary
        x-prefix: {prefix: v2}
        x-suffix: {suffix: .internal}
        x-contains: {contains: beta}
        x-regex: {regex: "v[0-9]+"}
        x-present: {present: false}
      query:
        debug: "1"
        prefix: {prefix: v2}
        suffix: {suffix: .internal}
        contains: {contains: beta}
        regex: {regex: "v[0-9]+"}
        present: {present: false}
      cookies:
        release: canary
        prefix: {prefix: v2}
        suffix: {suffix: .internal}
        contains: {contains: beta}
        regex: {regex: "v[0-9]+"}
        present: {present: false}
      client_ip: [10.0.0.0/8]
      scheme: https
      listeners: [web]
    cluster: users
    labels: {version: v2}
    rewrite:
      strip_prefix: /users
      prefix: /api
      host: users.internal
      headers: {set: {x-via: gatehouse}, add: {x-tag: a}, remove: [x-internal]}
    timeouts: {response_headers: 3s, idle: 30s, total: 2m}
    fallback: {when: [circuit_open, no_healthy, 503], cluster: orders, labels: {version: v1}}
  - match: {host: api.example.com}
    split:
      - {cluster: users, labels: {version: v1}, weight: 90}
      - {cluster: orders, weight: 10}
    fallback:
      when: [circuit_open, no_healthy, timeout, rate_limited, overloaded, reset, 5xx]
      status: 200
      headers: {cache-control: no-store}
      body: "[]"
      content_type: application/json
  - match: {path: /cached}
    cluster: orders
    fallback: {status: 200, body_file: /dev/null}
)";

// The filters of the catalog's examples, and their use: by a listener as they are, by a route with
// settings replaced, and skipped by another.
struct Filters {
  std::string definitions = "filters:\n";
  std::string names;
  std::string replaced;  // All settings, by a listener.
  std::string overrides;
  std::string skips;
  std::string authenticating;  // Names, for an any_of.
};

Filters FiltersOf(const pipeline::Catalog& catalog) {
  Filters out;
  for (const pipeline::FilterType& type : catalog.types()) {
    size_t count = 0;
    for (const std::string_view example : type.examples) {
      const std::string name = std::string(type.name) + "_" + std::to_string(++count);
      out.definitions.append("  ").append(name).append(": {type: ").append(type.name);
      out.definitions.append(", required: false, ").append(example).append("}\n");
      out.names.append(out.names.empty() ? "" : ", ").append(name);
      if (type.authenticates) {
        out.authenticating.append(out.authenticating.empty() ? "" : ", ").append(name);
      }
      out.skips.append("      - {skip: ").append(name).append("}\n");
      out.overrides.append("      - {use: ").append(name).append(", required: false}\n");
      out.replaced.append("      - {use: ").append(name).append(", ");
      out.replaced.append(example).append("}\n");
    }
  }
  return out;
}

}  // namespace

std::string FullConfig(const pipeline::Catalog& catalog) {
  const Filters filters = FiltersOf(catalog);
  std::string out(kProcess);
  out.append("    filters: [").append(filters.names).append("]\n");
  out.append("  - name: internal\n    address: 127.0.0.1:8081\n    filters:\n");
  out.append(filters.replaced);
  out.append("  - {name: plain, address: 127.0.0.1:8082}\n").append(filters.definitions);
  out.append(kClusters).append(kRoutes);
  out.append(
      "  - match: {path_prefix: /bare, listeners: [web, internal]}\n    cluster: orders\n    "
      "filters:\n");
  out.append(filters.overrides).append(filters.skips);
  out.append("  - match: {path_prefix: /named, listeners: [plain]}\n    cluster: orders\n");
  out.append("    filters: [").append(filters.names).append("]\n");
  if (!filters.authenticating.empty()) {
    out.append("  - match: {path_prefix: /either, listeners: [plain]}\n    cluster: orders\n");
    out.append("    filters:\n      - {any_of: [").append(filters.authenticating).append("]}\n");
  }
  return out;
}

config::Shape ShapeOfConfig(const pipeline::Catalog& catalog) {
  config::Shape out;
  LoadRequest request;
  request.name = "full.yaml";
  request.directory = "/dev/null/";  // Where nothing is that could be included.
  request.text = FullConfig(catalog);
  request.environment = [](std::string_view) { return std::optional<std::string>(); };
  request.catalog = &catalog;
  request.activate = false;
  request.want_effective = false;
  request.shape = &out;
  LoadConfig(request);
  return out;
}

}  // namespace gatehouse::server
