// SPDX-License-Identifier: Apache-2.0
#include "source/proxy/listener_config.h"

#include <gtest/gtest.h>

#include <chrono>

#include "source/config/document.h"

namespace gatehouse::proxy {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct Loaded {
  std::vector<LoadedListener> listeners;
  std::string text;  // Of the diagnostics.

  const ListenerSettings& only() const { return *listeners.at(0).settings; }
};

// `yaml` is a list of listeners.
Loaded Load(const std::string& yaml) {
  const config::Environment none = [](std::string_view) { return std::optional<std::string>(); };
  config::Diagnostics diagnostics;
  const auto document = config::Document::Parse("l.yaml", yaml, none, diagnostics);
  Loaded out;
  AddressBook addresses(diagnostics);
  out.listeners = LoadListeners(document->RootValue().List(), addresses);
  out.text = diagnostics.ToText();
  return out;
}

std::string Errors(const std::string& keys) {
  return Load("- {name: web, address: \":8080\", " + keys + "}\n").text;
}

bool Contains(const std::string& text, std::string_view what) {
  return text.find(what) != text.npos;
}

TEST(ListenerConfig, Defaults) {
  const Loaded loaded = Load("- {name: web, address: 127.0.0.1:8080}\n");
  EXPECT_EQ(loaded.text, "");
  const ListenerSettings defaults;
  EXPECT_EQ(loaded.only().name, "web");
  EXPECT_EQ(loaded.only().address.ToString(), "127.0.0.1:8080");
  EXPECT_EQ(loaded.only().forwarded, ForwardedMode::kAppend);
  EXPECT_EQ(loaded.only().max_connections, defaults.max_connections);
  EXPECT_EQ(loaded.only().idle_timeout, seconds(75));
  EXPECT_TRUE(loaded.listeners[0].filters.empty());
}

TEST(ListenerConfig, EveryKey) {
  const Loaded loaded = Load(R"(
- name: web
  address: "[::1]:8080"
  protocols: [http/1.1]
  proxy_protocol: true
  trusted_proxies: [10.0.0.0/8, "::1"]
  forwarded: {mode: replace, real_ip: true, request_id: true}
  upgrades: [websocket]
  path: {merge_slashes: false, encoded_slash: keep}
  limits: {max_connections: 1, max_header_bytes: 8KiB, max_headers: 2, max_requests_per_connection: 3}
  timeouts: {request_headers: 1s, request_body_idle: 2s, idle: 3s, tunnel_idle: 4h}
  filters: [a, {use: b}]
)");
  EXPECT_EQ(loaded.text, "");
  const ListenerSettings& settings = loaded.only();
  EXPECT_EQ(settings.address.ToString(), "[::1]:8080");
  ASSERT_EQ(settings.trusted_proxies.size(), 2u);
  EXPECT_TRUE(settings.trusted_proxies[0].Contains(*ParseIp("10.1.2.3")));
  EXPECT_EQ(settings.forwarded, ForwardedMode::kReplace);
  EXPECT_TRUE(settings.forward_real_ip);
  EXPECT_TRUE(settings.forward_request_id);
  EXPECT_TRUE(settings.codec.websocket);
  EXPECT_TRUE(settings.proxy_protocol);
  EXPECT_FALSE(settings.merge_slashes);
  EXPECT_EQ(settings.encoded_slash, EncodedSlash::kKeep);
  EXPECT_EQ(settings.max_connections, 1u);
  EXPECT_EQ(settings.codec.max_header_bytes, 8192u);
  EXPECT_EQ(settings.codec.max_headers, 2u);
  EXPECT_EQ(settings.max_requests_per_connection, 3u);
  EXPECT_EQ(settings.request_headers_timeout, seconds(1));
  EXPECT_EQ(settings.request_body_idle_timeout, seconds(2));
  EXPECT_EQ(settings.idle_timeout, seconds(3));
  EXPECT_EQ(settings.tunnel_idle_timeout, hours(4));
  EXPECT_EQ(loaded.listeners[0].filters.size(), 2u);
}

TEST(ListenerConfig, UnixSocketsAreAddresses) {
  const Loaded loaded = Load("- {name: web, address: \"unix:/run/gatehouse.sock\"}\n");
  EXPECT_EQ(loaded.text, "");
  EXPECT_EQ(loaded.only().address.ToString(), "unix:/run/gatehouse.sock");
}

TEST(ListenerConfig, WhatIsNotBuiltYetIsAnError) {
  EXPECT_TRUE(Contains(Errors("tls: {}"), "tls.certificates: is required"));
}

TEST(ListenerConfig, DuplicatesShowBothPlaces) {
  const Loaded loaded = Load(R"(- {name: web, address: ":8080"}
- {name: web, address: ":8081"}
- {name: other, address: "0.0.0.0:8080"}
)");
  EXPECT_EQ(loaded.text,
            "l.yaml:2:10: [1].name: the name \"web\" is taken by the listener at l.yaml:1:10\n"
            "l.yaml:3:26: [2].address: 0.0.0.0:8080 is taken by the listener \"web\" at "
            "l.yaml:1:24\n");
  EXPECT_EQ(loaded.listeners.size(), 3u);
}

TEST(ListenerConfig, MistakesLeaveUsableSettings) {
  const Loaded loaded = Load("- {name: web, address: nonsense, limits: {max_headers: many}}\n");
  EXPECT_TRUE(Contains(loaded.text, "\"nonsense\" has no port"));
  EXPECT_TRUE(Contains(loaded.text, "expected a whole number, got \"many\""));
  EXPECT_EQ(loaded.only().codec.max_headers, ListenerSettings().codec.max_headers);
}

}  // namespace
}  // namespace gatehouse::proxy
